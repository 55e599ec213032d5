use super::*;
use crate::{
    refusal::Refusal,
    testing::{at, code, id, tuesday},
};

const RULES: Rules = Rules { per_person: 3, visit_days: 30, term_days: 730 };

fn household() -> Household {
    Household {
        id: id(1),
        version: 1,
        community: code("140213066004"),
        account: Some(id(8)),
        closed_at: None,
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn pairing_in(status: Status) -> Pairing {
    let until = day("2027-06-30");
    let new = household().pair(id(2), id(3), until, id(9), (&RULES, tuesday())).unwrap().state;
    let answered = matches!(status, Status::Active | Status::Declined);
    let ended = status == Status::Ended;
    Pairing { status, answered_at: answered.then(tuesday), ended_at: ended.then(tuesday), ..new }
}

fn take(step: Step, pairing: &Pairing) -> Result<Status, Refused> {
    let now = tuesday();
    let late = at("2027-07-01 09:00");
    match step {
        Step::Accept => pairing.accept(0, &RULES, now).map(|made| made.state.status),
        Step::Decline => pairing.decline("近期外出".into(), now).map(|made| made.state.status),
        Step::Visit | Step::Correct => pairing.permit(step).map(|()| pairing.status),
        Step::End => pairing.end("搬家".into(), id(3), now).map(|made| made.state.status),
        Step::Expire => pairing
            .day((None, None), &RULES, late)
            .map(|made| made.state.status)
            .ok_or(Refused::Step { step, status: pairing.status }),
    }
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    for (step, sources, targets) in TRANSITIONS {
        for status in Status::ALL {
            let before = pairing_in(*status);
            let case = format!("{step} from {status}");
            match take(*step, &before) {
                Ok(after) => {
                    assert!(sources.contains(status), "{case} must be refused");
                    assert!(targets.contains(&after), "{case} leads to {after}");
                }
                Err(refused) => {
                    assert!(!sources.contains(status), "{case}: {refused}");
                    assert_eq!(refused.code(), "pairing_step_refused", "{case}");
                }
            }
        }
    }
}

#[test]
fn nobody_looks_after_their_own_household_or_appoints_themself() {
    let until = day("2027-06-30");
    let pair = |account: u8, by: u8| {
        household().pair(id(2), id(account), until, id(by), (&RULES, tuesday())).map(|_| ())
    };
    assert_eq!(pair(8, 9), Err(Refused::OwnHousehold));
    assert_eq!(pair(9, 9), Err(Refused::OwnPairing));
    assert_eq!(pair(3, 9), Ok(()));
    let closed = Household { closed_at: Some(tuesday()), ..household() };
    let refused = closed.pair(id(2), id(3), until, id(9), (&RULES, tuesday()));
    assert_eq!(refused.unwrap_err(), Refused::Closed);
}

#[test]
fn a_household_never_comes_to_be_that_of_whoever_looks_after_it() {
    let open = [pairing_in(Status::Active)];
    let own = Some(open[0].account);
    assert_eq!(household().belongs(own, &open), Err(Refused::OwnHousehold));
    assert_eq!(household().belongs(Some(id(8)), &open), Ok(()));
    assert_eq!(household().belongs(None, &open), Ok(()));
    assert_eq!(household().belongs(own, &[]), Ok(()), "once it is over");
}

#[test]
fn a_term_lies_ahead_and_has_an_end() {
    let pair = |until: &str| {
        household().pair(id(2), id(3), day(until), id(9), (&RULES, tuesday())).is_ok()
    };
    assert!(!pair("2026-11-24") && pair("2026-11-25") && pair("2028-11-23") && !pair("2028-11-24"));
}

#[test]
fn one_person_looks_after_so_many() {
    let proposed = pairing_in(Status::Proposed);
    assert!(proposed.accept(2, &RULES, tuesday()).is_ok());
    assert_eq!(proposed.accept(3, &RULES, tuesday()), Err(Refused::TooMany { limit: 3 }));
    let late = proposed.accept(0, &RULES, at("2027-07-01 00:00"));
    assert_eq!(late.unwrap_err().code(), "pairing_step_refused", "the term ran out meanwhile");
}

#[test]
fn a_reminder_comes_once_for_each_due_day() {
    let active = pairing_in(Status::Active);
    let ask = |pairing: &Pairing, seen, now: &str| pairing.day(seen, &RULES, at(now));
    assert!(ask(&active, (None, None), "2026-12-23 08:00").is_none());
    let reminded = ask(&active, (None, None), "2026-12-24 08:00").unwrap();
    assert_eq!(reminded.state.reminded_for, Some(day("2026-12-24")));
    assert_eq!(reminded.events[0].kind, EventKind::VisitDue);
    assert!(ask(&reminded.state, (None, None), "2026-12-30 08:00").is_none(), "once");
    // What the person planned comes first, and a visit begins a new count.
    let planned = (Some(at("2026-12-01 10:00")), Some(day("2026-12-10")));
    assert!(ask(&active, planned, "2026-12-09 08:00").is_none());
    assert!(ask(&active, planned, "2026-12-10 08:00").is_some());
    let unplanned = (Some(at("2026-12-25 10:00")), None);
    assert!(ask(&reminded.state, unplanned, "2027-01-23 08:00").is_none());
    assert!(ask(&reminded.state, unplanned, "2027-01-24 08:00").is_some());
    let proposed = pairing_in(Status::Proposed);
    assert!(ask(&proposed, (None, None), "2027-02-01 08:00").is_none(), "not agreed yet");
}

#[test]
fn a_form_names_all_its_faults() {
    let form = Form {
        community_code: "x",
        category: Category::Other,
        name: " ",
        address: "",
        phone: Some("123"),
        situation: None,
        account: None,
        consented_on: day("2026-11-25"),
    };
    let faults = form.parse(day("2026-11-24")).unwrap_err();
    let fields: Vec<&str> = faults.0.iter().map(|fault| fault.field.as_str()).collect();
    let all = ["community_code", "name", "address", "phone", "situation", "consented_on"];
    assert_eq!(fields, all);
}

#[test]
fn the_key_overlooks_white_space_and_nothing_prints() {
    let form = |name, address| Form {
        community_code: "140213066004",
        category: Category::LowIncome,
        name,
        address,
        phone: None,
        situation: None,
        account: None,
        consented_on: day("2026-11-24"),
    };
    let parse = |name, address| form(name, address).parse(day("2026-11-24")).unwrap();
    let one = parse("王强", "文兴家园 3 号楼 201");
    assert_eq!(one.key(), parse("王强", "文兴家园3号楼201").key());
    assert_ne!(one.key(), parse("王强", "文兴家园3号楼202").key());
    assert!(!format!("{:?}", one.name).contains("王强"));
}

#[test]
fn a_visit_lies_behind_and_the_next_ahead() {
    let visit = |visited_at, next_visit_on| {
        let visit = Visit {
            kind: VisitKind::Visit,
            visited_at,
            needed: Some("  ".into()),
            done: "送去米面，量了血压".into(),
            next_visit_on,
            complaint: None,
            corrects: None,
        };
        visit.check(tuesday()).map(|visit| visit.needed)
    };
    assert_eq!(visit(tuesday(), None), Ok(None));
    assert!(visit(at("2026-11-24 09:01"), None).is_err(), "in the future");
    assert!(visit(at("2026-10-20 09:00"), None).is_err(), "too long ago");
    assert!(visit(tuesday(), Some(day("2026-11-24"))).is_err());
    assert!(visit(tuesday(), Some(day("2026-11-25"))).is_ok());
    assert!(visit(tuesday(), Some(day("2027-06-30"))).is_err());
}
