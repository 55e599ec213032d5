use proptest::prelude::*;

use super::*;
use crate::refusal::Refusal;

fn at(text: &str) -> Timestamp {
    format!("{text}:00+08:00").parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap().to_utc()
}

fn of(urgency: Urgency, from: &str) -> Deadlines {
    deadlines(urgency, at(from), &WorkingCalendar::embedded(), &Schedules::default(), Needs::ALL)
}

/// 2026: dispatched, and by when to acknowledge, contact, arrive and reply.
const TABLE: &str = "
# A Tuesday morning.
emergency  11-24 09:00  11-24 09:15  11-24 09:30  11-24 09:30  11-25 09:00
utility    11-24 09:00  11-24 10:00  11-24 11:00  11-24 11:00  11-25 09:00
ordinary   11-24 09:00  11-24 15:00  11-25 09:00  11-26 00:00  12-02 00:00
inquiry    11-24 09:00  11-24 15:00  11-26 00:00  –            11-28 00:00
hard       11-24 09:00  11-24 15:00  11-25 09:00  11-27 00:00  12-16 00:00
# A Friday evening: the contact waits for the acknowledgement.
emergency  11-27 17:30  11-27 17:45  11-27 18:00  11-27 18:00  11-28 17:30
utility    11-27 17:30  11-27 18:30  11-27 19:30  11-27 19:30  11-28 17:30
ordinary   11-27 17:30  11-30 11:30  11-30 11:30  12-01 00:00  12-05 00:00
inquiry    11-27 17:30  11-30 11:30  12-01 00:00  –            12-03 00:00
hard       11-27 17:30  11-30 11:30  11-30 11:30  12-02 00:00  12-19 00:00
# A Sunday night.
emergency  11-29 23:50  11-30 00:05  11-30 00:20  11-30 00:20  11-30 23:50
utility    11-29 23:50  11-30 00:50  11-30 01:50  11-30 01:50  11-30 23:50
ordinary   11-29 23:50  11-30 12:00  11-30 23:50  12-01 00:00  12-05 00:00
inquiry    11-29 23:50  11-30 12:00  12-01 00:00  –            12-03 00:00
hard       11-29 23:50  11-30 12:00  11-30 23:50  12-02 00:00  12-19 00:00
# The eve of 春节 2026: the 14th and the 28th are made up, nine days off between.
emergency  02-14 17:00  02-14 17:15  02-14 17:30  02-14 17:30  02-15 17:00
utility    02-14 17:00  02-14 18:00  02-14 19:00  02-14 19:00  02-15 17:00
ordinary   02-14 17:00  02-24 11:00  02-24 11:00  02-25 00:00  03-01 00:00
inquiry    02-14 17:00  02-24 11:00  02-25 00:00  –            02-27 00:00
hard       02-14 17:00  02-24 11:00  02-24 11:00  02-26 00:00  03-14 00:00
# In the middle of 国庆 2026: Saturday the 10th is made up.
emergency  10-03 12:00  10-03 12:15  10-03 12:30  10-03 12:30  10-04 12:00
utility    10-03 12:00  10-03 13:00  10-03 14:00  10-03 14:00  10-04 12:00
ordinary   10-03 12:00  10-08 12:00  10-08 12:00  10-09 00:00  10-14 00:00
inquiry    10-03 12:00  10-08 12:00  10-09 00:00  –            10-11 00:00
hard       10-03 12:00  10-08 12:00  10-08 12:00  10-10 00:00  10-28 00:00
# A make-up Saturday morning.
ordinary   10-10 08:30  10-10 12:00  10-11 08:30  10-13 00:00  10-17 00:00
";

#[test]
fn the_table_by_hand() {
    let rows = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for row in rows {
        let cells: Vec<_> =
            row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let [urgency, from, acknowledge, contact, arrive, reply] = cells[..] else {
            panic!("six cells: {row}")
        };
        let at = |cell: &str| at(&format!("2026-{cell}"));
        let expected = Deadlines {
            acknowledge_by: at(acknowledge),
            contact_by: Some(at(contact)),
            arrive_by: (arrive != "–").then(|| at(arrive)),
            reply_by: at(reply),
            provisional: false,
        };
        assert_eq!(of(urgency.parse().unwrap(), &format!("2026-{from}")), expected, "{row}");
    }
}

#[test]
fn marks_that_are_not_needed_are_null_and_move_nothing() {
    let calendar = WorkingCalendar::embedded();
    for urgency in Urgency::ALL {
        let needs = Needs { contact: false, arrive: false };
        let from = at("2026-11-27 17:30");
        let bare = deadlines(*urgency, from, &calendar, &Schedules::default(), needs);
        let full = of(*urgency, "2026-11-27 17:30");
        assert_eq!((bare.contact_by, bare.arrive_by), (None, None));
        assert_eq!((bare.acknowledge_by, bare.reply_by), (full.acknowledge_by, full.reply_by));
    }
}

#[test]
fn only_terms_that_count_days_of_an_unknown_year_are_provisional() {
    assert!(!of(Urgency::Ordinary, "2026-12-24 09:00").provisional);
    assert!(of(Urgency::Hard, "2026-12-24 09:00").provisional);
    assert!(of(Urgency::Inquiry, "2027-03-01 09:00").provisional);
    assert!(!of(Urgency::Emergency, "2027-03-01 09:00").provisional);
    assert!(!of(Urgency::Ordinary, "2026-12-24 17:00").provisional, "ends 31 December 24:00");
    assert!(of(Urgency::Ordinary, "2026-12-25 09:00").provisional);
}

#[test]
fn the_steps_say_which_days_were_counted() {
    let calendar = WorkingCalendar::embedded();
    let explain = |urgency, from| {
        steps(urgency, at(from), &calendar, &Schedules::default(), Needs::ALL)
            .into_iter()
            .map(|step| step.explanation)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        explain(Urgency::Ordinary, "2026-02-14 17:00"),
        [
            "签收：半个工作日（3 小时 30 分钟），从 2月14日 17:00 起只计工作时间 08:30–12:00、14:30–18:00，\
             计入 2月14日（春节调休上班）、2月24日，跳过 2月15日–2月23日（春节），到 2月24日 11:00",
            "先行联系：自然时间 24 小时，从 2月14日 17:00 起，到 2月15日 17:00；\
             不早于“签收”，顺延到 2月24日 11:00",
            "到场：1 个工作日，2月14日 当天不计，计入 2月24日，跳过 2月15日–2月23日（春节），到 2月24日 24:00",
            "答复：5 个工作日，2月14日 当天不计，计入 2月24日–2月27日、2月28日（春节调休上班），\
             跳过 2月15日–2月23日（春节），到 2月28日 24:00",
        ]
    );
    assert_eq!(
        explain(Urgency::Inquiry, "2026-12-31 17:00")[2],
        "答复：3 个工作日，12月31日 当天不计，计入 1月1日、1月4日–1月5日，跳过 1月2日–1月3日（周末），\
         到 1月5日 24:00；2027 年放假安排尚未公布，暂按周一至周五计算"
    );
    assert_eq!(
        explain(Urgency::Emergency, "2026-11-24 09:00")[1],
        "先行联系：自然时间 30 分钟，从 11月24日 09:00 起，到 11月24日 09:30"
    );
}

#[test]
fn the_centres_own_clock() {
    let (calendar, rules) = (WorkingCalendar::embedded(), Rules::default().centre);
    let from = at("2026-11-27 17:30");
    for urgency in Urgency::ALL.iter().copied().map(Some).chain([None]) {
        let due = |what| rules.deadline(what, urgency, from, &calendar);
        let dispatch = match urgency {
            Some(Urgency::Emergency) => "2026-11-27 17:40",
            _ => "2026-11-30 11:30",
        };
        assert_eq!(due(CentreDeadline::Dispatch), at(dispatch), "{urgency:?}");
        assert_eq!(due(CentreDeadline::Ruling), at("2026-11-30 11:30"));
        assert_eq!(due(CentreDeadline::WhistleReview), at("2026-11-27 19:30"));
        assert_eq!(due(CentreDeadline::ConfirmReply), at("2026-12-01 00:00"));
    }
}

#[test]
fn the_return_window_is_a_working_day_or_an_hour() {
    let (calendar, rules) = (WorkingCalendar::embedded(), ReturnRules::default());
    for urgency in Urgency::ALL {
        let closes = match urgency {
            Urgency::Emergency | Urgency::Utility => "2026-09-30 17:00",
            Urgency::Ordinary | Urgency::Inquiry | Urgency::Hard => "2026-10-09 00:00",
        };
        let given = rules.closes_at(*urgency, at("2026-09-30 16:00"), &calendar);
        assert_eq!(given, at(closes), "{urgency}");
    }
}

fn ask(urgency: Urgency, granted: u32, until: &str) -> ExtensionAsk {
    ExtensionAsk { urgency, granted, reply_by: at("2026-12-02 00:00"), until: at(until) }
}

#[test]
fn an_extension_is_asked_in_time_three_times_never_in_an_emergency() {
    let (calendar, rule) = (WorkingCalendar::embedded(), ExtensionRule::default());
    let check = |ask, now| rule.check(ask, at(now), &calendar).map_err(|refusal| refusal.code());
    for urgency in Urgency::ALL {
        for granted in 0..=4 {
            let expected = match (urgency, granted) {
                (Urgency::Emergency, _) => Err("extension_not_for_emergency"),
                (_, 0..=2) => Ok(()),
                _ => Err("extension_limit_reached"),
            };
            let given = check(ask(*urgency, granted, "2026-12-05 00:00"), "2026-12-01 23:59");
            assert_eq!(given, expected, "{urgency} {granted}");
        }
    }
    let ordinary = |until| ask(Urgency::Ordinary, 0, until);
    // Tuesday 24:00 and three working days: Friday 24:00.
    assert_eq!(rule.latest(at("2026-12-02 00:00"), &calendar), at("2026-12-05 00:00"));
    for (until, now, expected) in [
        ("2026-12-05 00:00", "2026-12-02 00:00", Err("extension_window_closed")),
        ("2026-12-05 00:01", "2026-12-01 09:00", Err("extension_until_out_of_range")),
        ("2026-12-02 00:00", "2026-12-01 09:00", Err("extension_until_out_of_range")),
        ("2026-12-02 00:01", "2026-12-01 09:00", Ok(())),
    ] {
        assert_eq!(check(ordinary(until), now), expected, "{until} asked {now}");
    }
    let refusal = rule.check(ordinary("2027-01-01 00:00"), at("2026-12-01 09:00"), &calendar);
    let refusal = refusal.unwrap_err();
    assert!(matches!(refusal, ExtensionRefusal::Until { .. }));
    assert_eq!(refusal.fields()[0].field, "until");
    assert_eq!(
        refusal.to_string(),
        "新时限要晚于 12月1日 24:00、不晚于 12月4日 24:00（每次最多 3 个工作日）"
    );
}

#[test]
fn reminders_and_notices() {
    let (calendar, rules) = (WorkingCalendar::embedded(), OverdueRules::default());
    let (from, by) = (at("2026-11-24 09:00"), at("2026-11-25 09:00"));
    assert_eq!(rules.reminders(from, by), [at("2026-11-24 21:00"), at("2026-11-25 04:12")]);
    assert_eq!(reminder_at(from, by, 0), from);
    assert_eq!(reminder_at(from, by, 100), by);
    assert_eq!(reminder_at(from, by, 200), by);
    for urgency in Urgency::ALL {
        let by = at("2026-11-28 00:00"); // Friday 24:00
        let notice = if urgency.is_pressing() { by } else { at("2026-11-30 08:30") };
        assert_eq!(rules.notice_at(*urgency, by, &calendar), notice, "{urgency}");
    }
}

#[test]
fn fifteen_natural_days_end_at_midnight() {
    let calendar = WorkingCalendar::embedded();
    let archive = Rules::default().follow_up.archive;
    assert_eq!(archive.end(at("2026-02-10 09:00"), &calendar), at("2026-02-26 00:00"));
}

#[test]
fn configuration_overrides_a_part() {
    let json = r#"{
        "schedules": {"ordinary": {"acknowledge": "half_working_day", "contact": {"minutes": 60}, "arrive": null, "reply": {"working_days": 4}}},
        "returns": {"limit": 3},
        "follow_up": {"archive": {"natural_days": 30}}
    }"#;
    let rules: Rules = serde_json::from_str(json).unwrap();
    assert_eq!(rules.schedules.ordinary.reply, Span::WorkingDays(4));
    assert_eq!(rules.schedules.hard, Schedules::default().hard);
    assert_eq!((rules.returns.limit, rules.returns.window), (3, ReturnRules::default().window));
    assert_eq!(rules.follow_up.archive, Span::NaturalDays(30));
    assert!(serde_json::from_str::<Rules>(r#"{"retruns": {}}"#).is_err());
}

proptest! {
    #[test]
    fn a_later_mark_is_never_before_an_earlier_one(
        second in 0i64..94_694_400,
        urgency in prop::sample::select(Urgency::ALL),
        contact: bool,
        arrive: bool,
    ) {
        let from = at("2024-01-01 00:00") + chrono::TimeDelta::seconds(second);
        let (calendar, schedules) = (WorkingCalendar::embedded(), Schedules::default());
        let needs = Needs { contact, arrive };
        let given = deadlines(urgency, from, &calendar, &schedules, needs);
        let marks: Vec<_> = Mark::ALL.iter().filter_map(|mark| given.of(*mark)).collect();
        prop_assert!(from < given.acknowledge_by);
        prop_assert!(marks.is_sorted(), "{given:?}");
        prop_assert_eq!(given.contact_by.is_some(), contact);
        prop_assert_eq!(given.arrive_by.is_some(), arrive && urgency != Urgency::Inquiry);

        let steps = steps(urgency, from, &calendar, &schedules, needs);
        let explained: Vec<_> = steps.iter().map(|step| step.at).collect();
        prop_assert_eq!(explained, marks);
    }
}
