//! Vouchers as the community that issued them sees them.

use domain::{
    id::{OfferId, RedemptionId},
    page::{Cursor, PageRequest},
    redemption::{Checked, Status},
    scope::Scope,
    time::Timestamp,
};

use super::super::{super::Connection, status};

/// A voucher, without its code.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct VoucherView {
    /// 兑换编号
    pub id: RedemptionId,
    /// 优惠编号
    pub offer_id: OfferId,
    /// 优惠
    #[schema(example = "幸福餐厅午餐一份")]
    pub title: String,
    /// 为谁办理（系统里的称呼）
    #[schema(example = "演示党员1")]
    pub person: String,
    /// 怎样核对本人
    pub checked: Checked,
    /// 状态
    pub status: Status,
    /// 积分
    #[schema(example = 50)]
    pub points: i64,
    /// 打印过几次；只有最后一次打印的有效
    #[schema(example = 1)]
    pub prints: i32,
    /// 办理时间
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
    /// 办理人
    #[schema(example = "文兴社区工作者")]
    pub issued_by: String,
    /// 有效到这一刻之前
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// 作废原因
    pub revoked_reason: Option<String>,
}

impl VoucherView {
    /// Where it stands in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.issued_at, id: self.id.0 }
    }
}

/// A page of the vouchers that the caller's communities issued, the latest first, with one row more
/// than the page.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    only: Option<RedemptionId>,
    page: PageRequest,
) -> sqlx::Result<Vec<VoucherView>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query!(
        r#"select hold.id as "id: RedemptionId", hold.offer as "offer_id: OfferId", offer.title,
               whom.display_name as person, checked as "checked: Checked", state, refunded_at,
               hold.points, prints, issued_at, officer.display_name as issued_by, hold.expires_at,
               revoked_reason
           from voucher
           join redemption on redemption.id = voucher.redemption
           join hold on hold.id = voucher.redemption
           join offer on offer.id = hold.offer
           join account whom on whom.id = voucher.account_id
           join account officer on officer.id = voucher.issued_by
           where community_code = any($1)
               and ($2::uuid is null or voucher.redemption = $2)
               and ($3::timestamptz is null or (issued_at, voucher.redemption) < ($3, $4::uuid))
           order by issued_at desc, voucher.redemption desc
           limit $5"#,
        scope.units(),
        only.map(|id| id.0),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| VoucherView {
        id: row.id,
        offer_id: row.offer_id,
        title: row.title,
        person: row.person,
        checked: row.checked,
        status: status(&row.state, row.refunded_at.is_some()),
        points: row.points,
        prints: row.prints,
        issued_at: row.issued_at,
        issued_by: row.issued_by,
        expires_at: row.expires_at,
        revoked_reason: row.revoked_reason,
    });
    Ok(rows.collect())
}
