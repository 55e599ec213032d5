//! What the database itself refuses, should a rule ever be passed by.

use chrono::TimeDelta;
use domain::{
    id::Id,
    service::{PostForm, Rules},
};
use sqlx::PgPool;

use super::*;
use crate::{postgres::violated, random};

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

async fn account(conn: &mut Connection) -> AccountId {
    let id: AccountId = random::id(now());
    sqlx::query("insert into account (id, display_name, created_at) values ($1, '某人', $2)")
        .bind(id.0)
        .bind(now())
        .execute(conn)
        .await
        .unwrap();
    id
}

async fn post(conn: &mut Connection, by: AccountId, from: i64, capacity: i64) -> Post {
    sqlx::query(
        "insert into org_node (code, tree, kind, name)
         values ('140213066004', 'admin', 'community', '文兴社区') on conflict do nothing",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let starts_at = now() + TimeDelta::minutes(from);
    let form = PostForm {
        community_code: "140213066004",
        kind: Kind::Elderly,
        title: "陪老人就医",
        description: None,
        place: None,
        location: None,
        tolerance_metres: None,
        starts_at,
        ends_at: starts_at + TimeDelta::hours(1),
        capacity,
        skills: &[],
        factor_percent: None,
    };
    let published = form.publish(random::id(now()), &Rules::default(), by, now()).unwrap();
    insert_post(conn, &published, now()).await.unwrap();
    lock_post(conn, published.post.id).await.unwrap().unwrap()
}

/// A claim that asked no rule.
fn forced(post: &Post, account: AccountId) -> Claim {
    let id = ClaimId::from_parts(now(), &random::bytes());
    let free = Post { taken: 0, created_by: AccountId(uuid::Uuid::nil()), ..post.clone() };
    free.claim(id, account, &Standing::default(), now()).unwrap().state
}

async fn force(conn: &mut Connection, claim: &Claim) -> Result<i32, String> {
    sqlx::query("savepoint here").execute(&mut *conn).await.unwrap();
    let done = insert_claim(conn, claim, &[], now()).await;
    if done.is_err() {
        sqlx::query("rollback to here").execute(conn).await.unwrap();
    }
    done.map_err(|error| violated(&error).unwrap_or_default().to_owned())
}

#[sqlx::test(migrations = "./migrations")]
async fn nobody_is_in_two_places_at_once(pool: PgPool) {
    let mut tx = pool.begin().await.unwrap();
    let (officer, li, wang) =
        (account(&mut tx).await, account(&mut tx).await, account(&mut tx).await);
    let first = post(&mut tx, officer, 0, 5).await;
    let beside = post(&mut tx, officer, 59, 5).await;
    let after = post(&mut tx, officer, 60, 5).await;
    let claim = forced(&first, li);
    assert!(force(&mut tx, &claim).await.is_ok());
    let twice = force(&mut tx, &forced(&first, li)).await.unwrap_err();
    assert!(matches!(twice.as_str(), "claim_once" | "claim_no_overlap"), "{twice}: both hold");
    assert_eq!(force(&mut tx, &forced(&beside, li)).await.unwrap_err(), "claim_no_overlap");
    assert!(force(&mut tx, &forced(&after, li)).await.is_ok(), "one begins when the other ends");
    assert!(force(&mut tx, &forced(&beside, wang)).await.is_ok(), "another person");

    let standing = standing(&mut tx, li, &beside, now()).await.unwrap();
    assert!(!standing.claimed);
    assert_eq!(standing.busy.len(), 2);
    let cancelled = claim.cancel(&first, &Rules::default(), now()).unwrap().state;
    save_claim(&mut tx, &cancelled, &[], Some(li), now()).await.unwrap();
    let again = forced(&first, li);
    assert!(force(&mut tx, &again).await.is_ok(), "what was cancelled holds nothing");
    let reject = domain::service::Reject { reason: "没有来".to_owned() };
    let rejected = again.reject(&first, &reject, officer, now()).unwrap().state;
    save_claim(&mut tx, &rejected, &[], Some(officer), now()).await.unwrap();
    let anew = force(&mut tx, &forced(&first, li)).await.unwrap_err();
    assert_eq!(anew, "claim_once", "what was rejected holds no time, and is not claimed anew");
}

#[sqlx::test(migrations = "./migrations")]
async fn a_post_is_never_overbooked(pool: PgPool) {
    let mut tx = pool.begin().await.unwrap();
    let officer = account(&mut tx).await;
    let post = post(&mut tx, officer, 0, 1).await;
    for expected in [Ok(1), Err("post_not_overbooked".to_owned())] {
        let claim = forced(&post, account(&mut tx).await);
        force(&mut tx, &claim).await.unwrap();
        let counted = recount(&mut tx, &post).await.map(|post| post.taken);
        let counted = counted.map_err(|e| violated(&e).unwrap_or_default().to_owned());
        assert_eq!(counted, expected);
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn hours_are_within_the_post_and_never_one_s_own(pool: PgPool) {
    let (mut conn, by) = (pool.acquire().await.unwrap(), now() + TimeDelta::minutes(30));
    let (officer, li) = (account(&mut conn).await, account(&mut conn).await);
    let post = post(&mut conn, officer, 0, 5).await;
    let claim = forced(&post, li);
    insert_claim(&mut conn, &claim, &[], now()).await.unwrap();
    let confirmed = |minutes, by_whom| Claim {
        status: Status::Confirmed,
        minutes: Some(minutes),
        points: Some(1),
        settled: Some(Settled { at: by, by: Some(by_whom), comment: None }),
        ..claim.clone()
    };
    for (wrong, constraint) in [
        (confirmed(61, officer), "claim_minutes"),
        (confirmed(0, officer), "claim_minutes"),
        (confirmed(60, li), "claim_not_by_oneself"),
        (Claim { points: None, ..confirmed(60, officer) }, "claim_confirmed"),
        (Claim { settled: None, ..confirmed(60, officer) }, "claim_settled"),
    ] {
        let refused = save_claim(&mut conn, &wrong, &[], None, by).await.unwrap_err();
        assert_eq!(violated(&refused), Some(constraint), "{wrong:?}");
    }
    save_claim(&mut conn, &confirmed(60, officer), &[], None, by).await.unwrap();
}
