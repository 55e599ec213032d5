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

/// By what the holder of a voucher is known.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    /// The blind index of name and number on the register of party members.
    Member(&'a [u8]),
    /// The blind index of the phone.
    Phone(&'a [u8]),
}

/// The accounts that a community may act for and that are known by this: none that is registered
/// with another community, and none that is disabled. More than one is as good as none.
///
/// # Errors
/// The database's.
pub async fn holders(
    conn: &mut Connection,
    by: Holder<'_>,
    community: &NodeCode,
) -> sqlx::Result<Vec<AccountId>> {
    let (member, phone) = match by {
        Holder::Member(index) => (Some(index), None),
        Holder::Phone(index) => (None, Some(index)),
    };
    sqlx::query_scalar!(
        r#"select account.id as "id: AccountId" from account
           where disabled_at is null
               and id in (
                   select account_id from party_member
                   where match_index = $1 and removed_at is null and account_id is not null
                   union
                   select account_id from person where phone_index = $2
               )
               and not exists (
                   select from registration
                   where account_id = account.id and status = 'signed' and community_code <> $3
               )
               and exists (
                   select from role_grant
                   where account_id = account.id and role = 'resident' and revoked_at is null
               )
           limit 2"#,
        member,
        phone,
        community.as_str(),
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
