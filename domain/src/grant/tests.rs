use super::*;
use crate::id::Id;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn account(number: u8) -> AccountId {
    AccountId::from_parts(NOW, &[number; 10])
}

fn proposal(status: Status) -> Proposal {
    Proposal {
        version: 1,
        status,
        kind: Kind::Grant,
        holder: Holder::Account(account(3)),
        grant: Grant { role: Role::Dispatcher, scope: "140213".to_owned() },
        urgent: false,
        by: account(1),
        expires_at: NOW + TimeDelta::days(7),
    }
}

#[test]
fn every_status_and_step_by_everybody() {
    for status in Status::ALL {
        let one = proposal(*status);
        for step in Step::ALL {
            for (proposed, concerned) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                let who = Decider { proposed, concerned };
                let waits = *status == Status::Proposed;
                let wanted = match step {
                    _ if !waits => None,
                    Step::Approve if !proposed && !concerned => Some(Status::Approved),
                    Step::Refuse if !proposed && !concerned => Some(Status::Refused),
                    Step::Withdraw if proposed => Some(Status::Withdrawn),
                    // Not before its time.
                    _ => None,
                };
                assert_eq!(one.step(*step, who, NOW).ok(), wanted, "{status} {step} {who:?}");
            }
        }
    }
}

#[test]
fn its_time_ends_at_the_instant() {
    let one = proposal(Status::Proposed);
    let (last, over) = (one.expires_at - TimeDelta::milliseconds(1), one.expires_at);
    let other = Decider::default();
    assert_eq!(one.step(Step::Approve, other, last), Ok(Status::Approved));
    assert!(one.step(Step::Expire, other, last).is_err());
    assert_eq!(
        one.step(Step::Approve, other, over),
        Err(Refused::Step { step: Step::Approve, status: Status::Expired })
    );
    assert_eq!(one.step(Step::Expire, other, over), Ok(Status::Expired));
}

#[test]
fn each_step_stands_in_the_table_once() {
    for step in Step::ALL {
        assert_eq!(TRANSITIONS.iter().filter(|(one, ..)| one == step).count(), 1, "{step}");
    }
}

#[test]
fn what_a_decision_does_to_the_role() {
    for status in Status::ALL {
        for kind in Kind::ALL {
            for urgent in [false, true] {
                let one = Proposal { kind: *kind, urgent, ..proposal(Status::Proposed) };
                let approved = *status == Status::Approved;
                let ended = !approved && *status != Status::Proposed;
                let wanted = match (kind, urgent) {
                    (Kind::Grant | Kind::Account, _) => approved.then_some(true),
                    (Kind::Revoke, false) => approved.then_some(false),
                    (Kind::Revoke, true) => ended.then_some(true),
                };
                assert_eq!(one.effect(*status), wanted, "{kind} {urgent} {status}");
            }
        }
    }
}

#[test]
fn the_three_administrators_are_apart_from_everybody() {
    for held in Role::ALL {
        for new in Role::ALL {
            let admin = [held, new].iter().any(|one| ADMINISTRATION.contains(one));
            let person = [held, new].iter().any(|one| !one.is_staff());
            let fits = held == new || person || !admin;
            assert_eq!(apart(&[*held], *new).is_ok(), fits, "{held} {new}");
        }
    }
    assert!(apart(&[], Role::Auditor).is_ok());
    assert!(apart(&[Role::Resident, Role::Leader], Role::Auditor).is_err());
}

#[test]
fn every_role_says_on_what_it_is_held() {
    for role in Role::ALL {
        assert_eq!(FITS.iter().filter(|(one, _)| one == role).count(), 1, "{role}");
        assert_eq!(places(*role).is_empty(), !role.is_staff(), "{role}");
    }
}

#[test]
fn two_administrators_are_always_left() {
    assert_eq!(enough(1), Err(Refused::LastAdministrators));
    assert_eq!(enough(2), Ok(()));
    assert_eq!(bootstrap(1), Ok(()));
    assert_eq!(bootstrap(2), Err(Refused::TakesTwo));
}

fn form(kind: Kind) -> Form<'static> {
    let new = kind == Kind::Account;
    Form {
        kind,
        account: (!new).then(|| account(3)),
        username: new.then_some("leader.2"),
        display_name: new.then_some("区领导二"),
        role: Role::Leader,
        scope: "140213",
        reason: "岗位调整",
        urgent: false,
    }
}

fn fields(form: Form<'_>) -> Vec<String> {
    let Err(Invalid(fields)) = Propose::parse(form) else { return Vec::new() };
    fields.into_iter().map(|field| field.field).collect()
}

#[test]
fn a_proposal_is_whole() {
    for kind in Kind::ALL {
        assert_eq!(fields(form(*kind)), Vec::<String>::new(), "{kind}");
        assert_eq!(fields(Form { role: Role::Resident, ..form(*kind) }), ["role"]);
        assert_eq!(fields(Form { scope: " ", ..form(*kind) }), ["scope"]);
        assert_eq!(fields(Form { reason: "", ..form(*kind) }), ["reason"]);
        let urgent = fields(Form { urgent: true, ..form(*kind) });
        assert_eq!(urgent.is_empty(), *kind == Kind::Revoke, "{urgent:?}");
    }
    assert_eq!(fields(Form { account: None, ..form(Kind::Grant) }), ["account"]);
    assert_eq!(fields(Form { username: Some("x1"), ..form(Kind::Revoke) }), ["username"]);
    let new = form(Kind::Account);
    assert_eq!(fields(Form { account: Some(account(3)), ..new }), ["account"]);
    assert_eq!(fields(Form { username: Some("Leader 2"), ..new }), ["username"]);
    assert_eq!(fields(Form { username: None, display_name: None, ..new }).len(), 2);
}

#[test]
fn an_urgent_one_waits_a_working_day() {
    let parsed = |urgent| Propose::parse(Form { urgent, ..form(Kind::Revoke) }).unwrap();
    assert_eq!((parsed(true).waits(), parsed(false).waits()), (URGENT_WAITS, WAITS));
}
