//! Registration: the register is no oracle, and the community signs.

mod change;
mod result;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

const OFFICER: &str = "community.140213066004";
const FOREIGN: &str = "community.140213066001";

fn body(name: &str, number: &str) -> Value {
    json!({
        "community_code": COMMUNITY,
        "party_member": { "name": name, "id_number_last6": number },
    })
}

async fn register(who: &Client, name: &str, number: &str) -> Answer {
    who.post("/registrations", body(name, number)).await
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

fn path(id: &str) -> String {
    format!("/registrations/{id}/sign")
}

/// What an answer says beside who and when.
fn bare(mut view: Value) -> Value {
    for own in ["id", "submitted_at"] {
        assert!(!view[own].is_null(), "{own} is there");
        view[own] = Value::Null;
    }
    view
}

#[tokio::test]
async fn the_register_is_no_oracle() {
    let app = App::spawn().await;
    let tries = [
        ("party-11", "演示党员11", "100011"),
        ("li", "演示党员12", "100099"),
        ("wang", "李不在册", "100013"),
        ("zhao", "李不在册", "99999X"),
        // The number of somebody who is registered already.
        ("sun", "演示党员1", "100001"),
    ];
    let mut seen = Vec::new();
    for (who, name, number) in tries {
        let who = app.resident(who);
        let answer = register(&who, name, number).await;
        let mut headers = answer.headers.clone();
        for own in ["x-request-id", "date"] {
            headers.remove(own);
        }
        let view = bare(answer.expect(201));
        let mine = who.all("/me/registrations").await;
        assert_eq!(mine.len(), 1);
        seen.push((format!("{headers:?}"), view, bare(mine[0].clone())));
        app.drain().await;
        let unread = who.get("/notifications/unread-count").await.ok();
        assert_eq!(unread["count"], 0, "nobody is told anything before the community decides");
    }
    let first = seen[0].clone();
    assert!(seen.iter().all(|one| *one == first), "{seen:#?}");
    assert_eq!(first.1["status"], "pending");
}

#[tokio::test]
async fn the_officer_sees_the_truth_and_signs() {
    let app = App::spawn().await;
    let (member, liar, officer) = (app.resident("party-11"), app.resident("li"), app.as_(OFFICER));
    let right = id(&register(&member, "演示党员11", "100011").await.expect(201));
    let wrong = id(&register(&liar, "演示党员12", "100099").await.expect(201));
    app.drain().await;
    let told = officer.all("/notifications").await;
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told.iter().all(|one| one["kind"] == "registration_submitted"));

    let waiting = officer.all("/registrations?status=pending").await;
    let register_of = |id: &str| {
        let row = waiting.iter().find(|row| row["id"] == id).expect("it waits");
        (row["register"].as_str().unwrap().to_owned(), row["name"].as_str().unwrap().to_owned())
    };
    assert_eq!(register_of(&right), ("agrees".into(), "演*****".into()));
    assert_eq!(register_of(&wrong), ("missing".into(), "演*****".into()));
    let whole = officer.get(&format!("/registrations/{right}")).await.ok();
    assert_eq!(whole["name"], "演示党员11");
    assert_eq!(app.count("audit_entry where action = 'registration.name_seen'").await, 1);

    let accept = json!({ "accept": true, "note": "欢迎回家" });
    officer.post(&path(&wrong), accept.clone()).await.refused(409, "not_on_register");
    let signed = officer.post(&path(&right), accept.clone()).await.ok();
    assert_eq!((&signed["status"], &signed["note"]), (&json!("signed"), &json!("欢迎回家")));
    officer.post(&path(&right), accept).await.refused(409, "registration_step_refused");
    let declined = json!({ "accept": false, "note": "请核对证件号码" });
    let refused = officer.post(&path(&wrong), declined).await.ok();
    assert_eq!(refused["status"], "refused");

    app.drain().await;
    for (who, kind) in [(&member, "registration_signed"), (&liar, "registration_refused")] {
        let told = who.all("/notifications").await;
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!(told[0]["kind"], kind);
        assert_eq!(told[0]["title"], "文兴社区");
    }
    let fresh = app.bearer(&log_in(&app, "party-11").await);
    let roles = fresh.get("/me").await.ok()["roles"].clone();
    assert!(roles.as_array().unwrap().iter().any(|role| role["role"] == "party_member"));
    let receipt = &member.all("/me/registrations").await[0];
    assert!(receipt["work_unit"].is_string(), "the receipt is kept: {receipt}");
    register(&member, "演示党员11", "100011").await.refused(409, "already_registered");
    // Whoever was refused may try again, and stands beside the old row.
    register(&liar, "演示党员12", "100012").await.expect(201);
    assert_eq!(liar.all("/me/registrations").await.len(), 2);
}

async fn log_in(app: &App, name: &str) -> String {
    let body = json!({ "code": format!("demo:{name}") });
    let session = app.anonymous().post("/auth/wechat", body).await.ok();
    session["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_member_is_one_person() {
    let app = App::spawn().await;
    let officer = app.as_(OFFICER);
    let accept = json!({ "accept": true });
    let first = id(&register(&app.resident("party-12"), "演示党员12", "100012").await.expect(201));
    let other = id(&register(&app.resident("li"), "演示党员12", "100012").await.expect(201));
    officer.post(&path(&first), accept.clone()).await.ok();
    officer.post(&path(&other), accept.clone()).await.refused(409, "member_taken");
    let row = officer.get(&format!("/registrations/{other}")).await.ok();
    assert_eq!(row["register"], "taken");
    // 演示党员1 is registered from the beginning.
    let again = id(&register(&app.resident("wang"), "演示党员1", "100001").await.expect(201));
    officer.post(&path(&again), accept).await.refused(409, "member_taken");
}

#[tokio::test]
async fn signing_twice_at_once_signs_once() {
    let app = App::spawn().await;
    let officer = app.as_(OFFICER);
    officer.token().await;
    let one = id(&register(&app.resident("party-13"), "演示党员13", "100013").await.expect(201));
    let two = id(&register(&app.resident("li"), "演示党员13", "100013").await.expect(201));
    let ids = [&one, &two, &one, &two, &one, &two].map(|id| path(id));
    let accept = json!({ "accept": true });
    let answers = join_all(ids.iter().map(|path| officer.post(path, accept.clone()))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 5, "{statuses:?}");
    assert_eq!(app.count("role_grant where role = 'party_member'").await, 11);
}

#[tokio::test]
async fn handing_in_again_puts_right_what_waits() {
    let app = App::spawn().await;
    let member = app.resident("party-14");
    member.token().await;
    let taps = (0..8).map(|_| register(&member, "演示党员14", "100041"));
    let answers = join_all(taps).await;
    let first = answers[0].text.clone();
    let ids: Vec<String> = answers.into_iter().map(|answer| id(&answer.expect(201))).collect();
    assert!(ids.iter().all(|other| *other == ids[0]), "one registration: {first}");
    let fixed = register(&member, "演示党员14", "100014").await.expect(201);
    assert_eq!(id(&fixed), ids[0]);
    let officer = app.as_(OFFICER);
    let row = officer.get(&format!("/registrations/{}", ids[0])).await.ok();
    assert_eq!(row["register"], "agrees");
    let stale = officer.request(reqwest::Method::POST, &path(&ids[0])).version(1);
    let stale = stale.json(&json!({ "accept": true })).send().await;
    stale.refused(412, "version_mismatch");
    let version = row["version"].as_i64().unwrap();
    let current = officer.request(reqwest::Method::POST, &path(&ids[0])).version(version);
    current.json(&json!({ "accept": true })).send().await.ok();
}

#[tokio::test]
async fn a_foreign_registration_is_missing_and_a_wrong_role_forbidden() {
    let app = App::spawn().await;
    let member = app.resident("party-15");
    let waiting = id(&register(&member, "演示党员15", "100015").await.expect(201));
    let foreign = app.as_(FOREIGN);
    for wrong in [json!({ "accept": true }), json!({ "accept": "yes" }), json!({})] {
        foreign.post(&path(&waiting), wrong).await.refused(404, "not_found");
    }
    foreign.get(&format!("/registrations/{waiting}")).await.refused(404, "not_found");
    assert!(foreign.all("/registrations").await.is_empty());
    let accept = json!({ "accept": true });
    for who in ["dispatcher", "organiser", "subdistrict.140213066", "auditor"] {
        app.as_(who).post(&path(&waiting), accept.clone()).await.refused(403, "forbidden");
        app.as_(who).get("/registrations").await.refused(403, "forbidden");
        register(&app.as_(who), "演示党员16", "100016").await.refused(403, "forbidden");
    }
    member.post(&path(&waiting), accept.clone()).await.refused(403, "forbidden");
    register(&app.anonymous(), "演示党员16", "100016").await.refused(401, "unauthenticated");
    let officer = app.as_(OFFICER);
    officer.post("/registrations/nonsense/sign", accept).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_form_is_checked_without_the_register() {
    let app = App::spawn().await;
    let member = app.resident("party-16");
    let odd = json!({
        "community_code": "140213066004", "party_member": {"name": " ", "id_number_last6": "1"},
    });
    let refused = member.post("/registrations", odd).await;
    let mut fields = refused.fields();
    fields.sort_unstable();
    assert_eq!(fields, ["party_member.id_number_last6", "party_member.name"]);
    let nowhere = json!({
        "community_code": "140213066999",
        "party_member": {"name": "演示党员16", "id_number_last6": "100016"},
    });
    let refused = member.post("/registrations", nowhere).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["community_code"]));
    let mut more = body("演示党员16", "100016");
    more["status"] = json!("signed");
    member.post("/registrations", more).await.refused(422, "invalid_field");
    assert!(member.all("/me/registrations").await.is_empty());
}
