//! The largest picture that is taken, and what it costs.

use serde_json::json;

use super::{fetched, key};
use crate::support::{App, thirty_megapixels};

/// What the memory of this process rises by at most while something runs.
pub struct Rise {
    before: u64,
    alone: bool,
}

impl Rise {
    /// From now on. Nextest gives each test a process of its own; in a shared one the figure would
    /// be everybody's.
    pub fn begin() -> Self {
        let forgotten = std::fs::write("/proc/self/clear_refs", "5").is_ok();
        let alone = std::env::var_os("NEXTEST").is_some() && forgotten;
        if !alone {
            eprintln!("SKIPPED: the peak of memory can be measured in a process of one test alone");
        }
        Self { before: peak(), alone }
    }

    /// Until now: no more than 256 MiB.
    pub fn is_bounded(&self, what: &str) {
        eprintln!("{what}: {} MiB", self.mebibytes());
        assert_eq!(self.fault(what), None);
    }

    /// What is wrong, if it rose by more than 256 MiB until now.
    pub fn fault(&self, what: &str) -> Option<String> {
        let rise = self.mebibytes();
        (rise > 256 && self.alone).then(|| format!("{what}: {rise} MiB"))
    }

    fn mebibytes(&self) -> u64 {
        peak().saturating_sub(self.before) / 1024
    }
}

/// The most memory this process ever had, in KiB, since it was last forgotten.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn thirty_megapixels_are_taken_within_256_mib() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let file = thirty_megapixels();
    li.token().await;
    assert!((1_000_000..10 * 1024 * 1024).contains(&file.len()), "{} bytes", file.len());
    let rise = Rise::begin();
    let keys = [key(), key(), key()];
    let answers = futures::future::join_all(keys.iter().map(|key| li.upload(key, &file))).await;
    rise.is_bounded("three uploads at once");
    for answer in answers {
        let made = answer.expect(201);
        assert_eq!((&made["width"], &made["height"]), (&json!(6000), &json!(5000)));
        assert_eq!(fetched(&app, &made["thumbnail_url"]).await.0, 200);
    }
}
