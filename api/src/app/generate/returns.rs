//! Returns in a generated case: a unit says that a task is another's, and the centre rules.

use chrono::TimeDelta;
use domain::{
    complaint::Assignment,
    task::{DecideReturn, Return, ReturnGround, Task},
    time::Timestamp,
};

use super::{
    life::Life,
    steps::{Act, Work},
};

impl Life<'_> {
    /// The unit says that it is another's.
    pub(super) fn ask_return(&mut self, place: usize, task: &Task, now: Timestamp) -> Option<()> {
        let asked = self.other(&task.unit).and_then(|to| {
            let basis = "该事项不在本单位权责清单内";
            let ask = Return::parse(ReturnGround::Duty, basis, to.code.as_str()).ok()?;
            task.ask_return(&ask, self.terms, now).ok()
        });
        let Some(decision) = asked else {
            let at = self.within(now, task.acknowledge_by, task.urgency, 50);
            self.plan(at, Act::Task(place, Work::Acknowledge));
            return None;
        };
        self.saved(place, decision, self.clerk(&task.unit), now);
        let later = now + self.draws.minutes(10, 200);
        let at = self.at_work(later);
        self.plan(at, Act::Task(place, Work::RuleReturn));
        Some(())
    }

    /// The centre rules on that.
    pub(super) fn rule_return(&mut self, place: usize, task: &Task, now: Timestamp) -> Option<()> {
        let asked = task.return_request.as_ref().and_then(|asked| self.unit(&asked.to));
        let taken = self.open().iter().any(|open| {
            open.id != task.id && asked.as_ref().is_some_and(|unit| unit.code == open.unit)
        });
        let approve = !taken && self.draws.in_thousand(700);
        let next =
            asked.filter(|_| approve).map(|unit| Assignment { task: self.draws.id(now), unit });
        let rule = DecideReturn {
            approve,
            next,
            is_final: false,
            reply_by: (task.reply_by <= now).then_some(now + TimeDelta::days(3)),
            reason: "按权责清单裁定".to_owned(),
        };
        let contact = self.complaint.contact_is_due();
        let (ended, successor) = task.decide_return(&rule, contact, self.terms, now).ok()?;
        let centre = self.centre();
        self.saved(place, ended, centre, now);
        match successor {
            Some(task) => {
                let place = self.created(task, centre, now);
                self.handed(place, now);
            }
            None => {
                let at = self.within(now, now + TimeDelta::hours(3), task.urgency, 0);
                self.plan(at, Act::Task(place, Work::Acknowledge));
            }
        }
        Some(())
    }
}
