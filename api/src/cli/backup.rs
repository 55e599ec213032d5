//! Backups of the whole: PostgreSQL by its own tools, and the files beside it.
//!
//! A backup is a folder: `base` is what `pg_basebackup` made, `files` are the photos and voice as
//! they lie in the store (sealed), `manifest.json` is written last, so that a folder without one is
//! no backup. Keys are in none of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use api::{
    config::{Config, FileStore},
    http::operations,
    state::State,
};
use clap::Args;
use domain::time::Timestamp;
use infra::{crypto::Crypto, postgres::backup as store};
use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions;
use tokio::process::Command;

use super::Failure;

pub mod restore;

#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    tools: Tools,
}

/// Where the copies go: either or both, and the usage says so.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Place {
    /// 备份放在这个新目录里；不写则只把新的照片和语音拷到 --files
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// 照片和语音的副本放在哪里，默认在备份目录里；几次备份可以共用一个目录，只拷新的
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
}

/// Where PostgreSQL's programs are.
#[derive(Debug, Args)]
struct Tools {
    /// PostgreSQL 的程序目录（pg_basebackup、pg_ctl），默认自动查找
    #[arg(long, value_name = "DIR")]
    bin: Option<PathBuf>,
}

impl Tools {
    /// A program of PostgreSQL, of this major version where Debian's folders have it.
    fn find(&self, name: &str, major: &str) -> PathBuf {
        let debian = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
        let folders = self.bin.iter().chain(std::iter::once(&debian));
        let found = folders.map(|folder| folder.join(name)).find(|program| program.exists());
        // Else where the shell would look.
        found.unwrap_or_else(|| PathBuf::from(name))
    }
}

/// What a backup says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// The program's version.
    program: String,
    /// When it was complete.
    made_at: Timestamp,
    /// PostgreSQL's version.
    server: String,
    /// The migrations that were applied.
    migrations: Vec<i64>,
    /// By which it is known whether the configured keys open it.
    keys: String,
    /// How many files, and their bytes; none where the store is a bucket.
    files: Option<Copied>,
    /// Lines of the list of erased accounts.
    erased: usize,
}

/// Files that were looked at, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Copied {
    files: u64,
    bytes: u64,
}

const KEYS: &str = "backup";

impl Manifest {
    fn read(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join("manifest.json");
        let text =
            fs::read(&file).map_err(|why| format!("{} 不是完整的备份：{why}", folder.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    fn opens_by(&self, crypto: &Crypto) -> bool {
        hex::decode(&self.keys).is_ok_and(|mac| crypto.mac_matches(KEYS, b"keys", &mac))
    }

    fn major(&self) -> &str {
        self.server.split('.').next().unwrap_or_default()
    }
}

/// Makes a backup.
pub async fn backup(state: &State, given: &Backup) -> Result<(), Failure> {
    let Place { to, files } = &given.place;
    let Some(to) = to else {
        return copied(state, files.clone().unwrap_or_default()).await.map(drop);
    };
    fs::create_dir_all(to)?;
    if fs::read_dir(to)?.next().is_some() {
        return Err(format!("{} 不是空目录", to.display()).into());
    }
    let (server, _) = store::server(&mut *state.db.acquire().await?).await?;
    let mut manifest = Manifest {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: state.clock.now(),
        server,
        migrations: operations::applied(&state.db).await?,
        keys: hex::encode(state.crypto.mac(KEYS, b"keys")),
        files: None,
        erased: erased(&state.config),
    };
    let program = given.tools.find("pg_basebackup", manifest.major());
    let mut tool = Command::new(program);
    reaching(&mut tool, state);
    tool.arg("--pgdata").arg(to.join("base"));
    tool.args(["--format=plain", "--wal-method=stream", "--checkpoint=fast", "--no-password"]);
    run(&mut tool).await?;
    // After the database, never before it: then each row of the copy has its file.
    let files = files.clone().unwrap_or_else(|| to.join("files"));
    manifest.files = copied(state, files).await?;
    (_, manifest.made_at) = store::server(&mut *state.db.acquire().await?).await?;
    let text = serde_json::to_vec_pretty(&manifest)?;
    let file = to.join("manifest.json");
    fs::write(&file, text)?;
    fs::File::open(&file)?.sync_all()?;
    println!("备份完成：{}（{}）", to.display(), manifest.made_at);
    Ok(())
}

/// Copies the files that are new; none where a bucket keeps them.
async fn copied(state: &State, to: PathBuf) -> Result<Option<Copied>, Failure> {
    let Some(from) = local(&state.config) else {
        println!("照片和语音在对象存储里，请用它自己的复制功能备份");
        return Ok(None);
    };
    let all = |_: &str| true;
    let copied = tokio::task::spawn_blocking(move || copy_new(&from, &to, &all)).await??;
    println!(
        "照片和语音 {} 个文件（一张照片有原图、缩略图两个），{} 字节",
        copied.files, copied.bytes
    );
    Ok(Some(copied))
}

/// The folder of the local store's files.
fn local(config: &Config) -> Option<PathBuf> {
    (config.files.store == FileStore::Local)
        .then(|| Path::new(&config.files.directory).join("files"))
}

fn erased(config: &Config) -> usize {
    let list = fs::read_to_string(&config.privacy.erased_list).unwrap_or_default();
    list.lines().count()
}

/// Tells a tool of PostgreSQL where the database is. The password goes by the environment, which
/// other accounts of the machine do not see.
fn reaching(tool: &mut Command, state: &State) {
    let options = state.db.connect_options();
    let host = options
        .get_socket()
        .map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    tool.env("PGHOST", host)
        .env("PGPORT", options.get_port().to_string())
        .env("PGUSER", options.get_username());
    if let Some(password) = options.to_url_lossy().password() {
        let pair = format!("password={}", password.replace('+', "%2B"));
        if let Some((_, password)) = form_urlencoded::parse(pair.as_bytes()).next() {
            tool.env("PGPASSWORD", password.as_ref());
        }
    }
}

async fn run(tool: &mut Command) -> Result<(), Failure> {
    let name = tool.as_std().get_program().to_string_lossy().into_owned();
    let output = tool.output().await.map_err(|why| format!("不能运行 {name}：{why}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name} 失败（{}）：{}", output.status, said.trim()).into())
}

/// Copies what is wanted, by name, and is not there yet, or was sealed anew since; what is half written
/// has a `#` in its name. Each file is whole under its name or not there.
fn copy_new(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<Copied> {
    let mut all = Copied::default();
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        entries => entries?,
    };
    fs::create_dir_all(to)?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let (source, target) = (entry.path(), to.join(&name));
        if entry.file_type()?.is_dir() {
            let inner = copy_new(&source, &target, wanted)?;
            all.files += inner.files;
            all.bytes += inner.bytes;
            continue;
        }
        let told = name.to_string_lossy();
        if told.contains('#') || !wanted(&told) {
            continue;
        }
        let meta = match entry.metadata() {
            // Swept or erased meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta?,
        };
        let same = fs::metadata(&target).is_ok_and(|there| {
            there.len() == meta.len() && there.modified().ok() == meta.modified().ok()
        });
        if same {
            all.files += 1;
            all.bytes += meta.len();
            continue;
        }
        // Of this process: another may copy into the same folder.
        let mut half = target.clone().into_os_string();
        half.push(format!("#copy{}", std::process::id()));
        match fs::copy(&source, &half) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            done => done?,
        };
        all.files += 1;
        all.bytes += meta.len();
        let copy = fs::File::options().write(true).open(&half)?;
        copy.set_modified(meta.modified()?)?;
        copy.sync_all()?;
        fs::rename(&half, &target)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_copied_once_and_again_when_they_were_sealed_anew() {
        let root = std::env::temp_dir().join(format!("zx-copy-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let (from, to) = (root.join("from"), root.join("to"));
        fs::create_dir_all(from.join("2026-11-24")).unwrap();
        fs::write(from.join("2026-11-24/one"), b"old").unwrap();
        fs::write(from.join("2026-11-24/two#1"), b"half").unwrap();
        let copied = copy_new(&from, &to, &|_| true).unwrap();
        assert_eq!(copied, Copied { files: 1, bytes: 3 });
        let one = to.join("2026-11-24/one");
        let before = fs::metadata(&one).unwrap();
        assert_eq!(copy_new(&from, &to, &|_| true).unwrap(), copied);
        assert_eq!(fs::metadata(&one).unwrap().created().ok(), before.created().ok(), "left alone");
        assert!(!to.join("2026-11-24/two#1").exists(), "half of a file is none");
        fs::write(from.join("2026-11-24/one"), b"new").unwrap();
        let later = before.modified().unwrap() + std::time::Duration::from_secs(5);
        let source = fs::File::options().write(true).open(from.join("2026-11-24/one")).unwrap();
        source.set_modified(later).unwrap();
        copy_new(&from, &to, &|_| true).unwrap();
        assert_eq!(fs::read(&one).unwrap(), b"new");
        assert_eq!(copy_new(&root.join("nowhere"), &to, &|_| true).unwrap(), Copied::default());
        let back = root.join("back");
        let some = copy_new(&to, &back, &|name| name == "one").unwrap();
        assert_eq!((some.files, back.join("2026-11-24/one").exists()), (1, true));
        fs::write(to.join("2026-11-24/two"), b"of somebody who left").unwrap();
        copy_new(&to, &back, &|name| name == "one").unwrap();
        assert!(!back.join("2026-11-24/two").exists(), "what nobody wants stays where it is");
        fs::remove_dir_all(&root).unwrap();
    }
}
