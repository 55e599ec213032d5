//! Public notice (公示): an award whose source needs it is shown with a masked name for some working
//! days before it is posted. Whoever objects says why; an organiser decides.
//!
//! [`NOTICE_TRANSITIONS`] is the table of every step.

use super::{NoticeStatus, NoticeStep, Refused};
use crate::{id::AccountId, time::Timestamp};

/// Every step that is allowed: from where, and to where it leads.
pub const NOTICE_TRANSITIONS: &[(NoticeStep, &[NoticeStatus], &[NoticeStatus])] = {
    use NoticeStatus::{Objected, Open, Posted, Refused, Withdrawn};
    &[
        (NoticeStep::Object, &[Open, Objected], &[Objected]),
        (NoticeStep::Uphold, &[Objected], &[Refused]),
        (NoticeStep::Dismiss, &[Objected], &[Open]),
        (NoticeStep::Post, &[Open], &[Posted]),
        (NoticeStep::Withdraw, &[Open, Objected], &[Withdrawn]),
    ]
};

/// An award in notice as its rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Where it stands.
    pub status: NoticeStatus,
    /// Whose points.
    pub account: AccountId,
    /// When the notice ends.
    pub ends_at: Timestamp,
}

impl Notice {
    /// Where a step leads at `now`; `by` is none for the worker.
    ///
    /// # Errors
    /// The table has no such step from here; an objection after the end; posting before it; one's own
    /// points.
    pub fn step(
        self,
        step: NoticeStep,
        by: Option<AccountId>,
        now: Timestamp,
    ) -> Result<NoticeStatus, Refused> {
        if by == Some(self.account) {
            return Err(Refused::OwnPoints);
        }
        let listed = NOTICE_TRANSITIONS.iter();
        let mut listed =
            listed.filter(|(one, from, _)| *one == step && from.contains(&self.status));
        let to = listed.next().and_then(|(_, _, to)| to.first()).copied();
        let to = to.ok_or(Refused::NoticeStep { status: self.status })?;
        let over = now >= self.ends_at;
        match step {
            NoticeStep::Object if over => Err(Refused::NoticeEnded { at: self.ends_at }),
            NoticeStep::Post if !over => Err(Refused::NoticeRuns { until: self.ends_at }),
            _ => Ok(to),
        }
    }
}
