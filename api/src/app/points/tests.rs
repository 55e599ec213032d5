//! Awards and expiry against a real database.

use chrono::TimeDelta;
use domain::{
    identity::{Actor, Grant, Role, SCOPE_SELF},
    page::{Limit, PageRequest},
    points::Ground,
    scope::Scope,
};
use infra::postgres::{Pool, points::read};

use super::*;
use crate::{app::transact, clock::Clock, config::Config, jobs};

fn state(db: Pool) -> State {
    let mut config = Config::load(None).unwrap();
    config.redis.url = "redis+unix:///nowhere/redis.sock".into();
    let clock = Clock::manual("2026-11-24T08:00:00Z".parse().unwrap());
    State { db, ..State::build(config, clock).unwrap() }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn resident(state: &State) -> AccountId {
    let id: AccountId = random::id(state.clock.now());
    sqlx::query("insert into account (id, display_name, created_at) values ($1, 'x', $2)")
        .bind(id.0)
        .bind(state.clock.now())
        .execute(&state.db)
        .await
        .unwrap();
    id
}

fn scope(account: AccountId) -> Scope {
    let grants = vec![Grant { role: Role::Resident, scope: SCOPE_SELF.to_owned() }];
    Scope::of(&Actor { account, grants })
}

async fn serve(state: &State, account: AccountId, minutes: i64, on: NaiveDate) -> i64 {
    // One after the other: what was done in one instant has no order.
    state.clock.set(state.clock.now() + TimeDelta::seconds(1));
    let (here, now) = (state.clone(), state.clock.now());
    let claim = random::id::<LedgerTxId>(now).0;
    let service =
        Service { account, claim, post_kind: "elderly", minutes, factor_percent: 100, on };
    let served = transact(&state.db, move |tx| {
        Box::pin(async move { award_service(tx, &here, &service, now).await })
    });
    served.await.unwrap()
}

async fn points(state: &State, account: AccountId) -> i64 {
    let conn = &mut *state.db.acquire().await.unwrap();
    read::balance(conn, &scope(account)).await.unwrap().posted
}

async fn lines(state: &State, account: AccountId) -> Vec<(EntryKind, i64)> {
    let conn = &mut *state.db.acquire().await.unwrap();
    let page = PageRequest { after: None, limit: Limit::DEFAULT };
    let entries = read::entries(conn, &scope(account), page).await.unwrap();
    entries.into_iter().map(|entry| (entry.kind, entry.points)).collect()
}

async fn adds_up(state: &State) {
    let found = violations(state).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_day_gives_eight_points_at_most_also_at_once(db: Pool) {
    let state = state(db);
    let (li, today) = (resident(&state).await, day("2026-11-24"));
    assert_eq!(serve(&state, li, 30, today).await, 0);
    assert_eq!(points(&state, li).await, 0, "nothing is posted for nothing");
    assert_eq!(serve(&state, li, 150, today).await, 2);
    let at_once = futures::future::join_all((0..5).map(|_| serve(&state, li, 180, today))).await;
    assert_eq!(at_once.iter().sum::<i64>(), 6, "{at_once:?}");
    assert_eq!(serve(&state, li, 180, day("2026-11-25")).await, 3, "another day has its own eight");
    assert_eq!(points(&state, li).await, 11);
    adds_up(&state).await;
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_cause_is_awarded_once(db: Pool) {
    let state = state(db);
    let (li, now) = (resident(&state).await, state.clock.now());
    let given = Award {
        account: li,
        points: 200,
        source: Source::Service,
        cause: "service:seed-1".to_owned(),
        on: time::date(now),
        data: json!({}),
    };
    let once = async || {
        let (here, given) = (state.clone(), given.clone());
        transact(&state.db, move |tx| Box::pin(async move { award(tx, &here, &given, now).await }))
            .await
    };
    once().await.unwrap();
    assert!(matches!(once().await, Err(Error::Internal(_))));
    assert_eq!(points(&state, li).await, 200);
    let conn = &mut *state.db.acquire().await.unwrap();
    assert!(store::awarded_before(conn, "service:seed-1").await.unwrap());
}

/// A closed complaint whose lead unit's reply was confirmed with this outcome.
async fn complaint(state: &State, reporter: AccountId, kind: &str, outcome: &str) -> ComplaintId {
    let now = state.clock.now();
    let id: ComplaintId = random::id(now);
    sqlx::query(
        "with community as (
             insert into org_node (code, tree, kind, name)
             values ('140213066004', 'admin', 'community', '文兴社区'), ('housing', 'admin', 'department', '住建局')
             on conflict do nothing
         )
         insert into complaint (id, number, query_code_mac, status, kind, title, content, community_code,
             channel, confidential, reachable, reporter_id, submitted_at, clock_from, closed_at, closed_as)
         values ($1, 'PC20261124' || lpad(nextval('complaint_number')::text, 6, '0'), '', 'closed', $2,
             '路灯', '路灯不亮了', '140213066004', 'mini_program', false, true, $3, $4, $4, $4, 'evaluated')",
    )
    .bind(id.0)
    .bind(kind)
    .bind(reporter.0)
    .bind(now)
    .execute(&state.db)
    .await
    .unwrap();
    sqlx::query(
        "insert into task (id, complaint_id, unit, role, line, status, urgency, dispatched_at,
             acknowledge_by, reply_by, return_by, reply_text, reply_outcome, confirmed_at, ended_at)
         values ($1, $1, 'housing', 'lead', 0, 'confirmed', 'ordinary', $2, $2, $2, $2, '已修好', $3, $2, $2)",
    )
    .bind(id.0)
    .bind(now)
    .bind(outcome)
    .execute(&state.db)
    .await
    .unwrap();
    id
}

async fn award_appeal(state: &State, complaint: ComplaintId) {
    let (here, now) = (state.clone(), state.clock.now());
    let done = transact(&state.db, move |tx| {
        Box::pin(async move { AwardAppeal { complaint }.award(tx, &here, now).await })
    });
    done.await.unwrap();
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn a_verified_appeal_is_awarded_once_and_two_in_a_week(db: Pool) {
    let state = state(db);
    let li = resident(&state).await;
    let first = complaint(&state, li, "help", "solved").await;
    futures::future::join_all((0..4).map(|_| award_appeal(&state, first))).await;
    assert_eq!(points(&state, li).await, 5, "once, also at once");
    for (kind, outcome) in [("inquiry", "solved"), ("help", "explained"), ("grievance", "refused")]
    {
        let other = complaint(&state, li, kind, outcome).await;
        award_appeal(&state, other).await;
        assert_eq!(points(&state, li).await, 5, "{kind} {outcome}");
    }
    let second = complaint(&state, li, "suggestion", "partly").await;
    award_appeal(&state, second).await;
    let third = complaint(&state, li, "report", "solved").await;
    award_appeal(&state, third).await;
    assert_eq!(points(&state, li).await, 10, "the week is full");
    state.clock.set("2026-11-30T00:00:00Z".parse().unwrap());
    let fourth = complaint(&state, li, "report", "solved").await;
    award_appeal(&state, fourth).await;
    award_appeal(&state, first).await;
    assert_eq!(points(&state, li).await, 15, "next week has its own two");
    assert!(lines(&state, li).await.iter().all(|line| *line == (EntryKind::Earn, 5)));
    adds_up(&state).await;
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn points_run_out_at_the_end_of_the_next_year(db: Pool) {
    let state = state(db);
    let people = futures::future::join_all((0..3).map(|_| resident(&state))).await;
    for person in &people {
        serve(&state, *person, 120, day("2026-11-24")).await;
    }
    state.clock.set("2027-06-01T00:00:00Z".parse().unwrap());
    serve(&state, people[0], 180, day("2027-06-01")).await;
    let end: Timestamp = "2027-12-31T16:00:00Z".parse().unwrap();
    let warned = state.config.points.warned_until(end - TimeDelta::days(20));
    let conn = &mut *state.db.acquire().await.unwrap();
    let expiring = read::expiring(conn, &scope(people[0]), warned).await.unwrap();
    assert_eq!(expiring, [read::Expiring { points: 2, at: end }]);

    let run_out = async |at: Timestamp| {
        state.clock.set(at);
        transact(&state.db, move |tx| Box::pin(async move { expire(tx, at).await })).await.unwrap();
        jobs::drain(&state).await;
    };
    run_out(end - TimeDelta::seconds(1)).await;
    assert_eq!(points(&state, people[0]).await, 5);
    run_out(end).await;
    for (person, left) in people.iter().zip([3, 0, 0]) {
        assert_eq!(points(&state, *person).await, left);
    }
    assert_eq!(lines(&state, people[1]).await, [(EntryKind::Expire, -2), (EntryKind::Earn, 2)]);
    adds_up(&state).await;
}

async fn take_back_of(state: &State, account: AccountId) -> Result<reversal::Reversal, Error> {
    let now = state.clock.now();
    let id = last_award(state, account).await;
    let why = Why { ground: Ground::Mistake, words: Some("重复登记".to_owned()), by: None };
    transact(&state.db, move |tx| Box::pin(async move { take_back(tx, id, &why, now).await })).await
}

async fn last_award(state: &State, account: AccountId) -> LedgerTxId {
    let conn = &mut *state.db.acquire().await.unwrap();
    let page = PageRequest { after: None, limit: Limit::DEFAULT };
    let entries = read::entries(conn, &scope(account), page).await.unwrap();
    entries.iter().find(|entry| entry.kind == EntryKind::Earn).unwrap().id
}

/// Spends points as a redemption does, without an offer.
async fn spend(state: &State, account: AccountId, points: i64) {
    let now = state.clock.now();
    let spent = transact(&state.db, move |tx| {
        Box::pin(async move {
            let lots = store::spendable(tx, account, now).await?;
            let parts = domain::points::take(&lots, points).unwrap();
            let id: LedgerTxId = random::id(now);
            let posting = Posting {
                id,
                kind: EntryKind::Adjust,
                cause: &id.to_string(),
                amount: points,
                from: account.0,
                to: store::ADJUSTMENT,
                data: &json!({}),
                award: None,
                reverses: None,
            };
            store::post(tx, &posting, now).await?;
            Ok(store::take_parts(tx, account.0, &parts).await?)
        })
    });
    spent.await.unwrap();
}

async fn owed(state: &State, account: AccountId) -> i64 {
    let conn = &mut *state.db.acquire().await.unwrap();
    let debts = store::reversal::debts(conn, account).await.unwrap();
    debts.iter().map(|debt| debt.points).sum()
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn an_award_is_taken_back_once_also_at_once(db: Pool) {
    let state = state(db);
    let (li, today) = (resident(&state).await, day("2026-11-24"));
    serve(&state, li, 180, today).await;
    state.clock.set(state.clock.now() + TimeDelta::hours(1));
    serve(&state, li, 240, day("2026-11-25")).await;
    let tries = futures::future::join_all((0..4).map(|_| take_back_of(&state, li))).await;
    let codes: Vec<_> =
        tries.iter().filter_map(|one| one.as_ref().err().map(Error::code)).collect();
    assert_eq!(codes, [Some("award_already_reversed"); 3]);
    let done = tries.into_iter().find_map(Result::ok).unwrap();
    assert_eq!((done.points, done.owed), (4, 0));
    assert_eq!(points(&state, li).await, 3);
    assert!(lines(&state, li).await.contains(&(EntryKind::Reverse, -4)));
    // The day has room again.
    assert_eq!(serve(&state, li, 480, day("2026-11-25")).await, 8);
    adds_up(&state).await;
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn what_was_spent_is_owed_and_made_good_later(db: Pool) {
    let state = state(db);
    let (li, today) = (resident(&state).await, day("2026-11-24"));
    serve(&state, li, 480, today).await;
    spend(&state, li, 5).await;
    let done = take_back_of(&state, li).await.unwrap();
    assert_eq!((done.points, done.owed), (8, 5));
    assert_eq!((points(&state, li).await, owed(&state, li).await), (0, 5));
    adds_up(&state).await;
    assert_eq!(serve(&state, li, 180, day("2026-11-25")).await, 3);
    assert_eq!((points(&state, li).await, owed(&state, li).await), (0, 2));
    assert_eq!(serve(&state, li, 240, day("2026-11-26")).await, 4);
    assert_eq!((points(&state, li).await, owed(&state, li).await), (2, 0));
    let kinds: Vec<_> = lines(&state, li).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == EntryKind::Offset).count(), 2);
    adds_up(&state).await;
    // The award that made a debt good can be taken back as well.
    let again = take_back_of(&state, li).await.unwrap();
    assert_eq!((again.points, again.owed), (4, 2));
    assert_eq!((points(&state, li).await, owed(&state, li).await), (0, 2));
    adds_up(&state).await;
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn what_ran_out_is_not_asked_for_again(db: Pool) {
    let state = state(db);
    let li = resident(&state).await;
    serve(&state, li, 300, day("2026-11-24")).await;
    spend(&state, li, 1).await;
    let first = last_award(&state, li).await;
    let end: Timestamp = "2027-12-31T16:00:00Z".parse().unwrap();
    state.clock.set(end);
    transact(&state.db, move |tx| Box::pin(async move { expire(tx, end).await })).await.unwrap();
    serve(&state, li, 60, day("2028-01-01")).await;
    let why = Why { ground: Ground::Untrue, words: None, by: None };
    let taken = transact(&state.db, move |tx| {
        Box::pin(async move { take_back(tx, first, &why, end).await })
    });
    let taken = taken.await.unwrap();
    assert_eq!((taken.points, taken.owed), (5, 0), "four ran out, one comes from the later lot");
    assert_eq!(points(&state, li).await, 0);
    adds_up(&state).await;
}

async fn correct(state: &State, account: AccountId, claim: Uuid, minutes: i64) -> i64 {
    let (here, now, on) = (state.clone(), state.clock.now(), day("2026-11-24"));
    let service =
        Service { account, claim, post_kind: "elderly", minutes, factor_percent: 100, on };
    let corrected = transact(&state.db, move |tx| {
        Box::pin(async move { correct_service(tx, &here, &service, now).await })
    });
    corrected.await.unwrap()
}

#[sqlx::test(migrator = "infra::postgres::MIGRATIONS")]
async fn corrected_hours_are_awarded_anew_and_the_first_award_is_taken_back(db: Pool) {
    let state = state(db);
    let (li, claim) = (resident(&state).await, random::id::<LedgerTxId>(state.clock.now()).0);
    assert_eq!(correct(&state, li, claim, 50).await, 0, "nothing before and nothing now");
    assert_eq!(correct(&state, li, claim, 240).await, 4);
    assert_eq!(correct(&state, li, claim, 240).await, 4, "the second click changes nothing");
    assert_eq!(lines(&state, li).await.len(), 1);
    // Later in the next year: the points still run out when the first ones would have.
    state.clock.set("2027-02-01T00:00:00Z".parse().unwrap());
    let both = futures::join!(correct(&state, li, claim, 120), correct(&state, li, claim, 120));
    assert_eq!(both, (2, 2));
    assert_eq!(points(&state, li).await, 2);
    let conn = &mut *state.db.acquire().await.unwrap();
    let end: Timestamp = "2027-12-31T16:00:00Z".parse().unwrap();
    let expiring = read::expiring(conn, &scope(li), end).await.unwrap();
    assert_eq!(expiring, [read::Expiring { points: 2, at: end }]);
    assert_eq!(correct(&state, li, claim, 20).await, 0);
    assert_eq!(
        correct(&state, li, claim, 600).await,
        8,
        "the day's cap holds for the corrected too"
    );
    let expected = [
        (EntryKind::Earn, 4),
        (EntryKind::Reverse, -4),
        (EntryKind::Earn, 2),
        (EntryKind::Reverse, -2),
        (EntryKind::Earn, 8),
    ];
    let mut moved = lines(&state, li).await;
    moved.sort_by_key(|line| expected.iter().position(|one| one == line));
    assert_eq!(moved, expected);
    adds_up(&state).await;
}
