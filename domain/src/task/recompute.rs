//! Deadlines computed anew (时限重算) after a year's notice came: the recorded decision without which
//! a stored instant never changes.
//!
//! A mark is computed anew only where it is what an earlier version of the year gave: what a ruling
//! named, an extension granted or a standstill moved is a decision, and stands. What was met stays
//! as it was. A deadline that comes earlier never comes before `now`: nobody is late by surprise.

use serde_json::{Map, Value, json};

use super::{Status, Task};
use crate::{
    calendar::WorkingCalendar,
    decision::Decision,
    event::{EventKind, Visibility},
    sla::{self, Deadlines, Mark, Needs, Terms, Urgency},
    time::Timestamp,
};

/// The clocks of an open task, as far as recomputation asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Decides every deadline.
    pub urgency: Urgency,
    /// Since when the clocks run.
    pub dispatched_at: Timestamp,
    /// To acknowledge.
    pub acknowledge_by: Timestamp,
    /// To contact.
    pub contact_by: Option<Timestamp>,
    /// To arrive.
    pub arrive_by: Option<Timestamp>,
    /// To reply.
    pub reply_by: Timestamp,
    /// To return it.
    pub return_by: Timestamp,
    /// What is done already.
    pub met: Met,
}

/// Which marks are met, and stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Met {
    /// Acknowledged.
    pub acknowledge: bool,
    /// The reporter was contacted.
    pub contact: bool,
    /// Arrived.
    pub arrive: bool,
    /// Replied.
    pub reply: bool,
}

impl Met {
    const fn of(self, mark: Mark) -> bool {
        match mark {
            Mark::Acknowledge => self.acknowledge,
            Mark::Contact => self.contact,
            Mark::Arrive => self.arrive,
            Mark::Reply => self.reply,
        }
    }
}

impl Clocks {
    /// The instant of a mark, if the task has it.
    pub const fn of(&self, mark: Mark) -> Option<Timestamp> {
        match mark {
            Mark::Acknowledge => Some(self.acknowledge_by),
            Mark::Contact => self.contact_by,
            Mark::Arrive => self.arrive_by,
            Mark::Reply => Some(self.reply_by),
        }
    }

    /// The clocks by the calendar of `terms`. `earlier` are the calendars that the marks may have
    /// been computed by: the same with each earlier version of the year, and without any.
    #[must_use]
    pub fn recomputed(
        &self,
        earlier: &[WorkingCalendar],
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Self {
        let needs = Needs { contact: self.contact_by.is_some(), arrive: self.arrive_by.is_some() };
        let (from, schedules) = (self.dispatched_at, &terms.rules.schedules);
        let by = |calendar| sla::deadlines(self.urgency, from, calendar, schedules, needs);
        let fresh = by(terms.calendar);
        let before: Vec<Deadlines> = earlier.iter().map(by).collect();
        let computed = |mark| {
            let here = self.of(mark);
            here == fresh.of(mark) || before.iter().any(|one| one.of(mark) == here)
        };
        let moved = |mark: Mark| {
            let (old, new) = (self.of(mark)?, fresh.of(mark)?);
            let stands = self.met.of(mark) || !computed(mark);
            Some(if stands { old } else { not_late_by_surprise(old, new, now) })
        };
        let mut next = Self {
            acknowledge_by: moved(Mark::Acknowledge).unwrap_or(self.acknowledge_by),
            contact_by: moved(Mark::Contact),
            arrive_by: moved(Mark::Arrive),
            reply_by: moved(Mark::Reply).unwrap_or(self.reply_by),
            return_by: self.window(earlier, terms, now),
            ..*self
        };
        next.ordered(computed(Mark::Reply));
        next
    }

    /// The return window; whoever must not return any more has one that is over or unused.
    fn window(&self, earlier: &[WorkingCalendar], terms: Terms<'_>, now: Timestamp) -> Timestamp {
        let by =
            |calendar| terms.rules.returns.closes_at(self.urgency, self.dispatched_at, calendar);
        let computed = earlier.iter().any(|calendar| by(calendar) == self.return_by);
        if self.met.reply || !computed {
            return self.return_by;
        }
        not_late_by_surprise(self.return_by, by(terms.calendar), now)
    }

    /// Keeps acknowledge ≤ contact ≤ arrive ≤ reply: by moving the later one up, but never past a
    /// reply's date that was decided or kept.
    fn ordered(&mut self, reply_moves: bool) {
        if !reply_moves || self.met.reply {
            let last = self.reply_by;
            self.acknowledge_by = self.acknowledge_by.min(last);
            self.contact_by = self.contact_by.map(|at| at.min(last));
            self.arrive_by = self.arrive_by.map(|at| at.min(last));
        }
        let mut latest = self.acknowledge_by;
        for mark in [&mut self.contact_by, &mut self.arrive_by].into_iter().flatten() {
            *mark = latest.max(*mark);
            latest = *mark;
        }
        self.reply_by = latest.max(self.reply_by);
    }

    /// The marks that differ from another's, by name.
    pub fn differing(&self, other: &Self) -> Vec<(&'static str, Timestamp)> {
        [
            ("acknowledge_by", Some(self.acknowledge_by), Some(other.acknowledge_by)),
            ("contact_by", self.contact_by, other.contact_by),
            ("arrive_by", self.arrive_by, other.arrive_by),
            ("reply_by", Some(self.reply_by), Some(other.reply_by)),
            ("return_by", Some(self.return_by), Some(other.return_by)),
        ]
        .into_iter()
        .filter(|(_, here, there)| here != there)
        .filter_map(|(name, here, _)| Some((name, here?)))
        .collect()
    }
}

/// The new instant; one that comes earlier waits until `now`, and one that had passed stays.
fn not_late_by_surprise(old: Timestamp, new: Timestamp, now: Timestamp) -> Timestamp {
    new.max(old.min(now))
}

impl Task {
    /// Its clocks.
    pub fn clocks(&self) -> Clocks {
        Clocks {
            urgency: self.urgency,
            dispatched_at: self.dispatched_at,
            acknowledge_by: self.acknowledge_by,
            contact_by: self.contact_by,
            arrive_by: self.arrive_by,
            reply_by: self.reply_by,
            return_by: self.return_by,
            met: Met {
                acknowledge: self.acknowledged_at.is_some(),
                contact: self.contacted_at.is_some(),
                arrive: self.arrived_at.is_some(),
                reply: self.status == Status::Replied,
            },
        }
    }

    /// The task with its deadlines computed anew, on record with before and after; `None` where
    /// nothing changes, or the task is over.
    pub fn recomputed(
        &self,
        year: i32,
        earlier: &[WorkingCalendar],
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Option<Decision<Self>> {
        let before = self.clocks();
        let after = before.recomputed(earlier, terms, now);
        if self.status.is_ended() || after == before {
            return None;
        }
        let mut state = self.clone();
        state.acknowledge_by = after.acknowledge_by;
        state.contact_by = after.contact_by;
        state.arrive_by = after.arrive_by;
        state.reply_by = after.reply_by;
        state.return_by = after.return_by;
        // The reporter was told when to expect a call and a reply, and nothing of the rest.
        let told = before.contact_by != after.contact_by || before.reply_by != after.reply_by;
        let visibility = if told { Visibility::Everyone } else { Visibility::Unit };
        let mut data = named(after.differing(&before));
        data.insert("before".to_owned(), Value::Object(named(before.differing(&after))));
        data.insert("year".to_owned(), json!(year));
        let event =
            self.event(EventKind::DeadlinesRecomputed, visibility).with(Value::Object(data));
        Some(Decision::one(state, event))
    }
}

fn named(marks: Vec<(&'static str, Timestamp)>) -> Map<String, Value> {
    marks.into_iter().map(|(name, at)| (name.to_owned(), json!(at))).collect()
}
