//! The score book of a branch: a suggestion that waits, a quarter that waits, and one in public
//! notice with an objection. To li, who is of no branch, all of it is foreign.

use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use crate::{permissions::rows::About, support::COMMUNITY};

const HERE: &str = "community.140213066004";
const SECRETARY: &str = "secretary.party-140213066004-01";
const BRANCH: &str = "party-140213066004-01";

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

pub(super) async fn quarters(world: &mut World) {
    let suggestion = json!({
        "inlet": "suggestion", "named": "演示党员1", "community_code": COMMUNITY,
        "happened_on": "2026-11-20", "words": "帮邻居清扫积雪",
    });
    let wang = world.app.resident("wang");
    let request = wang.request(Method::POST, "/me/score-entries").key("a-suggestion-01");
    let entry = id(&request.json(&suggestion).send().await.expect(201));
    let secretary = world.app.as_(SECRETARY);
    let propose = async |quarter: &str| {
        let body = json!({"branch": BRANCH, "quarter": quarter});
        id(&secretary.post("/score-settlements", body).await.expect(201))
    };
    let (waits, noticed) = (propose("2026Q1").await, propose("2025Q4").await);
    let path = format!("/score-settlements/{noticed}");
    let officer = world.app.as_(HERE);
    officer.post(&format!("{path}/publish"), json!({})).await.expect(200);
    let words = json!({"words": "有一次志愿服务没有计入"});
    let member = world.app.resident("party-1");
    member.post(&format!("{path}/objections"), words).await.expect(200);
    let whole = officer.get(&path).await.expect(200);
    let objection = id(&whole["objections"][0]);
    let subject = whole["lines"][0]["member_id"].as_str().expect("a member").to_owned();
    for persona in ["organiser", HERE] {
        world.own.insert((About::ScoreEntry, persona), entry.clone());
        world.own.insert((About::ScoreMember, persona), subject.clone());
        world.own.insert((About::Quarter, persona), waits.clone());
        world.own.insert((About::ScoreObjection, persona), objection.clone());
    }
    world.foreign.insert((About::Quarter, "demo:li"), vec![waits, noticed]);
}
