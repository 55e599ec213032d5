//! The folder that one set of private services lives in, locked while it is used.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::console::say;
use crate::failure::{Context, Failure, Result};
use crate::services::account::Account;

/// A socket's whole path has 107 bytes at most; the longest name of ours in it is
/// `/.s.PGSQL.5432.lock`.
const LONGEST_SOCKET_DIR: usize = 107 - "/.s.PGSQL.5432.lock".len();

/// How many sets of test services may run side by side on one checkout.
const SLOTS: u32 = 9;

/// A data folder with its lock; a scratch one is emptied when this value goes.
#[derive(Debug)]
pub struct Home {
    /// The folder itself, without symbolic links.
    pub dir: PathBuf,
    /// Where the sockets are: inside `dir`, or in a short folder below `/tmp`.
    pub sockets: PathBuf,
    /// Who runs the services in it.
    pub account: Account,
    /// Whether what is in it is of no value after this run.
    pub scratch: bool,
    _lock: File,
}

impl Home {
    /// Opens a folder whose data is kept, such as `.data`. `purpose` is what another run is told that
    /// finds it locked.
    pub fn kept(root: &Path, name: &str, purpose: &str) -> Result<Self> {
        let (dir, account) = locate(root, name)?;
        match lock(&dir, purpose)? {
            Ok(lock) => Self::prepare(dir, account, lock, false),
            Err(holder) => Err(Failure::new(format!(
                "{name}/ 正被另一个进程使用：{holder}。请先在它的终端按 Ctrl-C 停下，再运行。"
            ))),
        }
    }

    /// Opens a folder for tests: `.data-<name>`, or `.data-<name>-2` and so on when that is in use by
    /// another run.
    pub fn scratch(root: &Path, name: &str) -> Result<Self> {
        for slot in slots(name) {
            if let Some(home) = Self::unused(root, &slot)? {
                return Ok(home);
            }
        }
        Err(Failure::new(format!(
            "没有可用的测试目录：.data-{name} 等 {SLOTS} 个都在使用中，或属于别的用户。请等它们结束，或删除它们。"
        )))
    }

    /// The folders of test runs that are over, also of killed ones whose services may still run.
    pub fn abandoned(root: &Path, name: &str) -> Result<Vec<Self>> {
        let existing = slots(name).filter(|slot| root.join(slot).exists());
        let mut homes = Vec::new();
        for slot in existing {
            homes.extend(Self::unused(root, &slot)?);
        }
        Ok(homes)
    }

    fn unused(root: &Path, slot: &str) -> Result<Option<Self>> {
        let (dir, account) = locate(root, slot)?;
        // One that another user has left is as good as one in use.
        let lock = lock(&dir, "cargo xtask test").ok().and_then(std::result::Result::ok);
        lock.map(|lock| Self::prepare(dir, account, lock, true)).transpose()
    }

    fn prepare(dir: PathBuf, account: Account, lock: File, scratch: bool) -> Result<Self> {
        let sockets = socket_dir(&dir);
        let home = Self { dir, sockets, account, scratch, _lock: lock };
        home.lay_out()?;
        Ok(home)
    }

    fn lay_out(&self) -> Result {
        for part in ["log", "run"] {
            create(&self.dir.join(part), 0o755)?;
        }
        create(&self.sockets, 0o700)?;
        let metadata = fs::symlink_metadata(&self.sockets)?;
        if metadata.is_dir() && (self.account.owns(&metadata) || metadata.uid() == 0) {
            return self.account.own(&self.sockets);
        }
        let sockets = self.sockets.display();
        Err(Failure::new(format!("{sockets} 已被别的用户占用，请删除它再运行")))
    }

    /// The log of the service `name`; the service may write to it.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join("log").join(format!("{name}.log"));
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .context(|| format!("写入 {}", path.display()))?;
        Ok(path)
    }

    /// A fresh log of one of our own children; the one before is kept beside it as `.1`.
    pub fn fresh_log(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join("log").join(format!("{name}.log"));
        let _ = fs::rename(&path, path.with_extension("log.1"));
        self.log(name)
    }

    /// Moves something half made out of the way, as `broken-<time>`: nothing that may hold data is
    /// deleted.
    pub fn set_aside(&self, path: &Path) -> Result {
        let time = now().format("%Y%m%d-%H%M%S");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.dir.join(format!("broken-{time}-{name}"));
        fs::rename(path, &aside).context(|| format!("移开 {}", path.display()))?;
        say(format!("{} 没有初始化完，已移到 {}", path.display(), aside.display()));
        Ok(())
    }

    /// Deletes everything but the lock. Nothing may run in it any more.
    pub fn clear(&self) -> Result {
        let _ = fs::remove_dir_all(&self.sockets);
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let path = entry.path();
            let removed = match entry.file_type()?.is_dir() {
                _ if entry.file_name() == "lock" => Ok(()),
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed.context(|| format!("删除 {}", path.display()))?;
        }
        Ok(())
    }

    /// Empties the folder and lays it out anew.
    pub fn renew(&self) -> Result {
        self.clear()?;
        self.lay_out()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.scratch {
            let _ = self.clear();
        }
    }
}

fn slots(name: &str) -> impl Iterator<Item = String> {
    let first = format!(".data-{name}");
    let others = (2..=SLOTS).map(|slot| format!(".data-{name}-{slot}")).collect::<Vec<_>>();
    std::iter::once(first).chain(others)
}

/// The real folder of `root/name`, and who runs the services there.
fn locate(root: &Path, name: &str) -> Result<(PathBuf, Account)> {
    let wanted = root.join(name);
    let dir = match fs::symlink_metadata(&wanted) {
        Ok(found) if found.is_symlink() => root.join(fs::read_link(&wanted)?),
        _ => wanted.clone(),
    };
    let account = Account::choose(&dir.join("postgres"))?;
    let Some(blocked) = account.blocked_at(&dir.join("postgres")).filter(|at| *at != dir) else {
        create(&dir, 0o755)?;
        return Ok((dir, account));
    };
    let who = account.name.clone().unwrap_or_default();
    if dir.join("postgres").exists() {
        return Err(Failure::new(format!(
            "数据在 {}，但用户 {who} 进不去 {}。请执行：\n    chmod o+x {}\n然后再运行一次；数据没有动过。",
            dir.display(),
            blocked.display(),
            blocked.display()
        )));
    }
    let outside = outside(root).join(name.trim_start_matches('.'));
    create(&outside, 0o755)?;
    say(format!(
        "用户 {who} 进不去 {}，数据改放在 {}（下次仍用它）",
        blocked.display(),
        outside.display()
    ));
    if dir.is_dir() && fs::remove_dir(&dir).is_err() {
        return Ok((outside, account));
    }
    // The link only helps a person to find it: without it the same folder is found by its name.
    let _ = std::os::unix::fs::symlink(&outside, &wanted);
    Ok((outside, account))
}

/// Where root keeps the data of a checkout that `postgres` cannot enter. Not below `/var/tmp`, since
/// systemd deletes there what was not touched for a month.
fn outside(root: &Path) -> PathBuf {
    PathBuf::from(format!("/var/lib/zhixiang-{:016x}", fingerprint(root)))
}

fn socket_dir(dir: &Path) -> PathBuf {
    let inside = dir.join("sock");
    let bytes = inside.as_os_str().as_bytes();
    // Other letters would need quoting in PostgreSQL's list of folders and in both URLs.
    let plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte));
    if plain && bytes.len() <= LONGEST_SOCKET_DIR {
        inside
    } else {
        PathBuf::from(format!("/tmp/zhixiang-{:016x}", fingerprint(dir)))
    }
}

/// FNV-1a over the path: a name that stays the same from run to run and from compiler to compiler.
fn fingerprint(path: &Path) -> u64 {
    path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn create(dir: &Path, mode: u32) -> Result {
    DirBuilder::new().recursive(true).mode(mode).create(dir).map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::PermissionDenied => "（当前用户无权写这里：请换用户或换检出目录）",
            _ => "",
        };
        Failure::new(format!("无法创建 {}：{error}{advice}", dir.display()))
    })
}

/// Takes the folder's lock, which ends with this process however that ends; else says who has it.
fn lock(dir: &Path, purpose: &str) -> Result<std::result::Result<File, String>> {
    let path = dir.join("lock");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .context(|| format!("打开 {}（它属于启动过服务的用户）", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{purpose}（进程 {}）", std::process::id())?;
            Ok(Ok(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder)?;
            Ok(Err(holder))
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

#[expect(clippy::disallowed_methods, reason = "a file name for a person, outside the product")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_plain_folder_keeps_its_sockets() {
        assert_eq!(socket_dir(Path::new("/work/main/.data")), Path::new("/work/main/.data/sock"));
    }

    #[test]
    fn a_long_or_unusual_folder_has_them_below_tmp() {
        for dir in [format!("/{}", "x".repeat(90)), "/home/li/智享".into(), "/a b".into()] {
            let sockets = socket_dir(Path::new(&dir));
            assert!(sockets.starts_with("/tmp"), "{sockets:?}");
            assert!(sockets.as_os_str().len() <= LONGEST_SOCKET_DIR);
            assert_eq!(sockets, socket_dir(Path::new(&dir)), "the same on every start");
        }
    }

    #[test]
    fn two_checkouts_have_two_places_outside() {
        assert_ne!(outside(Path::new("/root/a")), outside(Path::new("/root/b")));
    }

    #[test]
    fn a_locked_folder_says_by_whom() {
        let dir = std::env::temp_dir().join(format!("xtask-lock-{}", std::process::id()));
        create(&dir, 0o755).unwrap();
        let held = lock(&dir, "cargo xtask run，端口 8080").unwrap().unwrap();
        let holder = lock(&dir, "another").unwrap().unwrap_err();
        assert!(holder.contains("端口 8080"), "{holder}");
        drop(held);
        lock(&dir, "another").unwrap().unwrap();
        fs::remove_dir_all(&dir).unwrap();
    }
}
