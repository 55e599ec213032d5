//! The three rates (三率) of a month: response, solved, satisfied, and the ranking inside peer
//! groups. Pure arithmetic over counts; which tasks belong to the month, and which evaluation of
//! each counts, is decided where they are counted.

mod centre;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use centre::{CentreDuty, CentreFigure, CentreRates, CentreWork, centre_rates};

codes! {
    /// Units that are compared with each other (同类组).
    pub enum PeerGroup {
        /// Subdistricts and towns.
        Subdistrict = "subdistrict", "街道乡镇";
        /// District departments.
        Department = "department", "部门";
        /// Water, power, gas, heat and other utility companies.
        Utility = "utility", "公用企业";
    }
}

impl PeerGroup {
    /// Whether what blowers say of a unit is part of its ranking: of those that report in, the
    /// departments and the companies beside them, not of the divisions that call them.
    pub const fn is_appraised(self) -> bool {
        matches!(self, Self::Department | Self::Utility)
    }
}

/// The highest score that an appraisal gives in all: three times 5.
const BEST_APPRAISAL: u32 = 15;

codes! {
    /// A number that stands behind the rates; its code is also the column that counts it.
    pub enum Figure {
        /// Lead tasks.
        Tasks = "tasks", "主办任务";
        /// Lead tasks that had to contact.
        ContactDue = "contact_due", "应先行联系";
        /// First contacted in time.
        ContactedInTime = "contacted_in_time", "按时联系";
        /// Valid answers.
        Answers = "answers", "有效评价";
        /// Answers "solved".
        Solved = "solved", "已解决";
        /// Answers with satisfaction 3, 4 or 5.
        Satisfied = "satisfied", "满意";
        /// Whose resident was not reached.
        NotReached = "not_reached", "未联系上";
        /// Taken out of the rates.
        Excluded = "excluded", "剔除";
        /// Done again.
        Reworked = "reworked", "重办";
        /// Whose acknowledgement was made or fell due.
        AcknowledgeDue = "acknowledge_due", "应签收";
        /// Acknowledged in time.
        OnTimeAcknowledge = "on_time_acknowledge", "按时签收";
        /// Whose reply was made or fell due.
        ReplyDue = "reply_due", "应答复";
        /// Replied in time.
        OnTimeReply = "on_time_reply", "按时答复";
        /// Returned.
        Returned = "returned", "退单";
        /// Overdue in any mark.
        Overdue = "overdue", "超时";
        /// Confirmed.
        Confirmed = "confirmed", "已确认";
        /// Confirmed at the first reply.
        OnePass = "one_pass", "一次通过";
    }
}

/// What was counted for one unit in one month. A task belongs to the month of its dispatch, the
/// lead's last evaluation counts, and merged reporters count once each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRow {
    /// The unit: a department's code, or a subdistrict's number.
    pub unit: String,
    /// Whom it is compared with.
    pub group: PeerGroup,
    /// Its name.
    pub name: String,
    /// Lead tasks.
    pub tasks: u32,
    /// Lead tasks that had to contact.
    pub contact_due: u32,
    /// Of these, first contacted (reached, or relayed) in time; less those whose resident says
    /// that nobody called.
    pub contacted_in_time: u32,
    /// Valid answers: solved or not solved.
    pub answers: u32,
    /// Answers "solved".
    pub solved: u32,
    /// Answers with satisfaction 3, 4 or 5.
    pub satisfied: u32,
    /// Tasks whose resident was not reached; they count in none of the three rates.
    pub not_reached: u32,
    /// Tasks excluded (剔除) by a supervisor.
    pub excluded: u32,
    /// Tasks reworked.
    pub reworked: u32,
    /// Tasks whose acknowledgement was made or fell due.
    pub acknowledge_due: u32,
    /// Of these, acknowledged in time.
    pub on_time_acknowledge: u32,
    /// Tasks whose reply was made or fell due.
    pub reply_due: u32,
    /// Of these, replied in time.
    pub on_time_reply: u32,
    /// Tasks returned; they are not among the lead tasks.
    pub returned: u32,
    /// Tasks overdue in any mark.
    pub overdue: u32,
    /// Tasks confirmed.
    pub confirmed: u32,
    /// Of these, confirmed at the first reply: neither sent back nor reworked.
    pub one_pass: u32,
    /// Minutes from submission to the last confirmed reply, of tasks whose lead is done: the median.
    pub handling_median: Option<u32>,
    /// The same: nine of ten took no longer.
    pub handling_p90: Option<u32>,
    /// Appraisals that blowers gave in the month.
    pub appraisals: u32,
    /// Their scores summed: speed, handling and result of each, 3–15.
    pub appraisal_score: u32,
}

impl RateRow {
    /// A unit without any task.
    pub fn empty(unit: impl Into<String>, group: PeerGroup, name: impl Into<String>) -> Self {
        Self {
            unit: unit.into(),
            group,
            name: name.into(),
            tasks: 0,
            contact_due: 0,
            contacted_in_time: 0,
            answers: 0,
            solved: 0,
            satisfied: 0,
            not_reached: 0,
            excluded: 0,
            reworked: 0,
            acknowledge_due: 0,
            on_time_acknowledge: 0,
            reply_due: 0,
            on_time_reply: 0,
            returned: 0,
            overdue: 0,
            confirmed: 0,
            one_pass: 0,
            handling_median: None,
            handling_p90: None,
            appraisals: 0,
            appraisal_score: 0,
        }
    }

    /// One of its numbers.
    pub const fn count(&self, figure: Figure) -> u32 {
        match figure {
            Figure::Tasks => self.tasks,
            Figure::ContactDue => self.contact_due,
            Figure::ContactedInTime => self.contacted_in_time,
            Figure::Answers => self.answers,
            Figure::Solved => self.solved,
            Figure::Satisfied => self.satisfied,
            Figure::NotReached => self.not_reached,
            Figure::Excluded => self.excluded,
            Figure::Reworked => self.reworked,
            Figure::AcknowledgeDue => self.acknowledge_due,
            Figure::OnTimeAcknowledge => self.on_time_acknowledge,
            Figure::ReplyDue => self.reply_due,
            Figure::OnTimeReply => self.on_time_reply,
            Figure::Returned => self.returned,
            Figure::Overdue => self.overdue,
            Figure::Confirmed => self.confirmed,
            Figure::OnePass => self.one_pass,
        }
    }
}

/// How the composite is weighted and who is ranked. `[default]` in every number. Every frozen month
/// keeps the rules that it was counted by.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateRules {
    /// The name of this set of rules; another set has another name.
    #[schema(example = "2026-1")]
    pub version: String,
    /// Weight of the response rate, in percent: 20.
    pub response_weight: u32,
    /// Weight of the solved rate, in percent: 40.
    pub solved_weight: u32,
    /// Weight of the satisfied rate, in percent: 40.
    pub satisfied_weight: u32,
    /// Weight of the blowers' appraisals beside these three, whose sum is 100: 50 of 150 make a
    /// third. Months that were frozen without it weigh nothing.
    #[serde(default)]
    pub appraisal_weight: u32,
    /// Fewest valid answers for a rank: 10.
    pub min_sample: u32,
    /// Working days after the month's end until appeals close and it is frozen: 5.
    pub freeze_after_days: u32,
    /// Residents of divisions, by code, for figures per 10,000; unknown where none is given.
    pub residents: BTreeMap<String, u32>,
}

impl Default for RateRules {
    fn default() -> Self {
        Self {
            version: "2026-2".to_owned(),
            response_weight: 20,
            solved_weight: 40,
            satisfied_weight: 40,
            appraisal_weight: 50,
            min_sample: 10,
            freeze_after_days: 5,
            residents: BTreeMap::new(),
        }
    }
}

/// The rates of one unit, each 0–1 rounded to 4 decimals; null where nothing is there to divide by.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct UnitRates {
    /// The unit: a department's code, or a subdistrict's number.
    #[schema(example = "urban-management")]
    pub unit: String,
    /// Its name.
    pub name: String,
    /// Lead tasks dispatched in the month.
    pub tasks: u32,
    /// 响应率
    pub response_rate: Option<f64>,
    /// 解决率
    pub solved_rate: Option<f64>,
    /// 满意率
    pub satisfied_rate: Option<f64>,
    /// The weighted sum of the three rates as shown; null when one of them is.
    pub composite: Option<f64>,
    /// 评哨: the mean of what blowers gave in the month, of the 15 that can be had; null without any.
    pub appraisal: Option<f64>,
    /// How many appraisals, each of which `GET /rates/appraisals` opens.
    #[serde(default)]
    pub appraisals: u32,
    /// By what the unit is ranked: the composite, of which the appraisal takes its part (a third)
    /// for departments and utilities that were appraised. Null when the composite is, and in months
    /// that were frozen before appraisals counted, where the composite alone ranked.
    pub score: Option<f64>,
    /// 1 is best; equal scores share a rank. Null below the minimum sample.
    pub rank: Option<u32>,
    /// Valid answers.
    pub sample: u32,
    /// Share of tasks whose resident was not reached.
    pub not_reached_share: Option<f64>,
    /// Share of tasks excluded.
    pub excluded_share: Option<f64>,
    /// Share of tasks reworked.
    pub reworked_share: Option<f64>,
    /// Share of due acknowledgements made in time.
    pub on_time_acknowledge_rate: Option<f64>,
    /// Share of due replies made in time.
    pub on_time_reply_rate: Option<f64>,
    /// Share of tasks returned, among those kept and those returned.
    pub return_rate: Option<f64>,
    /// Share of tasks overdue.
    pub overdue_rate: Option<f64>,
    /// Share of confirmed tasks confirmed at the first reply.
    pub one_pass_rate: Option<f64>,
    /// Minutes from submission to the last confirmed reply: half of the tasks took no longer.
    pub handling_median_minutes: Option<u32>,
    /// The same: nine of ten took no longer.
    pub handling_p90_minutes: Option<u32>,
    /// The numbers behind the rates, each of which `GET /rates/cases` opens.
    #[schema(value_type = std::collections::HashMap<String, u32>)]
    pub counts: BTreeMap<Figure, u32>,
}

/// One peer group, best rank first, the unranked after them by unit.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct GroupRates {
    /// Which group.
    pub group: PeerGroup,
    /// Its units.
    pub rows: Vec<UnitRates>,
}

/// A rate in ten-thousandths. Whole numbers, so that equal results are equal and two rates that
/// look the same rank the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rate(u64);

impl Rate {
    /// Rounded half up; `None` without a denominator.
    fn of(part: u64, whole: u64) -> Option<Self> {
        let doubled = part.saturating_mul(20_000).saturating_add(whole);
        doubled.checked_div(whole.saturating_mul(2)).map(Self)
    }

    /// The mean of rates by their weights, rounded half up; `None` where nothing weighs.
    fn mean(weighted: &[(u64, Self)]) -> Option<Self> {
        let sum: u64 = weighted.iter().map(|(weight, Self(rate))| weight * rate).sum();
        let weights: u64 = weighted.iter().map(|(weight, _)| weight).sum();
        (sum * 2 + weights).checked_div(weights * 2).map(Self)
    }

    fn value(self) -> f64 {
        u32::try_from(self.0).map_or(f64::INFINITY, f64::from) / 10_000.0
    }
}

fn share(part: u32, whole: u32) -> Option<f64> {
    Rate::of(part.into(), whole.into()).map(Rate::value)
}

/// The composite is summed from the rounded rates, so that a reader of the bulletin can check it.
fn composite(row: &RateRow, rules: &RateRules) -> Option<Rate> {
    let weighted = [
        (rules.response_weight, row.contacted_in_time, row.contact_due),
        (rules.solved_weight, row.solved, row.answers),
        (rules.satisfied_weight, row.satisfied, row.answers),
    ];
    let mut rates = Vec::with_capacity(weighted.len());
    for (weight, part, whole) in weighted {
        rates.push((u64::from(weight), Rate::of(part.into(), whole.into())?));
    }
    Rate::mean(&rates)
}

/// What blowers said, as a rate.
fn appraisal(row: &RateRow) -> Option<Rate> {
    let best = u64::from(row.appraisals) * u64::from(BEST_APPRAISAL);
    Rate::of(row.appraisal_score.into(), best)
}

/// By what a unit is ranked, summed from the rounded composite and appraisal, as a reader does.
/// Who was not called is ranked by the composite alone.
fn score(row: &RateRow, composite: Option<Rate>, rules: &RateRules) -> Option<Rate> {
    let composite = composite?;
    let Some(appraisal) = appraisal(row).filter(|_| row.group.is_appraised()) else {
        return Some(composite);
    };
    let rates = [rules.response_weight, rules.solved_weight, rules.satisfied_weight];
    let rates: u64 = rates.into_iter().map(u64::from).sum();
    let called = u64::from(rules.appraisal_weight);
    Rate::mean(&[(rates, composite), (called, appraisal)])
}

/// A row with what it is ranked by.
struct Scored {
    row: RateRow,
    composite: Option<Rate>,
    score: Option<Rate>,
}

fn scored(row: RateRow, rules: &RateRules) -> Scored {
    let composite = composite(&row, rules);
    Scored { score: score(&row, composite, rules), composite, row }
}

fn unit_rates(Scored { row, composite, score }: Scored, rank: Option<u32>) -> UnitRates {
    UnitRates {
        response_rate: share(row.contacted_in_time, row.contact_due),
        solved_rate: share(row.solved, row.answers),
        satisfied_rate: share(row.satisfied, row.answers),
        composite: composite.map(Rate::value),
        appraisal: appraisal(&row).map(Rate::value),
        appraisals: row.appraisals,
        score: score.map(Rate::value),
        rank,
        sample: row.answers,
        not_reached_share: share(row.not_reached, row.tasks),
        excluded_share: share(row.excluded, row.tasks),
        reworked_share: share(row.reworked, row.tasks),
        on_time_acknowledge_rate: share(row.on_time_acknowledge, row.acknowledge_due),
        on_time_reply_rate: share(row.on_time_reply, row.reply_due),
        return_rate: share(row.returned, row.tasks.saturating_add(row.returned)),
        overdue_rate: share(row.overdue, row.tasks),
        one_pass_rate: share(row.one_pass, row.confirmed),
        handling_median_minutes: row.handling_median,
        handling_p90_minutes: row.handling_p90,
        counts: Figure::ALL.iter().map(|figure| (*figure, row.count(*figure))).collect(),
        tasks: row.tasks,
        unit: row.unit,
        name: row.name,
    }
}

/// The rates of a month: all three groups always, in the order of [`PeerGroup::ALL`].
pub fn rates(rows: Vec<RateRow>, rules: &RateRules) -> Vec<GroupRates> {
    let mut groups: Vec<(PeerGroup, Vec<RateRow>)> =
        PeerGroup::ALL.iter().map(|group| (*group, Vec::new())).collect();
    for row in rows {
        if let Some((_, members)) = groups.iter_mut().find(|(group, _)| *group == row.group) {
            members.push(row);
        }
    }
    groups
        .into_iter()
        .map(|(group, members)| GroupRates { group, rows: ranked(members, rules) })
        .collect()
}

fn ranked(members: Vec<RateRow>, rules: &RateRules) -> Vec<UnitRates> {
    let (mut ranked, mut unranked): (Vec<_>, Vec<_>) = members
        .into_iter()
        .map(|row| scored(row, rules))
        .partition(|one| one.score.is_some() && one.row.answers >= rules.min_sample);
    let by_unit = |a: &Scored, b: &Scored| a.row.unit.cmp(&b.row.unit);
    ranked.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| by_unit(a, b)));
    unranked.sort_by(by_unit);

    let mut last: (Option<Rate>, u32) = (None, 0);
    let ranked = ranked.into_iter().zip(1_u32..).map(|(one, place)| {
        let rank = if one.score == last.0 { last.1 } else { place };
        last = (one.score, rank);
        unit_rates(one, Some(rank))
    });
    let unranked = unranked.into_iter().map(|one| unit_rates(one, None));
    ranked.chain(unranked).collect()
}
