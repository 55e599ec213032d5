//! Evaluation (评价) by the resident, and the rounds in which it is asked for (回访).

use crate::calendar::WorkingCalendar;
use crate::refusal::{FieldError, Invalid};
use crate::sla::FollowUpRules;
use crate::text;
use crate::time::Timestamp;

mod link;

pub use link::Link;

/// How satisfied a resident is: 1 (非常不满意) to 5 (非常满意).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
)]
#[serde(try_from = "i64")]
#[sqlx(transparent)]
pub struct Satisfaction(i16);

impl Satisfaction {
    /// 基本满意: the lowest that counts as satisfied.
    pub const BASICALLY: Self = Self(3);

    /// The number, 1–5.
    pub const fn value(self) -> i16 {
        self.0
    }

    /// The words of the scale.
    pub const fn label(self) -> &'static str {
        match self.0 {
            5 => "非常满意",
            4 => "满意",
            3 => "基本满意",
            2 => "不满意",
            _ => "非常不满意",
        }
    }

    /// Counts as satisfied: 3, 4 and 5.
    pub fn is_satisfied(self) -> bool {
        self >= Self::BASICALLY
    }
}

impl TryFrom<i64> for Satisfaction {
    type Error = FieldError;
    fn try_from(given: i64) -> Result<Self, FieldError> {
        match i16::try_from(given) {
            Ok(value @ 1..=5) => Ok(Self(value)),
            _ => Err(FieldError::new(
                "satisfaction",
                format!("满意度要填 1–5（5 非常满意，1 非常不满意），现在是 {given}"),
            )),
        }
    }
}

impl utoipa::PartialSchema for Satisfaction {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .minimum(Some(1))
            .maximum(Some(5))
            .description(Some("5 非常满意 · 4 满意 · 3 基本满意 · 2 不满意 · 1 非常不满意"))
            .examples([5])
            .into()
    }
}

impl utoipa::ToSchema for Satisfaction {}

/// What a resident answers, asked apart: solved, how satisfied, and whether anyone called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Solved (已解决) or not.
    pub solved: bool,
    /// How satisfied.
    pub satisfaction: Satisfaction,
    /// Whether somebody made contact; `None` when not answered. "No" counts as not contacted in
    /// the response rate, whatever the unit recorded.
    pub contacted: Option<bool>,
    /// Own words, up to 1,000 characters.
    pub comment: Option<String>,
}

/// Where an evaluation leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The case closes (办结).
    Close,
    /// The lead gets a rework task (重办).
    Rework,
    /// After the allowed reworks: consultation (会商); the case stays in handling.
    Consultation,
}

impl Evaluation {
    /// Reads an answer.
    ///
    /// # Errors
    /// The satisfaction is not 1–5, or the comment too long or with control characters.
    pub fn new(
        solved: bool,
        satisfaction: i64,
        contacted: Option<bool>,
        comment: Option<&str>,
    ) -> Result<Self, Invalid> {
        let satisfaction = Satisfaction::try_from(satisfaction);
        let comment = text::optional("comment", comment, 1000);
        match (satisfaction, comment) {
            (Ok(satisfaction), Ok(comment)) => {
                Ok(Self { solved, satisfaction, contacted, comment })
            }
            (satisfaction, comment) => {
                Err(Invalid([satisfaction.err(), comment.err()].into_iter().flatten().collect()))
            }
        }
    }

    /// Solved and at least 基本满意 closes; anything else is reworked, and after the allowed
    /// reworks goes to consultation.
    pub fn outcome(&self, reworks: u32, rules: &FollowUpRules) -> Outcome {
        if self.solved && self.satisfaction.is_satisfied() {
            Outcome::Close
        } else if reworks < rules.reworks {
            Outcome::Rework
        } else {
            Outcome::Consultation
        }
    }
}

/// A round of follow-up; a `smallint` 1 or 2 in the database.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "i16", into = "i16")]
pub enum FollowUpRound {
    /// Asked as soon as every task is confirmed.
    First,
    /// Asked again by another channel.
    Second,
}

impl FollowUpRound {
    /// The round after this one; after the second the case closes as not reached.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::First => Some(Self::Second),
            Self::Second => None,
        }
    }

    /// How long an answer is waited for, from the instant the round began.
    pub fn waits_until(
        self,
        asked_at: Timestamp,
        calendar: &WorkingCalendar,
        rules: &FollowUpRules,
    ) -> Timestamp {
        let span = match self {
            Self::First => rules.second_round,
            Self::Second => rules.close_not_reached,
        };
        span.end(asked_at, calendar)
    }
}

impl From<FollowUpRound> for i16 {
    fn from(round: FollowUpRound) -> Self {
        match round {
            FollowUpRound::First => 1,
            FollowUpRound::Second => 2,
        }
    }
}

impl TryFrom<i16> for FollowUpRound {
    type Error = FieldError;
    fn try_from(given: i16) -> Result<Self, FieldError> {
        match given {
            1 => Ok(Self::First),
            2 => Ok(Self::Second),
            _ => Err(FieldError::new(
                "round",
                format!("回访只有第 1 轮和第 2 轮，没有第 {given} 轮"),
            )),
        }
    }
}

impl sqlx::Type<sqlx::Postgres> for FollowUpRound {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        <i16 as sqlx::Type<sqlx::Postgres>>::type_info()
    }
}

impl<'q> sqlx::Encode<'q, sqlx::Postgres> for FollowUpRound {
    fn encode_by_ref(
        &self,
        buf: &mut sqlx::postgres::PgArgumentBuffer,
    ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        <i16 as sqlx::Encode<sqlx::Postgres>>::encode_by_ref(&i16::from(*self), buf)
    }
}

impl<'r> sqlx::Decode<'r, sqlx::Postgres> for FollowUpRound {
    fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        Ok(<i16 as sqlx::Decode<sqlx::Postgres>>::decode(value)?.try_into()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn satisfaction_is_one_to_five() {
        let labels: Vec<_> =
            (1..=5).map(|value| Satisfaction::try_from(value).unwrap().label()).collect();
        assert_eq!(labels, ["非常不满意", "不满意", "基本满意", "满意", "非常满意"]);
        for bad in [i64::MIN, -1, 0, 6, 65_537, i64::MAX] {
            let error = Satisfaction::try_from(bad).unwrap_err();
            assert!(error.reason.contains("1–5"), "{error}");
        }
        assert!(serde_json::from_str::<Satisfaction>("0").is_err());
        assert!(serde_json::from_str::<Satisfaction>("3.5").is_err());
        assert_eq!(serde_json::to_string(&Satisfaction::BASICALLY).unwrap(), "3");
    }

    #[test]
    fn an_answer_names_all_its_faults() {
        let Invalid(faults) = Evaluation::new(true, 9, None, Some("坏\u{0}")).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["satisfaction", "comment"]);
        assert!(Evaluation::new(true, 5, None, Some(&"好".repeat(1000))).is_ok());
        assert!(Evaluation::new(true, 5, None, Some(&"好".repeat(1001))).is_err());
        assert_eq!(Evaluation::new(true, 5, None, Some("  ")).unwrap().comment, None);
    }

    #[test]
    fn every_answer_has_one_outcome() {
        let rules = FollowUpRules::default();
        for solved in [true, false] {
            for satisfaction in 1..=5 {
                for reworks in 0..=4 {
                    let expected = match (solved, satisfaction, reworks) {
                        (true, 3..=5, _) => Outcome::Close,
                        (_, _, 0 | 1) => Outcome::Rework,
                        _ => Outcome::Consultation,
                    };
                    let given = Evaluation::new(solved, satisfaction, None, None).unwrap();
                    assert_eq!(
                        given.outcome(reworks, &rules),
                        expected,
                        "{solved} {satisfaction} {reworks}"
                    );
                }
            }
        }
    }

    #[test]
    fn two_rounds_of_three_working_days() {
        let (calendar, rules) = (WorkingCalendar::embedded(), FollowUpRules::default());
        let asked: Timestamp = "2026-09-30T02:00:00Z".parse().unwrap();
        let second = FollowUpRound::First.waits_until(asked, &calendar, &rules);
        assert_eq!(second.to_rfc3339(), "2026-10-10T16:00:00+00:00");
        let closes = FollowUpRound::Second.waits_until(second, &calendar, &rules);
        assert_eq!(closes.to_rfc3339(), "2026-10-14T16:00:00+00:00");
        assert_eq!(FollowUpRound::First.next().and_then(FollowUpRound::next), None);
    }

    #[test]
    fn a_round_is_one_or_two() {
        for round in [FollowUpRound::First, FollowUpRound::Second] {
            assert_eq!(FollowUpRound::try_from(i16::from(round)).unwrap(), round);
            let json = serde_json::to_string(&round).unwrap();
            assert_eq!(serde_json::from_str::<FollowUpRound>(&json).unwrap(), round);
        }
        assert!(FollowUpRound::try_from(0).is_err() && FollowUpRound::try_from(3).is_err());
    }
}
