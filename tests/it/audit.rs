//! The audit trail over HTTP: what the auditor finds, and what nobody else does; what is sealed, kept
//! outside the database, and dropped on record.

use std::{fs, path::PathBuf};

use api::app::{audit, transact};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::App;

mod chain;

/// A folder of a test's own, removed with it.
pub struct Folder(PathBuf);

impl Folder {
    fn make() -> Self {
        let token = u64::from_be_bytes(infra::random::bytes());
        let path = std::env::temp_dir().join(format!("zxt-audit-{token:016x}"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// An application that keeps its heads here.
    async fn app(&self) -> App {
        let folder = self.0.to_str().unwrap().to_owned();
        App::with(|config| config.audit.heads = folder).await
    }

    fn heads(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.join("audit-heads.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One run of the job that seals.
async fn seal_once(app: &App) {
    let state = app.state().clone();
    transact(app.db(), move |tx| Box::pin(async move { audit::seal(tx, &state).await }))
        .await
        .unwrap();
}

/// Seals all there is. A transaction of any other database on the server holds sealing up while it
/// lasts, so that this may take more than two runs.
async fn seal(app: &App) {
    for _ in 0..500 {
        seal_once(app).await;
        if audit::ends(app.state()).await.unwrap().unsealed == 0 {
            // The last heads go outside with the run after.
            return seal_once(app).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("a transaction has lasted for ten seconds");
}

/// A search by the auditor.
async fn search(app: &App, query: &str) -> Vec<Value> {
    app.as_("auditor").all(&format!("/audit?limit=100&{query}")).await
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_auditor_finds_by_person_object_time_and_action() {
    let app = App::spawn().await;
    let case = app.submitted().await.id;
    app.advance(TimeDelta::hours(1));
    let noon = app.now();
    app.as_("dispatcher")
        .post(&format!("/complaints/{case}/accept"), json!({"urgency": "ordinary"}))
        .await
        .expect(200);
    let of_case = search(&app, &format!("object=complaint&object_id={case}")).await;
    assert_eq!(actions(&of_case), ["complaint.accept", "complaint.submit"], "newest first");
    let [accept, submit] = of_case.as_slice() else { panic!("{of_case:?}") };
    assert_eq!(
        (&accept["username"], &accept["role"], &accept["object_id"], &accept["block"]),
        (&json!("dispatcher"), &json!("dispatcher"), &json!(case), &Value::Null)
    );
    assert_eq!(accept["address"], "127.0.0.1", "the staff's whole address");
    assert!(accept["request_id"].as_str().unwrap().len() > 30, "{accept}");
    assert_eq!((&submit["username"], &submit["role"]), (&Value::Null, &json!("resident")));
    assert_eq!(submit["address"], "127.0.0.*", "a resident's network");
    assert_eq!(submit["name"], "演******");

    // What stood before a step is what the one before it left.
    assert_eq!(submit["before"], Value::Null);
    assert_eq!(accept["before"], submit["after"]);
    assert_ne!(accept["after"], accept["before"]);
    let print: String =
        sqlx::query_scalar("select encode(audit_fingerprint('complaint', $1), 'hex')")
            .bind(&case)
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(accept["after"], print, "the row as it stands");

    let dispatcher = accept["account_id"].as_str().unwrap();
    let by_person = search(&app, &format!("account_id={dispatcher}&object=complaint")).await;
    assert_eq!(actions(&by_person), ["complaint.accept"]);
    let by_person = search(&app, &format!("account_id={dispatcher}&object=session")).await;
    assert_eq!(actions(&by_person), ["session.open"], "a log-in of staff is on record");
    assert_eq!(actions(&search(&app, "action=complaint.submit").await), ["complaint.submit"]);
    let noon = noon.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let before = search(&app, &format!("object_id={case}&to={noon}")).await;
    assert_eq!(actions(&before), ["complaint.submit"]);
    let after = search(&app, &format!("object_id={case}&from={noon}")).await;
    assert_eq!(actions(&after), ["complaint.accept"]);
    assert!(search(&app, "action=complaint.unmask").await.is_empty());

    seal(&app).await;
    let sealed = search(&app, &format!("object_id={case}")).await;
    assert!(sealed.iter().all(|entry| entry["block"].as_i64() >= Some(1)), "{sealed:?}");
}

#[tokio::test]
async fn each_search_is_an_entry_itself() {
    let app = App::spawn().await;
    app.submitted().await;
    let page = app.as_("auditor").get("/audit?action=complaint.submit&limit=1").await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let searches = search(&app, "action=audit.search").await;
    assert_eq!(searches.len(), 1, "the one before this");
    assert_eq!(searches[0]["username"], "auditor");
    assert_eq!(searches[0]["data"], json!({"action": "complaint.submit"}));
    // A refused one found nothing, and is none.
    app.as_("auditor").get("/audit?from=yesterday").await.refused(422, "invalid_field");
    assert_eq!(app.count("audit_entry where action = 'audit.search'").await, 2);
}

#[tokio::test]
async fn pages_hold_every_entry_once() {
    let app = App::spawn().await;
    for _ in 0..5 {
        app.submitted().await;
        app.advance(TimeDelta::seconds(1));
    }
    let all = app.as_("auditor").all("/audit?limit=2&action=complaint.submit").await;
    assert_eq!(all.len(), 5);
    let mut seqs: Vec<i64> = all.iter().map(|entry| entry["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|one, other| one > other), "{seqs:?}");
    seqs.dedup();
    assert_eq!(seqs.len(), 5);
}

#[tokio::test]
async fn wrong_searches_are_named_and_others_do_not_search() {
    let app = App::spawn().await;
    for (query, field) in [
        ("account_id=me", "account_id"),
        ("object=诉求", "object"),
        ("object_id=a%09b", "object_id"),
        ("action=%00", "action"),
        ("from=2026-11-24", "from"),
        ("from=1850-01-01T00:00:00Z", "from"),
        ("to=9999-01-01T00:00:00Z", "to"),
        ("from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z", "to"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
    ] {
        let refused = app.as_("auditor").get(&format!("/audit?{query}")).await;
        assert_eq!(refused.status / 100, 4, "{query}: {refused}");
        assert_eq!(refused.fields().first().copied(), Some(field), "{query}: {refused}");
    }
    for who in ["security", "sysadmin", "supervisor", "leader", "dispatcher"] {
        app.as_(who).get("/audit").await.refused(403, "forbidden");
        app.as_(who).get("/audit/chain").await.refused(403, "forbidden");
    }
    app.anonymous().get("/audit").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn what_the_auditor_reads_is_masked() {
    let app = App::spawn().await;
    let case = app.submitted().await.id;
    // Whatever was written beside the codes: a number in it is not shown again.
    sqlx::query(
        "select audit_append(gen_random_uuid(), $1, null, null, 'complaint.unmask', 'complaint',
             $2, null, '2001:db8:7:8::1', '{\"reason\": \"来电 13800001234 核对 11010519491231002X\"}',
             '2026-11', '2026-10-31T16:00:00Z', '2026-11-30T16:00:00Z')",
    )
    .bind(app.now())
    .bind(&case)
    .execute(app.db())
    .await
    .unwrap();
    let found = search(&app, &format!("object_id={case}&action=complaint.unmask")).await;
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.contains("138****1234") && text.contains("1****************X"), "{text}");
    assert!(text.contains("2001:db8:7:*"), "{text}");
    assert!(!text.contains("13800001234") && !text.contains("19491231"), "{text}");
}

/// The role that the product runs as adds by the one function, and by nothing else.
#[tokio::test]
async fn the_product_s_role_adds_by_one_way_alone() {
    let app = App::spawn().await;
    let roles = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/roles.sql"));
    sqlx::raw_sql(AssertSqlSafe(roles.unwrap())).execute(app.db()).await.unwrap();
    let mut tx = app.db().begin().await.unwrap();
    sqlx::query("set local role zhixiang_app").execute(&mut *tx).await.unwrap();
    // A month that has no table yet: it makes one, though it owns nothing.
    let place: i64 = sqlx::query_scalar(
        "select audit_append(gen_random_uuid(), '2031-05-02T00:00:00Z', null, null, 'a.b', 'c',
             'd', null, null, 'null', '2031-05', '2031-04-30T16:00:00Z', '2031-05-31T16:00:00Z')",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert!(place > 0);
    for statement in [
        "insert into audit_entry (id, seq, at, action, object, object_id)
             values (gen_random_uuid(), 1, '2031-05-02T00:00:00Z', 'a', 'b', 'c')",
        "select * from audit_entry_2031_05",
        "delete from audit_entry_2031_05",
        "truncate audit_entry_2031_05",
        "update audit_block set no = no",
        "delete from audit_mark",
        "drop table audit_entry_2031_05",
    ] {
        let mut inner = sqlx::Acquire::begin(&mut *tx).await.unwrap();
        let refused = sqlx::query(AssertSqlSafe(statement)).execute(&mut *inner).await;
        let refused = refused.expect_err(statement).to_string();
        let denied = refused.contains("permission denied") || refused.contains("must be owner");
        assert!(denied, "{statement}: {refused}");
        inner.rollback().await.unwrap();
    }
}
