//! A push as it is read: XML by default, JSON where the console says so.

use serde::Deserialize;
use serde_json::Value;

use super::content_check::Suggestion;

/// What of a push we look at. Every field can be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Push {
    /// The encrypted message, in safe mode; then nothing else but the addressee is there.
    #[serde(rename = "Encrypt")]
    pub encrypted: Option<String>,
    /// Who caused it, an openid.
    #[serde(rename = "FromUserName")]
    pub from: String,
    /// When, in seconds since 1970.
    #[serde(rename = "CreateTime")]
    pub created: String,
    /// `event`, or the kind of a person's message.
    #[serde(rename = "MsgType")]
    pub kind: String,
    /// Which event.
    #[serde(rename = "Event")]
    pub event: String,
    /// A person's message has one, an event none.
    #[serde(rename = "MsgId")]
    pub message_id: String,
    /// Which check it answers.
    pub trace_id: String,
    /// Whether the check could be done: 0, or an error.
    pub errcode: String,
    /// What came of it.
    pub result: CheckResult,
}

/// What came of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CheckResult {
    /// What to do; none when there is no result.
    pub suggest: Option<Suggestion>,
    /// Why, by WeChat's number; it comes as a text as well.
    pub label: String,
}

/// Neither XML nor JSON that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither XML nor JSON")]
pub struct Unreadable;

impl Push {
    /// Reads a body. XML with a document type declares nothing that is believed: no entity but the
    /// five of the standard is known, so that none expands.
    ///
    /// # Errors
    /// It is neither XML nor JSON, or what we look at is not as WeChat writes it.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(body).map_err(|_| Unreadable)?.trim_start();
        if text.starts_with('{') {
            let value = serde_json::from_str(text).map_err(|_| Unreadable)?;
            serde_json::from_value(texts(value)).map_err(|_| Unreadable)
        } else {
            quick_xml::de::from_str(text).map_err(|_| Unreadable)
        }
    }

    /// What makes it the same push when it comes again: the message's id, or for an event who,
    /// when, which, and about what. It names a person: keep only a digest.
    pub fn identity(&self) -> String {
        if self.message_id.is_empty() {
            [&*self.from, &self.created, &self.event, &self.trace_id].join("\n")
        } else {
            format!("message\n{}", self.message_id)
        }
    }
}

/// XML knows texts only: numbers become texts, so that both read the same.
fn texts(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, texts(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>
        <FromUserName><![CDATA[oX1]]></FromUserName><CreateTime>1626959646</CreateTime>
        <MsgType><![CDATA[event]]></MsgType><Event><![CDATA[wxa_media_check]]></Event>
        <appid><![CDATA[wxdemo]]></appid><trace_id><![CDATA[t-1]]></trace_id><version>2</version>
        <detail><strategy>content_model</strategy><errcode>0</errcode><suggest>risky</suggest></detail>
        <detail><strategy>keyword</strategy></detail>
        <errcode>0</errcode><errmsg>ok</errmsg>
        <result><suggest><![CDATA[risky]]></suggest><label>20001</label></result></xml>";

    fn expected() -> Push {
        let text = str::to_owned;
        Push {
            encrypted: None,
            from: text("oX1"),
            created: text("1626959646"),
            kind: text("event"),
            event: text("wxa_media_check"),
            message_id: String::new(),
            trace_id: text("t-1"),
            errcode: text("0"),
            result: CheckResult { suggest: Some(Suggestion::Risky), label: text("20001") },
        }
    }

    #[test]
    fn xml_and_json_read_the_same() {
        assert_eq!(Push::read(XML.as_bytes()), Ok(expected()));
        for label in ["20001", "\"20001\""] {
            let json = format!(
                r#"{{"ToUserName":"gh_1","FromUserName":"oX1","CreateTime":1626959646,
                "MsgType":"event","Event":"wxa_media_check","appid":"wxdemo","trace_id":"t-1",
                "version":2,"detail":[{{"errcode":0}}],"errcode":0,"errmsg":"ok",
                "result":{{"suggest":"risky","label":{label}}}}}"#
            );
            assert_eq!(Push::read(json.as_bytes()), Ok(expected()), "{label}");
        }
    }

    #[test]
    fn an_envelope_holds_the_encrypted_text_alone() {
        for body in [
            "<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[QUJD]]></Encrypt></xml>",
            r#"{"ToUserName":"gh_1","Encrypt":"QUJD"}"#,
        ] {
            let push = Push { encrypted: Some("QUJD".to_owned()), ..Push::default() };
            assert_eq!(Push::read(body.as_bytes()), Ok(push));
        }
    }

    #[test]
    fn what_cannot_be_read_or_is_hostile_is_refused_at_once() {
        let laughs: String = (1..10)
            .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
            .collect();
        let bomb = format!(
            "<!DOCTYPE xml [<!ENTITY l0 \"ha\">{laughs}]><xml><FromUserName>&l9;</FromUserName></xml>"
        );
        let outside = "<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>
            <xml><FromUserName>&e;</FromUserName></xml>";
        let deep = format!("<xml>{}{}</xml>", "<a>".repeat(50_000), "</a>".repeat(50_000));
        let begun = std::time::Instant::now();
        for bad in [
            "",
            "nonsense",
            "[]",
            "{",
            "<xml><FromUserName>",
            "<xml><FromUserName>a</FromUserName><FromUserName>b</FromUserName></xml>",
            r#"{"FromUserName":["a"]}"#,
            "<xml><result><suggest>other</suggest></result></xml>",
            &bomb,
            outside,
        ] {
            assert_eq!(Push::read(bad.as_bytes()), Err(Unreadable), "{bad}");
        }
        assert_eq!(Push::read(b"\xff\xfe"), Err(Unreadable));
        // Deep, but of nothing that is looked at.
        assert_eq!(Push::read(deep.as_bytes()), Ok(Push::default()));
        assert!(begun.elapsed() < std::time::Duration::from_secs(2));
    }

    #[test]
    fn the_same_push_has_the_same_identity() {
        let one = expected();
        assert_eq!(one.identity(), expected().identity());
        let changed = |change: fn(&mut Push)| {
            let mut other = expected();
            change(&mut other);
            other.identity()
        };
        for other in [
            changed(|push| push.from.push('2')),
            changed(|push| push.created.push('2')),
            changed(|push| push.event.push('2')),
            changed(|push| push.trace_id.push('2')),
            changed(|push| "24".clone_into(&mut push.message_id)),
        ] {
            assert_ne!(one.identity(), other);
        }
    }
}
