//! Points end to end: one's own balance and statement, awards for verified appeals, and books that
//! say so when they do not add up.

mod donation;
pub(crate) mod kept;
mod notice;
mod rules;

use api::jobs::schedule::Schedule;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::{App, CLERK, Client, UNIT, complaint};

#[tokio::test]
async fn a_statement_comes_to_the_balance_and_explains_each_line() {
    let app = App::spawn().await;
    let member = app.resident("party-1");
    let balance = member.get("/me/points").await.ok();
    assert_eq!((&balance["available"], &balance["held"]), (&json!(200), &json!(0)));
    let lines = member.all("/me/points/entries?limit=7").await;
    let sum: i64 = lines.iter().map(|line| line["points"].as_i64().unwrap()).sum();
    assert_eq!(sum, 200);
    for line in &lines {
        assert_eq!(line["kind"], "earn");
        assert!(!line["text"].as_str().unwrap().is_empty(), "{line}");
    }
    let nobody = app.resident("li").get("/me/points").await.ok();
    assert_eq!(
        nobody,
        json!({"available": 0, "held": 0, "expiring": [], "pending": 0, "owed": 0, "notices": []})
    );
    app.anonymous().get("/me/points").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn points_that_are_about_to_expire_are_announced_and_then_expire() {
    let app = App::spawn().await;
    app.pass("2027-12-15T01:00:00Z").await;
    let member = app.resident("party-1");
    let balance = member.get("/me/points").await.ok();
    assert_eq!(balance["expiring"], json!([{"points": 200, "at": "2027-12-31T16:00:00Z"}]));
}

#[tokio::test]
async fn the_reporter_of_a_verified_appeal_earns_points_once() {
    let app = App::spawn().await;
    let li = app.resident("li");
    // `closed` brings a case of li's through the whole of its life.
    app.closed().await;
    app.drain().await;
    let balance = li.get("/me/points").await.ok();
    assert_eq!(balance["available"], 5);
    let lines = li.all("/me/points/entries").await;
    assert_eq!(lines.len(), 1);
    assert!(lines[0]["text"].as_str().unwrap().contains("PC2026"), "{}", lines[0]);
    for _ in 0..2 {
        app.closed().await;
        app.drain().await;
    }
    assert_eq!(li.get("/me/points").await.ok()["available"], 10, "two in a week");
}

#[tokio::test]
async fn each_reporter_of_a_merged_case_earns_once() {
    let app = App::spawn().await;
    let leading = app.acknowledged().await;
    let centre = app.as_("dispatcher");
    // Of wang's two only one counts, and li's second is about what li already reported.
    for name in ["wang", "wang", "zhao", "li"] {
        let child = app.resident(name).submit(&complaint()).await;
        centre.post(&child.path("/merge"), json!({"into": leading.id})).await.expect(200);
        app.advance(chrono::TimeDelta::minutes(1));
    }
    app.contact_and_reply(&leading).await;
    centre.post(&leading.task("/confirm"), json!({})).await.expect(200);
    app.drain().await;
    for name in ["li", "wang", "zhao"] {
        assert_eq!(app.resident(name).get("/me/points").await.ok()["available"], 0, "{name}");
    }
    let stars = json!({"solved": true, "satisfaction": 5});
    app.resident("li").post(&leading.path("/evaluate"), stars).await.expect(200);
    app.drain().await;
    for name in ["li", "wang", "zhao"] {
        assert_eq!(app.resident(name).get("/me/points").await.ok()["available"], 5, "{name}");
    }
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(report["violations"], json!([]));
}

#[tokio::test]
async fn the_reconciliation_is_for_auditors_and_shows_a_falsified_figure() {
    let app = App::spawn().await;
    for person in ["organiser", "dispatcher", "leader", "security", "merchant.wenxing"] {
        app.as_(person).get("/ledger/reconciliation").await.refused(403, "forbidden");
    }
    for person in ["auditor", "sysadmin"] {
        let report = app.as_(person).get("/ledger/reconciliation").await.ok();
        assert_eq!(report["violations"], json!([]));
    }
    sqlx::query("update points_account set posted = posted + 1 where kind = 'user'")
        .execute(app.db())
        .await
        .unwrap();
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    let rules: Vec<&str> = report["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["rule"].as_str().unwrap())
        .collect();
    assert!(rules.contains(&"posted_is_entries"), "{rules:?}");
}

#[tokio::test]
async fn an_adopted_suggestion_is_awarded_as_one_and_shares_the_week_with_appeals() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut body = complaint();
    body["kind"] = json!("suggestion");
    let mut case = li.submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    let stars = json!({"solved": true, "satisfaction": 5, "contacted": true});
    li.post(&case.path("/evaluate"), stars).await.expect(200);
    app.drain().await;
    let lines = li.all("/me/points/entries").await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["source"], &lines[0]["points"]), (&json!("suggestion"), &json!(5)));
    assert!(lines[0]["text"].as_str().unwrap().contains("被采纳"), "{}", lines[0]);
    for _ in 0..2 {
        app.closed().await;
        app.drain().await;
    }
    assert_eq!(li.get("/me/points").await.ok()["available"], 10, "two in a week, of either kind");
}

#[tokio::test]
async fn whoever_has_books_that_do_not_add_up_redeems_nothing_until_they_do() {
    let app = App::spawn().await;
    let (member, other) = (app.resident("party-1"), app.resident("party-2"));
    let offer = json!({
        "title": "幸福餐厅午餐一份", "category": "dining", "points": 10, "stock": 9, "per_person": 9,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "wenxing",
    });
    let offer = app.as_("organiser").post("/offers", offer).await.expect(201);
    let path = format!("/offers/{}/redemptions", offer["id"].as_str().unwrap());
    let redeem = async |who: &Client, key: &str| {
        who.request(Method::POST, &path).key(key).json(&json!({})).send().await
    };
    let account = member.get("/me").await.ok()["id"].as_str().unwrap().to_owned();
    // A minute later, after the worker has compared the books.
    let falsified = async |by: i64| {
        sqlx::query("update points_account set posted = posted + $1 where account_id = $2::uuid")
            .bind(by)
            .bind(&account)
            .execute(app.db())
            .await
            .unwrap();
        app.advance(TimeDelta::minutes(1));
        Schedule::default().enqueue_due(app.state(), true).await;
        app.drain().await;
    };
    falsified(1).await;
    redeem(&member, "a-key-00001").await.refused(409, "ledger_blocked");
    redeem(&other, "a-key-00001").await.expect(201);
    falsified(-1).await;
    redeem(&member, "a-key-00002").await.expect(201);
}
