//! Supervisions of a generated case: opened by the rows that the product opens them by, or by the
//! supervisor's hand; answered, sent back, listed, and climbing when nobody answers.

use domain::{
    decision::Decision,
    id::AccountId,
    sla::Urgency,
    supervision::{Demand, Level, SendBack, Status, Supervision, Written},
    time::Timestamp,
};

use super::{life::Life, steps::Act};

/// A step on a supervision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversee {
    /// The unit answers in writing.
    Answer,
    /// The supervisor judges the answer.
    Judge,
    /// The supervisor puts it on the list.
    List,
}

impl Life<'_> {
    /// The first level, because a bulletin brought nothing; unless the unit is supervised already.
    pub(super) fn overdue(&mut self, place: usize, now: Timestamp) {
        let Some((task, _)) = self.tasks.get(place) else { return };
        let demand = Demand::overdue(task.unit.clone());
        if self.demand(place, &demand, None, now).is_some() {
            self.keep(now);
        }
    }

    /// A supervisor takes up what is still open after some days.
    pub(super) fn inspect(&mut self, now: Timestamp) -> Option<()> {
        let place = self.tasks.iter().position(|(task, _)| {
            task.line == 0 && !task.status.is_ended() && task.reply.is_none()
        })?;
        let demand = Demand::parse(Level::Inspectorate, None, "请说明办理进展和完成时间").ok()?;
        self.demand(place, &demand, Some(self.world.supervisor), now)
    }

    fn demand(
        &mut self,
        place: usize,
        demand: &Demand,
        by: Option<AccountId>,
        now: Timestamp,
    ) -> Option<()> {
        let (task, _) = self.tasks.get(place)?.clone();
        let mut all = self.supervisions.iter().map(|(one, _)| one);
        if all.any(|one| one.unit == task.unit && one.ended_at.is_none()) {
            return None;
        }
        let Decision { state, events } =
            Supervision::open(self.draws.id(now), &task, demand, by, self.terms, now);
        self.tell(events, by, now);
        self.supervisions.push((state, 0));
        self.answer_is_due(self.supervisions.len() - 1, now);
        Some(())
    }

    fn answer_is_due(&mut self, place: usize, now: Timestamp) {
        let Some((one, _)) = self.supervisions.get(place) else { return };
        let by = one.answer_by;
        let at = self.within(now, by, Urgency::Ordinary, 150);
        self.plan(at, Act::Supervision(place, Oversee::Answer));
    }

    /// A step of the unit or of the supervisor.
    pub(super) fn oversee(&mut self, place: usize, step: Oversee, now: Timestamp) -> Option<()> {
        let (one, _) = self.supervisions.get(place)?.clone();
        let supervisor = Some(self.world.supervisor);
        match step {
            Oversee::Answer => {
                let text = "已现场核实并落实整改措施，明确专人负责，按期完成。";
                let written = Written::parse(text, None).ok()?;
                let by = self.clerk(&one.unit);
                self.overseen(place, one.answer(&written, now).ok()?, by, now);
                let later = now + self.draws.minutes(60, 2000);
                let at = self.at_work(later);
                self.plan(at, Act::Supervision(place, Oversee::Judge));
            }
            Oversee::Judge if self.draws.in_thousand(150) => {
                let back = SendBack { reason: "没有说明完成时间，请补充".to_owned() };
                let decision = one.send_back(&back, self.terms, now).ok()?;
                self.overseen(place, decision, supervisor, now);
                self.answer_is_due(place, now);
            }
            Oversee::Judge => {
                self.overseen(place, one.accept(now).ok()?, supervisor, now);
            }
            Oversee::List => {
                let listed = one.list("逾期未书面答复，挂牌督办", now).ok()?;
                self.overseen(place, listed, supervisor, now);
            }
        }
        Some(())
    }

    /// Its deadline came: it climbs, or lapses with the task.
    pub(super) fn climb(&mut self, id: domain::id::SupervisionId, now: Timestamp) -> Option<()> {
        let place = self.supervisions.iter().position(|(one, _)| one.id == id)?;
        let (one, _) = self.supervisions.get(place)?.clone();
        let (task, _) = self.tasks.iter().find(|(task, _)| task.id == one.task)?;
        let decision = one.fire(task.status, self.terms, now).ok()?;
        let level = decision.state.level;
        let is_new = level == Level::Leader && decision.state.status == Status::Open;
        self.overseen(place, decision, None, now);
        if is_new && self.draws.in_thousand(500) {
            let later = now + self.draws.minutes(30, 1000);
            let at = self.at_work(later);
            self.plan(at, Act::Supervision(place, Oversee::List));
        }
        Some(())
    }

    fn overseen(
        &mut self,
        place: usize,
        decision: Decision<Supervision>,
        by: Option<AccountId>,
        now: Timestamp,
    ) {
        if let Some((one, saves)) = self.supervisions.get_mut(place) {
            *one = decision.state;
            *saves += 1;
        }
        self.tell(decision.events, by, now);
    }
}
