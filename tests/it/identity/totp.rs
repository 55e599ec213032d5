//! The second factor: bound by a code, asked for at log-in, lost and reset.

use api::app::identity::staff::{self, Proof};
use chrono::TimeDelta;
use domain::identity::{Password, Role};
use futures::future::join_all;
use infra::{
    postgres::audit::Origin,
    totp::{code_at, from_base32},
};
use serde_json::{Value, json};

use super::PASSWORD;
use crate::support::{Answer, App};

/// An authenticator app with one account.
pub(super) struct Authenticator(Vec<u8>);

impl Authenticator {
    pub(super) fn shows(&self, app: &App) -> String {
        code_at(&self.0, app.now().timestamp())
    }
}

impl App {
    async fn start(&self, username: &str) -> Answer {
        let body = json!({"username": username, "password": PASSWORD});
        self.anonymous().post("/auth/totp/start", body).await
    }

    async fn confirm(&self, username: &str, code: &str) -> Answer {
        let body = json!({"username": username, "password": PASSWORD, "code": code});
        self.anonymous().post("/auth/totp/confirm", body).await
    }

    async fn with_code(&self, username: &str, code: &str) -> Answer {
        let body = json!({"username": username, "password": PASSWORD, "totp": code});
        self.anonymous().post("/auth/staff", body).await
    }

    /// Binds an authenticator; the clock stands at the next code afterwards.
    pub(super) async fn bound(&self, username: &str) -> (Authenticator, Value) {
        let started = self.start(username).await.expect(200);
        let phone = Authenticator(from_base32(started["secret"].as_str().unwrap()).unwrap());
        let confirmed = self.confirm(username, &phone.shows(self)).await.expect(200);
        self.advance(TimeDelta::seconds(30));
        (phone, confirmed)
    }
}

fn codes(answer: &Value) -> Vec<String> {
    let codes = answer["recovery_codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_authenticator_is_bound_by_its_code() {
    let app = App::spawn().await;
    app.confirm("leader", "123456").await.refused(409, "totp_not_started");
    let first = app.start("leader").await.expect(200);
    let started = app.start("leader").await;
    assert_eq!(started.header("cache-control"), "no-store");
    let started = started.expect(200);
    assert_ne!(first["secret"], started["secret"], "the last one counts");
    let secret = started["secret"].as_str().unwrap();
    let uri = started["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(secret), "{uri}");
    app.staff("leader", PASSWORD).await.expect(200);

    let phone = Authenticator(from_base32(secret).unwrap());
    app.confirm("leader", "").await.refused(401, "totp_required");
    app.confirm("leader", "12345").await.refused(401, "totp_invalid");
    let confirmed = app.confirm("leader", &phone.shows(&app)).await.expect(200);
    assert!(app.takes(&confirmed["access_token"]).await);
    assert_eq!(confirmed["account"]["totp"], json!({"recovery_codes_left": 10}));
    assert_eq!(codes(&confirmed).len(), 10);
    let me = app.bearer(confirmed["access_token"].as_str().unwrap()).get("/me").await.expect(200);
    assert_eq!(me, confirmed["account"]);
    app.start("leader").await.refused(409, "totp_on");
    app.confirm("leader", &phone.shows(&app)).await.refused(409, "totp_on");
    assert_eq!(app.count("audit_entry where action = 'account.totp_on'").await, 1);
    let sealed: Vec<u8> =
        sqlx::query_scalar("select secret_sealed from totp").fetch_one(app.db()).await.unwrap();
    assert!(!sealed.windows(phone.0.len()).any(|part| part == phone.0), "sealed");
}

#[tokio::test]
async fn a_code_logs_in_once_and_one_step_to_either_side() {
    let app = App::spawn().await;
    let (phone, _) = app.bound("leader").await;
    app.staff("leader", PASSWORD).await.refused(401, "totp_required");
    app.with_code("leader", " ").await.refused(401, "totp_required");
    app.with_code("leader", "abc").await.refused(401, "totp_invalid");
    let code = phone.shows(&app);
    app.with_code("leader", &code).await.expect(200);
    app.with_code("leader", &code).await.refused(401, "totp_invalid");
    // The clock of the phone is behind by a step, then ahead by one.
    app.advance(TimeDelta::seconds(60));
    let behind = code_at(&phone.0, app.now().timestamp() - 30);
    app.with_code("leader", &behind).await.expect(200);
    let ahead = code_at(&phone.0, app.now().timestamp() + 30);
    app.with_code("leader", &ahead).await.expect(200);
    let now = phone.shows(&app);
    app.with_code("leader", &now).await.refused(401, "totp_invalid");
    app.advance(TimeDelta::seconds(90));
    let old = code_at(&phone.0, app.now().timestamp() - 60);
    app.with_code("leader", &old).await.refused(401, "totp_invalid");
    let spaced = phone.shows(&app);
    let (head, tail) = spaced.split_at(3);
    app.with_code("leader", &format!("{head} {tail}")).await.expect(200);
    // Who has bound none is not asked for one.
    app.with_code("auditor", "123456").await.expect(200);
}

#[tokio::test]
async fn one_code_logs_in_one_of_many() {
    let app = App::spawn().await;
    let (phone, _) = app.bound("leader").await;
    let code = phone.shows(&app);
    let answers = join_all((0..6).map(|_| app.with_code("leader", &code))).await;
    let entered = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(entered, 1, "every code is taken once");
}

#[tokio::test]
async fn parallel_guesses_of_a_code_get_no_more_tries() {
    let app = App::spawn().await;
    let (phone, _) = app.bound("leader").await;
    for _ in 0..4 {
        app.with_code("leader", "abc").await.refused(401, "totp_invalid");
    }
    // A right password alone does not begin the count anew.
    app.staff("leader", PASSWORD).await.refused(401, "totp_required");
    let answers = join_all((0..12).map(|_| app.with_code("leader", "abc"))).await;
    let tried = answers.iter().filter(|answer| answer.code() == "totp_invalid").count();
    assert_eq!(tried, 1, "the fifth, and no other");
    app.with_code("leader", &phone.shows(&app)).await.refused(429, "account_locked");
    assert_eq!(app.count("audit_entry where action = 'account.lock'").await, 1);
    app.advance(TimeDelta::minutes(15));
    app.with_code("leader", &phone.shows(&app)).await.expect(200);
}

#[tokio::test]
async fn a_recovery_code_stands_in_once() {
    let app = App::spawn().await;
    let (phone, confirmed) = app.bound("leader").await;
    let kept = codes(&confirmed);
    let plain = kept[0].replace('-', "").to_lowercase();
    let entered = app.with_code("leader", &plain).await.expect(200);
    assert_eq!(entered["account"]["totp"], json!({"recovery_codes_left": 9}));
    app.with_code("leader", &kept[0]).await.refused(401, "totp_invalid");
    app.with_code("leader", &kept[1]).await.expect(200);

    let me = app.bearer(entered["access_token"].as_str().unwrap());
    let path = "/me/totp/recovery-codes";
    let wrong = me.post(path, json!({"password": "wrong", "totp": phone.shows(&app)})).await;
    assert_eq!(wrong.fields(), ["password"], "{wrong}");
    let wrong = me.post(path, json!({"password": PASSWORD, "totp": "abc"})).await;
    assert_eq!(wrong.fields(), ["totp"], "{wrong}");
    let right = json!({"password": PASSWORD, "totp": phone.shows(&app)});
    let fresh = codes(&me.post(path, right).await.expect(200));
    app.with_code("leader", &kept[2]).await.refused(401, "totp_invalid");
    app.with_code("leader", &fresh[0]).await.expect(200);
    // Another's codes are nobody else's.
    app.bound("supervisor").await;
    app.with_code("supervisor", &fresh[1]).await.refused(401, "totp_invalid");
}

#[tokio::test]
async fn a_second_factor_is_taken_off_where_no_role_demands_it() {
    let app = App::with(|config| config.security.totp_roles = vec![Role::Auditor]).await;
    let (phone, confirmed) = app.bound("leader").await;
    let off = async |app: &App, phone: &Authenticator, confirmed: &Value| {
        let me = app.bearer(confirmed["access_token"].as_str().unwrap());
        me.post("/me/totp/remove", json!({"password": PASSWORD, "totp": phone.shows(app)})).await
    };
    off(&app, &phone, &confirmed).await.expect(204);
    app.staff("leader", PASSWORD).await.expect(200);
    off(&app, &phone, &confirmed).await.refused(409, "totp_off");
    assert_eq!(app.count("totp_recovery").await, 0);

    // The auditor is let in with one alone, and keeps it.
    app.staff("auditor", PASSWORD).await.refused(403, "totp_enrolment_required");
    app.staff("auditor", "wrong").await.refused(401, "bad_credentials");
    let (phone, confirmed) = app.bound("auditor").await;
    app.staff("auditor", PASSWORD).await.refused(401, "totp_required");
    off(&app, &phone, &confirmed).await.refused(409, "totp_demanded");
    app.with_code("auditor", &phone.shows(&app)).await.expect(200);
}

#[tokio::test]
async fn a_recovery_code_outlives_a_change_of_the_index_key() {
    let app = App::spawn().await;
    let kept = codes(&app.bound("leader").await.1);
    let mut state = app.state().clone();
    let mut config = (*state.config).clone();
    let new = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";
    let both = format!("2:{new},1:{}", config.security.data_key.expose());
    config.security.data_key = both.as_str().into();
    config.security.index_key = 2;
    state.crypto = std::sync::Arc::new(config.security.crypto().unwrap());
    let log_in = async |code: &str| {
        let proof = Proof {
            username: "leader".to_owned(),
            password: Password::typed(PASSWORD.to_owned()),
            totp: Some(Password::typed(code.to_owned())),
        };
        staff::login(&state, proof, &Origin::default()).await.map(drop).map_err(|no| no.code())
    };
    assert_eq!(log_in(&kept[0]).await, Ok(()));
    assert_eq!(log_in(&kept[0]).await, Err(Some("totp_invalid")), "once");
}

#[tokio::test]
async fn the_security_desk_resets_a_lost_phone() {
    let app = App::with(|config| config.security.totp_roles = vec![Role::Leader]).await;
    let (_, confirmed) = app.bound("leader").await;
    let security = app.as_("security");
    let id = app.account_id("leader").await;
    let path = format!("/accounts/{id}/totp/reset");
    let short = security.post(&path, json!({"reason": "。"})).await;
    assert_eq!(short.fields(), ["reason"], "{short}");
    let reason = json!({"reason": "手机遗失，已当面核对本人"});
    security.post(&path, reason.clone()).await.expect(204);
    app.soon_refuses(&confirmed["access_token"]).await;
    security.post(&path, reason.clone()).await.refused(409, "totp_off");
    app.staff("leader", PASSWORD).await.refused(403, "totp_enrolment_required");
    app.bound("leader").await;
    assert_eq!(app.count("audit_entry where action = 'account.reset_totp'").await, 1);
    app.drain().await;
    let told = "notification n join event e on e.subject_id = n.subject_id and e.seq = n.seq
        where e.kind = 'totp_reset'";
    assert_eq!(app.count(told).await, 1, "its owner is told");

    let own = app.account_id("security").await;
    let own = security.post(&format!("/accounts/{own}/totp/reset"), reason).await;
    own.refused(409, "own_credentials");
}

#[tokio::test]
async fn a_one_time_password_does_not_pass_the_second_factor() {
    let app = App::spawn().await;
    let (phone, _) = app.bound("leader").await;
    let id = app.account_id("leader").await;
    let shown = app.as_("security").post(&format!("/accounts/{id}/password"), json!({})).await;
    let once = shown.expect(200)["password"].as_str().unwrap().to_owned();
    let renew = async |totp: Option<String>| {
        let body = json!({
            "username": "leader", "password": once, "new": "Lamp-post-2027", "totp": totp,
        });
        app.anonymous().post("/auth/password", body).await
    };
    renew(None).await.refused(401, "totp_required");
    renew(Some("abc".to_owned())).await.refused(401, "totp_invalid");
    // The log-in that asks for the change does not use the code up.
    let body = json!({"username": "leader", "password": once, "totp": phone.shows(&app)});
    let asked = app.anonymous().post("/auth/staff", body).await;
    asked.refused(403, "password_change_required");
    renew(Some(phone.shows(&app))).await.expect(200);
}
