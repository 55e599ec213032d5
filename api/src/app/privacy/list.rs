//! The list of erased accounts, outside the database: ids and instants alone. It survives what a
//! backup brings back.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use domain::{id::AccountId, time::Timestamp};
use uuid::Uuid;

use crate::error::Error;

fn broken(error: std::io::Error) -> Error {
    Error::Internal(Box::new(error))
}

/// Adds a line to the list, and waits until it is on the disk. Without a configured file nothing is
/// kept, and somebody should know.
///
/// # Errors
/// The file cannot be written.
pub(super) async fn append(path: &str, account: AccountId, now: Timestamp) -> Result<(), Error> {
    if path.is_empty() {
        tracing::warn!("privacy.erased_list is not set: a restored backup brings this one back");
        return Ok(());
    }
    let (path, line) = (PathBuf::from(path), format!("{account} {}\n", now.to_rfc3339()));
    let written = tokio::task::spawn_blocking(move || {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    });
    written.await?.map_err(broken)
}

/// The accounts on a list, each once.
///
/// # Errors
/// It cannot be read; a line does not begin with an id.
pub(super) async fn read(path: &Path) -> Result<Vec<Uuid>, Error> {
    let path = path.to_owned();
    let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await?;
    let mut ids = Vec::new();
    for (line, entry) in (1..).zip(text.map_err(broken)?.lines()) {
        let Some(id) = entry.split_whitespace().next() else { continue };
        let id = id.parse::<Uuid>().map_err(|_| {
            let reason = format!("第 {line} 行的开头不是账号编号");
            domain::refusal::Invalid::field("list", reason)
        })?;
        ids.push(id);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use domain::id::Id;

    use super::*;

    #[tokio::test]
    async fn what_is_appended_is_read_once_and_nothing_else_is_taken() {
        let folder = std::env::temp_dir().join(format!("erased-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("list");
        let _ = std::fs::remove_file(&path);
        let at = chrono::DateTime::UNIX_EPOCH;
        let (one, two) = (AccountId::from_parts(at, &[1; 10]), AccountId::from_parts(at, &[2; 10]));
        for account in [two, one, two] {
            append(path.to_str().unwrap(), account, at).await.unwrap();
        }
        assert_eq!(read(&path).await.unwrap(), [one.0, two.0]);
        std::fs::write(&path, "\nnobody 1970\n").unwrap();
        let wrong = read(&path).await.unwrap_err();
        assert_eq!(wrong.code(), Some("invalid_field"), "{wrong}");
        assert!(append("/nowhere/list", one, at).await.is_err());
        append("", one, at).await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
