//! `cargo xtask replay`: a hotline's old appeals, sent live through HTTP from submission to reply.

mod chaos;
mod proof;
mod routing;
mod row;
mod sender;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::{self, App};
use crate::client::Client;
use crate::console::say;
use crate::failure::{Context, Failure, Result};
use crate::services::{Durability, Services, ports};
use row::Row;
use sender::{Counts, Sender};

/// The options of `cargo xtask replay`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// CSV 文件，列名至少有 number、title、posted_at、content
    file: PathBuf,
    /// 正在运行的服务
    #[arg(long, default_value = "http://127.0.0.1:8080", conflicts_with = "private")]
    base_url: String,
    /// 每秒送入的件数；不写则尽快
    #[arg(long)]
    rate: Option<u32>,
    /// 同时办理的件数
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// 只送前若干行
    #[arg(long)]
    limit: Option<usize>,
    /// 另起一套数据库、Redis 和服务，结束后在库里逐项核对
    #[arg(long)]
    private: bool,
    /// 途中多次强杀 worker 和服务、清空 Redis
    #[arg(long, requires = "private")]
    chaos: bool,
    /// 不编译，用这个程序
    #[arg(long, requires = "private")]
    program: Option<PathBuf>,
}

/// Sends the file and compares the counts.
///
/// # Errors
/// A row was refused, or the counts differ.
pub async fn replay(root: &Path, options: &Options) -> Result {
    let rows = row::read(&options.file)?;
    let rows: Vec<Row> = rows.into_iter().take(options.limit.unwrap_or(usize::MAX)).collect();
    if rows.is_empty() {
        return Err(Failure::new(format!("{} 里没有一行数据", options.file.display())));
    }
    say(format!("{}：{} 行", options.file.display(), rows.len()));
    if options.private {
        return privately(root, options, &rows).await;
    }
    send_and_count(&options.base_url, options, &rows).await
}

async fn privately(root: &Path, options: &Options, rows: &[Row]) -> Result {
    let services = Services::scratch(root, "replay", Durability::Full).await?;
    let program = match &options.program {
        Some(program) => program.canonicalize().context(|| program.display().to_string())?,
        None => app::build(root, false).await?,
    };
    let app = App::new(&program, &services, ports::free()?);
    app.migrate().await?;
    app.seed().await?;
    let mut running = app.start().await?;
    let sent = AtomicUsize::new(0);
    if options.chaos {
        let trouble = chaos::Trouble { services: &services, rows: rows.len(), sent: &sent };
        let (counts, ()) = tokio::try_join!(
            send(app.base_url(), options, rows, &sent),
            trouble.make(&app, &mut running),
        )?;
        count(app.base_url(), rows, &counts).await?;
    } else {
        tokio::select! {
            counted = send_and_count(app.base_url(), options, rows) => counted?,
            died = running.died() => return Err(died),
        }
    }
    proof::prove(&services, rows.len()).await
}

async fn send_and_count(base_url: &str, options: &Options, rows: &[Row]) -> Result {
    let counts = send(base_url, options, rows, &AtomicUsize::new(0)).await?;
    count(base_url, rows, &counts).await
}

async fn send(
    base_url: &str,
    options: &Options,
    rows: &[Row],
    sent: &AtomicUsize,
) -> Result<Counts> {
    let sender = Arc::new(Sender::new(Client::new(base_url)?).await?);
    let bar = progress_bar(rows.len());
    let since = Instant::now();
    let mut ticker = options.rate.map(|rate| {
        let mut ticker = interval(Duration::from_secs(1) / rate.max(1));
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticker
    });
    let mut running = JoinSet::new();
    for row in rows {
        if let Some(ticker) = &mut ticker {
            ticker.tick().await;
        }
        while running.len() >= options.concurrency.max(1) {
            finished(running.join_next().await, &bar, sent)?;
        }
        let (sender, row) = (sender.clone(), row.clone());
        running.spawn(async move { sender.carry(&row).await });
    }
    while !running.is_empty() {
        finished(running.join_next().await, &bar, sent)?;
    }
    bar.finish_and_clear();
    let counts = sender.counts();
    let seconds = since.elapsed().as_secs_f64();
    say(format!(
        "送完：{} 件，{seconds:.0} 秒，{} 个请求（因断线或繁忙重发 {} 次，其中或此前已办的步骤 {} 个）",
        counts.replied, counts.requests, counts.retries, counts.already
    ));
    Ok(counts)
}

fn finished(
    row: Option<std::result::Result<Result, tokio::task::JoinError>>,
    bar: &ProgressBar,
    sent: &AtomicUsize,
) -> Result {
    if let Some(row) = row {
        row??;
        bar.inc(1);
        sent.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Walks the product's own lists and compares them with what was sent.
async fn count(base_url: &str, rows: &[Row], counts: &Counts) -> Result {
    let sender = Sender::new(Client::new(base_url)?).await?;
    let complaints = sender.listed_complaints(&counts.complaints).await?;
    let tasks = sender.replied_tasks(&counts.complaints).await?;
    let all = [
        ("文件里的行", rows.len()),
        ("得到编号的诉求", counts.complaints.len()),
        ("走到答复的诉求", counts.replied),
        ("GET /complaints 列出的", complaints),
        ("GET /tasks 列出的已答复任务", tasks),
    ];
    for (name, count) in all {
        say(format!("  {count:>6}  {name}"));
    }
    if all.iter().all(|(_, count)| *count == rows.len()) {
        say("数目一致");
        Ok(())
    } else {
        Err(Failure::new("数目不一致"))
    }
}

fn progress_bar(rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(rows).unwrap_or_default());
    let style = "{bar:40} {pos}/{len}  {per_sec}  剩 {eta}";
    bar.set_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar
}
