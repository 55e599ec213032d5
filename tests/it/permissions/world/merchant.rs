//! Two shops, of which one has a manager among the personas; their offers; somebody's application.

use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use crate::permissions::rows::{About, PERSONAS, SETTLEMENT_READERS};

const MANAGER: &str = "manager.wenxing";

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

async fn apply(world: &World, who: &str, licence: &str) -> String {
    let body = json!({
        "name": "幸福里便民早餐店", "address": "水泊寺街道文兴路 12 号", "licence": licence,
        "contact_name": "王芳", "contact_phone": "13800001234",
    });
    let who = world.app.resident(who);
    let request = who.request(Method::POST, "/merchant-applications").key("of-the-matrix");
    id(&request.json(&body).send().await.expect(201))
}

/// An offer of a shop, published at once.
async fn offer(world: &World, merchant: &str) -> String {
    let body = json!({
        "title": "豆浆一碗", "category": "dining", "points": 3, "stock": 10, "per_person": 1,
        "valid_until": "2026-12-31T15:59:59Z", "merchant": merchant,
    });
    id(&world.app.as_("organiser").post("/offers", body).await.expect(201))
}

/// A statement without a line: the clock of the matrix stands still, so that no month ends.
async fn settlement(world: &World, merchant: &str) -> String {
    let id: domain::id::SettlementId = infra::random::id(world.app.now());
    sqlx::query(
        "with month as (
             insert into settlement_month (month, frozen_at) values ('2026-10-01', $3)
             on conflict (month) do nothing
         )
         insert into settlement (id, merchant, month, dispute_until)
         values ($1, $2, '2026-10-01', $3 + interval '7 days')",
    )
    .bind(id.0)
    .bind(merchant)
    .bind(world.app.now())
    .execute(world.app.db())
    .await
    .unwrap();
    id.to_string()
}

pub(super) async fn shops(world: &mut World) {
    let ours = apply(world, "li", "91140200MA0K00001C").await;
    let theirs = apply(world, "wang", "91140200MA0K00002F").await;
    let (here, there) = (offer(world, "wenxing").await, offer(world, "happy-market").await);
    let (settled, others) =
        (settlement(world, "wenxing").await, settlement(world, "happy-market").await);
    let budget = json!({"name": "权限测试预算", "payer": "fund", "cap_fen": 100_000});
    let budget = id(&world.app.as_("organiser").post("/budgets", budget).await.expect(201));
    for persona in PERSONAS {
        world.own.insert((About::Shop, persona), "wenxing".to_owned());
        world.own.insert((About::Listed, persona), here.clone());
    }
    for persona in SETTLEMENT_READERS {
        world.own.insert((About::OwnShop, persona), "wenxing".to_owned());
        world.own.insert((About::OwnOffer, persona), here.clone());
        world.own.insert((About::Budget, persona), budget.clone());
        world.own.insert((About::Settlement, persona), settled.clone());
    }
    world.foreign.insert((About::OwnShop, MANAGER), vec!["happy-market".to_owned()]);
    world.foreign.insert((About::OwnOffer, MANAGER), vec![there]);
    world.foreign.insert((About::Settlement, MANAGER), vec![others]);
    world.own.insert((About::Application, "organiser"), theirs.clone());
    world.own.insert((About::Application, "demo:li"), ours.clone());
    for persona in PERSONAS {
        let foreign = match persona {
            "anonymous" | "organiser" => continue,
            "demo:li" => &theirs,
            _ => &ours,
        };
        world.foreign.insert((About::Application, persona), vec![foreign.clone()]);
    }
}
