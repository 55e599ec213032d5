//! What people do with a generated case, when, and how well.

use chrono::TimeDelta;
use domain::{
    complaint::{
        Accept, Answer, Assignment, Dispatch, Exclude, Ground, Reject, Rework, Status, Withdraw,
    },
    duty::{self, Question},
    evaluation::Evaluation,
    org::{NodeCode, Unit},
    personal::PersonName,
    sla::Urgency,
    task::{
        Contact, ContactChannel, ContactOutcome, DecideExtension, Extend, Outcome, Presence, Reply,
        ReportIn, Role, SendBack, Status as Standing, Task,
    },
    time::{self, Timestamp},
};

use super::{
    life::{Given, Life},
    supervision::Oversee,
};

/// Something that somebody will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The centre decides on what came in.
    Decide,
    /// The centre gives it to units.
    Dispatch,
    /// The reporter takes it back.
    Withdraw,
    /// The reporter, or a caller for them, evaluates.
    Evaluate,
    /// A caller finds nobody.
    Miss,
    /// A supervisor takes it out of the rates.
    Exclude,
    /// A supervisor takes up what is slow.
    Inspect,
    /// A step on the supervision at this place.
    Supervision(usize, Oversee),
    /// The centre calls units together.
    Confer,
    /// The unit in this seat of the consultation at this place speaks.
    Speak(usize, usize),
    /// The centre rules on the consultation at this place.
    Rule(usize),
    /// The case it followed was taken back.
    Part,
    /// The reporter says what the reply to the case it follows was worth.
    Echo,
    /// A unit's step on the task at this place, or the centre's ruling on it.
    Task(usize, Work),
}

/// A step on a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The unit acknowledges.
    Acknowledge,
    /// The unit asks to return it.
    Return,
    /// The centre rules on that.
    RuleReturn,
    /// The unit contacts the reporter.
    Contact,
    /// The unit comes.
    ReportIn,
    /// The unit asks for more time.
    Extend,
    /// The centre rules on that.
    RuleExtension,
    /// The unit replies.
    Reply,
    /// The centre confirms or sends back.
    Judge,
}

/// The tries to reach a reporter before a unit goes on without.
const TRIES: i16 = 3;

impl Life<'_> {
    /// It has come in: what will become of it.
    pub(super) fn received(&mut self, now: Timestamp) {
        let minutes = if self.story.urgency == Urgency::Emergency { (1, 9) } else { (5, 150) };
        let at = now + self.draws.minutes(minutes.0, minutes.1);
        self.plan(at, Act::Decide);
        if self.draws.in_thousand(12) {
            let at = now + self.draws.minutes(30, 2000);
            self.plan(at, Act::Withdraw);
        }
    }

    /// The reporter is asked for the first or the second time.
    pub(super) fn asked(&mut self, round: i16, now: Timestamp) {
        let answers = if round < 2 { 560 } else { 420 };
        if self.draws.in_thousand(answers) {
            let at = now + self.draws.minutes(5, 2400);
            self.plan(at, Act::Evaluate);
        } else if self.draws.in_thousand(400) {
            let later = now + self.draws.minutes(60, 1500);
            let at = self.at_work(later);
            self.plan(at, Act::Miss);
        }
    }

    /// Does something. What the rules refuse is not done.
    pub(super) fn act(&mut self, act: Act, now: Timestamp) {
        let done = match act {
            Act::Decide => self.decide(now),
            Act::Dispatch => self.dispatch(now),
            Act::Withdraw => self.withdraw(now),
            Act::Evaluate => self.evaluate(now),
            Act::Miss => self.complaint.miss().ok().map(|missed| {
                self.set(missed, self.centre(), now);
            }),
            Act::Exclude => Exclude::parse("现场核查：反映的事项依法不属于承办单位职责")
                .ok()
                .and_then(|exclude| self.complaint.exclude(&exclude, now).ok())
                .map(|excluded| self.set(excluded, Some(self.world.supervisor), now)),
            Act::Inspect => self.inspect(now),
            Act::Supervision(place, step) => self.oversee(place, step, now),
            Act::Confer => self.confer(now),
            Act::Speak(place, seat) => self.speak(place, seat, now),
            Act::Rule(place) => self.rule(place, now),
            Act::Part => self.part(now),
            Act::Echo => self.echo(now),
            Act::Task(place, work) => self.work(place, work, now),
        };
        if done.is_some() {
            self.keep(now);
        }
    }

    fn decide(&mut self, now: Timestamp) -> Option<()> {
        if self.follow(now).is_some() {
            return Some(());
        }
        let centre = self.centre();
        if self.draws.in_thousand(25) {
            let reject =
                Reject::parse(Ground::OutOfArea, "反映的地点不在本区，请向所在区的热线反映。");
            let rejected = self.complaint.reject(&reject.ok()?).ok()?;
            self.set(rejected, centre, now);
            return Some(());
        }
        let direct = if self.story.urgency == Urgency::Inquiry { 850 } else { 40 };
        if self.draws.in_thousand(direct) {
            let answered = self.complaint.answer(&Answer::parse(&self.told.reply).ok()?, now);
            self.set(answered.ok()?, centre, now);
            return Some(());
        }
        let category = self.story.item.as_deref().and_then(|item| self.world.category(item));
        let urgency = self.story.urgency;
        let accept = Accept::parse(urgency, self.story.item.as_deref(), category, None).ok()?;
        let accepted = self.complaint.accept(&accept, now).ok()?;
        self.set(accepted, centre, now);
        let minutes = if urgency == Urgency::Emergency { (0, 3) } else { (3, 120) };
        let at = now + self.draws.minutes(minutes.0, minutes.1);
        self.plan(at, Act::Dispatch);
        Some(())
    }

    fn dispatch(&mut self, now: Timestamp) -> Option<()> {
        let lead = self.lead(now)?;
        let mut assist = Vec::new();
        if self.draws.in_thousand(120)
            && let Some(unit) = self.other(&lead.code)
        {
            assist.push(Assignment { task: self.draws.id(now), unit });
        }
        let judged_by = self.judged(&lead, now).flatten();
        let command = Dispatch {
            lead: Assignment { task: self.draws.id(now), unit: lead },
            assist,
            judged_by: self.story.item.clone().zip(judged_by),
            site: self.story.site,
            note: None,
            approved_by: None,
        };
        let open = self.open();
        let (decision, tasks) = self.complaint.dispatch(&command, &open, self.terms, now).ok()?;
        let centre = self.centre();
        self.set(decision, centre, now);
        for task in tasks {
            let place = self.created(task, centre, now);
            self.handed(place, now);
        }
        self.taken_up(now);
        Some(())
    }

    /// Few cases are taken up by a supervisor, or conferred on, while units work on them.
    fn taken_up(&mut self, now: Timestamp) {
        if self.draws.in_thousand(4) {
            let later = now + self.draws.minutes(1500, 9000);
            let at = self.at_work(later);
            self.plan(at, Act::Inspect);
        }
        let hard = if self.story.urgency == Urgency::Hard { 60 } else { 2 };
        if self.draws.in_thousand(hard) {
            let later = now + self.draws.minutes(300, 2500);
            let at = self.at_work(later);
            self.plan(at, Act::Confer);
        }
    }

    /// The subdistrict where a list gives it the lead, else the department.
    fn lead(&self, now: Timestamp) -> Option<Unit> {
        let place = self.world.places.iter().find(|place| place.code == self.complaint.community);
        let subdistrict = place.and_then(|place| self.unit(&place.subdistrict));
        let listed =
            subdistrict.filter(|unit| self.story.grassroots && self.judged(unit, now).is_some());
        listed.or_else(|| self.unit(&self.story.lead))
    }

    /// The list that lets the unit lead, as the product judges; `None` when none does.
    fn judged(&self, unit: &Unit, now: Timestamp) -> Option<Option<String>> {
        let item = self.story.item.as_deref();
        let lists = self.world.lists(item, &unit.code, time::date(now));
        let question = Question { unit, role: Role::Lead, item, approved_emergency: false };
        duty::judge(question, lists).ok().map(|judgement| judgement.version)
    }

    /// A department that has no open task of this case.
    pub(super) fn other(&mut self, than: &NodeCode) -> Option<Unit> {
        let taken: Vec<NodeCode> = self.open().into_iter().map(|task| task.unit).collect();
        let code = self.draws.pick(&self.world.departments)?.clone();
        let free = code != *than && !taken.contains(&code);
        if free { self.unit(&code) } else { None }
    }

    /// A unit got a task: it acknowledges, or says that it is not its own.
    pub(super) fn handed(&mut self, place: usize, now: Timestamp) {
        let Some((task, _)) = self.tasks.get(place) else { return };
        let (acknowledge_by, return_by, urgency) =
            (task.acknowledge_by, task.return_by, task.urgency);
        if urgency != Urgency::Emergency && self.draws.in_thousand(45) {
            let at = self.within(now, return_by, urgency, 0);
            self.plan(at, Act::Task(place, Work::Return));
        } else {
            let at = self.within(now, acknowledge_by, urgency, 50);
            self.plan(at, Act::Task(place, Work::Acknowledge));
        }
    }

    fn withdraw(&mut self, now: Timestamp) -> Option<()> {
        let withdraw = Withdraw::parse(Some("已经自行解决")).ok()?;
        let withdrawn = self.complaint.withdraw(&withdraw).ok()?;
        self.set(withdrawn, None, now);
        for place in 0..self.tasks.len() {
            if let Some(Ok(cancelled)) = self.tasks.get(place).map(|(task, _)| task.cancel(now)) {
                self.saved(place, cancelled, None, now);
            }
        }
        Some(())
    }

    fn evaluate(&mut self, now: Timestamp) -> Option<()> {
        let late = self.tasks.iter().any(|(task, _)| task.replied_at > Some(task.reply_by));
        let solved = self.draws.in_thousand(if late { 780 } else { 900 });
        let stars = [(5, 45), (4, 30), (3, 15), (2, 7), (1, 3)];
        let poor = [(5, 2), (4, 8), (3, 25), (2, 40), (1, 25)];
        let scale = if solved { stars } else { poor };
        let satisfaction = self.draws.weighed(&scale, |(_, weight)| *weight)?.0;
        let contacted = match self.draws.below(10) {
            0 => None,
            1 => Some(false),
            _ => Some(true),
        };
        let said = Evaluation::new(solved, satisfaction, contacted, None).ok()?;
        let (task, by_phone) = (self.draws.id(now), self.draws.in_thousand(600));
        let lead = self
            .tasks
            .iter()
            .map(|(task, _)| task)
            .rfind(|task| task.line == 0 && task.status != Standing::Returned);
        let rework = Rework { task, lead };
        let round = self.complaint.follow_up_round;
        let (decision, again) = self.complaint.evaluate(&said, &rework, self.terms, now).ok()?;
        let recorded_by = if by_phone { self.centre() } else { None };
        let channel = if by_phone { "phone" } else { "track" };
        let id = self.draws.id(now);
        self.evaluations.push(Given { id, at: now, round, channel, said, recorded_by });
        self.set(decision, recorded_by, now);
        match again {
            Some(task) => {
                let place = self.created(task, recorded_by, now);
                self.handed(place, now);
            }
            None if self.complaint.status == Status::Handling => self.confer_on_reworks(now)?,
            None if self.draws.in_thousand(6) => {
                let at = self.at_work(now + TimeDelta::hours(20));
                self.plan(at, Act::Exclude);
            }
            None => {}
        }
        Some(())
    }

    fn work(&mut self, place: usize, work: Work, now: Timestamp) -> Option<()> {
        let task = self.tasks.get(place).map(|(task, _)| task.clone())?;
        let clerk = self.clerk(&task.unit);
        match work {
            Work::Acknowledge => {
                let decision = task.acknowledge(now).ok()?;
                let begun = self.complaint.begin().ok()?;
                self.saved(place, decision, clerk, now);
                self.set(begun, clerk, now);
                self.next_step(place, now);
            }
            Work::Contact => self.contact(place, &task, now)?,
            Work::ReportIn => {
                let name = PersonName::parse("name", "值班人员").ok()?;
                let people = vec![Presence { name, post: "科员".to_owned() }];
                let came = ReportIn { people, note: None, location: None };
                self.saved(place, task.report_in(&came, now).ok()?, clerk, now);
                self.next_step(place, now);
            }
            Work::Reply => {
                let outcome = self.outcome();
                let reply = Reply::parse(&self.told.reply, outcome, None).ok()?;
                self.saved(place, task.reply(&reply, false, false, now).ok()?, clerk, now);
                let later = now + self.draws.minutes(10, 420);
                let at = self.at_work(later);
                self.plan(at, Act::Task(place, Work::Judge));
            }
            Work::Return => self.ask_return(place, &task, now)?,
            Work::RuleReturn => self.rule_return(place, &task, now)?,
            Work::Extend => self.ask_extension(place, &task, now)?,
            Work::RuleExtension => {
                let approve = self.draws.in_thousand(800);
                let rule = DecideExtension::parse(approve, None, "需要采购配件").ok()?;
                let decision = task.decide_extension(&rule, self.terms).ok()?;
                self.saved(place, decision, self.centre(), now);
            }
            Work::Judge => self.judge(place, &task, now)?,
        }
        Some(())
    }

    /// After a step: contact, then come, then reply, as far as the task asks for it.
    fn next_step(&mut self, place: usize, now: Timestamp) {
        let Some((task, _)) = self.tasks.get(place) else { return };
        let (urgency, reply_by) = (task.urgency, task.reply_by);
        let unreached = task.contacted_at.is_none() && task.contacts < TRIES;
        let again = task.contacts > 0;
        match (task.contact_by.filter(|_| unreached), task.arrive_by, task.arrived_at) {
            (Some(by), _, _) => {
                let by = if again { now + TimeDelta::hours(5) } else { by };
                let at = self.within(now, by, urgency, 40);
                self.plan(at, Act::Task(place, Work::Contact));
            }
            (None, Some(by), None) => {
                let at = self.within(now, by, urgency, 50);
                self.plan(at, Act::Task(place, Work::ReportIn));
            }
            _ => {
                if self.draws.in_thousand(60) {
                    let at = self.within(now, reply_by, urgency, 0);
                    self.plan(at, Act::Task(place, Work::Extend));
                } else {
                    let at = self.within(now, reply_by, urgency, 60);
                    self.plan(at, Act::Task(place, Work::Reply));
                }
            }
        }
    }

    fn contact(&mut self, place: usize, task: &Task, now: Timestamp) -> Option<()> {
        let reached = self.draws.in_thousand(870);
        let relay = self.complaint.confidential;
        let channel = if relay { ContactChannel::Relay } else { ContactChannel::Phone };
        let outcome = if reached { ContactOutcome::Reached } else { ContactOutcome::NotReached };
        let note =
            if reached { "已说明办理安排" } else { "电话无人接听，稍后再打" };
        let contact = Contact::parse(note, Some(channel), Some(outcome)).ok()?;
        let decision = task.contact(&contact, &self.complaint, now).ok()?;
        self.saved(place, decision, self.clerk(&task.unit), now);
        self.next_step(place, now);
        Some(())
    }

    fn ask_extension(&mut self, place: usize, task: &Task, now: Timestamp) -> Option<()> {
        let until = self.terms.calendar.prolong(task.reply_by, self.draws.between(2, 5));
        let asked = Extend::parse(until, "配件到货需要时间").ok();
        let asked = asked.and_then(|ask| task.ask_extension(&ask, self.terms, now).ok());
        let by = if asked.is_some() { until } else { task.reply_by };
        let at = self.within(now, by, task.urgency, 60);
        self.plan(at, Act::Task(place, Work::Reply));
        self.saved(place, asked?, self.clerk(&task.unit), now);
        let later = now + self.draws.minutes(10, 200);
        let at = self.at_work(later);
        self.plan(at, Act::Task(place, Work::RuleExtension));
        Some(())
    }

    /// The centre confirms, or wants more; with the last task the case is answered.
    fn judge(&mut self, place: usize, task: &Task, now: Timestamp) -> Option<()> {
        let centre = self.centre();
        if self.draws.in_thousand(40) {
            let back = SendBack::parse("请补充现场照片和完成时间", None).ok()?;
            let decision = task.send_back(&back, self.terms, now).ok()?;
            self.saved(place, decision, centre, now);
            let at = self.within(now, now + TimeDelta::hours(4), task.urgency, 0);
            self.plan(at, Act::Task(place, Work::Acknowledge));
            return Some(());
        }
        self.saved(place, task.confirm(now).ok()?, centre, now);
        if self.open().is_empty()
            && let Ok(answered) = self.complaint.finish(now)
        {
            self.set(answered, centre, now);
        }
        Some(())
    }

    fn outcome(&mut self) -> Outcome {
        match self.draws.below(100) {
            0..=81 => Outcome::Solved,
            82..=91 => Outcome::Partly,
            _ => Outcome::Explained,
        }
    }

    /// An instant between two, most often well before the later; in so many of a thousand cases
    /// after it. What is not pressing is done in working hours.
    pub(super) fn within(
        &mut self,
        from: Timestamp,
        by: Timestamp,
        urgency: Urgency,
        late: u32,
    ) -> Timestamp {
        let span = (by - from).max(TimeDelta::minutes(5)).num_seconds();
        let late = self.draws.in_thousand(late);
        // A few of the late ones lie until somebody demands an answer.
        let forgotten = late && self.draws.in_thousand(80);
        let percent = match (late, forgotten) {
            (_, true) => self.draws.between(220, 420),
            (true, false) => self.draws.between(103, 160),
            (false, false) => self.draws.between(4, 80),
        };
        let at = from + TimeDelta::seconds(span * i64::from(percent) / 100);
        if urgency.is_pressing() { at } else { self.at_work(at) }
    }

    /// The instant itself in working hours, else some minutes after the next opening.
    pub(super) fn at_work(&mut self, at: Timestamp) -> Timestamp {
        let minute = self.terms.calendar.add_working_time(at, 1);
        if minute - at <= TimeDelta::minutes(1) {
            return at;
        }
        minute + self.draws.minutes(0, 40)
    }
}
