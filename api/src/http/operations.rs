//! For whoever runs the system: is it alive, is it ready, and its figures.

use std::sync::LazyLock;

use actix_web::{
    HttpResponse, get,
    http::StatusCode,
    web::{Data, ServiceConfig},
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sqlx::migrate::Migrate;

use super::{envelope::figure, problem};
use crate::state::State;

/// The paths outside `/api/v1` that take GET.
pub const PATHS: &[&str] =
    &["/livez", "/readyz", "/metrics", "/docs", "/docs/{file:.*}", "/api/openapi.json"];

/// Mounts them.
pub fn configure(services: &mut ServiceConfig) {
    services.service(livez).service(readyz).service(figures);
}

#[get("/livez")]
async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// Whether the system can work: `ok`, `degraded` (slower, nothing lost), or `unavailable`.
#[derive(Debug, serde::Serialize)]
struct Readiness {
    status: &'static str,
    checks: Checks,
}

#[derive(Debug, serde::Serialize)]
struct Checks {
    database: &'static str,
    migrations: &'static str,
    redis: &'static str,
    /// `ok`, or `provisional` where this year, or one that begins within 60 days, has no notice.
    /// Deadlines are still computed, so this alone degrades nothing.
    calendar: &'static str,
}

#[get("/readyz")]
async fn readyz(state: Data<State>) -> HttpResponse {
    let (migrations, redis) = tokio::join!(missing_migrations(&state), state.redis.available());
    let (database, migrations) = match migrations {
        Ok(0) => ("ok", "ok"),
        Ok(_) => ("ok", "missing"),
        Err(_) => ("unavailable", "unknown"),
    };
    let redis = if redis { "ok" } else { "unavailable" };
    let today = domain::time::date(state.clock.now());
    let provisional = state.calendars.current().missing(today).is_some();
    let calendar = if provisional { "provisional" } else { "ok" };
    let checks = Checks { database, migrations, redis, calendar };
    match (migrations, redis) {
        ("ok", "ok") => HttpResponse::Ok().json(Readiness { status: "ok", checks }),
        ("ok", _) => HttpResponse::Ok().json(Readiness { status: "degraded", checks }),
        _ => HttpResponse::build(problem::status(domain::refusal::Kind::Unavailable))
            .json(Readiness { status: "unavailable", checks }),
    }
}

/// How many of the embedded migrations the database has not seen.
async fn missing_migrations(state: &State) -> Result<usize, Box<dyn std::error::Error>> {
    let patience = std::time::Duration::from_secs(2);
    let applied = tokio::time::timeout(patience, applied(&state.db)).await??;
    let all = infra::postgres::MIGRATIONS.iter();
    Ok(all.filter(|one| !applied.contains(&one.version)).count())
}

/// The versions of the migrations that a database has seen; none when it is new.
///
/// # Errors
/// The database is away.
pub async fn applied(db: &infra::postgres::Pool) -> Result<Vec<i64>, sqlx::Error> {
    let mut conn = db.acquire().await?;
    sqlx::Connection::ping(&mut *conn).await?;
    // A new database has no table of migrations yet, which is an error to this call.
    let seen = conn.list_applied_migrations(&infra::postgres::MIGRATIONS.table_name).await;
    Ok(seen.unwrap_or_default().iter().map(|one| one.version).collect())
}

static RECORDER: LazyLock<Option<PrometheusHandle>> = LazyLock::new(|| {
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let metric = Matcher::Full(figure::SECONDS.to_owned());
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(metric, &buckets);
    recorder.and_then(PrometheusBuilder::install_recorder).ok()
});

/// Starts collecting figures; once in a process. Call it inside the async runtime: what was
/// recorded is folded together every few seconds, also when nobody reads it.
pub fn collect() {
    if let Some(recorder) = &*RECORDER {
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(std::time::Duration::from_secs(5));
            loop {
                tick.tick().await;
                recorder.run_upkeep();
            }
        });
    }
}

#[get("/metrics")]
async fn figures(state: Data<State>) -> HttpResponse {
    let Some(recorder) = &*RECORDER else {
        return HttpResponse::new(StatusCode::NO_CONTENT);
    };
    gauge("database_connections", state.db.size());
    gauge("database_connections_idle", u32::try_from(state.db.num_idle()).unwrap_or(u32::MAX));
    gauge("redis_up", u32::from(state.redis.available().await));
    if let Some(kilobytes) = resident_kilobytes() {
        metrics::gauge!("process_resident_memory_bytes").set(kilobytes * 1024.0);
    }
    backlog(&state).await;
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(recorder.render())
}

fn gauge(name: &'static str, value: u32) {
    metrics::gauge!(name).set(f64::from(value));
}

async fn backlog(state: &State) {
    let now = state.clock.now();
    let Ok(mut conn) = state.db.acquire().await else { return };
    let Ok(backlog) = infra::postgres::job::backlog(&mut conn, now).await else { return };
    for (name, jobs) in
        [("ready", backlog.ready), ("running", backlog.running), ("dead", backlog.dead)]
    {
        let jobs = u32::try_from(jobs).unwrap_or(u32::MAX);
        metrics::gauge!("jobs", "state" => name).set(f64::from(jobs));
    }
    let waited = backlog.waiting_since.map_or(0, |since| (now - since).num_seconds().max(0));
    gauge("jobs_oldest_wait_seconds", u32::try_from(waited).unwrap_or(u32::MAX));
}

/// What Linux says of this process's memory; nothing elsewhere.
fn resident_kilobytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
