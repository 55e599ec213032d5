//! Disputes: another looks at it again, and hours and points follow together.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{FOREIGN, OFFICER, claim, claimed, confirm, post, published, statuses, step};
use crate::support::{Answer, App, Client};

const ORGANISER: &str = "organiser";

async fn raise(who: &Client, claim: &str) -> Answer {
    who.post(&step(claim, "disputes"), json!({ "reason": "当天实际服务了两个小时" })).await
}

async fn decide(who: &Client, dispute: &Value, minutes: Option<i64>) -> Answer {
    let path = format!("/service-disputes/{}/decide", dispute["id"].as_str().unwrap());
    let body = match minutes {
        Some(minutes) => json!({ "correct": true, "minutes": minutes, "reason": "核对签到记录" }),
        None => json!({ "correct": false, "reason": "记录无误" }),
    };
    who.post(&path, body).await
}

/// A claim of `who` on a post of two hours that is over, with so many minutes confirmed.
async fn served(app: &App, who: &Client, minutes: i64) -> String {
    let one = published(app, post(app, -60, 120, 1)).await;
    let id = claimed(who, &one).await;
    confirm(&app.as_(OFFICER), &id, minutes).await.ok();
    id
}

#[tokio::test]
async fn hours_and_points_are_corrected_together_by_another() {
    let app = App::spawn().await;
    let (li, officer, organiser) = (app.resident("li"), app.as_(OFFICER), app.as_(ORGANISER));
    let id = served(&app, &li, 60).await;
    raise(&app.resident("wang"), &id).await.refused(404, "not_found");
    raise(&officer, &id).await.refused(403, "forbidden");
    let short = li.post(&step(&id, "disputes"), json!({ "reason": "不对" })).await;
    assert_eq!((short.status, short.fields()), (422, vec!["reason"]));
    let taps = join_all((0..4).map(|_| raise(&li, &id))).await;
    assert_eq!((statuses(&taps, 201), statuses(&taps, 409)), (1, 3));
    let dispute = li.all("/me/service-disputes").await.remove(0);
    assert_eq!((&dispute["by_served"], &dispute["minutes_before"]), (&json!(false), &json!(60)));
    let seen = officer.all("/service-disputes?status=open").await;
    assert_eq!((seen.len(), &seen[0]["may_decide"]), (1, &json!(false)), "the first officer's own");
    assert_eq!(organiser.all("/service-disputes").await[0]["may_decide"], true);

    decide(&app.as_(FOREIGN), &dispute, Some(120)).await.refused(404, "not_found");
    decide(&li, &dispute, Some(120)).await.refused(403, "forbidden");
    decide(&officer, &dispute, Some(120)).await.refused(409, "same_decider");
    decide(&organiser, &dispute, Some(121)).await.refused(422, "minutes_beyond_post");
    decide(&organiser, &dispute, Some(60)).await.refused(422, "nothing_corrected");
    let odd = decide(&organiser, &dispute, Some(1441)).await;
    assert_eq!((odd.status, odd.fields()), (422, vec!["minutes"]));
    let taps = join_all((0..4).map(|_| decide(&organiser, &dispute, Some(120)))).await;
    assert_eq!((statuses(&taps, 200), statuses(&taps, 409)), (1, 3));

    let mine = &li.all("/me/claims").await[0];
    let now = (&mine["status"], &mine["minutes"], &mine["points"], &mine["dispute_status"]);
    assert_eq!(now, (&json!("confirmed"), &json!(120), &json!(2), &json!("corrected")));
    assert_eq!(li.get("/me/points").await.ok()["available"], 2);
    assert_eq!(li.get("/me/service-year").await.ok()["hours"], 2.0);
    let entries = li.all("/me/points/entries").await;
    let sum: i64 = entries.iter().map(|entry| entry["points"].as_i64().unwrap()).sum();
    assert_eq!((entries.len(), sum), (3, 2), "given, taken back, given anew");
    let books = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(books["violations"], json!([]));
    app.drain().await;
    let told = li.all("/notifications").await;
    assert!(told.iter().any(|it| it["kind"] == "dispute_decided"
        && it["text"].as_str().unwrap().contains("2 小时，积分为 2 分")));
    for staff in [&officer, &organiser] {
        let told = staff.all("/notifications").await;
        let raised = told.iter().find(|one| one["kind"] == "dispute_raised").expect("told of it");
        assert!(raised["text"].as_str().unwrap().contains("提出异议"), "{raised}");
        assert_eq!(raised["claim_id"], json!(id));
    }
    raise(&li, &id).await.refused(409, "already_disputed");
}

/// Whoever looks again is somebody else, by whichever account; and what was corrected is looked at
/// for fairness like what was confirmed.
#[tokio::test]
async fn another_account_of_somebody_concerned_decides_nothing() {
    let app = App::spawn().await;
    let (li, officer, organiser) = (app.resident("li"), app.as_(OFFICER), app.as_(ORGANISER));
    let id = served(&app, &li, 60).await;
    let dispute = raise(&li, &id).await.expect(201);
    app.one_person([&li, &organiser]).await;
    decide(&organiser, &dispute, Some(120)).await.refused(409, "own_service");
    app.one_person([&officer, &organiser]).await;
    sqlx::query("update person set phone_index = null where account_id = $1::uuid")
        .bind(li.get("/me").await.ok()["id"].as_str().unwrap())
        .execute(app.db())
        .await
        .unwrap();
    decide(&organiser, &dispute, Some(120)).await.refused(409, "same_decider");
    sqlx::query("update person set phone_index = null").execute(app.db()).await.unwrap();
    app.advance(TimeDelta::minutes(1));
    decide(&organiser, &dispute, Some(120)).await.ok();
    let looked = format!("job where kind = 'watch_fairness' and dedupe like '%:confirmed:{id}:%'");
    assert_eq!(app.count(&looked).await, 2, "when it was confirmed, and when it was corrected");
}

#[tokio::test]
async fn what_stands_stands_and_days_pass() {
    let app = App::spawn().await;
    let (li, organiser) = (app.resident("li"), app.as_(ORGANISER));
    let id = served(&app, &li, 60).await;
    let dispute = raise(&li, &id).await.expect(201);
    let path = format!("/service-disputes/{}/withdraw", dispute["id"].as_str().unwrap());
    app.resident("wang").post(&path, json!({})).await.refused(404, "not_found");
    assert_eq!(li.post(&path, json!({})).await.ok()["status"], "withdrawn");
    li.post(&path, json!({})).await.refused(409, "dispute_step_refused");
    decide(&organiser, &dispute, None).await.refused(409, "dispute_step_refused");

    let wang = app.resident("wang");
    let id = served(&app, &wang, 60).await;
    let dispute = raise(&wang, &id).await.expect(201);
    assert_eq!(decide(&organiser, &dispute, None).await.ok()["status"], "stands");
    assert_eq!(wang.get("/me/points").await.ok()["available"], 1);

    let zhao = app.resident("zhao");
    let id = served(&app, &zhao, 60).await;
    app.advance(TimeDelta::days(9));
    raise(&zhao, &id).await.refused(409, "dispute_closed");
    let open = claimed(&zhao, &published(&app, post(&app, 60, 60, 1)).await).await;
    raise(&zhao, &open).await.refused(409, "nothing_to_dispute");
}

#[tokio::test]
async fn who_was_there_after_all_gets_hours_and_place_and_the_pause_ends() {
    let app = App::with(|config| config.service.pause_no_shows = 1).await;
    let (li, wang) = (app.resident("li"), app.resident("wang"));
    let (officer, organiser) = (app.as_(OFFICER), app.as_(ORGANISER));
    let one = published(&app, post(&app, 30, 120, 1)).await;
    let id = claimed(&li, &one).await;
    let waiting = claim(&wang, &one).await.expect(201)["id"].as_str().unwrap().to_owned();
    app.advance(TimeDelta::minutes(40));
    officer.post(&step(&id, "no-show"), json!({})).await.ok();
    confirm(&officer, &waiting, 60).await.ok();
    let next = published(&app, post(&app, 600, 60, 1)).await;
    claim(&li, &next).await.refused(409, "claims_paused");
    let dispute = raise(&li, &id).await.expect(201);
    decide(&organiser, &dispute, Some(90)).await.ok();
    let seen = officer.get(&format!("/posts/{one}")).await.ok();
    assert_eq!((&seen["taken"], &seen["capacity"]), (&json!(2), &json!(2)), "both were there");
    assert_eq!(li.get("/me/points").await.ok()["available"], 1);
    claimed(&li, &next).await;
    app.drain().await;
    assert!(li.all("/notifications").await.iter().any(|it| it["kind"] == "claims_resumed"));
}

#[tokio::test]
async fn what_does_not_count_takes_the_points_back() {
    let app = App::spawn().await;
    let (li, organiser) = (app.resident("li"), app.as_(ORGANISER));
    let id = served(&app, &li, 120).await;
    let dispute = raise(&li, &id).await.expect(201);
    decide(&organiser, &dispute, Some(0)).await.ok();
    let mine = &li.all("/me/claims").await[0];
    assert_eq!((&mine["status"], &mine["minutes"]), (&json!("rejected"), &Value::Null));
    assert_eq!(li.get("/me/points").await.ok()["available"], 0);
    assert_eq!(li.get("/me/service-year").await.ok()["services"], 0);
}
