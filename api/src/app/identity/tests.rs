//! Against a real database and without Redis, where PostgreSQL alone must hold.

use chrono::TimeDelta;
use domain::{
    identity::{Password, Role},
    org::NodeCode,
    page::{Limit, PageRequest},
};
use infra::postgres::{Pool, identity::AccountFilter};

use super::*;
use crate::{clock::Clock, config::Config};

const START: &str = "2026-11-24T08:00:00Z";
const PASSWORD: &str = "Kept-2026-safely";

fn state(db: Pool) -> State {
    let mut config = Config::load(None).unwrap();
    config.redis.url = "redis+unix:///nowhere/redis.sock".into();
    let clock = Clock::manual(START.parse().unwrap());
    State { db, ..State::build(config, clock).unwrap() }
}

fn pass(state: &State, time: TimeDelta) {
    state.clock.set(state.clock.now() + time);
}

fn here() -> Origin {
    Origin {
        request_id: Some("r-1".to_owned()),
        address: Some("192.0.2.1".to_owned()),
        user_agent: None,
    }
}

fn code<T>(result: Result<T, Error>) -> Option<&'static str> {
    result.err().and_then(|error| error.code())
}

async fn demo(state: &State, name: &str) -> LoggedIn {
    login_wechat(state, &format!("demo:{name}"), &here()).await.unwrap()
}

async fn staff(state: &State, username: &str, role: Role) -> AccountId {
    let district = NodeCode::parse("scope", "140213").unwrap();
    accounts::create_administrator(state, username, PASSWORD, role, &district).await.unwrap()
}

async fn by_password(state: &State, username: &str, password: &str) -> Result<LoggedIn, Error> {
    let (username, password) = (username.to_owned(), Password::typed(password.to_owned()));
    staff::login(state, staff::Proof { username, password, totp: None }, &here()).await
}

async fn audited(state: &State, action: &str) -> usize {
    let rows = sqlx::query_scalar::<_, String>("select action from audit_entry");
    rows.fetch_all(&state.db).await.unwrap().iter().filter(|row| *row == action).count()
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_resident_has_one_account_however_many_log_in_at_once(db: Pool) {
    let state = state(db);
    let logins = (0..10).map(|_| demo(&state, "li"));
    let all = futures::future::join_all(logins).await;
    let first = all.first().unwrap();
    assert!(all.iter().all(|login| login.account.id == first.account.id));
    assert_eq!(first.account.display_name, "演示居民 li");
    assert_eq!(first.grants, [Grant { role: Role::Resident, scope: "self".to_owned() }]);
    assert_ne!(demo(&state, "wang").await.account.id, first.account.id);
    let page = PageRequest { after: None, limit: Limit::DEFAULT };
    let named = |prefix| AccountFilter { prefix: Some(prefix), ..AccountFilter::default() };
    assert_eq!(accounts::list(&state, named("演示"), page).await.unwrap().len(), 2);
    assert_eq!(accounts::list(&state, named("示"), page).await.unwrap().len(), 0);
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_token_is_taken_until_log_out(db: Pool) {
    let state = state(db);
    let (phone, tablet) = (demo(&state, "li").await, demo(&state, "li").await);
    let who = authenticate(&state, &phone.access.token).await.unwrap().unwrap();
    assert_eq!(who.actor.account, phone.account.id);
    logout(&state, who.session).await.unwrap();
    assert!(authenticate(&state, &phone.access.token).await.unwrap().is_none());
    assert!(authenticate(&state, &tablet.access.token).await.unwrap().is_some());
    let refreshed = refresh(&state, &phone.refresh_token, &here()).await;
    assert_eq!(code(refreshed), Some("refresh_token_invalid"));
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_lost_answer_is_repeated_and_a_theft_ends_the_session(db: Pool) {
    let state = state(db);
    let zero = demo(&state, "li").await;
    let renew = async |token: &str| refresh(&state, token, &here()).await;

    let one = renew(&zero.refresh_token).await.unwrap();
    pass(&state, TimeDelta::seconds(10));
    let again = renew(&zero.refresh_token).await.unwrap();
    assert_eq!(one.refresh_token, again.refresh_token);
    assert!(authenticate(&state, &again.access.token).await.unwrap().is_some());

    let two = renew(&one.refresh_token).await.unwrap();
    assert_ne!(two.refresh_token, one.refresh_token);
    // The successor was used: whoever still holds the first token is not who lost an answer.
    assert_eq!(code(renew(&zero.refresh_token).await), Some("refresh_token_reused"));
    assert!(authenticate(&state, &two.access.token).await.unwrap().is_none());
    assert_eq!(code(renew(&two.refresh_token).await), Some("refresh_token_invalid"));
    assert_eq!(code(renew(&zero.refresh_token).await), Some("refresh_token_invalid"));
    assert_eq!(audited(&state, "session.reuse").await, 1);
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_replay_after_ten_seconds_is_a_reuse(db: Pool) {
    let state = state(db);
    let zero = demo(&state, "li").await;
    refresh(&state, &zero.refresh_token, &here()).await.unwrap();
    pass(&state, TimeDelta::seconds(11));
    let replayed = refresh(&state, &zero.refresh_token, &here()).await;
    assert_eq!(code(replayed), Some("refresh_token_reused"));
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn concurrent_refreshes_bring_one_successor(db: Pool) {
    let state = state(db);
    let zero = demo(&state, "li").await;
    let refreshes = (0..20).map(|_| async {
        refresh(&state, &zero.refresh_token, &here()).await.unwrap().refresh_token
    });
    let tokens = futures::future::join_all(refreshes).await;
    assert!(tokens.iter().all(|token| Some(token) == tokens.first()), "{}", tokens.len());
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn an_unused_refresh_token_and_a_session_end(db: Pool) {
    let state = state(db);
    staff(&state, "sysadmin", Role::SystemAdmin).await;
    let idle = by_password(&state, "sysadmin", PASSWORD).await.unwrap();
    pass(&state, TimeDelta::minutes(20));
    let late = refresh(&state, &idle.refresh_token, &here()).await;
    assert_eq!(code(late), Some("refresh_token_invalid"));

    let mut busy = by_password(&state, "sysadmin", PASSWORD).await.unwrap();
    for _ in 0..34 {
        pass(&state, TimeDelta::minutes(14));
        busy = refresh(&state, &busy.refresh_token, &here()).await.unwrap();
    }
    pass(&state, TimeDelta::minutes(4));
    let after_eight_hours = refresh(&state, &busy.refresh_token, &here()).await;
    assert_eq!(code(after_eight_hours), Some("refresh_token_invalid"));
    let (connection, now) = (&mut *state.db.acquire().await.unwrap(), state.clock.now());
    sessions::sweep(connection, now, now).await.unwrap();
    let ended: i64 =
        sqlx::query_scalar("select count(*) from session where end_reason = 'expired'")
            .fetch_one(&state.db)
            .await
            .unwrap();
    assert_eq!(ended, 2, "eight hours after each log-in");
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_password_is_guessed_five_times_at_most(db: Pool) {
    let state = state(db);
    staff(&state, "security", Role::SecurityAdmin).await;
    for _ in 0..4 {
        assert_eq!(code(by_password(&state, "security", "wrong").await), Some("bad_credentials"));
    }
    by_password(&state, "security", PASSWORD).await.unwrap();
    // The success began the count anew; guesses at once count like guesses in a row.
    let guesses = (0..12).map(|_| by_password(&state, "security", "wrong"));
    let codes: Vec<_> =
        futures::future::join_all(guesses).await.into_iter().map(|answer| code(answer)).collect();
    let tried = codes.iter().filter(|code| **code == Some("bad_credentials")).count();
    assert!((5..=6).contains(&tried), "{codes:?}");
    assert_eq!(code(by_password(&state, "security", PASSWORD).await), Some("account_locked"));
    assert_eq!(audited(&state, "account.lock").await, 1);
    pass(&state, TimeDelta::minutes(15));
    by_password(&state, "security", PASSWORD).await.unwrap();
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn an_unknown_name_is_refused_like_a_wrong_password(db: Pool) {
    let state = state(db);
    for name in ["nobody", "", "a\0b", "' or 1=1 --", "李"] {
        assert_eq!(code(by_password(&state, name, "x").await), Some("bad_credentials"), "{name}");
    }
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_disabled_account_is_out_at_once_and_stays_out(db: Pool) {
    let state = state(db);
    let id = staff(&state, "dept.heating", Role::DepartmentClerk).await;
    let admin = staff(&state, "security", Role::SecurityAdmin).await;
    let by = Actor { account: admin, grants: Vec::new() };
    let before = by_password(&state, "dept.heating", PASSWORD).await.unwrap();
    let reason = || "已调离岗位".to_owned();

    let own = accounts::disable(&state, Some(&by), admin, reason(), &here()).await;
    assert_eq!(code(own), Some("own_account"));
    for _ in 0..2 {
        let account = accounts::disable(&state, Some(&by), id, reason(), &here()).await.unwrap();
        assert_eq!(account.disabled_at, Some(state.clock.now()));
    }
    assert_eq!(audited(&state, "account.disable").await, 1);
    assert!(authenticate(&state, &before.access.token).await.unwrap().is_none());
    let refreshed = refresh(&state, &before.refresh_token, &here()).await;
    assert_eq!(code(refreshed), Some("refresh_token_invalid"));
    let right = by_password(&state, "dept.heating", PASSWORD).await;
    assert_eq!(code(right), Some("account_disabled"));
    let wrong = by_password(&state, "dept.heating", "x").await;
    assert_eq!(code(wrong), Some("bad_credentials"));

    let account = accounts::enable(&state, Some(&by), id, &here()).await.unwrap();
    assert_eq!((account.disabled_at, account.disabled_reason), (None, None));
    assert!(authenticate(&state, &before.access.token).await.unwrap().is_none());
    by_password(&state, "dept.heating", PASSWORD).await.unwrap();
    let nobody = accounts::enable(&state, None, random::id(state.clock.now()), &here()).await;
    assert_eq!(code(nobody), Some("not_found"));
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_username_is_taken_once(db: Pool) {
    let state = state(db);
    staff(&state, "security", Role::SecurityAdmin).await;
    let district = NodeCode::parse("scope", "140213").unwrap();
    let make = async |name: &str, password: &str| {
        code(accounts::create_administrator(&state, name, password, Role::Auditor, &district).await)
    };
    assert_eq!(make("security", PASSWORD).await, Some("username_taken"));
    assert_eq!(make("auditor", "short").await, Some("invalid_field"));
    assert_eq!(make("Auditor", PASSWORD).await, Some("invalid_field"));
    assert_eq!(make("auditor", PASSWORD).await, None);
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn log_ins_of_an_address_are_limited_without_redis_too(db: Pool) {
    let state = state(db);
    for _ in 0..300 {
        let answer = login_wechat(&state, "demo:a b", &here()).await;
        assert_eq!(code(answer), Some("wechat_code_invalid"));
    }
    assert_eq!(code(login_wechat(&state, "demo:li", &here()).await), Some("rate_limited"));
    let elsewhere = Origin { address: Some("192.0.2.2".to_owned()), ..here() };
    assert!(login_wechat(&state, "demo:li", &elsewhere).await.is_ok());
}

#[test]
fn a_demo_code_names_one_resident() {
    let (open_id, shown) = demo_resident("li").unwrap();
    assert_eq!((open_id.plain(), shown.as_str()), ("demo:li", "演示居民 li"));
    assert_eq!(demo_resident("party-7").unwrap().1, "演示党员7");
    assert!(demo_resident("欧阳").is_some());
    for bad in ["", "a b", "a:b", "a\n", &"x".repeat(41)] {
        assert!(demo_resident(bad).is_none(), "{bad}");
    }
}
