//! What the system holds of a person: shown to them, and erased, by the [`register`].
//!
//! The statements over the register's tables are composed from its constants alone; what comes from
//! outside is bound.

use domain::{
    id::{AccountId, ClaimId, LotId, RedemptionId},
    privacy::Hold,
    time::Timestamp,
};
use futures::stream::BoxStream;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use self::register::{Fate, Table, Told};
use super::{Connection, points::Expired};
use crate::crypto::Crypto;

pub mod consent;
pub mod register;

/// What stands in place of an erased text; the function `erased_mark` says the same.
pub const MARK: &str = "（已按本人要求删除）";
/// The name of an erased account.
pub const NOBODY: &str = "已注销用户";

/// The rows that a person is shown of a table, as JSON objects; sealed values are hexadecimal.
pub fn told<'c>(
    conn: &'c mut Connection,
    table: &Table,
    told: &Told,
    account: AccountId,
) -> BoxStream<'c, sqlx::Result<Value>> {
    let columns = told.columns.split_whitespace().map(|name| format!("'{name}', \"{name}\""));
    let sealed =
        told.sealed.iter().map(|(column, name, _)| format!("'{name}', encode({column}, 'hex')"));
    let fields = columns.chain(sealed).collect::<Vec<_>>().join(", ");
    let whose = table.whose.unwrap_or("false");
    let only = told.only.unwrap_or("true");
    let sql = format!(
        "select jsonb_build_object({fields}) from \"{}\" where ({whose}) and ({only}) order by ctid",
        table.name
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(account.0).fetch(conn)
}

/// Erases in a table at most `limit` rows of the person's, and answers how many. What is erased
/// already is not counted again, but for rows with nothing but a sealed value, which looks new each
/// time it is sealed.
///
/// # Errors
/// The database's.
pub async fn erase(
    conn: &mut Connection,
    table: &Table,
    account: AccountId,
    crypto: &Crypto,
    limit: i64,
) -> sqlx::Result<u64> {
    let Some(sql) = erasing(table, crypto) else { return Ok(0) };
    let done = sqlx::query(AssertSqlSafe(sql)).bind(account.0).bind(limit).execute(conn).await?;
    Ok(done.rows_affected())
}

fn erasing(table: &Table, crypto: &Crypto) -> Option<String> {
    let (name, whose) = (table.name, table.whose?);
    let rows = |needed: &str| {
        format!("ctid = any(array(select ctid from \"{name}\" where ({whose}){needed} limit $2))")
    };
    if table.columns().any(|(_, fate)| fate == Fate::WithRow) {
        return Some(format!("delete from \"{name}\" where {}", rows("")));
    }
    let (mut set, mut needed) = (Vec::new(), Vec::new());
    for (column, fate) in table.columns() {
        let (value, open) = match fate {
            Fate::Gone | Fate::Forgotten => {
                ("null".to_owned(), format!("\"{column}\" is not null"))
            }
            Fate::Marked => (
                format!("case when \"{column}\" is not null then '{MARK}' end"),
                format!("\"{column}\" <> '{MARK}'"),
            ),
            Fate::Renamed => (format!("'{NOBODY}'"), format!("\"{column}\" <> '{NOBODY}'")),
            Fate::Blank => ("''::bytea".to_owned(), format!("\"{column}\" <> ''::bytea")),
            Fate::Sealed(context) => {
                let sealed = hex::encode(crypto.seal(context, MARK.as_bytes()));
                let sealed = format!("'\\x{sealed}'::bytea");
                set.push(format!(
                    "\"{column}\" = case when \"{column}\" is not null then {sealed} end"
                ));
                continue;
            }
            Fate::Kept(_)
            | Fate::Scrubbed
            | Fate::MarkedIfNamed
            | Fate::WithRow
            | Fate::WithRowIfNamed => continue,
        };
        set.push(format!("\"{column}\" = {value}"));
        needed.push(open);
    }
    if set.is_empty() {
        return None;
    }
    let needed =
        if needed.is_empty() { String::new() } else { format!(" and ({})", needed.join(" or ")) };
    Some(format!("update \"{name}\" set {} where {}", set.join(", "), rows(&needed)))
}

/// Takes the person's names and numbers out of what others wrote about the person on duty.
///
/// # Errors
/// The database's.
pub async fn scrub(
    conn: &mut Connection,
    table: &Table,
    account: AccountId,
    words: &[String],
) -> sqlx::Result<()> {
    let Some(about) = table.about else { return Ok(()) };
    for (column, fate) in table.columns() {
        let (name, set) = (table.name, |value: &str| format!("set \"{column}\" = {value}"));
        let change = match fate {
            Fate::Scrubbed => set(&format!("scrubbed(\"{column}\", $2)")),
            Fate::Forgotten => set("null"),
            Fate::MarkedIfNamed => set(&format!("'{MARK}'")),
            Fate::WithRowIfNamed => String::new(),
            _ => continue,
        };
        let verb = if change.is_empty() { "delete from" } else { "update" };
        let sql = format!(
            "{verb} \"{name}\" {change}
             where ({about}) and \"{column}\" is distinct from scrubbed(\"{column}\", $2)"
        );
        sqlx::query(AssertSqlSafe(sql)).bind(account.0).bind(words).execute(&mut *conn).await?;
    }
    Ok(())
}

/// What an erasure waits for, with how many of it.
///
/// # Errors
/// The database's.
pub async fn holds(conn: &mut Connection, account: AccountId) -> sqlx::Result<Vec<(Hold, i64)>> {
    let rows = sqlx::query!(
        r#"with ended (status) as (
               values ('rejected'), ('answered'), ('withdrawn'), ('closed'), ('archived')
           ), held (kind) as (
               select 'complaint' from complaint c
               left join complaint main on main.id = c.merged_into
               where c.reporter_id = $1
                   and coalesce(main.status, c.status) not in (select status from ended)
               union all
               select 'claim' from claim where account_id = $1
                   and status in ('claimed', 'waitlisted', 'checked_in', 'checked_out')
               union all
               select 'dispute' from claim_dispute
               where raised_by = $1 and status = 'open'
               union all
               select 'redemption' from hold where account = $1 and state = 'pending'
               union all
               select 'notice' from points_notice
               where account = $1 and status in ('open', 'objected')
               union all
               select 'request' from service_request
               where account_id = $1 and status in ('submitted', 'ordered')
               union all
               select 'review' from fairness_flag
               where account_id = $1 and status in ('open', 'appealed')
           )
           select kind as "kind!: Hold", count(*) as "count!" from held group by kind order by kind"#,
        account.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.count)).collect())
}

/// What the person still holds and can give back: redemptions, and claims of posts to come.
///
/// # Errors
/// The database's.
pub async fn returnable(
    conn: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> sqlx::Result<(Vec<RedemptionId>, Vec<ClaimId>)> {
    let redemptions = sqlx::query_scalar!(
        r#"select h.id as "id: RedemptionId" from hold h join redemption r on r.id = h.id
           where h.account = $1 and h.state = 'pending' order by h.id"#,
        account.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let claims = sqlx::query_scalar!(
        r#"select id as "id: ClaimId" from claim
           where account_id = $1 and status in ('claimed', 'waitlisted') and lower(during) > $2
           order by id"#,
        account.0,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok((redemptions, claims))
}

/// Notes that an account is to be erased; says whether that is new.
///
/// # Errors
/// The database's.
pub async fn ask(
    conn: &mut Connection,
    account: AccountId,
    cause: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let asked = sqlx::query!(
        "insert into erasure (account_id, asked_at, cause) values ($1, $2, $3)
         on conflict (account_id) do nothing",
        account.0,
        now,
        cause,
    )
    .execute(conn)
    .await?;
    Ok(asked.rows_affected() == 1)
}

/// Takes the account's WeChat and roles away: from now on the same WeChat makes a new account.
///
/// # Errors
/// The database's.
pub async fn unlink(conn: &mut Connection, account: AccountId, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "with unlinked as (
             update person set open_id_index = null, open_id_sealed = null where account_id = $1
         )
         update role_grant set revoked_at = $2 where account_id = $1 and revoked_at is null",
        account.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An erasure that is not finished, locked: whether the person asked for it.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, account: AccountId) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"select cause = 'asked' as "asked!" from erasure
           where account_id = $1 and erased_at is null for update"#,
        account.0,
    )
    .fetch_optional(conn)
    .await
}

/// Accounts that wait to be erased, the longest first.
///
/// # Errors
/// The database's.
pub async fn waiting(conn: &mut Connection, limit: i64) -> sqlx::Result<Vec<AccountId>> {
    sqlx::query_scalar!(
        r#"select account_id as "id: AccountId" from erasure
           where erased_at is null order by asked_at, account_id limit $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Ends what stands in the account's name: its registration with a community, applications, the
/// households it looks after.
///
/// # Errors
/// The database's.
pub async fn end_standing(
    conn: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update registration_change set status = 'taken_back', released_by = null, released_at = null
         where asked_by = $1 and status in ('asked', 'released')",
        account.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with unsigned as (delete from registration where account_id = $1 and status = 'pending')
         update registration set status = 'ended', ended_at = $2
         where account_id = $1 and status = 'signed'",
        account.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update merchant_application set status = 'withdrawn', decided_by = null, decided_at = null
         where applicant = $1 and status in ('pending', 'sent_back')",
        account.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update household_pairing set status = 'ended', ended_at = $2
         where account_id = $1 and status in ('proposed', 'active')",
        account.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The account's points that are not held, which end now; its account is locked. Those that are
/// held end as well, when they come back.
///
/// # Errors
/// The database's.
pub async fn end_points(
    conn: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> sqlx::Result<Vec<Expired>> {
    sqlx::query!("select id from points_account where id = $1 for no key update", account.0)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query!(
        "update point_lot set expires_at = least(expires_at, $2) where account = $1 and remaining > 0",
        account.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        Expired,
        r#"select id as "lot: LotId", account as "account: AccountId",
               remaining - held as "points!", remaining
           from point_lot where account = $1 and remaining > held order by expires_at, id"#,
        account.0,
    )
    .fetch_all(conn)
    .await
}

/// The erasure is finished.
///
/// # Errors
/// The database's.
pub async fn finish(conn: &mut Connection, account: AccountId, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "update erasure set erased_at = greatest($2, asked_at) where account_id = $1",
        account.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The person's own name for the account.
///
/// # Errors
/// The database's.
pub async fn rename(conn: &mut Connection, account: AccountId, name: &str) -> sqlx::Result<()> {
    sqlx::query!("update account set display_name = $2 where id = $1", account.0, name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Those of the ids that are accounts.
///
/// # Errors
/// The database's.
pub async fn known(conn: &mut Connection, ids: &[Uuid]) -> sqlx::Result<Vec<AccountId>> {
    sqlx::query_scalar!(
        r#"select id as "id: AccountId" from account where id = any($1) order by id"#,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// Removes what an inbox and the list of log-ins held before `before`: notifications, and sessions
/// that ended; at most 10,000 of each.
///
/// # Errors
/// The database's.
pub async fn sweep(conn: &mut Connection, before: Timestamp) -> sqlx::Result<u64> {
    let notifications = sqlx::query!(
        "delete from notification where id in (
             select id from notification where created_at < $1 limit 10000
         )",
        before,
    )
    .execute(&mut *conn)
    .await?;
    let sessions = sqlx::query!(
        "with old as (select id from session where ended_at < $1 limit 10000),
         tokens as (delete from refresh_token where session_id in (select id from old))
         delete from session where id in (select id from old)",
        before,
    )
    .execute(conn)
    .await?;
    Ok(notifications.rows_affected() + sessions.rows_affected())
}
