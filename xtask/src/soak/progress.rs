//! What is done, kept in a file beside the figures until all is done: a soak of hours that was
//! stopped goes on with its next round.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::figures::Figures;
use crate::failure::{Context, Result};

/// The rounds that are done.
#[derive(Debug)]
pub struct Progress {
    out: PathBuf,
    kept: bool,
    state: State,
}

/// As in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    seed: u64,
    experiments: BTreeMap<String, Rounds>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Rounds {
    each: usize,
    figures: Vec<Figures>,
}

impl Progress {
    /// The progress beside `out`, or none where another seed was used. A `short` run is over so soon
    /// that it always begins anew.
    pub fn open(out: &Path, seed: u64, short: bool) -> Self {
        let fresh = || State { seed, ..State::default() };
        let known = fs::read(beside(out)).ok().filter(|_| !short);
        let known = known.and_then(|text| serde_json::from_slice::<State>(&text).ok());
        let state = known.filter(|state| state.seed == seed).unwrap_or_else(fresh);
        Self { out: out.to_owned(), kept: !short, state }
    }

    /// How many rounds of this size are done.
    pub fn done(&self, name: &str, each: usize) -> usize {
        let rounds = self.state.experiments.get(name).filter(|rounds| rounds.each == each);
        rounds.map_or(0, |rounds| rounds.figures.len())
    }

    /// Notes one more round.
    pub fn note(&mut self, name: &str, each: usize, figures: Figures) -> Result {
        let rounds = self.state.experiments.entry(name.to_owned()).or_default();
        if rounds.each != each {
            *rounds = Rounds { each, figures: Vec::new() };
        }
        rounds.figures.push(figures);
        if self.kept {
            write(&beside(&self.out), &serde_json::to_vec(&self.state)?)
        } else {
            Ok(())
        }
    }

    /// The figures of the first rounds together.
    pub fn figures(&self, name: &str, rounds: usize) -> Figures {
        let all = self.state.experiments.get(name).map_or(&[][..], |one| &one.figures);
        all.iter().take(rounds).fold(Figures::default(), Figures::and)
    }

    /// Writes the figures; the progress is of no use any more.
    pub fn finish(self, report: &Value) -> Result {
        write(&self.out, (serde_json::to_string_pretty(report)? + "\n").as_bytes())?;
        let _ = fs::remove_file(beside(&self.out));
        Ok(())
    }
}

fn beside(out: &Path) -> PathBuf {
    out.with_extension("state")
}

/// A file that is there is whole.
fn write(path: &Path, bytes: &[u8]) -> Result {
    let fresh = path.with_extension("new");
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::create_dir_all(dir).context(|| format!("创建 {}", dir.display()))?;
    }
    fs::write(&fresh, bytes).context(|| format!("写入 {}", fresh.display()))?;
    fs::rename(&fresh, path).context(|| format!("写入 {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_that_are_done_are_not_repeated() {
        let dir = std::env::temp_dir().join(format!("xtask-soak-{}", std::process::id()));
        let out = dir.join("kills.json");
        let one = || Figures::default().count("kills", 1);
        let mut first = Progress::open(&out, 7, false);
        first.note("kills", 1, one()).unwrap();
        first.note("kills", 1, one()).unwrap();
        drop(first);

        let again = Progress::open(&out, 7, false);
        assert_eq!(
            (again.done("kills", 1), again.done("kills", 2), again.done("keys", 1)),
            (2, 0, 0)
        );
        assert_eq!(again.figures("kills", 5), one().and(&one()));
        assert_eq!(Progress::open(&out, 8, false).done("kills", 1), 0, "another seed");
        assert_eq!(Progress::open(&out, 7, true).done("kills", 1), 0, "short ones begin anew");

        again.finish(&serde_json::json!({ "seed": 7 })).unwrap();
        assert_eq!(Progress::open(&out, 7, false).done("kills", 1), 0, "all is done");
        assert!(fs::read_to_string(&out).unwrap().contains("\"seed\": 7"));
        fs::remove_dir_all(&dir).unwrap();
    }
}
