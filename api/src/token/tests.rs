use serde_json::{Value, json};

use super::*;

const SECRET: &str = "a-secret-of-more-than-32-characters!";

fn tokens() -> Tokens {
    Tokens::new(&Security {
        jwt_secret: SECRET.into(),
        data_key: "".into(),
        index_key: 0,
        algorithms: infra::crypto::Algorithms::International,
        access_minutes: 15,
        refresh_days: 14,
        session_days: 90,
        staff_access_minutes: 5,
        staff_idle_minutes: 15,
        staff_session_hours: 8,
        password_days: 0,
        totp_roles: Vec::new(),
        networks: std::collections::HashMap::default(),
    })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn bearer() -> Bearer {
    Bearer { account: random::id(at(0)), session: random::id(at(0)) }
}

fn good() -> Value {
    let now = at(0).timestamp();
    let Bearer { account, session } = bearer();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": account, "sid": session,
        "iat": now, "nbf": now, "exp": now + 900,
    })
}

/// Signs a payload as we would, with any header and key.
fn signed_raw(header: &[u8], payload: &[u8], key: &[u8]) -> String {
    let message = format!("{}.{}", crypto::base64url(header), crypto::base64url(payload));
    let signature = jsonwebtoken::crypto::sign(
        message.as_bytes(),
        &EncodingKey::from_secret(key),
        Algorithm::HS256,
    );
    format!("{message}.{}", signature.unwrap())
}

const HEADER: &[u8] = br#"{"typ":"JWT","alg":"HS256"}"#;

fn signed(claims: &Value) -> String {
    signed_raw(HEADER, claims.to_string().as_bytes(), SECRET.as_bytes())
}

fn with(field: &str, value: Value) -> String {
    let mut claims = good();
    claims[field] = value;
    signed(&claims)
}

fn refused(token: &str, why: &str) {
    assert_eq!(tokens().verify(token, at(0)), None, "{why}: {token}");
}

#[test]
fn what_is_issued_is_taken_until_it_ends() {
    let tokens = tokens();
    let bearer = bearer();
    let access = tokens.issue(bearer, false, at(86_400), at(0)).unwrap();
    assert_eq!(access.expires_in, 900);
    for second in [-5, 0, 1, 899, 900, 904] {
        let said = tokens.verify(&access.token, at(second));
        assert_eq!(said, Some((bearer, at(900))), "second {second}");
    }
    for second in [-6, -100_000, 905, 906, 100_000] {
        assert_eq!(tokens.verify(&access.token, at(second)), None, "second {second}");
    }
    // The forged tokens below differ from a good one in one thing each: this one is good.
    assert!(tokens.verify(&signed(&good()), at(0)).is_some());
}

#[test]
fn a_staff_token_is_renewed_more_often() {
    let access = tokens().issue(bearer(), true, at(86_400), at(0)).unwrap();
    assert_eq!(access.expires_in, 300);
}

#[test]
fn an_access_token_ends_with_its_session() {
    let access = tokens().issue(bearer(), false, at(60), at(0)).unwrap();
    assert_eq!(access.expires_in, 60);
    assert_eq!(tokens().verify(&access.token, at(66)), None);
}

#[test]
fn another_algorithm_or_header_is_never_interpreted() {
    let claims = good().to_string();
    for header in [
        r#"{"typ":"JWT","alg":"none"}"#,
        r#"{"typ":"JWT","alg":"None"}"#,
        r#"{"typ":"JWT","alg":"NONE"}"#,
        r#"{"typ":"JWT","alg":""}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"typ":"JWT","alg":"hs256"}"#,
        r#"{"typ":"JWT","alg":"HS384"}"#,
        r#"{"typ":"JWT","alg":"HS512"}"#,
        r#"{"typ":"JWT","alg":"RS256"}"#,
        r#"{"typ":"JWT","alg":"ES256"}"#,
        r#"{"typ":"JWT","alg":"EdDSA"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"../../dev/null"}"#,
        r#"{"typ":"JWT","alg":"HS256","jku":"https://attacker.example/keys"}"#,
        r#"{"typ":"JWT","alg":"HS256","jwk":{"kty":"oct","k":"AA"}}"#,
        r#"{"typ":"JWT","alg":"HS256","crit":["exp"]}"#,
        r#"{"typ":"JWT","alg":"HS256","b64":false}"#,
        r#"{"typ":"JWT","alg":"HS256","alg":"none"}"#,
        r#"{"typ":"JWE","alg":"HS256"}"#,
        "{}",
        "null",
        "",
    ] {
        let token = signed_raw(header.as_bytes(), claims.as_bytes(), SECRET.as_bytes());
        refused(&token, header);
        let (message, _) = token.rsplit_once('.').unwrap();
        refused(&format!("{message}."), "without a signature");
    }
}

#[test]
fn other_hmacs_with_the_right_key_are_refused() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        refused(&jsonwebtoken::encode(&Header::new(algorithm), &good(), &key).unwrap(), "HMAC");
    }
}

#[test]
fn another_key_is_refused() {
    let claims = good().to_string();
    for key in [
        "",
        "secret",
        "a-secret-of-more-than-32-characters",
        "A-SECRET-OF-MORE-THAN-32-CHARACTERS!",
    ] {
        refused(&signed_raw(HEADER, claims.as_bytes(), key.as_bytes()), "another key");
    }
}

#[test]
fn a_missing_null_or_mistyped_claim_is_refused() {
    for claim in ["iss", "aud", "sub", "sid", "iat", "nbf", "exp"] {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(claim);
        refused(&signed(&claims), claim);
        for value in
            [Value::Null, json!(true), json!([]), json!({}), json!(""), json!(1.5), json!(-1)]
        {
            refused(&with(claim, value), claim);
        }
    }
}

#[test]
fn a_wrong_issuer_audience_or_subject_is_refused() {
    refused(&with("iss", json!("zhixian")), "issuer");
    refused(&with("iss", json!(["zhixiang"])), "issuer as a list");
    refused(&with("aud", json!("zhixiang")), "audience");
    refused(&with("aud", json!(["zhixiang-api", "other"])), "audience as a list");
    refused(&with("sub", json!("admin")), "subject");
    refused(&with("sid", json!("' or 1=1 --")), "session");
}

#[test]
fn time_is_checked_at_its_edges() {
    let now = at(0).timestamp();
    let times = |iat: i64, nbf: i64, exp: i64| {
        let mut claims = good();
        (claims["iat"], claims["nbf"], claims["exp"]) = (json!(iat), json!(nbf), json!(exp));
        tokens().verify(&signed(&claims), at(0)).is_some()
    };
    assert!(times(now, now, now + 900));
    assert!(times(now + 5, now + 5, now + 100), "within the leeway");
    assert!(times(now - 100, now - 100, now - 4), "within the leeway");
    assert!(!times(now - 100, now - 100, now - 5), "over");
    assert!(!times(now, now + 6, now + 900), "not yet");
    assert!(!times(now + 6, now, now + 900), "from the future");
    assert!(!times(now, now, now + 901), "lives too long");
    assert!(!times(now - 1_000, now - 1_000, now + 1), "lives too long");
    assert!(!times(now, now, now), "lives not at all");
    assert!(!times(now, now, i64::MAX), "for ever");
    assert!(!times(i64::MIN, now, now + 900), "since ever");
    assert!(!times(i64::MIN, i64::MIN, i64::MAX), "overflows");
    refused(&with("exp", json!(u64::MAX)), "larger than a time");
    refused(&with("exp", json!(1e300)), "not whole");
    refused(&with("exp", json!((now + 900).to_string())), "a text");
}

#[test]
fn a_claim_that_stands_twice_is_refused() {
    let claims = good().to_string().replacen('{', r#"{"exp":4102444800,"#, 1);
    refused(&signed_raw(HEADER, claims.as_bytes(), SECRET.as_bytes()), "two ends");
}

#[test]
fn every_truncation_and_every_flipped_character_is_refused() {
    let token = signed(&good());
    for length in 0..token.len() {
        refused(&token[..length], "truncated");
    }
    for at in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        refused(std::str::from_utf8(&altered).unwrap(), "one character changed");
    }
}

#[test]
fn other_shapes_are_refused() {
    let token = signed(&good());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    for shape in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{header}.{payload}.{signature}"),
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}.{payload}"),
        format!("{payload}.{header}.{signature}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{token}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}\0"),
        token.to_uppercase(),
        "中文".to_owned(),
        "A".repeat(100_000),
        format!("{header}.{}.{signature}", "A".repeat(100_000)),
    ] {
        refused(&shape, "another shape");
    }
}

#[test]
fn a_payload_that_is_no_object_is_refused() {
    for payload in [&b"null"[..], b"[]", b"\"x\"", b"1", b"", b"{", b"\xff\xfe", b"{}{}"] {
        refused(&signed_raw(HEADER, payload, SECRET.as_bytes()), "payload");
    }
}

#[test]
fn a_signature_does_not_fit_another_payload() {
    let mut other = good();
    other["sub"] = json!(bearer().account);
    let (mine, theirs) = (signed(&good()), signed(&other));
    let (_, signature) = mine.rsplit_once('.').unwrap();
    let (message, _) = theirs.rsplit_once('.').unwrap();
    refused(&format!("{message}.{signature}"), "swapped");
}

#[test]
fn refresh_tokens_are_strict_and_silent() {
    let token = RefreshToken::random();
    let text = token.text();
    assert_eq!(text.len(), 43);
    assert_eq!(RefreshToken::parse(&text), Some(token.clone()));
    assert_ne!(RefreshToken::random(), token);
    assert_eq!(format!("{token:?}"), "***");
    for bad in ["", "x", &text[1..], &format!("{text}="), &format!("{text}A"), &format!(" {text}")]
    {
        assert_eq!(RefreshToken::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_successor_follows_from_its_predecessor_and_the_key() {
    let crypto = Crypto::parse(&"07".repeat(32)).unwrap();
    let other = Crypto::parse(&"08".repeat(32)).unwrap();
    let first = RefreshToken::random();
    let second = first.successor(&crypto);
    assert_eq!(second, first.successor(&crypto));
    assert_ne!(second, first.successor(&other));
    assert_ne!(second.hash(&crypto), first.hash(&crypto));
    assert_ne!(second.successor(&crypto), first);
}
