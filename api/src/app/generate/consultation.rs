//! Consultations of a generated case: after too many reworks, or on what is hard; each invited unit
//! speaks, the centre rules, and what was settled meanwhile ends without a ruling.

use domain::{
    complaint::{Assignment, Dispatch},
    consultation::{
        Cause, Consultation, Decide, Open, REWORK_QUESTION, Statement, Status, worked_on,
    },
    id::AccountId,
    sla::Urgency,
    time::Timestamp,
};
use infra::postgres::generate::{Conferred, Ruled};

use super::{life::Life, steps::Act};

impl Life<'_> {
    /// The units that worked on it confer, because the reporter is not content with any of it.
    pub(super) fn confer_on_reworks(&mut self, now: Timestamp) -> Option<()> {
        let units = worked_on(self.tasks.iter().map(|(task, _)| task));
        let question = REWORK_QUESTION.to_owned();
        let asked = Open { cause: Cause::Rework, units, question, decide_by: None };
        self.convene(asked, None, now)
    }

    /// The centre calls the lead and another unit together.
    pub(super) fn confer(&mut self, now: Timestamp) -> Option<()> {
        let open = self.open();
        let lead = open.iter().find(|task| task.line == 0 && task.reply.is_none())?.unit.clone();
        if self.consultations.iter().any(|held| held.one.status == Status::Open) {
            return None;
        }
        let other = self.other(&lead)?;
        let invited = [self.unit(&lead)?, other];
        let units = invited.iter().map(|unit| unit.code.clone()).collect();
        let consulted = self.complaint.consult(Cause::Hard, &invited).ok()?;
        let centre = self.centre();
        self.set(consulted, centre, now);
        let question = "请就职责分工和解决办法提出意见。".to_owned();
        self.convene(Open { cause: Cause::Hard, units, question, decide_by: None }, centre, now)
    }

    fn convene(&mut self, asked: Open, by: Option<AccountId>, now: Timestamp) -> Option<()> {
        let id = self.draws.id(now);
        let opened = Consultation::open(id, &self.complaint, &asked, self.terms, now).ok()?;
        self.tell(opened.events, by, now);
        let one = opened.state;
        let (decide_by, invited) = (one.decide_by, one.units.clone());
        let place = self.consultations.len();
        self.consultations.push(Conferred {
            one,
            saves: 0,
            asked,
            opened_by: by,
            opened_at: now,
            said: Vec::new(),
            ruling: None,
        });
        for seat in 0..invited.len() {
            if self.draws.in_thousand(850) {
                let half = now + (decide_by - now) / 2;
                let at = self.within(now, half, Urgency::Ordinary, 0);
                self.plan(at, Act::Speak(place, seat));
            }
        }
        let at = self.within(now + (decide_by - now) / 2, decide_by, Urgency::Ordinary, 80);
        self.plan(at, Act::Rule(place));
        Some(())
    }

    /// An invited unit says what it thinks.
    pub(super) fn speak(&mut self, place: usize, seat: usize, now: Timestamp) -> Option<()> {
        let one = self.consultations.get(place)?.one.clone();
        let unit = one.units.get(seat)?.clone();
        let said =
            Statement::parse("我单位已现场核查，建议按权责清单分工办理，并愿意配合。").ok()?;
        let stated = one.state(&unit, &said).ok()?;
        let by = self.clerk(&unit);
        self.tell(stated.events, by, now);
        let held = self.consultations.get_mut(place)?;
        held.one = stated.state;
        held.saves += 1;
        held.said.push((unit, said.text, now, by));
        Some(())
    }

    /// The centre rules: the first invited unit leads, the others assist.
    pub(super) fn rule(&mut self, place: usize, now: Timestamp) -> Option<()> {
        let one = self.consultations.get(place)?.one.clone();
        one.permit(domain::consultation::Step::Decide).ok()?;
        let mut named = Vec::new();
        for code in &one.units {
            named.push(Assignment { task: self.draws.id(now), unit: self.unit(code)? });
        }
        let text = "经会商，由首位单位主办，其余单位协办，按期答复反映人。";
        let words = Decide::parse(text, None, None).ok()?;
        let mut named = named.into_iter();
        let lead = named.next()?;
        let order = Dispatch {
            lead,
            assist: named.collect(),
            judged_by: None,
            site: false,
            note: Some(words.text.clone()),
            approved_by: None,
        };
        let open = self.open();
        let on = (&self.complaint, &open[..]);
        let outcome = one.decide(&words, &order, on, self.terms, now).ok()?;
        let centre = self.centre();
        self.set(outcome.complaint, centre, now);
        for decision in outcome.tasks {
            let at = self.tasks.iter().position(|(task, _)| task.id == decision.state.id)?;
            self.saved(at, decision, centre, now);
        }
        let held = self.consultations.get_mut(place)?;
        held.one = outcome.consultation;
        held.saves += 1;
        let assist = order.assist.iter().map(|to| to.unit.code.clone()).collect();
        let lead = order.lead.unit.code.clone();
        held.ruling = Some(Ruled { at: now, by: centre, words, lead, assist });
        for task in outcome.created {
            let place = self.created(task, centre, now);
            self.handed(place, now);
        }
        Some(())
    }

    /// Ends an open consultation without a ruling.
    pub(super) fn lapse(&mut self, by: Option<AccountId>, now: Timestamp) {
        let held = self.consultations.iter_mut().find(|held| held.one.status == Status::Open);
        if let Some(held) = held
            && let Ok(lapsed) = held.one.lapse()
        {
            held.one = lapsed.state;
            held.saves += 1;
            self.tell(lapsed.events, by, now);
        }
    }
}
