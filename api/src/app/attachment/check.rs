//! WeChat's check of photos and voice: asked for in a job once a file is attached, answered by a
//! push. What it does not answer stays `pending`, which the judges' list shows to people.

use chrono::TimeDelta;
use domain::{attachment::Kind, id::AttachmentId, time::Timestamp};
use infra::{
    postgres::{
        Connection,
        attachment::trace as store,
        job::{self, NewJob},
    },
    random,
    storage::{Name, Part},
    wechat::{
        Advice,
        content_check::{self, Media, Suggestion},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    checked,
    link::{Link, Viewed},
};
use crate::{
    app::identity::{is_demo, open_id_of},
    error::Error,
    state::State,
};

/// Attempts to ask: over some minutes, then it is a person's.
const ATTEMPTS: i32 = 9;
/// An answer can overtake the note that it was asked for; for so long it is looked for again.
const OVERTAKEN: TimeDelta = TimeDelta::minutes(2);

/// Asks about a file that was attached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScreenMedia {
    /// The file.
    pub attachment: AttachmentId,
}

/// Enqueues the check of files, in the transaction that attaches them.
///
/// # Errors
/// The database's.
pub(super) async fn begin(
    tx: &mut Connection,
    ids: &[AttachmentId],
    now: Timestamp,
) -> Result<(), Error> {
    let mut jobs = Vec::with_capacity(ids.len());
    for id in ids {
        jobs.push(NewJob {
            id: random::id(now),
            kind: ScreenMedia::KIND,
            dedupe: format!("{}:{id}", ScreenMedia::KIND),
            payload: serde_json::to_value(ScreenMedia { attachment: *id })?,
            run_at: now,
            max_attempts: ATTEMPTS,
        });
    }
    job::enqueue_all(tx, &jobs, now).await?;
    Ok(())
}

impl ScreenMedia {
    /// The kind of the job.
    pub const KIND: &'static str = "screen_media";

    /// Asks WeChat to fetch and judge the file, by a link that is good for minutes. It asks for
    /// nothing where it cannot be: nobody whom WeChat knows, no address that it can reach.
    ///
    /// # Errors
    /// It may work later; the database's.
    pub async fn ask(&self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let base = state.config.wechat.media_base_url.trim_end_matches('/');
        let Some(file) = store::unchecked(tx, self.attachment).await? else { return Ok(()) };
        let Some(sealed) = file.open_id_sealed.filter(|_| !base.is_empty()) else { return Ok(()) };
        let by = open_id_of(state, &sealed)?;
        if is_demo(state, &by) {
            return Ok(());
        }
        let id = self.attachment;
        let link = Link::to(state, Name { id, part: Part::Whole }, Viewed::Reader);
        let Link { expires, signature } = link;
        let url = format!("{base}/attachments/{id}/file?expires={expires}&signature={signature}");
        let media = match file.kind {
            Kind::Image => Media::Image,
            Kind::Audio => Media::Audio,
        };
        match content_check::media(&state.wechat, &by, &url, media).await {
            Ok(trace) => Ok(store::asked(tx, &trace, id, state.clock.now()).await?),
            Err(failure) => match failure.advice() {
                Advice::Later | Advice::Mend => Err(Error::Internal(Box::new(failure))),
                Advice::Person | Advice::Refuse | Advice::NewCode | Advice::Consent => {
                    tracing::info!(%failure, attachment = %id, "a file is checked by people");
                    Ok(())
                }
            },
        }
    }
}

/// An answer of WeChat's check, as it was pushed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MediaChecked {
    /// Which question it answers.
    pub trace_id: String,
    /// What came of it; none when the check could not be done.
    pub suggestion: Option<Suggestion>,
    /// When it came.
    pub received_at: Timestamp,
}

impl MediaChecked {
    /// The kind of the job.
    pub const KIND: &'static str = "media_checked";

    /// Shows or hides the file. What a person decided stands, and so does the first answer.
    ///
    /// # Errors
    /// The question is not known yet; the database's.
    pub async fn take(&self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        let Some(id) = store::answered(tx, &self.trace_id, now).await? else {
            if now - self.received_at < OVERTAKEN {
                return Err(Error::Internal("nobody has asked that yet".into()));
            }
            tracing::warn!("an answer of WeChat's check belongs to nothing");
            return Ok(());
        };
        match self.suggestion {
            Some(suggestion) => checked(tx, id, suggestion == Suggestion::Pass, now).await,
            None => Ok(()),
        }
    }
}
