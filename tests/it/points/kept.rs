//! What organisers do to people's points by hand: taking awards back, adjusting by two persons, and
//! what the person reads of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

/// A confirmed service of somebody's that ends now; the claim.
pub(crate) async fn served(app: &App, name: &str, minutes: i64) -> Value {
    let officer = app.as_("community.140213066004");
    let (starts_at, ends_at) = (app.now(), app.now() + chrono::TimeDelta::minutes(minutes));
    let post = json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "陪老人就医", "capacity": 5,
        "starts_at": starts_at, "ends_at": ends_at,
    });
    let post = officer.post("/posts", post).await.expect(201);
    let path = format!("/posts/{}/claims", post["id"].as_str().unwrap());
    let claim = app.resident(name).post(&path, json!({})).await.expect(201);
    let path = format!("/claims/{}/confirm", claim["id"].as_str().unwrap());
    let done = officer.post(&path, json!({"minutes": minutes})).await.expect(200);
    app.set_clock(ends_at);
    done
}

async fn last(who: &Client) -> Value {
    who.get("/me/points/entries?limit=1").await.ok()["items"][0].clone()
}

fn entry(movement: &Value, verb: &str) -> String {
    format!("/ledger/entries/{}{verb}", movement["id"].as_str().unwrap())
}

async fn adds_up(app: &App) {
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(report["violations"], json!([]));
}

#[tokio::test]
async fn an_award_is_taken_back_with_a_reason_that_the_person_reads() {
    let app = App::spawn().await;
    let (li, organiser) = (app.resident("li"), app.as_("organiser"));
    let claim = served(&app, "li", 120).await;
    let line = last(&li).await;
    assert_eq!(line["link"], json!({"kind": "claim", "id": claim["id"]}));
    assert_eq!(line["rule_version"], "2026-1");
    app.pass("2026-11-24T12:00:00Z").await;
    let seen = organiser.get(&entry(&line, "")).await.ok();
    assert_eq!((&seen["points"], &seen["recomputed"]), (&json!(2), &json!(2)), "{seen}");

    let body = json!({"ground": "untrue", "reason": "当天活动没有举办"});
    let short = organiser.post(&entry(&line, "/reverse"), json!({"reason": "x"})).await;
    assert_eq!(short.fields(), ["reason"]);
    let done = organiser.post(&entry(&line, "/reverse"), body.clone()).await.expect(200);
    assert!(done["reversed_by"].is_string(), "{done}");
    organiser
        .post(&entry(&line, "/reverse"), body.clone())
        .await
        .refused(409, "award_already_reversed");
    let back = last(&li).await;
    assert_eq!((&back["kind"], &back["points"]), (&json!("reverse"), &json!(-2)));
    assert_eq!((&back["reverses"], &back["reason"]), (&line["id"], &json!("当天活动没有举办")));
    let text = back["text"].as_str().unwrap();
    assert!(text.contains("情况不实") && text.contains("当天活动没有举办"), "{text}");
    organiser.post(&entry(&back, "/reverse"), body).await.refused(409, "not_an_award");
    assert_eq!(li.get("/me/points").await.ok()["available"], 0);
    app.drain().await;
    let told = li.all("/notifications").await;
    let told: Vec<&Value> = told.iter().filter(|one| one["kind"] == "points_taken_back").collect();
    assert_eq!(told.len(), 1);
    assert!(told[0]["text"].as_str().unwrap().contains("当天活动没有举办"), "{}", told[0]);
    // Nothing of the reason stands in the ledger or in the trail.
    for sql in ["select data::text from ledger_tx", "select data::text from audit_entry"] {
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(app.db()).await.unwrap();
        assert!(rows.iter().all(|row| !row.contains("当天")), "{sql}");
    }
    let account = li.get("/me").await.ok()["id"].clone();
    let account = account.as_str().unwrap();
    let auditor = app.as_("auditor");
    let lines = auditor.all(&format!("/ledger/entries?account={account}")).await;
    assert_eq!(lines.len(), 2);
    let earned = auditor.all(&format!("/ledger/entries?account={account}&kind=earn")).await;
    assert_eq!(earned.len(), 1);
    adds_up(&app).await;
}

#[tokio::test]
async fn what_was_spent_is_shown_as_owed_and_made_good_by_later_service() {
    let app = App::spawn().await;
    let (li, organiser) = (app.resident("li"), app.as_("organiser"));
    served(&app, "li", 300).await;
    let line = last(&li).await;
    let offer = json!({
        "title": "小菜一份", "category": "dining", "points": 2, "stock": 5, "per_person": 2,
        "valid_until": "2027-01-01T00:00:00Z", "merchant": "wenxing",
    });
    let offer = organiser.post("/offers", offer).await.expect(201);
    let path = format!("/offers/{}/redemptions", offer["id"].as_str().unwrap());
    let redeem = async |key: &str| {
        li.request(Method::POST, &path).key(key).json(&json!({})).send().await.expect(201)
    };
    let (spent, held) = (redeem("key-00001").await, redeem("key-00002").await);
    let clerk = app.as_("merchant.wenxing");
    clerk.post("/redemptions/verify", json!({"code": spent["code"]})).await.expect(200);
    organiser.post(&entry(&line, "/reverse"), json!({"reason": "登记错了人"})).await.expect(200);
    let now = li.get("/me/points").await.ok();
    assert_eq!((&now["available"], &now["held"], &now["owed"]), (&json!(0), &json!(2), &json!(4)));
    // What was held comes back and makes part of it good; nothing can be redeemed with it meanwhile.
    let cancel = format!("/redemptions/{}/cancel", held["id"].as_str().unwrap());
    li.post(&cancel, json!({})).await.expect(200);
    app.advance(chrono::TimeDelta::minutes(2));
    let now = app.now();
    api::app::transact(app.db(), move |tx| {
        Box::pin(async move { api::app::points::reversal::set_off_all(tx, now).await })
    })
    .await
    .unwrap();
    let now = li.get("/me/points").await.ok();
    assert_eq!((&now["available"], &now["held"], &now["owed"]), (&json!(0), &json!(0), &json!(2)));
    served(&app, "li", 180).await;
    let now = li.get("/me/points").await.ok();
    assert_eq!((&now["available"], &now["owed"]), (&json!(1), &json!(0)));
    let lines = li.all("/me/points/entries").await;
    let sum: i64 = lines.iter().map(|line| line["points"].as_i64().unwrap()).sum();
    assert_eq!(sum, 1, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line["kind"] == "offset").count(), 2);
    adds_up(&app).await;
}

/// An award is taken back while its own points are held, and they come back after they ran out: they
/// make the debt good, and are not lost and owed besides.
#[tokio::test]
async fn what_is_held_over_the_years_end_is_not_asked_for_twice() {
    for hourly_first in [false, true] {
        let app = App::with(|config| config.points.code_hours = 48).await;
        let (li, organiser) = (app.resident("li"), app.as_("organiser"));
        served(&app, "li", 300).await;
        let line = last(&li).await;
        let offer = json!({
            "title": "套餐一份", "category": "dining", "points": 5, "stock": 5, "per_person": 2,
            "valid_until": "2028-06-30T16:00:00Z", "merchant": "wenxing",
        });
        let offer = organiser.post("/offers", offer).await.expect(201);
        // 31 December 2027, the day on whose end the award runs out.
        app.set_clock("2027-12-31T04:00:00Z".parse().unwrap());
        let path = format!("/offers/{}/redemptions", offer["id"].as_str().unwrap());
        let held = li.request(Method::POST, &path).key("key-00001").send().await.expect(201);
        organiser
            .post(&entry(&line, "/reverse"), json!({"reason": "登记错了人"}))
            .await
            .expect(200);
        let now = li.get("/me/points").await.ok();
        assert_eq!((&now["held"], &now["owed"]), (&json!(5), &json!(5)));
        app.set_clock("2028-01-01T02:00:00Z".parse().unwrap());
        let cancel = format!("/redemptions/{}/cancel", held["id"].as_str().unwrap());
        li.post(&cancel, json!({})).await.expect(200);
        let now = app.now();
        api::app::transact(app.db(), move |tx| {
            Box::pin(async move {
                if hourly_first {
                    api::app::points::expire(tx, now).await
                } else {
                    api::app::points::reversal::set_off_all(tx, now).await
                }
            })
        })
        .await
        .unwrap();
        // What runs out is taken from so many accounts at once, and a job goes on with the others.
        app.drain().await;
        let now = li.get("/me/points").await.ok();
        assert_eq!((&now["available"], &now["owed"]), (&json!(0), &json!(0)), "{hourly_first}");
        let lines = li.all("/me/points/entries").await;
        assert!(lines.iter().all(|line| line["kind"] != "expire"), "{lines:?}");
        adds_up(&app).await;
    }
}

/// The week and the year end the points of services, not their hours, and the next ones begin anew.
#[tokio::test]
async fn services_earn_no_more_than_the_week_and_the_year_allow() {
    let app = App::with(|config| {
        config.points.award.service_per_week = 10;
        config.points.award.service_per_year = 17;
    })
    .await;
    let li = app.resident("li");
    let earned = async |at: &str| {
        app.set_clock(at.parse().unwrap());
        let before = li.get("/me/points").await.ok()["available"].as_i64().unwrap();
        served(&app, "li", 360).await;
        li.get("/me/points").await.ok()["available"].as_i64().unwrap() - before
    };
    // Tuesday and Wednesday of one week; Monday of the next, and its Tuesday.
    assert_eq!(earned("2026-11-24T01:00:00Z").await, 6);
    assert_eq!(earned("2026-11-25T01:00:00Z").await, 4, "10 a week");
    assert_eq!(earned("2026-11-26T01:00:00Z").await, 0, "the week is full");
    assert_eq!(earned("2026-11-30T01:00:00Z").await, 6, "another week");
    assert_eq!(earned("2026-12-01T01:00:00Z").await, 1, "17 a year");
    assert_eq!(earned("2026-12-31T01:00:00Z").await, 0, "the year is full");
    // Friday of the same week, but of another year.
    assert_eq!(earned("2027-01-01T01:00:00Z").await, 6, "another year");
    let year = li.get("/me/service-year?year=2026").await.ok();
    assert_eq!(year["hours"], 36.0, "the hours count in full: {year}");
    adds_up(&app).await;
}

/// Nothing of the award was left to take: the line is there all the same, and says what became of it.
#[tokio::test]
async fn an_award_that_was_spent_whole_is_explained_in_a_line_of_its_own() {
    let app = App::spawn().await;
    let (li, organiser) = (app.resident("li"), app.as_("organiser"));
    served(&app, "li", 300).await;
    let line = last(&li).await;
    // Each movement at an instant of its own, so that the statement has one order.
    app.advance(chrono::TimeDelta::seconds(1));
    let offer = json!({
        "title": "套餐一份", "category": "dining", "points": 5, "stock": 5, "per_person": 2,
        "valid_until": "2027-01-01T00:00:00Z", "merchant": "wenxing",
    });
    let offer = organiser.post("/offers", offer).await.expect(201);
    let path = format!("/offers/{}/redemptions", offer["id"].as_str().unwrap());
    let spent = li.request(Method::POST, &path).key("key-00001").send().await.expect(201);
    let clerk = app.as_("merchant.wenxing");
    clerk.post("/redemptions/verify", json!({"code": spent["code"]})).await.expect(200);
    app.advance(chrono::TimeDelta::seconds(1));
    organiser.post(&entry(&line, "/reverse"), json!({"reason": "登记错了人"})).await.expect(200);
    let all = li.all("/me/points/entries?limit=1").await;
    let kinds: Vec<&str> = all.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["reverse", "redeem", "earn"], "each once, page by page");
    assert_eq!((&all[0]["points"], &all[0]["reverses"]), (&json!(0), &line["id"]));
    let text = all[0]["text"].as_str().unwrap();
    assert!(text.contains("所得的 5 分，其中 5 分已用掉") && text.contains("登记错了人"), "{text}");
    let account = li.get("/me").await.ok()["id"].as_str().unwrap().to_owned();
    let book =
        app.as_("auditor").all(&format!("/ledger/entries?account={account}&kind=reverse")).await;
    assert_eq!((book.len(), &book[0]["id"]), (1, &all[0]["id"]));
    let of_service = format!("/ledger/entries?account={account}&source=service");
    assert_eq!(app.as_("auditor").all(&of_service).await.len(), 2, "what gave, and what took back");
    let year = domain::service::Year::new(2026).unwrap();
    let own = api::app::points::statement::own(app.state(), account.parse().unwrap(), year);
    let own = own.await.unwrap();
    assert_eq!((own.lines.len(), own.closing()), (3, 0));
    adds_up(&app).await;
}

/// Deciding a dispute does not give back what an organiser took.
#[tokio::test]
async fn what_was_taken_back_by_hand_is_not_given_again_by_a_correction() {
    let app = App::spawn().await;
    let (li, organiser) = (app.resident("li"), app.as_("organiser"));
    let claim = served(&app, "li", 120).await;
    let body = json!({"ground": "untrue", "reason": "当天活动没有举办"});
    organiser.post(&entry(&last(&li).await, "/reverse"), body).await.expect(200);
    let service = api::app::points::Service {
        account: li.get("/me").await.ok()["id"].as_str().unwrap().parse().unwrap(),
        claim: claim["id"].as_str().unwrap().parse().unwrap(),
        post_kind: "elderly",
        minutes: 60,
        factor_percent: 100,
        on: domain::time::date(app.now()),
    };
    for minutes in [60, 120] {
        let (here, now, service) = (app.state().clone(), app.now(), service.clone());
        let given = api::app::transact(app.db(), move |tx| {
            Box::pin(async move {
                let service = api::app::points::Service { minutes, ..service };
                api::app::points::correct_service(tx, &here, &service, now).await
            })
        });
        assert_eq!(given.await.unwrap(), 0);
    }
    assert_eq!(li.all("/me/points/entries").await.len(), 2);
    adds_up(&app).await;
}

#[tokio::test]
async fn points_are_adjusted_for_whom_the_register_knows_and_never_for_oneself() {
    let app = App::spawn().await;
    let (one, other) = (app.as_("organiser"), app.as_("organiser.2"));
    let member =
        |name: &str, last6: &str| json!({"party_member": {"name": name, "id_number_last6": last6}});
    let ask = async |key: &str, who: Value| {
        let mut body =
            json!({"points": 20, "reason": "社区活动漏记", "document": "组发〔2026〕8 号"});
        body.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        one.request(Method::POST, "/points-adjustments").key(key).json(&body).send().await
    };
    let person = app.resident("party-1");
    let account = person.get("/me").await.ok()["id"].clone();
    let known = json!({"holder": member("演示党员1", "100001")});
    let made = ask("adjust-0001", known.clone()).await.expect(201);
    assert_eq!(ask("adjust-0001", known.clone()).await.expect(201), made);
    for (key, who, field) in [
        ("adjust-0002", json!({"holder": member("演示党员1", "100002")}), "holder"),
        (
            "adjust-0003",
            json!({"holder": member("演示党员1", "1")}),
            "holder.party_member.id_number_last6",
        ),
        ("adjust-0004", json!({}), "account"),
        (
            "adjust-0005",
            json!({"account": account, "holder": member("演示党员1", "100001")}),
            "account",
        ),
    ] {
        assert_eq!(ask(key, who).await.fields(), [field], "{key}");
    }
    // Both organisers are one person by their phone; then the second is the member.
    app.one_person([&one, &other]).await;
    let path = adjustment(&made, "/decide");
    let approve = json!({"approve": true});
    other.post(&path, approve.clone()).await.refused(409, "own_points_proposal");
    person.has_phone(&[8; 32]).await;
    other.has_phone(&[8; 32]).await;
    other.post(&path, approve.clone()).await.refused(409, "own_points");
    other.has_phone(&[9; 32]).await;
    let before = person.get("/me/points").await.ok()["available"].as_i64().unwrap();
    other.post(&path, approve).await.expect(200);
    assert_eq!(person.get("/me/points").await.ok()["available"], before + 20);
    one.has_phone(&[8; 32]).await;
    ask("adjust-0006", known).await.refused(409, "own_points");
    adds_up(&app).await;
}

async fn propose(who: &Client, key: &str, account: &Value, points: i64) -> Answer {
    let body = json!({
        "account": account, "points": points, "reason": "社区活动漏记", "document": "组发〔2026〕8 号",
    });
    who.request(Method::POST, "/points-adjustments").key(key).json(&body).send().await
}

fn adjustment(of: &Value, verb: &str) -> String {
    format!("/points-adjustments/{}{verb}", of["id"].as_str().unwrap())
}

#[tokio::test]
async fn two_persons_adjust_and_two_clicks_post_once() {
    let app = App::spawn().await;
    let (one, other, li) = (app.as_("organiser"), app.as_("organiser.2"), app.resident("li"));
    let account = li.get("/me").await.ok()["id"].clone();
    let made = propose(&one, "adjust-0001", &account, 20).await.expect(201);
    let again = propose(&one, "adjust-0001", &account, 20).await.expect(201);
    assert_eq!(made, again, "the second click is the same proposal");
    propose(&one, "adjust-0001", &account, 21).await.refused(422, "idempotency_key_reused");
    assert_eq!(app.count("points_adjustment").await, 1);
    let approve = json!({"approve": true});
    one.post(&adjustment(&made, "/decide"), approve.clone())
        .await
        .refused(409, "own_points_proposal");
    other
        .post(&adjustment(&made, "/withdraw"), json!({}))
        .await
        .refused(409, "not_own_points_proposal");
    let path = adjustment(&made, "/decide");
    let stale = other.request(Method::POST, &path).version(9).json(&approve).send().await;
    stale.refused(412, "version_mismatch");
    let clicks =
        futures::future::join_all((0..4).map(|_| other.post(&path, approve.clone()))).await;
    let done = clicks.iter().filter(|click| click.status == 200).count();
    assert_eq!(done, 1);
    assert!(
        clicks
            .iter()
            .all(|click| click.status == 200 || click.code() == "points_proposal_step_refused")
    );
    assert_eq!(li.get("/me/points").await.ok()["available"], 20);
    let line = last(&li).await;
    assert_eq!((&line["kind"], &line["document"]), (&json!("adjust"), &json!("组发〔2026〕8 号")));
    assert_eq!(line["link"], json!({"kind": "adjustment", "id": made["id"]}));

    // Downwards no further than what is free; refused and withdrawn ones post nothing.
    let much = propose(&other, "adjust-0002", &account, -21).await.expect(201);
    let refused = one.post(&adjustment(&much, "/decide"), approve.clone()).await;
    refused.refused(409, "adjustment_exceeds_points");
    other.post(&adjustment(&much, "/withdraw"), json!({})).await.expect(200);
    let less = propose(&other, "adjust-0003", &account, -5).await.expect(201);
    let silent = one.post(&adjustment(&less, "/decide"), json!({"approve": false})).await;
    assert_eq!(silent.fields(), ["reason"]);
    let no = json!({"approve": false, "reason": "依据不足"});
    let no = one.post(&adjustment(&less, "/decide"), no).await.expect(200);
    assert_eq!((&no["status"], &no["note"]), (&json!("refused"), &json!("依据不足")));
    one.post(&adjustment(&less, "/decide"), approve.clone())
        .await
        .refused(409, "points_proposal_step_refused");
    let right = propose(&other, "adjust-0004", &account, -5).await.expect(201);
    one.post(&adjustment(&right, "/decide"), approve).await.expect(200);
    assert_eq!(li.get("/me/points").await.ok()["available"], 15);
    for (points, who) in [(0, &account), (501, &account), (-501, &account)] {
        let wrong = propose(&one, "adjust-0005", who, points).await;
        assert_eq!(wrong.fields(), ["points"]);
    }
    let nobody = json!("019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071");
    assert_eq!(propose(&one, "adjust-0006", &nobody, 5).await.fields(), ["account"]);
    let own = one.get("/me").await.ok()["id"].clone();
    propose(&one, "adjust-0007", &own, 5).await.refused(409, "own_points");
    let open = app.as_("auditor").all("/points-adjustments?status=approved").await;
    assert_eq!(open.len(), 2);
    adds_up(&app).await;
}

#[tokio::test]
async fn a_years_statement_is_a_workbook_of_ones_own() {
    let app = App::spawn().await;
    let member = app.resident("party-1");
    for year in ["", "?year=2025"] {
        let answer = member.get(&format!("/me/points/statement{year}")).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-disposition").contains("points-202"), "{year}");
    }
    app.resident("li").get("/me/points/statement").await.ok();
    let wrong = member.get("/me/points/statement?year=1999").await;
    assert_eq!(wrong.fields(), ["year"]);
    let statement = api::app::points::statement::own(
        app.state(),
        member.get("/me").await.ok()["id"].as_str().unwrap().parse().unwrap(),
        domain::service::Year::new(2026).unwrap(),
    );
    assert_eq!(statement.await.unwrap().closing(), 200);
}

#[tokio::test]
async fn people_are_warned_once_for_each_date_and_stage() {
    let app = App::spawn().await;
    let warned = async |name: &str| {
        let told = app.resident(name).all("/notifications").await;
        told.into_iter().filter(|one| one["kind"] == "points_expiring").collect::<Vec<_>>()
    };
    let run = async |at: &str| {
        app.set_clock(at.parse().unwrap());
        for _ in 0..2 {
            let here = app.state().clone();
            let now = app.now();
            api::app::transact(app.db(), move |tx| {
                Box::pin(async move { api::app::points::warning::warn(tx, &here, now).await })
            })
            .await
            .unwrap();
            app.drain().await;
        }
    };
    run("2027-12-01T15:00:00Z").await;
    assert_eq!(warned("party-1").await.len(), 0, "31 days before");
    run("2027-12-02T00:00:00Z").await;
    run("2027-12-10T00:00:00Z").await;
    let told = warned("party-1").await;
    assert_eq!(told.len(), 1);
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.contains("200 分") && text.contains("12月31日 24:00"), "{text}");
    run("2027-12-25T00:00:00Z").await;
    assert_eq!(warned("party-1").await.len(), 2, "and again a week before");
    assert_eq!(app.count("points_warning").await, 2 * 20);
    // Two dates: one transaction warns of one of them, and the next job of the other.
    let dates = async || {
        app.count("(select distinct expires_at from points_warning where points < 200) as told")
            .await
    };
    sqlx::query(
        "update point_lot set remaining = remaining - 1, expires_at = expires_at + case
             when account = (select min(account::text)::uuid from point_lot) then interval '1 day'
             else interval '2 days' end
         where remaining > 1",
    )
    .execute(app.db())
    .await
    .unwrap();
    let (here, now) = (app.state().clone(), app.now() + chrono::TimeDelta::days(1));
    app.set_clock(now);
    api::app::transact(app.db(), move |tx| {
        Box::pin(async move { api::app::points::warning::warn(tx, &here, now).await })
    })
    .await
    .unwrap();
    assert_eq!(dates().await, 1);
    app.drain().await;
    assert_eq!(dates().await, 2);
}
