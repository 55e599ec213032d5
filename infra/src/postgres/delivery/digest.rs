//! What the daily summary of tasks is made of, and who gets one.

use domain::{
    delivery::{Counts, Digest},
    id::AccountId,
    identity::Role,
    time::Timestamp,
};

use super::super::Connection;

fn workers() -> Vec<String> {
    let all = Role::ALL.iter().filter(|role| role.works_tasks());
    all.map(|role| role.code().to_owned()).collect()
}

fn approvers() -> Vec<String> {
    Role::APPROVERS.iter().map(|role| role.code().to_owned()).collect()
}

/// Whoever works on tasks and wants the summary, in ascending id.
///
/// # Errors
/// The database is away.
pub async fn readers(conn: &mut Connection) -> Result<Vec<AccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select a.id as "id: AccountId" from account a
           left join delivery_preference p on p.account_id = a.id
           where a.disabled_at is null and coalesce(p.digest, $2) <> $3
               and exists (
                   select from role_grant g
                   where g.account_id = a.id and g.revoked_at is null and g.role = any($1))
           order by a.id"#,
        &workers(),
        Digest::default().code(),
        Digest::Off.code(),
    )
    .fetch_all(conn)
    .await
}

/// How much waits for somebody now; `day_ends` is the end of the day.
///
/// # Errors
/// The database is away.
pub async fn counts(
    conn: &mut Connection,
    account: AccountId,
    now: Timestamp,
    day_ends: Timestamp,
) -> Result<Counts, sqlx::Error> {
    sqlx::query_as!(
        Counts,
        r#"with mine as (
               select g.scope as unit, bool_or(g.role = any($5)) as approves
               from role_grant g
               where g.account_id = $1 and g.revoked_at is null and g.role = any($4)
               group by g.scope
           )
           select count(distinct t.id) filter (where t.acknowledged_at is null) as "new!",
               count(distinct t.id) filter (
                   where t.status <> 'replied' and c.suspended_at is null
                       and t.reply_by between $2 and $3) as "due!",
               -- While a complaint is suspended its units' clocks stand still.
               count(distinct t.id) filter (where
                   (t.acknowledged_at is null and t.acknowledge_by < least($2, c.suspended_at))
                   or (t.contacted_at is null and t.contact_by < least($2, c.suspended_at))
                   or (t.arrived_at is null and t.arrive_by < least($2, c.suspended_at))
                   or (t.status <> 'replied' and t.reply_by < least($2, c.suspended_at))
               ) as "overdue!",
               count(distinct t.id) filter (where t.status <> 'replied' and (t.officer = $1
                   or t.waiting_since is not null and mine.approves and mine.unit = t.unit)
               ) as "waiting!"
           from task t
           join mine on mine.unit in (t.unit, t.body)
           left join complaint c on c.id = t.complaint_id
           where t.ended_at is null"#,
        account.0,
        now,
        day_ends,
        &workers(),
        &approvers(),
    )
    .fetch_one(conn)
    .await
}
