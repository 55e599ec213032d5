//! A generated history: as many complaints as one likes, spread over two years of the real
//! calendar, as they would stand if people had handed them in and worked on them.
//!
//! `life` lets each case live through the product's own rules with a clock of its own; here the
//! cases are made in one thread while the database takes the ones before. Of what the product
//! writes beside a case, there are no jobs, notifications and audit entries: nobody was told
//! anything. Timers are there for cases that are not over, fired ones included, so that a worker
//! goes on with them as with any other. A seed decides everything but the sealing of contacts.
//! Neighbours repeat what was reported already, and their cases are merged; slow units are supervised,
//! and units confer on what they cannot settle.

use std::{collections::HashMap, sync::Arc};

use chrono::{Days, NaiveDate};
use domain::{
    complaint::Complaint,
    duty::Listed,
    id::AccountId,
    identity::{Actor, Role},
    org::{NodeCode, NodeKind, Unit},
    refusal::{Kind, Refusal},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection, duty,
        generate::{self as store, Case},
        identity as accounts, org, violated,
    },
    random,
};
use tokio::sync::mpsc;

use super::{complaint::sealed, seed, transact};
use crate::{error::Error, state::State};

mod consultation;
mod draws;
mod life;
mod merge;
mod returns;
mod steps;
mod story;
mod supervision;

use draws::Draws;
use life::Life;
use story::{Place, Story};

/// How many days the history goes back.
const DAYS: u64 = 730;
/// Cases in one statement.
const BATCH: u64 = 500;
/// How many of a thousand cases the centre keeps an eye on.
const HOT: u32 = 3;

/// Told how many of how many cases are written.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// How many complaints.
    pub complaints: u64,
    /// What decides them: the same number, the same history.
    pub seed: u64,
}

/// Why no history is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The installation is a real one.
    #[error("这是正式环境（mode = \"production\"），不能写入生成的数据")]
    Production,
    /// There is no district to tell stories about.
    #[error("还没有演示区，请先执行 zhixiang seed demo")]
    NoDistrict,
    /// This very history is there.
    #[error("库里已有用这个种子生成的数据，请换一个 --seed")]
    AlreadyThere,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Production => "generate_in_production",
            Self::NoDistrict => "generate_without_district",
            Self::AlreadyThere => "generated_before",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// What was generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Complaints.
    pub complaints: u64,
    /// Of these, not over.
    pub open: u64,
    /// Tasks.
    pub tasks: u64,
    /// Events.
    pub events: u64,
    /// Evaluations.
    pub evaluations: u64,
    /// Supervisions.
    pub supervisions: u64,
    /// Consultations.
    pub consultations: u64,
    /// Complaints that follow another.
    pub merged: u64,
    /// Timers of what is not over.
    pub timers: u64,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { complaints, open, merged, tasks, events, evaluations, .. } = self;
        let Self { supervisions, consultations, timers, .. } = self;
        write!(
            f,
            "已生成诉求 {complaints} 件（未办结 {open}，并案 {merged}），任务 {tasks} 个，办理记录 {events} 条，\
             评价 {evaluations} 个，督办 {supervisions} 件，会商 {consultations} 次，时限 {timers} 个"
        )
    }
}

/// The district as the stories need it.
pub struct World {
    stories: Vec<Story>,
    places: Vec<Place>,
    units: HashMap<NodeCode, Unit>,
    departments: Vec<NodeCode>,
    clerks: HashMap<NodeCode, AccountId>,
    dispatcher: Actor,
    supervisor: AccountId,
    categories: HashMap<String, String>,
    lists: HashMap<(String, NaiveDate), HashMap<NodeCode, Vec<Listed>>>,
}

impl World {
    /// What the lists of a unit say about an item, by the month: versions change on a first day.
    fn lists(&self, item: Option<&str>, unit: &NodeCode, on: NaiveDate) -> &[Listed] {
        let key = item.map(|item| (item.to_owned(), first_of(on)));
        let valid = key.and_then(|key| self.lists.get(&key)).and_then(|lists| lists.get(unit));
        valid.map_or(&[], Vec::as_slice)
    }

    fn category(&self, item: &str) -> Option<&str> {
        self.categories.get(item).map(String::as_str)
    }
}

fn first_of(day: NaiveDate) -> NaiveDate {
    use chrono::Datelike;
    day.with_day(1).unwrap_or(day)
}

/// Generates a history that ends now, all of it in one transaction.
///
/// # Errors
/// [`Refused`], or the database failed; nothing is written then.
pub async fn run(state: &State, order: Order, progress: Progress) -> Result<Report, Error> {
    seed::allowed(state.config.mode).map_err(|_| Refused::Production)?;
    let end = state.clock.now();
    let begin = end - Days::new(DAYS);
    let mut conn = state.db.acquire().await?;
    let world = Arc::new(world(&mut conn, begin, end).await?);
    drop(conn);
    let (sender, mut made) = mpsc::channel::<Vec<Case>>(2);
    let here = state.clone();
    let maker = tokio::task::spawn_blocking(move || {
        let mut numbers = 0..order.complaints;
        while numbers.start < numbers.end {
            let until = numbers.end.min(numbers.start + BATCH);
            let cases: Vec<Case> = (numbers.start..until)
                .flat_map(|number| cases(&here, &world, order, number, (begin, end)))
                .collect();
            numbers.start = until;
            // Whoever takes them is gone: the database failed.
            if sender.blocking_send(cases).is_err() {
                return;
            }
        }
    });
    let report = transact(&state.db, move |tx| {
        Box::pin(async move {
            let mut report = Report::default();
            while let Some(cases) = made.recv().await {
                store::insert(tx, &cases).await.map_err(refused)?;
                report.count(&cases);
                progress(report.complaints, order.complaints);
            }
            Ok(report)
        })
    })
    .await?;
    maker.await?;
    let mut conn = state.db.acquire().await?;
    store::analyze(&mut conn).await?;
    Ok(report)
}

fn refused(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("complaint_pkey") => Refused::AlreadyThere.into(),
        _ => error.into(),
    }
}

impl Report {
    fn count(&mut self, cases: &[Case]) {
        let sum = |of: fn(&Case) -> usize| u64::try_from(cases.iter().map(of).sum::<usize>());
        self.complaints += sum(|_| 1).unwrap_or_default();
        self.open += sum(|case| usize::from(!over(&case.complaint))).unwrap_or_default();
        self.tasks += sum(|case| case.tasks.len()).unwrap_or_default();
        self.events += sum(|case| case.events.len()).unwrap_or_default();
        self.evaluations += sum(|case| case.evaluations.len()).unwrap_or_default();
        self.supervisions += sum(|case| case.supervisions.len()).unwrap_or_default();
        self.consultations += sum(|case| case.consultations.len()).unwrap_or_default();
        let follows = |case: &Case| usize::from(case.complaint.merged_into.is_some());
        self.merged += sum(follows).unwrap_or_default();
        self.timers += sum(|case| case.armed.len()).unwrap_or_default();
    }
}

/// Whether nobody has to do anything with it any more, unless somebody asks anew.
fn over(complaint: &Complaint) -> bool {
    use domain::complaint::Status::{
        Answered, Archived, Closed, FollowUp, Merged, Rejected, Replied, Withdrawn,
    };
    matches!(
        complaint.status,
        Answered | Archived | Closed | FollowUp | Merged | Rejected | Replied | Withdrawn
    )
}

/// Lets one case live, and with it the one that repeats it; none for a number that repeats the last.
fn cases(
    state: &State,
    world: &World,
    order: Order,
    number: u64,
    during: (Timestamp, Timestamp),
) -> Vec<Case> {
    if merge::repeats(order.seed, number) {
        return Vec::new();
    }
    let Some(mut first) = begun(state, world, order, number, during) else { return Vec::new() };
    first.pass(during.1);
    let next = number + 1;
    let second = (next < order.complaints && merge::repeats(order.seed, next))
        .then(|| repeated(state, world, order, next, (&first, during.1)))
        .flatten();
    [Some(first), second].into_iter().flatten().map(|life| finished(state, life)).collect()
}

/// A case as it comes in. Cases come in evenly over the days, at hours at which people do.
fn begun<'w>(
    state: &'w State,
    world: &'w World,
    order: Order,
    number: u64,
    (begin, end): (Timestamp, Timestamp),
) -> Option<Life<'w>> {
    let mut draws = Draws::of(order.seed, number);
    let day = u64::try_from(u128::from(number) * u128::from(DAYS) / u128::from(order.complaints));
    let day = time::date(begin + Days::new(day.ok()?));
    let at = story::hour(day, &mut draws);
    let at = if at >= end { end - draws.minutes(1, 240) } else { at };
    let story = Story::drawn(&world.stories, at, &mut draws)?;
    let place = draws.pick(&world.places)?;
    let told = story.told(place, &world.dispatcher, &mut draws).ok()?;
    Some(Life::begin(world, state.terms(), draws, story, told, at))
}

/// What a neighbour reports some minutes or hours later about the same thing.
fn repeated<'w>(
    state: &'w State,
    world: &'w World,
    order: Order,
    number: u64,
    (first, end): (&Life<'w>, Timestamp),
) -> Option<Life<'w>> {
    let mut draws = Draws::of(order.seed, number);
    let since = first.complaint.submitted_at;
    let at = (since + draws.minutes(10, 900)).min(since.max(end - draws.minutes(1, 9)));
    let place = world.places.iter().find(|place| place.code == first.complaint.community)?;
    let told = first.story.told(place, &world.dispatcher, &mut draws).ok()?;
    let mut life = Life::begin(world, state.terms(), draws, first.story, told, at);
    life.leading = Some(first.leading());
    life.pass(end);
    Some(life)
}

fn finished(state: &State, mut life: Life<'_>) -> Case {
    let hot = life.draws.in_thousand(HOT).then(|| life.centre()).flatten();
    let waits = !life.armed.is_empty();
    let Life { told, complaint, .. } = life;
    Case {
        contact: told.submission.contact.as_ref().map(|one| sealed(state, complaint.id, one)),
        submission: told.submission,
        // Nobody was given a query code: no code has this MAC.
        query_code_mac: random::bytes::<32>().to_vec(),
        taken_in_by: life.taken_in_by,
        version: life.saves + 1,
        complaint,
        tasks: life.tasks.into_iter().map(|(task, saves)| (task, saves + 1)).collect(),
        events: life.events,
        evaluations: life
            .evaluations
            .into_iter()
            .map(|given| store::Given {
                id: given.id,
                at: given.at,
                round: given.round,
                channel: given.channel,
                said: given.said,
                recorded_by: given.recorded_by,
            })
            .collect(),
        supervisions: life.supervisions.into_iter().map(|(one, saves)| (one, saves + 1)).collect(),
        consultations: life.consultations,
        armed: life.armed.into_iter().collect(),
        fired: if waits { life.fired.into_iter().collect() } else { Vec::new() },
        hot,
    }
}

async fn world(conn: &mut Connection, begin: Timestamp, end: Timestamp) -> Result<World, Error> {
    let stories = story::load()?;
    let nodes = store::nodes(conn).await?;
    let of = |kind: NodeKind| nodes.iter().filter(move |node| node.kind == kind);
    let estates = |code: &NodeCode| {
        let here = of(NodeKind::Estate).filter(|estate| code.contains(&estate.code));
        here.map(|estate| estate.name.clone()).collect()
    };
    let places = of(NodeKind::Community).chain(of(NodeKind::Village)).filter_map(|node| {
        Some(Place {
            subdistrict: node.parent.clone()?,
            estates: estates(&node.code),
            code: node.code.clone(),
            name: node.name.clone(),
        })
    });
    let places: Vec<Place> = places.collect();
    let codes: Vec<NodeCode> = nodes.iter().map(|node| node.code.clone()).collect();
    let units = org::units(conn, &codes).await?;
    let departments = units.iter().filter(|unit| unit.kind == NodeKind::Department);
    let departments: Vec<NodeCode> = departments.map(|unit| unit.code.clone()).collect();
    let dispatcher = desk(conn, "dispatcher").await?;
    let supervisor = desk(conn, "supervisor").await?;
    let working: Vec<Role> = Role::ALL.iter().copied().filter(|role| role.works_tasks()).collect();
    let mut world = World {
        dispatcher: Actor {
            account: dispatcher,
            grants: accounts::grants(conn, dispatcher).await?,
        },
        supervisor,
        clerks: store::clerks(conn, &working).await?,
        units: units.into_iter().map(|unit| (unit.code.clone(), unit)).collect(),
        stories,
        places,
        departments,
        categories: HashMap::new(),
        lists: HashMap::new(),
    };
    if world.places.is_empty() {
        return Err(Refused::NoDistrict.into());
    }
    lists(conn, &mut world, begin, end).await?;
    Ok(world)
}

async fn desk(conn: &mut Connection, username: &str) -> Result<AccountId, Error> {
    let found = accounts::find_by_username(conn, username).await?;
    found.ok_or_else(|| Refused::NoDistrict.into())
}

/// What every list said about every item in every month.
async fn lists(
    conn: &mut Connection,
    world: &mut World,
    begin: Timestamp,
    end: Timestamp,
) -> Result<(), Error> {
    let mut leads: Vec<NodeCode> = world.places.iter().map(|at| at.subdistrict.clone()).collect();
    leads.extend(world.stories.iter().map(|story| story.lead.clone()));
    leads.sort_unstable();
    leads.dedup();
    let mut items: Vec<String> =
        world.stories.iter().filter_map(|story| story.item.clone()).collect();
    items.sort_unstable();
    items.dedup();
    for item in &items {
        if let Some(known) = duty::item(conn, item, time::date(end)).await? {
            let category = format!("{}/{}", known.category, known.name);
            world.categories.insert(item.clone(), category);
        }
    }
    let months = first_of(time::date(begin)).iter_days().take_while(|day| *day <= time::date(end));
    let months: Vec<NaiveDate> = months.filter(|day| first_of(*day) == *day).collect();
    for known in store::lists(conn, &leads, &items, &months).await? {
        let lists = world.lists.entry((known.item, known.month)).or_default();
        lists.entry(known.unit).or_default().push(known.listed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_can_be_read() {
        let report = Report { complaints: 200_000, open: 2_500, ..Report::default() };
        assert!(
            report
                .to_string()
                .starts_with("已生成诉求 200000 件（未办结 2500，并案 0），任务 0 个")
        );
    }
}
