//! Exports (导出): asked for, made by a job, fetched by a link.
//!
//! A workbook is made with the rights that its account has when the job runs, page by page, up to
//! [`MOST_ROWS`] rows. It lies in the database until files have a store of their own, and for a
//! day at most. The link to it is signed and short-lived, so that a browser fetches it without a
//! token.

use std::collections::HashMap;

use domain::{
    export::{AT_ONCE, KEPT, LONGEST, MOST_ROWS, Refused, Status},
    id::{AccountId, ComplaintId, ExportId, JobId},
    identity::{Actor, Permission},
    page::{Limit, PageRequest},
    scope::{Audience, Scope},
    time::Timestamp,
    view::List,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        complaint::{self, SealedContact},
        export::{self as store, Export},
        identity as accounts,
        job::{self, NewJob},
        task,
    },
    random,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    case::Ask,
    complaint::opened,
    idempotent::{self, Answer, Once},
};
use crate::{
    error::Error,
    sheet::{self, Sheet},
    state::State,
};

mod link;
mod rows;

pub use link::{Link, workbook};

/// What somebody wants to take away.
#[derive(Debug, Clone, Serialize)]
pub struct Order {
    /// Which list.
    pub list: List,
    /// The list's filter, as its store takes it.
    pub filter: Value,
    /// Telephone numbers in full.
    pub unmask: bool,
    /// Why in full.
    pub reason: Option<String>,
}

/// The answer to an order.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ordered {
    /// The export's id.
    pub id: ExportId,
    /// The list.
    pub list: List,
    /// Where it stands.
    pub status: Status,
    /// Rows so far.
    pub done: i32,
    /// It is deleted then.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// Takes an order; a worker makes the workbook.
///
/// # Errors
/// `export_limit_reached`; the key was used for another command.
pub async fn order(
    state: &State,
    ask: Ask,
    once: Once,
    account: AccountId,
    order: Order,
) -> Result<Answer<Vec<JobId>>, Error> {
    let now = state.clock.now();
    let answer = idempotent::run(state, once, 202, move |tx| {
        Box::pin(async move { take(tx, &ask, account, order, now).await })
    })
    .await?;
    if let Some(jobs) = &answer.fresh {
        state.redis.wake(jobs).await;
    }
    Ok(answer)
}

async fn take(
    tx: &mut Connection,
    ask: &Ask,
    account: AccountId,
    order: Order,
    now: Timestamp,
) -> Result<(Ordered, Vec<JobId>), Error> {
    if store::unfinished(tx, account, now - LONGEST).await? >= AT_ONCE {
        return Err(Refused::Limit.into());
    }
    let Order { list, filter, unmask, reason } = order;
    let (id, expires_at) = (random::id::<ExportId>(now), now + KEPT);
    let export = Export { id, account, list, filter, unmask, reason, expires_at };
    store::insert(tx, &export, now).await?;
    let entry = AuditEntry::new("export.order", "export", id, &ask.origin)
        .by(ask.actor.as_ref())
        .with(json!({ "list": list, "unmask": unmask, "reason": export.reason }));
    audit::append(tx, &entry, now).await?;
    let job = NewJob {
        id: random::id(now),
        kind: MakeExport::KIND,
        dedupe: format!("{}:{id}", MakeExport::KIND),
        payload: serde_json::to_value(MakeExport { export: id })?,
        run_at: now,
        max_attempts: 3,
    };
    let jobs = job::enqueue(tx, &job, now).await?.into_iter().collect();
    Ok((Ordered { id, list, status: Status::Queued, done: 0, expires_at }, jobs))
}

/// Makes a workbook that was ordered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MakeExport {
    export: ExportId,
}

/// Removes workbooks at their end, and gives up what no worker finished.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepExports {}

impl SweepExports {
    /// The kind of the job.
    pub const KIND: &'static str = "sweep_exports";

    /// Does it.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        Ok(store::sweep(tx, now - LONGEST, now).await?)
    }
}

impl MakeExport {
    /// The kind of the job.
    pub const KIND: &'static str = "make_export";

    /// Makes it inside the job's transaction. Whoever lost the right meanwhile gets nothing.
    ///
    /// # Errors
    /// The database's; the job tries again.
    pub async fn make(self, tx: &mut Connection, state: &State) -> Result<(), Error> {
        let now = state.clock.now();
        let Some(export) = store::open(tx, self.export).await? else { return Ok(()) };
        let Some(actor) = entitled(tx, &export).await? else {
            return Ok(store::fail(tx, export.id, now).await?);
        };
        let mut making = Making { state, export, actor, contacts: 0 };
        let (sheet, cut) = making.sheet(tx).await?;
        let rows = sheet.rows.len() - usize::from(cut);
        let workbook = tokio::task::spawn_blocking(move || sheet::write_workbook(&[sheet])).await?;
        let workbook = workbook.map_err(|flaw| Error::Internal(Box::new(flaw)))?;
        store::finish(tx, making.export.id, rows, cut, &workbook, now).await?;
        making.audit(tx, rows, now).await
    }
}

/// Who asked, if the account may still take this away.
async fn entitled(tx: &mut Connection, export: &Export) -> Result<Option<Actor>, Error> {
    let account = accounts::find(tx, export.account).await?;
    if account.is_none_or(|account| account.disabled_at.is_some()) {
        return Ok(None);
    }
    let grants = accounts::grants(tx, export.account).await?;
    let actor = Actor { account: export.account, grants };
    let may = actor.may(Permission::ExportList)
        && (!export.unmask || actor.may(Permission::UnmaskContact));
    Ok(may.then_some(actor))
}

/// A workbook in the making.
struct Making<'a> {
    state: &'a State,
    export: Export,
    actor: Actor,
    /// How many telephone numbers it holds.
    contacts: usize,
}

impl Making<'_> {
    /// Reads the list page by page; says whether it was cut.
    async fn sheet(&mut self, tx: &mut Connection) -> Result<(Sheet, bool), Error> {
        let scope = Scope::of(&self.actor);
        let list = self.export.list;
        let mut sheet = Sheet {
            name: list.label().to_owned(),
            columns: rows::columns(list).iter().map(|name| (*name).to_owned()).collect(),
            rows: Vec::new(),
        };
        let mut page = PageRequest { after: None, limit: Limit::new(100)? };
        loop {
            page.after = match list {
                List::Complaints => self.complaints(tx, &scope, page, &mut sheet).await?,
                List::Tasks => self.tasks(tx, &scope, page, &mut sheet).await?,
            };
            if sheet.rows.len() >= MOST_ROWS && page.after.is_some() {
                sheet.rows.truncate(MOST_ROWS);
                let said = format!("只导出前 {MOST_ROWS} 行，请缩小筛选范围后再导出其余");
                sheet.rows.push(vec![said.into()]);
                return Ok((sheet, true));
            }
            if page.after.is_none() {
                return Ok((sheet, false));
            }
            let mut aside = self.state.db.acquire().await?;
            store::progress(&mut aside, self.export.id, sheet.rows.len()).await?;
        }
    }

    async fn complaints(
        &mut self,
        tx: &mut Connection,
        scope: &Scope,
        page: PageRequest,
        sheet: &mut Sheet,
    ) -> Result<Option<domain::page::Cursor>, Error> {
        let filter = serde_json::from_value(self.export.filter.clone())?;
        let mut found = complaint::read::list(tx, scope, &filter, page).await?;
        let more = rows::cut_to(&mut found, page.limit);
        let ids: Vec<ComplaintId> = found.iter().map(|row| row.id).collect();
        // Units see a number only while they handle the case, each look on record: not in bulk.
        let sealed = match scope.audience() {
            Audience::Centre => store::contacts(tx, &ids).await?,
            Audience::Unit | Audience::Reporter => Vec::new(),
        };
        self.contacts += sealed.len();
        let sealed: HashMap<ComplaintId, SealedContact> = sealed.into_iter().collect();
        for row in &found {
            let contact = sealed.get(&row.id).map(|one| opened(self.state, row.id, one));
            sheet.rows.push(rows::complaint(row, contact.transpose()?, self.export.unmask));
        }
        Ok(found.last().filter(|_| more).map(complaint::read::Summary::cursor))
    }

    async fn tasks(
        &self,
        tx: &mut Connection,
        scope: &Scope,
        page: PageRequest,
        sheet: &mut Sheet,
    ) -> Result<Option<domain::page::Cursor>, Error> {
        let filter = serde_json::from_value(self.export.filter.clone())?;
        let mut found = task::read::list(tx, scope, &filter, page).await?;
        let more = rows::cut_to(&mut found, page.limit);
        sheet.rows.extend(found.iter().map(rows::task));
        Ok(found.last().filter(|_| more).map(task::read::TaskView::cursor))
    }

    /// What was taken away: how many rows, and how many numbers in full.
    async fn audit(&self, tx: &mut Connection, rows: usize, now: Timestamp) -> Result<(), Error> {
        let unmasked = if self.export.unmask { self.contacts } else { 0 };
        let origin = Origin::default();
        let entry = AuditEntry::new("export.make", "export", self.export.id, &origin)
            .by(&self.actor)
            .with(json!({ "rows": rows, "unmasked": unmasked, "reason": self.export.reason }));
        Ok(audit::append(tx, &entry, now).await?)
    }
}
