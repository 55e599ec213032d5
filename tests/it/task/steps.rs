//! What a unit does with its task, step by step.

use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, REPLY, UNIT, at, complaint};

fn reply() -> Value {
    json!({"text": REPLY, "outcome": "solved"})
}

#[tokio::test]
async fn a_task_shows_its_deadlines_from_dispatch() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let task = app.as_(CLERK).get(&case.task("")).await.expect(200);
    let instant = |field: &str| at(task[field].as_str().unwrap());
    assert_eq!(task["complaint_id"], json!(case.id));
    assert_eq!((&task["unit"], &task["role"]), (&json!(UNIT), &json!("lead")));
    // Tuesday 09:00; half a working day is 3.5 h of 08:30–12:00 and 14:30–18:00.
    assert_eq!(instant("acknowledge_by"), at("2026-11-24T15:00:00+08:00"));
    assert_eq!(instant("contact_by"), at("2026-11-25T09:00:00+08:00"));
    assert_eq!(task["arrive_by"], Value::Null, "nobody must come");
    assert_eq!(instant("reply_by"), at("2026-12-02T00:00:00+08:00"));
    assert_eq!(task["whistle_id"], Value::Null);
}

#[tokio::test]
async fn an_emergency_has_every_deadline_in_minutes() {
    let app = App::spawn().await;
    let mut case = app.submitted().await;
    app.accept(&case, "emergency").await;
    app.dispatch(&mut case, json!({"lead": UNIT, "assist": ["housing"]})).await;
    for task in app.tasks(&case).await {
        let instant = |field: &str| task[field].as_str().map(at);
        assert_eq!(instant("acknowledge_by"), Some(at("2026-11-24T09:15:00+08:00")));
        let lead = task["role"] == "lead";
        assert_eq!(instant("contact_by"), lead.then(|| at("2026-11-24T09:30:00+08:00")));
        assert_eq!(instant("arrive_by"), Some(at("2026-11-24T09:30:00+08:00")));
        assert_eq!(instant("reply_by"), Some(at("2026-11-25T09:00:00+08:00")));
    }
}

#[tokio::test]
async fn steps_come_in_their_order() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let case = app.dispatched().await;
    let step = async |rest: &str, body: Value| clerk.post(&case.task(rest), body).await;
    let contact = json!({"note": "电话联系"});
    let people = json!({"people": [{"name": "张工", "post": "市政科科长"}]});
    step("/contact", contact.clone()).await.refused(409, "task_step_refused");
    step("/reply", reply()).await.refused(409, "task_step_refused");
    step("/acknowledge", json!({})).await.expect(200);
    step("/acknowledge", json!({})).await.refused(409, "task_step_refused");
    step("/reply", reply()).await.refused(409, "contact_missing");
    let missed = json!({"note": "无人接听", "channel": "phone", "outcome": "not_reached"});
    let task = step("/contact", missed).await.expect(200);
    assert_eq!(task["contacted_at"], Value::Null, "nobody was reached");
    let task = step("/contact", contact).await.expect(200);
    assert!(task["contacted_at"].is_string());
    let task = step("/report-in", people).await.expect(200);
    assert_eq!(task["status"], "arrived");
    let task = step("/reply", reply()).await.expect(200);
    assert_eq!((&task["status"], &task["reply"]["text"]), (&json!("replied"), &json!(REPLY)));
    step("/reply", reply()).await.refused(409, "task_step_refused");
    step("/report-in", json!({"people": []})).await.refused(422, "invalid_field");
}

#[tokio::test]
async fn an_empty_phrase_is_no_reply() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let case = app.acknowledged().await;
    clerk.post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    for empty in [
        "已转相关部门",
        "您好，您反映的问题已收悉，我们高度重视，正在处理中。",
        "已办结！",
        "。。。",
    ] {
        let body = json!({"text": empty, "outcome": "explained"});
        clerk.post(&case.task("/reply"), body).await.refused(422, "reply_not_substantive");
    }
    let groundless = json!({"text": "该处为私有道路，不予维修。", "outcome": "refused"});
    let refused = clerk.post(&case.task("/reply"), groundless).await;
    assert_eq!(refused.fields(), ["basis"], "{refused}");
    let grounded = json!({
        "text": "该处为企业自有道路，由产权单位负责维修，我们已当面告知其限期修复。",
        "outcome": "refused", "basis": "《城市道路管理条例》第二十一条",
    });
    clerk.post(&case.task("/reply"), grounded).await.expect(200);
}

#[tokio::test]
async fn a_reply_sent_back_is_done_again_with_a_new_date() {
    let app = App::spawn().await;
    let (clerk, dispatcher) = (app.as_(CLERK), app.as_("dispatcher"));
    let case = app.task_replied().await;
    let back =
        json!({"reason": "没有说明东侧两盏灯的情况", "reply_by": "2026-11-27T18:00:00+08:00"});
    let task = dispatcher.post(&case.task("/send-back"), back).await.expect(200);
    assert_eq!((&task["status"], &task["send_backs"]), (&json!("sent_back"), &json!(1)));
    assert_eq!(at(task["reply_by"].as_str().unwrap()), at("2026-11-27T18:00:00+08:00"));
    app.drain().await;
    let told = clerk.all("/notifications").await;
    let told = told.iter().find(|one| one["kind"] == "task_sent_back").expect("the unit is told");
    assert!(told["text"].as_str().unwrap().contains("东侧两盏"), "{told}");
    let shown = app.resident("li").complaint(&case).await;
    assert_eq!((&shown["status"], &shown["answer"]), (&json!("handling"), &Value::Null));
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    clerk.post(&case.task("/reply"), reply()).await.expect(200);
    let task = dispatcher.post(&case.task("/confirm"), json!({})).await.expect(200);
    assert_eq!(task["status"], "confirmed");
    dispatcher
        .post(&case.task("/send-back"), json!({"reason": "再看看"}))
        .await
        .refused(409, "task_step_refused");
    let past = json!({"reason": "重写", "reply_by": "2026-11-01T00:00:00Z"});
    let other = app.task_replied().await;
    let refused = dispatcher.post(&other.task("/send-back"), past).await;
    assert_eq!(refused.code(), "reply_by_past", "{refused}");
}

#[tokio::test]
async fn nobody_to_contact_means_no_contact() {
    let app = App::spawn().await;
    let mut body = complaint();
    body["contact"] = Value::Null;
    let mut case = app.anonymous().submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    let note = json!({"note": "电话联系"});
    clerk.post(&case.task("/contact"), note).await.refused(409, "nobody_to_contact");
    clerk.post(&case.task("/reply"), reply()).await.expect(200);
}

#[tokio::test]
async fn reminders_and_overdue_notices_come_once_and_go_to_whom_they_concern() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    app.drain().await;
    let kinds = async |who: &str, kind: &str| {
        let told = app.as_(who).all("/notifications").await;
        told.iter().filter(|one| one["kind"] == kind).count()
    };
    app.pass("2026-11-24T15:00:01+08:00").await;
    assert_eq!(kinds(CLERK, "overdue").await, 1, "not acknowledged in time");
    app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.as_(CLERK).post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    app.pass("2026-11-29T00:00:00+08:00").await;
    assert_eq!(kinds(CLERK, "reminder").await, 1, "half of the time is over");
    app.pass("2026-12-01T12:00:00+08:00").await;
    assert_eq!(kinds(CLERK, "reminder").await, 2);
    assert_eq!(kinds(CLERK, "overdue").await, 1);
    app.pass("2026-12-02T00:00:01+08:00").await;
    assert_eq!(kinds(CLERK, "overdue").await, 2);
    app.pass("2026-12-05T00:00:00+08:00").await;
    assert_eq!(kinds(CLERK, "overdue").await, 2, "once");
    assert_eq!(kinds("dept.housing", "overdue").await, 0);
}

#[tokio::test]
async fn lists_hold_the_units_own_tasks_and_narrow() {
    let app = App::spawn().await;
    let late = app.dispatched().await;
    app.set_clock(at("2026-11-26T10:00:00+08:00"));
    let fresh = app.dispatched().await;
    let mut other = app.accepted().await;
    app.advance(chrono::TimeDelta::seconds(1));
    app.dispatch(&mut other, json!({"lead": "housing"})).await;
    let ids = async |who: &str, query: &str| {
        let all = app.as_(who).all(&format!("/tasks{query}")).await;
        all.iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let lead = |case: &Case| case.lead.clone();
    assert_eq!(ids(CLERK, "").await, [lead(&fresh), lead(&late)]);
    assert_eq!(ids("head.urban-management", "").await, [lead(&fresh), lead(&late)]);
    assert_eq!(ids("dispatcher", "").await, [lead(&other), lead(&fresh), lead(&late)]);
    assert_eq!(ids("dispatcher", "?limit=1").await, [lead(&other), lead(&fresh), lead(&late)]);
    assert_eq!(ids(CLERK, "?overdue=true").await, [lead(&late)], "acknowledgement is overdue");
    assert_eq!(ids(CLERK, "?overdue=false").await.len(), 2);
    assert_eq!(ids(CLERK, "?status=pending").await.len(), 2);
    assert!(ids(CLERK, "?status=confirmed").await.is_empty());
    assert_eq!(ids("dispatcher", &format!("?complaint_id={}", other.id)).await, [lead(&other)]);
    assert!(ids(CLERK, &format!("?complaint_id={}", other.id)).await.is_empty());
    let nowhere = "?whistle_id=019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071";
    assert!(ids("dispatcher", nowhere).await.is_empty());
    assert!(ids("community.140213066004", "").await.is_empty());
    for (query, field) in [
        ("?overdue=yes", "overdue"),
        ("?complaint_id=1", "complaint_id"),
        ("?status=lost", "status"),
    ] {
        let refused = app.as_(CLERK).get(&format!("/tasks{query}")).await;
        assert_eq!(refused.fields(), [field], "{refused}");
    }
    app.resident("li").get("/tasks").await.refused(403, "forbidden");
}
