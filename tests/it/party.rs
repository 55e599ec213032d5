//! The party register (党员名册): who stands on it, who may read it, and what is kept secret.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client};

mod floating;
mod roll;
mod transfer;
mod tree;

const BRANCH: &str = "party-140213066004-01";
const BESIDE: &str = "party-140213066004-02";
const ELSEWHERE: &str = "party-140213066001-01";
const SECRETARY: &str = "secretary.party-140213066004-01";
const COMMUNITY_OFFICER: &str = "community.140213066004";

/// An ID number that is right and nobody's: there is no province 99.
fn number(born: &str, sequence: u32) -> String {
    let digits = format!("990000{born}{sequence:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 =
        digits.bytes().zip(weights).map(|(digit, by)| u32::from(digit - b'0') * by).sum();
    let check =
        ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'][usize::try_from(sum % 11).unwrap()];
    format!("{digits}{check}")
}

fn member(name: &str, number: &str, branch: &str) -> Value {
    json!({"name": name, "id_number": number, "branch": branch, "ledger": "direct"})
}

async fn add(who: &Client, body: &Value) -> Answer {
    let key = format!("member-{:016x}", u64::from_be_bytes(infra::random::bytes()));
    who.request(Method::POST, "/party-members").key(&key).json(body).send().await
}

fn path(member: &Value) -> String {
    format!("/party-members/{}", member["id"].as_str().unwrap())
}

/// The name as it is kept; the interface shows it opened alone.
async fn sealed_name(app: &App, member: &Value) -> Vec<u8> {
    sqlx::query_scalar("select name_sealed from party_member where id = $1::uuid")
        .bind(member["id"].as_str().unwrap())
        .fetch_one(app.db())
        .await
        .unwrap()
}

/// A minute later, so that the history of a row has its order.
async fn patch(app: &App, who: &Client, member: &Value, body: Value) -> Answer {
    app.advance(chrono::TimeDelta::minutes(1));
    who.request(Method::PATCH, &path(member)).json(&body).send().await
}

#[tokio::test]
async fn a_member_is_added_once_and_shown_masked() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let full = number("19800101", 1);
    let mut body = member("王小芳", &full, BRANCH);
    body["phone"] = json!("138 0000 1234");
    body["skills"] = json!(["法律咨询", "法律咨询"]);
    let post = || secretary.request(Method::POST, "/party-members").key("the-first-member");
    let made = post().json(&body).send().await.expect(201);
    assert_eq!(made["name"], "王小芳");
    assert_eq!(made["id_number"], json!(format!("9****************{}", &full[17..])));
    assert_eq!(made["phone"], "138****1234");
    assert_eq!(
        (&made["age"], &made["sex"], &made["skills"]),
        (&json!(46), &json!("male"), &json!(["法律咨询"]))
    );
    assert_eq!((&made["colour_group"], &made["colour"]), (&json!("regular"), &json!("orange")));
    // The second tap gets the first answer; another body under the key is refused.
    assert_eq!(post().json(&body).send().await.expect(201), made);
    let other = member("王小芳", &number("19800101", 3), BRANCH);
    post().json(&other).send().await.refused(422, "idempotency_key_reused");

    // A list shows the first character alone, the keeper of the row the name, and nobody a number.
    let list = secretary.all("/party-members?q=王小芳").await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["name"], "王**");
    for keeper in [SECRETARY, COMMUNITY_OFFICER, "organiser"] {
        let seen = app.as_(keeper).get(&path(&made)).await.expect(200);
        assert_eq!((&seen["name"], &seen["own"]), (&json!("王小芳"), &json!(true)), "{keeper}");
    }
    let audited = app.as_("auditor").get(&path(&made)).await.expect(200);
    assert_eq!(audited["name"], "王**");
    assert_eq!((&audited["id_number"], &audited["phone"]), (&Value::Null, &Value::Null));

    // Inside the branch and above alone.
    for stranger in ["secretary.party-140213066004-02", "community.140213066001"] {
        app.as_(stranger).get(&path(&made)).await.refused(404, "not_found");
        assert!(app.as_(stranger).all("/party-members?q=王小芳").await.is_empty());
        add(&app.as_(stranger), &member("张三", "300001", BRANCH))
            .await
            .refused(422, "invalid_field");
    }
    for nobody in ["dispatcher", "leader", "subdistrict.140213066", "dept.housing", "sysadmin"] {
        app.as_(nobody).get("/party-members").await.refused(403, "forbidden");
    }
    app.resident("li").get("/party-members").await.refused(403, "forbidden");
    add(&app.as_("auditor"), &member("张三", "300001", BRANCH)).await.refused(403, "forbidden");
}

#[tokio::test]
async fn nobody_stands_there_twice() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let full = number("19800101", 1);
    add(&secretary, &member("王芳", &full, BRANCH)).await.expect(201);
    let again = member("王方", &full, BRANCH);
    add(&secretary, &again).await.refused(409, "party_number_there");
    // Another branch's secretary is told the same: numbers are unique over the whole register.
    let beside = app.as_("secretary.party-140213066004-02");
    add(&beside, &member("王芳", &full, BESIDE)).await.refused(409, "party_number_there");
    // The same name and six characters: only another full number makes another person.
    let tail = member("王芳", &full[12..], BRANCH);
    add(&secretary, &tail).await.refused(409, "party_match_there");
    add(&secretary, &member("演示党员1", "100001", BRANCH)).await.refused(409, "party_match_there");

    // Of two who come at once one stands, by the full number and by the six characters.
    for new in [number("19900101", 7), "400001".to_owned()] {
        let body = member("赵同时", &new, BRANCH);
        let officer = app.as_(COMMUNITY_OFFICER);
        let (one, two) = tokio::join!(add(&secretary, &body), add(&officer, &body));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{one} {two}");
    }
}

#[tokio::test]
async fn bad_forms_name_their_fields() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let bad = json!({"name": " ", "id_number": "110105194912310021", "branch": BRANCH,
        "phone": "1", "ledger": "floating"});
    let refused = add(&secretary, &bad).await;
    assert_eq!(refused.fields(), ["name", "id_number", "phone", "floating"]);
    for (branch, group) in [
        ("party-140213066004", None),
        ("party-140213066004-99", None),
        ("140213066004", None),
        (BRANCH, Some("party-140213066004-02-01")),
        (BRANCH, Some("party-140213066004")),
    ] {
        let mut body = member("张三", "300001", branch);
        body["group"] = json!(group);
        let refused = add(&secretary, &body).await;
        let field = if group.is_some() { "group" } else { "branch" };
        assert_eq!(refused.fields(), [field], "{branch} {group:?}: {refused}");
    }
    for group in ["party-140213066004-01-01", "party-140213066004-01-01-01"] {
        let mut body = member("张三", &format!("30000{}", group.len() % 10), BRANCH);
        body["group"] = json!(group);
        let made = add(&secretary, &body).await.expect(201);
        assert_eq!(made["group"]["code"], group);
    }
    for query in ["ledger=x", "colour=pink", "q=%01", "branch=文"] {
        secretary.get(&format!("/party-members?{query}")).await.refused(422, "invalid_field");
    }
}

#[tokio::test]
async fn something_is_put_right_with_its_version() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let made = add(&secretary, &member("王芳", "300001", BRANCH)).await.expect(201);
    assert_eq!(made["id_number_complete"], false);
    let body = json!({"rank": "section", "skills": ["书法"], "phone": "13800001234"});
    let stale = secretary.request(Method::PATCH, &path(&made)).version(7).json(&body);
    stale.send().await.refused(412, "version_mismatch");
    app.advance(chrono::TimeDelta::minutes(1));
    let request = secretary.request(Method::PATCH, &path(&made)).version(1).json(&body);
    let changed = request.send().await.expect(200);
    assert_eq!(
        (&changed["version"], &changed["rank"], &changed["bound"]),
        (&json!(2), &json!("section"), &json!(true))
    );
    assert_eq!(secretary.all("/party-members?q=13800001234").await.len(), 1);
    patch(&app, &secretary, &made, json!({"rank": "clerk"})).await.expect(200);
    let sealed = sealed_name(&app, &made).await;
    patch(&app, &secretary, &made, json!({"rank": "section"})).await.expect(200);
    assert_eq!(sealed_name(&app, &made).await, sealed, "nothing is sealed anew that stays");
    let cleared = patch(&app, &secretary, &made, json!({"phone": ""})).await.expect(200);
    assert_eq!(cleared["phone"], Value::Null);
    assert!(secretary.all("/party-members?q=13800001234").await.is_empty());
    assert_eq!(patch(&app, &secretary, &made, json!({})).await.status, 422);

    // The full number is filled in once; from then on it says sex and birth.
    let full = number("19800101", 2);
    let filled = patch(&app, &secretary, &made, json!({"id_number": full})).await.expect(200);
    assert_eq!((&filled["id_number_complete"], &filled["age"]), (&json!(true), &json!(46)));
    assert_eq!(secretary.all(&format!("/party-members?q={full}")).await.len(), 1);
    let other = json!({"id_number": number("19800101", 4)});
    patch(&app, &secretary, &made, other).await.refused(409, "party_number_fixed");
    let wrong = patch(&app, &secretary, &made, json!({"sex": "male"})).await;
    assert_eq!(wrong.fields(), ["sex"]);
    // Nobody else's number.
    let second = add(&secretary, &member("赵方", "300009", BRANCH)).await.expect(201);
    let taken = patch(&app, &secretary, &second, json!({"id_number": full})).await;
    taken.refused(409, "party_number_there");

    let renamed = patch(&app, &secretary, &made, json!({"name": "王方"})).await.expect(200);
    assert_eq!(renamed["name"], "王方");
    assert!(secretary.all("/party-members?q=王芳").await.is_empty());
    app.as_("secretary.party-140213066004-02")
        .request(Method::PATCH, &path(&made))
        .json(&json!({"rank": "clerk"}))
        .send()
        .await
        .refused(404, "not_found");

    // What happened is kept, in codes.
    let changes = secretary.all(&format!("{}/changes", path(&made))).await;
    let kinds: Vec<&str> = changes.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["changed", "changed", "changed", "changed", "changed", "changed", "added"]);
    assert_eq!(changes[0]["data"], json!({"fields": ["name"]}));
}

#[tokio::test]
async fn who_is_removed_may_come_again() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let body = member("王芳", &number("19800101", 1), BRANCH);
    let made = add(&secretary, &body).await.expect(201);
    let remove = format!("{}/remove", path(&made));
    let removed = secretary.post(&remove, json!({"reason": "moved_away"})).await.expect(200);
    assert_eq!(removed["removed_as"], "moved_away");
    secretary.post(&remove, json!({"reason": "died"})).await.refused(409, "party_member_removed");
    patch(&app, &secretary, &made, json!({"rank": "clerk"}))
        .await
        .refused(409, "party_member_removed");
    assert!(secretary.all("/party-members?q=王芳").await.is_empty());
    assert_eq!(secretary.all("/party-members?removed=true").await.len(), 1);
    add(&secretary, &body).await.expect(201);

    // The account of a member who is taken off is a party member no more.
    let organiser = app.as_("organiser");
    let roles = async || app.resident("party-1").get("/me").await.expect(200)["roles"].to_string();
    assert!(roles().await.contains("party_member"));
    let demo = organiser.all("/party-members?q=演示党员1 100001").await.remove(0);
    organiser
        .post(&format!("{}/remove", path(&demo)), json!({"reason": "expelled"}))
        .await
        .expect(200);
    app.advance(chrono::TimeDelta::minutes(11));
    assert!(!roles().await.contains("party_member"));
    let mine = app.resident("party-1").get("/me/party").await.expect(200);
    assert_eq!(mine["member"], Value::Null);
}

#[tokio::test]
async fn a_number_is_shown_with_a_reason_and_on_record() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let full = number("19800101", 1);
    let mut body = member("王芳", &full, BRANCH);
    body["phone"] = json!("13800001234");
    let made = add(&secretary, &body).await.expect(201);
    let unmask = format!("{}/unmask", path(&made));
    assert_eq!(secretary.post(&unmask, json!({"reason": " "})).await.fields(), ["reason"]);
    app.as_("auditor").post(&unmask, json!({"reason": "核对"})).await.refused(403, "forbidden");
    let stranger = app.as_("secretary.party-140213066004-02");
    stranger.post(&unmask, json!({"reason": "核对"})).await.refused(404, "not_found");
    let trail = "audit_entry where action = 'party.unmask'";
    assert_eq!(app.count(trail).await, 0);
    for _ in 0..2 {
        let seen = secretary.post(&unmask, json!({"reason": "核对介绍信"})).await.expect(200);
        assert_eq!((&seen["id_number"], &seen["phone"]), (&json!(full), &json!("13800001234")));
    }
    assert_eq!(app.count(trail).await, 2, "each look");
    let (object, data): (String, Value) = sqlx::query_as(
        "select object_id, data from audit_entry where action = 'party.unmask' limit 1",
    )
    .fetch_one(app.db())
    .await
    .unwrap();
    assert_eq!(
        (object.as_str(), data),
        (made["id"].as_str().unwrap(), json!({"reason": "核对介绍信"}))
    );
}

#[tokio::test]
async fn the_list_is_narrowed() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser");
    for (name, born, sequence, branch, ledger, health) in [
        ("甲", "19400101", 1, BRANCH, "retired", "good"),
        ("乙", "19800101", 2, BRANCH, "retired", "frail"),
        ("丙", "19800101", 3, BRANCH, "employed", "good"),
        ("丁", "19800101", 4, ELSEWHERE, "direct", "good"),
    ] {
        let mut body = member(name, &number(born, sequence), branch);
        (body["ledger"], body["health"]) = (json!(ledger), json!(health));
        body["skills"] = json!(["测试技能"]);
        add(&organiser, &body).await.expect(201);
    }
    let names = async |who: &str, query: &str| {
        let path = format!("/party-members?skill=测试技能&{query}");
        let rows = app.as_(who).all(&path).await;
        let mut names: Vec<String> =
            rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        names.concat()
    };
    assert_eq!(names("organiser", "").await, "丁丙乙甲");
    assert_eq!(names("auditor", "").await, "丁丙乙甲");
    assert_eq!(names(COMMUNITY_OFFICER, "").await, "丙乙甲");
    assert_eq!(names("organiser", &format!("branch={BRANCH}")).await, "丙乙甲");
    assert_eq!(names("organiser", "branch=party-140213066004").await, "丙乙甲");
    assert_eq!(names("organiser", "estate=140213066004001").await, "丙乙甲");
    assert_eq!(names("organiser", "ledger=retired").await, "乙甲");
    for (colour, wanted) in
        [("purple", "甲"), ("blue", "乙"), ("red", "丙"), ("orange", "丁"), ("green", "")]
    {
        assert_eq!(names("organiser", &format!("colour={colour}")).await, wanted, "{colour}");
    }
    // Each row carries the colour that it is found by.
    for row in organiser.all("/party-members?colour=purple").await {
        assert_eq!(row["colour"], "purple", "{row}");
    }
    // Rows of before are found by name and six characters; page by page all come once.
    assert_eq!(organiser.all("/party-members?q=演示党员1 100001").await.len(), 1);
    let all = organiser.all("/party-members?limit=3").await;
    let ids: BTreeSet<&str> = all.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!((all.len(), ids.len()), (24, 24), "20 of the demo, and these four");
}

#[tokio::test]
async fn the_colours_are_configuration() {
    let app = App::with(|config| {
        config.party.aged_from = 50;
        config.party.aged = domain::party::colour::Colour::Red;
        config.party.employed = domain::party::colour::Colour::Purple;
    })
    .await;
    let secretary = app.as_(SECRETARY);
    let made = add(&secretary, &member("王芳", &number("19700101", 1), BRANCH)).await.expect(201);
    assert_eq!((&made["colour_group"], &made["colour"]), (&json!("aged"), &json!("red")));
    assert!(!secretary.all("/party-members?colour=red&q=王芳").await.is_empty());
}

#[tokio::test]
async fn a_member_reads_the_own_row_alone() {
    let app = App::spawn().await;
    let mine = app.resident("party-1").get("/me/party").await.expect(200);
    assert_eq!(mine["member"]["name"], "演示党员1");
    assert_eq!(mine["member"]["registered"], true);
    // Whom no community has signed yet learns nothing of the register.
    let waiting = app.resident("party-11").get("/me/party").await.expect(200);
    assert_eq!(waiting["member"], Value::Null);
    app.resident("party-1").get(&path(&mine["member"])).await.refused(403, "forbidden");
    app.as_("organiser").get("/me/party").await.refused(403, "forbidden");
}

/// Whoever stands on the register no more is registered with no community either: the person, the
/// community and the work unit are told, and what the person still asked for is closed.
#[tokio::test]
async fn a_registration_ends_with_the_membership() {
    let app = App::spawn().await;
    app.advance(chrono::TimeDelta::minutes(1));
    let (organiser, person) = (app.as_("organiser"), app.resident("party-1"));
    let (officer, liaison) = (app.as_(COMMUNITY_OFFICER), app.as_("liaison.education"));
    let asked = json!({"kind": "move", "community_code": "140213066005", "reason": "搬家"});
    let change = person.post("/me/registration-changes", asked).await.expect(201);
    let year = "/registrations/results?year=2026";
    let counted = organiser.all(year).await.len();
    let demo = organiser.all("/party-members?q=演示党员1 100001").await.remove(0);
    let remove = format!("{}/remove", path(&demo));
    organiser.post(&remove, json!({"reason": "moved_away"})).await.expect(200);
    organiser
        .post(&remove, json!({"reason": "moved_away"}))
        .await
        .refused(409, "party_member_removed");

    let own = &person.all("/me/registrations").await[0];
    assert_eq!(own["status"], "ended", "{own}");
    let closed = format!("/registration-changes/{}", change["id"].as_str().unwrap());
    assert_eq!(officer.get(&closed).await.expect(200)["status"], "taken_back");
    officer
        .post(&format!("{closed}/decide"), json!({"approve": true}))
        .await
        .refused(409, "registration_change_step_refused");
    let receipts = liaison.all("/receipts").await;
    assert_eq!(receipts[0]["cause"], "removed");
    assert_eq!(receipts.iter().filter(|one| one["cause"] == "removed").count(), 1);
    assert_eq!(organiser.all(year).await.len(), counted - 1, "the year is no more of theirs");
    app.drain().await;
    let told = person.all("/notifications").await;
    assert_eq!(told[0]["kind"], "registration_ended");
    assert!(told[0]["text"].as_str().unwrap().contains("报到随之终止"), "{}", told[0]);
    assert_eq!(officer.all("/notifications").await[0]["kind"], "registration_ended");
    assert_eq!(liaison.all("/notifications").await[0]["kind"], "receipt_sent");
    let why: Value = sqlx::query_scalar("select data from event where kind = 'registration_ended'")
        .fetch_one(app.db())
        .await
        .unwrap();
    assert_eq!(why["removed_as"], "moved_away");

    // Whose registration ended before is taken off without more ado.
    let leaving = json!({"kind": "withdraw", "reason": "长期在外地"});
    let left = app.resident("party-2").post("/me/registration-changes", leaving).await.expect(201);
    let decide = format!("/registration-changes/{}/decide", left["id"].as_str().unwrap());
    officer.post(&decide, json!({"approve": true})).await.expect(200);
    let gone = organiser.all("/party-members?q=演示党员2 100002").await.remove(0);
    let gone = format!("{}/remove", path(&gone));
    organiser.post(&gone, json!({"reason": "moved_away"})).await.expect(200);
    let receipts = liaison.all("/receipts").await;
    assert_eq!(receipts.iter().filter(|one| one["cause"] == "removed").count(), 1);
    let counted = counted - 1;

    // Whoever comes back on the register registers anew.
    let body = json!({"community_code": "140213066004",
        "party_member": {"name": "演示党员1", "id_number_last6": "100001"}});
    let again = person.post("/registrations", body).await.expect(201);
    let sign = format!("/registrations/{}/sign", again["id"].as_str().unwrap());
    officer.post(&sign, json!({"accept": true})).await.refused(409, "not_on_register");
    add(&organiser, &member("演示党员1", "100001", BRANCH)).await.expect(201);
    officer.post(&sign, json!({"accept": true})).await.expect(200);
    assert_eq!(organiser.all(year).await.len(), counted);
}

/// An auditor reads the whole register; who is one beside another office changes no more by it.
#[tokio::test]
async fn an_auditor_keeps_nothing_of_the_register() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let elsewhere =
        add(&app.as_("organiser"), &member("赵迁", "300007", ELSEWHERE)).await.expect(201);
    let both = sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         select gen_random_uuid(), id, 'auditor', 'district', $2 from account where username = $1",
    )
    .bind(SECRETARY)
    .bind(app.now())
    .execute(app.db())
    .await;
    // Nobody keeps a register and audits it.
    let refused = both.unwrap_err();
    let constraint = refused.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("role_grant_separate"));
    secretary.get(&path(&elsewhere)).await.refused(404, "not_found");
    let auditor = app.as_("auditor");
    let seen = auditor.get(&path(&elsewhere)).await.expect(200);
    assert_eq!((&seen["name"], &seen["own"]), (&json!("赵*"), &json!(false)));
    patch(&app, &auditor, &elsewhere, json!({"rank": "clerk"})).await.refused(403, "forbidden");
    auditor
        .post(&format!("{}/unmask", path(&elsewhere)), json!({"reason": "核对"}))
        .await
        .refused(403, "forbidden");
}

/// Nothing that is read by others than the register's own desks holds a name, a number or a
/// telephone: events, the trail, the history of the rows, jobs, notifications.
#[tokio::test]
async fn nothing_leaks() {
    let app = App::spawn().await;
    let (secretary, officer) = (app.as_(SECRETARY), app.as_(COMMUNITY_OFFICER));
    let full = number("19800101", 1);
    let mut body = member("上官静好", &full, BRANCH);
    (body["phone"], body["rank"]) = (json!("13912345678"), json!("clerk"));
    let made = add(&secretary, &body).await.expect(201);
    patch(&app, &secretary, &made, json!({"name": "上官静女", "phone": "13912345679"}))
        .await
        .expect(200);
    let relist = json!({"ledger": "retired", "reason": "到龄退休"});
    secretary.post(&format!("{}/ledger", path(&made)), relist).await.expect(200);
    secretary.post(&format!("{}/unmask", path(&made)), json!({"reason": "核对"})).await.expect(200);
    let transfer = json!({"to_branch": BESIDE, "reason": "迁居"});
    let moved = secretary.post(&format!("{}/transfers", path(&made)), transfer).await.expect(201);
    let step = format!("/party-transfers/{}", moved["id"].as_str().unwrap());
    secretary.post(&format!("{step}/release"), json!({})).await.expect(200);
    officer.post(&format!("{step}/accept"), json!({})).await.expect(200);
    officer.post("/party-members/export", json!({"reason": "走访"})).await;
    app.drain().await;
    for table in
        ["event", "audit_entry", "party_member_change", "job", "notification", "party_transfer"]
    {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let text: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(app.db()).await.unwrap();
        for secret in ["上官", full.as_str(), &full[12..], "13912345678", "13912345679"] {
            assert!(!text.contains(secret), "{table} holds {secret}");
        }
    }
    // People's words stand in the trail, which ends some day, and in no history row.
    assert_eq!(app.count("party_member_change where data::text like '%到龄退休%'").await, 0);
    assert_eq!(app.count("audit_entry where data::text like '%到龄退休%'").await, 1);
    // The row itself holds them sealed.
    let text: String = sqlx::query_scalar("select string_agg(m::text, ' ') from party_member m")
        .fetch_one(app.db())
        .await
        .unwrap();
    for secret in ["上官", full.as_str(), "13912345679", "演示党员"] {
        assert!(!text.contains(secret), "the register holds {secret} in the open");
    }
}

#[tokio::test]
async fn the_database_holds_the_rules_too() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    add(&secretary, &member("王芳", &number("19800101", 1), BRANCH)).await.expect(201);
    for (sql, constraint) in [
        (
            "insert into party_member (id, name_sealed, number_sealed, match_index,
                 id_number_sealed, id_number_index, added_at)
             select gen_random_uuid(), name_sealed, number_sealed, match_index, id_number_sealed,
                 id_number_index, added_at
             from party_member where id_number_index is not null",
            "party_member_id_number",
        ),
        (
            "insert into party_member (id, name_sealed, number_sealed, match_index, added_at)
             select gen_random_uuid(), name_sealed, number_sealed, match_index, added_at
             from party_member where id_number_index is null limit 1",
            "party_member_match_once",
        ),
        ("update party_member set ledger = 'lost'", "party_member_ledger"),
        ("update party_member set rank = 'king'", "party_member_rank"),
        (
            "update party_member set id_number_sealed = null where id_number_index is not null",
            "party_member_full_number",
        ),
        ("update party_member set removed_as = 'died'", "party_member_removed"),
        (
            "update party_floating set other_branch = 'party-140213066004-02'",
            "party_floating_other",
        ),
        (
            "update party_floating set ended_on = since - 1, ended_by = (select id from account limit 1)",
            "party_floating_dates",
        ),
    ] {
        let refused = sqlx::query(sql).execute(app.db()).await.unwrap_err();
        assert_eq!(infra::postgres::violated(&refused), Some(constraint), "{refused}");
    }
    for sql in [
        "update party_member_change set kind = 'changed'",
        "delete from party_member_change",
        "truncate party_member_change",
    ] {
        let refused = sqlx::query(sql).execute(app.db()).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
}
