//! Subscribe messages (订阅消息). A template's fields have kinds, told by the letters of their key
//! (`thing1`, `phrase2`), and each kind has a limit: what is longer is cut, since WeChat would refuse
//! the whole message.

use std::collections::BTreeMap;

use domain::personal::OpenId;
use serde::{Deserialize, Serialize};

use super::{Failure, Interface, WeChat, call::decoded};

/// The longest text of each kind of field, in characters, and whether what was cut may end with
/// 「…」: most kinds take no such sign.
const LIMITS: &[(&str, usize, bool)] = &[
    ("thing", 20, true),
    ("phrase", 5, false),
    ("name", 10, false),
    ("character_string", 32, false),
    ("letter", 32, false),
    ("symbol", 5, false),
    ("number", 32, false),
    ("phone_number", 17, false),
    ("car_number", 8, false),
];

/// A message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who gets it.
    pub to: &'a OpenId,
    /// The template's id at WeChat.
    pub template: &'a str,
    /// The page of the mini-program that it opens.
    pub page: Option<&'a str>,
    /// What stands in the template's fields, by key (`thing1`).
    pub fields: &'a [(&'a str, &'a str)],
    /// Names the message, such as its delivery's id, in each call that is to send it.
    pub key: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    touser: &'a str,
    template_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
    data: BTreeMap<&'a str, Value>,
    miniprogram_state: &'static str,
    lang: &'static str,
}

#[derive(Serialize)]
struct Value {
    value: String,
}

#[derive(Deserialize)]
struct Answer {}

/// A text as a field of that key takes it: white space becomes one space, and what is too long is
/// cut. A field may not be empty.
pub fn fitted(key: &str, text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let kind = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let fitted = match LIMITS.iter().find(|(name, ..)| *name == kind) {
        Some((_, limit, true)) if line.chars().count() > *limit => {
            line.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
        }
        Some((_, limit, _)) => line.chars().take(*limit).collect(),
        None => line,
    };
    if fitted.is_empty() { "无".to_owned() } else { fitted }
}

/// Sends a message, which uses up one consent of the person's.
///
/// # Errors
/// See [`Failure`]: with 43101 ([`super::Advice::Consent`]) the consent counts as used up; 47003 is
/// a field that does not fit its template, which is ours to mend. It is not repeated where it may
/// have been sent.
pub async fn send(wechat: &WeChat, message: &Message<'_>) -> Result<(), Failure> {
    let data = message.fields.iter();
    let body = Body {
        touser: message.to.plain(),
        template_id: message.template,
        page: message.page,
        data: data.map(|(key, text)| (*key, Value { value: fitted(key, text) })).collect(),
        miniprogram_state: "formal",
        lang: "zh_CN",
    };
    let answer = wechat.ask_bytes(Interface::Message, Some(message.key), &body).await?;
    decoded::<Answer>(&answer).map(|Answer {}| ())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::ResponseTemplate;

    use super::*;
    use crate::wechat::{
        Advice, Errcode,
        call::Fault,
        testing::{answers, asked, client, client_with, impatient, json_of, refusal, server},
    };

    const AT: &str = "/cgi-bin/message/subscribe/send";

    #[test]
    fn fields_fit_their_kind() {
        let long = "字".repeat(40);
        let cut = |count: usize| "字".repeat(count) + "…";
        for (key, text, expected) in [
            ("thing1", "您反映的路灯已修好", "您反映的路灯已修好".to_owned()),
            ("thing12", &long, cut(19)),
            ("thing2", &"字".repeat(20), "字".repeat(20)),
            ("phrase3", "已经办结了", "已经办结了".to_owned()),
            ("phrase3", "已经办结了吗", "已经办结了".to_owned()),
            ("name1", &long, "字".repeat(10)),
            ("character_string4", "PC20261124000123", "PC20261124000123".to_owned()),
            ("time5", "2026年11月24日 09:00", "2026年11月24日 09:00".to_owned()),
            ("thing6", " 一\n二\t三 ", "一 二 三".to_owned()),
            ("thing7", " \n", "无".to_owned()),
        ] {
            assert_eq!(fitted(key, text), expected, "{key}");
        }
    }

    async fn sent(answer: ResponseTemplate) -> (Result<(), Failure>, Vec<serde_json::Value>) {
        let server = server().await;
        answers(&server, AT, "token-1", answer).await;
        let wechat = client_with(&server.uri(), impatient());
        let to = OpenId::trusted("oX1".to_owned());
        let long = "字".repeat(40);
        let message = Message {
            to: &to,
            template: "T1",
            page: Some("pages/complaint?id=1"),
            fields: &[("thing1", &long), ("phrase2", "已办结")],
            key: "d-1",
        };
        let sent = send(&wechat, &message).await;
        (sent, asked(&server, AT).await)
    }

    #[tokio::test]
    async fn a_message_goes_out_as_its_template_wants_it() {
        let (sent, asked) = sent(json_of(&json!({"errcode": 0, "errmsg": "ok"}))).await;
        sent.unwrap();
        let data =
            json!({"thing1": {"value": "字".repeat(19) + "…"}, "phrase2": {"value": "已办结"}});
        let body = json!({
            "touser": "oX1", "template_id": "T1", "page": "pages/complaint?id=1", "data": data,
            "miniprogram_state": "formal", "lang": "zh_CN",
        });
        assert_eq!(asked, [body]);
    }

    #[tokio::test]
    async fn what_is_refused_says_what_to_do_and_nothing_is_sent_twice() {
        let late = json_of(&json!({"errcode": 0})).set_delay(std::time::Duration::from_secs(2));
        for (answer, expected, advice, times) in [
            (refusal(43101), Failure::Said(Errcode::NoConsent), Advice::Consent, 1),
            (refusal(47003), Failure::Said(Errcode::FieldRefused), Advice::Mend, 1),
            (refusal(45009), Failure::Said(Errcode::Quota), Advice::Person, 1),
            (refusal(40037), Failure::Said(Errcode::SetUp(40037)), Advice::Mend, 1),
            (refusal(-1), Failure::Said(Errcode::Busy), Advice::Later, 3),
            (
                ResponseTemplate::new(502),
                Failure::Unavailable(Fault::Status(502)),
                Advice::Later,
                1,
            ),
            (late, Failure::Unavailable(Fault::Late), Advice::Later, 1),
        ] {
            let (sent, asked) = sent(answer).await;
            let failure = sent.unwrap_err();
            assert_eq!((failure, failure.advice(), asked.len()), (expected, advice, times));
        }
    }

    #[tokio::test]
    async fn without_a_page_none_is_named() {
        let server = server().await;
        answers(&server, AT, "token-1", json_of(&json!({"errcode": 0}))).await;
        let to = OpenId::trusted("oX1".to_owned());
        let message = Message { to: &to, template: "T1", page: None, fields: &[], key: "d-2" };
        send(&client(&server.uri()), &message).await.unwrap();
        assert!(asked(&server, AT).await[0].get("page").is_none());
        let requests = server.received_requests().await.unwrap();
        let sent = requests.iter().find(|request| request.url.path() == AT).unwrap();
        assert_eq!(sent.headers["x-request-key"], "d-2", "each call says which message it is of");
    }
}
