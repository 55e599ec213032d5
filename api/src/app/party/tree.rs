//! The tree of party bodies: founded, renamed, moved, put out of use.

use domain::{
    id::MemberId,
    org::{NodeCode, NodeKind},
    party::{
        ChangeKind, Refused,
        tree::{Body, Found, Reshape},
    },
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    party::{self as members, tree as store},
};
use serde_json::json;

use crate::{
    app::{case::Ask, check_community, transact},
    error::Error,
    state::State,
};

/// Whether a code is a branch in use; it stays locked.
pub(super) async fn is_branch(tx: &mut Connection, code: &NodeCode) -> Result<bool, Error> {
    let body = store::lock(tx, code).await?;
    Ok(body.is_some_and(|body| body.active && body.kind == NodeKind::PartyBranch))
}

/// Whether a group or household in use hangs below a branch.
pub(super) async fn is_below(
    tx: &mut Connection,
    group: &NodeCode,
    branch: &NodeCode,
) -> Result<bool, Error> {
    let mut at = group.clone();
    // A household hangs two steps below its branch.
    for _ in 0..2 {
        let Some(body) = store::lock(tx, &at).await? else { return Ok(false) };
        if !body.active || !matches!(body.kind, NodeKind::PartyGroup | NodeKind::PartyHousehold) {
            return Ok(false);
        }
        match body.parent {
            Some(parent) if parent == *branch => return Ok(true),
            Some(parent) => at = parent,
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// The body right above one of this kind.
async fn parent(tx: &mut Connection, code: &NodeCode, kind: NodeKind) -> Result<Body, Error> {
    let body = store::lock(tx, code).await?;
    let body = body.ok_or_else(|| Invalid::field("parent", "没有这个党组织"))?;
    body.takes(kind)?;
    Ok(body)
}

async fn cover(tx: &mut Connection, branch: &NodeCode, estates: &[NodeCode]) -> Result<(), Error> {
    if store::cover(tx, branch, estates).await? {
        Ok(())
    } else {
        Err(Invalid::field("estates", "其中有的不是在用的小区，请从列表中选择").into())
    }
}

/// Founds a party body.
///
/// # Errors
/// The code is taken; nothing right above it; no such division or estate.
pub async fn found(state: &State, ask: Ask, given: Found) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let above = match &given.parent {
                Some(code) => Some(parent(tx, code, given.kind).await?),
                None => None,
            };
            if let Some(division) = &given.division {
                check_community(tx, "division", division).await?;
            }
            let division = given.division.clone().or_else(|| above.and_then(|body| body.division));
            if !store::insert(tx, &given, division.as_ref()).await? {
                return Err(Refused::BodyThere(given.code.to_string()).into());
            }
            cover(tx, &given.code, &given.estates).await?;
            let data = json!({ "kind": given.kind, "parent": given.parent });
            ask.record(tx, ("party.found", "party_body", &given.code), data, now).await
        })
    })
    .await
}

/// Renames a body, moves it, or says which estates a branch covers. What hangs below it goes along.
///
/// # Errors
/// It is missing or out of use; nothing right above it; no such estate, or no branch.
pub async fn reshape(state: &State, ask: Ask, code: NodeCode, given: Reshape) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            // Members are locked before their bodies, as wherever one is put into a group.
            let mut carried = Vec::new();
            if given.parent.is_some() {
                members::hold(tx).await?;
                carried = members::lock_group(tx, &code).await?;
            }
            let body = store::lock(tx, &code).await?.ok_or(Basic::NotFound)?;
            body.in_use()?;
            let mut changed = body.clone();
            if let Some(name) = &given.name {
                changed.name = name.clone();
            }
            if let Some(above) = &given.parent {
                let above = parent(tx, above, body.kind).await?;
                // What goes to another community's committee or branch is that community's.
                changed.division = above.division;
                changed.parent = Some(above.code);
            }
            if let Some(estates) = &given.estates {
                if body.kind != NodeKind::PartyBranch {
                    return Err(Invalid::field("estates", "只有党支部对应小区").into());
                }
                cover(tx, &code, estates).await?;
            }
            store::save(tx, &changed).await?;
            if given.parent.is_some() {
                store::take_along(tx, &changed).await?;
                carry(tx, &ask, &changed, carried, now).await?;
            }
            let data = json!({
                "renamed": given.name.is_some(), "parent": given.parent, "estates": given.estates,
            });
            ask.record(tx, ("party.reshape", "party_body", &code), data, now).await
        })
    })
    .await
}

/// Whoever stands in a group that went to another branch is that branch's.
async fn carry(
    tx: &mut Connection,
    ask: &Ask,
    body: &Body,
    carried: Vec<(MemberId, Option<NodeCode>)>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(branch) = store::branch_of(tx, &body.code).await? else { return Ok(()) };
    for (member, from) in carried.into_iter().filter(|(_, from)| from.as_ref() != Some(&branch)) {
        members::carry(tx, member, &branch).await?;
        let by = ask.account().ok_or(Basic::Unauthenticated)?;
        members::transfer::withdraw_open(tx, member, by, now).await?;
        let data = json!({ "from": from, "to": branch, "group": body.code });
        members::note(tx, member, ChangeKind::Transferred, ask.account(), &data, now).await?;
    }
    Ok(())
}

/// Puts a body out of use. What was theirs stays readable.
///
/// # Errors
/// It is missing, or out of use already; members or bodies are left.
pub async fn deactivate(state: &State, ask: Ask, code: NodeCode) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let body = store::lock(tx, &code).await?.ok_or(Basic::NotFound)?;
            let (members, bodies) = store::load(tx, &code).await?;
            body.deactivate(members, bodies)?;
            store::save(tx, &Body { active: false, ..body }).await?;
            ask.record(tx, ("party.deactivate", "party_body", &code), json!({}), now).await
        })
    })
    .await
}
