//! `cargo xtask prepare`: what the SQL macros know about the schema, written to `.sqlx/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::checkout::cargo;
use crate::console::say;
use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::services::postgres::Postgres;
use crate::services::{Durability, Services};

const SCHEMA: &str = "prepare";

/// Writes `.sqlx/` from the migrations, or with `check` only compares.
///
/// # Errors
/// A query does not fit the schema, or with `check` a file differs.
pub async fn prepare(root: &Path, check: bool) -> Result {
    let services = Services::scratch(root, "prepare", Durability::None).await?;
    let postgres = services.postgres().ok_or_else(|| Failure::new("没有私有的 PostgreSQL"))?;
    migrate(root, postgres, SCHEMA)?;
    let written = services.home.dir.join("sqlx");
    fs::create_dir(&written).context(|| format!("创建 {}", written.display()))?;
    // The macros run only when the crate is compiled, and only they know the queries.
    let source = root.join("infra/src/lib.rs");
    touch(&source).context(|| format!("更新 {} 的时间", source.display()))?;
    let mut build = cargo(root, ["check", "--package", "infra", "--all-targets", "--quiet"]);
    build
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &written)
        .env("DATABASE_URL", postgres.url(SCHEMA));
    process::run("cargo check", &mut build).await?;
    let (new, kept) = (queries(&written)?, root.join(".sqlx"));
    let differing = differing(&new, &queries(&kept)?);
    if check && !differing.is_empty() {
        return Err(Failure::new(format!(
            ".sqlx/ 与 SQL 不一致，请运行 cargo xtask prepare 并提交：\n    {}",
            differing.join("\n    ")
        )));
    }
    if !check {
        replace(&kept, &new)?;
    }
    say(format!(".sqlx/：{} 条查询，{} 个文件有变化", new.len(), differing.len()));
    Ok(())
}

/// Brings a database of this name up to the migrations of the checkout, with psql alone.
///
/// # Errors
/// A migration fails.
pub fn migrate(root: &Path, postgres: &Postgres, database: &str) -> Result {
    postgres.ensure_database(database)?;
    let dir = root.join("infra/migrations");
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&dir).context(|| format!("读取 {}", dir.display()))? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    for file in files {
        postgres.psql(database, &["-1", "-f", &file.display().to_string()])?;
    }
    Ok(())
}

fn touch(file: &Path) -> std::io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a build tool's time stamp, outside the product")]
    let now = std::time::SystemTime::now();
    fs::File::options().append(true).open(file)?.set_modified(now)
}

fn queries(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("query-") {
            found.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(found)
}

fn differing(new: &BTreeMap<String, Vec<u8>>, kept: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let changed = new.iter().filter_map(|(name, content)| match kept.get(name) {
        None => Some(format!("缺少 {name}")),
        Some(old) if old != content => Some(format!("过时 {name}")),
        Some(_) => None,
    });
    let gone = kept.keys().filter(|name| !new.contains_key(*name));
    changed.chain(gone.map(|name| format!("多余 {name}"))).collect()
}

fn replace(dir: &Path, new: &BTreeMap<String, Vec<u8>>) -> Result {
    fs::create_dir_all(dir).context(|| format!("创建 {}", dir.display()))?;
    for name in queries(dir)?.keys().filter(|name| !new.contains_key(*name)) {
        fs::remove_file(dir.join(name))?;
    }
    for (name, content) in new {
        fs::write(dir.join(name), content).context(|| format!("写入 {name}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_difference_is_named() {
        let of = |list: &[(&str, &str)]| -> BTreeMap<String, Vec<u8>> {
            list.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
        };
        let new = of(&[("query-a", "1"), ("query-b", "2"), ("query-c", "3")]);
        let kept = of(&[("query-a", "1"), ("query-b", "old"), ("query-d", "4")]);
        assert_eq!(differing(&new, &kept), ["过时 query-b", "缺少 query-c", "多余 query-d"]);
        assert!(differing(&new, &new).is_empty());
    }
}
