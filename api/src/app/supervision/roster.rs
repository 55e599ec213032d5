//! Duty rosters (值班表): kept by the unit, opened for whoever has to call it.

use domain::{
    identity::{Actor, Role},
    org::NodeCode,
    personal::{PersonName, Phone},
    refusal::Basic,
    supervision::{Roster, Shift},
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry},
    org,
    supervision::roster::{self as store, Sealed},
};
use serde_json::json;

use crate::{
    app::{case::Ask, transact},
    error::Error,
    state::State,
};

/// What a name or a phone on a roster is sealed for.
fn context(unit: &NodeCode) -> String {
    format!("duty_roster/{unit}")
}

/// Puts a unit's roster in the place of the one before.
///
/// # Errors
/// Another's unit, or none.
pub async fn keep(state: &State, ask: Ask, unit: NodeCode, roster: Roster) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let own = ask.actor.as_ref().is_some_and(|actor| actor.works_for(&unit));
            if !own {
                return Err(Basic::NotFound.into());
            }
            let seal = |text: &str| here.crypto.seal(&context(&unit), text.as_bytes());
            let shifts: Vec<Sealed> = roster
                .0
                .iter()
                .map(|shift| Sealed {
                    starts_at: shift.starts_at,
                    ends_at: shift.ends_at,
                    name: seal(shift.name.plain()),
                    phone: seal(shift.phone.plain()),
                })
                .collect();
            store::replace(tx, &unit, &shifts).await?;
            let entry = AuditEntry::new("supervision.keep_roster", "unit", &unit, &ask.origin)
                .with(json!({ "shifts": shifts.len() }))
                .by(ask.actor.as_ref());
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await
}

/// Who is on duty in a unit at an instant, and who comes after.
///
/// # Errors
/// No such unit.
pub async fn on_duty(
    state: &State,
    conn: &mut Connection,
    unit: &NodeCode,
    at: Timestamp,
) -> Result<Vec<Shift>, Error> {
    if org::units(conn, std::slice::from_ref(unit)).await?.is_empty() {
        return Err(Basic::NotFound.into());
    }
    let open = |sealed: &[u8]| state.crypto.open_text(&context(unit), sealed);
    store::from(conn, unit, at)
        .await?
        .into_iter()
        .map(|shift| {
            Ok(Shift {
                starts_at: shift.starts_at,
                ends_at: shift.ends_at,
                name: PersonName::trusted(open(&shift.name)?),
                phone: Phone::trusted(open(&shift.phone)?),
            })
        })
        .collect()
}

/// Whom to call in an emergency, for somebody who is told of it: in full for those who must call.
///
/// # Errors
/// The database's; a key is missing.
pub async fn on_call(
    state: &State,
    conn: &mut Connection,
    actor: &Actor,
    unit: &NodeCode,
    at: Timestamp,
) -> Result<Option<String>, Error> {
    let shifts = on_duty(state, conn, unit, at).await?;
    let on_duty = shifts.into_iter().find(|shift| shift.starts_at <= at);
    let full = reads_phones(actor);
    Ok(on_duty.map(|shift| {
        if full {
            format!("值班：{} {}", shift.name.plain(), shift.phone.plain())
        } else {
            format!("值班：{} {}", shift.name, shift.phone)
        }
    }))
}

/// Whether somebody reads duty phones in full: those who must call.
pub fn reads_phones(actor: &Actor) -> bool {
    CALLERS.iter().any(|role| actor.has(*role))
}

/// The roles that read a duty phone in full: those who must call.
const CALLERS: &[Role] = &[Role::Dispatcher, Role::Supervisor, Role::Leader];
