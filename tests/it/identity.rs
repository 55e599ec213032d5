//! Log-in, sessions and tokens over HTTP: what a person needs, and what a thief must not get.

use std::time::Duration;

use api::config::Secret;
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    ops::NOWHERE,
    support::{Answer, App, complaint},
};

mod forgery;
mod network;
mod oidc;
mod password;
mod phone;
mod phone_code;
mod totp;
mod wechat;

const PASSWORD: &str = api::app::seed::PASSWORD;

impl App {
    async fn wechat(&self, code: &str) -> Answer {
        self.anonymous().post("/auth/wechat", json!({"code": code})).await
    }

    async fn staff(&self, username: &str, password: &str) -> Answer {
        let body = json!({"username": username, "password": password});
        self.anonymous().post("/auth/staff", body).await
    }

    async fn refresh(&self, token: &Value) -> Answer {
        self.anonymous().post("/auth/refresh", json!({"refresh_token": token})).await
    }

    /// Whether an access token is taken.
    async fn takes(&self, token: &Value) -> bool {
        let answer = self.bearer(token.as_str().unwrap()).get("/me").await;
        match answer.status {
            200 => true,
            _ => {
                answer.refused(401, "unauthenticated");
                false
            }
        }
    }

    /// Waits until a token is refused, a second at most.
    async fn soon_refuses(&self, token: &Value) {
        let begun = std::time::Instant::now();
        while self.takes(token).await {
            assert!(begun.elapsed() < Duration::from_secs(1), "still taken after a second");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn a_demo_resident_is_always_the_same_person() {
    let app = App::spawn().await;
    let first = app.wechat("demo:li").await.expect(200);
    assert_eq!(first["account"]["display_name"], "演示居民 li");
    assert_eq!(first["account"]["roles"], json!([{"role": "resident", "scope": "self"}]));
    assert_eq!(first["expires_in"], 900);
    let second = app.wechat("demo:li").await.expect(200);
    assert_eq!(second["account"], first["account"]);
    assert_ne!(second["access_token"], first["access_token"]);
    assert_ne!(app.wechat("demo:wang").await.expect(200)["account"]["id"], first["account"]["id"]);
    let me = app.bearer(first["access_token"].as_str().unwrap()).get("/me").await.expect(200);
    assert_eq!(me, first["account"], "the account's fields, unwrapped");
    let longest = format!("demo:{}", "很".repeat(40));
    app.wechat(&longest).await.expect(200);
    for code in ["demo:", "demo:a b", "demo:a/b", "demo:<li>", &format!("{longest}很")] {
        app.wechat(code).await.refused(422, "wechat_code_invalid");
    }
}

#[tokio::test]
async fn twenty_first_log_ins_at_once_make_one_account() {
    let app = App::spawn().await;
    let before = app.count("account").await;
    let granted = app.count("role_grant").await;
    let answers = join_all((0..20).map(|_| app.wechat("demo:newcomer"))).await;
    let accounts: Vec<Value> =
        answers.into_iter().map(|one| one.expect(200)["account"].clone()).collect();
    assert!(accounts.iter().all(|one| *one == accounts[0]), "{accounts:?}");
    assert_eq!(app.count("account").await, before + 1);
    assert_eq!(app.count("session").await, 20, "each has its own session");
    assert_eq!(app.count("role_grant").await, granted + 1, "one role");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let app = App::spawn().await;
    app.staff("dispatcher", PASSWORD).await.expect(200);
    let mut told = Vec::new();
    for (username, password) in [
        ("dispatcher", "Demo-2026-pasS"),
        ("dispatcher", ""),
        ("dispatcher", "Demo-2026-pass "),
        ("nobody", PASSWORD),
        ("Dispatcher", PASSWORD),
        ("' or 1=1 --", PASSWORD),
        ("", PASSWORD),
        ("演示居民 li", PASSWORD),
    ] {
        let mut answer = app.staff(username, password).await.refused(401, "bad_credentials");
        answer["request_id"].take();
        told.push(answer);
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    let text = told[0]["detail"].as_str().unwrap();
    assert!(text.contains("用户名或密码"), "{text}");
}

#[tokio::test]
async fn five_failures_lock_for_a_quarter_of_an_hour() {
    let app = App::spawn().await;
    for _ in 0..4 {
        app.staff("leader", "wrong").await.refused(401, "bad_credentials");
    }
    app.staff("leader", PASSWORD).await.expect(200);
    for _ in 0..5 {
        app.staff("leader", "wrong").await.refused(401, "bad_credentials");
    }
    let locked = app.staff("leader", PASSWORD).await;
    assert_eq!(locked.header("retry-after"), "900", "{locked}");
    locked.refused(429, "account_locked");
    app.staff("leader", "wrong").await.refused(429, "account_locked");
    let found = app.as_("security").all("/accounts?q=leader").await;
    assert!(found[0]["locked_until"].is_string(), "whoever unlocks it sees that it is: {found:?}");
    app.staff("auditor", PASSWORD).await.expect(200);
    app.advance(TimeDelta::seconds(899));
    app.staff("leader", PASSWORD).await.refused(429, "account_locked");
    app.advance(TimeDelta::seconds(1));
    app.staff("leader", PASSWORD).await.expect(200);
    assert_eq!(app.count("audit_entry where action = 'account.lock'").await, 1);
}

#[tokio::test]
async fn a_name_that_nobody_has_locks_like_one_that_somebody_has() {
    let app = App::spawn().await;
    for name in ["nobody.here", "不是用户名"] {
        for _ in 0..5 {
            app.staff(name, "wrong").await.refused(401, "bad_credentials");
        }
        let locked = app.staff(name, "wrong").await;
        assert_eq!(locked.header("retry-after"), "900", "{locked}");
        locked.refused(429, "account_locked");
    }
    app.staff("leader", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn parallel_guesses_get_no_more_tries() {
    let app = App::spawn().await;
    let answers = join_all((0..12).map(|_| app.staff("leader", "wrong"))).await;
    let tried = answers.iter().filter(|answer| answer.code() == "bad_credentials").count();
    assert!(tried <= 6, "{tried} of 12 were tried: five, and one that had begun");
    app.staff("leader", PASSWORD).await.refused(429, "account_locked");
}

#[tokio::test]
async fn a_log_in_on_a_new_device_is_told_to_its_owner() {
    let app = App::spawn().await;
    let on = async |browser: &str| {
        app.advance(TimeDelta::seconds(1));
        let body = json!({"username": "leader", "password": PASSWORD});
        let asked = app.anonymous().request(Method::POST, "/auth/staff").json(&body);
        let session = asked.header("user-agent", browser).send().await.expect(200);
        app.drain().await;
        let leader = app.bearer(session["access_token"].as_str().unwrap());
        let means = leader.all("/me/sessions").await[0]["means"].clone();
        assert_eq!(means, "password");
        leader.told("device_new").await
    };
    let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36";
    assert!(on(chrome).await.is_empty(), "the first is no news");
    assert!(on(&chrome.replace("126", "127")).await.is_empty(), "nor is a newer version");
    let told = on("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("Safari · iPhone") && told[0].contains("127.0.0.*"), "{told:?}");
    assert_eq!(on(chrome).await.len(), 1);
    let opened = "audit_entry where action = 'session.open' and data ->> 'means' = 'password'";
    assert_eq!(app.count(opened).await, 4);
}

#[tokio::test]
async fn a_person_sees_and_ends_log_ins_elsewhere() {
    let app = App::spawn().await;
    let lost = app.staff("leader", PASSWORD).await.expect(200);
    app.advance(TimeDelta::minutes(1));
    let kept = app.staff("leader", PASSWORD).await.expect(200);
    let bearer = |session: &Value| app.bearer(session["access_token"].as_str().unwrap());
    let list = bearer(&kept).all("/me/sessions?limit=1").await;
    let current: Vec<&Value> = list.iter().map(|one| &one["current"]).collect();
    assert_eq!(current, [&json!(true), &json!(false)], "newest first: {list:?}");
    assert!(list[0]["created_at"].as_str() > list[1]["created_at"].as_str());
    assert_eq!((&list[0]["device"], &list[0]["place"]), (&json!("未知设备"), &json!("127.0.0.*")));
    let browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36";
    let renewal = app.anonymous().request(Method::POST, "/auth/refresh");
    let renewal = renewal.header("user-agent", browser);
    let token = json!({"refresh_token": kept["refresh_token"]});
    renewal.json(&token).send().await.expect(200);
    let list = bearer(&kept).all("/me/sessions").await;
    assert_eq!(list[0]["device"], "Chrome · Windows", "as it was last renewed");
    let id = list[1]["id"].as_str().unwrap();
    let path = format!("/me/sessions/{id}");

    // Another's is missing, and stays.
    let other = app.as_("supervisor").request(Method::DELETE, &path).send().await;
    other.refused(404, "not_found");
    assert!(app.takes(&lost["access_token"]).await);
    for _ in 0..2 {
        bearer(&kept).request(Method::DELETE, &path).send().await.expect(204);
    }
    app.soon_refuses(&lost["access_token"]).await;
    app.refresh(&lost["refresh_token"]).await.refused(401, "refresh_token_invalid");
    assert!(app.takes(&kept["access_token"]).await);
    assert_eq!(bearer(&kept).all("/me/sessions").await.len(), 1);
    assert_eq!(app.count("audit_entry where action = 'session.end'").await, 2);

    // One that idled out is none any more.
    let idle = app.staff("leader", PASSWORD).await.expect(200);
    app.advance(TimeDelta::minutes(21));
    let fresh = app.staff("leader", PASSWORD).await.expect(200);
    let list = bearer(&fresh).all("/me/sessions").await;
    assert_eq!(list.len(), 1, "{list:?}");
    app.refresh(&idle["refresh_token"]).await.refused(401, "refresh_token_invalid");
}

#[tokio::test]
async fn the_security_desk_lifts_a_lock() {
    let app = App::spawn().await;
    for _ in 0..5 {
        app.staff("leader", "wrong").await.refused(401, "bad_credentials");
    }
    let security = app.as_("security");
    let found = security.get("/accounts?q=leader").await.expect(200);
    let path = format!("/accounts/{}/enable", found["items"][0]["id"].as_str().unwrap());
    security.post(&path, json!({})).await.expect(200);
    app.staff("leader", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_once() {
    let app = App::spawn().await;
    let first = app.wechat("demo:li").await.expect(200);
    app.advance(TimeDelta::minutes(14));
    let second = app.refresh(&first["refresh_token"]).await.expect(200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["account"], first["account"]);
    assert_eq!(second["expires_in"], 900);
    assert!(app.takes(&second["access_token"]).await);

    // The answer was lost: the same again brings the same successor while that is unused.
    app.advance(TimeDelta::seconds(10));
    let replay = app.refresh(&first["refresh_token"]).await.expect(200);
    assert_eq!(replay["refresh_token"], second["refresh_token"]);
    let third = app.refresh(&second["refresh_token"]).await.expect(200);
    assert_ne!(third["refresh_token"], second["refresh_token"]);

    // Now it is a copy that somebody else holds.
    app.refresh(&first["refresh_token"]).await.refused(401, "refresh_token_reused");
    app.soon_refuses(&third["access_token"]).await;
    app.refresh(&third["refresh_token"]).await.refused(401, "refresh_token_invalid");
    app.refresh(&first["refresh_token"]).await.refused(401, "refresh_token_invalid");
    assert_eq!(app.count("session where end_reason = 'reuse'").await, 1);
    app.wechat("demo:li").await.expect(200);
}

#[tokio::test]
async fn a_late_replay_ends_the_session_and_no_other() {
    let app = App::spawn().await;
    let other = app.wechat("demo:li").await.expect(200);
    let first = app.wechat("demo:li").await.expect(200);
    let second = app.refresh(&first["refresh_token"]).await.expect(200);
    app.advance(TimeDelta::milliseconds(10_001));
    app.refresh(&first["refresh_token"]).await.refused(401, "refresh_token_reused");
    app.soon_refuses(&second["access_token"]).await;
    app.soon_refuses(&first["access_token"]).await;
    assert!(app.takes(&other["access_token"]).await, "another log-in goes on");
}

#[tokio::test]
async fn parallel_refreshes_get_one_successor() {
    let app = App::spawn().await;
    let first = app.wechat("demo:li").await.expect(200);
    let answers = join_all((0..20).map(|_| app.refresh(&first["refresh_token"]))).await;
    let successors: Vec<Value> =
        answers.into_iter().map(|one| one.expect(200)["refresh_token"].clone()).collect();
    assert!(successors.iter().all(|one| *one == successors[0]));
    app.refresh(&successors[0]).await.expect(200);
    assert_eq!(app.count("refresh_token").await, 3);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let app = App::spawn().await;
    let session = app.wechat("demo:li").await.expect(200);
    let token = session["refresh_token"].as_str().unwrap();
    let mut other = token.to_owned();
    other.replace_range(..1, if token.starts_with('A') { "B" } else { "A" });
    for bad in [
        "",
        "x",
        &other,
        &token[1..],
        &format!("{token}A"),
        &format!(" {token}"),
        &format!("{token}="),
        session["access_token"].as_str().unwrap(),
        &"A".repeat(43),
        "刷新",
    ] {
        app.refresh(&json!(bad)).await.refused(401, "refresh_token_invalid");
    }
    app.refresh(&json!(null)).await.refused(422, "invalid_field");
    app.refresh(&json!(token)).await.expect(200);
}

#[tokio::test]
async fn tokens_end_by_the_clock() {
    let app = App::spawn().await;
    let resident = app.wechat("demo:li").await.expect(200);
    let staff = app.staff("dispatcher", PASSWORD).await.expect(200);
    app.advance(TimeDelta::seconds(904));
    assert!(app.takes(&resident["access_token"]).await, "within the leeway");
    app.advance(TimeDelta::seconds(1));
    assert!(!app.takes(&resident["access_token"]).await);
    app.advance(TimeDelta::minutes(-20));
    assert!(!app.takes(&staff["access_token"]).await, "from the future");
    app.advance(TimeDelta::minutes(25));
    app.refresh(&staff["refresh_token"]).await.refused(401, "refresh_token_invalid");
    app.advance(TimeDelta::days(13));
    let renewed = app.refresh(&resident["refresh_token"]).await.expect(200);
    app.advance(TimeDelta::days(14));
    app.refresh(&renewed["refresh_token"]).await.refused(401, "refresh_token_invalid");
}

#[tokio::test]
async fn staff_idle_out_after_a_quarter_of_an_hour() {
    let app = App::spawn().await;
    let session = app.staff("dispatcher", PASSWORD).await.expect(200);
    assert_eq!(session["expires_in"], 300);
    app.advance(TimeDelta::seconds(14 * 60 + 59));
    assert!(!app.takes(&session["access_token"]).await, "five minutes without a renewal");
    let session = app.refresh(&session["refresh_token"]).await.expect(200);
    assert!(app.takes(&session["access_token"]).await);
    app.advance(TimeDelta::seconds(15 * 60 + 1));
    app.refresh(&session["refresh_token"]).await.refused(401, "refresh_token_invalid");
}

#[tokio::test]
async fn a_log_in_has_an_end_however_often_it_is_renewed() {
    let app = App::spawn().await;
    let mut session = app.staff("dispatcher", PASSWORD).await.expect(200);
    for _ in 0..34 {
        app.advance(TimeDelta::minutes(14));
        session = app.refresh(&session["refresh_token"]).await.expect(200);
    }
    // 7:56 h have passed; the session ends after 8 h, and so does its last access token.
    assert_eq!(session["expires_in"], 240);
    app.advance(TimeDelta::minutes(4));
    assert!(!app.takes(&session["access_token"]).await, "the session is over");
    app.refresh(&session["refresh_token"]).await.refused(401, "refresh_token_invalid");
}

/// Everything that must bite within a second, with Redis and without.
async fn ends_bite(app: &App) {
    let first = app.wechat("demo:li").await.expect(200);
    let renewed = app.refresh(&first["refresh_token"]).await.expect(200);
    let other = app.wechat("demo:li").await.expect(200);
    for session in [&first, &renewed, &other] {
        assert!(app.takes(&session["access_token"]).await);
    }
    let out =
        app.bearer(first["access_token"].as_str().unwrap()).post("/auth/logout", json!({})).await;
    assert_eq!((out.status, out.text.as_str()), (204, ""), "{out}");
    app.soon_refuses(&first["access_token"]).await;
    app.soon_refuses(&renewed["access_token"]).await;
    app.refresh(&renewed["refresh_token"]).await.refused(401, "refresh_token_invalid");
    assert!(app.takes(&other["access_token"]).await, "another log-in goes on");

    let officer = app.staff("dept.urban-management", PASSWORD).await.expect(200);
    assert!(app.takes(&officer["access_token"]).await);
    let security = app.as_("security");
    let id = officer["account"]["id"].as_str().unwrap();
    let body = json!({"reason": "已调离岗位"});
    let shown = security.post(&format!("/accounts/{id}/disable"), body).await.expect(200);
    assert!(shown["disabled_at"].is_string(), "{shown}");
    app.soon_refuses(&officer["access_token"]).await;
    app.refresh(&officer["refresh_token"]).await.refused(401, "refresh_token_invalid");
    app.staff("dept.urban-management", PASSWORD).await.refused(401, "account_disabled");
    security.post(&format!("/accounts/{id}/enable"), json!({})).await.expect(200);
    assert!(!app.takes(&officer["access_token"]).await, "old sessions stay ended");
    app.staff("dept.urban-management", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_end_bites_within_a_second() {
    ends_bite(&App::spawn().await).await;
}

#[tokio::test]
async fn an_end_bites_within_a_second_without_redis() {
    ends_bite(&App::with(|config| config.redis.url = Secret::from(NOWHERE)).await).await;
}

#[tokio::test]
async fn what_redis_remembers_of_a_dead_session_is_short_lived() {
    let app = App::spawn().await;
    let session = app.wechat("demo:li").await.expect(200);
    assert!(app.takes(&session["access_token"]).await);
    // The news of the end is lost: only PostgreSQL knows.
    sqlx::query("update session set ended_at = now(), end_reason = 'logout'")
        .execute(app.db())
        .await
        .unwrap();
    app.soon_refuses(&session["access_token"]).await;
}

#[tokio::test]
async fn a_changed_role_bites_within_a_second() {
    let app = App::spawn().await;
    let session = app.staff("dispatcher", PASSWORD).await.expect(200);
    let caller = app.bearer(session["access_token"].as_str().unwrap());
    let case = app.submitted().await;
    let path = case.path("/accept");
    caller.post(&path, json!({})).await.refused(422, "invalid_field");
    sqlx::query("update role_grant set revoked_at = now() where role = 'dispatcher'")
        .execute(app.db())
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    while caller.post(&path, json!({})).await.status != 403 {
        assert!(begun.elapsed() < Duration::from_secs(1), "still the old role");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(caller.get("/me").await.expect(200)["roles"], json!([]));
}

#[tokio::test]
async fn nobody_disables_himself() {
    let app = App::spawn().await;
    let security = app.as_("security");
    let me = security.get("/me").await.expect(200);
    let path = format!("/accounts/{}/disable", me["id"].as_str().unwrap());
    security.post(&path, json!({"reason": "试一试"})).await.refused(409, "own_account");
}

#[tokio::test]
async fn log_ins_are_limited_by_address_and_renewals_are_not() {
    let app = App::with(|config| config.limits.login_per_minute = 3).await;
    let session = app.wechat("demo:li").await.expect(200);
    app.wechat("demo:li").await.expect(200);
    app.staff("dispatcher", "wrong").await.refused(401, "bad_credentials");
    for refused in [app.wechat("demo:wang").await, app.staff("dispatcher", PASSWORD).await] {
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{refused}");
        refused.refused(429, "rate_limited");
    }
    // A header that anybody can write does not change whose address it is.
    let nobody = app.anonymous();
    let forged = nobody.request(Method::POST, "/auth/wechat").json(&json!({"code": "demo:li"}));
    forged.header("x-forwarded-for", "192.0.2.7").send().await.refused(429, "rate_limited");
    let mut token = session["refresh_token"].clone();
    for _ in 0..40 {
        token = app.refresh(&token).await.expect(200)["refresh_token"].clone();
    }
}

#[tokio::test]
async fn anonymous_complaints_are_limited_and_residents_are_not() {
    let app = App::with(|config| config.limits.anonymous_per_hour = 2).await;
    for _ in 0..2 {
        app.anonymous().submit(&complaint()).await;
    }
    let key = "anonymous-key-3";
    let third = app
        .anonymous()
        .request(Method::POST, "/complaints")
        .key(key)
        .json(&complaint())
        .send()
        .await;
    third.refused(429, "rate_limited");
    for _ in 0..3 {
        app.resident("li").submit(&complaint()).await;
    }
    assert_eq!(app.count("complaint").await, 5);
}

#[tokio::test]
async fn query_codes_cannot_be_guessed_at_speed() {
    let app = App::with(|config| config.limits.track_per_minute = 3).await;
    let case = app.submitted().await;
    let guess = json!({"number": case.number, "query_code": "AAAAAAAAAA"});
    for _ in 0..3 {
        app.anonymous().post("/track", guess.clone()).await.refused(404, "not_found");
    }
    for path in ["/track", "/track/remind", "/track/withdraw"] {
        app.anonymous().post(path, case.track(json!({}))).await.refused(429, "rate_limited");
    }
    app.resident("li").complaint(&case).await;
}

#[tokio::test]
async fn without_redis_limits_still_hold() {
    let app = App::with(|config| {
        config.redis.url = Secret::from(NOWHERE);
        config.limits.login_per_minute = 2;
    })
    .await;
    app.wechat("demo:li").await.expect(200);
    app.wechat("demo:li").await.expect(200);
    app.wechat("demo:li").await.refused(429, "rate_limited");
}
