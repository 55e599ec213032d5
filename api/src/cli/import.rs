//! `zhixiang import`: past data of other systems.

use std::{
    io::IsTerminal,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use api::{
    app::{
        calendar::{
            self,
            file::{About, read},
        },
        case::Ask,
        duty,
        enforcement::import as powers,
        import::{self, Import, Mapping, Progress},
    },
    error::Error,
    state::State,
};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use domain::{
    calendar::Year, complaint::Kind, duty::ListKind, edition::RefusedRow, import::moment,
    org::NodeCode, time::Timestamp,
};
use indicatif::{ProgressBar, ProgressStyle};
use infra::postgres::audit::Origin;

use super::{Failure, readable};

#[derive(Debug, Subcommand)]
pub enum What {
    /// 历史工单：CSV（UTF-8 或 GBK）或 xlsx，全部在一个事务里写入，可重复执行
    Complaints(Complaints),
    /// 一年的放假安排：表格（日期、节日、上班三列）或 JSON；成为新版本，各进程一秒内采用
    Calendar(Calendar),
    /// 事项清单的新版本：CSV 或 xlsx，要么全部写入，要么一行不写
    Duties(Duties),
    /// 执法事项清单的新版本：CSV 或 xlsx，要么全部写入，要么一行不写
    Powers(Powers),
}

#[derive(Debug, Args)]
pub struct Calendar {
    /// 文件：CSV、xlsx 或 JSON
    file: PathBuf,
    /// 哪一年；JSON 文件里有则不必写
    #[arg(long)]
    year: Option<Year>,
    /// 依据的通知：文号或网址
    #[arg(long)]
    source: Option<String>,
    /// 通知的公布日期，例如 2026-11-20
    #[arg(long)]
    published_at: Option<NaiveDate>,
    /// 只是草案：涉及这一年的时限仍是暂定的
    #[arg(long)]
    provisional: bool,
    /// 只检查和比较，不写入
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Duties {
    /// 文件：第一行是列名，与导出的一样
    file: PathBuf,
    /// 清单种类：territorial、basic、cooperate、recalled、community
    #[arg(long)]
    kind: ListKind,
    /// 版本名，全部清单中唯一，例如 territorial-2027.1
    #[arg(long)]
    version: String,
    /// 标题
    #[arg(long)]
    title: String,
    /// 哪个街道或社区的；全区的属地管理责任清单不填
    #[arg(long, value_name = "CODE", value_parser = community)]
    division: Option<NodeCode>,
    /// 从哪一天起有效，例如 2027-01-01
    #[arg(long, value_name = "DATE")]
    valid_from: NaiveDate,
    /// 只看会有什么变化，不写入
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Powers {
    /// 文件：第一行是列名，与导出的一样
    file: PathBuf,
    /// 哪个街道或部门的
    #[arg(long, value_name = "CODE", value_parser = community)]
    unit: NodeCode,
    /// 版本名，全部执法事项清单中唯一，例如 powers-2027.1-140213066
    #[arg(long)]
    version: String,
    /// 标题
    #[arg(long)]
    title: String,
    /// 从哪一天起有效，例如 2027-01-01
    #[arg(long, value_name = "DATE")]
    valid_from: NaiveDate,
    /// 只看会有什么变化，不写入
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Complaints {
    /// 文件：第一行是列名；xlsx 取第一张表
    file: PathBuf,
    /// 原系统的名称；与编号一起判断哪些行已经导入过
    #[arg(long)]
    source: String,
    /// 字段=列名，可多次；字段：number、title、content、posted_at、reply、replied_at、category、
    /// kind、community。列名与字段同名（或同其中文名）的不必写
    #[arg(long = "map", value_name = "FIELD=COLUMN")]
    mapping: Vec<String>,
    /// 没有写社区的行归到这个社区，例如 140213066004
    #[arg(long, value_name = "CODE", value_parser = community)]
    community: Option<NodeCode>,
    /// 没有写类型的行算作哪一类：inquiry、help、grievance、report、suggestion、praise
    #[arg(long, default_value = "help")]
    kind: Kind,
    /// 没有提交时间的行算作何时提交，例如 2019-01-01
    #[arg(long, value_name = "TIME", value_parser = time)]
    default_posted_at: Option<Timestamp>,
    /// 只检查和计数，不写入
    #[arg(long)]
    dry_run: bool,
    /// 只要有一行被拒绝，就一行也不导入
    #[arg(long)]
    strict: bool,
    /// 把被拒绝的行和原因写到这个 CSV 文件
    #[arg(long, value_name = "FILE.csv")]
    report: Option<PathBuf>,
}

fn community(text: &str) -> Result<NodeCode, String> {
    NodeCode::parse("community", text).map_err(|refused| refused.reason)
}

fn time(text: &str) -> Result<Timestamp, String> {
    moment("default_posted_at", text).map_err(|refused| refused.reason)
}

/// Runs it.
pub async fn run(state: &State, what: What) -> Result<(), Failure> {
    match what {
        What::Complaints(given) => complaints(state, given).await,
        What::Calendar(given) => year(state, given).await,
        What::Duties(given) => duties(state, given).await,
        What::Powers(given) => powers(state, given).await,
    }
}

async fn duties(state: &State, given: Duties) -> Result<(), Failure> {
    readable(&given.file)?;
    let bytes = std::fs::read(&given.file)?;
    let dry_run = given.dry_run;
    let import = duty::Import {
        kind: given.kind,
        version: given.version,
        title: given.title,
        division: given.division,
        valid_from: given.valid_from,
        dry_run,
    };
    let ask = Ask::new(None, Origin::default());
    let imported = duty::import(state, ask, import, bytes).await.map_err(told)?;
    let difference = &imported.difference;
    println!(
        "{}版本 {}：新增 {} 项，去掉 {} 项，改动 {} 项，不变 {} 项",
        if dry_run { "试运行，没有写入：" } else { "已写入" },
        imported.edition.version,
        difference.added.len(),
        difference.removed.len(),
        difference.changed.len(),
        difference.unchanged,
    );
    refused(&imported.refused);
    for open in &imported.open_proposals {
        println!("  已采纳的建议（{}）：{}", open.item, open.text);
    }
    Ok(())
}

async fn powers(state: &State, given: Powers) -> Result<(), Failure> {
    let Powers { file, unit, version, title, valid_from, dry_run } = given;
    readable(&file)?;
    let import = powers::Import { unit, version, title, valid_from, dry_run };
    let ask = Ask::new(None, Origin::default());
    let imported = powers::import(state, ask, import, std::fs::read(file)?).await.map_err(told)?;
    let difference = &imported.difference;
    println!(
        "{}版本 {}：新增 {} 项，去掉 {} 项，改动 {} 项，不变 {} 项",
        if dry_run { "试运行，没有写入：" } else { "已写入" },
        imported.edition.version,
        difference.added.len(),
        difference.removed.len(),
        difference.changed.len(),
        difference.unchanged,
    );
    refused(&imported.refused);
    for one in &imported.deviations {
        println!("  {}事项应有 {} 项，现有 {} 项", one.kind.label(), one.expected, one.found);
    }
    Ok(())
}

/// What is wrong with the rows of a trial.
fn refused(rows: &[RefusedRow]) {
    for row in rows {
        for fault in &row.faults {
            println!("  第 {} 行 {}：{}", row.line, fault.column, fault.reason);
        }
    }
}

/// A refusal with each of its rows on a line.
fn told(error: Error) -> Failure {
    let Error::Refused(refusal) = error else { return error.into() };
    let rows = refusal.fields().into_iter().map(|fault| format!("\n  {fault}"));
    format!("{refusal}{}", rows.collect::<String>()).into()
}

async fn complaints(state: &State, given: Complaints) -> Result<(), Failure> {
    let import = Import {
        mapping: Mapping::parse(&given.mapping)?,
        file: given.file,
        source: given.source,
        community: given.community,
        kind: given.kind,
        default_posted_at: given.default_posted_at,
        dry_run: given.dry_run,
        strict: given.strict,
        report: given.report,
    };
    println!("{}", import::run(state, import, progress()).await?);
    Ok(())
}

async fn year(state: &State, given: Calendar) -> Result<(), Failure> {
    let Calendar { file, year, source, published_at, provisional, dry_run } = given;
    let (year, notice) = read(&file, About { year, source, published_at, provisional })?;
    let year = year.get();
    let done = calendar::import(state, None, Origin::default(), notice, dry_run).await?;
    for day in &done.changed {
        println!("{day} 与此前计算不同");
    }
    println!(
        "{}",
        match (done.added, dry_run) {
            (false, _) => format!("{year} 年的安排与现行版本 {} 相同，没有新增", done.version),
            (true, true) => format!("试算：{year} 年将成为版本 {}，没有写入", done.version),
            (true, false) => format!(
                "{year} 年的安排已成为版本 {}；已有任务的时限请由系统管理员在平台上重算",
                done.version
            ),
        }
    );
    Ok(())
}

/// A bar for a person, a line for each tenth in a log.
fn progress() -> Progress {
    if !std::io::stderr().is_terminal() {
        let told = AtomicUsize::new(0);
        return Arc::new(move |done, all| {
            let tenth = done.saturating_mul(10).checked_div(all).unwrap_or_default();
            if told.swap(tenth, Ordering::Relaxed) != tenth {
                eprintln!("已写入 {done}/{all} 行（全部写完后一起生效）");
            }
        });
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} 行  剩余 {eta}");
    let bar =
        ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    Arc::new(move |done, all| {
        bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        if done == all {
            bar.finish_and_clear();
        }
    })
}
