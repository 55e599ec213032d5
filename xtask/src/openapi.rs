//! `cargo xtask openapi`: openapi.yaml as the program itself describes its interface.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::app;
use crate::console::say;
use crate::failure::{Context, Failure, Result};
use crate::process::{command, exit_code};

/// Writes openapi.yaml, or with `check` only compares.
///
/// # Errors
/// The program fails, or with `check` the file is stale.
pub async fn openapi(root: &Path, check: bool) -> Result {
    let program = app::build(root, false).await?;
    let mut describe = command(&program);
    describe.arg("openapi").current_dir(root).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = describe.output().await.context(|| "运行 zhixiang openapi".to_owned())?;
    if !output.status.success() {
        return Err(Failure::Exit(exit_code(output.status)));
    }
    let path = root.join("openapi.yaml");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let new = String::from_utf8_lossy(&output.stdout);
    match first_difference(&kept, &new) {
        None => say("openapi.yaml 是最新的"),
        Some(line) if check => {
            return Err(Failure::new(format!(
                "openapi.yaml 从第 {line} 行起与代码不一致，请运行 cargo xtask openapi 并提交"
            )));
        }
        Some(_) => {
            fs::write(&path, new.as_bytes()).context(|| "写入 openapi.yaml".to_owned())?;
            say("已写入 openapi.yaml");
        }
    }
    Ok(())
}

/// The number of the first line that differs.
fn first_difference(kept: &str, new: &str) -> Option<usize> {
    if kept == new {
        return None;
    }
    Some(kept.lines().zip(new.lines()).take_while(|(kept, new)| kept == new).count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_counted_from_one() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
    }
}
