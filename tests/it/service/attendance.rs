//! Coming, calling off and not coming, and what follows from it.

use api::jobs::schedule::Schedule;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{FOREIGN, OFFICER, claim, claimed, confirm, post, published, step};
use crate::support::{App, Client};

/// Lets `who` claim a post, and notes that they did not come. Time goes on by three hours.
async fn missed(app: &App, who: &Client) -> String {
    let one = published(app, post(app, 180, 60, 1)).await;
    let id = claimed(who, &one).await;
    app.advance(TimeDelta::minutes(180));
    app.as_(OFFICER).post(&step(&id, "no-show"), json!({})).await.ok();
    id
}

#[tokio::test]
async fn whoever_does_not_come_again_and_again_pauses() {
    let app = App::spawn().await;
    let (li, organiser) = (app.resident("li"), app.as_("organiser"));
    for _ in 0..2 {
        missed(&app, &li).await;
    }
    let standing = li.get("/me/service-standing").await.ok();
    assert_eq!((&standing["no_shows"], &standing["paused_until"]), (&json!(2), &Value::Null));
    assert!(standing["text"].as_str().unwrap().contains("满 3 次暂停认领 30 天"), "{standing}");
    let kept = claimed(&li, &published(&app, post(&app, 400, 60, 1)).await).await;
    missed(&app, &li).await;
    let next = published(&app, post(&app, 60, 60, 1)).await;
    let refused = claim(&li, &next).await;
    assert_eq!((refused.status, refused.code()), (409, "claims_paused"));
    let mine = li.all("/me/claims").await;
    let there = mine.iter().find(|claim| claim["id"] == json!(kept)).unwrap();
    assert_eq!(there["status"], "claimed", "what was claimed before stands");
    app.drain().await;
    let told = li.all("/notifications").await;
    assert!(told.iter().any(|it| it["kind"] == "claims_paused"), "{told:?}");

    li.get("/service-pauses").await.refused(403, "forbidden");
    app.as_(OFFICER).get("/service-pauses").await.refused(403, "forbidden");
    let pauses = organiser.all("/service-pauses?active=true").await;
    assert_eq!((pauses.len(), &pauses[0]["no_shows"]), (1, &json!(3)));
    let lift = format!("/service-pauses/{}/lift", pauses[0]["id"].as_str().unwrap());
    let empty = organiser.post(&lift, json!({ "reason": " " })).await;
    assert_eq!((empty.status, empty.fields()), (422, vec!["reason"]));
    let lifted = organiser.post(&lift, json!({ "reason": "家中老人住院，情况属实" })).await.ok();
    assert_eq!(lifted["active"], false);
    organiser.post(&lift, json!({ "reason": "再点一次" })).await.refused(409, "pause_over");
    claimed(&li, &next).await;
    let standing = li.get("/me/service-standing").await.ok();
    assert_eq!(standing["no_shows"], 0, "what a pause was for is not counted again");
}

#[tokio::test]
async fn cancelling_late_is_noted_and_a_pause_ends_by_itself() {
    let app = App::with(|config| {
        config.service.pause_no_shows = 1;
        config.service.lates_per_no_show = 1;
        config.service.pause_days = 2;
    })
    .await;
    let li = app.resident("li");
    let early = claimed(&li, &published(&app, post(&app, 3 * 1440, 60, 1)).await).await;
    let free = li.post(&step(&early, "cancel"), json!({})).await.ok();
    assert_eq!(free["cancelled_late"], false);
    let late = claimed(&li, &published(&app, post(&app, 1500, 60, 1)).await).await;
    app.advance(TimeDelta::hours(20));
    let cancelled = li.post(&step(&late, "cancel"), json!({})).await.ok();
    assert_eq!(cancelled["cancelled_late"], true);
    let next = published(&app, post(&app, 5 * 1440, 60, 1)).await;
    claim(&li, &next).await.refused(409, "claims_paused");
    // The post that was called off begins hours later: what the pause was for counts no second time.
    let standing = li.get("/me/service-standing").await.ok();
    assert_eq!(standing["late_cancellations"], 0, "{standing}");
    app.advance(TimeDelta::days(2));
    claimed(&li, &next).await;
    assert_eq!(li.get("/me/service-standing").await.ok()["late_cancellations"], 0);
}

#[tokio::test]
async fn nobody_calls_off_what_is_over() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let id = claimed(&li, &published(&app, post(&app, 60, 60, 1)).await).await;
    app.advance(TimeDelta::hours(2));
    li.post(&step(&id, "cancel"), json!({})).await.refused(409, "post_ended");
    assert_eq!(li.all("/me/claims").await[0]["status"], "claimed", "the organiser says who came");
}

/// Hundreds of posts that only wait for their day keep no newer one from being reminded of.
#[tokio::test]
async fn what_waits_keeps_nothing_newer_from_its_turn() {
    let app = App::spawn().await;
    let (li, officer) = (app.resident("li"), app.as_(OFFICER));
    let one = published(&app, post(&app, 60, 60, 1)).await;
    claimed(&li, &one).await;
    app.advance(TimeDelta::hours(15));
    // Each a minute long, earlier than that one, reminded of, and with somebody who never checked in.
    for sql in [
        "insert into post (id, community_code, kind, title, starts_at, ends_at, capacity, created_by,
             created_at, reminded_at)
         select gen_random_uuid(), p.community_code, p.kind, p.title, p.starts_at - n * interval '1 minute',
             p.starts_at - (n - 1) * interval '1 minute', 1, p.created_by, p.created_at, p.starts_at
         from post p cross join generate_series(1, 600) n where p.id = $1::uuid",
        "insert into claim (id, post_id, account_id, status, during, claimed_at)
         select gen_random_uuid(), q.id, c.account_id, 'claimed', q.during, c.claimed_at
         from post q join post p on p.id = $1::uuid and q.title = p.title and q.id <> p.id
         join claim c on c.post_id = p.id
         where q.reminded_at = p.starts_at",
    ] {
        sqlx::query(sql).bind(&one).execute(app.db()).await.unwrap();
    }
    Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
    let told = officer.all("/notifications").await;
    assert_eq!(told.iter().filter(|it| it["kind"] == "attendance_due").count(), 1);
}

#[tokio::test]
async fn nobody_is_noted_as_missing_in_silence() {
    let app = App::spawn().await;
    let (li, wang, officer) = (app.resident("li"), app.resident("wang"), app.as_(OFFICER));
    let one = published(&app, post(&app, 60, 60, 5)).await;
    claimed(&li, &one).await;
    let there = claimed(&wang, &one).await;
    app.advance(TimeDelta::minutes(60));
    wang.post(&step(&there, "check-in"), json!({})).await.ok();
    let kinds = async |who: &Client| {
        let told = who.all("/notifications").await;
        told.iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // The next day the community is reminded, once; on the sixth working day the clock notes it.
    for day in 1..=9 {
        app.advance(TimeDelta::days(1));
        Schedule::default().enqueue_due(app.state(), true).await;
        app.drain().await;
        let mine = li.all("/me/claims").await;
        let expected = if day < 8 { "claimed" } else { "no_show" };
        assert_eq!(mine[0]["status"], expected, "day {day}");
    }
    let reminded = kinds(&officer).await.iter().filter(|kind| *kind == "attendance_due").count();
    assert_eq!(reminded, 1);
    assert_eq!(kinds(&li).await, ["no_show"]);
    let mine = wang.all("/me/claims").await;
    assert_eq!(mine[0]["status"], "checked_in", "who was there waits for the organiser's word");
    assert_eq!(confirm(&officer, &there, 60).await.ok()["status"], "confirmed");
}

#[tokio::test]
async fn more_places_let_who_waits_move_up() {
    let app = App::spawn().await;
    let (li, wang, zhao) = (app.resident("li"), app.resident("wang"), app.resident("zhao"));
    let officer = app.as_(OFFICER);
    let mut body = post(&app, 300, 60, 1);
    let one = published(&app, body.clone()).await;
    let path = format!("/posts/{one}");
    claimed(&li, &one).await;
    for who in [&wang, &zhao] {
        assert_eq!(claim(who, &one).await.expect(201)["status"], "waitlisted");
    }
    let put =
        async |who: &Client, body: &Value| who.request(Method::PUT, &path).json(body).send().await;
    put(&app.as_(FOREIGN), &body).await.refused(404, "not_found");
    put(&li, &body).await.refused(403, "forbidden");
    body["capacity"] = json!(2);
    body["place"] = json!("文兴社区活动室");
    assert_eq!(put(&officer, &body).await.ok()["taken"], 2);
    assert_eq!(wang.all("/me/claims").await[0]["status"], "claimed");
    assert_eq!(zhao.all("/me/claims").await[0]["status"], "waitlisted");
    app.drain().await;
    let kinds = |told: Vec<Value>| told.iter().map(|it| it["kind"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds(li.all("/notifications").await), ["post_changed"]);
    assert_eq!(kinds(wang.all("/notifications").await), ["claim_promoted", "post_changed"]);
    body["capacity"] = json!(1);
    put(&officer, &body).await.refused(409, "capacity_taken");
    body["capacity"] = json!(3);
    body["ends_at"] = json!(app.now() + TimeDelta::minutes(420));
    put(&officer, &body).await.refused(409, "post_times_held");
    let stale = officer.request(Method::PUT, &path).version(1).json(&body).send().await;
    stale.refused(412, "version_mismatch");
    body["community_code"] = json!("140213066001");
    assert_eq!(put(&officer, &body).await.fields(), ["community_code"]);
}
