//! Posts that repeat (重复岗位): the same thing each week on some days, until a day. Each occurrence is
//! a post of its own, so that everything that can be done with a post can be done with it.

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};

use super::Post;
use crate::{
    calendar::{DayKind, WorkingCalendar},
    refusal::{Faults, FieldError, Invalid},
    time::{self, Timestamp},
};

/// The most posts of a series: a year, weekly.
pub const MOST: usize = 52;

/// On which days something repeats, until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rhythm {
    /// The days of the week, each once.
    weekdays: Vec<Weekday>,
    /// The last day.
    until: NaiveDate,
    /// Whether public holidays are left out.
    skip_holidays: bool,
}

/// When a post of a series is.
pub type Span = (Timestamp, Timestamp);

/// The days of a series: those that become posts, and those that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrences {
    /// When each post is, in order.
    pub spans: Vec<Span>,
    /// The public holidays on which there is none.
    pub skipped: Vec<NaiveDate>,
}

impl Rhythm {
    /// Reads the days as 1 (Monday) to 7 (Sunday).
    ///
    /// # Errors
    /// No day, a strange or a repeated one.
    pub fn parse(weekdays: &[i64], until: NaiveDate, skip_holidays: bool) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let mut days = Vec::new();
        for given in weekdays {
            let day = u8::try_from(*given).ok().and_then(|day| day.checked_sub(1));
            match day.and_then(|day| Weekday::try_from(day).ok()) {
                Some(day) if !days.contains(&day) => days.push(day),
                _ => faults.add("weekdays", "星期应为 1（周一）到 7（周日），每天至多写一次"),
            }
        }
        if weekdays.is_empty() {
            faults.add("weekdays", "请至少选择一天，1 为周一，7 为周日");
        }
        faults.check()?;
        Ok(Self { weekdays: days, until, skip_holidays })
    }

    /// The days as 1 (Monday) to 7 (Sunday).
    pub fn numbers(&self) -> Vec<i16> {
        let number = |day: &Weekday| i16::try_from(day.number_from_monday()).unwrap_or_default();
        self.weekdays.iter().map(number).collect()
    }

    /// The last day.
    pub const fn until(&self) -> NaiveDate {
        self.until
    }

    /// Whether public holidays are left out.
    pub const fn skips_holidays(&self) -> bool {
        self.skip_holidays
    }

    /// When each post is. The first one gives the time of day and begins the series.
    ///
    /// # Errors
    /// The first is on none of the days; none is left; more than [`MOST`].
    pub fn occurrences(
        &self,
        first: Span,
        calendar: &WorkingCalendar,
    ) -> Result<Occurrences, Invalid> {
        let begin = time::date(first.0);
        if !self.weekdays.contains(&begin.weekday()) {
            let reason = "第一次的日期要在所选的星期之内";
            return Err(FieldError::new("starts_at", reason).into());
        }
        let (mut spans, mut skipped) = (Vec::new(), Vec::new());
        for date in begin.iter_days().take_while(|date| *date <= self.until) {
            if !self.weekdays.contains(&date.weekday()) {
                continue;
            }
            if spans.len() == MOST {
                let reason = format!("一次最多发布 {MOST} 个岗位，请缩短截止日期");
                return Err(FieldError::new("until", reason).into());
            }
            if self.skip_holidays && matches!(calendar.kind(date), DayKind::Holiday(_)) {
                skipped.push(date);
                continue;
            }
            let later = TimeDelta::days((date - begin).num_days());
            spans.push((first.0 + later, first.1 + later));
        }
        if spans.is_empty() {
            let reason = "截止日期以前没有可以发布的日子";
            return Err(FieldError::new("until", reason).into());
        }
        Ok(Occurrences { spans, skipped })
    }
}

impl Post {
    /// Whether a change or a cancellation of the rest of a series, from a day on, means this post:
    /// it has not begun and is not called off.
    pub fn is_rest(&self, from: NaiveDate, now: Timestamp) -> bool {
        self.cancelled_at.is_none() && self.starts_at > now && time::date(self.starts_at) >= from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, terms};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn first() -> Span {
        // A Saturday.
        (at("2026-09-26 09:00"), at("2026-09-26 11:00"))
    }

    #[test]
    fn each_week_on_the_days_until_the_last() {
        let rhythm = Rhythm::parse(&[6, 3], day("2026-10-10"), false).unwrap();
        let made = rhythm.occurrences(first(), terms().calendar).unwrap();
        let days: Vec<String> =
            made.spans.iter().map(|(from, _)| time::date(*from).to_string()).collect();
        assert_eq!(days, ["2026-09-26", "2026-09-30", "2026-10-03", "2026-10-07", "2026-10-10"]);
        assert!(made.spans.iter().all(|(from, to)| *to - *from == TimeDelta::hours(2)));
        assert_eq!(made.spans[4].0, at("2026-10-10 09:00"));
        let skipping = Rhythm::parse(&[6, 3], day("2026-10-10"), true).unwrap();
        let made = skipping.occurrences(first(), terms().calendar).unwrap();
        assert!(made.skipped.contains(&day("2026-10-03")), "{:?}", made.skipped);
        assert_eq!(made.spans.len() + made.skipped.len(), 5);
    }

    #[test]
    fn what_makes_no_series_is_told_where() {
        for odd in [&[][..], &[0], &[8], &[1, 1], &[-1]] {
            let faults = Rhythm::parse(odd, day("2026-10-10"), false).unwrap_err().0;
            assert_eq!(faults[0].field, "weekdays", "{odd:?}");
        }
        let field = |weekdays: &[i64], until| {
            let rhythm = Rhythm::parse(weekdays, day(until), false).unwrap();
            let made = rhythm.occurrences(first(), terms().calendar);
            made.err().map(|faults| faults.0[0].field.clone())
        };
        assert_eq!(field(&[1], "2026-12-31").as_deref(), Some("starts_at"));
        assert_eq!(field(&[6], "2026-09-25").as_deref(), Some("until"));
        assert_eq!(field(&[6], "2027-09-18"), None, "52 Saturdays");
        assert_eq!(field(&[6], "2027-09-25").as_deref(), Some("until"));
        assert_eq!(field(&[6], "9999-12-31").as_deref(), Some("until"));
    }
}
