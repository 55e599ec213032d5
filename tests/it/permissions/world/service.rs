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
    }
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
        let confirm = json!({"minutes": 30});
        world
            .app
            .as_(organiser)
            .post(&format!("/claims/{done}/confirm"), confirm)
            .await
            .expect(200);
        let reason = json!({"reason": "当天服务了两个小时"});
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

/// An offer for a point; li earned two, and others' redemptions are foreign to him.
pub(super) async fn redemptions(world: &mut World) {
    let served = post(world, HERE, COMMUNITY, -60).await;
    let done = claim(&world.app.resident("li"), &served).await;
    let confirm = format!("/claims/{done}/confirm");
    world.app.as_(HERE).post(&confirm, json!({"minutes": 120})).await.expect(200);

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
    world.own.insert((About::Offer, "demo:li"), offer);
    world.own.insert((About::Redemption, "demo:li"), id(&ours));
    world.foreign.insert((About::Redemption, "demo:li"), vec![id(&theirs)]);
    world.own.insert((About::Refund, "organiser"), id(&theirs));
    world.code = theirs["code"].clone();
}
