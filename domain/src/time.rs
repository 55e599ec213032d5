//! Time: instants are UTC everywhere; the civil calendar of Asia/Shanghai (UTC+08:00, no daylight
//! saving since 1991) is known only here.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::refusal::FieldError;

/// An instant, always UTC.
pub type Timestamp = DateTime<Utc>;

const SHANGHAI_SECONDS_EAST: i32 = 8 * 3600;

fn shanghai() -> FixedOffset {
    FixedOffset::east_opt(SHANGHAI_SECONDS_EAST).unwrap_or_else(|| unreachable!("+08:00 exists"))
}

/// The wall-clock time in Asia/Shanghai.
pub fn civil(at: Timestamp) -> NaiveDateTime {
    let utc = at.naive_utc();
    // Beyond chrono's own range there is no local time; no rule lets such an instant in.
    utc.checked_add_offset(shanghai()).unwrap_or(utc)
}

/// The date in Asia/Shanghai.
pub fn date(at: Timestamp) -> NaiveDate {
    civil(at).date()
}

/// The instant of a wall-clock time in Asia/Shanghai.
pub fn instant(civil: NaiveDateTime) -> Timestamp {
    DateTime::from_naive_utc_and_offset(
        civil - chrono::TimeDelta::seconds(i64::from(SHANGHAI_SECONDS_EAST)),
        Utc,
    )
}

/// 00:00 in Asia/Shanghai of a date.
pub fn start_of(date: NaiveDate) -> Timestamp {
    instant(date.and_time(NaiveTime::MIN))
}

/// An instant as people read it: `11月26日 08:30`. Midnight is written as 24:00 of the day before,
/// because a term of days ends "at 24:00 of the n-th working day".
pub fn spoken(at: Timestamp) -> String {
    let local = civil(at);
    if local.time() == NaiveTime::MIN
        && let Some(eve) = local.date().pred_opt()
    {
        return format!("{}月{}日 24:00", eve.month(), eve.day());
    }
    local.format("%-m月%-d日 %H:%M").to_string()
}

/// An instant as it stands on paper, which is read in later years: `2026年11月26日 08:30`, midnight
/// as [`spoken`] writes it.
pub fn written(at: Timestamp) -> String {
    let local = civil(at);
    let midnight = local.time() == NaiveTime::MIN;
    let year = match local.date().pred_opt() {
        Some(eve) if midnight => eve.year(),
        _ => local.year(),
    };
    format!("{year}年{}", spoken(at))
}

/// A calendar month in Asia/Shanghai, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    first: NaiveDate,
}

impl Month {
    /// The month of an instant.
    pub fn of(at: Timestamp) -> Self {
        let day = date(at);
        Self { first: day.with_day(1).unwrap_or(day) }
    }

    /// Reads `YYYY-MM`, years 2000–2100.
    ///
    /// # Errors
    /// The text has another form or names no month.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let wrong = || FieldError::new("period", "月份要写成“年-月”，例如 2026-11");
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(wrong());
        }
        let (year, month): (i32, u32) =
            (year.parse().map_err(|_| wrong())?, month.parse().map_err(|_| wrong())?);
        if !(2000..=2100).contains(&year) {
            return Err(wrong());
        }
        NaiveDate::from_ymd_opt(year, month, 1).map(|first| Self { first }).ok_or_else(wrong)
    }

    /// Its first day.
    pub const fn first(self) -> NaiveDate {
        self.first
    }

    /// The month of a day.
    pub fn containing(day: NaiveDate) -> Self {
        Self { first: day.with_day(1).unwrap_or(day) }
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self { first: self.first.checked_add_months(chrono::Months::new(1)).unwrap_or(self.first) }
    }

    /// So many months before it.
    #[must_use]
    pub fn before(self, months: u32) -> Self {
        let first = self.first.checked_sub_months(chrono::Months::new(months));
        Self { first: first.unwrap_or(self.first) }
    }

    /// The first instant of the month and the first instant after it.
    pub fn bounds(self) -> (Timestamp, Timestamp) {
        (start_of(self.first), start_of(self.next().first))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.first.format("%Y-%m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_is_the_end_of_the_day_before() {
        let at = "2026-11-26T16:00:00Z".parse().unwrap();
        assert_eq!(spoken(at), "11月26日 24:00");
        assert_eq!(spoken("2026-11-26T00:30:00Z".parse().unwrap()), "11月26日 08:30");
        assert_eq!(written("2026-12-31T16:00:00Z".parse().unwrap()), "2026年12月31日 24:00");
        assert_eq!(written("2026-12-31T16:01:00Z".parse().unwrap()), "2027年1月1日 00:01");
    }

    #[test]
    fn civil_and_instant_are_inverse() {
        let at: Timestamp = "2026-02-28T23:59:59Z".parse().unwrap();
        assert_eq!(instant(civil(at)), at);
        assert_eq!(date(at).to_string(), "2026-03-01");
    }

    #[test]
    fn a_month_is_read_strictly() {
        assert_eq!(Month::parse("2026-11").unwrap().to_string(), "2026-11");
        let (from, to) = Month::parse("2026-12").unwrap().bounds();
        assert_eq!(from.to_rfc3339(), "2026-11-30T16:00:00+00:00");
        assert_eq!(to.to_rfc3339(), "2026-12-31T16:00:00+00:00");
        for bad in
            ["", "2026", "2026-13", "2026-1", "26-11", "2026-11-01", "２０２６-11", "+026-11"]
        {
            assert!(Month::parse(bad).is_err(), "{bad}");
        }
    }
}
