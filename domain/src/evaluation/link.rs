//! The short link (短链) by which a reporter evaluates a reply without log-in. It lives as long as
//! that very reply waits for this reporter's word: whether it does follows from where the case
//! stands, so that nothing has to be revoked when the case goes on.

use super::FollowUpRound;
use crate::{complaint::Status, id::ComplaintId, sla::Terms, time::Timestamp};

/// A link, and how the case stands whose reply it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Whose reporter it stands for.
    pub complaint: ComplaintId,
    /// The case whose reply is judged: the complaint itself, or the one it followed then.
    pub leading: ComplaintId,
    /// When that reply was confirmed.
    pub replied_at: Timestamp,
    /// It is spent.
    pub used: bool,
    /// The reporter has evaluated since the complaint follows another.
    pub evaluated: bool,
    /// The case that the complaint follows now.
    pub merged_into: Option<ComplaintId>,
    /// Where the judged case stands now.
    pub status: Status,
    /// When its reply was confirmed last.
    pub replied_last: Option<Timestamp>,
    /// Since when the clock of its state runs.
    pub clock_from: Timestamp,
    /// Its round of follow-up.
    pub round: i16,
}

impl Link {
    /// Whether its reporter may evaluate by it: unspent, the reply still the last one, and the
    /// evaluation open as it is for whoever is logged in.
    pub fn is_open(&self) -> bool {
        let same_reply = self.replied_last == Some(self.replied_at);
        let awaited = if self.leading == self.complaint {
            self.merged_into.is_none() && matches!(self.status, Status::Replied | Status::FollowUp)
        } else {
            self.merged_into == Some(self.leading)
                && !self.evaluated
                && matches!(self.status, Status::Replied | Status::FollowUp | Status::Closed)
        };
        !self.used && same_reply && awaited
    }

    /// Until when the word is awaited at the latest, as things stand.
    pub fn open_until(&self, terms: Terms<'_>) -> Timestamp {
        let rules = &terms.rules.follow_up;
        if self.status == Status::Closed {
            return rules.archive.end(self.clock_from, terms.calendar);
        }
        let second = if self.round >= 2 {
            self.clock_from
        } else {
            FollowUpRound::First.waits_until(self.clock_from, terms.calendar, rules)
        };
        FollowUpRound::Second.waits_until(second, terms.calendar, rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calendar::WorkingCalendar, id::Id, sla::Rules};

    fn id(byte: u8) -> ComplaintId {
        Id::from_parts(Timestamp::UNIX_EPOCH, &[byte; 10])
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn link(child: bool, status: Status) -> Link {
        let replied_at = at("2026-11-24T02:00:00Z");
        Link {
            complaint: id(1),
            leading: if child { id(2) } else { id(1) },
            replied_at,
            used: false,
            evaluated: false,
            merged_into: child.then(|| id(2)),
            status,
            replied_last: Some(replied_at),
            clock_from: replied_at,
            round: 0,
        }
    }

    #[test]
    fn it_lives_in_every_state_as_the_evaluation_does() {
        for status in Status::ALL {
            let own = matches!(status, Status::Replied | Status::FollowUp);
            assert_eq!(link(false, *status).is_open(), own, "{status}");
            let child = own || *status == Status::Closed;
            assert_eq!(link(true, *status).is_open(), child, "{status}: a child's");
        }
    }

    #[test]
    fn it_dies_with_its_use_its_reply_and_its_family() {
        for child in [false, true] {
            let alive = link(child, Status::FollowUp);
            let dead = [
                Link { used: true, ..alive.clone() },
                Link { replied_last: Some(at("2026-11-25T02:00:00Z")), ..alive.clone() },
                Link { replied_last: None, ..alive.clone() },
                Link { merged_into: Some(id(3)), ..alive.clone() },
            ];
            assert!(alive.is_open() && dead.iter().all(|link| !link.is_open()), "{child}");
        }
        let child = link(true, Status::FollowUp);
        assert!(!Link { evaluated: true, ..child.clone() }.is_open());
        assert!(!Link { merged_into: None, ..child }.is_open(), "it was split off");
        let own = Link { evaluated: true, ..link(false, Status::FollowUp) };
        assert!(own.is_open(), "an earlier round's word does not count for this one");
    }

    #[test]
    fn it_waits_as_long_as_both_rounds() {
        let (calendar, rules) = (WorkingCalendar::embedded(), Rules::default());
        let terms = Terms { calendar: &calendar, rules: &rules };
        let until =
            |status, round| Link { round, ..link(false, status) }.open_until(terms).to_rfc3339();
        // Tuesday: three working days, and three more.
        assert_eq!(until(Status::Replied, 0), "2026-12-02T16:00:00+00:00");
        assert_eq!(until(Status::FollowUp, 1), "2026-12-02T16:00:00+00:00");
        assert_eq!(until(Status::FollowUp, 2), "2026-11-27T16:00:00+00:00");
        let archived = link(true, Status::Closed).open_until(terms);
        assert_eq!(archived, rules.follow_up.archive.end(at("2026-11-24T02:00:00Z"), &calendar));
    }
}
