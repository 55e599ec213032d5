//! Fairness end to end: what a detector notices is flagged once, hinders nobody, and is judged by people.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, COMMUNITY, Client};

const DESK: &str = "community.140213066004";
const TILL: &str = "merchant.wenxing";

async fn offer(app: &App) -> String {
    let body = json!({
        "title": "豆浆一杯", "category": "dining", "points": 1, "stock": 100, "per_person": 50,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "wenxing",
    });
    let offer = app.as_("organiser").post("/offers", body).await.expect(201);
    offer["id"].as_str().unwrap().to_owned()
}

async fn redeem(who: &Client, offer: &str, n: usize) -> Value {
    let path = format!("/offers/{offer}/redemptions");
    who.request(Method::POST, &path).key(&format!("redemption-{n}")).send().await.expect(201)
}

async fn verify(app: &App, ticket: &Value) {
    let code = json!({"code": ticket["code"]});
    app.as_(TILL).post("/redemptions/verify", code).await.expect(200);
}

/// Redeems and verifies so often, `pause` before each verification and again after it.
async fn buy(app: &App, who: &str, offer: &str, times: std::ops::Range<usize>, pause: TimeDelta) {
    for n in times {
        let ticket = redeem(&app.resident(who), offer, n).await;
        app.advance(pause);
        verify(app, &ticket).await;
        app.advance(pause);
    }
}

async fn flags(app: &App, filter: &str) -> Vec<Value> {
    app.as_("organiser").all(&format!("/flags{filter}")).await
}

async fn kinds(app: &App) -> Vec<String> {
    app.drain().await;
    let mut kinds: Vec<String> =
        flags(app, "").await.iter().map(|flag| flag["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort_unstable();
    kinds
}

async fn me(who: &Client) -> Value {
    who.get("/me").await.expect(200)["id"].clone()
}

#[tokio::test]
async fn who_comes_again_and_again_is_flagged_once_and_served_all_the_same() {
    let app = App::with(|config| config.fairness.buyer_times = 3).await;
    let offer = offer(&app).await;
    buy(&app, "party-1", &offer, 0..2, TimeDelta::minutes(10)).await;
    assert!(kinds(&app).await.is_empty());
    buy(&app, "party-1", &offer, 2..5, TimeDelta::minutes(10)).await;
    assert_eq!(kinds(&app).await, ["same_buyer"], "once for the week");
    let flag = flags(&app, "?kind=same_buyer&status=open&merchant=wenxing").await.remove(0);
    assert_eq!(flag["account_id"], me(&app.resident("party-1")).await);
    assert_eq!(flag["text"], "同一人 7 天内在同一商户核销了 3 次");
    assert_eq!(flag["redemptions"].as_array().unwrap().len(), 3);
    assert_eq!(flag["others"], json!(["文兴示范商户店员"]), "who took part");
    for none in ["?status=cleared", "?kind=few_people", "?merchant=happy-market"] {
        assert!(flags(&app, none).await.is_empty(), "{none}");
    }
    app.as_("organiser").get("/flags?status=guilty").await.refused(422, "invalid_field");
    let counts = app.as_("auditor").get("/flags/counts").await.expect(200);
    assert_eq!(counts, json!([{"kind": "same_buyer", "status": "open", "count": 1}]));
    // Nobody was told, and nobody whom it concerns sees it.
    assert_eq!(app.resident("party-1").all("/me/flags").await, Vec::<Value>::new());
    assert_eq!(app.count("event where kind like 'flag%'").await, 0);
    app.resident("party-1").get("/flags").await.refused(403, "forbidden");
    app.as_(TILL).get("/flags").await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_clerk_who_is_too_fast_and_codes_verified_as_they_are_made_are_flagged() {
    let app = App::with(|config| config.fairness.fast_times = 4).await;
    let offer = offer(&app).await;
    let mut tickets = Vec::new();
    for n in 1..=4 {
        tickets.push(redeem(&app.resident(&format!("party-{n}")), &offer, n).await);
    }
    app.advance(TimeDelta::minutes(5));
    for ticket in &tickets {
        app.advance(TimeDelta::seconds(10));
        verify(&app, ticket).await;
    }
    assert_eq!(kinds(&app).await, ["fast_verification"]);
    app.advance(TimeDelta::hours(1));
    buy(&app, "party-9", &offer, 10..13, TimeDelta::seconds(19)).await;
    assert_eq!(kinds(&app).await, ["fast_verification", "instant_verification"]);
    let clerk = me(&app.as_(TILL)).await;
    assert!(flags(&app, "").await.iter().all(|flag| flag["account_id"] == clerk));

    // What was taken back is no ground for anything.
    let app = App::with(|config| config.fairness.buyer_times = 2).await;
    let offer = self::offer(&app).await;
    for n in 0..3 {
        let ticket = redeem(&app.resident("party-1"), &offer, n).await;
        app.advance(TimeDelta::minutes(1));
        verify(&app, &ticket).await;
        let path = format!("/redemptions/{}/undo", ticket["id"].as_str().unwrap());
        app.as_(TILL).post(&path, json!({"reason": "扫错了码"})).await.expect(200);
    }
    assert!(kinds(&app).await.is_empty());
}

#[tokio::test]
async fn who_works_at_a_shop_and_redeems_there_is_looked_at() {
    let app = App::spawn().await;
    let offer = offer(&app).await;
    let account = me(&app.resident("party-1")).await;
    sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         values ($1, $2::uuid, 'merchant_clerk', $3, $4)",
    )
    .bind(uuid::Uuid::from_u128(9))
    .bind(account.as_str().unwrap())
    .bind("wenxing")
    .bind(app.now())
    .execute(app.db())
    .await
    .unwrap();
    buy(&app, "party-1", &offer, 0..2, TimeDelta::minutes(5)).await;
    buy(&app, "party-2", &offer, 2..3, TimeDelta::minutes(5)).await;
    assert_eq!(kinds(&app).await, ["own_shop"], "once in the month");
    assert_eq!(flags(&app, "").await[0]["account_id"], account);
}

/// A post at a place, from now on for an hour; its id.
async fn post(app: &App, lng: f64, minutes: i64) -> String {
    let starts_at = app.now() + TimeDelta::minutes(minutes);
    let body = json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "陪老人就医", "capacity": 9,
        "starts_at": starts_at, "ends_at": starts_at + TimeDelta::minutes(20),
        "location": {"lng": lng, "lat": 40.08},
    });
    let post = app.as_(DESK).post("/posts", body).await.expect(201);
    post["id"].as_str().unwrap().to_owned()
}

async fn claim(app: &App, who: &str, post: &str) -> String {
    let claim = app.resident(who).post(&format!("/posts/{post}/claims"), json!({})).await;
    claim.expect(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nobody_checks_in_where_they_cannot_be() {
    let app = App::spawn().await;
    let (one, other) = (post(&app, 113.30, 0).await, post(&app, 113.40, 30).await);
    let li = app.resident("li");
    for (post, lng) in [(&one, 113.30), (&other, 113.40)] {
        let claim = claim(&app, "li", post).await;
        let here = json!({"location": {"lng": lng, "lat": 40.08}});
        li.post(&format!("/claims/{claim}/check-in"), here).await.expect(200);
        app.advance(TimeDelta::minutes(2));
    }
    assert_eq!(kinds(&app).await, ["impossible_travel"], "noted, and not refused");
    let flag = flags(&app, "").await.remove(0);
    assert_eq!(flag["claims"].as_array().unwrap().len(), 2);
    assert!(flag["text"].as_str().unwrap().contains("只有 2 分钟"), "{flag}");
}

#[tokio::test]
async fn hours_that_are_always_full_and_always_for_the_same_few_are_flagged() {
    let app = App::with(|config| {
        config.fairness.maximum_times = 3;
        config.fairness.maximum_minutes = 20;
        config.fairness.few_times = 5;
        // The seeded services of the demo were confirmed by the same officer.
        config.fairness.few_days = 1;
        config.fairness.few_people = 1;
    })
    .await;
    for n in 0..4 {
        let post = post(&app, 113.30, n * 30).await;
        for who in
            ["li", if n == 3 { "wang" } else { "" }].into_iter().filter(|who| !who.is_empty())
        {
            let claim = claim(&app, who, &post).await;
            let path = format!("/claims/{claim}/confirm");
            app.as_(DESK).post(&path, json!({"minutes": 20})).await.expect(200);
        }
        app.advance(TimeDelta::minutes(1));
    }
    assert_eq!(kinds(&app).await, ["always_maximum", "few_people"]);
    let few = flags(&app, "?kind=few_people").await.remove(0);
    assert_eq!(few["account_id"], me(&app.as_(DESK)).await);
    assert_eq!(few["text"], "1 天内确认的 5 次服务中，有 4 次是同样的 1 个人");
}

#[tokio::test]
async fn nobody_certifies_their_own_hours_by_another_account() {
    let app = App::spawn().await;
    let claim = claim(&app, "li", &post(&app, 113.30, 0).await).await;
    app.one_person([&app.resident("li"), &app.as_(DESK)]).await;
    let path = format!("/claims/{claim}/confirm");
    let minutes = json!({"minutes": 20});
    app.as_(DESK).post(&path, minutes.clone()).await.refused(409, "own_service");
    // Who made the post is as little apart from it as who confirms.
    app.as_("organiser").post(&path, minutes).await.refused(409, "own_service");
}

/// A flag on party-1, who came too often.
async fn flagged(app: &App) -> String {
    let offer = offer(app).await;
    buy(app, "party-1", &offer, 0..6, TimeDelta::minutes(5)).await;
    assert_eq!(kinds(app).await, ["same_buyer"]);
    flags(app, "").await[0]["id"].as_str().unwrap().to_owned()
}

fn word(uphold: bool) -> Value {
    json!({"uphold": uphold, "reason": "已向双方核实"})
}

#[tokio::test]
async fn what_is_upheld_is_told_and_another_looks_at_the_appeal() {
    let app = App::spawn().await;
    let id = flagged(&app).await;
    let path = |verb: &str| format!("/flags/{id}{verb}");
    let (person, organiser) = (app.resident("party-1"), app.as_("organiser"));
    let text = json!({"text": "我每天给同楼两位老人代领。"});
    person.post(&path("/appeal"), text.clone()).await.refused(404, "not_found");
    organiser.post(&path("/decide-appeal"), word(true)).await.refused(409, "fairness_step_refused");
    app.as_("auditor").post(&path("/review"), word(true)).await.refused(403, "forbidden");
    let stale = organiser.request(Method::POST, &path("/review")).version(7).json(&word(true));
    stale.send().await.refused(412, "version_mismatch");
    let empty = organiser.post(&path("/review"), json!({"uphold": true, "reason": " "})).await;
    empty.refused(422, "invalid_field");

    let upheld = organiser.post(&path("/review"), word(true)).await.expect(200);
    assert_eq!((&upheld["status"], &upheld["version"]), (&json!("upheld"), &json!(2)));
    organiser.post(&path("/review"), word(false)).await.refused(409, "fairness_step_refused");
    app.drain().await;
    let inbox = person.all("/notifications").await;
    assert_eq!((&inbox[0]["flag_id"], &inbox[0]["kind"]), (&json!(id), &json!("flag_upheld")));
    let told = inbox[0]["text"].as_str().unwrap();
    assert!(told.contains("同一人反复兑换") && told.contains("已向双方核实"), "{told}");
    let own = person.all("/me/flags").await;
    assert_eq!((own.len(), &own[0]["status"]), (1, &json!("upheld")));
    assert!(own[0]["appeal_until"].is_string() && own[0].get("reviewer").is_none(), "{}", own[0]);

    app.resident("party-2").post(&path("/appeal"), text.clone()).await.refused(404, "not_found");
    person.post(&path("/appeal"), json!({"text": "不"})).await.refused(422, "invalid_field");
    let appealed = person.post(&path("/appeal"), text.clone()).await.expect(200);
    assert_eq!(
        (&appealed["status"], &appealed["appeal_until"]),
        (&json!("appealed"), &Value::Null)
    );
    person.post(&path("/appeal"), text).await.refused(409, "fairness_step_refused");
    organiser
        .post(&path("/decide-appeal"), word(true))
        .await
        .refused(409, "fairness_same_reviewer");
    // The first reviewer by another account, which has the same phone.
    let supervisor = app.as_("supervisor");
    app.one_person([&organiser, &supervisor]).await;
    supervisor
        .post(&path("/decide-appeal"), word(true))
        .await
        .refused(409, "fairness_same_reviewer");
    sqlx::query("delete from person where phone_index is not null")
        .execute(app.db())
        .await
        .unwrap();
    let decided = supervisor.post(&path("/decide-appeal"), word(false)).await.expect(200);
    assert_eq!(decided["status"], "overturned");
    assert_eq!(person.all("/me/flags").await[0]["decision"], "已向双方核实");
    app.drain().await;
    assert_eq!(person.all("/notifications").await[0]["kind"], "flag_overturned");
    let audited = "audit_entry where action in ('fairness.review', 'fairness.appeal', 'fairness.decide_appeal')";
    assert_eq!(app.count(audited).await, 3);
}

#[tokio::test]
async fn an_appeal_has_its_time_and_a_cleared_one_is_never_told() {
    let app = App::spawn().await;
    let id = flagged(&app).await;
    let path = |verb: &str| format!("/flags/{id}{verb}");
    app.as_("organiser").post(&path("/review"), word(true)).await.expect(200);
    app.advance(TimeDelta::days(15));
    let late =
        app.resident("party-1").post(&path("/appeal"), json!({"text": "我不同意认定"})).await;
    late.refused(409, "fairness_appeal_late");

    let app = App::spawn().await;
    let id = flagged(&app).await;
    let path = format!("/flags/{id}/review");
    app.as_("supervisor").post(&path, word(false)).await.expect(200);
    app.drain().await;
    assert_eq!(app.resident("party-1").all("/me/flags").await, Vec::<Value>::new());
    assert_eq!(
        app.count("notification where subject_id in (select id from fairness_flag)").await,
        0
    );
}

#[tokio::test]
async fn a_party_does_not_judge_and_two_at_once_judge_once() {
    let app = App::spawn().await;
    let id = flagged(&app).await;
    let path = format!("/flags/{id}/review");
    // The organiser is made a party, by the phone of the person whom it concerns.
    app.one_person([&app.resident("party-1"), &app.as_("organiser")]).await;
    let organiser = app.as_("organiser");
    organiser.post(&path, word(false)).await.refused(409, "fairness_own_matter");
    let supervisor = app.as_("supervisor");
    let (one, two) =
        tokio::join!(supervisor.post(&path, word(true)), supervisor.post(&path, word(false)));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one} {two}");

    // The database forbids it as well, should the rule ever be passed by.
    let parties = "update fairness_flag set parties = parties || reviewed_by";
    let refused = sqlx::query(parties).execute(app.db()).await.unwrap_err().to_string();
    assert!(refused.contains("fairness_flag_reviewer"), "{refused}");
}
