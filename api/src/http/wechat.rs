//! The address that WeChat pushes to. It answers with plain text, as WeChat wants it.

use actix_web::{HttpResponse, get, http::header::ContentType, post, web::Data};
use domain::refusal::Invalid;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Query, body::Raw};
use crate::{
    app::wechat::{self, Signs},
    error::Error,
    state::State,
};

routes![echo, push];

/// The longest text that is sent back.
const ECHO: usize = 256;

/// 微信附在地址里的签名
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PushQuery {
    /// 签名：Token、timestamp、nonce 排序后拼接的 SHA-1
    #[param(example = "f464b24fc39322e44b38aa78f5edd27bd1441696")]
    signature: Option<String>,
    /// 时间戳
    #[param(example = "1714036504")]
    timestamp: Option<String>,
    /// 随机数
    #[param(example = "1514711492")]
    nonce: Option<String>,
    /// 核验地址时要原样返回的文字
    #[param(example = "4375120948345356249")]
    echostr: Option<String>,
    /// 安全模式的签名，把密文也算在内
    msg_signature: Option<String>,
}

impl PushQuery {
    fn signs(&self) -> Signs {
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        Signs {
            timestamp: text(&self.timestamp),
            nonce: text(&self.nonce),
            signature: text(&self.signature),
            message_signature: text(&self.msg_signature),
        }
    }
}

fn plain(text: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body(text.into())
}

/// 核验推送地址
///
/// 在公众平台填写推送地址时，微信用它确认地址是我们的。
#[utoipa::path(
    operation_id = "wechat.echo",
    tag = "wechat",
    params(PushQuery),
    responses((status = 200, description = "原样返回 echostr", body = String, content_type = "text/plain")),
    security(()),
    extensions(("x-problems" = json!(["wechat_signature_wrong"]))),
)]
#[get("/wechat/push")]
async fn echo(state: Data<State>, query: Query<PushQuery>) -> Result<HttpResponse, Error> {
    wechat::prove(&state, &query.0.signs())?;
    let echo = query.0.echostr.unwrap_or_default();
    if echo.len() > ECHO {
        return Err(Invalid::field("echostr", "最多 256 个字节").into());
    }
    Ok(plain(echo))
}

/// 接收微信推送
///
/// 明文和安全模式都接受（`wechat.push_plain` 可以关掉明文），XML 和 JSON 都可以。5 秒内回答 success，事情由作业办；
/// 同一条推送再来一次不会办两次。
#[utoipa::path(
    operation_id = "wechat.push",
    tag = "wechat",
    params(PushQuery),
    request_body(content((String = "text/xml", example = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[…]]></Encrypt></xml>"))),
    responses((status = 200, description = "已收下", body = String, content_type = "text/plain")),
    security(()),
    extensions(("x-problems" = json!(["wechat_signature_wrong", "wechat_push_plain", "wechat_push_unreadable", "body_too_large", "malformed_json"]))),
)]
#[post("/wechat/push")]
async fn push(
    state: Data<State>,
    query: Query<PushQuery>,
    body: Raw,
) -> Result<HttpResponse, Error> {
    wechat::take(&state, &query.0.signs(), &body.read()?).await?;
    Ok(plain("success"))
}
