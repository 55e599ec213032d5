//! What residents, their communities and the organisers have: registrations, posts, redemptions.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::World;
use crate::{
    permissions::rows::{About, PERSONAS},
    support::{COMMUNITY, Client},
};

const HERE: &str = "community.140213066004";
/// Another community, and who works for it.
const ELSEWHERE: &str = "140213051001";
const THERE: &str = "community.140213051001";

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

/// One registration with 文兴社区 and one with another community.
pub(super) async fn registrations(world: &mut World) {
    let register = async |who: &str, community: &str, name: &str, number: &str| {
        let body = json!({
            "community_code": community,
            "party_member": {"name": name, "id_number_last6": number},
        });
        let who = world.app.resident(who);
        id(&who.post("/registrations", body).await.expect(201))
    };
    let here = register("party-11", COMMUNITY, "演示党员11", "100011").await;
    let there = register("party-12", ELSEWHERE, "演示党员12", "100012").await;
    world.own.insert((About::Registration, HERE), here);
    world.foreign.insert((About::Registration, HERE), vec![there]);
}

/// A post of `community`, from `from` minutes after now on, for two hours.
async fn post(world: &World, organiser: &str, community: &str, from: i64) -> String {
    let starts_at = world.app.now() + TimeDelta::minutes(from);
    let body = json!({
        "community_code": community, "kind": "elderly", "title": "陪老人就医", "capacity": 5,
        "starts_at": starts_at, "ends_at": starts_at + TimeDelta::minutes(120),
    });
    id(&world.app.as_(organiser).post("/posts", body).await.expect(201))
}

async fn claim(who: &Client, post: &str) -> String {
    id(&who.post(&format!("/posts/{post}/claims"), json!({})).await.expect(201))
}

/// A post here that li claimed, and a post of another community that wang claimed.
pub(super) async fn posts_and_claims(world: &mut World) {
    let here = post(world, HERE, COMMUNITY, 60).await;
    let there = post(world, THERE, ELSEWHERE, 60).await;
    let ours = claim(&world.app.resident("li"), &here).await;
    let theirs = claim(&world.app.resident("wang"), &there).await;
    for persona in PERSONAS {
        world.own.insert((About::Post, persona), here.clone());
        if !["demo:li", HERE, "organiser"].contains(&persona) {
            world.foreign.insert((About::Served, persona), vec![ours.clone(), theirs.clone()]);
        }
    }
    for persona in ["demo:li", HERE] {
        world.own.insert((About::Served, persona), ours.clone());
        world.foreign.insert((About::Served, persona), vec![theirs.clone()]);
    }
    world.own.insert((About::Served, "organiser"), theirs.clone());
    for persona in [HERE, "organiser"] {
        world.own.insert((About::Organised, persona), here.clone());
        world.own.insert((About::Hours, persona), ours.clone());
    }
    world.foreign.insert((About::Organised, HERE), vec![there]);
    world.foreign.insert((About::Hours, HERE), vec![theirs.clone()]);
    let pause: domain::id::ServicePauseId = infra::random::id(world.app.now());
    sqlx::query(
        "insert into service_pause (id, account_id, claim_id, no_shows, lates, began_at, until_at)
         select $1, account_id, id, 3, 0, $3, $3 + interval '30 days' from claim where id = $2",
    )
    .bind(pause.0)
    .bind(theirs.parse::<domain::id::ClaimId>().unwrap().0)
    .bind(world.app.now())
    .execute(world.app.db())
    .await
    .unwrap();
    world.own.insert((About::Pause, "organiser"), pause.to_string());
    world.own.insert((About::Claim, "demo:li"), ours);
    world.foreign.insert((About::Claim, "demo:li"), vec![theirs]);
}

/// What li and wang asked for, here and in another community, and what they do not agree with.
pub(super) async fn requests_and_disputes(world: &mut World) {
    let ask = async |who: &str, community: &str| {
        let body = json!({
            "community_code": community, "kind": "elderly", "title": "陪母亲去医院复查",
            "content": "母亲腿脚不便，周三上午要去医院复查。",
        });
        let who = world.app.resident(who);
        let request = who.request(reqwest::Method::POST, "/service-requests").key("matrix-request");
        id(&request.json(&body).send().await.expect(201))
    };
    let (ours, theirs) = (ask("li", COMMUNITY).await, ask("wang", ELSEWHERE).await);
    let dispute = async |who: &str, organiser: &str, community: &str| {
        let served = post(world, organiser, community, -100).await;
        let who = world.app.resident(who);
        let done = claim(&who, &served).await;
        let confirm = json!({"minutes": 120});
        world
            .app
            .as_(organiser)
            .post(&format!("/claims/{done}/confirm"), confirm)
            .await
            .expect(200);
        let reason = json!({"reason": "当天服务了两个半小时"});
        id(&who.post(&format!("/claims/{done}/disputes"), reason).await.expect(201))
    };
    let series = async |organiser: &str, community: &str| {
        let starts_at = world.app.now() + TimeDelta::days(1);
        let body = json!({
            "post": {
                "community_code": community, "kind": "environment", "title": "清洁家园",
                "capacity": 5, "starts_at": starts_at, "ends_at": starts_at + TimeDelta::hours(1),
            },
            "weekdays": [1, 2, 3, 4, 5, 6, 7], "until": "2026-12-20",
        });
        let who = world.app.as_(organiser);
        let request = who.request(reqwest::Method::POST, "/post-series").key("matrix-series");
        id(&request.json(&body).send().await.expect(201))
    };
    let (one, other) = (series(HERE, COMMUNITY).await, series(THERE, ELSEWHERE).await);
    let here = dispute("zhao", HERE, COMMUNITY).await;
    let there = dispute("qian", THERE, ELSEWHERE).await;
    let own = dispute("li", HERE, COMMUNITY).await;
    world.foreign.insert((About::Series, HERE), vec![other]);
    for persona in [HERE, "organiser"] {
        world.own.insert((About::Series, persona), one.clone());
        world.own.insert((About::Request, persona), ours.clone());
        world.own.insert((About::Dispute, persona), here.clone());
    }
    world.foreign.insert((About::Request, HERE), vec![theirs.clone()]);
    world.foreign.insert((About::Dispute, HERE), vec![there.clone()]);
    world.own.insert((About::OwnRequest, "demo:li"), ours);
    world.foreign.insert((About::OwnRequest, "demo:li"), vec![theirs]);
    world.own.insert((About::OwnDispute, "demo:li"), own);
    world.foreign.insert((About::OwnDispute, "demo:li"), vec![there]);
}

/// An offer for a point; li earned two with the claim of his dispute, and others' redemptions are foreign to him.
pub(super) async fn redemptions(world: &mut World) {
    let body = json!({
        "title": "幸福餐厅小菜一份", "category": "dining", "points": 1, "stock": 100,
        "per_person": 2, "valid_until": "2026-12-31T15:59:59Z", "merchant": "wenxing",
    });
    let offer = id(&world.app.as_("organiser").post("/offers", body).await.expect(201));
    let redeem = async |name: &str| {
        let path = format!("/offers/{offer}/redemptions");
        let who = world.app.resident(name);
        let request = who.request(reqwest::Method::POST, &path).key("the-first-of-these");
        request.json(&json!({})).send().await.expect(201)
    };
    let (ours, theirs) = (redeem("li").await, redeem("party-1").await);
    world.own.insert((About::Offer, "demo:li"), offer.clone());
    world.own.insert((About::Offer, HERE), offer);
    world.own.insert((About::Redemption, "demo:li"), id(&ours));
    world.foreign.insert((About::Redemption, "demo:li"), vec![id(&theirs)]);
    world.own.insert((About::Refund, "organiser"), id(&theirs));
    world.code = theirs["code"].clone();
}

/// A verification at 文兴's till and one at another's; a voucher of 文兴社区 and one of another community.
pub(super) async fn tills(world: &mut World) {
    let at = async |merchant: &str, member: &str| {
        let body = json!({
            "title": "小菜一份", "category": "dining", "points": 1, "stock": 10, "per_person": 2,
            "valid_until": "2026-12-31T15:59:59Z", "merchant": merchant,
        });
        let offer = id(&world.app.as_("organiser").post("/offers", body).await.expect(201));
        let path = format!("/offers/{offer}/redemptions");
        let who = world.app.resident(member);
        let request = who.request(reqwest::Method::POST, &path).key("the-first-of-these");
        (request.json(&json!({})).send().await.expect(201), offer)
    };
    let (here, offer) = at("wenxing", "party-2").await;
    let (there, _) = at("happy-market", "party-3").await;
    let code = json!({"code": here["code"]});
    world.app.as_("merchant.wenxing").post("/redemptions/verify", code).await.expect(200);
    world.own.insert((About::AtTill, "merchant.wenxing"), id(&here));
    world.foreign.insert((About::AtTill, "merchant.wenxing"), vec![id(&there)]);
    for persona in ["organiser", "auditor", "merchant.wenxing"] {
        world.own.insert((About::Till, persona), "wenxing".to_owned());
    }
    world.foreign.insert((About::Till, "merchant.wenxing"), vec!["happy-market".to_owned()]);

    let voucher = async |member: u8| {
        let number = format!("100{member:03}");
        let holder = json!({"name": format!("演示党员{member}"), "id_number_last6": number});
        let body = json!({"holder": {"party_member": holder}, "checked": "known"});
        let path = format!("/offers/{offer}/vouchers");
        let who = world.app.as_(HERE);
        let key = format!("voucher-of-{member}");
        let request = who.request(reqwest::Method::POST, &path).key(&key);
        id(&request.json(&body).send().await.expect(201))
    };
    let (ours, theirs) = (voucher(4).await, voucher(5).await);
    // As if another community had issued it.
    sqlx::query("update voucher set community_code = $1 where redemption = $2::uuid")
        .bind(ELSEWHERE)
        .bind(&theirs)
        .execute(world.app.db())
        .await
        .unwrap();
    world.own.insert((About::Voucher, HERE), ours);
    world.foreign.insert((About::Voucher, HERE), vec![theirs]);
}

/// A flag that waits, and one on li that was upheld.
pub(super) async fn flags(world: &mut World) {
    let me = world.app.resident("li").get("/me").await.expect(200);
    let other = world.app.resident("wang").get("/me").await.expect(200);
    let mut ids = Vec::new();
    for (cause, whose) in [("one", &other), ("two", &me)] {
        let account = domain::id::AccountId(id(whose).parse().unwrap());
        let found = domain::fairness::detect::Found {
            kind: domain::fairness::Kind::SameBuyer,
            cause: cause.to_owned(),
            account,
            others: Vec::new(),
            merchant: Some("wenxing".to_owned()),
            redemptions: Vec::new(),
            claims: Vec::new(),
            facts: json!({"times": 6, "days": 7}),
        };
        let now = world.app.now();
        let flag: domain::id::FlagId = infra::random::id(now);
        let mut conn = world.app.db().acquire().await.unwrap();
        assert!(infra::postgres::fairness::raise(&mut conn, flag, &found, now).await.unwrap());
        ids.push(flag.to_string());
    }
    let upheld = json!({"uphold": true, "reason": "已向双方核实"});
    let path = format!("/flags/{}/review", ids[1]);
    world.app.as_("organiser").post(&path, upheld).await.expect(200);
    for persona in ["supervisor", "organiser", "auditor"] {
        world.own.insert((About::Flag, persona), ids[0].clone());
    }
    world.own.insert((About::OwnFlag, "demo:li"), ids[1].clone());
    for persona in crate::permissions::rows::LOGGED_IN {
        let others = if *persona == "demo:li" { vec![ids[0].clone()] } else { ids.clone() };
        world.foreign.insert((About::OwnFlag, persona), others);
    }
}

/// Hours of a member registered with 文兴社区.
pub(super) async fn imported(world: &mut World) {
    let sheet = "记录编号,姓名,证件号码后六位,开始时间,时长（分钟）,服务内容\n\
        W-0001,演示党员3,100003,2026-11-20 14:00,90,清洁家园\n";
    let officer = world.app.as_(HERE);
    let request = officer.request(reqwest::Method::POST, "/imported-hours?platform=demo");
    request.raw("text/csv", sheet).send().await.expect(201);
    let listed = officer.all("/imported-hours").await;
    for persona in [HERE, "organiser"] {
        world.own.insert((About::Imported, persona), id(&listed[0]));
    }
}
