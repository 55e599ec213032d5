//! Who may open a stream, how many, and what ends one.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;
use crate::support::{Answer, at};

/// So soon a stream has ended, on a machine that does other things too.
const SOON: Duration = Duration::from_secs(5);

async fn opened(who: &Client) -> Answer {
    who.get("/queue/stream").await
}

#[tokio::test]
async fn only_those_with_a_queue_open_a_stream() {
    let app = App::spawn().await;
    opened(&app.anonymous()).await.refused(401, "unauthenticated");
    for stranger in ["organiser", "security", "sysadmin", "merchant.wenxing"] {
        opened(&app.as_(stranger)).await.refused(403, "forbidden");
    }
    opened(&app.resident("li")).await.refused(403, "forbidden");
    opened(&app.as_("auditor")).await.expect(200);
}

#[tokio::test]
async fn nobody_has_more_streams_than_allowed_and_a_place_is_given_back() {
    let app = App::with(|config| config.limits.streams = 5).await;
    let clerk = app.as_(CLERK);
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(clerk.listens(app.base(), None).await);
    }
    let refused = opened(&clerk).await.refused(429, "stream_limit_reached");
    assert!(refused["detail"].as_str().unwrap().contains("3 个"), "{refused}");
    let others = ["dispatcher", "supervisor"].map(|name| app.as_(name));
    let [first, second] = &others;
    let _held = (first.listens(app.base(), None).await, second.listens(app.base(), None).await);
    opened(&app.as_("leader")).await.refused(503, "streams_full");

    // Whoever hangs up gives the place back at once, not at the next heartbeat.
    drop(streams.pop());
    let begun = std::time::Instant::now();
    loop {
        let answer = opened(&app.as_("leader")).await;
        if answer.status == 200 {
            break;
        }
        assert!(begun.elapsed() < SOON, "{answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_log_in_the_account_the_role_and_the_token() {
    let app = App::spawn().await;
    let leaver = app.as_(CLERK);
    let stream = leaver.listens(app.base(), None).await;
    leaver.post("/auth/logout", json!({})).await.expect(204);
    assert!(stream.ends().await < SOON, "logged out");

    let disabled = app.as_("dept.housing");
    let stream = disabled.listens(app.base(), None).await;
    let path = format!("/accounts/{}/disable", id_of(&disabled).await);
    app.as_("security").post(&path, json!({"reason": "已调离岗位"})).await.expect(200);
    assert!(stream.ends().await < SOON, "disabled");

    let moved = app.as_("dept.market-supervision");
    let stream = moved.listens(app.base(), None).await;
    let change = "update role_grant set revoked_at = $2
        where account_id = $1 and role = 'department_clerk'";
    let account = id_of(&moved).await;
    sqlx::query(change).bind(account).bind(app.now()).execute(app.db()).await.unwrap();
    assert!(stream.ends().await < SOON, "the role was taken away");

    // One more role is a change as well: the stream was opened with another scope.
    let promoted = app.as_("dept.ecology");
    let stream = promoted.listens(app.base(), None).await;
    app.grant("dept.ecology", "department_head", "ecology").await;
    assert!(stream.ends().await < SOON, "a role was given");

    let idle = app.as_("dispatcher");
    let stream = idle.listens(app.base(), None).await;
    app.advance(TimeDelta::minutes(5) + TimeDelta::seconds(1));
    assert!(stream.ends().await < SOON, "the access token ended");
}

#[tokio::test]
async fn nothing_is_told_to_a_log_in_that_is_over() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let clerk = app.as_(CLERK);
    let account = id_of(&clerk).await;
    let mut stream = clerk.listens(app.base(), None).await;
    // In one transaction: the end of the log-in, and something to hear.
    let mut transaction = app.db().begin().await.unwrap();
    sqlx::query("update session set ended_at = $2, end_reason = 'logout' where account_id = $1")
        .bind(account)
        .bind(app.now())
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::query(
        "insert into event (subject_id, seq, kind, at, visibility)
         values ($1::uuid, 90, 'accepted', $2, 'everyone')",
    )
    .bind(&case.id)
    .bind(app.now())
    .execute(&mut *transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();
    while let Some(heard) = stream.next().await {
        assert_ne!(heard.data["seq"], 90, "{heard:?}");
    }
}

#[tokio::test]
async fn a_server_that_stops_lets_its_streams_go_at_once() {
    let app = App::spawn().await;
    let other = Instance::start(&app);
    let centre = app.as_("dispatcher");
    let mut stream = centre.listens(&other.base, None).await;
    let begun = std::time::Instant::now();
    other.state.streams.close();
    other.server.stop(true).await;
    assert!(begun.elapsed() < SOON, "it waited {:?}", begun.elapsed());
    let place = stream.place.clone();
    while stream.block().await.is_some() {}
    app.submitted().await;
    let mut stream = centre.listens(app.base(), Some(&place)).await;
    assert_eq!(stream.next().await.unwrap().data["kind"], "submitted", "another goes on");
}

/// Whoever takes nothing is cut off, and gives the place back; others hear on.
#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off() {
    let app = App::with(|config| {
        config.limits.streams_per_person = 1;
        config.http.send_seconds = 2;
    })
    .await;
    let (centre, clerk) = (app.as_("dispatcher"), app.as_(CLERK));
    // Before the connection is made: the server waits five seconds for a request.
    let token = centre.token().await.unwrap();
    let address = app.base().trim_start_matches("http://");
    let mut slow = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/queue/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    slow.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 64];
    slow.read_exact(&mut first).await.unwrap();
    let first = String::from_utf8_lossy(&first);
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    let mut quick = clerk.listens(app.base(), None).await;
    let case = app.dispatched().await;
    opened(&centre).await.refused(429, "stream_limit_reached");
    // More than the buffers of both sides hold.
    for part in 0..16 {
        sqlx::query(
            "insert into event (subject_id, seq, kind, at, visibility)
             select $1::uuid, 1000 + $2 * 2000 + n, 'accepted', $3, 'centre'
             from generate_series(1, 2000) n",
        )
        .bind(&case.id)
        .bind(part)
        .bind(at("2026-11-24T01:00:00Z"))
        .execute(app.db())
        .await
        .unwrap();
    }
    let begun = std::time::Instant::now();
    while opened(&centre).await.status == 429 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is waited for without an end");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let fence = fence(&app, id_of(&clerk).await).await;
    // Whoever only fell behind is told so, and hears on.
    let mut next = quick.next().await.expect("it goes on");
    while next.event != "reset" && next.data["notification_id"] != fence.as_str() {
        next = quick.next().await.expect("it goes on");
    }
}
