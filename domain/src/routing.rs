//! Routing (派单路由): which unit a matter is proposed to, and why. A proposal binds nobody; the
//! centre dispatches.
//!
//! First the duty item, then the rules, the most specific first (category, then area, then the
//! estate's management mode, then urgency), then the community of the grid. Nothing is proposed to
//! a subdistrict or community that no valid list gives the matter to, and in a 举报 nothing to the
//! unit that was reported: its superior takes its place.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use crate::{
    duty::{self, Listed, Question},
    id::RoutingRuleId,
    org::{ManagementMode, NodeCode, Unit},
    refusal::{Faults, Invalid, Kind, Refusal},
    sla::Urgency,
    task::Role,
    text,
};

pub mod polygon;
#[cfg(test)]
mod tests;

codes! {
    /// What a proposal goes by.
    pub enum Source {
        /// The duty item named at acceptance.
        Duty = "duty", "责任清单";
        /// A routing rule.
        Rule = "rule", "路由规则";
        /// The grid's community.
        Grid = "grid", "所在网格";
    }
}

/// A rule: what is left out fits everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RoutingRuleId,
    /// What it says.
    pub says: Routes,
    /// The first day on which it counts.
    pub valid_from: NaiveDate,
    /// The first day on which it counts no more.
    pub valid_to: Option<NaiveDate>,
}

/// What a rule says: whose matters go to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    /// `一级`, `一级/二级` or `一级/二级/三级`.
    pub category: Option<String>,
    /// The urgency.
    pub urgency: Option<Urgency>,
    /// The matter lies in this division.
    pub division: Option<NodeCode>,
    /// The estate is managed so.
    pub management_mode: Option<ManagementMode>,
    /// Who leads.
    pub lead: NodeCode,
    /// Who assists.
    pub assist: Vec<NodeCode>,
    /// Between equally specific rules the higher counts: 0–100.
    pub priority: i16,
    /// Why, for people.
    pub note: String,
}

/// The fields of a rule as they came.
#[derive(Debug, Clone, Copy)]
pub struct RoutesForm<'a> {
    /// The category.
    pub category: Option<&'a str>,
    /// The urgency.
    pub urgency: Option<Urgency>,
    /// The division.
    pub division: Option<&'a str>,
    /// The management mode.
    pub management_mode: Option<ManagementMode>,
    /// Who leads.
    pub lead: &'a str,
    /// Who assists, at most 20.
    pub assist: &'a [String],
    /// 0–100.
    pub priority: i16,
    /// At most 200 characters.
    pub note: Option<&'a str>,
}

impl Routes {
    /// Checks a rule.
    ///
    /// # Errors
    /// Every field at fault at once.
    pub fn parse(form: RoutesForm<'_>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let category = faults.take(text::optional("category", form.category, 100)).flatten();
        if category
            .as_deref()
            .is_some_and(|given| given.split('/').any(|part| part.trim().is_empty()))
        {
            faults.add("category", "写成 一级、一级/二级 或 一级/二级/三级");
        }
        let parse = |field: &str, code: &str| NodeCode::parse(field, code);
        let division = form.division.and_then(|code| faults.take(parse("division", code)));
        if division.as_ref().is_some_and(|code| !code.is_division()) {
            faults.add("division", "写街道、社区等区划的数字代码");
        }
        let lead = faults.take(parse("lead", form.lead));
        let assist: Vec<NodeCode> = form
            .assist
            .iter()
            .enumerate()
            .filter_map(|(at, code)| faults.take(parse(&format!("assist.{at}"), code)))
            .collect();
        let named: BTreeSet<&NodeCode> = assist.iter().chain(&lead).collect();
        if assist.len() > 20 || named.len() < assist.len() + usize::from(lead.is_some()) {
            faults.add("assist", "协办单位最多 20 个，同一单位只写一次，也不能是主办单位");
        }
        if !(0..=100).contains(&form.priority) {
            faults.add("priority", "优先级是 0–100");
        }
        let note = faults.take(text::optional("note", form.note, 200)).flatten();
        faults.check()?;
        let lead = lead.ok_or_else(|| Invalid::field("lead", "请写主办单位的代码"))?;
        Ok(Self {
            category,
            urgency: form.urgency,
            division,
            management_mode: form.management_mode,
            lead,
            assist,
            priority: form.priority,
            note: note.unwrap_or_default(),
        })
    }

    /// Whether it says something about the matter.
    pub fn fits(&self, facts: &Facts<'_>) -> bool {
        let category = self.category.as_deref().is_none_or(|wanted| {
            facts.category.is_some_and(|given| {
                given
                    .strip_prefix(wanted)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        });
        let mode = self.management_mode.is_none_or(|mode| facts.management_mode == Some(mode));
        category
            && mode
            && self.urgency.is_none_or(|urgency| facts.urgency == Some(urgency))
            && self.division.as_ref().is_none_or(|division| division.contains(facts.place))
    }

    /// How specific it is: the greater goes first.
    fn rank(&self) -> (usize, usize, bool, bool, i16) {
        let depth = self.category.as_deref().map_or(0, |category| category.split('/').count());
        let area = self.division.as_ref().map_or(0, |code| code.as_str().len());
        (depth, area, self.management_mode.is_some(), self.urgency.is_some(), self.priority)
    }

    /// What it goes by, in words.
    fn words(&self) -> String {
        let parts = [
            self.category.as_deref().map(|category| format!("类别“{category}”")),
            self.division.as_ref().map(|code| format!("区划 {code}")),
            self.management_mode.map(|mode| format!("管理模式“{}”", mode.label())),
            self.urgency.map(|urgency| format!("紧急程度“{}”", urgency.label())),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "其他事项".to_owned() } else { parts.join("、") }
    }
}

/// What is known of a matter.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Its category.
    pub category: Option<&'a str>,
    /// How pressing it is.
    pub urgency: Option<Urgency>,
    /// The smallest division that is known: a grid, an estate, or the community.
    pub place: &'a NodeCode,
    /// How the estate is managed, where the estate is known.
    pub management_mode: Option<ManagementMode>,
    /// The duty item named at acceptance.
    pub item: Option<&'a str>,
    /// The unit that a 举报 is about.
    pub reported: Option<&'a NodeCode>,
}

/// What the named item's list proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByDuty {
    /// The item's name.
    pub item: String,
    /// Lead and assist.
    pub proposal: duty::Proposal,
}

/// The grid in which the matter lies, with its community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InGrid {
    /// The grid's name; where no grid is known, the community's.
    pub name: String,
    /// The community, which would lead.
    pub community: NodeCode,
}

/// What the directory and the duty lists say of the units that may come up.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Units by code, their superiors among them.
    pub units: HashMap<NodeCode, Unit>,
    /// The lists that are valid for each, with what they say of the named item.
    pub lists: HashMap<NodeCode, Vec<Listed>>,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What it goes by.
    pub source: Source,
    /// Who leads.
    pub lead: Unit,
    /// Who assists.
    pub assist: Vec<Unit>,
    /// Why this unit, in a sentence that names the rule, the list's version or the grid.
    pub why: String,
    /// The rule, where it goes by one.
    pub rule: Option<RoutingRuleId>,
    /// The version of the duty list that was asked.
    pub duty_list: Option<String>,
}

/// The proposals in order, and whom something pointed to in vain, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routing {
    /// The best first; each lead once.
    pub proposals: Vec<Proposal>,
    /// Why a unit is not proposed though something pointed to it.
    pub left_out: Vec<String>,
}

/// A unit that something points to, before it is judged.
struct Candidate {
    source: Source,
    lead: NodeCode,
    assist: Vec<NodeCode>,
    why: String,
    rule: Option<RoutingRuleId>,
}

/// Proposes units for a matter: see the rule at the head of this file. `rules` are those that are
/// valid today.
pub fn propose(
    facts: &Facts<'_>,
    rules: &[Rule],
    by_duty: Option<&ByDuty>,
    grid: Option<&InGrid>,
    directory: &Directory,
) -> Routing {
    let duty = by_duty.and_then(|by| {
        let lead = by.proposal.lead.clone()?;
        let (assist, why) = (by.proposal.assist.clone(), format!("事项“{}”的清单写明", by.item));
        Some(Candidate { source: Source::Duty, lead, assist, why, rule: None })
    });
    let mut fitting: Vec<&Rule> = rules.iter().filter(|rule| rule.says.fits(facts)).collect();
    fitting.sort_by_key(|rule| std::cmp::Reverse((rule.says.rank(), rule.id)));
    let ruled = fitting.into_iter().map(|rule| {
        let note = if rule.says.note.is_empty() {
            String::new()
        } else {
            format!("（{}）", rule.says.note)
        };
        Candidate {
            source: Source::Rule,
            lead: rule.says.lead.clone(),
            assist: rule.says.assist.clone(),
            why: format!("路由规则：{}{note}", rule.says.words()),
            rule: Some(rule.id),
        }
    });
    let fallback = grid.map(|grid| Candidate {
        source: Source::Grid,
        lead: grid.community.clone(),
        assist: Vec::new(),
        why: format!("没有更具体的规则，位置在{}", grid.name),
        rule: None,
    });
    let mut routing = Routing::default();
    for candidate in duty.into_iter().chain(ruled).chain(fallback) {
        consider(&candidate, facts, directory, &mut routing);
    }
    routing
}

/// Judges a candidate and adds it, or says why not.
fn consider(
    candidate: &Candidate,
    facts: &Facts<'_>,
    directory: &Directory,
    routing: &mut Routing,
) {
    let Some(mut lead) = directory.units.get(&candidate.lead) else {
        routing.left_out.push(format!("{} 不是现有的承办单位", candidate.lead));
        return;
    };
    let mut why = format!("{}，由{}主办", candidate.why, lead.name);
    if facts.reported == Some(&lead.code) {
        let superior = lead.superior.as_ref().and_then(|code| directory.units.get(code));
        let Some(superior) = superior else {
            routing.left_out.push(format!("{}是被举报单位，上级请由区中心确定", lead.name));
            return;
        };
        why = format!("{}；{}是被举报单位，由上级{}主办", candidate.why, lead.name, superior.name);
        lead = superior;
    }
    if routing.proposals.iter().any(|before| before.lead.code == lead.code) {
        return;
    }
    let version = match judge(lead, Role::Lead, facts, directory) {
        Ok(version) => version,
        Err(refused) => {
            routing.left_out.push(refused.to_string());
            return;
        }
    };
    if let (Source::Duty, Some(version)) = (candidate.source, &version) {
        why.push_str(&format!("（清单版本 {version}）"));
    }
    let mut assist: Vec<Unit> = Vec::new();
    for code in candidate.assist.iter().filter(|code| **code != lead.code) {
        let unit = directory.units.get(code).filter(|unit| facts.reported != Some(&unit.code));
        match unit.map(|unit| (unit, judge(unit, Role::Assist, facts, directory))) {
            Some((unit, Ok(_))) => assist.push(unit.clone()),
            Some((_, Err(refused))) => routing.left_out.push(refused.to_string()),
            None => {}
        }
    }
    let (source, rule, lead) = (candidate.source, candidate.rule, lead.clone());
    routing.proposals.push(Proposal { source, lead, assist, why, rule, duty_list: version });
}

fn judge(
    unit: &Unit,
    role: Role,
    facts: &Facts<'_>,
    directory: &Directory,
) -> Result<Option<String>, duty::Refused> {
    let lists = directory.lists.get(&unit.code).map_or(&[][..], Vec::as_slice);
    let question = Question { unit, role, item: facts.item, approved_emergency: false };
    duty::judge(question, lists).map(|judgement| judgement.version)
}

/// Why a rule is not added or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The same is in force already.
    #[error("同样的规则已经在用，不需要再加")]
    Exists,
    /// It ended before.
    #[error("这条规则已经停用")]
    Ended,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Exists => "routing_rule_exists",
            Self::Ended => "routing_rule_ended",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}
