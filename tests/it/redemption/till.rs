//! At the till: pictures that die, digits that are few enough to be guessed, what a clerk takes back,
//! and what a till verified in a day.

use chrono::TimeDelta;
use domain::id::AccountId;
use serde_json::{Value, json};

use super::{adds_up, points, published, redeem, remaining, verify};
use crate::support::{Answer, App, Client};

const TILL: &str = "merchant.wenxing";

async fn token(who: &Client, ticket: &Value) -> Value {
    let path = format!("/redemptions/{}/qr-token", ticket["id"].as_str().unwrap());
    who.get(&path).await.expect(200)
}

async fn undo(who: &Client, ticket: &Value) -> Answer {
    let path = format!("/redemptions/{}/undo", ticket["id"].as_str().unwrap());
    who.post(&path, json!({"reason": "扫错了码"})).await
}

async fn account(who: &Client) -> AccountId {
    let me = who.get("/me").await.expect(200);
    AccountId(me["id"].as_str().unwrap().parse().unwrap())
}

/// Another clerk of the same merchant.
async fn second_clerk(app: &App) -> Client {
    let granted = sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         select $1, id, 'merchant_clerk', 'wenxing', $2 from account where username = 'leader'",
    )
    .bind(uuid::Uuid::from_u128(7))
    .bind(app.now())
    .execute(app.db())
    .await
    .unwrap();
    assert_eq!(granted.rows_affected(), 1);
    app.as_("leader")
}

#[tokio::test]
async fn a_screenshot_dies_and_the_code_lives() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-1"), app.as_(TILL));
    let offer = published(&app, 10, 10, 5).await;
    let ticket = redeem(&member, &offer, "first-key").await.expect(201);
    let first = token(&member, &ticket).await;
    let (text, code) = (first["token"].as_str().unwrap(), ticket["code"].as_str().unwrap());
    assert!(text.starts_with("Q1.") && !text.contains(code), "a screenshot gives no code away");
    let path = format!("/redemptions/{}/qr", ticket["id"].as_str().unwrap());
    let drawn = member.get(&path).await.text;
    app.advance(TimeDelta::seconds(61));
    assert_ne!(member.get(&path).await.text, drawn, "each picture is another");
    verify(&till, &first["token"]).await.refused(409, "qr_expired");

    let fresh = token(&member, &ticket).await;
    let altered = |place: usize| {
        let mut letters: Vec<char> = fresh["token"].as_str().unwrap().chars().collect();
        letters[place] = if letters[place] == 'A' { 'B' } else { 'A' };
        json!(letters.into_iter().collect::<String>())
    };
    for place in [5, 30, 50] {
        verify(&till, &altered(place)).await.refused(404, "not_found");
    }
    for forged in ["Q1.", "Q1.AAAA", "Q1.!!", &format!("Q1.{}", "A".repeat(75))] {
        verify(&till, &json!(forged)).await.refused(404, "not_found");
    }
    app.advance(TimeDelta::seconds(60));
    verify(&till, &fresh["token"]).await.expect(200);
    verify(&till, &fresh["token"]).await.refused(409, "redemption_already_verified");
    verify(&till, &ticket["code"]).await.refused(409, "redemption_already_verified");

    let second = redeem(&member, &offer, "second-key").await.expect(201);
    app.advance(TimeDelta::hours(23));
    verify(&till, &second["code"]).await.expect(200);
    adds_up(&app).await;
}

#[tokio::test]
async fn digits_are_good_at_their_merchant_alone() {
    let app = App::spawn().await;
    let member = app.resident("party-1");
    let offer = published(&app, 10, 10, 5).await;
    let ticket = redeem(&member, &offer, "first-key").await.expect(201);
    let digits = ticket["digits"].as_str().unwrap();
    assert!(digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()), "{digits}");
    let mine = member.all("/me/redemptions").await;
    assert_eq!(mine[0]["digits"], digits);
    let other = json!({
        "title": "鸡蛋一盒", "category": "shop", "points": 10, "stock": 5, "per_person": 1,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "happy-market",
    });
    let other = app.as_("organiser").post("/offers", other).await.expect(201);
    let elsewhere = redeem(&member, other["id"].as_str().unwrap(), "second-key").await.expect(201);
    let till = app.as_(TILL);
    verify(&till, &elsewhere["digits"]).await.refused(404, "digits_unknown");

    let (one, two) = digits.split_at(4);
    let verified = verify(&till, &json!(format!("{one} {two}"))).await.expect(200);
    assert_eq!((&verified["status"], &verified["digits"]), (&json!("verified"), &Value::Null));
    assert!(verified["undo_until"].is_string(), "{verified}");
    verify(&till, &json!(digits)).await.refused(409, "redemption_already_verified");
    let stored: String = sqlx::query_scalar("select redemption::text from redemption limit 1")
        .fetch_one(app.db())
        .await
        .unwrap();
    assert!(!stored.contains(digits), "in the clear they are nowhere");
    adds_up(&app).await;
}

#[tokio::test]
async fn digits_cannot_be_guessed() {
    let app = App::with(|config| {
        config.till.clerk_misses = 3;
        config.till.merchant_misses = 4;
    })
    .await;
    let (member, till) = (app.resident("party-1"), app.as_(TILL));
    let offer = published(&app, 10, 10, 5).await;
    let ticket = redeem(&member, &offer, "first-key").await.expect(201);
    let wrong = json!(if ticket["digits"] == "00000000" { "11111111" } else { "00000000" });
    // At once: each is counted before the next is looked at.
    let tried = futures::future::join_all((0..8).map(|_| verify(&till, &wrong))).await;
    let mut codes: Vec<&str> = tried.iter().map(Answer::code).collect();
    codes.sort_unstable();
    assert_eq!(codes[..6], ["digits_locked"; 6]);
    assert_eq!(codes[6..], ["digits_unknown"; 2]);
    let locked = verify(&till, &ticket["digits"]).await;
    assert!(locked.text.contains("只能扫二维码"), "{locked}");
    locked.refused(429, "digits_locked");

    // The merchant has one left, whoever types.
    let other = second_clerk(&app).await;
    verify(&other, &wrong).await.refused(429, "digits_locked");
    verify(&other, &ticket["digits"]).await.refused(429, "digits_locked");
    assert_eq!(app.count("till_attempt where locked_until is not null").await, 2);
    assert_eq!(app.count("audit_entry where action = 'till.lock'").await, 2);
    let second = redeem(&member, &offer, "second-key").await.expect(201);
    verify(&till, &second["code"]).await.expect(200);

    app.advance(TimeDelta::minutes(15));
    verify(&till, &ticket["digits"]).await.expect(200);
    adds_up(&app).await;
}

#[tokio::test]
async fn what_was_verified_by_mistake_is_taken_back_once() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-1"), app.as_(TILL));
    let offer = published(&app, 50, 10, 1).await;
    let ticket = redeem(&member, &offer, "first-key").await.expect(201);
    undo(&till, &ticket).await.refused(409, "redemption_not_verified");
    verify(&till, &ticket["code"]).await.expect(200);
    undo(&second_clerk(&app).await, &ticket).await.refused(409, "undo_not_yours");
    undo(&app.as_("organiser"), &ticket).await.refused(403, "forbidden");
    app.advance(TimeDelta::minutes(9));
    let undone = undo(&till, &ticket).await.expect(200);
    assert_eq!(undone["status"], "refunded");
    undo(&till, &ticket).await.refused(409, "redemption_ended");
    verify(&till, &ticket["code"]).await.refused(409, "redemption_ended");
    assert_eq!((points(&member).await, remaining(&app, &offer).await), ((200, 0), 10));
    app.drain().await;
    let inbox = member.all("/notifications").await;
    assert_eq!(
        (&inbox[0]["redemption_id"], &inbox[0]["kind"]),
        (&ticket["id"], &json!("redemption_undone"))
    );
    let told = inbox[0]["text"].as_str().unwrap();
    assert!(told.contains("50 分已退回") && told.contains("扫错了码"), "{told}");

    let again = redeem(&member, &offer, "second-key").await.expect(201);
    verify(&till, &again["code"]).await.expect(200);
    app.advance(TimeDelta::minutes(10));
    undo(&till, &again).await.refused(409, "undo_too_late");
    assert_eq!(points(&member).await, (150, 0));
    adds_up(&app).await;
}

/// The clerk takes it back, the organiser refunds it, the person cancels it, and somebody verifies it
/// again, all at once: one of them has an effect.
#[tokio::test]
async fn of_undo_and_refund_at_once_one_has_an_effect() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-1"), app.as_(TILL));
    let organiser = app.as_("organiser");
    let offer = published(&app, 10, 10, 9).await;
    for n in 0..5 {
        let ticket = redeem(&member, &offer, &format!("key-number-{n}")).await.expect(201);
        verify(&till, &ticket["code"]).await.expect(200);
        let path = format!("/redemptions/{}/refund", ticket["id"].as_str().unwrap());
        let (one, two, three, again) = tokio::join!(
            undo(&till, &ticket),
            organiser.post(&path, json!({"reason": "商户停业"})),
            undo(&till, &ticket),
            verify(&till, &ticket["code"]),
        );
        let done = [&one, &two, &three].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{one} {two} {three}");
        assert_eq!(again.status, 409, "{again}");
    }
    assert_eq!((points(&member).await, remaining(&app, &offer).await), ((200, 0), 10));
    assert_eq!(app.count("ledger_tx where kind = 'reverse'").await, 5);

    let ticket = redeem(&member, &offer, "the-last-key").await.expect(201);
    let cancel = format!("/redemptions/{}/cancel", ticket["id"].as_str().unwrap());
    let (verified, cancelled, undone) = tokio::join!(
        verify(&till, &ticket["digits"]),
        member.post(&cancel, json!({})),
        undo(&till, &ticket),
    );
    assert_eq!(
        [&verified, &cancelled].iter().filter(|answer| answer.status == 200).count(),
        1,
        "{verified} {cancelled} {undone}"
    );
    adds_up(&app).await;
}

#[tokio::test]
async fn nobody_verifies_for_themselves() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-1"), app.as_(TILL));
    let offer = published(&app, 10, 10, 9).await;
    let ticket = redeem(&member, &offer, "first-key").await.expect(201);
    app.one_person([&member, &till]).await;
    for shown in ["code", "digits"] {
        verify(&till, &ticket[shown]).await.refused(409, "own_redemption");
    }
    // A resident who works at the till as well.
    let clerk = account(&member).await;
    sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         values ($1, $2, 'merchant_clerk', 'wenxing', $3)",
    )
    .bind(uuid::Uuid::from_u128(9))
    .bind(clerk.0)
    .bind(app.now())
    .execute(app.db())
    .await
    .unwrap();
    // With a fresh log-in, which knows of the new role.
    app.advance(TimeDelta::minutes(11));
    verify(&member, &ticket["code"]).await.refused(409, "own_redemption");
    verify(&second_clerk(&app).await, &ticket["code"]).await.expect(200);
    adds_up(&app).await;
}

#[tokio::test]
async fn a_day_of_a_till_adds_up() {
    let app = App::spawn().await;
    let (member, till) = (app.resident("party-1"), app.as_(TILL));
    let (lunch, dish) = (published(&app, 20, 10, 9).await, published(&app, 5, 10, 9).await);
    let mut tickets = Vec::new();
    for (n, offer) in [&lunch, &lunch, &dish, &dish].into_iter().enumerate() {
        let ticket = redeem(&member, offer, &format!("key-number-{n}")).await.expect(201);
        verify(&till, &ticket["code"]).await.expect(200);
        app.advance(TimeDelta::seconds(30));
        tickets.push(ticket);
    }
    undo(&till, &tickets[0]).await.expect(200);
    let path = format!("/redemptions/{}/refund", tickets[2]["id"].as_str().unwrap());
    app.as_("organiser").post(&path, json!({"reason": "商户停业"})).await.expect(200);

    let day = till.get("/merchants/wenxing/till").await.expect(200);
    let figures = ["count", "points", "undone", "refunded"].map(|key| day[key].as_i64().unwrap());
    assert_eq!(figures, [2, 25, 1, 1], "{day}");
    assert_eq!(day["offers"].as_array().unwrap().len(), 2);
    let lines = till.all("/merchants/wenxing/till/lines?limit=3").await;
    assert_eq!(lines.len(), 4);
    assert_eq!(
        (&lines[0]["id"], &lines[3]["undone_reason"]),
        (&tickets[3]["id"], &json!("扫错了码"))
    );
    assert!(!json!(lines).to_string().contains("party"), "whose they were is nobody's business");
    let other = second_clerk(&app).await;
    let own = other.get("/merchants/wenxing/till?mine=true").await.expect(200);
    assert_eq!((&own["count"], &own["offers"]), (&json!(0), &json!([])));
    let elsewhere = till.get("/merchants/wenxing/till?day=2026-11-01").await.expect(200);
    assert_eq!(elsewhere["count"], 0);
    for bad in ["day=2026-13-01", "day=9999-01-01", "mine=perhaps", "day=x"] {
        let refused = till.get(&format!("/merchants/wenxing/till?{bad}")).await;
        refused.refused(422, "invalid_field");
    }
    till.get("/merchants/happy-market/till?day=x").await.refused(404, "not_found");
    let manager = app.as_("manager.wenxing");
    assert_eq!(manager.get("/merchants/wenxing/till").await.expect(200)["count"], 2);
    manager.get("/merchants/happy-market/till").await.refused(404, "not_found");
    app.as_("auditor").get("/merchants/happy-market/till").await.expect(200);
    member.get("/merchants/wenxing/till").await.refused(403, "forbidden");

    let url = format!("{}/api/v1/merchants/wenxing/till/sheet", app.base());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = till.token().await.unwrap();
    let book = client.get(url).bearer_auth(token).send().await.unwrap();
    let table = api::sheet::read(book.bytes().await.unwrap().to_vec()).unwrap();
    assert_eq!(table.columns, ["优惠", "有效份数", "积分", "撤销", "退回"]);
    assert_eq!(table.rows.last().unwrap().cells, ["合计", "2", "25", "1", "1"]);
    assert_eq!(app.count("audit_entry where action = 'till.export'").await, 1);
}
