//! Drafting, reviewing, blowing and taking back.

use serde_json::json;

use super::{Kind, Level, Refused, Reviewed, Status, Step, Whistle};
use crate::{
    complaint::Assignment,
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ComplaintId, WhistleId},
    org::NodeCode,
    refusal::{Faults, Invalid},
    sla::{CentreDeadline, Terms, Timer, TimerKind},
    task::{Case, Needed, Order, Task},
    text,
    time::Timestamp,
};

/// The fields as they came.
#[derive(Debug, Clone, Copy)]
pub struct DraftForm<'a> {
    /// 2–200 characters.
    pub title: &'a str,
    /// 5–10,000 characters.
    pub content: &'a str,
    /// The community it is about.
    pub community_code: &'a str,
    /// Who leads.
    pub lead: &'a str,
    /// Who assists, at most 20.
    pub assist: &'a [String],
}

/// A whistle that may be stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Draft {
    /// The complaint it comes from, if any.
    pub complaint: Option<ComplaintId>,
    /// What sort of matter.
    pub kind: Kind,
    /// Who must come.
    pub level: Level,
    /// Its title.
    pub title: String,
    /// What is the matter, and why the blower cannot solve it alone.
    pub content: String,
    /// The community it is about.
    pub community: NodeCode,
    /// Who leads.
    pub lead: NodeCode,
    /// Who assists.
    pub assist: Vec<NodeCode>,
}

impl Draft {
    /// Checks a form.
    ///
    /// # Errors
    /// Every field at fault, at once.
    pub fn parse(
        complaint: Option<ComplaintId>,
        kind: Kind,
        level: Level,
        form: DraftForm<'_>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let title = faults.take(text::line("title", form.title, 2, 200));
        let content = faults.take(text::text("content", form.content, 5, 10_000));
        let community = faults.take(NodeCode::parse("community_code", form.community_code));
        let lead = faults.take(NodeCode::parse("lead", form.lead));
        if form.assist.len() > 20 {
            faults.add("assist", "协办单位最多 20 个");
        }
        let assist: Vec<NodeCode> = form
            .assist
            .iter()
            .enumerate()
            .filter_map(|(at, code)| faults.take(NodeCode::parse(&format!("assist.{at}"), code)))
            .collect();
        faults.check()?;
        match (title, content, community, lead) {
            (Some(title), Some(content), Some(community), Some(lead)) => {
                Ok(Self { complaint, kind, level, title, content, community, lead, assist })
            }
            _ => unreachable!("a missing part has noted its fault"),
        }
    }
}

/// The review of a whistle.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// Whether it is right to blow it.
    pub approve: bool,
    /// Why, in words for the drafter.
    pub note: Option<String>,
}

impl Review {
    /// # Errors
    /// The note is too long, or missing where the review says no.
    pub fn parse(approve: bool, note: Option<&str>) -> Result<Self, Invalid> {
        let note = text::optional("note", note, 2000)?;
        if !approve && note.is_none() {
            return Err(Invalid::field("note", "不同意时，请写明理由"));
        }
        Ok(Self { approve, note })
    }
}

/// A decision on a whistle, with the tasks that go out by it.
pub type Blown = (Decision<Whistle>, Vec<Decision<Task>>);

impl Whistle {
    /// Drafts a whistle in the name of `blower`. An emergency is blown at once. `units` are the
    /// lead's assignment, then the assist units'.
    ///
    /// # Errors
    /// A unit is named twice.
    pub fn draft(
        id: WhistleId,
        draft: &Draft,
        blower: &NodeCode,
        by: AccountId,
        units: &[Assignment],
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Blown, Refused> {
        for (at, one) in units.iter().enumerate() {
            if units.iter().skip(at + 1).any(|other| other.unit.code == one.unit.code) {
                return Err(Refused::UnitTwice(one.unit.name.clone()));
            }
        }
        let state = Self {
            id,
            version: 1,
            last_seq: 0,
            status: Status::Draft,
            complaint: draft.complaint,
            kind: draft.kind,
            level: draft.level,
            community: draft.community.clone(),
            blower: blower.clone(),
            drafted_by: by,
            drafted_at: now,
            lead: draft.lead.clone(),
            assist: draft.assist.clone(),
            review: None,
            blown_at: None,
            settled_at: None,
            standing_down_at: None,
            stood_down_at: None,
        };
        let drafted = NewEvent::new(EventKind::WhistleDrafted, Visibility::Everyone).with(
            json!({ "kind": draft.kind, "level": draft.level, "complaint": draft.complaint }),
        );
        let mut decision = Decision::one(state, drafted);
        let mut tasks = Vec::new();
        if draft.kind == Kind::Emergency {
            let (blown, out) = decision.state.blow(units, terms, now);
            decision.state = blown.state;
            decision.events.extend(blown.events);
            tasks = out;
        }
        Ok((decision, tasks))
    }

    /// Lets the tasks out.
    fn blow(&self, units: &[Assignment], terms: Terms<'_>, now: Timestamp) -> Blown {
        let mut state = self.clone();
        state.status = Status::Blown;
        state.blown_at = Some(now);
        // Nobody is to be called, but everybody must come.
        let needed = Needed { contact: false, urgency: self.kind.urgency() };
        let tasks = units
            .iter()
            .zip(0..)
            .map(|(to, line)| {
                let order = Order { line, site: true, note: None };
                let unit = (to.task, to.unit.code.clone());
                Task::begin(Case::Whistle(self.id), unit, needed, &order, terms, now)
            })
            .collect();
        let event = NewEvent::new(EventKind::WhistleBlown, Visibility::Everyone)
            .with(json!({ "kind": self.kind, "level": self.level }));
        (Decision::one(state, event), tasks)
    }

    /// Reviews the whistle (审核): a draft is blown or rejected; an emergency was blown already, and
    /// a review that says no is recorded, not undone.
    ///
    /// # Errors
    /// By the drafter; a second review; it was taken back.
    pub fn review(
        &self,
        command: &Review,
        by: AccountId,
        units: &[Assignment],
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Blown, Refused> {
        self.permit(Step::Review)?;
        if by == self.drafted_by {
            return Err(Refused::OwnReview);
        }
        if self.review.is_some() {
            return Err(Refused::Reviewed);
        }
        let mut state = self.clone();
        state.review = Some(Reviewed { by, at: now, approved: command.approve });
        let event = NewEvent::new(EventKind::WhistleReviewed, Visibility::Everyone)
            .with(json!({ "approved": command.approve, "after": self.status != Status::Draft }))
            .note(command.note.clone());
        let mut decision = Decision::one(state, event);
        let mut tasks = Vec::new();
        if self.status == Status::Draft {
            if command.approve {
                let (blown, out) = decision.state.blow(units, terms, now);
                decision.state = blown.state;
                decision.events.extend(blown.events);
                tasks = out;
            } else {
                decision.state.status = Status::Rejected;
            }
        }
        Ok((decision, tasks))
    }

    /// Takes the whistle back (撤回); its open tasks end with it.
    ///
    /// # Errors
    /// It is over.
    pub fn withdraw(&self, reason: &str) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Withdraw)?;
        let mut state = self.clone();
        state.status = Status::Withdrawn;
        let event = NewEvent::new(EventKind::WhistleWithdrawn, Visibility::Everyone)
            .note(reason.to_owned());
        Ok(Decision::one(state, event))
    }

    /// The instants that the whistle waits for, by its state alone.
    pub fn timers(&self, terms: Terms<'_>) -> Vec<Timer> {
        let centre = |what, from| {
            terms.rules.centre.deadline(what, Some(self.kind.urgency()), from, terms.calendar)
        };
        let mut timers = Vec::new();
        let reviewable = self.status == Status::Draft || self.blown_at.is_some();
        if self.review.is_none() && reviewable && self.status != Status::Withdrawn {
            let due = centre(CentreDeadline::WhistleReview, self.drafted_at);
            let owed = self.status == Status::Draft || self.kind == Kind::Emergency;
            timers.extend(owed.then(|| Timer::new(TimerKind::ReviewDue, due)));
        }
        if let (true, Some(since)) = (self.status.is_open(), self.settled_at) {
            let due = terms.rules.whistle.stand_down.end(since, terms.calendar);
            timers.push(Timer::new(TimerKind::StandDownDue, due));
        }
        if let (Status::StandingDown, Some(since)) = (self.status, self.standing_down_at) {
            let due = terms.rules.whistle.appraisal.end(since, terms.calendar);
            timers.push(Timer::new(TimerKind::AppraisalEnds, due));
        }
        timers
    }
}
