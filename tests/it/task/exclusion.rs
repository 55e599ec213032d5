//! Exclusion: asked by the lead with evidence, decided by a supervisor once, while the month is open.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, UNIT};

fn asked() -> Value {
    json!({"ground": "unreasonable", "evidence": "施工已依法取得夜间许可，现场核查噪声达标"})
}

fn decided(approve: bool) -> Value {
    json!({"approve": approve, "reason": "许可和监测记录齐全"})
}

async fn excluded(app: &App) -> Value {
    let rates = app.as_("supervisor").get("/rates?period=2026-11").await.expect(200);
    let departments = rates["groups"][1]["rows"].as_array().unwrap().clone();
    departments.into_iter().find(|row| row["unit"] == UNIT).unwrap()["counts"]["excluded"].clone()
}

#[tokio::test]
async fn a_supervisor_grants_what_the_lead_asked_and_the_case_leaves_the_rates() {
    let app = App::spawn().await;
    let case = app.closed().await;
    let (clerk, supervisor) = (app.as_(CLERK), app.as_("supervisor"));
    let (ask, decide) = (case.task("/exclusion"), case.task("/exclusion/decide"));
    supervisor.post(&decide, decided(true)).await.refused(409, "no_exclusion_asked");
    let (one, other) = tokio::join!(clerk.post(&ask, asked()), clerk.post(&ask, asked()));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "a concurrent twin");
    clerk.post(&ask, asked()).await.refused(409, "exclusion_asked");
    assert_eq!(excluded(&app).await, 0, "asking changes no rate");

    let open = supervisor.all("/exclusions?decided=false").await;
    assert_eq!((open.len(), &open[0]["task_id"]), (1, &json!(case.lead)));
    assert_eq!(app.as_("dept.housing").all("/exclusions").await.len(), 0, "another unit's");
    assert_eq!(clerk.all("/exclusions").await.len(), 1);

    clerk.post(&decide, decided(true)).await.refused(403, "forbidden");
    let stale = supervisor.request(Method::POST, &decide).version(99).json(&decided(true));
    stale.send().await.refused(412, "version_mismatch");
    supervisor.post(&decide, decided(true)).await.expect(200);
    supervisor.post(&decide, decided(false)).await.refused(409, "exclusion_decided");
    assert_eq!(excluded(&app).await, 1);
    assert_eq!(app.count("audit_entry where action = 'task.decide_exclusion'").await, 1);
    let done = clerk.all("/exclusions?decided=true").await;
    assert_eq!(
        (&done[0]["approved"], &done[0]["reason"]),
        (&json!(true), &json!("许可和监测记录齐全"))
    );

    // Neither the evidence nor the decision is the reporter's to read.
    let told = app.resident("li").get(&case.path("/events")).await.expect(200).to_string();
    assert!(!told.contains("剔除") && !told.contains("夜间许可"), "{told}");
    app.drain().await;
    let inbox = app.as_(CLERK).get("/notifications").await.expect(200).to_string();
    assert!(inbox.contains("督查同意"), "{inbox}");
}

#[tokio::test]
async fn what_is_refused_stays_in_the_rates_for_good() {
    let app = App::spawn().await;
    let case = app.closed().await;
    app.as_(CLERK).post(&case.task("/exclusion"), asked()).await.expect(200);
    let supervisor = app.as_("supervisor");
    supervisor.post(&case.task("/exclusion/decide"), decided(false)).await.expect(200);
    supervisor
        .post(&case.task("/exclusion/decide"), decided(true))
        .await
        .refused(409, "exclusion_decided");
    assert_eq!(excluded(&app).await, 0);
    app.as_(CLERK).post(&case.task("/exclusion"), asked()).await.refused(409, "exclusion_asked");
}

#[tokio::test]
async fn it_is_open_until_the_fifth_working_day_after_the_month() {
    let app = App::spawn().await;
    let (asked_before, never) = (app.closed().await, app.closed().await);
    app.pass("2026-12-07T23:59:00+08:00").await;
    app.as_(CLERK).post(&asked_before.task("/exclusion"), asked()).await.expect(200);
    app.pass("2026-12-08T00:00:00+08:00").await;
    let (clerk, supervisor) = (app.as_(CLERK), app.as_("supervisor"));
    clerk.post(&never.task("/exclusion"), asked()).await.refused(409, "exclusion_closed");
    let decide = asked_before.task("/exclusion/decide");
    supervisor.post(&decide, decided(true)).await.refused(409, "exclusion_closed");
    let alone = json!({"reason": "反映的施工已依法取得许可"});
    supervisor.post(&never.path("/exclude"), alone).await.refused(409, "exclusion_closed");
}

#[tokio::test]
async fn only_the_lead_asks_and_only_with_evidence() {
    let app = App::spawn().await;
    let mut case = app.accepted().await;
    app.dispatch(&mut case, json!({"lead": UNIT, "assist": ["housing"]})).await;
    let assist = app.tasks(&case).await;
    let assist = assist.iter().find(|task| task["role"] == "assist").unwrap()["id"].clone();
    let assist = format!("/tasks/{}/exclusion", assist.as_str().unwrap());
    app.as_("dept.housing").post(&assist, asked()).await.refused(409, "exclusion_not_lead");
    app.as_("dept.housing").post(&case.task("/exclusion"), asked()).await.refused(404, "not_found");
    for (body, field) in [
        (json!({"ground": "unreasonable", "evidence": "太短"}), "evidence"),
        (json!({"ground": "angry", "evidence": "施工已依法取得夜间许可"}), "ground"),
        (json!({"evidence": "施工已依法取得夜间许可"}), "ground"),
    ] {
        let answer = app.as_(CLERK).post(&case.task("/exclusion"), body).await;
        assert_eq!(answer.fields(), [field], "{answer}");
        answer.refused(422, "invalid_field");
    }
    assert_eq!(app.count("exclusion").await, 0);
}
