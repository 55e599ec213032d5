//! A year of service: what was done, what is required of whom, what is still missing. Nothing carries
//! over into the next year.

use chrono::{Datelike, NaiveDate};

use crate::{
    party::Rank,
    refusal::FieldError,
    time::{self, Timestamp},
};

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

/// What a year requires of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requirement {
    /// How many services.
    pub services: i64,
    /// How many minutes.
    pub minutes: i64,
}

/// What is still missing of a year's requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Short {
    /// How many services.
    pub services: i64,
    /// How many minutes.
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

impl Served {
    /// What was done; hours are rounded down, so that no more is shown than was done.
    pub fn done(self) -> Tally {
        Tally { services: self.services, hours: hours(self.minutes * 100 / 60) }
    }

    /// What is still missing of what a year requires.
    pub fn missing(self, required: Requirement) -> Short {
        Short {
            services: (required.services - self.services).max(0),
            minutes: (required.minutes - self.minutes).max(0),
        }
    }
}

impl Requirement {
    /// What somebody is told who has done so much of it.
    pub fn text(self, served: Served) -> String {
        if self == Self::default() {
            return "没有规定的次数和时长（在职党员报到以后开始计算）".to_owned();
        }
        served.missing(self).text()
    }

    /// As people read it.
    pub fn tally(self) -> Tally {
        Tally { services: self.services, hours: hours((self.minutes * 100 + 59) / 60) }
    }
}

impl Short {
    /// As people read it; hours are rounded up, so that nothing is shown as finished that is not.
    pub fn tally(self) -> Tally {
        Tally { services: self.services, hours: hours((self.minutes * 100 + 59) / 60) }
    }

    /// Whether nothing is missing.
    pub const fn is_none(self) -> bool {
        self.services == 0 && self.minutes == 0
    }

    /// In words: `还差 1 次、7.5 小时`.
    pub fn text(self) -> String {
        let Tally { services, hours } = self.tally();
        match (services, hours > 0.0) {
            (0, false) => "已达到一年的要求".to_owned(),
            (0, true) => format!("还差 {hours} 小时"),
            (services, false) => format!("还差 {services} 次"),
            (services, true) => format!("还差 {services} 次、{hours} 小时"),
        }
    }
}

codes! {
    /// Whether a year's requirement binds a registered member.
    pub enum Standing {
        /// It does.
        Bound = "bound", "应完成";
        /// The rank, or retirement, leaves it to the member.
        Unbound = "unbound", "不作要求";
        /// Waived for the year by the community.
        Exempt = "exempt", "当年免除";
    }
}

/// What decides about a member's year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The rank on the register.
    pub rank: Rank,
    /// Whether the member stands on the ledger of those at work (在职): the minimum is theirs.
    pub employed: bool,
    /// When the community signed.
    pub signed_on: NaiveDate,
    /// When the member retired.
    pub retired_on: Option<NaiveDate>,
    /// Whether the community waived the year.
    pub exempt: bool,
}

/// One row of the requirements: from which year on, for which ranks, how much.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The first year that it is for; the latest that has begun counts.
    pub from_year: i32,
    /// For which ranks. A rank that no row of its year names is bound to nothing.
    pub ranks: Vec<Rank>,
    /// Services a year.
    pub services: i64,
    /// Hours a year.
    pub hours: i64,
}

/// A day of every year, written `09-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOfYear {
    month: u32,
    day: u32,
}

impl DayOfYear {
    /// The day in a year.
    pub fn in_year(self, year: i32) -> NaiveDate {
        // A leap day is refused when it is read.
        NaiveDate::from_ymd_opt(year, self.month, self.day).unwrap_or_default()
    }
}

impl<'de> serde::Deserialize<'de> for DayOfYear {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let read = || {
            let (month, day) = text.split_once('-')?;
            let (month, day) = (month.parse().ok()?, day.parse().ok()?);
            // 2001 is no leap year: each year has the day.
            NaiveDate::from_ymd_opt(2001, month, day).map(|_| Self { month, day })
        };
        read().ok_or_else(|| serde::de::Error::custom("日期要写成“月-日”，例如 09-10"))
    }
}

/// What a year of service requires of whom, and when people are told. Each settled year keeps
/// `version`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Which version of the rules this is.
    pub version: String,
    /// The requirements.
    pub required: Vec<Row>,
    /// Whether who registered during the year owes only the months that were left, rounded up.
    pub pro_rata: bool,
    /// When members who miss something are reminded, and their units told.
    pub reminders: Vec<DayOfYear>,
    /// On which day the year before is settled.
    pub settles: DayOfYear,
}

impl Default for Rules {
    /// 科级及以下: at least 4 services and 20 hours; reminded in September and November; settled
    /// in the middle of January, when December's hours have been confirmed.
    fn default() -> Self {
        let ranks = Rank::ALL.iter().copied().filter(|rank| rank.is_bound()).collect();
        Self {
            version: "2026-1".to_owned(),
            required: vec![Row { from_year: 2000, ranks, services: 4, hours: 20 }],
            pro_rata: false,
            reminders: vec![DayOfYear { month: 9, day: 10 }, DayOfYear { month: 11, day: 10 }],
            settles: DayOfYear { month: 1, day: 15 },
        }
    }
}

impl Rules {
    /// What a year requires of a rank.
    pub fn of_rank(&self, year: Year, rank: Rank) -> Requirement {
        let begun = self.required.iter().filter(|row| row.from_year <= year.0);
        let Some(latest) = begun.map(|row| row.from_year).max() else {
            return Requirement::default();
        };
        let rows = self.required.iter().filter(|row| row.from_year == latest);
        rows.filter(|row| row.ranks.contains(&rank))
            .map(|row| Requirement { services: row.services, minutes: row.hours * 60 })
            .next()
            .unwrap_or_default()
    }

    /// What a year requires of a member, and why.
    pub fn of_member(&self, year: Year, facts: &Facts) -> (Standing, Requirement) {
        let whole = self.of_rank(year, facts.rank);
        let retired = facts.retired_on.is_some_and(|day| day.year() <= year.0);
        // Who retired since was at work before that.
        let at_work = facts.employed || facts.retired_on.is_some();
        if retired || !at_work || whole == Requirement::default() {
            return (Standing::Unbound, Requirement::default());
        }
        if facts.exempt {
            return (Standing::Exempt, Requirement::default());
        }
        if !self.pro_rata || facts.signed_on.year() != year.0 {
            return (Standing::Bound, whole);
        }
        // The month of the signature counts whole.
        let months = i64::from(13 - facts.signed_on.month());
        let part = |whole: i64| (whole * months + 11) / 12;
        let part = Requirement { services: part(whole.services), minutes: part(whole.minutes) };
        (Standing::Bound, part)
    }

    /// Whether each reminder has a month to itself, by which it is known.
    pub fn reminders_apart(&self) -> bool {
        let mut months: Vec<u32> = self.reminders.iter().map(|day| day.month).collect();
        months.sort_unstable();
        months.windows(2).all(|pair| pair.first() != pair.last())
    }

    /// From when on a year can be settled.
    pub fn settles_at(&self, year: Year) -> Timestamp {
        time::start_of(self.settles.in_year(year.0 + 1))
    }
}

/// Hours from hundredths of an hour. A year has fewer of them than an `i32` counts.
fn hours(hundredths: i64) -> f64 {
    f64::from(i32::try_from(hundredths).unwrap_or(i32::MAX)) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal as _;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn facts() -> Facts {
        Facts {
            rank: Rank::Section,
            employed: true,
            signed_on: day("2025-05-20"),
            retired_on: None,
            exempt: false,
        }
    }

    const WHOLE: Requirement = Requirement { services: 4, minutes: 1200 };
    const NOTHING: Requirement = Requirement { services: 0, minutes: 0 };

    #[test]
    fn the_section_and_below_are_bound_and_nobody_else() {
        let (rules, year) = (Rules::default(), Year::new(2026).unwrap());
        for rank in Rank::ALL {
            let (standing, required) = rules.of_member(year, &Facts { rank: *rank, ..facts() });
            let wanted = if rank.is_bound() { WHOLE } else { NOTHING };
            assert_eq!(required, wanted, "{rank}");
            assert_eq!(standing == Standing::Bound, rank.is_bound(), "{rank}");
        }
    }

    #[test]
    fn retirement_and_exemption_free_a_member_for_their_years() {
        let rules = Rules::default();
        let of = |year, facts| rules.of_member(Year::new(year).unwrap(), &facts);
        let retired = Facts { retired_on: Some(day("2026-06-30")), ..facts() };
        assert_eq!(of(2025, retired), (Standing::Bound, WHOLE));
        assert_eq!(of(2026, retired), (Standing::Unbound, NOTHING));
        assert_eq!(of(2027, retired), (Standing::Unbound, NOTHING));
        let listed = Facts { employed: false, ..retired };
        assert_eq!(of(2025, listed), (Standing::Bound, WHOLE), "the register says retired since");
        let managed = Facts { employed: false, ..facts() };
        assert_eq!(of(2026, managed), (Standing::Unbound, NOTHING), "another ledger");
        let exempt = Facts { exempt: true, ..facts() };
        assert_eq!(of(2026, exempt), (Standing::Exempt, NOTHING));
        let high = Facts { rank: Rank::Bureau, ..exempt };
        assert_eq!(of(2026, high), (Standing::Unbound, NOTHING), "nothing to be exempted from");
    }

    #[test]
    fn who_joined_during_the_year_owes_the_months_left_where_that_is_configured() {
        let rules = Rules { pro_rata: true, ..Rules::default() };
        let of = |signed_on: &str| {
            let facts = Facts { signed_on: day(signed_on), ..facts() };
            rules.of_member(Year::new(2026).unwrap(), &facts).1
        };
        assert_eq!(of("2025-12-31"), WHOLE);
        assert_eq!(of("2026-01-31"), WHOLE);
        assert_eq!(of("2026-07-01"), Requirement { services: 2, minutes: 600 });
        assert_eq!(of("2026-12-31"), Requirement { services: 1, minutes: 100 });
    }

    #[test]
    fn the_latest_rows_that_have_begun_count() {
        let row = |from_year, ranks: &[Rank], services| Row {
            from_year,
            ranks: ranks.to_vec(),
            services,
            hours: 1,
        };
        let rules = Rules {
            required: vec![
                row(2020, &[Rank::None, Rank::Clerk], 2),
                row(2026, &[Rank::None], 4),
                row(2026, &[Rank::Division], 1),
            ],
            ..Rules::default()
        };
        let of = |year, rank| rules.of_rank(Year::new(year).unwrap(), rank).services;
        assert_eq!([of(2019, Rank::None), of(2025, Rank::None), of(2026, Rank::None)], [0, 2, 4]);
        assert_eq!([of(2025, Rank::Clerk), of(2026, Rank::Clerk)], [2, 0], "no longer named");
        assert_eq!(of(2030, Rank::Division), 1);
    }

    #[test]
    fn a_day_of_the_year_is_one_that_every_year_has() {
        let read = |text: &str| serde_json::from_value::<DayOfYear>(serde_json::json!(text));
        assert_eq!(read("09-10").unwrap().in_year(2026), day("2026-09-10"));
        for bad in ["02-29", "13-01", "9月10日", "", "00-10"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let settles = Rules::default().settles_at(Year::new(2026).unwrap());
        assert_eq!(time::date(settles), day("2027-01-15"));
        assert!(
            Year::new(1)
                .map_err(crate::refusal::Invalid::from)
                .is_err_and(|e| e.code() == "invalid_field")
        );
    }
}
