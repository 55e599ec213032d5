//! What a till verified in a day.

use domain::{
    id::{AccountId, OfferId, RedemptionId},
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};

use super::super::super::Connection;

/// Whose day it is.
#[derive(Debug, Clone, Copy)]
pub struct Day<'a> {
    /// The merchant's code.
    pub merchant: &'a str,
    /// The day's first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// What one clerk verified; else everybody's.
    pub clerk: Option<AccountId>,
}

/// The name of a merchant, whose till the caller may see.
///
/// # Errors
/// The database's.
pub async fn merchant(
    conn: &mut Connection,
    _: &Scope,
    code: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select name from merchant where code = $1", code)
        .fetch_optional(conn)
        .await
}

/// One offer's share of a day.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct TillOffer {
    /// 优惠编号
    pub offer_id: OfferId,
    /// 优惠
    #[schema(example = "幸福餐厅午餐一份")]
    pub title: String,
    /// 有效核销的份数（不含撤销和退回的）
    #[schema(example = 12)]
    pub count: i64,
    /// 有效核销的积分
    #[schema(example = 600)]
    pub points: i64,
    /// 店员撤销的份数
    #[schema(example = 1)]
    pub undone: i64,
    /// 其他原因退回的份数
    #[schema(example = 0)]
    pub refunded: i64,
}

/// The day by offer, in the order of their titles.
///
/// # Errors
/// The database's.
pub async fn offers(
    conn: &mut Connection,
    _: &Scope,
    day: Day<'_>,
) -> sqlx::Result<Vec<TillOffer>> {
    sqlx::query_as!(
        TillOffer,
        r#"select offer.id as "offer_id: OfferId", offer.title,
               count(*) filter (where refunded_at is null) as "count!",
               coalesce(sum(hold.points) filter (where refunded_at is null), 0)::bigint as "points!",
               count(undone_by) as "undone!",
               count(*) filter (where refunded_at is not null and undone_by is null) as "refunded!"
           from redemption
           join hold on hold.id = redemption.id
           join offer on offer.id = hold.offer
           where redemption.merchant = $1 and verified_at >= $2 and verified_at < $3
               and ($4::uuid is null or verified_by = $4)
           group by offer.id
           order by offer.title, offer.id"#,
        day.merchant,
        day.from,
        day.to,
        day.clerk.map(|clerk| clerk.0),
    )
    .fetch_all(conn)
    .await
}

/// One verification of a day. Whose points they were is nobody's business at a till.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct TillLine {
    /// 兑换编号
    pub id: RedemptionId,
    /// 优惠
    #[schema(example = "幸福餐厅午餐一份")]
    pub title: String,
    /// 积分
    #[schema(example = 50)]
    pub points: i64,
    /// 核销时间
    #[schema(value_type = String, format = DateTime)]
    pub verified_at: Timestamp,
    /// 核销的店员
    #[schema(example = "文兴示范商户店员")]
    pub clerk: String,
    /// 退回的时间；没有退回时为空
    #[schema(value_type = Option<String>, format = DateTime)]
    pub refunded_at: Option<Timestamp>,
    /// 店员撤销的原因；不是撤销的为空
    #[schema(example = "扫错了码")]
    pub undone_reason: Option<String>,
}

impl TillLine {
    /// Where it stands in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.verified_at, id: self.id.0 }
    }
}

/// A page of a day's verifications, the latest first, with one row more than the page; without a
/// page all of them.
///
/// # Errors
/// The database's.
pub async fn lines(
    conn: &mut Connection,
    _: &Scope,
    day: Day<'_>,
    page: Option<PageRequest>,
) -> sqlx::Result<Vec<TillLine>> {
    let after = page.and_then(|page| page.after).map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        TillLine,
        r#"select redemption.id as "id: RedemptionId", offer.title, hold.points,
               verified_at as "verified_at!", account.display_name as clerk, refunded_at, undone_reason
           from redemption
           join hold on hold.id = redemption.id
           join offer on offer.id = hold.offer
           join account on account.id = verified_by
           where redemption.merchant = $1 and verified_at >= $2 and verified_at < $3
               and ($4::uuid is null or verified_by = $4)
               and ($5::timestamptz is null or (verified_at, redemption.id) < ($5, $6::uuid))
           order by verified_at desc, redemption.id desc
           limit $7"#,
        day.merchant,
        day.from,
        day.to,
        day.clerk.map(|clerk| clerk.0),
        after.0,
        after.1,
        page.map(PageRequest::probe),
    )
    .fetch_all(conn)
    .await
}
