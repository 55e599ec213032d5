//! Returns and extensions: asked by the unit, ruled by the centre.

use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, UNIT, at};

fn back(to: &str) -> Value {
    json!({"ground": "duty", "basis": "该路灯由供电公司产权管理", "suggested_unit": to})
}

fn more(until: &str) -> Value {
    json!({"until": until, "reason": "需要等待配件到货"})
}

/// The open lead task's unit asks to return it; answers the clerk's username.
async fn ask(app: &App, case: &mut Case, to: &str) -> String {
    case.lead = app.open_lead(case).await;
    let task = app.as_("dispatcher").get(&case.task("")).await.expect(200);
    let clerk = format!("dept.{}", task["unit"].as_str().unwrap());
    app.as_(&clerk).post(&case.task("/return"), back(to)).await.expect(200);
    clerk
}

#[tokio::test]
async fn a_granted_return_makes_a_new_task_and_keeps_the_residents_date() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let mut case = app.acknowledged().await;
    let before = app.as_(CLERK).get(&case.task("")).await.expect(200);
    app.advance(chrono::TimeDelta::hours(2));
    ask(&app, &mut case, "power-grid").await;
    let asked = app.as_(CLERK).get(&case.task("")).await.expect(200);
    assert_eq!(asked["status"], "return_requested");
    assert_eq!(asked["return_request"]["suggested_unit"], "power-grid");
    assert_eq!(asked["reply_by"], before["reply_by"], "nothing stops while it is merely asked for");
    let yes = json!({"approve": true, "reason": "产权属供电公司，由其办理"});
    let old = dispatcher.post(&case.task("/return/decide"), yes.clone()).await.expect(200);
    assert_eq!(old["status"], "returned");
    dispatcher.post(&case.task("/return/decide"), yes).await.refused(409, "task_step_refused");

    let returned = case.lead.clone();
    case.lead = app.open_lead(&case).await;
    assert_ne!(case.lead, returned);
    let task = app.as_("dept.power-grid").get(&case.task("")).await.expect(200);
    assert_eq!((&task["status"], &task["returns"]), (&json!("pending"), &json!(1)));
    assert_eq!(task["reply_by"], before["reply_by"], "the resident's date stands");
    // 11:00; an hour of the morning, two and a half of the afternoon from 14:30.
    assert_eq!(at(task["acknowledge_by"].as_str().unwrap()), at("2026-11-24T17:00:00+08:00"));
    app.as_(CLERK)
        .post(&format!("/tasks/{returned}/acknowledge"), json!({}))
        .await
        .refused(409, "task_step_refused");
}

#[tokio::test]
async fn a_declined_return_goes_back_to_what_it_was() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    for acknowledged in [false, true] {
        let mut case = if acknowledged { app.acknowledged().await } else { app.dispatched().await };
        ask(&app, &mut case, "power-grid").await;
        let no = json!({"approve": false, "reason": "产权已移交，由本单位办理"});
        let task = dispatcher.post(&case.task("/return/decide"), no).await.expect(200);
        let status = if acknowledged { "acknowledged" } else { "pending" };
        assert_eq!((&task["status"], &task["return_request"]), (&json!(status), &Value::Null));
    }
}

#[tokio::test]
async fn after_two_returns_the_next_ruling_is_final() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let mut case = app.dispatched().await;
    for to in ["power-grid", "housing"] {
        ask(&app, &mut case, to).await;
        let yes = json!({"approve": true, "reason": "由其办理"});
        dispatcher.post(&case.task("/return/decide"), yes).await.expect(200);
    }
    case.lead = app.open_lead(&case).await;
    let task = dispatcher.get(&case.task("")).await.expect(200);
    assert_eq!((&task["unit"], &task["returns"]), (&json!("housing"), &json!(2)));
    let refused = app.as_("dept.housing").post(&case.task("/return"), back(UNIT)).await;
    refused.refused(409, "return_limit_reached");
}

#[tokio::test]
async fn a_final_ruling_cannot_be_returned() {
    let app = App::spawn().await;
    let mut case = app.dispatched().await;
    ask(&app, &mut case, "power-grid").await;
    let ruling = json!({
        "approve": true, "to_unit": "housing", "final": true,
        "reply_by": "2026-12-04T18:00:00+08:00", "reason": "两家争议，由住建局牵头",
    });
    app.as_("dispatcher").post(&case.task("/return/decide"), ruling).await.expect(200);
    case.lead = app.open_lead(&case).await;
    let task = app.as_("dept.housing").get(&case.task("")).await.expect(200);
    assert_eq!((&task["final"], &task["unit"]), (&json!(true), &json!("housing")));
    assert_eq!(at(task["reply_by"].as_str().unwrap()), at("2026-12-04T18:00:00+08:00"));
    let refused = app.as_("dept.housing").post(&case.task("/return"), back(UNIT)).await;
    assert_eq!(refused.status, 409, "{refused}");
}

#[tokio::test]
async fn who_misses_the_window_keeps_the_task() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    app.set_clock(at("2026-11-25T23:59:00+08:00"));
    let other = app.dispatched().await;
    app.set_clock(at("2026-11-26T00:00:01+08:00"));
    let clerk = app.as_(CLERK);
    clerk
        .post(&case.task("/return"), back("power-grid"))
        .await
        .refused(409, "return_window_closed");
    clerk.post(&other.task("/return"), back("power-grid")).await.expect(200);

    let mut pressing = app.submitted().await;
    app.accept(&pressing, "utility").await;
    app.dispatch(&mut pressing, json!({"lead": UNIT})).await;
    app.advance(chrono::TimeDelta::minutes(61));
    let late = clerk.post(&pressing.task("/return"), back("power-grid")).await;
    late.refused(409, "return_window_closed");
}

#[tokio::test]
async fn a_return_names_another_unit_that_exists() {
    let app = App::spawn().await;
    let (clerk, dispatcher) = (app.as_(CLERK), app.as_("dispatcher"));
    let mut case = app.dispatched().await;
    let itself = clerk.post(&case.task("/return"), back(UNIT)).await;
    assert_eq!(itself.code(), "return_to_self", "{itself}");
    clerk.post(&case.task("/return"), back("no-such-unit")).await.refused(422, "invalid_field");
    ask(&app, &mut case, "power-grid").await;
    let decide = async |body: Value| dispatcher.post(&case.task("/return/decide"), body).await;
    let to = |unit: &str| json!({"approve": true, "to_unit": unit, "reason": "由其办理"});
    decide(to("no-such-unit")).await.refused(422, "invalid_field");
    decide(to("140213066004")).await.refused(409, "not_on_duty_list");
    let itself = decide(to(UNIT)).await;
    assert_eq!(itself.code(), "return_to_self", "{itself}");
    let past = json!({"approve": true, "reply_by": "2026-11-01T00:00:00Z", "reason": "由其办理"});
    let past = decide(past).await;
    assert_eq!(past.code(), "reply_by_past", "{past}");
}

#[tokio::test]
async fn in_an_emergency_the_unit_acts_first() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let mut case = app.submitted().await;
    app.accept(&case, "emergency").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let refused = clerk.post(&case.task("/return"), back("power-grid")).await;
    refused.refused(409, "emergency_acts_first");
    clerk
        .post(&case.task("/extend"), more("2026-11-26T18:00:00+08:00"))
        .await
        .refused(409, "extension_not_for_emergency");
}

#[tokio::test]
async fn an_extension_replaces_the_date_and_the_resident_is_told() {
    let app = App::spawn().await;
    let (clerk, dispatcher) = (app.as_(CLERK), app.as_("dispatcher"));
    let case = app.acknowledged().await;
    dispatcher
        .post(&case.task("/extend/decide"), json!({"approve": true, "reason": "同意"}))
        .await
        .refused(409, "no_extension_asked");
    for absurd in ["2026-11-30T18:00:00+08:00", "2026-12-08T00:00:00+08:00"] {
        let refused = clerk.post(&case.task("/extend"), more(absurd)).await;
        assert_eq!(refused.code(), "extension_until_out_of_range", "{refused}");
    }
    let asked =
        clerk.post(&case.task("/extend"), more("2026-12-03T18:00:00+08:00")).await.expect(200);
    assert_eq!(asked["status"], "acknowledged", "asking changes nothing else");
    clerk
        .post(&case.task("/extend"), more("2026-12-03T18:00:00+08:00"))
        .await
        .refused(409, "extension_pending");
    let yes = json!({"approve": true, "reason": "配件运输需要时间，同意延期"});
    let task = dispatcher.post(&case.task("/extend/decide"), yes).await.expect(200);
    assert_eq!(at(task["reply_by"].as_str().unwrap()), at("2026-12-03T18:00:00+08:00"));
    assert_eq!((&task["extensions"], &task["extension_until"]), (&json!(1), &Value::Null));
    app.drain().await;
    let told = app.resident("li").all("/notifications").await;
    let told = told.iter().find(|one| one["kind"] == "extension_granted").expect("told");
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("12月3日") && text.contains("配件运输"), "{text}");
}

#[tokio::test]
async fn three_extensions_at_most_and_never_after_the_date() {
    let app = App::spawn().await;
    let (clerk, dispatcher) = (app.as_(CLERK), app.as_("dispatcher"));
    let case = app.acknowledged().await;
    let yes = || json!({"approve": true, "reason": "同意延期"});
    for day in ["2026-12-02", "2026-12-03", "2026-12-04"] {
        let until = more(&format!("{day}T18:00:00+08:00"));
        clerk.post(&case.task("/extend"), until).await.expect(200);
        dispatcher.post(&case.task("/extend/decide"), yes()).await.expect(200);
    }
    clerk
        .post(&case.task("/extend"), more("2026-12-07T18:00:00+08:00"))
        .await
        .refused(409, "extension_limit_reached");
    let late = app.acknowledged().await;
    app.set_clock(at("2026-12-02T00:00:01+08:00"));
    clerk
        .post(&late.task("/extend"), more("2026-12-03T18:00:00+08:00"))
        .await
        .refused(409, "extension_window_closed");
    let no = app.acknowledged().await;
    clerk.post(&no.task("/extend"), more("2026-12-10T18:00:00+08:00")).await.expect(200);
    let before = clerk.get(&no.task("")).await.expect(200)["reply_by"].clone();
    let declined = json!({"approve": false, "reason": "配件本地可以买到"});
    let task = dispatcher.post(&no.task("/extend/decide"), declined).await.expect(200);
    assert_eq!(task["reply_by"], before);
}

#[tokio::test]
async fn the_centre_is_told_when_a_ruling_is_late() {
    let app = App::spawn().await;
    let mut case = app.dispatched().await;
    ask(&app, &mut case, "power-grid").await;
    app.pass("2026-11-24T15:00:01+08:00").await;
    let events = app.as_("dispatcher").all(&case.path("/events")).await;
    assert!(events.iter().any(|event| event["kind"] == "centre_overdue"), "{events:?}");
}
