use std::{collections::BTreeSet, time::Duration};

use domain::time::Timestamp;
use sqlx::PgPool;
use uuid::Uuid;

use super::*;

const WAIT: Duration = Duration::from_millis(20);
/// An account that somebody's notifications are for.
const OWNER: AccountId = AccountId(Uuid::from_u128(1));

fn at() -> Timestamp {
    "2026-11-24T00:30:00Z".parse().unwrap()
}

async fn account(conn: &mut Connection) {
    sqlx::query("insert into account (id, display_name, created_at) values ($1, '', $2)")
        .bind(OWNER.0)
        .bind(at())
        .execute(conn)
        .await
        .unwrap();
}

/// An event, and the notification of it with the event's number as its id.
async fn notify(conn: &mut Connection, subject: u128, seq: i32) {
    sqlx::query(
        "insert into event (subject_id, seq, kind, at, visibility) values ($1, $2, 'merged', $3, 'everyone')",
    )
    .bind(Uuid::from_u128(subject))
    .bind(seq)
    .bind(at())
    .execute(&mut *conn)
    .await
    .unwrap();
    sqlx::query(
        "insert into notification (id, account_id, subject_id, seq, created_at)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(Uuid::from_u128(subject * 1_000 + u128::try_from(seq).unwrap()))
    .bind(OWNER.0)
    .bind(Uuid::from_u128(subject))
    .bind(seq)
    .bind(at())
    .execute(conn)
    .await
    .unwrap();
}

/// The numbers of what was read.
fn seqs(reading: &Reading) -> Vec<i32> {
    reading.happenings.iter().map(|one| one.seq).collect()
}

/// What is read once all has ended; transactions of other databases of the server hold it back too.
async fn awaited(conn: &mut Connection, from: Place, count: usize) -> Reading {
    for _ in 0..1_500 {
        let reading = after(conn, from, 100).await.unwrap();
        if reading.happenings.len() >= count {
            return reading;
        }
        tokio::time::sleep(WAIT).await;
    }
    panic!("nothing came within half a minute");
}

#[sqlx::test(migrations = "./migrations")]
async fn what_commits_late_is_neither_passed_over_nor_told_twice(db: PgPool) {
    let mut reader = db.acquire().await.unwrap();
    account(&mut reader).await;
    let start = now(&mut reader).await.unwrap();

    let mut late = db.begin().await.unwrap();
    notify(&mut late, 7, 1).await;
    let mut early = db.begin().await.unwrap();
    notify(&mut early, 7, 2).await;
    early.commit().await.unwrap();
    tokio::time::sleep(WAIT).await;
    let held = after(&mut reader, start, 100).await.unwrap();
    assert_eq!(seqs(&held), [0; 0], "the late one may come before it");
    let between = now(&mut reader).await.unwrap();
    late.commit().await.unwrap();

    let told = awaited(&mut reader, start, 2).await;
    assert_eq!(seqs(&told), [1, 2]);
    assert!(told.whole && told.until.is_end() && told.from == start);
    let meanwhile = after(&mut reader, between, 100).await.unwrap();
    assert_eq!(meanwhile.happenings, told.happenings, "a stream begun meanwhile");
    let [first, second] = [0, 1].map(|nth| told.happenings[nth].place);
    assert_eq!(seqs(&after(&mut reader, first, 100).await.unwrap()), [2]);
    assert_eq!(seqs(&after(&mut reader, second, 100).await.unwrap()), [0; 0]);
    assert_eq!(seqs(&after(&mut reader, told.until, 100).await.unwrap()), [0; 0]);
}

#[sqlx::test(migrations = "./migrations")]
async fn what_was_rolled_back_is_never_told_and_a_page_goes_on_where_it_ended(db: PgPool) {
    let mut reader = db.acquire().await.unwrap();
    account(&mut reader).await;
    let start = now(&mut reader).await.unwrap();
    let mut gone = db.begin().await.unwrap();
    notify(&mut gone, 7, 1).await;
    gone.rollback().await.unwrap();
    let mut large = db.begin().await.unwrap();
    for seq in 2..=6 {
        notify(&mut large, 7, seq).await;
    }
    large.commit().await.unwrap();
    awaited(&mut reader, start, 5).await;

    let (mut place, mut told, mut pages) = (start, Vec::new(), 0);
    loop {
        // Events of no case take a place, and are nobody's to hear.
        let page = after(&mut reader, place, 3).await.unwrap();
        assert_eq!(page.from, place);
        told.extend(seqs(&page));
        (place, pages) = (page.until, pages + 1);
        if page.whole {
            break;
        }
        assert!(!place.is_end(), "the transaction is not told to its end");
    }
    assert_eq!((told, pages), (vec![2, 3, 4, 5, 6], 4));
}

#[sqlx::test(migrations = "./migrations")]
async fn a_reader_between_many_writers_hears_each_thing_once(db: PgPool) {
    const WRITERS: u128 = 6;
    const EACH: i32 = 25;
    let mut reader = db.acquire().await.unwrap();
    account(&mut reader).await;
    let mut place = now(&mut reader).await.unwrap();
    let writing = (1..=WRITERS).map(|writer| {
        let db = db.clone();
        tokio::spawn(async move {
            for seq in 1..=EACH {
                let mut transaction = db.begin().await.unwrap();
                notify(&mut transaction, writer, seq).await;
                // Some commit at once, some long after others that began later.
                let [pause]: [u8; 1] = crate::random::bytes();
                tokio::time::sleep(Duration::from_millis(u64::from(pause % 20))).await;
                if pause % 10 == 0 {
                    transaction.rollback().await.unwrap();
                    let mut again = db.begin().await.unwrap();
                    notify(&mut again, writer, seq).await;
                    again.commit().await.unwrap();
                } else {
                    transaction.commit().await.unwrap();
                }
            }
        })
    });
    let writing: Vec<_> = writing.collect();
    let wanted = usize::try_from(WRITERS).unwrap() * usize::try_from(EACH).unwrap();
    let (mut heard, mut last) = (BTreeSet::new(), place);
    for _ in 0..6_000 {
        let reading = after(&mut reader, place, 7).await.unwrap();
        for one in &reading.happenings {
            assert!(one.place > last, "{} after {last}", one.place);
            last = one.place;
            assert!(heard.insert(one.place.subject), "{} twice", one.place);
        }
        place = reading.until;
        if heard.len() == wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for writer in writing {
        writer.await.unwrap();
    }
    assert_eq!(heard.len(), wanted, "something was passed over");
}
