//! Where the sources are, and how cargo is called from inside cargo.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::process;

/// The root of the checkout that the caller stands in.
pub fn root() -> Result<PathBuf> {
    let here = env::current_dir().context(|| "当前目录不可用".to_owned())?;
    let found = here.ancestors().find(|dir| dir.join("xtask/Cargo.toml").is_file());
    let found = found.ok_or_else(|| Failure::new("请在仓库目录里运行 cargo xtask"))?;
    found.canonicalize().context(|| format!("打开 {}", found.display()))
}

/// `cargo` at the root, as if typed in a fresh shell: what the outer cargo has set for us would make
/// build scripts run again that watch these variables.
pub fn cargo<I: AsRef<OsStr>>(root: &Path, arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = process::command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_the_outer_cargo) {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(root);
    command
}

fn is_of_the_outer_cargo(name: &str) -> bool {
    name == "CARGO"
        || name == "CARGO_CRATE_NAME"
        || name == "CARGO_PRIMARY_PACKAGE"
        || name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_cargo_settings_stay() {
        assert!(is_of_the_outer_cargo("CARGO_PKG_NAME"));
        for kept in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR", "CARGO_INCREMENTAL"] {
            assert!(!is_of_the_outer_cargo(kept), "{kept}");
        }
    }
}
