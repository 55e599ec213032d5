//! Draws that a seed decides: the same seed, the same history. Nothing secret is drawn here, and
//! nothing that the product itself draws.

use chrono::TimeDelta;
use domain::{id::Id, time::Timestamp};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to tell a story.
#[derive(Debug, Clone)]
pub struct Draws(u64);

impl Draws {
    /// The draws of one case: independent of how many others there are.
    pub const fn of(seed: u64, case: u64) -> Self {
        let mut draws = Self(seed ^ case.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        draws.0 = draws.next();
        draws
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 for 0. Its bias is one in billions.
    pub fn below(&mut self, end: u32) -> u32 {
        let drawn = (self.next() >> 32).saturating_mul(u64::from(end)) >> 32;
        u32::try_from(drawn).unwrap_or_default()
    }

    /// A number from `first` to `last`.
    pub fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// Whether something happens that does so in so many of a thousand cases.
    pub fn in_thousand(&mut self, cases: u32) -> bool {
        self.below(1000) < cases
    }

    /// One of several; `None` of none.
    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let count = u32::try_from(from.len()).unwrap_or(u32::MAX);
        from.get(usize::try_from(self.below(count)).unwrap_or_default())
    }

    /// One of several by their weights.
    pub fn weighed<'t, T>(&mut self, from: &'t [T], weight: impl Fn(&T) -> u32) -> Option<&'t T> {
        let mut left = self.below(from.iter().map(&weight).sum());
        from.iter().find(|one| {
            let here = weight(one);
            let found = left < here;
            left = left.saturating_sub(here);
            found
        })
    }

    /// Minutes from `first` to `last`, and some seconds.
    pub fn minutes(&mut self, first: u32, last: u32) -> TimeDelta {
        let minutes = TimeDelta::minutes(i64::from(self.between(first, last)));
        minutes + TimeDelta::seconds(i64::from(self.below(60)))
    }

    /// So many bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_le_bytes().first().copied().unwrap_or_default())
    }

    /// An identifier for something that came to be at `at`.
    pub fn id<T: Id>(&mut self, at: Timestamp) -> T {
        T::from_parts(at, &self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_and_cases_differ() {
        let draw = |seed, case| Draws::of(seed, case).bytes::<16>();
        assert_eq!(draw(1, 7), draw(1, 7));
        assert_ne!(draw(1, 7), draw(1, 8));
        assert_ne!(draw(1, 7), draw(2, 7));
    }

    #[test]
    fn draws_are_even_enough() {
        let mut draws = Draws::of(1, 1);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[usize::try_from(draws.below(10)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        let heavy = (0..1000).filter(|_| draws.weighed(&[1, 9], |n| *n) == Some(&9)).count();
        assert!((850..950).contains(&heavy), "{heavy}");
        assert_eq!((draws.below(0), draws.between(4, 4)), (0, 4));
        assert_eq!(draws.pick::<u8>(&[]), None);
    }
}
