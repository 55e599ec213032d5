//! The commands of `zhixiang`, for whoever runs the system.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use api::{
    app::identity::accounts, clock::Clock, config::Config, error::Error, server, state::State,
    telemetry,
};
use clap::{Parser, Subcommand};
use domain::id::AccountId;

mod admin;
mod audit;
mod backup;
mod generate;
mod import;
mod ledger;

/// What a command failed with: a sentence for whoever typed it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// 智享平城 后端
#[derive(Debug, Parser)]
#[command(name = "zhixiang", version, about, disable_help_subcommand = true)]
pub struct Arguments {
    /// 配置文件；未写的键用内置默认值，环境变量 ZHIXIANG__节__键 优先
    #[arg(long, global = true, value_name = "FILE", env = "ZHIXIANG_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// 启动接口服务
    Serve,
    /// 启动后台作业
    Worker,
    /// 建立或升级数据库结构
    Migrate,
    /// 写入数据
    Seed {
        #[command(subcommand)]
        what: Seed,
    },
    /// 导入：其他系统的历史工单、放假安排、事项清单、执法事项清单
    Import {
        #[command(subcommand)]
        what: import::What,
    },
    /// 生成两年的历史诉求，用于试用和测速；正式环境拒绝
    Generate(generate::Given),
    /// 输出接口文档（OpenAPI，YAML）
    Openapi,
    /// 管理：管理员账号、停用启用、谁有哪些角色、备份恢复、换密钥、失败的作业、积分账、审计链
    Admin {
        #[command(subcommand)]
        what: admin::Command,
    },
}

#[derive(Debug, Subcommand)]
enum Seed {
    /// 演示区：真实区划、部门、事项清单与演示账号；正式环境拒绝
    Demo,
}

/// Runs a command to its end.
///
/// # Errors
/// Whatever stopped it, in Chinese.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    if matches!(arguments.command, Command::Openapi) {
        return print(api::http::openapi::document().to_yaml()?.as_bytes());
    }
    let config = Config::load(arguments.config.as_deref())?;
    let _guard = telemetry::start(&config.telemetry)?;
    match arguments.command {
        Command::Serve => Ok(server::serve(config, Clock::System).await?),
        Command::Worker => worker(config).await,
        Command::Migrate => migrate(&connected(config).await?).await,
        Command::Seed { what: Seed::Demo } => {
            println!("{}", api::app::seed::demo(&connected(config).await?).await?);
            Ok(())
        }
        Command::Import { what } => import::run(&connected(config).await?, what).await,
        Command::Generate(given) => generate::run(&connected(config).await?, &given).await,
        Command::Admin { what } => admin::run(config, what).await,
        Command::Openapi => Ok(()),
    }
}

/// Writes what may be long. Whoever closes the pipe before its end, such as `head`, has read enough:
/// that is no failure.
fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// The account of a username.
async fn account(state: &State, username: &str) -> Result<AccountId, Failure> {
    let found = accounts::by_username(state, username).await;
    found.map_err(|error| named(error, format!("没有账号 {username}")))
}

/// An error in which what is missing is named: nothing is hidden from whoever administers.
fn named(error: Error, missing: String) -> Failure {
    if error.code() == Some("not_found") { missing.into() } else { error.into() }
}

/// Whether a file can be read, and which one cannot, before the work on it begins.
fn readable(file: &Path) -> Result<(), Failure> {
    let why = match fs::File::open(file) {
        Ok(_) if file.is_dir() => "这是一个目录".to_owned(),
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => "没有这个文件".to_owned(),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => "没有读取的权限".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(format!("不能读取 {}：{why}", file.display()).into())
}

/// The state, with a database that answers.
async fn connected(config: Config) -> Result<State, Failure> {
    let state = State::build(config, Clock::System)?;
    state.reach_database().await?;
    Ok(state)
}

async fn worker(config: Config) -> Result<(), Failure> {
    let state = State::build(config, Clock::System)?;
    state.ready_to_start().await?;
    let db = state.db.clone();
    if let Some(watch) = server::watch(&state)? {
        tokio::spawn(watch);
    }
    tracing::info!("working");
    api::jobs::run(state, server::stop_signal()).await?;
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Brings the database up to date; a second process that tries at the same time waits for the
/// first (an advisory lock), then finds nothing to do.
async fn migrate(state: &State) -> Result<(), Failure> {
    let before = api::http::operations::applied(&state.db).await?;
    infra::postgres::MIGRATIONS
        .run(&state.db)
        .await
        .map_err(|why| format!("数据库结构升级失败，已停在出错处之前：{why}"))?;
    let new = infra::postgres::MIGRATIONS.iter().filter(|one| !before.contains(&one.version));
    let mut count = 0_u32;
    for migration in new {
        count += 1;
        println!("已执行 {} {}", migration.version, migration.description);
    }
    println!(
        "{}",
        if count == 0 {
            "数据库结构已是最新".to_owned()
        } else {
            format!("完成，共 {count} 项")
        }
    );
    Ok(())
}
