//! Which messages are made of what was told.

use domain::{
    delivery::{Channel, Reach, Reason, Template, instead, route},
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    delivery::{
        Delivery,
        make::{self as store, New, Told},
    },
    identity, job,
};
use uuid::Uuid;

use super::{Deliver, is_pressing};
use crate::{error::Error, state::State};

/// Makes the deliveries of a subject's events `from..=to`, in the transaction that tells of them.
///
/// # Errors
/// The database is away.
pub(in crate::app) async fn make(
    state: &State,
    tx: &mut Connection,
    subject: Uuid,
    (from_seq, to_seq): (i32, i32),
    now: Timestamp,
) -> Result<(), Error> {
    let told = store::told(tx, subject, from_seq, to_seq).await?;
    let due: Vec<New> = told.iter().filter_map(due).collect();
    let texted = texted(state, tx, &due).await?;
    for new in due {
        if new.channel != Channel::Sms || texted.contains(&new.template) {
            insert(tx, &new, now).await?;
        }
    }
    Ok(())
}

fn due(told: &Told) -> Option<New> {
    let reach = Reach {
        concerned: told.concerned,
        on_duty: told.on_duty,
        pressing: is_pressing(told.urgency, told.whistle),
        consents: told.consents,
        phone: told.phone,
    };
    let Told { notification, account, kind, .. } = *told;
    let (template, channel) = route(kind, reach)?;
    Some(New { notification, account, kind, template, channel })
}

/// The templates that go by text message here: those that are published, while somebody sends them.
async fn texted(state: &State, tx: &mut Connection, due: &[New]) -> Result<Vec<Template>, Error> {
    if !state.texts() || due.iter().all(|new| new.channel != Channel::Sms) {
        return Ok(Vec::new());
    }
    Ok(store::published(tx, Channel::Sms).await?)
}

async fn insert(tx: &mut Connection, new: &New, now: Timestamp) -> Result<(), Error> {
    if let Some(delivery) = store::insert(tx, new, now).await? {
        let first = Deliver { delivery, attempt: 0 };
        job::enqueue(tx, &first.job(now, now)?, now).await?;
    }
    Ok(())
}

/// Makes the message by another way of what surely was not sent, where there is one.
///
/// # Errors
/// The database is away.
pub(super) async fn again_by_another_way(
    state: &State,
    tx: &mut Connection,
    row: &Delivery,
    reason: Reason,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(channel) = instead(row.kind, row.channel, reason) else { return Ok(()) };
    let Delivery { notification, account, kind, template, .. } = *row;
    let new = New { notification, account, kind, template, channel };
    let texted = texted(state, tx, &[new]).await?;
    if texted.contains(&template) && identity::phone(tx, account).await?.is_some() {
        insert(tx, &new, now).await?;
    }
    Ok(())
}
