//! `cargo xtask bench`: what a release build does per second, beside what PostgreSQL itself can do
//! with the same statements on the same machine in the same run.

mod capture;
mod cases;
mod load;
mod prepare;
mod report;
mod usage;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::app::{self, App};
use crate::client::Client;
use crate::console::say;
use crate::failure::{Context, Failure, Result};
use crate::services::{Durability, Services, ports, postgres::Postgres};
use cases::{Case, Cases};
use report::{Figures, Report};
use usage::Paused;

/// The name of the database in private services.
const DATABASE: &str = "zhixiang";
/// Open at the same time, towards the product as towards PostgreSQL.
const CONNECTIONS: usize = 32;
/// How long the worker is watched while it works off what the benchmark has enqueued.
const DRAIN: Duration = Duration::from_secs(10);

/// The options of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// 每项测量的秒数
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// 把结果另存为 JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// 不编译，测量这个程序（调试版的数字没有意义）
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Measures everything and prints the table.
///
/// # Errors
/// A step failed; a figure below its aim is no error.
pub async fn bench(root: &Path, options: &Options) -> Result {
    let program = match &options.program {
        Some(program) => program.canonicalize().context(|| program.display().to_string())?,
        None => {
            say("编译发布版（第一次约 10 分钟）……");
            app::build(root, true).await?
        }
    };
    let services = Services::scratch(root, "bench", Durability::Full).await?;
    let postgres = services.postgres().ok_or_else(|| Failure::new("没有独立的 PostgreSQL"))?;
    let app = App::new(&program, &services, ports::free()?);
    app.migrate().await?;
    app.seed().await?;
    drop(app.start().await?);
    let since = Instant::now();
    let mut running = app.start().await?;
    let ready = since.elapsed();
    let pids = running.pids();
    let report = tokio::select! {
        report = measure(options, &app, pids, &services, postgres, ready) => report?,
        died = running.died() => return Err(died),
    };
    say(report.table());
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&report.json())?;
        fs::write(path, text + "\n").context(|| format!("写入 {}", path.display()))?;
    }
    Ok(())
}

async fn measure(
    options: &Options,
    app: &App<'_>,
    [server, worker]: [i32; 2],
    services: &Services,
    postgres: &Postgres,
    ready: Duration,
) -> Result<Report> {
    let lasts = Duration::from_secs(options.seconds.max(1));
    let client = Client::new(app.base_url())?;
    say("准备数据……");
    let data = prepare::prepare(&client, postgres, lasts).await?;
    // pgbench has no worker either; what the worker can do is measured by itself at the end.
    let paused = Paused::stop(worker)?;
    let mut figures = Vec::new();
    for case in Case::ALL {
        say(format!("测量：{}……", case.name()));
        let cases = Cases::log_in(&client, &data, case).await?;
        let script = capture::script(app.base_url(), services, postgres, &cases, case).await?;
        postgres.psql(DATABASE, &["-c", "checkpoint"])?;
        let before = usage::cpu(server)?;
        let http = load::run(app.base_url(), CONNECTIONS, lasts, cases.requests(case)).await?;
        let cpu = usage::cpu(server)?.saturating_sub(before);
        postgres.psql(DATABASE, &["-c", "checkpoint"])?;
        let limit = capture::pgbench(services, postgres, &script, CONNECTIONS, lasts).await?;
        figures.push(Figures { case, http, cpu, limit });
    }
    let peak = usage::peak_kilobytes(server)?;
    drop(paused);
    say("测量：worker 清理积压……");
    let jobs = drain(postgres).await?;
    let worker_peak = usage::peak_kilobytes(worker)?;
    Ok(Report { figures, ready, peak, worker_peak, jobs, connections: CONNECTIONS, lasts })
}

/// Jobs per second that the worker does while nobody else works.
async fn drain(postgres: &Postgres) -> Result<f64> {
    let done = || -> Result<u32> {
        let count =
            postgres.psql(DATABASE, &["-c", "select count(*) from job where state = 'done'"])?;
        count.parse().map_err(Failure::from)
    };
    let (since, before) = (Instant::now(), done()?);
    sleep(DRAIN).await;
    let after = done()?;
    Ok(f64::from(after.saturating_sub(before)) / since.elapsed().as_secs_f64())
}
