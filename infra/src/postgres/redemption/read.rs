//! Redemptions as the person who made them, or the merchant's till, sees them.

use domain::{
    id::{OfferId, RedemptionId},
    page::{Cursor, PageRequest},
    redemption::Status,
    scope::Scope,
    time::Timestamp,
};

use super::{super::Connection, status};

pub mod till;
pub mod voucher;

/// A redemption with its offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: RedemptionId,
    /// Where it stands.
    pub status: Status,
    /// The offer.
    pub offer: OfferId,
    /// What one gets.
    pub title: String,
    /// The merchant's name.
    pub merchant_name: String,
    /// Points held or spent.
    pub points: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// The code is good before this instant.
    pub expires_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The code, sealed.
    pub code_sealed: Vec<u8>,
    /// Its digits, sealed.
    pub digits_sealed: Option<Vec<u8>>,
    /// When it was verified.
    pub verified_at: Option<Timestamp>,
}

impl Shown {
    /// Where it stands in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

struct Row {
    id: RedemptionId,
    state: String,
    refunded_at: Option<Timestamp>,
    offer: OfferId,
    title: String,
    merchant_name: String,
    points: i64,
    created_at: Timestamp,
    expires_at: Timestamp,
    ended_at: Option<Timestamp>,
    code_sealed: Vec<u8>,
    digits_sealed: Option<Vec<u8>>,
    verified_at: Option<Timestamp>,
}

impl From<Row> for Shown {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            status: status(&row.state, row.refunded_at.is_some()),
            offer: row.offer,
            title: row.title,
            merchant_name: row.merchant_name,
            points: row.points,
            created_at: row.created_at,
            expires_at: row.expires_at,
            ended_at: row.refunded_at.or(row.ended_at),
            code_sealed: row.code_sealed,
            digits_sealed: row.digits_sealed,
            verified_at: row.verified_at,
        }
    }
}

/// A page of the caller's own redemptions, the latest first, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn mine(
    conn: &mut Connection,
    scope: &Scope,
    page: PageRequest,
) -> sqlx::Result<Vec<Shown>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select hold.id as "id: RedemptionId", state, refunded_at, offer as "offer: OfferId", title,
               merchant.name as merchant_name, hold.points, hold.created_at, hold.expires_at, ended_at,
               code_sealed, digits_sealed, verified_at
           from hold
           join redemption on redemption.id = hold.id
           join offer on offer.id = hold.offer
           join merchant on merchant.code = offer.merchant
           where hold.account = $1
               and ($2::timestamptz is null or (hold.created_at, hold.id) < ($2, $3::uuid))
           order by hold.created_at desc, hold.id desc
           limit $4"#,
        scope.account().0,
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Shown::from).collect())
}

/// One redemption, whoever's. The caller has made sure that it may be shown.
///
/// # Errors
/// The database's.
pub async fn one(conn: &mut Connection, id: RedemptionId) -> sqlx::Result<Option<Shown>> {
    let row = sqlx::query_as!(
        Row,
        r#"select hold.id as "id: RedemptionId", state, refunded_at, offer as "offer: OfferId", title,
               merchant.name as merchant_name, hold.points, hold.created_at, hold.expires_at, ended_at,
               code_sealed, digits_sealed, verified_at
           from hold
           join redemption on redemption.id = hold.id
           join offer on offer.id = hold.offer
           join merchant on merchant.code = offer.merchant
           where hold.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Shown::from))
}

/// One of the caller's own redemptions.
///
/// # Errors
/// The database's.
pub async fn own(
    conn: &mut Connection,
    scope: &Scope,
    id: RedemptionId,
) -> sqlx::Result<Option<Shown>> {
    let mine = sqlx::query_scalar!(
        r#"select exists (select from hold where id = $1 and account = $2) as "mine!""#,
        id.0,
        scope.account().0,
    )
    .fetch_one(&mut *conn)
    .await?;
    if mine { one(conn, id).await } else { Ok(None) }
}
