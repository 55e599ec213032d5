//! Log-in by a directory, against one that stands in for it: what a good one brings, and every way that
//! a bad token, code or state is refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use chrono::TimeDelta;
use domain::identity::Role;
use futures::future::join_all;
use infra::crypto;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

use crate::support::{Answer, App};

const CLIENT: &str = "zhixiang";
const KEYS: &str = "/keys";

/// What the directory gives for a code, once: the token, and the challenge that its verifier meets.
type Codes = Arc<Mutex<HashMap<String, (String, String)>>>;

struct Directory {
    server: MockServer,
    key: EncodingKey,
    codes: Codes,
    published: Arc<Mutex<Vec<Value>>>,
}

fn key() -> EncodingKey {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EncodingKey::from_ec_der(pair.as_ref())
}

fn published(key: &EncodingKey, kid: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn signed(key: &EncodingKey, kid: &str, claims: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
    encode(&header, claims, key).unwrap()
}

impl Directory {
    async fn start() -> Self {
        let server = MockServer::start().await;
        let issuer = server.uri();
        let metadata = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}{KEYS}"),
        });
        Mock::given(method("GET"))
            .and(path("/.well-known/openid-configuration"))
            .respond_with(ResponseTemplate::new(200).set_body_json(metadata))
            .mount(&server)
            .await;
        let key = key();
        let keys = Arc::new(Mutex::new(vec![published(&key, "one")]));
        let (codes, shown) = (Codes::default(), Arc::clone(&keys));
        Mock::given(method("GET"))
            .and(path(KEYS))
            .respond_with(move |_: &Request| {
                ResponseTemplate::new(200).set_body_json(json!({"keys": *shown.lock().unwrap()}))
            })
            .mount(&server)
            .await;
        let known = Arc::clone(&codes);
        Mock::given(method("POST"))
            .and(path("/token"))
            .respond_with(move |request: &Request| exchanged(&known, request))
            .mount(&server)
            .await;
        Self { server, key, codes, published: keys }
    }

    async fn app(&self, required: &[&str]) -> App {
        let issuer = self.server.uri();
        let required: Vec<String> = required.iter().map(|one| (*one).to_owned()).collect();
        App::with(|config| {
            config.oidc.issuer = issuer;
            config.oidc.client_id = CLIENT.to_owned();
            config.oidc.client_secret = "directory-secret".into();
            config.oidc.redirect_uri = "https://zhixiang.test/oidc".to_owned();
            config.oidc.second_factor = required;
        })
        .await
    }

    /// Claims that nothing is wrong with.
    fn claims(&self, app: &App, begun: &Begun) -> Value {
        let now = app.now().timestamp();
        json!({
            "iss": self.server.uri(), "aud": CLIENT, "sub": "248289761001", "iat": now,
            "exp": now + 300, "nonce": begun.nonce, "preferred_username": "zhangsan",
            "amr": ["pwd", "otp"],
        })
    }

    /// The directory gives `token` for `code`.
    fn gives(&self, code: &str, token: String, begun: &Begun) {
        let given = (token, begun.challenge.clone());
        self.codes.lock().unwrap().insert(code.to_owned(), given);
    }

    /// Goes through a log-in with claims that `change` has changed.
    async fn logs_in(&self, app: &App, change: impl FnOnce(&mut Value)) -> Answer {
        let begun = Begun::at(app).await;
        let mut claims = self.claims(app, &begun);
        change(&mut claims);
        self.gives("a-code", signed(&self.key, "one", &claims), &begun);
        begun.finish(app, "a-code").await
    }

    async fn asked_for_keys(&self) -> usize {
        let asked = self.server.received_requests().await.unwrap();
        asked.iter().filter(|request| request.url.path() == KEYS).count()
    }
}

fn exchanged(codes: &Codes, request: &Request) -> ResponseTemplate {
    let form: HashMap<String, String> =
        reqwest::Url::parse(&format!("http://x/?{}", String::from_utf8_lossy(&request.body)))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
    assert_eq!(form["client_id"], CLIENT);
    assert_eq!(form["client_secret"], "directory-secret");
    assert_eq!(form["redirect_uri"], "https://zhixiang.test/oidc");
    let verified = crypto::base64url(&crypto::sha256(form["code_verifier"].as_bytes()));
    match codes.lock().unwrap().remove(&form["code"]) {
        Some((token, challenge)) if challenge == verified => ResponseTemplate::new(200)
            .set_body_json(json!({"id_token": token, "token_type": "Bearer"})),
        _ => ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"})),
    }
}

/// A log-in that was begun.
struct Begun {
    /// What the client keeps.
    state: String,
    /// What the browser carries.
    shown: String,
    nonce: String,
    challenge: String,
}

impl Begun {
    async fn at(app: &App) -> Self {
        let begun = app.anonymous().get("/auth/oidc/start").await.ok();
        let url = reqwest::Url::parse(begun["url"].as_str().unwrap()).unwrap();
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(
            (asked["response_type"].as_str(), asked["client_id"].as_str()),
            ("code", CLIENT)
        );
        assert_eq!(asked["redirect_uri"], "https://zhixiang.test/oidc");
        let state = begun["state"].as_str().unwrap().to_owned();
        assert_ne!(state, asked["state"]);
        Self {
            state,
            shown: asked["state"].clone(),
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
        }
    }

    async fn finish(&self, app: &App, code: &str) -> Answer {
        app.anonymous().post("/auth/oidc", json!({"code": code, "state": self.state})).await
    }
}

async fn bound(app: &App, username: &str, body: Value) -> String {
    let path = format!("/accounts/{}/oidc", app.account_id(username).await);
    assert_eq!(app.as_("security").post(&path, body).await.ok()["bound"], true);
    path
}

#[tokio::test]
async fn who_is_bound_logs_in_and_nobody_else_gets_an_account() {
    let directory = Directory::start().await;
    let app = directory.app(&[]).await;
    let accounts = app.count("account").await;
    directory.logs_in(&app, |_| ()).await.refused(401, "oidc_not_bound");
    assert_eq!(app.count("account").await, accounts, "nobody is made");
    let path = bound(&app, "dispatcher", json!({"preferred_username": "zhangsan"})).await;
    let session = directory.logs_in(&app, |_| ()).await.ok();
    let who = app.bearer(session["access_token"].as_str().unwrap());
    assert_eq!(who.get("/me").await.ok()["id"], app.account_id("dispatcher").await);
    // From the first log-in on it is the subject that counts: a name that is given anew opens nothing.
    directory
        .logs_in(&app, |claims| claims["sub"] = json!("another"))
        .await
        .refused(401, "oidc_not_bound");
    directory.logs_in(&app, |claims| claims["preferred_username"] = json!("renamed")).await.ok();

    // One person, one account; residents log in otherwise; others bind nobody.
    let other = format!("/accounts/{}/oidc", app.account_id("supervisor").await);
    let security = app.as_("security");
    let same = json!({"subject": "248289761001"});
    security.post(&other, same.clone()).await.refused(409, "oidc_taken");
    let li = app.resident("li").get("/me").await.ok()["id"].as_str().unwrap().to_owned();
    security
        .post(&format!("/accounts/{li}/oidc"), same.clone())
        .await
        .refused(409, "oidc_not_staff");
    let both = json!({"subject": "1", "preferred_username": "2"});
    assert_eq!(security.post(&other, both).await.fields(), ["subject"]);
    app.as_("sysadmin").post(&other, same).await.refused(403, "forbidden");
    let missing = "/accounts/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/oidc";
    security.post(missing, json!({"subject": "1"})).await.refused(404, "not_found");

    // Disabled is disabled; what is unbound is unbound.
    let account = path.trim_end_matches("/oidc").to_owned();
    let why = json!({"reason": "已调离岗位"});
    security.post(&format!("{account}/disable"), why).await.ok();
    directory.logs_in(&app, |_| ()).await.refused(401, "account_disabled");
    security.post(&format!("{account}/enable"), json!({})).await.ok();
    directory.logs_in(&app, |_| ()).await.ok();
    security.request(Method::DELETE, &path).send().await.ok();
    directory.logs_in(&app, |_| ()).await.refused(401, "oidc_not_bound");
    // Neither the name nor the number of the directory stands anywhere.
    for found in [
        "audit_entry where data::text like '%zhangsan%'",
        "audit_entry where data::text like '%24828%'",
    ] {
        assert_eq!(app.count(found).await, 0, "{found}");
    }
    assert_eq!(app.count("audit_entry where action like 'account.%bind_oidc'").await, 2);
}

#[tokio::test]
async fn a_locked_account_stays_locked() {
    let directory = Directory::start().await;
    let app = directory.app(&[]).await;
    bound(&app, "dispatcher", json!({"subject": "248289761001"})).await;
    for _ in 0..5 {
        let wrong = json!({"username": "dispatcher", "password": "Wrong-2026-pass"});
        app.anonymous().post("/auth/staff", wrong).await;
    }
    directory.logs_in(&app, |_| ()).await.refused(429, "account_locked");
}

#[tokio::test]
async fn a_token_that_is_not_to_be_believed_opens_nothing() {
    let directory = Directory::start().await;
    let app = directory.app(&[]).await;
    bound(&app, "dispatcher", json!({"subject": "248289761001"})).await;
    let now = app.now().timestamp();
    let wrong: [(&str, Value); 11] = [
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!([CLIENT, "another-client"])),
        ("azp", json!("another-client")),
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("exp", json!(now - 5)),
        ("exp", Value::Null),
        ("iat", json!(now + 6)),
        ("sub", json!("")),
    ];
    for (claim, value) in wrong {
        let said = format!("{claim} {value}");
        let answer = directory.logs_in(&app, |claims| claims[claim] = value).await;
        assert_eq!((answer.status, answer.code()), (401, "oidc_rejected"), "{said}");
    }
    directory.logs_in(&app, |claims| claims["exp"] = json!(now - 4)).await.ok();
    let several = json!([CLIENT, "another-client"]);
    let good = directory.logs_in(&app, |claims| {
        claims["aud"] = several;
        claims["azp"] = json!(CLIENT);
    });
    good.await.ok();
}

#[tokio::test]
async fn no_algorithm_but_ours_and_no_key_but_the_published_ones() {
    let directory = Directory::start().await;
    let app = directory.app(&[]).await;
    bound(&app, "dispatcher", json!({"subject": "248289761001"})).await;
    let forged = |begun: &Begun, how: &str| {
        let claims = directory.claims(&app, begun);
        let payload = crypto::base64url(claims.to_string().as_bytes());
        let keyed = directory.published.lock().unwrap()[0].to_string();
        match how {
            "none" => {
                let header = crypto::base64url(br#"{"alg":"none","kid":"one"}"#);
                format!("{header}.{payload}.")
            }
            "hs256" => {
                let header =
                    Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
                encode(&header, &claims, &EncodingKey::from_secret(keyed.as_bytes())).unwrap()
            }
            "another key" => signed(&key(), "one", &claims),
            "altered" => {
                let token = signed(&directory.key, "one", &claims);
                let parts: Vec<&str> = token.split('.').collect();
                let mut other = claims;
                other["sub"] = json!("somebody else");
                let payload = crypto::base64url(other.to_string().as_bytes());
                format!("{}.{payload}.{}", parts[0], parts[2])
            }
            _ => "no.token.at-all".to_owned(),
        }
    };
    for how in ["none", "hs256", "another key", "altered", "garbage"] {
        let begun = Begun::at(&app).await;
        directory.gives("a-code", forged(&begun, how), &begun);
        let answer = begun.finish(&app, "a-code").await;
        assert_eq!((answer.status, answer.code()), (401, "oidc_rejected"), "{how}");
    }
    // A shared secret among the published keys signs nothing either.
    let secret = crypto::base64url(b"a secret that everybody can read");
    directory.published.lock().unwrap().push(json!({"kty": "oct", "kid": "open", "k": secret}));
    let begun = Begun::at(&app).await;
    let header = Header { kid: Some("open".to_owned()), ..Header::new(Algorithm::HS256) };
    let open = EncodingKey::from_secret(b"a secret that everybody can read");
    directory.gives(
        "a-code",
        encode(&header, &directory.claims(&app, &begun), &open).unwrap(),
        &begun,
    );
    begun.finish(&app, "a-code").await.refused(401, "oidc_rejected");
}

#[tokio::test]
async fn keys_are_changed_and_unknown_ones_asked_for_once_a_minute() {
    let directory = Directory::start().await;
    let app = directory.app(&[]).await;
    bound(&app, "dispatcher", json!({"subject": "248289761001"})).await;
    directory.logs_in(&app, |_| ()).await.ok();
    assert_eq!(directory.asked_for_keys().await, 1);
    let unknown = async |kid: &str, by: &EncodingKey| {
        let begun = Begun::at(&app).await;
        directory.gives("a-code", signed(by, kid, &directory.claims(&app, &begun)), &begun);
        begun.finish(&app, "a-code").await
    };
    let evil = key();
    for n in 0..5 {
        unknown(&format!("unknown-{n}"), &evil).await.refused(401, "oidc_rejected");
    }
    assert_eq!(directory.asked_for_keys().await, 1, "within a minute nobody asks again");
    app.advance(TimeDelta::seconds(60));
    for n in 0..5 {
        unknown(&format!("unknown-{n}"), &evil).await.refused(401, "oidc_rejected");
    }
    assert_eq!(directory.asked_for_keys().await, 2);
    // A new key of the directory is found.
    let next = key();
    directory.published.lock().unwrap().push(published(&next, "two"));
    app.advance(TimeDelta::seconds(60));
    unknown("two", &next).await.ok();
    assert_eq!(directory.asked_for_keys().await, 3);
    directory.logs_in(&app, |_| ()).await.ok();
    assert_eq!(directory.asked_for_keys().await, 3);
}

#[tokio::test]
async fn a_code_and_a_state_are_used_once_and_by_who_began() {
    let directory = Directory::start().await;
    let app = directory.app(&[]).await;
    bound(&app, "dispatcher", json!({"subject": "248289761001"})).await;
    let give = |code: &str, begun: &Begun| {
        let token = signed(&directory.key, "one", &directory.claims(&app, begun));
        directory.gives(code, token, begun);
    };
    let first = Begun::at(&app).await;
    give("a-code", &first);
    first.finish(&app, "a-code").await.ok();
    give("a-code", &first);
    first.finish(&app, "a-code").await.refused(401, "oidc_state_invalid");
    // Of many at once one goes in.
    let begun = Begun::at(&app).await;
    give("a-code", &begun);
    let taps = futures::future::join_all((0..4).map(|_| begun.finish(&app, "a-code"))).await;
    assert_eq!(taps.iter().filter(|answer| answer.status == 200).count(), 1);

    // An attacker's code does nothing in another's log-in, nor does what the address shows.
    let (attacker, victim) = (Begun::at(&app).await, Begun::at(&app).await);
    give("attackers-code", &attacker);
    victim.finish(&app, "attackers-code").await.refused(401, "oidc_rejected");
    let shown = json!({"code": "attackers-code", "state": attacker.shown});
    app.anonymous().post("/auth/oidc", shown).await.refused(401, "oidc_state_invalid");
    // Nor is a token of another log-in taken for this one.
    let (one, other) = (Begun::at(&app).await, Begun::at(&app).await);
    let token = signed(&directory.key, "one", &directory.claims(&app, &other));
    directory.gives("mixed", token, &one);
    one.finish(&app, "mixed").await.refused(401, "oidc_rejected");

    let late = Begun::at(&app).await;
    give("late", &late);
    app.advance(TimeDelta::minutes(10));
    late.finish(&app, "late").await.refused(401, "oidc_state_invalid");
    for state in ["", "x", "AAAA", &"A".repeat(5000)] {
        let body = json!({"code": "a-code", "state": state});
        app.anonymous().post("/auth/oidc", body).await.refused(401, "oidc_state_invalid");
    }
}

#[tokio::test]
async fn our_second_factor_is_asked_for_where_the_directory_used_none_that_counts() {
    let directory = Directory::start().await;
    let app = directory.app(&["otp", "mfa"]).await;
    bound(&app, "leader", json!({"subject": "248289761001"})).await;
    let by_password = |claims: &mut Value| claims["amr"] = json!(["pwd"]);
    directory.logs_in(&app, by_password).await.expect(200);
    let (phone, _) = app.bound("leader").await;
    directory.logs_in(&app, |_| ()).await.expect(200);
    directory.logs_in(&app, by_password).await.refused(401, "totp_required");
    let silent = directory.logs_in(&app, |claims| claims["amr"] = Value::Null).await;
    silent.refused(401, "totp_required");
    let level = directory.logs_in(&app, |claims| {
        claims["amr"] = Value::Null;
        claims["acr"] = json!("mfa");
    });
    level.await.expect(200);

    let with = async |totp: &str| {
        let begun = Begun::at(&app).await;
        let mut claims = directory.claims(&app, &begun);
        by_password(&mut claims);
        directory.gives("a-code", signed(&directory.key, "one", &claims), &begun);
        let body = json!({"code": "a-code", "state": begun.state, "totp": totp});
        app.anonymous().post("/auth/oidc", body).await
    };
    let shown = phone.shows(&app);
    with(&shown).await.expect(200);
    with(&shown).await.refused(401, "totp_invalid");
    // Wrong ones count as after a password, and the lock holds whatever the directory says.
    for _ in 0..4 {
        with("12345").await.refused(401, "totp_invalid");
    }
    with("12345").await.refused(429, "account_locked");
    directory.logs_in(&app, |_| ()).await.refused(429, "account_locked");
}

#[tokio::test]
async fn who_must_have_a_second_factor_has_one_here_or_in_the_directory() {
    let directory = Directory::start().await;
    let issuer = directory.server.uri();
    let app = App::with(|config| {
        config.oidc.issuer = issuer;
        config.oidc.client_id = CLIENT.to_owned();
        config.oidc.client_secret = "directory-secret".into();
        config.oidc.redirect_uri = "https://zhixiang.test/oidc".to_owned();
        config.oidc.second_factor = vec!["otp".to_owned()];
        config.security.totp_roles = vec![Role::Leader];
    })
    .await;
    bound(&app, "leader", json!({"subject": "248289761001"})).await;
    directory.logs_in(&app, |_| ()).await.expect(200);
    let password = directory.logs_in(&app, |claims| claims["amr"] = json!(["pwd"])).await;
    password.refused(403, "totp_enrolment_required");
}

#[tokio::test]
async fn who_comes_together_while_the_directory_is_away_asks_it_once() {
    let directory = Directory::start().await;
    directory.server.reset().await;
    let slow = ResponseTemplate::new(502).set_delay(Duration::from_millis(300));
    Mock::given(method("GET")).respond_with(slow).mount(&directory.server).await;
    let app = directory.app(&[]).await;
    let begins = (0..5).map(|_| async {
        app.anonymous().get("/auth/oidc/start").await.refused(503, "oidc_unavailable");
    });
    join_all(begins).await;
    assert_eq!(directory.server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_directory_or_with_another_ones_metadata_nobody_begins() {
    let app = App::spawn().await;
    app.anonymous().get("/auth/oidc/start").await.refused(409, "oidc_off");
    let body = json!({"code": "a-code", "state": "AAAA"});
    app.anonymous().post("/auth/oidc", body).await.refused(409, "oidc_off");
    for (issuer, endpoint) in
        [("https://evil.example", "https://evil.example"), ("", "http://evil.example")]
    {
        let directory = Directory::start().await;
        directory.server.reset().await;
        let own = directory.server.uri();
        let issuer = if issuer.is_empty() { own.as_str() } else { issuer };
        let metadata = json!({
            "issuer": issuer, "authorization_endpoint": format!("{endpoint}/authorize"),
            "token_endpoint": format!("{endpoint}/token"), "jwks_uri": format!("{endpoint}/keys"),
        });
        Mock::given(path("/.well-known/openid-configuration"))
            .respond_with(ResponseTemplate::new(200).set_body_json(metadata))
            .mount(&directory.server)
            .await;
        let app = directory.app(&[]).await;
        app.anonymous().get("/auth/oidc/start").await.refused(503, "oidc_unavailable");
    }
    // Nobody is led elsewhere on the way.
    let directory = Directory::start().await;
    directory.server.reset().await;
    let away = ResponseTemplate::new(302).insert_header("location", "https://evil.example/");
    Mock::given(method("GET")).respond_with(away).mount(&directory.server).await;
    let app = directory.app(&[]).await;
    app.anonymous().get("/auth/oidc/start").await.refused(503, "oidc_unavailable");
}
