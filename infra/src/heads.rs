//! The heads of the audit trail's chain outside the database: a file that is only added to, one line
//! a block.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use domain::audit::chain::Head;

/// What is read from the end of the file to find the last head: many lines of about 100 bytes.
const TAIL: u64 = 4096;

/// The file in a folder.
pub fn file(folder: &str) -> PathBuf {
    Path::new(folder).join("audit-heads.log")
}

/// The last head that can be read; none without a file.
///
/// # Errors
/// The file is there and cannot be read.
pub fn last(file: &Path) -> io::Result<Option<Head>> {
    let mut file = match File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    Ok(String::from_utf8_lossy(&tail).lines().rev().find_map(Head::parse))
}

/// Adds heads, and answers when they are on the disk. A line that a crash cut short is ended first.
///
/// # Errors
/// The folder cannot be made or the file not written.
pub fn add(file: &Path, heads: &[Head]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let is_new = !file.exists();
    let mut log = OpenOptions::new().read(true).append(true).create(true).open(file)?;
    let mut lines = String::new();
    if log.seek(SeekFrom::End(0))? > 0 {
        let mut end = [0];
        log.seek(SeekFrom::End(-1))?;
        log.read_exact(&mut end)?;
        if end != *b"\n" {
            lines.push('\n');
        }
    }
    for head in heads {
        lines.push_str(&format!("{head}\n"));
    }
    log.write_all(lines.as_bytes())?;
    log.sync_all()?;
    if is_new && let Some(folder) = file.parent() {
        // So that the file itself is found after a crash.
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::audit::chain;

    use super::*;
    use crate::random;

    fn head(no: i64) -> Head {
        let sealed_at = "2026-11-24T01:00:00Z".parse().unwrap();
        Head { no, sealed_at, hash: [7; 32] }
    }

    #[test]
    fn heads_are_added_and_a_cut_line_is_ended() {
        let name = format!("zhixiang-heads-{:x}", u64::from_be_bytes(random::bytes()));
        let folder = std::env::temp_dir().join(name);
        let path = file(folder.to_str().unwrap());
        assert_eq!(last(&path).unwrap(), None);
        let many: Vec<Head> = (1..=100).map(head).collect();
        add(&path, &many).unwrap();
        assert_eq!(last(&path).unwrap(), Some(head(100)));
        // A crash in the middle of a line.
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 30]).unwrap();
        assert_eq!(last(&path).unwrap(), Some(head(99)));
        add(&path, &[head(100), head(101)]).unwrap();
        assert_eq!(last(&path).unwrap(), Some(head(101)));
        let (known, found) = chain::heads([fs::read_to_string(&path).unwrap().as_str()]);
        assert_eq!((known.len(), found.len()), (101, 0));
        fs::remove_dir_all(folder).unwrap();
    }
}
