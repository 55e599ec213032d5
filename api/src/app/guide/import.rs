//! The guide as a file: it comes in whole or not at all, each row an item that is handed in.

use std::collections::HashMap;

use domain::{
    guide::{
        Item, Refused,
        sheet::{self, Column},
    },
    id::{GuideId, JobId},
    identity::Permission,
    org::NodeCode,
    refusal::{Basic, Refusal},
    sheet::RefusedCell,
    time::{self, Timestamp},
};
use infra::postgres::{Connection, guide as store, publication};
use serde_json::json;

use super::{begun, revised};
use crate::{
    app::{case::Ask, publication::handed_in, transact},
    error::Error,
    sheet::{Places, Row, Sheet, filled_in_by},
    state::State,
};

/// Rows of a file at most: they come in one transaction.
const ROWS: usize = 2_000;

/// What came of a file.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Its rows.
    pub rows: usize,
    /// Items that are new.
    pub added: usize,
    /// Items that have a new edition.
    pub changed: usize,
    /// Items that stand there as they are.
    pub known: usize,
    /// Cells that cannot be taken in; always empty once something is written.
    pub refused: Vec<RefusedCell>,
}

/// What is done with a row.
enum Fate {
    Add,
    Change(GuideId),
    Known,
}

/// An empty file to be filled in, and beside it what each column takes.
pub fn template() -> [Sheet; 2] {
    let takes = Column::ALL.iter().map(|column| (column.label(), column.takes().to_owned()));
    filled_in_by("办事指南", takes)
}

/// Imports items of the asker's units: all of them or nothing. What stands there as it is in the file
/// is left alone, so that a file may come twice; the rest is handed in as if it were written by hand.
///
/// # Errors
/// It is no sheet, lacks columns, or has too many rows; a cell is refused and it is no dry run.
pub async fn import(
    state: &State,
    ask: Ask,
    dry_run: bool,
    bytes: Vec<u8>,
) -> Result<Imported, Error> {
    let table = tokio::task::spawn_blocking(move || crate::sheet::read(bytes)).await??;
    let now = state.clock.now();
    let (imported, jobs) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let known = |column: &Column| (column.code(), column.label());
            let places =
                table.places(Column::ALL, &Column::REQUIRED, known).map_err(Refused::Sheet)?;
            table.at_most(ROWS).map_err(Refused::Sheet)?;
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let own = actor.nodes(Permission::KeepGuide);
            let (work, mut imported) = sorted(tx, &table.rows, &places, &own, now).await?;
            if dry_run {
                return Ok((imported, Vec::new()));
            }
            if !imported.refused.is_empty() {
                return Err(Refused::Cells(std::mem::take(&mut imported.refused)).into());
            }
            let mut jobs = Vec::new();
            for (fate, unit, item) in &work {
                jobs.extend(written(tx, &ask, (fate, unit, item), now).await?);
            }
            let data = json!({
                "rows": imported.rows, "added": imported.added, "changed": imported.changed,
            });
            ask.record(tx, ("guide.import", "guide", "import"), data, now).await?;
            Ok((imported, jobs))
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(imported)
}

/// What is to be done with each row, and what cannot be.
async fn sorted(
    tx: &mut Connection,
    rows: &[Row],
    places: &Places<Column>,
    own: &[NodeCode],
    now: Timestamp,
) -> Result<(Vec<(Fate, NodeCode, Item)>, Imported), Error> {
    let mut imported = Imported { rows: rows.len(), ..Imported::default() };
    let mut work = Vec::new();
    let mut lines: HashMap<(NodeCode, String), u64> = HashMap::new();
    for row in rows {
        let refused = |column: Column, why| places.refused(row, (column, column.label()), why);
        let cell = |column: Column| places.cell(row, column);
        let (unit, item) = match sheet::parse(&cell, own, time::date(now)) {
            Ok(read) => read,
            Err(faults) => {
                imported.refused.extend(faults.into_iter().map(|(at, why)| refused(at, why)));
                continue;
            }
        };
        if let Some(first) = lines.insert((unit.clone(), item.title.clone()), row.line) {
            let reason = format!("与第 {first} 行是同一事项");
            imported.refused.push(refused(Column::Title, reason));
            continue;
        }
        let fate = match fate(tx, &unit, &item).await? {
            Ok(fate) => fate,
            Err(reason) => {
                imported.refused.push(refused(Column::Title, reason));
                continue;
            }
        };
        match &fate {
            Fate::Add => imported.added += 1,
            Fate::Change(_) => imported.changed += 1,
            Fate::Known => imported.known += 1,
        }
        work.push((fate, unit, item));
    }
    Ok((work, imported))
}

/// What the guide says to a row; in words when it cannot be.
async fn fate(
    tx: &mut Connection,
    unit: &NodeCode,
    item: &Item,
) -> Result<Result<Fate, String>, Error> {
    let Some(id) = store::titled(tx, unit, &item.title).await? else { return Ok(Ok(Fate::Add)) };
    let Some(latest) = store::latest(tx, id).await? else { return Ok(Ok(Fate::Add)) };
    // A file without the first day says the same as one that was brought before.
    let same = Item { valid_from: latest.valid_from, ..item.clone() } == latest;
    if same {
        return Ok(Ok(Fate::Known));
    }
    let locked = publication::lock(tx, id.into()).await?.ok_or(Basic::NotFound)?;
    Ok(match locked.publication().revise() {
        Ok(_) => Ok(Fate::Change(id)),
        Err(refused) => Err(format!("{refused}（{}）", refused.code())),
    })
}

async fn written(
    tx: &mut Connection,
    ask: &Ask,
    (fate, unit, item): (&Fate, &NodeCode, &Item),
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let id = match fate {
        Fate::Known => return Ok(Vec::new()),
        Fate::Add => {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            begun(tx, ask, (unit, item), (by, now)).await?
        }
        Fate::Change(id) => {
            revised(tx, ask, *id, item, now).await?;
            *id
        }
    };
    handed_in(tx, ask, id.into(), now).await
}
