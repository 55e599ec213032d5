//! Being there: the code at the place, the place itself, and what looks odd about it.

use chrono::TimeDelta;
use domain::time::Timestamp;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{FOREIGN, OFFICER, claimed, confirm, post, published, statuses, step};
use crate::support::{App, Client};

async fn code_of(who: &Client, post: &str) -> Value {
    who.get(&format!("/posts/{post}/check-in-code")).await.ok()
}

#[tokio::test]
async fn the_code_at_the_place_lives_a_minute() {
    let app = App::spawn().await;
    let (li, officer) = (app.resident("li"), app.as_(OFFICER));
    let one = published(&app, post(&app, 30, 120, 9)).await;
    let other = published(&app, post(&app, 30, 120, 9)).await;
    let path = format!("/posts/{one}/check-in-code");
    li.get(&path).await.refused(403, "forbidden");
    app.as_("auditor").get(&path).await.refused(403, "forbidden");
    app.as_(FOREIGN).get(&path).await.refused(404, "not_found");
    app.as_("organiser").get(&path).await.ok();

    let shown = code_of(&officer, &one).await;
    let code = shown["code"].as_str().unwrap();
    assert_eq!(code.len(), 6);
    let life = shown["valid_until"].as_str().unwrap().parse::<Timestamp>().unwrap() - app.now();
    assert!(life > TimeDelta::seconds(40) && life <= TimeDelta::seconds(60), "{life}");
    assert_ne!(code_of(&officer, &other).await["code"], shown["code"], "each post has its own");

    // The picture's whole text is taken as well; within its minute, and by whoever is there.
    let id = claimed(&li, &one).await;
    app.advance(life - TimeDelta::seconds(1));
    let there = li.post(&step(&id, "check-in"), json!({ "code": shown["payload"] })).await.ok();
    assert_eq!((&there["status"], &there["checked_in_by"]), (&json!("checked_in"), &json!("code")));
    let wang = app.resident("wang");
    let id = claimed(&wang, &one).await;
    app.advance(TimeDelta::seconds(1));
    let late = wang.post(&step(&id, "check-in"), json!({ "code": code })).await;
    late.refused(422, "check_in_code_expired");
    app.advance(TimeDelta::minutes(11));
    let later = wang.post(&step(&id, "check-in"), json!({ "code": code })).await;
    later.refused(422, "check_in_code_wrong");
    let now = code_of(&officer, &one).await["code"].clone();
    assert_ne!(now, shown["code"]);
    wang.post(&step(&id, "check-in"), json!({ "code": now })).await.ok();
}

#[tokio::test]
async fn codes_cannot_be_tried() {
    let app = App::spawn().await;
    let (li, officer) = (app.resident("li"), app.as_(OFFICER));
    let mut body = post(&app, 30, 120, 9);
    body["location"] = json!({ "lng": 113.3402, "lat": 40.0911 });
    let one = published(&app, body).await;
    let path = step(&claimed(&li, &one).await, "check-in");
    let answers = join_all((0..9).map(|_| li.post(&path, json!({ "code": "WRONG1" })))).await;
    assert_eq!((statuses(&answers, 422), statuses(&answers, 409)), (5, 4), "tried at once or not");
    let code = code_of(&officer, &one).await["code"].clone();
    li.post(&path, json!({ "code": code })).await.refused(409, "check_in_code_locked");
    let near = json!({ "location": { "lng": 113.3405, "lat": 40.0912 } });
    assert_eq!(li.post(&path, near).await.ok()["checked_in_by"], "location");
}

#[tokio::test]
async fn what_looks_odd_about_a_check_in_is_noted_for_the_organiser() {
    let app = App::spawn().await;
    let (li, officer) = (app.resident("li"), app.as_(OFFICER));
    let at = |lat: f64| json!({ "lng": 113.3402, "lat": lat });
    let mut body = post(&app, 30, 60, 9);
    body["location"] = at(40.0911);
    body["tolerance_metres"] = json!(49);
    let narrow = officer.post("/posts", body.clone()).await;
    assert_eq!((narrow.status, narrow.fields()), (422, vec!["tolerance_metres"]));
    body["tolerance_metres"] = json!(50);
    let one = published(&app, body.clone()).await;
    let path = step(&claimed(&li, &one).await, "check-in");
    let off = json!({ "location": at(40.0921) });
    li.post(&path, off).await.refused(422, "check_in_too_far");
    let vague = json!({ "location": at(40.0921), "accuracy_metres": -3 });
    assert_eq!(li.post(&path, vague).await.fields(), ["accuracy_metres"]);
    let vague = json!({ "location": at(40.0921), "accuracy_metres": 80.5 });
    li.post(&path, vague).await.ok();
    let seen = officer.all(&format!("/posts/{one}/claims")).await;
    assert_eq!(seen[0]["check_in_away_metres"], 112);
    assert_eq!(seen[0]["check_in_oddities"][0]["code"], "inaccurate");
    assert!(seen[0].get("location").is_none(), "how far is kept, never where");
    li.post(&step(seen[0]["id"].as_str().unwrap(), "check-out"), json!({})).await.ok();

    // Twenty kilometres away a moment later, by the right code, the phone still here.
    let mut body = post(&app, 95, 60, 9);
    body["location"] = at(40.2711);
    let two = published(&app, body).await;
    let path = step(&claimed(&li, &two).await, "check-in");
    app.advance(TimeDelta::minutes(40));
    officer
        .post(&step(seen[0]["id"].as_str().unwrap(), "confirm"), json!({ "minutes": 60 }))
        .await
        .ok();
    let mut code = code_of(&officer, &two).await;
    code = json!({ "code": code["code"], "location": at(40.0911) });
    let there = li.post(&path, code).await.ok();
    let odd: Vec<&Value> =
        there["check_in_oddities"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert_eq!(odd, ["code_from_afar"], "forty minutes are enough for twenty kilometres");
}

#[tokio::test]
async fn a_place_is_proved_by_code_or_by_being_near() {
    let app = App::spawn().await;
    let (li, officer) = (app.resident("li"), app.as_(OFFICER));
    let mut body = post(&app, 90, 120, 5);
    body["location"] = json!({ "lng": 113.3402, "lat": 40.0911 });
    let one = published(&app, body).await;
    let id = claimed(&li, &one).await;
    let path = step(&id, "check-in");
    let code = code_of(&officer, &one).await["code"].clone();
    li.post(&path, json!({ "code": code })).await.refused(409, "check_in_not_open");
    app.advance(TimeDelta::minutes(30));
    li.post(&path, json!({})).await.refused(422, "check_in_proof_missing");
    li.post(&path, json!({ "code": code })).await.refused(422, "check_in_code_wrong");
    let far = json!({ "location": { "lng": 113.3402, "lat": 40.0950 } });
    li.post(&path, far).await.refused(422, "check_in_too_far");
    let swapped = json!({ "location": { "lng": 40.0911, "lat": 113.3402 } });
    li.post(&path, swapped).await.refused(422, "invalid_field");
    let near = json!({ "location": { "lng": 113.3405, "lat": 40.0912 } });
    let there = li.post(&path, near).await.ok();
    assert_eq!(
        (&there["status"], &there["checked_in_by"]),
        (&json!("checked_in"), &json!("location"))
    );
    let code = code_of(&officer, &one).await["code"].clone();
    li.post(&path, json!({ "code": code })).await.refused(409, "claim_step_refused");
    li.post(&step(&id, "cancel"), json!({})).await.refused(409, "claim_step_refused");
    let left = li.post(&step(&id, "check-out"), json!({})).await.ok();
    assert_eq!(left["status"], "checked_out");
    assert_eq!(confirm(&officer, &id, 60).await.ok()["status"], "confirmed");

    let two = published(&app, post(&app, 600, 60, 5)).await;
    let id = claimed(&li, &two).await;
    app.advance(TimeDelta::minutes(540));
    let there = li.post(&step(&id, "check-in"), json!({})).await.ok();
    assert_eq!(there["checked_in_by"], "time", "a post without a place takes the time alone");
}
