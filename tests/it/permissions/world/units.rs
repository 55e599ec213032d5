//! What work units and their liaisons have: receipts, reports, registrations, paired cadres; and
//! changes of members' registrations.

use domain::work_unit::ReportKind;
use infra::postgres::work_unit::{self, NewReport};
use serde_json::{Value, json};

use super::World;
use crate::{
    permissions::rows::{About, PAIRING_READERS, TOLD, UNIT_READERS},
    support::COMMUNITY,
};

const HERE: &str = "community.140213066004";
const LIAISON: &str = "liaison.education";
/// Another unit and the community that it alone is paired with.
const OTHER: (&str, &str) = ("liaison.housing", "140213066001");
const THERE: (&str, &str) = ("community.140213051001", "140213051001");

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

/// Registers a resident as a member; the community signs.
async fn signed(world: &World, who: &str, officer: &str, community: &str, number: u32) {
    let body = json!({ "community_code": community, "party_member": {
        "name": format!("演示党员{number}"), "id_number_last6": format!("100{number:03}"),
    }});
    let made = world.app.resident(who).post("/registrations", body).await.expect(201);
    let sign = format!("/registrations/{}/sign", id(&made));
    world.app.as_(officer).post(&sign, json!({ "accept": true })).await.expect(200);
}

async fn change(world: &World, who: &str) -> String {
    let body = json!({ "kind": "retire", "reason": "已办理退休" });
    id(&world.app.resident(who).post("/me/registration-changes", body).await.expect(201))
}

/// A change of li's, who is registered here, and one of another community's member; what a unit
/// has, and what another has.
pub(super) async fn units(world: &mut World) {
    signed(world, "li", HERE, COMMUNITY, 14).await;
    signed(world, "sun", THERE.0, THERE.1, 15).await;
    let (ours, theirs) = (change(world, "li").await, change(world, "sun").await);
    for persona in ["demo:li", HERE] {
        world.own.insert((About::Change, persona), ours.clone());
        world.foreign.insert((About::Change, persona), vec![theirs.clone()]);
    }
    let register = async |who: &str, unit: &str, community: &str| {
        let body =
            json!({ "unit": unit, "community_code": community, "offers": "每月一次法律咨询" });
        id(&world.app.as_(who).post("/unit-registrations", body).await.expect(201))
    };
    let ours = register(LIAISON, "education", COMMUNITY).await;
    let theirs = register(OTHER.0, "housing", OTHER.1).await;
    for persona in UNIT_READERS {
        world.own.insert((About::WorkUnit, persona), "education".to_owned());
        world.own.insert((About::UnitRegistration, persona), ours.clone());
    }
    world.foreign.insert((About::WorkUnit, HERE), vec!["health".to_owned()]);
    world.foreign.insert((About::WorkUnit, LIAISON), vec!["housing".to_owned()]);
    for persona in [HERE, LIAISON] {
        world.foreign.insert((About::UnitRegistration, persona), vec![theirs.clone()]);
    }
    told(world).await;
}

async fn told(world: &mut World) {
    let now = world.app.now();
    let mut reports = Vec::new();
    for unit in ["education", "housing"] {
        let new = NewReport {
            id: infra::random::id(now),
            unit: domain::org::NodeCode::parse("unit", unit).unwrap(),
            kind: ReportKind::Quarter,
            year: 2026,
            number: 3,
            until: now,
            members: 4,
            missing: 0,
        };
        let mut conn = world.app.db().acquire().await.unwrap();
        assert!(work_unit::report(&mut conn, &new, now).await.unwrap());
        reports.push(new.id.to_string());
    }
    let receipt = async |who: &str| id(&world.app.as_(who).all("/receipts").await[0]);
    let (ours, theirs) = (receipt(LIAISON).await, receipt(OTHER.0).await);
    for persona in TOLD {
        world.own.insert((About::Receipt, persona), ours.clone());
        world.own.insert((About::Report, persona), reports[0].clone());
    }
    world.foreign.insert((About::Receipt, LIAISON), vec![theirs]);
    world.foreign.insert((About::Report, LIAISON), vec![reports[1].clone()]);
}

/// A cadre of 区教育局 paired with 文兴社区, and one of another unit with another community.
pub(super) async fn pairings(world: &mut World) {
    let pair = async |unit: &str, community: &str| {
        let body = json!({
            "post": "主要负责人", "unit": unit, "community_code": community,
            "from_day": "2026-01-01", "until_day": "2027-12-31",
        });
        id(&world.app.as_("organiser").post("/cadre-pairings", body).await.expect(201))
    };
    let ours = pair("education", COMMUNITY).await;
    let theirs = pair("housing", OTHER.1).await;
    let log = async |who: &str, pairing: &str| {
        let body = json!({ "title": "楼道堆物", "found_on": "2026-11-20" });
        let path = format!("/cadre-pairings/{pairing}/matters");
        id(&world.app.as_(who).post(&path, body).await.expect(201))
    };
    let (mine, other) = (log(LIAISON, &ours).await, log(OTHER.0, &theirs).await);
    for persona in PAIRING_READERS {
        world.own.insert((About::CadrePairing, persona), ours.clone());
        world.own.insert((About::Matter, persona), mine.clone());
    }
    for persona in [HERE, LIAISON] {
        world.foreign.insert((About::CadrePairing, persona), vec![theirs.clone()]);
        world.foreign.insert((About::Matter, persona), vec![other.clone()]);
    }
}
