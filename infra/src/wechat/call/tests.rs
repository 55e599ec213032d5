use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path, query_param},
};

use super::*;
use crate::wechat::{
    Settings,
    testing::{answers, asked, client, client_with, impatient, json_of, refusal, server},
};

const AT: &str = "/wxa/msg_sec_check";

#[test]
fn only_what_may_be_repeated_is() {
    let failures = [
        (Failure::Said(Errcode::Busy), true, true),
        (Failure::Unavailable(Fault::Unconnected), true, true),
        (Failure::Unavailable(Fault::Status(502)), true, false),
        (Failure::Unavailable(Fault::Status(500)), true, false),
        (Failure::Unavailable(Fault::Status(404)), false, false),
        (Failure::Unavailable(Fault::Late), false, false),
        (Failure::Unavailable(Fault::Broken), false, false),
        (Failure::Unavailable(Fault::Unreadable), false, false),
        (Failure::Said(Errcode::TooOften), false, false),
        (Failure::Said(Errcode::Quota), false, false),
        (Failure::Resting, false, false),
    ];
    for (failure, freely, single_use) in failures {
        for interface in Interface::ALL {
            let expected = if interface.repeats_freely() { freely } else { single_use };
            assert_eq!(repeats(interface, failure), expected, "{interface:?} {failure:?}");
        }
    }
}

async fn ask(wechat: &WeChat) -> Result<Value, Failure> {
    wechat.ask(Interface::TextCheck, &json!({"content": "a"})).await
}

#[tokio::test]
async fn each_way_to_fail_is_told_apart_and_shows_no_secret() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(2));
    for (answer, expected, times) in [
        (slow, Fault::Late, 1),
        (ResponseTemplate::new(200).set_body_string(r#"{"result": {"sug"#), Fault::Unreadable, 1),
        (ResponseTemplate::new(200).set_body_string("<html>登录</html>"), Fault::Unreadable, 1),
        (ResponseTemplate::new(200).set_body_string(""), Fault::Unreadable, 1),
        (ResponseTemplate::new(200).set_body_bytes(vec![b' '; 5 << 20]), Fault::Unreadable, 1),
        (ResponseTemplate::new(502).set_body_string("<html>"), Fault::Status(502), 3),
        (ResponseTemplate::new(404), Fault::Status(404), 1),
    ] {
        let server = server().await;
        answers(&server, AT, "token-1", answer).await;
        let failure = ask(&client_with(&server.uri(), impatient())).await.unwrap_err();
        assert_eq!(failure, Failure::Unavailable(expected));
        assert_eq!(asked(&server, AT).await.len(), times, "{expected:?}");
        let told = format!("{failure} {failure:?}");
        assert!(!told.contains("token-1") && !told.contains("demo-secret"), "{told}");
    }
    let nobody = client_with("http://127.0.0.1:9", impatient());
    assert_eq!(ask(&nobody).await.unwrap_err(), Failure::Unavailable(Fault::Unconnected));
}

#[tokio::test]
async fn nobody_else_is_handed_what_is_meant_for_wechat() {
    for status in [301, 302, 307, 308] {
        let (server, elsewhere) = (server().await, MockServer::start().await);
        let portal = format!("{}/portal", elsewhere.uri());
        let sent_on = || ResponseTemplate::new(status).insert_header("location", portal.as_str());
        answers(&server, AT, "token-1", sent_on()).await;
        Mock::given(path("/sns/jscode2session")).respond_with(sent_on()).mount(&server).await;
        let wechat = client_with(&server.uri(), impatient());
        let expected = Failure::Unavailable(Fault::Status(status));
        assert_eq!(ask(&wechat).await.unwrap_err(), expected);
        let login = crate::wechat::login::open_id(&wechat, "code").await;
        assert_eq!(login.unwrap_err(), expected);
        let asked = elsewhere.received_requests().await.unwrap();
        assert!(asked.is_empty(), "{status}: {asked:?}");
    }
}

#[tokio::test]
async fn a_busy_wechat_is_asked_again() {
    let server = server().await;
    let answer = json_of(&json!({"errcode": 0, "result": "fine"}));
    Mock::given(method("POST"))
        .and(path(AT))
        .respond_with(refusal(-1))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    answers(&server, AT, "token-1", answer).await;
    assert_eq!(ask(&client(&server.uri())).await.unwrap()["result"], "fine");
    assert_eq!(asked(&server, AT).await.len(), 3);
}

#[tokio::test]
async fn an_interface_that_fails_is_left_alone_and_the_others_are_not() {
    let server = server().await;
    let settings = Settings { retries: 0, breaker_failures: 3, ..impatient() };
    let wechat = client_with(&server.uri(), settings);
    Mock::given(method("POST"))
        .and(path(AT))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(3)
        .mount(&server)
        .await;
    answers(&server, AT, "token-1", json_of(&json!({"errcode": 0}))).await;
    for _ in 0..3 {
        let failure = ask(&wechat).await.unwrap_err();
        assert_eq!(failure, Failure::Unavailable(Fault::Status(503)));
    }
    for _ in 0..5 {
        assert_eq!(ask(&wechat).await.unwrap_err(), Failure::Resting);
    }
    assert_eq!(asked(&server, AT).await.len(), 3, "nobody asked while it rests");
    answers(&server, "/wxa/getwxacodeunlimit", "token-1", json_of(&json!({"errcode": 0}))).await;
    let other: Result<Value, Failure> = wechat.ask(Interface::PageCode, &json!({})).await;
    assert!(other.is_ok(), "another interface: {other:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    ask(&wechat).await.unwrap();
    ask(&wechat).await.unwrap();
}

#[tokio::test]
async fn what_wechat_refuses_opens_no_breaker() {
    let server = server().await;
    answers(&server, AT, "token-1", refusal(61010)).await;
    let wechat = client(&server.uri());
    for _ in 0..10 {
        assert_eq!(ask(&wechat).await.unwrap_err(), Failure::Said(Errcode::NotActive));
    }
}

#[tokio::test]
async fn a_token_that_dies_between_two_calls_is_renewed_once_and_the_call_replayed_once() {
    for dead in [40001, 40014, 42001] {
        let server = server().await;
        let fine = |n: i64| json_of(&json!({"errcode": 0, "n": n}));
        Mock::given(query_param("access_token", "token-1"))
            .respond_with(fine(1))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        answers(&server, AT, "token-1", refusal(dead)).await;
        answers(&server, AT, "token-2", fine(2)).await;
        let wechat = client(&server.uri());
        for n in [1, 2, 2] {
            assert_eq!(ask(&wechat).await.unwrap()["n"], n, "{dead}");
        }
        let forced = asked(&server, "/cgi-bin/stable_token").await;
        let forced: Vec<&Value> = forced.iter().map(|body| &body["force_refresh"]).collect();
        assert_eq!(forced, [false, false, true], "asked plainly before it is forced");
        assert_eq!(asked(&server, AT).await.len(), 4, "one replay");
    }
}

#[tokio::test]
async fn a_replay_that_is_refused_as_well_is_the_end() {
    let server = server().await;
    for token in ["token-1", "token-2"] {
        answers(&server, AT, token, refusal(40001)).await;
    }
    let wechat = client(&server.uri());
    let failure = ask(&wechat).await.unwrap_err();
    assert_eq!((failure, failure.advice()), (Failure::Said(Errcode::TokenDead), Advice::Later));
    assert_eq!(asked(&server, AT).await.len(), 2);
    // Another one at once is not forced: 30 s apart.
    assert_eq!(ask(&wechat).await.unwrap_err(), Failure::Said(Errcode::TokenDead));
    let tokens = asked(&server, "/cgi-bin/stable_token").await;
    let forced = tokens.iter().filter(|body| body["force_refresh"] == true).count();
    assert_eq!(forced, 1);
}
