//! Attachments (附件): taken in, made anew, kept; attached to what they are for; judged.
//!
//! A file comes first and its row second: whoever finds a row finds the file. What is left without
//! a row, and what is never attached, the chore [`SweepAttachments`] deletes.

use std::{sync::LazyLock, time::Duration};

use domain::{
    attachment::{
        Candidate, Check, Chosen, Format, Kind, MOST_BYTES, MediaType, Refused, Step, UNATTACHED,
    },
    id::{AccountId, AttachmentId},
    refusal::Basic,
    scope::Scope,
    time::Timestamp,
};
use infra::{
    picture,
    postgres::{
        Connection,
        attachment::{
            self as store, NewAttachment, Target,
            read::{self, Of, Row},
        },
        audit::{self, AuditEntry, Origin},
    },
    random,
    storage::{self, Name, Part},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{io::AsyncReadExt, sync::Semaphore};

use super::{
    case::Ask,
    idempotent::{self, Answer, Once},
    transact,
};
use crate::{error::Error, state::State};

pub mod check;
mod link;
mod receive;

pub use link::{Link, Viewed, file};
pub use receive::{Received, Receiver};

/// Files are unpacked one at a time: one takes up to 200 MiB.
static UNPACKING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(1));
/// How long an upload waits for its turn.
const PATIENCE: Duration = Duration::from_secs(40);
/// So many days the sweep looks back for files without a row: a worker that was away for less
/// leaves nothing behind.
const SWEPT_DAYS: i64 = 7;

/// A file that may be kept.
struct Made {
    media_type: MediaType,
    bytes: Vec<u8>,
    size: Option<(u32, u32)>,
    milliseconds: Option<u64>,
    thumbnail: Option<Vec<u8>>,
}

/// Keeps an uploaded file for the account, and answers with what `view` shows of it. A repetition
/// under its key and with the same bytes is answered as the first time.
///
/// # Errors
/// `attachment_…`; the key was used for another file.
pub async fn upload<T: Serialize + Send + 'static>(
    state: &State,
    ask: Ask,
    once: Once,
    received: Received,
    view: fn(&State, &Row) -> T,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    if let Some(answer) = idempotent::repeated(state, &once, now).await? {
        return Ok(answer);
    }
    let owner = ask.account().ok_or(Basic::Unauthenticated)?;
    let (quota, sent) = (state.config.files.quota(), received.bytes);
    let sent_bytes = i32::try_from(sent).map_err(|_| Refused::Unreadable)?;
    let used = store::used(&mut *state.db.acquire().await?, owner, now - UNATTACHED).await?;
    quota.admit(used, sent_bytes.into())?;
    let made = make(state, received).await?;
    let id = random::id::<AttachmentId>(now);
    let row = NewAttachment {
        id,
        owner,
        media_type: made.media_type,
        bytes: i32::try_from(made.bytes.len()).unwrap_or(i32::MAX),
        sent_bytes,
        size: made.size.map(|(w, h)| (w.cast_signed(), h.cast_signed())),
        milliseconds: made.milliseconds.and_then(|length| i32::try_from(length).ok()),
    };
    keep(state, id, &made).await?;
    let here = state.clone();
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            quota.admit(store::used(tx, owner, now - UNATTACHED).await?, sent_bytes.into())?;
            store::insert(tx, &row, now).await?;
            let entry = AuditEntry::new("attachment.upload", "attachment", id, &ask.origin)
                .by(ask.actor.as_ref())
                .with(json!({ "media_type": row.media_type, "bytes": row.bytes }));
            audit::append(tx, &entry, now).await?;
            let scope = Scope::of(ask.actor.as_ref().ok_or(Basic::Unauthenticated)?);
            let kept = read::of(tx, &scope, Of { id: Some(id), ..Of::default() }).await?;
            let kept = kept.into_iter().next().ok_or(Basic::NotFound)?;
            Ok((view(&here, &kept), ()))
        })
    })
    .await;
    // A twin was first, or the quota ran out meanwhile: the file has no row.
    if !matches!(&answer, Ok(Answer { fresh: Some(()), .. })) {
        drop_files(state, id).await;
    }
    answer
}

/// Checks a file's format and makes it anew, when its turn has come.
async fn make(state: &State, received: Received) -> Result<Made, Error> {
    let format = Format::sniff(&received.head).ok_or(Refused::Type)?;
    let turn = tokio::time::timeout(PATIENCE, UNPACKING.acquire()).await;
    let turn = turn.map_err(|_| Basic::Unavailable)?.map_err(|_| Basic::Unavailable)?;
    let mut bytes = Vec::with_capacity(received.bytes);
    let mut limited = received.file.take(u64::try_from(MOST_BYTES).unwrap_or(u64::MAX));
    limited.read_to_end(&mut bytes).await.map_err(unkept)?;
    let minutes = state.config.files.voice_minutes;
    let made = tokio::task::spawn_blocking(move || match format {
        Format::Audio(coding) => coding.read(&bytes, minutes).map(|voice| Made {
            media_type: voice.media_type,
            bytes: voice.bytes,
            size: None,
            milliseconds: Some(voice.milliseconds),
            thumbnail: None,
        }),
        picture => picture::remake(bytes, picture).map(|made| Made {
            media_type: made.media_type,
            bytes: made.bytes,
            size: Some((made.width, made.height)),
            milliseconds: None,
            thumbnail: Some(made.thumbnail),
        }),
    })
    .await;
    drop(turn);
    // A decoder that fell over its input must not say more than that it cannot read it.
    match made {
        Ok(made) => Ok(made?),
        Err(panic) => {
            tracing::error!(%panic, "a decoder failed");
            Err(Refused::Unreadable.into())
        }
    }
}

async fn keep(state: &State, id: AttachmentId, made: &Made) -> Result<(), Error> {
    let parts = [(Part::Thumbnail, made.thumbnail.as_ref()), (Part::Whole, Some(&made.bytes))];
    for (part, bytes) in parts {
        if let Some(bytes) = bytes {
            state.files.put(&state.crypto, Name { id, part }, bytes).await.map_err(away)?;
        }
    }
    Ok(())
}

/// Removes files that have no row. What remains, the chore removes.
async fn drop_files(state: &State, id: AttachmentId) {
    for part in [Part::Whole, Part::Thumbnail] {
        if let Err(error) = state.files.remove(Name { id, part }).await {
            tracing::warn!(%error, "a file without a row is left to the sweep");
        }
    }
}

/// The store is away or full: the person may try again.
#[expect(clippy::needless_pass_by_value, reason = "it is named in map_err")]
fn away(error: storage::Unusable) -> Error {
    tracing::error!(%error, "file store unavailable");
    Basic::Unavailable.into()
}

#[expect(clippy::needless_pass_by_value, reason = "it is named in map_err")]
fn unkept(error: std::io::Error) -> Error {
    tracing::error!(%error, "files.directory cannot be written to");
    Basic::Unavailable.into()
}

/// Attaches files in the transaction of what they are for; whether a photo is among them. Call it
/// with the target's case locked.
///
/// # Errors
/// `invalid_field`: a file is missing, another's, or used elsewhere.
pub(super) async fn attach(
    tx: &mut Connection,
    chosen: &Chosen,
    target: Target,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<bool, Error> {
    let place = target.place();
    let found = store::lock(tx, chosen.ids(), target).await?;
    let mut photos = false;
    for id in chosen.ids() {
        let candidate = found.iter().find(|(one, _)| one == id).map(|(_, file)| file);
        Candidate::attach(candidate, by, place)?;
        photos |= candidate.is_some_and(|file| file.kind == Kind::Image);
    }
    // A reply without files still supersedes those that it had before.
    if !chosen.is_empty() || place.is_rewritten() {
        store::attach(tx, chosen.ids(), target, now).await?;
    }
    check::begin(tx, chosen.ids(), now).await?;
    Ok(photos)
}

/// A person hides a file, or shows it again.
///
/// # Errors
/// Attached to nothing; hidden already, or shown.
pub async fn judge(
    state: &State,
    ask: Ask,
    id: AttachmentId,
    step: Step,
    reason: String,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let check = store::lock_check(tx, id).await?.ok_or(Basic::NotFound)?.step(step)?;
            let hidden = (check == Check::Hidden).then_some(reason.as_str());
            store::save_check(tx, (id, check), hidden, ask.account(), now).await?;
            let action = match step {
                Step::Hide => "attachment.hide",
                _ => "attachment.unhide",
            };
            let entry = AuditEntry::new(action, "attachment", id, &ask.origin)
                .by(ask.actor.as_ref())
                .with(json!({ "reason": reason }));
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await
}

/// Why the automatic check hid a file.
const FLAGGED: &str = "内容安全检测未通过";

/// Takes the answer of the automatic check, inside the transaction of whoever brings it. What a
/// person has decided meanwhile stands, and a file that is gone is no matter any more.
///
/// # Errors
/// The database's.
pub async fn checked(
    tx: &mut Connection,
    id: AttachmentId,
    fine: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let step = if fine { Step::Pass } else { Step::Flag };
    let Some(Ok(check)) = store::lock_check(tx, id).await?.map(|check| check.step(step)) else {
        return Ok(());
    };
    let hidden = (check == Check::Hidden).then_some(FLAGGED);
    store::save_check(tx, (id, check), hidden, None, now).await?;
    let origin = Origin::default();
    let entry = AuditEntry::new("attachment.checked", "attachment", id, &origin)
        .with(json!({ "check": check }));
    Ok(audit::append(tx, &entry, now).await?)
}

/// Deletes files that belong to nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepAttachments {}

impl SweepAttachments {
    /// The kind of the job.
    pub const KIND: &'static str = "sweep_attachments";

    /// Deletes files without a row first, then the rows of files that were never attached, whose
    /// files the next sweep finds without one. So a file goes only after its row is gone for good.
    ///
    /// # Errors
    /// The database's; the store is away.
    pub async fn sweep(state: &State, tx: &mut Connection) -> Result<(), Error> {
        let before = state.clock.now() - UNATTACHED;
        for days in 0..=SWEPT_DAYS {
            let day = before - chrono::TimeDelta::days(days);
            state.files.remove_half_done(day, before).await.map_err(unkept)?;
            let mut there = state.files.of_day(day).await.map_err(away)?;
            // An upload that is on its way has no row yet.
            there.retain(|name| storage::made_at(name.id) <= before);
            let ids: Vec<AttachmentId> = there.iter().map(|name| name.id).collect();
            let known = store::known(tx, &ids).await?;
            for name in there.iter().filter(|name| !known.contains(&name.id)) {
                state.files.remove(*name).await.map_err(away)?;
            }
        }
        let forgotten = store::forget_unattached(tx, before).await?;
        if forgotten > 0 {
            tracing::info!(forgotten, "unattached files forgotten");
        }
        Ok(())
    }
}
