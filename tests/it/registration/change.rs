//! Changes during the year: the member asks, the communities decide, hours stay, units are told.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

const OFFICER: &str = "community.140213066004";
const NEW: &str = "140213066005";
const NEW_OFFICER: &str = "community.140213066005";

fn moving() -> Value {
    json!({ "kind": "move", "community_code": NEW, "reason": "已搬到新社区" })
}

async fn ask(who: &Client, body: Value) -> Answer {
    who.post("/me/registration-changes", body).await
}

fn path(change: &Value) -> String {
    format!("/registration-changes/{}", change["id"].as_str().expect("an id"))
}

/// The application a minute after its seed, so that what follows is later than that.
async fn spawn() -> App {
    let app = App::spawn().await;
    app.advance(TimeDelta::minutes(1));
    app
}

async fn decide(who: &Client, change: &Value, approve: bool) -> Answer {
    let body = json!({ "approve": approve, "note": "已核实" });
    who.post(&format!("{}/decide", path(change)), body).await
}

#[tokio::test]
async fn a_member_moves_when_the_old_community_lets_go_and_the_new_one_takes_in() {
    let app = spawn().await;
    let member = app.resident("party-1");
    let (old, new) = (app.as_(OFFICER), app.as_(NEW_OFFICER));
    let hours = member.get("/me/service-year").await.ok()["hours"].clone();
    let change = ask(&member, moving()).await.expect(201);
    assert_eq!((&change["status"], &change["reason"]), (&json!("asked"), &json!("已搬到新社区")));
    app.drain().await;
    assert_eq!(old.all("/notifications").await[0]["kind"], "registration_change_asked");

    // The new community sees it once it is its turn.
    new.get(&path(&change)).await.refused(404, "not_found");
    decide(&new, &change, true).await.refused(404, "not_found");
    let listed = &old.all("/registration-changes?status=asked").await[0];
    assert_eq!((&listed["name"], &listed["reason"]), (&json!("演****"), &Value::Null));
    let whole = old.get(&path(&change)).await.ok();
    assert_eq!((&whole["name"], &whole["reason"]), (&json!("演示党员1"), &json!("已搬到新社区")));
    assert!(app.count("audit_entry where action = 'registration.change_seen'").await > 0);
    let released = decide(&old, &change, true).await.ok();
    assert_eq!(released["status"], "released");
    assert_eq!(member.all("/me/registrations").await[0]["community_code"], COMMUNITY, "not yet");
    decide(&old, &change, true).await.refused(409, "registration_change_not_your_turn");
    app.drain().await;
    assert_eq!(new.all("/notifications").await[0]["kind"], "registration_change_released");

    let granted = decide(&new, &change, true).await.ok();
    assert_eq!(granted["status"], "granted");
    decide(&new, &change, true).await.refused(409, "registration_change_step_refused");
    let registration = &member.all("/me/registrations").await[0];
    assert_eq!(
        (&registration["community_code"], &registration["status"]),
        (&json!(NEW), &json!("signed"))
    );
    assert_eq!(member.get("/me/service-year").await.ok()["hours"], hours, "hours stay");
    app.drain().await;
    let told = member.all("/notifications").await;
    assert_eq!(told[0]["kind"], "registration_change_granted");
    let receipts = app.as_("liaison.education").all("/receipts").await;
    assert_eq!(
        (&receipts[0]["cause"], &receipts[0]["community_code"]),
        (&json!("moved"), &json!(NEW))
    );
    ask(&member, moving()).await.refused(409, "already_in_community");
    assert_eq!(member.all("/me/registration-changes").await.len(), 1, "the history is kept");
}

#[tokio::test]
async fn one_change_at_a_time_and_it_can_be_taken_back() {
    let app = spawn().await;
    let (member, officer) = (app.resident("party-2"), app.as_(OFFICER));
    member.token().await;
    let taps = join_all((0..5).map(|_| ask(&member, moving()))).await;
    let (made, refused): (Vec<_>, Vec<_>) =
        taps.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 4));
    refused.into_iter().for_each(|answer| {
        answer.refused(409, "registration_change_open");
    });
    let change = made.into_iter().next().unwrap().expect(201);
    let back = format!("{}/take-back", path(&change));
    app.resident("party-3").post(&back, json!({})).await.refused(404, "not_found");
    officer.post(&back, json!({})).await.refused(403, "forbidden");
    assert_eq!(member.post(&back, json!({})).await.ok()["status"], "taken_back");
    member.post(&back, json!({})).await.refused(409, "registration_change_step_refused");
    decide(&officer, &change, true).await.refused(409, "registration_change_step_refused");
    // Refused with a reason, the registration is what it was.
    let again = ask(&member, moving()).await.expect(201);
    let silent =
        officer.post(&format!("{}/decide", path(&again)), json!({ "approve": false })).await;
    assert_eq!((silent.status, silent.fields()), (422, vec!["note"]));
    assert_eq!(decide(&officer, &again, false).await.ok()["status"], "refused");
    assert_eq!(member.all("/me/registrations").await[0]["community_code"], COMMUNITY);
}

#[tokio::test]
async fn a_year_is_waived_once_and_shows_in_the_year() {
    let app = spawn().await;
    let (member, officer) = (app.resident("party-3"), app.as_(OFFICER));
    let exempt = |year: i32| json!({ "kind": "exempt", "year": year, "ground": "illness", "reason": "住院手术，医嘱休养半年" });
    let far = ask(&member, exempt(2030)).await;
    assert_eq!((far.status, far.fields()), (422, vec!["year"]));
    let change = ask(&member, exempt(2027)).await.expect(201);
    decide(&officer, &change, true).await.ok();
    let year = member.get("/me/service-year?year=2027").await.ok();
    assert_eq!(year["required"], json!({ "services": 0, "hours": 0.0 }));
    let this = member.get("/me/service-year?year=2026").await.ok();
    assert_eq!(this["required"], json!({ "services": 4, "hours": 20.0 }), "another year is not");
    let again = ask(&member, exempt(2027)).await.expect(201);
    decide(&officer, &again, true).await.refused(409, "already_exempt");
    // The unit reads the ground, never the words.
    let receipt = &app.as_("liaison.market-supervision").all("/receipts").await[0];
    assert_eq!(
        (&receipt["cause"], &receipt["ground"], &receipt["year"]),
        (&json!("exempted"), &json!("illness"), &json!(2027))
    );
    for table in [
        "event where data::text like '%住院%' or note like '%住院%'",
        "audit_entry where data::text like '%住院%'",
    ] {
        assert_eq!(app.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn unit_retirement_and_leaving_change_what_they_say() {
    let app = spawn().await;
    let officer = app.as_(OFFICER);
    let make = async |name: &str, body: Value| {
        let change = ask(&app.resident(name), body).await.expect(201);
        decide(&officer, &change, true).await.ok()
    };
    make("party-4", json!({ "kind": "unit", "work_unit": "health", "reason": "工作调动" })).await;
    let registration = app.resident("party-4").all("/me/registrations").await[0].clone();
    assert_eq!(registration["work_unit"], "区卫生健康局机关党委");
    let cause = async |unit: &str| {
        app.as_(&format!("liaison.{unit}")).all("/receipts").await[0]["cause"].clone()
    };
    assert_eq!((cause("education").await, cause("health").await), (json!("left"), json!("joined")));

    app.advance(TimeDelta::minutes(1));
    make("party-5", json!({ "kind": "retire", "reason": "已办理退休" })).await;
    let year = app.resident("party-5").get("/me/service-year?year=2027").await.ok();
    assert_eq!(year["required"], json!({ "services": 0, "hours": 0.0 }));
    let again = json!({ "kind": "retire", "reason": "再申请一次" });
    ask(&app.resident("party-5"), again).await.refused(409, "already_retired");

    let leaver = app.resident("party-6");
    make("party-6", json!({ "kind": "withdraw", "reason": "组织关系转出平城区" })).await;
    assert_eq!(leaver.all("/me/registrations").await[0]["status"], "ended");
    ask(&leaver, moving()).await.refused(409, "not_registered");
    assert_eq!(cause("market-supervision").await, "withdrawn");
    // Who left may come back, as the same member.
    let member = json!({ "name": "演示党员6", "id_number_last6": "100006" });
    let body = json!({ "community_code": COMMUNITY, "party_member": member });
    let back = leaver.post("/registrations", body).await.expect(201);
    let sign = format!("/registrations/{}/sign", back["id"].as_str().unwrap());
    officer.post(&sign, json!({ "accept": true })).await.ok();
}

#[tokio::test]
async fn whoever_is_not_registered_or_not_a_member_changes_nothing() {
    let app = spawn().await;
    ask(&app.resident("party-11"), moving()).await.refused(409, "not_registered");
    ask(&app.as_("organiser"), moving()).await.refused(403, "forbidden");
    ask(&app.anonymous(), moving()).await.refused(401, "unauthenticated");
    let member = app.resident("party-7");
    let nowhere = json!({ "kind": "move", "community_code": "140213066999", "reason": "搬家" });
    let refused = ask(&member, nowhere).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["community_code"]));
    let nobody = json!({ "kind": "unit", "work_unit": "no-such-unit", "reason": "调动" });
    let refused = ask(&member, nobody).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["work_unit"]));
    let mixed = json!({ "kind": "retire", "community_code": NEW, "reason": "退休" });
    let refused = ask(&member, mixed).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["community_code"]));
}
