//! Households in difficulty: registered with consent, paired, visited; seen by nobody else.

use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

const OFFICER: &str = "community.140213066004";
const FOREIGN: &str = "community.140213066001";
const NAME: &str = "欧阳演示";
const ADDRESS: &str = "文兴家园 3 号楼 2 单元 201";
const SITUATION: &str = "行动不便，子女在外地";

fn body() -> Value {
    json!({
        "community_code": COMMUNITY, "category": "elderly_alone", "name": NAME, "address": ADDRESS,
        "phone": "13800009001", "situation": SITUATION, "consented_on": "2026-11-20",
    })
}

async fn keyed(who: &Client, path: &str, key: &str, body: &Value) -> Answer {
    who.request(Method::POST, path).key(key).json(body).send().await
}

async fn household(app: &App, key: &str, name: &str) -> String {
    let mut body = body();
    body["name"] = json!(name);
    id(&keyed(&app.as_(OFFICER), "/households", key, &body).await.expect(201))
}

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

async fn account(who: &Client) -> Value {
    who.get("/me").await.ok()["id"].clone()
}

async fn pair(app: &App, household: &str, who: &Client) -> String {
    let body = json!({ "account": account(who).await, "until": "2027-11-30" });
    let path = format!("/households/{household}/pairings");
    id(&app.as_(OFFICER).post(&path, body).await.expect(201))
}

async fn paired(app: &App, household: &str, who: &Client) -> String {
    let pairing = pair(app, household, who).await;
    who.post(&format!("/pairings/{pairing}/accept"), json!({})).await.ok();
    pairing
}

fn seen(done: &str) -> Value {
    json!({ "kind": "visit", "visited_at": "2026-11-23T02:00:00Z", "needed": "暖气不热", "done": done })
}

#[tokio::test]
async fn a_household_is_registered_once_and_found_by_its_community_alone() {
    let app = App::spawn().await;
    let officer = app.as_(OFFICER);
    officer.token().await;
    let taps = (0..6)
        .map(|_| async { keyed(&officer, "/households", "one-and-the-same-key", &body()).await });
    let answers = join_all(taps).await;
    let ids: Vec<String> = answers.into_iter().map(|answer| id(&answer.expect(201))).collect();
    assert!(ids.iter().all(|one| *one == ids[0]), "one effect: {ids:?}");
    // The same household again, written a little differently, under another key.
    let mut again = body();
    again["address"] = json!("文兴家园3号楼2单元201");
    let refused = keyed(&officer, "/households", "another-key-0001", &again).await;
    refused.refused(409, "household_registered");
    officer.post("/households", body()).await.refused(400, "idempotency_key_required");
    let mut elsewhere = body();
    elsewhere["community_code"] = json!("140213066001");
    let refused = keyed(&officer, "/households", "another-key-0002", &elsewhere).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["community_code"]));
    let mut nobody = body();
    (nobody["name"], nobody["account"]) = (json!("别人"), json!(ids[0]));
    let refused = keyed(&officer, "/households", "another-key-0003", &nobody).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["account"]));

    let listed = officer.all("/households").await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["name"], "欧***");
    assert_eq!(listed[0]["phone"], "138****9001");
    assert!(listed[0]["address"].is_null() && listed[0]["situation"].is_null());
    let path = format!("/households/{}", ids[0]);
    let whole = officer.get(&path).await.ok();
    assert_eq!((&whole["name"], &whole["address"]), (&json!(NAME), &json!(ADDRESS)));
    assert_eq!(app.count("audit_entry where action = 'household.seen'").await, 1);

    let foreign = app.as_(FOREIGN);
    assert!(foreign.all("/households").await.is_empty());
    foreign.get(&path).await.refused(404, "not_found");
    app.resident("li").get(&path).await.refused(404, "not_found");
    assert!(app.resident("li").all("/households").await.is_empty());
    for who in ["organiser", "dispatcher", "auditor"] {
        app.as_(who).get(&path).await.refused(403, "forbidden");
    }
    let stale = officer.request(Method::PUT, &path).version(9).json(&body()).send().await;
    stale.refused(412, "version_mismatch");
    let mut changed = body();
    changed["category"] = json!("serious_illness");
    let put = officer.request(Method::PUT, &path).version(1).json(&changed).send().await.ok();
    assert_eq!((&put["category"], &put["version"]), (&json!("serious_illness"), &json!(2)));
}

#[tokio::test]
async fn nobody_looks_after_a_household_of_their_own() {
    let app = App::spawn().await;
    let (officer, li) = (app.as_(OFFICER), app.resident("li"));
    let home = household(&app, "a-household-0009", NAME).await;
    let pairing = paired(&app, &home, &li).await;
    let audited = "audit_entry where object = 'household_pairing'";
    assert_eq!(app.count(audited).await, 2, "asked, and agreed");
    let mut own = body();
    own["account"] = account(&li).await;
    let path = format!("/households/{home}");
    let put = async |body: &Value| officer.request(Method::PUT, &path).json(body).send().await;
    put(&own).await.refused(409, "own_household");
    let end = json!({ "reason": "家庭成员另有安排" });
    officer.post(&format!("/pairings/{pairing}/end"), end).await.ok();
    put(&own).await.ok();
}

#[tokio::test]
async fn whoever_agrees_sees_the_household_and_visits_it() {
    let app = App::spawn().await;
    let (officer, li) = (app.as_(OFFICER), app.resident("li"));
    let home = household(&app, "a-household-0001", NAME).await;
    let path = format!("/households/{home}");
    let pairing = pair(&app, &home, &li).await;
    app.drain().await;
    let told = li.all("/notifications").await;
    assert_eq!(told[0]["kind"], "pairing_proposed");
    assert_eq!(told[0]["pairing_id"], pairing.as_str());
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.contains("文兴社区") && !text.contains(NAME), "{text}");

    // Before the answer: masked. After it: whole, and on record.
    let masked = li.get(&path).await.ok();
    assert_eq!((&masked["name"], &masked["whole"]), (&json!("欧***"), &json!(false)));
    assert!(masked["address"].is_null());
    let visits = format!("/pairings/{pairing}/visits");
    let early = keyed(&li, &visits, "a-visit-000000", &seen("送去米面")).await;
    early.refused(409, "pairing_step_refused");
    li.post(&format!("/pairings/{pairing}/accept"), json!({})).await.ok();
    li.post(&format!("/pairings/{pairing}/accept"), json!({}))
        .await
        .refused(409, "pairing_step_refused");
    assert_eq!(li.get(&path).await.ok()["address"], ADDRESS);

    let first = keyed(&li, &visits, "a-visit-000001", &seen("送去米面")).await.expect(201);
    let repeated = keyed(&li, &visits, "a-visit-000001", &seen("送去米面")).await.expect(201);
    assert_eq!(first, repeated);
    let mut right = seen("送去米面和药");
    right["corrects"] = first["id"].clone();
    let corrected = keyed(&li, &visits, "a-visit-000002", &right).await.expect(201);
    right["done"] = json!("第三种说法");
    keyed(&li, &visits, "a-visit-000003", &right).await.refused(422, "visit_missing");
    let log = officer.all(&format!("{path}/visits")).await;
    assert_eq!(log.len(), 2);
    let old = log.iter().find(|visit| visit["id"] == first["id"]).unwrap();
    assert_eq!(old["corrected_by"], corrected["id"]);
    assert!(officer.all("/households?unvisited_days=30").await.is_empty());

    // A need became an appeal: only one's own can be named.
    let case = app.submitted().await;
    let mut linked = seen("代为提交诉求");
    linked["complaint_id"] = json!(case.id);
    let answer = keyed(&li, &visits, "a-visit-000004", &linked).await;
    assert_eq!(answer.expect(201)["complaint_id"], json!(case.id));
    let other = app.resident("wang").submit(&crate::support::complaint()).await;
    linked["complaint_id"] = json!(other.id);
    keyed(&li, &visits, "a-visit-000005", &linked).await.refused(422, "visit_complaint");

    // Others see nothing of it.
    let wang = app.resident("wang");
    for path in [&path, &format!("{path}/visits"), &format!("/pairings/{pairing}")] {
        wang.get(path).await.refused(404, "not_found");
        app.as_(FOREIGN).get(path).await.refused(404, "not_found");
    }
    keyed(&wang, &visits, "a-visit-000006", &seen("冒充")).await.refused(404, "not_found");
    let counts = app.as_("organiser").get("/household-counts").await.ok();
    let expected = json!([{
        "community_code": COMMUNITY, "community_name": "文兴社区",
        "households": 1, "paired": 1, "visited": 1,
    }]);
    assert_eq!(counts, expected);
    app.as_("organiser").get("/households").await.refused(403, "forbidden");

    // It ends, and with it the sight of the household.
    officer.post(&format!("/pairings/{pairing}/end"), json!({"reason": "到期调整"})).await.ok();
    li.get(&path).await.refused(404, "not_found");
    app.drain().await;
    let told = &li.all("/notifications").await[0];
    assert_eq!(told["kind"], "pairing_ended");
    assert!(told["text"].as_str().unwrap().contains("到期调整"), "{told}");
}

#[tokio::test]
async fn one_person_looks_after_so_many_also_when_all_are_accepted_at_once() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut paths = Vec::new();
    for number in 0..5 {
        let home =
            household(&app, &format!("a-household-{number:04}"), &format!("演示{number}")).await;
        let pairing = pair(&app, &home, &li).await;
        paths.push(format!("/pairings/{pairing}/accept"));
    }
    let answers = join_all(paths.iter().map(|path| li.post(path, json!({})))).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken, 3, "{answers:?}");
    let refused = answers.into_iter().find(|answer| answer.status != 200).unwrap();
    refused.refused(409, "pairing_limit");
}

#[tokio::test]
async fn a_visit_that_is_due_is_called_to_mind_once() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let home = household(&app, "a-household-0001", NAME).await;
    let pairing = paired(&app, &home, &li).await;
    let due = async || {
        app.drain().await;
        let told = li.all("/notifications").await;
        told.iter().filter(|one| one["kind"] == "visit_due").count()
    };
    let run = async || {
        let mut schedule = api::jobs::schedule::Schedule::default();
        schedule.enqueue_due(app.state(), true).await;
        due().await
    };
    assert_eq!(run().await, 0);
    app.advance(TimeDelta::days(30));
    assert_eq!(run().await, 1, "30 days without a visit");
    app.advance(TimeDelta::days(1));
    assert_eq!(run().await, 1, "of one due day, once");
    let visited_at = app.now() - TimeDelta::hours(1);
    let visit = json!({ "kind": "phone", "visited_at": visited_at, "done": "电话问候" });
    let visits = format!("/pairings/{pairing}/visits");
    keyed(&li, &visits, "a-visit-000001", &visit).await.expect(201);
    app.advance(TimeDelta::days(30));
    assert_eq!(run().await, 2, "and again, another 30 days later");
    let unvisited = app.as_(OFFICER).all("/households?unvisited_days=29").await;
    assert_eq!(unvisited.len(), 1, "the community sees it too");
    app.advance(TimeDelta::days(365));
    run().await;
    let ended = li.get(&format!("/pairings/{pairing}")).await.ok();
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("ended"), &Value::Null));
}

#[tokio::test]
async fn closing_a_household_ends_what_is_open() {
    let app = App::spawn().await;
    let (officer, li, wang) = (app.as_(OFFICER), app.resident("li"), app.resident("wang"));
    let home = household(&app, "a-household-0001", NAME).await;
    let active = paired(&app, &home, &li).await;
    let asked = pair(&app, &home, &wang).await;
    let twice = json!({ "account": account(&wang).await, "until": "2027-11-30" });
    let pairings = format!("/households/{home}/pairings");
    officer.post(&pairings, twice.clone()).await.refused(409, "household_paired");
    let both =
        json!({ "account": account(&wang).await, "registration_id": home, "until": "2027-11-30" });
    assert_eq!(officer.post(&pairings, both).await.fields(), ["account"]);
    let early = json!({ "account": account(&wang).await, "until": "2026-11-24" });
    officer.post(&pairings, early).await.refused(422, "pairing_term");
    let close = format!("/households/{home}/close");
    officer.post(&close, json!({ "reason": "已脱困" })).await.ok();
    officer.post(&close, json!({ "reason": "已脱困" })).await.refused(409, "household_closed");
    officer.post(&pairings, twice).await.refused(409, "household_closed");
    for pairing in [active, asked] {
        let ended = officer.get(&format!("/pairings/{pairing}")).await.ok();
        assert_eq!(ended["status"], "ended");
    }
    assert!(officer.all("/households").await.is_empty());
    assert_eq!(officer.all("/households?closed=true").await.len(), 1);
    // It may be registered anew.
    household(&app, "a-household-0002", NAME).await;
}

#[tokio::test]
async fn what_points_to_a_household_stands_nowhere_in_the_open() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let home = household(&app, "a-household-0001", NAME).await;
    let pairing = paired(&app, &home, &li).await;
    let visits = format!("/pairings/{pairing}/visits");
    keyed(&li, &visits, "a-visit-000001", &seen("送去米面油")).await.expect(201);
    app.drain().await;
    for secret in [NAME, ADDRESS, SITUATION, "13800009001", "送去米面油", "暖气不热"] {
        for (table, column) in [
            ("event", "event::text"),
            ("audit_entry", "audit_entry::text"),
            ("household", "household::text"),
            ("household_visit", "household_visit::text"),
            ("job", "job::text"),
            ("notification", "notification::text"),
        ] {
            let found = app.count(&format!("{table} where {column} like '%{secret}%'")).await;
            assert_eq!(found, 0, "{table} tells {secret}");
        }
    }
    let changed = sqlx::query("update household_visit set kind = 'phone'").execute(app.db()).await;
    assert!(changed.unwrap_err().to_string().contains("append-only"));
}
