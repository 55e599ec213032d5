//! From where a role may be used: staff functions are limited by network (互联网政务应用安全管理规定).

use std::{collections::HashMap, net::IpAddr};

use domain::{
    id::{AccountId, SessionId},
    identity::{Grant, Refused, Role},
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry, Origin},
    identity::{self as store, session as sessions},
};
use ipnet::IpNet;

use super::Who;
use crate::{app::transact, error::Error, state::State};

/// Whether whoever holds these roles may be where the request came from.
pub(super) fn allows(state: &State, grants: &[Grant], origin: &Origin) -> bool {
    let address = origin.address.as_deref().and_then(|text| text.parse().ok());
    contain(&state.config.security.networks, grants, address)
}

/// Every role held must be allowed there, and one that has no networks is allowed everywhere: what
/// the one role may not do from outside must not become possible because the account holds another.
fn contain(
    networks: &HashMap<Role, Vec<IpNet>>,
    grants: &[Grant],
    address: Option<IpAddr>,
) -> bool {
    grants.iter().filter_map(|grant| networks.get(&grant.role)).all(|allowed| {
        address.is_some_and(|address| allowed.iter().any(|network| network.contains(&address)))
    })
}

/// Refuses, on record, an account from where its roles may not be used.
///
/// # Errors
/// `network_not_allowed`.
pub(super) async fn admit(state: &State, account: AccountId, origin: &Origin) -> Result<(), Error> {
    let grants = store::grants(&mut *state.db.acquire().await?, account).await?;
    if allows(state, &grants, origin) {
        return Ok(());
    }
    let (now, origin) = (state.clock.now(), origin.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let mut entry = AuditEntry::new("account.network", "account", account, &origin);
            entry.account = Some(account);
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await?;
    Err(Refused::NetworkNotAllowed.into())
}

/// Refuses a request of a log-in from where it may not be used; the first one goes on record.
///
/// # Errors
/// `network_not_allowed`.
pub async fn check(state: &State, who: &Who, origin: &Origin) -> Result<(), Error> {
    if allows(state, &who.actor.grants, origin) {
        return Ok(());
    }
    let (now, account, session) = (state.clock.now(), who.actor.account, who.session);
    let origin = origin.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move { record(tx, session, account, &origin, now).await })
    })
    .await?;
    Err(Refused::NetworkNotAllowed.into())
}

/// Puts on record that a log-in was refused, once for each.
pub(super) async fn record(
    tx: &mut Connection,
    session: SessionId,
    account: AccountId,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Error> {
    if sessions::refuse_network(tx, session, now).await? {
        let mut entry = AuditEntry::new("session.network", "session", session, origin);
        entry.account = Some(account);
        audit::append(tx, &entry, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_must_be_allowed_where_one_is() {
        let networks = HashMap::from([
            (
                Role::SecurityAdmin,
                vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()],
            ),
            (Role::Auditor, vec!["10.1.2.0/24".parse().unwrap()]),
            (Role::Leader, Vec::new()),
        ]);
        let ask = |roles: &[Role], address: &str| {
            let grants: Vec<Grant> =
                roles.iter().map(|role| Grant { role: *role, scope: "140213".into() }).collect();
            contain(&networks, &grants, address.parse().ok())
        };
        let (security, auditor) = (Role::SecurityAdmin, Role::Auditor);
        for (roles, address, allowed) in [
            (&[][..], "192.0.2.1", true),
            (&[Role::Dispatcher], "192.0.2.1", true),
            (&[Role::Dispatcher], "no address", true),
            (&[security], "10.1.255.255", true),
            (&[security], "10.2.0.0", false),
            (&[security], "fd12::1", true),
            (&[security], "no address", false),
            (&[security, Role::Dispatcher], "192.0.2.1", false),
            (&[security, auditor], "10.1.3.1", false),
            (&[security, auditor], "10.1.2.1", true),
            (&[Role::Leader], "10.1.2.1", false),
        ] {
            assert_eq!(ask(roles, address), allowed, "{roles:?} from {address}");
        }
    }
}
