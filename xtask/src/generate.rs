//! `cargo xtask generate`: two years of history in the demo database, and whether the product counts
//! it as plain SQL does and answers every list from an index.

use std::path::Path;

use crate::app::{self, App};
use crate::checkout::cargo;
use crate::console::say;
use crate::failure::{Failure, Result};
use crate::process;
use crate::services::{Services, ports};
use crate::test::on;

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
    /// 不生成，核对库里已有的历史：各月三率与独立的 SQL 重算一致，每个列表都由索引回答
    #[arg(long, conflicts_with_all = ["complaints", "seed", "release"])]
    check: bool,
}

/// The tests that take a history that is there for the small one of their own.
const CHECKS: [&str; 2] = [
    "rates::recomputed::every_month_of_a_generated_history_is_what_plain_sql_counts",
    "search::every_list_and_search_is_answered_from_an_index",
];

/// Brings the demo database up to date and lets `zhixiang generate` fill it; its bar is shown.
///
/// # Errors
/// A step failed.
pub async fn generate(root: &Path, options: &Options) -> Result {
    let services = Services::kept(root, "cargo xtask generate", false).await?;
    if options.check {
        return check(root, &services).await;
    }
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

/// Each check is a test of `tests/it` on this database, in a process of its own.
async fn check(root: &Path, services: &Services) -> Result {
    for name in CHECKS {
        let words =
            ["test", "--quiet", "--package", "tests", "--test", "it", "--", "--exact", name];
        let mut test = cargo(root, words);
        let test = on(services, &mut test).env("TEST_GENERATED_URL", &services.database_url);
        process::run(name, test).await?;
    }
    Ok(())
}
