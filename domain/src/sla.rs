//! Deadlines: how long each urgency may take, counted on the working calendar.
//!
//! The terms are data ([`Schedules`], [`Rules`]); a computed instant is stored, and is
//! recomputed only by a recorded decision.

use crate::calendar::{self, WorkingCalendar};
use crate::time::{self, Timestamp};

pub mod explain;
pub mod rules;
pub mod timer;

pub use explain::{Step, steps};
pub use rules::{
    CentreDeadline, CentreRules, ConsultationRules, ExtensionAsk, ExtensionRefusal, ExtensionRule,
    FollowUpRules, OverdueRules, ReturnRules, Rules, SupervisionRules, WhistleRules,
};
pub use timer::{Terms, Timer, TimerKind};

#[cfg(test)]
mod tests;

codes! {
    /// How pressing a matter is (紧急程度); it decides the deadlines.
    pub enum Urgency {
        /// Danger to life, property or safety.
        Emergency = "emergency", "紧急";
        /// Water, power, gas, heat.
        Utility = "utility", "民生";
        /// The usual case.
        Ordinary = "ordinary", "一般";
        /// A question.
        Inquiry = "inquiry", "咨询";
        /// A knotty matter that needs several units or long work.
        Hard = "hard", "疑难";
    }
}

impl Urgency {
    /// Emergency and utility matters are counted in hours: shorter windows, notices at once.
    pub const fn is_pressing(self) -> bool {
        matches!(self, Self::Emergency | Self::Utility)
    }
}

codes! {
    /// What a unit must have done by a deadline (时限环节), in order.
    pub enum Mark {
        /// Acknowledge the task.
        Acknowledge = "acknowledge", "签收";
        /// First contact with the resident.
        Contact = "contact", "先行联系";
        /// Arrive on site, or report in.
        Arrive = "arrive", "到场";
        /// Reply.
        Reply = "reply", "答复";
    }
}

/// A term. In configuration: `{ minutes = 15 }`, `{ working_days = 5 }`, `"half_working_day"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Natural minutes from the instant, nights and holidays included.
    Minutes(u32),
    /// Minutes inside working hours.
    WorkingMinutes(u32),
    /// Half of a day's working time, inside working hours.
    HalfWorkingDay,
    /// Whole working days, to 24:00 of the last; the start day is not counted.
    WorkingDays(u32),
    /// Whole natural days, to 24:00 of the last; the start day is not counted.
    NaturalDays(u32),
}

impl Span {
    /// Natural hours.
    pub const fn hours(hours: u32) -> Self {
        Self::Minutes(hours.saturating_mul(60))
    }

    /// When a term from this instant ends.
    pub fn end(self, from: Timestamp, calendar: &WorkingCalendar) -> Timestamp {
        match self {
            Self::Minutes(minutes) => from + chrono::TimeDelta::minutes(i64::from(minutes)),
            Self::WorkingMinutes(minutes) => calendar.add_working_time(from, i64::from(minutes)),
            Self::HalfWorkingDay => calendar.add_half_working_day(from),
            Self::WorkingDays(n) => calendar.add_working_days(from, n),
            Self::NaturalDays(n) => {
                let last = time::date(from).checked_add_days(chrono::Days::new(u64::from(n)));
                calendar::end_of(last.unwrap_or(chrono::NaiveDate::MAX))
            }
        }
    }

    /// Whether a term from this instant counts working days of a year without a notice.
    pub fn is_provisional(self, from: Timestamp, calendar: &WorkingCalendar) -> bool {
        match self {
            Self::Minutes(_) | Self::NaturalDays(_) => false,
            Self::WorkingMinutes(_) | Self::HalfWorkingDay | Self::WorkingDays(_) => {
                let last = calendar::last_day(self.end(from, calendar));
                calendar.provisional_in(time::date(from)..=last)
            }
        }
    }
}

/// The terms of one urgency, each from dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// To acknowledge.
    pub acknowledge: Span,
    /// To the first contact; none where the class asks for none.
    pub contact: Option<Span>,
    /// To arrive on site; none where the class asks for none.
    pub arrive: Option<Span>,
    /// To reply.
    pub reply: Span,
}

impl Schedule {
    /// The marks that apply with their terms, in order.
    fn marks(&self, needs: Needs) -> impl Iterator<Item = (Mark, Span)> {
        [
            (Mark::Acknowledge, Some(self.acknowledge)),
            (Mark::Contact, self.contact.filter(|_| needs.contact)),
            (Mark::Arrive, self.arrive.filter(|_| needs.arrive)),
            (Mark::Reply, Some(self.reply)),
        ]
        .into_iter()
        .filter_map(|(mark, span)| Some((mark, span?)))
    }

    /// The marks that apply with their instants, a later one never before an earlier one: the
    /// later one is moved up.
    fn instants(
        &self,
        from: Timestamp,
        calendar: &WorkingCalendar,
        needs: Needs,
    ) -> impl Iterator<Item = (Mark, Timestamp)> {
        self.marks(needs).scan(from, move |latest, (mark, span)| {
            *latest = span.end(from, calendar).max(*latest);
            Some((mark, *latest))
        })
    }
}

/// The table of deadlines. `[default]` in every cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedules {
    /// 紧急: on site in 30 minutes (平谷), response within 30 minutes (吕梁).
    pub emergency: Schedule,
    /// 民生: Beijing's 24-hour class.
    pub utility: Schedule,
    /// 一般: 5 working days to reply (吕梁).
    pub ordinary: Schedule,
    /// 咨询: 3 working days to reply (吕梁); nobody needs to arrive.
    pub inquiry: Schedule,
    /// 疑难: 15 working days, after Beijing's 15 days.
    pub hard: Schedule,
}

impl Schedules {
    /// The terms of an urgency.
    pub const fn of(&self, urgency: Urgency) -> &Schedule {
        match urgency {
            Urgency::Emergency => &self.emergency,
            Urgency::Utility => &self.utility,
            Urgency::Ordinary => &self.ordinary,
            Urgency::Inquiry => &self.inquiry,
            Urgency::Hard => &self.hard,
        }
    }
}

impl Default for Schedules {
    fn default() -> Self {
        Self {
            emergency: Schedule {
                acknowledge: Span::Minutes(15),
                contact: Some(Span::Minutes(30)),
                arrive: Some(Span::Minutes(30)),
                reply: Span::hours(24),
            },
            utility: Schedule {
                acknowledge: Span::hours(1),
                contact: Some(Span::hours(2)),
                arrive: Some(Span::hours(2)),
                reply: Span::hours(24),
            },
            ordinary: Schedule {
                acknowledge: Span::HalfWorkingDay,
                contact: Some(Span::hours(24)),
                arrive: Some(Span::WorkingDays(1)),
                reply: Span::WorkingDays(5),
            },
            inquiry: Schedule {
                acknowledge: Span::HalfWorkingDay,
                contact: Some(Span::WorkingDays(1)),
                arrive: None,
                reply: Span::WorkingDays(3),
            },
            hard: Schedule {
                acknowledge: Span::HalfWorkingDay,
                contact: Some(Span::hours(24)),
                arrive: Some(Span::WorkingDays(2)),
                reply: Span::WorkingDays(15),
            },
        }
    }
}

/// Which of the optional marks a task has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// There is somebody to contact: false for an anonymous report without any account.
    pub contact: bool,
    /// Somebody must come: whistles and site work.
    pub arrive: bool,
}

impl Needs {
    /// Everything the class has, as a preview shows it.
    pub const ALL: Self = Self { contact: true, arrive: true };
}

/// The instants of one task. A mark that does not apply is `None` (null).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Deadlines {
    /// 签收时限
    #[schema(value_type = String, format = DateTime)]
    pub acknowledge_by: Timestamp,
    /// 先行联系时限
    #[schema(value_type = Option<String>, format = DateTime)]
    pub contact_by: Option<Timestamp>,
    /// 到场时限
    #[schema(value_type = Option<String>, format = DateTime)]
    pub arrive_by: Option<Timestamp>,
    /// 答复时限
    #[schema(value_type = String, format = DateTime)]
    pub reply_by: Timestamp,
    /// A year without a holiday notice is touched: to be recomputed when the notice comes.
    pub provisional: bool,
}

impl Deadlines {
    /// The instant of a mark, if the task has it.
    pub const fn of(&self, mark: Mark) -> Option<Timestamp> {
        match mark {
            Mark::Acknowledge => Some(self.acknowledge_by),
            Mark::Contact => self.contact_by,
            Mark::Arrive => self.arrive_by,
            Mark::Reply => Some(self.reply_by),
        }
    }
}

/// The deadlines of a task dispatched at `from`: acknowledge ≤ contact ≤ arrive ≤ reply. The
/// clock runs from dispatch, not from acknowledgement.
pub fn deadlines(
    urgency: Urgency,
    from: Timestamp,
    calendar: &WorkingCalendar,
    schedules: &Schedules,
    needs: Needs,
) -> Deadlines {
    let schedule = schedules.of(urgency);
    let mut marks = Deadlines {
        acknowledge_by: from,
        contact_by: None,
        arrive_by: None,
        reply_by: from,
        provisional: schedule.marks(needs).any(|(_, span)| span.is_provisional(from, calendar)),
    };
    for (mark, at) in schedule.instants(from, calendar, needs) {
        match mark {
            Mark::Acknowledge => marks.acknowledge_by = at,
            Mark::Contact => marks.contact_by = Some(at),
            Mark::Arrive => marks.arrive_by = Some(at),
            Mark::Reply => marks.reply_by = at,
        }
    }
    marks
}

/// When a reminder (催办) is due: after so many percent of the natural time from `from` to `by`.
pub fn reminder_at(from: Timestamp, by: Timestamp, percent: u8) -> Timestamp {
    let whole = (by - from).num_milliseconds();
    let part = whole.saturating_mul(i64::from(percent.min(100))) / 100;
    from + chrono::TimeDelta::milliseconds(part)
}
