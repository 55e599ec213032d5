//! Deliveries (对外发送): notifications sent to people's WeChat.
//!
//! The call is made outside every transaction that decides: first a transaction of its own marks the
//! row `sending` and uses up a consent, then WeChat is asked, and the job's transaction records what
//! came of it. A worker that dies in between leaves the row `sending`; whoever gets the job next
//! finds it so and makes it `unknown`. Nothing that may have been sent is sent again by itself, as
//! WeChat does not recognise a repetition.

use std::collections::BTreeMap;

use domain::{
    delivery::{
        Channel, Draft, Facts, OUTSIDE, Quiet, Reason, Refused, State as Standing, Step, Template,
        Verdict, again, fields, judge,
    },
    event::{Event, EventKind, Visibility},
    id::{AccountId, DeliveryId, JobId},
    identity::Actor,
    notification::Viewer,
    refusal::Basic,
    scope::{Audience, Scope},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        delivery::{
            self as store, Delivery, Preference, Wording,
            read::{self, Subscriptions},
        },
        identity,
        job::{self, NewJob},
        notification, points,
    },
    random,
    wechat::message::{self, Message},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    idempotent::{self, Answer, Once},
    identity::{is_demo, open_id_of},
    transact,
};
use crate::{error::Error, state::State};

mod outcome;

use outcome::Outcome;

/// Sends one delivery, or decides that it is not sent. Each attempt has a job of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt that this job is for; another's job does nothing.
    pub attempt: i32,
}

/// A message that is about to be sent. Its debug output would show personal data, so it has none.
struct Letter {
    open_id: domain::personal::OpenId,
    wording: Wording,
    fields: Vec<(String, String)>,
    long_term: bool,
}

impl Deliver {
    /// The kind of the job.
    pub const KIND: &'static str = "deliver";

    fn job(self, run_at: Timestamp, now: Timestamp) -> Result<NewJob, Error> {
        Ok(NewJob {
            id: random::id(now),
            kind: Self::KIND,
            dedupe: format!("{}:{}:{}", Self::KIND, self.delivery, self.attempt),
            payload: serde_json::to_value(self)?,
            run_at,
            max_attempts: 10,
        })
    }

    /// Decides, sends, and records.
    ///
    /// # Errors
    /// The database is away. After the call that leaves the delivery `sending`, and it becomes
    /// `unknown`.
    pub async fn send(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let inner = state.clone();
        let begun =
            transact(&state.db, move |own| Box::pin(async move { self.begin(&inner, own).await }))
                .await?;
        let Some(letter) = begun else { return Ok(()) };
        let fields: Vec<_> =
            letter.fields.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        let key = self.delivery.to_string();
        let sent = Message {
            to: &letter.open_id,
            template: &letter.wording.provider_id,
            page: Some(letter.wording.page.as_str()).filter(|page| !page.is_empty()),
            fields: &fields,
            key: &key,
        };
        let answer = message::send(&state.wechat, &sent).await;
        if let Err(failure) = answer {
            tracing::warn!(delivery = %self.delivery, %failure, "a message was not surely sent");
        }
        self.finish(tx, &letter, Outcome::of(answer), state.clock.now()).await
    }

    /// Looks at the delivery as things stand now. Answers the letter that is to be sent, and has
    /// noted by then that it is.
    async fn begin(self, state: &State, tx: &mut Connection) -> Result<Option<Letter>, Error> {
        let now = state.clock.now();
        let Some(mut row) = store::lock(tx, self.delivery).await? else { return Ok(None) };
        if row.attempt != self.attempt {
            return Ok(None);
        }
        if let Ok(lost) = row.state.step(Step::Lose) {
            // Its worker died with it, or could not record what came of the call.
            row.state = lost;
            note(tx, &row, None, None, now).await?;
            return Ok(None);
        }
        if row.state != Standing::Waiting {
            return Ok(None);
        }
        let grants = identity::grants(tx, row.account).await?;
        let scope = Scope::of(&Actor { account: row.account, grants });
        let wording = store::wording(tx, row.template, row.channel).await?;
        let standing = store::standing(tx, &row, &wording.provider_id).await?;
        let entry = notification::find(tx, &scope, row.notification).await?;
        let mut entry = entry.ok_or(Basic::NotFound)?;
        let holds = refresh(tx, row.account, &mut entry.event, now).await?;
        let preference = store::preference(tx, row.account).await?;
        let open_id = match &standing.open_id_sealed {
            Some(sealed) => Some(open_id_of(state, sealed)?).filter(|id| !is_demo(state, id)),
            None => None,
        };
        let facts = Facts {
            kind: row.kind,
            read: entry.read_at.is_some(),
            readable: entry.viewer.is_some(),
            muted: &preference.muted,
            superseded: standing.superseded,
            later: &standing.later,
            holds,
            addressed: open_id.is_some(),
            consents: (!standing.long_term).then_some(standing.remaining),
            quiet: preference.quiet.unwrap_or(state.config.quiet),
        };
        match (judge(&facts, now), entry.viewer, open_id) {
            (Verdict::Wait(until), ..) => {
                row.state = row.state.step(Step::Wait)?;
                look_again(tx, &mut row, until, now).await?;
                Ok(None)
            }
            (Verdict::Send, Some(viewer), Some(open_id)) => {
                row.state = row.state.step(Step::Send)?;
                note(tx, &row, None, Some(wording.version), now).await?;
                if !standing.long_term {
                    let id = &wording.provider_id;
                    store::count_consent(tx, row.account, id, -1, false, now).await?;
                }
                let (title, number) = (&entry.title, entry.number.as_deref());
                let fields = fields(&wording.fields, &entry.event, viewer, title, number);
                Ok(Some(Letter { open_id, wording, fields, long_term: standing.long_term }))
            }
            (verdict, ..) => {
                let Verdict::Drop(reason) = verdict else {
                    return Err(Error::Internal("a message to nobody was to be sent".into()));
                };
                row.state = row.state.step(Step::Drop)?;
                note(tx, &row, Some(reason), None, now).await?;
                Ok(None)
            }
        }
    }

    /// Records what came of the call, unless another worker has found the row `sending` meanwhile.
    async fn finish(
        self,
        tx: &mut Connection,
        letter: &Letter,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(mut row) = store::lock(tx, self.delivery).await? else { return Ok(()) };
        if row.attempt != self.attempt || row.state != Standing::Sending {
            return Ok(());
        }
        let id = &letter.wording.provider_id;
        if outcome.gives_back() && !letter.long_term {
            store::count_consent(tx, row.account, id, 1, false, now).await?;
        }
        if outcome == Outcome::Fail(Reason::NoConsent) {
            store::end_consent(tx, row.account, id, now).await?;
        }
        let (step, reason) = match outcome {
            Outcome::Sent => (Step::Done, None),
            Outcome::Unknown => (Step::Lose, None),
            Outcome::Fail(reason) => (Step::Fail, Some(reason)),
            Outcome::Retry(setback) => {
                row.failures += 1;
                if let Some(at) = again(setback, row.failures, now) {
                    row.state = row.state.step(Step::Retry)?;
                    return look_again(tx, &mut row, at, now).await;
                }
                (Step::Fail, Some(Reason::Unavailable))
            }
        };
        row.state = row.state.step(step)?;
        note(tx, &row, reason, None, now).await
    }
}

/// Saves a delivery, and counts where it came to stand.
async fn note(
    tx: &mut Connection,
    row: &Delivery,
    reason: Option<Reason>,
    version: Option<i32>,
    now: Timestamp,
) -> Result<(), Error> {
    store::save(tx, row, reason, version, now).await?;
    let labels = [("channel", row.channel.code()), ("state", row.state.code())];
    metrics::counter!("deliveries_total", &labels).increment(1);
    Ok(())
}

/// Puts what an event tells as it stands now into it. Answers whether there is anything left to tell.
async fn refresh(
    tx: &mut Connection,
    account: AccountId,
    event: &mut Event,
    now: Timestamp,
) -> Result<bool, Error> {
    let at = event.data.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok());
    let Some(at) = at.filter(|_| event.kind == EventKind::PointsExpiring) else { return Ok(true) };
    let left = points::warning::left(tx, account, at, now).await?;
    if let Some(points) = event.data.get_mut("points") {
        *points = left.into();
    }
    Ok(left > 0)
}

/// Lets a delivery be looked at again then, by a job of its own.
async fn look_again(
    tx: &mut Connection,
    row: &mut Delivery,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    row.attempt += 1;
    note(tx, row, None, None, now).await?;
    let next = Deliver { delivery: row.id, attempt: row.attempt };
    job::enqueue(tx, &next.job(at, now)?, now).await?;
    Ok(())
}

/// Makes the deliveries of a subject's events `from..=to`, in the transaction that tells of them.
///
/// # Errors
/// The database is away.
pub(super) async fn make(
    tx: &mut Connection,
    subject: Uuid,
    from_seq: i32,
    to_seq: i32,
    now: Timestamp,
) -> Result<(), Error> {
    let made = store::make(tx, subject, from_seq, to_seq, now).await?;
    let jobs = made.into_iter().map(|delivery| Deliver { delivery, attempt: 0 }.job(now, now));
    let jobs = jobs.collect::<Result<Vec<_>, _>>()?;
    job::enqueue_all(tx, &jobs, now).await?;
    Ok(())
}

/// Counts what a person consented to, once for each key. `accepted` are ids at WeChat; one that is
/// not in use now is passed over, as an older client may still ask for it.
///
/// # Errors
/// `idempotency_key_reused`; the database is away.
pub async fn subscribe(
    state: &State,
    account: AccountId,
    once: Once,
    accepted: Vec<String>,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    idempotent::run(state, once, 200, move |tx| {
        Box::pin(async move {
            // In one order, so that two at once do not wait for each other.
            for template in Template::ALL {
                let wording = store::wording(tx, *template, Channel::Subscribe).await?;
                if accepted.contains(&wording.provider_id) {
                    let (id, long) = (&wording.provider_id, wording.long_term);
                    store::count_consent(tx, account, id, 1, long, now).await?;
                }
            }
            Ok((Subscriptions { items: read::subscriptions(tx, account).await? }, ()))
        })
    })
    .await
}

/// A wording filled with an invented example, cut as WeChat's fields are.
pub fn preview(template: Template, draft: &Draft, now: Timestamp) -> BTreeMap<String, String> {
    let kind = OUTSIDE.iter().find(|(_, one, ..)| *one == template);
    let event = Event {
        seq: 1,
        kind: kind.map_or(EventKind::Accepted, |(kind, ..)| *kind),
        at: now,
        visibility: Visibility::Everyone,
        unit: None,
        unit_name: None,
        task: None,
        data: json!({}),
        note: None,
    };
    let viewer = Viewer { audience: Audience::Reporter, own: true, confidential: false };
    let title = "小区东门到文兴路口之间的路灯连续三天晚上都不亮";
    let filled = fields(&draft.fields, &event, viewer, title, Some("PC20261124000123"));
    filled.into_iter().map(|(key, text)| (key.clone(), message::fitted(&key, &text))).collect()
}

/// Publishes a new version of a template; `base` is the one that it changes.
///
/// # Errors
/// `delivery_template_changed`; the database is away.
pub async fn publish(
    state: &State,
    actor: &Actor,
    origin: Origin,
    template: Template,
    base: i32,
    draft: Draft,
) -> Result<(), Error> {
    let (now, actor) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if !store::publish(tx, template, Channel::Subscribe, base, &draft, now).await? {
                return Err(Refused::TemplateChanged.into());
            }
            let entry =
                AuditEntry::new("delivery.publish", "notification_template", template, &origin)
                    .by(&actor)
                    .with(json!({ "version": base.saturating_add(1), "wording": draft }));
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await
}

/// What a person wants to be sent.
///
/// # Errors
/// The database is away.
pub async fn preference(state: &State, account: AccountId) -> Result<(Preference, Quiet), Error> {
    let mut conn = state.db.acquire().await?;
    Ok((store::preference(&mut conn, account).await?, state.config.quiet))
}

/// Keeps what a person wants to be sent, in place of what was kept.
///
/// # Errors
/// The database is away.
pub async fn prefer(state: &State, account: AccountId, wanted: Preference) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move { Ok(store::prefer(tx, account, &wanted, now).await?) })
    })
    .await
}

/// An administrator has a delivery judged and sent again, whose outcome is known to be a failure or
/// not known at all.
///
/// # Errors
/// It is missing; `delivery_step_refused`.
pub async fn resend(
    state: &State,
    actor: &Actor,
    origin: Origin,
    id: DeliveryId,
) -> Result<(), Error> {
    let (now, actor) = (state.clock.now(), actor.clone());
    let job: Option<JobId> = transact(&state.db, move |tx| {
        Box::pin(async move {
            let mut row = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            let before = row.state;
            row.state = row.state.step(Step::Resend)?;
            row.attempt += 1;
            row.failures = 0;
            note(tx, &row, None, None, now).await?;
            let entry = AuditEntry::new("delivery.resend", "delivery", id, &origin)
                .by(&actor)
                .with(json!({ "before": before }));
            audit::append(tx, &entry, now).await?;
            let next = Deliver { delivery: id, attempt: row.attempt };
            Ok(job::enqueue(tx, &next.job(now, now)?, now).await?)
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}
