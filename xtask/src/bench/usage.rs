//! What a process uses, from `/proc`.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::failure::{Context, Failure, Result};

/// Linux counts CPU time for user space in hundredths of a second, whatever the kernel's own tick.
const TICK: Duration = Duration::from_millis(10);

/// The CPU time of a process so far.
pub fn cpu(pid: i32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).context(|| path.clone())?;
    ticks(&stat).map(|ticks| TICK * ticks).ok_or_else(|| Failure::new(format!("读不懂 {path}")))
}

fn ticks(stat: &str) -> Option<u32> {
    // The name in parentheses may hold anything: fields count from behind the last `)`.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The most memory that a process has had at once.
pub fn peak_kilobytes(pid: i32) -> Result<u32> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).context(|| path.clone())?;
    peak(&status).ok_or_else(|| Failure::new(format!("读不懂 {path}")))
}

fn peak(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// A process that stands still; it goes on when this value goes.
#[derive(Debug)]
pub struct Paused(Pid);

impl Paused {
    /// Stops `pid` until the value is dropped.
    pub fn stop(pid: i32) -> Result<Self> {
        let pid = Pid::from_raw(pid);
        kill(pid, Signal::SIGSTOP)?;
        Ok(Self(pid))
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_count_together() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 150 42 0 0 20 0 1 0 9876 1 1";
        assert_eq!(ticks(stat), Some(192));
        assert_eq!(ticks("7 (x"), None);
    }

    #[test]
    fn the_peak_is_the_high_water_mark() {
        let status = "Name:\tzhixiang\nVmPeak:\t  900000 kB\nVmHWM:\t   43210 kB\nVmRSS:\t  1 kB\n";
        assert_eq!(peak(status), Some(43_210));
    }

    #[test]
    fn our_own_figures_are_there() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(peak_kilobytes(me).unwrap() > 0);
        cpu(me).unwrap();
    }
}
