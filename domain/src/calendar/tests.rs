use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    format!("{text}:00+08:00").parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap().to_utc()
}

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An own reading of the data file, for references that share no code with the calendar.
fn listed() -> HashMap<String, bool> {
    STATE_COUNCIL
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| (line[..10].to_owned(), line.ends_with("working")))
        .collect()
}

fn slow_is_working(listed: &HashMap<String, bool>, date: NaiveDate) -> bool {
    let by_weekday = date.weekday().number_from_monday() <= 5;
    listed.get(&date.to_string()).copied().unwrap_or(by_weekday)
}

fn slow_working_days(listed: &HashMap<String, bool>, from: Timestamp, n: u32) -> Timestamp {
    let mut day = time::date(from);
    let mut left = n;
    while left > 0 {
        day = day.succ_opt().unwrap();
        if slow_is_working(listed, day) {
            left -= 1;
        }
    }
    time::start_of(day) + TimeDelta::days(1)
}

/// Steps minute by minute; a minute counts when it lies inside working hours.
fn slow_working_time(listed: &HashMap<String, bool>, from: Timestamp, minutes: u32) -> Timestamp {
    let mut now = from;
    let mut left = minutes;
    while left > 0 {
        let civil = time::civil(now);
        let clock = civil.format("%H:%M").to_string();
        let open = ("08:30".."12:00").contains(&clock.as_str())
            || ("14:30".."18:00").contains(&clock.as_str());
        if open && slow_is_working(listed, civil.date()) {
            left -= 1;
        }
        now += TimeDelta::minutes(1);
    }
    now
}

#[test]
fn embedded_days_are_those_of_the_shared_data() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/holidays");
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is absent, embedded holidays were NOT compared", folder.display());
        return;
    }
    let mut theirs = Vec::new();
    for year in 2024..=2026 {
        let text = std::fs::read_to_string(folder.join(format!("holiday-cn-{year}.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for day in json["days"].as_array().unwrap() {
            theirs.push(Day {
                date: on(day["date"].as_str().unwrap()),
                name: day["name"].as_str().unwrap().to_owned(),
                working: !day["isOffDay"].as_bool().unwrap(),
            });
        }
    }
    assert_eq!(parse(STATE_COUNCIL).unwrap(), theirs);
}

#[test]
fn the_embedded_years_have_as_many_working_days_as_the_notices_give() {
    let calendar = WorkingCalendar::embedded();
    let count = |year: i32| {
        calendar.working_days_between(
            NaiveDate::from_ymd_opt(year - 1, 12, 31).unwrap(),
            NaiveDate::from_ymd_opt(year, 12, 31).unwrap(),
        )
    };
    assert_eq!([count(2024), count(2025), count(2026)], [251, 248, 248]);
}

#[test]
fn kinds_around_national_day_2026() {
    let calendar = WorkingCalendar::embedded();
    for (date, kind) in [
        ("2026-09-20", DayKind::MakeUp("国庆节")),
        ("2026-09-24", DayKind::Working),
        ("2026-09-25", DayKind::Holiday("中秋节")),
        ("2026-09-27", DayKind::Holiday("中秋节")),
        ("2026-09-30", DayKind::Working),
        ("2026-10-03", DayKind::Holiday("国庆节")),
        ("2026-10-08", DayKind::Working),
        ("2026-10-10", DayKind::MakeUp("国庆节")),
        ("2026-10-11", DayKind::Weekend),
    ] {
        assert_eq!(calendar.kind(on(date)), kind, "{date}");
    }
}

#[test]
fn working_days_across_holidays_by_hand() {
    let calendar = WorkingCalendar::embedded();
    for (from, n, end) in [
        ("2026-11-24 09:00", 0, "2026-11-24 09:00"),
        ("2026-11-24 00:00", 1, "2026-11-26 00:00"),
        ("2026-11-24 23:59", 1, "2026-11-26 00:00"),
        ("2026-11-27 09:00", 1, "2026-12-01 00:00"), // Friday
        ("2026-11-28 09:00", 1, "2026-12-01 00:00"), // Saturday: the start day never counts
        ("2026-11-29 09:00", 1, "2026-12-01 00:00"),
        ("2026-02-13 17:00", 1, "2026-02-15 00:00"), // Saturday the 14th is made up
        ("2026-02-13 17:00", 2, "2026-02-25 00:00"), // then nine days of 春节
        ("2026-02-13 17:00", 5, "2026-02-28 00:00"),
        ("2026-02-13 17:00", 6, "2026-03-01 00:00"), // Saturday the 28th is made up
        ("2026-02-18 10:00", 1, "2026-02-25 00:00"),
        ("2026-09-18 10:00", 1, "2026-09-21 00:00"), // Sunday the 20th is made up
        ("2026-09-24 10:00", 3, "2026-10-01 00:00"),
        ("2026-09-30 10:00", 1, "2026-10-09 00:00"),
        ("2026-09-30 10:00", 3, "2026-10-11 00:00"), // Saturday the 10th is made up
        ("2026-09-30 10:00", 4, "2026-10-13 00:00"),
        ("2025-12-31 10:00", 1, "2026-01-05 00:00"), // Sunday the 4th is made up
    ] {
        assert_eq!(calendar.add_working_days(at(from), n), at(end), "{from} + {n}");
    }
}

#[test]
fn half_working_days_by_hand() {
    let calendar = WorkingCalendar::embedded();
    for (from, end) in [
        ("2026-11-24 00:00", "2026-11-24 12:00"),
        ("2026-11-24 08:29", "2026-11-24 12:00"),
        ("2026-11-24 08:30", "2026-11-24 12:00"),
        ("2026-11-24 08:31", "2026-11-24 14:31"),
        ("2026-11-24 11:59", "2026-11-24 17:59"),
        ("2026-11-24 12:00", "2026-11-24 18:00"),
        ("2026-11-24 13:00", "2026-11-24 18:00"),
        ("2026-11-24 14:30", "2026-11-24 18:00"),
        ("2026-11-24 14:31", "2026-11-25 08:31"),
        ("2026-11-24 18:00", "2026-11-25 12:00"),
        ("2026-11-27 17:00", "2026-11-30 11:00"),
        ("2026-11-28 10:00", "2026-11-30 12:00"),
        ("2026-02-13 17:00", "2026-02-14 11:00"),
        ("2026-02-14 17:00", "2026-02-24 11:00"),
        ("2026-09-30 16:00", "2026-10-08 10:00"),
        ("2026-10-10 17:30", "2026-10-12 11:30"),
    ] {
        assert_eq!(calendar.add_half_working_day(at(from)), at(end), "{from}");
    }
}

#[test]
fn seconds_are_kept() {
    let from = at("2026-11-24 11:59") + TimeDelta::seconds(30);
    let end = WorkingCalendar::embedded().add_working_time(from, 1);
    assert_eq!(end, at("2026-11-24 14:30") + TimeDelta::seconds(30));
}

#[test]
fn a_term_that_ended_at_midnight_is_prolonged_from_the_day_before() {
    let calendar = WorkingCalendar::embedded();
    for (by, n, end) in [
        ("2026-11-27 00:00", 1, "2026-11-28 00:00"), // Thursday 24:00
        ("2026-11-27 10:00", 1, "2026-12-01 00:00"),
        ("2026-11-28 00:00", 3, "2026-12-03 00:00"), // Friday 24:00
        ("2026-11-28 00:00", 0, "2026-11-28 00:00"),
    ] {
        assert_eq!(calendar.prolong(at(by), n), at(end), "{by} + {n}");
    }
}

#[test]
fn the_next_opening_is_on_the_next_working_day() {
    let calendar = WorkingCalendar::embedded();
    for (by, opening) in [
        ("2026-11-26 07:00", "2026-11-27 08:30"),
        ("2026-11-27 00:00", "2026-11-27 08:30"), // Thursday 24:00
        ("2026-11-28 00:00", "2026-11-30 08:30"), // Friday 24:00
        ("2026-10-01 00:00", "2026-10-08 08:30"),
    ] {
        assert_eq!(calendar.next_opening_after(at(by)), at(opening), "{by}");
    }
}

#[test]
fn a_year_without_a_notice_is_provisional() {
    let calendar = WorkingCalendar::embedded();
    assert!(!calendar.is_provisional(2024) && !calendar.is_provisional(2026));
    assert!(calendar.is_provisional(2023) && calendar.is_provisional(2027));
    assert!(!calendar.provisional_in(on("2024-01-01")..=on("2026-12-31")));
    assert!(calendar.provisional_in(on("2026-12-30")..=on("2027-01-01")));
    assert_eq!(calendar.provisional_years(on("2026-12-30")..=on("2028-01-01")), [2027, 2028]);
    assert!(calendar.is_working_day(on("2027-10-01")), "only a notice makes it a holiday");

    let days = parse("2027-01-01,元旦,off").unwrap();
    let learnt = WorkingCalendar::new(days, [2027], WorkingHours::default());
    assert!(!learnt.is_provisional(2027) && !learnt.is_working_day(on("2027-01-01")));
}

#[test]
fn days_are_read_strictly() {
    assert_eq!(parse("# note\n\n2026-10-01,国庆节,off\n").unwrap().len(), 1);
    for bad in [
        "2026-10-01,国庆节",
        "2026-10-01,国庆节,holiday",
        "2026-10-01,,off",
        "2026-02-30,春节,off",
        "2026-10-01,国庆节,off,",
        "2026-10-01,国庆节,off\n2026-10-01,国庆节,working",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(parse("2026-10-01,国庆节,off\n?").unwrap_err().reason.contains("第 2 行"));
}

#[test]
fn hours_are_read_strictly() {
    let read = |json| serde_json::from_str::<WorkingHours>(json);
    let summer = read(r#"[["08:00","12:00"],["15:00","18:00"]]"#).unwrap();
    assert_eq!(
        (summer.minutes_per_day(), summer.to_string().as_str()),
        (420, "08:00–12:00、15:00–18:00")
    );
    for bad in
        ["[]", r#"[["12:00","08:00"]]"#, r#"[["08:00","12:00"],["12:00","18:00"]]"#, r#"["08:00"]"#]
    {
        assert!(read(bad).is_err(), "{bad}");
    }
    let calendar = WorkingCalendar::embedded().with_hours(summer);
    assert_eq!(calendar.add_half_working_day(at("2026-11-24 11:30")), at("2026-11-24 18:00"));
}

#[test]
fn absurd_instants_do_not_panic() {
    let calendar = WorkingCalendar::embedded();
    for from in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        let from: Timestamp = from.parse().unwrap();
        assert!(calendar.add_working_days(from, 15) > from);
        assert!(calendar.add_half_working_day(from) > from);
    }
}

proptest! {
    #[test]
    fn working_days_agree_with_stepping_day_by_day(minute in 0i64..1_578_240, n in 1u32..=30) {
        let from = at("2024-01-01 00:00") + TimeDelta::minutes(minute);
        let calendar = WorkingCalendar::embedded();
        let end = calendar.add_working_days(from, n);
        prop_assert_eq!(end, slow_working_days(&listed(), from, n));
        prop_assert_eq!(calendar.working_days_between(time::date(from), last_day(end)), n);
    }

    #[test]
    fn working_time_agrees_with_stepping_minute_by_minute(
        minute in 0i64..1_578_240,
        minutes in 1u32..=900,
    ) {
        let from = at("2024-01-01 00:00") + TimeDelta::minutes(minute);
        let end = WorkingCalendar::embedded().add_working_time(from, i64::from(minutes));
        prop_assert_eq!(end, slow_working_time(&listed(), from, minutes));
    }
}
