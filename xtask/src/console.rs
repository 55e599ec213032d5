//! Lines for the person at the terminal.

use std::fmt::Display;
use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

/// Prints one line at once. A closed terminal must not stop the orderly stop, so errors are ignored.
pub fn say(line: impl Display) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// The last `lines` lines of a log with its path above, or just the path when it cannot be read.
pub fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    let last = all.get(all.len().saturating_sub(lines)..).unwrap_or_default();
    let shown: String = last.iter().map(|line| format!("\n    {line}")).collect();
    format!("日志 {}{}{shown}", log.display(), if last.is_empty() { "" } else { "，末尾是：" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_names_the_log_and_shows_only_its_end() {
        let log = std::env::temp_dir().join(format!("xtask-tail-{}", std::process::id()));
        fs::write(&log, "一\n二\n三\n").unwrap();
        let text = tail(&log, 2);
        fs::remove_file(&log).unwrap();
        assert!(text.contains(&log.display().to_string()));
        assert!(text.ends_with("\n    二\n    三"), "{text}");
        assert!(!tail(&log, 2).contains("末尾"), "a missing log is only named");
    }
}
