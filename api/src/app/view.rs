//! Saved views (常用筛选): kept and removed, each account's own.

use domain::{
    id::{AccountId, ViewId},
    refusal::Basic,
    view::{List, MOST, Refused},
};
use infra::{
    postgres::{
        view::{self as store, NewView, read::SavedView},
        violated,
    },
    random,
};

use super::transact;
use crate::{error::Error, state::State};

/// Keeps a list's filters under a name. They were read by the list's own parser before.
///
/// # Errors
/// `view_limit_reached`, `view_name_taken`.
pub async fn save(
    state: &State,
    account: AccountId,
    name: String,
    list: List,
    query: String,
) -> Result<SavedView, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if store::counted(tx, account).await? >= MOST {
                return Err(Refused::Limit.into());
            }
            let view = NewView { id: random::id(now), account, name, list, query };
            store::insert(tx, &view, now).await.map_err(|error| match violated(&error) {
                Some("saved_view_name") => Refused::NameTaken.into(),
                _ => Error::from(error),
            })?;
            let NewView { id, name, list, query, .. } = view;
            Ok(SavedView { id, name, list, query, created_at: now })
        })
    })
    .await
}

/// Removes a view.
///
/// # Errors
/// It is missing, or another's.
pub async fn remove(state: &State, account: AccountId, id: ViewId) -> Result<(), Error> {
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let gone = store::delete(tx, account, id).await?;
            if gone { Ok(()) } else { Err(Basic::NotFound.into()) }
        })
    })
    .await
}
