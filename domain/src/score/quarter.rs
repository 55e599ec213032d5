//! Quarters of a year (季度).

use chrono::{Datelike, Months, NaiveDate};

use crate::{
    refusal::FieldError,
    time::{self, Timestamp},
};

/// A quarter in Asia/Shanghai, written `2026Q4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarter(NaiveDate);

impl Quarter {
    /// The quarter that a day lies in.
    pub fn containing(day: NaiveDate) -> Self {
        let month = day.month0() / 3 * 3 + 1;
        Self(NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day))
    }

    /// The quarter of an instant.
    pub fn of(at: Timestamp) -> Self {
        Self::containing(time::date(at))
    }

    /// Reads `2026Q4`, years 2000–2100.
    ///
    /// # Errors
    /// Another form.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let wrong = || FieldError::new(field, "季度要写成“年Q季”，例如 2026Q4");
        let (year, number) = text.trim().split_once('Q').ok_or_else(wrong)?;
        let digits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
        let year: i32 = year.parse().map_err(|_| wrong())?;
        let month = match number {
            "1" => 1,
            "2" => 4,
            "3" => 7,
            "4" => 10,
            _ => return Err(wrong()),
        };
        if !digits || !(2000..=2100).contains(&year) {
            return Err(wrong());
        }
        NaiveDate::from_ymd_opt(year, month, 1).map(Self).ok_or_else(wrong)
    }

    /// Its first day.
    pub const fn first(self) -> NaiveDate {
        self.0
    }

    /// The quarter after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(3)).unwrap_or(self.0))
    }

    /// The first instant after it.
    pub fn end(self) -> Timestamp {
        time::start_of(self.next().0)
    }
}

impl std::fmt::Display for Quarter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}Q{}", self.0.year(), self.0.month0() / 3 + 1)
    }
}
