//! Showing once more who one is (再次确认): whoever works outside stays logged in for weeks, and is
//! asked again before a sensitive act.

use domain::{
    identity::{Refused, must_confirm},
    refusal::Basic,
};
use infra::postgres::{
    audit::{self, AuditEntry, Origin},
    identity::{self as store, session as sessions},
};

use super::{Who, admit_log_in, index_of, who_wechat_says};
use crate::{app::transact, error::Error, state::State};

/// Takes a fresh code of WeChat: the caller's log-in counts as confirmed for five minutes.
///
/// # Errors
/// `rate_limited`, `wechat_…`; the code is another person's.
pub async fn confirm(state: &State, who: &Who, code: &str, origin: &Origin) -> Result<(), Error> {
    admit_log_in(state, origin).await?;
    let (open_id, _) = who_wechat_says(state, code).await?;
    let index = index_of(&state.crypto, &open_id);
    let (now, who, origin) = (state.clock.now(), who.clone(), origin.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let found = store::find_by_open_id(tx, &index).await?;
            if found.is_none_or(|found| found.id != who.actor.account) {
                return Err(Refused::ConfirmedByAnother.into());
            }
            sessions::confirm(tx, who.session, now).await?;
            let entry = AuditEntry::new("session.confirm", "session", who.session, &origin);
            Ok(audit::append(tx, &entry.by(&who.actor), now).await?)
        })
    })
    .await
}

/// Asks for a confirmation where the caller's log-in needs one.
///
/// # Errors
/// `confirmation_required`; the session is over.
pub async fn demand(state: &State, who: &Who) -> Result<(), Error> {
    let shown = sessions::shown(&mut *state.db.acquire().await?, who.session).await?;
    let (means, at) = shown.ok_or(Basic::Unauthenticated)?;
    if must_confirm(means, at, state.clock.now()) {
        return Err(Refused::ConfirmationRequired.into());
    }
    Ok(())
}
