//! Powers: new versions come in whole, from a sheet, and one follows the other.

use domain::{
    edition::{RefusedRow, Standing},
    enforcement::power::{self, Deviation, Difference, Edition, Power, PowerKind, Refused},
    org::NodeCode,
    refusal::Invalid,
    time::{self, Timestamp},
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry},
    enforcement::power as store,
    org, violated,
};

use super::sheet;
use crate::{
    app::{case::Ask, duty::departments, transact},
    error::Error,
    sheet::Table,
    state::State,
};

/// A version as it is brought.
#[derive(Debug, Clone)]
pub struct Import {
    /// Whose powers.
    pub unit: NodeCode,
    /// The version's name.
    pub version: String,
    /// The title.
    pub title: String,
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
    /// Where it has not as many powers as the full list.
    pub deviations: Vec<Deviation>,
    /// The row that was written; `None` after a dry run.
    pub list: Option<i64>,
}

/// Imports a version of a unit's powers from a sheet: all of it or nothing.
///
/// # Errors
/// It is no sheet, or lacks columns; the version does not fit; a row is refused and it is no dry
/// run.
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
            let (newest, powers, mut imported) = prepared(tx, &given, &table, now).await?;
            if given.dry_run {
                return Ok(imported);
            }
            if !imported.refused.is_empty() {
                return Err(Refused::Rows(imported.refused).into());
            }
            let list = written(tx, &imported.edition, newest, &powers).await?;
            let Imported { edition, replaces, difference, .. } = &imported;
            let data = difference.told(&edition.version, replaces.as_ref());
            let entry = AuditEntry::new("enforcement.import", "power_list", list, &ask.origin)
                .with(data)
                .by(ask.actor.as_ref());
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
) -> Result<(Option<i64>, Vec<Power>, Imported), Error> {
    let unknown = || Invalid::field("unit", format!("没有代码为 {} 的单位", given.unit));
    let unit = org::unit(tx, &given.unit).await?.ok_or_else(unknown)?;
    let edition =
        Edition::parse((unit.code, unit.kind), &given.version, &given.title, given.valid_from)?;
    if store::exists(tx, &edition.version).await? {
        return Err(Refused::VersionTaken(edition.version).into());
    }
    let (id, replaces) = store::newest(tx, &edition.unit).await?.unzip();
    edition.follows(replaces.as_ref(), time::date(now))?;
    let (powers, refused) = sheet::sort(table, &departments(tx).await?)?;
    let before = match id {
        Some(id) => store::whole(tx, id).await?,
        None => Vec::new(),
    };
    let difference = power::difference(&before, &powers);
    let count = |kind: PowerKind| powers.iter().filter(|power| power.kind == kind).count();
    let (own, devolved) = (count(PowerKind::Own), count(PowerKind::Devolved));
    let deviations = power::deviations(edition.unit_kind, own, devolved);
    let imported = Imported { edition, replaces, difference, refused, deviations, list: None };
    Ok((id, powers, imported))
}

/// Ends the version that is replaced, and writes the new one.
async fn written(
    tx: &mut Connection,
    edition: &Edition,
    newest: Option<i64>,
    powers: &[Power],
) -> Result<i64, Error> {
    if let Some(newest) = newest {
        store::end(tx, newest, edition.valid_from).await?;
    }
    let added =
        store::insert(tx, edition, powers).await.map_err(|error| match violated(&error) {
            // Two first versions of one unit came at once: this one is the later.
            Some("power_list_no_overlap") => Refused::TooEarly {
                version: edition.version.clone(),
                earliest: edition.valid_from.succ_opt().unwrap_or(edition.valid_from),
            }
            .into(),
            _ => Error::from(error),
        })?;
    added.ok_or_else(|| Refused::VersionTaken(edition.version.clone()).into())
}
