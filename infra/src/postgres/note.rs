//! Internal notes (内部备注). Nothing else names their table, so that no answer to a reporter can
//! hold one.

use domain::{
    id::{AccountId, NoteId},
    note::{Standing, Write},
    org::NodeCode,
    task::Case,
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// A note of a case, as far as a correction asks.
///
/// # Errors
/// The database is away.
pub async fn standing(
    conn: &mut Connection,
    case: Case,
    id: NoteId,
) -> Result<Option<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"select unit as "unit: NodeCode",
               exists (select from internal_note later where later.corrects = n.id) as "corrected!"
           from internal_note n where id = $1 and case_id = $2"#,
        id.0,
        case.id(),
    )
    .fetch_optional(conn)
    .await
}

/// Appends a note, in the name of a unit or of the centre.
///
/// # Errors
/// The database is away; `internal_note_corrected_once` when another correction was first.
pub async fn insert(
    conn: &mut Connection,
    (id, case): (NoteId, Case),
    note: &Write,
    (author, unit): (AccountId, Option<&NodeCode>),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (complaint, whistle) = case.keys();
    sqlx::query!(
        "insert into internal_note (id, complaint_id, whistle_id, unit, author_id, text, corrects, written_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        complaint,
        whistle,
        unit.map(NodeCode::as_str),
        author.0,
        note.text,
        note.corrects.map(|note| note.0),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
