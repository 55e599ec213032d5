//! How a task begins, which instants it waits for, and how its clocks move.

use chrono::TimeDelta;
use serde_json::json;

use super::{Case, Refused, Role, Status, Step, Task};
use crate::{
    complaint::{Assignment, Complaint},
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::TaskId,
    org::NodeCode,
    sla::{self, CentreDeadline, Mark, Needs, Terms, Timer, TimerKind, Urgency},
    time::Timestamp,
};

/// What a new task is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// 0 for the lead, 1… for assist units.
    pub line: i16,
    /// Somebody must come to the place.
    pub site: bool,
    /// Words for the unit.
    pub note: Option<String>,
}

/// What the case asks of every unit that gets a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// There is a reporter to contact, which is the lead's duty.
    pub contact: bool,
    /// Decides every deadline.
    pub urgency: Urgency,
}

impl Task {
    /// A new task of a complaint (派单).
    pub fn dispatch(
        to: &Assignment,
        complaint: &Complaint,
        order: &Order,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Decision<Self> {
        let needed = Needed {
            contact: complaint.contact_is_due(),
            urgency: complaint.urgency.unwrap_or(Urgency::Ordinary),
        };
        let case = Case::Complaint(complaint.id);
        Self::begin(case, (to.task, to.unit.code.clone()), needed, order, terms, now)
    }

    /// A new task of a case. Its clocks run from `now`, not from acknowledgement.
    pub fn begin(
        case: Case,
        (id, unit): (TaskId, NodeCode),
        needed: Needed,
        order: &Order,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Decision<Self> {
        let role = if order.line == 0 { Role::Lead } else { Role::Assist };
        let urgency = needed.urgency;
        let needs = Needs {
            // Nobody wants to be called by each unit.
            contact: role == Role::Lead && needed.contact,
            arrive: order.site || urgency == Urgency::Emergency,
        };
        let due = sla::deadlines(urgency, now, terms.calendar, &terms.rules.schedules, needs);
        let state = Self {
            id,
            case,
            unit,
            role,
            line: order.line,
            status: Status::Pending,
            version: 1,
            urgency,
            dispatched_at: now,
            acknowledge_by: due.acknowledge_by,
            contact_by: due.contact_by,
            arrive_by: due.arrive_by,
            reply_by: due.reply_by,
            return_by: terms.rules.returns.closes_at(urgency, now, terms.calendar),
            acknowledged_at: None,
            contacts: 0,
            contacted_at: None,
            arrived_at: None,
            replied_at: None,
            reply: None,
            confirmed_at: None,
            ended_at: None,
            returns: 0,
            is_final: false,
            return_request: None,
            extensions: 0,
            extension_request: None,
            send_backs: 0,
            rework_of: None,
            assignee: None,
            waiting_reply: None,
            approved: None,
        };
        let event = state.dispatched(order.note.clone());
        Decision::one(state, event)
    }

    /// The lead does it again (重办): a new task on the same line with fresh clocks.
    pub fn again(
        &self,
        id: TaskId,
        complaint: &Complaint,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Decision<Self> {
        let state = Self {
            rework_of: Some(self.id),
            is_final: self.is_final,
            ..self.successor(id, self.unit.clone(), complaint.contact_is_due(), terms, now)
        };
        let event = state.dispatched(None);
        Decision::one(state, event)
    }

    /// A fresh task on this one's line, with fresh clocks and the line's count of returns.
    pub(super) fn successor(
        &self,
        id: TaskId,
        unit: NodeCode,
        contact: bool,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Self {
        let order = Order { line: self.line, site: self.arrive_by.is_some(), note: None };
        let needed = Needed { contact, urgency: self.urgency };
        let fresh = Self::begin(self.case, (id, unit), needed, &order, terms, now).state;
        Self { returns: self.returns, ..fresh }
    }

    pub(super) fn dispatched(&self, note: Option<String>) -> NewEvent {
        self.event(EventKind::TaskDispatched, Visibility::Everyone)
            .with(json!({
                "role": self.role,
                "acknowledge_by": self.acknowledge_by,
                "contact_by": self.contact_by,
                "arrive_by": self.arrive_by,
                "reply_by": self.reply_by,
                "rework": self.rework_of.is_some(),
            }))
            .note(note)
    }

    /// Ends the task because its case did (取消): never silently, the unit is told.
    ///
    /// # Errors
    /// It is over already.
    pub fn cancel(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Cancel)?;
        let mut state = self.clone();
        state.end(Status::Cancelled, now);
        let event = self.event(EventKind::TaskCancelled, Visibility::Unit);
        Ok(Decision::one(state, event))
    }

    pub(super) fn end(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.ended_at = Some(now);
        self.return_request = None;
        self.extension_request = None;
        self.waiting_reply = None;
    }

    /// Moves what comes before the reply in front of it: the date that the resident was told, or
    /// that a ruling names, stands.
    pub(super) fn fit_before_reply(&mut self) {
        let reply_by = self.reply_by;
        self.acknowledge_by = self.acknowledge_by.min(reply_by);
        self.contact_by = self.contact_by.map(|by| by.min(reply_by));
        self.arrive_by = self.arrive_by.map(|by| by.min(reply_by));
    }

    /// The task after its case stood still for `by`, beginning at `since`: the deadlines that were
    /// still ahead move by as long, and so do the clocks of what the unit asked for. A deadline
    /// that was met or missed before stays as it was, so that a standstill excuses nothing.
    pub fn shifted(&self, since: Timestamp, by: TimeDelta) -> Decision<Self> {
        let mut state = self.clone();
        let moved = |at: Timestamp, met: bool| if met || at <= since { at } else { at + by };
        state.acknowledge_by = moved(self.acknowledge_by, self.acknowledged_at.is_some());
        state.contact_by = self.contact_by.map(|at| moved(at, self.contacted_at.is_some()));
        state.arrive_by = self.arrive_by.map(|at| moved(at, self.arrived_at.is_some()));
        state.reply_by = moved(self.reply_by, self.status == Status::Replied);
        let returnable =
            matches!(self.status, Status::Pending | Status::Acknowledged | Status::ReturnRequested);
        state.return_by = moved(self.return_by, !returnable);
        if let Some(request) = &mut state.return_request {
            request.asked_at += by;
        }
        if let Some(request) = &mut state.extension_request {
            request.asked_at += by;
            request.until += by;
        }
        // A mark that was met in time may now lie before one that moved: it is moved up as well.
        let mut latest = state.acknowledge_by;
        for mark in [&mut state.contact_by, &mut state.arrive_by].into_iter().flatten() {
            *mark = latest.max(*mark);
            latest = *mark;
        }
        state.reply_by = latest.max(state.reply_by);
        Decision { state, events: Vec::new() }
    }

    /// The instants that the task waits for, by its state alone. Nothing that is merely asked for
    /// stops them. While its case is suspended a task waits for nothing.
    pub fn timers(&self, terms: Terms<'_>) -> Vec<Timer> {
        let mut timers = Vec::new();
        if self.status.is_ended() {
            return timers;
        }
        // One instant is one timer, whatever it is waited for.
        let mut wait = |kind, due_at: Option<Timestamp>| {
            let timer = due_at.map(|due_at| Timer::new(kind, due_at));
            if let Some(timer) = timer.filter(|timer| !timers.contains(timer)) {
                timers.push(timer);
            }
        };
        let centre = |what, from| {
            terms.rules.centre.deadline(what, Some(self.urgency), from, terms.calendar)
        };
        if self.acknowledged_at.is_none() {
            wait(TimerKind::AcknowledgeDue, Some(self.acknowledge_by));
        }
        if self.contacted_at.is_none() {
            wait(TimerKind::ContactDue, self.contact_by);
        }
        if self.arrived_at.is_none() {
            wait(TimerKind::ArriveDue, self.arrive_by);
        }
        let overdue = &terms.rules.overdue;
        for (_, by) in self.owed() {
            let notice = overdue.notice_at(self.urgency, by, terms.calendar);
            wait(TimerKind::NoticeDue, Some(notice));
            wait(TimerKind::BulletinDue, Some(overdue.bulletin_at(by, terms.calendar)));
            wait(TimerKind::SuperviseDue, Some(overdue.supervise_at(by, terms.calendar)));
        }
        if self.status == Status::Replied {
            match self.case {
                Case::Complaint(_) => wait(
                    TimerKind::ConfirmDue,
                    self.replied_at.map(|at| centre(CentreDeadline::ConfirmReply, at)),
                ),
                // The blower judges; its silence passes the word to the centre.
                Case::Whistle(_) => wait(
                    TimerKind::BlowerSilent,
                    self.replied_at.map(|at| terms.rules.follow_up.silence.end(at, terms.calendar)),
                ),
            }
        } else {
            let [half, most] = overdue.reminders(self.dispatched_at, self.reply_by);
            wait(TimerKind::ReplyHalf, Some(half));
            wait(TimerKind::ReplyMost, Some(most));
            wait(TimerKind::ReplyDue, Some(self.reply_by));
        }
        let ruling = |asked_at| centre(CentreDeadline::Ruling, asked_at);
        let on_return = self.return_request.as_ref().map(|request| ruling(request.asked_at));
        let on_extension = self.extension_request.map(|request| ruling(request.asked_at));
        wait(TimerKind::RulingDue, on_return);
        wait(TimerKind::RulingDue, on_extension.filter(|due| Some(*due) != on_return));
        timers
    }

    /// What the unit still owes, with its deadline.
    fn owed(&self) -> impl Iterator<Item = (Mark, Timestamp)> {
        [
            (Mark::Acknowledge, Some(self.acknowledge_by), self.acknowledged_at.is_some()),
            (Mark::Contact, self.contact_by, self.contacted_at.is_some()),
            (Mark::Arrive, self.arrive_by, self.arrived_at.is_some()),
            (Mark::Reply, Some(self.reply_by), self.status == Status::Replied),
        ]
        .into_iter()
        .filter_map(|(mark, by, done)| Some((mark, by.filter(|_| !done)?)))
    }

    /// What was missed and is still owed at an instant, as an event tells it.
    fn missed(&self, kind: EventKind, now: Timestamp) -> NewEvent {
        let missed: Vec<(Mark, Timestamp)> = self.owed().filter(|(_, by)| *by <= now).collect();
        let marks: Vec<Mark> = missed.iter().map(|(mark, _)| *mark).collect();
        let by = missed.iter().map(|(_, by)| *by).min();
        self.event(kind, Visibility::Unit).with(json!({
            "marks": marks, "by": by, "pressing": self.urgency.is_pressing(),
        }))
    }

    /// What a due instant does: a reminder to the unit, a notice that time is over, or a notice to
    /// the centre. The state stays; the instant is on record.
    pub fn fire(&self, kind: TimerKind, now: Timestamp) -> Decision<Self> {
        let reminder = |percent: u8| {
            self.event(EventKind::Reminder, Visibility::Unit)
                .with(json!({ "percent": percent, "by": self.reply_by }))
        };
        let overdue = |mark: &str, by: Option<Timestamp>| {
            self.event(EventKind::Overdue, Visibility::Unit).with(json!({ "mark": mark, "by": by }))
        };
        let event = match kind {
            TimerKind::ReplyHalf => reminder(50),
            TimerKind::ReplyMost => reminder(80),
            TimerKind::AcknowledgeDue => overdue("acknowledge", Some(self.acknowledge_by)),
            TimerKind::ContactDue => overdue("contact", self.contact_by),
            TimerKind::ArriveDue => overdue("arrive", self.arrive_by),
            TimerKind::ReplyDue => overdue("reply", Some(self.reply_by)),
            TimerKind::NoticeDue => self.missed(EventKind::OverdueNotice, now),
            TimerKind::BulletinDue => self.missed(EventKind::WrittenBulletin, now),
            TimerKind::BlowerSilent => self.event(EventKind::BlowerSilent, Visibility::Everyone),
            _ => self
                .event(EventKind::CentreOverdue, Visibility::Centre)
                .with(json!({ "step": kind })),
        };
        Decision::one(self.clone(), event)
    }
}
