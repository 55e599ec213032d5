//! `cargo xtask mutants`: a test that cannot fail proves nothing. Each mutant breaks one guarantee in
//! a copy of the checkout, and the test that watches over it must fail there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::checkout::cargo;
use crate::console::say;
use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::services::{Durability, Services};
use crate::{prepare, test};

/// A mutant, `tests/mutants/<name>.patch`, and the end-to-end test that must catch it.
struct Mutant {
    name: &'static str,
    test: &'static str,
}

const MUTANTS: [Mutant; 3] = [
    Mutant { name: "outbox", test: "queue::a_complaint_and_its_job_are_one_transaction" },
    Mutant { name: "guard", test: "redemption::two_hundred_at_once_sell_exactly_ten" },
    Mutant {
        name: "fencing",
        test: "queue::a_dead_worker_s_job_passes_on_and_the_dead_may_not_come_back",
    },
];

/// The database that the macros check the mutants' queries against.
const SCHEMA: &str = "mutants";

/// Tries the mutants, or the one that is named.
///
/// # Errors
/// One is not caught, or does not compile.
pub async fn mutants(root: &Path, name: Option<&str>) -> Result {
    let chosen: Vec<&Mutant> =
        MUTANTS.iter().filter(|one| name.is_none_or(|name| one.name == name)).collect();
    if chosen.is_empty() {
        let names = MUTANTS.map(|one| one.name).join("、");
        return Err(Failure::new(format!("没有这个变异；有 {names}")));
    }
    let services = Services::scratch(root, "mutants", Durability::None).await?;
    let postgres = services.postgres().ok_or_else(|| Failure::new("没有私有的 PostgreSQL"))?;
    prepare::migrate(root, postgres, SCHEMA)?;
    let schema = postgres.url(SCHEMA);
    let mut survivors = Vec::new();
    for mutant in chosen {
        let copy = copy(root).await?;
        apply(&copy, &root.join(patch(mutant.name)), false).await?;
        say(format!("变异 {}：编译……", mutant.name));
        let tests = |arguments: &[&str]| {
            let mut tests = cargo(&copy, ["test", "--package", "tests", "--test", "it"]);
            test::on(&services, &mut tests);
            tests.args(arguments).env("CARGO_TARGET_DIR", target(root));
            tests.env("SQLX_OFFLINE", "false").env("DATABASE_URL", &schema);
            tests
        };
        process::run("cargo test", &mut tests(&["--quiet", "--no-run"])).await?;
        match caught(&mut tests(&["--quiet", "--", "--exact", mutant.test])).await? {
            Some(why) => say(format!("变异 {} 被 {} 发现：{why}", mutant.name, mutant.test)),
            None => survivors.push(mutant.name),
        }
    }
    if survivors.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("没有测试发现的变异：{}", survivors.join("、"))))
}

fn patch(name: &str) -> PathBuf {
    Path::new("tests/mutants").join(format!("{name}.patch"))
}

/// What is compiled for the checkout serves the mutants as well.
fn target(root: &Path) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root.join(target)
}

/// Runs a test; what it says when it fails.
async fn caught(test: &mut Command) -> Result<Option<String>> {
    let output = test.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = output.output().await.context(|| "cargo test".to_owned())?;
    if output.status.success() {
        return Ok(None);
    }
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at"));
    match (lines.next(), lines.next()) {
        (Some(at), Some(why)) => Ok(Some(format!("{}（{}）", why.trim(), at.trim()))),
        // It did not fail by what it asserts.
        _ => Err(Failure::new(format!("测试没有运行：{said}"))),
    }
}

/// The tracked files in a folder of their own. What has not changed since the last mutant is left
/// alone, so that it is not compiled again.
async fn copy(root: &Path) -> Result<PathBuf> {
    let copy = root.join("target/mutants/checkout");
    let listed = git(root, &["ls-files", "-z"]).await?;
    let tracked: BTreeSet<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
    for name in &tracked {
        let (from, to) = (root.join(name), copy.join(name));
        // Deleted, but not yet in the index.
        let Ok(wanted) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|there| there == wanted) {
            continue;
        }
        if let Some(dir) = to.parent() {
            fs::create_dir_all(dir).context(|| format!("创建 {}", dir.display()))?;
        }
        fs::write(&to, wanted).context(|| format!("写入 {}", to.display()))?;
    }
    remove_others(&copy, &copy, &tracked)?;
    Ok(copy)
}

/// Files of an earlier copy that are tracked no more.
fn remove_others(copy: &Path, dir: &Path, tracked: &BTreeSet<&str>) -> Result {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.strip_prefix(copy)?.to_string_lossy().into_owned();
        // Services of the copy's own tests.
        if name.starts_with(".data") {
            continue;
        }
        if path.is_dir() {
            remove_others(copy, &path, tracked)?;
        } else if !tracked.contains(name.as_str()) {
            fs::remove_file(&path).context(|| format!("删除 {}", path.display()))?;
        }
    }
    Ok(())
}

/// Applies a patch to the files in `dir`, or with `check` only says whether it fits.
async fn apply(dir: &Path, patch: &Path, check: bool) -> Result {
    let patch = patch.to_string_lossy().into_owned();
    let mut arguments = vec!["apply"];
    arguments.extend(check.then_some("--check"));
    arguments.push(&patch);
    git(dir, &arguments).await.map(drop)
}

/// The copy lies inside the checkout and is none itself: git must not look for one above it.
async fn git(dir: &Path, arguments: &[&str]) -> Result<String> {
    let mut git = process::command("git");
    git.args(arguments).current_dir(dir).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(above) = dir.parent() {
        git.env("GIT_CEILING_DIRECTORIES", above);
    }
    let output = git.output().await.context(|| "运行 git".to_owned())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("git {}：{}", arguments.join(" "), said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
    }

    #[tokio::test]
    async fn every_mutant_still_fits_the_code() {
        for mutant in &MUTANTS {
            let patch = root().join(patch(mutant.name));
            if let Err(failure) = apply(&root(), &patch, true).await {
                panic!("{}: {failure:?}", mutant.name);
            }
        }
    }

    #[test]
    fn every_patch_is_tried_and_its_test_is_there() {
        let listed: BTreeSet<String> =
            MUTANTS.iter().map(|mutant| format!("{}.patch", mutant.name)).collect();
        let files = fs::read_dir(root().join("tests/mutants")).unwrap();
        let files: BTreeSet<String> =
            files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
        assert_eq!(files, listed);
        for Mutant { test, .. } in &MUTANTS {
            let (file, function) = test.split_once("::").unwrap();
            let text = fs::read_to_string(root().join(format!("tests/it/{file}.rs"))).unwrap();
            assert!(text.contains(&format!("async fn {function}()")), "{test}");
        }
    }
}
