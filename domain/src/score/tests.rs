use super::{
    catalogue::{Catalogue, Counted, Item, totals},
    quarterly::{Settlement, Status as Stand, Step as Move},
    *,
};
use crate::{
    refusal::Refusal,
    testing::{at, code, id, terms, tuesday},
};

fn quarter(text: &str) -> Quarter {
    Quarter::parse("quarter", text).unwrap()
}

fn subject() -> Subject {
    Subject {
        member: id(7),
        account: Some(id(2)),
        branch: code("party-140213066004-01"),
        community: code("140213066004"),
    }
}

fn entry_in(status: Status) -> Entry {
    let known = matches!(status, Status::Accepted | Status::Settled);
    Entry {
        id: id(1),
        version: 1,
        member: Some(id(7)),
        account: Some(id(2)),
        branch: Some(code("party-140213066004-01")),
        community: code("140213066004"),
        quarter: quarter("2026Q4"),
        happened_on: "2026-11-20".parse().unwrap(),
        inlet: Inlet::BranchRecord,
        item: known.then(|| ("score-2026.1".into(), "meeting".into())),
        points: known.then_some(2),
        corrects: None,
        status,
        submitted_by: id(3),
        decided: (status != Status::Submitted).then(|| (tuesday(), id(9))),
        reason: (status == Status::Refused).then(|| "没有参加".to_owned()),
    }
}

fn take(step: Step, entry: &Entry) -> Result<Status, Refused> {
    let item = ("score-2026.1".to_owned(), "meeting".to_owned());
    let made = match step {
        Step::Accept => entry.accept(&subject(), item, 2, id(9), tuesday()),
        Step::Refuse => entry.refuse("没有参加".into(), id(9), tuesday()),
        Step::Strike => entry.strike("经查不属实".into(), id(9), tuesday()),
        Step::Settle => return entry.permit(step).map(|()| Status::Settled),
    };
    made.map(|made| made.state.status)
}

#[test]
fn exactly_the_listed_steps_of_an_entry_are_allowed() {
    for (step, sources, targets) in TRANSITIONS {
        for status in Status::ALL {
            let case = format!("{step} from {status}");
            match take(*step, &entry_in(*status)) {
                Ok(after) => {
                    assert!(sources.contains(status), "{case} must be refused");
                    assert!(targets.contains(&after), "{case} leads to {after}");
                }
                Err(refused) => {
                    assert!(!sources.contains(status), "{case}: {refused}");
                    assert_eq!(refused.code(), "score_step_refused", "{case}");
                }
            }
        }
    }
}

#[test]
fn nobody_decides_what_they_brought_or_what_is_about_themself() {
    let entry = entry_in(Status::Submitted);
    let item = || ("score-2026.1".to_owned(), "meeting".to_owned());
    for by in [2, 3] {
        let accepted = entry.accept(&subject(), item(), 2, id(by), tuesday());
        assert_eq!(accepted.unwrap_err(), Refused::OwnEntry);
        let refused = entry.refuse("不行".into(), id(by), tuesday());
        assert_eq!(refused.unwrap_err(), Refused::OwnEntry);
    }
    let another = Subject { member: id(8), account: None, ..subject() };
    let accepted = entry.accept(&another, item(), 2, id(9), tuesday());
    assert_eq!(accepted.unwrap_err(), Refused::OtherMember);
    let suggested = Entry { member: None, account: None, branch: None, ..entry };
    let accepted = suggested.accept(&another, item(), 2, id(9), tuesday()).unwrap().state;
    assert_eq!((accepted.member, accepted.branch), (Some(id(8)), Some(another.branch)));
}

#[test]
fn a_correction_names_a_settled_entry_of_an_earlier_quarter() {
    let new = |quarter_of: &str| Entry {
        id: id(5),
        quarter: quarter(quarter_of),
        corrects: Some(id(1)),
        ..entry_in(Status::Submitted)
    };
    let settled = entry_in(Status::Settled);
    assert!(new("2027Q1").submit(Some(&settled)).is_ok());
    assert_eq!(new("2026Q4").submit(Some(&settled)).unwrap_err(), Refused::SameQuarter);
    let accepted = entry_in(Status::Accepted);
    assert_eq!(new("2027Q1").submit(Some(&accepted)).unwrap_err(), Refused::NotSettled);
    let foreign = Entry { member: Some(id(8)), ..settled };
    assert_eq!(new("2027Q1").submit(Some(&foreign)).unwrap_err(), Refused::NotSettled);
    assert!(correction(0).is_err() && correction(101).is_err() && correction(-100).is_ok());
}

#[test]
fn an_event_tells_the_quarter_and_whose_branch_decides_and_no_more() {
    let made = entry_in(Status::Submitted).submit(None).unwrap();
    let account: AccountId = id(3);
    let branch = "party-140213066004-01";
    let told = serde_json::json!({"account": account, "quarter": "2026Q4", "branch": branch});
    assert_eq!(made.events[0].data, told);
}

#[test]
fn quarters_are_read_and_written() {
    for text in ["2026Q1", "2026Q2", "2026Q3", "2026Q4"] {
        assert_eq!(quarter(text).to_string(), text);
    }
    for bad in ["2026", "2026Q5", "2026Q0", "26Q1", "2026q1", "+026Q1", "1999Q4", "2026Q11"] {
        assert!(Quarter::parse("quarter", bad).is_err(), "{bad}");
    }
    let last = quarter("2026Q4");
    assert_eq!(last.next().to_string(), "2027Q1");
    assert_eq!(last.end(), at("2027-01-01 00:00"));
    assert_eq!(Quarter::of(at("2026-12-31 23:59")), last);
    assert_eq!(Quarter::of(at("2027-01-01 00:00")), last.next());
}

fn settlement_in(status: Stand) -> Settlement {
    let places = (code("party-140213066004-01"), code("140213066004"));
    let made = Settlement::propose(id(1), places, quarter("2026Q3"), id(3), tuesday());
    let made = made.unwrap().state;
    let noticed = matches!(status, Stand::Notice | Stand::Locked);
    Settlement {
        status,
        decided: (status != Stand::Draft).then(|| (tuesday(), id(9))),
        notice_until: noticed.then(|| at("2026-12-02 00:00")),
        ..made
    }
}

fn go(step: Move, settlement: &Settlement) -> Result<Stand, Refused> {
    let (calendar, late) = (terms().calendar, at("2026-12-02 00:00"));
    let made = match step {
        Move::Publish => settlement.publish(0, &[id(2)], (calendar, 5), id(9), tuesday()),
        Move::SendBack => settlement.send_back("请核对".into(), id(9), tuesday()),
        Move::Object => settlement.object(id(2), tuesday()),
        Move::Decide => settlement.decide(id(2), (true, "属实"), id(9)),
        Move::Lock => {
            let refused = Refused::Settlement { step, status: settlement.status };
            settlement.lock(0, &[id(2)], late).ok_or(refused)
        }
    };
    made.map(|made| made.state.status)
}

#[test]
fn exactly_the_listed_steps_of_a_quarter_are_allowed() {
    for (step, sources, targets) in quarterly::TRANSITIONS {
        for status in Stand::ALL {
            let case = format!("{step} from {status}");
            match go(*step, &settlement_in(*status)) {
                Ok(after) => {
                    assert!(sources.contains(status), "{case} must be refused");
                    assert!(targets.contains(&after), "{case} leads to {after}");
                }
                Err(refused) => {
                    assert!(!sources.contains(status), "{case}: {refused}");
                    assert_eq!(refused.code(), "score_settlement_step_refused", "{case}");
                }
            }
        }
    }
}

#[test]
fn a_quarter_is_settled_when_it_is_over_and_by_two() {
    let places = (code("party-140213066004-01"), code("140213066004"));
    let early = Settlement::propose(id(1), places, quarter("2026Q4"), id(3), tuesday());
    assert_eq!(early.unwrap_err().code(), "score_quarter_runs");
    let draft = settlement_in(Stand::Draft);
    let calendar = terms().calendar;
    let own = draft.publish(0, &[], (calendar, 5), id(3), tuesday());
    assert_eq!(own.unwrap_err(), Refused::OwnSettlement);
    assert_eq!(draft.send_back("x".into(), id(3), tuesday()).unwrap_err(), Refused::OwnSettlement);
    let waiting = draft.publish(2, &[], (calendar, 5), id(9), tuesday());
    assert_eq!(waiting.unwrap_err(), Refused::EntriesWait { waiting: 2 });
    let told = draft.publish(0, &[id(2), id(4)], (calendar, 5), id(9), tuesday()).unwrap();
    // Tuesday is not counted; Wednesday to Friday, Monday, Tuesday.
    assert_eq!(told.state.notice_until, Some(at("2026-12-02 00:00")));
    assert_eq!(told.events.len(), 2, "each member is told");
}

#[test]
fn the_lock_waits_for_the_notice_and_every_objection() {
    let notice = settlement_in(Stand::Notice);
    assert!(notice.lock(0, &[], at("2026-12-01 23:59")).is_none());
    assert!(notice.lock(1, &[], at("2026-12-05 00:00")).is_none());
    assert!(notice.lock(0, &[], at("2026-12-02 00:00")).is_some());
    assert_eq!(notice.object(id(2), at("2026-12-02 00:00")).unwrap_err(), Refused::NoticeOver);
    let own = notice.decide(id(9), (false, "不属实"), id(9));
    assert_eq!(own.unwrap_err(), Refused::OwnObjection);
}

fn item(code: &str, points: i32, cap: Option<i32>) -> Item {
    Item { code: code.into(), name: "参加组织生活".into(), points, cap }
}

#[test]
fn a_catalogue_names_all_its_faults_and_begins_with_a_quarter_to_come() {
    let items = [item("meeting", 2, Some(12)), item("meeting", 0, None), item("X", 5, Some(3))];
    let faults = Catalogue::parse("v", "标题", "2026Q9", &items).unwrap_err();
    let fields: Vec<&str> = faults.0.iter().map(|fault| fault.field.as_str()).collect();
    let all = [
        "version",
        "valid_from",
        "items[1].points",
        "items[1].code",
        "items[2].code",
        "items[2].cap",
    ];
    assert_eq!(fields, all);
    let good = Catalogue::parse("score-2027", "新版", "2027Q1", &items[..1]).unwrap();
    assert!(good.follows(None, quarter("2026Q4")).is_ok());
    assert!(good.follows(Some(quarter("2027Q1")), quarter("2026Q4")).is_err());
    assert!(good.follows(None, quarter("2027Q1")).is_err(), "a quarter that has begun");
}

#[test]
fn each_item_counts_up_to_its_cap_in_both_directions() {
    let one = |member: u8, item: &str, points: i32, cap: Option<i32>| Counted {
        member: id(member),
        item: item.into(),
        points,
        cap,
    };
    let mut counted: Vec<Counted> = (0..8).map(|_| one(1, "meeting", 2, Some(12))).collect();
    counted.extend((0..8).map(|_| one(1, "absence", -2, Some(12))));
    counted.push(one(1, "meeting", 3, None));
    counted.push(one(2, "honour", 10, Some(20)));
    let sums = totals(&counted);
    assert_eq!((sums[&id(1)].points, sums[&id(1)].entries), (3, 17));
    assert_eq!((sums[&id(2)].points, sums[&id(2)].entries), (10, 1));
    assert!(totals(&[]).is_empty());
}
