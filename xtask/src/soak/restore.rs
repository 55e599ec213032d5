//! A drill: a backup under load, damage, and a restore to an instant before it; the product then goes
//! on working on what was restored.

use std::fs;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::complaints::{Load, settled, title};
use super::figures::Figures;
use super::ground::{DATABASE, Ground, equal, expected};
use super::postgres::ready;
use super::redemptions;
use crate::client::Call;
use crate::failure::{Failure, Result};

/// The folder beside the data in which files lie.
pub const FILES: &str = "attachments";
const PATIENCE: Duration = Duration::from_secs(60);
/// Between writes and an instant: the log notes commits by the server's clock.
const APART: Duration = Duration::from_millis(1_200);
const NOW: &str =
    "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
/// What must be the same after the restore as it was at the instant.
const STATE: &str = "select concat_ws(' ', (select count(*) from complaint), \
    (select count(*) from event), (select count(*) from ledger_tx), (select count(*) from ledger_entry), \
    (select coalesce(sum(amount), 0) from ledger_entry where amount > 0), \
    (select count(*) from audit_entry))";

/// `each` milliseconds of writes before the backup, between it and the instant, and after.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let span = Duration::from_millis(u64::try_from(each).unwrap_or(1_000));
    let name = ground.tag.clone();
    let (wal, backup) = (ground.postgres.folder("wal")?, ground.postgres.beside("backup"));
    let copies = ground.postgres.beside("copies").display().to_string();
    let archive = format!("test ! -f {0}/%f && cp %p {0}/%f", wal.display());
    for setting in ["archive_mode = 'on'", &format!("archive_command = '{archive}'")] {
        ground.query(&format!("alter system set {setting}"))?;
    }
    ground.postgres.crash()?;
    ground.postgres.restart()?;
    ready(ground, Instant::now()).await?;

    let first = wrote(ground, &format!("{name}-a"), span).await?;
    let one = recorded(ground, 1).await?;
    redemptions::round(ground, 100).await?;
    let since = Instant::now();
    let to = backup.display().to_string();
    ground.app.once("backup", &["admin", "backup", "--to", &to, "--files", &copies]).await?;
    let backed_up = since.elapsed();
    let second = wrote(ground, &format!("{name}-b"), span).await?;
    let two = recorded(ground, 2).await?;
    // What came since the backup goes to its copies beside the log, as often as one likes.
    ground.app.once("backup-files", &["admin", "backup", "--files", &copies]).await?;
    redemptions::round(ground, 100).await?;
    // What jobs still do would be on either side of the instant.
    ground
        .until("job where state in ('ready', 'running') and run_at <= now()", 0, PATIENCE)
        .await?;
    sleep(APART).await;
    let (instant, before) = (ground.query(NOW)?, ground.query(STATE)?);
    sleep(APART).await;
    let third = wrote(ground, &format!("{name}-c"), span).await?;
    let three = recorded(ground, 3).await?;
    archived(ground).await?;

    ground.query("drop table event cascade")?;
    if ground.query("select count(*) from event").is_ok() {
        return Err(Failure::new("没有弄坏"));
    }
    ground.postgres.crash()?;
    // The disk of the files is lost too.
    fs::remove_dir_all(ground.postgres.beside(FILES).join("files"))?;
    let since = Instant::now();
    let data = ground.postgres.beside("restored");
    let (to, from) = (data.display().to_string(), backup.display().to_string());
    let wal = wal.display().to_string();
    let arguments = [
        "admin", "restore", "--from", &from, "--files", &copies, "--data", &to, "--wal", &wal,
        "--until", &instant,
    ];
    ground.app.once("restore", &arguments).await?;
    let restored = since.elapsed();
    misses(ground, &two, &arguments).await?;

    let server = ground.postgres.take_over(&data)?;
    ready(ground, Instant::now()).await?;
    let after = ground.query(STATE)?;
    // The erasures and searches of the restore itself would be entries; there are none.
    if after != before {
        return Err(Failure::new(format!("恢复后是 {after}，那个时刻是 {before}")));
    }
    for (part, wanted) in [("a", first), ("b", second), ("c", 0)] {
        ground.tag = format!("{name}-{part}");
        let there = ground.count(&format!("complaint where title = '{}'", title(ground)))?;
        equal(&format!("第 {part} 段的诉求"), there, wanted)?;
    }
    for recording in [one, two] {
        opens_again(ground, &recording).await?;
    }
    let by = ground.member(0).await?;
    ground.expect(&Call::get(format!("/attachments/{}", three.id)).by(&by), 404).await?;
    ground.books_balance()?;
    ground.app.once("ledger", &["admin", "ledger", "verify"]).await?;
    ground.app.once("audit", &["admin", "audit", "verify"]).await?;
    server.copy(DATABASE, "dumped")?;
    let dumped = server.psql("dumped", &["-c", STATE])?;
    if dumped != before {
        return Err(Failure::new(format!("从转储恢复后是 {dumped}，应为 {before}")));
    }
    // And it goes on: what is written now is done.
    let fourth = wrote(ground, &format!("{name}-d"), span).await?;
    drop(server);
    Ok(Figures::default()
        .count("备份前的诉求", first)
        .count("时刻前的诉求", second)
        .count("丢弃的诉求", third)
        .count("恢复后的诉求", fourth)
        .took("备份", backed_up)
        .took("恢复并核对", restored))
}

/// A load of `span`, with everything that follows from it; how many complaints were acknowledged.
async fn wrote(ground: &mut Ground<'_>, tag: &str, span: Duration) -> Result<usize> {
    tag.clone_into(&mut ground.tag);
    let load = Load::begin(ground).await?;
    sleep(span).await;
    let written = load.end().await?;
    settled(ground, &written, PATIENCE).await?;
    Ok(written.keys)
}

/// A recording that was acknowledged.
struct Recording {
    id: String,
    bytes: Vec<u8>,
}

/// Somebody uploads a recording of so many seconds and hears it.
async fn recorded(ground: &mut Ground<'_>, seconds: u8) -> Result<Recording> {
    let by = ground.member(0).await?;
    let frame = [vec![0x3C], vec![seconds; 31]].concat();
    let file = [b"#!AMR\n".to_vec(), frame.repeat(50 * usize::from(seconds))].concat();
    let key = format!("{}-voice-{seconds}", ground.tag);
    let made = expected(ground.client.upload(&by, &key, &file).await?, 201)?;
    let bytes = ground.client.fetch(made.text("/url")).await?;
    Ok(Recording { id: made.text("/id").to_owned(), bytes })
}

/// Byte for byte.
async fn opens_again(ground: &mut Ground<'_>, recording: &Recording) -> Result {
    let by = ground.member(0).await?;
    let path = format!("/attachments/{}", recording.id);
    let there = ground.expect(&Call::get(path).by(&by), 200).await?;
    let bytes = ground.client.fetch(there.text("/url")).await?;
    if bytes != recording.bytes {
        return Err(Failure::new(format!("恢复后的附件 {} 与原来的不同", recording.id)));
    }
    Ok(())
}

/// The same restore without one of the copies says which attachment has no file, and fails. What was
/// restored whole stands aside meanwhile.
async fn misses(ground: &Ground<'_>, gone: &Recording, arguments: &[&str]) -> Result {
    let beside = |name: &str| ground.postgres.beside(name);
    let (data, files) = (beside("restored"), beside(FILES).join("files"));
    let aside = [(&data, beside("whole")), (&files, beside("whole-files"))];
    let days = fs::read_dir(beside("copies"))?.flatten();
    let copy = days.map(|day| day.path().join(&gone.id)).find(|copy| copy.exists());
    fs::remove_file(copy.ok_or_else(|| Failure::new("没有找到附件的副本"))?)?;
    for (place, aside) in &aside {
        fs::rename(place, aside)?;
    }
    match ground.app.once("restore-short", arguments).await {
        Err(Failure::Told(said)) if said.contains(&format!("{} 缺文件", gone.id)) => {}
        other => return Err(Failure::new(format!("缺一个文件的恢复没有说出来：{other:?}"))),
    }
    for (place, aside) in &aside {
        fs::remove_dir_all(place)?;
        fs::rename(aside, place)?;
    }
    Ok(())
}

/// Ends the current file of the log and waits until it lies in the archive.
async fn archived(ground: &Ground<'_>) -> Result {
    let file = ground.query("select pg_walfile_name(pg_switch_wal())")?;
    let there = format!("pg_stat_archiver where last_archived_wal >= '{file}'");
    ground.until(&there, 1, PATIENCE).await.map(drop)
}
