//! Log-in through WeChat, against a stub that answers as WeChat does.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::support::App;

/// An application whose WeChat answers like this.
async fn with_wechat(answer: ResponseTemplate) -> (App, MockServer) {
    let wechat = MockServer::start().await;
    Mock::given(path("/sns/jscode2session")).respond_with(answer).mount(&wechat).await;
    let url = wechat.uri();
    (App::with(|config| config.wechat.base_url = url).await, wechat)
}

#[tokio::test]
async fn a_code_of_wechat_s_makes_an_account_and_its_key_stays_unknown() {
    let answer = json!({"openid": "oTest-openid-1", "session_key": "c2Vzc2lvbi1rZXktc2VjcmV0", "unionid": "u"});
    // WeChat labels its JSON as plain text.
    let (app, wechat) =
        with_wechat(ResponseTemplate::new(200).set_body_raw(answer.to_string(), "text/plain"))
            .await;
    let first = app.wechat("033abcDEF").await;
    assert!(
        !first.text.contains("c2Vzc2lvbi1rZXktc2VjcmV0") && !first.text.contains("oTest-openid"),
        "{first}"
    );
    let first = first.expect(200);
    assert_eq!(first["account"]["roles"], json!([{"role": "resident", "scope": "self"}]));
    let second = app.wechat("033abcDEG").await.expect(200);
    assert_eq!(second["account"], first["account"], "the same openid is the same person");
    assert!(app.takes(&second["access_token"]).await);

    let asked = wechat.received_requests().await.unwrap();
    assert_eq!(asked.len(), 2, "each code is used once");
    let query: Vec<(String, String)> =
        asked[0].url.query_pairs().map(|(name, value)| (name.into(), value.into())).collect();
    for pair in [("appid", "wxdemo"), ("secret", "demo-secret"), ("js_code", "033abcDEF")] {
        assert!(
            query.iter().any(|(name, value)| (name.as_str(), value.as_str()) == pair),
            "{query:?}"
        );
    }
    assert_nowhere(&app, &["c2Vzc2lvbi1rZXktc2VjcmV0", "oTest-openid-1"]).await;
}

/// No text or byte column of any table holds one of these.
async fn assert_nowhere(app: &App, secrets: &[&str]) {
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables
         where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    for table in tables {
        for secret in secrets {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let sql =
                format!("{table} as t where t::text like '%{secret}%' or t::text like '%{hex}%'");
            assert_eq!(app.count(&sql).await, 0, "{secret} lies in {table}");
        }
    }
}

#[tokio::test]
async fn what_wechat_refuses_is_told_plainly() {
    let refused = |errcode: i64| {
        let body = json!({"errcode": errcode, "errmsg": "invalid code, rid: 6a-secret"});
        ResponseTemplate::new(200).set_body_json(body)
    };
    for (answer, status, code) in [
        (refused(40029), 422, "wechat_code_invalid"),
        (refused(40163), 422, "wechat_code_used"),
        (refused(40226), 403, "wechat_blocked"),
        (refused(45011), 429, "rate_limited"),
        (refused(-1), 503, "wechat_unavailable"),
        (refused(40013), 503, "wechat_unavailable"),
        (
            ResponseTemplate::new(502).set_body_string("<html>Bad Gateway</html>"),
            503,
            "wechat_unavailable",
        ),
        (ResponseTemplate::new(200).set_body_string("<html>"), 503, "wechat_unavailable"),
        (
            ResponseTemplate::new(200).set_body_json(json!({"session_key": "k"})),
            503,
            "wechat_unavailable",
        ),
    ] {
        let (app, _wechat) = with_wechat(answer).await;
        let before = app.count("account").await;
        let answer = app.wechat("033abcDEF").await;
        for secret in ["secret", "errcode", "wxdemo", "033abc", "html"] {
            assert!(!answer.text.contains(secret), "{answer}");
        }
        assert!(answer.body["detail"].as_str().unwrap().chars().count() >= 8, "{answer}");
        answer.refused(status, code);
        assert_eq!(app.count("account").await, before);
    }
}

#[tokio::test]
async fn a_slow_wechat_holds_nobody_up() {
    let slow = ResponseTemplate::new(200)
        .set_body_json(json!({"openid": "o"}))
        .set_delay(Duration::from_secs(30));
    let (app, _wechat) = with_wechat(slow).await;
    let begun = std::time::Instant::now();
    let waiting = join_all((0..12).map(|n| {
        let app = app.clone();
        async move { app.wechat(&format!("033abc{n}")).await }
    }));
    let others = async {
        app.wechat("demo:li").await.expect(200);
        app.anonymous().get("/divisions").await.expect(200);
        assert!(begun.elapsed() < Duration::from_secs(3), "others waited {:?}", begun.elapsed());
    };
    let (refused, ()) = tokio::join!(waiting, others);
    for answer in refused {
        answer.refused(503, "wechat_unavailable");
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_code_that_cannot_be_one_is_never_sent() {
    let (app, wechat) = with_wechat(ResponseTemplate::new(200)).await;
    for code in ["", &"a".repeat(129), "a\nb"] {
        app.wechat(code).await.refused(422, "wechat_code_invalid");
    }
    assert!(wechat.received_requests().await.unwrap().is_empty());
}
