//! `cargo xtask run`: from a fresh machine to a running demo district.

use std::fs;
use std::path::Path;

use crate::app::{self, App};
use crate::console::say;
use crate::failure::{Context, Failure, Result};
use crate::services::{Durability, Services, ports};
use crate::tour;

/// The options of `cargo xtask run`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// HTTP 端口
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// 不演示
    #[arg(long)]
    no_tour: bool,
    /// 用发布版（编译约 10 分钟）
    #[arg(long)]
    release: bool,
    /// 先丢弃 .data/ 里的全部数据
    #[arg(long)]
    fresh: bool,
}

/// Where the heads of the audit chain go, as in production: beside the database, not in it.
const HEADS: &str = "ZHIXIANG__AUDIT__HEADS";

fn heads(services: &Services) -> String {
    services.home.dir.join("audit").display().to_string()
}

/// Sets everything up, says `ready …`, and serves until the caller drops the future.
///
/// # Errors
/// A step failed, the tour differed, or the server or the worker died.
pub async fn run(root: &Path, options: &Options) -> Result {
    let purpose = format!("cargo xtask run，http://127.0.0.1:{}", options.port);
    say("准备 PostgreSQL 和 Redis……");
    let services = Services::kept(root, &purpose, options.fresh).await?;
    ports::check(options.port)?;
    say("编译……");
    let program = app::build(root, options.release).await?;
    let heads = heads(&services);
    let settings = [(HEADS, heads.as_str())];
    let app = App::new(&program, &services, options.port).with(&settings);
    say("建表、装入演示数据……");
    app.migrate().await?;
    app.seed().await?;
    let mut running = app.start().await?;
    let played = services.home.dir.join("tour-played");
    if !options.no_tour && !played.exists() {
        tokio::select! {
            told = tour::play(app.base_url()) => told?,
            died = running.died() => return Err(died),
        }
        fs::write(&played, "").context(|| format!("写入 {}", played.display()))?;
    }
    say(format!("日志在 {}，按 Ctrl-C 停止", services.home.dir.join("log").display()));
    say(format!("ready {}", app.base_url()));
    Err(running.died().await)
}

/// Plays the tour twice against the real program on services of its own, as CI does: the second time
/// meets the first one's data.
///
/// # Errors
/// As [`run`].
pub async fn rehearse(root: &Path) -> Result {
    let services = Services::scratch(root, "tour", Durability::None).await?;
    let program = app::build(root, false).await?;
    let heads = heads(&services);
    let settings = [(HEADS, heads.as_str())];
    let app = App::new(&program, &services, ports::free()?).with(&settings);
    app.migrate().await?;
    app.seed().await?;
    let mut running = app.start().await?;
    for _ in 0..2 {
        tokio::select! {
            told = tour::play(app.base_url()) => told?,
            died = running.died() => return Err(died),
        }
    }
    app.once("audit", &["admin", "audit", "verify"]).await?;
    // A demo that is started again is seeded again.
    app.seed().await.map_err(|_| Failure::new("zhixiang seed demo 不能重复执行"))
}
