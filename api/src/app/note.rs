//! Internal notes (内部备注): appended, never changed, never told to anybody. A note is no step of
//! its case, so that the case is not locked and its version stays.

use domain::{
    id::NoteId,
    note::{Refused, Write},
    refusal::Basic,
    scope::Scope,
    task::Case,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        note::{self as store, read::NoteView},
        violated,
    },
    random,
};
use serde_json::json;

use super::{
    case::Ask,
    idempotent::{self, Answer, Once},
};
use crate::{error::Error, state::State};

/// Writes a note on a case.
///
/// # Errors
/// The case is missing, or its notes are not the caller's to read; the note to correct is missing,
/// another side's, or corrected already; a reused key.
pub async fn write(
    state: &State,
    ask: Ask,
    once: Once,
    case: Case,
    note: Write,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move { Ok((append(tx, &ask, case, &note, now).await?, ())) })
    })
    .await
}

async fn append(
    tx: &mut Connection,
    ask: &Ask,
    case: Case,
    note: &Write,
    now: domain::time::Timestamp,
) -> Result<NoteView, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let access = store::read::access(tx, &Scope::of(actor), case).await?;
    let access = access.ok_or(Basic::NotFound)?;
    let side = access.unit.as_ref();
    if let Some(earlier) = note.corrects {
        let standing = store::standing(tx, case, earlier).await?.ok_or(Refused::Missing)?;
        standing.correct(side)?;
    }
    let id: NoteId = random::id(now);
    let by = (actor.account, side);
    store::insert(tx, (id, case), note, by, now).await.map_err(|error| {
        match violated(&error) {
            // Of two corrections at once the first stands.
            Some("internal_note_corrected_once") => Refused::Corrected.into(),
            _ => Error::from(error),
        }
    })?;
    // What was written is nobody's to repeat in the trail: it says that there is a note.
    let data = json!({ "note": id, "corrects": note.corrects });
    let audited = match case {
        Case::Complaint(complaint) => {
            AuditEntry::new("note.write", "complaint", complaint, &ask.origin)
        }
        Case::Whistle(whistle) => AuditEntry::new("note.write", "whistle", whistle, &ask.origin),
    };
    audit::append(tx, &audited.by(actor).with(data), now).await?;
    store::read::one(tx, &access, case, id).await?.ok_or_else(|| Basic::NotFound.into())
}
