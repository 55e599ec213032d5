//! Invitations to field roles: made by whoever is in charge, accepted in the mini-program, ended
//! within a second.

use chrono::TimeDelta;
use domain::{
    grant::{apart, places},
    id::{AccountId, SessionId},
    identity::{Grant, Means, Role},
    invitation::{self as rules, Refused},
    org::NodeCode,
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        grant::{is_place, roles_of_person, suspended},
        identity::{
            self as accounts,
            session::{end_phone, open_of, shown},
        },
        invitation::{self as store, NewInvitation},
    },
    random,
    redis::session as copies,
};
use serde::Serialize;
use serde_json::json;

use super::{case::Ask, transact};
use crate::{error::Error, state::State};

/// An invitation is found by this blind index; those that were made for merchants were, too.
const INDEX: &str = "merchant.invitation";

/// 邀请
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct InvitationView {
    /// 邀请码；只显示这一次，只能用一次
    #[schema(example = "K7QW-3MZP-9TRA-X4HD")]
    pub code: String,
    /// 作为什么身份
    pub role: Role,
    /// 范围：商户、社区、网格或小区的代码
    #[schema(example = "wenxing")]
    pub scope: String,
    /// 在这一刻之前有效
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// Makes an invitation in a transaction that has checked that the caller is in charge of the scope.
/// The code is told once and kept nowhere.
///
/// # Errors
/// The database's.
pub(super) async fn make(
    state: &State,
    tx: &mut Connection,
    ask: &Ask,
    grant: Grant,
    now: Timestamp,
) -> Result<InvitationView, Error> {
    let by = ask.account().ok_or(Basic::Unauthenticated)?;
    let code = random::in_fours(rules::CODE_LENGTH);
    let index = state.crypto.index(INDEX, rules::typed(&code).as_bytes());
    let expires_at = now + TimeDelta::minutes(rules::MINUTES);
    let Grant { role, scope } = grant;
    let new =
        NewInvitation { id: random::id(now), scope: &scope, role, code_index: &index, expires_at };
    store::invite(tx, &new, by, now).await?;
    let data = json!({ "role": role, "scope": scope });
    ask.record(tx, ("invitation.make", "invitation", new.id), data, now).await?;
    Ok(InvitationView { code, role, scope, expires_at })
}

/// Invites somebody to work for a community, on itself or on something below it.
///
/// # Errors
/// A role that a community invites nobody to; a scope that is not the community's or does not fit the
/// role.
pub async fn invite(
    state: &State,
    ask: Ask,
    community: NodeCode,
    role: Role,
    scope: Option<NodeCode>,
) -> Result<InvitationView, Error> {
    let now = state.clock.now();
    if !rules::BY_COMMUNITY.contains(&role) {
        let said = "社区只能邀请网格员（grid_officer）或物业人员（property_clerk）";
        return Err(Invalid::field("role", said).into());
    }
    let scope = scope.unwrap_or_else(|| community.clone());
    let inner = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let fits =
                community.contains(&scope) && is_place(tx, places(role), scope.as_str()).await?;
            if !fits {
                let said =
                    format!("{}的范围应是本社区或其中的网格、小区，请核对代码", role.label());
                return Err(Invalid::field("scope", said).into());
            }
            let grant = Grant { role, scope: scope.as_str().to_owned() };
            make(&inner, tx, &ask, grant, now).await
        })
    })
    .await
}

/// 接受的邀请
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BoundView {
    /// 范围：商户、社区、网格或小区的代码
    #[schema(example = "wenxing")]
    pub scope: String,
    /// 身份
    pub role: Role,
}

/// Accepts an invitation: the caller has the role from now on, on their WeChat.
///
/// # Errors
/// `rate_limited`; [`Refused`]; the person is an administrator.
pub async fn accept(
    state: &State,
    ask: Ask,
    session: SessionId,
    code: &str,
) -> Result<BoundView, Error> {
    let now = state.clock.now();
    let account = ask.account().ok_or(Basic::Unauthenticated)?;
    super::identity::admit_tracking(state, &account.to_string()).await?;
    let index = state.crypto.index(INDEX, rules::typed(code).as_bytes());
    let (bound, open) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let found = store::lock(tx, &index, now).await?.ok_or(Refused::Invalid)?;
            if accounts::same_person(tx, account, &[found.created_by]).await? {
                return Err(Refused::Own.into());
            }
            let means = shown(tx, session).await?.and_then(|(means, _)| means);
            if means == Some(Means::Phone) || !store::has_wechat(tx, account).await? {
                return Err(Refused::NeedsWeChat.into());
            }
            accounts::lock(tx, account).await?;
            let held: Vec<Role> =
                accounts::grants(tx, account).await?.iter().map(|grant| grant.role).collect();
            rules::one_kind(&held, found.role)?;
            apart(&roles_of_person(tx, account).await?, found.role)?;
            let grant = Grant { role: found.role, scope: found.scope };
            let suspended = suspended(tx, &grant).await?;
            if accounts::same_person(tx, account, &suspended).await? {
                return Err(Refused::Suspended.into());
            }
            store::used(tx, found.id, account, now).await?;
            accounts::grant(tx, random::id(now), account, &grant, now).await?;
            let data = json!({ "role": grant.role, "scope": grant.scope, "account": account });
            ask.record(tx, ("invitation.accept", "invitation", found.id), data, now).await?;
            let open = open_of(tx, account).await?;
            // A number that went to somebody else opens nothing of this.
            end_phone(tx, account, now).await?;
            Ok((BoundView { scope: grant.scope, role: grant.role }, open))
        })
    })
    .await?;
    copies::forget(&state.redis, &open).await;
    Ok(bound)
}

/// Ends what an account does for a community; within a second it sees nothing of it any more.
///
/// # Errors
/// It does nothing there.
pub async fn unbind(
    state: &State,
    ask: Ask,
    community: NodeCode,
    account: AccountId,
) -> Result<(), Error> {
    let now = state.clock.now();
    let open = transact(&state.db, move |tx| {
        Box::pin(async move {
            let held = store::unbind(tx, &community, rules::BY_COMMUNITY, account, now).await?;
            if held.is_empty() {
                return Err(Refused::NotBound.into());
            }
            let data = json!({ "account": account, "roles": held });
            let what = ("invitation.unbind", "org_node", community.as_str());
            ask.record(tx, what, data, now).await?;
            Ok(open_of(tx, account).await?)
        })
    })
    .await?;
    copies::forget(&state.redis, &open).await;
    Ok(())
}
