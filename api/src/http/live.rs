//! Streams (实时推送) over HTTP: server-sent events. What is told is in `app::live`; here stands how it
//! is written.

use std::convert::Infallible;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{ContentEncoding, HeaderName},
    web::{Bytes, Data},
};
use domain::{
    event::EventKind,
    id::{ComplaintId, NotificationId, TaskId, WhistleId},
    live::{Place, Told},
    task::Case,
    time::Timestamp,
};
use futures::stream::unfold;
use infra::random;
use serde::Serialize;

use super::extract::{Caller, caller::needs::ReadTask};
use crate::{
    app::live::{self, Message},
    error::Error,
    state::State,
};

routes![stream];

/// Where a client that comes back says how far it got.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A proxy (nginx) that would hold the answer back must not.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// What a message holds: ids and codes.
#[derive(Debug, Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    complaint_id: Option<ComplaintId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    whistle_id: Option<WhistleId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<TaskId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_id: Option<NotificationId>,
    kind: EventKind,
    seq: i32,
    at: Timestamp,
}

impl From<Told> for Body {
    fn from(told: Told) -> Self {
        let (complaint_id, whistle_id) = match told.case {
            Some(Case::Complaint(id)) => (Some(id), None),
            Some(Case::Whistle(id)) => (None, Some(id)),
            None => (None, None),
        };
        Self {
            complaint_id,
            whistle_id,
            task_id: told.task,
            notification_id: told.notification,
            kind: told.kind,
            seq: told.seq,
            at: told.at,
        }
    }
}

/// A message as server-sent events are written. Only ids, numbers and codes stand in it, none of which
/// holds a line break.
fn written(message: Message) -> String {
    let id = |place: Place| format!("id: {place}\n");
    match message {
        Message::Open(place) => format!("retry: {}\n{}\n", retry(), id(place)),
        Message::Told(told) => {
            let (place, topic) = (told.place, told.topic);
            let data = serde_json::to_string(&Body::from(told)).unwrap_or_default();
            format!("event: {topic}\n{}data: {data}\n\n", id(place))
        }
        Message::Reset(place) => {
            format!("retry: {}\nevent: reset\n{}data: {{}}\n\n", retry(), id(place))
        }
        Message::Quiet(place) => format!(":\n{}\n", place.map(id).unwrap_or_default()),
    }
}

/// Milliseconds after which a client that was cut off comes back: spread, so that not all come at once.
fn retry() -> u32 {
    let [spread] = random::bytes::<1>();
    2_000 + 12 * u32::from(spread)
}

/// 实时推送（server-sent events）
///
/// 工作台保持一个连接，诉求、任务、吹哨有变化或收到通知时立即得知，再去读取列表或详情。
/// 只推送本人在列表和办理记录里看得到的，内容只有编号和代码，没有文字和个人信息。
///
/// 事件名（`event`）：`complaint`、`task`、`whistle` 是这件诉求、任务、吹哨有了新的办理记录，`data` 里有
/// `complaint_id` 或 `whistle_id`、`task_id`、`kind`（发生了什么）、`seq`（办理记录的序号）、`at`；
/// `notification` 是收到一条通知，有 `notification_id`；`reset` 是错过的太多，请重新读取列表。
///
/// 断开后带上最后收到的 `id`（请求头 `Last-Event-ID`）重新连接，中间发生的不丢也不重。令牌要放在 `Authorization` 里，
/// 浏览器的 `EventSource` 不能带请求头，请用 `fetch` 读取。访问令牌到期、退出登录、账号停用、角色变化时连接在一两秒内结束：
/// 换新令牌后重新连接；得到 401、403 时不要再连。平时每 15 秒有一行注释，更久没有动静就重新连接。
/// 每人同时最多 3 个（`limits.streams_per_person`）。
#[utoipa::path(
    operation_id = "live.stream",
    tag = "live",
    params(("Last-Event-ID" = Option<String>, Header, description = "最后收到的 id；第一次连接不带",
        example = "48231-019ab0c1d2e37f008a1b2c3d4e5f6071-4")),
    responses((status = 200, description = "不断到来的事件", body = String, content_type = "text/event-stream",
        example = "retry: 3200\nid: 48230\n\nevent: task\nid: 48231-019ab0c1d2e37f008a1b2c3d4e5f6071-4\ndata: {\"complaint_id\":\"019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071\",\"task_id\":\"019ab0c2-0000-7000-8000-000000000001\",\"kind\":\"task_replied\",\"seq\":4,\"at\":\"2026-11-25T02:10:00Z\"}\n\n")),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["stream_limit_reached", "streams_full"]))),
)]
#[get("/queue/stream")]
async fn stream(
    caller: Caller<ReadTask>,
    state: Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    // What is no text is no place of ours either.
    let named = request.headers().get(LAST_EVENT_ID);
    let named = named.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let stream = live::open(&state, &caller, named.as_deref()).await?;
    let body = unfold(stream, async |mut stream| {
        let message = stream.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(written(message))), stream))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(UNBUFFERED)
        // Named, so that nothing compresses it: a compressor waits for more.
        .insert_header(ContentEncoding::Identity)
        .streaming(Box::pin(body)))
}
