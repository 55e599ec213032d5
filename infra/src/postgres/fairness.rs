//! Fairness flags (公平核查): what the detectors look at, and the flags they raise. Lists and details are
//! in [`read`].

use chrono::TimeDelta;
use domain::{
    complaint::Location,
    event::NewEvent,
    fairness::{
        Flag, Kind, Rules, Ruling, Status,
        detect::{Attendance, Found, Served, Verified},
    },
    id::{AccountId, ClaimId, FlagId, RedemptionId},
    time::Timestamp,
};
use uuid::Uuid;

use super::{Connection, event};

pub mod read;

/// A detector looks at no more than this: beyond it a person has long been asked.
const MOST: i64 = 1_000;

/// A verification, unless it was taken back.
///
/// # Errors
/// The database's.
pub async fn verified(conn: &mut Connection, id: RedemptionId) -> sqlx::Result<Option<Verified>> {
    sqlx::query_as!(
        Verified,
        r#"select redemption.id as "id: RedemptionId", merchant, verified_by as "clerk!: AccountId",
               hold.account as "buyer: AccountId", hold.created_at as made_at, verified_at as "at!"
           from redemption join hold on hold.id = redemption.id
           where redemption.id = $1 and verified_at is not null and refunded_at is null"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// What the same clerk verified in the seconds before, this one included.
///
/// # Errors
/// The database's.
pub async fn by_clerk(
    conn: &mut Connection,
    last: &Verified,
    rules: &Rules,
) -> sqlx::Result<Vec<Verified>> {
    sqlx::query_as!(
        Verified,
        r#"select redemption.id as "id: RedemptionId", merchant, verified_by as "clerk!: AccountId",
               hold.account as "buyer: AccountId", hold.created_at as made_at, verified_at as "at!"
           from redemption join hold on hold.id = redemption.id
           where verified_by = $1 and verified_at > $2 and verified_at <= $3 and refunded_at is null
           order by verified_at desc limit $4"#,
        last.clerk.0,
        last.at - TimeDelta::seconds(rules.fast_seconds.into()),
        last.at,
        MOST,
    )
    .fetch_all(conn)
    .await
}

/// What was verified for the same person in the days before, this one included.
///
/// # Errors
/// The database's.
pub async fn by_buyer(
    conn: &mut Connection,
    last: &Verified,
    rules: &Rules,
) -> sqlx::Result<Vec<Verified>> {
    let days = rules.buyer_days.max(rules.instant_days);
    sqlx::query_as!(
        Verified,
        r#"select redemption.id as "id: RedemptionId", merchant, verified_by as "clerk!: AccountId",
               hold.account as "buyer: AccountId", hold.created_at as made_at, verified_at as "at!"
           from hold join redemption on redemption.id = hold.id
           where hold.account = $1 and verified_at > $2 and verified_at <= $3 and refunded_at is null
           order by hold.created_at desc limit $4"#,
        last.buyer.0,
        last.at - TimeDelta::days(days.into()),
        last.at,
        MOST,
    )
    .fetch_all(conn)
    .await
}

/// Who works at a merchant.
///
/// # Errors
/// The database's.
pub async fn workers(conn: &mut Connection, merchant: &str) -> sqlx::Result<Vec<AccountId>> {
    sqlx::query_scalar!(
        r#"select account_id as "account: AccountId" from role_grant
           where scope = $1 and role like 'merchant%' and revoked_at is null"#,
        merchant,
    )
    .fetch_all(conn)
    .await
}

/// A check-in, and the same person's last one before it at a post that has a place.
///
/// # Errors
/// The database's.
pub async fn check_ins(conn: &mut Connection, claim: ClaimId) -> sqlx::Result<Vec<Attendance>> {
    let rows = sqlx::query!(
        r#"select claim.id as "claim: ClaimId", claim.account_id as "account: AccountId",
               claim.checked_in_at as "arrived!", claim.checked_out_at as "left", post.lng, post.lat
           from claim this
           join claim on claim.account_id = this.account_id
               and claim.checked_in_at <= this.checked_in_at
           join post on post.id = claim.post_id
           where this.id = $1 and (claim.id = this.id or post.lng is not null)
           order by claim.id = this.id desc, claim.checked_in_at desc
           limit 2"#,
        claim.0,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| Attendance {
        claim: row.claim,
        account: row.account,
        place: row.lng.zip(row.lat).map(|(lng, lat)| Location { lng, lat }),
        arrived: row.arrived,
        left: row.left,
    });
    Ok(rows.collect())
}

/// Who was confirmed by whom, for the claim that was confirmed last.
///
/// # Errors
/// The database's.
pub async fn confirmed(conn: &mut Connection, claim: ClaimId) -> sqlx::Result<Option<Served>> {
    sqlx::query_as!(
        Served,
        r#"select id as "claim: ClaimId", account_id as "account: AccountId",
               settled_by as "organiser!: AccountId", settled_at as "at!",
               minutes::bigint as "minutes!",
               (extract(epoch from upper(during) - lower(during)) / 60)::bigint as "length!"
           from claim where id = $1 and status = 'confirmed'"#,
        claim.0,
    )
    .fetch_optional(conn)
    .await
}

/// A person's services that were confirmed last, the latest first.
///
/// # Errors
/// The database's.
pub async fn served(
    conn: &mut Connection,
    last: &Served,
    rules: &Rules,
) -> sqlx::Result<Vec<Served>> {
    sqlx::query_as!(
        Served,
        r#"select id as "claim: ClaimId", account_id as "account: AccountId",
               settled_by as "organiser!: AccountId", settled_at as "at!",
               minutes::bigint as "minutes!",
               (extract(epoch from upper(during) - lower(during)) / 60)::bigint as "length!"
           from claim
           where account_id = $1 and status = 'confirmed' and settled_at <= $2
           order by settled_at desc, id desc limit $3"#,
        last.account.0,
        last.at,
        i64::try_from(rules.maximum_times).unwrap_or(MOST),
    )
    .fetch_all(conn)
    .await
}

/// What an organiser confirmed in the days before, this one included.
///
/// # Errors
/// The database's.
pub async fn organised(
    conn: &mut Connection,
    last: &Served,
    rules: &Rules,
) -> sqlx::Result<Vec<Served>> {
    sqlx::query_as!(
        Served,
        r#"select id as "claim: ClaimId", account_id as "account: AccountId",
               settled_by as "organiser!: AccountId", settled_at as "at!",
               minutes::bigint as "minutes!",
               (extract(epoch from upper(during) - lower(during)) / 60)::bigint as "length!"
           from claim
           where settled_by = $1 and status = 'confirmed' and settled_at > $2 and settled_at <= $3
           order by settled_at desc, id desc limit $4"#,
        last.organiser.0,
        last.at - TimeDelta::days(rules.few_days.into()),
        last.at,
        MOST,
    )
    .fetch_all(conn)
    .await
}

/// Raises a flag; `false` when its cause raised one before.
///
/// # Errors
/// The database's.
pub async fn raise(
    conn: &mut Connection,
    id: FlagId,
    found: &Found,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let parties: Vec<Uuid> =
        std::iter::once(found.account.0).chain(found.others.iter().map(|other| other.0)).collect();
    let redemptions: Vec<Uuid> = found.redemptions.iter().map(|one| one.0).collect();
    let claims: Vec<Uuid> = found.claims.iter().map(|one| one.0).collect();
    let raised = sqlx::query!(
        "insert into fairness_flag
             (id, kind, cause, account_id, parties, merchant, redemptions, claims, facts, status, raised_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10)
         on conflict on constraint fairness_flag_cause do nothing",
        id.0,
        found.kind.code(),
        found.cause,
        found.account.0,
        &parties,
        found.merchant,
        &redemptions,
        &claims,
        found.facts,
        now,
    )
    .execute(conn)
    .await?;
    Ok(raised.rows_affected() == 1)
}

/// Locks a flag until the transaction ends and reads it.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: FlagId) -> sqlx::Result<Option<Flag>> {
    let row = sqlx::query!(
        r#"select version, kind as "kind: Kind", status as "status: Status",
               account_id as "account: AccountId", parties,
               reviewed_by as "reviewed_by: AccountId", reviewed_at, reason,
               appeal, appealed_at,
               decided_by as "decided_by: AccountId", decided_at, decision
           from fairness_flag where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    let ruling = |by: Option<AccountId>, at: Option<Timestamp>, reason: Option<String>| {
        by.zip(at).zip(reason).map(|((by, at), reason)| Ruling { by, at, reason })
    };
    Ok(row.map(|row| Flag {
        id,
        version: row.version,
        kind: row.kind,
        status: row.status,
        account: row.account,
        parties: row.parties.into_iter().map(AccountId).collect(),
        review: ruling(row.reviewed_by, row.reviewed_at, row.reason),
        appeal: row.appeal.zip(row.appealed_at),
        decision: ruling(row.decided_by, row.decided_at, row.decision),
    }))
}

/// Saves where a locked flag stands, with its events. Answers the number of its last event.
///
/// # Errors
/// The database's, or it refuses what breaks an invariant.
pub async fn save(
    conn: &mut Connection,
    flag: &Flag,
    events: &[NewEvent],
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<i32> {
    let (review, decision) = (flag.review.as_ref(), flag.decision.as_ref());
    let last = sqlx::query_scalar!(
        "update fairness_flag set version = version + 1, last_seq = last_seq + $2, status = $3,
             reviewed_by = $4, reviewed_at = $5, reason = $6, appeal = $7, appealed_at = $8,
             decided_by = $9, decided_at = $10, decision = $11
         where id = $1
         returning last_seq",
        flag.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        flag.status.code(),
        review.map(|one| one.by.0),
        review.map(|one| one.at),
        review.map(|one| one.reason.as_str()),
        flag.appeal.as_ref().map(|(text, _)| text.as_str()),
        flag.appeal.as_ref().map(|(_, at)| *at),
        decision.map(|one| one.by.0),
        decision.map(|one| one.at),
        decision.map(|one| one.reason.as_str()),
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, flag.id.0, last, events, Some(by), now).await?;
    Ok(last)
}
