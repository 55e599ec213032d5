//! A restore to an instant: the base backup in a fresh data folder, the write-ahead log up to the
//! instant, and every check before anybody is let in. The server runs privately meanwhile and is
//! stopped at the end.

use std::{
    collections::BTreeSet,
    fs,
    future::ready,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use api::{
    app::{
        audit,
        points::statement,
        privacy::{self, rekey},
    },
    clock::Clock,
    config::{Config, Secret},
    http::operations,
    state::State,
};
use clap::Args;
use domain::{id::AttachmentId, time::Timestamp};
use futures::TryStreamExt;
use infra::{
    postgres::{MIGRATIONS, attachment, backup as store},
    storage::{Name, Part},
};
use tokio::process::Command;

use super::{Failure, Manifest, Tools, copy_new, local, run};

/// How long the server may go along the log.
const PATIENCE: Duration = Duration::from_hours(12);
const POLL: Duration = Duration::from_millis(200);
/// Findings that are printed one by one.
const SHOWN: usize = 20;
const FILES_AT_ONCE: i64 = 1_000;
/// Only who may enter the socket's folder reaches the server, and that is us.
const HBA: &str = "local all all trust\n";

#[derive(Debug, Args)]
pub struct Restore {
    /// 备份目录（admin backup 写的）
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// 恢复到这个新的数据目录
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// 归档日志的目录（archive_command 写的）；不写则恢复到备份完成的时刻
    #[arg(long, value_name = "DIR")]
    wal: Option<PathBuf>,
    /// 恢复到这个时刻，例如 2026-11-24T13:56:00+08:00；不写则恢复到归档的末尾
    #[arg(long, value_name = "TIME", requires = "wal")]
    until: Option<Timestamp>,
    /// 照片和语音的副本所在目录，默认在备份目录里
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    #[command(flatten)]
    tools: Tools,
}

/// Restores and checks. The data folder stays in either case.
pub async fn restore(config: Config, given: &Restore) -> Result<(), Failure> {
    let manifest = Manifest::read(&given.from)?;
    if !manifest.opens_by(&config.security.crypto()?) {
        return Err("配置的 security.data_key 解不开这份备份：它是用另一把密钥加密的".into());
    }
    if given.data.exists() {
        return Err(format!("{} 已经存在，请给一个新的目录", given.data.display()).into());
    }
    let server = Server::lay(given, manifest.major()).await?;
    let checked = async {
        server.start().await?;
        let state = server.reached(config).await?;
        let checked = check(&state, &manifest, given).await;
        state.db.close().await;
        checked
    }
    .await;
    let stopped = server.stop().await;
    checked?;
    stopped?;
    println!("恢复完成：{}", given.data.display());
    println!(
        "启用之前：核对 postgresql.conf 与 pg_hba.conf，归档换一个新目录，链头留存文件改名留作证据，最后启动 worker"
    );
    Ok(())
}

/// The restored server, on a socket that nobody else reaches.
struct Server {
    control: PathBuf,
    data: PathBuf,
    sockets: PathBuf,
    /// Root cannot run PostgreSQL and becomes `postgres`.
    drops: bool,
}

impl Server {
    /// Puts the base backup into its place, with what the recovery needs to know.
    async fn lay(given: &Restore, major: &str) -> Result<Self, Failure> {
        let data = std::path::absolute(&given.data)?;
        let sockets = std::env::temp_dir().join(format!("zx-restore-{}", std::process::id()));
        let drops = fs::metadata("/proc/self")?.uid() == 0;
        let control = given.tools.find("pg_ctl", major);
        run(Command::new("cp").arg("-a").arg(given.from.join("base")).arg(&data)).await?;
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
        // Debian keeps them outside the data folder, so that no base backup has them.
        for name in ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"] {
            if !data.join(name).exists() {
                fs::write(data.join(name), "")?;
            }
        }
        fs::write(data.join("restore_hba.conf"), HBA)?;
        if let Some(wal) = &given.wal {
            let wal = fs::canonicalize(wal)?;
            let mut settings = fs::read_to_string(data.join("postgresql.auto.conf"))?;
            settings.push_str(&recovery(&wal, given.until)?);
            fs::write(data.join("postgresql.auto.conf"), settings)?;
            fs::write(data.join("recovery.signal"), "")?;
        }
        fs::create_dir(&sockets)?;
        fs::set_permissions(&sockets, fs::Permissions::from_mode(0o700))?;
        if drops {
            for folder in [&data, &sockets] {
                run(Command::new("chown").args(["-R", "postgres:"]).arg(folder)).await?;
            }
        }
        Ok(Self { control, data, sockets, drops })
    }

    fn control(&self) -> Command {
        let mut command = if self.drops {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]);
            command.arg(&self.control);
            command
        } else {
            Command::new(&self.control)
        };
        command.arg("-D").arg(&self.data).arg("-s").current_dir("/");
        command
    }

    fn log(&self) -> PathBuf {
        self.data.join("restore.log")
    }

    async fn start(&self) -> Result<(), Failure> {
        // Standby connections are refused, so that smaller limits than the old server's do not matter.
        let options = format!(
            "-p 5432 -h '' -k '{}' -c hot_standby=off -c archive_mode=off -c hba_file='{}'",
            self.sockets.display(),
            self.data.join("restore_hba.conf").display(),
        );
        let mut start = self.control();
        start.args(["-w", "-t", "86400", "-o", &options, "-l"]).arg(self.log()).arg("start");
        run(&mut start).await.map_err(|why| self.told(&why))
    }

    fn told(&self, why: &Failure) -> Failure {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n");
        format!("{why}\n{tail}").into()
    }

    /// The product's state on the restored database, once that takes writes.
    async fn reached(&self, mut config: Config) -> Result<State, Failure> {
        let old: sqlx::postgres::PgConnectOptions = config.database.url.expose().parse()?;
        let host = self.sockets.display().to_string().replace('/', "%2F");
        let (user, database) = (old.get_username(), old.get_database().unwrap_or_default());
        let url = format!("postgres://{user}@{host}:5432/{database}");
        config.database.url = Secret::from(url.as_str());
        let state = State::build(config, Clock::System)?;
        let since = Instant::now();
        loop {
            let asked = match state.db.acquire().await {
                Ok(mut conn) => store::takes_writes(&mut conn).await,
                Err(error) => Err(error),
            };
            match asked {
                Ok(true) => return Ok(state),
                Ok(false) => {}
                Err(error) => {
                    let running = run(self.control().arg("status")).await.is_ok();
                    if !running || since.elapsed() > PATIENCE {
                        return Err(self.told(&error.into()));
                    }
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn stop(&self) -> Result<(), Failure> {
        let mut stop = self.control();
        stop.args(["-w", "-t", "600", "-m", "fast", "stop"]);
        let stopped = match run(self.control().arg("status")).await {
            Ok(()) => run(&mut stop).await,
            Err(_) => Ok(()),
        };
        let _ = fs::remove_file(self.data.join("restore_hba.conf"));
        let _ = fs::remove_dir_all(&self.sockets);
        stopped
    }
}

/// What the recovery is told. It is promoted at the instant, and archives nothing into the old log.
fn recovery(wal: &Path, until: Option<Timestamp>) -> Result<String, Failure> {
    let folder = wal.display().to_string();
    if folder.contains(['\'', '"', '\\', '%', '\n']) {
        return Err(format!("归档目录的路径里有特殊字符：{folder}").into());
    }
    let mut settings = format!(
        "\n# zhixiang admin restore\nrestore_command = 'cp \"{folder}/%f\" \"%p\"'\n\
         recovery_target_action = 'promote'\narchive_mode = 'off'\n"
    );
    if let Some(until) = until {
        let until = until.format("%Y-%m-%d %H:%M:%S%.6f+00");
        settings.push_str(&format!("recovery_target_time = '{until}'\n"));
    }
    Ok(settings)
}

/// Every check; says each, and fails when one does.
async fn check(state: &State, manifest: &Manifest, given: &Restore) -> Result<(), Failure> {
    let mut faults = 0;
    let mut say = |what: &str, fault: Option<String>| {
        match &fault {
            None => println!("通过　{what}"),
            Some(fault) => println!("不通过　{what}：{fault}"),
        }
        faults += usize::from(fault.is_some());
    };
    let applied = operations::applied(&state.db).await?;
    let whole = manifest.migrations.iter().all(|one| applied.contains(one));
    let newer = applied.iter().any(|one| !MIGRATIONS.version_exists(*one));
    say("数据库结构与备份时一致", (!whole || newer).then(|| format!("{applied:?}")));
    let strange = rekey::strange(state).await?;
    say("密钥与盲索引相符", (!strange.is_empty()).then(|| strange.join("、")));
    let (totals, broken) = statement::verify(state).await?;
    let entries = totals.entries;
    let fault =
        (!broken.is_empty()).then(|| format!("{} 处，见 admin ledger verify", broken.len()));
    say(&format!("积分账对账，{entries} 条分录"), fault);
    let report = audit::verify(state, &[]).await?;
    // Heads outside go on where the restored chain ends.
    let (later, findings): (Vec<_>, Vec<_>) = report
        .findings
        .iter()
        .copied()
        .partition(|one| given.until.is_some() && one.block > report.blocks);
    for finding in findings.iter().take(SHOWN) {
        println!("　　{finding}");
    }
    let about = format!("审计链，区块 {} 个，恢复点之后 {} 个", report.blocks, later.len());
    say(&about, (!findings.is_empty()).then(|| format!("{} 处", findings.len())));
    let list = Path::new(&state.config.privacy.erased_list);
    if list.is_file() {
        let again = privacy::erase_again(state, list).await?;
        say(&format!("按名单重新删除已注销的人 {again} 个"), None);
    } else {
        println!("没有已注销账号的名单（privacy.erased_list）：之后注销的人要另外删除");
    }
    let ids = attachments(state).await?;
    if let Some(to) = local(&state.config) {
        let from = given.files.clone().unwrap_or_else(|| given.from.join("files"));
        // The copy has the files of all backups, also of people who left: theirs have no row any more.
        let wanted = ids.clone();
        let wanted = move |name: &str| Name::read(name).is_some_and(|it| wanted.contains(&it.id));
        tokio::task::spawn_blocking(move || copy_new(&from, &to, &wanted)).await??;
    }
    let bad = unreadable(state, &ids).await?;
    let fault = (!bad.is_empty()).then(|| {
        let shown: Vec<&str> = bad.iter().take(SHOWN).map(String::as_str).collect();
        let reason = "缺的去别的副本找；找不到的，附件打不开，其余照常";
        format!("{} 个：{}（{reason}）", bad.len(), shown.join("、"))
    });
    say(&format!("附件的文件逐个读完并校验，{} 个附件", ids.len()), fault);
    if faults > 0 {
        return Err(format!("有 {faults} 项不通过，先不要启用").into());
    }
    Ok(())
}

/// The attachments that there are.
async fn attachments(state: &State) -> Result<BTreeSet<AttachmentId>, Failure> {
    let mut all = BTreeSet::new();
    loop {
        let after = all.last().copied();
        let ids = attachment::ids(&mut *state.db.acquire().await?, after, FILES_AT_ONCE).await?;
        if ids.is_empty() {
            return Ok(all);
        }
        all.extend(ids);
    }
}

/// Attachments whose file is missing, or of which a piece was altered or cut off. Each file is read to
/// its end: every piece is sealed with its place and the file's name, so that one that opens is what
/// was kept. What was swept or erased after the instant is missing, and no other check says so.
async fn unreadable(state: &State, ids: &BTreeSet<AttachmentId>) -> Result<Vec<String>, Failure> {
    let mut bad = Vec::new();
    for id in ids {
        for part in [Part::Whole, Part::Thumbnail] {
            let found = state.files.get(Arc::clone(&state.crypto), Name { id: *id, part }).await?;
            match (found, part) {
                // Voice has no small picture.
                (None, Part::Thumbnail) => {}
                (None, Part::Whole) => bad.push(format!("{id} 缺文件")),
                (Some((_, pieces)), _) => {
                    if let Err(why) = pieces.try_for_each(|_| ready(Ok(()))).await {
                        bad.push(format!("{id} 打不开（{why}）"));
                    }
                }
            }
        }
    }
    Ok(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_is_told_where_the_log_is_and_when_to_end() {
        let until = "2026-11-24T13:56:00.5+08:00".parse().unwrap();
        let told = recovery(Path::new("/backup/wal"), Some(until)).unwrap();
        assert!(told.contains("restore_command = 'cp \"/backup/wal/%f\" \"%p\"'"), "{told}");
        assert!(told.contains("recovery_target_time = '2026-11-24 05:56:00.500000+00'"), "{told}");
        assert!(!recovery(Path::new("/w"), None).unwrap().contains("target_time"));
        assert!(recovery(Path::new("/it's"), None).is_err(), "a quote would end the setting");
    }
}
