//! Duty lists: new versions come in whole, from a sheet, and one follows the other.

use domain::{
    duty::{
        Item, ListKind,
        edition::{self, Difference, Edition, Refused},
    },
    edition::{Departments, RefusedRow, Standing},
    org::NodeCode,
    refusal::Invalid,
    time::{self, Timestamp},
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry},
    duty::{self as store, List, edition as editions, proposal as proposals},
    org, violated,
};

use super::{case::Ask, transact};
use crate::{error::Error, sheet::Table, state::State};

pub mod proposal;
pub mod sheet;
pub mod units;

/// A version as it is brought.
#[derive(Debug, Clone)]
pub struct Import {
    /// What the list is for.
    pub kind: ListKind,
    /// The version's name.
    pub version: String,
    /// The title.
    pub title: String,
    /// Whose list it is; `None` for the district's.
    pub division: Option<NodeCode>,
    /// The first day on which it is valid.
    pub valid_from: chrono::NaiveDate,
    /// Show what it would change, and write nothing.
    pub dry_run: bool,
}

/// What came of an import.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The version.
    pub edition: Edition,
    /// The version that it replaces.
    pub replaces: Option<Standing>,
    /// What it changes.
    pub difference: Difference,
    /// Rows that cannot be taken in; always empty once something is written.
    pub refused: Vec<RefusedRow>,
    /// What was adopted for the next version and is not in one yet.
    pub open_proposals: Vec<proposals::Open>,
    /// The row that was written; `None` after a dry run.
    pub list: Option<i64>,
}

/// Imports a version of a list from a sheet: all of it or nothing.
///
/// # Errors
/// It is no sheet, or lacks columns; the version does not fit the list; a row is refused and it is
/// no dry run.
pub async fn import(
    state: &State,
    ask: Ask,
    given: Import,
    bytes: Vec<u8>,
) -> Result<Imported, Error> {
    let table = tokio::task::spawn_blocking(move || crate::sheet::read(bytes)).await??;
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (newest, items, mut imported) = prepared(tx, &given, &table, now).await?;
            if given.dry_run {
                return Ok(imported);
            }
            if !imported.refused.is_empty() {
                return Err(Refused::Rows(imported.refused).into());
            }
            let list = written(tx, &imported.edition, newest, items).await?;
            proposals::settle(tx, list, &imported.difference.touched()).await?;
            let entry = AuditEntry::new("duty.import", "duty_list", list, &ask.origin);
            let Imported { edition, replaces, difference, .. } = &imported;
            let data = difference.told(&edition.version, replaces.as_ref());
            let entry = entry.with(data).by(ask.actor.as_ref());
            audit::append(tx, &entry, now).await?;
            imported.list = Some(list);
            Ok(imported)
        })
    })
    .await
}

/// Checks everything that can be wrong, and what would change. The newest version, whose row comes
/// first, stays locked.
async fn prepared(
    tx: &mut Connection,
    given: &Import,
    table: &Table,
    now: Timestamp,
) -> Result<(Option<i64>, Vec<Item>, Imported), Error> {
    let edition = edition(tx, given).await?;
    if editions::id_of(tx, &edition.version).await?.is_some() {
        return Err(Refused::VersionTaken(edition.version).into());
    }
    let newest = editions::newest(tx, edition.kind, edition.division.as_ref()).await?;
    let (id, standing) = newest.unzip();
    edition.follows(standing.as_ref(), time::date(now))?;
    let (items, refused) = sheet::sort(table, edition.kind, &departments(tx).await?)?;
    let before = match id {
        Some(id) => editions::items(tx, id).await?,
        None => Vec::new(),
    };
    let open_proposals = proposals::adopted(tx, edition.kind, edition.division.as_ref()).await?;
    let difference = edition::difference(&before, &items);
    let imported =
        Imported { edition, replaces: standing, difference, refused, open_proposals, list: None };
    Ok((id, items, imported))
}

async fn edition(tx: &mut Connection, given: &Import) -> Result<Edition, Error> {
    let division = match &given.division {
        None => None,
        Some(code) => {
            let unknown = || Invalid::field("division", format!("没有代码为 {code} 的街道或社区"));
            let unit = org::unit(tx, code).await?.ok_or_else(unknown)?;
            Some((unit.code, unit.kind))
        }
    };
    let (version, title) = (&given.version, &given.title);
    Ok(Edition::parse(given.kind, version, title, division, given.valid_from)?)
}

/// The departments and utilities that a sheet may name.
///
/// # Errors
/// The database's.
pub(super) async fn departments(tx: &mut Connection) -> Result<Departments, Error> {
    let all = org::read::departments(tx).await?;
    let named = all
        .into_iter()
        .flat_map(|entry| [(entry.code.to_string(), entry.code.clone()), (entry.name, entry.code)]);
    Ok(named.collect())
}

/// Ends the version that is replaced, and writes the new one.
async fn written(
    tx: &mut Connection,
    edition: &Edition,
    newest: Option<i64>,
    items: Vec<Item>,
) -> Result<i64, Error> {
    if let Some(newest) = newest {
        editions::end(tx, newest, edition.valid_from).await?;
    }
    let taken = || Error::from(Refused::VersionTaken(edition.version.clone()));
    let list = List {
        kind: edition.kind,
        version: edition.version.clone(),
        title: edition.title.clone(),
        division: edition.division.clone(),
        valid_from: edition.valid_from,
        valid_to: None,
        items,
    };
    let added = store::insert_lists(tx, &[list]).await.map_err(|error| match violated(&error) {
        // Two first versions of one list came at once: this one is the later.
        Some("duty_list_no_overlap") => Refused::TooEarly {
            version: edition.version.clone(),
            earliest: edition.valid_from.succ_opt().unwrap_or(edition.valid_from),
        }
        .into(),
        _ => Error::from(error),
    })?;
    if added == 0 {
        return Err(taken());
    }
    editions::id_of(tx, &edition.version).await?.ok_or_else(taken)
}
