//! The daily summary (每日摘要) of who works on tasks: one message in the morning in place of one for each
//! event, made of what waits then.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::{
    event::{EventKind, NewEvent, Visibility},
    id::AccountId,
    time::{self, Timestamp},
};

codes! {
    /// How often somebody wants the summary of their tasks.
    #[derive(Default)]
    pub enum Digest {
        /// On every working day.
        #[default]
        Daily = "daily", "每个工作日";
        /// Never.
        Off = "off", "不要";
    }
}

/// When the summary is sent, in Asia/Shanghai on working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Morning {
    /// The hour, 8–20: the day of the chores begins at eight.
    pub hour: u32,
    /// The minute, 0–59.
    pub minute: u32,
}

impl Morning {
    /// Whether it is a time of the day at which the summary can be sent.
    pub const fn is_sound(self) -> bool {
        8 <= self.hour && self.hour <= 20 && self.minute < 60
    }

    /// When that is on a day.
    pub fn on(self, day: NaiveDate) -> Timestamp {
        day.and_hms_opt(self.hour, self.minute, 0)
            .map_or_else(|| time::start_of(day), time::instant)
    }
}

/// How much waits for somebody, each in tasks of their units that are not over. A task can count more
/// than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Nobody has acknowledged them.
    pub new: i64,
    /// The reply is due from now until the end of the day.
    pub due: i64,
    /// A deadline was missed.
    pub overdue: i64,
    /// They were handed to this person, or a reply waits for their approval.
    pub waiting: i64,
}

impl Counts {
    /// Whether there is nothing to tell.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// What an event of the summary holds.
    pub fn data(self, account: AccountId, day: NaiveDate) -> Value {
        let Self { new, due, overdue, waiting } = self;
        json!({
            "account": account, "day": day,
            "new": new, "due": due, "overdue": overdue, "waiting": waiting,
        })
    }

    /// The event of the summary of a day.
    pub fn event(self, account: AccountId, day: NaiveDate) -> NewEvent {
        NewEvent::new(EventKind::DailyDigest, Visibility::Reporter).with(self.data(account, day))
    }

    /// What an event of the summary says.
    pub fn of(data: &Value) -> Self {
        let count = |key: &str| data.get(key).and_then(Value::as_i64).unwrap_or_default();
        Self {
            new: count("new"),
            due: count("due"),
            overdue: count("overdue"),
            waiting: count("waiting"),
        }
    }

    /// In so few characters that a field of a message holds it.
    pub fn summary(self) -> String {
        let short = |count: i64| if count > 99 { "99+".to_owned() } else { count.to_string() };
        let Self { new, due, overdue, waiting } = self;
        let (new, due, overdue, waiting) = (short(new), short(due), short(overdue), short(waiting));
        format!("新{new}到期{due}超时{overdue}待办{waiting}")
    }

    /// As a sentence.
    pub fn sentence(self) -> String {
        let Self { new, due, overdue, waiting } = self;
        format!(
            "今天的任务：待签收 {new} 件，今天到期 {due} 件，已超时 {overdue} 件，等您处理 {waiting} 件"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_fits_its_field_and_comes_back_from_its_event() {
        let most = Counts { new: 1000, due: 1000, overdue: 1000, waiting: 1000 };
        assert!(most.summary().chars().count() <= 21, "{}", most.summary());
        let some = Counts { new: 1, due: 0, overdue: 12, waiting: 3 };
        assert_eq!(some.summary(), "新1到期0超时12待办3");
        let day = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
        let account = AccountId(uuid::Uuid::nil());
        assert_eq!(Counts::of(&some.data(account, day)), some);
        assert_eq!(some.data(account, day)["day"], "2026-11-30");
        assert!(!some.is_empty() && Counts::default().is_empty());
        let morning = Morning { hour: 8, minute: 30 };
        assert_eq!(morning.on(day), "2026-11-30T08:30:00+08:00".parse::<Timestamp>().unwrap());
        assert!(morning.is_sound());
        for (hour, minute) in [(7, 59), (21, 0), (8, 60)] {
            assert!(!Morning { hour, minute }.is_sound(), "{hour}:{minute}");
        }
    }
}
