//! Random lives: whatever is asked for in whatever order, a case and its tasks stay whole.

use chrono::TimeDelta;
use proptest::prelude::*;

use crate::{
    complaint::{
        Accept, Answer, Complaint, Dispatch, Exclude, Ground, Reject, Reopen, Rework, Status,
        Suspend, Withdraw,
    },
    decision::Decision,
    evaluation::Evaluation,
    sla::{TimerKind, Urgency},
    task::{
        self, Contact, ContactChannel, DecideExtension, DecideReturn, Extend, Presence, ReportIn,
        Return, ReturnGround, SendBack, Task,
    },
    testing::*,
    time::Timestamp,
};

const UNITS: [&str; 4] = ["urban-management", "water", "heating", "140213066"];

/// What is asked for next; `usize` picks a task, a unit or a number.
#[derive(Debug, Clone)]
enum Ask {
    /// Whatever the case waits for, so that lives get far.
    GoOn(usize),
    Wait(i64),
    Accept(usize),
    Reject,
    Answer,
    Merge,
    Dispatch(usize, bool),
    Suspend(i64),
    Resume,
    Exclude,
    Withdraw,
    Urge,
    Evaluate(bool, i64),
    Reopen,
    Fire,
    Acknowledge(usize),
    Contact(usize),
    ReportIn(usize),
    Reply(usize),
    Return(usize, usize),
    Extend(usize, i64),
    DecideReturn(usize, usize, bool, bool),
    DecideExtension(usize, bool),
    Confirm(usize),
    SendBack(usize, Option<i64>),
}

fn asks() -> impl Strategy<Value = Ask> {
    let n = 0..6_usize;
    prop_oneof![
        60 => n.clone().prop_map(Ask::GoOn),
        4 => (1..2000_i64).prop_map(Ask::Wait),
        6 => (0..5_usize).prop_map(Ask::Accept),
        1 => Just(Ask::Reject),
        1 => Just(Ask::Answer),
        1 => Just(Ask::Merge),
        6 => (n.clone(), any::<bool>()).prop_map(|(n, site)| Ask::Dispatch(n, site)),
        2 => (-10..20_000_i64).prop_map(Ask::Suspend),
        3 => Just(Ask::Resume),
        1 => Just(Ask::Exclude),
        1 => Just(Ask::Withdraw),
        1 => Just(Ask::Urge),
        5 => (any::<bool>(), 1..6_i64).prop_map(|(solved, s)| Ask::Evaluate(solved, s)),
        3 => Just(Ask::Reopen),
        4 => Just(Ask::Fire),
        8 => n.clone().prop_map(Ask::Acknowledge),
        8 => n.clone().prop_map(Ask::Contact),
        3 => n.clone().prop_map(Ask::ReportIn),
        10 => n.clone().prop_map(Ask::Reply),
        4 => (n.clone(), n.clone()).prop_map(|(n, to)| Ask::Return(n, to)),
        6 => (n.clone(), 1..4400_i64).prop_map(|(n, by)| Ask::Extend(n, by)),
        4 => (n.clone(), n.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(n, to, yes, last)| Ask::DecideReturn(n, to, yes, last)),
        3 => (n.clone(), any::<bool>()).prop_map(|(n, yes)| Ask::DecideExtension(n, yes)),
        10 => n.clone().prop_map(Ask::Confirm),
        3 => (n, prop::option::of(-10..9000_i64)).prop_map(|(n, by)| Ask::SendBack(n, by)),
    ]
}

/// A complaint and its tasks, moved as the use cases move them.
#[derive(Debug)]
struct Desk {
    now: Timestamp,
    complaint: Complaint,
    tasks: Vec<Task>,
    made: u8,
}

impl Desk {
    fn new(confidential: bool, account: bool, phone: bool) -> Self {
        let complaint = submitted_by(confidential, account, phone);
        Self { now: tuesday(), complaint, tasks: Vec::new(), made: 100 }
    }

    fn open(&self) -> Vec<Task> {
        self.tasks.iter().filter(|task| task.ended_at.is_none()).cloned().collect()
    }

    fn lead(&self) -> Option<&Task> {
        self.tasks.iter().rev().find(|task| task.role == task::Role::Lead)
    }

    fn next_id(&mut self) -> u8 {
        self.made += 1;
        self.made
    }

    fn keep(&mut self, decision: Decision<Complaint>) {
        check_events(&decision);
        self.complaint = decision.state;
    }

    fn keep_task(&mut self, decision: Decision<Task>) {
        check_events(&decision);
        let state = decision.state;
        self.complaint.take_on(&state.unit);
        match self.tasks.iter_mut().find(|task| task.id == state.id) {
            Some(task) => *task = state,
            None => self.tasks.push(state),
        }
    }

    fn keep_all(&mut self, (decision, tasks): (Decision<Complaint>, Vec<Decision<Task>>)) {
        self.keep(decision);
        tasks.into_iter().for_each(|task| self.keep_task(task));
    }

    fn cancel_open(&mut self) {
        for task in self.open() {
            self.keep_task(task.cancel(self.now).unwrap());
        }
    }

    fn ask(&mut self, ask: &Ask) {
        match ask {
            Ask::Wait(minutes) => self.now += TimeDelta::minutes(*minutes),
            Ask::Fire => self.fire(),
            Ask::GoOn(n) => self.go_on(*n),
            Ask::Withdraw | Ask::Urge | Ask::Evaluate(..) | Ask::Reopen => self.as_reporter(ask),
            Ask::Accept(_)
            | Ask::Reject
            | Ask::Answer
            | Ask::Merge
            | Ask::Dispatch(..)
            | Ask::Suspend(_)
            | Ask::Resume
            | Ask::Exclude => self.as_centre(ask),
            _ if self.complaint.suspension.is_some() => {}
            _ => self.on_task(ask),
        }
    }

    fn go_on(&mut self, n: usize) {
        use task::Status as T;
        let open = self.open();
        let task = open.get(n % open.len().max(1)).map(|task| (task.status, task.contacts));
        let next = match (self.complaint.status, task) {
            (_, _) if self.complaint.suspension.is_some() => Ask::Resume,
            (Status::Submitted, _) => Ask::Accept(n % 5),
            (Status::Accepted | Status::Handling, None) => Ask::Dispatch(n, n < 3),
            (_, Some((T::Pending | T::SentBack, _))) => Ask::Acknowledge(n),
            (_, Some((T::Acknowledged | T::Arrived, 0))) => Ask::Contact(n),
            (_, Some((T::Acknowledged | T::Arrived, _))) => Ask::Reply(n),
            (_, Some((T::Replied, _))) => Ask::Confirm(n),
            (_, Some((T::ReturnRequested, _))) => Ask::DecideReturn(n, n + 1, n < 3, false),
            _ => return,
        };
        self.ask(&next);
    }

    /// What the complaint waits for next comes about.
    fn fire(&mut self) {
        for timer in self.complaint.timers(terms()) {
            self.now = self.now.max(timer.due_at);
            let fired = self.complaint.fire(timer.kind, &self.open(), self.now);
            self.keep_all(fired.unwrap());
        }
    }

    fn as_centre(&mut self, ask: &Ask) {
        let (case, now) = (self.complaint.clone(), self.now);
        let decided = match ask {
            Ask::Accept(n) => {
                let urgency = Urgency::ALL[*n];
                case.accept(&Accept::parse(urgency, None, None, None).unwrap(), now)
            }
            Ask::Reject => case.reject(&Reject::parse(Ground::Repeated, "重复").unwrap()),
            Ask::Answer => case.answer(&Answer::parse("请到大厅办理").unwrap(), now),
            Ask::Suspend(minutes) => {
                let until = now + TimeDelta::minutes(*minutes);
                case.suspend(&Suspend::parse(until, "等待材料").unwrap(), now)
            }
            Ask::Exclude => case.exclude(&Exclude::parse("超出法定范围").unwrap(), now),
            Ask::Merge => {
                let mut into = complaint_in(Status::Handling);
                into.id = id(2);
                let decided = case.merge(&into);
                if decided.is_ok() {
                    self.cancel_open();
                }
                decided
            }
            Ask::Resume => {
                if let Ok(resumed) = case.resume(&self.open(), now) {
                    self.keep_all(resumed);
                }
                return;
            }
            _ => return self.dispatch(ask),
        };
        if let Ok(decision) = decided {
            self.keep(decision);
        }
    }

    fn dispatch(&mut self, ask: &Ask) {
        let Ask::Dispatch(n, site) = ask else { return };
        let command = Dispatch {
            lead: assign(self.next_id(), UNITS[n % 4]),
            assist: vec![assign(self.next_id(), UNITS[(n + 1) % 4])],
            judged_by: None,
            site: *site,
            note: None,
            approved_by: None,
        };
        let decided = self.complaint.dispatch(&command, &self.open(), terms(), self.now);
        if let Ok(dispatched) = decided {
            self.keep_all(dispatched);
        }
    }

    fn as_reporter(&mut self, ask: &Ask) {
        let (case, now) = (self.complaint.clone(), self.now);
        let task = id(self.next_id());
        let rework = Rework { task, lead: self.lead() };
        let decided = match ask {
            Ask::Withdraw => {
                let decided = case.withdraw(&Withdraw::default());
                if decided.is_ok() {
                    self.cancel_open();
                }
                decided.map(|decision| (decision, None))
            }
            Ask::Urge => case.urge(now).map(|decision| (decision, None)),
            Ask::Evaluate(solved, satisfaction) => {
                let evaluation = Evaluation::new(*solved, *satisfaction, None, None).unwrap();
                case.evaluate(&evaluation, &rework, terms(), now)
            }
            _ => case.reopen(&Reopen::parse("没有解决").unwrap(), &rework, terms(), now),
        };
        if let Ok((decision, task)) = decided {
            self.keep_all((decision, task.into_iter().collect()));
        }
    }

    fn on_task(&mut self, ask: &Ask) {
        let (Ask::Acknowledge(n)
        | Ask::Contact(n)
        | Ask::ReportIn(n)
        | Ask::Reply(n)
        | Ask::Return(n, _)
        | Ask::Extend(n, _)
        | Ask::DecideReturn(n, ..)
        | Ask::DecideExtension(n, _)
        | Ask::Confirm(n)
        | Ask::SendBack(n, _)) = ask
        else {
            return;
        };
        // Mostly what is still open; sometimes what has ended, which refuses everything.
        let open = self.open();
        let task =
            if *n < 5 && !open.is_empty() { open.get(n % open.len()) } else { self.tasks.first() };
        let Some(task) = task.cloned() else { return };
        if let Ask::DecideReturn(_, to, approve, last) = ask {
            return self.rule(&task, *to, *approve, *last);
        }
        let decided = self.unit_or_ruling(ask, &task);
        if let Ok(decision) = decided {
            self.keep_task(decision);
            match ask {
                Ask::Acknowledge(_) => {
                    let begun = self.complaint.begin().unwrap();
                    self.keep(begun);
                }
                Ask::Confirm(_) if self.open().is_empty() => {
                    let finished = self.complaint.finish(self.now).unwrap();
                    self.keep(finished);
                }
                _ => {}
            }
        }
    }

    fn unit_or_ruling(&self, ask: &Ask, task: &Task) -> Result<Decision<Task>, task::Refused> {
        let now = self.now;
        match ask {
            Ask::Acknowledge(_) => task.acknowledge(now),
            Ask::Contact(_) => {
                let contact = Contact::parse("约好查看", Some(ContactChannel::Relay), None);
                task.contact(&contact.unwrap(), &self.complaint, now)
            }
            Ask::ReportIn(_) => {
                let here = ReportIn::parse(&[("王强", "科长")], None, None).unwrap();
                assert_eq!(
                    here.people,
                    [Presence { post: "科长".into(), ..here.people[0].clone() }]
                );
                task.report_in(&here, now)
            }
            Ask::Reply(_) => task.reply(&reply(), false, false, now),
            Ask::Return(_, to) => {
                let ask =
                    Return::parse(ReturnGround::Duty, "不属本单位职责", UNITS[to % 4]).unwrap();
                task.ask_return(&ask, terms(), now)
            }
            Ask::Extend(_, minutes) => {
                let until = task.reply_by + TimeDelta::minutes(*minutes);
                task.ask_extension(&Extend::parse(until, "等待材料").unwrap(), terms(), now)
            }
            Ask::DecideExtension(_, yes) => {
                let ruling = DecideExtension::parse(*yes, None, "情况属实").unwrap();
                task.decide_extension(&ruling, terms())
            }
            Ask::Confirm(_) => task.confirm(now),
            Ask::SendBack(_, minutes) => {
                let by = minutes.map(|minutes| now + TimeDelta::minutes(minutes));
                task.send_back(&SendBack::parse("请补充结果", by).unwrap(), terms(), now)
            }
            _ => unreachable!("not about one task"),
        }
    }

    fn rule(&mut self, task: &Task, to: usize, approve: bool, is_final: bool) {
        let unit = UNITS[to % 4];
        if self.open().iter().any(|open| open.id != task.id && open.unit == code(unit)) {
            return;
        }
        let command = DecideReturn {
            approve,
            next: Some(assign(self.next_id(), unit)),
            is_final,
            reply_by: (self.now >= task.reply_by).then(|| self.now + TimeDelta::hours(2)),
            reason: "按责任清单".into(),
        };
        let decided =
            task.decide_return(&command, self.complaint.contact_is_due(), terms(), self.now);
        if let Ok((decision, next)) = decided {
            self.keep_task(decision);
            next.into_iter().for_each(|next| self.keep_task(next));
        }
    }

    fn check(&self) {
        let case = &self.complaint;
        let open = self.open();
        let leads = open.iter().filter(|task| task.role == task::Role::Lead).count();
        assert!(leads <= 1, "one lead at most");
        assert_eq!(case.merged_into.is_some(), case.status == Status::Merged);
        let closed = matches!(case.status, Status::Closed | Status::Archived);
        assert_eq!((case.closed_at.is_some(), case.closed_as.is_some()), (closed, closed));
        assert!((0..=2).contains(&case.follow_up_round) && (0..=2).contains(&case.reworks));
        let may_stand_still =
            matches!(case.status, Status::Accepted | Status::Dispatched | Status::Handling);
        assert!(case.suspension.is_none() || may_stand_still);
        let with_units = matches!(case.status, Status::Dispatched | Status::Handling);
        assert!(open.is_empty() || with_units, "{} with open tasks", case.status);
        self.check_timers();
        for task in &self.tasks {
            check_task(task);
            assert!(case.units.contains(&task.unit));
        }
        for (n, task) in open.iter().enumerate() {
            let twin =
                open.iter().skip(n + 1).find(|it| it.line == task.line || it.unit == task.unit);
            assert_eq!(twin, None, "one open task for each line and unit");
        }
    }

    fn check_timers(&self) {
        use Status::{Answered, Archived, Merged, Rejected, Withdrawn};
        let timers = self.complaint.timers(terms());
        let kinds: Vec<_> = timers.iter().map(|timer| timer.kind).collect();
        match self.complaint.status {
            Rejected | Answered | Merged | Withdrawn | Archived => assert_eq!(kinds, []),
            _ if self.complaint.suspension.is_some() => assert_eq!(kinds, [TimerKind::Resume]),
            _ => assert!(kinds.len() <= 1 && !kinds.contains(&TimerKind::Resume)),
        }
    }
}

/// What the store's constraints demand of a task.
fn check_task(task: &Task) {
    assert_eq!(task.ended_at.is_some(), task.status.is_ended());
    let asked = task.return_request.is_some();
    assert_eq!(asked, task.status == task::Status::ReturnRequested);
    assert_eq!(task.line == 0, task.role == task::Role::Lead);
    assert!(u32::try_from(task.returns).unwrap() <= terms().rules.returns.limit);
    assert!(u32::try_from(task.extensions).unwrap() <= terms().rules.extension.times);
    let marks = [Some(task.acknowledge_by), task.contact_by, task.arrive_by, Some(task.reply_by)];
    assert!(marks.iter().flatten().is_sorted(), "acknowledge ≤ contact ≤ arrive ≤ reply: {task:?}");
    let timers = task.timers(terms());
    assert!(timers.is_empty() || !task.status.is_ended(), "an ended task waits for nothing");
    for (n, timer) in timers.iter().enumerate() {
        assert!(!timers[n + 1..].contains(timer), "{timer:?} twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_life_stays_whole(
        who in any::<(bool, bool, bool)>(),
        asks in prop::collection::vec(asks(), 1..120),
    ) {
        let mut desk = Desk::new(who.0, who.1, who.2);
        // So that most lives get past the counter.
        for ask in [Ask::Accept(asks.len() % 5), Ask::Dispatch(asks.len(), who.2)] {
            desk.ask(&ask);
        }
        for ask in &asks {
            desk.ask(ask);
            desk.check();
        }
    }
}
