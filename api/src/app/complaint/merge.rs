//! Merging (并案) and taking a wrong merge back. Both touch several complaints: all of them are
//! locked at once, in ascending id.

use domain::{
    complaint::Split,
    id::ComplaintId,
    refusal::{Basic, Invalid},
};
use infra::postgres::{
    Connection,
    complaint::{self as store, By},
};

use super::{cancelling, centre::no_whistle_out};
use crate::{
    app::case::{Ask, Change, Locked, carry_out},
    error::Error,
    state::State,
};

/// Locks complaints and the children of `of`, which is one of them. Says whether every child is
/// locked: another may have come to it while the locks were awaited, none can come now.
///
/// # Errors
/// The database's.
pub(super) async fn lock_family(
    tx: &mut Connection,
    of: ComplaintId,
    more: &[ComplaintId],
) -> Result<bool, Error> {
    let children = store::children(tx, of).await?;
    let mut family = vec![of];
    family.extend_from_slice(more);
    family.extend_from_slice(&children);
    store::lock_all(tx, &family).await?;
    Ok(store::children(tx, of).await? == children)
}

/// Lets the complaint follow another (并案), and whatever follows it as well.
///
/// # Errors
/// An illegal step, the other cannot lead, or its own whistle is out.
pub async fn merge(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    into: ComplaintId,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let whole = lock_family(tx, id, &[into]).await?;
            let leading = store::lock(tx, By::Id(into)).await?;
            let case = Locked::seen(tx, id, &ask).await?;
            if !whole {
                // Whoever asks looks again: one more follows this case than they saw.
                let current = case.complaint.version;
                return Err(Basic::VersionMismatch { current }.into());
            }
            let leading = leading
                .ok_or_else(|| Invalid::field("into", "没有这件诉求，请核对要并入的诉求编号"))?;
            let merged = case.complaint.merge(&leading)?;
            no_whistle_out(tx, id).await?;
            store::repoint_children(tx, id, into).await?;
            cancelling(&case, merged, now)?.store(tx, here, &ask, "complaint.merge", now).await
        })
    })
    .await
}

/// Takes a wrong merge back (撤销并案).
///
/// # Errors
/// It follows none; the case it follows is answered or over; its reporter evaluated; it was moved
/// to another case meanwhile.
pub async fn split(state: &State, ask: Ask, id: ComplaintId, split: Split) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let leading = store::leading(tx, id).await?;
            let pair: Vec<ComplaintId> = leading.into_iter().chain([id]).collect();
            store::lock_all(tx, &pair).await?;
            let case = Locked::seen(tx, id, &ask).await?;
            if case.complaint.merged_into != leading {
                let current = case.complaint.version;
                return Err(Basic::VersionMismatch { current }.into());
            }
            let standing = match leading {
                Some(leading) => store::status(tx, leading).await?.ok_or(Basic::NotFound)?,
                // Refused below: it follows none.
                None => case.complaint.status,
            };
            let evaluated = store::has_evaluation(tx, id).await?;
            let decision = case.complaint.split(&split, standing, evaluated, now)?;
            Change::of(decision).store(tx, here, &ask, "complaint.split", now).await
        })
    })
    .await
}
