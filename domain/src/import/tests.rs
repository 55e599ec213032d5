use super::*;
use crate::{calendar::WorkingCalendar, id::Id, sla::Rules};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-24T00:30:00Z")
}

fn code(text: &str) -> NodeCode {
    NodeCode::parse("code", text).unwrap()
}

fn defaults() -> Defaults {
    let place = |digits: &str, name: &str| Place { code: code(digits), name: name.to_owned() };
    Defaults {
        community: Some(code("140213066004")),
        kind: Kind::Help,
        posted_at: None,
        places: vec![
            place("140213066004", "文兴社区"),
            place("140213066005", "新华社区"),
            place("140213067001", "新华社区"),
        ],
    }
}

const GOOD: [(Field, &str); 4] = [
    (Field::Number, "188006"),
    (Field::Title, "路灯不亮"),
    (Field::Content, "门口的路灯三天不亮了"),
    (Field::PostedAt, "2019/2/28 11:25:05"),
];

/// A good row with these cells in place of its own.
fn parse(changed: &[(Field, &str)]) -> Result<PastOrder, Invalid> {
    let cell = |field: Field| {
        let all = changed.iter().chain(&GOOD);
        all.into_iter().find(|(named, _)| *named == field).map_or("", |(_, text)| *text)
    };
    PastOrder::parse(cell, &defaults(), now())
}

fn faults(changed: &[(Field, &str)]) -> Vec<(String, String)> {
    let Invalid(faults) = parse(changed).unwrap_err();
    faults.into_iter().map(|fault| (fault.field, fault.reason)).collect()
}

#[test]
fn a_row_needs_no_more_than_number_title_content_and_time() {
    let order = parse(&[]).unwrap();
    assert_eq!(order.number, "188006");
    assert_eq!(order.submission.kind, Kind::Help);
    assert_eq!(order.submission.community, code("140213066004"));
    assert_eq!(order.posted_at, at("2019-02-28T03:25:05Z"));
    assert_eq!((order.reply, order.replied_at, order.category), (None, None, None));
    assert!(!order.submission.confidential);
}

#[test]
fn a_title_that_says_nothing_is_completed_from_the_content() {
    let title = |given, content| {
        parse(&[(Field::Title, given), (Field::Content, content)]).unwrap().submission.title
    };
    let content = format!("\t第一行\n{}", "路".repeat(100));
    assert_eq!(title("路灯", &content), "路灯");
    assert_eq!(title(" 一\t二\r\n三 ", &content), "一 二 三");
    for empty in ["", " ", "\u{3000}", "?", "。"] {
        assert_eq!(title(empty, &content), format!("第一行 {}", "路".repeat(26)), "{empty:?}");
    }
}

#[test]
fn every_fault_of_a_row_is_named_at_once() {
    let wrong = faults(&[
        (Field::Number, " "),
        (Field::Content, "灯\u{0}坏了没人修"),
        (Field::PostedAt, "昨天"),
        (Field::Kind, "吐槽"),
        (Field::Community, "火星社区"),
    ]);
    let fields: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["number", "content", "kind", "community", "posted_at"]);
    for (field, reason) in wrong {
        assert!(
            reason.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
            "{field}: {reason}"
        );
    }
}

#[test]
fn too_long_texts_are_refused_not_cut() {
    assert_eq!(faults(&[(Field::Title, &"长".repeat(201))])[0].0, "title");
    assert_eq!(faults(&[(Field::Content, &"长".repeat(10_001))])[0].0, "content");
    assert_eq!(faults(&[(Field::Reply, &"长".repeat(10_001))])[0].0, "reply");
    assert!(parse(&[(Field::Content, &"𠮷".repeat(10_000))]).is_ok());
}

#[test]
fn kind_and_community_are_known_by_code_and_by_name() {
    let order = parse(&[(Field::Kind, " 举报"), (Field::Community, "文兴社区")]).unwrap();
    assert!(order.submission.confidential, "a report of a breach protects whoever made it");
    assert_eq!(order.submission.community, code("140213066004"));
    let order = parse(&[(Field::Kind, "praise"), (Field::Community, "140213067001")]).unwrap();
    assert_eq!(
        (order.submission.kind, order.submission.community),
        (Kind::Praise, code("140213067001"))
    );
    let twice = faults(&[(Field::Community, "新华社区")]);
    assert!(twice[0].1.contains("不止一个"), "{}", twice[0].1);

    let none = Defaults { community: None, ..defaults() };
    let cell = |field| GOOD.iter().find(|(named, _)| *named == field).map_or("", |(_, text)| *text);
    assert_eq!(PastOrder::parse(cell, &none, now()).unwrap_err().0[0].field, "community");
}

#[test]
fn times_lie_in_the_past_and_in_order() {
    assert_eq!(faults(&[(Field::PostedAt, "")])[0].0, "posted_at");
    assert_eq!(faults(&[(Field::PostedAt, "2026-11-24 08:30:01")])[0].0, "posted_at");
    assert_eq!(faults(&[(Field::RepliedAt, "2027-01-01")])[0].0, "replied_at");
    assert_eq!(faults(&[(Field::RepliedAt, "2019/2/27")])[0].1, "答复时间早于提交时间");
    let same_day = parse(&[(Field::RepliedAt, "2019/2/28")]).unwrap();
    assert_eq!(same_day.replied_at, Some(same_day.posted_at));

    let given = Defaults { posted_at: Some(at("2020-01-01T00:00:00Z")), ..defaults() };
    let cell = |field| match field {
        Field::PostedAt => " ",
        other => GOOD.iter().find(|(named, _)| *named == other).map_or("", |(_, text)| *text),
    };
    let order = PastOrder::parse(cell, &given, now()).unwrap();
    assert_eq!(order.posted_at, at("2020-01-01T00:00:00Z"));
}

#[test]
fn history_is_over_and_waits_for_nothing() {
    let (calendar, rules) = (WorkingCalendar::embedded(), Rules::default());
    let terms = Terms { calendar: &calendar, rules: &rules };
    let id = ComplaintId::from_parts(now(), &[7; 10]);
    let tell = |changed: &[(Field, &str)]| {
        let (case, told) = parse(changed).unwrap().history(id, terms, now());
        let seen: Vec<(EventKind, Timestamp)> =
            told.iter().map(|(at, event)| (event.kind, *at)).collect();
        assert_eq!(case.last_seq, i32::try_from(seen.len()).unwrap());
        assert!(seen.is_sorted_by_key(|(_, at)| *at), "{seen:?}");
        assert_eq!(case.closed_as, Some(ClosedAs::Imported));
        (case, seen)
    };

    let (old, told) = tell(&[(Field::Reply, "已修好"), (Field::RepliedAt, "2019/3/4 10:00:00")]);
    let (posted, replied) = (at("2019-02-28T03:25:05Z"), at("2019-03-04T02:00:00Z"));
    assert_eq!(
        told,
        [
            (EventKind::Submitted, posted),
            (EventKind::Replied, replied),
            (EventKind::Closed, replied),
            (EventKind::Archived, at("2019-03-19T16:00:00Z")),
        ]
    );
    assert_eq!(
        (old.status, old.closed_at, old.replied_at),
        (Status::Archived, Some(replied), Some(replied))
    );
    assert!(old.timers(terms).is_empty());
    assert!(!old.reachable && old.reporter.is_none());

    let (fresh, told) = tell(&[(Field::PostedAt, "2026-11-20")]);
    assert_eq!((fresh.status, fresh.replied_at), (Status::Closed, None));
    assert_eq!(told.len(), 2);
}
