//! The books by themselves: what the database refuses whoever asks, and what the view sees.

use std::collections::BTreeSet;

use domain::{
    id::{OfferId, RedemptionId},
    offer::{Category, MerchantCode, NewOffer},
    points::take,
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgPool};

use super::*;
use crate::{
    postgres::{
        offer::{self, Merchant},
        redemption::{self, NewHold, Sealed},
        violated,
    },
    random,
};

fn now() -> Timestamp {
    "2026-11-24T00:30:00Z".parse().unwrap()
}

fn later() -> Timestamp {
    "2028-01-01T00:00:00Z".parse().unwrap()
}

async fn person(conn: &mut Connection) -> AccountId {
    let id: AccountId = random::id(now());
    sqlx::query("insert into account (id, display_name, created_at) values ($1, 'x', $2)")
        .bind(id.0)
        .bind(now())
        .execute(&mut *conn)
        .await
        .unwrap();
    open(conn, id, now()).await.unwrap();
    id
}

fn award<'a>(account: AccountId, cause: &'a str, amount: i64, data: &'a Value) -> Posting<'a> {
    Posting {
        id: random::id(now()),
        kind: EntryKind::Earn,
        cause,
        amount,
        from: ISSUANCE,
        to: account.0,
        data,
        award: Some((Source::Service, domain::time::date(now()), "test")),
        reverses: None,
    }
}

async fn give(
    conn: &mut Connection,
    account: AccountId,
    cause: &str,
    points: i64,
    until: Timestamp,
) {
    let (data, id) = (json!({}), random::id(now()));
    let given = Posting { id, ..award(account, cause, points, &data) };
    post(conn, &given, now()).await.unwrap();
    let lot = NewLot {
        id: random::id(now()),
        account: account.0,
        points,
        expires_at: until,
        given_by: id,
    };
    add_lot(conn, &lot).await.unwrap();
}

async fn publish(conn: &mut Connection, stock: i64) -> OfferId {
    let code = MerchantCode::parse("code", "wenxing").unwrap();
    let merchant = Merchant { code: code.clone(), name: "文兴".to_owned(), address: None };
    offer::upsert_merchants(conn, &[merchant], now()).await.unwrap();
    let id = random::id(now());
    let new = NewOffer {
        title: "午餐".to_owned(),
        category: Category::Dining,
        points: 10,
        stock,
        per_person: 5,
        valid_until: later(),
        merchant: code,
        details: Default::default(),
    };
    assert!(offer::publish(conn, id, &new, None, now()).await.unwrap());
    assert!(!offer::publish(conn, id, &new, None, now()).await.unwrap(), "once");
    id
}

async fn reserve(
    conn: &mut Connection,
    account: AccountId,
    id: OfferId,
    slot: i16,
) -> RedemptionId {
    reserve_with(conn, account, id, slot, &[]).await.0
}

/// Which of the digits were taken, too.
async fn reserve_with(
    conn: &mut Connection,
    account: AccountId,
    id: OfferId,
    slot: i16,
    digits: &[Sealed],
) -> (RedemptionId, Option<usize>) {
    let hold = random::id(now());
    let parts = take(&spendable(conn, account, now()).await.unwrap(), 10).unwrap();
    let new = NewHold {
        id: hold,
        account,
        offer: id,
        client_key: &hold.to_string(),
        slot,
        points: 10,
        parts: &parts,
        expires_at: later(),
        code: &Sealed { index: hold.0.as_bytes().to_vec(), sealed: b"sealed".to_vec() },
        merchant: "wenxing",
        digits,
    };
    let taken = redemption::hold(conn, &new, now()).await.unwrap();
    assert!(offer::claim_unit(conn, id, hold).await.unwrap());
    (hold, taken)
}

async fn redeemed(conn: &mut Connection, account: AccountId, hold: RedemptionId) {
    let place = redemption::find(conn, redemption::By::Id(hold)).await.unwrap().unwrap();
    let (cause, data) = (hold.to_string(), json!({}));
    let posting = Posting {
        id: LedgerTxId(hold.0),
        kind: EntryKind::Redeem,
        from: account.0,
        to: place.payee,
        award: None,
        ..award(account, &cause, 10, &data)
    };
    post(conn, &posting, now()).await.unwrap();
    redemption::confirm(conn, hold, account, now()).await.unwrap();
}

/// A person with 25 points in two lots, one verified and one pending hold, and a refunded one.
async fn town(pool: &PgPool) -> (AccountId, OfferId) {
    let conn = &mut *pool.acquire().await.unwrap();
    let account = person(conn).await;
    give(conn, account, "service:1", 15, "2027-01-01T00:00:00Z".parse().unwrap()).await;
    give(conn, account, "service:2", 30, later()).await;
    let id = publish(conn, 5).await;
    let verified = reserve(conn, account, id, 1).await;
    redeemed(conn, account, verified).await;
    reserve(conn, account, id, 2).await;
    let refunded = reserve(conn, account, id, 3).await;
    redeemed(conn, account, refunded).await;
    let payee = redemption::find(conn, redemption::By::Id(refunded)).await.unwrap().unwrap().payee;
    let (cause, data) = (refunded.to_string(), json!({}));
    let back = Posting {
        kind: EntryKind::Reverse,
        from: payee,
        reverses: Some(LedgerTxId(refunded.0)),
        award: None,
        ..award(account, &cause, 10, &data)
    };
    post(conn, &back, now()).await.unwrap();
    redemption::refund(conn, refunded, now()).await.unwrap();
    (account, id)
}

async fn rules(conn: &mut Connection) -> BTreeSet<&'static str> {
    violations(conn).await.unwrap().into_iter().map(|one| one.rule.code()).collect()
}

#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn a_movement_balances_or_does_not_commit(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let account = person(conn).await;
    let flawed = [
        ("one entry", "insert into ledger_entry values ($1, 1, $2, 5, $3)"),
        ("no entry", "select $1::uuid, $2::uuid, $3::timestamptz"),
        (
            "a sum that is not zero",
            "insert into ledger_entry values ($1, 1, $2, 5, $3), ($1, 2, '00000000-0000-7000-8000-000000000001', -4, $3)",
        ),
    ];
    for (what, entries) in flawed {
        let mut tx = conn.begin().await.unwrap();
        let id = random::id::<LedgerTxId>(now());
        sqlx::query("insert into ledger_tx (id, kind, cause, at) values ($1, 'adjust', $2, $3)")
            .bind(id.0)
            .bind(what)
            .bind(now())
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(AssertSqlSafe(entries))
            .bind(id.0)
            .bind(account.0)
            .bind(now())
            .execute(&mut *tx)
            .await
            .unwrap();
        let refused = tx.commit().await.expect_err(what);
        assert_eq!(violated(&refused), Some("ledger_tx_balanced"), "{what}: {refused}");
    }
    // An entry added to an old movement unbalances it as well.
    give(conn, account, "service:1", 5, later()).await;
    let late = "insert into ledger_entry select id, 3, $1, 1, at from ledger_tx";
    let refused = sqlx::query(late).bind(account.0).execute(&mut *conn).await.unwrap_err();
    assert_eq!(violated(&refused), Some("ledger_entry_balanced"));
}

#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn the_books_are_only_added_to(pool: PgPool) {
    town(&pool).await;
    for table in ["ledger_tx", "ledger_entry", "hold_lot"] {
        let column = if table == "ledger_tx" { "cause = 'x'" } else { "amount = amount + 1" };
        for statement in [
            format!("update {table} set {column}"),
            format!("delete from {table}"),
            format!("truncate {table} cascade"),
        ] {
            let refused = sqlx::query(AssertSqlSafe(statement.clone())).execute(&pool).await;
            let refused = refused.expect_err(&statement).to_string();
            assert!(refused.contains("append-only"), "{statement}: {refused}");
        }
    }
    for statement in ["delete from hold", "truncate hold cascade"] {
        assert!(sqlx::query(statement).execute(&pool).await.is_err(), "{statement}");
    }
    assert!(rules(&mut pool.acquire().await.unwrap()).await.is_empty());
}

#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn what_ended_stays_ended(pool: PgPool) {
    town(&pool).await;
    for change in [
        "state = 'pending', ended_at = null, slot = 1",
        "state = 'cancelled', slot = null",
        "slot = 9",
        "points = points + 1",
    ] {
        let statement = format!("update hold set {change} where state = 'confirmed'");
        let refused = sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap_err();
        assert!(refused.to_string().contains("final"), "{change}: {refused}");
    }
}

#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn a_cause_moves_points_once_and_no_figure_goes_below_zero(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let account = person(conn).await;
    give(conn, account, "service:1", 5, later()).await;
    let again = post(conn, &award(account, "service:1", 5, &json!({})), now()).await.unwrap_err();
    assert_eq!(violated(&again), Some("ledger_tx_cause"));
    assert!(caused(conn, EntryKind::Earn, "service:1").await.unwrap());
    assert!(!caused(conn, EntryKind::Redeem, "service:1").await.unwrap());
    for (table, change, constraint) in [
        ("points_account", "posted = -1", "points_account_balance"),
        ("points_account", "held = 6", "points_account_balance"),
        ("points_account", "held = -1", "points_account_balance"),
        ("point_lot", "remaining = -1", "point_lot_balance"),
        ("point_lot", "held = 6", "point_lot_balance"),
        ("point_lot", "remaining = 6", "point_lot_balance"),
    ] {
        let statement = format!("update {table} set {change} where held is not null");
        let refused = sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await.unwrap_err();
        assert_eq!(violated(&refused), Some(constraint), "{change}");
    }
}

#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn a_reversed_award_counts_in_no_cap(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let account = person(conn).await;
    let today = domain::time::date(now());
    let tomorrow = today.succ_opt().unwrap();
    let posting = award(account, "service:1", 5, &Value::Null);
    let data = json!({});
    post(conn, &Posting { data: &data, ..posting.clone() }, now()).await.unwrap();
    let count = awarded(conn, account, &[Source::Service], (today, tomorrow)).await.unwrap();
    assert_eq!(count, (5, 1));
    let elsewhere = awarded(conn, account, &[Source::Appeal], (today, tomorrow)).await.unwrap();
    assert_eq!(elsewhere, (0, 0));
    let other_day = awarded(conn, account, &[Source::Service], (tomorrow, tomorrow)).await.unwrap();
    assert_eq!(other_day, (0, 0));
    let back = Posting {
        id: random::id(now()),
        kind: EntryKind::Reverse,
        from: account.0,
        to: ISSUANCE,
        data: &data,
        award: None,
        reverses: Some(posting.id),
        ..posting.clone()
    };
    post(conn, &back, now()).await.unwrap();
    let count = awarded(conn, account, &[Source::Service], (today, tomorrow)).await.unwrap();
    assert_eq!(count, (0, 0));
    let twice = Posting { id: random::id(now()), cause: "again", ..back };
    let refused = post(conn, &twice, now()).await.unwrap_err();
    assert_eq!(violated(&refused), Some("ledger_tx_reversed_once"));
}

/// The view is empty while the books add up, and each rule speaks when its figure is falsified by
/// hand, with the triggers off.
#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn every_falsified_figure_shows(pool: PgPool) {
    town(&pool).await;
    let conn = &mut *pool.acquire().await.unwrap();
    assert_eq!(rules(conn).await, BTreeSet::new());
    let falsified = [
        ("balanced", "update ledger_entry set amount = amount + 1 where seq = 2"),
        ("balanced", "delete from ledger_entry"),
        ("total_zero", "update ledger_entry set amount = amount + 1 where seq = 2"),
        ("posted_is_entries", "update points_account set posted = posted + 1 where kind = 'user'"),
        (
            "lots_are_posted",
            "update point_lot set remaining = remaining - 1 where remaining > held",
        ),
        ("lots_are_held", "update point_lot set held = held - 1 where held > 0"),
        ("held_is_pending", "update points_account set held = held - 1 where kind = 'user'"),
        ("hold_is_parts", "delete from hold_lot"),
        ("units_are_stock", "delete from offer_unit where hold is null"),
        ("taken_is_held", "update offer_unit set hold = null"),
        (
            "taken_is_held",
            "update offer_unit set hold = (select id from hold where slot is null)
             where n = (select max(n) from offer_unit)",
        ),
        (
            "confirmed_is_redeemed",
            "update hold set state = 'confirmed', ended_at = created_at where state = 'pending'",
        ),
        ("confirmed_is_redeemed", "delete from ledger_tx where kind = 'redeem'"),
        ("lot_held_is_pending", "update point_lot set held = held - 1 where held > 0"),
        (
            "debts_are_receivable",
            "insert into points_debt (reversal, account, amount, remaining)
             select ledger_tx.id, points_account.id, 1, 1 from ledger_tx, points_account
             where points_account.kind = 'user' limit 1",
        ),
        (
            // In the sum nothing is missing: the one who owes is not whose debt it is.
            "debt_is_reversal",
            "with owed as (
                 insert into ledger_entry (tx, seq, account, amount, at)
                 select min(id::text)::uuid, 99, '00000000-0000-7000-8000-000000000004', -1, min(at) from ledger_tx
             )
             insert into points_debt (reversal, account, amount, remaining)
             select (select max(id::text)::uuid from ledger_tx), id, 1, 1
             from points_account where kind = 'user' limit 1",
        ),
    ];
    for (rule, statement) in falsified {
        let mut tx = conn.begin().await.unwrap();
        sqlx::query("set local session_replication_role = replica")
            .execute(&mut *tx)
            .await
            .unwrap();
        let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement}");
        let shown = rules(&mut tx).await;
        assert!(shown.contains(rule), "{statement}: {shown:?}");
        tx.rollback().await.unwrap();
    }
    assert_eq!(rules(conn).await, BTreeSet::new());
}

#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn whoever_does_not_add_up_is_blocked_until_they_do(pool: PgPool) {
    let (account, id) = town(&pool).await;
    let conn = &mut *pool.acquire().await.unwrap();
    let blocked = async |conn: &mut Connection| {
        offer::terms(conn, id, account, now()).await.unwrap().unwrap().blocked
    };
    for (falsify, repair) in [
        (
            "update points_account set posted = posted + 1 where kind = 'user'",
            "update points_account set posted = posted - 1 where kind = 'user'",
        ),
        ("update offer set stock = stock + 1", "update offer set stock = stock - 1"),
    ] {
        sqlx::query(falsify).execute(&mut *conn).await.unwrap();
        let found = violations(conn).await.unwrap();
        block(conn, &found, now()).await.unwrap();
        block(conn, &found, now()).await.unwrap();
        assert!(blocked(conn).await, "{falsify}");
        sqlx::query(repair).execute(&mut *conn).await.unwrap();
        let found = violations(conn).await.unwrap();
        block(conn, &found, now()).await.unwrap();
        assert!(!blocked(conn).await, "{repair}");
    }
}

#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn only_what_is_free_of_an_expired_lot_is_taken(pool: PgPool) {
    let (account, _) = town(&pool).await;
    let conn = &mut *pool.acquire().await.unwrap();
    assert!(expired(conn, &[account.0], now()).await.unwrap().is_empty());
    // Of the first lot's 15, 10 are spent and 5 are held; nothing is free when it ends.
    let first = "2027-01-01T00:00:00Z".parse().unwrap();
    assert!(expired(conn, &[account.0], first).await.unwrap().is_empty());
    let all = expired(conn, &[account.0], later()).await.unwrap();
    assert_eq!(
        all.iter().map(|lot| (lot.account, lot.points)).collect::<Vec<_>>(),
        [(account, 20 + 5)]
    );
    let free: i64 = spendable(conn, account, first).await.unwrap().iter().map(|lot| lot.free).sum();
    assert_eq!(free, 25, "an expired lot is not spent");
}

/// The role that the application may run as adds to the ledger and changes none of it.
#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn the_application_s_role_only_adds(pool: PgPool) {
    town(&pool).await;
    let conn = &mut *pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    // Roles belong to the server: this one is rolled back with the test.
    let script = include_str!("../../../roles.sql").replace("zhixiang_app", "zhixiang_app_test");
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *tx).await.unwrap();
    sqlx::query("set local role zhixiang_app_test").execute(&mut *tx).await.unwrap();
    sqlx::query("select count(*) from ledger_entry").execute(&mut *tx).await.unwrap();
    for (table, column) in
        [("ledger_tx", "cause"), ("ledger_entry", "amount"), ("audit_entry", "action")]
    {
        for statement in [
            format!("update {table} set {column} = {column}"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            let mut inner = tx.begin().await.unwrap();
            let refused = sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut *inner).await;
            let refused = refused.expect_err(&statement).to_string();
            assert!(refused.contains("permission denied"), "{statement}: {refused}");
            inner.rollback().await.unwrap();
        }
    }
    sqlx::query("update points_account set opened_at = opened_at").execute(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
}

#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn digits_are_one_persons_at_a_merchant_while_the_code_is_good(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let account = person(conn).await;
    give(conn, account, "service:1", 100, later()).await;
    let id = publish(conn, 9).await;
    let drawn = [b"one", b"two"]
        .map(|digits| Sealed { index: digits.to_vec(), sealed: b"sealed".to_vec() });
    let (first, taken) = reserve_with(conn, account, id, 1, &drawn).await;
    assert_eq!(taken, Some(0));
    let (second, taken) = reserve_with(conn, account, id, 2, &drawn).await;
    assert_eq!(taken, Some(1), "the first are somebody's");
    assert_eq!(reserve_with(conn, account, id, 3, &drawn).await.1, None, "a code without digits");
    redeemed(conn, account, first).await;
    let (fourth, taken) = reserve_with(conn, account, id, 4, &drawn).await;
    assert_eq!(taken, Some(0), "what has ended gives its digits back");
    let found = async |conn: &mut Connection, digits: &[u8]| {
        redemption::find(conn, redemption::By::Digits(digits)).await.unwrap().unwrap().id
    };
    assert_eq!(found(conn, b"one").await, fourth, "the open one");
    let code = Sealed { index: b"another code".to_vec(), sealed: b"sealed".to_vec() };
    let other = [Sealed { index: b"three".to_vec(), sealed: b"sealed".to_vec() }];
    let place = redemption::find(conn, redemption::By::Id(second)).await.unwrap().unwrap();
    assert_eq!(redemption::recode(conn, second, &code, &other).await.unwrap(), Some(0));
    assert_ne!(redemption::lock(conn, place.id).await.unwrap().code_index, place.code_index);
    assert!(redemption::find(conn, redemption::By::Digits(b"two")).await.unwrap().is_none());
    assert_eq!(found(conn, b"three").await, second);
}
