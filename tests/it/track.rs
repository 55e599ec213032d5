//! Without log-in, by number and query code.

use serde_json::{Value, json};

use crate::support::{App, Case, complaint};

/// A complaint that nobody logged in for, brought to `replied`.
async fn replied(app: &App) -> Case {
    let mut case = app.anonymous().submit(&complaint()).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": "urban-management"})).await;
    let clerk = app.as_("dept.urban-management");
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    case
}

#[tokio::test]
async fn number_and_code_show_how_it_stands_and_nothing_of_a_person() {
    let app = App::spawn().await;
    let case = replied(&app).await;
    let answer = app.anonymous().post("/track", case.track(json!({}))).await;
    assert!(!answer.text.contains("13834567890") && !answer.text.contains("李桂芳"));
    let seen = answer.expect(200);
    assert_eq!((&seen["number"], &seen["status"]), (&json!(case.number), &json!("replied")));
}

#[tokio::test]
async fn a_wrong_code_and_a_wrong_number_look_the_same() {
    let app = App::spawn().await;
    let case = app.anonymous().submit(&complaint()).await;
    let other = app.anonymous().submit(&complaint()).await;
    let mut seen = Vec::new();
    for (number, code) in [
        (case.number.as_str(), "AAAAAAAAAA"),
        (&case.number, &other.query_code),
        ("PC20261124999999", &case.query_code),
        ("", ""),
        ("PC", "' or 1=1 --"),
        (&case.number, "𠮷"),
    ] {
        let body = json!({"number": number, "query_code": code});
        let mut problem = app.anonymous().post("/track", body).await.refused(404, "not_found");
        problem["request_id"] = Value::Null;
        seen.push(problem);
        for step in ["withdraw", "remind"] {
            let body = json!({"number": number, "query_code": code});
            let path = format!("/track/{step}");
            app.anonymous().post(&path, body).await.refused(404, "not_found");
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    let spoken =
        json!({"number": case.number.to_lowercase(), "query_code": case.query_code.to_lowercase()});
    app.anonymous().post("/track", spoken).await.expect(200);
}

#[tokio::test]
async fn the_code_evaluates_and_reopens() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    let case = replied(&app).await;
    let stars = json!({"solved": true, "satisfaction": 5, "contacted": true});
    let seen = nobody.post("/track/evaluate", case.track(stars.clone())).await.expect(200);
    assert_eq!(seen["status"], "closed");
    let again = nobody.post("/track/evaluate", case.track(stars)).await;
    again.refused(409, "complaint_step_refused");
    nobody.post("/track/reopen", case.track(json!({}))).await.refused(422, "invalid_field");
    let why = case.track(json!({"reason": "又不亮了"}));
    assert_eq!(nobody.post("/track/reopen", why).await.expect(200)["status"], "handling");
}

#[tokio::test]
async fn the_code_reminds_and_withdraws() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    let mut case = nobody.submit(&complaint()).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": "urban-management"})).await;
    nobody.post("/track/remind", case.track(json!({}))).await.expect(200);
    let centre = app.as_("dispatcher").complaint(&case).await;
    assert_eq!(centre["urges"], 1);
    let seen = nobody.post("/track/withdraw", case.track(json!({}))).await.expect(200);
    assert_eq!(seen["status"], "withdrawn");
    assert_eq!(app.tasks(&case).await[0]["status"], "cancelled");
}

#[tokio::test]
async fn codes_cannot_be_guessed_at_speed() {
    let app = App::with(|config| config.limits.track_per_minute = 5).await;
    let body = json!({"number": "PC20261124000001", "query_code": "AAAAAAAAAA"});
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(app.anonymous().post("/track", body.clone()).await.status);
    }
    assert_eq!(statuses, [404, 404, 404, 404, 404, 429, 429]);
}
