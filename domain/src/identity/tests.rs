use super::*;

const RULE: LockoutRule = LockoutRule { failures: 5, period: TimeDelta::minutes(15) };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

#[test]
fn the_fifth_failure_locks_for_a_quarter_of_an_hour() {
    let mut lockout = Lockout::default();
    for failures in 1..=4 {
        lockout = lockout.failed(RULE, at(0));
        assert_eq!((lockout.failures, lockout.until), (failures, None));
        assert!(lockout.check(at(0)).is_ok());
    }
    lockout = lockout.failed(RULE, at(0));
    assert_eq!(lockout.check(at(0)), Err(Refused::AccountLocked { minutes: 15 }));
    assert_eq!(lockout.check(at(899)), Err(Refused::AccountLocked { minutes: 1 }));
    assert!(lockout.check(at(900)).is_ok());
    let again = lockout.failed(RULE, at(900));
    assert_eq!((again.failures, again.until), (1, None), "a passed lock begins anew");
}

#[test]
fn a_refresh_token_is_exchanged_once() {
    let fresh = Presented {
        expires_at: at(100),
        used_at: None,
        successor_used: false,
        session_over: false,
    };
    assert_eq!(fresh.rotation(at(99)), Rotation::Issue);
    assert_eq!(fresh.rotation(at(100)), Rotation::Refuse);

    let used = Presented { used_at: Some(at(0)), ..fresh };
    assert_eq!(used.rotation(at(0)), Rotation::Repeat);
    assert_eq!(used.rotation(at(10)), Rotation::Repeat);
    assert_eq!(used.rotation(at(11)), Rotation::Revoke);
    assert_eq!(used.rotation(at(500)), Rotation::Revoke, "also after its own end");
    let passed_on = Presented { successor_used: true, ..used };
    assert_eq!(passed_on.rotation(at(1)), Rotation::Revoke);

    for presented in [fresh, used, passed_on] {
        let over = Presented { session_over: true, ..presented };
        assert_eq!(over.rotation(at(1)), Rotation::Refuse);
    }
}

#[test]
fn a_password_is_long_mixed_and_silent() {
    let name = Username::parse("username", "li.ming").unwrap();
    let choose = |given: &str| Password::choose("password", given, &name);
    assert_eq!(format!("{:?}", choose("Lamp-post-2027").unwrap()), "***");
    assert!(choose("山西大同平城区水泊寺街道2026").is_ok());
    for bad in ["short-1", "onlyletters-only", "123456789012", "li.ming-2026-pass"] {
        assert!(choose(bad).is_err(), "{bad}");
    }
    assert!(choose(&"a1".repeat(65)).is_err());
}

#[test]
fn usernames() {
    for good in ["dispatcher", "dept.urban-management", "community.140213066004"] {
        assert!(Username::parse("username", good).is_ok(), "{good}");
    }
    for bad in ["", "a", "Li", "li ming", "李", "a\0b", "a_b"] {
        assert!(Username::parse("username", bad).is_err(), "{bad}");
    }
}

#[test]
fn every_permission_is_somebody_s_and_none_is_the_auditor_s_to_write() {
    use Permission as P;
    let all = [
        P::ReadSelf,
        P::SubmitComplaint,
        P::OwnComplaint,
        P::ReadComplaint,
        P::CentreDesk,
        P::ExcludeComplaint,
        P::ReadTask,
        P::WorkTask,
        P::WriteNote,
        P::KeepTemplate,
        P::JudgeTask,
        P::ReadRates,
        P::Staff,
        P::ManageAccounts,
        P::ManageJobs,
        P::UsePoints,
        P::ManageOffers,
        P::VerifyRedemption,
        P::ReadLedger,
        P::Register,
        P::SignRegistration,
        P::OrganisePost,
        P::ClaimPost,
        P::LiftPause,
    ];
    for permission in all {
        let roles = permission.roles();
        assert!(!roles.is_empty(), "{permission:?}");
        let reads = matches!(
            permission,
            P::ReadSelf | P::ReadComplaint | P::ReadTask | P::ReadRates | P::Staff | P::ReadLedger
        );
        assert!(reads || !roles.contains(&Role::Auditor), "{permission:?}");
    }
}
