//! Nothing lost, nothing doubled: short campaigns against the queue, the deadlines and clients that
//! hang up. The long ones are `cargo xtask soak`.

use std::{collections::BTreeMap, time::Duration};

use api::{config::Secret, state::State};
use chrono::TimeDelta;
use domain::id::JobId;
use futures::{StreamExt, future::join_all};
use infra::postgres::job::{self, NewJob};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{
    ops::NOWHERE,
    support::{App, complaint},
};

/// Within so long everything is done, whatever happened to Redis.
const PATIENCE: Duration = Duration::from_secs(5);

/// A worker as `zhixiang worker` runs it, with a state of its own.
struct Worker {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Worker {
    fn start(app: &App) -> Self {
        let state = another(app);
        let (stop, stopping) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let stopped = async { drop(stopping.await) };
            api::jobs::run(state, stopped).await.expect("the queue's Redis keeps what it has");
        });
        Self { stop, running }
    }

    async fn stop(self) {
        self.stop.send(()).expect("the worker runs");
        self.running.await.expect("the worker ends");
    }
}

/// An application that tells nobody anything of itself: what is told here is counted.
async fn quiet() -> App {
    App::with(|config| config.service_year.reminders.clear()).await
}

/// A state on the same database and Redis, with the same clock.
fn another(app: &App) -> State {
    let state = app.state();
    State::build((*state.config).clone(), state.clock.clone()).unwrap()
}

/// Waits until a table holds so many rows.
async fn until(app: &App, table: &str, rows: i64) {
    let begun = std::time::Instant::now();
    loop {
        let there = app.count(table).await;
        if there == rows {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{table}: {there} instead of {rows}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn submit(app: &App, count: usize) {
    // Nobody whose words WeChat could check: one job each.
    let nobody = app.anonymous();
    let body = complaint();
    let submitting =
        futures::stream::iter(0..count).map(|_| nobody.submit(&body)).buffer_unordered(8);
    assert_eq!(submitting.count().await, count);
}

async fn redis(app: &App) -> redis::aio::MultiplexedConnection {
    app.state().redis.client().get_multiplexed_async_connection().await.unwrap()
}

#[tokio::test]
async fn a_complaint_and_its_job_are_one_transaction() {
    let app = quiet().await;
    submit(&app, 1).await;
    assert_eq!(app.count("job where kind = 'notify' and state = 'ready'").await, 1);
    // The job cannot be stored: then there is no complaint either, and no answer that claims one.
    sqlx::query("alter table job add constraint closed check (kind <> 'notify') not valid")
        .execute(app.db())
        .await
        .unwrap();
    let request = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = request.post(format!("{}/api/v1/complaints", app.base()));
    let token = app.resident("li").token().await.unwrap();
    let request = request.bearer_auth(token).header("idempotency-key", "no-job-no-complaint");
    let answer = request.json(&complaint()).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    assert!(!answer.text().await.unwrap().contains("closed"), "nothing internal leaks");
    for table in ["complaint", "event where kind = 'submitted'", "idempotency"] {
        assert_eq!(app.count(table).await, 1, "{table}");
    }
}

#[tokio::test]
async fn a_hint_wakes_a_worker_that_never_scans() {
    let app = App::with(|config| {
        config.worker.scan_seconds = 3_600;
        config.service_year.reminders.clear();
    })
    .await;
    submit(&app, 1).await;
    let worker = Worker::start(&app);
    // The first scan may find this one; from then on only hints come.
    until(&app, "job where kind = 'notify' and state = 'done'", 1).await;
    submit(&app, 20).await;
    until(&app, "job where kind = 'notify' and state = 'done'", 21).await;
    worker.stop().await;
    let stream = app.state().redis.key("jobs");
    let left: i64 =
        redis::cmd("XLEN").arg(stream).query_async(&mut redis(&app).await).await.unwrap();
    assert_eq!(left, 0, "hints that were followed are removed");
}

/// What may happen to Redis: its name and the commands.
const MISHAPS: [(&str, &[&str]); 4] = [
    ("wiped", &["DEL"]),
    ("trimmed", &["XTRIM", "MAXLEN", "0"]),
    ("without its group", &["XGROUP DESTROY", "workers"]),
    ("another type", &["DEL", "SET"]),
];

async fn happen(app: &App, commands: &[&str]) {
    let (mut redis, stream) = (redis(app).await, app.state().redis.key("jobs"));
    let command = match commands {
        ["XTRIM", ..] => redis::cmd("XTRIM").arg(&stream).arg("MAXLEN").arg(0).to_owned(),
        ["XGROUP DESTROY", group] => {
            redis::cmd("XGROUP").arg("DESTROY").arg(&stream).arg(group).to_owned()
        }
        [.., "SET"] => redis::cmd("SET").arg(&stream).arg("not a stream").to_owned(),
        _ => redis::cmd("DEL").arg(&stream).to_owned(),
    };
    // A group or stream that is not there yet is as good as gone.
    let _ = command.exec_async(&mut redis).await;
}

#[tokio::test]
async fn whatever_happens_to_redis_the_jobs_are_done() {
    for (what, commands) in MISHAPS {
        let app = quiet().await;
        submit(&app, 5).await;
        happen(&app, commands).await;
        let worker = Worker::start(&app);
        until(&app, "job where kind = 'notify' and state = 'done'", 5).await;
        // And once more while the worker waits for hints.
        happen(&app, commands).await;
        submit(&app, 5).await;
        happen(&app, commands).await;
        submit(&app, 5).await;
        until(&app, "job where kind = 'notify' and state = 'done'", 15).await;
        worker.stop().await;
        assert_eq!(
            app.count("notification").await,
            15,
            "Redis {what}: the centre is told once each"
        );
    }
}

#[tokio::test]
async fn without_redis_complaints_are_taken_and_jobs_are_done() {
    let app = App::with(|config| {
        config.redis.url = Secret::from(NOWHERE);
        config.service_year.reminders.clear();
    })
    .await;
    let worker = Worker::start(&app);
    submit(&app, 10).await;
    until(&app, "job where kind = 'notify' and state = 'done'", 10).await;
    worker.stop().await;
    assert_eq!(app.count("notification").await, 10);
}

#[tokio::test]
async fn a_dead_worker_s_job_passes_on_and_the_dead_may_not_come_back() {
    let app = quiet().await;
    submit(&app, 1).await;
    let (mut conn, token) =
        (app.db().acquire().await.unwrap(), Uuid::from_bytes(infra::random::bytes()));
    // It takes the job for no time at all, and dies.
    let held = job::claim_due(&mut conn, token, 0, 10, app.now()).await.unwrap();
    assert_eq!(held.len(), 1);
    let (id, attempt) = (held[0].id, held[0].attempt);
    assert_eq!(attempt, 1);
    app.drain().await;
    let standing: (String, i32) = sqlx::query_as("select state, attempt from job where id = $1")
        .bind(id.0)
        .fetch_one(app.db())
        .await
        .unwrap();
    assert_eq!(standing, ("done".to_owned(), 2));
    assert!(!job::complete(&mut conn, id, token, app.now()).await.unwrap(), "it is fenced off");
    assert!(!job::fail(&mut conn, id, token, "late", None, app.now()).await.unwrap());
    assert!(!job::renew(&mut conn, id, token, 60).await.unwrap());
    assert_eq!(app.count("notification").await, 1);
}

#[tokio::test]
async fn a_held_job_is_left_to_its_holder() {
    let app = quiet().await;
    submit(&app, 1).await;
    let (mut conn, token) =
        (app.db().acquire().await.unwrap(), Uuid::from_bytes(infra::random::bytes()));
    let held = job::claim_due(&mut conn, token, 60, 10, app.now()).await.unwrap();
    assert_eq!(app.drain().await, 0);
    assert_eq!(app.count("job where state = 'running'").await, 1);
    assert!(job::complete(&mut conn, held[0].id, token, app.now()).await.unwrap());
}

#[tokio::test]
async fn workers_side_by_side_do_each_job_once() {
    let app = quiet().await;
    submit(&app, 100).await;
    let states: Vec<State> = (0..4).map(|_| another(&app)).collect();
    let done: Vec<usize> = join_all(states.iter().map(api::jobs::drain)).await;
    assert_eq!(done.iter().sum::<usize>(), 100, "{done:?}");
    assert_eq!(app.count("job where state = 'done' and attempt = 1").await, 100);
    assert_eq!(app.count("notification").await, 100);
}

#[tokio::test]
async fn a_job_that_keeps_failing_is_dead_kept_shown_and_may_be_let_run_again() {
    let app = quiet().await;
    sqlx::query("alter table notification rename to lost").execute(app.db()).await.unwrap();
    submit(&app, 1).await;
    for attempt in 1..=10 {
        assert_eq!(app.count("job where state = 'dead'").await, 0, "before attempt {attempt}");
        app.drain().await;
        app.advance(TimeDelta::minutes(15));
    }
    assert_eq!(app.count("job where state = 'dead' and attempt = 10").await, 1);
    let sysadmin = app.as_("sysadmin");
    let dead = sysadmin.get("/jobs").await.expect(200);
    let shown = &dead["items"][0];
    assert_eq!(
        (&shown["kind"], &shown["state"], &shown["attempt"]),
        (&json!("notify"), &json!("dead"), &json!(10))
    );
    assert!(shown["last_error"].as_str().unwrap().contains("notification"), "{shown}");
    let figures = app.anonymous().get("/metrics").await;
    assert!(figures.text.contains("jobs{state=\"dead\"} 1"), "{figures}");
    assert_eq!(app.drain().await, 0, "a dead job is left alone");

    sqlx::query("alter table lost rename to notification").execute(app.db()).await.unwrap();
    let path = format!("/jobs/{}/redrive", shown["id"].as_str().unwrap());
    assert_eq!(sysadmin.post(&path, json!({})).await.expect(200)["state"], "ready");
    assert!(sysadmin.get("/jobs").await.expect(200)["items"].as_array().unwrap().is_empty());
    app.drain().await;
    assert_eq!(app.count("notification").await, 1);
    sysadmin.post(&path, json!({})).await.refused(409, "job_not_dead");
    assert_eq!(app.count("audit_entry where action = 'job.redrive'").await, 1);
    for other in ["dispatcher", "auditor", "security"] {
        app.as_(other).get("/jobs").await.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn a_job_of_another_version_waits_and_its_key_is_taken_once() {
    let app = quiet().await;
    let now = app.now();
    let new = |id| NewJob {
        id,
        kind: "of_tomorrow",
        dedupe: "of_tomorrow:1".to_owned(),
        payload: json!({}),
        run_at: now,
        max_attempts: 3,
    };
    let mut conn = app.db().acquire().await.unwrap();
    let first: JobId = infra::random::id(now);
    assert_eq!(job::enqueue(&mut conn, &new(first), now).await.unwrap(), Some(first));
    assert_eq!(job::enqueue(&mut conn, &new(infra::random::id(now)), now).await.unwrap(), None);
    for _ in 0..3 {
        assert_eq!(app.drain().await, 0);
        app.advance(TimeDelta::minutes(15));
    }
    assert_eq!(app.count("job where state = 'dead' and last_error like '%of_tomorrow%'").await, 1);
}

#[tokio::test]
async fn five_hundred_deadlines_at_once_fire_once_each() {
    let app = quiet().await;
    submit(&app, 500).await;
    app.drain().await;
    assert_eq!(app.count("sla_timer where state = 'armed'").await, 500);
    app.advance(TimeDelta::days(7));
    let (one, other) = (another(&app), another(&app));
    let (some, rest) = tokio::join!(api::jobs::drain(&one), api::jobs::drain(&other));
    assert!(some + rest >= 1_000, "500 deadlines and 500 jobs: {some} + {rest}");
    assert_eq!(app.count("sla_timer where state = 'fired'").await, 500);
    assert_eq!(app.count("sla_timer where state = 'armed'").await, 0);
    let fired = "event where kind = 'centre_overdue'";
    assert_eq!(app.count(fired).await, 500);
    assert_eq!(
        app.count(&format!("(select distinct subject_id from {fired}) as case_of")).await,
        500
    );
    assert_eq!(app.count("job where state <> 'done'").await, 0);
    // Each tells the centre and its supervisor.
    let told = format!(
        "notification as n join {fired} and n.subject_id = event.subject_id and n.seq = event.seq"
    );
    let told = told.replace("where", "on");
    assert_eq!(app.count(&told).await, 1_000);
    assert_eq!(app.drain().await, 0);
}

/// Sends a part of a request and hangs up after a while.
async fn hang_up(app: &App, request: &[u8], sent: usize, after: Option<Duration>) {
    let address = app.base().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request[..sent.min(request.len())]).await.unwrap();
    match after {
        Some(after) => tokio::time::sleep(after).await,
        // The answer has begun to come; nobody reads the rest.
        None => drop(stream.read_u8().await.unwrap()),
    }
    stream.set_zero_linger().unwrap();
}

#[tokio::test]
async fn clients_that_hang_up_leave_no_transaction_open() {
    let app = App::with(|config| config.database.connections = 4).await;
    let token = app.resident("li").token().await.unwrap();
    let body = complaint().to_string();
    let drops = (0..50_u32).map(|n| {
        let (app, token, body) = (app.clone(), token.clone(), body.clone());
        async move {
            let request = format!(
                "POST /api/v1/complaints HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
                 idempotency-key: hang-up-{n:04}\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
            let [random, part] = infra::random::bytes::<2>();
            // Every fifth hangs up inside its own request.
            let whole = request.len();
            let sent = if n % 5 == 0 { whole * usize::from(part) / 256 } else { whole };
            // However busy the machine is, some get as far as their answer.
            let after = (n % 5 != 1).then(|| Duration::from_micros(u64::from(random) * 100));
            hang_up(&app, request.as_bytes(), sent, after).await;
        }
    });
    futures::stream::iter(drops).buffer_unordered(10).collect::<Vec<()>>().await;
    until(
        &app,
        "pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \
         and (state like 'idle in transaction%' or xact_start is not null)",
        0,
    )
    .await;
    assert!(app.count("complaint").await >= 10, "those that were answered are there");
    for whole in [
        "idempotency",
        "event where kind = 'submitted'",
        "sla_timer",
        "job where kind = 'notify'",
        "audit_entry where action = 'complaint.submit'",
    ] {
        // In one snapshot, since a late one may still commit.
        let torn = format!(
            "(select where (select count(*) from complaint) <> (select count(*) from {whole})) as t"
        );
        assert_eq!(app.count(&torn).await, 0, "{whole}: all of a complaint or nothing");
    }

    // What was dropped can be sent again: the same complaint, not a second one.
    let li = app.resident("li");
    let again = (0..50).map(|n| {
        let request =
            li.request(reqwest::Method::POST, "/complaints").key(&format!("hang-up-{n:04}"));
        request.json(&complaint()).send()
    });
    let mut numbers = BTreeMap::<String, u32>::new();
    for answer in join_all(again).await {
        let receipt = answer.expect(201);
        *numbers.entry(receipt["number"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(numbers.len(), 50, "{numbers:?}");
    assert_eq!(app.count("complaint").await, 50, "a write after a hang-up is a write");
}
