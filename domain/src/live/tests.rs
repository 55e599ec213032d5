use super::*;
use crate::{
    id::{ComplaintId, Id, WhistleId},
    identity::{Actor, Grant, Role},
};

const UNIT: &str = "urban-management";
const OTHER: &str = "housing";
const COMMUNITY: &str = "140213066004";

fn id<I: Id>(number: u8) -> I {
    I::from_parts(chrono::DateTime::UNIX_EPOCH, &[number; 10])
}

fn code(text: &str) -> NodeCode {
    NodeCode::parse("unit", text).unwrap()
}

fn scope(account: u8, grants: &[(Role, &str)]) -> Scope {
    let grants =
        grants.iter().map(|(role, scope)| Grant { role: *role, scope: (*scope).to_owned() });
    Scope::of(&Actor { account: id(account), grants: grants.collect() })
}

/// An event of a case that [`UNIT`] handles, about its task.
fn event(visibility: Visibility) -> Readers {
    Readers {
        case: Case::Complaint(id::<ComplaintId>(1)),
        readers: CaseReaders {
            reporter: Some(id(9)),
            community: Some(code(COMMUNITY)),
            units: vec![code(UNIT), code(OTHER)],
            reported_unit: None,
        },
        blower: None,
        visibility,
        unit: Some(code(UNIT)),
        body: None,
        task: Some(TaskPart { id: id(2), unit: code(UNIT), body: None }),
    }
}

fn heard(event: Readers, scope: &Scope) -> Option<Topic> {
    let happening = Happening {
        place: Place::end_of(1),
        kind: EventKind::TaskReplied,
        seq: 3,
        at: chrono::DateTime::UNIX_EPOCH,
        hearers: Hearers::Readers(Box::new(event)),
    };
    happening.told(scope).map(|told| told.topic)
}

#[test]
fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
    let inside = Place { transaction: 12, subject: Uuid::from_u128(7), nth: 3 };
    for place in [inside, Place::end_of(12), Place { nth: 0, ..inside }, Place::end_of(0)] {
        assert_eq!(Place::parse(&place.to_string()), Some(place));
    }
    assert_eq!(Place::end_of(12).to_string(), "12");
    assert!(inside < Place::end_of(12) && Place::end_of(12) < Place { transaction: 13, ..inside });
    let long = "9".repeat(19);
    for bad in [
        "",
        "-",
        "x",
        "+1",
        "-1",
        " 1",
        "1 ",
        "01",
        "1-",
        "1-2",
        "1-2-3",
        "1--3",
        "１",
        "1\u{0}",
        &long,
        "1-00000000000000000000000000000007--1",
        "1-00000000000000000000000000000007-03",
        "1-00000000000000000000000000000007-3-4",
        "1-00000000-0000-0000-0000-000000000007-3",
        "1-0000000000000000000000000000000A-3",
        "1-00000000000000000000000000000007-99999999999",
        "1-ffffffffffffffffffffffffffffffff-2147483647",
        "1';drop table event;--",
    ] {
        assert_eq!(Place::parse(bad), None, "{bad}");
    }
}

#[test]
fn each_hears_what_the_timeline_shows() {
    use Visibility::{Centre, Everyone, Reporter, Unit};
    let centre = scope(1, &[(Role::Dispatcher, "140213")]);
    let lead = scope(2, &[(Role::DepartmentClerk, UNIT)]);
    let assist = scope(3, &[(Role::DepartmentHead, OTHER)]);
    let officer = scope(4, &[(Role::CommunityOfficer, COMMUNITY)]);
    let above = scope(5, &[(Role::SubdistrictOfficer, "140213066")]);
    let foreign = scope(6, &[(Role::DepartmentClerk, "education")]);
    let neighbour = scope(7, &[(Role::CommunityOfficer, "140213066005")]);
    let security = scope(8, &[(Role::SecurityAdmin, "140213")]);
    let own = scope(9, &[(Role::DepartmentClerk, UNIT)]);
    let (task, case) = (Some(Topic::Task), Some(Topic::Complaint));
    for (who, all, reporter, unit, inside) in [
        (&centre, task, task, task, task),
        (&lead, task, None, task, None),
        // Of another unit's task it learns that the case moved, not which task.
        (&assist, case, None, None, None),
        (&officer, case, None, None, None),
        (&above, case, None, None, None),
        (&foreign, None, None, None, None),
        (&neighbour, None, None, None, None),
        (&security, None, None, None, None),
        // Who reported it reads it as a reporter, whatever else they are.
        (&own, task, task, None, None),
    ] {
        let heard = [Everyone, Reporter, Unit, Centre].map(|sees| heard(event(sees), who));
        assert_eq!(heard, [all, reporter, unit, inside], "{who:?}");
    }
}

#[test]
fn whoever_is_reported_hears_nothing_of_the_report() {
    let mut report = event(Visibility::Everyone);
    report.readers.reported_unit = Some(code(UNIT));
    assert_eq!(heard(report.clone(), &scope(2, &[(Role::DepartmentClerk, UNIT)])), None);
    assert_eq!(heard(report, &scope(3, &[(Role::DepartmentHead, OTHER)])), Some(Topic::Complaint));
}

#[test]
fn the_blower_hears_of_every_unit_that_it_called_and_a_body_of_what_it_was_handed() {
    let mut called = event(Visibility::Unit);
    called.case = Case::Whistle(id::<WhistleId>(1));
    called.blower = Some(code(COMMUNITY));
    let officer = scope(4, &[(Role::CommunityOfficer, COMMUNITY)]);
    assert_eq!(heard(called.clone(), &officer), Some(Topic::Task));
    assert_eq!(heard(event(Visibility::Unit), &officer), None);
    called.blower = None;
    called.body = Some(COMMUNITY.to_owned());
    assert_eq!(heard(called.clone(), &officer), Some(Topic::Whistle), "the event names it");
    called.body = None;
    called.task = called.task.map(|task| TaskPart { body: Some(code(COMMUNITY)), ..task });
    assert_eq!(heard(called, &officer), Some(Topic::Task), "it was handed the task");
}

#[test]
fn a_notification_is_heard_by_its_owner_alone() {
    let told = Happening {
        place: Place::end_of(1),
        kind: EventKind::Merged,
        seq: 1,
        at: chrono::DateTime::UNIX_EPOCH,
        hearers: Hearers::Account(id(1), id(5)),
    };
    let centre = [(Role::Dispatcher, "140213")];
    let heard = told.told(&scope(1, &centre)).unwrap();
    assert_eq!((heard.topic, heard.notification), (Topic::Notification, Some(id(5))));
    assert_eq!((heard.case, heard.task), (None, None));
    assert_eq!(told.told(&scope(2, &centre)), None);
}
