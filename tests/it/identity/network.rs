//! From where a role may be used: asked at log-in, at each renewal and at each request.

use api::config::Config;
use domain::identity::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::PASSWORD;
use crate::support::{Answer, App};

const OFFICE: &str = "192.0.2.9";
const HOME: &str = "198.51.100.7";

/// Leaders at the office alone; the tests' own address is a proxy.
fn leaders_at_the_office(config: &mut Config) {
    config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    config.security.networks.insert(Role::Leader, vec!["192.0.2.0/24".parse().unwrap()]);
}

impl App {
    async fn posts_from(&self, place: &str, path: &str, body: Value) -> Answer {
        let request = self.anonymous().request(Method::POST, path).json(&body);
        request.header("x-forwarded-for", place).send().await
    }

    async fn enters_from(&self, place: &str, username: &str) -> Answer {
        let body = json!({"username": username, "password": PASSWORD});
        self.posts_from(place, "/auth/staff", body).await
    }

    async fn asks_from(&self, place: &str, path: &str, session: &Value) -> Answer {
        let who = self.bearer(session["access_token"].as_str().unwrap());
        who.request(Method::GET, path).header("x-forwarded-for", place).send().await
    }
}

#[tokio::test]
async fn a_role_is_used_from_its_networks_alone() {
    let app = App::with(leaders_at_the_office).await;
    let refused = app.enters_from(HOME, "leader").await;
    assert!(!refused.text.contains("192.0.2"), "no network is told: {refused}");
    refused.refused(403, "network_not_allowed");
    let wrong = json!({"username": "leader", "password": "wrong"});
    app.posts_from(HOME, "/auth/staff", wrong).await.refused(401, "bad_credentials");
    let session = app.enters_from(OFFICE, "leader").await.expect(200);
    app.asks_from(OFFICE, "/me", &session).await.expect(200);
    for _ in 0..2 {
        app.asks_from(HOME, "/me", &session).await.refused(403, "network_not_allowed");
    }
    // What everybody may read too: a token is held to its place.
    app.asks_from(HOME, "/complaints", &session).await.refused(403, "network_not_allowed");
    let token = json!({"refresh_token": session["refresh_token"]});
    let renewed = app.posts_from(HOME, "/auth/refresh", token.clone()).await;
    renewed.refused(403, "network_not_allowed");
    // The token was not used up by that.
    let session = app.posts_from(OFFICE, "/auth/refresh", token).await.expect(200);
    app.asks_from(OFFICE, "/me", &session).await.expect(200);
    assert_eq!(app.count("audit_entry where action = 'session.network'").await, 1);
    assert_eq!(app.count("audit_entry where action = 'account.network'").await, 1);

    // Other roles are used from anywhere.
    let session = app.enters_from(HOME, "dispatcher").await.expect(200);
    app.asks_from(HOME, "/me", &session).await.expect(200);
}

#[tokio::test]
async fn a_stolen_token_ends_the_log_in_from_wherever_it_is_tried_again() {
    let app = App::with(leaders_at_the_office).await;
    let session = app.enters_from(OFFICE, "leader").await.expect(200);
    let token = json!({"refresh_token": session["refresh_token"]});
    let renewed = app.posts_from(OFFICE, "/auth/refresh", token.clone()).await.expect(200);
    app.advance(chrono::TimeDelta::seconds(11));
    let next = json!({"refresh_token": renewed["refresh_token"]});
    app.posts_from(OFFICE, "/auth/refresh", next.clone()).await.expect(200);
    let stolen = app.posts_from(HOME, "/auth/refresh", token).await;
    stolen.refused(401, "refresh_token_reused");
    assert_eq!(app.count("audit_entry where action = 'session.reuse'").await, 1);
    app.posts_from(OFFICE, "/auth/refresh", next).await.refused(401, "refresh_token_invalid");
}
