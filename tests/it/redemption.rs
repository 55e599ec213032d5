//! Offers and redemptions end to end: from publishing to the till, and every way it can end.

use std::collections::BTreeMap;

use api::{
    app::points::statement::{statement, verify as books},
    clock::Clock,
    jobs::{redemption::Expire, runner::Job},
    sheet::write_csv,
    state::State,
};
use chrono::{NaiveDate, TimeDelta};
use domain::{
    id::{AccountId, RedemptionId},
    points::BookRule,
};
use futures::future::join_all;
use infra::postgres::points::statement::{Of, Totals};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client};

mod till;
mod voucher;

fn offer(points: i64, stock: i64, per_person: i64) -> Value {
    json!({
        "title": "幸福餐厅午餐一份", "category": "dining", "points": points, "stock": stock,
        "per_person": per_person, "valid_until": "2027-06-30T16:00:00Z", "merchant": "wenxing",
    })
}

/// Publishes an offer and answers its id.
async fn published(app: &App, points: i64, stock: i64, per_person: i64) -> String {
    let body = offer(points, stock, per_person);
    let published = app.as_("organiser").post("/offers", body).await.expect(201);
    assert_eq!((&published["stock"], &published["remaining"]), (&json!(stock), &json!(stock)));
    published["id"].as_str().unwrap().to_owned()
}

async fn redeem(who: &Client, offer: &str, key: &str) -> Answer {
    who.request(Method::POST, &format!("/offers/{offer}/redemptions")).key(key).send().await
}

async fn verify(who: &Client, code: &Value) -> Answer {
    who.post("/redemptions/verify", json!({ "code": code })).await
}

async fn cancel(who: &Client, id: &Value) -> Answer {
    who.post(&format!("/redemptions/{}/cancel", id.as_str().unwrap()), json!({})).await
}

/// Available and held points.
async fn points(who: &Client) -> (i64, i64) {
    let points = who.get("/me/points").await.ok();
    (points["available"].as_i64().unwrap(), points["held"].as_i64().unwrap())
}

async fn remaining(app: &App, offer: &str) -> i64 {
    let offers = app.resident("li").all("/offers").await;
    let found = offers.iter().find(|one| one["id"] == offer).unwrap();
    found["remaining"].as_i64().unwrap()
}

async fn adds_up(app: &App) {
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(report["violations"], json!([]));
}

#[tokio::test]
async fn a_code_is_verified_once() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-1"), app.as_("merchant.wenxing"));
    let offer = published(&app, 50, 10, 2).await;
    let ticket = redeem(&member, &offer, "first-key").await.expect(201);
    assert_eq!((&ticket["status"], &ticket["points"]), (&json!("held"), &json!(50)));
    assert_eq!((points(&member).await, remaining(&app, &offer).await), ((150, 50), 9));
    let again = redeem(&member, &offer, "first-key").await.expect(201);
    assert_eq!(again, ticket, "a double tap has one effect");

    let id = ticket["id"].as_str().unwrap();
    let qr = member.get(&format!("/redemptions/{id}/qr")).await;
    assert!(qr.text.contains("<svg") && qr.header("content-type") == "image/svg+xml", "{qr}");

    let verified = verify(&till, &ticket["code"]).await.expect(200);
    assert_eq!((&verified["status"], &verified["code"]), (&json!("verified"), &Value::Null));
    verify(&till, &ticket["code"]).await.refused(409, "redemption_already_verified");
    cancel(&member, &ticket["id"]).await.refused(409, "redemption_already_verified");
    let qr = member.get(&format!("/redemptions/{id}/qr")).await;
    qr.refused(409, "redemption_already_verified");
    assert_eq!((points(&member).await, remaining(&app, &offer).await), ((150, 0), 9));
    let mine = member.all("/me/redemptions").await;
    assert_eq!(
        (mine.len(), &mine[0]["status"], &mine[0]["code"]),
        (1, &json!("verified"), &Value::Null)
    );

    let path = format!("/redemptions/{id}/refund");
    let reason = json!({ "reason": "商户停业" });
    app.advance(TimeDelta::seconds(1));
    let refunded = app.as_("organiser").post(&path, reason.clone()).await.expect(200);
    assert_eq!(refunded["status"], "refunded");
    // The person reads why; the trail keeps that there was a reason, not its words.
    let line = member.get("/me/points/entries?limit=1").await.ok()["items"][0].clone();
    assert_eq!((&line["kind"], &line["reason"]), (&json!("reverse"), &json!("商户停业")));
    assert_eq!(app.count("audit_entry where data::text like '%商户停业%'").await, 0);
    app.as_("organiser").post(&path, reason).await.refused(409, "redemption_ended");
    verify(&till, &ticket["code"]).await.refused(409, "redemption_ended");
    assert_eq!((points(&member).await, remaining(&app, &offer).await), ((200, 0), 10));
    adds_up(&app).await;
}

#[tokio::test]
async fn the_bookkeeper_sees_both_sides_line_by_line() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-1"), app.as_("merchant.wenxing"));
    let offer = published(&app, 50, 10, 2).await;
    app.pass("2027-01-04T09:00:00+08:00").await;
    let ticket = redeem(&member, &offer, "first-key").await.expect(201);
    verify(&till, &ticket["code"]).await.expect(200);
    app.advance(TimeDelta::minutes(1));
    let path = format!("/redemptions/{}/refund", ticket["id"].as_str().unwrap());
    app.as_("organiser").post(&path, json!({ "reason": "商户停业" })).await.expect(200);
    let (first, last) = (day("2027-01-01"), day("2027-01-04"));
    let person = sqlx::query_scalar(
        "select account_id from hold join points_account on points_account.id = hold.account",
    )
    .fetch_one(app.db())
    .await
    .unwrap();

    let own = statement(app.state(), Of::Person(AccountId(person)), first, last).await.unwrap();
    let moved: Vec<i64> = own.lines.iter().map(|line| line.points).collect();
    assert_eq!((own.opening, moved.as_slice(), own.closing()), (200, &[-50, 50][..], 200));
    let owed = statement(app.state(), Of::Merchant("wenxing"), first, last).await.unwrap();
    let moved: Vec<i64> = owed.lines.iter().map(|line| line.points).collect();
    assert_eq!((owed.opening, moved.as_slice(), owed.closing()), (0, &[50, -50][..], 0));
    assert_eq!(owed.lines[1].reverses, Some(owed.lines[0].id), "it says what it takes back");
    let text = String::from_utf8(write_csv(&own.sheet()).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], ",,期初余额,,200");
    assert!(
        lines[2].starts_with(
            "2027-01-04 09:00:00,兑换,兑换“幸福餐厅午餐一份”，已核销，用去 50 分,-50,150,"
        ),
        "{text}"
    );
    assert_eq!((lines[4], lines.len()), (",,期末余额,,200", 5));

    let before = statement(app.state(), Of::Merchant("wenxing"), first, day("2027-01-03")).await;
    assert_eq!((before.as_ref().unwrap().lines.len(), before.unwrap().closing()), (0, 0));
    assert!(statement(app.state(), Of::Merchant("nobody"), first, last).await.is_err());
    assert_eq!(app.count("audit_entry where action = 'points.statement'").await, 3);

    let (totals, violations) = books(app.state()).await.unwrap();
    assert_eq!(violations, []);
    let Totals { issued, people, merchants, expired, adjusted, .. } = totals;
    assert!(people >= 200 && issued == people + merchants + expired + adjusted, "{totals:?}");
    let falsify = "update points_account set posted = posted + 1 where account_id = $1";
    sqlx::query(falsify).bind(person).execute(app.db()).await.unwrap();
    let (_, violations) = books(app.state()).await.unwrap();
    let rules: Vec<BookRule> = violations.iter().map(|one| one.rule).collect();
    assert_eq!(rules, [BookRule::LotsArePosted, BookRule::PostedIsEntries]);
}

/// The labels that people read are those of the rules that the view has, no more and no fewer.
#[tokio::test]
async fn every_rule_of_the_books_has_a_name() {
    let app = App::spawn().await;
    let view: String = sqlx::query_scalar("select pg_get_viewdef('ledger_violation'::regclass)")
        .fetch_one(app.db())
        .await
        .unwrap();
    let unnamed = BookRule::ALL.iter().filter(|rule| !view.contains(&format!("'{rule}'::text")));
    assert_eq!(unnamed.count(), 0, "{view}");
    assert_eq!(view.matches("UNION ALL").count() + 1, BookRule::ALL.len());
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_clock_that_jumped_ends_no_code() {
    let app = App::spawn().await;
    let member = app.resident("party-2");
    let offer = published(&app, 80, 2, 2).await;
    let ticket = redeem(&member, &offer, "first-key").await.expect(201);
    // The system's clock is far from where this one stood when the watch began.
    let jumped = State { clock: Clock::System, ..app.state().clone() };
    let id = ticket["id"].as_str().unwrap().parse().unwrap();
    let mut tx = app.db().begin().await.unwrap();
    Expire { redemption: RedemptionId(id) }.run(&jumped, &mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(points(&member).await, (120, 80), "it waits");
    let waiting = "job where kind = 'redemption_expire' and state = 'ready'";
    assert_eq!(app.count(waiting).await, 2, "and comes again");
    assert_eq!(app.count(&format!("{waiting} and run_at > now() + interval '9 minutes'")).await, 1);

    app.advance(TimeDelta::hours(24));
    app.drain().await;
    assert_eq!(points(&member).await, (200, 0));
    adds_up(&app).await;
}

#[tokio::test]
async fn what_is_taken_back_or_not_used_comes_back() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-2"), app.as_("merchant.wenxing"));
    let offer = published(&app, 80, 2, 2).await;
    let first = redeem(&member, &offer, "first-key").await.expect(201);
    assert_eq!(cancel(&member, &first["id"]).await.expect(200)["status"], "cancelled");
    cancel(&member, &first["id"]).await.refused(409, "redemption_ended");
    verify(&till, &first["code"]).await.refused(409, "redemption_ended");
    app.advance(TimeDelta::seconds(1));
    let second = redeem(&member, &offer, "second-key").await.expect(201);
    assert_eq!(points(&member).await, (120, 80));

    app.advance(TimeDelta::hours(24));
    verify(&till, &second["code"]).await.refused(409, "redemption_ended");
    app.drain().await;
    assert_eq!((points(&member).await, remaining(&app, &offer).await), ((200, 0), 2));
    let mine = member.all("/me/redemptions").await;
    let statuses: Vec<&str> = mine.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["expired", "cancelled"]);
    assert!(member.all("/me/points/entries").await.iter().all(|line| line["kind"] == "earn"));
    adds_up(&app).await;
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let app = App::spawn().await;
    let member = app.resident("party-3");
    let once = published(&app, 10, 5, 1).await;
    redeem(&member, &once, "first-key").await.expect(201);
    redeem(&member, &once, "second-key").await.refused(409, "redemption_limit_reached");
    redeem(&member, &published(&app, 201, 5, 1).await, "third-key")
        .await
        .refused(409, "points_insufficient");
    let last = published(&app, 10, 1, 5).await;
    redeem(&member, &last, "fourth-key").await.expect(201);
    redeem(&member, &last, "fifth-key").await.refused(409, "offer_sold_out");
    redeem(&member, &last, "first-key").await.refused(422, "idempotency_key_reused");
    redeem(&app.resident("li"), &once, "first-key").await.refused(409, "points_insufficient");

    let missing = uuid::Uuid::nil().to_string();
    redeem(&member, &missing, "sixth-key").await.refused(404, "not_found");
    let bare = format!("/offers/{once}/redemptions");
    member.post(&bare, json!({})).await.refused(400, "idempotency_key_required");
    let bare = format!("/offers/{missing}/redemptions");
    member.post(&bare, json!({})).await.refused(404, "not_found");
    redeem(&app.as_("organiser"), &once, "first-key").await.refused(403, "forbidden");
    redeem(&app.anonymous(), &once, "first-key").await.refused(401, "unauthenticated");
    assert_eq!(points(&member).await, (180, 20));
    adds_up(&app).await;
}

#[tokio::test]
async fn only_the_offers_own_till_verifies_and_only_the_owner_cancels() {
    let app = App::spawn().await;
    let (member, other) = (app.resident("party-4"), app.resident("party-5"));
    let body = json!({
        "title": "幸福超市鸡蛋一盒", "category": "shop", "points": 20, "stock": 5, "per_person": 1,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "happy-market",
    });
    let offer = app.as_("organiser").post("/offers", body).await.expect(201);
    let ticket = redeem(&member, offer["id"].as_str().unwrap(), "first-key").await.expect(201);
    verify(&app.as_("merchant.wenxing"), &ticket["code"]).await.refused(404, "not_found");
    verify(&app.as_("merchant.wenxing"), &json!("nothing")).await.refused(404, "not_found");
    verify(&app.as_("organiser"), &ticket["code"]).await.refused(403, "forbidden");
    verify(&member, &ticket["code"]).await.refused(403, "forbidden");
    cancel(&other, &ticket["id"]).await.refused(404, "not_found");
    let qr = other.get(&format!("/redemptions/{}/qr", ticket["id"].as_str().unwrap())).await;
    qr.refused(404, "not_found");
    let empty = app.as_("merchant.wenxing").post("/redemptions/verify", json!({})).await;
    empty.refused(422, "invalid_field");
    assert_eq!(points(&member).await, (180, 20));
}

#[tokio::test]
async fn an_offer_is_published_by_the_organiser_alone_and_soundly() {
    let app = App::spawn().await;
    app.as_("dispatcher").post("/offers", offer(1, 1, 1)).await.refused(403, "forbidden");
    app.resident("party-1").post("/offers", offer(1, 1, 1)).await.refused(403, "forbidden");
    let organiser = app.as_("organiser");
    for (points, stock, each, field) in
        [(0, 1, 1, "points"), (1, 0, 1, "stock"), (1, 1, 0, "per_person"), (1, -5, 1, "stock")]
    {
        let refused = organiser.post("/offers", offer(points, stock, each)).await;
        assert_eq!(refused.fields(), [field], "{refused}");
        refused.refused(422, "invalid_field");
    }
    for (field, value) in [
        ("merchant", json!("nobody")),
        ("valid_until", json!("2020-01-01T00:00:00Z")),
        ("category", json!("weapons")),
        ("title", json!("")),
        ("sold", json!(3)),
    ] {
        let mut body = offer(10, 10, 1);
        body[field] = value;
        organiser.post("/offers", body).await.refused(422, "invalid_field");
    }
    let listed = app.resident("li").all("/offers").await;
    assert!(listed.len() >= 12, "{}", listed.len());
    let dining = app.resident("li").all("/offers?category=dining").await;
    assert!(!dining.is_empty() && dining.iter().all(|one| one["category"] == "dining"));
    app.anonymous().get("/offers").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn two_hundred_at_once_sell_exactly_ten() {
    let app = App::spawn().await;
    let people: Vec<Client> = (1..=20).map(|n| app.resident(&format!("party-{n}"))).collect();
    for person in &people {
        person.token().await;
    }
    let offer = published(&app, 10, 10, 10).await;
    let requests = (0..200).map(|n| {
        let (offer, person) = (offer.clone(), people[n % 20].clone());
        async move { redeem(&person, &offer, &format!("request-{n}")).await }
    });
    let answers = join_all(requests).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for answer in &answers {
        // A ticket has a code as well: the one for the till.
        let outcome = if answer.status == 201 { "sold" } else { answer.code() };
        *counts.entry(outcome.to_owned()).or_default() += 1;
    }
    assert_eq!((counts["sold"], counts["offer_sold_out"]), (10, 190), "{counts:?}");
    assert_eq!(remaining(&app, &offer).await, 0);
    adds_up(&app).await;
}

#[tokio::test]
async fn at_two_tills_at_once_a_code_is_verified_once() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-6"), app.as_("merchant.wenxing"));
    till.token().await;
    let offer = published(&app, 10, 100, 100).await;
    for round in 0..5 {
        let ticket = redeem(&member, &offer, &format!("a-key-of-round-{round}")).await.expect(201);
        let twice = join_all((0..4).map(|_| verify(&till, &ticket["code"])));
        let (verified, cancelled) = futures::join!(twice, cancel(&member, &ticket["id"]));
        let done = verified.iter().chain([&cancelled]).filter(|one| one.status == 200).count();
        assert_eq!(done, 1, "one end");
        let refused = verified.iter().chain([&cancelled]).filter(|one| one.status == 409).count();
        assert_eq!(refused, 4, "and every other is told so");
    }
    assert_eq!(points(&member).await.1, 0);
    adds_up(&app).await;
}
