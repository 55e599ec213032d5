//! Posts that repeat: made at once, changed and called off one by one or from a day on.

use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{FOREIGN, OFFICER, claim, claimed, post};
use crate::support::{Answer, App, Client};

/// Every Wednesday and Saturday from tomorrow (Wednesday, 25 November 2026) on.
fn series(app: &App, until: &str) -> Value {
    let mut first = post(app, 24 * 60, 120, 2);
    first["title"] = json!("清洁家园");
    json!({ "post": first, "weekdays": [3, 6], "until": until, "skip_holidays": true })
}

async fn made(who: &Client, key: &str, body: &Value) -> Answer {
    who.request(Method::POST, "/post-series").key(key).json(body).send().await
}

#[tokio::test]
async fn a_series_is_as_many_posts_as_its_days() {
    let app = App::spawn().await;
    let (officer, li) = (app.as_(OFFICER), app.resident("li"));
    let body = series(&app, "2027-01-03");
    let taps = join_all((0..3).map(|_| made(&officer, "the-same-series", &body))).await;
    let views: Vec<Value> = taps.into_iter().map(|tap| tap.expect(201)).collect();
    assert!(views.iter().all(|view| view == &views[0]), "one series, however often it is tapped");
    let posts = views[0]["posts"].as_array().unwrap();
    // Twelve days; what of them is a public holiday is left out.
    assert_eq!(posts.len() + views[0]["skipped"].as_array().unwrap().len(), 12);
    assert_eq!(posts[0]["starts_at"], json!(app.now() + TimeDelta::hours(24)));
    assert_eq!(posts[1]["starts_at"], json!(app.now() + TimeDelta::hours(96)));
    for one in &posts[..2] {
        claimed(&li, one["id"].as_str().unwrap()).await;
    }

    let fields = async |change: fn(&mut Value)| {
        let mut body = series(&app, "2026-12-31");
        change(&mut body);
        let refused = made(&officer, "a-wrong-series", &body).await;
        assert_eq!(refused.status, 422, "{refused}");
        refused.fields().first().map(|field| (*field).to_owned())
    };
    assert_eq!(fields(|body| body["weekdays"] = json!([8])).await.as_deref(), Some("weekdays"));
    assert_eq!(fields(|body| body["weekdays"] = json!([1])).await.as_deref(), Some("starts_at"));
    assert_eq!(fields(|body| body["until"] = json!("2026-11-01")).await.as_deref(), Some("until"));
    assert_eq!(fields(|body| body["until"] = json!("2027-11-01")).await.as_deref(), Some("until"));
    assert_eq!(
        fields(|body| body["post"]["capacity"] = json!(0)).await.as_deref(),
        Some("capacity")
    );
    made(&li, "not-an-officer", &body).await.refused(403, "forbidden");
    assert_eq!(made(&app.as_(FOREIGN), "another-place", &body).await.fields(), ["community_code"]);
}

#[tokio::test]
async fn one_or_the_rest_is_changed_or_called_off() {
    let app = App::spawn().await;
    let (officer, li) = (app.as_(OFFICER), app.resident("li"));
    let view = made(&officer, "the-same-series", &series(&app, "2026-12-12")).await.expect(201);
    let (id, posts) = (view["id"].as_str().unwrap(), view["posts"].as_array().unwrap());
    assert_eq!(posts.len(), 6);
    let of = |n: usize| posts[n]["id"].as_str().unwrap();
    claimed(&li, of(3)).await;
    // One alone.
    officer.post(&format!("/posts/{}/cancel", of(1)), json!({})).await.ok();

    let path = format!("/post-series/{id}");
    let change = json!({
        "from": "2026-12-02", "kind": "environment", "title": "清洁家园（南门集合）", "capacity": 3,
    });
    let put =
        async |who: &Client, body: &Value| who.request(Method::PUT, &path).json(body).send().await;
    put(&app.as_(FOREIGN), &change).await.refused(404, "not_found");
    let after = put(&officer, &change).await.ok();
    let titles: Vec<&Value> =
        after["items"].as_array().unwrap().iter().map(|post| &post["title"]).collect();
    let changed = titles.iter().filter(|title| **title == "清洁家园（南门集合）").count();
    assert_eq!((titles.len(), changed), (6, 4), "from that day on");
    app.drain().await;
    assert_eq!(li.all("/notifications").await[0]["kind"], "post_changed");
    let none = json!({ "from": "2027-01-01" });
    let refused = officer.post(&format!("{path}/cancel"), none).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["from"]));

    let rest = json!({ "from": "2026-12-05" });
    officer.post(&format!("{path}/cancel"), rest.clone()).await.ok();
    assert_eq!(li.all("/me/claims").await[0]["status"], "cancelled");
    claim(&li, of(3)).await.refused(409, "post_cancelled");
    claimed(&li, of(2)).await;
    let again = officer.post(&format!("{path}/cancel"), rest).await;
    assert_eq!(again.fields(), ["from"], "nothing is left");
}
