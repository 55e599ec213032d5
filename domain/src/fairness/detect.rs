//! The detectors: pure functions of what was just done and what went before. Each answers what it
//! found with its cause; the same cause raises one flag ever, whoever causes it again.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Kind, Rules};
use crate::{
    complaint::Location,
    id::{AccountId, ClaimId, RedemptionId},
    points::week,
    time::{self, Month, Timestamp},
};

/// What a detector found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What was noticed.
    pub kind: Kind,
    /// What it is raised for, once.
    pub cause: String,
    /// Whom it concerns.
    pub account: AccountId,
    /// Who else took part.
    pub others: Vec<AccountId>,
    /// At which merchant.
    pub merchant: Option<String>,
    /// The redemptions to look at.
    pub redemptions: Vec<RedemptionId>,
    /// The claims to look at.
    pub claims: Vec<ClaimId>,
    /// Figures for the sentence.
    pub facts: Value,
}

/// A verification at a till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The redemption.
    pub id: RedemptionId,
    /// At which merchant.
    pub merchant: String,
    /// Who verified.
    pub clerk: AccountId,
    /// Whose points.
    pub buyer: AccountId,
    /// When the code was made.
    pub made_at: Timestamp,
    /// When it was verified.
    pub at: Timestamp,
}

impl Verified {
    fn found(&self, kind: Kind, cause: String, account: AccountId, those: &[&Self]) -> Found {
        let mut others: Vec<AccountId> = those
            .iter()
            .flat_map(|one| [one.clerk, one.buyer])
            .filter(|one| *one != account)
            .collect();
        others.sort_unstable();
        others.dedup();
        Found {
            kind,
            cause,
            account,
            others,
            merchant: Some(self.merchant.clone()),
            redemptions: those.iter().map(|one| one.id).collect(),
            claims: Vec::new(),
            facts: Value::Null,
        }
    }
}

/// Those of `all` that were verified within `span` before the last one, which is one of them.
fn within<'v>(
    all: &'v [Verified],
    last: &Verified,
    span: TimeDelta,
    like: impl Fn(&Verified) -> bool,
) -> Vec<&'v Verified> {
    all.iter().filter(|one| one.at <= last.at && one.at > last.at - span && like(one)).collect()
}

/// One clerk verifies faster than people can be served; once for each clerk and day.
pub fn fast_verification(rules: &Rules, all: &[Verified], last: &Verified) -> Option<Found> {
    let span = TimeDelta::seconds(rules.fast_seconds.into());
    let those = within(all, last, span, |one| one.clerk == last.clerk);
    if those.len() < rules.fast_times {
        return None;
    }
    let cause = format!("{}:{}", last.clerk, time::date(last.at));
    let found = last.found(Kind::FastVerification, cause, last.clerk, &those);
    let facts = json!({ "times": those.len(), "seconds": rules.fast_seconds });
    Some(Found { facts, ..found })
}

/// One person comes to one merchant again and again; once for each week.
pub fn same_buyer(rules: &Rules, all: &[Verified], last: &Verified) -> Option<Found> {
    let span = TimeDelta::days(rules.buyer_days.into());
    let like = |one: &Verified| one.buyer == last.buyer && one.merchant == last.merchant;
    let those = within(all, last, span, like);
    if those.len() < rules.buyer_times {
        return None;
    }
    let (monday, _) = week(time::date(last.at));
    let cause = format!("{}:{}:{monday}", last.buyer, last.merchant);
    let found = last.found(Kind::SameBuyer, cause, last.buyer, &those);
    Some(Found { facts: json!({ "times": those.len(), "days": rules.buyer_days }), ..found })
}

/// Codes are verified seconds after they were made, by the same clerk for the same person: perhaps
/// one hand holds both phones. Once for each pair and month.
pub fn instant_verification(rules: &Rules, all: &[Verified], last: &Verified) -> Option<Found> {
    let span = TimeDelta::days(rules.instant_days.into());
    let quick = TimeDelta::seconds(rules.instant_seconds.into());
    let like = |one: &Verified| {
        one.buyer == last.buyer && one.clerk == last.clerk && one.at - one.made_at <= quick
    };
    let those = within(all, last, span, like);
    if those.len() < rules.instant_times || !like(last) {
        return None;
    }
    let cause = format!("{}:{}:{}", last.clerk, last.buyer, Month::of(last.at));
    let found = last.found(Kind::InstantVerification, cause, last.clerk, &those);
    let facts = json!({
        "times": those.len(), "seconds": rules.instant_seconds, "days": rules.instant_days,
    });
    Some(Found { facts, ..found })
}

/// Somebody who works at the merchant redeemed there, verified by a colleague: what nobody may verify
/// for themself is not refused between colleagues, but looked at. Once for each person and month.
pub fn own_shop(last: &Verified, works_there: bool) -> Option<Found> {
    if !works_there {
        return None;
    }
    let cause = format!("{}:{}:{}", last.buyer, last.merchant, Month::of(last.at));
    let found = last.found(Kind::OwnShop, cause, last.buyer, &[last]);
    Some(Found { facts: json!({}), ..found })
}

/// Somebody at a post: checked in, and perhaps out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attendance {
    /// The claim.
    pub claim: ClaimId,
    /// Who.
    pub account: AccountId,
    /// Where the post is.
    pub place: Option<Location>,
    /// When they checked in.
    pub arrived: Timestamp,
    /// When they checked out.
    pub left: Option<Timestamp>,
}

/// A person checked in at two places between which they could not travel in that time; once for the
/// later claim.
pub fn impossible_travel(rules: &Rules, before: &Attendance, after: &Attendance) -> Option<Found> {
    let (from, to) = before.place.zip(after.place)?;
    let metres = from.whole_metres(to);
    let seconds = (after.arrived - before.left.unwrap_or(before.arrived)).num_seconds().max(0);
    // Metres in the time at hand, at the greatest speed: seconds × km/h ÷ 3.6.
    let reach = seconds.saturating_mul(rules.travel_kmh.into()).saturating_mul(10) / 36;
    if metres < i64::from(rules.travel_metres) || metres <= reach {
        return None;
    }
    Some(Found {
        kind: Kind::ImpossibleTravel,
        cause: after.claim.to_string(),
        account: after.account,
        others: Vec::new(),
        merchant: None,
        redemptions: Vec::new(),
        claims: vec![before.claim, after.claim],
        facts: json!({ "metres": metres, "minutes": seconds / 60 }),
    })
}

/// A service whose hours were confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The claim.
    pub claim: ClaimId,
    /// Who served.
    pub account: AccountId,
    /// Who confirmed it.
    pub organiser: AccountId,
    /// When.
    pub at: Timestamp,
    /// The confirmed minutes.
    pub minutes: i64,
    /// How long the post is.
    pub length: i64,
}

/// A person's last services are all confirmed at everything that their posts allow, and long; once
/// for each person and month. `latest` are theirs, the last confirmed first.
pub fn always_maximum(rules: &Rules, latest: &[Served]) -> Option<Found> {
    let last = latest.first()?;
    let those = latest.get(..rules.maximum_times)?;
    let full = |one: &Served| one.minutes >= one.length && one.minutes >= rules.maximum_minutes;
    if !those.iter().all(full) {
        return None;
    }
    let mut others: Vec<AccountId> = those.iter().map(|one| one.organiser).collect();
    others.sort_unstable();
    others.dedup();
    Some(Found {
        kind: Kind::AlwaysMaximum,
        cause: format!("{}:{}", last.account, Month::of(last.at)),
        account: last.account,
        others,
        merchant: None,
        redemptions: Vec::new(),
        claims: those.iter().map(|one| one.claim).collect(),
        facts: json!({ "times": those.len() }),
    })
}

/// An organiser confirms nearly always the same few people; once for each organiser and month.
/// `all` are the organiser's confirmations of the last [`Rules::few_days`] days.
pub fn few_people(rules: &Rules, all: &[Served]) -> Option<Found> {
    let last = all.iter().max_by_key(|one| one.at)?;
    if all.len() < rules.few_times {
        return None;
    }
    let mut counts: BTreeMap<AccountId, usize> = BTreeMap::new();
    for one in all {
        *counts.entry(one.account).or_default() += 1;
    }
    let mut ranked: Vec<(AccountId, usize)> = counts.into_iter().collect();
    ranked.sort_by_key(|(account, times)| (std::cmp::Reverse(*times), *account));
    ranked.truncate(rules.few_people);
    let times: usize = ranked.iter().map(|(_, times)| times).sum();
    if times * 100 < all.len() * rules.few_percent {
        return None;
    }
    let few: Vec<AccountId> = ranked.iter().map(|(account, _)| *account).collect();
    let claims = all.iter().filter(|one| few.contains(&one.account)).map(|one| one.claim);
    Some(Found {
        kind: Kind::FewPeople,
        cause: format!("{}:{}", last.organiser, Month::of(last.at)),
        account: last.organiser,
        claims: claims.collect(),
        facts: json!({
            "times": times, "of": all.len(), "people": few.len(), "days": rules.few_days,
        }),
        others: few,
        merchant: None,
        redemptions: Vec::new(),
    })
}

/// What was found, in a sentence.
pub fn sentence(kind: Kind, facts: &Value) -> String {
    let number = |key: &str| facts.get(key).and_then(Value::as_i64).unwrap_or_default();
    let (times, days, seconds) = (number("times"), number("days"), number("seconds"));
    match kind {
        Kind::FastVerification => format!("同一店员在 {seconds} 秒内核销了 {times} 次"),
        Kind::SameBuyer => format!("同一人 {days} 天内在同一商户核销了 {times} 次"),
        Kind::InstantVerification => {
            format!("{days} 天内，同一店员有 {times} 次在对方领码后 {seconds} 秒内为同一人核销")
        }
        Kind::OwnShop => "在自己工作的商户兑换，由同事核销".to_owned(),
        Kind::ImpossibleTravel => format!(
            "两次签到相距 {} 米，中间只有 {} 分钟，来不及到达",
            number("metres"),
            number("minutes")
        ),
        Kind::AlwaysMaximum => format!("最近 {times} 次服务都按岗位的最长时长确认"),
        Kind::FewPeople => format!(
            "{days} 天内确认的 {} 次服务中，有 {times} 次是同样的 {} 个人",
            number("of"),
            number("people")
        ),
    }
}
