//! The case sheet (工单): a complaint as a page to print, made of what its reader may see anyway.

use actix_web::{HttpResponse, get};
use domain::{
    event::Event,
    id::ComplaintId,
    notification::Viewer,
    page::{Limit, PageRequest},
    refusal::Basic,
    scope::Audience,
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    complaint::read,
    event,
    task::read::{self as tasks, TaskView},
};

use super::ComplaintView;
use crate::{
    error::Error,
    http::{
        extract::{On, caller::needs::ReadComplaint},
        printed,
    },
};

mod page;

routes![sheet];

/// What stands on a sheet.
struct Sheet {
    /// The complaint as its reader sees it, with whom to call as far as he may know.
    complaint: ComplaintView,
    /// The reader's own tasks, all for the centre; none for the reporter.
    tasks: Vec<TaskView>,
    /// Everything that happened that the reader may know of, in order.
    events: Vec<Event>,
    /// For whom it is put into words.
    viewer: Viewer,
    /// When it was printed.
    printed_at: Timestamp,
}

impl On<ReadComplaint, ComplaintId> {
    /// Gathers the sheet by the reads that every other answer is made of. Internal notes are not
    /// among them: paper goes to whoever holds it.
    async fn sheet(&self) -> Result<Sheet, Error> {
        let scope = self.caller.scope();
        let mut connection = self.state.db.acquire().await?;
        let found = read::detail(&mut connection, &scope, self.id).await?;
        let detail = found.ok_or(Basic::NotFound)?;
        let viewer = Viewer {
            audience: detail.audience,
            own: detail.audience == Audience::Reporter,
            confidential: detail.facts.confidential,
        };
        let events = self.happened(&mut connection, detail.audience).await?;
        let tasks = match detail.audience {
            Audience::Reporter => Vec::new(),
            Audience::Unit | Audience::Centre => {
                let filter = tasks::Filter { complaint: Some(self.id), ..tasks::Filter::default() };
                let all = PageRequest { after: None, limit: Limit::new(100)? };
                tasks::list(&mut connection, &scope, &filter, all).await?
            }
        };
        let complaint = self.view(&mut connection, detail).await?;
        Ok(Sheet { complaint, tasks, events, viewer, printed_at: self.state.clock.now() })
    }

    /// The whole stream that an audience may read, page by page.
    async fn happened(
        &self,
        connection: &mut Connection,
        audience: Audience,
    ) -> Result<Vec<Event>, Error> {
        let (scope, limit) = (self.caller.scope(), Limit::new(100)?);
        let mut all: Vec<Event> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event.seq);
            let page =
                event::timeline(connection, &scope, audience, self.id.0, after, limit).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

/// 可打印的工单
///
/// 一张 A4 版式的网页，没有脚本，可以直接打印：编号、时间、时限、承办单位、办理经过、答复和评价。
/// 内容与查看诉求时相同，随身份不同；联系电话只有任务未结束的承办单位看得到全号（留痕），其他人看到的已遮盖。内部备注不在其中。
#[utoipa::path(
    operation_id = "complaint.sheet",
    tag = "complaint",
    responses((status = 200, description = "网页", body = String, content_type = "text/html")),
    security(("bearer" = [])),
)]
#[get("/complaints/{id}/sheet")]
async fn sheet(on: On<ReadComplaint, ComplaintId>) -> Result<HttpResponse, Error> {
    Ok(printed::answer(page::html(&on.sheet().await?)))
}
