//! The score book: five inlets, a quarter settled by two, five working days of public notice, lock;
//! then only a correction in a later quarter. Seen inside the branch and above.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

const OFFICER: &str = "community.140213066004";
const SECRETARY: &str = "secretary.party-140213066004-01";
const OTHER: &str = "secretary.party-140213066004-02";
const BRANCH: &str = "party-140213066004-01";

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

async fn keyed(who: &Client, path: &str, key: &str, body: Value) -> Answer {
    who.request(Method::POST, path).key(key).json(&body).send().await
}

/// The row of the register that a demo member is.
async fn member(app: &App, name: &str) -> String {
    let account = app.resident(name).get("/me").await.ok()["id"].as_str().unwrap().to_owned();
    sqlx::query_scalar("select id::text from party_member where account_id::text = $1")
        .bind(account)
        .fetch_one(app.db())
        .await
        .expect("a member")
}

async fn enter(who: &Client, key: &str, member: &str, item: &str, on: &str) -> Answer {
    let body = json!({
        "member_id": member, "item": item, "happened_on": on, "words": "参加组织生活会",
    });
    keyed(who, "/score-entries", key, body).await
}

async fn accept(who: &Client, entry: &str, body: Value) -> Answer {
    who.post(&format!("/score-entries/{entry}/accept"), body).await
}

async fn chores(app: &App) {
    api::jobs::schedule::Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
}

async fn kinds(who: &Client) -> Vec<String> {
    let told = who.all("/notifications").await;
    told.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_quarter_is_entered_settled_noticed_and_locked() {
    let app = App::spawn().await;
    let (secretary, officer) = (app.as_(SECRETARY), app.as_(OFFICER));
    let (one, five) = (app.resident("party-1"), app.resident("party-5"));
    let first = member(&app, "party-1").await;

    // The branch records; somebody else accepts.
    let recorded = enter(&secretary, "an-entry-0001", &first, "meeting", "2026-09-20").await;
    let recorded = recorded.expect(201);
    assert_eq!(
        (&recorded["inlet"], &recorded["quarter"]),
        (&json!("branch_record"), &json!("2026Q3"))
    );
    let meeting = id(&recorded);
    accept(&secretary, &meeting, json!({})).await.refused(409, "score_own_entry");
    assert_eq!(accept(&officer, &meeting, json!({})).await.ok()["status"], "accepted");
    accept(&officer, &meeting, json!({})).await.refused(409, "score_step_refused");
    // The organisation enters; the secretary accepts.
    let entered =
        enter(&officer, "an-entry-0002", &first, "honour", "2026-09-01").await.expect(201);
    assert_eq!(entered["inlet"], "organisation");
    let honour = id(&entered);
    accept(&secretary, &honour, json!({})).await.ok();
    // The member declares, another reviews, a resident suggests.
    let own = json!({"inlet": "declaration", "happened_on": "2026-08-10", "words": "义务巡逻两晚"});
    let declared = id(&keyed(&one, "/me/score-entries", "an-entry-0003", own).await.expect(201));
    let refused = accept(&secretary, &declared, json!({})).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["item"]));
    app.drain().await;
    let told = secretary.all("/notifications").await;
    let asked = told.iter().find(|one| one["kind"] == "score_entered").expect("told of it");
    assert!(asked["text"].as_str().unwrap().contains("请认定"), "{asked}");
    let elsewhere = app.as_(OTHER).all("/notifications").await;
    assert!(elsewhere.iter().all(|one| one["kind"] != "score_entered"), "{elsewhere:?}");
    accept(&secretary, &declared, json!({"item": "service"})).await.ok();
    let review = json!({
        "inlet": "review", "named": "演示党员1", "happened_on": "2026-08-11", "words": "调解了邻里纠纷",
    });
    let reviewed =
        id(&keyed(&five, "/me/score-entries", "an-entry-0004", review).await.expect(201));
    let refused = accept(&secretary, &reviewed, json!({"item": "household"})).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["member_id"]));
    let chosen = json!({"item": "household", "member_id": first});
    accept(&secretary, &reviewed, chosen).await.ok();
    let suggestion = json!({
        "inlet": "suggestion", "named": "演示党员1", "community_code": COMMUNITY,
        "happened_on": "2026-08-12", "words": "送老人去医院",
    });
    let li = app.resident("li");
    let suggested = keyed(&li, "/me/score-entries", "an-entry-0005", suggestion).await.expect(201);
    assert!(suggested["branch"].is_null() && suggested["member_id"].is_null());
    let suggested = id(&suggested);
    secretary.get(&format!("/score-entries/{suggested}")).await.refused(404, "not_found");
    let chosen = json!({"item": "service", "member_id": first});
    accept(&officer, &suggested, chosen).await.ok();
    let theirs = li.all("/me/score-entries").await;
    assert_eq!(theirs[0]["status"], "accepted");
    assert!(theirs[0]["branch"].is_null(), "whose branch it is stays inside: {}", theirs[0]);
    for inside in ["item", "item_name", "points"] {
        assert!(theirs[0][inside].is_null(), "what it came to stays inside: {}", theirs[0]);
    }

    // 2 + 10 + 2 + 3 + 2.
    let book = one.get("/me/score-book?quarter=2026Q3").await.ok();
    assert_eq!((&book["points"], &book["name"]), (&json!(19), &json!("演****")));
    assert_eq!(book["entries"].as_array().unwrap().len(), 5);
    assert!(book["entries"][0]["submitted_by"].is_null(), "nobody learns who brought it");
    li.get("/me/score-book").await.refused(409, "score_not_member");
    let page = one.get("/me/score-book/page?quarter=2026Q3").await.ok();
    assert!(page.as_str().unwrap().contains("合计 19 分"), "{page}");

    // Proposed by the branch, published by another, when nothing waits.
    let propose = |quarter: &str| json!({"branch": BRANCH, "quarter": quarter});
    let early = secretary.post("/score-settlements", propose("2026Q4")).await;
    early.refused(409, "score_quarter_runs");
    app.as_(OTHER)
        .post("/score-settlements", propose("2026Q3"))
        .await
        .refused(422, "invalid_field");
    let settlement = secretary.post("/score-settlements", propose("2026Q3")).await.expect(201);
    secretary
        .post("/score-settlements", propose("2026Q3"))
        .await
        .refused(409, "score_settlement_proposed");
    let path = format!("/score-settlements/{}", id(&settlement));
    let waits =
        enter(&secretary, "an-entry-0006", &first, "absence", "2026-09-25").await.expect(201);
    let publish = format!("{path}/publish");
    officer.post(&publish, json!({})).await.refused(409, "score_settlement_entries_wait");
    let refuse = format!("/score-entries/{}/refuse", id(&waits));
    officer.post(&refuse, json!({"reason": "当天请过假"})).await.ok();
    let published = officer.post(&publish, json!({})).await.ok();
    assert_eq!(published["status"], "notice");
    assert_eq!(published["notice_until"], "2026-12-01T16:00:00Z", "24:00 of the fifth working day");
    let late = enter(&secretary, "an-entry-0007", &first, "meeting", "2026-09-26").await;
    late.refused(409, "score_quarter_closed");

    // Inside the branch it is read with masked names, outside not at all.
    app.drain().await;
    assert!(kinds(&one).await.contains(&"score_noticed".to_owned()));
    let notice = one.get(&path).await.ok();
    let lines = notice["lines"].as_array().unwrap();
    assert!(lines.iter().all(|line| line["member_id"].is_null()));
    assert!(lines.iter().all(|line| line["name"].as_str().unwrap().contains('*')), "{lines:#?}");
    let mine = lines.iter().find(|line| line["mine"] == true).unwrap();
    assert_eq!(mine["points"], 19);
    for outside in ["li", "party-2"] {
        app.resident(outside).get(&path).await.refused(404, "not_found");
    }
    app.as_(OTHER).get(&path).await.refused(404, "not_found");
    app.as_("auditor").get(&path).await.refused(403, "forbidden");

    // An objection holds the lock up until it is decided.
    let object = format!("{path}/objections");
    let against = json!({"entry_id": honour, "words": "这项表彰是去年的"});
    five.post(&object, against.clone()).await.ok();
    five.post(&object, against).await.refused(409, "score_settlement_objected");
    app.pass("2026-12-01T15:00:00Z").await;
    chores(&app).await;
    assert_eq!(officer.get(&path).await.ok()["status"], "notice", "the notice runs");
    app.pass("2026-12-01T17:00:00Z").await;
    chores(&app).await;
    let held = officer.get(&path).await.ok();
    assert_eq!((&held["status"], &held["open_objections"]), (&json!("notice"), &json!(1)));
    one.post(&object, json!({"words": "公示以后才看到"}))
        .await
        .refused(409, "score_settlement_notice_over");
    let decide = format!("/score-objections/{}/decide", id(&held["objections"][0]));
    let upheld = json!({"uphold": true, "reason": "经核对是去年的表彰"});
    officer.post(&decide, upheld.clone()).await.refused(409, "score_own_entry");
    app.as_("organiser").post(&decide, upheld.clone()).await.ok();
    app.as_("organiser").post(&decide, upheld).await.refused(409, "objection_decided");
    app.pass("2026-12-01T18:00:00Z").await;
    chores(&app).await;
    let locked = officer.get(&path).await.ok();
    assert_eq!(locked["status"], "locked");
    assert!(kinds(&five).await.contains(&"score_objection_decided".to_owned()));
    assert!(kinds(&one).await.contains(&"score_locked".to_owned()));
    assert_eq!(app.count("score_line").await, 1, "one member has entries");
    // What is shown from now on is what was locked, not what would be summed today.
    let sum = |view: &Value| {
        let lines = view["lines"].as_array().unwrap().clone();
        lines.iter().map(|line| line["points"].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!(sum(&locked), 9);
    for sql in [
        "alter table score_line disable trigger score_line_append_only",
        "update score_line set points = 8",
    ] {
        sqlx::query(sql).execute(app.db()).await.unwrap();
    }
    assert_eq!(sum(&officer.get(&path).await.ok()), 8);
    sqlx::query("alter table score_line enable trigger score_line_append_only")
        .execute(app.db())
        .await
        .unwrap();

    // After the lock nothing changes; the next quarter corrects.
    for statement in [
        "update score_entry set points = 9 where status = 'settled'",
        "update score_settlement set reason = 'x'",
        "update score_line set points = 9",
        "delete from score_entry",
        "insert into score_entry select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid()))).*
             from score_entry e where status = 'settled' limit 1",
    ] {
        sqlx::query(statement).execute(app.db()).await.expect_err(statement);
    }
    let correct = |on: &str, points: i32| {
        json!({"member_id": first, "corrects": meeting, "points": points, "happened_on": on,
            "words": "当天实际没有参加"})
    };
    let same =
        keyed(&secretary, "/score-entries", "an-entry-0008", correct("2026-09-28", -2)).await;
    assert!(matches!(same.code(), "score_quarter_closed" | "score_same_quarter"), "{same}");
    let made =
        keyed(&secretary, "/score-entries", "an-entry-0009", correct("2026-12-01", -2)).await;
    let made = made.expect(201);
    assert_eq!((&made["corrects"], &made["quarter"]), (&json!(meeting), &json!("2026Q4")));
    let twice =
        keyed(&secretary, "/score-entries", "an-entry-0010", correct("2026-12-01", -2)).await;
    twice.refused(409, "score_corrected");
    accept(&officer, &id(&made), json!({})).await.ok();
    assert_eq!(one.get("/me/score-book?quarter=2026Q4").await.ok()["points"], -2);
    let book = officer.get(&format!("/score-books/{first}?quarter=2026Q3")).await.ok();
    assert_eq!((&book["points"], &book["settlement"]), (&json!(9), &json!("locked")));
    assert_eq!(book["name"], "演示党员1");
    assert_eq!(app.count("audit_entry where action = 'score.book_seen'").await, 1);
    let sheet = officer.get(&format!("{path}/sheet")).await;
    assert_eq!(sheet.status, 200);
    one.get(&format!("{path}/sheet")).await.refused(403, "forbidden");
}

#[tokio::test]
async fn publishing_twice_at_once_publishes_once() {
    let app = App::spawn().await;
    let body = json!({"branch": BRANCH, "quarter": "2026Q3"});
    let settlement = app.as_(SECRETARY).post("/score-settlements", body.clone()).await.expect(201);
    let path = format!("/score-settlements/{}", id(&settlement));
    let officer = app.as_(OFFICER);
    officer.token().await;
    let publish = format!("{path}/publish");
    let taps = (0..4).map(|_| officer.post(&publish, json!({})));
    let answers = join_all(taps).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    // One who proposes does not publish; a quarter that was sent back may be proposed anew.
    let again = json!({"branch": BRANCH, "quarter": "2026Q2"});
    let own = officer.post("/score-settlements", again.clone()).await.expect(201);
    let path = format!("/score-settlements/{}", id(&own));
    officer.post(&format!("{path}/publish"), json!({})).await.refused(409, "own_settlement");
    let organiser = app.as_("organiser");
    organiser.post(&format!("{path}/send-back"), json!({"reason": "请支部核对"})).await.ok();
    officer.post("/score-settlements", again).await.expect(201);
}

#[tokio::test]
async fn a_suggestion_is_no_oracle_and_its_words_stand_nowhere() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut seen = Vec::new();
    for (number, name) in ["演示党员1", "李不在册"].into_iter().enumerate() {
        let body = json!({
            "inlet": "suggestion", "named": name, "community_code": COMMUNITY,
            "happened_on": "2026-11-20", "words": "独一无二的事由",
        });
        let key = format!("a-suggestion-{number:02}");
        let mut view = keyed(&li, "/me/score-entries", &key, body).await.expect(201);
        for own in ["id", "submitted_at", "named"] {
            view[own] = Value::Null;
        }
        seen.push(view);
    }
    assert_eq!(seen[0], seen[1]);
    app.drain().await;
    for table in ["event", "audit_entry", "score_entry", "job", "notification"] {
        for secret in ["独一无二的事由", "李不在册", "演示党员1"] {
            let found = app.count(&format!("{table} where {table}::text like '%{secret}%'")).await;
            assert_eq!(found, 0, "{table} tells {secret}");
        }
    }
    let own = json!({"inlet": "declaration", "happened_on": "2026-11-20", "words": "做了好事"});
    keyed(&li, "/me/score-entries", "a-suggestion-09", own).await.refused(409, "score_not_member");
    let odd = json!({"inlet": "organisation", "happened_on": "2027-01-01", "words": ""});
    let refused = keyed(&li, "/me/score-entries", "a-suggestion-10", odd).await;
    assert_eq!(refused.fields(), ["inlet", "happened_on", "words"]);
}

#[tokio::test]
async fn a_catalogue_begins_with_a_quarter_to_come() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser");
    let item = json!({"code": "meeting", "name": "参加支部组织生活", "points": 3, "cap": 12});
    let version = |name: &str, from: &str| json!({"version": name, "title": "新版", "valid_from": from, "items": [item]});
    let early = organiser.post("/score-catalogues", version("score-2026.4", "2026Q4")).await;
    early.refused(409, "score_catalogue_too_early");
    let made = organiser.post("/score-catalogues", version("score-2027.1", "2027Q1")).await;
    assert_eq!(made.expect(201).as_array().unwrap().len(), 2);
    let again = organiser.post("/score-catalogues", version("score-2027.1", "2027Q2")).await;
    again.refused(409, "score_catalogue_taken");
    app.as_(OFFICER)
        .post("/score-catalogues", version("score-2027.2", "2027Q2"))
        .await
        .refused(403, "forbidden");
    let first = member(&app, "party-1").await;
    let secretary = app.as_(SECRETARY);
    let now = enter(&secretary, "an-entry-0001", &first, "meeting", "2026-11-20").await.expect(201);
    assert_eq!(now["points"], 2, "the quarter keeps its version");
    let unknown = enter(&secretary, "an-entry-0002", &first, "nothing", "2026-11-20").await;
    unknown.refused(422, "score_no_item");
    let foreign = member(&app, "party-2").await;
    let other = enter(&secretary, "an-entry-0003", &foreign, "meeting", "2026-11-20").await;
    other.refused(422, "score_no_subject");
}
