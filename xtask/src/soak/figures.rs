//! What rounds came to: counts, which add up, and times, of which the longest is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The figures of one round or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    counts: BTreeMap<String, u64>,
    slowest_ms: BTreeMap<String, u64>,
}

impl Figures {
    /// With so many more.
    pub fn count(mut self, name: &str, number: usize) -> Self {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        *self.counts.entry(name.to_owned()).or_default() += number;
        self
    }

    /// With a time that it took.
    pub fn took(mut self, name: &str, time: Duration) -> Self {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let longest = self.slowest_ms.entry(name.to_owned()).or_default();
        *longest = millis.max(*longest);
        self
    }

    /// Both together.
    pub fn and(mut self, other: &Self) -> Self {
        for (name, number) in &other.counts {
            *self.counts.entry(name.clone()).or_default() += number;
        }
        for (name, millis) in &other.slowest_ms {
            let longest = self.slowest_ms.entry(name.clone()).or_default();
            *longest = (*millis).max(*longest);
        }
        self
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.iter().map(|(name, number)| format!("{name} {number}"));
        let times = self.slowest_ms.iter().map(|(name, ms)| format!("{name} ≤ {ms} ms"));
        f.write_str(&counts.chain(times).collect::<Vec<_>>().join("，"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_the_longest_time_stays() {
        let one = Figures::default().count("sold", 2).took("drain", Duration::from_millis(70));
        let two = Figures::default().count("sold", 3).took("drain", Duration::from_millis(50));
        assert_eq!(one.and(&two).to_string(), "sold 5，drain ≤ 70 ms");
    }
}
