//! One generated case: people act, instants come, and the product's own rules say what follows.
//!
//! What is drawn is who does what, when, and how well; every state, event, deadline and timer is
//! what the rules answer. A step that they refuse is not taken.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    complaint::{Complaint, Status, Submitter},
    consultation::settled_by,
    decision::Decision,
    evaluation::Evaluation,
    event::NewEvent,
    id::{AccountId, ComplaintId, EvaluationId},
    org::{NodeCode, Unit},
    sla::{Terms, TimerKind},
    supervision::Supervision,
    task::Task,
    time::Timestamp,
};
use infra::postgres::{
    generate::Conferred,
    timer::{Due, Subject},
};

use super::{
    World,
    draws::Draws,
    merge::Leading,
    steps::Act,
    story::{Story, Told},
};

/// An evaluation as it was given.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its id.
    pub id: EvaluationId,
    /// When.
    pub at: Timestamp,
    /// The round, 0 before follow-up.
    pub round: i16,
    /// By which way.
    pub channel: &'static str,
    /// What was said.
    pub said: Evaluation,
    /// Who wrote it down.
    pub recorded_by: Option<AccountId>,
}

/// A case and everything that happened to it until the end of the history.
pub struct Life<'w> {
    pub(super) world: &'w World,
    pub(super) terms: Terms<'w>,
    pub(super) draws: Draws,
    pub(super) story: &'w Story,
    /// What was handed in, and will be answered.
    pub told: Told,
    /// Who took it in, when it came by telephone.
    pub taken_in_by: Option<AccountId>,
    /// The complaint as it stands.
    pub complaint: Complaint,
    /// How often it was saved.
    pub saves: i64,
    /// Its tasks, with how often each was saved.
    pub tasks: Vec<(Task, i64)>,
    /// What happened, by whom.
    pub events: Vec<(Timestamp, NewEvent, Option<AccountId>)>,
    /// What the reporter said.
    pub evaluations: Vec<Given>,
    /// Its supervisions, with how often each was saved.
    pub supervisions: Vec<(Supervision, i64)>,
    /// Its consultations.
    pub consultations: Vec<Conferred>,
    /// The neighbour's case that tells the same, if one does.
    pub leading: Option<Leading>,
    /// Since when it stood where.
    pub(super) standing: Vec<(Timestamp, Status)>,
    /// What the case waits for.
    pub armed: BTreeSet<Due>,
    /// What came.
    pub fired: BTreeSet<Due>,
    agenda: BTreeMap<(Timestamp, u32), Act>,
    planned: u32,
}

impl<'w> Life<'w> {
    /// A case as it comes in.
    pub fn begin(
        world: &'w World,
        terms: Terms<'w>,
        mut draws: Draws,
        story: &'w Story,
        (told, by_phone): (Told, bool),
        now: Timestamp,
    ) -> Self {
        let id: ComplaintId = draws.id(now);
        let by =
            if by_phone { Submitter::Officer(&world.dispatcher) } else { Submitter::Anonymous };
        let Decision { state, events } = Complaint::submit(id, &told.submission, by, now);
        let mut life = Self {
            world,
            terms,
            draws,
            story,
            told,
            taken_in_by: by.taken_in_by(),
            complaint: state,
            saves: 0,
            tasks: Vec::new(),
            events: Vec::new(),
            evaluations: Vec::new(),
            supervisions: Vec::new(),
            consultations: Vec::new(),
            leading: None,
            standing: vec![(now, Status::Submitted)],
            armed: BTreeSet::new(),
            fired: BTreeSet::new(),
            agenda: BTreeMap::new(),
            planned: 0,
        };
        life.tell(events, life.taken_in_by, now);
        life.arm(now);
        life.received(now);
        life
    }

    /// Lets it go on until `end`: whatever comes first, a person or an instant.
    pub fn pass(&mut self, end: Timestamp) {
        loop {
            let due = self.armed.first().copied().filter(|due| due.due_at <= end);
            let act = self.agenda.first_key_value().map(|(key, _)| *key);
            let act = act.filter(|(at, _)| *at <= end);
            match (due, act) {
                (Some(due), act) if act.is_none_or(|(at, _)| due.due_at <= at) => self.fire(due),
                (_, Some(key)) => {
                    if let Some(act) = self.agenda.remove(&key) {
                        self.act(act, key.0);
                    }
                }
                (_, None) => return,
            }
        }
    }

    /// Somebody will do something.
    pub(super) fn plan(&mut self, at: Timestamp, act: Act) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), act);
    }

    fn fire(&mut self, due: Due) {
        let now = due.due_at;
        self.armed.remove(&due);
        self.fired.insert(due);
        match due.subject {
            Subject::Supervision(id) => {
                if self.climb(id, now).is_some() {
                    self.keep(now);
                }
            }
            Subject::Consultation(id) => {
                let held = self.consultations.iter().find(|held| held.one.id == id);
                if let Some(event) = held.map(|held| held.one.fire(due.kind)) {
                    self.tell(vec![event], None, now);
                    self.keep(now);
                }
            }
            Subject::Task(id) => {
                let place = self.tasks.iter().position(|(task, _)| task.id == id);
                if let (Some(place), TimerKind::SuperviseDue) = (place, due.kind) {
                    return self.overdue(place, now);
                }
                if let Some((place, (task, _))) =
                    place.and_then(|place| self.tasks.get(place).map(|task| (place, task)))
                {
                    let decision = task.fire(due.kind, now);
                    self.saved(place, decision, None, now);
                    self.keep(now);
                }
            }
            Subject::Complaint(_) | Subject::Whistle(_) => {
                let open = self.open();
                if let Ok((decision, _)) = self.complaint.fire(due.kind, &open, now) {
                    let round = decision.state.follow_up_round;
                    self.set(decision, None, now);
                    self.keep(now);
                    if self.complaint.status == Status::FollowUp {
                        self.asked(round, now);
                    }
                }
            }
        }
    }

    /// The tasks that have not ended.
    pub(super) fn open(&self) -> Vec<Task> {
        let tasks = self.tasks.iter().map(|(task, _)| task);
        tasks.filter(|task| !task.status.is_ended()).cloned().collect()
    }

    /// Takes a new state of the complaint.
    pub(super) fn set(
        &mut self,
        decision: Decision<Complaint>,
        actor: Option<AccountId>,
        now: Timestamp,
    ) {
        self.complaint = decision.state;
        if self.standing.last().is_none_or(|(_, stood)| *stood != self.complaint.status) {
            self.standing.push((now, self.complaint.status));
        }
        let settled = settled_by(&decision.events);
        self.tell(decision.events, actor, now);
        if settled {
            self.lapse(actor, now);
        }
    }

    /// Takes a new state of a task.
    pub(super) fn saved(
        &mut self,
        place: usize,
        decision: Decision<Task>,
        actor: Option<AccountId>,
        now: Timestamp,
    ) {
        if let Some((task, saves)) = self.tasks.get_mut(place) {
            *task = decision.state;
            *saves += 1;
        }
        self.tell(decision.events, actor, now);
    }

    /// Takes a new task; answers its place.
    pub(super) fn created(
        &mut self,
        decision: Decision<Task>,
        actor: Option<AccountId>,
        now: Timestamp,
    ) -> usize {
        self.complaint.take_on(&decision.state.unit);
        self.tell(decision.events, actor, now);
        self.tasks.push((decision.state, 0));
        self.tasks.len() - 1
    }

    /// Ends a command: the case was saved, and waits for what its state says.
    pub(super) fn keep(&mut self, now: Timestamp) {
        self.saves += 1;
        self.arm(now);
    }

    /// Takes what happened.
    pub(super) fn tell(&mut self, events: Vec<NewEvent>, actor: Option<AccountId>, now: Timestamp) {
        self.events.extend(events.into_iter().map(|event| (now, event, actor)));
    }

    /// As the product arms timers: what is wanted by the state alone, never twice, and no reminder
    /// that would lie in the past.
    fn arm(&mut self, now: Timestamp) {
        let case = Subject::Complaint(self.complaint.id);
        let of_case = self.complaint.timers(self.terms).into_iter().map(|timer| (case, timer));
        let mut wanted: Vec<_> = of_case.collect();
        if self.complaint.suspension.is_none() {
            for (task, _) in self.tasks.iter().filter(|(task, _)| !task.status.is_ended()) {
                let timers = task.timers(self.terms).into_iter();
                let timers = timers.filter(|timer| !timer.kind.is_reminder() || timer.due_at > now);
                wanted.extend(timers.map(|timer| (Subject::Task(task.id), timer)));
            }
        }
        for (one, _) in &self.supervisions {
            let subject = Subject::Supervision(one.id);
            wanted.extend(one.timers().into_iter().map(|timer| (subject, timer)));
        }
        for Conferred { one, .. } in &self.consultations {
            let subject = Subject::Consultation(one.id);
            wanted.extend(one.timers().into_iter().map(|timer| (subject, timer)));
        }
        let due = |(subject, timer): (Subject, domain::sla::Timer)| Due {
            due_at: timer.due_at,
            subject,
            kind: timer.kind,
        };
        let wanted = wanted.into_iter().map(due);
        self.armed = wanted.filter(|due| !self.fired.contains(due)).collect();
    }

    /// The account that works for a unit.
    pub(super) fn clerk(&self, unit: &NodeCode) -> Option<AccountId> {
        self.world.clerks.get(unit).copied()
    }

    /// The centre's account.
    pub(super) fn centre(&self) -> Option<AccountId> {
        Some(self.world.dispatcher.account)
    }

    /// A unit by its code.
    pub(super) fn unit(&self, code: &NodeCode) -> Option<Unit> {
        self.world.units.get(code).cloned()
    }
}
