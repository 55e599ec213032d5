//! The working calendar: which days are worked, and terms counted on it.
//!
//! Working days follow the State Council's yearly notices, make-up working days included. A year
//! without a notice is computed Monday to Friday and is *provisional*: a term that touches it is
//! to be recomputed, with a record, when the notice comes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, Weekday};

use crate::refusal::FieldError;
use crate::time::{self, Timestamp};

mod notice;
#[cfg(test)]
mod tests;

pub use notice::{DayForm, NoYear, Notice, NoticeForm, YEARS, Year};

const STATE_COUNCIL: &str = include_str!("calendar/state_council.csv");

/// One day on which a notice departs from the weekday, or confirms it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Day {
    /// The date in Asia/Shanghai.
    pub date: NaiveDate,
    /// The holiday it belongs to, such as `国庆节`.
    pub name: String,
    /// Worked (a make-up day) or off.
    pub working: bool,
}

/// Reads days from lines of `date,name,working|off`; blank lines and lines with `#` are skipped.
///
/// # Errors
/// A line has another form, or a date comes twice; the reason names the line.
pub fn parse(text: &str) -> Result<Vec<Day>, FieldError> {
    let mut seen = BTreeSet::new();
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            let day = day(line).filter(|day| seen.insert(day.date));
            day.ok_or_else(|| {
                let reason = format!(
                    "第 {} 行要写成“日期,节日,working 或 off”，例如 2026-10-01,国庆节,off，同一天只写一次",
                    index + 1
                );
                FieldError::new("days", reason)
            })
        })
        .collect()
}

fn day(line: &str) -> Option<Day> {
    let mut parts = line.trim().split(',');
    let (date, name, state) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || name.is_empty() {
        return None;
    }
    let working = match state {
        "working" => true,
        "off" => false,
        _ => return None,
    };
    Some(Day { date: date.parse().ok()?, name: name.to_owned(), working })
}

/// The hours of a working day in Asia/Shanghai: periods in order, apart from each other.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "Vec<[NaiveTime; 2]>")]
pub struct WorkingHours(Vec<[NaiveTime; 2]>);

impl WorkingHours {
    /// Periods as `[opens, closes]`, in order.
    ///
    /// # Errors
    /// No period at all, an empty period, or periods that touch or overlap.
    pub fn new(periods: Vec<[NaiveTime; 2]>) -> Result<Self, FieldError> {
        let rising = periods.iter().flatten().is_sorted_by(|earlier, later| earlier < later);
        if periods.is_empty() || !rising {
            return Err(FieldError::new(
                "working_hours",
                "工作时间要按先后写出不相接的时段，例如 08:30–12:00、14:30–18:00",
            ));
        }
        Ok(Self(periods))
    }

    /// Working minutes in a whole day.
    pub fn minutes_per_day(&self) -> i64 {
        self.0.iter().map(|[open, close]| (*close - *open).num_minutes()).sum()
    }

    /// When the day begins.
    fn opening(&self) -> NaiveTime {
        self.0.first().map_or(NaiveTime::MIN, |[open, _]| *open)
    }
}

/// 08:30–12:00 and 14:30–18:00 `[default]`.
impl Default for WorkingHours {
    fn default() -> Self {
        let clock = |hour, minute| {
            NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_else(|| unreachable!("a clock time"))
        };
        Self(vec![[clock(8, 30), clock(12, 0)], [clock(14, 30), clock(18, 0)]])
    }
}

impl TryFrom<Vec<[NaiveTime; 2]>> for WorkingHours {
    type Error = FieldError;
    fn try_from(periods: Vec<[NaiveTime; 2]>) -> Result<Self, FieldError> {
        Self::new(periods)
    }
}

impl std::fmt::Display for WorkingHours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, [open, close]) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "、" };
            write!(f, "{comma}{}–{}", open.format("%H:%M"), close.format("%H:%M"))?;
        }
        Ok(())
    }
}

/// Why a day is worked or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind<'a> {
    /// An ordinary working day.
    Working,
    /// A make-up working day (调休上班) of the named holiday.
    MakeUp(&'a str),
    /// Saturday or Sunday.
    Weekend,
    /// The named holiday.
    Holiday(&'a str),
}

/// Which days are worked, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingCalendar {
    days: BTreeMap<NaiveDate, Day>,
    years: BTreeSet<i32>,
    hours: WorkingHours,
}

impl WorkingCalendar {
    /// A calendar from the days that differ from their weekday and the years whose notice is in
    /// them. A later entry for the same date wins.
    pub fn new(
        days: impl IntoIterator<Item = Day>,
        years: impl IntoIterator<Item = i32>,
        hours: WorkingHours,
    ) -> Self {
        Self {
            days: days.into_iter().map(|day| (day.date, day)).collect(),
            years: years.into_iter().collect(),
            hours,
        }
    }

    /// The State Council's notices for 2024–2026 with the default hours: what a process starts with
    /// until it has read the tables, which begin with the same.
    pub fn embedded() -> Self {
        let days = parse(STATE_COUNCIL).unwrap_or_else(|error| unreachable!("{error}"));
        Self::new(days, 2024..=2026, WorkingHours::default())
    }

    /// The same days with other hours.
    #[must_use]
    pub fn with_hours(self, hours: WorkingHours) -> Self {
        Self { hours, ..self }
    }

    /// The hours of a working day.
    pub fn hours(&self) -> &WorkingHours {
        &self.hours
    }

    /// Why a date is worked or not.
    pub fn kind(&self, date: NaiveDate) -> DayKind<'_> {
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        match self.days.get(&date) {
            Some(day) if !day.working => DayKind::Holiday(&day.name),
            Some(day) if weekend => DayKind::MakeUp(&day.name),
            None if weekend => DayKind::Weekend,
            Some(_) | None => DayKind::Working,
        }
    }

    /// Whether a date is worked.
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        matches!(self.kind(date), DayKind::Working | DayKind::MakeUp(_))
    }

    /// Whether a year's notice is missing, so that its days are only Monday to Friday.
    pub fn is_provisional(&self, year: i32) -> bool {
        !self.years.contains(&year)
    }

    /// The years touched by a range of dates whose notice is missing.
    pub fn provisional_years(&self, range: RangeInclusive<NaiveDate>) -> Vec<i32> {
        (range.start().year()..=range.end().year())
            .filter(|year| self.is_provisional(*year))
            .collect()
    }

    /// Whether a range of dates touches a year whose notice is missing.
    pub fn provisional_in(&self, range: RangeInclusive<NaiveDate>) -> bool {
        (range.start().year()..=range.end().year()).any(|year| self.is_provisional(year))
    }

    /// The working days after a date, without end (to the last date there is).
    pub fn working_days_after(&self, date: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        date.iter_days().skip(1).filter(|day| self.is_working_day(*day))
    }

    /// How many working days lie after `from`, up to and including `to`: the inverse of
    /// [`Self::add_working_days`]. Zero when `to` is not after `from`.
    pub fn working_days_between(&self, from: NaiveDate, to: NaiveDate) -> u32 {
        let count = self.working_days_after(from).take_while(|day| *day <= to).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The end of "n working days": the start day is not counted, and the term ends at 24:00 of
    /// the n-th working day, which is 00:00 of the day after. Zero days end at once.
    pub fn add_working_days(&self, from: Timestamp, n: u32) -> Timestamp {
        if n == 0 { from } else { self.nth_day_end(time::date(from), n) }
    }

    /// A term that ended at `by`, n working days longer. A term that ends at 24:00 belongs to the
    /// day before, so the first working day after it counts: Thursday 24:00 and one day is Friday
    /// 24:00.
    pub fn prolong(&self, by: Timestamp, n: u32) -> Timestamp {
        if n == 0 { by } else { self.nth_day_end(last_day(by), n) }
    }

    fn nth_day_end(&self, start: NaiveDate, n: u32) -> Timestamp {
        let skipped = usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
        let last = self.working_days_after(start).nth(skipped).unwrap_or(NaiveDate::MAX);
        end_of(last)
    }

    /// The end of a span of working time: counted inside working hours from the instant, or from
    /// the next opening. What ends exactly at a close ends there, not at the next opening.
    /// Zero minutes end at once.
    pub fn add_working_time(&self, from: Timestamp, minutes: i64) -> Timestamp {
        let start = time::civil(from);
        let mut left = TimeDelta::minutes(minutes);
        if left <= TimeDelta::zero() {
            return from;
        }
        for day in start.date().iter_days().filter(|day| self.is_working_day(*day)) {
            for [open, close] in &self.hours.0 {
                let begin = day.and_time(*open).max(start);
                let room = day.and_time(*close) - begin;
                if room >= left {
                    return time::instant(begin + left);
                }
                left -= room.max(TimeDelta::zero());
            }
        }
        end_of(NaiveDate::MAX)
    }

    /// Half of a day's working time, counted as [`Self::add_working_time`] does.
    pub fn add_half_working_day(&self, from: Timestamp) -> Timestamp {
        self.add_working_time(from, self.hours.minutes_per_day() / 2)
    }

    /// The opening of the first working day after the day on which a term ended (see
    /// [`Self::prolong`]).
    pub fn next_opening_after(&self, by: Timestamp) -> Timestamp {
        let day = self.working_days_after(last_day(by)).next().unwrap_or(NaiveDate::MAX);
        time::instant(day.and_time(self.hours.opening()))
    }
}

/// The day a term ends on: the day before when it ends at 24:00.
pub fn last_day(by: Timestamp) -> NaiveDate {
    let civil = time::civil(by);
    match civil.date().pred_opt() {
        Some(eve) if civil.time() == NaiveTime::MIN => eve,
        _ => civil.date(),
    }
}

/// 24:00 of a date.
pub fn end_of(date: NaiveDate) -> Timestamp {
    time::start_of(date.succ_opt().unwrap_or(date))
}
