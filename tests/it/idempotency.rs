//! Double taps and races: one effect each.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, CLERK, Client, UNIT, complaint};

async fn hand_in(who: &Client, key: &str, body: &Value) -> Answer {
    who.request(Method::POST, "/complaints").key(key).json(body).send().await
}

#[tokio::test]
async fn twenty_taps_with_one_key_are_one_complaint() {
    let app = App::spawn().await;
    for (who, name) in [(app.resident("li"), "li"), (app.anonymous(), "nobody")] {
        let before = app.count("complaint").await;
        who.token().await;
        let (key, body) = (format!("double-tap-{name}"), complaint());
        let answers = join_all((0..20).map(|_| hand_in(&who, &key, &body))).await;
        assert!(answers.iter().all(|answer| answer.status == 201), "{}", answers[0]);
        let bodies: BTreeSet<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
        assert_eq!(bodies.len(), 1, "the same answer to each");
        assert_eq!(app.count("complaint").await, before + 1);
    }
    assert_eq!(app.count("event where kind = 'submitted'").await, 2, "one event each");
}

#[tokio::test]
async fn a_key_is_required_and_has_its_form() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let bare = li.request(Method::POST, "/complaints").json(&complaint()).send().await;
    bare.refused(400, "idempotency_key_required");
    for odd in ["", "short", "1234567", &"k".repeat(101)] {
        let answer = hand_in(&li, odd, &complaint()).await;
        assert!(matches!(answer.status, 400 | 422), "{odd}: {answer}");
    }
    for good in ["12345678", &"k".repeat(100)] {
        hand_in(&li, good, &complaint()).await.expect(201);
    }
    assert_eq!(app.count("complaint").await, 2);
}

#[tokio::test]
async fn a_key_with_another_command_is_refused() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let first = hand_in(&li, "the-same-key", &complaint()).await;
    let mut other = complaint();
    other["title"] = json!("另一件事情");
    hand_in(&li, "the-same-key", &other).await.refused(422, "idempotency_key_reused");
    // The command is compared, not the bytes: order and white space do not matter.
    let body = serde_json::to_string_pretty(&complaint()).unwrap();
    let request = li.request(Method::POST, "/complaints").key("the-same-key");
    let again = request.raw("application/json", body).send().await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(app.count("complaint").await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_person_and_lasts_a_day() {
    let app = App::spawn().await;
    let of = async |name: &str| {
        let answer = hand_in(&app.resident(name), "everybodys-key", &complaint()).await;
        answer.expect(201)["id"].clone()
    };
    let (li, wang) = (of("li").await, of("wang").await);
    assert_ne!(li, wang);
    assert_eq!(of("li").await, li);
    app.advance(chrono::TimeDelta::hours(23));
    app.drain().await;
    assert_eq!(of("li").await, li);
    app.advance(chrono::TimeDelta::hours(2));
    app.drain().await;
    assert_ne!(of("li").await, li, "after a day it is a new complaint");
}

#[tokio::test]
async fn a_refused_command_does_not_use_up_its_key() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut bad = complaint();
    bad["title"] = json!("灯");
    hand_in(&li, "try-it-again", &bad).await.refused(422, "invalid_field");
    hand_in(&li, "try-it-again", &complaint()).await.expect(201);
}

#[tokio::test]
async fn of_two_acknowledgements_one_wins() {
    let app = App::spawn().await;
    let (clerk, head) = (app.as_(CLERK), app.as_("head.urban-management"));
    for _ in 0..5 {
        let case = app.dispatched().await;
        let path = case.task("/acknowledge");
        let (one, two) = futures::join!(clerk.post(&path, json!({})), head.post(&path, json!({})));
        assert_eq!(BTreeSet::from([one.status, two.status]), BTreeSet::from([200, 409]));
        let events = app.as_("dispatcher").all(&case.path("/events")).await;
        let times = events.iter().filter(|event| event["kind"] == "task_acknowledged").count();
        assert_eq!(times, 1);
    }
}

#[tokio::test]
async fn of_two_dispatches_one_wins() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    for _ in 0..5 {
        let case = app.accepted().await;
        let path = case.path("/dispatch");
        let to = |unit: &str| json!({"lead": unit});
        let (one, two) =
            futures::join!(dispatcher.post(&path, to(UNIT)), dispatcher.post(&path, to("housing")));
        assert_eq!(BTreeSet::from([one.status, two.status]), BTreeSet::from([200, 409]));
        assert_eq!(app.tasks(&case).await.len(), 1);
    }
}

#[tokio::test]
async fn a_reply_is_confirmed_or_sent_back_never_both() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    for _ in 0..5 {
        let case = app.task_replied().await;
        let (confirm, back) = (case.task("/confirm"), case.task("/send-back"));
        let (one, two) = futures::join!(
            dispatcher.post(&confirm, json!({})),
            dispatcher.post(&back, json!({"reason": "没有说明东侧的情况"}))
        );
        assert_eq!(BTreeSet::from([one.status, two.status]), BTreeSet::from([200, 409]));
        let task = dispatcher.get(&case.task("")).await.expect(200);
        let (status, of_case) = match one.status {
            200 => ("confirmed", "replied"),
            _ => ("sent_back", "handling"),
        };
        assert_eq!(task["status"], status);
        assert_eq!(app.resident("li").complaint(&case).await["status"], of_case);
    }
}

#[tokio::test]
async fn every_assist_confirmed_at_once_still_ends_in_replied() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let mut case = app.accepted().await;
    let units = json!({"lead": UNIT, "assist": ["housing", "power-grid", "justice"]});
    app.dispatch(&mut case, units).await;
    let tasks = app.tasks(&case).await;
    let mut confirms = Vec::new();
    for task in &tasks {
        let (unit, id) = (task["unit"].as_str().unwrap(), task["id"].as_str().unwrap());
        let clerk = app.as_(&format!("dept.{unit}"));
        clerk.post(&format!("/tasks/{id}/acknowledge"), json!({})).await.expect(200);
        if task["role"] == "lead" {
            let note = json!({"note": "电话联系"});
            clerk.post(&format!("/tasks/{id}/contact"), note).await.expect(200);
        }
        let reply = json!({"text": "更换了电缆，清理了灯杆。", "outcome": "solved"});
        clerk.post(&format!("/tasks/{id}/reply"), reply).await.expect(200);
        confirms.push(format!("/tasks/{id}/confirm"));
    }
    let answers = join_all(confirms.iter().map(|path| dispatcher.post(path, json!({})))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(app.resident("li").complaint(&case).await["status"], "replied");
}

#[tokio::test]
async fn numbers_are_unique_and_without_gaps_under_load() {
    let app = App::spawn().await;
    let li = app.resident("li");
    li.token().await;
    let body = complaint();
    let cases = join_all((0..30).map(|_| li.submit(&body))).await;
    let numbers: BTreeSet<&str> = cases.iter().map(|case| case.number.as_str()).collect();
    assert_eq!(numbers.len(), 30);
    let codes: BTreeSet<&str> = cases.iter().map(|case| case.query_code.as_str()).collect();
    assert_eq!(codes.len(), 30);
}
