//! A service post (服务岗位): what is to be done, where, when, and for how many.

use chrono::TimeDelta;

use super::{AHEAD, BACKDATED, Kind, LONGEST, Refused, Rules};
use crate::{
    complaint::Location,
    id::{AccountId, PostId},
    org::NodeCode,
    refusal::{Faults, FieldError, Invalid},
    text,
    time::Timestamp,
};

/// The most places that a post has.
const CAPACITY: i64 = 1000;
/// What an hour counts for, in per cent of a point **\[default\]**.
const FACTOR: std::ops::RangeInclusive<i64> = 50..=300;
const SKILLS: usize = 10;

/// The fields as they came.
#[derive(Debug, Clone)]
pub struct PostForm<'a> {
    /// The community that offers it.
    pub community_code: &'a str,
    /// What it is about.
    pub kind: Kind,
    /// 2–200 characters.
    pub title: &'a str,
    /// What is to be done, at most 5,000 characters.
    pub description: Option<&'a str>,
    /// Where to meet, at most 200 characters.
    pub place: Option<&'a str>,
    /// The same on the map (GCJ-02): longitude, latitude.
    pub location: Option<(f64, f64)>,
    /// How far from there one may check in, in metres; as configured when left out.
    pub tolerance_metres: Option<i64>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// How many are needed.
    pub capacity: i64,
    /// What helps to know, at most ten words of 1–20 characters.
    pub skills: &'a [String],
    /// What an hour counts for, in per cent of a point; 100 when left out.
    pub factor_percent: Option<i64>,
}

/// A post that is sound in form and time, to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// What is to be done.
    pub description: Option<String>,
    /// Where to meet.
    pub place: Option<String>,
    /// What helps to know.
    pub skills: Vec<String>,
    /// What it is called.
    pub title: String,
    /// What the rules need of it.
    pub post: Post,
}

/// A post as its rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// Grows by one with each save of the post itself.
    pub version: i64,
    /// The community that offers it.
    pub community: NodeCode,
    /// What it is about.
    pub kind: Kind,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// How many are needed.
    pub capacity: i32,
    /// How many places are held.
    pub taken: i32,
    /// What an hour counts for, in per cent of a point.
    pub factor_percent: i32,
    /// Where it is.
    pub location: Option<Location>,
    /// How far from there one may check in, in metres; as configured when it says nothing.
    pub tolerance: Option<i32>,
    /// Who published it.
    pub created_by: AccountId,
    /// Who asked for it (点单) and is served.
    pub requested_by: Option<AccountId>,
    /// Since when it is called off.
    pub cancelled_at: Option<Timestamp>,
}

impl PostForm<'_> {
    /// Publishes the post.
    ///
    /// # Errors
    /// Every field that breaks a rule; among them a start more than seven days back.
    pub fn publish(
        &self,
        id: PostId,
        rules: &Rules,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Published, Invalid> {
        let mut faults = Faults::default();
        let community = faults.take(NodeCode::parse("community_code", self.community_code));
        let title = faults.take(text::line("title", self.title, 2, 200));
        let description = faults.take(text::optional("description", self.description, 5000));
        let place = faults.take(text::optional("place", self.place, 200));
        let location = self.location.map(|(lng, lat)| faults.take(Location::new(lng, lat)));
        let tolerance = self.tolerance(rules).map(|within| faults.take(within));
        let skills = faults.take(skills(self.skills));
        self.check_times(&mut faults, now);
        let capacity = i32::try_from(self.capacity).ok();
        let capacity = capacity.filter(|_| (1..=CAPACITY).contains(&self.capacity));
        if capacity.is_none() {
            faults.add("capacity", format!("需要的人数应为 1–{CAPACITY}"));
        }
        let factor = self.factor_percent.unwrap_or(100);
        let factor = i32::try_from(factor).ok().filter(|_| FACTOR.contains(&factor));
        if factor.is_none() {
            faults.add("factor_percent", "积分系数应为 50–300（100 即每小时 1 分）");
        }
        faults.check()?;
        let (Some(community), Some(title), Some(capacity), Some(factor_percent)) =
            (community, title, capacity, factor)
        else {
            return Err(Invalid(Vec::new()));
        };
        let post = Post {
            id,
            version: 1,
            community,
            kind: self.kind,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            capacity,
            taken: 0,
            factor_percent,
            location: location.flatten(),
            tolerance: tolerance.flatten(),
            created_by: by,
            requested_by: None,
            cancelled_at: None,
        };
        Ok(Published {
            description: description.flatten(),
            place: place.flatten(),
            skills: skills.unwrap_or_default(),
            title,
            post,
        })
    }

    fn tolerance(&self, rules: &Rules) -> Option<Result<i32, FieldError>> {
        let (least, most) = (rules.near_least, rules.near_most);
        self.tolerance_metres.map(|given| {
            let metres = i32::try_from(given).ok().filter(|metres| (least..=most).contains(metres));
            let reason = || format!("定位签到的范围应为 {least}–{most} 米");
            metres.ok_or_else(|| FieldError::new("tolerance_metres", reason()))
        })
    }

    fn check_times(&self, faults: &mut Faults, now: Timestamp) {
        let length = self.ends_at - self.starts_at;
        if self.starts_at < now - BACKDATED {
            faults.add("starts_at", "开始时间最多补录 7 天之内的");
        } else if self.starts_at > now + AHEAD {
            faults.add("starts_at", "开始时间最多提前一年发布");
        }
        if length < TimeDelta::minutes(1) {
            faults.add("ends_at", "结束时间要在开始时间之后，至少一分钟");
        } else if length > LONGEST {
            faults.add("ends_at", "一个岗位最长 24 小时，更长的请分次发布");
        }
    }
}

/// Reads what helps to know: at most ten words of 1–20 characters.
///
/// # Errors
/// Too many, or a word that is none.
pub fn skills(given: &[String]) -> Result<Vec<String>, FieldError> {
    if given.len() > SKILLS {
        let reason = format!("最多写 {SKILLS} 项技能");
        return Err(FieldError::new("skills", reason));
    }
    given.iter().map(|skill| text::line("skills", skill, 1, 20)).collect()
}

impl Post {
    /// How long it is, in whole minutes.
    pub fn minutes(&self) -> i64 {
        (self.ends_at - self.starts_at).num_minutes()
    }

    /// When it is.
    pub const fn during(&self) -> (Timestamp, Timestamp) {
        (self.starts_at, self.ends_at)
    }

    /// Whether somebody who waits may move up: there is a place, and something left to do.
    pub fn has_room(&self, now: Timestamp) -> bool {
        self.cancelled_at.is_none() && now < self.ends_at && self.taken < self.capacity
    }

    /// What a change leaves of the post: everything but who offers it, who published it and who has
    /// a place.
    ///
    /// # Errors
    /// It is called off; more have a place than there shall be places; other times though somebody
    /// claimed it, who may have arranged for these.
    pub fn change(&self, to: &Self, claimed: bool) -> Result<Self, Refused> {
        if self.cancelled_at.is_some() {
            return Err(Refused::PostCancelled);
        }
        if to.capacity < self.taken {
            return Err(Refused::CapacityTaken { taken: self.taken });
        }
        if claimed && self.during() != to.during() {
            return Err(Refused::TimesHeld);
        }
        let Self { id, version, taken, created_by, requested_by, .. } = *self;
        let community = self.community.clone();
        Ok(Self { id, version, taken, created_by, requested_by, community, ..to.clone() })
    }

    /// Calls the post off. Its claims are called off beside it; what was confirmed stays.
    ///
    /// # Errors
    /// It is called off already.
    pub fn call_off(&self, now: Timestamp) -> Result<Self, Refused> {
        if self.cancelled_at.is_some() {
            return Err(Refused::PostCancelled);
        }
        Ok(Self { cancelled_at: Some(now), ..self.clone() })
    }
}
