//! Opinions of li's, announcements and items of the guide: one that everybody reads, and each body's own.

use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use crate::permissions::rows::{About, PERSONAS, UNITS};

const COMMUNITY_OFFICER: &str = "community.140213066004";
const ANNOUNCERS: [&str; 4] =
    ["dispatcher", "organiser", "subdistrict.140213066", COMMUNITY_OFFICER];

async fn made(world: &World, who: &str, path: &str, body: Value) -> Value {
    let key = format!("matrix-{:016x}", u64::from_be_bytes(infra::random::bytes()));
    let request = world.client(who).request(Method::POST, path).key(&key).json(&body);
    request.send().await.expect(201)
}

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

pub(super) async fn around(world: &mut World) {
    opinions(world).await;
    announcements(world).await;
    guides(world).await;
}

/// The administrator handles both, the supervisor what burdens people.
async fn opinions(world: &mut World) {
    let opinion = |kind: &str| json!({"kind": kind, "text": "同一张表要填两次", "contact": "微信"});
    let burden = made(world, "demo:li", "/feedback", opinion("burden")).await;
    let fault = made(world, "demo:li", "/feedback", opinion("fault")).await;
    world.own.insert((About::Opinion, "sysadmin"), id(&burden));
    world.own.insert((About::Opinion, "supervisor"), id(&burden));
    world.foreign.insert((About::Opinion, "supervisor"), vec![id(&fault)]);
    world.own.insert((About::OwnOpinion, "demo:li"), id(&burden));
    for persona in PERSONAS.into_iter().filter(|persona| *persona != "demo:li") {
        world.foreign.insert((About::OwnOpinion, persona), vec![id(&burden)]);
    }
    world.opinion = fault;
}

async fn announcements(world: &mut World) {
    let body = json!({"kind": "notice", "content": {
        "title": "社区公告", "text": "周六上午九点社区组织义诊。", "ends_at": "2027-11-25T10:00:00Z",
    }});
    let shown = id(&made(world, COMMUNITY_OFFICER, "/announcements", body.clone()).await);
    let path = format!("/announcements/{shown}/submit");
    let shown_now = world.client(COMMUNITY_OFFICER).post(&path, json!({})).await.expect(200);
    assert_eq!(shown_now["desk"]["status"], "published", "nobody else looks at it there");
    let mut drafts = Vec::new();
    for persona in ["dispatcher", "subdistrict.140213066", COMMUNITY_OFFICER] {
        drafts.push((persona, id(&made(world, persona, "/announcements", body.clone()).await)));
    }
    for persona in PERSONAS {
        world.own.insert((About::Announced, persona), shown.clone());
    }
    for persona in ANNOUNCERS {
        let of = if persona == "organiser" { "dispatcher" } else { persona };
        let own = drafts.iter().find(|(who, _)| *who == of).unwrap().1.clone();
        let others = drafts.iter().map(|(_, id)| id.clone()).filter(|id| *id != own);
        world.foreign.insert((About::OwnAnnouncement, persona), others.collect());
        world.own.insert((About::OwnAnnouncement, persona), own);
    }
}

async fn guides(world: &mut World) {
    let body = |title: &str| json!({"content": {"title": title, "category": "民政", "eligible": "本区居民"}});
    let shown = id(&made(world, COMMUNITY_OFFICER, "/guides", body("居住证明")).await);
    let path = format!("/guides/{shown}/submit");
    let shown_now = world.client(COMMUNITY_OFFICER).post(&path, json!({})).await.expect(200);
    assert_eq!(shown_now["desk"]["status"], "published", "nobody else signs there");
    let mut drafts = Vec::new();
    for persona in ["subdistrict.140213066", COMMUNITY_OFFICER, "dept.urban-management"] {
        drafts.push((persona, id(&made(world, persona, "/guides", body("老年优待证")).await)));
    }
    for persona in PERSONAS {
        world.own.insert((About::Guide, persona), shown.clone());
    }
    for persona in UNITS {
        let of = persona.replace("head.", "dept.");
        let own = drafts.iter().find(|(who, _)| *who == of).unwrap().1.clone();
        let others = drafts.iter().map(|(_, id)| id.clone()).filter(|id| *id != own);
        world.foreign.insert((About::OwnGuide, *persona), others.collect());
        world.own.insert((About::OwnGuide, *persona), own);
    }
}
