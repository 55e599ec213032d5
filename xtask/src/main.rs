//! `cargo xtask …`: what a person would otherwise do by hand.

mod app;
mod bench;
mod checkout;
mod ci;
mod client;
mod console;
mod failure;
mod generate;
mod mutants;
mod openapi;
mod points;
mod prepare;
mod process;
mod replay;
mod run;
mod services;
mod soak;
mod test;
mod tour;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::say;
use failure::{Failure, Result};

/// 智享平城的开发命令
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// 准备一切并启动：数据库、Redis、演示数据、服务
    Run(run::Options),
    /// 在独立的数据库和 Redis 上运行全部测试；其余参数交给测试工具
    Test {
        /// 例如测试名
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// 依照迁移重写 .sqlx/
    Prepare {
        /// 只比较，不写
        #[arg(long)]
        check: bool,
    },
    /// 重写 openapi.yaml
    Openapi {
        /// 只比较，不写
        #[arg(long)]
        check: bool,
    },
    /// 在运行中的服务上再演示一遍
    Tour {
        /// 正在运行的服务
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        base_url: String,
    },
    /// 把一份旧工单逐件送过运行中的服务：提交、受理、派单、签收、答复
    Replay(replay::Options),
    /// 在演示数据库里生成两年的历史诉求
    Generate(generate::Options),
    /// 发布版的性能，与同一台机器上 PostgreSQL 自身的上限相比
    Bench(bench::Options),
    /// 逐个弄坏一处保证，确认看守它的测试会失败
    Mutants {
        /// 变异名；不写为全部
        name: Option<String>,
    },
    /// 可靠性实验：断电、强杀、断线、争抢之后，不丢、不重、账平
    Soak(soak::Options),
    /// 恢复演练：负载中备份，误删一张表，恢复到指定时刻，核对后接着运行
    Drill(soak::Drill),
    /// 提交前的全部检查
    Ci,
    /// 只启动 .data/ 里的数据库和 Redis，直到 Ctrl-C
    Services,
}

#[tokio::main]
async fn main() -> ExitCode {
    let task = Arguments::parse().task;
    let serves = matches!(task, Task::Run(_) | Task::Services);
    let outcome = tokio::select! {
        outcome = carry_out(task) => outcome,
        // Dropping the other future stops what it has started.
        interrupted = process::interrupted() => interrupted.and_then(|()| {
            say("已停止");
            if serves { Ok(()) } else { Err(Failure::Exit(130)) }
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Exit(code)) => ExitCode::from(code),
        Err(Failure::Told(message)) => {
            eprintln!("错误：{message}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(task: Task) -> Result {
    let root = checkout::root()?;
    match task {
        Task::Run(options) => run::run(&root, &options).await,
        Task::Test { arguments } => test::test(&root, &arguments).await,
        Task::Prepare { check } => prepare::prepare(&root, check).await,
        Task::Openapi { check } => openapi::openapi(&root, check).await,
        Task::Tour { base_url } => tour::play(&base_url).await,
        Task::Replay(options) => replay::replay(&root, &options).await,
        Task::Generate(options) => generate::generate(&root, &options).await,
        Task::Bench(options) => bench::bench(&root, &options).await,
        Task::Mutants { name } => mutants::mutants(&root, name.as_deref()).await,
        Task::Soak(options) => soak::soak(&root, &options).await,
        Task::Drill(options) => soak::drill(&root, &options).await,
        Task::Ci => ci::ci(&root).await,
        Task::Services => services_only(&root).await,
    }
}

async fn services_only(root: &std::path::Path) -> Result {
    let services = services::Services::kept(root, "cargo xtask services", false).await?;
    say(format!("DATABASE_URL='{}'", services.database_url));
    say(format!("REDIS_URL='{}'", services.redis_url));
    say("按 Ctrl-C 停止");
    std::future::pending().await
}
