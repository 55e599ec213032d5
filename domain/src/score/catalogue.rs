//! The catalogue (积分项目): what gives or takes how many, and what counts at most in a quarter.
//! Versions are immutable; a new one begins with a quarter to come.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{MOST, Quarter, Refused};
use crate::{
    edition,
    id::MemberId,
    refusal::{Faults, Invalid},
    text,
};

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScoreItem)]
pub struct Item {
    /// 项目代码，2–40 位小写字母、数字、点或连字符
    #[schema(example = "meeting")]
    pub code: String,
    /// 项目
    #[schema(example = "参加支部组织生活")]
    pub name: String,
    /// 每次的分值，-100 到 100，不为 0
    #[schema(example = 2)]
    pub points: i32,
    /// 每季度最多计多少分（不带正负号）；不填为不限
    #[schema(example = 12)]
    pub cap: Option<i32>,
}

/// A version of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Its name.
    pub version: String,
    /// Its title.
    pub title: String,
    /// The first quarter that it is for.
    pub valid_from: Quarter,
    /// Its items.
    pub items: Vec<Item>,
}

impl Catalogue {
    /// # Errors
    /// A name, title or item that cannot be; a code that stands twice; nothing in it.
    pub fn parse(
        version: &str,
        title: &str,
        valid_from: &str,
        items: &[Item],
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let version = faults.take(edition::name("version", version, 40));
        let title = faults.take(text::line("title", title, 2, 100));
        let valid_from = faults.take(Quarter::parse("valid_from", valid_from));
        if items.is_empty() || items.len() > 200 {
            faults.add("items", "需要 1–200 个项目");
        }
        let mut seen = HashSet::new();
        let mut kept = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let field = |name: &str| format!("items[{place}].{name}");
            let code = faults.take(edition::name(&field("code"), &item.code, 40));
            let name = faults.take(text::line(&field("name"), &item.name, 2, 100));
            if item.points == 0 || !(-MOST..=MOST).contains(&item.points) {
                faults.add(field("points"), format!("分值为 -{MOST} 到 {MOST}，不能为 0"));
            } else if item.cap.is_some_and(|cap| cap < item.points.abs() || cap > 1000) {
                faults.add(field("cap"), "每季度上限不能小于一次的分值，也不能超过 1000");
            }
            let (Some(code), Some(name)) = (code, name) else { continue };
            if !seen.insert(code.clone()) {
                faults.add(field("code"), format!("代码“{code}”重复"));
            }
            kept.push(Item { code, name, points: item.points, cap: item.cap });
        }
        let named = version.zip(title).zip(valid_from);
        faults.check()?;
        let Some(((version, title), valid_from)) = named else { return Err(Invalid(Vec::new())) };
        Ok(Self { version, title, valid_from, items: kept })
    }

    /// Whether it may follow: it begins with a quarter to come, after the newest one.
    ///
    /// # Errors
    /// Too early.
    pub fn follows(&self, newest: Option<Quarter>, current: Quarter) -> Result<(), Refused> {
        let earliest = newest.map_or(current, |newest| newest.max(current)).next();
        if self.valid_from < earliest {
            return Err(Refused::CatalogueTooEarly { earliest });
        }
        Ok(())
    }
}

/// An entry that counts, as it is added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Whose.
    pub member: MemberId,
    /// By which item.
    pub item: String,
    /// What it gives or takes.
    pub points: i32,
    /// What the item counts at most; corrections are not bounded.
    pub cap: Option<i32>,
}

/// What a quarter comes to for a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// The sum, each item up to its cap.
    pub points: i32,
    /// How many entries count.
    pub entries: i32,
}

/// Adds up: each item of a member up to its cap, in both directions.
pub fn totals(counted: &[Counted]) -> BTreeMap<MemberId, Total> {
    let mut items: BTreeMap<(MemberId, &str, Option<i32>), (i32, i32)> = BTreeMap::new();
    for one in counted {
        let sum = items.entry((one.member, one.item.as_str(), one.cap)).or_default();
        sum.0 = sum.0.saturating_add(one.points);
        sum.1 += 1;
    }
    let mut totals: BTreeMap<MemberId, Total> = BTreeMap::new();
    for ((member, _, cap), (points, entries)) in items {
        let total = totals.entry(member).or_default();
        total.points += cap.map_or(points, |cap| points.clamp(-cap, cap));
        total.entries += entries;
    }
    totals
}
