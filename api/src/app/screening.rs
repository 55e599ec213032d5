//! Use cases of screening (内容核验): a text is judged by words when it comes in, by WeChat's check
//! in a job, and by a person where that cannot be.

use chrono::TimeDelta;
use domain::{
    complaint::{Submission, Submitter},
    id::{ComplaintId, JobId},
    personal::OpenId,
    refusal::Basic,
    screening::{Author, Decide, PATIENCE_MINUTES, Reason, State as Standing, Step, first},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        job::{self, NewJob},
        screening::{self as store, Judged, Text},
    },
    random,
    wechat::{
        Advice, Failure,
        content_check::{self, Judgement, Suggestion},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    case::Ask,
    identity::{is_demo, open_id_of},
    transact,
};
use crate::{error::Error, state::State};

/// Attempts of a check: over some minutes, then it is a person's.
const ATTEMPTS: i32 = 9;

/// Notes where the text of a complaint stands, in the transaction that takes it in, and enqueues the
/// machine's check where it can look.
///
/// # Errors
/// The database's.
pub(super) async fn begin(
    state: &State,
    tx: &mut Connection,
    id: ComplaintId,
    submission: &Submission,
    by: Submitter<'_>,
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let forbidden = state.config.screening.finds(&submission.title, &submission.content);
    let author = match by.taken_in_by() {
        Some(_) => Author::Staff,
        None => store::author(tx, by.reporter()).await?,
    };
    let standing = first(author, forbidden);
    store::insert(tx, id, standing, now).await?;
    if standing.0 != Standing::Pending {
        return Ok(None);
    }
    let check = NewJob {
        id: random::id(now),
        kind: ScreenText::KIND,
        dedupe: format!("{}:{id}", ScreenText::KIND),
        payload: serde_json::to_value(ScreenText { complaint: id })?,
        run_at: now,
        max_attempts: ATTEMPTS,
    };
    Ok(job::enqueue(tx, &check, now).await?)
}

/// Has the text of a complaint judged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScreenText {
    /// The complaint.
    pub complaint: ComplaintId,
}

impl ScreenText {
    /// The kind of the job.
    pub const KIND: &'static str = "screen_text";

    /// Asks WeChat, and notes what it says. Nothing is locked while it is asked. What a person has
    /// decided meanwhile stands.
    ///
    /// # Errors
    /// It may work later; the database's.
    pub async fn screen(&self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let Some(text) = store::pending(tx, self.complaint).await? else { return Ok(()) };
        let (step, judged) = match judge(state, &text).await? {
            Some(found) if found.suggestion == Suggestion::Pass => (Step::Pass, Some(found)),
            Some(found) => (Step::Flag, Some(found)),
            None => (Step::Refer, None),
        };
        let locked = store::lock(tx, self.complaint).await?;
        let Some(Ok(standing)) = locked.map(|standing| standing.step(step)) else {
            return Ok(());
        };
        let reason = if judged.is_some() { Reason::Machine } else { Reason::Unchecked };
        let label = judged.map(|found| found.label);
        let now = state.clock.now();
        let saved = Judged { state: standing, reason, label, by: None };
        store::save(tx, self.complaint, &saved, now).await?;
        let origin = Origin::default();
        let entry = AuditEntry::new("screening.checked", "complaint", self.complaint, &origin)
            .with(json!({ "state": standing, "label": label }));
        Ok(audit::append(tx, &entry, now).await?)
    }
}

/// What WeChat says of a text; none where it cannot say anything. In the demo a demo person has no
/// WeChat: nothing is found then but forbidden words.
async fn judge(state: &State, text: &Text) -> Result<Option<Judgement>, Error> {
    let Some(sealed) = &text.open_id_sealed else { return Ok(None) };
    let by: OpenId = open_id_of(state, sealed)?;
    if is_demo(state, &by) {
        return Ok(Some(Judgement { suggestion: Suggestion::Pass, label: 100 }));
    }
    let asked = content_check::text(&state.wechat, &by, Some(&text.title), &text.content).await;
    outcome(asked)
}

/// A judgement; none where a person has to look; an error where another attempt may help, or
/// somebody has to mend something first.
fn outcome(asked: Result<Judgement, Failure>) -> Result<Option<Judgement>, Error> {
    match asked {
        Ok(judgement) => Ok(Some(judgement)),
        Err(failure) => match failure.advice() {
            Advice::Later | Advice::Mend => Err(Error::Internal(Box::new(failure))),
            Advice::Person | Advice::Refuse | Advice::NewCode | Advice::Consent => Ok(None),
        },
    }
}

/// Gives to people what no machine has answered for in half an hour.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReferUnscreened {}

impl ReferUnscreened {
    /// The kind of the job.
    pub const KIND: &'static str = "refer_unscreened";

    /// # Errors
    /// The database's.
    pub async fn refer(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        let before = now - TimeDelta::minutes(PATIENCE_MINUTES);
        let referred = store::refer(tx, before, now).await?;
        if referred > 0 {
            tracing::warn!(referred, "texts that no machine answered for are people's now");
        }
        Ok(())
    }
}

/// A person shows or hides a text.
///
/// # Errors
/// No such complaint; shown already, or hidden.
pub async fn decide(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    command: Decide,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let before = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            let standing = before.step(command.step)?;
            let by = Some((by, command.note.as_str()));
            let judged = Judged { state: standing, reason: Reason::Decided, label: None, by };
            store::save(tx, id, &judged, now).await?;
            let action = match command.step {
                Step::Show => "screening.show",
                _ => "screening.hide",
            };
            let entry = AuditEntry::new(action, "complaint", id, &ask.origin)
                .by(ask.actor.as_ref())
                .with(json!({ "before": before, "reason": command.note }));
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await
}
