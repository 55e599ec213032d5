use domain::identity::Role;
use sqlx::PgPool;

use super::*;

fn now() -> Timestamp {
    "2026-11-24T00:30:00Z".parse().unwrap()
}

fn staff(username: &str, role: Role) -> Staff {
    Staff {
        username: username.to_owned(),
        display_name: "区中心派单员".to_owned(),
        grant: Grant { role, scope: "140213".to_owned() },
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn an_account_that_exists_keeps_what_it_has(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let first = [staff("dispatcher", Role::Dispatcher)];
    assert!(any_missing(&mut conn, &first).await.unwrap());
    assert_eq!(insert(&mut conn, &first, "hash-1", now()).await.unwrap(), 1);
    assert!(!any_missing(&mut conn, &first).await.unwrap());

    let both = [staff("dispatcher", Role::SystemAdmin), staff("leader", Role::Leader)];
    assert!(any_missing(&mut conn, &both).await.unwrap());
    assert_eq!(insert(&mut conn, &both, "hash-2", now()).await.unwrap(), 1);

    let held: Vec<(String, String, String)> = sqlx::query_as(
        "select username, password_hash, role from account
        join role_grant on account_id = account.id order by username",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let held: Vec<(&str, &str, &str)> =
        held.iter().map(|(name, hash, role)| (&**name, &**hash, &**role)).collect();
    assert_eq!(held, [("dispatcher", "hash-1", "dispatcher"), ("leader", "hash-2", "leader")]);
}
