//! What the auditor has done on the server itself.

use std::path::PathBuf;

use api::{
    app::audit::{self, Report},
    state::State,
};
use clap::Subcommand;
use domain::time::{Month, civil};

use super::{Failure, print, readable};

/// Findings that are printed one by one.
const SHOWN: usize = 100;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// 核验审计链：每条记录、每个区块、数据库之外留存的链头；有一处不符就以失败结束
    Verify {
        /// 链头留存文件，可以写多个；默认用 audit.heads 目录里的 audit-heads.log
        #[arg(long, value_name = "FILE")]
        heads: Vec<PathBuf>,
    },
    /// 清除一个月的审计记录：先核验，再写入文件，然后从数据库删除；要满保留期，须用表的所有者连接
    DropMonth {
        /// 月份，例如 2025-10
        month: String,
        /// 写入这个新文件，每行一条（JSON）
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Runs one of them.
pub async fn run(state: &State, command: Command) -> Result<(), Failure> {
    match command {
        Command::Verify { heads } => {
            heads.iter().try_for_each(|file| readable(file))?;
            show(&audit::verify(state, &heads).await?)
        }
        Command::DropMonth { month, out } => {
            let month = Month::parse(&month).map_err(|refused| refused.reason)?;
            let count = audit::drop_month(state, month, &out).await?;
            println!("已清除 {month} 的 {count} 条审计记录，写入 {}", out.display());
            Ok(())
        }
    }
}

fn show(report: &Report) -> Result<(), Failure> {
    let Report { blocks, entries, heads, end, findings } = report;
    let mut told =
        vec![format!("区块 {blocks} 个，封存的记录 {entries} 条，数据库之外的链头 {heads} 个")];
    if let Some(oldest) = end.oldest {
        let oldest = civil(oldest).format("%Y-%m-%d %H:%M:%S");
        told.push(format!("尚未封存 {} 条，最早 {oldest}", end.unsealed));
    }
    if *heads == 0 {
        let blind = "没有数据库之外的链头：链尾被截去、整条链被改写时看不出来（配置 audit.heads）";
        told.push(blind.to_owned());
    }
    told.extend(findings.iter().take(SHOWN).map(ToString::to_string));
    if findings.is_empty() {
        told.push("审计链完好".to_owned());
    }
    print(format!("{}\n", told.join("\n")).as_bytes())?;
    if findings.is_empty() {
        return Ok(());
    }
    Err(format!("发现 {} 处；处理办法见 docs/OPERATIONS.md", findings.len()).into())
}
