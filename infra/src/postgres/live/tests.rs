use std::time::Duration;

use domain::time::Timestamp;
use sqlx::PgPool;

use super::*;

const WAIT: Duration = Duration::from_millis(50);

fn at() -> Timestamp {
    "2026-11-24T00:30:00Z".parse().unwrap()
}

async fn notify(conn: &mut Connection, account: Uuid, seq: i32) {
    sqlx::query(
        "insert into event (subject_id, seq, kind, at, visibility) values ($1, $2, 'merged', $3, 'everyone')",
    )
    .bind(Uuid::from_u128(7))
    .bind(seq)
    .bind(at())
    .execute(&mut *conn)
    .await
    .unwrap();
    sqlx::query(
        "insert into notification (id, account_id, subject_id, seq, created_at)
         values (gen_random_uuid(), $1, $2, $3, $4)",
    )
    .bind(account)
    .bind(Uuid::from_u128(7))
    .bind(seq)
    .bind(at())
    .execute(conn)
    .await
    .unwrap();
}

async fn seen(conn: &mut Connection, account: Uuid, after: Place) -> Vec<Told> {
    notified(conn, AccountId(account), after, 10).await.unwrap()
}

/// What is read once there is something; transactions of other databases of the server hold it back too.
async fn awaited(conn: &mut Connection, account: Uuid, after: Place) -> Vec<Told> {
    for _ in 0..600 {
        let told = seen(conn, account, after).await;
        if !told.is_empty() {
            return told;
        }
        tokio::time::sleep(WAIT).await;
    }
    panic!("nothing came within half a minute");
}

#[sqlx::test(migrations = "./migrations")]
async fn what_commits_late_is_neither_passed_over_nor_told_twice(db: PgPool) {
    let mut reader = db.acquire().await.unwrap();
    let [account, other] = [1, 2].map(Uuid::from_u128);
    for id in [account, other] {
        sqlx::query("insert into account (id, display_name, created_at) values ($1, '', $2)")
            .bind(id)
            .bind(at())
            .execute(&mut *reader)
            .await
            .unwrap();
    }
    let start = now(&mut reader).await.unwrap();

    let mut late = db.begin().await.unwrap();
    notify(&mut late, account, 1).await;
    let mut early = db.begin().await.unwrap();
    notify(&mut early, account, 2).await;
    early.commit().await.unwrap();
    tokio::time::sleep(WAIT).await;
    assert_eq!(seen(&mut reader, account, start).await, [], "the late one may come before it");
    let between = now(&mut reader).await.unwrap();
    late.commit().await.unwrap();

    let told = awaited(&mut reader, account, start).await;
    assert_eq!(told.iter().map(|told| told.place.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(seen(&mut reader, account, between).await, told, "a stream begun meanwhile");
    assert_eq!(seen(&mut reader, account, told[0].place).await, told[1..]);
    assert_eq!(seen(&mut reader, account, told[1].place).await, []);
    assert_eq!(seen(&mut reader, other, start).await, [], "another's");
}
