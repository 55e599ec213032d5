//! Neighbours who report the same thing: the centre lets the later case follow the earlier one, whose
//! reply answers both. The earlier case is told to its end first; the later one looks up where it
//! stood.

use domain::{
    complaint::{Complaint, Status},
    evaluation::Evaluation,
    time::Timestamp,
};

use super::{
    draws::Draws,
    life::{Given, Life},
    steps::Act,
};

/// How many of a thousand cases tell what the case before them told.
const REPEATS: u32 = 25;

/// Whether a case repeats the one before it, which repeats none itself.
pub fn repeats(seed: u64, number: u64) -> bool {
    let drawn = |number: u64| Draws::of(!seed, number).in_thousand(REPEATS);
    number > 0 && drawn(number) && !drawn(number - 1)
}

/// The case that another one may follow.
#[derive(Debug, Clone)]
pub struct Leading {
    complaint: Complaint,
    standing: Vec<(Timestamp, Status)>,
}

impl Leading {
    /// The case as it stood at an instant.
    fn at(&self, now: Timestamp) -> Complaint {
        let stood = self.standing.iter().rev().find(|(since, _)| *since <= now);
        let status = stood.map_or(Status::Submitted, |(_, status)| *status);
        Complaint { status, ..self.complaint.clone() }
    }

    fn first(&self, status: Status) -> Option<Timestamp> {
        let found = self.standing.iter().find(|(_, stood)| *stood == status);
        found.map(|(since, _)| *since)
    }
}

impl Life<'_> {
    /// What a neighbour's case may follow.
    pub fn leading(&self) -> Leading {
        Leading { complaint: self.complaint.clone(), standing: self.standing.clone() }
    }

    /// Follows the neighbour's case while that is open, and hears its reply.
    pub(super) fn follow(&mut self, now: Timestamp) -> Option<()> {
        let leading = self.leading.clone()?;
        let merged = self.complaint.merge(&leading.at(now)).ok()?;
        let centre = self.centre();
        self.set(merged, centre, now);
        if let Some(at) = leading.first(Status::Withdrawn) {
            self.plan(at, Act::Part);
        }
        if let Some(at) = leading.first(Status::FollowUp)
            && self.draws.in_thousand(400)
        {
            let at = at + self.draws.minutes(5, 2400);
            self.plan(at, Act::Echo);
        }
        Some(())
    }

    /// The case that it followed was taken back: the centre decides anew.
    pub(super) fn part(&mut self, now: Timestamp) -> Option<()> {
        let parted = self.complaint.unmerge(now).ok()?;
        self.set(parted, None, now);
        self.leading = None;
        let at = now + self.draws.minutes(5, 150);
        self.plan(at, Act::Decide);
        Some(())
    }

    /// The reporter says what the reply to the other case was worth.
    pub(super) fn echo(&mut self, now: Timestamp) -> Option<()> {
        let standing = self.leading.as_ref()?.at(now).status;
        let solved = self.draws.in_thousand(850);
        let said = Evaluation::new(solved, if solved { 5 } else { 2 }, None, None).ok()?;
        let decision = self.complaint.evaluate_as_child(standing, &said).ok()?;
        let round = self.complaint.follow_up_round;
        let id = self.draws.id(now);
        let channel = "track";
        self.evaluations.push(Given { id, at: now, round, channel, said, recorded_by: None });
        self.set(decision, None, now);
        Some(())
    }
}
