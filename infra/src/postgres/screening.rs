//! Screening (内容核验): where what people wrote stands, one row a complaint.

use domain::{
    id::{AccountId, ComplaintId},
    screening::{Author, Reason, State},
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// How a text came to stand where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged<'a> {
    /// Where it stands now.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// What the machine found, by WeChat's number.
    pub label: Option<i64>,
    /// The person who decided, and their words.
    pub by: Option<(AccountId, &'a str)>,
}

/// A text that is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its title.
    pub title: String,
    /// The rest of it.
    pub content: String,
    /// The openid of who wrote it, sealed; none when WeChat does not know them.
    pub open_id_sealed: Option<Vec<u8>>,
}

/// Whether WeChat knows an account.
///
/// # Errors
/// The database is away.
pub async fn author(
    conn: &mut Connection,
    reporter: Option<AccountId>,
) -> Result<Author, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"select exists (
               select from person where account_id = $1 and open_id_sealed is not null
           ) as "known!""#,
        reporter.map(|account| account.0),
    )
    .fetch_one(conn)
    .await?;
    Ok(if known { Author::Known } else { Author::Unknown })
}

/// Notes where the text of a new complaint stands.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    id: ComplaintId,
    (state, reason): (State, Reason),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into screening (complaint_id, state, reason, created_at) values ($1, $2, $3, $4)",
        id.0,
        state.code(),
        reason.code(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The text of a complaint that still waits for the machine. Nothing is locked: the check takes its
/// time.
///
/// # Errors
/// The database is away.
pub async fn pending(conn: &mut Connection, id: ComplaintId) -> Result<Option<Text>, sqlx::Error> {
    sqlx::query_as!(
        Text,
        r#"select c.title, c.content, p.open_id_sealed as "open_id_sealed?"
           from screening s
           join complaint c on c.id = s.complaint_id
           left join person p on p.account_id = c.reporter_id
           where s.complaint_id = $1 and s.state = 'pending'"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Where it stands; its row is locked.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, id: ComplaintId) -> Result<Option<State>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select state as "state: State" from screening where complaint_id = $1 for update"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// Saves where a locked one stands now. What a machine found stays beside a person's decision.
///
/// # Errors
/// The database is away; a machine would change what a person decided.
pub async fn save(
    conn: &mut Connection,
    id: ComplaintId,
    judged: &Judged<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (by, note) = judged.by.unzip();
    sqlx::query!(
        "update screening
         set state = $2, reason = $3, label = coalesce($4, label), judged_by = $5, note = $6,
             judged_at = $7
         where complaint_id = $1",
        id.0,
        judged.state.code(),
        judged.reason.code(),
        judged.label,
        by.map(|account| account.0),
        note,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives to people what no machine has answered for since `before`; answers how many.
///
/// # Errors
/// The database is away.
pub async fn refer(
    conn: &mut Connection,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "update screening set state = 'waiting', reason = 'unchecked', judged_at = $2
         where complaint_id = any(array(
             select complaint_id from screening
             where state = 'pending' and created_at <= $1
             order by complaint_id for update skip locked))",
        before,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
