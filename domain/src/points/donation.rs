//! Giving points away (转赠): to a community, or to a household in difficulty that one looks after; a
//! community passes its own on to a household in it. Whoever receives them has them until they would
//! have run out for the donor.

use super::{Lot, Part, Refused};
use crate::{
    id::LotId,
    refusal::{Faults, Invalid},
    text,
    time::Timestamp,
};

/// How many points one donation gives at most.
const MOST: i64 = 10_000;

/// How many points somebody gives, and why where a community does.
///
/// # Errors
/// Each that cannot be meant.
pub fn gift(points: i64, reason: Option<&str>) -> Result<(i64, Option<String>), Invalid> {
    let mut faults = Faults::default();
    if !(1..=MOST).contains(&points) {
        faults.add("points", format!("要在 1–{MOST} 之间，现在是 {points}"));
    }
    let reason = reason.map(|reason| text::line("reason", reason, 2, 200)).transpose();
    let reason = faults.take(reason).flatten();
    faults.check()?;
    Ok((points, reason))
}

/// Whether a person who has given `today` may give `points` more.
///
/// # Errors
/// More than a day allows.
pub const fn within_day(points: i64, today: i64, at_most: i64) -> Result<(), Refused> {
    if points.saturating_add(today) > at_most {
        return Err(Refused::DonationLimit { at_most, left: at_most.saturating_sub(today) });
    }
    Ok(())
}

/// Whether a household that a community has given `given` this month may have `points` more.
///
/// # Errors
/// More than a month allows.
pub const fn within_month(points: i64, given: i64, at_most: i64) -> Result<(), Refused> {
    if points.saturating_add(given) > at_most {
        return Err(Refused::HouseholdLimit { at_most, left: at_most.saturating_sub(given) });
    }
    Ok(())
}

/// The lots that a gift becomes: what runs out together stays together, the first first. `ends` says
/// when each lot of the giver's runs out.
pub fn arriving(parts: &[Part], ends: &[(LotId, Timestamp)]) -> Vec<(Timestamp, i64)> {
    let mut lots: Vec<(Timestamp, i64)> = Vec::new();
    for part in parts {
        let Some((_, at)) = ends.iter().find(|(lot, _)| *lot == part.lot) else { continue };
        match lots.iter_mut().find(|(end, _)| end == at) {
            Some((_, points)) => *points += part.amount,
            None => lots.push((*at, part.amount)),
        }
    }
    lots.sort_unstable();
    lots
}

/// What lots have free together.
pub fn free(lots: &[Lot]) -> i64 {
    lots.iter().map(|lot| lot.free).sum()
}
