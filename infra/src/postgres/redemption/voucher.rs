//! Vouchers on paper (代办兑换券): a redemption that an officer made for a person without a phone.

use domain::{
    id::{AccountId, RedemptionId},
    org::NodeCode,
    redemption::Checked,
    time::Timestamp,
};

use super::super::Connection;

/// A voucher to be stored beside its redemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVoucher<'a> {
    /// The redemption.
    pub id: RedemptionId,
    /// The community that it was issued in.
    pub community: &'a NodeCode,
    /// For whom.
    pub account: AccountId,
    /// By whom.
    pub by: AccountId,
    /// How the officer knew the person.
    pub checked: Checked,
}

/// Stores a voucher.
///
/// # Errors
/// The database's; `voucher_not_for_oneself`.
pub async fn insert(
    conn: &mut Connection,
    new: &NewVoucher<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into voucher (redemption, community_code, account_id, issued_by, issued_at, checked)
         values ($1, $2, $3, $4, $5, $6)",
        new.id.0,
        new.community.as_str(),
        new.account.0,
        new.by.0,
        now,
        new.checked.code(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// By what somebody is known: the blind indexes that there are of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Of name and number on the register of party members.
    pub member: Option<Vec<u8>>,
    /// Of the telephone that stands there.
    pub home: Option<Vec<u8>>,
    /// Of the phone of an account.
    pub phone: Option<Vec<u8>>,
}

/// The accounts that are known by this, none that is disabled; with a community those
/// that it may act for, none that is registered with another. More than one is as good as none.
///
/// # Errors
/// The database's.
pub async fn holders(
    conn: &mut Connection,
    by: &Known,
    community: Option<&NodeCode>,
) -> sqlx::Result<Vec<AccountId>> {
    sqlx::query_scalar!(
        r#"select account.id as "id: AccountId" from account
           where disabled_at is null
               and id in (
                   select account_id from party_member
                   where (match_index = $1 or phone_index = $2) and removed_at is null
                   union
                   select account_id from person where phone_index = $4
               )
               and not exists (
                   select from registration
                   where account_id = account.id and status = 'signed' and community_code <> $3::text
               )
               and exists (
                   select from role_grant
                   where account_id = account.id and role = 'resident' and revoked_at is null
               )
           limit 2"#,
        by.member.as_deref(),
        by.home.as_deref(),
        community.map(NodeCode::as_str),
        by.phone.as_deref(),
    )
    .fetch_all(conn)
    .await
}

/// Where a voucher belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The community that it was issued in.
    pub community: NodeCode,
    /// For whom.
    pub account: AccountId,
}

/// Finds a voucher; what is read of it never changes.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut Connection, id: RedemptionId) -> sqlx::Result<Option<Place>> {
    sqlx::query_as!(
        Place,
        r#"select community_code as "community: NodeCode", account_id as "account: AccountId"
           from voucher where redemption = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Counts one more print; answers how many there are.
///
/// # Errors
/// The database's.
pub async fn printed(conn: &mut Connection, id: RedemptionId, now: Timestamp) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "update voucher set prints = prints + 1, printed_at = $2 where redemption = $1
         returning prints",
        id.0,
        now,
    )
    .fetch_one(conn)
    .await
}

/// Writes beside a voucher who took it back, and why.
///
/// # Errors
/// The database's.
pub async fn revoked(
    conn: &mut Connection,
    id: RedemptionId,
    by: AccountId,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update voucher set revoked_by = $2, revoked_reason = $3, revoked_at = $4
         where redemption = $1",
        id.0,
        by.0,
        reason,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
