//! The inbox: what the caller was told of, the latest first.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    event::EventKind,
    id::{
        AnnouncementId, ApplicationId, CadrePairingId, ClaimId, ComplaintId, FeedbackId, FlagId,
        GuideId, NotificationId, PairingId, PostId, RedemptionId, RegistrationId, ServiceRequestId,
        SettlementId, TransferId, UnitRegistrationId, UnitReportId, WhistleId,
    },
    identity::Actor,
    notification::render,
    page::{Cursor, Page},
    refusal::Basic,
    scope::Audience,
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    notification::{self, Entry},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app,
    error::Error,
    http::extract::{Body, Caller, Empty, IfNoneMatch, Paging, Target, caller::needs::ReadSelf},
    state::State,
};

/// 一条通知
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationView {
    /// 通知编号
    pub id: NotificationId,
    /// 所说的诉求
    pub complaint_id: Option<ComplaintId>,
    /// 哪次吹哨
    pub whistle_id: Option<WhistleId>,
    /// 所说的岗位认领
    pub claim_id: Option<ClaimId>,
    /// 所说的报到
    pub registration_id: Option<RegistrationId>,
    /// 所说的困难家庭包联
    pub pairing_id: Option<PairingId>,
    /// 所说的兑换
    pub redemption_id: Option<RedemptionId>,
    /// 所说的公平核查
    pub flag_id: Option<FlagId>,
    /// 所说的商户入驻申请
    pub application_id: Option<ApplicationId>,
    /// 所说的商户结算单
    pub settlement_id: Option<SettlementId>,
    /// 所说的组织关系转接
    pub transfer_id: Option<TransferId>,
    /// 所说的领导干部包联
    pub cadre_pairing_id: Option<CadrePairingId>,
    /// 哪件点单
    pub request_id: Option<ServiceRequestId>,
    /// 哪个岗位
    pub post_id: Option<PostId>,
    /// 所说的单位报到
    pub unit_registration_id: Option<UnitRegistrationId>,
    /// 所说的单位年度服务反馈
    pub unit_report_id: Option<UnitReportId>,
    /// 哪条对应用的意见
    pub feedback_id: Option<FeedbackId>,
    /// 哪条公告
    pub announcement_id: Option<AnnouncementId>,
    /// 哪条办事指南
    pub guide_id: Option<GuideId>,
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: Option<String>,
    /// 诉求、吹哨或岗位的标题，报到则为社区名称；已无权查看时为空
    #[schema(example = "小区东门路灯不亮")]
    pub title: Option<String>,
    /// 办理记录的序号
    #[schema(example = 3)]
    pub seq: i32,
    /// 发生了什么
    pub kind: EventKind,
    /// 发生的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub at: Timestamp,
    /// 用大白话说明：谁在办、何时前办、办了什么、为什么不办
    #[schema(
        example = "已交区住房和城乡建设局主办，11月25日 08:30 前会与您联系，12月1日 24:00 前答复。"
    )]
    pub text: String,
    /// 答复等您评价时，不登录也能评价的链接；用过或过期即没有
    #[schema(example = "/api/v1/e/Jr0m1cH7Q2yT9sZfWlq3vA")]
    pub evaluate_path: Option<String>,
    /// 通知的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// 标为已读的时间；未读时为空
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    pub read_at: Option<Timestamp>,
}

impl From<Entry> for NotificationView {
    fn from(from: Entry) -> Self {
        let Entry {
            id,
            created_at,
            read_at,
            complaint_id,
            whistle_id,
            claim_id,
            registration_id,
            pairing_id,
            redemption_id,
            flag_id,
            application_id,
            settlement_id,
            transfer_id,
            cadre_pairing_id,
            request_id,
            post_id,
            unit_registration_id,
            unit_report_id,
            feedback_id,
            announcement_id,
            guide_id,
            number,
            title,
            viewer,
            event,
        } = from;
        let text = match viewer {
            Some(viewer) => render(&event, viewer),
            None => "这件事已不在您的职责范围内，内容不再显示。".to_owned(),
        };
        Self {
            id,
            complaint_id,
            whistle_id,
            claim_id,
            registration_id,
            pairing_id,
            redemption_id,
            flag_id,
            application_id,
            settlement_id,
            transfer_id,
            cadre_pairing_id,
            request_id,
            post_id,
            unit_registration_id,
            unit_report_id,
            feedback_id,
            announcement_id,
            guide_id,
            number,
            title: viewer.map(|_| title),
            seq: event.seq,
            kind: event.kind,
            at: event.at,
            text,
            evaluate_path: None,
            created_at,
            read_at,
        }
    }
}

impl NotificationView {
    /// Entries as somebody reads them; the links of all of them are read at once.
    async fn all(
        state: &State,
        conn: &mut Connection,
        actor: &Actor,
        entries: Vec<Entry>,
    ) -> Result<Vec<Self>, Error> {
        let asked: Vec<ComplaintId> = entries.iter().filter_map(asks).collect();
        let links = app::evaluation::tokens_of(state, conn, &asked).await?;
        let mut views = Vec::with_capacity(entries.len());
        for entry in entries {
            let link = asks(&entry).and_then(|complaint| links.get(&complaint));
            let path = link.map(|(token, _)| super::evaluation::path(token));
            views.push(Self::with_duty(state, conn, actor, entry, path).await?);
        }
        Ok(views)
    }

    /// With whom to call, where a pressing matter is overdue, and with the link to evaluate by, where
    /// a reply waits for it. Neither stands in an event: both are looked up for whoever reads.
    async fn with_duty(
        state: &State,
        conn: &mut Connection,
        actor: &Actor,
        entry: Entry,
        evaluate_path: Option<String>,
    ) -> Result<Self, Error> {
        let event = &entry.event;
        let pressing = event.kind == EventKind::OverdueNotice
            && event.data.get("pressing") == Some(&true.into());
        let on_call = match &event.unit {
            Some(unit) if pressing && entry.viewer.is_some() => {
                app::supervision::on_call(state, conn, actor, unit, event.at).await?
            }
            _ => None,
        };
        let mut view = Self { evaluate_path, ..Self::from(entry) };
        if let Some(on_call) = on_call {
            view.text += &on_call;
        }
        Ok(view)
    }
}

/// The complaint whose reporter is told of a reply or asked for a word, and so may want the link.
fn asks(entry: &Entry) -> Option<ComplaintId> {
    let asks = matches!(entry.event.kind, EventKind::Replied | EventKind::FollowUpStarted);
    let reporter =
        entry.viewer.is_some_and(|viewer| viewer.own || viewer.audience == Audience::Reporter);
    entry.complaint_id.filter(|_| asks && reporter)
}

/// 未读通知数
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadCount {
    /// 条数
    #[schema(example = 2)]
    pub count: i64,
}

/// 本人收到的通知，新的在前。
///
/// 内容按读的时候的职责显示：事情已经不归本人的，不再显示内容。
#[utoipa::path(
    operation_id = "notification.list", tag = "notification",
    params(Paging),
    responses((status = 200, description = "一页通知", body = Page<NotificationView>)),
    security(("bearer" = [])),
)]
#[get("/notifications")]
pub async fn list(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    Paging(page): Paging,
) -> Result<Json<Page<NotificationView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = notification::list(&mut conn, &caller.scope(), page).await?;
    let views = NotificationView::all(&state, &mut conn, &caller.actor, rows).await?;
    let key = |row: &NotificationView| Cursor { at: row.created_at, id: row.id.0 };
    Ok(Json(Page::of(views, page.limit, key)))
}

/// 本人有几条未读通知。
///
/// 供角标使用，可以频繁询问；带上 If-None-Match，数目没有变化时返回 304。
#[utoipa::path(
    operation_id = "notification.unread_count", tag = "notification",
    params(IfNoneMatch),
    responses(
        (status = 200, description = "未读通知数", body = UnreadCount,
            headers(("ETag" = String, description = "用于 If-None-Match"))),
        (status = 304, description = "没有变化"),
    ),
    security(("bearer" = [])),
)]
#[get("/notifications/unread-count")]
pub async fn unread_count(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    held: IfNoneMatch,
) -> Result<HttpResponse, Error> {
    let mut conn = state.db.acquire().await?;
    let count = notification::unread(&mut conn, caller.actor.account).await?;
    let tag = held.tag(&caller.actor, &count)?;
    Ok(tag.unchanged().unwrap_or_else(|| tag.with(&UnreadCount { count })))
}

/// 把一条通知标为已读；重复标记不报错，时间不变。
///
/// 只能标自己的；别人的看起来不存在。
#[utoipa::path(
    operation_id = "notification.read", tag = "notification",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "已读的通知", body = NotificationView)),
    security(("bearer" = [])),
)]
#[post("/notifications/{id}/read")]
pub async fn read(
    caller: Caller<ReadSelf>,
    target: Target<NotificationId>,
    state: Data<State>,
    body: Body<Empty>,
) -> Result<Json<NotificationView>, Error> {
    let Target(id) = target;
    body.read_or(app::notification::exists(&state, &caller.actor, id)).await?;
    let entry = app::notification::read(&state, &caller.actor, id).await?;
    let mut conn = state.db.acquire().await?;
    let mut views = NotificationView::all(&state, &mut conn, &caller.actor, vec![entry]).await?;
    Ok(Json(views.pop().ok_or(Basic::NotFound)?))
}

routes![list, unread_count, read];
