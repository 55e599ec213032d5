//! The system account that runs PostgreSQL and Redis: ourselves, or for root somebody with less power,
//! since PostgreSQL refuses to run as root.

use std::ffi::{CString, OsStr};
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User, geteuid, getgrouplist};

use crate::failure::{Context, Failure, Result};

/// Whom root becomes: the packages' own user, or the one that every system has.
const SERVICE_USERS: [&str; 2] = ["postgres", "nobody"];

/// Who runs the services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login name; an owner without one cannot be dropped to by `runuser`.
    pub name: Option<String>,
    uid: u32,
    groups: Vec<u32>,
    /// Whether we are root and become this account for each service.
    drops: bool,
}

impl Account {
    /// Ourselves; as root the owner of `data` if it exists, else `postgres`.
    pub fn choose(data: &Path) -> Result<Self> {
        let owner = fs::metadata(data).ok().map(|metadata| metadata.uid());
        let me = geteuid();
        if !me.is_root() {
            return match owner {
                Some(uid) if uid != me.as_raw() => Err(foreign(data, uid)),
                _ => Ok(Self::of(me, User::from_uid(me).ok().flatten(), false)),
            };
        }
        if let Some(uid) = owner.filter(|uid| *uid != 0).map(Uid::from_raw) {
            return Ok(Self::of(uid, User::from_uid(uid).ok().flatten(), true));
        }
        let user = SERVICE_USERS.iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or_else(|| {
            Failure::new(
                "PostgreSQL 不能用 root 运行，而系统里没有用户 postgres。请执行：\n    \
                 useradd --system --no-create-home postgres\n然后再运行一次。",
            )
        })?;
        Ok(Self::of(user.uid, Some(user), true))
    }

    fn of(uid: Uid, user: Option<User>, drops: bool) -> Self {
        let groups = user.as_ref().map(groups_of).unwrap_or_default();
        Self { name: user.map(|user| user.name), uid: uid.as_raw(), groups, drops }
    }

    /// A command that runs as this account, in its own process group, in a folder that anybody may
    /// stand in, and without the caller's `PG…` variables.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match (&self.name, self.drops) {
            (_, false) => Command::new(program),
            (Some(name), true) if !Path::new("/usr/bin/setpriv").exists() => {
                let mut command = Command::new("runuser");
                command.args(["-u", name, "--"]).arg(program);
                command
            }
            (name, true) => {
                let mut command = Command::new("setpriv");
                let group = self.groups.first().copied().unwrap_or(self.uid);
                command.arg(format!("--reuid={}", self.uid)).arg(format!("--regid={group}"));
                command.arg(if name.is_some() { "--init-groups" } else { "--clear-groups" });
                command.arg("--").arg(program);
                command
            }
        };
        without_pg_variables(&mut command).stdin(Stdio::null()).current_dir("/").process_group(0);
        command
    }

    /// Gives `path` to this account.
    pub fn own(&self, path: &Path) -> Result {
        if self.drops {
            chown(path, Some(self.uid), self.groups.first().copied())
                .context(|| format!("把 {} 交给服务用户", path.display()))?;
        }
        Ok(())
    }

    /// Whether `metadata` shows this account as the owner.
    pub fn owns(&self, metadata: &Metadata) -> bool {
        metadata.uid() == self.uid
    }

    /// The first folder on the way to `path` that this account may not pass, outermost first.
    pub fn blocked_at(&self, path: &Path) -> Option<PathBuf> {
        if !self.drops {
            return None;
        }
        let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
        ancestors.reverse();
        let known = ancestors.iter().filter_map(|dir| Some((*dir, fs::metadata(dir).ok()?)));
        let steps: Vec<Step> = known
            .map(|(dir, metadata)| Step {
                dir,
                mode: metadata.mode(),
                uid: metadata.uid(),
                gid: metadata.gid(),
            })
            .collect();
        first_blocked(&steps, self.uid, &self.groups).map(Path::to_path_buf)
    }
}

/// Removes what would turn a PostgreSQL tool to another server.
pub fn without_pg_variables(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
    command
}

fn groups_of(user: &User) -> Vec<u32> {
    let own = user.gid.as_raw();
    let all = CString::new(user.name.as_str()).ok().and_then(|n| getgrouplist(&n, user.gid).ok());
    let others = all.unwrap_or_default().into_iter().map(Gid::as_raw).filter(|gid| *gid != own);
    std::iter::once(own).chain(others).collect()
}

fn foreign(data: &Path, uid: u32) -> Failure {
    let owner = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    let owner = owner.map_or_else(|| uid.to_string(), |user| user.name);
    Failure::new(format!(
        "{} 属于用户 {owner}（多半是用 root 启动过）。请仍用 root 运行，或换一个检出目录；数据没有动过。",
        data.display()
    ))
}

struct Step<'a> {
    dir: &'a Path,
    mode: u32,
    uid: u32,
    gid: u32,
}

fn first_blocked<'a>(steps: &[Step<'a>], uid: u32, groups: &[u32]) -> Option<&'a Path> {
    let may_pass = |step: &Step<'_>| {
        let bit = match () {
            () if step.uid == uid => 0o100,
            () if groups.contains(&step.gid) => 0o010,
            () => 0o001,
        };
        step.mode & bit != 0
    };
    steps.iter().find(|step| !may_pass(step)).map(|step| step.dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: u32 = 101;
    const GROUP: u32 = 104;

    fn step(dir: &str, mode: u32, uid: u32, gid: u32) -> Step<'_> {
        Step { dir: Path::new(dir), mode, uid, gid }
    }

    #[test]
    fn a_home_of_root_is_in_the_way() {
        let steps =
            [step("/", 0o755, 0, 0), step("/root", 0o700, 0, 0), step("/root/code", 0o755, 0, 0)];
        assert_eq!(first_blocked(&steps, SERVICE, &[GROUP]), Some(Path::new("/root")));
    }

    #[test]
    fn the_bit_of_the_nearest_class_decides() {
        let pass = |mode, uid, gid| {
            first_blocked(&[step("/x", mode, uid, gid)], SERVICE, &[GROUP]).is_none()
        };
        assert!(pass(0o700, SERVICE, 0));
        assert!(!pass(0o077, SERVICE, GROUP), "the owner's own bit counts, not the others'");
        assert!(pass(0o710, 0, GROUP));
        assert!(!pass(0o707, 0, GROUP), "the group's bit counts, not the others'");
        assert!(pass(0o711, 0, 0));
        assert!(!pass(0o774, 0, 0), "reading is not passing");
    }

    #[test]
    fn an_open_way_is_open() {
        assert_eq!(first_blocked(&[step("/", 0o755, 0, 0)], SERVICE, &[]), None);
    }
}
