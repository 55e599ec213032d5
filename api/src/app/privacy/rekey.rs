//! A change of keys or algorithms: sealing anew what is sealed, and making blind indexes anew.
//! What is done is on record without an account: it happens on the server itself.

use std::sync::Arc;

use domain::id::AttachmentId;
use infra::{
    postgres::{
        attachment,
        audit::{self, AuditEntry, Origin},
        privacy::{
            rekey::{self as store, Done, Left, Place},
            sealed::{INDEXES, SEALED},
        },
    },
    storage::{Name, Part},
};
use serde_json::{Value, json};

use super::super::transact;
use crate::{error::Error, state::State};

/// Rows of one transaction.
const BATCH: i64 = 500;
/// Rows of one statement, where all are in one transaction.
const AT_ONCE: i64 = 2_000;

/// What was sealed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Values of sealed columns.
    pub values: u64,
    /// Files of the store.
    pub files: u64,
}

/// What is sealed by another key or algorithm than is configured.
///
/// # Errors
/// The database's.
pub async fn left(state: &State) -> Result<Vec<Left>, Error> {
    Ok(store::left(&mut *state.db.acquire().await?, &state.crypto).await?)
}

/// The columns that were indexed by another key or algorithm than is configured.
///
/// # Errors
/// The database's.
pub async fn strange(state: &State) -> Result<Vec<String>, Error> {
    Ok(store::strange(&mut *state.db.acquire().await?, &state.crypto).await?)
}

/// Seals anew whatever another key or algorithm sealed, columns and files, beside the running
/// system. Each batch is a transaction: after a break a second run goes on where the first ended.
///
/// # Errors
/// The database's; the store's; of tables that are only added to, for whoever does not own them.
pub async fn reseal(state: &State) -> Result<Resealed, Error> {
    let mut values = 0;
    for column in SEALED {
        // What others held during one run is taken by the next.
        loop {
            let done = reseal_column(state, column).await?;
            values += done.changed;
            if done.broken > 0 {
                tracing::error!(
                    table = column.table,
                    column = column.column,
                    rows = done.broken,
                    "sealed by a key that is not configured"
                );
            }
            if done.changed == 0 {
                break;
            }
        }
    }
    let files = reseal_files(state).await?;
    if values > 0 || files > 0 {
        let data = json!({ "values": values, "files": files, "key": state.crypto.tag() & 0x7f });
        on_record(state, "keys.reseal", data).await?;
    }
    Ok(Resealed { values, files })
}

async fn reseal_column(
    state: &State,
    column: &'static infra::postgres::privacy::sealed::Sealed,
) -> Result<Done, Error> {
    let mut all = Done::default();
    let mut place = Place::default();
    loop {
        let (crypto, from) = (Arc::clone(&state.crypto), place.clone());
        let (done, next) = transact(&state.db, move |tx| {
            Box::pin(async move { Ok(store::reseal(tx, &crypto, column, &from, BATCH).await?) })
        })
        .await?;
        all.changed += done.changed;
        all.broken += done.broken;
        match next {
            Some(next) => place = next,
            None => return Ok(all),
        }
    }
}

/// Files are at most ten megabytes, one at a time in memory.
async fn reseal_files(state: &State) -> Result<u64, Error> {
    let (mut files, mut after) = (0, None::<AttachmentId>);
    loop {
        let ids = attachment::ids(&mut *state.db.acquire().await?, after, BATCH).await?;
        let Some(last) = ids.last().copied() else { return Ok(files) };
        for id in ids {
            for part in [Part::Whole, Part::Thumbnail] {
                let name = Name { id, part };
                let resealed = state.files.reseal(&state.crypto, name).await;
                if !resealed.map_err(|error| Error::Internal(Box::new(error)))? {
                    continue;
                }
                files += 1;
                // Deleted meanwhile: what was written after it would never be found.
                if !attachment::exists(&mut *state.db.acquire().await?, id).await? {
                    state
                        .files
                        .remove(name)
                        .await
                        .map_err(|error| Error::Internal(Box::new(error)))?;
                }
            }
        }
        after = Some(last);
    }
}

/// Makes every blind index anew by the configured key and algorithm, all in one transaction. No
/// process may run meanwhile: what it looks up by the old ones would not be found.
///
/// # Errors
/// The database's; something cannot be opened: then nothing was changed.
pub async fn reindex(state: &State) -> Result<u64, Error> {
    let crypto = Arc::clone(&state.crypto);
    let changed = transact(&state.db, move |tx| {
        Box::pin(async move {
            let mut changed = 0;
            for index in INDEXES {
                let mut place = Some(Place::default());
                while let Some(from) = place {
                    let (done, next) = store::reindex(tx, &crypto, index, &from, AT_ONCE).await?;
                    if done.broken > 0 {
                        return Err(infra::crypto::Broken.into());
                    }
                    changed += done.changed;
                    place = next;
                }
            }
            Ok(changed)
        })
    })
    .await?;
    if changed > 0 {
        on_record(state, "keys.reindex", json!({ "indexes": changed })).await?;
    }
    Ok(changed)
}

async fn on_record(state: &State, action: &'static str, data: Value) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let origin = Origin::default();
            let entry = AuditEntry::new(action, "keys", "data_key", &origin).with(data);
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await
}
