//! Every row × every change, and what a form says.

use super::*;
use crate::{id::Id, party::floating::Direction};

const FULL: &str = "11010519491231002X";

fn today() -> NaiveDate {
    "2026-11-24".parse().unwrap()
}

fn form() -> EntryForm<'static> {
    EntryForm {
        name: "王芳",
        id_number: FULL,
        branch: "party-140213066004-01",
        ..EntryForm::default()
    }
}

fn faults(form: &EntryForm<'_>) -> Vec<String> {
    form.parse(today()).unwrap_err().0.into_iter().map(|one| one.field).collect()
}

#[test]
fn a_full_number_says_sex_and_birth() {
    let entry = form().parse(today()).unwrap();
    assert_eq!((entry.sex, entry.born_on), (Some(Sex::Female), "1949-12-31".parse().ok()));
    assert_eq!((entry.ledger, entry.rank), (Ledger::Employed, Rank::None));
    assert_eq!(entry.identity().key(), "王芳\n31002X", "what registrations are matched by");
    let tail = EntryForm { id_number: "31002x", sex: Some(Sex::Male), ..form() };
    let tail = tail.parse(today()).unwrap();
    assert_eq!((tail.sex, tail.born_on), (Some(Sex::Male), None));
    assert_eq!(tail.identity().key(), "王芳\n31002X");
}

#[test]
fn a_form_names_every_fault() {
    let bad = EntryForm {
        name: " ",
        id_number: "1",
        phone: Some("138"),
        branch: "文兴",
        joined_on: "2027-01-01".parse().ok(),
        ledger: Some(Ledger::Floating),
        ..EntryForm::default()
    };
    let all = ["name", "id_number", "phone", "branch", "joined_on", "floating"];
    assert_eq!(faults(&bad), all);
    let contradicts =
        EntryForm { sex: Some(Sex::Male), born_on: "1950-01-01".parse().ok(), ..form() };
    assert_eq!(faults(&contradicts), ["sex", "born_on"]);
    let child = EntryForm { id_number: "10001X", born_on: "2010-01-01".parse().ok(), ..form() };
    assert_eq!(faults(&child), ["born_on"]);
    let early = EntryForm { joined_on: "1960-01-01".parse().ok(), ..form() };
    assert_eq!(faults(&early), ["joined_on"]);
    let many: Vec<String> = (0..21).map(|n| format!("技能{n}")).collect();
    assert_eq!(faults(&EntryForm { skills: &many, ..form() }), ["skills"]);
    let float = FloatForm {
        direction: Direction::In,
        other_branch: None,
        other_name: None,
        place: "",
        since: today(),
        contact: None,
        ledger: None,
    };
    let settled = EntryForm { floating: Some(float.clone()), ..form() };
    assert_eq!(faults(&settled), ["floating"], "who does not float has no other end");
    let floats = EntryForm { ledger: Some(Ledger::Floating), floating: Some(float), ..form() };
    assert_eq!(faults(&floats), ["floating.place", "floating.other_name"]);
}

fn row(ledger: Ledger, removed: bool) -> Row {
    Row {
        id: MemberId::from_parts(chrono::DateTime::UNIX_EPOCH, &[1; 10]),
        version: 1,
        branch: NodeCode::parse("branch", "party-140213066004-01").ok(),
        group: None,
        ledger,
        rank: Rank::None,
        standing: Standing::Full,
        health: Health::Good,
        sex: None,
        born_on: None,
        joined_on: None,
        work_unit: None,
        skills: Vec::new(),
        has_number: false,
        account: None,
        removed,
    }
}

/// Every ledger × every step: floating begins and ends by itself, the others by a change.
#[test]
fn each_ledger_has_its_steps() {
    for ledger in Ledger::ALL {
        for to in Ledger::ALL {
            let relisted = row(*ledger, false).relist(*to).map(|row| row.ledger);
            let expected = match (*ledger, *to) {
                (Ledger::Floating, _) | (_, Ledger::Floating) => Err(Refused::FloatingByItself),
                (from, to) if from == to => Err(Refused::SameLedger(to)),
                (_, to) => Ok(to),
            };
            assert_eq!(relisted, expected, "{ledger} → {to}");
            let back = row(*ledger, false).come_back(*to).map(|row| row.ledger);
            let expected = match (*ledger, *to) {
                (Ledger::Floating, Ledger::Floating) => Err(Refused::FloatingByItself),
                (Ledger::Floating, to) => Ok(to),
                _ => Err(Refused::NotFloating),
            };
            assert_eq!(back, expected, "{ledger} back to {to}");
            assert_eq!(row(*ledger, true).relist(*to), Err(Refused::Removed));
            assert_eq!(row(*ledger, true).come_back(*to), Err(Refused::Removed));
        }
        let floats = row(*ledger, false).float().map(|row| row.ledger);
        let expected = match ledger {
            Ledger::Floating => Err(Refused::AlreadyFloating),
            _ => Ok(Ledger::Floating),
        };
        assert_eq!(floats, expected, "{ledger}");
        assert_eq!(row(*ledger, true).float(), Err(Refused::Removed));
        let gone = row(*ledger, true).change(&Change::default(), today());
        assert_eq!(gone, Err(Unchanged::Refused(Refused::Removed)));
    }
}

#[test]
fn a_number_is_filled_in_once_and_says_the_rest() {
    let number = IdNumber::parse("id_number", FULL).unwrap();
    let change = Change { number: Some(number), ..Change::default() };
    let filled = row(Ledger::Direct, false).change(&change, today()).unwrap();
    assert_eq!((filled.sex, filled.has_number), (Some(Sex::Female), true));
    let again = filled.change(&change, today());
    assert_eq!(again, Err(Unchanged::Refused(Refused::NumberFixed)));
    // What the number says is not changed beside it.
    let man = Change { sex: Some(Sex::Male), ..Change::default() };
    assert!(matches!(filled.change(&man, today()), Err(Unchanged::Invalid(_))));
    let before = row(Ledger::Direct, false).change(&man, today()).unwrap();
    assert_eq!(before.sex, Some(Sex::Male));
    let early = Change { joined_on: "1960-01-01".parse().ok(), ..Change::default() };
    assert!(matches!(filled.change(&early, today()), Err(Unchanged::Invalid(_))));
}

#[test]
fn an_empty_text_takes_away() {
    let form = ChangeForm { phone: Some(""), work_unit: Some(" "), ..ChangeForm::default() };
    let change = form.parse(&Change::default()).unwrap();
    assert_eq!((change.phone.clone(), change.work_unit.clone()), (Some(None), Some(None)));
    assert_eq!(change.fields(), ["phone", "work_unit"]);
    assert!(ChangeForm::default().parse(&Change::default()).is_err(), "nothing is named");
    let health = Change { health: Some(Health::Frail), ..Change::default() };
    let frail = ChangeForm::default().parse(&health).unwrap();
    assert_eq!(row(Ledger::Direct, false).change(&frail, today()).unwrap().health, Health::Frail);
}

#[test]
fn ranks_up_to_the_section_are_bound() {
    let bound: Vec<Rank> = Rank::ALL.iter().copied().filter(|rank| rank.is_bound()).collect();
    assert_eq!(bound, [Rank::None, Rank::Clerk, Rank::SectionDeputy, Rank::Section]);
}
