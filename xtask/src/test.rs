//! `cargo xtask test`: the short experiments of reliability against the real server and worker, and
//! every test, on services of its own. The runner's summary comes last.

use std::path::Path;
use std::process::Command as StdCommand;

use tokio::process::Command;

use crate::checkout::cargo;
use crate::failure::Result;
use crate::process;
use crate::services::{Durability, Services};
use crate::soak;

/// Runs the tests; `arguments` go to the runner. With arguments, only what they name is run.
///
/// # Errors
/// The runner's exit code.
pub async fn test(root: &Path, arguments: &[String]) -> Result {
    let experiments = if arguments.is_empty() { soak::short(root).await } else { Ok(()) };
    let services = Services::scratch(root, "test", Durability::None).await?;
    let documented = if arguments.is_empty() {
        let mut doc = cargo(root, ["test", "--workspace", "--doc", "--quiet"]);
        process::run("cargo test --doc", on(&services, &mut doc)).await
    } else {
        Ok(())
    };
    let mut tests = cargo(root, runner(has_nextest(), arguments));
    process::run("cargo test", on(&services, tests.args(arguments))).await?;
    documented.and(experiments)
}

/// The tests find their services here; the macros are checked against `.sqlx`, never against a
/// database that has no schema yet.
pub fn on<'a>(services: &Services, command: &'a mut Command) -> &'a mut Command {
    command
        .env("TEST_DATABASE_URL", &services.database_url)
        .env("TEST_REDIS_URL", &services.redis_url)
        .env("DATABASE_URL", &services.database_url)
        .env("REDIS_URL", &services.redis_url)
        .env("SQLX_OFFLINE", "true")
}

/// The runner's own words: the whole workspace unless the caller names packages.
fn runner(nextest: bool, arguments: &[String]) -> Vec<&'static str> {
    let names_packages =
        |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
    let mut words = if nextest { vec!["nextest", "run"] } else { vec!["test"] };
    words.extend((!arguments.iter().any(names_packages)).then_some("--workspace"));
    words
}

fn has_nextest() -> bool {
    StdCommand::new("cargo-nextest").arg("--version").output().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_packages_replace_the_workspace() {
        assert_eq!(runner(true, &[]), ["nextest", "run", "--workspace"]);
        assert_eq!(runner(false, &["a_test".to_owned()]), ["test", "--workspace"]);
        assert_eq!(runner(true, &["-p".to_owned(), "domain".to_owned()]), ["nextest", "run"]);
    }
}
