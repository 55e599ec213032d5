//! Drafts of replies: nothing typed is lost, and nobody else reads it.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK};

#[tokio::test]
async fn a_draft_is_kept_for_its_author_until_the_reply_is_sent() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let case = app.acknowledged().await;
    let path = case.task("/draft");
    let empty = clerk.get(&path).await.expect(200);
    assert_eq!(empty["text"], Value::Null);
    let save = async |text: &str| {
        let body = json!({"text": text, "outcome": "solved"});
        clerk.request(Method::PUT, &path).json(&body).send().await
    };
    save("已到现场").await.expect(200);
    save("已转相关部门").await.expect(200);
    let kept = clerk.get(&path).await.expect(200);
    assert_eq!((&kept["text"], &kept["outcome"]), (&json!("已转相关部门"), &json!("solved")));
    assert_eq!(app.count("task_draft").await, 1);
    let head = app.as_("head.urban-management").get(&path).await.expect(200);
    assert_eq!(head["text"], Value::Null, "each account has its own");
    assert_eq!(clerk.get(&case.task("")).await.expect(200)["status"], "acknowledged");

    app.advance(TimeDelta::minutes(5));
    app.contact_and_reply(&case).await;
    assert_eq!(clerk.get(&path).await.expect(200)["text"], Value::Null, "it was sent");
    app.advance(TimeDelta::minutes(5));
    save("补充：已检查相邻三盏").await.expect(200);
    clerk.request(Method::DELETE, &path).send().await.expect(204);
    clerk.request(Method::DELETE, &path).send().await.expect(204);
    assert_eq!(clerk.get(&path).await.expect(200)["text"], Value::Null);
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    save("来不及了").await.refused(409, "task_step_refused");
}

#[tokio::test]
async fn a_draft_is_the_units_own_business() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let path = case.task("/draft");
    let body = json!({"text": "已到现场"});
    let housing = app.as_("dept.housing");
    housing.request(Method::PUT, &path).json(&body).send().await.refused(404, "not_found");
    housing.get(&path).await.refused(404, "not_found");
    housing.request(Method::DELETE, &path).send().await.refused(404, "not_found");
    app.as_("dispatcher").get(&path).await.refused(403, "forbidden");
    let bad = json!({"text": "", "outcome": "solved"});
    let bad = app.as_(CLERK).request(Method::PUT, &path).json(&bad).send().await;
    bad.refused(422, "invalid_field");
}
