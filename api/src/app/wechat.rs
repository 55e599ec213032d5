//! What WeChat pushes to us: checked, opened, and put into a job, so that WeChat has its answer at
//! once. A push that comes again finds its job there. And the pictures that it draws for us.

use std::time::Duration;

use domain::{
    id::{JobId, PostId},
    refusal::{Basic, Kind, Refusal},
};
use infra::{
    postgres::job::{self, NewJob},
    random,
    wechat::{
        Push,
        page_code::{self, NoPicture, PageCode},
    },
};

use super::{attachment::check::MediaChecked, identity::not_given, transact};
use crate::{error::Error, state::State};

/// WeChat waits five seconds, and pushes again then.
const PATIENCE: Duration = Duration::from_secs(4);
/// Attempts of what a push causes: over some minutes.
const ATTEMPTS: i32 = 9;
/// The longest trace id.
const TRACE_LENGTH: usize = 128;

/// Why a push is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not signed by WeChat with our token, or altered, or for another mini-program.
    #[error("签名不对：请核对公众平台上的 Token、EncodingAESKey 与本系统的配置")]
    Signature,
    /// Only encrypted ones are taken.
    #[error("只接受加密的消息：请在公众平台把消息加解密方式设为安全模式")]
    Plain,
    /// Neither XML nor JSON.
    #[error("消息既不是 XML 也不是 JSON，无法读取")]
    Unreadable,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Signature => "wechat_signature_wrong",
            Self::Plain => "wechat_push_plain",
            Self::Unreadable => "wechat_push_unreadable",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Signature | Self::Plain | Self::Unreadable => Kind::Invalid,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// What stands in the address of a push.
#[derive(Debug, Clone, Default)]
pub struct Signs {
    /// When it was signed.
    pub timestamp: String,
    /// A text that is used once.
    pub nonce: String,
    /// The signature of both.
    pub signature: String,
    /// In safe mode the signature of both and the encrypted text.
    pub message_signature: String,
}

/// Answers for whoever asks whether the address is ours: only WeChat knows the token.
///
/// # Errors
/// `wechat_signature_wrong`.
pub fn prove(state: &State, signs: &Signs) -> Result<(), Error> {
    if state.callback.signed(&[&signs.timestamp, &signs.nonce], &signs.signature) {
        Ok(())
    } else {
        Err(Refused::Signature.into())
    }
}

/// The message of a push, once it is known to be WeChat's.
fn opened(state: &State, signs: &Signs, body: &[u8]) -> Result<Push, Error> {
    let Ok(outer) = Push::read(body) else {
        // Whoever cannot sign is not told how the body should look.
        prove(state, signs)?;
        return Err(Refused::Unreadable.into());
    };
    let Some(encrypted) = &outer.encrypted else {
        prove(state, signs)?;
        return if state.config.wechat.push_plain { Ok(outer) } else { Err(Refused::Plain.into()) };
    };
    let parts = [signs.timestamp.as_str(), &signs.nonce, encrypted];
    if !state.callback.signed(&parts, &signs.message_signature) {
        return Err(Refused::Signature.into());
    }
    let message = state.callback.open(encrypted).map_err(|_| Refused::Signature)?;
    Push::read(&message).map_err(|_| Refused::Unreadable.into())
}

/// Takes a push. Once this answers, its work is a row in the database.
///
/// # Errors
/// `wechat_signature_wrong`, `wechat_push_plain`, `wechat_push_unreadable`; `unavailable` when it
/// could not be written down in time: WeChat pushes it again.
pub async fn take(state: &State, signs: &Signs, body: &[u8]) -> Result<(), Error> {
    let push = opened(state, signs, body)?;
    let Some(job) = caused(state, &push)? else {
        metrics::counter!("wechat_pushes_total", "event" => "other").increment(1);
        return Ok(());
    };
    let (now, kind) = (state.clock.now(), job.kind);
    let stored = transact(&state.db, move |tx| {
        Box::pin(async move { Ok(job::enqueue(tx, &job, now).await?) })
    });
    let stored: Option<JobId> =
        tokio::time::timeout(PATIENCE, stored).await.map_err(|_| Basic::Unavailable)??;
    let event = if stored.is_some() { kind } else { "repeated" };
    metrics::counter!("wechat_pushes_total", "event" => event).increment(1);
    state.redis.wake(&Vec::from_iter(stored)).await;
    Ok(())
}

/// The job that a push causes; none for what we have no use for. Its key is a MAC of what makes the
/// push the same one: nothing of the person stays.
fn caused(state: &State, push: &Push) -> Result<Option<NewJob>, Error> {
    let fits = (1..=TRACE_LENGTH).contains(&push.trace_id.len());
    if push.kind != "event" || push.event != "wxa_media_check" || !fits {
        return Ok(None);
    }
    let now = state.clock.now();
    let done = matches!(push.errcode.as_str(), "" | "0");
    let checked = MediaChecked {
        trace_id: push.trace_id.clone(),
        suggestion: push.result.suggest.filter(|_| done),
        received_at: now,
    };
    let key = state.crypto.mac("wechat-push", push.identity().as_bytes());
    Ok(Some(NewJob {
        id: random::id(now),
        kind: MediaChecked::KIND,
        dedupe: format!("wechat_push:{}", hex::encode(key)),
        payload: serde_json::to_value(checked)?,
        run_at: now,
        max_attempts: ATTEMPTS,
    }))
}

/// The picture that opens a post in the mini-program when it is scanned. Demo mode has no WeChat
/// that draws.
///
/// # Errors
/// `wechat_unavailable`, `rate_limited`.
pub async fn post_code(state: &State, post: PostId, width: u16) -> Result<Vec<u8>, Error> {
    // An id without its hyphens is as long as a scene may be.
    let scene = post.0.simple().to_string();
    let code = PageCode { scene: &scene, page: Some(&state.config.wechat.post_page), width };
    page_code::draw(&state.wechat, code).await.map_err(|no_picture| match no_picture {
        NoPicture::Failed(failure) => not_given(failure),
        NoPicture::Scene => Error::Internal(Box::new(no_picture)),
    })
}
