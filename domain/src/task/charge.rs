//! To whose account the time of a task goes: each delay is charged to who caused it. The unit has
//! the time from dispatch; the centre has what it takes to rule on a return, and to confirm a reply
//! or send it back; while the case stands still nobody is charged.

use std::collections::BTreeMap;

use crate::{event::EventKind, id::TaskId, org::NodeCode, time::Timestamp};

codes! {
    /// Who is charged with a stretch of time.
    pub enum Cause {
        /// The unit that had the task.
        Unit = "unit", "承办单位";
        /// The district centre.
        Centre = "centre", "区中心";
        /// Nobody: the clocks stood still.
        Nobody = "nobody", "时限暂停";
    }
}

/// What happened to a task, or to its whole case where it names none.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Move {
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// The task.
    pub task: Option<TaskId>,
    /// Its unit.
    pub unit: Option<NodeCode>,
}

/// A stretch of a task's time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Charge {
    /// The task.
    pub task: TaskId,
    /// The unit that has or had it.
    pub unit: NodeCode,
    /// To whose account the time goes.
    pub cause: Cause,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Until when; now, where it still runs.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
}

impl Charge {
    /// How long it lasted, in seconds.
    pub fn seconds(&self) -> i64 {
        (self.to - self.from).num_seconds()
    }
}

/// A task whose time is being counted.
struct Running {
    unit: NodeCode,
    /// Who has the word, whether or not the clocks stand still.
    holder: Cause,
    from: Timestamp,
}

/// The stretches of each task's time, in the order in which they ended, from the moves of one case
/// in their order. `now` ends what still runs.
pub fn charges(moves: &[Move], now: Timestamp) -> Vec<Charge> {
    let mut running: BTreeMap<TaskId, Running> = BTreeMap::new();
    let mut charges = Vec::new();
    let mut stopped = false;
    for one in moves {
        match (one.kind, one.task) {
            (EventKind::Suspended | EventKind::Resumed, _) => {
                for (task, time) in &mut running {
                    time.close(*task, stopped, one.at, &mut charges);
                }
                stopped = one.kind == EventKind::Suspended;
            }
            (EventKind::TaskDispatched, Some(task)) => {
                if let Some(unit) = &one.unit {
                    let begun = Running { unit: unit.clone(), holder: Cause::Unit, from: one.at };
                    running.insert(task, begun);
                }
            }
            (kind, Some(task)) => {
                let Some(time) = running.get_mut(&task) else { continue };
                let Some(next) = turn(kind) else { continue };
                time.close(task, stopped, one.at, &mut charges);
                match next {
                    Turn::To(holder) => time.holder = holder,
                    Turn::Ended => drop(running.remove(&task)),
                }
            }
            _ => (),
        }
    }
    for (task, time) in &mut running {
        time.close(*task, stopped, now, &mut charges);
    }
    charges
}

impl Running {
    fn close(&mut self, task: TaskId, stopped: bool, at: Timestamp, into: &mut Vec<Charge>) {
        let cause = if stopped { Cause::Nobody } else { self.holder };
        if at > self.from {
            into.push(Charge { task, unit: self.unit.clone(), cause, from: self.from, to: at });
        }
        self.from = at;
    }
}

enum Turn {
    To(Cause),
    Ended,
}

/// Who has the word after an event; none where it changes nothing.
const fn turn(kind: EventKind) -> Option<Turn> {
    match kind {
        EventKind::ReturnRequested | EventKind::TaskReplied => Some(Turn::To(Cause::Centre)),
        EventKind::ReturnDeclined | EventKind::TaskSentBack | EventKind::TaskBound => {
            Some(Turn::To(Cause::Unit))
        }
        EventKind::TaskReturned | EventKind::TaskConfirmed | EventKind::TaskCancelled => {
            Some(Turn::Ended)
        }
        _ => None,
    }
}

/// What the returned tasks of a case cost: the seconds from dispatch to the granted return that
/// went to the units' account, and to the centre's.
pub fn lost(charges: &[Charge], returned: &[TaskId]) -> (i64, i64) {
    let of = |cause| {
        charges
            .iter()
            .filter(|charge| charge.cause == cause && returned.contains(&charge.task))
            .map(Charge::seconds)
            .sum()
    };
    (of(Cause::Unit), of(Cause::Centre))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn moved(kind: EventKind, when: &str, task: Option<(u8, &str)>) -> Move {
        let unit = task.map(|(_, unit)| code(unit));
        Move { kind, at: at(when), task: task.map(|(n, _)| id(n)), unit }
    }

    /// Who was charged with how many hours, task by task.
    fn hours(moves: &[Move], now: &str) -> Vec<(String, Cause, i64)> {
        let told = charges(moves, at(now)).into_iter();
        told.map(|one| (one.unit.to_string(), one.cause, one.seconds() / 3600)).collect()
    }

    #[test]
    fn each_delay_is_charged_to_who_caused_it() {
        use EventKind as K;
        let (first, second) = (Some((10, "water")), Some((11, "heating")));
        let moves = [
            moved(K::Submitted, "2026-11-24 08:00", None),
            moved(K::TaskDispatched, "2026-11-24 09:00", first),
            moved(K::TaskAcknowledged, "2026-11-24 10:00", first),
            moved(K::ReturnRequested, "2026-11-24 12:00", first),
            moved(K::ReturnDeclined, "2026-11-24 17:00", first),
            moved(K::ReturnRequested, "2026-11-24 18:00", first),
            moved(K::TaskReturned, "2026-11-25 09:00", first),
            moved(K::TaskDispatched, "2026-11-25 09:00", second),
            moved(K::Suspended, "2026-11-25 11:00", None),
            moved(K::Resumed, "2026-11-26 11:00", None),
            moved(K::TaskReplied, "2026-11-26 12:00", second),
            moved(K::TaskSentBack, "2026-11-26 15:00", second),
            moved(K::TaskReplied, "2026-11-26 16:00", second),
            moved(K::TaskConfirmed, "2026-11-26 18:00", second),
        ];
        let expected = [
            ("water", Cause::Unit, 3),
            ("water", Cause::Centre, 5),
            ("water", Cause::Unit, 1),
            ("water", Cause::Centre, 15),
            ("heating", Cause::Unit, 2),
            ("heating", Cause::Nobody, 24),
            ("heating", Cause::Unit, 1),
            ("heating", Cause::Centre, 3),
            ("heating", Cause::Unit, 1),
            ("heating", Cause::Centre, 2),
        ];
        let expected = expected.map(|(unit, cause, hours)| (unit.to_owned(), cause, hours));
        assert_eq!(hours(&moves, "2026-12-01 09:00"), expected);
        let all = charges(&moves, at("2026-12-01 09:00"));
        assert_eq!(lost(&all, &[id(10)]), (4 * 3600, 20 * 3600));
    }

    #[test]
    fn what_still_runs_is_charged_until_now_and_nothing_is_charged_twice() {
        use EventKind as K;
        let task = Some((10, "water"));
        let moves = [
            moved(K::TaskDispatched, "2026-11-24 09:00", task),
            moved(K::ReturnRequested, "2026-11-24 12:00", task),
        ];
        let told = [("water".to_owned(), Cause::Unit, 3), ("water".to_owned(), Cause::Centre, 2)];
        assert_eq!(hours(&moves, "2026-11-24 14:00"), told);
        let told = charges(&moves, at("2026-11-24 14:00"));
        assert!(told.windows(2).all(|pair| pair[0].to == pair[1].from), "no gap, no overlap");
        // A stream that lacks its beginning charges nobody.
        assert!(charges(&moves[1..], at("2026-11-24 14:00")).is_empty());
    }
}
