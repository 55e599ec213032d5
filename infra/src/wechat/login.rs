//! Log-in: a code from the mini-program becomes the person's openid (`jscode2session`).

use domain::personal::OpenId;
use serde::Deserialize;

use super::{Failure, Interface, WeChat, call::Fault};

/// The answer. `session_key` is not even read: it never leaves WeChat's body.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    openid: String,
}

/// Exchanges a code for the person's openid.
///
/// # Errors
/// See [`Failure`]. The code is single-use, so that nothing is tried twice that may have used it.
pub async fn open_id(wechat: &WeChat, code: &str) -> Result<OpenId, Failure> {
    let credentials = &wechat.inner.credentials;
    let query = [
        ("appid", credentials.app_id.as_str()),
        ("secret", &credentials.app_secret),
        ("js_code", code),
        ("grant_type", "authorization_code"),
    ];
    let answer: Answer = wechat.get(Interface::Login, &query).await?;
    if answer.openid.is_empty() {
        return Err(Failure::Unavailable(Fault::Unreadable));
    }
    Ok(OpenId::trusted(answer.openid))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{method, path, query_param},
    };

    use super::*;
    use crate::wechat::{Errcode, testing};

    async fn answering(template: ResponseTemplate, times: u64) -> (MockServer, WeChat) {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/sns/jscode2session"))
            .and(query_param("appid", "wxdemo"))
            .and(query_param("secret", "demo-secret"))
            .and(query_param("js_code", "c&d=1"))
            .and(query_param("grant_type", "authorization_code"))
            .respond_with(template)
            .expect(times)
            .mount(&server)
            .await;
        let wechat = testing::client(&format!("{}/", server.uri()));
        (server, wechat)
    }

    #[tokio::test]
    async fn a_good_code_gives_the_openid() {
        let body = r#"{"openid":"oX1","session_key":"k","unionid":"u"}"#;
        let template = ResponseTemplate::new(200).set_body_raw(body, "text/plain");
        let (_server, wechat) = answering(template, 1).await;
        assert_eq!(open_id(&wechat, "c&d=1").await.unwrap().plain(), "oX1");
    }

    #[tokio::test]
    async fn each_error_is_told_apart() {
        for (errcode, expected, times) in [
            (40029, Errcode::CodeInvalid, 1),
            (40163, Errcode::CodeUsed, 1),
            (40226, Errcode::Blocked, 1),
            (45011, Errcode::TooOften, 1),
            (-1, Errcode::Busy, 3),
            (40013, Errcode::SetUp(40013), 1),
        ] {
            let body = serde_json::json!({"errcode": errcode, "errmsg": "x"});
            let template = ResponseTemplate::new(200).set_body_json(body);
            let (_server, wechat) = answering(template, times).await;
            let failure = open_id(&wechat, "c&d=1").await.unwrap_err();
            assert_eq!(failure, Failure::Said(expected));
        }
    }

    #[tokio::test]
    async fn nonsense_and_silence_never_show_the_secret() {
        for template in [
            ResponseTemplate::new(502),
            ResponseTemplate::new(200).set_body_string("<html>"),
            ResponseTemplate::new(200).set_body_string(r#"{"openid":""}"#),
            ResponseTemplate::new(200).set_body_string("{}").set_delay(Duration::from_secs(7)),
        ] {
            let (_server, wechat) = answering(template, 1).await;
            let failure = open_id(&wechat, "c&d=1").await.unwrap_err();
            assert!(matches!(failure, Failure::Unavailable(_)));
            let told = format!("{failure} {failure:?}");
            assert!(!told.contains("demo-secret") && !told.contains("c&d"), "{told}");
        }
    }
}
