//! The centre's own figures: what came before it in a month, and whether it acted in time.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::share;
use crate::{
    id::ComplaintId,
    sla::{CentreDeadline, Terms, Urgency},
    time::Timestamp,
};

codes! {
    /// What the centre had to do.
    pub enum CentreDuty {
        /// Accept and dispatch, or answer, reject, merge: from submission or appeal.
        Dispatch = "dispatch", "受理派单";
        /// Rule on a return or an extension.
        Ruling = "ruling", "裁定退单延期";
        /// Confirm a reply or send it back.
        Confirm = "confirm", "确认答复";
    }
}

codes! {
    /// A number that stands behind the centre's rates.
    pub enum CentreFigure {
        /// Complaints whose dispatch was made or fell due.
        DispatchDue = "dispatch_due", "应受理派单";
        /// Of these, in time.
        DispatchedInTime = "dispatched_in_time", "按时受理派单";
        /// Requests whose ruling was made or fell due.
        RulingDue = "ruling_due", "应裁定";
        /// Of these, in time.
        RuledInTime = "ruled_in_time", "按时裁定";
        /// Replies whose confirmation was made or fell due.
        ConfirmDue = "confirm_due", "应确认";
        /// Of these, in time.
        ConfirmedInTime = "confirmed_in_time", "按时确认";
        /// Complaints that the centre answered itself.
        Answered = "answered", "直接答复";
        /// Of these, appealed against.
        AnswersAppealed = "answers_appealed", "直接答复被申请复核";
    }
}

/// One thing that the centre had to do. It belongs to the month in which its clock began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CentreWork {
    /// The complaint.
    pub complaint: ComplaintId,
    /// The number of the event that began the clock.
    pub seq: i32,
    /// What.
    pub duty: CentreDuty,
    /// When the clock began.
    pub asked_at: Timestamp,
    /// Until when, a suspension's standstill added.
    pub due_at: Timestamp,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// It ended in a direct answer.
    pub answered: bool,
    /// The answer was appealed against.
    pub appealed: bool,
}

impl CentreDuty {
    /// Until when: a clock of the centre's rules from `asked_at`, later by what it stood still.
    pub fn due_at(
        self,
        urgency: Option<Urgency>,
        asked_at: Timestamp,
        stood_still: TimeDelta,
        terms: Terms<'_>,
    ) -> Timestamp {
        let what = match self {
            Self::Dispatch => CentreDeadline::Dispatch,
            Self::Ruling => CentreDeadline::Ruling,
            Self::Confirm => CentreDeadline::ConfirmReply,
        };
        terms.rules.centre.deadline(what, urgency, asked_at + stood_still, terms.calendar)
    }
}

impl CentreWork {
    /// Whether it is among the cases of a figure, as things stand at `now`.
    pub fn counts(&self, figure: CentreFigure, now: Timestamp) -> bool {
        let due = self.done_at.is_some() || self.due_at <= now;
        let in_time = self.done_at.is_some_and(|at| at <= self.due_at);
        match figure {
            CentreFigure::DispatchDue => self.duty == CentreDuty::Dispatch && due,
            CentreFigure::DispatchedInTime => self.duty == CentreDuty::Dispatch && in_time,
            CentreFigure::RulingDue => self.duty == CentreDuty::Ruling && due,
            CentreFigure::RuledInTime => self.duty == CentreDuty::Ruling && in_time,
            CentreFigure::ConfirmDue => self.duty == CentreDuty::Confirm && due,
            CentreFigure::ConfirmedInTime => self.duty == CentreDuty::Confirm && in_time,
            CentreFigure::Answered => self.answered,
            CentreFigure::AnswersAppealed => self.answered && self.appealed,
        }
    }
}

/// The centre's rates of a month, each 0–1 rounded to 4 decimals; null without a denominator.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct CentreRates {
    /// Share accepted and dispatched (or answered, rejected, merged) in time.
    pub on_time_dispatch_rate: Option<f64>,
    /// Share of returns and extensions ruled on in time.
    pub on_time_ruling_rate: Option<f64>,
    /// Share of replies confirmed or sent back in time.
    pub on_time_confirm_rate: Option<f64>,
    /// Share of direct answers that were appealed against.
    pub appealed_share: Option<f64>,
    /// Minutes from submission to a direct answer: half of them took no longer.
    pub handling_median_minutes: Option<u32>,
    /// The same: nine of ten took no longer.
    pub handling_p90_minutes: Option<u32>,
    /// The numbers behind the rates, each of which `GET /rates/cases?unit=centre` opens.
    #[schema(value_type = std::collections::HashMap<String, u32>)]
    pub counts: BTreeMap<CentreFigure, u32>,
}

/// The centre's rates from what it had to do in a month, as things stand at `now`.
pub fn centre_rates(work: &[CentreWork], now: Timestamp) -> CentreRates {
    let counted = |figure| {
        let cases = work.iter().filter(|one| one.counts(figure, now)).count();
        u32::try_from(cases).unwrap_or(u32::MAX)
    };
    let rate = |part, whole| share(counted(part), counted(whole));
    let mut minutes: Vec<u32> = work
        .iter()
        .filter(|one| one.answered)
        .filter_map(|one| one.done_at.map(|done| done - one.asked_at))
        .map(|took| u32::try_from(took.num_minutes()).unwrap_or(0))
        .collect();
    minutes.sort_unstable();
    CentreRates {
        on_time_dispatch_rate: rate(CentreFigure::DispatchedInTime, CentreFigure::DispatchDue),
        on_time_ruling_rate: rate(CentreFigure::RuledInTime, CentreFigure::RulingDue),
        on_time_confirm_rate: rate(CentreFigure::ConfirmedInTime, CentreFigure::ConfirmDue),
        appealed_share: rate(CentreFigure::AnswersAppealed, CentreFigure::Answered),
        handling_median_minutes: quantile(&minutes, 50),
        handling_p90_minutes: quantile(&minutes, 90),
        counts: CentreFigure::ALL.iter().map(|figure| (*figure, counted(*figure))).collect(),
    }
}

/// The smallest value that at least so many percent do not exceed, as `percentile_disc` has it.
fn quantile(sorted: &[u32], percent: usize) -> Option<u32> {
    let place = sorted.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calendar::WorkingCalendar, sla::Rules};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn work(duty: CentreDuty, due: &str, done: Option<&str>) -> CentreWork {
        CentreWork {
            complaint: ComplaintId(uuid::Uuid::nil()),
            seq: 1,
            duty,
            asked_at: at("2026-11-24T01:00:00Z"),
            due_at: at(due),
            done_at: done.map(at),
            answered: false,
            appealed: false,
        }
    }

    #[test]
    fn what_is_not_due_yet_counts_nowhere_and_the_last_instant_is_in_time() {
        let now = at("2026-11-24T05:00:00Z");
        let given = [
            work(CentreDuty::Dispatch, "2026-11-24T04:30:00Z", Some("2026-11-24T04:30:00Z")),
            work(CentreDuty::Dispatch, "2026-11-24T04:30:00Z", Some("2026-11-24T04:30:01Z")),
            work(CentreDuty::Dispatch, "2026-11-24T05:00:00Z", None),
            work(CentreDuty::Dispatch, "2026-11-24T05:00:01Z", None),
            work(CentreDuty::Ruling, "2026-11-24T05:00:01Z", None),
            work(CentreDuty::Confirm, "2026-11-24T06:00:00Z", Some("2026-11-24T05:00:00Z")),
        ];
        let rates = centre_rates(&given, now);
        assert_eq!(rates.counts[&CentreFigure::DispatchDue], 3);
        assert_eq!(rates.on_time_dispatch_rate, Some(0.3333));
        assert_eq!(rates.on_time_ruling_rate, None);
        assert_eq!(rates.on_time_confirm_rate, Some(1.0));
        assert_eq!((rates.appealed_share, rates.handling_median_minutes), (None, None));
    }

    #[test]
    fn direct_answers_count_for_the_centre() {
        let given: Vec<_> = (1..=10)
            .map(|hour| CentreWork {
                answered: true,
                appealed: hour > 8,
                ..work(
                    CentreDuty::Dispatch,
                    "2026-11-24T04:30:00Z",
                    Some(&format!("2026-11-24T{:02}:00:00Z", 1 + hour)),
                )
            })
            .collect();
        let rates = centre_rates(&given, at("2026-11-25T00:00:00Z"));
        assert_eq!(rates.appealed_share, Some(0.2));
        assert_eq!(
            (rates.handling_median_minutes, rates.handling_p90_minutes),
            (Some(300), Some(540))
        );
    }

    #[test]
    fn an_emergency_has_ten_minutes_and_a_standstill_is_added() {
        let (calendar, rules) = (WorkingCalendar::embedded(), Rules::default());
        let terms = Terms { calendar: &calendar, rules: &rules };
        let due = |duty: CentreDuty, urgency, still| {
            let from = at("2026-11-24T01:00:00Z");
            duty.due_at(urgency, from, TimeDelta::minutes(still), terms).to_rfc3339()
        };
        let emergency = Some(Urgency::Emergency);
        assert_eq!(due(CentreDuty::Dispatch, emergency, 0), "2026-11-24T01:10:00+00:00");
        assert_eq!(due(CentreDuty::Dispatch, emergency, 60), "2026-11-24T02:10:00+00:00");
        assert_eq!(due(CentreDuty::Dispatch, None, 0), "2026-11-24T07:00:00+00:00");
        assert_eq!(due(CentreDuty::Ruling, None, 0), "2026-11-24T07:00:00+00:00");
        assert_eq!(due(CentreDuty::Confirm, None, 0), "2026-11-25T16:00:00+00:00");
    }
}
