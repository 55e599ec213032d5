//! What the bookkeeper does on the server itself.

use std::{fs, path::PathBuf};

use api::{
    app::points::statement::{statement, verify},
    sheet::{write_csv, write_workbook},
    state::State,
};
use chrono::{Datelike, NaiveDate};
use clap::{Args, Subcommand};
use domain::{
    id::AccountId,
    time::{civil, date},
};
use infra::postgres::points::statement::Of;
use uuid::Uuid;

use super::{Failure, print};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// 对账：核对全部规则；有一处对不上就以失败结束
    Verify,
    /// 一个账户的明细账：期初、逐笔、期末
    Statement(Wanted),
}

#[derive(Debug, Args)]
pub struct Wanted {
    #[command(flatten)]
    whose: Whose,
    /// 第一天，默认今年 1 月 1 日
    #[arg(long)]
    from: Option<NaiveDate>,
    /// 最后一天（含），默认今天
    #[arg(long)]
    to: Option<NaiveDate>,
    /// 写入这个文件：.xlsx 为工作簿，其余为 CSV；默认以 CSV 输出
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// 登录名
    #[arg(long)]
    username: Option<String>,
    /// 居民账号的编号
    #[arg(long)]
    account: Option<Uuid>,
    /// 商户代码
    #[arg(long)]
    merchant: Option<String>,
    /// 社区或村的区划代码
    #[arg(long)]
    community: Option<String>,
}

/// Runs one of them.
pub async fn run(state: &State, command: Command) -> Result<(), Failure> {
    match command {
        Command::Verify => compare(state).await,
        Command::Statement(wanted) => show(state, wanted).await,
    }
}

async fn compare(state: &State) -> Result<(), Failure> {
    let (totals, violations) = verify(state).await?;
    let now = civil(state.clock.now()).format("%Y-%m-%d %H:%M:%S");
    let mut told = vec![
        format!("{now} 共 {} 笔流水、{} 条分录", totals.movements, totals.entries),
        format!(
            "发放 {} = 个人 {}（其中占用 {}）+ 社区 {} + 商户 {} + 到期 {} + 调整 {} − 待抵还 {}",
            totals.issued,
            totals.people,
            totals.held,
            totals.communities,
            totals.merchants,
            totals.expired,
            totals.adjusted,
            totals.owed
        ),
    ];
    for one in &violations {
        let subject = one.subject.map_or_else(|| "全部".to_owned(), |id| id.to_string());
        told.push(format!(
            "对不上：{}（{}）：{subject} 应为 {}，实为 {}",
            one.rule.label(),
            one.rule,
            one.expected,
            one.found
        ));
    }
    if violations.is_empty() {
        told.push("账目相符".to_owned());
    }
    print(format!("{}\n", told.join("\n")).as_bytes())?;
    if violations.is_empty() {
        return Ok(());
    }
    // The view is read up to here.
    let least = if violations.len() < 1000 { "" } else { "至少 " };
    Err(format!(
        "有 {least}{} 处对不上；涉及的账户和优惠已暂停兑换，处理办法见 docs/LEDGER.md",
        violations.len()
    )
    .into())
}

async fn show(state: &State, wanted: Wanted) -> Result<(), Failure> {
    let Wanted { whose: Whose { username, account, merchant, community }, from, to, out } = wanted;
    let today = date(state.clock.now());
    let last = to.unwrap_or(today);
    let first = from.or_else(|| NaiveDate::from_ymd_opt(last.year(), 1, 1)).unwrap_or(last);
    if first > last {
        return Err(format!("第一天 {first} 晚于最后一天 {last}").into());
    }
    let of = match (username, account, &merchant, &community) {
        (Some(username), ..) => Of::Person(super::account(state, &username).await?),
        (None, Some(id), ..) => Of::Person(AccountId(id)),
        (None, None, Some(code), _) => Of::Merchant(code),
        (None, None, None, code) => Of::Community(code.as_deref().unwrap_or_default()),
    };
    let found = statement(state, of, first, last).await.map_err(|error| match error.code() {
        Some("not_found") => "没有这个账户：没有这样的居民、商户或社区，或者从来没有过积分".into(),
        _ => Failure::from(error),
    })?;
    let sheet = found.sheet();
    let workbook = out.as_ref().is_some_and(|file| file.extension().is_some_and(|e| e == "xlsx"));
    let bytes = if workbook { write_workbook(&[sheet])? } else { write_csv(&sheet)? };
    let Some(file) = out else { return print(&bytes) };
    fs::write(&file, bytes).map_err(|why| format!("写不了 {}：{why}", file.display()))?;
    println!(
        "{first} 至 {last}：期初 {}，{} 笔，期末 {}；已写入 {}",
        found.opening,
        found.lines.len(),
        found.closing(),
        file.display()
    );
    Ok(())
}
