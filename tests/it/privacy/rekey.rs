//! A change of keys and algorithms: everything is sealed anew beside the running system, indexes at
//! a stop, and nobody becomes somebody else.

use std::{collections::BTreeSet, sync::Arc};

use api::{
    app::{
        complaint::{Credentials, by_query_code},
        identity::{
            self,
            staff::{self, Proof},
        },
        privacy::rekey,
    },
    config::Secret,
    state::State,
};
use infra::{
    crypto::Algorithms,
    postgres::{
        audit::Origin,
        privacy::sealed::{INDEXES, OTHERS, SEALED},
    },
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{App, Case, complaint, photo};

const NEW: &str = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";

/// The application as it would be started with other keys.
fn with_keys(app: &App, keys: &str, index_key: u8, algorithms: Algorithms) -> State {
    let mut state = app.state().clone();
    let mut config = (*state.config).clone();
    config.security.data_key = Secret::from(keys);
    (config.security.index_key, config.security.algorithms) = (index_key, algorithms);
    state.crypto = Arc::new(config.security.crypto().expect("good keys"));
    state.passwords = Arc::new(infra::password::Passwords::new(algorithms));
    state.config = Arc::new(config);
    state
}

fn both(app: &App) -> String {
    format!("2:{NEW},1:{}", app.state().config.security.data_key.expose())
}

/// Every column of bytes is sealed, or an index that can be made anew, or neither with a reason.
#[tokio::test]
async fn every_column_of_bytes_stands_in_the_register_of_sealed_columns() {
    let app = App::spawn().await;
    let there: Vec<(String, String)> = sqlx::query_as(
        "select c.table_name::text, c.column_name::text from information_schema.columns c
         join information_schema.tables t using (table_schema, table_name)
         where c.table_schema = 'public' and c.data_type = 'bytea' and t.table_type = 'BASE TABLE'
             and not exists (
                 select from pg_class where relname = c.table_name and relispartition)
             and c.table_name <> '_sqlx_migrations'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    let there: BTreeSet<(&str, &str)> =
        there.iter().map(|(table, column)| (table.as_str(), column.as_str())).collect();
    let sealed = SEALED.iter().map(|one| (one.table, one.column));
    let indexes = INDEXES.iter().map(|one| (one.table, one.column));
    let others = OTHERS.iter().map(|(table, column, _)| (*table, *column));
    let all: Vec<(&str, &str)> = sealed.chain(indexes).chain(others).collect();
    let registered: BTreeSet<(&str, &str)> = all.iter().copied().collect();
    assert_eq!(registered.len(), all.len(), "a column stands twice");
    assert_eq!(registered, there, "infra/src/postgres/privacy/sealed.rs");
    let wrong: Vec<_> = there
        .iter()
        .filter(|(table, column)| {
            column.ends_with("_sealed")
                != SEALED.iter().any(|one| one.table == *table && one.column == *column)
        })
        .collect();
    assert!(wrong.is_empty(), "what is sealed is called so: {wrong:?}");
}

async fn track(state: &State, case: &Case) -> bool {
    let given = Credentials { number: case.number.clone(), query_code: case.query_code.clone() };
    by_query_code(state, &given).await.is_ok()
}

/// A life with something in most of the sealed columns.
async fn life(app: &App) -> Case {
    let li = app.resident("li");
    let phone = json!({"code": "demo:13834567890"});
    li.request(Method::POST, "/me/phone").key("phone-key-1").json(&phone).send().await.expect(200);
    let photo = li.upload("photo-key-1", &photo(60, 40)).await.expect(201)["id"].clone();
    let mut body = complaint();
    body["attachment_ids"] = json!([photo]);
    let case = li.submit(&body).await;
    app.closed().await;
    crate::points::kept::served(app, "party-1", 120).await;
    case
}

#[tokio::test]
async fn a_new_key_seals_everything_anew_and_the_old_one_can_go() {
    let app = App::spawn().await;
    let case = life(&app).await;
    let me = app.resident("li").get("/me").await.expect(200)["id"].clone();
    let old_only = app.state().clone();
    let both_keys = with_keys(&app, &both(&app), 0, Algorithms::International);
    let before = rekey::left(&both_keys).await.unwrap();
    let columns: BTreeSet<&str> = before.iter().map(|left| left.column.as_str()).collect();
    for column in [
        "complaint_contact.phone_sealed",
        "person.open_id_sealed",
        "person.phone_sealed",
        "party_member.name_sealed",
        "idempotency.answer_sealed",
    ] {
        assert!(columns.contains(column), "{column} is not there: the test proves nothing");
    }
    assert!(before.iter().all(|left| left.key == 1 && !left.sm4));

    let done = rekey::reseal(&both_keys).await.unwrap();
    let expected: i64 = before.iter().map(|left| left.rows).sum();
    assert_eq!((i64::try_from(done.values).unwrap(), done.files), (expected, 2));
    assert!(rekey::left(&both_keys).await.unwrap().is_empty());
    let again = rekey::reseal(&both_keys).await.unwrap();
    assert_eq!((again.values, again.files), (0, 0), "a second run finds nothing");
    assert_eq!(app.count("audit_entry where action = 'keys.reseal'").await, 1);
    assert!(rekey::strange(&both_keys).await.unwrap().is_empty(), "indexes are as they were");
    assert!(!rekey::strange(&old_only).await.unwrap().is_empty(), "the old key opens nothing");

    // At a stop the indexes follow; then the new key is enough.
    let new_only = with_keys(&app, &format!("2:{NEW}"), 0, Algorithms::International);
    assert!(!rekey::strange(&new_only).await.unwrap().is_empty(), "not started like this");
    assert!(rekey::reindex(&new_only).await.unwrap() > 0);
    assert_eq!(rekey::reindex(&new_only).await.unwrap(), 0, "a second run finds nothing");
    assert!(rekey::strange(&new_only).await.unwrap().is_empty());
    let again = identity::login_wechat(&new_only, "demo:li", &Origin::default()).await.unwrap();
    assert_eq!(json!(again.account.id), me, "the same person");
    assert!(!track(&new_only, &case).await, "a query code ends with the key that made its MAC");
    let named = with_keys(&app, &both(&app), 2, Algorithms::International);
    assert!(track(&named, &case).await, "and not before");
}

#[tokio::test]
async fn the_national_algorithms_take_over_and_back() {
    let app = App::spawn().await;
    let case = life(&app).await;
    let me = app.resident("li").get("/me").await.expect(200)["id"].clone();
    let key = app.state().config.security.data_key.expose().to_owned();
    let sm = with_keys(&app, &key, 0, Algorithms::Sm);
    assert!(rekey::strange(&sm).await.unwrap().contains(&"person.open_id_index".to_owned()));
    rekey::reindex(&sm).await.unwrap();
    let mixed = identity::login_wechat(&sm, "demo:li", &Origin::default()).await.unwrap();
    assert_eq!(json!(mixed.account.id), me, "indexed by SM3, sealed by AES");
    let done = rekey::reseal(&sm).await.unwrap();
    assert!(done.values > 0 && done.files == 2, "{done:?}");
    assert!(rekey::left(&sm).await.unwrap().is_empty());
    let tags: Vec<i32> =
        sqlx::query_scalar("select distinct get_byte(open_id_sealed, 0) from person")
            .fetch_all(app.db())
            .await
            .unwrap();
    assert_eq!(tags, [0x81], "key 1, SM4-GCM");
    assert!(track(&sm, &case).await, "a query code's MAC is good whichever made it");
    // A password's hash follows when the password is known.
    let password: domain::identity::Password =
        serde_json::from_value(json!(api::app::seed::PASSWORD)).unwrap();
    let hash = "select password_hash from account where username = 'dispatcher'";
    for _ in 0..2 {
        let origin = Origin::default();
        let proof = Proof { username: "dispatcher".into(), password: password.clone(), totp: None };
        staff::login(&sm, proof, &origin).await.unwrap();
        let kept: String = sqlx::query_scalar(hash).fetch_one(app.db()).await.unwrap();
        assert!(kept.starts_with("$pbkdf2-sm3$i=600000$"), "{kept}");
    }
    // The other way, as the program that still runs by the first configuration.
    rekey::reindex(app.state()).await.unwrap();
    assert_eq!(app.resident("li").get("/me/phone").await.expect(200)["phone"], "138****7890");
    let contact = app.as_("dispatcher").complaint(&case).await["contact"].clone();
    assert_eq!(contact["phone"], "138****7890", "{contact}");
}

#[tokio::test]
async fn values_that_change_meanwhile_are_not_overwritten() {
    let app = App::spawn().await;
    for n in 0..40 {
        let who = app.resident(&format!("r{n}"));
        who.token().await;
    }
    let state = with_keys(&app, &both(&app), 0, Algorithms::International);
    let changing = async {
        for n in 0..40 {
            let who = app.resident(&format!("r{n}"));
            let code = json!({"code": format!("demo:138000010{n:02}")});
            let set = who.request(Method::POST, "/me/phone").key("phone-key-1").json(&code);
            set.send().await.expect(200);
        }
    };
    let (done, ()) = tokio::join!(rekey::reseal(&state), changing);
    done.unwrap();
    rekey::reseal(&state).await.unwrap();
    assert!(rekey::left(&state).await.unwrap().is_empty());
    let sealed: Vec<Vec<u8>> =
        sqlx::query_scalar("select phone_sealed from person where phone_sealed is not null")
            .fetch_all(app.db())
            .await
            .unwrap();
    let phones: BTreeSet<String> = sealed
        .iter()
        .map(|sealed| state.crypto.open_text("person.phone", sealed).unwrap())
        .collect();
    assert_eq!(phones.len(), 40, "every number is there once: {phones:?}");
}

/// What is only added to is sealed anew by its owner, who says so, and changed by nobody.
#[tokio::test]
async fn only_sealing_anew_changes_what_is_only_added_to() {
    let app = App::spawn().await;
    let mut conn = app.db().acquire().await.unwrap();
    for statement in [
        "create table probe (id int, words_sealed bytea, other_sealed bytea)",
        "create trigger probe_append_only before update or delete on probe
             for each row execute function row_is_append_only()",
        "insert into probe values (1, 'a', null)",
    ] {
        sqlx::query(statement).execute(&mut *conn).await.unwrap();
    }
    let reseal = "update probe set words_sealed = 'b'";
    assert!(sqlx::query(reseal).execute(&mut *conn).await.is_err(), "nobody said so");
    sqlx::query("set zhixiang.resealing = 'on'").execute(&mut *conn).await.unwrap();
    for statement in [
        "update probe set id = 2",
        "update probe set id = 2, words_sealed = 'b'",
        "update probe set words_sealed = null",
        "update probe set other_sealed = 'b'",
        "delete from probe",
    ] {
        let refused = sqlx::query(statement).execute(&mut *conn).await.expect_err(statement);
        assert!(refused.to_string().contains("append-only"), "{statement}: {refused}");
    }
    sqlx::query(reseal).execute(&mut *conn).await.unwrap();
    for statement in [
        "create role resealer",
        "grant all on probe to resealer",
        "grant usage on schema public to resealer",
        "set role resealer",
    ] {
        sqlx::query(statement).execute(&mut *conn).await.unwrap();
    }
    let refused = sqlx::query(AssertSqlSafe(reseal)).execute(&mut *conn).await;
    sqlx::query("reset role").execute(&mut *conn).await.unwrap();
    for statement in ["drop owned by resealer", "drop role resealer"] {
        sqlx::query(statement).execute(&mut *conn).await.unwrap();
    }
    let refused = refused.expect_err("no owner").to_string();
    assert!(refused.contains("append-only"), "{refused}");
    drop(conn);
    let _: Value = app.resident("li").get("/me").await.expect(200);
}
