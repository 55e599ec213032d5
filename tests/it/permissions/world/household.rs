//! Households in difficulty: one that li looks after, one more of 文兴社区, and another community's.

use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use crate::{permissions::rows::About, support::COMMUNITY};

const HERE: &str = "community.140213066004";
const ELSEWHERE: &str = "140213051001";
const THERE: &str = "community.140213051001";

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

async fn household(world: &World, officer: &str, community: &str, name: &str) -> String {
    let body = json!({
        "community_code": community, "category": "disabled", "name": name,
        "address": "演示小区 1 号楼 101", "consented_on": "2026-11-20",
    });
    let key = format!("household-of-{community}-{}", name.len());
    let request = world.app.as_(officer).request(Method::POST, "/households").key(&key);
    id(&request.json(&body).send().await.expect(201))
}

async fn paired(world: &World, officer: &str, household: &str, name: &str) -> String {
    let who = world.app.resident(name);
    let account = who.get("/me").await.expect(200)["id"].clone();
    let path = format!("/households/{household}/pairings");
    let body = json!({"account": account, "until": "2027-06-30"});
    let made = id(&world.app.as_(officer).post(&path, body).await.expect(201));
    who.post(&format!("/pairings/{made}/accept"), json!({})).await.expect(200);
    made
}

pub(super) async fn households(world: &mut World) {
    let here = household(world, HERE, COMMUNITY, "演示家庭").await;
    let own = household(world, HERE, COMMUNITY, "演示家庭二").await;
    let there = household(world, THERE, ELSEWHERE, "演示家庭三号").await;
    let ours = paired(world, HERE, &here, "li").await;
    let theirs = paired(world, THERE, &there, "wang").await;
    for persona in [HERE, "demo:li"] {
        world.own.insert((About::Household, persona), here.clone());
        world.own.insert((About::Pairing, persona), ours.clone());
        world.foreign.insert((About::Household, persona), vec![there.clone()]);
        world.foreign.insert((About::Pairing, persona), vec![theirs.clone()]);
    }
    world.own.insert((About::OwnHousehold, HERE), own);
    world.foreign.insert((About::OwnHousehold, HERE), vec![there]);
}
