//! Child processes that never outlive this one, and other processes seen through `/proc`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::console::say;
use crate::failure::{Context, Failure, Result};

const POLL: Duration = Duration::from_millis(20);

/// A command in a process group of its own: Ctrl-C in the terminal reaches us alone, and we decide
/// in which order things stop.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// A running child with everything that it started; dropping it ends the whole group.
#[derive(Debug)]
pub struct Child {
    name: String,
    inner: tokio::process::Child,
    group: Pid,
    grace: Duration,
    ended: bool,
}

impl Child {
    /// Starts `command` (made by [`command`]); on stop it gets `grace` to end by itself.
    pub fn spawn(name: &str, command: &mut Command, grace: Duration) -> Result<Self> {
        let inner = command.spawn().context(|| format!("无法启动 {name}"))?;
        let id = inner.id().and_then(|id| i32::try_from(id).ok());
        let id = id.ok_or_else(|| Failure::new(format!("{name} 一启动就退出了")))?;
        Ok(Self { name: name.to_owned(), inner, group: Pid::from_raw(id), grace, ended: false })
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        self.group.as_raw()
    }

    /// The name that messages use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the child ends by itself.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.inner.wait().await.context(|| format!("等待 {}", self.name))?;
        self.ended = true;
        Ok(status)
    }

    fn has_ended(&mut self) -> bool {
        self.ended = self.ended || !matches!(self.inner.try_wait(), Ok(None));
        self.ended
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        stop_all(&mut [self]);
    }
}

/// Asks all of them to stop at the same time, waits for each one's grace, then ends what is left.
pub fn stop_all(children: &mut [&mut Child]) {
    let asked = Instant::now();
    let mut running: Vec<&mut Child> =
        children.iter_mut().map(|child| &mut **child).filter_map(unless_ended).collect();
    for child in &running {
        let _ = killpg(child.group, Signal::SIGTERM);
    }
    for child in &mut running {
        while !child.has_ended() && asked.elapsed() < child.grace {
            sleep(POLL);
        }
        if !child.has_ended() {
            say(format!("{} 在 {} 秒内没有停下，强制结束", child.name, child.grace.as_secs()));
        }
        // Also what the child itself left behind, such as a compiler or a test.
        let _ = killpg(child.group, Signal::SIGKILL);
        while !child.has_ended() {
            sleep(POLL);
        }
    }
}

fn unless_ended(child: &mut Child) -> Option<&mut Child> {
    if child.has_ended() { None } else { Some(child) }
}

/// Runs a tool to its end with its output on our terminal; its exit code becomes ours.
pub async fn run(name: &str, command: &mut Command) -> Result {
    let status = Child::spawn(name, command, Duration::from_secs(10))?.wait().await?;
    if status.success() { Ok(()) } else { Err(Failure::Exit(exit_code(status))) }
}

/// The exit code of a process; one that a signal ended counts as 1.
pub fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Resolves at Ctrl-C, SIGTERM or a closed terminal. From the first call on these no longer end us
/// by themselves, so that the guards can do their work.
pub async fn interrupted() -> Result {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

/// When process `pid` started, in clock ticks since boot; `None` when it is gone or only waits to be
/// reaped. Together with the pid it names one process for good, since pids are used again.
pub fn started(pid: i32) -> Option<u64> {
    start_tick(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn start_tick(stat: &str) -> Option<u64> {
    // The name in parentheses may hold anything: fields count from behind the last `)`.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Whether `pid` runs and its command line names `path`: PostgreSQL's names its data, Redis' its
/// socket. Unlike its working folder, root may read that inside a container, too.
pub fn serves(pid: i32, path: &Path) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    started(pid).is_some() && String::from_utf8_lossy(&line).contains(&*path.to_string_lossy())
}

/// Asks a process that is not our child to stop; whether it is gone within `grace`.
pub fn terminate(pid: i32, grace: Duration) -> bool {
    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    gone_within(pid, grace)
}

/// Whether `pid` is gone before `grace` is over.
pub fn gone_within(pid: i32, grace: Duration) -> bool {
    let since = Instant::now();
    while started(pid).is_some() {
        if since.elapsed() > grace {
            return false;
        }
        sleep(POLL);
    }
    true
}

/// A file that says which process serves a data folder, so that the next run finds what a killed one
/// left. It goes away with this value.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Notes `pid` in `path`.
    pub fn write(path: PathBuf, pid: i32) -> Result<Self> {
        let started = started(pid).unwrap_or_default();
        fs::write(&path, format!("{pid} {started}\n"))
            .context(|| format!("写入 {}", path.display()))?;
        Ok(Self(path))
    }

    /// The noted process, if that very process still runs.
    pub fn running(path: &Path) -> Option<i32> {
        let text = fs::read_to_string(path).ok()?;
        let (pid, noted) = text.trim().split_once(' ')?;
        let pid = pid.parse().ok()?;
        let noted: u64 = noted.parse().ok()?;
        (started(pid)? == noted).then_some(pid)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(name: &str, state: char) -> String {
        format!("7 ({name}) {state} 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 9876 1 1")
    }

    #[test]
    fn the_start_is_read_behind_any_process_name() {
        assert_eq!(start_tick(&stat("postgres", 'S')), Some(9876));
        assert_eq!(start_tick(&stat("a) b (c", 'R')), Some(9876));
    }

    #[test]
    fn a_process_that_only_waits_to_be_reaped_is_gone() {
        assert_eq!(start_tick(&stat("redis", 'Z')), None);
        assert_eq!(start_tick(""), None);
    }

    #[test]
    fn a_pid_file_knows_its_very_process() {
        let me = i32::try_from(std::process::id()).unwrap();
        let path = std::env::temp_dir().join(format!("xtask-pid-{me}"));
        let file = PidFile::write(path.clone(), me).unwrap();
        assert_eq!(PidFile::running(&path), Some(me));
        fs::write(&path, format!("{me} 1\n")).unwrap();
        assert_eq!(PidFile::running(&path), None, "the same pid, another process");
        drop(file);
        assert!(!path.exists());
    }
}
