//! Forged access tokens over HTTP: each differs in one thing from a good one, and none is taken.

use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Answer, App};

const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// A forger who even knows how we sign.
struct Forger {
    app: App,
    key: String,
    claims: Value,
    good: String,
}

impl Forger {
    async fn new() -> Self {
        let app = App::spawn().await;
        let good = app.resident("li").token().await.unwrap();
        let payload = good.split('.').nth(1).unwrap();
        let claims =
            serde_json::from_slice(&infra::crypto::from_base64url(payload).unwrap()).unwrap();
        let key = app.state().config.security.jwt_secret.expose().to_owned();
        let forger = Self { app, key, claims, good };
        let signed = forger.signed(HEADER, &forger.claims.to_string(), &forger.key);
        forger.ask(&format!("Bearer {signed}")).await.expect(200);
        forger
    }

    async fn ask(&self, authorization: &str) -> Answer {
        let nobody = self.app.anonymous();
        nobody.request(Method::GET, "/me").header("authorization", authorization).send().await
    }

    fn signed_by(&self, header: &str, payload: &str, key: &str, algorithm: Algorithm) -> String {
        let part = |text: &str| infra::crypto::base64url(text.as_bytes());
        let message = format!("{}.{}", part(header), part(payload));
        let key = EncodingKey::from_secret(key.as_bytes());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn signed(&self, header: &str, payload: &str, key: &str) -> String {
        self.signed_by(header, payload, key, Algorithm::HS256)
    }

    /// Our own signature over claims with one of them changed; null takes it away.
    fn claiming(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        self.signed(HEADER, &claims.to_string(), &self.key)
    }

    fn parts(&self) -> (&str, &str, &str) {
        let mut parts = self.good.split('.');
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
    }

    async fn refuses(&self, forged: Vec<(String, String)>) -> usize {
        for (why, token) in &forged {
            let answer = self.ask(&format!("Bearer {token}")).await;
            assert_eq!(answer.status, 401, "{why}: {answer}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{why}");
            answer.refused(401, "unauthenticated");
        }
        self.ask(&format!("Bearer {}", self.good)).await.expect(200);
        forged.len()
    }
}

#[tokio::test]
async fn no_other_header_is_interpreted() {
    let forger = Forger::new().await;
    let payload = forger.claims.to_string();
    let mut forged = Vec::new();
    for header in [
        r#"{"typ":"JWT","alg":"none"}"#,
        r#"{"typ":"JWT","alg":"None"}"#,
        r#"{"typ":"JWT","alg":"NONE"}"#,
        r#"{"typ":"JWT","alg":""}"#,
        r#"{"typ":"JWT","alg":null}"#,
        r#"{"typ":"JWT","alg":["HS256"]}"#,
        r#"{"typ":"JWT","alg":"hs256"}"#,
        r#"{"typ":"JWT","alg":"RS256"}"#,
        r#"{"typ":"JWT","alg":"ES256"}"#,
        r#"{"typ":"JWT","alg":"PS256"}"#,
        r#"{"typ":"JWT","alg":"EdDSA"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"../../dev/null"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"x' union select '' --"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"$(id)"}"#,
        r#"{"typ":"JWT","alg":"HS256","jku":"https://attacker.example/keys"}"#,
        r#"{"typ":"JWT","alg":"HS256","x5u":"https://attacker.example/cert"}"#,
        r#"{"typ":"JWT","alg":"HS256","jwk":{"kty":"oct","k":"AA"}}"#,
        r#"{"typ":"JWT","alg":"HS256","crit":["exp"]}"#,
        r#"{"typ":"JWT","alg":"HS256","b64":false}"#,
        r#"{"typ":"JWT","alg":"HS256","zip":"DEF"}"#,
        r#"{"typ":"JWT","alg":"none","alg":"HS256"}"#,
        r#"{"typ":"JWT","alg":"ＨＳ256"}"#,
        r#"{"typ":"JWE","alg":"HS256"}"#,
        "{}",
        "null",
        "",
    ] {
        forged.push((format!("signed: {header}"), forger.signed(header, &payload, &forger.key)));
        let unsigned = forger.signed(header, &payload, &forger.key);
        let (unsigned, _) = unsigned.rsplit_once('.').unwrap();
        forged.push((format!("unsigned: {header}"), format!("{unsigned}.")));
    }
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        let header = format!(r#"{{"typ":"JWT","alg":"{name}"}}"#);
        let token = forger.signed_by(&header, &payload, &forger.key, algorithm);
        forged.push((name.to_owned(), token));
    }
    assert!(forger.refuses(forged).await >= 50);
}

#[tokio::test]
async fn no_other_signature_is_taken() {
    let forger = Forger::new().await;
    let payload = forger.claims.to_string();
    let (header, body, signature) = forger.parts();
    let config = &forger.app.state().config;
    let mut forged = Vec::new();
    for key in [
        "",
        " ",
        "secret",
        "zhixiang",
        config.security.data_key.expose(),
        config.wechat.app_secret.expose(),
        &forger.key[1..],
        &format!("{}\n", forger.key),
        "\0",
    ] {
        forged.push((format!("key {key:?}"), forger.signed(HEADER, &payload, key)));
    }
    let other = forger.app.resident("wang").token().await.unwrap();
    let other: Vec<&str> = other.split('.').collect();
    let last = signature.chars().last().unwrap();
    // The last character carries two bits that belong to no byte.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let twin = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    for (why, token) in [
        ("another's claims", format!("{header}.{}.{signature}", other[1])),
        ("another's signature", format!("{header}.{body}.{}", other[2])),
        ("a flipped bit", format!("{header}.{body}.{flipped}{}", &signature[1..])),
        ("spare bits", format!("{header}.{body}.{}{twin}", &signature[..42])),
        ("no signature", format!("{header}.{body}")),
        ("an empty signature", format!("{header}.{body}.")),
        ("a short signature", format!("{header}.{body}.{}", &signature[..20])),
        ("a long signature", format!("{header}.{body}.{signature}AAAA")),
        ("padding", format!("{header}.{body}.{signature}=")),
        ("padded claims", format!("{header}.{body}==.{signature}")),
        ("a fourth segment", format!("{header}.{body}.{signature}.{signature}")),
        ("five segments", format!("{header}.{body}.{signature}.{body}.{signature}")),
        ("a leading dot", format!(".{header}.{body}.{signature}")),
        ("a trailing dot", format!("{header}.{body}.{signature}.")),
        ("dots alone", "..".to_owned()),
        ("the header alone", header.to_owned()),
        ("no header", format!("{body}.{signature}")),
        ("empty claims", format!("{header}..{signature}")),
        ("swapped parts", format!("{body}.{header}.{signature}")),
        ("blanks inside", format!("{header}. {body}.{signature}")),
        ("upper case", forger.good.to_uppercase()),
        ("twice", format!("{0} {0}", forger.good)),
        ("a comma", format!("{0},{0}", forger.good)),
        ("quotes", format!("\"{}\"", forger.good)),
        ("nested", format!("Bearer {}", forger.good)),
        ("very long", "A".repeat(60_000)),
        ("very long claims", format!("{header}.{}.{signature}", "A".repeat(60_000))),
        ("nothing", String::new()),
        ("a word", "null".to_owned()),
        ("a session", forger.claims["sid"].as_str().unwrap().to_owned()),
    ] {
        forged.push((why.to_owned(), token));
    }
    assert!(forger.refuses(forged).await >= 35);
}

#[tokio::test]
async fn every_claim_is_required_and_means_what_it_says() {
    let forger = Forger::new().await;
    let now = forger.app.now().timestamp();
    let wang = forger.app.resident("wang").get("/me").await.expect(200);
    let unknown = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071";
    let mut forged = Vec::new();
    for (claim, values) in [
        ("iss", vec![json!("other"), json!(["zhixiang"]), json!(1), json!("zhixiang ")]),
        (
            "aud",
            vec![
                json!("other"),
                json!(["zhixiang-api"]),
                json!(["other", "zhixiang-api"]),
                json!({}),
            ],
        ),
        (
            "sub",
            vec![
                wang["id"].clone(),
                json!(unknown),
                json!("dispatcher"),
                json!(0),
                json!(""),
                json!([]),
            ],
        ),
        ("sid", vec![json!(unknown), json!("*"), json!(""), json!(1), json!({"$ne": 1})]),
        ("iat", vec![json!(now + 6), json!("now"), json!(1.5), json!(i64::MIN), json!(now - 901)]),
        ("nbf", vec![json!(now + 6), json!(now + 86_400), json!("0"), json!(0.5), json!(i64::MAX)]),
        (
            "exp",
            vec![
                json!(now - 5),
                json!(now),
                json!(now + 901),
                json!(now + 86_400 * 365),
                json!("9999999999"),
                json!(0),
                json!(-1),
                json!(i64::MAX),
                json!(u64::MAX),
                json!(1e300),
                json!(now + 900).to_string().into(),
                json!(true),
                json!({}),
            ],
        ),
    ] {
        forged.push((format!("without {claim}"), forger.claiming(claim, Value::Null)));
        for value in values {
            forged.push((format!("{claim} = {value}"), forger.claiming(claim, value)));
        }
    }
    for payload in [
        "",
        "null",
        "[]",
        "{}",
        "0",
        "\"x\"",
        "{",
        &format!("{{\"sub\":1,{}", &forger.claims.to_string()[1..]),
    ] {
        forged.push((format!("claims {payload:?}"), forger.signed(HEADER, payload, &forger.key)));
    }
    assert!(forger.refuses(forged).await >= 50);
}

#[tokio::test]
async fn a_token_counts_in_one_place_only() {
    let forger = Forger::new().await;
    let good = &forger.good;
    for authorization in [
        good.clone(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {good}"),
        format!("Token {good}"),
        format!("JWT {good}"),
        format!("Bearer{good}"),
        format!("Bearer:{good}"),
        format!("Bearer\t{good}"),
        format!("Bearer, {good}"),
        "Basic ZGlzcGF0Y2hlcjpEZW1vLTIwMjYtcGFzcw==".to_owned(),
        "Digest username=\"dispatcher\"".to_owned(),
        format!("=Bearer {good}"),
    ] {
        forger.ask(&authorization).await.refused(401, "unauthenticated");
    }
    let nobody = forger.app.anonymous();
    let me = || nobody.request(Method::GET, "/me");
    let bearer = format!("Bearer {good}");
    me().header("authorization", &bearer)
        .header("authorization", &bearer)
        .send()
        .await
        .refused(401, "unauthenticated");
    me().header("authorization", "Basic eA==")
        .header("authorization", &bearer)
        .send()
        .await
        .refused(401, "unauthenticated");
    for header in ["x-authorization", "x-access-token", "proxy-authorization", "x-forwarded-user"] {
        me().header(header, &bearer).send().await.refused(401, "unauthenticated");
    }
    me().header("cookie", &format!("access_token={good}"))
        .send()
        .await
        .refused(401, "unauthenticated");
    nobody
        .get(&format!("/me?access_token={good}&token={good}"))
        .await
        .refused(401, "unauthenticated");
    // Where a log-in is optional, a bad one is not taken for none.
    let submit = nobody
        .request(Method::POST, "/complaints")
        .key("forged-token-1")
        .json(&crate::support::complaint());
    submit.header("authorization", "Bearer x").send().await.refused(401, "unauthenticated");
    assert_eq!(forger.app.count("complaint").await, 0);
    forger.ask(&format!("bearer {good}")).await.expect(200);
}

/// The status of a request whose header is not even text.
async fn raw(app: &App, authorization: &[u8]) -> Option<u16> {
    let address = app.base().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request =
        b"GET /api/v1/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: ".to_vec();
    request.extend_from_slice(authorization);
    request.extend_from_slice(b"\r\n\r\n");
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let forger = Forger::new().await;
    let good = forger.good.as_bytes();
    let joined = |parts: &[&[u8]]| parts.concat();
    assert_eq!(raw(&forger.app, &joined(&[b"Bearer ", good])).await, Some(200));
    for (why, bytes) in [
        ("Latin-1", joined(&[b"Bearer \xe9\xe8", good])),
        ("UTF-8", joined(&["Bearer 令牌".as_bytes(), good])),
        ("a wide blank", joined(&["Bearer\u{3000}".as_bytes(), good])),
        ("a wide letter", joined(&["Ｂearer ".as_bytes(), good])),
        ("an invisible end", joined(&[b"Bearer ", good, "\u{200b}".as_bytes()])),
    ] {
        assert_eq!(raw(&forger.app, &bytes).await, Some(401), "{why}");
    }
    for (why, bytes) in [
        ("a NUL", joined(&[b"Bearer ", good, b"\0"])),
        ("DEL", joined(&[b"Bearer ", good, b"\x7f"])),
    ] {
        let status = raw(&forger.app, &bytes).await;
        assert!(matches!(status, None | Some(400 | 401)), "{why}: {status:?}");
    }
}
