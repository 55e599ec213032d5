//! Files: a register comes in whole or not at all, and what is taken away leaves a record.

use std::collections::HashMap;

use domain::{
    id::MemberId,
    org::NodeCode,
    party::{
        ChangeKind, Refused,
        entry::{Change, Entry},
        roll::{self, Bodies, Column},
        tree::Body,
    },
    refusal::Basic,
    scope::Scope,
    sheet::RefusedCell,
    time::{self, Timestamp},
};
use infra::postgres::{
    Connection,
    party::{self as store, Sealed, read::Filter, tree},
};
use serde_json::json;

use super::{
    Personal, put, taken,
    view::{self, MemberView, Shown},
};
use crate::{
    app::{case::Ask, transact},
    error::Error,
    sheet::{Places, Row, Table},
    state::State,
};

/// Rows of a file at most: they come in one transaction.
const ROWS: usize = 5_000;
/// Rows that are taken away at most.
const TAKEN: i64 = 20_000;

/// What came of a file.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Its rows.
    pub rows: usize,
    /// People who are new.
    pub added: usize,
    /// People of whom the full number was not known yet.
    pub completed: usize,
    /// People who stand there already; nothing of theirs is changed.
    pub known: usize,
    /// Cells that cannot be taken in; always empty once something is written.
    pub refused: Vec<RefusedCell>,
}

/// What is done with a row.
enum Fate {
    Add,
    Complete(MemberId),
    Known,
    Refuse(Column, String),
}

/// The file as it is gone through.
struct File<'t> {
    table: &'t Table,
    places: Places<Column>,
    bodies: Bodies,
    all: Vec<Body>,
}

impl File<'_> {
    fn refused(&self, row: &Row, column: Column, reason: String) -> RefusedCell {
        self.places.refused(row, (column, column.label()), reason)
    }

    /// Whether branch and group are what the row takes them for.
    fn misplaced(&self, entry: &Entry) -> Option<(Column, String)> {
        let body = |code: &NodeCode| self.all.iter().find(|body| body.code == *code);
        let branch = body(&entry.branch).filter(|it| domain::org::NodeKind::PartyBranch == it.kind);
        if branch.is_none() {
            return Some((Column::Branch, "要写党支部，不是社区党委或党小组".to_owned()));
        }
        let mut at = entry.group.as_ref();
        for _ in 0..2 {
            let parent = at.and_then(body).and_then(|it| it.parent.as_ref());
            if at.is_none() || parent == Some(&entry.branch) {
                return None;
            }
            at = parent;
        }
        Some((Column::Group, "不属于这一行的党支部".to_owned()))
    }
}

/// Imports a register: all of it or nothing. Whoever stands there already is left alone, so that a
/// file may come twice.
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
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let known = |column: &Column| (column.code(), column.label());
            let places =
                table.places(Column::ALL, &Column::REQUIRED, known).map_err(Refused::Sheet)?;
            table.at_most(ROWS).map_err(Refused::Sheet)?;
            let (bodies, all) = tree::bodies(tx, Scope::of(actor).register()).await?;
            let file = File { table: &table, places, bodies, all };
            // A dry run writes nothing, so it keeps nobody waiting.
            if !dry_run {
                store::hold(tx).await?;
            }
            let (work, mut imported) = sorted(tx, &here, &file, now).await?;
            if dry_run {
                return Ok(imported);
            }
            if !imported.refused.is_empty() {
                return Err(Refused::Cells(std::mem::take(&mut imported.refused)).into());
            }
            for (fate, entry, sealed) in &work {
                written(tx, &here, &ask, (fate, entry, sealed), now).await?;
            }
            let data = json!({
                "rows": imported.rows, "added": imported.added, "completed": imported.completed,
            });
            ask.record(tx, ("party.import", "party_register", "import"), data, now).await?;
            Ok(imported)
        })
    })
    .await
}

/// What is to be done with each row, and what cannot be.
async fn sorted(
    tx: &mut Connection,
    here: &State,
    file: &File<'_>,
    now: Timestamp,
) -> Result<(Vec<(Fate, Entry, Sealed)>, Imported), Error> {
    let mut imported = Imported { rows: file.table.rows.len(), ..Imported::default() };
    let mut work = Vec::new();
    let mut seen = Seen::default();
    for row in &file.table.rows {
        let cell = |column: Column| file.places.cell(row, column);
        let entry = match roll::parse(&cell, &file.bodies, time::date(now)) {
            Ok(entry) => entry,
            Err(faults) => {
                let cells = faults.into_iter().map(|(at, why)| file.refused(row, at, why));
                imported.refused.extend(cells);
                continue;
            }
        };
        if let Some((column, reason)) = file.misplaced(&entry) {
            imported.refused.push(file.refused(row, column, reason));
            continue;
        }
        let sealed = Personal::of(&entry).seal(&here.crypto);
        let fate = match seen.before(&sealed, row.line) {
            Some(first) => Fate::Refuse(Column::IdNumber, format!("与第 {first} 行是同一人")),
            None => seen.completing(fate(tx, &entry, &sealed).await?, row.line),
        };
        match &fate {
            Fate::Add => imported.added += 1,
            Fate::Complete(_) => imported.completed += 1,
            Fate::Known => imported.known += 1,
            Fate::Refuse(column, reason) => {
                imported.refused.push(file.refused(row, *column, reason.clone()));
                continue;
            }
        }
        work.push((fate, entry, sealed));
    }
    Ok((work, imported))
}

/// Who stood in the rows before.
#[derive(Default)]
struct Seen {
    /// The line of each full number.
    numbers: HashMap<Vec<u8>, u64>,
    /// The lines of each name with last six characters, and whether each has the full number.
    matches: HashMap<Vec<u8>, Vec<(u64, bool)>>,
    /// The line that completes a row of the register.
    completed: HashMap<MemberId, u64>,
}

impl Seen {
    /// The line in which this very person stood before. As on the register, two of one name and six
    /// characters are two people only where both have their full numbers.
    fn before(&mut self, sealed: &Sealed, line: u64) -> Option<u64> {
        let number = sealed.id_number.as_ref().map(|number| number.index.clone());
        let alike = self.matches.entry(sealed.tail.index.clone()).or_default();
        let by_match = alike.iter().find(|(_, full)| !full || number.is_none());
        let by_number = number.as_ref().and_then(|number| self.numbers.get(number).copied());
        let first = by_number.or(by_match.map(|(line, _)| *line));
        if first.is_none() {
            alike.push((line, number.is_some()));
            self.numbers.extend(number.map(|number| (number, line)));
        }
        first
    }

    /// One row of the register is completed once: a second person of the name is somebody else.
    fn completing(&mut self, fate: Fate, line: u64) -> Fate {
        let Fate::Complete(id) = fate else { return fate };
        match self.completed.insert(id, line) {
            None => Fate::Complete(id),
            Some(first) => {
                let reason = format!(
                    "与第 {first} 行对应名册上同一名只登记了后六位的党员，请先核对是哪一位"
                );
                Fate::Refuse(Column::IdNumber, reason)
            }
        }
    }
}

/// What the register says to a row.
async fn fate(tx: &mut Connection, entry: &Entry, sealed: &Sealed) -> Result<Fate, Error> {
    let alike = store::alike(tx, sealed).await?;
    let same = alike.iter().find(|one| one.same_number);
    let found =
        same.or_else(|| alike.iter().find(|one| !one.has_number || sealed.id_number.is_none()));
    let Some(found) = found else { return Ok(Fate::Add) };
    if same.is_none() && alike.len() > 1 {
        let reason = "名册上有几人同名且后六位相同，请填写完整的身份证号码".to_owned();
        return Ok(Fate::Refuse(Column::IdNumber, reason));
    }
    if found.branch.as_ref() != Some(&entry.branch) {
        let reason = "这名党员已在名册上，组织关系不在这个党支部；请办理组织关系转接".to_owned();
        return Ok(Fate::Refuse(Column::Branch, reason));
    }
    if !found.has_number && sealed.id_number.is_some() {
        return Ok(Fate::Complete(found.id));
    }
    Ok(Fate::Known)
}

async fn written(
    tx: &mut Connection,
    here: &State,
    ask: &Ask,
    (fate, entry, sealed): (&Fate, &Entry, &Sealed),
    now: Timestamp,
) -> Result<(), Error> {
    match fate {
        Fate::Add => {
            put(tx, here, ask, (entry, sealed), ChangeKind::Imported, now).await?;
        }
        Fate::Complete(id) => {
            let (row, kept) = store::lock(tx, *id).await?.ok_or(Basic::NotFound)?;
            let number = entry.number.full().cloned();
            let changed = row.change(&Change { number, ..Change::default() }, time::date(now))?;
            // The telephone that stands there stays.
            let mut personal = Personal::open(&here.crypto, &kept)?;
            personal.number = entry.number.clone();
            personal.phone = personal.phone.or_else(|| entry.phone.clone());
            store::reseal(tx, *id, &personal.seal(&here.crypto)).await.map_err(taken)?;
            store::save(tx, &changed).await?;
            let by = ask.account();
            store::note(tx, *id, ChangeKind::Completed, by, &json!({}), now).await?;
        }
        Fate::Known | Fate::Refuse(..) => {}
    }
    Ok(())
}

/// What a file may name: the party bodies of the asker's part of the register.
///
/// # Errors
/// The database is away.
pub async fn bodies(state: &State, ask: &Ask) -> Result<Vec<Body>, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let mut conn = state.db.acquire().await?;
    Ok(tree::bodies(&mut conn, Scope::of(actor).register()).await?.1)
}

/// The members to be taken away, with a reason and on record: the names of those whom the asker
/// keeps in full, never a number.
///
/// # Errors
/// The database is away.
pub async fn export(
    state: &State,
    ask: Ask,
    filter: Filter,
    reason: String,
) -> Result<Vec<MemberView>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let rows = store::read::members(tx, &Scope::of(actor), &filter, None, TAKEN).await?;
            let views: Result<Vec<MemberView>, Error> = rows
                .into_iter()
                .map(|row| {
                    let what = Shown { name: row.own, numbers: true };
                    view::shown(&here, row, what)
                })
                .collect();
            let views = views?;
            let data = json!({
                "reason": reason, "rows": views.len(), "branch": filter.branch,
                "estate": filter.estate, "ledger": filter.ledger,
            });
            ask.record(tx, ("party.export", "party_register", "export"), data, now).await?;
            Ok(views)
        })
    })
    .await
}
