//! Short links to evaluate by (评价短链): made with a reply, found by what somebody shows, spent once.
//! What was said through one is kept with every other evaluation ([`super::complaint`]).

use domain::{
    complaint::{Kind, Status},
    evaluation::Link,
    id::{ComplaintId, EvaluationId, EvaluationLinkId},
    time::Timestamp,
};

use super::Connection;

/// Whose word on the reply of a case is awaited: its own reporter's, and those of the complaints that
/// follow it and were not evaluated since. Who cannot be reached has no use for a link.
///
/// # Errors
/// The database's.
pub async fn awaited(
    conn: &mut Connection,
    leading: ComplaintId,
) -> Result<Vec<ComplaintId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select c.id as "id: ComplaintId" from complaint c
           where (c.id = $1 or c.merged_into = $1) and c.reachable
               and (c.merged_into is null or not exists (
                   select from evaluation v where v.complaint_id = c.id and v.at >= coalesce((
                       select max(at) from event where subject_id = c.id and kind = 'merged'), v.at)))
           order by c.id"#,
        leading.0,
    )
    .fetch_all(conn)
    .await
}

/// A link to be kept.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Its id.
    pub id: EvaluationLinkId,
    /// Whose reporter it stands for.
    pub complaint: ComplaintId,
    /// The MAC of its token.
    pub mac: [u8; 32],
    /// The token, sealed for the reporter's inbox.
    pub sealed: Vec<u8>,
}

/// Keeps the links of a reply.
///
/// # Errors
/// The database's.
pub async fn insert(
    conn: &mut Connection,
    leading: ComplaintId,
    replied_at: Timestamp,
    links: &[NewLink],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let ids: Vec<uuid::Uuid> = links.iter().map(|link| link.id.0).collect();
    let complaints: Vec<uuid::Uuid> = links.iter().map(|link| link.complaint.0).collect();
    let macs: Vec<Vec<u8>> = links.iter().map(|link| link.mac.to_vec()).collect();
    let sealed: Vec<Vec<u8>> = links.iter().map(|link| link.sealed.clone()).collect();
    sqlx::query!(
        "insert into evaluation_link
             (id, complaint_id, leading_id, replied_at, token_mac, token_sealed, made_at)
         select id, complaint, $1, $2, mac, sealed, $7
         from unnest($3::uuid[], $4::uuid[], $5::bytea[], $6::bytea[])
             as link (id, complaint, mac, sealed)
         on conflict on constraint evaluation_link_round do nothing",
        leading.0,
        replied_at,
        &ids,
        &complaints,
        &macs,
        &sealed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How a link is named when it is looked up.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// By the MAC of the token that somebody shows.
    Token(&'a [u8]),
    /// By its id.
    Id(EvaluationLinkId),
    /// The last one made for each complaint.
    Complaints(&'a [ComplaintId]),
}

/// A link that was found, and the little that it shows.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub id: EvaluationLinkId,
    /// By what it is judged.
    pub link: Link,
    /// The token, sealed; gone once it is used.
    pub sealed: Option<Vec<u8>>,
    /// The number of the complaint.
    pub number: String,
    /// What the complaint is about.
    pub kind: Kind,
    /// The reply that is to be judged.
    pub answer: Option<String>,
}

/// Finds links, open or not; at most one for each complaint.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut Connection, by: By<'_>) -> Result<Vec<Found>, sqlx::Error> {
    let (token, id, complaints) = match by {
        By::Token(mac) => (Some(mac), None, None),
        By::Id(id) => (None, Some(id.0), None),
        By::Complaints(all) => (None, None, Some(all)),
    };
    let complaints: Option<Vec<uuid::Uuid>> =
        complaints.map(|all| all.iter().map(|id| id.0).collect());
    let rows = sqlx::query!(
        r#"select distinct on (k.complaint_id) k.id as "id: EvaluationLinkId", k.complaint_id as "complaint: ComplaintId",
               k.leading_id as "leading: ComplaintId", k.replied_at,
               k.used_at is not null as "used!", k.token_sealed,
               exists (
                   select from evaluation v where v.complaint_id = c.id and v.at >= coalesce((
                       select max(at) from event where subject_id = c.id and kind = 'merged'), v.at)
               ) as "evaluated!",
               c.number, c.kind as "kind: Kind", c.merged_into as "merged_into: ComplaintId",
               l.status as "status: Status", l.replied_at as replied_last, l.clock_from,
               l.follow_up_round,
               (select reply_text from task where complaint_id = l.id and role = 'lead'
                   and status = 'confirmed' order by confirmed_at desc limit 1) as answer
           from evaluation_link k
           join complaint c on c.id = k.complaint_id
           join complaint l on l.id = k.leading_id
           where ($1::bytea is null or k.token_mac = $1)
               and ($2::uuid is null or k.id = $2)
               and ($3::uuid[] is null or k.complaint_id = any($3))
           order by k.complaint_id, k.replied_at desc, k.id desc"#,
        token,
        id,
        complaints.as_deref(),
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| Found {
        id: row.id,
        link: Link {
            complaint: row.complaint,
            leading: row.leading,
            replied_at: row.replied_at,
            used: row.used,
            evaluated: row.evaluated,
            merged_into: row.merged_into,
            status: row.status,
            replied_last: row.replied_last,
            clock_from: row.clock_from,
            round: row.follow_up_round,
        },
        sealed: row.token_sealed,
        number: row.number,
        kind: row.kind,
        answer: row.answer,
    });
    Ok(found.collect())
}

/// Spends a link on the evaluation that came by it; its token is gone. `false` where it is spent.
///
/// # Errors
/// The database's.
pub async fn spend(
    conn: &mut Connection,
    id: EvaluationLinkId,
    evaluation: EvaluationId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let spent = sqlx::query!(
        "update evaluation_link set used_at = $3, evaluation_id = $2, token_sealed = null
         where id = $1 and used_at is null",
        id.0,
        evaluation.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(spent.rows_affected() == 1)
}
