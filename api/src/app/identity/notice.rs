//! What happens to a log-in is told to whoever it belongs to (账号安全提醒), in their own inbox.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::AccountId,
    identity::device,
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    audit::Origin,
    event,
    identity::{self as store, session as sessions},
};
use serde_json::{Map, Value, json};

use crate::{app::notification::announce, error::Error};

/// Tells an account's owner; `more` is what the sentence says beside the account.
///
/// # Errors
/// The database's.
pub(super) async fn tell(
    tx: &mut Connection,
    account: AccountId,
    kind: EventKind,
    more: Map<String, Value>,
    now: Timestamp,
) -> Result<(), Error> {
    // Nobody else appends to the account's events meanwhile.
    store::lock(tx, account).await?;
    let mut data = more;
    data.insert("account".to_owned(), json!(account));
    let told = NewEvent::new(kind, Visibility::Reporter).with(Value::Object(data));
    let last = event::append_next(tx, account.0, &[told], None, now).await?;
    announce(tx, account.0, last, 1, now).await?;
    Ok(())
}

/// Tells of a log-in on a device that none of the account's log-ins was on, except of the first.
///
/// # Errors
/// The database's.
pub(super) async fn device(
    tx: &mut Connection,
    account: AccountId,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Error> {
    let known = sessions::devices(tx, account).await?;
    let words = device::words(origin.user_agent.as_deref());
    let seen = known.iter().any(|one| device::words(one.as_deref()) == words);
    if known.is_empty() || seen {
        return Ok(());
    }
    let place = origin.address.as_deref().and_then(device::place);
    let data = [("device", json!(words)), ("place", json!(place))];
    let data = data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    tell(tx, account, EventKind::DeviceNew, data, now).await
}
