use sqlx::PgPool;

use super::*;
use crate::random;

fn at(minute: i64) -> Timestamp {
    "2026-11-24T00:30:00Z".parse::<Timestamp>().unwrap() + chrono::TimeDelta::minutes(minute)
}

async fn states(conn: &mut Connection, id: Uuid) -> Vec<(String, String)> {
    sqlx::query_as("select kind, state from sla_timer where subject_id = $1 order by due_at, kind")
        .bind(id)
        .fetch_all(conn)
        .await
        .unwrap()
}

fn named(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(kind, state)| ((*kind).to_owned(), (*state).to_owned())).collect()
}

#[sqlx::test(migrations = "./migrations")]
async fn what_is_wanted_is_armed_and_the_rest_is_cancelled(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let (mine, other): (TaskId, TaskId) = (random::id(at(0)), random::id(at(0)));
    let acknowledge = Timer { kind: TimerKind::AcknowledgeDue, due_at: at(15) };
    let reply = Timer { kind: TimerKind::ReplyDue, due_at: at(60) };
    sync(conn, Subject::Task(other), &[reply]).await.unwrap();

    sync(conn, Subject::Task(mine), &[acknowledge, reply, reply]).await.unwrap();
    assert_eq!(
        states(conn, mine.0).await,
        named(&[("acknowledge_due", "armed"), ("reply_due", "armed")])
    );

    sync(conn, Subject::Task(mine), &[reply]).await.unwrap();
    assert_eq!(
        states(conn, mine.0).await,
        named(&[("acknowledge_due", "cancelled"), ("reply_due", "armed")])
    );

    sync(conn, Subject::Task(mine), &[acknowledge]).await.unwrap();
    assert_eq!(
        states(conn, mine.0).await,
        named(&[("acknowledge_due", "armed"), ("reply_due", "cancelled")])
    );

    sync(conn, Subject::Task(mine), &[]).await.unwrap();
    assert_eq!(
        states(conn, mine.0).await,
        named(&[("acknowledge_due", "cancelled"), ("reply_due", "cancelled")])
    );
    assert_eq!(
        states(conn, other.0).await,
        named(&[("reply_due", "armed")]),
        "others are left alone"
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn a_timer_fires_once_and_is_never_armed_again(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let case: ComplaintId = random::id(at(0));
    let archive = Timer { kind: TimerKind::Archive, due_at: at(15) };
    sync(conn, Subject::Complaint(case), &[archive]).await.unwrap();

    assert!(
        fire(conn, Subject::Complaint(case), archive.kind, archive.due_at, at(16)).await.unwrap()
    );
    assert!(
        !fire(conn, Subject::Complaint(case), archive.kind, archive.due_at, at(16)).await.unwrap()
    );
    sync(conn, Subject::Complaint(case), &[archive]).await.unwrap();
    sync(conn, Subject::Complaint(case), &[]).await.unwrap();
    assert_eq!(states(conn, case.0).await, named(&[("archive", "fired")]));
    assert!(due(conn, None, 10, at(100)).await.unwrap().is_empty());

    let cancelled = Timer { kind: TimerKind::Archive, due_at: at(30) };
    sync(conn, Subject::Complaint(case), &[cancelled]).await.unwrap();
    sync(conn, Subject::Complaint(case), &[]).await.unwrap();
    assert!(
        !fire(conn, Subject::Complaint(case), cancelled.kind, cancelled.due_at, at(31))
            .await
            .unwrap()
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn several_subjects_are_synced_at_once_and_read_in_pages(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let (case, task): (ComplaintId, TaskId) = (random::id(at(0)), random::id(at(0)));
    let first = Timer { kind: TimerKind::AcknowledgeDue, due_at: at(1) };
    let last = Timer { kind: TimerKind::DispatchDue, due_at: at(2) };
    sync_all(conn, &[(Subject::Complaint(case), vec![last]), (Subject::Task(task), vec![first])])
        .await
        .unwrap();

    assert!(due(conn, None, 10, at(0)).await.unwrap().is_empty());
    let page = due(conn, None, 1, at(2)).await.unwrap();
    assert_eq!(page, [Due { due_at: at(1), subject: Subject::Task(task), kind: first.kind }]);
    let rest = due(conn, page.last().copied(), 10, at(2)).await.unwrap();
    assert_eq!(rest, [Due { due_at: at(2), subject: Subject::Complaint(case), kind: last.kind }]);
}
