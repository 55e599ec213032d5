//! What units must answer for: supervisions, and their duty rosters.

use serde_json::json;

use super::World;
use crate::{
    permissions::rows::{About, PERSONAS, UNITS},
    support::{COMMUNITY, Case, SUBDISTRICT, UNIT},
};

async fn supervise(world: &World, case: &Case, unit: &str) -> String {
    let body = json!({"level": "letter", "unit": unit, "demand": "请说明逾期的原因"});
    let opened = world.app.as_("supervisor").post(&case.path("/supervise"), body).await;
    opened.expect(201)["id"].as_str().unwrap().to_owned()
}

/// One supervision for each unit of the matrix, and one of another's.
pub(super) async fn supervisions(world: &mut World, here: &Case, there: &Case, down: &Case) {
    let ours = supervise(world, here, UNIT).await;
    let theirs = supervise(world, there, "housing").await;
    let community = supervise(world, down, COMMUNITY).await;
    let subdistrict = supervise(world, down, SUBDISTRICT).await;
    for persona in PERSONAS {
        let (own, unit) = match persona {
            "community.140213066004" => (&community, COMMUNITY),
            "subdistrict.140213066" => (&subdistrict, SUBDISTRICT),
            _ => (&ours, UNIT),
        };
        world.own.insert((About::Supervision, persona), own.clone());
        let foreign = if UNITS.contains(&persona) { vec![theirs.clone()] } else { vec![] };
        world.foreign.insert((About::Supervision, persona), foreign);
        world.own.insert((About::Roster, persona), unit.to_owned());
        world.own.insert((About::OwnRoster, persona), unit.to_owned());
        world.foreign.insert((About::OwnRoster, persona), vec!["housing".to_owned()]);
    }
}
