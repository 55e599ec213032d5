//! Passwords: changed by who knows them, replaced by the security desk, and never used for ever.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::PASSWORD;
use crate::support::{Answer, App};

const NEW: &str = "Lamp-post-2027";

impl App {
    async fn renewed(&self, username: &str, password: &str, new: &str) -> Answer {
        let body = json!({"username": username, "password": password, "new": new});
        self.anonymous().post("/auth/password", body).await
    }

    pub(super) async fn account_id(&self, username: &str) -> String {
        let found = self.as_("security").all(&format!("/accounts?q={username}")).await;
        let own = found.iter().find(|one| one["username"] == username);
        own.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_ends_the_other_log_ins() {
    let app = App::spawn().await;
    let other = app.staff("leader", PASSWORD).await.expect(200);
    let here = app.staff("leader", PASSWORD).await.expect(200);
    let me = app.bearer(here["access_token"].as_str().unwrap());
    let change =
        async |old: &str, new: &str| me.post("/me/password", json!({"old": old, "new": new})).await;
    for (old, new, field) in [
        (PASSWORD, "short-1", "new"),
        (PASSWORD, "no-digits-at-all", "new"),
        (PASSWORD, "my-leader-2027", "new"),
        (PASSWORD, "P@ssw0rd2026", "new"),
        (PASSWORD, "abc123abc123", "new"),
        (PASSWORD, PASSWORD, "new"),
        ("wrong", NEW, "old"),
    ] {
        let refused = change(old, new).await;
        assert_eq!(refused.fields(), [field], "{old} {new}: {refused}");
    }
    change(PASSWORD, NEW).await.expect(204);
    app.soon_refuses(&other["access_token"]).await;
    assert!(app.takes(&here["access_token"]).await, "this log-in goes on");
    app.staff("leader", PASSWORD).await.refused(401, "bad_credentials");
    app.staff("leader", NEW).await.expect(200);
    assert_eq!(app.count("audit_entry where action = 'account.change_password'").await, 1);
    assert_eq!(app.count("session where end_reason = 'credentials'").await, 1);

    // Whoever holds an unlocked screen guesses no more often than at the log-in.
    for _ in 0..5 {
        change("wrong", "Another-2027-one").await.refused(422, "invalid_field");
    }
    change(NEW, "Another-2027-one").await.refused(429, "account_locked");
    app.staff("leader", NEW).await.refused(429, "account_locked");
}

#[tokio::test]
async fn one_of_the_last_five_does_not_come_again() {
    let app = App::spawn().await;
    let session = app.staff("leader", PASSWORD).await.expect(200);
    let me = app.bearer(session["access_token"].as_str().unwrap());
    let first = "Lamp-post-2020";
    me.post("/me/password", json!({"old": PASSWORD, "new": first})).await.expect(204);
    let mut now = first.to_owned();
    for number in 1..=5 {
        let new = format!("Lamp-post-202{number}");
        let body = json!({"old": now, "new": first});
        let refused = me.post("/me/password", body).await;
        assert_eq!(refused.fields(), ["new"], "{number}: {refused}");
        me.post("/me/password", json!({"old": now, "new": new})).await.expect(204);
        now = new;
    }
    assert_eq!(app.count("password_past").await, 4, "no more is kept than is asked of");
    me.post("/me/password", json!({"old": now, "new": first})).await.expect(204);
}

#[tokio::test]
async fn of_two_changes_at_once_one_counts() {
    let app = App::spawn().await;
    let session = app.staff("leader", PASSWORD).await.expect(200);
    let me = app.bearer(session["access_token"].as_str().unwrap());
    let change = |new: &'static str| {
        let body = json!({"old": PASSWORD, "new": new});
        me.post("/me/password", body)
    };
    let (one, other) = tokio::join!(change("Lamp-post-2027"), change("Lamp-post-2028"));
    let statuses = [one.status, other.status];
    assert!(statuses == [204, 422] || statuses == [422, 204], "{one}\n{other}");
    assert_eq!(app.count("password_past").await, 1);
}

#[tokio::test]
async fn who_logs_in_without_a_password_has_none_to_change() {
    let app = App::spawn().await;
    let body = json!({"old": PASSWORD, "new": NEW});
    app.resident("li").post("/me/password", body).await.refused(403, "forbidden");
    let li = app.resident("li").get("/me").await.expect(200);
    let path = format!("/accounts/{}/password", li["id"].as_str().unwrap());
    app.as_("security").post(&path, json!({})).await.refused(409, "password_unused");
}

#[tokio::test]
async fn a_one_time_password_is_changed_at_the_first_log_in() {
    let app = App::spawn().await;
    let before = app.staff("leader", PASSWORD).await.expect(200);
    for _ in 0..5 {
        app.staff("leader", "wrong").await.refused(401, "bad_credentials");
    }
    let id = app.account_id("leader").await;
    let path = format!("/accounts/{id}/password");
    let security = app.as_("security");
    let first = security.post(&path, json!({})).await;
    assert_eq!(first.header("cache-control"), "no-store");
    let first = first.expect(200);
    let second = security.post(&path, json!({})).await.expect(200);
    let once = |shown: &Value| shown["password"].as_str().unwrap().to_owned();
    app.soon_refuses(&before["access_token"]).await;
    app.staff("leader", PASSWORD).await.refused(401, "bad_credentials");
    app.staff("leader", &once(&first)).await.refused(401, "bad_credentials");
    let once = once(&second);
    app.staff("leader", &once).await.refused(403, "password_change_required");
    for (new, why) in [(once.as_str(), "itself"), (PASSWORD, "the one before"), ("short", "short")]
    {
        assert_eq!(app.renewed("leader", &once, new).await.fields(), ["new"], "{why}");
    }
    app.renewed("leader", "wrong", NEW).await.refused(401, "bad_credentials");
    app.renewed("nobody", &once, NEW).await.refused(401, "bad_credentials");
    let session = app.renewed("leader", &once, NEW).await.expect(200);
    assert!(app.takes(&session["access_token"]).await);
    app.renewed("leader", &once, "Lamp-post-2028").await.refused(401, "bad_credentials");
    app.staff("leader", NEW).await.expect(200);
    assert_eq!(app.count("audit_entry where action = 'account.set_password'").await, 2);

    app.drain().await;
    let leader = app.bearer(session["access_token"].as_str().unwrap());
    let told = leader.all("/notifications").await;
    assert_eq!(leader.told("password_set").await.len(), 2, "its owner is told: {told:?}");

    // It is good for a day.
    let late = security.post(&path, json!({})).await.expect(200);
    let late = late["password"].as_str().unwrap();
    app.advance(TimeDelta::hours(24));
    app.staff("leader", late).await.refused(403, "password_lapsed");
    app.renewed("leader", late, "Lamp-post-2028").await.refused(403, "password_lapsed");

    let own = app.account_id("security").await;
    let own = security.post(&format!("/accounts/{own}/password"), json!({})).await;
    own.refused(409, "own_credentials");
}

#[tokio::test]
async fn an_old_password_is_changed_before_it_logs_in() {
    let app = App::with(|config| config.security.password_days = 90).await;
    app.staff("leader", PASSWORD).await.expect(200);
    app.advance(TimeDelta::days(90));
    app.staff("leader", "wrong").await.refused(401, "bad_credentials");
    app.staff("leader", PASSWORD).await.refused(403, "password_change_required");
    app.renewed("leader", PASSWORD, NEW).await.expect(200);
    app.staff("leader", NEW).await.expect(200);
    app.advance(TimeDelta::days(89));
    app.staff("leader", NEW).await.expect(200);
    app.advance(TimeDelta::days(1));
    app.staff("leader", NEW).await.refused(403, "password_change_required");
}
