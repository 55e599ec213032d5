//! What the district centre decides about a complaint.

use serde_json::json;

use super::{Complaint, Ground, Refused, Status, Step, Suspension};
use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{FinalReplyId, TaskId},
    org::{NodeCode, Unit},
    refusal::{Faults, Invalid},
    sla::{Terms, Urgency},
    task::{self, Task},
    text,
    time::Timestamp,
};

/// Take a complaint on.
#[derive(Debug, Clone, PartialEq)]
pub struct Accept {
    /// Decides every deadline.
    pub urgency: Urgency,
    /// The duty-list item it falls under.
    pub duty_item: Option<String>,
    /// The category, as `一级/二级/三级`.
    pub category: Option<String>,
    /// The unit that a 举报 is about.
    pub reported_unit: Option<NodeCode>,
}

/// Do not take a complaint on.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// Why, by law.
    pub ground: Ground,
    /// Why, in words for the reporter.
    pub explanation: String,
}

impl Reject {
    /// # Errors
    /// The explanation is missing or too long.
    pub fn parse(ground: Ground, explanation: &str) -> Result<Self, Invalid> {
        Ok(Self { ground, explanation: text::text("explanation", explanation, 2, 2000)? })
    }
}

/// Answer a complaint at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer, for the reporter.
    pub text: String,
    /// The final reply that it rests on, where it does.
    pub cites: Option<FinalReplyId>,
}

impl Answer {
    /// # Errors
    /// The text is missing, too short or too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Ok(Self { text: text::text("text", text, 5, 10_000)?, cites: None })
    }
}

/// A unit that gets a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The new task's id.
    pub task: TaskId,
    /// The unit.
    pub unit: Unit,
}

/// Give a complaint to its units.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// Who answers for all of it.
    pub lead: Assignment,
    /// Who must help.
    pub assist: Vec<Assignment>,
    /// The duty-list item and version it was judged by, where one was.
    pub judged_by: Option<(String, String)>,
    /// Somebody must come to the place.
    pub site: bool,
    /// Words for the units.
    pub note: Option<String>,
    /// Why an emergency was pushed down although no list gives it: who approved.
    pub approved_by: Option<String>,
}

/// Stop the clocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspend {
    /// Until when at the latest.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

impl Suspend {
    /// The longest suspension: 180 days, as for listed long works **\[default\]**.
    pub const LONGEST_DAYS: i64 = 180;

    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(until: Timestamp, reason: &str) -> Result<Self, Invalid> {
        Ok(Self { until, reason: text::text("reason", reason, 2, 2000)? })
    }
}

/// Take a case out of the rates.
#[derive(Debug, Clone, PartialEq)]
pub struct Exclude {
    /// Why, with the evidence.
    pub reason: String,
}

impl Exclude {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 5, 2000)? })
    }
}

impl Accept {
    /// # Errors
    /// A field is too long or a code is none.
    pub fn parse(
        urgency: Urgency,
        duty_item: Option<&str>,
        category: Option<&str>,
        reported_unit: Option<&str>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let duty_item = faults.take(text::optional("duty_item", duty_item, 40));
        let category = faults.take(text::optional("category", category, 100));
        let reported_unit = match reported_unit {
            Some(code) => faults.take(NodeCode::parse("reported_unit", code)).map(Some),
            None => Some(None),
        };
        faults.check()?;
        Ok(Self {
            urgency,
            duty_item: duty_item.flatten(),
            category: category.flatten(),
            reported_unit: reported_unit.flatten(),
        })
    }
}

impl Complaint {
    /// Takes the complaint on (受理).
    ///
    /// # Errors
    /// It is not waiting for that.
    pub fn accept(&self, command: &Accept, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Accept)?;
        let mut state = self.clone();
        state.status = Status::Accepted;
        state.urgency = Some(command.urgency);
        state.duty_item.clone_from(&command.duty_item);
        state.category.clone_from(&command.category);
        state.reported_unit.clone_from(&command.reported_unit);
        state.accepted_at = Some(self.accepted_at.unwrap_or(now));
        let event = NewEvent::new(EventKind::Accepted, Visibility::Everyone)
            .with(json!({ "urgency": command.urgency }));
        Ok(Decision::one(state, event))
    }

    /// Does not take the complaint on (不予受理).
    ///
    /// # Errors
    /// It is not waiting for that, or an emergency-line matter comes without a hand-over record.
    pub fn reject(&self, command: &Reject) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Reject)?;
        let explained = command.explanation.chars().count();
        if command.ground == Ground::EmergencyLine && explained < 10 {
            return Err(Refused::HandoverMissing);
        }
        let mut state = self.clone();
        state.status = Status::Rejected;
        let event = NewEvent::new(EventKind::Rejected, Visibility::Everyone)
            .with(json!({ "ground": command.ground }))
            .note(command.explanation.clone());
        Ok(Decision::one(state, event))
    }

    /// Answers the complaint at once (直接答复).
    ///
    /// # Errors
    /// It is already with a unit, or over.
    pub fn answer(&self, command: &Answer, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Answer)?;
        let mut state = self.clone();
        state.status = Status::Answered;
        state.replied_at = Some(now);
        state.suspension = None;
        let mut event =
            NewEvent::new(EventKind::Answered, Visibility::Everyone).note(command.text.clone());
        if let Some(id) = command.cites {
            event = event.with(json!({ "final_reply": id }));
        }
        Ok(Decision::one(state, event))
    }

    /// Lets the complaint follow another (并案); its open tasks end with it.
    ///
    /// # Errors
    /// It is over, or the other is not a case that is being handled on its own.
    pub fn merge(&self, into: &Self) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Merge)?;
        let open = matches!(
            into.status,
            Status::Submitted | Status::Accepted | Status::Dispatched | Status::Handling
        );
        if into.id == self.id || !open {
            return Err(Refused::MergeTarget);
        }
        let mut state = self.clone();
        state.status = Status::Merged;
        state.merged_into = Some(into.id);
        state.suspension = None;
        let event =
            NewEvent::new(EventKind::Merged, Visibility::Everyone).with(json!({ "into": into.id }));
        Ok(Decision::one(state, event))
    }

    /// Lets the complaint go its own way again, because the case it followed was taken back: the
    /// centre decides on it anew.
    ///
    /// # Errors
    /// It follows none.
    pub fn unmerge(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Unmerge)?;
        let mut state = self.clone();
        state.status = Status::Submitted;
        state.merged_into = None;
        state.clock_from = now;
        state.follow_up_round = 0;
        let event = NewEvent::new(EventKind::Unmerged, Visibility::Everyone);
        Ok(Decision::one(state, event))
    }

    /// Gives the complaint to a lead and to assist units (派单). `open` are its tasks that have not
    /// ended: after a consultation the centre may dispatch again once no lead holds it.
    ///
    /// # Errors
    /// It is not accepted, a lead still holds it, a unit is named twice or is the reported one.
    pub fn dispatch(
        &self,
        command: &Dispatch,
        open: &[Task],
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<(Decision<Self>, Vec<Decision<Task>>), Refused> {
        self.permit(Step::Dispatch)?;
        if self.suspension.is_some() {
            return Err(Refused::Suspended);
        }
        if open.iter().any(|task| task.role == task::Role::Lead) {
            return Err(Refused::LeadOpen);
        }
        self.check_units(command, open)?;
        let mut state = self.clone();
        if self.status == Status::Accepted {
            state.status = Status::Dispatched;
        }
        state.dispatched_at = Some(self.dispatched_at.unwrap_or(now));
        if let Some((item, list)) = &command.judged_by {
            state.duty_item = Some(item.clone());
            state.duty_list = Some(list.clone());
        }
        let first_line = open.iter().map(|task| task.line).max().unwrap_or(0);
        let lines = std::iter::once((&command.lead, 0))
            .chain(command.assist.iter().zip(first_line.saturating_add(1)..));
        let tasks: Vec<_> = lines
            .map(|(assignment, line)| {
                state.take_on(&assignment.unit.code);
                let order = task::Order { line, site: command.site, note: command.note.clone() };
                Task::dispatch(assignment, self, &order, terms, now)
            })
            .collect();
        let events = command.approved_by.iter().map(|approver| {
            NewEvent::new(EventKind::EmergencyApproved, Visibility::Centre)
                .with(json!({ "approver": approver, "lead": command.lead.unit.code }))
        });
        Ok((Decision { state, events: events.collect() }, tasks))
    }

    fn check_units(&self, command: &Dispatch, open: &[Task]) -> Result<(), Refused> {
        let mut named: Vec<&NodeCode> = open.iter().map(|task| &task.unit).collect();
        for assignment in std::iter::once(&command.lead).chain(&command.assist) {
            let unit = &assignment.unit;
            if named.contains(&&unit.code) {
                return Err(Refused::UnitTwice(unit.name.clone()));
            }
            self.check_not_reported(unit)?;
            named.push(&unit.code);
        }
        Ok(())
    }

    /// # Errors
    /// The unit is the one that was reported.
    pub fn check_not_reported(&self, unit: &Unit) -> Result<(), Refused> {
        if self.reported_unit.as_ref() == Some(&unit.code) {
            return Err(reported(unit));
        }
        Ok(())
    }

    /// Lets a body below a unit of the case read it, because it works on that unit's task. Without an
    /// event of its own, since the task's tells it.
    ///
    /// # Errors
    /// The body is the one that was reported, or lies below it.
    pub fn opened_to(&self, body: &Unit) -> Result<Decision<Self>, Refused> {
        if self.reported_unit.as_ref().is_some_and(|reported| reported.contains(&body.code)) {
            return Err(reported(body));
        }
        let mut state = self.clone();
        state.take_on(&body.code);
        Ok(Decision { state, events: Vec::new() })
    }

    /// Notes that a unit has its part in the case: it reads it from now on.
    pub fn take_on(&mut self, unit: &NodeCode) {
        if !self.units.contains(unit) {
            self.units.push(unit.clone());
        }
    }

    /// Stops the clocks (挂起), the units' and the centre's.
    ///
    /// # Errors
    /// Nobody works on it, it is suspended already, or the date is past or too far.
    pub fn suspend(&self, command: &Suspend, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Suspend)?;
        if self.suspension.is_some() {
            return Err(Refused::Suspended);
        }
        let latest = now + chrono::TimeDelta::days(Suspend::LONGEST_DAYS);
        if command.until <= now || command.until > latest {
            return Err(Refused::SuspensionOutOfRange);
        }
        let mut state = self.clone();
        state.suspension = Some(Suspension { since: now, until: command.until });
        let event = NewEvent::new(EventKind::Suspended, Visibility::Everyone)
            .with(json!({ "until": command.until }))
            .note(command.reason.clone());
        Ok(Decision::one(state, event))
    }

    /// Lets the clocks go on (恢复): each open task's deadlines move by as long as they stood
    /// still, which ends at the announced date even if nobody got to it in time.
    ///
    /// # Errors
    /// Nothing stands still.
    pub fn resume(
        &self,
        open: &[Task],
        now: Timestamp,
    ) -> Result<(Decision<Self>, Vec<Decision<Task>>), Refused> {
        self.permit(Step::Resume)?;
        let stopped = self.suspension.ok_or(Refused::NotSuspended)?;
        let mut state = self.clone();
        let stood_still = now.min(stopped.until).max(stopped.since) - stopped.since;
        state.suspension = None;
        state.clock_from = self.clock_from + stood_still;
        let event = NewEvent::new(EventKind::Resumed, Visibility::Everyone);
        let tasks = open.iter().map(|task| task.shifted(stopped.since, stood_still)).collect();
        Ok((Decision::one(state, event), tasks))
    }

    /// Takes the case out of the rates (剔除), once.
    ///
    /// # Errors
    /// It was never dispatched, is archived, or is excluded already.
    pub fn exclude(&self, command: &Exclude, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Exclude)?;
        if self.excluded_at.is_some() {
            return Err(Refused::AlreadyExcluded);
        }
        let mut state = self.clone();
        state.excluded_at = Some(now);
        let event =
            NewEvent::new(EventKind::Excluded, Visibility::Centre).note(command.reason.clone());
        Ok(Decision::one(state, event))
    }
}

/// The refusal for a unit that was reported, or that lies below one.
fn reported(unit: &Unit) -> Refused {
    Refused::UnitIsReported {
        unit: unit.name.clone(),
        superior: unit.superior.as_ref().map(ToString::to_string),
    }
}
