//! Use cases of enforcement: versions of powers in [`import`], acts in [`act`], and here the
//! certificates of officers.

use domain::{
    enforcement::{Reason, Refused, Register},
    id::CertificateId,
    refusal::{Basic, Invalid},
};
use infra::{
    postgres::{
        audit::{self, AuditEntry},
        enforcement as store,
        task::officer,
        violated,
    },
    random,
};
use serde_json::json;

use super::{case::Ask, complaint::units, transact};
use crate::{error::Error, state::State};

pub mod act;
pub mod import;
pub mod sheet;

/// Registers the certificate of somebody who works in the unit's name.
///
/// # Errors
/// No such unit, or nobody of it logs in by that name; the number is taken; the holder has another
/// in the time.
pub async fn register(state: &State, ask: Ask, given: Register) -> Result<CertificateId, Error> {
    let now = state.clock.now();
    let id: CertificateId = random::id(now);
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            units(tx, std::slice::from_ref(&given.unit), "unit").await?;
            let found = officer::find(tx, &given.unit, &given.holder).await?;
            let holder = found.ok_or_else(|| {
                let reason = format!("{}不是 {} 的在用工作账号", given.holder, given.unit);
                Invalid::field("holder", reason)
            })?;
            store::register(tx, (id, &given), holder, by, now).await.map_err(
                |error| match violated(&error) {
                    Some("certificate_number_key") => {
                        Refused::NumberTaken(given.number.clone()).into()
                    }
                    Some("certificate_no_overlap") => Refused::Overlap.into(),
                    _ => Error::from(error),
                },
            )?;
            let entry = AuditEntry::new("enforcement.register", "certificate", id, &ask.origin)
                .with(json!({ "holder": holder, "unit": given.unit }))
                .by(ask.actor.as_ref());
            audit::append(tx, &entry, now).await?;
            Ok(id)
        })
    })
    .await
}

/// Takes a certificate back; what was done under it stands.
///
/// # Errors
/// It is missing, or was taken back before.
pub async fn revoke(
    state: &State,
    ask: Ask,
    id: CertificateId,
    reason: Reason,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let found = store::certificates(tx, &[id]).await?.pop().ok_or(Basic::NotFound)?;
            ask.check_version(found.version)?;
            found.revoke()?;
            store::revoke(tx, id, &reason.0, by, now).await?;
            let entry = AuditEntry::new("enforcement.revoke", "certificate", id, &ask.origin)
                .with(json!({ "holder": found.holder, "unit": found.unit }))
                .by(ask.actor.as_ref());
            audit::append(tx, &entry, now).await?;
            Ok(())
        })
    })
    .await
}
