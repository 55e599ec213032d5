//! Log-in by a code sent to a phone, for residents outside WeChat. The answer to whoever asks for a
//! code never tells whether the phone has an account.
//!
//! Sending has two steps: the request keeps a code and enqueues a job; the job notes that it sends,
//! in a transaction of its own, and then calls the provider. A job that died in between sends
//! nothing a second time; the person asks for another code.

use std::time::Duration;

use domain::{
    id::{JobId, PhoneCodeId},
    identity::{
        Actor, Means, Refused,
        phone_code::{self, Asked},
    },
    personal::Phone,
    refusal::{Basic, FieldError},
    time::Timestamp,
};
use infra::{
    crypto,
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        identity::{
            Account,
            phone_code::{self as store, NewByPhone, NewCode},
        },
        job::{self, NewJob},
    },
    random,
    sms::{Advice, Text},
};
use serde::{Deserialize, Serialize};

use super::{
    LoggedIn, admit, admit_log_in, open,
    phone::{self as own, CONTEXT, OwnPhone},
};
use crate::{app::transact, error::Error, state::State};

/// Attempts of a job: what never left is tried again while the code is good.
const ATTEMPTS: i32 = 5;

/// Reads a number that can get a message.
fn mobile(given: &str) -> Result<Phone, Error> {
    let phone = Phone::parse("phone", given)?;
    if phone.is_mobile() {
        return Ok(phone);
    }
    Err(FieldError::new("phone", "短信只能发到手机，请填写 11 位的手机号码").into())
}

/// Without a provider nobody gets a message; the demo has its one code instead.
fn check_open(state: &State) -> Result<(), Error> {
    if state.texts() {
        return Ok(());
    }
    Err(Refused::PhoneLoginOff.into())
}

/// The code of a row: a MAC of its id, so that it is stored nowhere.
fn code(state: &State, id: PhoneCodeId) -> String {
    if !state.sms.reaches_people() {
        return phone_code::DEMO.to_owned();
    }
    let mac = state.crypto.mac("phone_code", id.0.as_bytes());
    let (head, _) = mac.split_first_chunk().unwrap_or((&[0; 8], &[]));
    phone_code::digits(u64::from_be_bytes(*head))
}

/// Has a code sent to a phone, unless one was sent a moment ago.
///
/// # Errors
/// `rate_limited` for the address or the phone; no mobile number; `phone_login_off`.
pub async fn ask(state: &State, phone: &str, origin: &Origin) -> Result<(), Error> {
    let phone = mobile(phone)?;
    check_open(state)?;
    let address = origin.address.as_deref().unwrap_or_default();
    let count = state.config.limits.phone_codes_per_hour;
    admit(state, "phone-code", address, count, Duration::from_hours(1)).await?;
    let (now, here) = (state.clock.now(), state.clone());
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let plain = phone.plain().as_bytes();
            let index = here.crypto.index(CONTEXT, plain);
            let before = store::lock_before(tx, &index).await?;
            match phone_code::ask(&before, now) {
                Asked::Send => {}
                Asked::JustSent => return Ok(None),
                Asked::TooMany { retry_after } => {
                    return Err(Basic::RateLimited { retry_after }.into());
                }
            }
            let sealed = here.crypto.seal(CONTEXT, plain);
            keep(tx, &index, &sealed, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

async fn keep(
    tx: &mut Connection,
    index: &[u8],
    sealed: &[u8],
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let id = random::id(now);
    store::insert(tx, &NewCode { id, index, sealed }, now).await?;
    let send = NewJob {
        id: random::id(now),
        kind: SendPhoneCode::KIND,
        dedupe: format!("{}:{id}", SendPhoneCode::KIND),
        payload: serde_json::to_value(SendPhoneCode { code: id })?,
        run_at: now,
        max_attempts: ATTEMPTS,
    };
    Ok(job::enqueue(tx, &send, now).await?)
}

/// Sends a code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendPhoneCode {
    /// The code's id.
    pub code: PhoneCodeId,
}

impl SendPhoneCode {
    /// The kind of the job.
    pub const KIND: &'static str = "send_phone_code";

    /// Sends it, at most once.
    ///
    /// # Errors
    /// It surely was not sent and may be later; the database's.
    pub async fn send(&self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let (id, now) = (self.code, state.clock.now());
        let begun = transact(&state.db, move |own| {
            Box::pin(async move { Ok(store::begin_sending(own, id, now).await?) })
        })
        .await?;
        let Some((sealed, made_at)) = begun else {
            // Whoever began it died with it: it may have been sent, and never is again.
            return Ok(store::finish(tx, id, "unknown").await?);
        };
        if now - made_at >= phone_code::LIFE {
            return Ok(store::finish(tx, id, "late").await?);
        }
        let phone = Phone::trusted(state.crypto.open_text(CONTEXT, &sealed)?);
        let params = [("code", code(state, id))];
        let params = params.each_ref().map(|(name, value)| (*name, value.as_str()));
        let text = Text {
            phone: &phone,
            template: &state.config.sms.login_template,
            params: &params,
            key: &format!("phone-code-{id}"),
        };
        let outcome = match state.sms.send(&text).await {
            Ok(_) => "sent",
            Err(failure) => match failure.advice() {
                Advice::Unknown => "unknown",
                Advice::Refused(_) => "refused",
                Advice::Limit | Advice::Spent => "limited",
                Advice::Retry => {
                    transact(&state.db, move |own| {
                        Box::pin(async move { Ok(store::not_sent(own, id).await?) })
                    })
                    .await?;
                    return Err(Error::Internal(Box::new(failure)));
                }
            },
        };
        Ok(store::finish(tx, id, outcome).await?)
    }
}

/// Logs in by the newest code of a phone. The first log-in of a phone that no account has makes one.
///
/// # Errors
/// `rate_limited`, `phone_code_wrong`, `account_disabled`; no mobile number; `phone_login_off`.
pub async fn log_in(
    state: &State,
    phone: &str,
    given: &str,
    origin: &Origin,
) -> Result<LoggedIn, Error> {
    let phone = mobile(phone)?;
    check_open(state)?;
    admit_log_in(state, origin).await?;
    let (now, here) = (state.clock.now(), state.clone());
    let (given, origin) = (given.trim().to_owned(), origin.clone());
    let logged_in = transact(&state.db, move |tx| {
        Box::pin(async move {
            let index = here.crypto.index(CONTEXT, phone.plain().as_bytes());
            if !is_proven(&here, tx, &index, &given, now).await? {
                return Ok(None);
            }
            let account = account(&here, tx, &phone, &index, now).await?;
            open(&here, tx, account, Means::Phone, &origin, now).await.map(Some)
        })
    })
    .await?;
    Ok(logged_in.ok_or(Refused::PhoneCodeWrong)??)
}

/// Whether a code is the newest of a phone, which uses it up. Another counts as a try, which is to be
/// committed although the answer refuses.
async fn is_proven(
    state: &State,
    tx: &mut Connection,
    index: &[u8],
    given: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let newest = store::lock_newest(tx, index).await?;
    let Some((id, _)) = newest.filter(|(_, standing)| standing.is_good(now)) else {
        return Ok(false);
    };
    let right = crypto::same(code(state, id).as_bytes(), given.as_bytes());
    if right {
        store::use_up(tx, id, now).await?;
    } else {
        store::missed(tx, id).await?;
    }
    Ok(right)
}

/// Keeps a phone as the caller's own, by the code that was sent to it, in place of an earlier one. The
/// number that is theirs already is answered without a code: it is the second click.
///
/// # Errors
/// `rate_limited`, `phone_code_wrong`; no mobile number; `phone_login_off`.
pub async fn keep_own(
    state: &State,
    by: &Actor,
    phone: &str,
    given: &str,
    origin: &Origin,
) -> Result<OwnPhone, Error> {
    let phone = mobile(phone)?;
    check_open(state)?;
    admit_log_in(state, origin).await?;
    let (now, here, by) = (state.clock.now(), state.clone(), by.clone());
    let (given, origin) = (given.trim().to_owned(), origin.clone());
    let kept = transact(&state.db, move |tx| {
        Box::pin(async move {
            let shown = OwnPhone { phone: Some(phone.masked()) };
            if own::of(&here, tx, by.account).await?.as_ref() == Some(&phone) {
                return Ok(Some(shown));
            }
            let plain = phone.plain().as_bytes();
            let index = here.crypto.index(CONTEXT, plain);
            if !is_proven(&here, tx, &index, &given, now).await? {
                return Ok(None);
            }
            let sealed = here.crypto.seal(CONTEXT, plain);
            infra::postgres::identity::set_phone(tx, by.account, &index, &sealed).await?;
            let entry = AuditEntry::new("identity.prove_phone", "account", by.account, &origin);
            audit::append(tx, &entry.by(Some(&by)), now).await?;
            Ok(Some(shown))
        })
    })
    .await?;
    Ok(kept.ok_or(Refused::PhoneCodeWrong)?)
}

/// Whose phone it is: the account that was made for it; else the one account that verified it by
/// WeChat; where there are several or none, a new one. All of one phone are one person's.
async fn account(
    state: &State,
    tx: &mut Connection,
    phone: &Phone,
    index: &[u8],
    now: Timestamp,
) -> Result<Account, Error> {
    let mut known = store::accounts(tx, index).await?;
    let only = known.len() == 1;
    if known.first().is_some_and(|first| first.by_phone || only) {
        return Ok(known.swap_remove(0).account);
    }
    let new = NewByPhone {
        id: random::id(now),
        grant: random::id(now),
        display_name: "手机用户",
        index,
        sealed: &state.crypto.seal(CONTEXT, phone.plain().as_bytes()),
    };
    store::insert_resident(tx, &new, now).await?;
    let made = infra::postgres::identity::find(tx, new.id).await?;
    made.ok_or_else(|| Basic::Unavailable.into())
}
