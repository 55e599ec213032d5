//! Deliveries (对外发送): notifications sent to people's WeChat or phone.
//!
//! The call is made outside every transaction that decides: first a transaction of its own marks the
//! row `sending` and uses up a consent, then WeChat or the provider of text messages is asked, and the
//! job's transaction records what came of it. A worker that dies in between leaves the row `sending`;
//! whoever gets the job next finds it so and makes it `unknown`. Nothing that may have been sent is
//! sent again by itself, as neither recognises a repetition.

use domain::{
    delivery::{
        Channel, Digest, Facts, Quiet, Reason, State as Standing, Step, Template, Verdict, again,
        fields, judge,
    },
    event::{Event, EventKind},
    id::{AccountId, DeliveryId, JobId},
    identity::Actor,
    personal::{OpenId, Phone},
    refusal::Basic,
    scope::Scope,
    sla::Urgency,
    time::{self, Timestamp},
    whistle,
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
    sms::Text,
    wechat::message::{self, Message},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    idempotent::{self, Answer, Once},
    identity::{is_demo, open_id_of, phone},
    transact,
};
use crate::{error::Error, state::State};

pub mod digest;
mod make;
mod outcome;
pub mod template;

pub(super) use make::make;
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
    to: Address,
    wording: Wording,
    fields: Vec<(String, String)>,
    /// A consent was used up for it.
    counted: bool,
}

/// Where a message goes.
enum Address {
    WeChat(OpenId),
    Phone(Phone),
}

/// Whether a matter is counted in hours.
fn is_pressing(urgency: Option<Urgency>, whistle: Option<whistle::Kind>) -> bool {
    urgency.is_some_and(Urgency::is_pressing) || whistle == Some(whistle::Kind::Emergency)
}

impl Letter {
    /// Makes the call, with the delivery's id as its key.
    async fn send(&self, state: &State, delivery: DeliveryId) -> Outcome {
        let (key, template) = (delivery.to_string(), &self.wording.provider_id);
        let fields: Vec<_> =
            self.fields.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        match &self.to {
            Address::WeChat(to) => {
                let page = Some(self.wording.page.as_str()).filter(|page| !page.is_empty());
                let sent = Message { to, template, page, fields: &fields, key: &key };
                let answer = message::send(&state.wechat, &sent).await;
                if let Err(failure) = answer {
                    tracing::warn!(%delivery, %failure, "a message was not surely sent");
                }
                Outcome::of(answer)
            }
            // No text leaves since it was made: it stands as not sent, and may be sent again.
            Address::Phone(_) if !state.texts() => Outcome::Fail(Reason::Unavailable),
            Address::Phone(phone) => {
                let sent = Text { phone, template, params: &fields, key: &key };
                let answer = state.sms.send(&sent).await.map(drop);
                if let Err(failure) = answer {
                    tracing::warn!(%delivery, %failure, "a text message was not surely sent");
                }
                Outcome::of_text(answer)
            }
        }
    }
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
        let outcome = letter.send(state, self.delivery).await;
        self.finish(state, tx, &letter, outcome).await
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
        let wording = wording.ok_or(Basic::NotFound)?;
        let standing = store::standing(tx, &row, &wording.provider_id).await?;
        let entry = notification::find(tx, &scope, row.notification).await?;
        let mut entry = entry.ok_or(Basic::NotFound)?;
        let holds = refresh(tx, row.account, &mut entry.event, now).await?;
        let preference = store::preference(tx, row.account).await?;
        let holds =
            holds && (row.kind != EventKind::DailyDigest || preference.digest != Digest::Off);
        let to = address(state, tx, &row, standing.open_id_sealed.as_deref()).await?;
        let counted = row.channel == Channel::Subscribe && !standing.long_term;
        let facts = Facts {
            kind: row.kind,
            template: row.template,
            pressing: is_pressing(standing.urgency, standing.whistle),
            read: entry.read_at.is_some(),
            readable: entry.viewer.is_some() && !standing.disabled,
            muted: match row.channel {
                Channel::Subscribe => &preference.muted,
                Channel::Sms => &preference.muted_sms,
            },
            superseded: standing.superseded,
            later: &standing.later,
            holds,
            addressed: to.is_some(),
            consents: counted.then_some(standing.remaining),
            quiet: preference.quiet.unwrap_or(state.config.quiet),
        };
        match (judge(&facts, now), entry.viewer, to) {
            (Verdict::Wait(until), ..) => {
                row.state = row.state.step(Step::Wait)?;
                look_again(tx, &mut row, until, now).await?;
                Ok(None)
            }
            (Verdict::Send, Some(viewer), Some(to)) => {
                row.state = row.state.step(Step::Send)?;
                note(tx, &row, None, Some(wording.version), now).await?;
                if counted {
                    let id = &wording.provider_id;
                    store::count_consent(tx, row.account, id, -1, false, now).await?;
                }
                let (title, number) = (&entry.title, entry.number.as_deref());
                let sent = (&entry.event, row.template, row.channel);
                let mut fields = fields(&wording.fields, sent, viewer, title, number);
                for (key, text) in &mut fields {
                    *text = template::fitted(row.channel, key, text);
                }
                Ok(Some(Letter { to, wording, fields, counted }))
            }
            (verdict, ..) => {
                let Verdict::Drop(reason) = verdict else {
                    return Err(Error::Internal("a message to nobody was to be sent".into()));
                };
                row.state = row.state.step(Step::Drop)?;
                note(tx, &row, Some(reason), None, now).await?;
                make::again_by_another_way(state, tx, &row, reason, now).await?;
                Ok(None)
            }
        }
    }

    /// Records what came of the call, unless another worker has found the row `sending` meanwhile.
    async fn finish(
        self,
        state: &State,
        tx: &mut Connection,
        letter: &Letter,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let now = state.clock.now();
        let Some(mut row) = store::lock(tx, self.delivery).await? else { return Ok(()) };
        if row.attempt != self.attempt || row.state != Standing::Sending {
            return Ok(());
        }
        let id = &letter.wording.provider_id;
        if outcome.gives_back() && letter.counted {
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
        note(tx, &row, reason, None, now).await?;
        match reason {
            Some(reason) => make::again_by_another_way(state, tx, &row, reason, now).await,
            None => Ok(()),
        }
    }
}

/// Where a delivery goes; none where the person has no such address.
async fn address(
    state: &State,
    tx: &mut Connection,
    row: &Delivery,
    open_id_sealed: Option<&[u8]>,
) -> Result<Option<Address>, Error> {
    Ok(match (row.channel, open_id_sealed) {
        (Channel::Subscribe, Some(sealed)) => {
            let open_id = open_id_of(state, sealed)?;
            (!is_demo(state, &open_id)).then_some(Address::WeChat(open_id))
        }
        (Channel::Subscribe, None) => None,
        (Channel::Sms, _) => {
            let phone = phone::of(state, tx, row.account).await?;
            phone.filter(Phone::is_mobile).map(Address::Phone)
        }
    })
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
    if event.kind == EventKind::DailyDigest {
        let today = time::date(now);
        let counts = digest::counts(tx, account, now).await?;
        event.data = counts.data(account, today);
        return Ok(time::date(event.at) == today && !counts.is_empty());
    }
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
                if let Some(wording) = wording.filter(|it| accepted.contains(&it.provider_id)) {
                    let (id, long) = (&wording.provider_id, wording.long_term);
                    store::count_consent(tx, account, id, 1, long, now).await?;
                }
            }
            Ok((Subscriptions { items: read::subscriptions(tx, account).await? }, ()))
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
