//! Members of two branches of 文兴社区 and of another community's, and their transfers.

use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use crate::permissions::rows::{About, PERSONAS, SECRETARY};

const HERE: &str = "community.140213066004";

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

pub(super) async fn members(world: &mut World) {
    let organiser = world.app.as_("organiser");
    let add = async |name: &str, tail: &str, branch: &str| {
        let key = format!("matrix-member-{tail}");
        let body = json!({"name": name, "id_number": tail, "branch": branch, "ledger": "direct"});
        let request = organiser.request(Method::POST, "/party-members").key(&key).json(&body);
        id(&request.send().await.expect(201))
    };
    let ours = add("李建国", "200001", "party-140213066004-01").await;
    let beside = add("李建军", "200002", "party-140213066004-02").await;
    let theirs = add("李建设", "200003", "party-140213066001-01").await;
    let moving = add("李建业", "200004", "party-140213066004-01").await;
    let going = add("李建华", "200005", "party-140213066001-01").await;
    let transfer = async |member: &str, to: &str| {
        let body = json!({"to_branch": to, "reason": "迁居"});
        id(&organiser.post(&format!("/party-members/{member}/transfers"), body).await.expect(201))
    };
    let own = transfer(&moving, "party-140213066004-02").await;
    let foreign = transfer(&going, "party-140213066001-02").await;
    for persona in PERSONAS {
        world.own.insert((About::Member, persona), ours.clone());
        world.own.insert((About::Transfer, persona), own.clone());
        world.own.insert((About::PartyBody, persona), "party-140213066004-03".to_owned());
    }
    world.foreign.insert((About::Member, HERE), vec![theirs.clone()]);
    world.foreign.insert((About::Member, SECRETARY), vec![theirs, beside]);
    for persona in [HERE, SECRETARY] {
        world.foreign.insert((About::Transfer, persona), vec![foreign.clone()]);
    }
}
