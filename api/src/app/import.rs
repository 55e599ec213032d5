//! Taking in another hotline's past work orders, all in one transaction: what was good of a file
//! is there whole or not at all, and the same file again brings nothing new.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{
    complaint::Kind,
    id::ComplaintId,
    import::{Defaults, Field, PastOrder},
    org::NodeCode,
    text,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        import::{self, PastCase},
    },
    random,
};
use serde_json::json;

use crate::{
    error::Error,
    sheet::{self, Row, Table},
    state::State,
};

pub mod mapping;
pub mod refused;
pub mod report;

pub use mapping::Mapping;
pub use refused::Refused;
pub use report::{RefusedRow, Summary};

use mapping::Columns;

/// Rows in one statement: enough for round trips not to matter, few enough for a bar that moves.
const BATCH: usize = 100;

/// What to import and how.
#[derive(Debug, Clone)]
pub struct Import {
    /// A CSV file, or a workbook whose first sheet is taken.
    pub file: PathBuf,
    /// What the other system is called; with a row's number it tells whether the row is there.
    pub source: String,
    /// Which column holds which field.
    pub mapping: Mapping,
    /// The community of rows that name none.
    pub community: Option<NodeCode>,
    /// The kind of rows that name none.
    pub kind: Kind,
    /// When rows without a time came in.
    pub default_posted_at: Option<Timestamp>,
    /// Check and count only.
    pub dry_run: bool,
    /// Take in nothing if a row is refused.
    pub strict: bool,
    /// Where to write the refused rows.
    pub report: Option<PathBuf>,
}

/// Told how many of how many new rows are written.
pub type Progress = Arc<dyn Fn(usize, usize) + Send + Sync>;

fn opened(file: &Path) -> Result<Table, Refused> {
    let bytes =
        std::fs::read(file).map_err(|why| Refused::Unreadable { file: file.to_owned(), why })?;
    Ok(sheet::read(bytes)?)
}

/// Imports a file.
///
/// # Errors
/// [`Refused`] when nothing of it can be taken in, or the database failed; nothing is written then.
pub async fn run(state: &State, given: Import, progress: Progress) -> Result<Summary, Error> {
    let source = text::line("source", &given.source, 1, 40)?;
    let file = given.file.clone();
    let table = tokio::task::spawn_blocking(move || opened(&file)).await??;
    let columns = given.mapping.resolve(&table.columns)?;
    let defaults = defaults(state, &given, &columns).await?;
    let rows = table.rows.len();
    let (orders, refused) = sort(&table, &columns, &defaults, state.clock.now());
    if let Some(path) = &given.report {
        report::write(path, &refused)?;
    }
    if given.strict && !refused.is_empty() {
        return Err(Refused::Strict(Summary::nothing(rows, refused, given.report)).into());
    }
    let good = orders.len();
    let new = if given.dry_run {
        let mut conn = state.db.acquire().await?;
        unknown(&mut conn, &source, orders).await?.len()
    } else {
        store(state, source, orders, progress).await?
    };
    Ok(Summary {
        rows,
        new,
        known: good - new,
        refused,
        dry_run: given.dry_run,
        report: given.report,
    })
}

async fn defaults(state: &State, given: &Import, columns: &Columns) -> Result<Defaults, Error> {
    let mut conn = state.db.acquire().await?;
    let places = import::places(&mut conn).await?;
    match &given.community {
        Some(code) if !places.iter().any(|place| place.code == *code) => {
            return Err(Refused::NoSuchCommunity(code.clone()).into());
        }
        None if !columns.has(Field::Community) => return Err(Refused::CommunityMissing.into()),
        _ => {}
    }
    let (community, kind) = (given.community.clone(), given.kind);
    Ok(Defaults { community, kind, posted_at: given.default_posted_at, places })
}

/// The rows that can be taken in, and the others.
fn sort(
    table: &Table,
    columns: &Columns,
    defaults: &Defaults,
    now: Timestamp,
) -> (Vec<PastOrder>, Vec<RefusedRow>) {
    let (mut orders, mut refused) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, u64> = HashMap::new();
    for row in &table.rows {
        match read(row, table, columns, defaults, now) {
            Ok(order) => match seen.get(&order.number) {
                Some(line) => {
                    let reason = format!("编号与第 {line} 行相同");
                    refused.push(RefusedRow::one(row, columns, Field::Number, reason));
                }
                None => {
                    seen.insert(order.number.clone(), row.line);
                    orders.push(order);
                }
            },
            Err(row) => refused.push(row),
        }
    }
    (orders, refused)
}

fn read(
    row: &Row,
    table: &Table,
    columns: &Columns,
    defaults: &Defaults,
    now: Timestamp,
) -> Result<PastOrder, RefusedRow> {
    if row.cells.len() != table.columns.len() {
        let (here, wanted) = (row.cells.len(), table.columns.len());
        let reason = format!("这一行有 {here} 列，表头有 {wanted} 列，请检查逗号和引号");
        return Err(RefusedRow::whole(row, columns, reason));
    }
    PastOrder::parse(|field| columns.cell(row, field), defaults, now)
        .map_err(|invalid| RefusedRow::of(row, columns, invalid))
}

/// Those orders that are not there yet.
async fn unknown(
    conn: &mut Connection,
    source: &str,
    orders: Vec<PastOrder>,
) -> Result<Vec<PastOrder>, Error> {
    let numbers: Vec<String> = orders.iter().map(|order| order.number.clone()).collect();
    let known: HashSet<String> = import::known(conn, source, &numbers).await?;
    Ok(orders.into_iter().filter(|order| !known.contains(&order.number)).collect())
}

/// Writes what is new and answers how many that were.
async fn store(
    state: &State,
    source: String,
    orders: Vec<PastOrder>,
    progress: Progress,
) -> Result<usize, Error> {
    let (now, here) = (state.clock.now(), state.clone());
    super::transact(&state.db, move |conn| {
        Box::pin(async move {
            let terms = here.terms();
            let orders = unknown(conn, &source, orders).await?;
            let (mut done, mut new) = (0, 0_u64);
            for batch in orders.chunks(BATCH) {
                let cases: Vec<PastCase<'_>> = batch
                    .iter()
                    .map(|order| {
                        let id = random::id::<ComplaintId>(order.posted_at);
                        let (case, events) = order.history(id, terms, now);
                        PastCase { order, case, events }
                    })
                    .collect();
                new += import::insert(conn, &source, &cases).await?;
                done += batch.len();
                progress(done, orders.len());
            }
            let origin = Origin::default();
            let entry = AuditEntry::new("complaint.import", "source", &source, &origin)
                .with(json!({ "new": new }));
            audit::append(conn, &entry, now).await?;
            Ok(usize::try_from(new).unwrap_or(usize::MAX))
        })
    })
    .await
}
