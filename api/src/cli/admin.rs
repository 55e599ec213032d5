//! What an administrator does on the server itself; each act leaves an audit entry without an
//! account.

use std::io::IsTerminal;

use api::{
    app::{
        grant,
        identity::{accounts, totp},
        job::redrive,
        privacy::{self, rekey},
    },
    config::Config,
    state::State,
};
use clap::{Args, Subcommand};
use domain::{
    id::JobId,
    identity::{Role, disabling_reason},
    org::NodeCode,
    page::{Limit, PageRequest},
    time::civil,
};
use infra::postgres::{audit::Origin, job, privacy::rekey::Left};

use super::{Failure, account, audit, backup, connected, ledger, named, print, readable};

#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    Online(Online),
    /// 恢复备份到一个新的数据目录，可以指定时刻；恢复后核对结构、密钥、账目、审计链和文件，并重新删除已注销的人
    Restore(backup::restore::Restore),
}

/// What needs the database.
#[derive(Debug, Subcommand)]
pub enum Online {
    /// 备份数据库和文件到一个新目录；要用有 REPLICATION 权限的账号连接
    Backup(backup::Backup),
    /// 建立管理员账号，只到有两位可用的安全管理员为止；密码取自环境变量 ZHIXIANG_ADMIN_PASSWORD，没有则从标准输入读一行
    CreateAdministrator(NewAdministrator),
    /// 停用账号：所有登录一秒内失效
    Disable {
        /// 登录名
        #[arg(long)]
        username: String,
        /// 停用原因，留在审计记录里
        #[arg(long)]
        reason: String,
    },
    /// 启用账号
    Enable {
        /// 登录名
        #[arg(long)]
        username: String,
    },
    /// 重置动态口令，例如最后一位安全管理员遗失了手机；他的登录全部退出
    ResetTotp {
        /// 登录名
        #[arg(long)]
        username: String,
        /// 重置原因，留在审计记录里
        #[arg(long)]
        reason: String,
    },
    /// 恢复备份以后，按名单重新删除已注销的人；重复执行没有影响
    Erase {
        /// 已注销账号的名单文件（配置项 privacy.erased_list 指的那个）
        #[arg(long)]
        list: std::path::PathBuf,
    },
    /// 更换密钥或算法：用现行的密钥重新加密，可以在系统运行时执行，中断后再执行会接着做；须用表的所有者连接
    Rekey {
        /// 只清点，不改动
        #[arg(long)]
        dry_run: bool,
        /// 重新计算盲索引（换了 index_key 或 algorithms 之后）；先停下全部进程，一次完成，出错则全部不变
        #[arg(long, conflicts_with = "dry_run")]
        indexes: bool,
    },
    /// 谁有哪些角色：供每年复核，CSV 写到标准输出，90 天没有登录的注明
    Grants,
    /// 失败的后台作业
    Jobs {
        #[command(subcommand)]
        what: Jobs,
    },
    /// 积分账：对账、明细账
    Ledger {
        #[command(subcommand)]
        what: ledger::Command,
    },
    /// 审计链：核验、清除满保留期的月份
    Audit {
        #[command(subcommand)]
        what: audit::Command,
    },
}

#[derive(Debug, Args)]
pub struct NewAdministrator {
    /// 登录名
    #[arg(long)]
    username: String,
    /// security_admin（账号与角色）或 system_admin（配置与作业）
    #[arg(long, value_parser = administrator)]
    role: Role,
    /// 管理范围的区划代码，默认全区
    #[arg(long, default_value = "140213")]
    scope: String,
}

#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// 列出多次失败后停下的作业，最近的在前，最多 100 条
    ListDead,
    /// 让停下的作业重新执行
    Redrive(Which),
}

/// One or all, so that the usage names both.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// 作业编号
    id: Option<JobId>,
    /// 全部停下的作业
    #[arg(long)]
    all: bool,
}

fn administrator(text: &str) -> Result<Role, String> {
    match text.parse() {
        Ok(role @ (Role::SecurityAdmin | Role::SystemAdmin)) => Ok(role),
        _ => Err("只能是 security_admin 或 system_admin".to_owned()),
    }
}

/// Runs one of them.
pub async fn run(config: Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::Restore(given) => backup::restore::restore(config, &given).await,
        Command::Online(command) => online(&connected(config).await?, command).await,
    }
}

async fn online(state: &State, command: Online) -> Result<(), Failure> {
    match command {
        Online::Backup(given) => backup::backup(state, &given).await?,
        Online::CreateAdministrator(new) => {
            let scope = NodeCode::parse("scope", &new.scope)?;
            let password = password()?;
            accounts::create_administrator(state, &new.username, &password, new.role, &scope)
                .await?;
            println!("已建立{}账号 {}", new.role.label(), new.username);
        }
        Online::Disable { username, reason } => {
            let id = account(state, &username).await?;
            accounts::disable(state, None, id, reason, &Origin::default()).await?;
            println!("已停用 {username}");
        }
        Online::Enable { username } => {
            let id = account(state, &username).await?;
            accounts::enable(state, None, id, &Origin::default()).await?;
            println!("已启用 {username}");
        }
        Online::ResetTotp { username, reason } => {
            let id = account(state, &username).await?;
            let reason = disabling_reason(&reason)?;
            totp::reset(state, None, id, reason, Origin::default()).await?;
            println!("已重置 {username} 的动态口令");
        }
        Online::Audit { what } => audit::run(state, what).await?,
        Online::Erase { list } => {
            readable(&list)?;
            let count = privacy::erase_again(state, &list).await?;
            println!("按名单重新删除了 {count} 人");
        }
        Online::Rekey { dry_run: true, .. } => show_left(&rekey::left(state).await?)?,
        Online::Rekey { indexes: true, .. } => {
            let count = rekey::reindex(state).await?;
            println!("重新计算了 {count} 个盲索引");
        }
        Online::Rekey { .. } => {
            let done = rekey::reseal(state).await?;
            println!("重新加密了 {} 个值、{} 个文件", done.values, done.files);
            show_left(&rekey::left(state).await?)?;
        }
        Online::Grants => review(state).await?,
        Online::Ledger { what } => ledger::run(state, what).await?,
        Online::Jobs { what: Jobs::ListDead } => list_dead(state).await?,
        Online::Jobs { what: Jobs::Redrive(Which { id, .. }) } => again(state, id).await?,
    }
    Ok(())
}

/// Writes who holds which role, as CSV that a spreadsheet opens.
async fn review(state: &State) -> Result<(), Failure> {
    let rows = grant::review(state).await?;
    let mut bytes = Vec::new();
    let mut csv = csv::Writer::from_writer(&mut bytes);
    csv.write_record([
        "角色",
        "范围",
        "用户名",
        "名称",
        "账号编号",
        "授予日期",
        "最近登录",
        "备注",
    ])?;
    let date = |at| civil(at).format("%Y-%m-%d").to_string();
    for (row, unused) in rows {
        let note = match (row.disabled, unused) {
            (true, _) => "已停用",
            (false, true) => "90 天没有登录",
            (false, false) => "",
        };
        csv.write_record([
            row.role.label(),
            &row.scope,
            row.username.as_deref().unwrap_or("（微信）"),
            &row.display_name,
            &row.account.to_string(),
            &date(row.granted_at),
            &row.logged_in_at.map(date).unwrap_or_default(),
            note,
        ])?;
    }
    csv.flush()?;
    drop(csv);
    print(&bytes)
}

/// Fails while an old key is still needed.
fn show_left(left: &[Left]) -> Result<(), Failure> {
    for Left { column, key, sm4, rows } in left {
        let algorithm = if *sm4 { "SM4-GCM" } else { "AES-256-GCM" };
        println!("{column}：{rows} 行由密钥 {key}（{algorithm}）加密");
    }
    if left.is_empty() {
        println!(
            "全部由现行的密钥和算法加密，旧密钥可以从 security.data_key 里去掉（它不再是 index_key 时）"
        );
        return Ok(());
    }
    let rows: i64 = left.iter().map(|one| one.rows).sum();
    Err(format!("还有 {rows} 个值由旧密钥或旧算法加密，旧密钥不能去掉").into())
}

fn password() -> Result<String, Failure> {
    if let Ok(given) = std::env::var("ZHIXIANG_ADMIN_PASSWORD") {
        return Ok(given);
    }
    if std::io::stdin().is_terminal() {
        eprintln!(
            "请输入密码，回车结束（输入会显示；不想显示请用环境变量 ZHIXIANG_ADMIN_PASSWORD）："
        );
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let typed = line.trim_end_matches(['\r', '\n']);
    if typed.is_empty() { Err("没有读到密码".into()) } else { Ok(typed.to_owned()) }
}

async fn dead(state: &State) -> Result<Vec<job::Dead>, Failure> {
    let limit = Limit::new(100)?;
    let mut conn = state.db.acquire().await?;
    Ok(job::dead(&mut conn, PageRequest { after: None, limit }).await?)
}

async fn list_dead(state: &State) -> Result<(), Failure> {
    let dead = dead(state).await?;
    let mut told: Vec<String> = dead
        .iter()
        .map(|job| {
            format!(
                "{}  {}  {} 次  {}  {}",
                job.id,
                civil(job.finished_at).format("%Y-%m-%d %H:%M"),
                job.attempt,
                job.kind,
                job.last_error.as_deref().unwrap_or_default(),
            )
        })
        .collect();
    told.push(if dead.is_empty() {
        "没有停下的作业".to_owned()
    } else {
        format!("共 {} 条", dead.len())
    });
    print(format!("{}\n", told.join("\n")).as_bytes())
}

/// Lets one dead job run again, or all of them, a hundred at a time.
async fn again(state: &State, id: Option<JobId>) -> Result<(), Failure> {
    if let Some(id) = id {
        let redriven = redrive(state, None, Origin::default(), id).await;
        let job = redriven.map_err(|error| named(error, format!("没有作业 {id}")))?;
        println!("作业 {} {} 将重新执行", job.id, job.kind);
        return Ok(());
    }
    let mut count = 0_usize;
    loop {
        let dead = dead(state).await?;
        if dead.is_empty() {
            println!("共 {count} 个作业将重新执行");
            return Ok(());
        }
        for job in &dead {
            redrive(state, None, Origin::default(), job.id).await?;
        }
        count += dead.len();
    }
}
