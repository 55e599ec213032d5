//! The thresholds of the detectors.

/// From when on something is looked at, as configured. Every figure is a default: what is usual at a
/// till or a post is learnt by looking.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// One clerk: so many verifications …
    pub fast_times: usize,
    /// … within so many seconds.
    pub fast_seconds: u32,
    /// One person at one merchant: so many verifications …
    pub buyer_times: usize,
    /// … within so many days.
    pub buyer_days: u32,
    /// The same clerk and person: so many codes …
    pub instant_times: usize,
    /// … verified within so many seconds of being made …
    pub instant_seconds: u32,
    /// … within so many days.
    pub instant_days: u32,
    /// Two check-ins that would need more than so many km/h.
    pub travel_kmh: u32,
    /// … and are at least so many metres apart.
    pub travel_metres: u32,
    /// A person's last so many confirmed services all as long as their posts …
    pub maximum_times: usize,
    /// … each of at least so many minutes.
    pub maximum_minutes: i64,
    /// An organiser's confirmations: so many …
    pub few_times: usize,
    /// … within so many days, of which so many percent …
    pub few_days: u32,
    /// … are for the few.
    pub few_percent: usize,
    /// How many people are few.
    pub few_people: usize,
    /// Days in which a flag that was upheld can be appealed.
    pub appeal_days: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            fast_times: 10,
            fast_seconds: 60,
            buyer_times: 6,
            buyer_days: 7,
            instant_times: 3,
            instant_seconds: 20,
            instant_days: 30,
            travel_kmh: 120,
            travel_metres: 3_000,
            maximum_times: 8,
            maximum_minutes: 240,
            few_times: 30,
            few_days: 30,
            few_percent: 80,
            few_people: 3,
            appeal_days: 15,
        }
    }
}
