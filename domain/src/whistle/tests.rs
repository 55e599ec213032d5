//! The rules of whistles: every state × every step, and each rule at its edges.

use crate::{
    complaint::Assignment,
    id::AccountId,
    org::NodeCode,
    task::{self, Case, Task},
    testing::*,
    time::Timestamp,
    whistle::{
        Appraisal, Draft, DraftForm, Kind, Level, Rating, Review, Reviewed, Status, Whistle,
    },
};

mod appraisal;
mod blowing;
mod clocks;
mod steps;
mod watch;
mod work;

const UNITS: [&str; 3] = ["urban-management", "market-supervision", "ecology"];

fn drafter() -> AccountId {
    id(1)
}

fn reviewer() -> AccountId {
    id(2)
}

fn now() -> Timestamp {
    at("2026-11-24 10:00")
}

fn form() -> DraftForm<'static> {
    DraftForm {
        title: "夜市占道",
        content: "三十余家摊点占道经营，社区劝导无效",
        community_code: "140213066004",
        lead: "urban-management",
        assist: &[],
    }
}

fn draft(kind: Kind) -> Draft {
    let assist = [UNITS[1].to_owned(), UNITS[2].to_owned()];
    Draft::parse(None, kind, Level::Yellow, DraftForm { assist: &assist, ..form() }).unwrap()
}

/// The units called, lead first.
fn called() -> Vec<Assignment> {
    UNITS.iter().zip(10..).map(|(unit, n)| assign(n, unit)).collect()
}

/// A whistle as it is drafted on Tuesday 09:00, with the tasks that go out at once.
fn drafted(kind: Kind) -> (Whistle, Vec<Task>) {
    let blower = code("140213066004");
    let (decision, tasks) =
        Whistle::draft(id(1), &draft(kind), &blower, drafter(), &called(), terms(), tuesday())
            .unwrap();
    check_events(&decision);
    tasks.iter().for_each(check_events);
    (decision.state, tasks.into_iter().map(|task| task.state).collect())
}

/// An emergency that nobody has reviewed, in a state that such a one can be in; drafts, and what
/// became of them, are routine.
fn whistle_in(status: Status) -> Whistle {
    let early = matches!(status, Status::Draft | Status::Rejected | Status::Withdrawn);
    let (mut whistle, _) = drafted(if early { Kind::Routine } else { Kind::Emergency });
    whistle.status = status;
    if status == Status::Rejected {
        whistle.review = Some(Reviewed { by: reviewer(), at: now(), approved: false });
    }
    if matches!(status, Status::Handling | Status::StandingDown | Status::StoodDown) {
        whistle.settled_at = Some(tuesday());
    }
    if matches!(status, Status::StandingDown | Status::StoodDown) {
        whistle.standing_down_at = Some(tuesday());
    }
    whistle.stood_down_at = (status == Status::StoodDown).then(tuesday);
    whistle
}

/// The tasks of a whistle, each in a state.
fn tasks(statuses: [task::Status; 3]) -> Vec<Task> {
    let (_, tasks) = drafted(Kind::Emergency);
    let placed = tasks.into_iter().zip(statuses).map(|(task, status)| {
        let like = task_in(status);
        assert!(matches!(task.case, Case::Whistle(_)));
        Task {
            status,
            acknowledged_at: like.acknowledged_at,
            replied_at: like.replied_at,
            reply: like.reply,
            ended_at: like.ended_at,
            ..task
        }
    });
    placed.collect()
}

fn all_confirmed() -> Vec<Task> {
    tasks([task::Status::Confirmed; 3])
}

fn codes(units: &[&str]) -> Vec<NodeCode> {
    units.iter().map(|unit| code(unit)).collect()
}

fn appraisal(unit: &str) -> Appraisal {
    Appraisal::parse(unit, [5, 4, 3], Some("来得快")).unwrap()
}

fn rating() -> Rating {
    Rating::parse(4, 5, None).unwrap()
}

fn approval() -> Review {
    Review::parse(true, None).unwrap()
}

fn refusal() -> Review {
    Review::parse(false, Some("社区可以自行解决")).unwrap()
}
