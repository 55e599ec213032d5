//! The terms beside the table: the centre's own clock, returns, extensions, reminders, overdue
//! notices and follow-up. Every number is `[default]` unless its doc names a source.

use super::{Schedules, Span, Urgency};
use crate::calendar::WorkingCalendar;
use crate::consultation::Level;
use crate::refusal::{Kind, Refusal};
use crate::time::{self, Timestamp};

/// Every term and limit, with the defaults of the domain; configuration may override any part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// The table of deadlines per urgency.
    pub schedules: Schedules,
    /// The centre's own clock.
    pub centre: CentreRules,
    /// Returns (退单).
    pub returns: ReturnRules,
    /// Consultations (会商).
    pub consultation: ConsultationRules,
    /// Extensions (延期).
    pub extension: ExtensionRule,
    /// Reminders (催办) and overdue notices.
    pub overdue: OverdueRules,
    /// Supervision (督办).
    pub supervision: SupervisionRules,
    /// The end of a whistle (销哨、评哨), and the watch over them.
    pub whistle: WhistleRules,
    /// Follow-up (回访), evaluation and archive.
    pub follow_up: FollowUpRules,
}

/// What the centre must do in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CentreDeadline {
    /// Accept and dispatch, from submission.
    Dispatch,
    /// Rule on a return or an extension, from the request.
    Ruling,
    /// Review a whistle, from its draft.
    WhistleReview,
    /// Confirm a reply or send it back, from the reply.
    ConfirmReply,
}

/// The centre's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CentreRules {
    /// Accept and dispatch: half a working day.
    pub dispatch: Span,
    /// Accept and dispatch an emergency: 10 minutes.
    pub dispatch_emergency: Span,
    /// Rule on a return or extension: half a working day.
    pub ruling: Span,
    /// Review a whistle: 2 hours.
    pub whistle_review: Span,
    /// Confirm a reply: 1 working day.
    pub confirm_reply: Span,
}

impl Default for CentreRules {
    fn default() -> Self {
        Self {
            dispatch: Span::HalfWorkingDay,
            dispatch_emergency: Span::Minutes(10),
            ruling: Span::HalfWorkingDay,
            whistle_review: Span::hours(2),
            confirm_reply: Span::WorkingDays(1),
        }
    }
}

impl CentreRules {
    /// When the centre must have acted. The urgency is `None` until it is known.
    pub fn deadline(
        &self,
        what: CentreDeadline,
        urgency: Option<Urgency>,
        from: Timestamp,
        calendar: &WorkingCalendar,
    ) -> Timestamp {
        let span = match what {
            CentreDeadline::Dispatch if urgency == Some(Urgency::Emergency) => {
                self.dispatch_emergency
            }
            CentreDeadline::Dispatch => self.dispatch,
            CentreDeadline::Ruling => self.ruling,
            CentreDeadline::WhistleReview => self.whistle_review,
            CentreDeadline::ConfirmReply => self.confirm_reply,
        };
        span.end(from, calendar)
    }
}

/// Returns (退单): how long a unit may dispute that a task is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnRules {
    /// From dispatch: 1 working day.
    pub window: Span,
    /// From dispatch, for emergency and utility: 1 hour.
    pub pressing_window: Span,
    /// Returns per lead or assist line of a complaint before the centre rules finally: 2.
    pub limit: u32,
}

impl Default for ReturnRules {
    fn default() -> Self {
        Self { window: Span::WorkingDays(1), pressing_window: Span::hours(1), limit: 2 }
    }
}

impl ReturnRules {
    /// The end of the return window. Who misses it keeps the task (首接负责).
    pub fn closes_at(
        &self,
        urgency: Urgency,
        dispatched_at: Timestamp,
        calendar: &WorkingCalendar,
    ) -> Timestamp {
        let span = if urgency.is_pressing() { self.pressing_window } else { self.window };
        span.end(dispatched_at, calendar)
    }
}

/// Consultations (会商): how long each level has to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsultationRules {
    /// The centre: 3 working days.
    pub centre: Span,
    /// The deputy district head: 5 working days.
    pub deputy_head: Span,
    /// The coordination mechanism: 5 working days.
    pub coordination: Span,
}

impl Default for ConsultationRules {
    fn default() -> Self {
        Self {
            centre: Span::WorkingDays(3),
            deputy_head: Span::WorkingDays(5),
            coordination: Span::WorkingDays(5),
        }
    }
}

impl ConsultationRules {
    /// When a level that begins at this instant must have decided.
    pub fn ends_at(&self, level: Level, from: Timestamp, calendar: &WorkingCalendar) -> Timestamp {
        let span = match level {
            Level::Centre => self.centre,
            Level::DeputyHead => self.deputy_head,
            Level::Coordination => self.coordination,
        };
        span.end(from, calendar)
    }
}

/// Extensions (延期): never for emergencies, asked before the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExtensionRule {
    /// How many may be granted for one task: 3.
    pub times: u32,
    /// How far each may move `reply_by`, in working days: 3.
    pub working_days: u32,
}

impl Default for ExtensionRule {
    fn default() -> Self {
        Self { times: 3, working_days: 3 }
    }
}

impl ExtensionRule {
    /// The latest date that one extension may name.
    pub fn latest(&self, reply_by: Timestamp, calendar: &WorkingCalendar) -> Timestamp {
        calendar.prolong(reply_by, self.working_days)
    }

    /// Whether a unit may ask now for `until`, `granted` extensions lying behind it. For the
    /// centre's ruling pass the instant of the request as `now`: the clock never stops while
    /// something is merely asked for, and a ruling that comes late is not the unit's fault.
    ///
    /// # Errors
    /// An emergency, too many, too late, or a date out of range.
    pub fn check(
        &self,
        ask: ExtensionAsk,
        now: Timestamp,
        calendar: &WorkingCalendar,
    ) -> Result<(), ExtensionRefusal> {
        if ask.urgency == Urgency::Emergency {
            return Err(ExtensionRefusal::Emergency);
        }
        if ask.granted >= self.times {
            return Err(ExtensionRefusal::Limit { times: self.times });
        }
        if now >= ask.reply_by {
            return Err(ExtensionRefusal::TooLate { reply_by: ask.reply_by });
        }
        let latest = self.latest(ask.reply_by, calendar);
        if ask.until <= ask.reply_by || ask.until > latest {
            return Err(ExtensionRefusal::Until {
                reply_by: ask.reply_by,
                latest,
                working_days: self.working_days,
            });
        }
        Ok(())
    }
}

/// What an extension is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtensionAsk {
    /// The task's urgency.
    pub urgency: Urgency,
    /// Extensions granted before.
    pub granted: u32,
    /// The deadline as it stands.
    pub reply_by: Timestamp,
    /// The deadline that is asked for.
    pub until: Timestamp,
}

/// Why an extension cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionRefusal {
    /// Emergencies are never extended.
    #[error("紧急事项不能延期，请按时限办理")]
    Emergency,
    /// As many as allowed were granted.
    #[error("这件任务已延期 {times} 次，不能再延；确需更长时间请报指挥中心会商")]
    Limit {
        /// How many are allowed.
        times: u32,
    },
    /// The deadline is past.
    #[error("答复时限 {} 已过，延期要在时限前提出，请尽快答复", time::spoken(*.reply_by))]
    TooLate {
        /// The deadline that is past.
        reply_by: Timestamp,
    },
    /// The new date is not after the old one, or too far.
    #[error(
        "新时限要晚于 {}、不晚于 {}（每次最多 {working_days} 个工作日）",
        time::spoken(*.reply_by),
        time::spoken(*.latest)
    )]
    Until {
        /// The deadline as it stands.
        reply_by: Timestamp,
        /// The latest date that may be named.
        latest: Timestamp,
        /// How far one extension may reach.
        working_days: u32,
    },
}

impl Refusal for ExtensionRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Emergency => "extension_not_for_emergency",
            Self::Limit { .. } => "extension_limit_reached",
            Self::TooLate { .. } => "extension_window_closed",
            Self::Until { .. } => "extension_until_out_of_range",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Emergency | Self::Limit { .. } | Self::TooLate { .. } => Kind::Conflict,
            Self::Until { .. } => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<crate::refusal::FieldError> {
        match self {
            Self::Until { .. } => vec![crate::refusal::FieldError::new("until", self.to_string())],
            _ => Vec::new(),
        }
    }
}

/// Reminders (催办) before a deadline and notices after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OverdueRules {
    /// Reminders at these percents of the natural time: 50 and 80.
    pub reminder_percents: [u8; 2],
    /// From the missed deadline to the written bulletin (书面通报): 5 working days.
    pub bulletin_after: Span,
    /// From the written bulletin to supervision (督办): 2 working days.
    pub supervise_after: Span,
}

impl Default for OverdueRules {
    fn default() -> Self {
        Self {
            reminder_percents: [50, 80],
            bulletin_after: Span::WorkingDays(5),
            supervise_after: Span::WorkingDays(2),
        }
    }
}

impl OverdueRules {
    /// The instants of the reminders between `from` and `by`.
    pub fn reminders(&self, from: Timestamp, by: Timestamp) -> [Timestamp; 2] {
        self.reminder_percents.map(|percent| super::reminder_at(from, by, percent))
    }

    /// When the head of the unit is told that `by` was missed: at once for emergency and utility,
    /// else at the opening of the next working day.
    pub fn notice_at(
        &self,
        urgency: Urgency,
        by: Timestamp,
        calendar: &WorkingCalendar,
    ) -> Timestamp {
        if urgency.is_pressing() { by } else { calendar.next_opening_after(by) }
    }

    /// When a missed deadline is told in writing (书面通报).
    pub fn bulletin_at(&self, by: Timestamp, calendar: &WorkingCalendar) -> Timestamp {
        self.bulletin_after.end(by, calendar)
    }

    /// When supervision begins, should the bulletin bring nothing.
    pub fn supervise_at(&self, by: Timestamp, calendar: &WorkingCalendar) -> Timestamp {
        self.supervise_after.end(self.bulletin_at(by, calendar), calendar)
    }
}

/// Supervision (督办): how long each level may take to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupervisionRules {
    /// The unit's main leader, by letter: 3 working days.
    pub letter: Span,
    /// The government's 督查室: 2 working days.
    pub inspectorate: Span,
    /// The district leader: 1 working day.
    pub leader: Span,
}

impl Default for SupervisionRules {
    fn default() -> Self {
        Self {
            letter: Span::WorkingDays(3),
            inspectorate: Span::WorkingDays(2),
            leader: Span::WorkingDays(1),
        }
    }
}

impl SupervisionRules {
    /// By when a level is to be answered.
    pub fn answer_by(
        &self,
        level: crate::supervision::Level,
        from: Timestamp,
        calendar: &WorkingCalendar,
    ) -> Timestamp {
        use crate::supervision::Level;
        let span = match level {
            Level::Letter => self.letter,
            Level::Inspectorate => self.inspectorate,
            Level::Leader => self.leader,
        };
        span.end(from, calendar)
    }
}

/// The end of a whistle, and the watch over a month's whistles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhistleRules {
    /// From the last confirmed task, until the whistle stands down by itself: 2 working days.
    pub stand_down: Span,
    /// From standing down, until whoever was not appraised stays so: 5 working days.
    pub appraisal: Span,
    /// More whistles than so many per 100 complaints of a month are too many: 20.
    pub too_many: u32,
    /// Fewest complaints of a community, or appraisals of a unit, for a verdict: 10.
    pub min_sample: u32,
}

impl Default for WhistleRules {
    fn default() -> Self {
        Self {
            stand_down: Span::WorkingDays(2),
            appraisal: Span::WorkingDays(5),
            too_many: 20,
            min_sample: 10,
        }
    }
}

/// Follow-up (回访), evaluation and archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FollowUpRules {
    /// From round 1 without an answer to round 2 by another channel: 3 working days.
    pub second_round: Span,
    /// From round 2 without an answer to closing as not reached: 3 working days.
    pub close_not_reached: Span,
    /// From closing to the archive, until when the resident may reopen: 15 natural days.
    pub archive: Span,
    /// Silence of a whistle's blower before its confirmation passes to the centre: 2 working days.
    pub silence: Span,
    /// Reworks (重办) before a case goes to consultation (会商): 2.
    pub reworks: u32,
}

impl Default for FollowUpRules {
    fn default() -> Self {
        Self {
            second_round: Span::WorkingDays(3),
            close_not_reached: Span::WorkingDays(3),
            archive: Span::NaturalDays(15),
            silence: Span::WorkingDays(2),
            reworks: 2,
        }
    }
}
