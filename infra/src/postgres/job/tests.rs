use domain::page::Limit;
use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::random;

const LEASE: u32 = 60;

fn now() -> Timestamp {
    "2026-11-24T00:30:00Z".parse().unwrap()
}

fn token() -> Uuid {
    Uuid::from_bytes(random::bytes())
}

fn job(dedupe: &str, run_at: Timestamp) -> NewJob {
    NewJob {
        id: random::id(now()),
        kind: "test",
        dedupe: dedupe.to_owned(),
        payload: json!({ "n": 1 }),
        run_at,
        max_attempts: 3,
    }
}

async fn expire(conn: &mut Connection) {
    sqlx::query("update job set lease_until = clock_timestamp() - interval '1 second' where state = 'running'")
        .execute(conn)
        .await
        .unwrap();
}

async fn state(conn: &mut Connection, id: JobId) -> String {
    find(conn, id).await.unwrap().unwrap().1
}

#[sqlx::test(migrations = "./migrations")]
async fn one_key_is_one_job(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let first = job("notify:1:1", now());
    assert_eq!(enqueue(conn, &first, now()).await.unwrap(), Some(first.id));
    assert_eq!(enqueue(conn, &job("notify:1:1", now()), now()).await.unwrap(), None);

    let (again, other) = (job("notify:1:1", now()), job("notify:1:2", now()));
    let taken = enqueue_all(conn, &[again, other.clone()], now()).await.unwrap();
    assert_eq!(taken, [other.id]);
}

#[sqlx::test(migrations = "./migrations")]
async fn only_what_is_due_is_claimed_and_only_once(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let (due, later) = (job("due", now()), job("later", now() + chrono::TimeDelta::seconds(1)));
    enqueue_all(conn, &[due.clone(), later.clone()], now()).await.unwrap();

    let held = claim_due(conn, token(), LEASE, 10, now()).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].id, held[0].attempt, held[0].max_attempts), (due.id, 1, 3));
    assert_eq!(held[0].payload, json!({ "n": 1 }));
    assert!(claim_due(conn, token(), LEASE, 10, now()).await.unwrap().is_empty());
    assert!(claim(conn, &[due.id, later.id], token(), LEASE, now()).await.unwrap().is_empty());

    let named = claim(conn, &[later.id], token(), LEASE, later.run_at).await.unwrap();
    assert_eq!(named.len(), 1);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_row_that_another_worker_is_taking_is_passed_over(pool: PgPool) {
    let (first, second) = (job("first", now()), job("second", now()));
    let mut one = pool.begin().await.unwrap();
    enqueue_all(&mut one, &[first.clone(), second.clone()], now()).await.unwrap();
    one.commit().await.unwrap();

    let mut one = pool.begin().await.unwrap();
    let mine = claim_due(&mut one, token(), LEASE, 1, now()).await.unwrap();
    let mut two = pool.begin().await.unwrap();
    let theirs = claim_due(&mut two, token(), LEASE, 10, now()).await.unwrap();
    assert_eq!((mine.len(), theirs.len()), (1, 1));
    assert_ne!(mine[0].id, theirs[0].id);
    assert!(claim(&mut two, &[mine[0].id], token(), LEASE, now()).await.unwrap().is_empty());
}

#[sqlx::test(migrations = "./migrations")]
async fn an_expired_lease_is_reclaimed_and_its_old_holder_is_fenced_off(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let job = job("slow", now());
    enqueue(conn, &job, now()).await.unwrap();
    let (old, new) = (token(), token());
    claim_due(conn, old, LEASE, 10, now()).await.unwrap();
    expire(conn).await;

    let held = claim_due(conn, new, LEASE, 10, now()).await.unwrap();
    assert_eq!((held[0].id, held[0].attempt), (job.id, 2));
    assert!(
        !complete(conn, job.id, old, now()).await.unwrap(),
        "the old holder must not finish it"
    );
    assert!(!renew(conn, job.id, old, LEASE).await.unwrap());
    assert!(!fail(conn, job.id, old, "late", None, now()).await.unwrap());
    assert!(complete(conn, job.id, new, now()).await.unwrap());
    assert_eq!(state(conn, job.id).await, "done");
}

#[sqlx::test(migrations = "./migrations")]
async fn a_renewed_lease_holds(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let job = job("long", now());
    enqueue(conn, &job, now()).await.unwrap();
    let token = token();
    claim_due(conn, token, LEASE, 10, now()).await.unwrap();
    expire(conn).await;
    assert!(renew(conn, job.id, token, LEASE).await.unwrap());
    assert!(claim_due(conn, Uuid::nil(), LEASE, 10, now()).await.unwrap().is_empty());
}

#[sqlx::test(migrations = "./migrations")]
async fn a_failed_job_waits_then_dies_is_kept_and_can_be_redriven(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let job = job("bad", now());
    enqueue(conn, &job, now()).await.unwrap();
    let retry_at = now() + chrono::TimeDelta::seconds(8);

    let token = token();
    claim_due(conn, token, LEASE, 10, now()).await.unwrap();
    assert!(fail(conn, job.id, token, "数据库\0断开", Some(retry_at), now()).await.unwrap());
    assert!(claim_due(conn, token, LEASE, 10, now()).await.unwrap().is_empty());
    assert!(!redrive(conn, job.id, now()).await.unwrap(), "only a dead job is redriven");

    let again = claim_due(conn, token, LEASE, 10, retry_at).await.unwrap();
    assert_eq!(again[0].attempt, 2);
    assert!(fail(conn, job.id, token, "坏了", None, retry_at).await.unwrap());

    let page = PageRequest { after: None, limit: Limit::DEFAULT };
    let dead = dead(conn, page).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].id, dead[0].last_error.as_deref()), (job.id, Some("坏了")));
    let backlog_now = backlog(conn, retry_at).await.unwrap();
    assert_eq!((backlog_now.ready, backlog_now.running, backlog_now.dead), (0, 0, 1));

    assert!(redrive(conn, job.id, retry_at).await.unwrap());
    let fresh = claim_due(conn, token, LEASE, 10, retry_at).await.unwrap();
    assert_eq!(fresh[0].attempt, 1);
}

#[sqlx::test(migrations = "./migrations")]
async fn done_jobs_are_swept_by_age_and_others_are_kept(pool: PgPool) {
    let conn = &mut *pool.acquire().await.unwrap();
    let (done, waiting) = (job("done", now()), job("waiting", now()));
    let token = token();
    enqueue_all(conn, &[done.clone(), waiting.clone()], now()).await.unwrap();
    claim(conn, &[done.id], token, LEASE, now()).await.unwrap();
    complete(conn, done.id, token, now()).await.unwrap();

    assert_eq!(sweep_done(conn, now()).await.unwrap(), 0);
    assert_eq!(sweep_done(conn, now() + chrono::TimeDelta::seconds(1)).await.unwrap(), 1);
    assert_eq!(find(conn, done.id).await.unwrap(), None);
    assert_eq!(backlog(conn, now()).await.unwrap().waiting_since, Some(now()));
}
