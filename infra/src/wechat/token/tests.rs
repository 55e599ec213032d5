use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::*;
use crate::wechat::testing::{asked, client, client_with, impatient, json_of, refusal, server};

const AT: &str = "/cgi-bin/stable_token";

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path(AT)).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn many_who_ask_at_once_ask_wechat_once() {
    let slow = json_of(&json!({"access_token": "token-1", "expires_in": 7200}));
    let server = answering(slow.set_delay(Duration::from_millis(100))).await;
    let wechat = client(&server.uri());
    let asking = (0..20).map(|_| wechat.access_token(None));
    for token in futures::future::join_all(asking).await {
        assert_eq!(token.unwrap().expose(), "token-1");
    }
    assert_eq!(asked(&server, AT).await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_token_is_told_apart() {
    let unreadable = Failure::Unavailable(Fault::Unreadable);
    for (answer, expected) in [
        (refusal(40125), Failure::Said(Errcode::SetUp(40125))),
        (refusal(40013), Failure::Said(Errcode::SetUp(40013))),
        (refusal(40164), Failure::Said(Errcode::SetUp(40164))),
        (refusal(45009), Failure::Said(Errcode::Quota)),
        (json_of(&json!({"access_token": "", "expires_in": 7200})), unreadable),
        (json_of(&json!({"access_token": "token-1"})), unreadable),
        (ResponseTemplate::new(200).set_body_string("<html>"), unreadable),
        (
            ResponseTemplate::new(200).set_delay(Duration::from_secs(2)),
            Failure::Unavailable(Fault::Late),
        ),
    ] {
        let server = answering(answer).await;
        let wechat = client_with(&server.uri(), impatient());
        assert_eq!(wechat.access_token(None).await.err(), Some(expected));
    }
}

#[tokio::test]
async fn a_token_is_fetched_anew_before_it_ends_and_used_to_its_end_when_there_is_none() {
    let server = answering(refusal(-1)).await;
    let wechat = client_with(&server.uri(), impatient());
    let now = Instant::now();
    let copy = |good| Copied { token: Token("token-0".to_owned()), believed: now, good };
    *wechat.inner.token.0.lock().await = Some(copy(now + Duration::from_secs(60)));
    assert_eq!(wechat.access_token(None).await.unwrap().expose(), "token-0");
    assert!(!asked(&server, AT).await.is_empty(), "it asked for a new one");
    let dead = Token("token-0".to_owned());
    assert_eq!(wechat.access_token(Some(&dead)).await.err(), Some(Failure::Said(Errcode::Busy)));
    *wechat.inner.token.0.lock().await = Some(copy(now));
    assert_eq!(wechat.access_token(None).await.err(), Some(Failure::Said(Errcode::Busy)));
}

#[tokio::test]
async fn a_token_is_handed_out_until_minutes_before_its_end() {
    for (life, left) in [(7200, 6900), (600, 300), (400, 200), (10, 5), (999_999, 6900)] {
        let answer = json_of(&json!({"access_token": "token-1", "expires_in": life}));
        let server = answering(answer).await;
        let (_, given) = client(&server.uri()).fetch(None).await.unwrap();
        assert_eq!(given, Duration::from_secs(left), "{life}");
    }
}

#[tokio::test]
async fn new_tokens_are_forced_seldom() {
    let server = server().await;
    let wechat = client(&server.uri());
    let first = wechat.access_token(None).await.unwrap();
    let second = wechat.access_token(Some(&first)).await.unwrap();
    assert_eq!((first.expose(), second.expose()), ("token-1", "token-2"));
    let third = wechat.access_token(Some(&second)).await.err();
    assert_eq!(third, Some(Failure::Said(Errcode::TokenDead)), "30 s apart");
}

#[tokio::test]
async fn nobody_queues_up_behind_one_who_waits_in_vain() {
    let server = answering(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let patient = crate::wechat::Settings { answer: Duration::from_secs(60), ..impatient() };
    let wechat = client_with(&server.uri(), patient);
    let first = wechat.clone();
    let first = tokio::spawn(async move { first.access_token(None).await.map(drop) });
    while asked(&server, AT).await.is_empty() {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    let second = wechat.access_token(None).await.err();
    assert_eq!(second, Some(Failure::Unavailable(Fault::Late)));
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    first.abort();
}
