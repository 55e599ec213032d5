use domain::offer::Category;
use sqlx::{Connection as _, PgPool};

use super::*;
use crate::random;

fn now() -> Timestamp {
    "2026-11-24T00:30:00Z".parse().unwrap()
}

/// An offer with one piece, and two holds that want it.
async fn last_piece(pool: &PgPool) -> (OfferId, [RedemptionId; 2]) {
    let conn = &mut *pool.acquire().await.unwrap();
    let merchant = MerchantCode::parse("code", "wenxing").unwrap();
    let known = Merchant { code: merchant.clone(), name: "文兴".to_owned(), address: None };
    assert_eq!(upsert_merchants(conn, std::slice::from_ref(&known), now()).await.unwrap(), 1);
    assert_eq!(upsert_merchants(conn, &[known], now()).await.unwrap(), 0);
    let id = random::id(now());
    let new = NewOffer {
        title: "午餐".to_owned(),
        category: Category::Dining,
        points: 10,
        stock: 1,
        per_person: 1,
        valid_until: "2027-01-01T00:00:00Z".parse().unwrap(),
        merchant,
        details: Default::default(),
    };
    assert!(publish(conn, id, &new, None, now()).await.unwrap());
    let account: AccountId = random::id(now());
    sqlx::query("insert into account (id, display_name, created_at) values ($1, 'x', $2)")
        .bind(account.0)
        .bind(now())
        .execute(&mut *conn)
        .await
        .unwrap();
    crate::postgres::points::open(conn, account, now()).await.unwrap();
    let holds = [1_i16, 2].map(|slot| (random::id::<RedemptionId>(now()), slot));
    for (hold, slot) in holds {
        sqlx::query(
            "insert into hold (id, account, offer, client_key, slot, points, created_at, expires_at)
             values ($1, $2, $3, $1::text, $4, 10, $5, $5)",
        )
        .bind(hold.0)
        .bind(account.0)
        .bind(id.0)
        .bind(slot)
        .bind(now())
        .execute(&mut *conn)
        .await
        .unwrap();
    }
    (id, holds.map(|(hold, _)| hold))
}

/// Until somebody in this database waits for a lock.
async fn somebody_waits(pool: &PgPool) {
    loop {
        let waiting: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        if waiting {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Whoever wants the last piece while another is taking it learns what came of that: "sold out"
/// when it was taken, and the piece when it was not.
#[sqlx::test(migrator = "crate::postgres::MIGRATIONS")]
async fn sold_out_is_not_said_too_early(pool: PgPool) {
    let (offer, [first, second]) = last_piece(&pool).await;
    for (taken, gets_it) in [(false, true), (true, false)] {
        let mut conn = pool.acquire().await.unwrap();
        sqlx::query("update offer_unit set hold = null").execute(&mut *conn).await.unwrap();
        let mut taking = conn.begin().await.unwrap();
        assert!(claim_unit(&mut taking, offer, first).await.unwrap());
        let other = tokio::spawn({
            let pool = pool.clone();
            async move { claim_unit(&mut pool.acquire().await.unwrap(), offer, second).await }
        });
        somebody_waits(&pool).await;
        if taken { taking.commit().await } else { taking.rollback().await }.unwrap();
        assert_eq!(other.await.unwrap().unwrap(), gets_it, "taken: {taken}");
    }
}
