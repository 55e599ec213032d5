//! Routing (派单路由): keeping the rules, finding the grid of a place, and proposing units.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use domain::{
    duty::{self, Duty},
    id::{ComplaintId, RoutingRuleId},
    identity::Actor,
    org::NodeCode,
    refusal::{Basic, Invalid},
    routing::{self, ByDuty, Directory, Facts, InGrid, Refused, Routes, Routing, Rule},
    scope::Scope,
    time,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        complaint, duty as duties, org,
        routing::{self as store, Kept, Spot},
    },
    random,
};
use serde_json::json;

use super::{complaint::units, transact};
use crate::{error::Error, state::State};

/// Adds a rule, valid from a day on (today where none is named).
///
/// # Errors
/// A unit or the division is unknown; the same rule is in force.
pub async fn add(
    state: &State,
    actor: Actor,
    origin: Origin,
    says: Routes,
    valid_from: Option<NaiveDate>,
) -> Result<Kept, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            units(tx, std::slice::from_ref(&says.lead), "lead").await?;
            units(tx, &says.assist, "assist").await?;
            if let Some(code) = &says.division
                && org::name(tx, code).await?.is_none()
            {
                return Err(Invalid::field("division", format!("没有代码为 {code} 的区划")).into());
            }
            let valid_from = valid_from.unwrap_or_else(|| time::date(now));
            let rule = Rule { id: random::id(now), says, valid_from, valid_to: None };
            if !store::insert(tx, &rule, Some(actor.account), now).await? {
                return Err(Refused::Exists.into());
            }
            let entry = AuditEntry::new("routing.add", "routing_rule", rule.id, &origin)
                .by(&actor)
                .with(json!({ "lead": rule.says.lead, "category": rule.says.category }));
            audit::append(tx, &entry, now).await?;
            Ok(Kept { rule, created_at: now })
        })
    })
    .await
}

/// # Errors
/// There is no such rule.
pub async fn exists(state: &State, id: RoutingRuleId) -> Result<(), Error> {
    let mut conn = state.db.acquire().await?;
    found(&mut conn, id).await.map(drop)
}

async fn found(conn: &mut Connection, id: RoutingRuleId) -> Result<Kept, Error> {
    let rules = store::rules(conn, None, Some(id), None).await?;
    rules.into_iter().next().ok_or_else(|| Basic::NotFound.into())
}

/// Ends a rule from today on. It stays readable.
///
/// # Errors
/// It is missing, or has ended.
pub async fn end(
    state: &State,
    actor: Actor,
    origin: Origin,
    id: RoutingRuleId,
) -> Result<Kept, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            found(tx, id).await?;
            if !store::end(tx, id, time::date(now)).await? {
                return Err(Refused::Ended.into());
            }
            let entry = AuditEntry::new("routing.end", "routing_rule", id, &origin).by(&actor);
            audit::append(tx, &entry, now).await?;
            found(tx, id).await
        })
    })
    .await
}

/// Where a matter lies, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Located {
    /// The grid.
    pub grid: Option<Spot>,
    /// The estate that the address names.
    pub estate: Option<Spot>,
}

/// Finds the grid of a place: by its point (GCJ-02) first, else by the estate that the address
/// names; a community's only grid needs neither.
///
/// # Errors
/// The database's.
pub async fn locate(
    conn: &mut Connection,
    point: Option<[f64; 2]>,
    community: Option<&NodeCode>,
    address: Option<&str>,
) -> Result<Located, Error> {
    let mut located = Located::default();
    if let Some(point) = point {
        located.grid = store::grid_at(conn, point).await?;
    }
    let Some(community) = community else { return Ok(located) };
    if let Some(address) = address {
        located.estate = store::estate_named(conn, community, address).await?;
    }
    if located.grid.is_none() {
        let above = located.estate.as_ref().and_then(|estate| estate.parent.clone());
        located.grid = store::grid_of(conn, above.as_ref().unwrap_or(community)).await?;
    }
    Ok(located)
}

/// Proposes units for a complaint, the best first, each with the reason.
///
/// # Errors
/// The complaint is missing or foreign.
pub async fn propose(state: &State, scope: &Scope, id: ComplaintId) -> Result<Routing, Error> {
    let mut conn = state.db.acquire().await?;
    let case = complaint::read::detail(&mut conn, scope, id).await?.ok_or(Basic::NotFound)?.facts;
    let reported = store::reported(&mut conn, id).await?;
    let today = time::date(state.clock.now());
    let community = case.community_code;
    let point = case.location.map(|place| [place.lng, place.lat]);
    let located = locate(&mut conn, point, Some(&community), case.address.as_deref()).await?;
    let place = located.estate.as_ref().or(located.grid.as_ref()).map(|spot| &spot.code);
    let facts = Facts {
        category: case.category.as_deref(),
        urgency: case.urgency,
        place: place.unwrap_or(&community),
        management_mode: located.estate.as_ref().and_then(|estate| estate.management_mode),
        item: case.duty_item.as_deref(),
        reported: reported.as_ref(),
    };
    let rules: Vec<Rule> = store::rules(&mut conn, Some(today), None, None)
        .await?
        .into_iter()
        .map(|kept| kept.rule)
        .filter(|rule| rule.says.fits(&facts))
        .collect();
    let by_duty = match facts.item {
        Some(item) => by_duty(&mut conn, item, &community, today).await?,
        None => None,
    };
    let grid = InGrid {
        name: located.grid.as_ref().map_or(case.community_name, |grid| grid.name.clone()),
        community: located
            .grid
            .as_ref()
            .and_then(|grid| grid.parent.clone())
            .unwrap_or_else(|| community.clone()),
    };
    let mut codes: BTreeSet<NodeCode> = [community.clone(), grid.community.clone()].into();
    let named = rules.iter().flat_map(|rule| rule.says.assist.iter().chain([&rule.says.lead]));
    codes.extend(named.cloned());
    codes.extend(
        by_duty.iter().flat_map(|by| by.proposal.assist.iter().chain(&by.proposal.lead)).cloned(),
    );
    let directory = directory(&mut conn, codes, facts.item, today).await?;
    Ok(routing::propose(&facts, &rules, by_duty.as_ref(), Some(&grid), &directory))
}

/// What the named item proposes: to the subdistrict, or to the community where the item stands on
/// the community's own list alone.
async fn by_duty(
    conn: &mut Connection,
    item: &str,
    community: &NodeCode,
    today: NaiveDate,
) -> Result<Option<ByDuty>, Error> {
    let Some(found) = duties::item(conn, item, today).await? else { return Ok(None) };
    let subdistrict = community.superior().unwrap_or_else(|| community.clone());
    let asked = [subdistrict.clone(), community.clone()];
    let lists = duties::valid(conn, &asked, Some(item), today).await?;
    let gives = |code: &NodeCode| {
        let listed = lists.get(code).into_iter().flatten();
        listed.filter_map(|list| list.duty).any(|duty| duty != Duty::None)
    };
    let place = if gives(&subdistrict) || !gives(community) { &subdistrict } else { community };
    Ok(Some(ByDuty { proposal: duty::propose(&found, place), item: found.name }))
}

/// The units that may come up and those above them, with the lists that bind each.
async fn directory(
    conn: &mut Connection,
    codes: BTreeSet<NodeCode>,
    item: Option<&str>,
    today: NaiveDate,
) -> Result<Directory, Error> {
    let codes: Vec<NodeCode> = codes.into_iter().collect();
    let mut units = org::units(conn, &codes).await?;
    let above: Vec<NodeCode> = units.iter().filter_map(|unit| unit.superior.clone()).collect();
    units.extend(org::units(conn, &above).await?);
    let codes: Vec<NodeCode> = units.iter().map(|unit| unit.code.clone()).collect();
    let lists = duties::valid(conn, &codes, item, today).await?;
    let units = units.into_iter().map(|unit| (unit.code.clone(), unit)).collect();
    Ok(Directory { units, lists })
}
