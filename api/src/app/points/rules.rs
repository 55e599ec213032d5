//! Versions of the rules (积分规则): proposed by one person, approved by another, tried on what was
//! served last month.

use std::collections::BTreeMap;

use domain::{
    id::{AccountId, PointsRuleId},
    page::{Limit, PageRequest},
    points::{NewRule, ProposalStatus, ProposalStep, Refused, Served, Terms, week},
    refusal::Basic,
    time::{self, Month, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        points::{
            read,
            rule::{self, Done},
        },
        violated,
    },
    random,
};
use serde_json::{Value, json};

use super::{configured, rule_on};
use crate::{
    app::{case::Ask, transact},
    error::Error,
    state::State,
};

/// One version as it stands.
///
/// # Errors
/// There is none.
pub async fn shown(
    tx: &mut Connection,
    id: PointsRuleId,
) -> Result<read::rule::PointsRuleView, Error> {
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    read::rule::list(tx, Some(id), one).await?.pop().ok_or_else(|| Basic::NotFound.into())
}

/// Keeps the configuration's version under its name, so that awards by it can be computed again after
/// the configuration has changed. Other figures under a name that was used are an operator's mistake,
/// which is called out: awards keep only the name.
///
/// # Errors
/// The database's.
pub async fn keep_configured(
    tx: &mut Connection,
    state: &State,
    now: Timestamp,
) -> Result<(), Error> {
    let rule = configured(state);
    let kept = rule::keep_configured(tx, random::id(now), &rule, now).await?;
    if kept != rule.terms {
        tracing::error!(version = %rule.name, "points.award changed under the same points.version");
    }
    Ok(())
}

async fn recorded(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    id: PointsRuleId,
    data: Value,
    now: Timestamp,
) -> Result<(), Error> {
    let entry =
        AuditEntry::new(action, "points_rule", id, &ask.origin).by(ask.actor.as_ref()).with(data);
    Ok(audit::append(tx, &entry, now).await?)
}

/// Proposes a version. The name lets a second click be told.
///
/// # Errors
/// `points_rule_name_taken`.
pub async fn propose(
    state: &State,
    ask: Ask,
    new: NewRule,
) -> Result<read::rule::PointsRuleView, Error> {
    let now = state.clock.now();
    let configured = configured(state).name;
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let taken = |name: &str| Refused::RuleNameTaken { name: name.to_owned() };
            if new.name == configured {
                return Err(taken(&new.name).into());
            }
            let id = random::id(now);
            rule::insert(tx, id, &new, by, now).await.map_err(|error| match violated(&error) {
                Some("points_rule_name") => taken(&new.name).into(),
                _ => Error::from(error),
            })?;
            let data = json!({ "name": new.name, "valid_from": new.valid_from });
            recorded(tx, &ask, "points.propose_rule", id, data, now).await?;
            shown(tx, id).await
        })
    })
    .await
}

/// Takes a step with a version: whoever proposed it withdraws it, another approves or refuses it.
///
/// # Errors
/// There is none; a stale version; [`Refused`]: among them that its day has come already, or another
/// begins on it.
pub async fn decide(
    state: &State,
    ask: Ask,
    id: PointsRuleId,
    (step, note): (ProposalStep, Option<String>),
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let held = rule::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            ask.check_version(held.version)?;
            let status = held.proposal.step(step, by)?;
            let day = held.valid_from.unwrap_or_default();
            if status == ProposalStatus::Approved && day <= time::date(now) {
                return Err(Refused::RuleTooLate { day }.into());
            }
            let decided = (status, note.as_deref());
            rule::decide(tx, id, decided, by, now).await.map_err(|error| {
                match violated(&error) {
                    Some("points_rule_valid_from") => Refused::RuleDayTaken { day }.into(),
                    _ => Error::from(error),
                }
            })?;
            let data = json!({ "status": status });
            recorded(tx, &ask, "points.decide_rule", id, data, now).await
        })
    })
    .await
}

/// What a month's services come to by a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Confirmed services.
    pub services: i64,
    /// Who served.
    pub people: i64,
    /// Points by the rule that counts on the month's last day.
    pub now: i64,
    /// Points by the version that is tried.
    pub then: i64,
    /// Persons who would get more.
    pub more: i64,
    /// Persons who would get fewer.
    pub fewer: i64,
}

/// Tries a version on the services of a month, and posts nothing. Both the version and the rule that
/// counts are tried on the month alone: what the weeks and the year had given before is not counted.
///
/// # Errors
/// The database's.
pub async fn preview(state: &State, terms: &Terms, month: Month) -> Result<Outcome, Error> {
    let mut conn = state.db.acquire().await?;
    let (from, to) = month.bounds();
    let last = time::date(to - chrono::TimeDelta::seconds(1));
    let current = rule_on(&mut conn, state, last).await?;
    let served = rule::served(&mut conn, (from, to)).await?;
    let (now, then) = (by_person(&served, &current.terms), by_person(&served, terms));
    let count = |wanted: fn(i64, i64) -> bool| {
        let found = then.iter().filter(|(person, points)| {
            wanted(**points, now.get(*person).copied().unwrap_or_default())
        });
        i64::try_from(found.count()).unwrap_or(i64::MAX)
    };
    Ok(Outcome {
        services: i64::try_from(served.len()).unwrap_or(i64::MAX),
        people: count(|_, _| true),
        now: now.values().sum(),
        then: then.values().sum(),
        more: count(|then, now| then > now),
        fewer: count(|then, now| then < now),
    })
}

/// What each person's services come to, taken one after the other.
fn by_person(served: &[Done], terms: &Terms) -> BTreeMap<AccountId, i64> {
    let mut given: BTreeMap<AccountId, Vec<(chrono::NaiveDate, i64)>> = BTreeMap::new();
    for one in served {
        let on = time::date(one.began_at);
        let before = given.entry(one.account).or_default();
        let sum = |counts: &dyn Fn(chrono::NaiveDate) -> bool| {
            before.iter().filter(|(day, _)| counts(*day)).map(|(_, points)| points).sum()
        };
        let (monday, next) = week(on);
        let points = terms.service(&Served {
            kind: Some(one.kind),
            minutes: one.minutes.into(),
            factor_percent: one.factor_percent.into(),
            day: sum(&|day| day == on),
            week: sum(&|day| day >= monday && day < next),
            year: sum(&|_| true),
        });
        before.push((on, points));
    }
    let total =
        |days: Vec<(chrono::NaiveDate, i64)>| days.into_iter().map(|(_, points)| points).sum();
    given.into_iter().map(|(person, days)| (person, total(days))).collect()
}
