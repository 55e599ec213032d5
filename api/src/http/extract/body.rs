//! The JSON body. Taking it never fails; reading it does, when the handler says so: an object that
//! is not the caller's must look missing whatever the body holds.

use std::{convert::Infallible, marker::PhantomData, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::CONTENT_TYPE,
    web::{Bytes, BytesMut},
};
use futures::{FutureExt, StreamExt, future::LocalBoxFuture};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Unreadable, reason,
    reason::{sound::Sound, strict::Strict},
};
use crate::error::Error;

/// The largest body, in bytes.
pub const LIMIT: usize = 1024 * 1024;
/// How much of a body that is too large is read and thrown away, in bytes, so that the client
/// gets to see the answer instead of a broken connection.
const DRAIN: usize = 32 * 1024 * 1024;
/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(60);

/// A body of a command without fields: `{}`, or nothing at all.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// The body of a request, taken in but not yet read as a `T`.
#[derive(Debug)]
pub struct Body<T> {
    raw: Result<Bytes, Unreadable>,
    kind: PhantomData<T>,
}

impl<T: DeserializeOwned> Body<T> {
    /// Reads the body; an empty one counts as `{}`.
    ///
    /// # Errors
    /// `malformed_json`, `body_too_large`, `unsupported_media_type`; `invalid_field` with the
    /// field's path for an unknown field, a missing one, or a wrong type.
    pub fn read(self) -> Result<T, Error> {
        let raw = self.raw?;
        let value = parsed(&raw)?;
        if !value.is_object() {
            return Err(Unreadable::MalformedJson("最外层应为一个对象，例如 {}".to_owned()).into());
        }
        serde_path_to_error::deserialize(Strict(value))
            .map_err(|error| reason::invalid(&error).into())
    }

    /// Reads the body of a command on an object. When it cannot be read, `visible` is asked first:
    /// an object that the caller may not see stays missing (404) whatever the body holds.
    ///
    /// # Errors
    /// What `visible` answers, else as [`Body::read`].
    pub async fn read_or(
        self,
        visible: impl Future<Output = Result<(), Error>>,
    ) -> Result<T, Error> {
        match self.read() {
            Ok(body) => Ok(body),
            Err(error) => {
                visible.await?;
                Err(error)
            }
        }
    }
}

impl<T: 'static> FromRequest for Body<T> {
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = declares_json(request);
        let payload = payload.take();
        async move {
            let raw = match in_time(payload).await {
                Ok(raw) if !raw.is_empty() && !json => Err(Unreadable::UnsupportedMediaType),
                taken => taken,
            };
            Ok(Self { raw, kind: PhantomData })
        }
        .boxed_local()
    }
}

/// The bytes of a body of any kind, taken in but not yet looked at.
#[derive(Debug)]
pub struct Raw(Result<Bytes, Unreadable>);

impl Raw {
    /// The bytes.
    ///
    /// # Errors
    /// `body_too_large`; `malformed_json` when they did not all come.
    pub fn read(self) -> Result<Bytes, Error> {
        Ok(self.0?)
    }
}

impl FromRequest for Raw {
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<Self, Infallible>>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        async move { Ok(Self(in_time(payload).await)) }.boxed_local()
    }
}

async fn in_time(payload: Payload) -> Result<Bytes, Unreadable> {
    match tokio::time::timeout(PATIENCE, take(payload)).await {
        Ok(taken) => taken,
        Err(_) => Err(Unreadable::MalformedJson("请求没有在 60 秒内发完".to_owned())),
    }
}

/// Whether the body says that it is JSON; saying nothing is taken for it.
fn declares_json(request: &HttpRequest) -> bool {
    let Some(declared) = request.headers().get(CONTENT_TYPE) else { return true };
    let essence =
        declared.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn take(mut payload: Payload) -> Result<Bytes, Unreadable> {
    let mut kept = BytesMut::new();
    let mut seen: usize = 0;
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|_| Unreadable::MalformedJson("请求在发送途中断开".to_owned()))?;
        seen = seen.saturating_add(chunk.len());
        if seen > DRAIN {
            break;
        }
        if seen <= LIMIT {
            kept.extend_from_slice(&chunk);
        } else {
            kept = BytesMut::new();
        }
    }
    if seen > LIMIT { Err(Unreadable::BodyTooLarge) } else { Ok(kept.freeze()) }
}

/// The body as JSON; an empty one counts as `{}`.
fn parsed(raw: &[u8]) -> Result<Value, Error> {
    let text = str::from_utf8(raw).map_err(|error| {
        let at = error.valid_up_to() + 1;
        let said = format!("第 {at} 个字节起不是 UTF-8 编码，请用 UTF-8 发送（不是 GBK）");
        Unreadable::MalformedJson(said)
    })?;
    // Some editors begin a file with the mark of its encoding.
    let text = text.trim_start_matches('\u{feff}');
    let text = if text.trim_ascii().is_empty() { "{}" } else { text };
    let mut json = serde_json::Deserializer::from_str(text);
    let Sound(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        if error.inner().is_data() {
            Error::from(reason::invalid(&error))
        } else {
            Unreadable::MalformedJson(syntax(error.inner())).into()
        }
    })?;
    json.end().map_err(|error| Unreadable::MalformedJson(syntax(&error)))?;
    Ok(value)
}

fn syntax(error: &serde_json::Error) -> String {
    let what = if error.is_eof() {
        "内容不完整"
    } else if error.to_string().starts_with("recursion limit exceeded") {
        "嵌套太深"
    } else {
        "写法有误"
    };
    format!("第 {} 行第 {} 列{what}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Place {
        #[expect(dead_code, reason = "only its type matters")]
        lng: f64,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        title: String,
        #[serde(default)]
        place: Option<Place>,
        #[serde(default)]
        stars: Option<u8>,
    }

    fn read(text: &[u8]) -> Result<Form, Error> {
        Body { raw: Ok(Bytes::copy_from_slice(text)), kind: PhantomData::<Form> }.read()
    }

    fn refusal(text: &[u8]) -> (&'static str, Vec<(String, String)>) {
        let Err(Error::Refused(refusal)) = read(text) else { panic!("it was taken") };
        let fields = refusal.fields().into_iter().map(|f| (f.field, f.reason)).collect();
        (refusal.code(), fields)
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        let deep = "[".repeat(200);
        for bad in [&b"{"[..], b"{,}", b"[]", b"\"x\"", b"{\"title\":\"\xff\"}", deep.as_bytes()] {
            assert_eq!(refusal(bad).0, "malformed_json", "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_wrong_field_is_named_with_its_path() {
        let one = |text: &str| {
            let (code, mut fields) = refusal(text.as_bytes());
            assert_eq!(code, "invalid_field");
            fields.remove(0)
        };
        assert_eq!(one(r#"{"title":"路灯","colour":1}"#).0, "colour");
        assert_eq!(one(r"{}"), ("title".into(), "必须填写".into()));
        assert_eq!(one(r#"{"title":"路灯","place":{"lng":"x"}}"#).0, "place.lng");
        assert_eq!(one(r#"{"title":"路灯","place":{"up":1,"lng":2}}"#).0, "place.up");
        assert_eq!(one(r#"{"title":"路灯","place":[113.3]}"#).0, "place");
        assert_eq!(one(r#"{"title":"路灯","stars":300}"#).0, "stars");
        let (field, why) = one(r#"{"title":7}"#);
        assert_eq!((field.as_str(), why.as_str()), ("title", "应为文字，收到的是数字"));
    }

    #[test]
    fn what_no_body_may_hold_is_named() {
        let form = read(r#"{"title":"𠮷","stars":null}"#.as_bytes()).unwrap();
        assert_eq!((form.title.as_str(), form.stars), ("𠮷", None));
        assert!(form.place.is_none());
        for (bad, field, why) in [
            (r#"{"title":"一","title":"二"}"#, "title", "只能填写一次"),
            (r#"{"title":"一","place":{"lng":1,"lng":2}}"#, "place.lng", "只能填写一次"),
            (r#"{"title":"路\u0000灯"}"#, "title", "含有不可见的控制字符（U+0000），请删去"),
            (
                r#"{"title":"一","place":["\u0000"]}"#,
                "place[0]",
                "含有不可见的控制字符（U+0000），请删去",
            ),
        ] {
            let expected = ("invalid_field", vec![(field.to_owned(), why.to_owned())]);
            assert_eq!(refusal(bad.as_bytes()), expected, "{bad}");
        }
    }

    #[test]
    fn another_encoding_is_called_by_its_name() {
        let Err(error) = read(b"{\"title\":\"\xc2\xb7\xb5\xc6\"}") else { panic!("taken") };
        assert!(error.to_string().contains("不是 UTF-8"), "{error}");
        assert_eq!(read("\u{feff}{\"title\":\"路灯\"}".as_bytes()).unwrap().title, "路灯");
    }

    #[test]
    fn nothing_counts_as_an_empty_object() {
        for nothing in [&b""[..], b" \n", b"{}"] {
            let body =
                Body { raw: Ok(Bytes::copy_from_slice(nothing)), kind: PhantomData::<Empty> };
            assert!(body.read().is_ok());
        }
        let more = Body { raw: Ok(Bytes::from_static(b"{\"a\":1}")), kind: PhantomData::<Empty> };
        assert_eq!(more.read().unwrap_err().code(), Some("invalid_field"));
    }

    #[tokio::test]
    async fn a_missing_object_comes_before_a_bad_body() {
        let body = || Body { raw: Ok(Bytes::from_static(b"{")), kind: PhantomData::<Empty> };
        let gone = body().read_or(async { Err(domain::refusal::Basic::NotFound.into()) }).await;
        assert_eq!(gone.unwrap_err().code(), Some("not_found"));
        let there = body().read_or(async { Ok(()) }).await;
        assert_eq!(there.unwrap_err().code(), Some("malformed_json"));
    }
}
