//! The audit trail: sealing it, verifying it, searching it, and dropping what was kept long enough.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use domain::{
    audit::{
        Search,
        chain::{self, Finding, Verifier},
    },
    identity::Actor,
    page::PageRequest,
    refusal::Invalid,
    scope::Scope,
    time::{Month, Timestamp},
};
use infra::{
    heads,
    postgres::{
        Connection,
        audit::{
            self as store, AuditEntry, Origin,
            chain::{self as blocks, End},
            read::{self, Found},
        },
    },
};
use serde_json::json;

use super::transact;
use crate::{error::Error, state::State};

/// Blocks that verification holds at once.
const AT_ONCE: i64 = 50;
/// Months whose tables are made ahead. One that is missing all the same is made when needed.
const AHEAD: usize = 2;

/// The job that seals what nobody can add to any more.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct SealAudit {}

impl SealAudit {
    /// The kind of the job.
    pub const KIND: &'static str = "seal_audit";
}

/// The job that makes the tables of the next months.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct MakeAuditMonths {}

impl MakeAuditMonths {
    /// The kind of the job.
    pub const KIND: &'static str = "make_audit_months";
}

/// Writes the heads that are committed to the folder outside, then seals further blocks, whose heads
/// the next run writes: what is outside is never ahead of the database.
///
/// # Errors
/// The database's. A folder that cannot be written to is an error in the log, and stops nothing.
pub async fn seal(tx: &mut Connection, state: &State) -> Result<(), Error> {
    if let Err(why) = publish(tx, &state.config.audit.heads).await {
        tracing::error!(%why, "audit heads not written outside the database");
    }
    for head in blocks::seal(tx, state.clock.now()).await? {
        tracing::info!(%head, "audit block sealed");
    }
    Ok(())
}

async fn publish(conn: &mut Connection, folder: &str) -> Result<(), Error> {
    if folder.is_empty() {
        return Ok(());
    }
    let file = heads::file(folder);
    let last = heads::last(&file).map_err(broken)?;
    let from = last.map_or(0, |last| last.no - 1);
    let mut there = blocks::heads(conn, from).await?;
    if let Some(last) = last {
        // The chain must go on from the head that was written last.
        if there.first().is_none_or(|first| first.no != last.no || first.hash != last.hash) {
            return Err(Error::Internal(
                format!("block {} is not the one that was sealed: run admin audit verify", last.no)
                    .into(),
            ));
        }
        there.remove(0);
    }
    if there.is_empty() {
        return Ok(());
    }
    tokio::task::spawn_blocking(move || heads::add(&file, &there)).await?.map_err(broken)
}

fn broken(why: io::Error) -> Error {
    Error::Internal(Box::new(why))
}

/// Makes the tables of this month and the next ones.
///
/// # Errors
/// The database's.
pub async fn make_months(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
    for month in std::iter::successors(Some(Month::of(now)), |m| Some(m.next())).take(AHEAD + 1) {
        store::make_month(tx, month).await?;
    }
    Ok(())
}

/// What verification saw.
#[derive(Debug)]
pub struct Report {
    /// Blocks of the chain.
    pub blocks: i64,
    /// Entries that stand at sealed places.
    pub entries: u64,
    /// Heads known outside the database.
    pub heads: usize,
    /// Where the chain ends, and what no block holds yet.
    pub end: End,
    /// What is not as it was sealed.
    pub findings: Vec<Finding>,
}

/// Compares every sealed entry and block with what was sealed, and the chain with the heads in these
/// files; without any, with those in the configured folder.
///
/// # Errors
/// The database's, or a file cannot be read.
pub async fn verify(state: &State, files: &[PathBuf]) -> Result<Report, Error> {
    let (known, odd) = known_heads(files, &state.config.audit.heads)?;
    transact(&state.db, move |tx| Box::pin(async move { compare(tx, known, odd).await })).await
}

fn known_heads(
    files: &[PathBuf],
    folder: &str,
) -> Result<(BTreeMap<i64, chain::Digest>, Vec<Finding>), Error> {
    let configured = [heads::file(folder)];
    let files = match files {
        [] if folder.is_empty() || !configured.iter().all(|file| file.exists()) => &[],
        [] => &configured[..],
        given => given,
    };
    let read = |file: &PathBuf| {
        fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(broken)
    };
    let texts = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(chain::heads(texts.iter().map(String::as_str)))
}

async fn compare(
    tx: &mut Connection,
    known: BTreeMap<i64, chain::Digest>,
    odd: Vec<Finding>,
) -> Result<Report, Error> {
    blocks::hold_still(tx).await?;
    let heads = known.len();
    let mut verifier = Verifier::new(known, blocks::dropped(tx).await?);
    let mut place = 0;
    loop {
        let page = blocks::blocks(tx, verifier.last(), AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        let standing = blocks::standing(tx, place, last.to_seq).await?;
        place = last.to_seq;
        let mut rest = standing.as_slice();
        for block in &page {
            let (here, after) = rest.split_at(rest.partition_point(|one| one.seq <= block.to_seq));
            rest = after;
            verifier.block(block, blocks::hash(block), here);
        }
    }
    let (blocks, entries) = (verifier.last(), verifier.entries());
    let mut findings = odd;
    findings.extend(verifier.finish());
    Ok(Report { blocks, entries, heads, end: blocks::ends(tx).await?, findings })
}

/// A page of the trail for the auditor. The search itself is an entry.
///
/// # Errors
/// The database's.
pub async fn search(
    state: &State,
    actor: &Actor,
    origin: Origin,
    wanted: Search,
    page: PageRequest,
) -> Result<Vec<Found>, Error> {
    let (now, actor) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let found = read::search(tx, &Scope::of(&actor), &wanted, page).await?;
            let entry = AuditEntry::new("audit.search", "audit", "trail", &origin)
                .by(&actor)
                .with(json!(wanted));
            store::append(tx, &entry, now).await?;
            Ok(found)
        })
    })
    .await
}

/// Where the chain ends, for the auditor to compare with the heads outside.
///
/// # Errors
/// The database's.
pub async fn ends(state: &State) -> Result<End, Error> {
    Ok(blocks::ends(&mut *state.db.acquire().await?).await?)
}

/// Writes a month's entries to a new file and drops them from the database, once they were kept long
/// enough. The blocks stay, so that the chain can still be verified, and so does an entry that says
/// what was dropped. Answers how many entries that were.
///
/// # Errors
/// `invalid_field`: too early, no such month, not yet sealed, or verification finds something; or the
/// file is there already or cannot be written.
pub async fn drop_month(state: &State, month: Month, file: &Path) -> Result<i64, Error> {
    let now = state.clock.now();
    state.config.audit.droppable(month, now)?;
    let refuse = |reason: String| Error::from(Invalid::field("month", reason));
    let report = verify(state, &[]).await?;
    if let Some(first) = report.findings.first() {
        return Err(refuse(format!(
            "审计链核验发现 {} 处问题（{first}），查清以前不能清除",
            report.findings.len()
        )));
    }
    let file = file.to_owned();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if !blocks::has_month(tx, month).await? {
                return Err(refuse(format!("没有 {month} 的审计记录")));
            }
            let out = fs::File::create_new(&file).map_err(broken)?;
            let mut out = io::BufWriter::new(out);
            let (count, unsealed) = blocks::write_month(tx, month, &mut out).await?;
            out.into_inner().map_err(|why| broken(why.into_error()))?.sync_all().map_err(broken)?;
            if unsealed > 0 {
                return Err(refuse(format!("{month} 还有 {unsealed} 条记录没有封入区块")));
            }
            blocks::drop_month(tx, month).await?;
            let origin = Origin::default();
            let entry = AuditEntry::new(blocks::DROPPED, "audit_month", month, &origin);
            store::append(tx, &entry.with(json!({ "entries": count })), now).await?;
            Ok(count)
        })
    })
    .await
}
