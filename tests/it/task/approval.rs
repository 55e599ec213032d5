//! The head's approval of replies: asked for by a unit, drafted → submitted → approved or sent back.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, REPLY, UNIT};

const HEAD: &str = "head.urban-management";

async fn require(app: &App, outcomes: Value) -> Value {
    let path = format!("/units/{UNIT}/reply-approval");
    let body = json!({ "outcomes": outcomes });
    app.as_(HEAD).request(Method::PUT, &path).json(&body).send().await.expect(200)
}

fn reply() -> Value {
    json!({"text": REPLY, "outcome": "solved"})
}

fn decide(approve: bool) -> Value {
    json!({"approve": approve, "reason": if approve { None } else { Some("请补充更换的灯头型号") }})
}

/// Acknowledged and contacted, in a unit that wants its head's approval for "solved".
async fn ready(app: &App) -> Case {
    require(app, json!(["solved"])).await;
    let case = app.acknowledged().await;
    let note = json!({"note": "电话联系，约定今晚到现场查看"});
    app.as_(CLERK).post(&case.task("/contact"), note).await.expect(200);
    case
}

async fn submitted(app: &App) -> Case {
    let case = ready(app).await;
    app.as_(CLERK).post(&case.task("/reply"), reply()).await.expect(200);
    case
}

#[tokio::test]
async fn a_reply_goes_out_when_the_head_approves_it() {
    let app = App::spawn().await;
    let case = ready(&app).await;
    let (clerk, dispatcher) = (app.as_(CLERK), app.as_("dispatcher"));
    let waiting = clerk.post(&case.task("/reply"), reply()).await.expect(200);
    assert_eq!((&waiting["status"], &waiting["reply"]), (&json!("acknowledged"), &Value::Null));
    assert_eq!(waiting["waiting_reply"]["reply"]["text"], REPLY);
    clerk.post(&case.task("/reply"), reply()).await.refused(409, "reply_waits_for_approval");
    dispatcher.post(&case.task("/confirm"), json!({})).await.refused(409, "task_step_refused");
    let seen = dispatcher.get(&case.task("")).await.expect(200);
    assert_eq!(seen["waiting_reply"]["reply"], Value::Null, "what waits is the unit's own");
    app.drain().await;
    let inbox = app.as_(HEAD).get("/notifications").await.expect(200).to_string();
    assert!(inbox.contains("等待本单位负责人审签"), "{inbox}");

    app.advance(TimeDelta::hours(1));
    let (head, clerk) = (app.as_(HEAD), app.as_(CLERK));
    clerk.post(&case.task("/reply/decide"), decide(true)).await.refused(403, "forbidden");
    let sent = head.post(&case.task("/reply/decide"), decide(true)).await.expect(200);
    assert_eq!((&sent["status"], &sent["reply"]["text"]), (&json!("replied"), &json!(REPLY)));
    assert_eq!(sent["waiting_reply"], Value::Null);
    assert_eq!(sent["replied_at"], json!("2026-11-24T02:00:00Z"), "the approval is the reply");
    assert!(sent["approved_by"].is_string(), "{sent}");
    head.post(&case.task("/reply/decide"), decide(true)).await.refused(409, "task_step_refused");
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    assert_eq!(app.count("event where kind = 'task_replied'").await, 1);
    assert_eq!(app.count("audit_entry where action = 'task.decide_reply'").await, 1);
}

#[tokio::test]
async fn sent_back_it_is_written_again_and_nothing_is_lost() {
    let app = App::spawn().await;
    let case = submitted(&app).await;
    let (clerk, head) = (app.as_(CLERK), app.as_(HEAD));
    let unexplained = head.post(&case.task("/reply/decide"), json!({"approve": false})).await;
    assert_eq!(unexplained.fields(), ["reason"], "{unexplained}");
    let back = head.post(&case.task("/reply/decide"), decide(false)).await.expect(200);
    assert_eq!((&back["status"], &back["waiting_reply"]), (&json!("acknowledged"), &Value::Null));
    assert_eq!(clerk.get(&case.task("/draft")).await.expect(200)["text"], REPLY);
    app.drain().await;
    let inbox = clerk.get("/notifications").await.expect(200).to_string();
    assert!(inbox.contains("请补充更换的灯头型号"), "{inbox}");
    let events = app.resident("li").get(&case.path("/events")).await.expect(200).to_string();
    assert!(!events.contains("审签") && !events.contains("灯头型号"), "{events}");

    clerk.post(&case.task("/reply"), reply()).await.expect(200);
    sqlx::query("delete from task_draft").execute(app.db()).await.unwrap();
    clerk.post(&case.task("/reply/withdraw"), json!({})).await.expect(200);
    let kept = clerk.get(&case.task("/draft")).await.expect(200);
    assert_eq!(kept["text"], reply()["text"], "what was taken back is a draft again");
    clerk.post(&case.task("/reply/withdraw"), json!({})).await.refused(409, "no_reply_waits");
    head.post(&case.task("/reply/decide"), decide(true)).await.refused(409, "no_reply_waits");
    clerk.post(&case.task("/reply"), reply()).await.expect(200);
    let sent = head.post(&case.task("/reply/decide"), decide(true)).await.expect(200);
    assert_eq!(sent["status"], "replied");
}

#[tokio::test]
async fn two_who_decide_at_once_come_to_one_decision() {
    for (first, second) in [(true, false), (true, true), (false, false)] {
        let app = App::spawn().await;
        let case = submitted(&app).await;
        let head = app.as_(HEAD);
        let path = case.task("/reply/decide");
        let (one, two) =
            tokio::join!(head.post(&path, decide(first)), head.post(&path, decide(second)));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one} {two}");
        let decided =
            app.count("event where kind in ('reply_approved', 'reply_disapproved')").await;
        assert_eq!(decided, 1);
    }
}

#[tokio::test]
async fn nobody_approves_what_they_wrote() {
    let app = App::spawn().await;
    let case = ready(&app).await;
    let head = app.as_(HEAD);
    head.post(&case.task("/reply"), reply()).await.expect(200);
    head.post(&case.task("/reply/decide"), decide(true)).await.refused(409, "own_reply");
    let foreign = app.as_("head.housing").post(&case.task("/reply/decide"), decide(true)).await;
    foreign.refused(404, "not_found");
    // The database says so too.
    let forged = sqlx::query(
        "update task set drafted_by = account.id, approved_by = account.id from account
         where account.username = 'head.urban-management' and task.id = $1::uuid",
    )
    .bind(&case.lead)
    .execute(app.db())
    .await
    .unwrap_err();
    assert!(forged.to_string().contains("task_approved_by_another"), "{forged}");
}

#[tokio::test]
async fn only_the_outcomes_that_the_unit_named_wait() {
    let app = App::spawn().await;
    let path = format!("/units/{UNIT}/reply-approval");
    assert_eq!(app.as_(CLERK).get(&path).await.expect(200)["outcomes"], json!([]), "default off");
    let set = require(&app, json!(["refused", "explained", "refused"])).await;
    assert_eq!(set["outcomes"], json!(["explained", "refused"]));
    let solved = app.task_replied().await;
    assert_eq!(app.as_(CLERK).get(&solved.task("")).await.expect(200)["status"], "replied");

    let case = app.acknowledged().await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/contact"), json!({"note": "电话说明情况"})).await.expect(200);
    let refused = json!({"text": "该处不在照明范围，依据规划不予增设，已当面说明。", "outcome": "refused", "basis": "照明管理规定第九条"});
    let waiting = clerk.post(&case.task("/reply"), refused).await.expect(200);
    assert_eq!(waiting["status"], "acknowledged");

    // Switched off, what waits goes on waiting, and later ones go out at once.
    require(&app, json!([])).await;
    app.as_(HEAD).post(&case.task("/reply/decide"), decide(true)).await.expect(200);
    let put =
        |who: &'static str| app.as_(who).request(Method::PUT, &path).json(&json!({"outcomes": []}));
    put(CLERK).send().await.refused(403, "forbidden");
    put("head.housing").send().await.refused(404, "not_found");
    let unknown = app.as_(HEAD).request(Method::PUT, &path).json(&json!({"outcomes": ["done"]}));
    unknown.send().await.refused(422, "invalid_field");
}

#[tokio::test]
async fn no_clock_stops_for_the_head() {
    let app = App::spawn().await;
    let case = submitted(&app).await;
    app.pass("2026-12-02T00:01:00+08:00").await;
    assert_eq!(
        app.count("event where kind = 'overdue' and data ->> 'mark' = 'reply'").await,
        1,
        "the reply is late although it waits"
    );
    let late = app.as_(CLERK).all("/tasks?overdue=true").await;
    assert_eq!(late[0]["id"], json!(case.lead));
    let back = json!({"ground": "duty", "basis": "产权不在本单位", "suggested_unit": "housing"});
    app.as_(CLERK).post(&case.task("/return"), back).await.refused(409, "reply_waits_for_approval");
}
