//! Random numbers that a seed repeats: `SplitMix64`.

use std::time::Duration;

/// A sequence of numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of `seed` for the `n`-th of something.
    pub const fn new(seed: u64, n: u64) -> Self {
        Self(mixed(seed).wrapping_add(mixed(n.wrapping_add(1))))
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit.max(1)
    }

    /// So many milliseconds, from `from` up to but not `to`.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to.saturating_sub(from)))
    }
}

const fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, n: u64) -> Vec<u64> {
        let mut dice = Dice::new(seed, n);
        (0..8).map(|_| dice.roll()).collect()
    }

    #[test]
    fn a_seed_repeats_itself_and_no_other() {
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(2, 1));
        assert_ne!(first(1, 2), first(1, 3));
        let mut dice = Dice::new(7, 0);
        for _ in 0..100 {
            assert!((5..9).contains(&dice.millis(5, 9).as_millis()));
        }
    }
}
