use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use infra::{
    postgres::{Pool, identity as accounts},
    random,
};
use serde_json::json;

use super::*;
use crate::{clock::Clock, config::Config};

fn state(db: Pool) -> State {
    let mut config = Config::load(None).unwrap();
    config.redis.url = "redis+unix:///nowhere/redis.sock".into();
    let clock = Clock::manual("2026-11-24T08:00:00Z".parse().unwrap());
    State { db, ..State::build(config, clock).unwrap() }
}

fn once(state: &State, key: &str, command: &str) -> Once {
    Once::new(&state.crypto, None, "test.create", key.to_owned(), &command).unwrap()
}

/// Makes an account and answers with its id; refuses when `limit` have been made.
async fn create(state: &State, once: Once, limit: i64) -> Result<Answer<u64>, Error> {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let now = state.clock.now();
    run(state, once, 201, move |tx| {
        Box::pin(async move {
            // One at a time, as an effect on a hot row would be.
            sqlx::query("select pg_advisory_xact_lock(1)").execute(&mut *tx).await?;
            let made: i64 =
                sqlx::query_scalar("select count(*) from account").fetch_one(&mut *tx).await?;
            if made >= limit {
                return Err(Basic::Forbidden.into());
            }
            let id = random::id(now);
            let username = format!("u{}", RUNS.fetch_add(1, Ordering::Relaxed));
            let staff = accounts::NewStaff {
                id,
                username: &format!("{username}-x"),
                password_hash: "x",
                display_name: "x",
            };
            accounts::insert_staff(tx, &staff, now).await?;
            Ok((json!({ "id": id }), 1))
        })
    })
    .await
}

async fn sweep(state: &State) -> u64 {
    let connection = &mut *state.db.acquire().await.unwrap();
    idempotency::sweep(connection, expired(state.clock.now())).await.unwrap()
}

async fn effects(state: &State) -> i64 {
    sqlx::query_scalar("select count(*) from account").fetch_one(&state.db).await.unwrap()
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn one_key_has_one_effect_and_one_answer(db: Pool) {
    let state = state(db);
    let first = create(&state, once(&state, "key-0001", "a"), 100).await.unwrap();
    assert_eq!((first.status, first.fresh), (201, Some(1)));
    let again = create(&state, once(&state, "key-0001", "a"), 100).await.unwrap();
    assert_eq!((again.status, again.fresh), (201, None));
    assert_eq!(again.body, first.body);
    assert_eq!(effects(&state).await, 1);

    let other = create(&state, once(&state, "key-0001", "b"), 100).await.unwrap_err();
    assert_eq!(other.code(), Some("idempotency_key_reused"));
    let elsewhere = create(&state, once(&state, "key-0002", "a"), 100).await.unwrap();
    assert_ne!(elsewhere.body, first.body);
    assert_eq!(effects(&state).await, 2);
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_repeat_is_answered_even_if_it_would_be_refused_by_now(db: Pool) {
    let state = state(db);
    let first = create(&state, once(&state, "key-0001", "a"), 1).await.unwrap();
    let again = create(&state, once(&state, "key-0001", "a"), 1).await.unwrap();
    assert_eq!(again.body, first.body);
    let new = create(&state, once(&state, "key-0002", "a"), 1).await.unwrap_err();
    assert_eq!(new.code(), Some("forbidden"));
    // A refusal is not kept: the key is free for a better time.
    assert!(create(&state, once(&state, "key-0002", "a"), 2).await.is_ok());
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn twins_wait_and_get_the_first_answer(db: Pool) {
    let state = Arc::new(state(db));
    for limit in [1, 100] {
        let key = format!("key-{limit:04}");
        let before = effects(&state).await;
        let twins = (0..20).map(|_| create(&state, once(&state, &key, "a"), before + limit));
        let answers = futures::future::join_all(twins).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers.iter().filter(|answer| answer.fresh.is_some()).count(), 1);
        assert!(answers.iter().all(|answer| answer.body == answers[0].body));
        assert_eq!(effects(&state).await, before + 1);
    }
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_key_is_remembered_for_a_day(db: Pool) {
    let state = state(db);
    let first = create(&state, once(&state, "key-0001", "a"), 100).await.unwrap();
    let later = |hours| {
        state
            .clock
            .set("2026-11-24T08:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::hours(hours));
    };
    later(23);
    assert_eq!(sweep(&state).await, 0);
    let again = create(&state, once(&state, "key-0001", "a"), 100).await.unwrap();
    assert_eq!(again.body, first.body);
    later(24);
    let new = create(&state, once(&state, "key-0001", "b"), 100).await.unwrap();
    assert!(new.fresh.is_some(), "forgotten although nothing swept it away");
    later(49);
    assert_eq!(sweep(&state).await, 1);
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn callers_and_operations_never_meet(db: Pool) {
    let state = state(db);
    let now = state.clock.now();
    let ask = |caller, operation| {
        Once::new(&state.crypto, caller, operation, "key-0001".to_owned(), &"a").unwrap()
    };
    for once in [
        ask(None, "test.create"),
        ask(Some(random::id(now)), "test.create"),
        ask(Some(random::id(now)), "test.create"),
        ask(None, "test.other"),
    ] {
        assert!(create(&state, once, 100).await.unwrap().fresh.is_some());
    }
    assert_eq!(effects(&state).await, 4);
}
