//! The monthly bulletin (月度通报): when a month is frozen, and what is said of it.
//!
//! Appeals against exclusions close some working days after the month; then its figures are frozen
//! with the rules they were counted by, and no later change rewrites them. A supervisor publishes
//! what was frozen.

use std::collections::BTreeMap;

use crate::{
    calendar::WorkingCalendar,
    rates::{CentreRates, GroupRates, RateRules},
    refusal::{Kind, Refusal},
    time::{Month, Timestamp},
};

/// When a month's appeals close and it is frozen: 24:00 of the n-th working day after it.
pub fn freezes_at(month: Month, calendar: &WorkingCalendar, rules: &RateRules) -> Timestamp {
    let (_, end) = month.bounds();
    // The last day of the month is the one that is not counted.
    let last_day = end - chrono::TimeDelta::microseconds(1);
    calendar.add_working_days(last_day, rules.freeze_after_days)
}

/// The figures of a month: every group and the centre.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Figures {
    /// All three groups.
    pub groups: Vec<GroupRates>,
    /// The centre's own.
    pub centre: CentreRates,
}

/// How many complaints a division had in a month.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Area {
    /// The subdistrict's code, or the district's.
    #[schema(example = "140213066")]
    pub code: String,
    /// Its name.
    pub name: String,
    /// Complaints submitted about it.
    pub complaints: u32,
    /// Its residents, where they are known.
    pub residents: Option<u32>,
    /// Complaints per 10,000 residents, to two decimals; null where residents are not known.
    pub per_10k: Option<f64>,
}

impl Area {
    /// An area with what its residents make of its complaints.
    pub fn new(
        code: String,
        name: String,
        complaints: u32,
        residents: &BTreeMap<String, u32>,
    ) -> Self {
        let residents = residents.get(&code).copied().filter(|residents| *residents > 0);
        let per_10k = residents.map(|residents| {
            (f64::from(complaints) * 1_000_000.0 / f64::from(residents)).round() / 100.0
        });
        Self { code, name, complaints, residents, per_10k }
    }
}

/// What people complained about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Topic {
    /// The category that the centre gave, or else the kind.
    #[schema(example = "市政设施")]
    pub name: String,
    /// Complaints submitted in the month.
    pub complaints: u32,
}

/// A case that its reporter calls not solved, and what the unit says to it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Unsolved {
    /// The complaint's number. Its words stay with the case.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// The ranked unit.
    pub unit: String,
    /// Its name.
    pub unit_name: String,
    /// What it is about, as in the topics.
    pub topic: String,
    /// Why, by the unit's last reply; "仍在办理" while there is none that stands.
    pub reason: String,
    /// The law or document that the unit names.
    pub basis: Option<String>,
}

/// What a bulletin says beside the figures.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Contents {
    /// The district first, then each subdistrict.
    pub areas: Vec<Area>,
    /// The most frequent first.
    pub topics: Vec<Topic>,
    /// By unit and number.
    pub unsolved: Vec<Unsolved>,
}

/// A unit's standing in another month.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Past {
    /// Its composite then.
    pub composite: Option<f64>,
    /// Its rank then.
    pub rank: Option<u32>,
}

/// A unit beside itself a month and a year before; null where no frozen month knows it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Comparison {
    /// The unit.
    #[schema(example = "urban-management")]
    pub unit: String,
    /// A month before.
    pub last_month: Option<Past>,
    /// A year before.
    pub last_year: Option<Past>,
}

/// Each unit of `now` beside what the earlier months say of it.
pub fn compare(
    now: &[GroupRates],
    last_month: Option<&[GroupRates]>,
    last_year: Option<&[GroupRates]>,
) -> Vec<Comparison> {
    let past = |groups: Option<&[GroupRates]>, unit: &str| {
        let mut rows = groups.into_iter().flatten().flat_map(|group| &group.rows);
        rows.find(|row| row.unit == unit)
            .map(|row| Past { composite: row.composite, rank: row.rank })
    };
    now.iter()
        .flat_map(|group| &group.rows)
        .map(|row| Comparison {
            unit: row.unit.clone(),
            last_month: past(last_month, &row.unit),
            last_year: past(last_year, &row.unit),
        })
        .collect()
}

/// Why a step on a bulletin is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is published already.
    #[error("这个月的通报已经发布，不需要再发布")]
    Published,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Published => "bulletin_published",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rates::{PeerGroup, RateRow, rates};

    #[test]
    fn a_month_freezes_when_five_working_days_are_over() {
        let (calendar, rules) = (WorkingCalendar::embedded(), RateRules::default());
        for (month, wanted) in [
            // 31 October is a Saturday: 2–6 November.
            ("2026-10", "2026-11-06T16:00:00+00:00"),
            // National Day: 8, 9, 10 (made up), 12, 13 October.
            ("2026-09", "2026-10-13T16:00:00+00:00"),
            ("2026-11", "2026-12-07T16:00:00+00:00"),
        ] {
            let at = freezes_at(Month::parse(month).unwrap(), &calendar, &rules);
            assert_eq!(at.to_rfc3339(), wanted, "{month}");
        }
    }

    #[test]
    fn ten_thousand_residents_are_known_or_nothing_is_said() {
        let residents = BTreeMap::from([("140213066".to_owned(), 45_000), ("x".to_owned(), 0)]);
        let area = |code: &str, complaints| {
            Area::new(code.to_owned(), String::new(), complaints, &residents).per_10k
        };
        assert_eq!(area("140213066", 91), Some(20.22));
        assert_eq!(area("140213066", 0), Some(0.0));
        assert_eq!((area("140213051", 9), area("x", 9)), (None, None));
    }

    #[test]
    fn a_unit_is_compared_with_itself() {
        let month = |solved| {
            let row = RateRow {
                tasks: 10,
                contact_due: 10,
                contacted_in_time: 10,
                answers: 10,
                solved,
                satisfied: 10,
                ..RateRow::empty("a", PeerGroup::Department, "甲局")
            };
            rates(vec![row], &RateRules::default())
        };
        let (now, before) = (month(10), month(5));
        let compared = compare(&now, Some(&before), None);
        assert_eq!(
            compared,
            [Comparison {
                unit: "a".to_owned(),
                last_month: Some(Past { composite: Some(0.8), rank: Some(1) }),
                last_year: None,
            }]
        );
    }
}
