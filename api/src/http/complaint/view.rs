//! A complaint as it is shown: a view for each audience, made from one read.

use actix_web::{HttpResponse, http::header::ETAG};
use domain::{
    event::Event,
    id::ComplaintId,
    page::Cursor,
    personal::{PersonName, Phone},
    refusal::Basic,
    scope::Audience,
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry},
    complaint::read::{
        self, Detail, Facts, Reporter,
        duplicates::{RepeatView, repeat_of},
    },
    final_reply::read::{FinalReplyHint, hints},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::complaint::contact_of,
    error::Error,
    http::extract::{Addressed, On},
};

/// 诉求（内容随身份不同）
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ComplaintView {
    /// 反映人看到的
    Reporter(ReporterView),
    /// 承办单位和辖区工作者看到的：没有反映人信息
    Unit(UnitView),
    /// 区中心看到的
    Centre(CentreView),
}

/// 反映人看到的诉求
#[derive(Debug, Serialize, ToSchema)]
pub struct ReporterView {
    /// 诉求
    #[serde(flatten)]
    pub facts: Facts,
}

/// 承办单位看到的诉求
#[derive(Debug, Serialize, ToSchema)]
pub struct UnitView {
    /// 诉求
    #[serde(flatten)]
    pub facts: Facts,
    /// 联系人；只在本单位任务未结束、诉求不保密时可见，查看留痕
    pub contact: Option<ContactView>,
}

/// 区中心看到的诉求
#[derive(Debug, Serialize, ToSchema)]
pub struct CentreView {
    /// 诉求
    #[serde(flatten)]
    pub facts: Facts,
    /// 来源
    pub reporter: Reporter,
    /// 联系人，已遮盖
    pub contact: Option<ContactView>,
    /// 已从三率中剔除
    pub excluded: bool,
    /// 热点标记
    pub hot: bool,
    /// 同一反映人七天内重复提交的标记；不是重复提交时为空
    pub repeat_of: Option<RepeatView>,
    /// 同一反映人已有的、仍有效的最终答复；同一事项没有新的事实的，可以依据它答复
    pub final_replies: Vec<FinalReplyHint>,
}

/// 联系人
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactView {
    /// 称呼
    #[schema(example = "李女士")]
    pub name: Option<String>,
    /// 电话
    #[schema(example = "138****1234")]
    pub phone: String,
}

impl ContactView {
    /// Unmasked: what shows it keeps a record of it.
    pub fn plain(name: Option<&PersonName>, phone: &Phone) -> Self {
        Self { name: name.map(|name| name.plain().to_owned()), phone: phone.plain().to_owned() }
    }
}

impl<P> Addressed for On<P, ComplaintId> {
    async fn visible(&self) -> Result<(), Error> {
        let mut connection = self.state.db.acquire().await?;
        let found = read::detail(&mut connection, &self.caller.scope(), self.id).await?;
        found.map(|_| ()).ok_or_else(|| Basic::NotFound.into())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let mut connection = self.state.db.acquire().await?;
        let found = read::detail(&mut connection, &self.caller.scope(), self.id).await?;
        let detail = found.ok_or(Basic::NotFound)?;
        let etag = format!("\"{}\"", detail.facts.version);
        let view = self.view(&mut connection, detail).await?;
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

impl<P> On<P, ComplaintId> {
    /// The view for this caller's audience.
    pub(super) async fn view(
        &self,
        connection: &mut Connection,
        detail: Detail,
    ) -> Result<ComplaintView, Error> {
        Ok(match detail.audience {
            Audience::Reporter => ComplaintView::Reporter(ReporterView { facts: detail.facts }),
            Audience::Unit => {
                let contact = self.handlers_contact(connection, &detail).await?;
                ComplaintView::Unit(UnitView { facts: detail.facts, contact })
            }
            Audience::Centre => {
                let contact = contact_of(&self.state, connection, self.id).await?;
                ComplaintView::Centre(CentreView {
                    contact: contact.map(|(name, phone)| ContactView {
                        name: name.map(|name| name.masked()),
                        phone: phone.masked(),
                    }),
                    facts: detail.facts,
                    reporter: detail.reporter,
                    excluded: detail.excluded,
                    hot: detail.hot,
                    repeat_of: repeat_of(connection, &self.caller.scope(), self.id).await?,
                    final_replies: hints(
                        connection,
                        &self.caller.scope(),
                        self.id,
                        self.state.clock.now(),
                    )
                    .await?,
                })
            }
        })
    }

    /// The number to call, for the unit that handles an open task; each look is on record.
    async fn handlers_contact(
        &self,
        connection: &mut Connection,
        detail: &Detail,
    ) -> Result<Option<ContactView>, Error> {
        if detail.facts.confidential || !detail.handled_by_reader {
            return Ok(None);
        }
        let Some((name, phone)) = contact_of(&self.state, connection, self.id).await? else {
            return Ok(None);
        };
        let origin = self.ask().origin;
        let seen = AuditEntry::new("complaint.contact_seen", "complaint", self.id, &origin)
            .by(&self.caller.actor);
        audit::append(connection, &seen, self.state.clock.now()).await?;
        Ok(Some(ContactView::plain(name.as_ref(), &phone)))
    }
}

/// A place in the numbered stream as a cursor; its instant is the number itself.
pub fn cursor_of(event: &Event) -> Cursor {
    let at = domain::time::Timestamp::from_timestamp_micros(i64::from(event.seq));
    Cursor { at: at.unwrap_or_default(), id: uuid::Uuid::nil() }
}

/// The number that such a cursor stands for.
pub fn seq_of(cursor: &Cursor) -> i32 {
    i32::try_from(cursor.at.timestamp_micros()).unwrap_or(i32::MAX)
}
