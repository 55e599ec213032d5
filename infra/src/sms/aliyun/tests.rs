use std::{sync::Arc, time::Duration};

use domain::personal::Phone;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use super::*;
use crate::sms::{Provider, Sms};

/// The example of the provider's own documentation (V3 request syntax and signature).
#[test]
fn the_signature_is_the_documented_one() {
    let query = canonical_query(&[
        ("RegionId", "cn-shanghai"),
        ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
    ]);
    let call = Call {
        host: "ecs.cn-shanghai.aliyuncs.com",
        query: &query,
        action: "RunInstances",
        version: "2014-05-26",
        at: "2023-10-26T10:22:32Z".parse().unwrap(),
        nonce: "3156853299f313e23d1673dc12e1703d",
    };
    assert_eq!(
        call.authorization("YourAccessKeyId", "YourAccessKeySecret"),
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;\
         x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,\
         Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    );
}

#[test]
fn parameters_are_sorted_and_encoded_as_they_are_signed() {
    assert_eq!(
        canonical_query(&[("b", "智 享*+/~"), ("a", "-_.{\"c\":\"1\"}")]),
        "a=-_.%7B%22c%22%3A%221%22%7D&b=%E6%99%BA%20%E4%BA%AB%2A%2B%2F~"
    );
    for (url, expected) in [
        ("https://dysmsapi.aliyuncs.com", "dysmsapi.aliyuncs.com"),
        ("http://[::1]:81", "[::1]:81"),
    ] {
        assert_eq!(host(&Url::parse(url).unwrap()), expected);
    }
}

fn sms(endpoint: &str, settings: Settings) -> Sms {
    let account = Account {
        endpoint: Url::parse(endpoint).unwrap(),
        access_key_id: "test-id".to_owned(),
        access_key_secret: "test-secret".to_owned(),
        sign_name: "智享平城".to_owned(),
    };
    let now = || "2026-11-24T01:00:00Z".parse().unwrap();
    Sms::new(Provider::Aliyun(account), settings, Arc::new(now)).unwrap()
}

fn impatient() -> Settings {
    Settings {
        answer: Duration::from_millis(300),
        breaker_failures: 3,
        breaker_pause: Duration::from_millis(150),
        ..Settings::default()
    }
}

async fn send(sms: &Sms, number: &str) -> Result<Receipt, Failure> {
    let phone = Phone::trusted(number.to_owned());
    let params = [("code", "042137"), ("minutes", "5")];
    sms.send(&Text { phone: &phone, template: "SMS_1", params: &params, key: "job-1" }).await
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

fn said(code: &str) -> ResponseTemplate {
    let body = json!({"Code": code, "Message": "138 0000 1234 secret", "RequestId": "r"});
    ResponseTemplate::new(if code.contains('.') { 200 } else { 400 }).set_body_json(body)
}

#[tokio::test]
async fn a_message_goes_out_signed_and_its_number_comes_back() {
    let fine = json!({"Code": "OK", "Message": "OK", "BizId": "9006^0", "RequestId": "r"});
    let server = answering(ResponseTemplate::new(200).set_body_json(fine)).await;
    let sms = sms(&server.uri(), impatient());
    let receipt = send(&sms, "13800001234").await.unwrap();
    assert_eq!(receipt.number.as_deref(), Some("9006^0"));
    let requests = server.received_requests().await.unwrap();
    let request = &requests[0];
    let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
    let param: Value = serde_json::from_str(&query["TemplateParam"]).unwrap();
    assert_eq!(param, json!({"code": "042137", "minutes": "5"}));
    for (name, value) in [
        ("PhoneNumbers", "13800001234"),
        ("SignName", "智享平城"),
        ("TemplateCode", "SMS_1"),
        ("OutId", "job-1"),
    ] {
        assert_eq!(query[name], value);
    }
    let header = |name: &str| request.headers[name].to_str().unwrap();
    assert_eq!((header("x-acs-action"), header("x-acs-version")), ("SendSms", "2017-05-25"));
    assert_eq!(header("x-acs-date"), "2026-11-24T01:00:00Z");
    // What arrives is signed: the same computed from the request as it came.
    let call = Call {
        host: header("host"),
        query: request.url.query().unwrap(),
        action: "SendSms",
        version: "2017-05-25",
        at: "2026-11-24T01:00:00Z".parse().unwrap(),
        nonce: header("x-acs-signature-nonce"),
    };
    assert_eq!(header("authorization"), call.authorization("test-id", "test-secret"));
    send(&sms, "13800001234").await.unwrap();
    let again = &server.received_requests().await.unwrap()[1];
    assert_ne!(again.headers["x-acs-signature-nonce"], header("x-acs-signature-nonce"));
}

#[tokio::test]
async fn every_refusal_says_what_to_do_and_is_sent_once() {
    for (code, advice) in [
        ("isv.BUSINESS_LIMIT_CONTROL", Advice::Limit),
        ("isv.DAY_LIMIT_CONTROL", Advice::Spent),
        ("isv.MOBILE_NUMBER_ILLEGAL", Advice::Refused("isv.MOBILE_NUMBER_ILLEGAL")),
        ("isv.SMS_TEMPLATE_ILLEGAL", Advice::Refused("isv.SMS_TEMPLATE_ILLEGAL")),
        ("isv.AMOUNT_NOT_ENOUGH", Advice::Refused("isv.AMOUNT_NOT_ENOUGH")),
        ("SignatureDoesNotMatch", Advice::Refused("SignatureDoesNotMatch")),
        ("Throttling", Advice::Retry),
        ("Throttling.User", Advice::Retry),
        ("isp.SYSTEM_ERROR", Advice::Unknown),
        ("ServiceUnavailable", Advice::Unknown),
        ("SignatureNonceUsed", Advice::Unknown),
        ("isv.SOMETHING_NEW", Advice::Refused("other")),
    ] {
        let server = answering(said(code)).await;
        let failure = send(&sms(&server.uri(), impatient()), "13800001234").await.unwrap_err();
        assert_eq!(failure.advice(), advice, "{code}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{code}");
        let told = format!("{failure} {failure:?}");
        assert!(!told.contains("secret") && !told.contains("1234"), "{told}");
    }
}

#[tokio::test]
async fn what_may_have_been_sent_is_never_sent_again() {
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(2));
    for (answer, fault) in [
        (late, Fault::Late),
        (ResponseTemplate::new(502).set_body_string("<html>"), Fault::Status(502)),
        (ResponseTemplate::new(200).set_body_string("<html>"), Fault::Unreadable),
        (ResponseTemplate::new(200).set_body_string("{}"), Fault::Unreadable),
    ] {
        let server = answering(answer).await;
        let failure = send(&sms(&server.uri(), impatient()), "13800001234").await.unwrap_err();
        assert_eq!(failure, Failure::Unavailable(fault));
        assert_eq!(failure.advice(), Advice::Unknown);
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{fault:?}");
    }
    let nobody = sms("http://127.0.0.1:9", impatient());
    let failure = send(&nobody, "13800001234").await.unwrap_err();
    assert_eq!(failure, Failure::Unavailable(Fault::Unconnected));
    assert_eq!(failure.advice(), Advice::Retry, "it never left");
}

#[tokio::test]
async fn a_provider_that_fails_is_left_alone_and_a_landline_is_not_asked_about() {
    let server = answering(ResponseTemplate::new(503)).await;
    let sms = sms(&server.uri(), impatient());
    for number in ["03521234567", "12345"] {
        let failure = send(&sms, number).await.unwrap_err();
        assert_eq!(failure.advice(), Advice::Refused("not_mobile"));
    }
    for _ in 0..3 {
        let failure = send(&sms, "13800001234").await.unwrap_err();
        assert_eq!(failure, Failure::Unavailable(Fault::Status(503)));
    }
    let resting = send(&sms, "13800001234").await.unwrap_err();
    assert_eq!((resting, resting.advice()), (Failure::Resting, Advice::Retry));
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_log_takes_everything_and_the_account_never_prints_its_key() {
    let now = || "2026-11-24T01:00:00Z".parse().unwrap();
    let log = Sms::new(Provider::Log, impatient(), Arc::new(now)).unwrap();
    assert_eq!(send(&log, "13800001234").await, Ok(Receipt { number: None }));
    assert!(!log.reaches_people());
    let account = Account {
        endpoint: Url::parse("https://dysmsapi.aliyuncs.com").unwrap(),
        access_key_id: "test-id".to_owned(),
        access_key_secret: "test-secret".to_owned(),
        sign_name: "智享平城".to_owned(),
    };
    let printed = format!("{account:?} {log:?}");
    assert!(!printed.contains("test-"), "{printed}");
}
