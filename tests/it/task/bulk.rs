//! Many tasks at once, each for itself.

use serde_json::{Value, json};

use crate::support::{App, CLERK};

#[tokio::test]
async fn each_row_is_acknowledged_or_refused_for_itself() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let (one, two, done) =
        (app.dispatched().await, app.dispatched().await, app.acknowledged().await);
    let mut foreign = app.accepted().await;
    app.dispatch(&mut foreign, json!({"lead": "housing"})).await;
    let ids = json!([one.lead, done.lead, foreign.lead, two.lead, one.lead]);
    let told = clerk.post("/tasks/acknowledge", json!({"ids": ids})).await.expect(200);
    assert_eq!(told["done"], 2);
    let rows = told["items"].as_array().unwrap();
    let codes: Vec<&Value> = rows.iter().map(|row| &row["code"]).collect();
    let refused = json!("task_step_refused");
    assert_eq!(
        codes,
        [&Value::Null, &refused, &json!("not_found"), &Value::Null, &refused],
        "in the order given; the second of two the same is refused: {told}"
    );
    assert!(rows[1]["detail"].as_str().unwrap().contains("已签收"), "{told}");
    for case in [&one, &two] {
        assert_eq!(clerk.get(&case.task("")).await.expect(200)["status"], "acknowledged");
        assert_eq!(app.resident("li").complaint(case).await["status"], "handling");
    }
    assert_eq!(app.tasks(&foreign).await[0]["status"], "pending");
}

#[tokio::test]
async fn a_hundred_at_most() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let id = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071";
    for ids in [json!([]), json!(vec![id; 101]), json!(["no-id"])] {
        clerk.post("/tasks/acknowledge", json!({"ids": ids})).await.refused(422, "invalid_field");
    }
    let dispatcher = app.as_("dispatcher");
    let all = json!({"ids": [id]});
    dispatcher.post("/tasks/acknowledge", all).await.refused(403, "forbidden");
}
