//! Points given away: to a community, by it to a household, and to a household that one looks after;
//! and the award of whoever visits one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

const OFFICER: &str = "community.140213066004";
/// An officer of another community, whom a test makes one of 文兴社区 too.
const SECOND: &str = "community.140213066001";

async fn keyed(who: &Client, path: &str, key: &str, body: &Value) -> Answer {
    who.request(Method::POST, path).key(key).json(body).send().await
}

async fn account(who: &Client) -> Value {
    who.get("/me").await.ok()["id"].clone()
}

async fn available(who: &Client) -> i64 {
    who.get("/me/points").await.ok()["available"].as_i64().unwrap()
}

/// A household of 文兴社区, with the account of a resident.
async fn household(app: &App, key: &str, name: &str, resident: Option<&str>) -> Value {
    let mut body = json!({
        "community_code": COMMUNITY, "category": "disabled", "name": name,
        "address": "演示小区 1 号楼 101", "consented_on": "2026-11-20",
    });
    if let Some(resident) = resident {
        body["account"] = account(&app.resident(resident)).await;
    }
    keyed(&app.as_(OFFICER), "/households", key, &body).await.expect(201)["id"].clone()
}

async fn paired(app: &App, household: &Value, who: &Client) -> Value {
    let path = format!("/households/{}/pairings", household.as_str().unwrap());
    let body = json!({"account": account(who).await, "until": "2027-06-30"});
    let made = app.as_(OFFICER).post(&path, body).await.expect(201)["id"].clone();
    let accept = format!("/pairings/{}/accept", made.as_str().unwrap());
    who.post(&accept, json!({})).await.expect(200);
    made
}

async fn adds_up(app: &App) {
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(report["violations"], json!([]));
}

const POINTS: &str = "/communities/140213066004/points";
const PASS_ON: &str = "/communities/140213066004/donations";

#[tokio::test]
async fn a_community_passes_on_what_people_gave_it() {
    let app = App::spawn().await;
    let (member, wang) = (app.resident("party-1"), app.resident("wang"));
    app.grant(SECOND, "community_officer", COMMUNITY).await;
    let officer = app.as_(SECOND);
    assert_eq!(officer.get(POINTS).await.ok(), json!({"available": 0, "expiring": []}));
    let gift = json!({"points": 30, "community_code": COMMUNITY});
    let given = keyed(&member, "/me/donations", "donate-00001", &gift).await.expect(201);
    let again = keyed(&member, "/me/donations", "donate-00001", &gift).await.expect(201);
    assert_eq!(given, again, "a double tap gives once");
    assert_eq!(available(&member).await, 170);
    let line = member.get("/me/points/entries?limit=1").await.ok()["items"][0].clone();
    assert_eq!((&line["kind"], &line["points"]), (&json!("donate"), &json!(-30)));
    assert_eq!(line["link"], json!({"kind": "donation", "id": given["id"]}));
    assert_eq!(line["text"], "捐给社区 30 分，谢谢您");
    let balance = officer.get(POINTS).await.ok();
    let until = json!([{"points": 30, "at": "2027-12-31T16:00:00Z"}]);
    assert_eq!((&balance["available"], &balance["expiring"]), (&json!(30), &until));
    adds_up(&app).await;

    let home = household(&app, "household-0001", "演示家庭", Some("wang")).await;
    let pass = |points: i64| json!({"points": points, "household_id": home, "reason": "过冬慰问"});
    keyed(&officer, PASS_ON, "pass-on-0001", &pass(31)).await.refused(409, "points_insufficient");
    keyed(&officer, PASS_ON, "pass-on-0002", &pass(20)).await.expect(201);
    assert_eq!(
        (available(&wang).await, &officer.get(POINTS).await.ok()["available"]),
        (20, &json!(10))
    );
    let got = wang.get("/me/points/entries?limit=1").await.ok()["items"][0].clone();
    assert_eq!((&got["kind"], &got["points"]), (&json!("donate"), &json!(20)));
    assert_eq!(got["text"], "社区转赠 20 分");
    let expiring = wang.get("/me/points").await.ok();
    assert_eq!(expiring["expiring"], json!([]), "it runs out when it would have for the donor");
    app.drain().await;
    let told = wang.all("/notifications").await;
    assert!(told.iter().any(|one| one["text"].as_str().unwrap().contains("过冬慰问")), "{told:?}");
    // Whoever gave gets nothing back by way of the community.
    let back = json!({"points": 1, "community_code": COMMUNITY});
    keyed(&wang, "/me/donations", "donate-00002", &back).await.expect(201);
    keyed(&officer, PASS_ON, "pass-on-0003", &pass(1)).await.refused(409, "donation_returns");
    let poor = household(&app, "household-0002", "演示家庭二", None).await;
    let pass = json!({"points": 1, "household_id": poor, "reason": "过冬慰问"});
    let refused = keyed(&officer, PASS_ON, "pass-on-0004", &pass).await;
    refused.refused(409, "household_without_account");
    // Another community's officers see neither.
    let other = app.as_("community.140213051001");
    other.get(POINTS).await.refused(404, "not_found");
    keyed(&other, PASS_ON, "pass-on-0005", &pass).await.refused(404, "not_found");
    let own = "/communities/140213051001/donations";
    assert_eq!(keyed(&other, own, "pass-on-0006", &pass).await.fields(), ["household_id"]);
    let lines = officer.all(&format!("{POINTS}/entries")).await;
    let sum: i64 = lines.iter().map(|line| line["points"].as_i64().unwrap()).sum();
    assert_eq!((lines.len(), sum), (3, 11));
    assert!(lines.iter().all(|line| !line.to_string().contains("演示党员")), "{lines:?}");
    adds_up(&app).await;
    // What nobody passed on runs out like anybody's.
    let end: domain::time::Timestamp = "2027-12-31T16:00:00Z".parse().unwrap();
    app.set_clock(end);
    api::app::transact(app.db(), move |tx| {
        Box::pin(async move { api::app::points::expire(tx, end).await })
    })
    .await
    .unwrap();
    app.drain().await;
    assert_eq!(app.as_(OFFICER).get(POINTS).await.ok()["available"], 0);
    adds_up(&app).await;
}

/// Two persons stand behind what a community gives to a household, and a month has its limit.
#[tokio::test]
async fn who_entered_a_households_account_passes_nothing_on_to_it() {
    let app = App::spawn().await;
    app.grant(SECOND, "community_officer", COMMUNITY).await;
    let (first, second, wang) = (app.as_(OFFICER), app.as_(SECOND), app.resident("wang"));
    for (n, who) in ["party-1", "party-2"].iter().enumerate() {
        let gift = json!({"points": 100, "community_code": COMMUNITY});
        let key = format!("donate-0000{n}");
        keyed(&app.resident(who), "/me/donations", &key, &gift).await.expect(201);
    }
    let home = household(&app, "household-0001", "演示家庭", Some("wang")).await;
    let pass = |points: i64| json!({"points": points, "household_id": home, "reason": "过冬慰问"});
    let alone = keyed(&first, PASS_ON, "pass-on-0001", &pass(5)).await;
    alone.refused(409, "household_by_oneself");
    keyed(&second, PASS_ON, "pass-on-0002", &pass(60)).await.expect(201);
    // Both accounts are one person's: the second is nobody else.
    app.one_person([&first, &second]).await;
    let twice = keyed(&second, PASS_ON, "pass-on-0003", &pass(5)).await;
    twice.refused(409, "household_by_oneself");
    second.has_phone(&[6; 32]).await;
    // Whoever says whose account it is now is the one who may not.
    let path = format!("/households/{}", home.as_str().unwrap());
    let mut body = json!({
        "community_code": COMMUNITY, "category": "disabled", "name": "演示家庭",
        "address": "演示小区 1 号楼 101", "consented_on": "2026-11-20",
        "account": account(&app.resident("zhao")).await,
    });
    second.request(Method::PUT, &path).json(&body).send().await.ok();
    let own = keyed(&second, PASS_ON, "pass-on-0004", &pass(5)).await;
    own.refused(409, "household_by_oneself");
    body["account"] = account(&wang).await;
    first.request(Method::PUT, &path).json(&body).send().await.ok();

    let over = keyed(&second, PASS_ON, "pass-on-0005", &pass(41)).await;
    over.refused(409, "household_limit_reached");
    let taps = (0..4).map(|n| {
        let (second, body) = (&second, pass(20));
        async move { keyed(second, PASS_ON, &format!("pass-on-1{n:03}"), &body).await }
    });
    let answers = futures::future::join_all(taps).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 2, "40 are left");
    assert_eq!(available(&wang).await, 100);
    app.set_clock("2026-11-30T15:59:59Z".parse().unwrap());
    let over = keyed(&second, PASS_ON, "pass-on-0006", &pass(1)).await;
    over.refused(409, "household_limit_reached");
    app.set_clock("2026-11-30T16:00:00Z".parse().unwrap());
    keyed(&second, PASS_ON, "pass-on-0007", &pass(1)).await.expect(201);
    adds_up(&app).await;
    let sql = "insert into donation (id, tx, from_account, to_account, household, points, given_by, bound_by, at)
         select gen_random_uuid(), (select id from ledger_tx limit 1), from_account, to_account,
             household, points, given_by, given_by, at
         from donation where bound_by is not null limit 1";
    let forged = sqlx::query(sql).execute(app.db()).await.unwrap_err().to_string();
    assert!(forged.contains("donation_by_two"), "{forged}");
    let sql = "insert into donation (id, tx, from_account, to_account, household, points, reason, given_by, at)
         select gen_random_uuid(), (select id from ledger_tx limit 1), from_account, to_account,
             household, points, '节日慰问', given_by, at
         from donation where bound_by is not null limit 1";
    let nobody_s = sqlx::query(sql).execute(app.db()).await.unwrap_err().to_string();
    assert!(nobody_s.contains("donation_bound"), "{nobody_s}");
}

#[tokio::test]
async fn a_person_gives_to_the_household_that_they_look_after_and_to_no_other() {
    let app = App::spawn().await;
    let (member, wang) = (app.resident("party-1"), app.resident("wang"));
    let home = household(&app, "household-0001", "演示家庭", Some("wang")).await;
    let gift = |points: i64| json!({"points": points, "household_id": home});
    let stranger = keyed(&member, "/me/donations", "donate-00001", &gift(5)).await;
    assert_eq!(stranger.fields(), ["household_id"]);
    paired(&app, &home, &member).await;
    keyed(&member, "/me/donations", "donate-00002", &gift(5)).await.expect(201);
    assert_eq!((available(&member).await, available(&wang).await), (195, 5));
    let got = wang.get("/me/points/entries?limit=1").await.ok()["items"][0].clone();
    assert_eq!(got["text"], "收到爱心转赠 5 分");
    for (body, field) in [
        (gift(0), "points"),
        (gift(10_001), "points"),
        (json!({"points": 1}), "community_code"),
        (json!({"points": 1, "community_code": COMMUNITY, "household_id": home}), "community_code"),
        (json!({"points": 1, "community_code": "140213"}), "community_code"),
        (json!({"points": 1, "community_code": "140213999999"}), "community_code"),
    ] {
        let wrong = keyed(&member, "/me/donations", "donate-00003", &body).await;
        assert_eq!(wrong.fields(), [field], "{body}");
    }
    // Many at once give no more than there is, and no more than a day allows.
    let body = gift(60);
    let taps = (0..6).map(|n| {
        let (member, body) = (&member, &body);
        async move { keyed(member, "/me/donations", &format!("donate-1{n:04}"), body).await }
    });
    let answers = futures::future::join_all(taps).await;
    let done = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(done, 3);
    let known = ["points_insufficient", "donation_limit_reached"];
    assert!(answers.iter().all(|one| one.status == 201 || known.contains(&one.code())));
    assert_eq!((available(&member).await, available(&wang).await), (15, 185));
    keyed(&member, "/me/donations", "donate-00004", &gift(16))
        .await
        .refused(409, "donation_limit_reached");
    app.as_("organiser").post("/me/donations", gift(1)).await.refused(403, "forbidden");
    adds_up(&app).await;
    let changed = sqlx::query("update donation set points = 1").execute(app.db()).await;
    assert!(changed.unwrap_err().to_string().contains("append-only"));
}

#[tokio::test]
async fn a_visit_earns_a_point_two_a_week_and_a_call_none() {
    let app = App::spawn().await;
    let zhao = app.resident("zhao");
    let home = household(&app, "household-0001", "演示家庭", None).await;
    let pairing = paired(&app, &home, &zhao).await;
    let path = format!("/pairings/{}/visits", pairing.as_str().unwrap());
    let visit = async |key: &str, kind: &str, corrects: Option<&Value>| {
        let mut body =
            json!({"kind": kind, "visited_at": "2026-11-23T02:00:00Z", "done": "送去米面油"});
        if let Some(corrects) = corrects {
            body["corrects"] = corrects.clone();
        }
        keyed(&zhao, &path, key, &body).await.expect(201)
    };
    visit("visit-00001", "phone", None).await;
    assert_eq!(available(&zhao).await, 0);
    let first = visit("visit-00002", "visit", None).await;
    visit("visit-00002", "visit", None).await;
    assert_eq!(available(&zhao).await, 1, "a double tap is one visit");
    visit("visit-00003", "visit", Some(&first["id"])).await;
    assert_eq!(available(&zhao).await, 1, "a correction is no second one");
    for key in ["visit-00004", "visit-00005"] {
        visit(key, "visit", None).await;
    }
    assert_eq!(available(&zhao).await, 2, "the week is full");
    let line = zhao.get("/me/points/entries?limit=1").await.ok()["items"][0].clone();
    assert_eq!((&line["source"], &line["link"]["kind"]), (&json!("visit"), &json!("visit")));
    adds_up(&app).await;
}
