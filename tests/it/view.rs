//! Saved views: each account's own, checked by the parser of the list that they narrow.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;

fn view(name: &str, list: &str, query: &str) -> Value {
    json!({"name": name, "list": list, "query": query})
}

#[tokio::test]
async fn a_view_is_kept_listed_and_removed() {
    let app = App::spawn().await;
    let clerk = app.as_("dept.urban-management");
    let query = "?status=pending,acknowledged&hot=true&q=路灯";
    let saved = clerk.post("/me/views", view(" 急件 ", "tasks", query)).await.expect(201);
    assert_eq!(saved["name"], "急件");
    assert_eq!(saved["query"], "status=pending,acknowledged&hot=true&q=路灯");
    app.advance(chrono::TimeDelta::seconds(1));
    clerk.post("/me/views", view("全部", "complaints", "")).await.expect(201);
    let names: Vec<Value> =
        clerk.all("/me/views?limit=1").await.iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["急件", "全部"], "the oldest first");
    assert!(app.as_("head.urban-management").all("/me/views").await.is_empty(), "one's own alone");

    let path = format!("/me/views/{}", saved["id"].as_str().unwrap());
    let remove = async |who: &str| app.as_(who).request(Method::DELETE, &path).send().await;
    remove("dispatcher").await.refused(404, "not_found");
    remove("dept.urban-management").await.expect(204);
    remove("dept.urban-management").await.refused(404, "not_found");
    assert_eq!(clerk.all("/me/views").await.len(), 1);
}

#[tokio::test]
async fn a_query_that_its_list_would_not_take_is_not_kept() {
    let app = App::spawn().await;
    let clerk = app.as_("dispatcher");
    for (list, query, field) in [
        ("complaints", "status=lost", "status"),
        ("complaints", "stauts=submitted", "query"),
        ("complaints", "cursor=x", "query"),
        ("complaints", "complaint_id=019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071", "query"),
        ("complaints", "q=灯", "q"),
        ("tasks", "status=submitted", "status"),
        ("tasks", "unit=城管", "unit"),
        ("tasks", "due_before=morgen", "due_before"),
        ("posts", "", "list"),
    ] {
        let refused = clerk.post("/me/views", view("急件", list, query)).await;
        assert_eq!(refused.fields(), [field], "{list} {query}: {refused}");
        refused.refused(422, "invalid_field");
    }
    clerk.post("/me/views", view("", "tasks", "")).await.refused(422, "invalid_field");
    assert_eq!(app.count("saved_view").await, 0);
}

#[tokio::test]
async fn names_are_unique_and_there_are_fifty_at_most() {
    let app = App::spawn().await;
    let clerk = app.as_("supervisor");
    let twins = futures::future::join_all(
        (0..2).map(|_| clerk.post("/me/views", view("急件", "tasks", ""))),
    )
    .await;
    let made = twins.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "of two at once one is kept");
    clerk.post("/me/views", view("急件", "complaints", "")).await.refused(409, "view_name_taken");
    app.as_("leader").post("/me/views", view("急件", "tasks", "")).await.expect(201);
    for n in 1..50 {
        clerk.post("/me/views", view(&format!("第{n}个"), "tasks", "")).await.expect(201);
    }
    clerk.post("/me/views", view("又一个", "tasks", "")).await.refused(409, "view_limit_reached");
}
