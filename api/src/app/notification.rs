//! Notifications: telling everyone concerned of a case's events, and each person's inbox.

use domain::{
    id::{JobId, NotificationId},
    identity::Actor,
    refusal::Basic,
    scope::Scope,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        job::{self, NewJob},
        notification::{self, Entry},
    },
    random,
};
use uuid::Uuid;

use super::{delivery, transact};
use crate::{error::Error, state::State};

/// The job that tells everyone concerned of a case's events `from_seq..=to_seq`. Whoever saves a
/// case enqueues it in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notify {
    /// The case.
    pub subject: Uuid,
    /// The first event.
    pub from_seq: i32,
    /// The last event.
    pub to_seq: i32,
}

impl Notify {
    /// The kind of the job.
    pub const KIND: &'static str = "notify";

    /// The job, to run at once.
    pub fn job(self, now: Timestamp) -> NewJob {
        let Self { subject, from_seq, to_seq } = self;
        NewJob {
            id: random::id(now),
            kind: Self::KIND,
            dedupe: format!("{}:{subject}:{to_seq}", Self::KIND),
            payload: serde_json::json!({
                "subject": subject, "from_seq": from_seq, "to_seq": to_seq,
            }),
            run_at: now,
            max_attempts: 10,
        }
    }

    /// Tells everyone concerned, once, and makes what is sent of it to their WeChat or phone.
    ///
    /// # Errors
    /// The database is away.
    pub async fn tell(self, state: &State, conn: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        let Self { subject, from_seq, to_seq } = self;
        notification::tell(conn, subject, from_seq, to_seq, now).await?;
        delivery::make(state, conn, subject, (from_seq, to_seq), now).await
    }
}

/// Enqueues the job that tells people of the last `count` events of a subject; `last` is the
/// number of the last. Answers it, to wake workers after the commit.
pub(super) async fn announce(
    conn: &mut Connection,
    subject: Uuid,
    last: i32,
    count: usize,
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let Some(count) = i32::try_from(count).ok().filter(|count| *count > 0) else {
        return Ok(None);
    };
    let told = Notify { subject, from_seq: last - count + 1, to_seq: last };
    Ok(job::enqueue(conn, &told.job(now), now).await?)
}

/// # Errors
/// The notification is missing or another's.
pub async fn exists(state: &State, actor: &Actor, id: NotificationId) -> Result<(), Error> {
    let mut conn = state.db.acquire().await?;
    let found = notification::find(&mut conn, &Scope::of(actor), id).await?;
    found.map(drop).ok_or_else(|| Basic::NotFound.into())
}

/// Marks one of the caller's notifications read; a second time changes nothing.
///
/// # Errors
/// It is missing or another's.
pub async fn read(state: &State, actor: &Actor, id: NotificationId) -> Result<Entry, Error> {
    let (now, account, scope) = (state.clock.now(), actor.account, Scope::of(actor));
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if !notification::mark_read(tx, account, id, now).await? {
                return Err(Basic::NotFound.into());
            }
            notification::find(tx, &scope, id).await?.ok_or_else(|| Basic::NotFound.into())
        })
    })
    .await
}
