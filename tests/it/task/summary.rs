//! The lead's summary: the lead reads what the assists replied, waits for them, and replies for all.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, Client, UNIT, operations};

const DRAWN: &str = "已核对管线图，路口地下电缆完好，无需开挖。";
const FUSED: &str = "变压器熔断器已于当日更换，供电恢复。";
const SUMMARY: &str = "经住建、供电两家核查，地下电缆完好，熔断器已更换，路灯当晚全部亮起。";

/// A case whose lead sums up what two assists reply; everybody has acknowledged.
async fn shared(app: &App, summary: bool) -> Case {
    let mut case = app.accepted().await;
    let mut order = json!({"lead": UNIT, "assist": ["housing", "power-grid"]});
    if summary {
        order["summary"] = json!(true);
    }
    app.dispatch(&mut case, order).await;
    for task in app.tasks(&case).await {
        let unit = app.as_(&format!("dept.{}", task["unit"].as_str().unwrap()));
        let path = format!("/tasks/{}/acknowledge", task["id"].as_str().unwrap());
        unit.post(&path, json!({})).await.expect(200);
    }
    app.as_(CLERK).post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    case
}

/// The task of an assist.
async fn task_of(app: &App, case: &Case, unit: &str) -> String {
    let tasks = app.tasks(case).await;
    let task = tasks.iter().find(|task| task["unit"] == unit).unwrap();
    task["id"].as_str().unwrap().to_owned()
}

async fn replies(app: &App, case: &Case, unit: &str, text: &str) -> Value {
    let path = format!("/tasks/{}/reply", task_of(app, case, unit).await);
    let reply = json!({"text": text, "outcome": "explained"});
    app.as_(&format!("dept.{unit}")).post(&path, reply).await.expect(200)
}

fn summed_up() -> Value {
    json!({"text": SUMMARY, "outcome": "solved"})
}

/// Everything that a resident reads about anything.
async fn everything(who: &Client, ids: &[&str]) -> String {
    let mut read = String::new();
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        for id in ids {
            let path = operation.path_with(id);
            if !path.contains('{') {
                read.push_str(&who.get(&path).await.text);
            }
        }
    }
    read
}

#[tokio::test]
async fn the_lead_waits_for_the_assists_and_replies_for_all() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let case = shared(&app, true).await;
    let assists = clerk.get(&case.task("/assists")).await.expect(200);
    assert_eq!((&assists["summary"], &assists["out"]), (&json!(true), &json!(2)));
    let refused = clerk.post(&case.task("/reply"), summed_up()).await;
    let detail = refused.body["detail"].as_str().unwrap().to_owned();
    refused.refused(409, "assists_out");
    for item in assists["items"].as_array().unwrap() {
        assert!(detail.contains(item["unit_name"].as_str().unwrap()), "{detail}");
        assert_eq!(item["reply"], Value::Null);
    }
    replies(&app, &case, "housing", DRAWN).await;
    app.advance(TimeDelta::minutes(1));
    clerk.post(&case.task("/reply"), summed_up()).await.refused(409, "assists_out");
    replies(&app, &case, "power-grid", FUSED).await;
    let assists = clerk.get(&case.task("/assists")).await.expect(200);
    assert_eq!(assists["out"], 0);
    let texts: Vec<&str> = assists["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["reply"]["text"].as_str())
        .collect();
    assert_eq!(texts, [DRAWN, FUSED], "in one place");
    // What was sent back is out again, and its text stands no more.
    let housing = task_of(&app, &case, "housing").await;
    let back = json!({"reason": "请附上管线图的编号"});
    app.as_("dispatcher").post(&format!("/tasks/{housing}/send-back"), back).await.expect(200);
    let assists = clerk.get(&case.task("/assists")).await.expect(200);
    assert_eq!((&assists["out"], &assists["items"][0]["reply"]), (&json!(1), &Value::Null));
    clerk.post(&case.task("/reply"), summed_up()).await.refused(409, "assists_out");
    let again = format!("/tasks/{housing}/acknowledge");
    app.as_("dept.housing").post(&again, json!({})).await.expect(200);
    replies(&app, &case, "housing", DRAWN).await;

    clerk.post(&case.task("/reply"), summed_up()).await.expect(200);
    for task in app.tasks(&case).await {
        let path = format!("/tasks/{}/confirm", task["id"].as_str().unwrap());
        app.as_("dispatcher").post(&path, json!({})).await.expect(200);
    }
    app.drain().await;
    let li = app.resident("li");
    assert_eq!(li.complaint(&case).await["answer"], SUMMARY);
    let tracked = app.anonymous().post("/track", case.track(json!({}))).await.expect(200);
    assert_eq!(tracked["answer"], SUMMARY);
    let read = everything(&li, &[&case.id, &case.lead, &housing]).await;
    assert!(read.contains(SUMMARY), "the lead's summary is read");
    for single in [DRAWN, FUSED, "附上管线图的编号"] {
        assert!(!read.contains(single), "{single} is among the units");
    }
}

#[tokio::test]
async fn a_lead_that_does_not_wait_says_why() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let case = shared(&app, true).await;
    let with = |reason: &str| {
        let mut body = summed_up();
        body["without_assists"] = json!(reason);
        body
    };
    let bad = clerk.post(&case.task("/reply"), with("急")).await;
    assert_eq!(bad.fields(), ["without_assists"], "{bad}");
    bad.refused(422, "invalid_field");
    clerk.post(&case.task("/reply"), with("管线图本周才能调出，路灯已亮")).await.expect(200);
    let events = app.as_("dispatcher").all(&case.path("/events")).await;
    let waived = events.iter().find(|event| event["kind"] == "assists_waived").unwrap();
    assert!(waived["text"].as_str().unwrap().contains("管线图本周才能调出"), "{waived}");
    let read = app.resident("li").all(&case.path("/events")).await;
    assert!(!read.iter().any(|event| event["kind"] == "assists_waived"), "among the units");
    // The assists owe their replies all the same.
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    assert_eq!(app.resident("li").complaint(&case).await["status"], "handling");
}

#[tokio::test]
async fn nobody_waits_where_the_centre_did_not_ask_for_a_summary() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let case = shared(&app, false).await;
    let assists = clerk.get(&case.task("/assists")).await.expect(200);
    assert_eq!((&assists["summary"], &assists["out"]), (&json!(false), &json!(2)));
    clerk.post(&case.task("/reply"), summed_up()).await.expect(200);
    let events = app.as_("dispatcher").all(&case.path("/events")).await;
    assert!(!events.iter().any(|event| event["kind"] == "assists_waived"));
    let alone = app.accepted().await;
    let order = json!({"lead": UNIT, "summary": true});
    let refused = app.as_("dispatcher").post(&alone.path("/dispatch"), order).await;
    assert_eq!(refused.fields(), ["summary"], "{refused}");
    refused.refused(422, "invalid_field");
}

#[tokio::test]
async fn only_the_lead_and_the_centre_read_the_assists() {
    let app = App::spawn().await;
    let case = shared(&app, true).await;
    replies(&app, &case, "power-grid", FUSED).await;
    let housing = task_of(&app, &case, "housing").await;
    app.as_("dispatcher").get(&case.task("/assists")).await.expect(200);
    let own = format!("/tasks/{housing}/assists");
    app.as_("dept.housing").get(&own).await.refused(409, "lead_only");
    app.as_("dept.housing").get(&case.task("/assists")).await.refused(404, "not_found");
    app.resident("li").get(&case.task("/assists")).await.refused(403, "forbidden");
    // An assist replies whenever it is ready.
    replies(&app, &case, "housing", DRAWN).await;
}
