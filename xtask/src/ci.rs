//! `cargo xtask ci`: everything that a change must pass, on this machine as on the server.

use std::path::Path;
use std::process::Command as StdCommand;
use std::time::{Duration, Instant};

use crate::checkout::cargo;
use crate::console::say;
use crate::failure::{Failure, Result};
use crate::process;
use crate::{openapi, prepare, run, test};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Format,
    Lints,
    Queries,
    OpenApi,
    Docs,
    Licences,
    Tour,
    Tests,
}

/// Cheap and telling steps first; the tests last, so that their summary closes the output.
const STEPS: [(Step, &str); 8] = [
    (Step::Format, "格式 cargo fmt --check"),
    (Step::Lints, "检查 cargo clippy"),
    (Step::Queries, "查询 cargo xtask prepare --check"),
    (Step::OpenApi, "接口 cargo xtask openapi --check"),
    (Step::Docs, "文档 cargo doc"),
    (Step::Licences, "许可 cargo deny"),
    (Step::Tour, "演示 两遍"),
    (Step::Tests, "测试 cargo xtask test"),
];

/// Takes every step, also after one that failed: one run shows all that is wrong.
///
/// # Errors
/// The names of the steps that failed.
pub async fn ci(root: &Path) -> Result {
    let mut lines: Vec<String> = Vec::new();
    let mut failed: Vec<&str> = Vec::new();
    for (step, name) in STEPS {
        if step == Step::Tests {
            // Before the tests, whose own summary is the last word.
            summarise(&lines);
        }
        say(format!("\n== {name}"));
        let since = Instant::now();
        let result = take(root, step).await;
        lines.push(line(name, since.elapsed(), result.is_ok()));
        if let Err(failure) = result {
            failed.push(name);
            if let Failure::Told(message) = failure {
                say(message);
            }
        }
    }
    if let Some(tests) = lines.last() {
        say(tests);
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("未通过：{}", failed.join("；"))))
    }
}

async fn take(root: &Path, step: Step) -> Result {
    match step {
        Step::Format => tool(root, &["fmt", "--all", "--check"]).await,
        Step::Lints => {
            tool(
                root,
                &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
            )
            .await
        }
        Step::Queries => prepare::prepare(root, true).await,
        Step::OpenApi => openapi::openapi(root, true).await,
        Step::Docs => {
            let mut doc = cargo(root, ["doc", "--workspace", "--no-deps", "--quiet"]);
            process::run("cargo doc", doc.env("RUSTDOCFLAGS", "-D warnings")).await
        }
        Step::Licences => licences(root).await,
        Step::Tour => run::rehearse(root).await,
        Step::Tests => test::test(root, &[]).await,
    }
}

/// cargo-deny takes minutes to build, so it checks where somebody has installed it, as `.ci/run` does.
/// Only its advisories would need a database from outside.
async fn licences(root: &Path) -> Result {
    if StdCommand::new("cargo-deny").arg("--version").output().is_err() {
        say("没有安装 cargo-deny，跳过（cargo install cargo-deny --locked）");
        return Ok(());
    }
    tool(root, &["deny", "check", "licenses", "bans", "sources"]).await
}

async fn tool(root: &Path, arguments: &[&str]) -> Result {
    process::run("cargo", &mut cargo(root, arguments)).await
}

fn summarise(lines: &[String]) {
    say("");
    for line in lines {
        say(line);
    }
}

fn line(name: &str, took: Duration, passed: bool) -> String {
    format!("{} {:>4} 秒  {name}", if passed { "通过" } else { "失败" }, took.as_secs())
}
