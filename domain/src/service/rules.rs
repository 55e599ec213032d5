//! The figures of service as they are configured (`[service]`).

use chrono::TimeDelta;

/// What the rules of posts and claims count with. Every figure is **\[default\]**.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// How far from a post one may check in by location, in metres, where the post says nothing:
    /// what a phone between high houses is off by, and the length of a courtyard.
    pub near_metres: i32,
    /// The least and the most that a post may say instead, in metres.
    pub near_least: i32,
    /// See `near_least`.
    pub near_most: i32,
    /// How much of the inaccuracy that a phone reports is believed, in metres.
    pub accuracy_metres: i32,
    /// By how much the clocks of two hosts may differ, in seconds.
    pub code_skew_seconds: i64,
    /// After so many wrong codes a claim takes no code any more.
    pub code_attempts: i32,
    /// Until so many hours before the start one cancels freely; after that it counts as late.
    pub free_hours: i64,
    /// Who moves up later than so many minutes before the start is not held to it.
    pub notice_minutes: i64,
    /// So many working days after a post's end an unattended claim is noted as not come.
    pub absent_days: u32,
    /// So many working days one may dispute what an organiser decided.
    pub dispute_days: u32,
    /// So many times not come…
    pub pause_no_shows: i64,
    /// …within so many days…
    pub pause_window_days: i64,
    /// …pause new claims for so many days.
    pub pause_days: i64,
    /// So many late cancellations weigh as much as not having come once; 0 weighs nothing.
    pub lates_per_no_show: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            near_metres: 300,
            near_least: 50,
            near_most: 1000,
            accuracy_metres: 100,
            code_skew_seconds: 5,
            code_attempts: 5,
            free_hours: 24,
            notice_minutes: 120,
            absent_days: 5,
            dispute_days: 5,
            pause_no_shows: 3,
            pause_window_days: 90,
            pause_days: 30,
            lates_per_no_show: 2,
        }
    }
}

impl Rules {
    /// What is wrong with the figures: the key and why.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let days = 0..=366;
        let checks = [
            (
                (10..=self.near_metres).contains(&self.near_least)
                    && (self.near_metres..=5000).contains(&self.near_most),
                "service.near_metres",
                "应满足 10 ≤ near_least ≤ near_metres ≤ near_most ≤ 5000（米）",
            ),
            (
                (0..=1000).contains(&self.accuracy_metres),
                "service.accuracy_metres",
                "只能是 0–1000 米",
            ),
            (
                (0..=20).contains(&self.code_skew_seconds),
                "service.code_skew_seconds",
                "只能是 0–20 秒",
            ),
            ((1..=20).contains(&self.code_attempts), "service.code_attempts", "只能是 1–20 次"),
            ((0..=720).contains(&self.free_hours), "service.free_hours", "只能是 0–720 小时"),
            (
                (0..=1440).contains(&self.notice_minutes),
                "service.notice_minutes",
                "只能是 0–1440 分钟",
            ),
            ((1..=60).contains(&self.absent_days), "service.absent_days", "只能是 1–60 个工作日"),
            ((1..=60).contains(&self.dispute_days), "service.dispute_days", "只能是 1–60 个工作日"),
            ((1..=100).contains(&self.pause_no_shows), "service.pause_no_shows", "只能是 1–100 次"),
            (
                days.contains(&self.pause_window_days) && self.pause_window_days > 0,
                "service.pause_window_days",
                "只能是 1–366 天",
            ),
            (days.contains(&self.pause_days), "service.pause_days", "只能是 0–366 天，0 为不暂停"),
            (
                (0..=100).contains(&self.lates_per_no_show),
                "service.lates_per_no_show",
                "只能是 0–100 次",
            ),
        ];
        checks.into_iter().find(|(holds, ..)| !holds).map(|(_, key, reason)| (key, reason))
    }

    /// How long before the start one cancels freely.
    pub(super) fn free(&self) -> TimeDelta {
        TimeDelta::hours(self.free_hours)
    }

    /// How long before the start one who moves up can still arrange for it.
    pub(super) fn notice(&self) -> TimeDelta {
        TimeDelta::minutes(self.notice_minutes)
    }
}
