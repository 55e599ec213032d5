//! Offers end to end: when and to whom, drafts and reviews, batches, and budgets that hold.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client};

fn offer() -> Value {
    json!({
        "title": "幸福餐厅午餐一份", "category": "dining", "points": 10, "stock": 20, "per_person": 10,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "wenxing",
    })
}

fn with(fields: Value) -> Value {
    let mut body = offer();
    if let Value::Object(fields) = fields {
        body.as_object_mut().unwrap().extend(fields);
    }
    body
}

async fn published(app: &App, fields: Value) -> String {
    let made = app.as_("organiser").post("/offers", with(fields)).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn redeem(who: &Client, offer: &str, key: &str) -> Answer {
    who.request(Method::POST, &format!("/offers/{offer}/redemptions")).key(key).send().await
}

async fn budget(app: &App, name: &str, cap_fen: i64) -> String {
    let body = json!({"name": name, "payer": "community", "cap_fen": cap_fen});
    let made = app.as_("organiser").post("/budgets", body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn committed(app: &App, id: &str) -> i64 {
    let all = app.as_("organiser").all("/budgets").await;
    all.iter().find(|one| one["id"] == id).unwrap()["committed_fen"].as_i64().unwrap()
}

async fn batch(app: &App, offer: &str, key: &str, pieces: i64) -> Answer {
    let who = app.as_("organiser");
    let request = who.request(Method::POST, &format!("/offers/{offer}/batches")).key(key);
    request.json(&json!({"pieces": pieces, "note": "第二批"})).send().await
}

async fn switch(who: &Client, offer: &str, step: &str) -> Answer {
    who.post(&format!("/offers/{offer}/switch"), json!({"step": step, "reason": "食材不足"})).await
}

async fn adds_up(app: &App) {
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(report["violations"], json!([]));
    let sums = "budget where committed_fen <> (select coalesce(sum(committed_fen), 0) from offer
        where offer.budget = budget.id)";
    assert_eq!(app.count(sums).await, 0, "a budget has what its offers commit");
    let stock = "offer where status in ('published', 'paused') and stock <>
        (select sum(pieces) from offer_batch where offer_batch.offer = offer.id)";
    assert_eq!(app.count(stock).await, 0, "the batches are the stock");
}

/// The list says beforehand what redeeming answers.
#[tokio::test]
async fn an_offer_is_for_its_days_hours_and_people() {
    let app = App::spawn().await;
    // Tuesday, 24 November 2026, 09:00. party-1 is registered with 文兴社区, party-11 with nobody.
    let (member, other) = (app.resident("party-1"), app.resident("party-11"));
    for (fields, code) in [
        (json!({"weekdays": [1, 3]}), "offer_not_today"),
        (json!({"blackout": ["2026-11-24"]}), "offer_not_today"),
        (json!({"from_time": "11:00", "to_time": "13:30"}), "offer_not_today"),
        (json!({"valid_from": "2026-11-25T00:00:00Z"}), "offer_not_yet"),
        (json!({"audience": "registered", "communities": ["140213051001"]}), "offer_audience"),
        (json!({"min_age": 60}), "offer_age"),
    ] {
        let id = published(&app, fields.clone()).await;
        let refused = redeem(&member, &id, "a-first-key").await;
        assert_eq!(refused.code(), code, "{fields}: {refused}");
        let told = refused.refused(409, code)["detail"].clone();
        let listed = member.get(&format!("/offers/{id}")).await.ok();
        assert_eq!(
            (&listed["available"], &listed["unavailable_code"], &listed["unavailable_reason"]),
            (&json!(false), &json!(code), &told)
        );
    }
    for fields in [
        json!({"weekdays": [2]}),
        json!({"audience": "party_member"}),
        json!({"audience": "registered"}),
        json!({"audience": "registered", "communities": ["140213066004"]}),
    ] {
        let id = published(&app, fields.clone()).await;
        assert_eq!(member.get(&format!("/offers/{id}")).await.ok()["available"], true);
        redeem(&member, &id, &format!("key-of-{id}")).await.expect(201);
        if fields["audience"] != Value::Null {
            redeem(&other, &id, "a-first-key").await.refused(409, "offer_audience");
        }
    }
    let lunch = published(&app, json!({"from_time": "11:00", "to_time": "13:30"})).await;
    app.set_clock(crate::support::at("2026-11-24T11:00:00+08:00"));
    redeem(&member, &lunch, "at-eleven-sharp").await.expect(201);
    app.set_clock(crate::support::at("2026-11-24T13:30:00+08:00"));
    redeem(&member, &lunch, "too-late-by-now").await.refused(409, "offer_not_today");
    let staff = app.as_("dispatcher").get(&format!("/offers/{lunch}")).await.ok();
    assert_eq!((&staff["available"], &staff["settlement_fen"]), (&Value::Null, &Value::Null));
    adds_up(&app).await;
}

#[tokio::test]
async fn a_day_and_a_week_have_their_limits() {
    let app = App::spawn().await;
    let member = app.resident("party-2");
    let id = published(&app, json!({"per_day": 1, "per_week": 2})).await;
    let first = redeem(&member, &id, "on-tuesday-one").await.expect(201);
    redeem(&member, &id, "on-tuesday-two").await.refused(409, "offer_period_limit");
    // What is taken back counts no more.
    let cancel = format!("/redemptions/{}/cancel", first["id"].as_str().unwrap());
    member.post(&cancel, json!({})).await.expect(200);
    redeem(&member, &id, "on-tuesday-three").await.expect(201);
    app.set_clock(crate::support::at("2026-11-25T08:00:00+08:00"));
    redeem(&member, &id, "on-wednesday-one").await.expect(201);
    app.set_clock(crate::support::at("2026-11-26T07:00:00+08:00"));
    redeem(&member, &id, "on-thursday-one").await.refused(409, "offer_period_limit");
    app.set_clock(crate::support::at("2026-11-30T08:00:00+08:00"));
    redeem(&member, &id, "on-monday-anew-one").await.expect(201);
}

#[tokio::test]
async fn conditions_are_read_whole_and_every_fault_is_named() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser");
    for (fields, wrong) in [
        (json!({"weekdays": [0]}), "weekdays"),
        (json!({"weekdays": [8]}), "weekdays"),
        (json!({"from_time": "11:00"}), "from_time"),
        (json!({"from_time": "13:00", "to_time": "11:00"}), "from_time"),
        (json!({"from_time": "8:00", "to_time": "25:00"}), "from_time"),
        (json!({"per_day": 0}), "per_day"),
        (json!({"per_week": 1001}), "per_week"),
        (json!({"communities": ["140213066004"]}), "communities"),
        (json!({"settlement_fen": 500}), "budget"),
        (json!({"settlement_fen": -1}), "settlement_fen"),
        (json!({"cash_fen": 100_000_000}), "cash_fen"),
        (json!({"valid_from": "2027-07-01T00:00:00Z"}), "valid_from"),
        (json!({"budget": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"}), "budget"),
        (json!({"blackout": ["2026-02-30"]}), "blackout[0]"),
        (json!({"audience": "friends"}), "audience"),
        (json!({"min_age": 0}), "min_age"),
        (json!({"max_age": 121}), "max_age"),
        (json!({"min_age": 60, "max_age": 18}), "min_age"),
    ] {
        let refused = organiser.post("/offers", with(fields.clone())).await;
        assert_eq!(refused.fields(), [wrong], "{fields}: {refused}");
        refused.refused(422, "invalid_field");
    }
}

#[tokio::test]
async fn a_draft_is_reviewed_before_anybody_sees_it() {
    let app = App::spawn().await;
    let (manager, organiser) = (app.as_("manager.wenxing"), app.as_("organiser"));
    let resident = app.resident("party-3");
    let draft = |key: &'static str, body: Value| {
        let manager = manager.clone();
        async move { manager.request(Method::POST, "/offer-drafts").key(key).json(&body).send().await }
    };
    draft("for-another-shop", with(json!({"merchant": "happy-market"})))
        .await
        .refused(404, "not_found");
    let made = draft("the-first-draft", offer()).await.expect(201);
    assert_eq!(
        draft("the-first-draft", offer()).await.expect(201),
        made,
        "a double tap is one draft"
    );
    draft("the-first-draft", with(json!({"points": 11})))
        .await
        .refused(422, "idempotency_key_reused");
    let id = made["id"].as_str().unwrap();
    let path = format!("/offers/{id}");
    resident.get(&path).await.refused(404, "not_found");
    redeem(&resident, id, "of-a-draft-key").await.refused(404, "not_found");
    assert!(resident.all("/offers").await.iter().all(|one| one["id"] != id));

    let change = with(json!({"title": "工作日午餐一份", "stock": 5, "weekdays": [1, 2, 3, 4, 5]}));
    let put = manager.request(Method::PUT, &path).json(&change);
    let changed = put.version(1).send().await.expect(200);
    assert_eq!((&changed["stock"], &changed["remaining"]), (&json!(5), &json!(5)));
    let stale = manager.request(Method::PUT, &path).json(&change).version(1).send().await;
    stale.refused(412, "version_mismatch");
    let review = format!("{path}/review");
    organiser.post(&review, json!({"approve": true})).await.refused(409, "offer_step_refused");
    manager.post(&format!("{path}/submit"), json!({})).await.expect(200);
    assert_eq!(organiser.all("/offer-reviews").await[0]["id"], id);
    let refused = organiser.post(&review, json!({"approve": false})).await;
    assert_eq!(refused.fields(), ["reason"], "{refused}");
    let back = json!({"approve": false, "reason": "请写明是否含主食"});
    let back = organiser.post(&review, back).await.expect(200);
    assert_eq!((&back["status"], &back["reason"]), (&json!("draft"), &json!("请写明是否含主食")));
    manager.post(&format!("{path}/submit"), json!({})).await.expect(200);
    manager.post(&review, json!({"approve": true})).await.refused(403, "forbidden");
    let out = organiser.post(&review, json!({"approve": true})).await.expect(200);
    assert_eq!((&out["status"], &out["reason"]), (&json!("published"), &Value::Null));
    redeem(&resident, id, "now-it-is-out").await.expect(201);

    let price = manager.request(Method::PUT, &path).json(&with(json!({"points": 9, "stock": 5})));
    price.send().await.refused(409, "offer_price_kept");
    for (step, status) in [("pause", "paused"), ("resume", "published"), ("end", "ended")] {
        assert_eq!(switch(&manager, id, step).await.expect(200)["status"], status);
    }
    switch(&manager, id, "resume").await.refused(409, "offer_step_refused");
    switch(&manager, id, "approve").await.refused(422, "invalid_field");
    redeem(&resident, id, "after-the-end-one").await.refused(409, "offer_not_published");
    let batches = manager.get(&format!("{path}/batches")).await.ok();
    assert_eq!(batches["items"].as_array().unwrap().len(), 1);
    assert!(
        manager
            .all("/merchants/wenxing/offers?status=ended")
            .await
            .iter()
            .any(|one| one["id"] == id)
    );
    manager.get("/merchants/happy-market/offers").await.refused(404, "not_found");
    adds_up(&app).await;
}

/// Twenty organisers publish at once what a budget can pay for ten times.
#[tokio::test]
async fn a_budget_is_never_exceeded() {
    let app = App::spawn().await;
    let budget_id = budget(&app, "惠民资金", 10_000).await;
    app.as_("organiser")
        .post("/budgets", json!({"name": "惠民资金", "payer": "fund", "cap_fen": 1}))
        .await
        .refused(409, "budget_name_taken");
    app.as_("organiser").token().await;
    let paid = json!({"budget": budget_id, "settlement_fen": 500, "stock": 2, "per_person": 2});
    let all = join_all((0..20).map(|_| {
        let (app, body) = (app.clone(), with(paid.clone()));
        async move { app.as_("organiser").post("/offers", body).await }
    }));
    let answers = all.await;
    let sold: Vec<&Answer> = answers.iter().filter(|one| one.status == 201).collect();
    let refused = answers.iter().filter(|one| one.code() == "budget_exceeded").count();
    assert_eq!((sold.len(), refused), (10, 10));
    assert_eq!(committed(&app, &budget_id).await, 10_000);
    adds_up(&app).await;

    let id = sold[0].body["id"].as_str().unwrap();
    batch(&app, id, "one-more-batch", 1).await.refused(409, "budget_exceeded");
    let cap = format!("/budgets/{budget_id}/cap");
    let cap = |fen| app.as_("organiser").request(Method::POST, &cap).json(&json!({"cap_fen": fen}));
    cap(9_999).send().await.refused(409, "budget_committed");
    cap(11_000).version(7).send().await.refused(412, "version_mismatch");
    cap(11_000).version(1).send().await.expect(200);
    batch(&app, id, "one-more-batch", 1).await.expect(201);
    assert_eq!(committed(&app, &budget_id).await, 10_500);

    // One is held when it ends: that one stays committed until it comes back.
    let member = app.resident("party-4");
    let held = redeem(&member, id, "held-at-the-end").await.expect(201);
    switch(&app.as_("organiser"), id, "end").await.expect(200);
    assert_eq!(committed(&app, &budget_id).await, 9_500);
    let cancel = format!("/redemptions/{}/cancel", held["id"].as_str().unwrap());
    member.post(&cancel, json!({})).await.expect(200);
    release(&app).await;
    assert_eq!(committed(&app, &budget_id).await, 9_000);
    release(&app).await;
    assert_eq!(committed(&app, &budget_id).await, 9_000, "a second time frees nothing");
    adds_up(&app).await;
    // The database holds it, whatever a rule says.
    for wrong in ["committed_fen = cap_fen + 1", "committed_fen = -1"] {
        let wrong = format!("update budget set {wrong}");
        let refused = sqlx::query(sqlx::AssertSqlSafe(wrong)).execute(app.db()).await.unwrap_err();
        assert!(refused.to_string().contains("budget_not_exceeded"), "{refused}");
    }
    let price = sqlx::query("update offer set settlement_fen = 1 where budget is not null");
    assert!(price.execute(app.db()).await.unwrap_err().to_string().contains("is kept"));
}

/// Runs the chore as the worker does.
async fn release(app: &App) {
    let now = app.now();
    let mut tx = app.db().begin().await.unwrap();
    api::app::offer::release(&mut tx, now).await.unwrap();
    tx.commit().await.unwrap();
}

/// Once it lapsed its budget may go to others: nothing brings it back.
#[tokio::test]
async fn a_lapsed_offer_gives_its_budget_back_for_good() {
    let app = App::spawn().await;
    let budget_id = budget(&app, "惠民资金", 10_000).await;
    let until = json!({"valid_until": "2026-11-25T00:00:00Z"});
    let paid = json!({"budget": budget_id, "settlement_fen": 500, "stock": 20});
    let mut body = with(paid);
    body["valid_until"] = until["valid_until"].clone();
    let made = app.as_("organiser").post("/offers", body.clone()).await.expect(201);
    let id = made["id"].as_str().unwrap();
    app.set_clock(crate::support::at("2026-11-25T08:00:00+08:00"));
    release(&app).await;
    assert_eq!(committed(&app, &budget_id).await, 0);
    let again =
        published(&app, json!({"budget": budget_id, "settlement_fen": 500, "stock": 20})).await;
    let organiser = app.as_("organiser");
    body["valid_until"] = json!("2027-06-30T16:00:00Z");
    let longer = organiser.request(Method::PUT, &format!("/offers/{id}")).json(&body).send().await;
    longer.refused(409, "offer_lapsed");
    batch(&app, id, "less-of-a-lapsed", -1).await.refused(409, "offer_lapsed");
    switch(&organiser, id, "pause").await.expect(200);
    switch(&organiser, id, "resume").await.refused(409, "offer_lapsed");
    switch(&organiser, id, "end").await.expect(200);
    assert_eq!(committed(&app, &budget_id).await, 10_000, "all of it is the other's");
    batch(&app, &again, "less-of-the-other", -1).await.expect(201);
    adds_up(&app).await;
}

/// The chore holds every offer before any budget, as whoever publishes does.
#[tokio::test]
async fn the_chore_and_those_who_publish_wait_for_each_other_in_one_order() {
    let app = App::spawn().await;
    let budget_id = budget(&app, "惠民资金", 1_000_000).await;
    app.as_("organiser").token().await;
    let paid = json!({"budget": budget_id, "settlement_fen": 500, "stock": 2});
    let mut offers = Vec::new();
    for n in 0..6 {
        let id = published(&app, paid.clone()).await;
        // Over, and not yet released: as those are whose held pieces came back later.
        let over = "update offer set status = 'ended', reason = '食材不足' where id = $1::uuid";
        if n % 2 == 0 {
            sqlx::query(over).bind(&id).execute(app.db()).await.unwrap();
        }
        offers.push(id);
    }
    let stocked = join_all(offers.iter().enumerate().filter(|(n, _)| n % 2 == 1).map(|(n, id)| {
        let app = app.clone();
        async move { batch(&app, id, &format!("of-offer-{n}"), 1).await }
    }));
    let (stocked, ..) = futures::join!(stocked, release(&app), release(&app));
    for answer in stocked {
        answer.expect(201);
    }
    assert_eq!(committed(&app, &budget_id).await, 3 * 3 * 500);
    adds_up(&app).await;
}

#[tokio::test]
async fn stock_comes_in_batches_and_never_falls_below_what_is_taken() {
    let app = App::spawn().await;
    let id = published(&app, json!({"stock": 3})).await;
    let member = app.resident("party-5");
    for n in 0..2 {
        redeem(&member, &id, &format!("a-piece-of-{n}")).await.expect(201);
    }
    let first = batch(&app, &id, "the-second-batch", 4).await.expect(201);
    assert_eq!(batch(&app, &id, "the-second-batch", 4).await.expect(201), first, "once");
    let now = app.as_("organiser").get(&format!("/offers/{id}")).await.ok();
    assert_eq!((&now["stock"], &now["remaining"]), (&json!(7), &json!(5)));
    let refused = batch(&app, &id, "too-many-to-go", -6).await.refused(409, "offer_stock_taken");
    assert!(refused["detail"].as_str().unwrap().contains('5'), "{refused}");
    batch(&app, &id, "the-free-ones-go", -5).await.expect(201);
    batch(&app, &id, "none-would-be-left", -2).await.refused(409, "offer_stock_range");
    batch(&app, &id, "nothing-at-all", 0).await.refused(422, "invalid_field");
    redeem(&member, &id, "there-is-none-left").await.refused(409, "offer_sold_out");
    batch(&app, &id, "and-again-some", 1).await.expect(201);
    redeem(&member, &id, "there-is-one-again").await.expect(201);
    adds_up(&app).await;
}

/// Every order walks through the same offers, page by page.
#[tokio::test]
async fn each_order_lists_every_offer_once() {
    let app = App::spawn().await;
    for (n, merchant) in ["wenxing", "happy-market", "wenxing"].iter().enumerate() {
        let place = json!({
            "name": format!("商户{n}"), "address": "文兴路",
            "location": {"lng": 113.30 + 0.01 * f64::from(u8::try_from(n).unwrap()), "lat": 40.09},
        });
        let path = format!("/merchants/{merchant}");
        let put = app.as_("organiser").request(Method::PUT, &path).json(&place);
        put.send().await.expect(200);
    }
    let li = app.resident("li");
    let all: BTreeSet<String> = ids(&li.all("/offers").await);
    assert!(all.len() >= 16);
    let near = "lng=113.32&lat=40.09";
    for sort in ["newest", "points", "ending", "near"] {
        let rows = li.all(&format!("/offers?sort={sort}&{near}&limit=3")).await;
        assert_eq!(rows.len(), all.len(), "{sort}");
        assert_eq!(ids(&rows), all, "{sort}");
        let number = |field: &str| -> Vec<i64> {
            rows.iter().map(|row| row[field].as_i64().unwrap_or(i64::MAX)).collect()
        };
        match sort {
            "points" => assert!(number("points").is_sorted()),
            "near" => {
                assert!(number("distance").is_sorted());
                assert_eq!(rows[0]["distance"], 0, "{}", rows[0]);
            }
            _ => {}
        }
    }
    assert!(!li.all("/offers?q=电影").await.is_empty());
    assert!(li.all("/offers?q=没有这样的优惠").await.is_empty());
    li.get("/offers?sort=near").await.refused(422, "invalid_field");
    li.get("/offers?lng=113").await.refused(422, "invalid_field");
    li.get("/offers?sort=worst").await.refused(422, "invalid_field");
}

fn ids(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Whoever pauses waits for those who are just redeeming; nobody redeems afterwards.
#[tokio::test]
async fn nobody_redeems_what_is_paused() {
    let app = App::spawn().await;
    let people: Vec<Client> = (1..=10).map(|n| app.resident(&format!("party-{n}"))).collect();
    for person in &people {
        person.token().await;
    }
    let organiser = app.as_("organiser");
    organiser.token().await;
    for round in 0..5 {
        let id = published(&app, json!({"stock": 100})).await;
        let key = format!("a-key-of-round-{round}");
        let all = join_all(people.iter().map(|person| redeem(person, &id, &key)));
        let (answers, paused) = futures::join!(all, switch(&organiser, &id, "pause"));
        paused.expect(200);
        let sold = answers.iter().filter(|one| one.status == 201).count();
        let refused = answers.iter().filter(|one| one.code() == "offer_not_published").count();
        assert_eq!(sold + refused, 10, "round {round}");
        redeem(&people[0], &id, "and-one-afterwards").await.refused(409, "offer_not_published");
    }
    adds_up(&app).await;
}
