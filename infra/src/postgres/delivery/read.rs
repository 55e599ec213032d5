//! Deliveries as an administrator reads them, and consent as its owner does.

use std::collections::BTreeMap;

use domain::{
    delivery::{Channel, Reason, State, Template},
    event::EventKind,
    id::{AccountId, DeliveryId},
    page::{Cursor, PageRequest},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 一条对外发送的消息：没有姓名、电话和内容
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveryView {
    /// 消息编号
    pub id: DeliveryId,
    /// 发给哪个账号（编号）
    pub account_id: AccountId,
    /// 渠道
    pub channel: Channel,
    /// 说的是什么事
    pub kind: EventKind,
    /// 用哪个模板
    pub template: Template,
    /// 用的是模板的第几版；还没有发送时为空
    #[schema(example = 1)]
    pub template_version: Option<i32>,
    /// 现在怎样
    pub state: State,
    /// 没有发出去的原因
    pub reason: Option<Reason>,
    /// 已经重新排队几次
    #[schema(example = 0)]
    pub attempt: i32,
    /// 其中确定没有发出去几次；满 8 次即为未能发送，人工重新发送后从 0 数起
    #[schema(example = 0)]
    pub failures: i32,
    /// 产生的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// 最后变动的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub updated_at: Timestamp,
}

impl DeliveryView {
    /// Its place in a list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

/// Which deliveries.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only this one.
    pub id: Option<DeliveryId>,
    /// Where they stand.
    pub state: Option<State>,
    /// By what they are sent.
    pub channel: Option<Channel>,
    /// What they tell of.
    pub kind: Option<EventKind>,
}

/// A page of deliveries, the latest first, with one row more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<DeliveryView>, sqlx::Error> {
    let (at, id): (Option<Timestamp>, Option<Uuid>) =
        page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        DeliveryView,
        r#"select id as "id: DeliveryId", account_id as "account_id: AccountId",
               channel as "channel: Channel", kind as "kind: EventKind",
               template as "template: Template", template_version, state as "state: State",
               reason as "reason: Reason", attempt, failures, created_at, updated_at
           from delivery
           where ($1::uuid is null or id = $1) and ($2::text is null or state = $2)
               and ($3::text is null or channel = $3) and ($4::text is null or kind = $4)
               and ($5::timestamptz is null or (created_at, id) < ($5, $6::uuid))
           order by created_at desc, id desc
           limit $7"#,
        filter.id.map(|id| id.0),
        filter.state.map(State::code),
        filter.channel.map(Channel::code),
        filter.kind.map(EventKind::code),
        at,
        id,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// 一个可以订阅的消息模板
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubscriptionView {
    /// 哪一组消息
    pub template: Template,
    /// 模板在微信的编号，交给 wx.requestSubscribeMessage
    #[schema(example = "demo-progress")]
    pub template_id: String,
    /// 是不是长期订阅：同意一次一直有效
    pub long_term: bool,
    /// 还可以发几次
    #[schema(example = 2)]
    pub remaining: i32,
    /// 现在要不要请用户同意
    pub ask: bool,
}

/// 可以订阅的消息
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Subscriptions {
    /// 每一组消息一项
    pub items: Vec<SubscriptionView>,
}

/// The templates in use, and what their reader has consented to. A group that is switched off is
/// not asked for.
///
/// # Errors
/// The database is away.
pub async fn subscriptions(
    conn: &mut Connection,
    account: AccountId,
) -> Result<Vec<SubscriptionView>, sqlx::Error> {
    let mut all = sqlx::query_as!(
        SubscriptionView,
        r#"select t.template as "template: Template", t.provider_id as template_id, t.long_term,
               coalesce(s.remaining, 0) as "remaining!",
               coalesce(s.remaining, 0) = 0 and not coalesce(s.long_term, false)
                   and not coalesce(t.template = any(p.muted), false) as "ask!"
           from (
               select distinct on (template) * from notification_template
               where channel = 'subscribe' order by template, version desc
           ) as t
           left join subscription s on s.account_id = $1 and s.provider_id = t.provider_id
           left join delivery_preference p on p.account_id = $1
           order by t.template"#,
        account.0,
    )
    .fetch_all(conn)
    .await?;
    // What was published for WeChat once and goes by text alone now is asked of nobody.
    all.retain(|one| one.template.channels().contains(&Channel::Subscribe));
    Ok(all)
}

/// 消息模板的一个版本
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TemplateVersion {
    /// 哪一组消息
    pub template: Template,
    /// 渠道
    pub channel: Channel,
    /// 版本号，每组每个渠道最大的为现行
    #[schema(example = 1)]
    pub version: i32,
    /// 模板在微信的编号，或短信平台的模板编号
    #[schema(example = "demo-progress")]
    pub template_id: String,
    /// 点开消息进入的页面
    #[schema(example = "pages/notifications/index")]
    pub page: String,
    /// 各字段：占位符或固定的文字
    pub fields: BTreeMap<String, String>,
    /// 是不是长期订阅模板
    pub long_term: bool,
    /// 发布的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub published_at: Timestamp,
}

/// 消息模板的各个版本
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TemplateVersions {
    /// 新的在前
    pub items: Vec<TemplateVersion>,
}

/// The versions of all templates, the latest first, at most 100.
///
/// # Errors
/// The database is away.
pub async fn templates(conn: &mut Connection) -> Result<Vec<TemplateVersion>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select template as "template: Template", channel as "channel: Channel", version,
               provider_id, page, fields as "fields: Json<BTreeMap<String, String>>", long_term,
               published_at
           from notification_template
           order by published_at desc, template, version desc limit 100"#,
    )
    .fetch_all(conn)
    .await?;
    let view = rows.into_iter().map(|row| TemplateVersion {
        template: row.template,
        channel: row.channel,
        version: row.version,
        template_id: row.provider_id,
        page: row.page,
        fields: row.fields.0,
        long_term: row.long_term,
        published_at: row.published_at,
    });
    Ok(view.collect())
}
