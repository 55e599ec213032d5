//! What the organisers keep of people's points.

use serde_json::{Value, json};

use super::World;
use crate::{
    permissions::rows::{About, PERSONAS},
    support::COMMUNITY,
};

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

/// A movement of li's, a version of the rules and an adjustment that the second organiser proposed,
/// and an award of party-1's in public notice. None of them is anybody's own.
pub(super) async fn kept(world: &mut World) {
    let app = &world.app;
    let movement = app.resident("li").all("/me/points/entries").await;
    let other = app.as_("organiser.2");
    let rule = json!({
        "name": "matrix-1", "valid_from": "2027-03-01", "terms": {}, "reason": "明年三月起",
    });
    let rule = other.post("/points-rules", rule).await.expect(201);
    let wang = app.resident("wang").get("/me").await.ok();
    let adjustment = json!({
        "account": wang["id"], "points": 5, "reason": "社区活动漏记", "document": "组发〔2026〕8 号",
    });
    let request = other.request(reqwest::Method::POST, "/points-adjustments").key("matrix-adjust");
    let adjustment = request.json(&adjustment).send().await.expect(201);
    let member = app.resident("party-1").get("/me").await.ok();
    let notice: domain::id::PointsNoticeId = infra::random::id(app.now());
    sqlx::query(
        "insert into points_notice (id, account, source, points, cause, counted_on, rule_version, data,
             expires_at, community_code, noticed_at, ends_at, status)
         values ($1, $2::uuid, 'service', 2, 'service:matrix', '2026-11-24', '2026-1', '{}',
             '2028-01-01', '140213066004', $3, '2026-12-31', 'open')",
    )
    .bind(notice.0)
    .bind(member["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap())
    .bind(app.now())
    .execute(app.db())
    .await
    .unwrap();
    let (here, there) = (COMMUNITY.to_owned(), "140213051001".to_owned());
    let officer = (About::CommunityPoints, "community.140213066004");
    for persona in ["organiser", "auditor", officer.1] {
        world.own.insert((About::CommunityPoints, persona), here.clone());
    }
    world.foreign.insert(officer, vec![there]);
    let own = [
        (About::Movement, id(&movement[0])),
        (About::PointsRule, id(&rule)),
        (About::Adjustment, id(&adjustment)),
        (About::PointsNotice, notice.to_string()),
    ];
    for persona in PERSONAS {
        for (about, id) in &own {
            world.own.insert((*about, persona), id.clone());
        }
    }
}
