//! Finds PostgreSQL and Redis, and installs Debian's packages where that is allowed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::unistd::geteuid;

use crate::console::say;
use crate::failure::{Failure, Result};
use crate::process::{self, Child};

/// The oldest PostgreSQL that the SQL is written for.
const POSTGRES_MIN: u32 = 14;
/// The oldest Redis whose streams know XAUTOCLAIM.
const REDIS_MIN: (u32, u32) = (6, 2);

/// The programs of the services that were asked for.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    /// Every usable PostgreSQL, newest first.
    pub postgres: Vec<Installation>,
    /// `redis-server`.
    pub redis: Option<PathBuf>,
}

/// One installed PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The major version.
    pub major: u32,
    /// The folder of `initdb`, `pg_ctl`, `psql` and `pgbench`.
    pub bin: PathBuf,
}

/// What a command needs on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// A private PostgreSQL.
    pub postgres: bool,
    /// A private Redis.
    pub redis: bool,
}

/// Finds what is needed, installing it as root or by a sudo that asks for no password.
///
/// # Errors
/// Says exactly what to type when it may not install, or when the packages are too old.
pub async fn find_or_install(need: Need) -> Result<Tools> {
    let found = find();
    if lacking(need, &found).is_empty() {
        return Ok(found);
    }
    let lacking_names = lacking(need, &found);
    let Some(sudo) = install_prefix() else {
        return Err(Failure::new(told(&lacking_names)));
    };
    say(format!("缺少 {}，现在用 apt-get 安装……", names(&lacking_names)));
    apt(sudo, &["update", "-qq"], &lacking_names).await?;
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(lacking_names.iter().map(|package| package.debian));
    apt(sudo, &install, &lacking_names).await?;
    let found = find();
    let still = lacking(need, &found);
    if still.is_empty() { Ok(found) } else { Err(Failure::new(too_old(&still))) }
}

#[derive(Debug, PartialEq, Eq)]
struct Package {
    name: &'static str,
    debian: &'static str,
}

const POSTGRES: Package = Package { name: "PostgreSQL（14 或更新）", debian: "postgresql" };
const REDIS: Package = Package { name: "Redis（6.2 或更新）", debian: "redis-server" };

fn lacking(need: Need, found: &Tools) -> Vec<&'static Package> {
    let postgres = (need.postgres && found.postgres.is_empty()).then_some(&POSTGRES);
    let redis = (need.redis && found.redis.is_none()).then_some(&REDIS);
    postgres.into_iter().chain(redis).collect()
}

fn names(packages: &[&Package]) -> String {
    packages.iter().map(|package| package.name).collect::<Vec<_>>().join("和 ")
}

fn told(packages: &[&Package]) -> String {
    let debian: Vec<_> = packages.iter().map(|package| package.debian).collect();
    format!(
        "缺少 {}，而当前用户不能安装软件包。请执行：\n    sudo apt-get update && sudo apt-get install -y \
         --no-install-recommends {}\n然后再运行一次。也可以用 DATABASE_URL 和 REDIS_URL 指向现成的服务。",
        names(packages),
        debian.join(" ")
    )
}

fn too_old(packages: &[&Package]) -> String {
    format!(
        "本机软件源里的版本太旧：需要 {}。请安装新版，或用 DATABASE_URL 和 REDIS_URL 指向现成的服务。",
        names(packages)
    )
}

/// The words before `apt-get`: none for root, sudo when it asks nothing, `None` when neither.
fn install_prefix() -> Option<&'static [&'static str]> {
    in_path("apt-get")?;
    if geteuid().is_root() {
        return Some(&[]);
    }
    let mut sudo = Command::new(in_path("sudo")?);
    let quiet = sudo.args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
    quiet.then_some(&["sudo", "-n"])
}

async fn apt(sudo: &[&str], arguments: &[&str], packages: &[&Package]) -> Result {
    let all: Vec<&str> = [sudo, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]].concat();
    let (program, before) = all.split_first().unwrap_or((&"apt-get", &[]));
    let mut command = process::command(program);
    command.args(before).args(["-o", "DPkg::Lock::Timeout=120"]).args(arguments);
    // A package manager that is cut short leaves work for the next one: give it time.
    let status = Child::spawn("apt-get", &mut command, Duration::from_secs(90))?.wait().await?;
    if status.success() {
        return Ok(());
    }
    let step = arguments.first().copied().unwrap_or_default();
    Err(Failure::new(format!("apt-get {step} 失败（原因见上）。{}", told(packages))))
}

fn find() -> Tools {
    let mut bins: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    bins.extend(in_path("initdb").and_then(|found| found.parent().map(Path::to_path_buf)));
    let installed = bins.into_iter().filter_map(|bin| {
        let complete = ["initdb", "pg_ctl", "psql"].iter().all(|tool| bin.join(tool).is_file());
        let (major, _) = version_of(&bin.join("postgres"))?;
        complete.then_some(Installation { major, bin })
    });
    let redis = ["redis-server", "valkey-server"].into_iter().filter_map(in_path);
    Tools {
        postgres: newest_first(installed.collect()),
        redis: redis.into_iter().find(|path| version_of(path).is_some_and(|v| v >= REDIS_MIN)),
    }
}

fn newest_first(mut found: Vec<Installation>) -> Vec<Installation> {
    found.retain(|installation| installation.major >= POSTGRES_MIN);
    found.sort_by_key(|installation| std::cmp::Reverse(installation.major));
    found.dedup_by_key(|installation| installation.major);
    found
}

fn version_of(program: &Path) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("--version").output().ok()?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

/// The first `major.minor` in what a program says about itself; a lone `major` has the minor 0.
fn version_in(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let word = word.trim_start_matches("v=");
        let mut parts = word.split(|letter: char| !letter.is_ascii_digit());
        let major = parts.next()?.parse().ok()?;
        Some((major, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
    })
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Debian keeps some of these outside a plain user's PATH.
    let dirs = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    dirs.map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_say() {
        let cases = [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", Some((15, 14))),
            ("postgres (PostgreSQL) 18beta1", Some((18, 0))),
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Some((7, 0))),
            ("Redis server v=5.0.7 sha=0", Some((5, 0))),
            ("no version", None),
        ];
        for (text, version) in cases {
            assert_eq!(version_in(text), version, "{text}");
        }
    }

    #[test]
    fn the_newest_usable_postgres_comes_first() {
        let of =
            |major| Installation { major, bin: format!("/usr/lib/postgresql/{major}/bin").into() };
        assert_eq!(newest_first(vec![of(13), of(15), of(17), of(15)]), [of(17), of(15)]);
    }

    #[test]
    fn who_may_not_install_is_told_the_command() {
        let both = Need { postgres: true, redis: true };
        let nothing = Tools::default();
        let message = told(&lacking(both, &nothing));
        assert!(
            message.contains(
                "sudo apt-get install -y --no-install-recommends postgresql redis-server"
            )
        );
        let redis = told(&lacking(Need { postgres: false, redis: true }, &nothing));
        assert!(!redis.contains("postgresql"), "only what is missing: {redis}");
    }
}
