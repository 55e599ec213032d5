//! `cargo xtask generate`: two years of history in the demo database.

use std::path::Path;

use crate::app::{self, App};
use crate::console::say;
use crate::failure::{Failure, Result};
use crate::services::{Services, ports};

/// The options of `cargo xtask generate`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// 诉求件数，至今两年内
    #[arg(long, default_value_t = 10_000)]
    complaints: u64,
    /// 种子：相同的种子生成相同的历史
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// 用发布版（编译约 10 分钟）
    #[arg(long)]
    release: bool,
}

/// Brings the demo database up to date and lets `zhixiang generate` fill it; its bar is shown.
///
/// # Errors
/// A step failed.
pub async fn generate(root: &Path, options: &Options) -> Result {
    let services = Services::kept(root, "cargo xtask generate", false).await?;
    let program = app::build(root, options.release).await?;
    let app = App::new(&program, &services, ports::free()?);
    app.migrate().await?;
    app.seed().await?;
    say(format!("生成 {} 件诉求……", options.complaints));
    let (complaints, seed) = (options.complaints.to_string(), options.seed.to_string());
    let arguments = ["generate", "--complaints", &complaints, "--seed", &seed];
    let status = app.command().args(arguments).status().await?;
    if status.success() { Ok(()) } else { Err(Failure::new("zhixiang generate 失败")) }
}
