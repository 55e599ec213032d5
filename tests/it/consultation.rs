//! Consultations (会商): opened, stated, taken up, decided, lapsed.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, CLERK, COMMUNITY, Case, UNIT, complaint};

const WATER: &str = "dept.power-grid";

fn invite(units: &[&str]) -> Value {
    json!({"units": units, "question": "路灯的灯杆和电缆分别由谁维修？"})
}

fn ruling(lead: &str, assist: &[&str]) -> Value {
    json!({"lead": lead, "assist": assist, "text": "由裁定的单位牵头修复，其余配合。",
        "legal_basis": "属地管理责任清单第五项"})
}

/// A dispatched case that is conferred on, and the consultation's path.
async fn conferred(app: &App) -> (Case, String) {
    let case = app.dispatched().await;
    let (dispatcher, path) = (app.as_("dispatcher"), case.path("/consultations"));
    let opened = dispatcher.post(&path, invite(&[UNIT, "power-grid"])).await.expect(201);
    assert_eq!((&opened["status"], &opened["level"]), (&json!("open"), &json!("centre")));
    (case, format!("/consultations/{}", opened["id"].as_str().unwrap()))
}

async fn told(app: &App, who: &str, kind: &str) -> Vec<String> {
    app.drain().await;
    let all = app.as_(who).all("/notifications").await;
    let texts = all.iter().filter(|one| one["kind"] == kind);
    texts.map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn invited_units_state_and_the_ruling_binds() {
    let app = App::spawn().await;
    let (mut case, path) = conferred(&app).await;
    let (clerk, water, dispatcher) = (app.as_(CLERK), app.as_(WATER), app.as_("dispatcher"));
    assert_eq!(told(&app, WATER, "consultation_invited").await.len(), 1);
    water.get(&case.path("")).await.expect(200);

    let say = |text: &str| json!({"text": text});
    let statements = format!("{path}/statements");
    clerk.post(&statements, say("灯杆由我局管养")).await.expect(200);
    water.post(&statements, say("电缆产权待核")).await.expect(200);
    let seen = water.post(&statements, say("电缆产权属我公司")).await.expect(200);
    let seats = seen["seats"].as_array().unwrap();
    let said = |unit: &str| {
        let seat = seats.iter().find(|seat| seat["unit"] == unit).unwrap();
        seat["statement"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (said(UNIT), said("power-grid")),
        ("灯杆由我局管养".into(), "电缆产权属我公司".into())
    );

    let decide = format!("{path}/decide");
    let decided = dispatcher.post(&decide, ruling("power-grid", &["housing"])).await.expect(200);
    assert_eq!(decided["status"], "decided");
    assert_eq!(decided["ruling"]["lead"], "power-grid");
    let tasks = app.tasks(&case).await;
    let of = |unit: &str| tasks.iter().find(|task| task["unit"] == unit).unwrap();
    assert_eq!(of(UNIT)["status"], "cancelled", "who is no longer in charge is relieved");
    assert_eq!(
        (&of("power-grid")["role"], &of("power-grid")["final"]),
        (&json!("lead"), &json!(true))
    );
    assert_eq!(of("housing")["role"], "assist");
    case.lead = app.open_lead(&case).await;
    let back = json!({"ground": "duty", "basis": "不属于我单位", "suggested_unit": UNIT});
    water.post(&case.task("/return"), back).await.refused(409, "return_limit_reached");

    dispatcher.post(&decide, ruling(UNIT, &[])).await.refused(409, "consultation_step_refused");
    clerk.post(&statements, say("补充意见一条")).await.refused(409, "consultation_step_refused");
    app.drain().await;
    let li = app.resident("li").all("/notifications").await;
    let ruled = li.iter().find(|one| one["kind"] == "consultation_decided").expect("told");
    assert!(ruled["text"].as_str().unwrap().contains("责任清单第五项"), "{ruled}");
    let inside = ["consultation_stated", "consultation_invited"];
    let events = app.resident("li").all(&case.path("/events")).await;
    assert!(events.iter().all(|event| !inside.contains(&event["kind"].as_str().unwrap())));
}

#[tokio::test]
async fn who_keeps_its_part_keeps_its_task_and_a_pending_return_is_settled() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let (clerk, dispatcher) = (app.as_(CLERK), app.as_("dispatcher"));
    let back =
        json!({"ground": "overlap", "basis": "电缆与灯杆分属两家", "suggested_unit": "power-grid"});
    let asked = clerk.post(&case.task("/return"), back).await.expect(200);
    let proposed = &asked["return_request"]["consult_units"];
    assert_eq!(*proposed, json!([UNIT, "power-grid"]), "an overlap proposes to confer");
    let body = json!({"units": proposed, "question": "由谁牵头修复？"});
    let opened = dispatcher.post(&case.path("/consultations"), body).await.expect(201);
    let path = format!("/consultations/{}", opened["id"].as_str().unwrap());
    let by = "2026-12-03T16:00:00Z";
    let mut body = ruling(UNIT, &["power-grid"]);
    body["reply_by"] = json!(by);
    dispatcher.post(&format!("{path}/decide"), body).await.expect(200);
    let kept = clerk.get(&case.task("")).await.expect(200);
    assert_eq!((&kept["status"], &kept["final"]), (&json!("acknowledged"), &json!(true)));
    assert_eq!((&kept["reply_by"], &kept["return_request"]), (&json!(by), &Value::Null));
    assert_eq!(app.tasks(&case).await.len(), 2);
    dispatcher
        .post(&case.task("/return/decide"), json!({"approve": true, "reason": "同意"}))
        .await
        .refused(409, "task_step_refused");
}

#[tokio::test]
async fn only_invited_units_and_the_centre_have_a_part() {
    let app = App::spawn().await;
    let (case, path) = conferred(&app).await;
    let stranger = app.as_("dept.housing");
    let words = json!({"text": "我局没有意见"});
    stranger.get(&path).await.refused(404, "not_found");
    stranger.post(&format!("{path}/statements"), words.clone()).await.refused(404, "not_found");
    app.as_("dispatcher")
        .post(&format!("{path}/statements"), words)
        .await
        .refused(403, "forbidden");
    app.as_(CLERK)
        .post(&format!("{path}/decide"), ruling(UNIT, &[]))
        .await
        .refused(403, "forbidden");
    app.resident("li").get(&path).await.refused(403, "forbidden");
    let all = app.as_(WATER).all("/consultations?status=open").await;
    assert_eq!(all.len(), 1);
    assert!(stranger.all(&format!("/consultations?complaint_id={}", case.id)).await.is_empty());
    assert_eq!(app.as_("supervisor").all("/consultations").await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_conferred_on_is_refused() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let (case, path) = conferred(&app).await;
    let open =
        async |case: &Case, body: Value| dispatcher.post(&case.path("/consultations"), body).await;
    open(&case, invite(&["housing"])).await.refused(409, "consultation_open");
    let fresh = app.submitted().await;
    open(&fresh, invite(&["housing"])).await.refused(409, "complaint_step_refused");
    let accepted = app.accepted().await;
    open(&accepted, invite(&[])).await.refused(422, "invalid_field");
    open(&accepted, invite(&["no-such-unit"])).await.refused(422, "invalid_field");
    let mut late = invite(&["housing"]);
    late["decide_by"] = json!("2026-11-01T00:00:00Z");
    let late = open(&accepted, late).await;
    assert_eq!(late.code(), "decide_by_out_of_range", "{late}");
    let decide = async |body: Value| dispatcher.post(&format!("{path}/decide"), body).await;
    decide(ruling("no-such-unit", &[])).await.refused(422, "invalid_field");
    decide(ruling(UNIT, &[UNIT])).await.refused(409, "unit_named_twice");
    decide(ruling(COMMUNITY, &[])).await.refused(409, "not_on_duty_list");
    let mut past = ruling(UNIT, &[]);
    past["reply_by"] = json!("2026-11-01T00:00:00Z");
    let past = decide(past).await;
    assert_eq!(past.code(), "reply_by_past", "{past}");
    let stale = dispatcher.request(reqwest::Method::POST, &format!("{path}/climb")).version(9);
    let stale = stale.json(&json!({"reason": "两家意见不一"})).send().await;
    stale.refused(412, "version_mismatch");
    assert_eq!(dispatcher.get(&path).await.expect(200)["status"], "open", "nothing happened");
}

#[tokio::test]
async fn two_who_open_at_once_open_one() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let dispatcher = app.as_("dispatcher");
    let path = case.path("/consultations");
    let (one, two) = tokio::join!(
        dispatcher.post(&path, invite(&[UNIT, "power-grid"])),
        dispatcher.post(&path, invite(&[UNIT, "housing"])),
    );
    let mut answers = [one.status, two.status];
    answers.sort_unstable();
    assert_eq!(answers, [201, 409], "{one} {two}");
    assert_eq!(app.count("consultation").await, 1);
}

#[tokio::test]
async fn it_climbs_to_the_top_and_the_centre_is_told_when_it_is_late() {
    let app = App::spawn().await;
    let (case, path) = conferred(&app).await;
    let dispatcher = app.as_("dispatcher");
    let climb =
        async || dispatcher.post(&format!("{path}/climb"), json!({"reason": "两家意见不一"})).await;
    let up = climb().await.expect(200);
    assert_eq!(
        (&up["level"], &up["decide_by"]),
        (&json!("deputy_head"), &json!("2026-12-01T16:00:00Z"))
    );
    assert_eq!(climb().await.expect(200)["level"], "coordination");
    climb().await.refused(409, "consultation_at_top");
    assert_eq!(
        told(&app, WATER, "consultation_climbed").await.len(),
        2,
        "each invited unit is told"
    );
    let late = async || {
        let events = app.as_("dispatcher").all(&case.path("/events")).await;
        events
            .iter()
            .filter(|event| event["text"].as_str().unwrap().contains("会商裁定时限"))
            .count()
    };
    app.pass("2026-11-28T00:30:00+08:00").await;
    assert_eq!(late().await, 0, "the centre's own term gave way to that of the level above");
    app.pass("2026-12-02T00:00:01+08:00").await;
    app.drain().await;
    assert_eq!(late().await, 1, "once");
}

#[tokio::test]
async fn two_reworks_in_vain_open_it_by_themselves() {
    let app = App::spawn().await;
    let mut case = app.task_replied().await;
    let (clerk, dispatcher) = (app.as_(CLERK), app.as_("dispatcher"));
    let bad = json!({"solved": false, "satisfaction": 1});
    for round in 0..3 {
        if round > 0 {
            case.lead = app.open_lead(&case).await;
            clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
            app.contact_and_reply(&case).await;
        }
        dispatcher.post(&case.task("/confirm"), json!({})).await.expect(200);
        app.resident("li").post(&case.path("/evaluate"), bad.clone()).await.expect(200);
    }
    let all = dispatcher.all(&format!("/consultations?complaint_id={}", case.id)).await;
    assert_eq!(all.len(), 1);
    assert_eq!((&all[0]["cause"], &all[0]["seats"][0]["unit"]), (&json!("rework"), &json!(UNIT)));
    assert_eq!(told(&app, CLERK, "consultation_invited").await.len(), 1);
    let path = format!("/consultations/{}/decide", all[0]["id"].as_str().unwrap());
    dispatcher.post(&path, ruling("power-grid", &[])).await.expect(200);
    case.lead = app.open_lead(&case).await;
    assert_eq!(app.as_(WATER).get(&case.task("")).await.expect(200)["status"], "pending");
}

#[tokio::test]
async fn what_is_settled_or_ended_needs_no_ruling() {
    let app = App::spawn().await;
    let (case, path) = conferred(&app).await;
    app.resident("li").post(&case.path("/withdraw"), json!({})).await.expect(200);
    let dispatcher = app.as_("dispatcher");
    assert_eq!(dispatcher.get(&path).await.expect(200)["status"], "lapsed");
    dispatcher
        .post(&format!("{path}/decide"), ruling(UNIT, &[]))
        .await
        .refused(409, "consultation_step_refused");
    assert_eq!(told(&app, WATER, "consultation_lapsed").await.len(), 1);
    app.advance(TimeDelta::days(10));
    app.drain().await;
    let events = dispatcher.all(&case.path("/events")).await;
    assert!(events.iter().all(|event| event["kind"] != "centre_overdue"), "its timer went with it");
    // A new one may be opened on another case of the same unit at any time.
    let other = app.resident("wang").submit(&complaint()).await;
    app.accept(&other, "ordinary").await;
    dispatcher.post(&other.path("/consultations"), invite(&[UNIT])).await.expect(201);
}
