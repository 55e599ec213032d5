//! A month is settled once, line by line; what was wrong is a line of the next.

use reqwest::Method;
use serde_json::{Value, json};

use super::{adds_up, redeem, verify};
use crate::support::{App, Client};

const MANAGER: &str = "manager.wenxing";

/// An offer that a budget pays 500 fen for, and one that the shop bears itself.
async fn offers(app: &App) -> (String, String) {
    let organiser = app.as_("organiser");
    let budget = json!({"name": "惠民资金", "payer": "fund", "cap_fen": 100_000});
    let budget = organiser.post("/budgets", budget).await.expect(201)["id"].clone();
    let mut body = json!({
        "title": "<b>早餐</b>一份", "category": "dining", "points": 10, "stock": 20, "per_person": 10,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "wenxing", "budget": budget,
        "settlement_fen": 500, "cash_fen": 200,
    });
    let id = |made: Value| made["id"].as_str().unwrap().to_owned();
    let paid = id(organiser.post("/offers", body.clone()).await.expect(201));
    body["budget"] = Value::Null;
    body["settlement_fen"] = json!(0);
    (paid, id(organiser.post("/offers", body).await.expect(201)))
}

/// Redeems and verifies; answers the redemption's id.
async fn spend(app: &App, who: &Client, offer: &str, key: &str) -> String {
    let ticket = redeem(who, offer, key).await.expect(201);
    verify(&app.as_("merchant.wenxing"), &ticket["code"]).await.expect(200);
    ticket["id"].as_str().unwrap().to_owned()
}

/// Runs the chore as the worker does.
async fn settle(app: &App) {
    let (state, now) = (app.state(), app.now());
    let mut tx = app.db().begin().await.unwrap();
    api::app::merchant::settlement::settle_due(&mut tx, state, now).await.unwrap();
    tx.commit().await.unwrap();
}

async fn one(app: &App, period: &str) -> Value {
    let found = app.as_(MANAGER).all(&format!("/settlements?period={period}")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

async fn refund(app: &App, id: &str) {
    let path = format!("/redemptions/{id}/refund");
    app.as_("organiser").post(&path, json!({"reason": "商户没有货"})).await.expect(200);
}

#[tokio::test]
async fn a_month_is_settled_once_and_corrected_in_the_next() {
    let app = App::spawn().await;
    let member = app.resident("party-1");
    let (paid, own) = offers(&app).await;
    let first = spend(&app, &member, &paid, "the-first-one").await;
    let second = spend(&app, &member, &paid, "the-second-one").await;
    spend(&app, &member, &own, "the-third-one").await;
    refund(&app, &second).await;
    redeem(&member, &paid, "never-verified").await.expect(201);

    app.pass("2026-12-01T05:59:00+08:00").await;
    settle(&app).await;
    assert_eq!(app.count("settlement").await, 0, "not before its hour");
    app.set_clock(crate::support::at("2026-12-01T06:00:00+08:00"));
    settle(&app).await;
    settle(&app).await;
    let november = one(&app, "2026-11").await;
    let figures = ["redemptions", "refunds", "points", "fen", "cash_fen"]
        .map(|it| november[it].as_i64().unwrap());
    assert_eq!(figures, [3, 1, 20, 500, 400], "three verified, one taken back");
    assert_eq!(november["dispute_until"], "2026-12-08T16:00:00Z", "24:00 of the fifth working day");
    let path = format!("/settlements/{}", november["id"].as_str().unwrap());
    let lines = app.as_(MANAGER).all(&format!("{path}/lines?limit=2")).await;
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 4, "{lines:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "refund").count(), 1);
    let whole = app.as_("auditor").get(&path).await.ok();
    let payers: Vec<(Option<&str>, i64)> = whole["payers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|payer| (payer["name"].as_str(), payer["fen"].as_i64().unwrap()))
        .collect();
    assert_eq!(payers, [(Some("惠民资金"), 500), (None, 0)]);

    // What happens afterwards changes nothing of it.
    refund(&app, &first).await;
    assert_eq!(one(&app, "2026-11").await["fen"], 500);
    for statement in ["update settlement_line set fen = 0", "delete from settlement_line"] {
        let refused = sqlx::query(statement).execute(app.db()).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }

    let manager = app.as_(MANAGER);
    let disputes = format!("{path}/disputes");
    let dispute = async |line: i32| {
        manager.post(&disputes, json!({"line": line, "reason": "少记了一份"})).await
    };
    let line =
        lines.iter().find(|line| line["redemption_id"] == first).unwrap()["n"].as_i64().unwrap();
    let line = i32::try_from(line).unwrap();
    dispute(99).await.refused(422, "invalid_field");
    dispute(line).await.expect(200);
    dispute(line).await.refused(409, "line_disputed");
    manager.post(&format!("{path}/confirm"), json!({})).await.refused(409, "disputes_open");
    let organiser = app.as_("organiser");
    let pay = json!({"document_no": "2026-12-0031"});
    organiser.post(&format!("{path}/pay"), pay.clone()).await.refused(409, "disputes_open");
    let answer = json!({"line": line, "uphold": true, "fen": 250, "reason": "补付半份"});
    let odd = json!({"line": line, "uphold": false, "fen": 250, "reason": "补付半份"});
    organiser.post(&format!("{path}/answer"), odd).await.refused(422, "invalid_field");
    // A correction is paid out of the same budget: within its cap, and never out of nothing.
    let budget = async || organiser.all("/budgets").await[0].clone();
    let before = budget().await;
    let committed = before["committed_fen"].as_i64().unwrap();
    assert_eq!(committed, 10_000, "twenty pieces");
    let cap = format!("/budgets/{}/cap", before["id"].as_str().unwrap());
    organiser.post(&cap, json!({"cap_fen": committed + 249})).await.expect(200);
    organiser.post(&format!("{path}/answer"), answer.clone()).await.refused(409, "budget_exceeded");
    let mut beyond = answer.clone();
    beyond["fen"] = json!(-committed - 1);
    let refused = organiser.post(&format!("{path}/answer"), beyond).await;
    assert_eq!(refused.fields(), ["fen"], "{refused}");
    organiser.post(&cap, json!({"cap_fen": committed + 250})).await.expect(200);
    organiser.post(&format!("{path}/answer"), answer.clone()).await.expect(200);
    assert_eq!(budget().await["committed_fen"], committed + 250);
    organiser.post(&format!("{path}/answer"), answer).await.refused(409, "no_dispute");
    organiser
        .post(&format!("{path}/pay"), pay.clone())
        .await
        .refused(409, "settlement_not_confirmed");
    let stale =
        manager.request(Method::POST, &format!("{path}/confirm")).version(1).json(&json!({}));
    stale.send().await.refused(412, "version_mismatch");
    assert_eq!(
        manager.post(&format!("{path}/confirm"), json!({})).await.expect(200)["status"],
        "confirmed"
    );
    assert_eq!(
        organiser.post(&format!("{path}/pay"), pay.clone()).await.expect(200)["status"],
        "paid"
    );
    organiser.post(&format!("{path}/pay"), pay).await.refused(409, "settlement_step_refused");
    dispute(line).await.refused(409, "settlement_step_refused");

    // Both sides are told of each step of the other's, and no other merchant's manager of any.
    app.drain().await;
    let told = async |who: &Client| {
        let mut told = Vec::new();
        for kind in ["ready", "disputed", "answered", "confirmed", "paid"] {
            told.push(who.told(&format!("statement_{kind}")).await.len());
        }
        told
    };
    assert_eq!(told(&manager).await, [1, 0, 1, 0, 1]);
    assert_eq!(told(&organiser).await, [1, 1, 0, 1, 0]);
    assert_eq!(told(&app.as_("merchant.wenxing")).await, [0; 5], "the clerk at the till");
    let ready = manager.told("statement_ready").await;
    assert_eq!(
        ready,
        ["2026-11 的结算单已出，请商户核对确认，有异议的请在 12月8日 24:00 前提出。"]
    );
    assert!(manager.told("statement_answered").await[0].contains("异议成立"));
    let one_of = manager.all("/notifications").await;
    let about = one_of.iter().find(|one| one["kind"] == "statement_paid").unwrap();
    assert_eq!(
        (&about["settlement_id"], &about["title"]),
        (&november["id"], &json!("文兴示范商户"))
    );
    assert_eq!(app.count("event where data::text like '%少记%' or note like '%少记%'").await, 0);

    // December has the refund and the correction, and nothing of November again.
    app.pass("2027-01-01T09:00:00+08:00").await;
    settle(&app).await;
    let december = one(&app, "2026-12").await;
    let figures = ["redemptions", "refunds", "points", "fen", "cash_fen"]
        .map(|it| december[it].as_i64().unwrap());
    assert_eq!(figures, [0, 1, -10, -250, -200], "500 back, 250 for the dispute");
    assert_eq!(app.count("settlement").await, 2);
    // Once the offer is over, what was upheld stays committed and nothing else does.
    let end = json!({"step": "end", "reason": "活动结束"});
    organiser.post(&format!("/offers/{paid}/switch"), end).await.expect(200);
    assert_eq!(budget().await["committed_fen"], 250, "{}", budget().await);
    adds_up(&app).await;
}

#[tokio::test]
async fn a_statement_is_taken_away_and_is_its_merchants_alone() {
    let app = App::spawn().await;
    let member = app.resident("party-1");
    let (paid, _) = offers(&app).await;
    spend(&app, &member, &paid, "the-first-one").await;
    let other = json!({
        "title": "鸡蛋一盒", "category": "shop", "points": 5, "stock": 2, "per_person": 1,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "happy-market",
    });
    app.as_("organiser").post("/offers", other).await.expect(201);
    app.pass("2026-12-02T09:00:00+08:00").await;
    settle(&app).await;
    let id = one(&app, "2026-11").await["id"].as_str().unwrap().to_owned();
    let page = app.as_(MANAGER).get(&format!("/settlements/{id}/page")).await;
    assert!(
        page.text.contains("&lt;b&gt;早餐&lt;/b&gt;") && page.text.contains("5.00"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("<b>") && !page.text.contains("<script"));
    let sheet = app.as_(MANAGER).get(&format!("/settlements/{id}/workbook")).await;
    assert_eq!(sheet.status, 200);
    assert!(sheet.header("content-disposition").contains("settlement-wenxing-2026-11.xlsx"));
    for who in ["organiser", "auditor"] {
        app.as_(who).get(&format!("/settlements/{id}")).await.ok();
    }
    // Without a confirmation it is paid once nobody can dispute it any more.
    let pay = format!("/settlements/{id}/pay");
    let document = json!({"document_no": "2026-12-0031"});
    app.as_("organiser")
        .post(&pay, document.clone())
        .await
        .refused(409, "settlement_not_confirmed");
    app.pass("2026-12-10T09:00:00+08:00").await;
    let late = json!({"line": 1, "reason": "少记了一份"});
    app.as_(MANAGER)
        .post(&format!("/settlements/{id}/disputes"), late)
        .await
        .refused(409, "settlement_dispute_closed");
    app.as_("organiser").post(&pay, document).await.expect(200);
    app.as_(MANAGER).get("/settlements?period=2026-13").await.refused(422, "invalid_field");
    assert!(app.as_(MANAGER).all("/settlements?merchant=happy-market").await.is_empty());
}
