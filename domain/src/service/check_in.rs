//! Being there (签到): by the code at the place, by being near it, or by the time alone; and what about
//! it a person should look at.

use serde_json::json;

use super::{Claim, EARLY, Oddity, Post, Proof, Refused, Rules, Status, Step, code::Shown};
use crate::{
    complaint::Location,
    decision::Decision,
    event::EventKind,
    refusal::{FieldError, Invalid},
    time::Timestamp,
};

/// How somebody checked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Timestamp,
    /// By what.
    pub proof: Proof,
    /// How far from the post the phone was, in metres, where it said so.
    pub away: Option<i32>,
    /// What a person should look at.
    pub oddities: Vec<Oddity>,
}

/// What a person shows to be there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckIn {
    /// The code at the place.
    pub code: Option<String>,
    /// Where the phone is.
    pub location: Option<Location>,
    /// How inaccurate that is by what the phone says, in metres.
    pub accuracy: i32,
}

impl CheckIn {
    /// Takes the code as it is typed, or the whole text of the picture at the place, which ends
    /// with it.
    ///
    /// # Errors
    /// The location is no place in mainland China; an accuracy that is none.
    pub fn parse(
        code: Option<&str>,
        location: Option<(f64, f64)>,
        accuracy: Option<f64>,
    ) -> Result<Self, Invalid> {
        let location = location.map(|(lng, lat)| Location::new(lng, lat)).transpose()?;
        let code = code.map(|code| code.rsplit(':').next().unwrap_or_default());
        let code = code.map(|code| code.trim().to_ascii_uppercase());
        let accuracy = match accuracy {
            Some(metres) if !(0.0..=100_000.0).contains(&metres) => {
                return Err(FieldError::new("accuracy_metres", "定位精度应为 0–100000 米").into());
            }
            metres => whole(metres.unwrap_or_default()),
        };
        Ok(Self { code: code.filter(|code| !code.is_empty()), location, accuracy })
    }
}

impl Claim {
    /// The person is there: by the code at the place, or by being near it, from an hour before the
    /// start until the end. A post that has no place on the map takes the time alone. What looks
    /// odd is noted for a person and refuses nothing; whether one could come from the last post in
    /// the time between is asked by `crate::fairness::detect::impossible_travel`. `code` is what the
    /// code that was shown turned out to be.
    ///
    /// # Errors
    /// An illegal step; too early, too late; nothing shown, a wrong or old code, too many wrong
    /// ones, too far away.
    pub fn check_in(
        &self,
        post: &Post,
        shown: &CheckIn,
        code: Option<Shown>,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::CheckIn)?;
        if now < post.starts_at - EARLY {
            return Err(Refused::CheckInNotOpen { opens_at: post.starts_at - EARLY });
        }
        if now >= post.ends_at {
            return Err(Refused::PostEnded { ended_at: post.ends_at });
        }
        if code.is_some() && self.wrong_codes >= rules.code_attempts {
            return Err(Refused::CheckInCodeLocked);
        }
        let (proof, away, oddities) = proof(post, shown, code, rules)?;
        let data = json!({ "by": proof, "oddities": oddities });
        let arrival = Arrival { at: now, proof, away, oddities };
        let state = Self { status: Status::CheckedIn, checked_in: Some(arrival), ..self.clone() };
        let event = state.event(EventKind::CheckedIn, post, data);
        Ok(Decision::one(state, event))
    }
}

/// What proves that somebody is at a post, how far away the phone was, and what is odd about it.
fn proof(
    post: &Post,
    shown: &CheckIn,
    code: Option<Shown>,
    rules: &Rules,
) -> Result<(Proof, Option<i32>, Vec<Oddity>), Refused> {
    let near = post.tolerance.unwrap_or(rules.near_metres);
    let away = post.location.zip(shown.location).map(|(place, here)| whole(place.metres(here)));
    let far = |away: i32| away.saturating_sub(shown.accuracy.min(rules.accuracy_metres)) > near;
    match code {
        Some(Shown::Good) => {
            let odd = away.filter(|away| far(*away)).map(|_| Oddity::CodeFromAfar);
            return Ok((Proof::Code, away, odd.into_iter().collect()));
        }
        Some(Shown::Expired) => return Err(Refused::CheckInCodeExpired),
        Some(Shown::Wrong) => return Err(Refused::CheckInCode),
        None => {}
    }
    if post.location.is_none() {
        return Ok((Proof::Time, None, Vec::new()));
    }
    let away = away.ok_or(Refused::CheckInNothing)?;
    if far(away) {
        return Err(Refused::CheckInFar { away, near });
    }
    let odd = (away > near).then_some(Oddity::Inaccurate);
    Ok((Proof::Location, Some(away), odd.into_iter().collect()))
}

/// How far two places are apart, in whole metres.
pub(super) fn away(one: Location, other: Location) -> i32 {
    whole(one.metres(other))
}

/// Whole metres, rounded up: nobody is nearer than they are.
fn whole(metres: f64) -> i32 {
    #[expect(
        clippy::as_conversions,
        reason = "a cast from a float saturates, and no two places are 2,000,000 km apart"
    )]
    let whole = metres.ceil() as i32;
    whole
}
