//! Repeats: the same words of the same reporter within days. The later complaint is marked, and
//! goes its way like any other.

use domain::{
    complaint::{Submission, normalised, repeats_since},
    id::{AccountId, ComplaintId},
    time::Timestamp,
};

use super::SealedContact;
use crate::postgres::Connection;

/// How many of a reporter's latest complaints are compared.
const COMPARED: i64 = 50;

/// Marks a complaint that was just stored, if its reporter (by account, or by the number to call)
/// said the same before.
///
/// # Errors
/// The database is away.
pub async fn mark(
    conn: &mut Connection,
    id: ComplaintId,
    submission: &Submission,
    (reporter, contact): (Option<AccountId>, Option<&SealedContact>),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if reporter.is_none() && contact.is_none() {
        return Ok(());
    }
    let earlier = sqlx::query!(
        r#"select c.title, c.content, coalesce(r.repeat_of, c.id) as "first!: ComplaintId"
           from complaint c left join complaint_repeat r on r.complaint_id = c.id
           where c.id in (
                   (select id from complaint
                    where reporter_id = $2 and id <> $1 and submitted_at > $4
                    order by submitted_at desc, id desc limit $5)
                   union all
                   (select o.id from complaint_contact n join complaint o on o.id = n.complaint_id
                    where n.phone_index = $3 and o.id <> $1 and o.submitted_at > $4
                    order by o.submitted_at desc, o.id desc limit $5))
           order by c.submitted_at desc, c.id desc
           limit $5"#,
        id.0,
        reporter.map(|account| account.0),
        contact.map(|contact| contact.index.as_slice()),
        repeats_since(now),
        COMPARED,
    )
    .fetch_all(&mut *conn)
    .await?;
    let given = normalised(&submission.title, &submission.content);
    let first = earlier.iter().find(|one| normalised(&one.title, &one.content) == given);
    if let Some(one) = first {
        sqlx::query!(
            "insert into complaint_repeat (complaint_id, repeat_of) values ($1, $2)",
            id.0,
            one.first.0,
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}
