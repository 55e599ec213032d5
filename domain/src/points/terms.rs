//! What gives points, and how many (积分规则): the part of the rules that is versioned. An award is
//! computed by the version that is valid on the day it counts on, keeps its name with the figures it
//! was computed from, and can be computed again.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Source;
use crate::{
    refusal::{Faults, Invalid},
    service,
    time::{self, Timestamp},
};

/// One version of what gives points.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = PointsTerms)]
pub struct Terms {
    /// 服务一小时（系数为 1）得几分
    #[schema(example = 1)]
    pub service_per_hour: i64,
    /// 各类岗位的系数（百分数），与岗位自己的系数相乘；没有写的类别是 100
    #[schema(value_type = std::collections::HashMap<String, i64>, example = json!({"elderly": 120}))]
    pub kind_percent: BTreeMap<service::Kind, i64>,
    /// 一次服务至多几分
    #[schema(example = 8)]
    pub service_at_most: i64,
    /// 一天的服务至多几分
    #[schema(example = 8)]
    pub service_per_day: i64,
    /// 一周（周一到周日）的服务至多几分
    #[schema(example = 56)]
    pub service_per_week: i64,
    /// 一年的服务至多几分
    #[schema(example = 2928)]
    pub service_per_year: i64,
    /// 一件查实的诉求几分
    #[schema(example = 5)]
    pub appeal: i64,
    /// 一条采纳的建议几分
    #[schema(example = 5)]
    pub suggestion: i64,
    /// 一周至多奖励几件查实的诉求和采纳的建议
    #[schema(example = 2)]
    pub appeals_per_week: i64,
    /// 一次走访几分
    #[schema(example = 1)]
    pub visit: i64,
    /// 一周至多奖励几次走访
    #[schema(example = 2)]
    pub visits_per_week: i64,
    /// 哪些来源先公示、后入账
    pub notice: Vec<Source>,
    /// 公示几个工作日
    #[schema(example = 5)]
    pub notice_days: u32,
    /// 积分有效到获得之年后第几年的年底
    #[schema(example = 1)]
    pub lasting_years: u32,
}

impl Default for Terms {
    /// The defaults of the scheme: 1 hour = 1 point, 8 a day and no narrower cap; 5 for a verified
    /// appeal or adopted suggestion, 2 a week together; 1 for a visit, 2 a week; nothing is put up
    /// for notice; until the end of the next calendar year.
    fn default() -> Self {
        Self {
            service_per_hour: 1,
            kind_percent: BTreeMap::new(),
            service_at_most: 8,
            service_per_day: 8,
            service_per_week: 7 * 8,
            service_per_year: 366 * 8,
            appeal: 5,
            suggestion: 5,
            appeals_per_week: 2,
            visit: 1,
            visits_per_week: 2,
            notice: Vec::new(),
            notice_days: 5,
            lasting_years: 1,
        }
    }
}

/// What a service is awarded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The kind of post; none where it is not known.
    pub kind: Option<service::Kind>,
    /// The confirmed minutes.
    pub minutes: i64,
    /// The post's own factor in percent; 100 is 1.
    pub factor_percent: i64,
    /// Points for service that the day has given already.
    pub day: i64,
    /// The same of the week.
    pub week: i64,
    /// The same of the calendar year.
    pub year: i64,
}

impl Served {
    /// A service on a day, in a week and a year that have given nothing yet.
    pub const fn first(minutes: i64, factor_percent: i64) -> Self {
        Self { kind: None, minutes, factor_percent, day: 0, week: 0, year: 0 }
    }

    /// The figures as they are kept with the award.
    pub fn figures(&self) -> Value {
        json!({
            "post_kind": self.kind, "minutes": self.minutes, "factor": self.factor_percent,
            "day": self.day, "week": self.week, "year": self.year,
        })
    }

    fn of(figures: &Value) -> Option<Self> {
        let number = |key: &str| figures.get(key)?.as_i64();
        let kind = figures.get("post_kind").and_then(Value::as_str);
        Some(Self {
            kind: kind.and_then(|code| code.parse().ok()),
            minutes: number("minutes")?,
            factor_percent: number("factor")?,
            day: number("day")?,
            week: number("week")?,
            year: number("year")?,
        })
    }
}

impl Terms {
    /// The points for a service: minutes × rate × both factors, less what is not a whole point, and no
    /// more than one service may give and than the day, the week and the year have left.
    pub fn service(&self, served: &Served) -> i64 {
        let kind =
            served.kind.and_then(|kind| self.kind_percent.get(&kind)).copied().unwrap_or(100);
        let factors = [served.factor_percent, kind, self.service_per_hour];
        let whole = factors.iter().fold(i128::from(served.minutes.max(0)), |product, factor| {
            product.saturating_mul(i128::from((*factor).max(0)))
        });
        let points = i64::try_from(whole / (60 * 100 * 100)).unwrap_or(i64::MAX);
        [
            self.service_at_most,
            self.service_per_day.saturating_sub(served.day),
            self.service_per_week.saturating_sub(served.week),
            self.service_per_year.saturating_sub(served.year),
        ]
        .into_iter()
        .fold(points, i64::min)
        .max(0)
    }

    /// The points for a verified appeal, an adopted suggestion or a visit after `before` others in the
    /// same week; of appeals and suggestions together. Services have figures of their own.
    pub const fn once(&self, source: Source, before: i64) -> i64 {
        let (points, at_most) = match source {
            Source::Appeal => (self.appeal, self.appeals_per_week),
            Source::Suggestion => (self.suggestion, self.appeals_per_week),
            Source::Visit => (self.visit, self.visits_per_week),
            Source::Service => (0, 0),
        };
        if before < at_most { points } else { 0 }
    }

    /// What an award comes to by this version and the figures that were kept with it; `None` where
    /// they do not say enough, as with awards from before there were versions.
    pub fn again(&self, source: Source, figures: &Value) -> Option<i64> {
        match source {
            Source::Service => Served::of(figures).map(|served| self.service(&served)),
            _ => figures.get("before")?.as_i64().map(|before| self.once(source, before)),
        }
    }

    /// Whether awards of a source are put up for notice first.
    pub fn needs_notice(&self, source: Source) -> bool {
        self.notice.contains(&source)
    }

    /// When points given at `now` expire: 24:00 on 31 December, so many calendar years later.
    pub fn expiry(&self, now: Timestamp) -> Timestamp {
        use chrono::{Datelike, NaiveDate};
        let years = i32::try_from(self.lasting_years).unwrap_or(1);
        let year = time::date(now).year().saturating_add(years).saturating_add(1);
        time::start_of(NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(NaiveDate::MAX))
    }

    /// A version that somebody proposes.
    ///
    /// # Errors
    /// Each figure that cannot be meant.
    pub fn check(&self) -> Result<(), Invalid> {
        let mut faults = Faults::default();
        let mut within = |field: &str, given: i64, max: i64| {
            if !(0..=max).contains(&given) {
                faults.add(format!("terms.{field}"), format!("要在 0–{max} 之间，现在是 {given}"));
            }
        };
        within("service_per_hour", self.service_per_hour, 100);
        for (kind, percent) in &self.kind_percent {
            within(&format!("kind_percent.{kind}"), *percent, 1000);
        }
        within("service_at_most", self.service_at_most, 1000);
        within("service_per_day", self.service_per_day, 1000);
        within("service_per_week", self.service_per_week, 10_000);
        within("service_per_year", self.service_per_year, 100_000);
        within("appeal", self.appeal, 1000);
        within("suggestion", self.suggestion, 1000);
        within("appeals_per_week", self.appeals_per_week, 100);
        within("visit", self.visit, 1000);
        within("visits_per_week", self.visits_per_week, 100);
        let few = |field: &str, given: u32, max: u32, faults: &mut Faults| {
            if !(1..=max).contains(&given) {
                faults.add(format!("terms.{field}"), format!("要在 1–{max} 之间，现在是 {given}"));
            }
        };
        few("notice_days", self.notice_days, 30, &mut faults);
        few("lasting_years", self.lasting_years, 10, &mut faults);
        faults.check()
    }
}
