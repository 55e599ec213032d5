//! What a reporter lives through: answered, reworked, closed, reopened, withdrawn.

use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, REPLY, complaint};

const SOLVED: fn() -> Value = || json!({"solved": true, "satisfaction": 4, "contacted": true});
const UNSOLVED: fn() -> Value =
    || json!({"solved": false, "satisfaction": 1, "comment": "东侧两盏还是不亮"});

/// The lead does its new task: acknowledge, contact, reply, and the centre confirms.
async fn work(app: &App, case: &mut Case) {
    case.lead = app.open_lead(case).await;
    app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
}

async fn kinds(app: &App, case: &Case) -> Vec<String> {
    let events = app.as_("dispatcher").all(&case.path("/events")).await;
    events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_complaint_goes_from_submission_to_a_satisfied_reporter() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut case = li.submit(&complaint()).await;
    assert!(case.number.starts_with("PC20261124"), "{}", case.number);
    assert_eq!(li.complaint(&case).await["status"], "submitted");

    app.accept(&case, "ordinary").await;
    let shown =
        app.dispatch(&mut case, json!({"lead": "urban-management", "note": "请先到现场"})).await;
    assert_eq!(shown["status"], "dispatched");
    let clerk = app.as_(CLERK);
    let task = clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    assert_eq!(task["status"], "acknowledged");
    assert_eq!(li.complaint(&case).await["status"], "handling");
    app.contact_and_reply(&case).await;
    assert_eq!(li.complaint(&case).await["answer"], Value::Null, "not confirmed yet");
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    let seen = li.complaint(&case).await;
    assert_eq!((&seen["status"], &seen["answer"]), (&json!("replied"), &json!(REPLY)));

    let done = li.post(&case.path("/evaluate"), SOLVED()).await.expect(200);
    assert_eq!((&done["status"], &done["closed_as"]), (&json!("closed"), &json!("evaluated")));
    li.post(&case.path("/evaluate"), SOLVED()).await.refused(409, "complaint_step_refused");

    let events = li.all(&case.path("/events")).await;
    let seqs: Vec<i64> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted() && !seqs.is_empty());
    assert!(events.iter().all(|event| !event["text"].as_str().unwrap().is_empty()));
    for kind in ["submitted", "accepted", "task_dispatched", "contacted", "replied", "closed"] {
        assert!(events.iter().any(|event| event["kind"] == kind), "{kind} is not told");
    }
}

#[tokio::test]
async fn an_unsolved_case_is_reworked_twice_then_goes_to_consultation() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut case = app.replied().await;
    for round in 1..=2 {
        let seen = li.post(&case.path("/evaluate"), UNSOLVED()).await.expect(200);
        assert_eq!((&seen["status"], &seen["reworks"]), (&json!("handling"), &json!(round)));
        let before = case.lead.clone();
        work(&app, &mut case).await;
        assert_ne!(case.lead, before, "the rework is a task of its own");
        let task = app.as_(CLERK).get(&case.task("")).await.expect(200);
        assert_eq!(task["rework_of"], json!(before));
    }
    let seen = li.post(&case.path("/evaluate"), UNSOLVED()).await.expect(200);
    assert_eq!((&seen["status"], &seen["reworks"]), (&json!("handling"), &json!(2)));
    assert!(kinds(&app, &case).await.contains(&"consultation_opened".to_owned()));
    let tasks = app.tasks(&case).await;
    assert_eq!(tasks.len(), 3, "a consultation makes no task by itself");
    assert!(tasks.iter().all(|task| task["status"] == "confirmed"));

    // The units conferred: the centre dispatches again, and the case can still end well.
    app.dispatch(&mut case, json!({"lead": "urban-management"})).await;
    work(&app, &mut case).await;
    let done = li.post(&case.path("/evaluate"), SOLVED()).await.expect(200);
    assert_eq!(done["status"], "closed");
}

#[tokio::test]
async fn solved_but_dissatisfied_is_reworked_as_well() {
    let app = App::spawn().await;
    let case = app.replied().await;
    let li = app.resident("li");
    for (satisfaction, code) in [(0, 422), (6, 422), (2, 200)] {
        let body = json!({"solved": true, "satisfaction": satisfaction});
        let answer = li.post(&case.path("/evaluate"), body).await;
        assert_eq!(answer.status, code, "{answer}");
    }
    assert_eq!(li.complaint(&case).await["status"], "handling");
}

#[tokio::test]
async fn a_rejection_is_explained_and_may_be_appealed_once() {
    let app = App::spawn().await;
    let (li, dispatcher) = (app.resident("li"), app.as_("dispatcher"));
    let case = app.submitted().await;
    let reject =
        json!({"ground": "out_of_area", "explanation": "反映的路段在云冈区，请拨打云冈区热线。"});
    let shown = dispatcher.post(&case.path("/reject"), reject.clone()).await.expect(200);
    assert_eq!(shown["status"], "rejected");
    app.drain().await;
    let told = li.all("/notifications").await;
    let told = told.iter().find(|one| one["kind"] == "rejected").expect("the resident is told");
    assert!(told["text"].as_str().unwrap().contains("云冈区"), "{told}");

    let why = json!({"reason": "路段在平城区文兴路，请复核"});
    let seen = li.post(&case.path("/reopen"), why.clone()).await.expect(200);
    assert_eq!(seen["status"], "submitted");
    dispatcher.post(&case.path("/reject"), reject).await.expect(200);
    li.post(&case.path("/reopen"), why).await.refused(409, "appeal_used");
}

#[tokio::test]
async fn a_ground_must_be_listed_and_an_emergency_needs_a_handover_record() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let case = app.submitted().await;
    let unlisted = json!({"ground": "no_time", "explanation": "忙不过来"});
    dispatcher.post(&case.path("/reject"), unlisted).await.refused(422, "invalid_field");
    let bare = json!({"ground": "emergency_line", "explanation": "打119"});
    dispatcher.post(&case.path("/reject"), bare).await.refused(422, "handover_missing");
    let recorded = json!({"ground": "emergency_line", "explanation": "9时05分电话移交119指挥中心，接线员已出警。"});
    dispatcher.post(&case.path("/reject"), recorded).await.expect(200);
}

#[tokio::test]
async fn a_direct_answer_ends_it_and_may_be_appealed_once() {
    let app = App::spawn().await;
    let (li, dispatcher) = (app.resident("li"), app.as_("dispatcher"));
    let case = app.accepted().await;
    let answer = json!({"text": "社区卫生服务中心周六上午8点至12点接种疫苗，请带上接种证。"});
    dispatcher.post(&case.path("/answer"), answer.clone()).await.expect(200);
    let seen = li.complaint(&case).await;
    assert_eq!((&seen["status"], &seen["answer"]), (&json!("answered"), &answer["text"]));
    li.post(&case.path("/reopen"), json!({"reason": "问的是周日"})).await.expect(200);
    dispatcher.post(&case.path("/answer"), answer).await.expect(200);
    li.post(&case.path("/reopen"), json!({"reason": "再问"})).await.refused(409, "appeal_used");
}

#[tokio::test]
async fn withdrawing_after_dispatch_cancels_tasks_and_clocks_and_tells_the_unit() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut case = app.accepted().await;
    app.dispatch(&mut case, json!({"lead": "urban-management", "assist": ["housing"]})).await;
    app.drain().await;
    let seen = li.post(&case.path("/withdraw"), json!({"reason": "自己修好了"})).await.expect(200);
    assert_eq!(seen["status"], "withdrawn");
    let tasks = app.tasks(&case).await;
    assert_eq!(tasks.len(), 2);
    assert!(tasks.iter().all(|task| task["status"] == "cancelled"), "{tasks:?}");
    let armed: i64 = sqlx::query_scalar("select count(*) from sla_timer where state = 'armed'")
        .fetch_one(app.db())
        .await
        .unwrap();
    assert_eq!(armed, 0, "no clock runs on");
    app.drain().await;
    for clerk in [CLERK, "dept.housing"] {
        let told = app.as_(clerk).all("/notifications").await;
        assert!(told.iter().any(|one| one["kind"] == "task_cancelled"), "{clerk}: {told:?}");
    }
    app.as_(CLERK)
        .post(&case.task("/acknowledge"), json!({}))
        .await
        .refused(409, "task_step_refused");
    li.post(&case.path("/withdraw"), json!({})).await.refused(409, "complaint_step_refused");
}

#[tokio::test]
async fn urging_counts_once_in_ten_minutes() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let case = app.dispatched().await;
    for expected in [1, 1] {
        let seen = li.post(&case.path("/remind"), json!({})).await.expect(200);
        assert_eq!(seen["urges"], expected);
    }
    app.advance(chrono::TimeDelta::minutes(11));
    let seen = li.post(&case.path("/remind"), json!({})).await.expect(200);
    assert_eq!(seen["urges"], 2);
}

#[tokio::test]
async fn a_closed_case_may_be_reopened_with_a_reason() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let case = app.closed().await;
    li.post(&case.path("/reopen"), json!({})).await.refused(422, "invalid_field");
    let seen =
        li.post(&case.path("/reopen"), json!({"reason": "亮了两天又灭了"})).await.expect(200);
    assert_eq!((&seen["status"], &seen["closed_at"]), (&json!("handling"), &Value::Null));
    let again = app.open_lead(&case).await;
    assert_ne!(again, case.lead);
}
