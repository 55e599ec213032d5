//! Deadlines computed anew: what moves, what stands, and that a second time changes nothing.

use proptest::prelude::*;

use crate::{
    calendar::{Notice, NoticeForm, WorkingCalendar, WorkingHours},
    event::{EventKind, Visibility},
    sla::{self, Needs, Rules, Terms, Urgency},
    task::{Clocks, Met, Status, Task},
    testing::*,
    time::Timestamp,
};

/// A made-up notice of 2027: 1–3 January off, the 9th made up.
fn notice() -> Notice {
    let csv =
        "2027-01-01,元旦,off\n2027-01-04,元旦,off\n2027-01-09,元旦,working\n2027-10-01,国庆节,off";
    let form = NoticeForm { source: "测试", csv: Some(csv), ..NoticeForm::default() };
    Notice::parse("2027".parse().unwrap(), form).unwrap()
}

fn after() -> WorkingCalendar {
    WorkingCalendar::of(&[&notice()], WorkingHours::default())
}

/// No year is known at all: Monday to Friday.
fn before() -> WorkingCalendar {
    WorkingCalendar::of(&[], WorkingHours::default())
}

fn clocks(urgency: Urgency, from: Timestamp, calendar: &WorkingCalendar) -> Clocks {
    let rules = Rules::default();
    let due = sla::deadlines(urgency, from, calendar, &rules.schedules, Needs::ALL);
    Clocks {
        urgency,
        dispatched_at: from,
        acknowledge_by: due.acknowledge_by,
        contact_by: due.contact_by,
        arrive_by: due.arrive_by,
        reply_by: due.reply_by,
        return_by: rules.returns.closes_at(urgency, from, calendar),
        met: Met::default(),
    }
}

fn recomputed(clocks: &Clocks, now: Timestamp) -> Clocks {
    let (rules, calendar) = (Rules::default(), after());
    clocks.recomputed(&[before()], Terms { calendar: &calendar, rules: &rules }, now)
}

#[test]
fn a_holiday_moves_what_is_open_to_where_it_belongs() {
    let from = at("2026-12-30 09:00");
    let old = clocks(Urgency::Ordinary, from, &before());
    let new = recomputed(&old, from);
    assert_eq!(old.reply_by, at("2027-01-07 00:00"));
    assert_eq!(new, clocks(Urgency::Ordinary, from, &after()));
    assert_eq!(new.reply_by, at("2027-01-09 00:00"));
    assert_eq!(recomputed(&new, from), new, "a second time changes nothing");
    let names: Vec<_> = new.differing(&old).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["reply_by"]);
}

#[test]
fn what_was_met_and_what_was_decided_stands() {
    let from = at("2026-12-31 15:00");
    let old = clocks(Urgency::Ordinary, from, &before());
    let met = Clocks { met: Met { acknowledge: true, ..Met::default() }, ..old };
    assert_eq!(recomputed(&met, from).acknowledge_by, old.acknowledge_by);
    let ruled = Clocks { reply_by: at("2027-01-20 12:34"), ..old };
    assert_eq!(recomputed(&ruled, from).reply_by, ruled.reply_by);
    let short =
        Clocks { reply_by: at("2027-01-04 12:34"), arrive_by: Some(at("2027-01-02 00:00")), ..old };
    let kept = recomputed(&short, from);
    assert_eq!(kept.reply_by, short.reply_by);
    assert!(kept.acknowledge_by <= kept.reply_by && kept.contact_by <= Some(kept.reply_by));
}

#[test]
fn a_make_up_day_never_makes_anybody_late_by_surprise() {
    // The 9th counts now, so the reply is due a day earlier.
    let from = at("2027-01-05 09:00");
    let old = clocks(Urgency::Ordinary, from, &before());
    let fresh = clocks(Urgency::Ordinary, from, &after());
    assert!(fresh.reply_by < old.reply_by);
    let between = fresh.reply_by + chrono::TimeDelta::hours(3);
    assert_eq!(recomputed(&old, between).reply_by, between);
    let past = old.reply_by + chrono::TimeDelta::hours(3);
    assert_eq!(recomputed(&old, past).reply_by, old.reply_by, "what was missed stays missed");
}

#[test]
fn the_record_says_before_and_after_and_ended_tasks_are_left_alone() {
    let from = at("2026-12-30 09:00");
    let due = clocks(Urgency::Ordinary, from, &before());
    let task = Task {
        dispatched_at: from,
        acknowledge_by: due.acknowledge_by,
        contact_by: due.contact_by,
        arrive_by: due.arrive_by,
        reply_by: due.reply_by,
        return_by: due.return_by,
        ..task_in(Status::Pending)
    };
    let (rules, calendar) = (Rules::default(), after());
    let terms = Terms { calendar: &calendar, rules: &rules };
    let decision = task.recomputed(2027, &[before()], terms, from).unwrap();
    let event = &decision.events[0];
    assert_eq!(
        (event.kind, event.visibility),
        (EventKind::DeadlinesRecomputed, Visibility::Everyone)
    );
    assert_eq!(event.data["before"]["reply_by"], serde_json::json!(due.reply_by));
    assert_eq!(event.data["reply_by"], serde_json::json!(decision.state.reply_by));
    assert!(decision.state.recomputed(2027, &[before()], terms, from).is_none());
    let ended = Task { status: Status::Cancelled, ..task };
    assert!(ended.recomputed(2027, &[before()], terms, from).is_none());
}

proptest! {
    #[test]
    fn the_order_is_kept_and_a_second_time_changes_nothing(
        minutes in 0_i64..60 * 24 * 30,
        urgency in 0_usize..Urgency::ALL.len(),
        met in any::<[bool; 4]>(),
        ruled in proptest::option::of(0_i64..60 * 24 * 20),
        later in 0_i64..60 * 24 * 20,
    ) {
        let from = at("2026-12-20 00:00") + chrono::TimeDelta::minutes(minutes);
        let now = from + chrono::TimeDelta::minutes(later);
        let mut old = clocks(Urgency::ALL[urgency], from, &before());
        let [acknowledge, contact, arrive, reply] = met;
        old.met = Met { acknowledge, contact, arrive, reply };
        if let Some(ruled) = ruled {
            old.reply_by += chrono::TimeDelta::minutes(ruled);
        }
        let new = recomputed(&old, now);
        let marks: Vec<_> = [Some(new.acknowledge_by), new.contact_by, new.arrive_by, Some(new.reply_by)]
            .into_iter().flatten().collect();
        prop_assert!(marks.is_sorted());
        for (name, at) in new.differing(&old) {
            prop_assert!(at >= now || at >= old.acknowledge_by, "{name}");
        }
        if reply { prop_assert_eq!(new.reply_by, old.reply_by); }
        prop_assert_eq!(recomputed(&new, now), new);
    }
}
