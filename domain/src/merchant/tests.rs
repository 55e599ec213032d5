use super::{settlement, *};
use crate::{
    refusal::Refusal,
    testing::{at, id},
};

fn application(status: Status) -> Application {
    Application { status, ..Application::submit(id(1), id(2)) }
}

fn rulings() -> Vec<Ruling> {
    let code = MerchantCode::parse("code", "happy-shop").unwrap();
    vec![
        Ruling::Approve(code),
        Ruling::SendBack("地址不全".to_owned()),
        Ruling::Refuse("不在本区".to_owned()),
    ]
}

#[test]
fn exactly_the_listed_steps_are_allowed() {
    let now = at("2026-11-24 09:00");
    for status in Status::ALL {
        let one = application(*status);
        let mut results: Vec<(Step, Result<Status, Refused>)> = rulings()
            .iter()
            .map(|ruling| (ruling.step(), one.decide(ruling, id(3), now)))
            .map(|(step, decided)| (step, decided.map(|decision| decision.state.status)))
            .collect();
        for step in [Step::Correct, Step::Withdraw] {
            results.push((step, one.take_up(step).map(|state| state.status)));
        }
        assert_eq!(results.len(), Step::ALL.len());
        for (step, result) in results {
            let listed =
                TRANSITIONS.iter().find(|(one, from, _)| *one == step && from.contains(status));
            match listed {
                Some((_, _, to)) => assert!(to.contains(&result.unwrap()), "{step} from {status}"),
                None => assert_eq!(result, Err(Refused::Step { step, status: *status })),
            }
        }
    }
}

#[test]
fn nobody_decides_his_own_application() {
    for ruling in rulings() {
        let refused = application(Status::Pending).decide(&ruling, id(2), at("2026-11-24 09:00"));
        assert_eq!(refused.unwrap_err(), Refused::OwnApplication);
    }
}

#[test]
fn a_decision_tells_the_applicant_and_says_why() {
    let now = at("2026-11-24 09:00");
    let back = Ruling::SendBack("地址不全".to_owned());
    let decided = application(Status::Pending).decide(&back, id(3), now).unwrap();
    assert_eq!(decided.state.reason.as_deref(), Some("地址不全"));
    assert_eq!(decided.events[0].note.as_deref(), Some("地址不全"));
    let again = decided.state.take_up(Step::Correct).unwrap();
    assert_eq!((again.decided, again.reason), (None, None), "it waits as if it were new");
}

#[test]
fn a_ruling_says_what_it_needs() {
    let fields = |step, code, reason| {
        let refused: Invalid = Ruling::parse(step, code, reason).unwrap_err();
        refused.0.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(Step::Approve, None, None), ["code"]);
    assert_eq!(fields(Step::Approve, Some("店"), None), ["code"]);
    assert_eq!(fields(Step::SendBack, None, None), ["reason"]);
    assert_eq!(fields(Step::Refuse, None, Some(" ")), ["reason"]);
    assert_eq!(fields(Step::Withdraw, None, None), ["decision"]);
}

/// Known codes; each other character in any place is refused.
#[test]
fn a_licence_keeps_its_check_character() {
    for good in ["91350100M000100Y43", "9135 0100m0001 00y43"] {
        assert_eq!(Licence::parse("licence", good).unwrap().plain(), "91350100M000100Y43");
    }
    let good = b"91350100M000100Y43";
    for place in 0..18 {
        for other in b"0123456789ABCDEFGHJKLMNPQRTUWXY" {
            let mut code = good.to_vec();
            if code[place] == *other {
                continue;
            }
            code[place] = *other;
            let code = String::from_utf8(code).unwrap();
            assert!(Licence::parse("licence", &code).is_err(), "{code}");
        }
    }
    for bad in
        ["", "9135", "91350100M000100Y4", "91350100M000100Y433", "91350100I000100Y43", "统一"]
    {
        assert!(Licence::parse("licence", bad).is_err(), "{bad}");
    }
    let licence = Licence::parse("licence", "91350100M000100Y43").unwrap();
    assert!(!format!("{licence:?}").contains("9135"));
}

fn statement(status: settlement::Status, open: i64) -> settlement::Statement {
    settlement::Statement { status, dispute_until: at("2026-12-08 00:00"), open }
}

#[test]
fn exactly_the_listed_steps_of_a_statement_are_allowed() {
    use settlement::{Status, Step, TRANSITIONS};
    for status in Status::ALL {
        for step in Step::ALL {
            let listed =
                TRANSITIONS.iter().find(|(one, from, _)| one == step && from.contains(status));
            for (now, over) in [(at("2026-12-07 23:59"), false), (at("2026-12-08 00:00"), true)] {
                let stepped = statement(*status, 0).step(*step, now);
                match listed {
                    None => assert_eq!(
                        stepped,
                        Err(Refused::SettlementStep { step: *step, status: *status })
                    ),
                    Some(_) if *step == Step::Dispute && over => {
                        assert_eq!(stepped.unwrap_err().code(), "settlement_dispute_closed");
                    }
                    Some(_) if *step == Step::Pay && *status == Status::Frozen && !over => {
                        assert_eq!(stepped.unwrap_err().code(), "settlement_not_confirmed");
                    }
                    Some((_, _, to)) => assert!(to.contains(&stepped.unwrap())),
                }
            }
        }
    }
    for step in [Step::Confirm, Step::Pay] {
        let refused = statement(Status::Frozen, 2).step(step, at("2026-12-09 00:00"));
        assert_eq!(refused, Err(Refused::DisputesOpen(2)));
    }
}

#[test]
fn an_answer_names_its_amount_only_when_it_agrees() {
    use settlement::Answer;
    assert!(Answer::parse(true, Some(-350), "多算了一份").is_ok());
    assert!(Answer::parse(false, None, "核对无误").is_ok());
    for (uphold, fen) in [(true, None), (true, Some(0)), (true, Some(i64::MIN)), (false, Some(1))] {
        let refused: Invalid = Answer::parse(uphold, fen, "多算了一份").unwrap_err();
        assert_eq!(refused.0[0].field, "fen", "{uphold} {fen:?}");
    }
    assert_eq!([1230, -5, 0].map(settlement::yuan), ["12.30", "-0.05", "0.00"]);
}
