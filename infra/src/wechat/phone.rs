//! A phone number: a code from the mini-program becomes the number that WeChat verified.

use domain::personal::Phone;
use serde::{Deserialize, Serialize};

use super::{Failure, Interface, WeChat, call::Fault};

#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    phone_info: Info,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    pure_phone_number: String,
    country_code: CountryCode,
    watermark: Watermark,
}

/// WeChat writes it as a text, and has written it as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum CountryCode {
    Text(String),
    Number(u32),
}

#[derive(Deserialize)]
struct Watermark {
    appid: String,
}

/// Exchanges a code for the person's phone number; none when it is not one of mainland China.
///
/// # Errors
/// See [`Failure`]. The code is single-use, so that nothing is tried twice that may have used it.
/// An answer that was made for another mini-program is not believed.
pub async fn number(wechat: &WeChat, code: &str) -> Result<Option<Phone>, Failure> {
    let Answer { phone_info } = wechat.ask(Interface::Phone, &Body { code }).await?;
    if phone_info.watermark.appid != wechat.app_id() {
        return Err(Failure::Unavailable(Fault::Unreadable));
    }
    let ours = match phone_info.country_code {
        CountryCode::Text(code) => code.trim_start_matches('+') == "86",
        CountryCode::Number(code) => code == 86,
    };
    Ok(ours.then(|| Phone::parse("phone", &phone_info.pure_phone_number).ok()).flatten())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::wechat::{
        Errcode,
        testing::{answers, asked, client, json_of, refusal, server},
    };

    const AT: &str = "/wxa/business/getuserphonenumber";

    fn info(number: &str, country: &Value, appid: &str) -> Value {
        json!({"errcode": 0, "errmsg": "ok", "phone_info": {
            "phoneNumber": format!("+86{number}"), "purePhoneNumber": number,
            "countryCode": country, "watermark": {"timestamp": 1_637_744_274, "appid": appid}}})
    }

    #[tokio::test]
    async fn a_code_gives_the_number_that_wechat_verified() {
        for (answer, expected) in [
            (info("13800001234", &json!("86"), "wxdemo"), Some("13800001234")),
            (info("13800001234", &json!(86), "wxdemo"), Some("13800001234")),
            (info("61234567", &json!("852"), "wxdemo"), None),
            (info("not a number", &json!("86"), "wxdemo"), None),
        ] {
            let server = server().await;
            answers(&server, AT, "token-1", json_of(&answer)).await;
            let phone = number(&client(&server.uri()), "code-1").await.unwrap();
            assert_eq!(phone.as_ref().map(Phone::plain), expected, "{answer}");
            assert_eq!(asked(&server, AT).await, [json!({"code": "code-1"})]);
        }
    }

    #[tokio::test]
    async fn what_is_refused_or_not_for_us_gives_none() {
        let unreadable = Failure::Unavailable(Fault::Unreadable);
        for (answer, expected) in [
            (refusal(40029), Failure::Said(Errcode::CodeInvalid)),
            (refusal(40163), Failure::Said(Errcode::CodeUsed)),
            (refusal(45011), Failure::Said(Errcode::TooOften)),
            (json_of(&info("13800001234", &json!("86"), "wxother")), unreadable),
            (json_of(&json!({"errcode": 0})), unreadable),
        ] {
            let server = server().await;
            answers(&server, AT, "token-1", answer).await;
            assert_eq!(number(&client(&server.uri()), "code-1").await.unwrap_err(), expected);
        }
    }
}
