//! Deadlines in words: which days were counted, which were skipped, and why.

use chrono::{Datelike, NaiveDate};

use super::{Mark, Needs, Schedules, Span, Urgency};
use crate::calendar::{self, DayKind, WorkingCalendar};
use crate::time::{self, Timestamp};

/// How one deadline came about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Step {
    /// What has to be done.
    pub mark: Mark,
    /// By when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How it was counted, in Chinese.
    #[schema(example = "先行联系：自然时间 24 小时，从 11月24日 08:30 起，到 11月25日 08:30")]
    pub explanation: String,
}

/// Explains the deadlines that [`super::deadlines`] computes from the same arguments, in order.
pub fn steps(
    urgency: Urgency,
    from: Timestamp,
    calendar: &WorkingCalendar,
    schedules: &Schedules,
    needs: Needs,
) -> Vec<Step> {
    let schedule = schedules.of(urgency);
    let mut before: Option<Mark> = None;
    schedule
        .marks(needs)
        .zip(schedule.instants(from, calendar, needs))
        .map(|((mark, span), (_, at))| {
            let mut explanation = format!("{}：{}", mark.label(), span.explain(from, calendar));
            if let Some(earlier) = before.filter(|_| span.end(from, calendar) < at) {
                let moved = format!("；不早于“{}”，顺延到 {}", earlier.label(), time::spoken(at));
                explanation.push_str(&moved);
            }
            before = Some(mark);
            Step { mark, at, explanation }
        })
        .collect()
}

impl Span {
    /// The length in words, such as `5 个工作日`.
    pub fn words(self) -> String {
        match self {
            Self::Minutes(minutes) => format!("自然时间 {}", clock(i64::from(minutes))),
            Self::WorkingMinutes(minutes) => format!("工作时间 {}", clock(i64::from(minutes))),
            Self::HalfWorkingDay => "半个工作日".to_owned(),
            Self::WorkingDays(n) => format!("{n} 个工作日"),
            Self::NaturalDays(n) => format!("{n} 天"),
        }
    }

    /// How the term from an instant was counted, in words.
    pub fn explain(self, from: Timestamp, calendar: &WorkingCalendar) -> String {
        let end = self.end(from, calendar);
        let (start, last) = (time::date(from), calendar::last_day(end));
        let (from_words, end_words) = (time::spoken(from), time::spoken(end));
        let words = self.words();
        let working = |days: &str| format!("{days}，到 {end_words}");
        let mut text = match self {
            Self::Minutes(_) => return format!("{words}，从 {from_words} 起，到 {end_words}"),
            Self::NaturalDays(_) => {
                return format!("{words}，{} 当天不计，到 {end_words}", day(start));
            }
            Self::WorkingDays(_) => {
                let days = counted(start.iter_days().skip(1), last, calendar);
                format!("{words}，{} 当天不计，{}", day(start), working(&days))
            }
            Self::HalfWorkingDay | Self::WorkingMinutes(_) => {
                let length = match self {
                    Self::HalfWorkingDay => {
                        format!("（{}）", clock(calendar.hours().minutes_per_day() / 2))
                    }
                    _ => String::new(),
                };
                let days = counted(start.iter_days(), last, calendar);
                let hours = calendar.hours();
                format!(
                    "{words}{length}，从 {from_words} 起只计工作时间 {hours}，{}",
                    working(&days)
                )
            }
        };
        for year in calendar.provisional_years(start..=last) {
            text.push_str(&format!("；{year} 年放假安排尚未公布，暂按周一至周五计算"));
        }
        text
    }
}

/// The days up to `last`: those counted, then those skipped, runs of neighbours drawn together.
fn counted(
    days: impl Iterator<Item = NaiveDate>,
    last: NaiveDate,
    calendar: &WorkingCalendar,
) -> String {
    let (worked, idle): (Vec<_>, Vec<_>) =
        days.take_while(|day| *day <= last).partition(|day| calendar.is_working_day(*day));
    let mut text = format!("计入 {}", runs(&worked, calendar));
    if !idle.is_empty() {
        text.push_str(&format!("，跳过 {}", runs(&idle, calendar)));
    }
    text
}

fn runs(days: &[NaiveDate], calendar: &WorkingCalendar) -> String {
    let runs: Vec<String> = days
        .chunk_by(|one, next| {
            one.succ_opt() == Some(*next) && calendar.kind(*one) == calendar.kind(*next)
        })
        .filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            let why = match calendar.kind(*first) {
                DayKind::Working => String::new(),
                DayKind::MakeUp(name) => format!("（{name}调休上班）"),
                DayKind::Weekend => "（周末）".to_owned(),
                DayKind::Holiday(name) => format!("（{name}）"),
            };
            let until = if first == last { String::new() } else { format!("–{}", day(*last)) };
            Some(format!("{}{until}{why}", day(*first)))
        })
        .collect();
    runs.join("、")
}

fn day(date: NaiveDate) -> String {
    format!("{}月{}日", date.month(), date.day())
}

fn clock(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} 分钟"),
        (hours, 0) => format!("{hours} 小时"),
        (hours, minutes) => format!("{hours} 小时 {minutes} 分钟"),
    }
}
