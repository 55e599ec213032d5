//! Service: places, times and hours, each given once.

use chrono::TimeDelta;
use domain::time::Timestamp;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

mod hours;

mod attendance;
mod check_in;
mod dispute;
mod matching;
mod series;

const OFFICER: &str = "community.140213066004";
const FOREIGN: &str = "community.140213066001";

/// A post of 文兴社区 from `from` minutes after now on.
fn post(app: &App, from: i64, minutes: i64, capacity: i64) -> Value {
    let starts_at = app.now() + TimeDelta::minutes(from);
    json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "陪老人就医",
        "starts_at": starts_at, "ends_at": starts_at + TimeDelta::minutes(minutes),
        "capacity": capacity,
    })
}

async fn published(app: &App, body: Value) -> String {
    let view = app.as_(OFFICER).post("/posts", body).await.expect(201);
    view["id"].as_str().expect("an id").to_owned()
}

async fn claim(who: &Client, post: &str) -> Answer {
    who.post(&format!("/posts/{post}/claims"), json!({})).await
}

async fn claimed(who: &Client, post: &str) -> String {
    let view = claim(who, post).await.expect(201);
    assert_eq!(view["status"], "claimed");
    view["id"].as_str().expect("an id").to_owned()
}

fn step(claim: &str, step: &str) -> String {
    format!("/claims/{claim}/{step}")
}

async fn confirm(who: &Client, claim: &str, minutes: i64) -> Answer {
    who.post(&step(claim, "confirm"), json!({ "minutes": minutes })).await
}

fn statuses(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test]
async fn of_six_on_the_last_place_one_has_it_and_five_wait() {
    let app = App::spawn().await;
    let one = published(&app, post(&app, 60, 120, 1)).await;
    let people: Vec<Client> = (1..=6).map(|n| app.resident(&format!("r{n}"))).collect();
    for person in &people {
        person.token().await;
    }
    let answers = join_all(people.iter().map(|person| claim(person, &one))).await;
    let views: Vec<Value> = answers.into_iter().map(|answer| answer.expect(201)).collect();
    let having = |status: &str| views.iter().filter(|view| view["status"] == status).count();
    assert_eq!((having("claimed"), having("waitlisted")), (1, 5));
    let mut places: Vec<i64> =
        views.iter().filter_map(|view| view["waitlist_position"].as_i64()).collect();
    places.sort_unstable();
    assert_eq!(places.len(), 5);
    let seen = people[0].get(&format!("/posts/{one}")).await.ok();
    assert_eq!((&seen["taken"], &seen["waiting"]), (&json!(1), &json!(5)));

    // Who has the place gives it back: the first who waits gets it, and is told.
    let organiser = app.as_(OFFICER);
    let all = organiser.all(&format!("/posts/{one}/claims")).await;
    let next = all.iter().find(|claim| claim["waitlist_position"] == 1).expect("a first");
    let winner = views.iter().position(|view| view["status"] == "claimed").unwrap();
    let id = views[winner]["id"].as_str().unwrap();
    let cancelled = people[winner].post(&step(id, "cancel"), json!({})).await.ok();
    assert_eq!(cancelled["status"], "cancelled");
    let heir = views.iter().position(|view| view["id"] == next["id"]).unwrap();
    let mine = people[heir].all("/me/claims").await;
    assert_eq!(mine[0]["status"], "claimed");
    app.drain().await;
    let told = people[heir].all("/notifications").await;
    assert_eq!((told.len(), &told[0]["kind"]), (1, &json!("claim_promoted")));
    assert_eq!(told[0]["title"], "陪老人就医");
    let seen = people[0].get(&format!("/posts/{one}")).await.ok();
    assert_eq!((&seen["taken"], &seen["waiting"]), (&json!(1), &json!(4)));
    // Who called it off may come back, to the end of the line.
    assert_eq!(claim(&people[winner], &one).await.expect(201)["waitlist_position"], 5);
}

#[tokio::test]
async fn nobody_is_in_two_places_at_once() {
    let app = App::spawn().await;
    let li = app.resident("li");
    li.token().await;
    let mut posts = Vec::new();
    for from in [60, 90, 120, 150] {
        posts.push(published(&app, post(&app, from, 120, 5)).await);
    }
    let answers = join_all(posts[..3].iter().map(|post| claim(&li, post))).await;
    assert_eq!((statuses(&answers, 201), statuses(&answers, 409)), (1, 2));
    let refused = answers.iter().filter(|answer| answer.status == 409);
    assert!(refused.clone().all(|answer| answer.code() == "claim_overlap"));
    let won = answers.iter().position(|answer| answer.status == 201).unwrap();
    // One may begin when the other ends; a waitlist holds the time as well.
    let after =
        published(&app, post(&app, 60 + 30 * i64::try_from(won).unwrap() + 120, 60, 1)).await;
    claimed(&li, &after).await;
    let full = published(&app, post(&app, 600, 60, 1)).await;
    claimed(&app.resident("wang"), &full).await;
    assert_eq!(claim(&li, &full).await.expect(201)["status"], "waitlisted");
    let beside = published(&app, post(&app, 630, 60, 1)).await;
    claim(&li, &beside).await.refused(409, "claim_overlap");
}

#[tokio::test]
async fn tapping_many_times_claims_once() {
    let app = App::spawn().await;
    let li = app.resident("li");
    li.token().await;
    let one = published(&app, post(&app, 60, 120, 5)).await;
    let answers = join_all((0..10).map(|_| claim(&li, &one))).await;
    assert_eq!((statuses(&answers, 201), statuses(&answers, 409)), (1, 9));
    assert!(answers.iter().filter(|a| a.status == 409).all(|a| a.code() == "already_claimed"));
    assert_eq!(li.all("/me/claims").await.len(), 1);
}

#[tokio::test]
async fn hours_are_confirmed_once_and_points_with_them() {
    let app = App::spawn().await;
    let (li, officer) = (app.resident("li"), app.as_(OFFICER));
    officer.token().await;
    let one = published(&app, post(&app, -60, 120, 5)).await;
    let id = claimed(&li, &one).await;
    confirm(&officer, &id, 121).await.refused(422, "minutes_beyond_post");
    let answers = join_all((0..8).map(|_| confirm(&officer, &id, 120))).await;
    assert_eq!((statuses(&answers, 200), statuses(&answers, 409)), (1, 7));
    assert!(answers.iter().filter(|a| a.status == 409).all(|a| a.code() == "claim_step_refused"));
    assert_eq!(li.get("/me/points").await.ok()["available"], 2);
    assert_eq!(li.all("/me/points/entries").await.len(), 1);
    let year = li.get("/me/service-year?year=2026").await.ok();
    assert_eq!((&year["services"], &year["hours"]), (&json!(1), &json!(2.0)));
    // No member of the ledger: what is done counts, and nothing is owed.
    assert_eq!(year["required"], json!({ "services": 0, "hours": 0.0 }));
    assert_eq!(year["missing"], json!({ "services": 0, "hours": 0.0 }));
    assert_eq!(li.get("/me/service-year?year=2025").await.ok()["services"], 0);
    app.drain().await;
    let told = li.all("/notifications").await;
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.contains("2 小时") && text.contains("2 积分"), "{text}");
    li.post(&step(&id, "cancel"), json!({})).await.refused(409, "claim_step_refused");
}

#[tokio::test]
async fn hours_count_in_full_where_points_are_capped() {
    let app = App::spawn().await;
    let (li, organiser) = (app.resident("li"), app.as_("organiser"));
    let long = published(&app, post(&app, -600, 600, 1)).await;
    // The end is past: too late to claim, by one instant.
    claim(&li, &long).await.refused(409, "post_ended");
    let long = published(&app, post(&app, -540, 600, 1)).await;
    let id = claimed(&li, &long).await;
    let done = confirm(&organiser, &id, 600).await.ok();
    assert_eq!((&done["minutes"], &done["points"]), (&json!(600), &json!(8)));
    let more = published(&app, post(&app, 60, 90, 1)).await;
    let id = claimed(&li, &more).await;
    let done = confirm(&organiser, &id, 90).await.ok();
    let year = li.get("/me/service-year").await.ok();
    assert_eq!((&year["services"], &year["hours"]), (&json!(2), &json!(11.5)));
    // Both began on the same day in 平城区 (the first at midnight), and the day is full.
    assert_eq!((&done["minutes"], &done["points"]), (&json!(90), &json!(0)));
    assert_eq!(li.get("/me/points").await.ok()["available"], 8);
}

#[tokio::test]
async fn what_is_anothers_is_missing_and_a_wrong_role_is_forbidden() {
    let app = App::spawn().await;
    let (li, wang, foreign) = (app.resident("li"), app.resident("wang"), app.as_(FOREIGN));
    let one = published(&app, post(&app, -60, 120, 5)).await;
    let id = claimed(&li, &one).await;
    for odd in [json!({ "minutes": 60 }), json!({ "minutes": "x" }), json!({ "minutes": 0 })] {
        foreign.post(&step(&id, "confirm"), odd).await.refused(404, "not_found");
    }
    for verb in ["no-show", "reject"] {
        let body = if verb == "reject" { json!({ "reason": "没有来" }) } else { json!({}) };
        foreign.post(&step(&id, verb), body.clone()).await.refused(404, "not_found");
        li.post(&step(&id, verb), body).await.refused(403, "forbidden");
    }
    foreign.get(&format!("/posts/{one}/claims")).await.refused(404, "not_found");
    foreign.post(&format!("/posts/{one}/cancel"), json!({})).await.refused(404, "not_found");
    for verb in ["check-in", "check-out", "cancel"] {
        wang.post(&step(&id, verb), json!({})).await.refused(404, "not_found");
        app.as_(OFFICER).post(&step(&id, verb), json!({})).await.refused(403, "forbidden");
    }
    confirm(&li, &id, 60).await.refused(403, "forbidden");
    confirm(&app.as_("auditor"), &id, 60).await.refused(403, "forbidden");
    claim(&app.as_(OFFICER), &one).await.refused(403, "forbidden");
    claim(&app.anonymous(), &one).await.refused(401, "unauthenticated");
    claim(&li, "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071").await.refused(404, "not_found");
    li.get(&format!("/posts/{one}/claims")).await.refused(403, "forbidden");
    li.post("/posts", post(&app, 60, 60, 1)).await.refused(403, "forbidden");
    let elsewhere = foreign.post("/posts", post(&app, 60, 60, 1)).await;
    assert_eq!((elsewhere.status, elsewhere.fields()), (422, vec!["community_code"]));
    app.as_("organiser").post("/posts", post(&app, 60, 60, 1)).await.expect(201);
    assert_eq!(wang.all("/me/claims").await.len(), 0);
}

#[tokio::test]
async fn a_post_starts_at_most_seven_days_back() {
    let app = App::spawn().await;
    let officer = app.as_(OFFICER);
    let week = 7 * 24 * 60;
    let refused = officer.post("/posts", post(&app, -week - 1, 60, 1)).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["starts_at"]));
    let back = published(&app, post(&app, -week, 1440, 1)).await;
    claim(&app.resident("li"), &back).await.refused(409, "post_ended");
    let backwards = officer.post("/posts", post(&app, 60, -60, 1)).await;
    assert_eq!((backwards.status, backwards.fields()), (422, vec!["ends_at"]));
    let mut body = post(&app, 60, 60, 0);
    body["title"] = json!("短");
    body["kind"] = json!("party");
    officer.post("/posts", body).await.refused(422, "invalid_field");
}

#[tokio::test]
async fn a_post_that_is_called_off_tells_everyone() {
    let app = App::spawn().await;
    let (li, wang, officer) = (app.resident("li"), app.resident("wang"), app.as_(OFFICER));
    let one = published(&app, post(&app, 60, 120, 1)).await;
    let first = claimed(&li, &one).await;
    claim(&wang, &one).await.expect(201);
    let path = format!("/posts/{one}/cancel");
    officer
        .request(Method::POST, &path)
        .version(7)
        .json(&json!({}))
        .send()
        .await
        .refused(412, "version_mismatch");
    let off = officer.post(&path, json!({})).await.ok();
    assert_eq!(
        (&off["open"], &off["taken"], &off["waiting"]),
        (&json!(false), &json!(0), &json!(0))
    );
    officer.post(&path, json!({})).await.refused(409, "post_cancelled");
    claim(&app.resident("zhao"), &one).await.refused(409, "post_cancelled");
    confirm(&officer, &first, 60).await.refused(409, "claim_step_refused");
    app.drain().await;
    for who in [&li, &wang] {
        let told = who.all("/notifications").await;
        assert_eq!((told.len(), &told[0]["kind"]), (1, &json!("post_cancelled")));
    }
    let open = li.all("/posts?open=true&community_code=140213066004").await;
    assert!(open.iter().all(|post| post["id"] != json!(one)) && !open.is_empty());
}

#[tokio::test]
async fn who_did_not_come_makes_room_and_gets_nothing() {
    let app = App::spawn().await;
    let (li, wang, officer) = (app.resident("li"), app.resident("wang"), app.as_(OFFICER));
    let one = published(&app, post(&app, 60, 120, 1)).await;
    let first = claimed(&li, &one).await;
    let second = claim(&wang, &one).await.expect(201)["id"].as_str().unwrap().to_owned();
    confirm(&officer, &second, 60).await.refused(409, "claim_step_refused");
    officer.post(&step(&first, "no-show"), json!({})).await.refused(409, "post_not_started");
    app.advance(TimeDelta::minutes(60));
    officer.post(&step(&first, "no-show"), json!({})).await.ok();
    assert_eq!(wang.all("/me/claims").await[0]["status"], "claimed", "moved up");
    claim(&li, &one).await.refused(409, "already_claimed");
    assert_eq!(confirm(&officer, &second, 60).await.ok()["points"], 1);
    assert_eq!(li.get("/me/service-year").await.ok()["services"], 0);
}

#[tokio::test]
async fn the_demo_members_have_served_for_their_points() {
    let app = App::spawn().await;
    let start: Timestamp = app.now();
    for name in ["party-1", "party-10", "party-11", "party-20"] {
        let member = app.resident(name);
        let year = member.get("/me/service-year").await.ok();
        assert_eq!((&year["services"], &year["hours"]), (&json!(25), &json!(100.0)), "{name}");
        assert_eq!(year["missing"], json!({ "services": 0, "hours": 0.0 }));
        assert_eq!(member.get("/me/points").await.ok()["available"], 200, "{name}");
        assert_eq!(member.all("/me/points/entries").await.len(), 25, "{name}");
        let registered = member.all("/me/registrations").await.len();
        assert_eq!(registered, usize::from(matches!(name, "party-1" | "party-10")), "{name}");
    }
    let report = api::app::seed::demo(app.state()).await.expect("a second seed");
    assert_eq!((report.members_added, app.now()), (0, start));
}
