//! Powers, a certificate, and an act of 城市管理局: no other unit sees it.

use chrono::TimeDelta;
use serde_json::json;

use super::{About, OFFICERS, PERSONAS, World};
use crate::support::UNIT;

pub(super) async fn acts(world: &mut World) {
    let app = world.app.clone();
    let clerk = app.as_("dept.urban-management");
    let lists = clerk.get("/power-lists?limit=1").await.expect(200);
    let list = lists["items"][0]["id"].to_string();
    let card = json!({"number": "晋-B-0213-9999", "holder": "dept.urban-management",
        "unit": UNIT, "valid_from": "2026-01-01", "valid_until": "2026-12-31"});
    let card = app.as_("sysadmin").post("/certificates", card).await.expect(201);
    let card = card["id"].as_str().unwrap().to_owned();
    let case = app.acknowledged().await;
    app.advance(TimeDelta::minutes(1));
    let body = json!({"kind": "persuasion", "power": "street-vending", "certificates": [card],
        "party": {"kind": "person", "name": "王小明"}, "place": "文兴路口",
        "occurred_at": app.now(), "content": "占道摆摊，当场劝离。"});
    let act = clerk.post(&case.task("/acts"), body).await.expect(201);
    let act = act["id"].as_str().unwrap().to_owned();
    for persona in PERSONAS {
        world.own.insert((About::Powers, persona), list.clone());
        world.own.insert((About::Certificate, persona), card.clone());
        if OFFICERS.contains(&persona) {
            world.foreign.insert((About::Act, persona), vec![act.clone()]);
        } else {
            world.own.insert((About::Act, persona), act.clone());
        }
    }
}
