//! A year of service: what was done, what is required, what is still missing. Nothing carries over
//! into the next year.

use chrono::{Datelike, NaiveDate};

use crate::{
    refusal::FieldError,
    time::{self, Timestamp},
};

/// At least 4 services and 20 hours in a calendar year, for members at 科级 and below.
pub const REQUIRED: Tally = Tally { services: 4, hours: 20.0 };
const REQUIRED_MINUTES: i64 = 20 * 60;

/// A calendar year in Asia/Shanghai.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Year(i32);

impl Year {
    /// The year of an instant.
    pub fn of(at: Timestamp) -> Self {
        Self(time::date(at).year())
    }

    /// # Errors
    /// Not within 2000–2100.
    pub fn new(year: i32) -> Result<Self, FieldError> {
        if (2000..=2100).contains(&year) {
            Ok(Self(year))
        } else {
            Err(FieldError::new("year", "年份应为 2000–2100，例如 2026"))
        }
    }

    /// The number of the year.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The first instant of the year and the first instant after it.
    pub fn bounds(self) -> (Timestamp, Timestamp) {
        let first = |year| time::start_of(NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default());
        (first(self.0), first(self.0 + 1))
    }
}

/// What was confirmed in a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Served {
    /// How many services.
    pub services: i64,
    /// Their minutes.
    pub minutes: i64,
}

/// Services and hours.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ServiceTally)]
pub struct Tally {
    /// How many services.
    #[schema(example = 3)]
    pub services: i64,
    /// How many hours, to the hundredth.
    #[schema(example = 12.5)]
    pub hours: f64,
}

impl Tally {
    /// What is missing as people read it.
    pub fn text(&self) -> String {
        match (self.services, self.hours > 0.0) {
            (0, false) => "已达到一年的要求".to_owned(),
            (0, true) => format!("还差 {} 小时", self.hours),
            (services, false) => format!("还差 {services} 次"),
            (services, true) => format!("还差 {services} 次、{} 小时", self.hours),
        }
    }
}

impl Served {
    /// What was done; hours are rounded down, so that no more is shown than was done.
    pub fn done(self) -> Tally {
        Tally { services: self.services, hours: hours(self.minutes * 100 / 60) }
    }

    /// What is still missing of what a year requires; hours are rounded up, so that nothing is
    /// shown as finished that is not.
    pub fn missing(self) -> Tally {
        let minutes = (REQUIRED_MINUTES - self.minutes).max(0);
        Tally {
            services: (REQUIRED.services - self.services).max(0),
            hours: hours((minutes * 100 + 59) / 60),
        }
    }
}

/// Hours from hundredths of an hour. A year has fewer of them than an `i32` counts.
fn hours(hundredths: i64) -> f64 {
    f64::from(i32::try_from(hundredths).unwrap_or(i32::MAX)) / 100.0
}
