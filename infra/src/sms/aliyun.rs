//! Alibaba Cloud's SendSms (version 2017-05-25), signed by `ACS3-HMAC-SHA256`: the parameters stand in the
//! query, as its own clients send them, and the body is empty.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use reqwest::Url;
use serde::Deserialize;

use super::{Advice, Failure, Now, Receipt, Refusal, Text};
use crate::{
    crypto,
    outside::{self, Breaker, Fault, Settings},
    random,
};

const VERSION: &str = "2017-05-25";
const ACTION: &str = "SendSms";

/// An account at Alibaba Cloud.
#[derive(Clone)]
pub struct Account {
    /// Where its interface is: `https://dysmsapi.aliyuncs.com`.
    pub endpoint: Url,
    /// The id of a key that may send.
    pub access_key_id: String,
    /// The key; leaves the process never, only signatures by it.
    pub access_key_secret: String,
    /// The signature (签名) that stands before each message, as it was approved.
    pub sign_name: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

pub(super) struct Aliyun {
    http: reqwest::Client,
    account: Account,
    settings: Settings,
    breaker: Breaker,
    now: Now,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    code: String,
    biz_id: Option<String>,
}

impl Aliyun {
    pub(super) fn new(
        account: Account,
        settings: Settings,
        now: Now,
    ) -> Result<Self, reqwest::Error> {
        let (http, breaker) = (outside::client(&settings)?, Breaker::default());
        Ok(Self { http, account, settings, breaker, now })
    }

    pub(super) async fn send(&self, text: &Text<'_>) -> Result<Receipt, Failure> {
        // Once a request is on its way it may have been done; only what never left is sent again.
        let repeats = |failure| failure == Failure::Unavailable(Fault::Unconnected);
        let call = || self.once(text);
        outside::guarded("sms", &self.breaker, &self.settings, repeats, call).await
    }

    async fn once(&self, text: &Text<'_>) -> Result<Receipt, Failure> {
        let params: BTreeMap<&str, &str> = text.params.iter().copied().collect();
        let params = serde_json::to_string(&params).map_err(|_| Fault::Unreadable)?;
        let query = canonical_query(&[
            ("OutId", text.key),
            ("PhoneNumbers", text.phone.plain()),
            ("SignName", &self.account.sign_name),
            ("TemplateCode", text.template),
            ("TemplateParam", &params),
        ]);
        let mut url = self.account.endpoint.clone();
        url.set_path("/");
        url.set_query(Some(&query));
        let nonce = hex::encode(random::bytes::<16>());
        let call = Call {
            host: &host(&url),
            query: &query,
            action: ACTION,
            version: VERSION,
            at: (self.now)(),
            nonce: &nonce,
        };
        let mut request = self.http.post(url);
        for (name, value) in call.headers() {
            request = request.header(name, value);
        }
        let authorization =
            call.authorization(&self.account.access_key_id, &self.account.access_key_secret);
        let response = request
            .header("authorization", authorization)
            .header("accept", "application/json")
            .header("content-length", "0")
            .send()
            .await
            .map_err(Fault::from)?;
        let status = response.status();
        let body = outside::read(response, outside::LONGEST).await?;
        // A refusal comes with 200, 400, 403 or 503, and says its code in each.
        let Ok(answer) = serde_json::from_slice::<Answer>(&body) else {
            let unreadable = status.is_success();
            let status = Fault::Status(status.as_u16());
            return Err(if unreadable { Fault::Unreadable } else { status }.into());
        };
        if answer.code == "OK" {
            return Ok(Receipt { number: answer.biz_id });
        }
        let refusal = refusal(&answer.code);
        tracing::warn!(code = %printable(&answer.code), key = text.key, "SMS refused");
        Err(Failure::Said(refusal))
    }
}

/// What is signed.
struct Call<'a> {
    host: &'a str,
    query: &'a str,
    action: &'a str,
    version: &'a str,
    at: Timestamp,
    nonce: &'a str,
}

impl Call<'_> {
    /// The headers that are signed, in the order of their names.
    fn headers(&self) -> [(&'static str, String); 6] {
        [
            ("host", self.host.to_owned()),
            ("x-acs-action", self.action.to_owned()),
            ("x-acs-content-sha256", hex::encode(crypto::sha256(b""))),
            ("x-acs-date", self.at.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ("x-acs-signature-nonce", self.nonce.to_owned()),
            ("x-acs-version", self.version.to_owned()),
        ]
    }

    fn authorization(&self, id: &str, secret: &str) -> String {
        let headers = self.headers();
        let signed = headers.each_ref().map(|(name, _)| *name).join(";");
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let payload = hex::encode(crypto::sha256(b""));
        let canonical = format!("POST\n/\n{}\n{lines}\n{signed}\n{payload}", self.query);
        let canonical = hex::encode(crypto::sha256(canonical.as_bytes()));
        let to_sign = format!("ACS3-HMAC-SHA256\n{canonical}");
        let signature = hex::encode(crypto::hmac_sha256(secret.as_bytes(), &[to_sign.as_bytes()]));
        format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders={signed},Signature={signature}")
    }
}

/// The host as HTTP names it: with the port where it is not the scheme's own.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Parameters in the order of their names, encoded as RFC 3986 says.
fn canonical_query(parameters: &[(&str, &str)]) -> String {
    let sorted: BTreeMap<&str, &str> = parameters.iter().copied().collect();
    let pairs = sorted.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A code from outside, as the log may show it.
fn printable(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(60).collect()
}

/// What each code means; any other was refused before it was sent, and a person has to look.
fn refusal(code: &str) -> Refusal {
    let known = CODES.iter().find(|(known, _)| *known == code);
    match known {
        Some((code, Meaning::Limit)) => Refusal { code, advice: Advice::Limit },
        Some((code, Meaning::Spent)) => Refusal { code, advice: Advice::Spent },
        Some((code, Meaning::Busy)) => Refusal { code, advice: Advice::Retry },
        Some((code, Meaning::Unsure)) => Refusal { code, advice: Advice::Unknown },
        Some((code, Meaning::Never)) => Refusal { code, advice: Advice::Refused(code) },
        None => Refusal { code: "other", advice: Advice::Refused("other") },
    }
}

#[derive(Clone, Copy)]
enum Meaning {
    /// This number has had its fill for a minute, an hour or a day: the code is the same.
    Limit,
    /// The account has sent what it may in a day or a month.
    Spent,
    /// Turned away at the door.
    Busy,
    /// It may have been sent.
    Unsure,
    /// Refused for good: number, template, text, key or money.
    Never,
}

/// <https://help.aliyun.com/zh/sms/developer-reference/api-error-codes>, and those of the signature.
/// `SignatureNonceUsed` says that a request of ours came twice: the first was taken.
const CODES: &[(&str, Meaning)] = &[
    ("isv.BUSINESS_LIMIT_CONTROL", Meaning::Limit),
    ("isv.DAY_LIMIT_CONTROL", Meaning::Spent),
    ("isv.MONTH_LIMIT_CONTROL", Meaning::Spent),
    ("Throttling", Meaning::Busy),
    ("Throttling.User", Meaning::Busy),
    ("Throttling.Api", Meaning::Busy),
    ("isp.SYSTEM_ERROR", Meaning::Unsure),
    ("isp.GATEWAY_ERROR", Meaning::Unsure),
    ("InternalError", Meaning::Unsure),
    ("ServiceUnavailable", Meaning::Unsure),
    ("SignatureNonceUsed", Meaning::Unsure),
    ("isv.MOBILE_NUMBER_ILLEGAL", Meaning::Never),
    ("isv.SMS_TEMPLATE_ILLEGAL", Meaning::Never),
    ("isv.SMS_SIGNATURE_ILLEGAL", Meaning::Never),
    ("isv.SMS_SIGNATURE_SCENE_ILLEGAL", Meaning::Never),
    ("isv.TEMPLATE_MISSING_PARAMETERS", Meaning::Never),
    ("isv.TEMPLATE_PARAMS_ILLEGAL", Meaning::Never),
    ("isv.INVALID_PARAMETERS", Meaning::Never),
    ("isv.INVALID_JSON_PARAM", Meaning::Never),
    ("isv.PARAM_LENGTH_LIMIT", Meaning::Never),
    ("isv.PARAM_NOT_SUPPORT_URL", Meaning::Never),
    ("isv.SMS_CONTENT_ILLEGAL", Meaning::Never),
    ("isv.BLACK_KEY_CONTROL_LIMIT", Meaning::Never),
    ("isv.AMOUNT_NOT_ENOUGH", Meaning::Never),
    ("isv.OUT_OF_SERVICE", Meaning::Never),
    ("isv.PRODUCT_UN_SUBSCRIPT", Meaning::Never),
    ("isv.ACCOUNT_NOT_EXISTS", Meaning::Never),
    ("isv.ACCOUNT_ABNORMAL", Meaning::Never),
    ("isp.RAM_PERMISSION_DENY", Meaning::Never),
    ("InvalidAccessKeyId.NotFound", Meaning::Never),
    ("InvalidAccessKeyId.Inactive", Meaning::Never),
    ("InvalidTimeStamp.Expired", Meaning::Never),
    ("SignatureDoesNotMatch", Meaning::Never),
];

#[cfg(test)]
mod tests;
