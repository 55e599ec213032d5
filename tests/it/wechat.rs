//! What WeChat pushes to us, in both modes and both forms; and its access token, which all
//! instances share.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::personal::OpenId;
use futures::future::join_all;
use infra::{
    crypto::Crypto,
    redis::Redis,
    wechat::{Credentials, Settings, WeChat, callback::Callback, content_check},
};
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::{
    Mock, ResponseTemplate,
    matchers::{path as path_is, query_param},
};

use crate::support::{
    Answer, App, wechat, wechat_answers, wechat_asked, wechat_refuses, wechat_says,
};

mod media;

const PAGE_CODE: &str = "/wxa/getwxacodeunlimit";
const SALT: [u8; 16] = [7; 16];

/// An event of a check in XML.
fn checked_xml(trace: &str, suggest: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oTest]]></FromUserName>
         <CreateTime>1626959646</CreateTime><MsgType><![CDATA[event]]></MsgType>
         <Event><![CDATA[wxa_media_check]]></Event><trace_id><![CDATA[{trace}]]></trace_id>
         <errcode>0</errcode><result><suggest><![CDATA[{suggest}]]></suggest><label>20001</label></result></xml>"
    )
}

/// The same in JSON; the label is a text, as it comes.
pub fn checked_json(trace: &str, suggest: &str) -> String {
    let result = json!({"suggest": suggest, "label": "20001"});
    json!({"ToUserName": "gh_1", "FromUserName": "oTest", "CreateTime": 1_626_959_646_i64,
        "MsgType": "event", "Event": "wxa_media_check", "trace_id": trace, "errcode": 0,
        "result": result})
    .to_string()
}

impl App {
    fn callback(&self) -> &Callback {
        &self.state().callback
    }

    /// Pushes in plain mode, signed.
    async fn push_plain(&self, body: &str) -> Answer {
        let signature = self.callback().signature(&["1714036504", "n"]);
        let query = format!("signature={signature}&timestamp=1714036504&nonce=n&openid=oTest");
        self.push(&query, "text/xml", body).await
    }

    /// Pushes in safe mode: encrypted and signed.
    pub async fn push_safe(&self, body: &str) -> Answer {
        let sealed = self.callback().seal(body.as_bytes(), SALT, ("1714036504", "n"));
        self.push_sealed(sealed, body.starts_with('{')).await
    }

    async fn push_sealed(&self, (encrypted, signature): (String, String), as_json: bool) -> Answer {
        let query = format!(
            "signature=unused&timestamp=1714036504&nonce=n&encrypt_type=aes&msg_signature={signature}"
        );
        let body = if as_json {
            json!({"ToUserName": "gh_1", "Encrypt": encrypted}).to_string()
        } else {
            format!(
                "<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
            )
        };
        self.push(&query, "text/xml", &body).await
    }

    pub async fn push(&self, query: &str, media_type: &str, body: &str) -> Answer {
        let path = format!("/wechat/push?{query}");
        let request = self.anonymous().request(Method::POST, &path);
        request.raw(media_type, body.to_owned()).send().await
    }

    async fn jobs(&self) -> i64 {
        self.count("job where kind = 'media_checked'").await
    }
}

pub fn succeeded(answer: Answer) {
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.expect(200), json!("success"));
}

#[tokio::test]
async fn the_address_proves_itself_to_wechat_alone() {
    let app = App::with(|config| config.wechat.push_token = "AAAAA".into()).await;
    let vector =
        "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&timestamp=1714036504&nonce=1514711492";
    let get = async |query: &str| app.anonymous().get(&format!("/wechat/push?{query}")).await;
    let echoed = get(&format!("{vector}&echostr=4375120948345356249")).await;
    assert_eq!((echoed.status, echoed.text.as_str()), (200, "4375120948345356249"));
    let markup = get(&format!("{vector}&echostr=%3Cscript%3E")).await;
    assert_eq!(markup.header("content-type"), "text/plain; charset=utf-8");
    for wrong in ["", "echostr=1", "signature=&timestamp=&nonce=&echostr=1"] {
        get(wrong).await.refused(422, "wechat_signature_wrong");
    }
    let altered = vector.replace("nonce=1514711492", "nonce=1514711493");
    get(&format!("{altered}&echostr=1")).await.refused(422, "wechat_signature_wrong");
    let long = "a".repeat(257);
    get(&format!("{vector}&echostr={long}")).await.refused(422, "invalid_field");
}

#[tokio::test]
async fn a_push_becomes_one_job_however_it_comes_and_however_often() {
    let app = App::spawn().await;
    let mut expected = 0;
    for (n, body) in [checked_xml, checked_json].into_iter().enumerate() {
        succeeded(app.push_plain(&body(&format!("plain-{n}"), "pass")).await);
        succeeded(app.push_safe(&body(&format!("safe-{n}"), "risky")).await);
        expected += 2;
        assert_eq!(app.jobs().await, expected);
    }
    let again = checked_xml("again", "pass");
    for answer in join_all((0..6).map(|_| app.push_safe(&again))).await {
        succeeded(answer);
    }
    succeeded(app.push_plain(&checked_json("again", "pass")).await);
    assert_eq!(app.jobs().await, expected + 1, "the same event in another form is the same");
    let payloads: Vec<Value> =
        sqlx::query_scalar("select payload from job").fetch_all(app.db()).await.unwrap();
    assert!(!json!(payloads).to_string().contains("oTest"), "no person in it: {payloads:?}");
    // What we have no use for is taken and forgotten.
    for body in [
        "<xml><FromUserName>oTest</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId><Content>你好</Content></xml>",
        "<xml><MsgType>event</MsgType><Event>user_enter_tempsession</Event></xml>",
        "<xml><MsgType>event</MsgType><Event>wxa_media_check</Event></xml>",
        "{}",
    ] {
        succeeded(app.push_plain(body).await);
    }
    let long = "t".repeat(129);
    succeeded(app.push_plain(&checked_xml(&long, "pass")).await);
    assert_eq!(app.jobs().await, expected + 1);
}

#[tokio::test]
async fn what_is_not_wechat_s_or_not_for_us_is_refused() {
    let app = App::spawn().await;
    let body = checked_xml("forged", "pass");
    for query in ["", "timestamp=1&nonce=n", "signature=abc&timestamp=1714036504&nonce=n"] {
        for body in [body.as_str(), "nonsense", ""] {
            let answer = app.push(query, "text/xml", body).await;
            answer.refused(422, "wechat_signature_wrong");
        }
    }
    for body in ["nonsense", "", "[]", "<xml><trace_id>", "<xml><a>&b;</a>"] {
        app.push_plain(body).await.refused(422, "wechat_push_unreadable");
    }
    app.push_safe("nonsense").await.refused(422, "wechat_push_unreadable");
    let (encrypted, signature) = app.callback().seal(body.as_bytes(), SALT, ("1714036504", "n"));
    let altered = encrypted.replacen(
        &encrypted[40..41],
        if &encrypted[40..41] == "A" { "B" } else { "A" },
        1,
    );
    let forged = app.push_sealed((altered, signature.clone()), false).await;
    forged.refused(422, "wechat_signature_wrong");
    let moved = app.push_sealed((encrypted, signature.replace(&signature[..1], "x")), false).await;
    moved.refused(422, "wechat_signature_wrong");
    let config = &app.state().config.wechat;
    let (token, key) = (config.push_token.expose(), config.encoding_aes_key.expose());
    let other = Callback::new(token, key, "wxother").unwrap();
    let foreign = other.seal(body.as_bytes(), SALT, ("1714036504", "n"));
    app.push_sealed(foreign, false).await.refused(422, "wechat_signature_wrong");
    let huge = format!("<xml><Content>{}</Content></xml>", "a".repeat(2 << 20));
    app.push_plain(&huge).await.refused(413, "body_too_large");
    assert_eq!(app.jobs().await, 0);
}

#[tokio::test]
async fn safe_mode_alone_can_be_demanded() {
    let app = App::with(|config| config.wechat.push_plain = false).await;
    let body = checked_xml("t-1", "pass");
    app.push_plain(&body).await.refused(422, "wechat_push_plain");
    succeeded(app.push_safe(&body).await);
    assert_eq!(app.jobs().await, 1);
}

/// A Redis of an installation's own. A machine under load answers late at first, which counts as
/// away.
async fn redis_of(app: &App, installation: usize) -> Redis {
    let config = &app.state().config.redis;
    let prefix = format!("{}{installation}:", config.prefix);
    let redis = Redis::new(config.url.expose(), &prefix).unwrap();
    while !redis.available().await {
        tokio::task::yield_now().await;
    }
    redis
}

/// Instances of one installation: Redis and keys are the same, memory is not.
async fn instances(app: &App, server: &str, count: usize, installation: usize) -> Vec<WeChat> {
    let config = &app.state().config;
    let mut all = Vec::new();
    for _ in 0..count {
        let redis = redis_of(app, installation).await;
        let crypto = Arc::new(Crypto::parse(config.security.data_key.expose()).unwrap());
        let credentials =
            Credentials { app_id: "wxdemo".to_owned(), app_secret: "demo-secret".to_owned() };
        let settings = Settings::default();
        all.push(WeChat::new(server, credentials, settings, redis, crypto).unwrap());
    }
    all
}

async fn check(wechat: &WeChat) -> Result<content_check::Judgement, infra::wechat::Failure> {
    content_check::text(wechat, &OpenId::trusted("oTest".to_owned()), None, "字").await
}

const TOKEN: &str = "/cgi-bin/stable_token";
const CHECK: &str = "/wxa/msg_sec_check";

/// How often five instances asked for their first token, and how often they forced a new one when it
/// had died; what Redis held between.
async fn shared(app: &App, installation: usize) -> (usize, usize, Option<Vec<u8>>) {
    let server = wechat().await;
    let fine = || wechat_says(&json!({"errcode": 0, "result": {"suggest": "pass", "label": 100}}));
    wechat_answers(&server, CHECK, fine()).await;
    let all = instances(app, &server.uri(), 5, installation).await;
    for judged in join_all(all.iter().map(check)).await {
        judged.unwrap();
    }
    let first = wechat_asked(&server, TOKEN).await.len();
    let redis = redis_of(app, installation).await;
    let key = redis.key("wechat:wxdemo:token");
    let kept = redis
        .attempt(async |mut connection| {
            redis::cmd("GET").arg(&key).query_async::<Option<Vec<u8>>>(&mut connection).await
        })
        .await;
    // It dies for all of them; one forces a new one, and all go on with it.
    server.reset().await;
    let dies = Mock::given(query_param("access_token", "token-1"));
    dies.respond_with(wechat_refuses(40001)).mount(&server).await;
    Mock::given(query_param("access_token", "token-2")).respond_with(fine()).mount(&server).await;
    Mock::given(wiremock::matchers::path(TOKEN))
        .respond_with(|request: &wiremock::Request| {
            let forced = request.body_json::<Value>().unwrap()["force_refresh"] == true;
            let token = if forced { "token-2" } else { "token-1" };
            wechat_says(&json!({"access_token": token, "expires_in": 7200}))
        })
        .mount(&server)
        .await;
    let judged = join_all(all.iter().map(check)).await;
    let forced = wechat_asked(&server, TOKEN).await;
    let forced = forced.iter().filter(|body| body["force_refresh"] == true).count();
    let alive = judged.iter().all(Result::is_ok);
    (first, if alive { forced } else { usize::MAX }, kept.flatten())
}

/// Redis may be late at any moment of a busy machine, and each instance asks for itself then: one
/// round of five in which it never was is enough.
#[tokio::test]
async fn instances_share_one_token_and_renew_a_dead_one_once() {
    let app = App::spawn().await;
    let mut seen = Vec::new();
    for installation in 0..5 {
        let (first, forced, kept) = shared(&app, installation).await;
        if let Some(kept) = &kept {
            assert!(!kept.windows(7).any(|part| part == b"token-1"), "sealed");
        }
        if (first, forced, kept.is_some()) == (1, 1, true) {
            return;
        }
        seen.push((first, forced));
    }
    panic!("asked, forced: {seen:?}");
}

#[tokio::test]
async fn a_lock_whose_owner_died_stops_nobody() {
    let app = App::spawn().await;
    let server = wechat().await;
    let fine = wechat_says(&json!({"errcode": 0, "result": {"suggest": "pass", "label": 100}}));
    wechat_answers(&server, CHECK, fine).await;
    let redis = redis_of(&app, 0).await;
    let key = redis.key("wechat:wxdemo:token-lock");
    redis
        .attempt(async |mut connection| {
            let mut set = redis::cmd("SET");
            set.arg(&key).arg("dead").arg("PX").arg(60_000).exec_async(&mut connection).await
        })
        .await;
    let begun = std::time::Instant::now();
    check(&instances(&app, &server.uri(), 1, 0).await[0]).await.unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn calls_and_pushes_are_counted_without_a_person() {
    let server = wechat().await;
    let app = App::on_wechat(&server, |_| ()).await;
    app.wechat_person("wang").await;
    succeeded(app.push_plain(&checked_xml("counted", "pass")).await);
    let figures = app.anonymous().get("/metrics").await.text;
    for figure in [
        r#"wechat_calls_total{interface="login",outcome="ok"}"#,
        r#"wechat_call_seconds_count{interface="login"}"#,
        r#"wechat_pushes_total{event="media_checked"}"#,
    ] {
        assert!(figures.contains(figure), "{figure} is missing in\n{figures}");
    }
    assert!(!figures.contains("oTest") && !figures.contains("token-1"));
}

#[tokio::test]
async fn a_poster_s_code_opens_the_post() {
    let server = wechat().await;
    let app = App::on_wechat(&server, |_| ()).await;
    let officer = app.as_("community.140213066004");
    let body = json!({"community_code": "140213066004", "kind": "environment", "title": "楼道清扫",
        "starts_at": app.now() + TimeDelta::hours(1), "ends_at": app.now() + TimeDelta::hours(2),
        "capacity": 3});
    let post = officer.post("/posts", body).await.expect(201);
    let id = post["id"].as_str().unwrap();
    let path = format!("/posts/{id}/page-code");

    // Without a picture there is an answer that says so, and a later one is asked for anew.
    let quota = Mock::given(path_is(PAGE_CODE)).respond_with(wechat_refuses(45_009));
    quota.up_to_n_times(1).mount(&server).await;
    officer.get(&path).await.refused(503, "wechat_unavailable");
    let drawn =
        ResponseTemplate::new(200).set_body_raw(b"\x89PNG\r\n\x1a\nrest".to_vec(), "image/png");
    wechat_answers(&server, PAGE_CODE, drawn).await;
    let url = format!("{}/api/v1{path}?width=600", app.base());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let drawn = client.get(url).bearer_auth(officer.token().await.unwrap()).send().await.unwrap();
    assert_eq!(
        (drawn.status().as_u16(), &drawn.headers()["content-type"] == "image/png"),
        (200, true)
    );
    assert_eq!(&drawn.bytes().await.unwrap()[..], b"\x89PNG\r\n\x1a\nrest");
    let [_, asked] = &wechat_asked(&server, PAGE_CODE).await[..] else { panic!("asked twice") };
    let scene = id.replace('-', "");
    assert_eq!(scene.len(), 32);
    let expected = json!({"scene": scene, "page": "pages/post/index", "env_version": "release",
        "width": 600});
    assert_eq!(asked, &expected);

    app.as_("community.140213066001").get(&path).await.refused(404, "not_found");
    app.resident("li").get(&path).await.refused(403, "forbidden");
    officer.get(&format!("{path}?width=wide")).await.refused(422, "invalid_field");
}
