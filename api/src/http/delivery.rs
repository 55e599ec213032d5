//! What is sent out of the inbox: consent and preferences of its reader, and the system
//! administrator's list of deliveries.

use actix_web::{
    HttpResponse, get, post, put,
    web::{Data, Json},
};
use domain::{
    delivery::{Channel, Digest, MOST_ASKED, Quiet, State as Standing, Template, check_muted},
    event::EventKind,
    id::DeliveryId,
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Faults, Invalid},
};
use infra::postgres::delivery::{
    Preference,
    read::{self, DeliveryView, Filter, Subscriptions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, Empty, IdempotencyKey, On, Paging, Query,
    caller::needs::{ManageJobs, ReadSelf},
    kept,
};
use crate::{
    app::{delivery as deliveries, idempotent::Once},
    error::Error,
    state::State,
};

pub mod template;

routes![subscriptions, subscribe, preferences, prefer, list, resend];

/// 可以订阅的消息，各还可以发几次
///
/// 小程序在用户点按时，对 `ask` 为真的模板调用 wx.requestSubscribeMessage，再把结果告诉
/// `POST /me/subscriptions`。
#[utoipa::path(
    operation_id = "delivery.subscriptions", tag = "delivery",
    responses((status = 200, description = "每一组消息一项", body = Subscriptions)),
    security(("bearer" = [])),
)]
#[get("/me/subscriptions")]
async fn subscriptions(
    caller: Caller<ReadSelf>,
    state: Data<State>,
) -> Result<Json<Subscriptions>, Error> {
    let mut connection = state.db.acquire().await?;
    let items = read::subscriptions(&mut connection, caller.actor.account).await?;
    Ok(Json(Subscriptions { items }))
}

/// wx.requestSubscribeMessage 的结果
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscribeBody {
    /// 用户同意的模板编号，最多 5 个
    pub accepted: Vec<String>,
    /// 用户没有同意的模板编号，最多 5 个；不改变次数
    #[serde(default)]
    pub rejected: Vec<String>,
}

impl SubscribeBody {
    fn check(&self) -> Result<(), Invalid> {
        let mut faults = Faults::default();
        for (field, given) in [("accepted", &self.accepted), ("rejected", &self.rejected)] {
            if given.len() > MOST_ASKED {
                faults.add(field, format!("一次最多 {MOST_ASKED} 个模板，请分次提交"));
            }
            if given
                .iter()
                .enumerate()
                .any(|(place, one)| given.iter().take(place).any(|it| it == one))
            {
                faults.add(field, "同一个模板只能写一次，请删去重复的");
            }
        }
        if self.accepted.iter().any(|one| self.rejected.contains(one)) {
            faults.add("rejected", "同一个模板不能既同意又不同意，请核对");
        }
        faults.check()
    }
}

/// 记下用户同意了哪些消息
///
/// 每同意一次，该模板可以多发一条（长期订阅的不限）。现在不用的模板编号不计，也不报错。
#[utoipa::path(
    operation_id = "delivery.subscribe", tag = "delivery",
    params(IdempotencyKey),
    request_body(content = SubscribeBody, example = json!({"accepted": ["demo-progress", "demo-asked"], "rejected": ["demo-points"]})),
    responses((status = 200, description = "现在各还可以发几次；重复提交同一个键得到同样的答复", body = Subscriptions)),
    security(("bearer" = [])),
)]
#[post("/me/subscriptions")]
async fn subscribe(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    key: IdempotencyKey,
    body: Body<SubscribeBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    body.check()?;
    let account = caller.actor.account;
    let once = Once::new(&state.crypto, Some(account), "delivery.subscribe", key.0, &body)?;
    let answer = deliveries::subscribe(&state, account, once, body.accepted).await?;
    Ok(kept(answer))
}

/// 免打扰时段
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// 从几点起，0–23
    #[schema(example = 21, maximum = 23)]
    pub from: u32,
    /// 到几点止，0–23；与起点相同为不设
    #[schema(example = 8, maximum = 23)]
    pub until: u32,
}

impl From<Quiet> for QuietHours {
    fn from(Quiet { from, until }: Quiet) -> Self {
        Self { from, until }
    }
}

/// 本人想收到哪些微信消息和短信
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferenceBody {
    /// 不想在微信收到的各组；收件箱不受影响
    pub muted: Vec<Template>,
    /// 不想收到短信的各组；不写为与 muted 相同。值守（duty）是职责所需，不能关闭
    #[serde(default)]
    pub muted_sms: Option<Vec<Template>>,
    /// 自定的免打扰时段；不写为系统的
    #[serde(default)]
    pub quiet: Option<QuietHours>,
    /// 工作人员的每日任务摘要；不写为每个工作日
    #[serde(default)]
    #[schema(inline)]
    pub digest: Digest,
}

impl PreferenceBody {
    fn parse(self) -> Result<Preference, Error> {
        let mut muted = self.muted;
        let texted = |one: &Template| one.channels().contains(&Channel::Sms);
        let mut muted_sms =
            self.muted_sms.unwrap_or_else(|| muted.iter().copied().filter(texted).collect());
        let mut faults = Faults::default();
        faults.take(check_muted("muted", Channel::Subscribe, &muted));
        faults.take(check_muted("muted_sms", Channel::Sms, &muted_sms));
        faults.check()?;
        for groups in [&mut muted, &mut muted_sms] {
            groups.sort_unstable();
            groups.dedup();
        }
        let quiet = self.quiet.map(|it| Quiet::parse(it.from, it.until)).transpose()?;
        Ok(Preference { muted, muted_sms, digest: self.digest, quiet })
    }
}

/// 本人想收到哪些微信消息和短信
#[derive(Debug, Serialize, ToSchema)]
pub struct PreferenceView {
    /// 在微信关闭的各组
    pub muted: Vec<Template>,
    /// 不发短信的各组
    pub muted_sms: Vec<Template>,
    /// 职责所需、不能关闭的各组：紧急派单、超时、吹哨
    pub always: Vec<Template>,
    /// 工作人员的每日任务摘要：每个工作日，或不要
    pub digest: Digest,
    /// 起作用的免打扰时段
    pub quiet: QuietHours,
    /// 时段是不是本人自定的
    pub own_quiet: bool,
}

async fn preferred(state: &State, caller: &Caller<ReadSelf>) -> Result<PreferenceView, Error> {
    let (kept, house) = deliveries::preference(state, caller.actor.account).await?;
    let quiet = kept.quiet.unwrap_or(house).into();
    let Preference { muted, muted_sms, digest, quiet: own } = kept;
    let always = Template::ALL.iter().copied().filter(|one| !one.is_optional()).collect();
    Ok(PreferenceView { muted, muted_sms, digest, always, quiet, own_quiet: own.is_some() })
}

/// 我的消息偏好
///
/// 收件箱里的通知不能关闭；这里只管发到微信和手机的。
#[utoipa::path(
    operation_id = "delivery.preferences", tag = "delivery",
    responses((status = 200, description = "现在的偏好", body = PreferenceView)),
    security(("bearer" = [])),
)]
#[get("/me/notification-preferences")]
async fn preferences(
    caller: Caller<ReadSelf>,
    state: Data<State>,
) -> Result<Json<PreferenceView>, Error> {
    Ok(Json(preferred(&state, &caller).await?))
}

/// 修改我的消息偏好
///
/// 整个替换原来的。已在等待发送的消息，也按新的偏好判断。
#[utoipa::path(
    operation_id = "delivery.prefer", tag = "delivery",
    request_body(content = PreferenceBody, example = json!({"muted": ["points"], "muted_sms": ["asked"], "quiet": {"from": 22, "until": 7}})),
    responses((status = 200, description = "现在的偏好", body = PreferenceView)),
    security(("bearer" = [])),
)]
#[put("/me/notification-preferences")]
async fn prefer(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    body: Body<PreferenceBody>,
) -> Result<Json<PreferenceView>, Error> {
    let wanted = body.read()?.parse()?;
    deliveries::prefer(&state, caller.actor.account, wanted).await?;
    Ok(Json(preferred(&state, &caller).await?))
}

/// 对外发送的筛选
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryFilter {
    /// 现在怎样
    #[param(required = false, inline)]
    state: Option<Standing>,
    /// 渠道
    #[param(required = false, inline)]
    channel: Option<Channel>,
    /// 说的是什么事
    #[param(required = false, inline)]
    kind: Option<EventKind>,
}

/// 对外发送的消息
///
/// 新的在前；没有姓名、电话和内容。`unknown` 是发送途中断了、不知微信是否收到的：不会自动再发。
#[utoipa::path(
    operation_id = "delivery.list", tag = "delivery",
    params(DeliveryFilter, Paging),
    responses((status = 200, description = "一页消息", body = Page<DeliveryView>)),
    security(("bearer" = [])),
)]
#[get("/deliveries")]
async fn list(
    _: Caller<ManageJobs>,
    state: Data<State>,
    filter: Query<DeliveryFilter>,
    page: Paging,
) -> Result<Json<Page<DeliveryView>>, Error> {
    let DeliveryFilter { state: standing, channel, kind } = filter.0;
    let filter = Filter { id: None, state: standing, channel, kind };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, DeliveryView::cursor)))
}

impl On<ManageJobs, DeliveryId> {
    async fn view(&self) -> Result<DeliveryView, Error> {
        let filter = Filter { id: Some(self.id), ..Filter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let mut rows = read::list(&mut connection, filter, one).await?;
        rows.pop().ok_or_else(|| Basic::NotFound.into())
    }
}

impl Addressed for On<ManageJobs, DeliveryId> {
    async fn visible(&self) -> Result<(), Error> {
        self.view().await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(self.view().await?))
    }
}

/// 重新发送一条消息
///
/// 只限没有发成的（`failed`）和不知是否送达的（`unknown`）；后者可能让人收到两次。重新判断是否还应发送。
#[utoipa::path(
    operation_id = "delivery.resend", tag = "delivery",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "重新排队的消息", body = DeliveryView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["delivery_step_refused"]))),
)]
#[post("/deliveries/{id}/resend")]
async fn resend(on: On<ManageJobs, DeliveryId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |Empty {}| Ok(())).await?;
    deliveries::resend(&on.state, &on.caller.actor, on.meta.clone().into(), on.id).await?;
    on.shown().await
}
