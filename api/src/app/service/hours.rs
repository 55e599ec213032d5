//! Hours from other volunteer platforms (外部平台时长): a sheet whose every row is judged before any
//! is taken; all or nothing.

use std::collections::{BTreeSet, HashMap};

use domain::{
    id::{AccountId, ImportedId},
    identity::{Actor, Permission},
    refusal::Basic,
    service::hours::{self, Column, Found, Judged, Refused, Row},
    time::Timestamp,
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        service::hours::{self as store, Match},
        violated,
    },
};
use serde_json::json;

use crate::{
    app::{
        case::{Ask, carry_out},
        registration::match_index,
        transact,
    },
    error::Error,
    sheet::Table,
    state::State,
};

/// A sheet as it is brought.
#[derive(Debug, Clone)]
pub struct Import {
    /// From which platform.
    pub platform: String,
    /// Show what it would bring, and write nothing.
    pub dry_run: bool,
}

/// Imports hours from a sheet: all of it or nothing.
///
/// # Errors
/// It is no sheet, or lacks columns; a row is refused and it is no dry run.
pub async fn import(
    state: &State,
    ask: Ask,
    given: Import,
    bytes: Vec<u8>,
) -> Result<Judged, Error> {
    let table = tokio::task::spawn_blocking(move || crate::sheet::read(bytes)).await??;
    let now = state.clock.now();
    let (crypto, rules) = (state.crypto.clone(), state.config.hours);
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let (rows, refused) = sorted(&table, now)?;
            let mut judged = judged(tx, (by, &crypto, &rules), &given.platform, rows).await?;
            judged.refused.extend(refused);
            judged.refused.sort_by_key(|row| row.line);
            if given.dry_run {
                return Ok(judged);
            }
            if !judged.refused.is_empty() {
                return Err(Refused::Rows(judged.refused).into());
            }
            let written = (by.account, now);
            let stored = store::insert(tx, &given.platform, &judged.accepted, written).await;
            stored.map_err(|error| match violated(&error) {
                Some("imported_service_record" | "imported_service_no_overlap") => {
                    Refused::AtOnce.into()
                }
                _ => Error::from(error),
            })?;
            let data = json!({ "rows": judged.accepted.len(), "unchanged": judged.unchanged });
            let platform = hours::told(&given.platform);
            let entry =
                AuditEntry::new("service.import_hours", "imported_service", &platform, &ask.origin);
            audit::append(tx, &entry.by(by).with(data), now).await?;
            Ok(judged)
        })
    })
    .await
}

type Sorted = (Vec<Row>, Vec<domain::edition::RefusedRow>);

/// Rows that are well-formed, and rows that are not.
fn sorted(table: &Table, now: Timestamp) -> Result<Sorted, Refused> {
    let known = |column: &Column| (column.code(), column.label());
    let places = table.places(Column::ALL, Column::ALL, known).map_err(Refused::Sheet)?;
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for row in &table.rows {
        match hours::parse(row.line, &|column| places.cell(row, column), now) {
            Ok(row) => rows.push(row),
            Err(row) => refused.push(row),
        }
    }
    Ok((rows, refused))
}

/// Looks up what the rules ask, and lets them judge.
async fn judged(
    tx: &mut Connection,
    (by, crypto, rules): (&Actor, &Crypto, &hours::Rules),
    platform: &str,
    rows: Vec<Row>,
) -> Result<Judged, Error> {
    let indexes: HashMap<u64, Vec<u8>> =
        rows.iter().map(|row| (row.line, match_index(crypto, &row.identity))).collect();
    let distinct: BTreeSet<Vec<u8>> = indexes.values().cloned().collect();
    let distinct: Vec<Vec<u8>> = distinct.into_iter().collect();
    let matches = store::matches(tx, &distinct).await?;
    let found = |row: &Row| {
        let index = indexes.get(&row.line);
        let mut agreeing = matches.iter().filter(|one| Some(&one.index) == index);
        match (agreeing.next(), agreeing.next()) {
            (None, _) => Found::Nobody,
            (Some(_), Some(_)) => Found::Several,
            (Some(one), None) => scoped(by, one),
        }
    };
    let accounts: BTreeSet<AccountId> = matches.iter().filter_map(|one| one.account).collect();
    let accounts: Vec<AccountId> = accounts.into_iter().collect();
    store::lock(tx, &accounts).await?;
    let records: Vec<String> = rows.iter().map(|row| row.record.clone()).collect();
    let known = store::known(tx, platform, &records).await?;
    let from = rows.iter().map(|row| row.started_at).min().unwrap_or_default();
    let to = rows.iter().map(Row::ended_at).max().unwrap_or_default();
    // A day more at both ends: what else counts of the same days.
    let day = chrono::TimeDelta::days(1);
    let mut standing = store::standing(tx, &accounts, (from - day, to + day)).await?;
    Ok(hours::judge(rows, &found, &known, &mut standing, rules))
}

fn scoped(by: &Actor, one: &Match) -> Found {
    match (one.account, &one.community) {
        (Some(account), Some(community)) if by.covers(Permission::OrganisePost, community) => {
            Found::Member(account)
        }
        (Some(_), Some(_)) => Found::Elsewhere,
        _ => Found::Unregistered,
    }
}

/// Withdraws an imported record: it counts no more.
///
/// # Errors
/// Not of the caller's community; withdrawn already.
pub async fn withdraw(
    state: &State,
    ask: Ask,
    id: ImportedId,
    reason: String,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let held = store::lock_record(tx, id).await?.ok_or(Basic::NotFound)?;
            let own = held.community.as_ref();
            if !own.is_some_and(|community| by.covers(Permission::OrganisePost, community)) {
                return Err(Basic::NotFound.into());
            }
            if held.withdrawn_at.is_some() {
                return Err(Refused::Withdrawn.into());
            }
            store::withdraw(tx, id, &reason, (by.account, now)).await?;
            let entry =
                AuditEntry::new("service.withdraw_hours", "imported_service", id, &ask.origin);
            audit::append(tx, &entry.by(by), now).await?;
            Ok(Vec::new())
        })
    })
    .await
}
