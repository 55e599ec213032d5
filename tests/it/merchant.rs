//! Merchants end to end: applications, clerks, suspension.

use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client};

mod settlement;

const LICENCE: &str = "91140200MA0K00003J";

fn application() -> Value {
    json!({
        "name": "幸福里便民早餐店", "address": "水泊寺街道文兴路 12 号", "licence": LICENCE,
        "contact_name": "赵秀英", "contact_phone": "13934567890",
    })
}

async fn apply(who: &Client, key: &str, body: &Value) -> Answer {
    who.request(Method::POST, "/merchant-applications").key(key).json(body).send().await
}

async fn decide(app: &App, id: &str, body: Value) -> Answer {
    app.as_("organiser").post(&format!("/merchant-applications/{id}/decide"), body).await
}

async fn points(who: &Client) -> (i64, i64) {
    let points = who.get("/me/points").await.ok();
    (points["available"].as_i64().unwrap(), points["held"].as_i64().unwrap())
}

async fn offer(app: &App, merchant: &str, stock: i64) -> String {
    let body = json!({
        "title": "早餐一份", "category": "dining", "points": 10, "stock": stock, "per_person": 10,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": merchant,
    });
    let made = app.as_("organiser").post("/offers", body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn redeem(who: &Client, offer: &str, key: &str) -> Answer {
    who.request(Method::POST, &format!("/offers/{offer}/redemptions")).key(key).send().await
}

async fn verify(who: &Client, code: &Value) -> Answer {
    who.post("/redemptions/verify", json!({ "code": code })).await
}

async fn adds_up(app: &App) {
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(report["violations"], json!([]));
}

#[tokio::test]
async fn an_application_becomes_a_merchant_with_its_manager() {
    let app = App::spawn().await;
    let zhao = app.resident("zhao");
    let made = apply(&zhao, "the-first-one", &application()).await.expect(201);
    assert_eq!(apply(&zhao, "the-first-one", &application()).await.expect(201), made);
    assert_eq!(
        (&made["contact_name"], &made["contact_phone"]),
        (&json!("赵**"), &json!("139****7890"))
    );
    assert_eq!(made["licence"], "91**************3J");
    let id = made["id"].as_str().unwrap();
    let path = format!("/merchant-applications/{id}");
    app.resident("wang").get(&path).await.refused(404, "not_found");
    apply(&app.resident("wang"), "the-same-shop", &application())
        .await
        .refused(409, "licence_taken");

    let whole = app.as_("organiser").get(&path).await.ok();
    assert_eq!(
        (&whole["licence"], &whole["contact_phone"]),
        (&json!(LICENCE), &json!("13934567890"))
    );
    assert_eq!(app.count("audit_entry where action = 'merchant.contact_seen'").await, 1);
    let listed = app.as_("organiser").all("/merchant-applications?status=pending").await;
    assert_eq!(listed[0]["contact_name"], "赵**", "a list is masked");

    decide(&app, id, json!({"decision": "send_back"})).await.refused(422, "invalid_field");
    let back = json!({"decision": "send_back", "reason": "请补门牌号"});
    assert_eq!(decide(&app, id, back.clone()).await.expect(200)["status"], "sent_back");
    decide(&app, id, back).await.refused(409, "application_step_refused");
    let mut again = application();
    again["address"] = json!("水泊寺街道文兴路 12 号一层");
    let stale = zhao.request(Method::PUT, &path).json(&again).version(1).send().await;
    stale.refused(412, "version_mismatch");
    let put = zhao.request(Method::PUT, &path).json(&again).send().await.expect(200);
    assert_eq!((&put["status"], &put["reason"]), (&json!("pending"), &Value::Null));

    let taken = json!({"decision": "approve", "code": "wenxing"});
    decide(&app, id, taken).await.refused(409, "merchant_code_taken");
    let code = json!({"decision": "approve", "code": "happy-breakfast"});
    assert_eq!(decide(&app, id, code).await.expect(200)["merchant"], "happy-breakfast");
    zhao.post(&format!("{path}/withdraw"), json!({}))
        .await
        .refused(409, "application_step_refused");
    app.drain().await;
    let told: Vec<Value> = zhao.all("/notifications").await;
    let kinds: Vec<&str> = told.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["merchant_approved", "merchant_sent_back"]);
    assert!(told[1]["text"].as_str().unwrap().contains("请补门牌号"), "{told:?}");
    assert_eq!(told[0]["application_id"], id);

    // The manager keeps the shop, from a fresh look at the role on, and stands at its till.
    let me = zhao.get("/me").await.expect(200);
    let roles: Vec<&Value> =
        me["roles"].as_array().unwrap().iter().map(|one| &one["role"]).collect();
    assert!(roles.contains(&&json!("merchant_clerk")), "{roles:?}");
    verify(&zhao, &json!("no-such-code")).await.refused(404, "not_found");
    let shop =
        json!({"name": "幸福里早餐", "address": "文兴路 12 号", "shop_phone": "0352-5012345"});
    let put = zhao.request(Method::PUT, "/merchants/happy-breakfast").json(&shop);
    assert_eq!(put.send().await.expect(200)["shop_phone"], "03525012345");
    zhao.request(Method::PUT, "/merchants/wenxing")
        .json(&shop)
        .send()
        .await
        .refused(404, "not_found");
    let organiser = app.as_("organiser");
    let because = json!({"reason": "核对账户"});
    let seen = organiser.post("/merchants/happy-breakfast/unmask", because).await.expect(200);
    assert_eq!(seen["contact_name"], "赵秀英");
    assert!(app.resident("li").all("/merchants?q=幸福里").await.len() == 1);
    let once_more = apply(&app.resident("wang"), "of-a-merchant", &application()).await;
    once_more.refused(409, "licence_taken");
    secret(&app).await;
}

/// What points to a person stands nowhere in the clear.
async fn secret(app: &App) {
    for table in ["event", "audit_entry", "job", "idempotency", "merchant", "merchant_application"]
    {
        for secret in ["赵秀英", "13934567890", LICENCE] {
            let found = format!("{table} as kept where kept::text like '%{secret}%'");
            assert_eq!(app.count(&found).await, 0, "{secret} in {table}");
        }
    }
}

#[tokio::test]
async fn a_wrong_application_names_its_faults() {
    let app = App::spawn().await;
    let zhao = app.resident("zhao");
    for (field, value) in [
        ("licence", json!("91140200MA0K00003K")),
        ("licence", json!("")),
        ("contact_phone", json!("123456789012345")),
        ("contact_name", json!("")),
        ("name", json!("店")),
        ("location", json!({"lng": 0.0, "lat": 0.0})),
        ("status", json!("approved")),
    ] {
        let mut body = application();
        body[field] = value.clone();
        let refused = apply(&zhao, "a-wrong-one", &body).await;
        assert_eq!(refused.fields(), [field], "{value}: {refused}");
    }
    zhao.post("/merchant-applications", application())
        .await
        .refused(400, "idempotency_key_required");
    assert_eq!(app.count("merchant_application").await, 0);
    // Two at once with one licence: one waits.
    let (one, other) = (app.resident("li"), app.resident("wang"));
    let body = application();
    let both =
        futures::join!(apply(&one, "both-at-once", &body), apply(&other, "both-at-once", &body));
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn a_clerk_is_bound_by_an_invitation_and_unbound_at_once() {
    let app = App::spawn().await;
    let (manager, clerk) = (app.as_("manager.wenxing"), app.resident("xiaoliu"));
    let member = app.resident("party-1");
    let offer = offer(&app, "wenxing", 10).await;
    let (first, second) = (
        redeem(&member, &offer, "the-first-of").await,
        redeem(&member, &offer, "the-second-of").await,
    );
    let (first, second) = (first.expect(201)["code"].clone(), second.expect(201)["code"].clone());
    verify(&clerk, &first).await.refused(403, "forbidden");

    let invite = async |role: &str| {
        let made = manager.post("/merchants/wenxing/invitations", json!({"role": role})).await;
        made.expect(201)["code"].as_str().unwrap().to_owned()
    };
    let accept = async |who: &Client, code: &str| {
        who.post("/merchant-invitations/accept", json!({"code": code})).await
    };
    let code = invite("merchant_clerk").await;
    accept(&clerk, "2222-2222-2222-2222").await.refused(409, "invitation_invalid");
    let typed = code.to_lowercase().replace('-', " ");
    assert_eq!(accept(&clerk, &typed).await.expect(200)["merchant"], "wenxing");
    accept(&app.resident("wang"), &code).await.refused(409, "invitation_invalid");
    verify(&clerk, &first).await.expect(200);
    // A clerk keeps no shop.
    clerk.get("/merchants/wenxing/people").await.refused(403, "forbidden");

    let people = manager.all("/merchants/wenxing/people").await;
    let bound = people
        .iter()
        .find(|one| one["role"] == "merchant_clerk" && one["display_name"] == "演示居民 xiaoliu");
    let account = bound.unwrap()["account_id"].clone();
    manager.get("/merchants/happy-market/people").await.refused(404, "not_found");
    let unbind = async |account: &Value| {
        manager.post("/merchants/wenxing/unbind", json!({"account_id": account})).await
    };
    unbind(&account).await.expect(200);
    verify(&clerk, &second).await.refused(403, "forbidden");
    unbind(&account).await.refused(409, "clerk_not_bound");
    let own = people.iter().find(|one| one["role"] == "merchant_manager").unwrap();
    unbind(&own["account_id"]).await.refused(409, "last_manager");

    let late = invite("merchant_clerk").await;
    app.advance(TimeDelta::minutes(30));
    accept(&clerk, &late).await.refused(409, "invitation_invalid");
    let odd = manager.post("/merchants/wenxing/invitations", json!({"role": "organiser"})).await;
    odd.refused(422, "invalid_field");
    // Twice at once binds one.
    let code = invite("merchant_manager").await;
    let people = [app.resident("li"), app.resident("wang"), app.resident("zhao")];
    let all = join_all(people.iter().map(|who| accept(who, &code))).await;
    assert_eq!(all.iter().filter(|one| one.status == 200).count(), 1);
    adds_up(&app).await;
}

#[tokio::test]
async fn a_suspended_merchant_gives_everything_back_once() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-1"), app.as_("merchant.wenxing"));
    let organiser = app.as_("organiser");
    let (here, there) = (offer(&app, "wenxing", 10).await, offer(&app, "happy-market", 10).await);
    let used = redeem(&member, &here, "used-before-it").await.expect(201);
    verify(&till, &used["code"]).await.expect(200);
    let held = redeem(&member, &here, "held-meanwhile").await.expect(201);
    redeem(&member, &there, "of-another-shop").await.expect(201);
    assert_eq!(points(&member).await, (170, 20));

    let because = json!({"reason": "食品安全检查不合格"});
    organiser
        .post("/merchants/wenxing/lift", because.clone())
        .await
        .refused(409, "merchant_not_suspended");
    let suspended = organiser.post("/merchants/wenxing/suspend", because.clone()).await.expect(200);
    assert_ne!(suspended["suspended_at"], Value::Null);
    organiser
        .post("/merchants/wenxing/suspend", because.clone())
        .await
        .refused(409, "merchant_suspended_already");
    redeem(&member, &here, "while-suspended").await.refused(409, "merchant_suspended");
    let another = json!({
        "title": "早餐一份", "category": "dining", "points": 10, "stock": 1, "per_person": 1,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "wenxing",
    });
    organiser.post("/offers", another).await.refused(409, "merchant_suspended");
    // Not even before what is held came back.
    for shown in ["code", "digits"] {
        verify(&till, &held[shown]).await.refused(409, "redemption_suspended");
    }
    app.drain().await;
    assert_eq!(points(&member).await, (180, 10), "held points are back, the others' stay");
    verify(&till, &held["code"]).await.refused(409, "redemption_ended");
    let told = member.all("/notifications").await;
    let told: Vec<&Value> =
        told.iter().filter(|one| one["kind"] == "redemption_returned").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["redemption_id"], held["id"]);
    assert_eq!(told[0]["title"], "早餐一份");
    assert_eq!(app.count("redemption where last_seq = 1").await, 1, "its stream counts the event");
    app.drain().await;
    assert_eq!(points(&member).await, (180, 10), "once");

    organiser.post("/merchants/wenxing/lift", json!({"reason": "复查合格"})).await.expect(200);
    redeem(&member, &here, "after-the-lifting").await.expect(201);
    adds_up(&app).await;
}

/// Whoever redeems while the merchant is being suspended either has everything back, or is refused.
#[tokio::test]
async fn nobody_is_left_holding_a_code_of_a_suspended_merchant() {
    let app = App::spawn().await;
    let people: Vec<Client> = (1..=20).map(|n| app.resident(&format!("party-{n}"))).collect();
    for person in &people {
        person.token().await;
    }
    let organiser = app.as_("organiser");
    organiser.token().await;
    let id = offer(&app, "wenxing", 100).await;
    for round in 0..3 {
        let key = format!("a-key-of-round-{round}");
        let all = join_all(people.iter().map(|person| redeem(person, &id, &key)));
        let because = json!({"reason": "食品安全检查不合格"});
        let (answers, suspended) =
            futures::join!(all, organiser.post("/merchants/wenxing/suspend", because.clone()));
        suspended.expect(200);
        let done = answers.iter().filter(|one| one.status == 201).count();
        let refused = answers.iter().filter(|one| one.code() == "merchant_suspended").count();
        assert_eq!(done + refused, people.len(), "round {round}");
        app.drain().await;
        assert_eq!(app.count("hold where state = 'pending'").await, 0, "round {round}");
        assert_eq!(app.count("points_account where kind = 'user' and held <> 0").await, 0);
        organiser.post("/merchants/wenxing/lift", because).await.expect(200);
    }
    adds_up(&app).await;
}
