//! Log-in: a code from the mini-program becomes the person's openid (`jscode2session`).

use domain::personal::OpenId;
use serde::Deserialize;

use super::WeChat;

/// Why WeChat gave no openid.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// 40029: no such code, or older than five minutes.
    #[error("the code is unknown or expired")]
    CodeInvalid,
    /// 40163: the code was used already.
    #[error("the code was used already")]
    CodeUsed,
    /// 40226: WeChat blocks this person for risk.
    #[error("WeChat blocks this person")]
    Blocked,
    /// 45011: the person asks too often.
    #[error("asked too often")]
    TooOften,
    /// −1, another error of theirs, no answer in time, or an answer that cannot be read.
    #[error("WeChat is unavailable: {0}")]
    Unavailable(String),
}

/// The answer. `session_key` is not even read: it never leaves WeChat's body.
#[derive(Deserialize)]
struct Answer {
    openid: Option<String>,
    #[serde(default)]
    errcode: i64,
}

/// Exchanges a code for the person's openid.
///
/// # Errors
/// See [`Failure`]. The code is single-use, so nothing is tried twice here.
pub async fn open_id(wechat: &WeChat, code: &str) -> Result<OpenId, Failure> {
    let query = [
        ("appid", wechat.credentials.app_id.as_str()),
        ("secret", &wechat.credentials.app_secret),
        ("js_code", code),
        ("grant_type", "authorization_code"),
    ];
    let url = format!("{}/sns/jscode2session", wechat.base_url);
    let answer: Answer = async {
        // WeChat labels its JSON as text/plain; reqwest does not mind.
        wechat.http.get(url).query(&query).send().await?.error_for_status()?.json().await
    }
    .await
    // The URL carries the secret and the code: it must not reach a log.
    .map_err(|error: reqwest::Error| Failure::Unavailable(error.without_url().to_string()))?;
    match (answer.errcode, answer.openid) {
        (0, Some(openid)) if !openid.is_empty() => Ok(OpenId::trusted(openid)),
        (40029, _) => Err(Failure::CodeInvalid),
        (40163, _) => Err(Failure::CodeUsed),
        (40226, _) => Err(Failure::Blocked),
        (45011, _) => Err(Failure::TooOften),
        (errcode, _) => Err(Failure::Unavailable(format!("errcode {errcode}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{method, path, query_param},
    };

    use super::*;
    use crate::wechat::Credentials;

    async fn answering(template: ResponseTemplate) -> (MockServer, WeChat) {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/sns/jscode2session"))
            .and(query_param("appid", "wxdemo"))
            .and(query_param("secret", "demo-secret"))
            .and(query_param("js_code", "c&d=1"))
            .and(query_param("grant_type", "authorization_code"))
            .respond_with(template)
            .expect(1)
            .mount(&server)
            .await;
        let credentials =
            Credentials { app_id: "wxdemo".to_owned(), app_secret: "demo-secret".to_owned() };
        let wechat = WeChat::new(&format!("{}/", server.uri()), credentials).unwrap();
        (server, wechat)
    }

    #[tokio::test]
    async fn a_good_code_gives_the_openid() {
        let body = r#"{"openid":"oX1","session_key":"k","unionid":"u"}"#;
        let template = ResponseTemplate::new(200).set_body_raw(body, "text/plain");
        let (_server, wechat) = answering(template).await;
        assert_eq!(open_id(&wechat, "c&d=1").await.unwrap().plain(), "oX1");
    }

    #[tokio::test]
    async fn each_error_is_told_apart() {
        for (errcode, expected) in [
            (40029, "CodeInvalid"),
            (40163, "CodeUsed"),
            (40226, "Blocked"),
            (45011, "TooOften"),
            (-1, "Unavailable"),
            (40013, "Unavailable"),
        ] {
            let body = serde_json::json!({"errcode": errcode, "errmsg": "x"});
            let (_server, wechat) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
            let failure = open_id(&wechat, "c&d=1").await.unwrap_err();
            assert!(format!("{failure:?}").starts_with(expected), "{errcode}: {failure:?}");
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
            let (_server, wechat) = answering(template).await;
            let failure = open_id(&wechat, "c&d=1").await.unwrap_err();
            assert!(matches!(failure, Failure::Unavailable(_)));
            let told = format!("{failure} {failure:?}");
            assert!(!told.contains("demo-secret") && !told.contains("c&d"), "{told}");
        }
    }
}
