//! In which order a request is looked at: 401 → 403 → 404 → 400/422 → 412 → 409.

use reqwest::Method;
use serde_json::json;

use crate::support::{App, CLERK, Client};

const MISSING: &str = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071";

/// What is tried: who, the id, the body, `If-Match`, and the status and code that answer.
type Row<'a> = (&'a str, Client, &'a str, &'static str, Option<&'a str>, u16, &'a str);

#[tokio::test]
async fn a_request_is_looked_at_in_one_order() {
    let app = App::spawn().await;
    // Acknowledged at version 2 and more: acknowledging again is an illegal step.
    let case = app.acknowledged().await;
    let (own, missing, odd) = (case.lead.as_str(), MISSING, "not-a-uuid");
    let clerk = || app.as_(CLERK);
    let foreign = || app.as_("dept.housing");
    let resident = || app.resident("li");
    let nobody = || app.anonymous();
    let forged = || app.bearer("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.e30.");
    let (bad_json, bad_field, good) = ("{", r#"{"colour":1}"#, "{}");
    let (stale, odd_version, any) = (Some("\"1\""), Some("yesterday"), None);
    // Each row is at fault from its first check on; the earliest one answers.
    let rows: Vec<Row> = vec![
        ("nobody", nobody(), odd, bad_json, stale, 401, "unauthenticated"),
        ("forged", forged(), odd, bad_json, stale, 401, "unauthenticated"),
        ("wrong role", resident(), odd, bad_json, stale, 403, "forbidden"),
        ("wrong role, own object", resident(), own, good, any, 403, "forbidden"),
        ("odd id", clerk(), odd, bad_json, stale, 404, "not_found"),
        ("missing", clerk(), missing, bad_json, stale, 404, "not_found"),
        ("missing, bad field", clerk(), missing, bad_field, any, 404, "not_found"),
        ("foreign", foreign(), own, bad_json, stale, 404, "not_found"),
        ("foreign, bad field", foreign(), own, bad_field, any, 404, "not_found"),
        ("foreign, stale", foreign(), own, good, stale, 404, "not_found"),
        ("foreign, good", foreign(), own, good, any, 404, "not_found"),
        ("bad json", clerk(), own, bad_json, stale, 400, "malformed_json"),
        ("bad field", clerk(), own, bad_field, stale, 422, "invalid_field"),
        ("odd version", clerk(), own, good, odd_version, 400, "malformed_if_match"),
        ("stale", clerk(), own, good, stale, 412, "version_mismatch"),
        ("illegal step", clerk(), own, good, any, 409, "task_step_refused"),
    ];
    for (what, who, id, body, version, status, code) in rows {
        let mut request = who.request(Method::POST, &format!("/tasks/{id}/acknowledge"));
        request = request.raw("application/json", body);
        if let Some(version) = version {
            request = request.header("if-match", version);
        }
        let answer = request.send().await;
        assert_eq!((answer.status, answer.code()), (status, code), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_foreign_object_with_a_bad_odd_or_stale_request_is_missing() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let wang = app.resident("wang");
    for rest in ["/withdraw", "/remind", "/evaluate", "/reopen"] {
        for body in ["{", "[]", r#"{"reason":7}"#, r#"{"solved":true,"satisfaction":99}"#, "{}"] {
            let path = case.path(rest);
            let request = wang.request(Method::POST, &path).raw("application/json", body);
            let answer = request.header("if-match", "\"1\"").send().await;
            assert_eq!(
                (answer.status, answer.code()),
                (404, "not_found"),
                "{rest} {body}: {answer}"
            );
        }
        for id in [case.id.as_str(), MISSING] {
            let path = format!("/complaints/{id}{rest}");
            let request = wang.request(Method::POST, &path).header("if-match", "odd");
            request.json(&json!({})).send().await.refused(404, "not_found");
        }
    }
}

#[tokio::test]
async fn versions_guard_what_was_read() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let case = app.dispatched().await;
    let read = clerk.get(&case.task("")).await;
    let version = read.body["version"].as_i64().unwrap();
    assert_eq!(read.header("etag"), format!("\"{version}\""));
    let acknowledge = clerk.request(Method::POST, &case.task("/acknowledge")).json(&json!({}));
    let task = acknowledge.version(version).send().await;
    assert_eq!(task.header("etag"), format!("\"{}\"", version + 1));
    task.expect(200);
    let note = json!({"note": "电话联系"});
    let stale = clerk.request(Method::POST, &case.task("/contact")).json(&note).version(version);
    let problem = stale.send().await.refused(412, "version_mismatch");
    assert!(problem["detail"].as_str().unwrap().chars().count() > 5);
    let fresh = clerk.request(Method::POST, &case.task("/contact")).json(&note);
    fresh.version(version + 1).send().await.expect(200);

    let dispatcher = app.as_("dispatcher");
    let seen = dispatcher.get(&case.path("")).await;
    let version = seen.body["version"].as_i64().unwrap();
    assert_eq!(seen.header("etag"), format!("\"{version}\""));
    let stop = json!({"until": "2026-12-10T08:00:00Z", "reason": "等待鉴定结果"});
    let suspend = || dispatcher.request(Method::POST, &case.path("/suspend")).json(&stop);
    suspend().version(version - 1).send().await.refused(412, "version_mismatch");
    for any in ["*", &format!("W/\"{version}\""), &format!("\"{version}\", \"{version}\"")] {
        let answer = suspend().header("if-match", any).send().await;
        assert!(answer.status < 500, "{any}: {answer}");
    }
}

#[tokio::test]
async fn a_wrong_method_and_a_wrong_path_say_so() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let clerk = app.as_(CLERK);
    let wrong = clerk.request(Method::DELETE, &case.task("")).send().await;
    assert_eq!(wrong.header("allow"), "GET");
    wrong.refused(405, "method_not_allowed");
    clerk.get("/nowhere").await.refused(404, "not_found");
    clerk.get(&case.task("/acknowledge")).await.refused(405, "method_not_allowed");
}
