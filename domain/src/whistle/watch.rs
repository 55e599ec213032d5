//! Whistles watched over a month: how often each community blows, with an alarm at both ends (none is
//! idle, too many is unburdening), and how the units that were called are ranked by their blowers.

use crate::{rates::PeerGroup, sla::WhistleRules};

codes! {
    /// What is odd about how often a community blows.
    pub enum Alarm {
        /// It had complaints and blew not once.
        Idle = "idle", "有诉求而从未吹哨";
        /// It blows for so many that it hands its work on.
        TooMany = "too_many", "吹哨过多";
    }
}

/// How often one community blew in a month.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct BlowRate {
    /// The community's or village's number.
    #[schema(example = "140213066004")]
    pub community: String,
    /// Its name.
    pub name: String,
    /// Complaints submitted in the month.
    pub complaints: u32,
    /// Whistles blown in the month.
    pub whistles: u32,
    /// Whistles per 100 complaints, to one decimal; null without complaints.
    pub per_hundred: Option<f64>,
    /// What is odd about it.
    pub alarm: Option<Alarm>,
}

impl BlowRate {
    /// The rate of what was counted. Too many is said from a minimum of complaints on alone: a
    /// small number proves nothing.
    pub fn of(
        (community, name): (String, String),
        complaints: u32,
        whistles: u32,
        rules: &WhistleRules,
    ) -> Self {
        let tenths = (u64::from(whistles) * 1000).checked_div(u64::from(complaints));
        let tenths = tenths.and_then(|tenths| u32::try_from(tenths).ok());
        let many = u64::from(whistles) * 100 > u64::from(rules.too_many) * u64::from(complaints);
        let alarm = match (complaints, whistles) {
            (1.., 0) => Some(Alarm::Idle),
            _ if many && complaints >= rules.min_sample => Some(Alarm::TooMany),
            _ => None,
        };
        let per_hundred = tenths.map(|tenths| f64::from(tenths) / 10.0);
        Self { community, name, complaints, whistles, per_hundred, alarm }
    }
}

/// What blowers said of one unit in a month: sums of scores of 1–5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scores {
    /// The unit.
    pub unit: String,
    /// Whom it is compared with.
    pub group: PeerGroup,
    /// Its name.
    pub name: String,
    /// How many appraisals.
    pub sample: u32,
    /// 报到效率, summed.
    pub speed: u32,
    /// 办理情况, summed.
    pub handling: u32,
    /// 结果满意度, summed.
    pub result: u32,
}

/// How one unit is appraised, each mean 1–5 to two decimals.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct AppraisedUnit {
    /// The unit: a department's code, or a subdistrict's number.
    #[schema(example = "urban-management")]
    pub unit: String,
    /// Whom it is compared with.
    pub group: PeerGroup,
    /// Its name.
    pub name: String,
    /// Appraisals in the month.
    pub sample: u32,
    /// 报到效率
    pub speed: f64,
    /// 办理情况
    pub handling: f64,
    /// 结果满意度
    pub result: f64,
    /// The mean of all three.
    pub mean: f64,
    /// The place in its group; null below the minimum sample.
    pub rank: Option<u32>,
}

/// A sum over so many, in hundredths, half up.
fn hundredths(sum: u32, count: u32) -> u32 {
    let doubled = u64::from(sum) * 200 + u64::from(count);
    let mean = doubled.checked_div(u64::from(count) * 2).unwrap_or_default();
    u32::try_from(mean).unwrap_or(u32::MAX)
}

/// The units by group, the best first; who has too few appraisals comes after, without a rank.
/// Equal means share a rank.
pub fn ranking(rows: Vec<Scores>, rules: &WhistleRules) -> Vec<AppraisedUnit> {
    let mut all: Vec<(u32, Scores)> = rows
        .into_iter()
        .filter(|row| row.sample > 0)
        .map(|row| {
            let sum = row.speed.saturating_add(row.handling).saturating_add(row.result);
            (hundredths(sum, row.sample.saturating_mul(3)), row)
        })
        .collect();
    let few = |row: &Scores| row.sample < rules.min_sample;
    all.sort_by(|(one, a), (other, b)| {
        (a.group, few(a), other, &a.unit).cmp(&(b.group, few(b), one, &b.unit))
    });
    let mut last: Option<(PeerGroup, u32, u32, u32)> = None;
    all.into_iter()
        .map(|(mean, row)| {
            let rank = if few(&row) {
                None
            } else {
                let next = match last {
                    Some((group, score, rank, place)) if group == row.group => {
                        let place = place.saturating_add(1);
                        (if score == mean { rank } else { place }, place)
                    }
                    _ => (1, 1),
                };
                last = Some((row.group, mean, next.0, next.1));
                Some(next.0)
            };
            appraised(row, mean, rank)
        })
        .collect()
}

fn appraised(row: Scores, mean: u32, rank: Option<u32>) -> AppraisedUnit {
    let of = |sum| f64::from(hundredths(sum, row.sample)) / 100.0;
    AppraisedUnit {
        speed: of(row.speed),
        handling: of(row.handling),
        result: of(row.result),
        mean: f64::from(mean) / 100.0,
        rank,
        unit: row.unit,
        group: row.group,
        name: row.name,
        sample: row.sample,
    }
}
