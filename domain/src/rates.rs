//! The three rates (三率) of a month: response, solved, satisfied, and the ranking inside peer
//! groups. Pure arithmetic over counts; which tasks belong to the month, and which evaluation of
//! each counts, is decided where they are counted.

#[cfg(test)]
mod tests;

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
        }
    }
}

/// How the composite is weighted and who is ranked. `[default]` in every number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateRules {
    /// Weight of the response rate, in percent: 20.
    pub response_weight: u32,
    /// Weight of the solved rate, in percent: 40.
    pub solved_weight: u32,
    /// Weight of the satisfied rate, in percent: 40.
    pub satisfied_weight: u32,
    /// Fewest valid answers for a rank: 10.
    pub min_sample: u32,
}

impl Default for RateRules {
    fn default() -> Self {
        Self { response_weight: 20, solved_weight: 40, satisfied_weight: 40, min_sample: 10 }
    }
}

/// The rates of one unit, each 0–1 rounded to 4 decimals; null where nothing is there to divide by.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
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
    /// 1 is best; equal composites share a rank. Null below the minimum sample.
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
}

/// One peer group, best rank first, the unranked after them by unit.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
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
    let (mut sum, mut weights) = (0_u64, 0_u64);
    for (weight, part, whole) in weighted {
        let Rate(rate) = Rate::of(part.into(), whole.into())?;
        sum += u64::from(weight) * rate;
        weights += u64::from(weight);
    }
    (sum * 2 + weights).checked_div(weights * 2).map(Rate)
}

fn unit_rates(row: RateRow, composite: Option<Rate>, rank: Option<u32>) -> UnitRates {
    UnitRates {
        response_rate: share(row.contacted_in_time, row.contact_due),
        solved_rate: share(row.solved, row.answers),
        satisfied_rate: share(row.satisfied, row.answers),
        composite: composite.map(Rate::value),
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
    let scored = members.into_iter().map(|row| (composite(&row, rules), row));
    let (mut ranked, mut unranked): (Vec<_>, Vec<_>) =
        scored.partition(|(score, row)| score.is_some() && row.answers >= rules.min_sample);
    ranked.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.unit.cmp(&b.unit)));
    unranked.sort_by(|(_, a), (_, b)| a.unit.cmp(&b.unit));

    let mut last: (Option<Rate>, u32) = (None, 0);
    let ranked = ranked.into_iter().zip(1_u32..).map(|((score, row), place)| {
        let rank = if score == last.0 { last.1 } else { place };
        last = (score, rank);
        unit_rates(row, score, Some(rank))
    });
    let unranked = unranked.into_iter().map(|(score, row)| unit_rates(row, score, None));
    ranked.chain(unranked).collect()
}
