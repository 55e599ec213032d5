use super::{power::PowerKind, *};
use crate::{refusal::Refusal, testing::*};

/// An hour after the task was dispatched.
fn now() -> Timestamp {
    at("2026-11-24 10:00")
}

fn certificate(n: u8) -> Certificate {
    Certificate {
        id: id(n),
        number: format!("晋-B-{n:04}"),
        holder: id(n),
        unit: code("urban-management"),
        valid_from: "2026-01-01".parse().unwrap(),
        valid_until: "2026-11-24".parse().unwrap(),
        status: CertificateStatus::Registered,
        version: 1,
    }
}

fn power() -> power::Power {
    power::Power {
        code: "street-vending".to_owned(),
        kind: PowerKind::Own,
        name: "对擅自占道经营的处罚".to_owned(),
        devolved_by: None,
        basis: "《城市市容和环境卫生管理条例》".to_owned(),
    }
}

fn given(kind: ActKind) -> Given<'static> {
    Given {
        kind,
        power: "street-vending",
        certificates: &[],
        party: (PartyKind::Person, "王某某"),
        place: "文兴路口东北角",
        occurred_at: at("2026-11-24 09:30"),
        document_no: Some("平城执罚字2026第1号"),
        amount_fen: None,
        content: "占道摆摊，当场劝离。",
    }
}

fn record(kind: ActKind) -> Record {
    let shown = [id(1), id(2)];
    Record::parse(&Given { certificates: &shown, ..given(kind) }).unwrap()
}

fn decide(record: &Record, task: &Task, shown: &[Certificate]) -> Result<Decision<Task>, Refused> {
    let officers = Officers { certificates: shown, recorder: id(1) };
    let filed = [ActKind::CaseFiled];
    record.decide(id(9), task, Some(&power()), &officers, &filed, now())
}

fn code_of<T: std::fmt::Debug>(decided: Result<T, Refused>) -> &'static str {
    decided.unwrap_err().code()
}

const RECORDED: [ActKind; 6] = [
    ActKind::Persuasion,
    ActKind::Inspection,
    ActKind::Order,
    ActKind::SpotPenalty,
    ActKind::CaseFiled,
    ActKind::Penalty,
];

#[test]
fn every_kind_of_act_in_every_state_of_its_task() {
    for status in task::Status::ALL {
        for kind in RECORDED {
            let task = task_in(*status);
            let decided = decide(&record(kind), &task, &[certificate(1), certificate(2)]);
            if RECORDED_IN.contains(status) {
                let decision = decided.unwrap();
                check_events(&decision);
                assert_eq!(decision.state, task, "an act leaves its task as it is");
                assert_eq!(decision.events[0].visibility, Visibility::Unit);
            } else {
                assert_eq!(decided.unwrap_err(), Refused::TaskStep(*status), "{kind}");
            }
        }
    }
}

#[test]
fn an_act_is_withdrawn_once_whatever_became_of_its_task() {
    let shown = [certificate(1)];
    let officers = Officers { certificates: &shown, recorder: id(1) };
    for status in task::Status::ALL {
        for kind in ActKind::ALL {
            for standing in ActStatus::ALL {
                let act = Act { id: id(5), kind: *kind, status: *standing };
                let decided = act.withdraw(id(6), &task_in(*status), &officers, &[], now());
                if *standing == ActStatus::Standing && *kind != ActKind::Withdrawal {
                    check_events(&decided.unwrap());
                } else {
                    assert_eq!(code_of(decided), "act_step_refused");
                }
            }
        }
    }
    let filed = Act { id: id(5), kind: ActKind::CaseFiled, status: ActStatus::Standing };
    let task = task_in(task::Status::Confirmed);
    let withdrawn = |standing: &[ActKind]| filed.withdraw(id(6), &task, &officers, standing, now());
    let rests = withdrawn(&[ActKind::CaseFiled, ActKind::Penalty]);
    assert_eq!(code_of(rests), "act_penalty_stands");
    assert!(withdrawn(&[ActKind::CaseFiled, ActKind::CaseFiled, ActKind::Penalty]).is_ok());
    assert!(withdrawn(&[ActKind::CaseFiled]).is_ok(), "the penalty was withdrawn first");
    let act = Act { id: id(5), kind: ActKind::Order, status: ActStatus::Standing };
    let nobody = Officers { certificates: &[], recorder: id(1) };
    assert_eq!(code_of(act.withdraw(id(6), &task, &nobody, &[], now())), "act_officers_too_few");
}

#[test]
fn a_certificate_in_every_state() {
    for status in CertificateStatus::ALL {
        let one = Certificate { status: *status, ..certificate(1) };
        let revoked = *status == CertificateStatus::Revoked;
        assert_eq!(one.revoke().is_err(), revoked);
        for (day, within) in [
            ("2025-12-31", false),
            ("2026-01-01", true),
            ("2026-11-24", true),
            ("2026-11-25", false),
        ] {
            let counts = one.counts(day.parse().unwrap()).is_ok();
            assert_eq!(counts, within && !revoked, "{day}");
        }
    }
}

#[test]
fn officers_are_enough_of_the_unit_and_certified() {
    let task = task_in(task::Status::Acknowledged);
    let two = record(ActKind::Order);
    let with = |change: fn(&mut Certificate)| {
        let mut second = certificate(2);
        change(&mut second);
        decide(&two, &task, &[certificate(1), second])
    };
    with(|_| ()).unwrap();
    assert_eq!(code_of(decide(&two, &task, &[certificate(1)])), "act_officers_too_few");
    assert_eq!(code_of(with(|it| it.holder = id(1))), "act_officers_too_few");
    assert_eq!(code_of(with(|it| it.unit = code("water"))), "certificate_foreign");
    let revoked = with(|it| it.status = CertificateStatus::Revoked);
    assert_eq!(code_of(revoked), "certificate_not_valid");
    let expired = with(|it| it.valid_until = "2026-11-23".parse().unwrap());
    assert_eq!(code_of(expired), "certificate_not_valid");
    let others = [certificate(2), certificate(3)];
    assert_eq!(code_of(decide(&two, &task, &others)), "act_recorder_not_officer");
    decide(&record(ActKind::Persuasion), &task, &[certificate(1)]).unwrap();
}

#[test]
fn power_time_and_the_case_before_a_penalty() {
    let task = task_in(task::Status::Acknowledged);
    let shown = [certificate(1), certificate(2)];
    let officers = Officers { certificates: &shown, recorder: id(1) };
    let penalty = record(ActKind::Penalty);
    let without = penalty.decide(id(9), &task, None, &officers, &[], now());
    assert_eq!(without.unwrap_err().fields()[0].field, "power");
    let unfiled = penalty.decide(id(9), &task, Some(&power()), &officers, &[], now());
    assert_eq!(code_of(unfiled), "act_case_not_filed");
    for wrong in ["2026-11-24 08:59", "2026-11-24 10:01"] {
        let record = Record { occurred_at: at(wrong), ..record(ActKind::Order) };
        let refused = decide(&record, &task, &shown).unwrap_err();
        assert_eq!(refused.fields()[0].field, "occurred_at", "{wrong}");
    }
    // The certificate ends on the day of the act: the day after it does not record it any more.
    let late = penalty.decide(
        id(9),
        &task,
        Some(&power()),
        &officers,
        &[ActKind::CaseFiled],
        at("2026-11-25 09:00"),
    );
    assert_eq!(code_of(late), "certificate_not_valid");
}

#[test]
fn every_part_that_is_wrong_is_named() {
    let fields = |given: Given<'_>| {
        let Err(Invalid(fields)) = Record::parse(&given) else { return Vec::new() };
        fields.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    let shown = [id(1), id(2)];
    let good = |kind| Given { certificates: &shown, ..given(kind) };
    for kind in RECORDED {
        assert!(fields(good(kind)).is_empty(), "{kind}");
        let unwritten = fields(Given { document_no: Some(" "), ..good(kind) });
        assert_eq!(!unwritten.is_empty(), kind.is_in_writing(), "{kind}");
        let fined = fields(Given { amount_fen: Some(20_000), ..good(kind) });
        assert_eq!(fined.is_empty(), kind.is_penalty(), "{kind}");
    }
    assert_eq!(fields(good(ActKind::Withdrawal)), ["kind"]);
    let spot = |kind, amount| {
        let party = (kind, "文兴便利店");
        fields(Given { party, amount_fen: Some(amount), ..good(ActKind::SpotPenalty) })
    };
    for (kind, most) in [(PartyKind::Person, 20_000), (PartyKind::Organisation, 300_000)] {
        assert!(spot(kind, most).is_empty());
        assert_eq!(spot(kind, most + 1), ["amount_fen"]);
        assert_eq!(spot(kind, 0), ["amount_fen"]);
    }
    assert!(fields(Given { amount_fen: Some(300_001), ..good(ActKind::Penalty) }).is_empty());
    let twice = [id(1), id(1)];
    assert_eq!(fields(Given { certificates: &twice, ..good(ActKind::Order) }), ["certificates.1"]);
    let empty = Given {
        power: "",
        certificates: &[],
        party: (PartyKind::Person, ""),
        place: "",
        content: "无",
        ..given(ActKind::Order)
    };
    assert_eq!(fields(empty), ["power", "party.name", "place", "content", "certificates"]);
}

#[test]
fn a_certificate_is_registered_with_all_its_parts() {
    let dates = ("2026-01-01".parse().unwrap(), "2030-12-31".parse().unwrap());
    Register::parse("晋-B-0213-0001", "dept.urban-management", "urban-management", dates).unwrap();
    let Err(Invalid(faults)) = Register::parse("1", "x", "?", (dates.1, dates.0)) else {
        panic!("it was taken")
    };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["number", "holder", "unit", "valid_until"]);
    assert!(Reason::parse(" ").is_err());
}

#[test]
fn a_name_never_prints() {
    let shown = format!("{:?}", record(ActKind::Order));
    assert!(!shown.contains("王某某"), "{shown}");
}
