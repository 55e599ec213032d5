//! Duty lists (属地管理责任清单): which matters may be given to a subdistrict or a community.
//!
//! 未列入清单事项不得擅自委托和下放: a task may not be pushed down for a matter that no valid list
//! gives to the unit, also when no item is named, unless it is an emergency with a named approver.
//! Precedence: recalled (上级收回) → refused; basic (基本履职) → the subdistrict leads; cooperate
//! (配合履职) → it assists; then what the 属地 list says. A community has its own list, and what was
//! recalled from its subdistrict is recalled from it too. Departments and utilities are bound by
//! no list: theirs is recorded, never refused.

use crate::{
    org::{NodeCode, NodeKind, Unit},
    refusal::{Kind, Refusal},
    task::Role,
};

pub mod edition;
pub mod proposal;
pub mod units;

#[cfg(test)]
mod tests;

codes! {
    /// What a duty list is for.
    pub enum ListKind {
        /// 上级收回事项清单 of a township.
        Recalled = "recalled", "上级收回事项清单";
        /// 基本履职事项清单 of a township.
        Basic = "basic", "基本履职事项清单";
        /// 配合履职事项清单 of a township.
        Cooperate = "cooperate", "配合履职事项清单";
        /// 属地管理责任清单 between the district and its subdistricts.
        Territorial = "territorial", "属地管理责任清单";
        /// A community's own list.
        Community = "community", "社区事项清单";
    }
}

codes! {
    /// What a list asks of the subdistrict (or of the community, on its own list).
    pub enum Duty {
        /// Nothing: the department does it alone.
        None = "none", "不承担";
        /// Help the department that leads.
        Assist = "assist", "配合";
        /// Lead.
        Lead = "lead", "牵头";
    }
}

/// What one valid list says about the item in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which list.
    pub kind: ListKind,
    /// The version of the list; versions are immutable.
    pub version: String,
    /// The list's title, for people.
    pub title: String,
    /// What it asks of the unit; `None` when the item is not on it, or none was named.
    pub duty: Option<Duty>,
}

/// One item of a duty list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its code; the same matter has the same code on every list.
    pub code: String,
    /// The category, such as 生态环境.
    pub category: String,
    /// The matter, in words.
    pub name: String,
    /// The department that leads, or stands behind the subdistrict that does.
    pub lead_unit: Option<NodeCode>,
    /// What the department does.
    pub department_duty: String,
    /// What is asked of the subdistrict or community.
    pub duty: Duty,
    /// What the subdistrict or community does.
    pub grassroots_duty: String,
    /// Whether a reply must carry photos; nothing else may demand them.
    pub photos_required: bool,
    /// The law or regulation.
    pub basis: String,
}

/// Why a task may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The unit is a department or utility; lists bind only subdistricts and communities.
    Department,
    /// A valid list gives the matter to the unit in this role.
    Listed,
    /// No list does, but it is an emergency and somebody answers for it by name. To be audited.
    ApprovedEmergency,
}

/// A task may be given, and this is why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The version of the list that decided: the one that names the item, else the one that was
    /// looked into. `None` when no list is valid.
    pub version: Option<String>,
    /// Why.
    pub ground: Ground,
}

/// What is to be judged: one unit, in one role, for one matter.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who is to get the task.
    pub unit: &'a Unit,
    /// As what.
    pub role: Role,
    /// The item named, if any.
    pub item: Option<&'a str>,
    /// It is an emergency, and a leader or head has approved it by name (checked by the caller).
    pub approved_emergency: bool,
}

/// Why a task may not be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No valid list gives the matter to the unit in this role.
    #[error("{}", not_listed(.unit, .looked_into.as_ref(), .shortfall))]
    NotOnDutyList {
        /// The unit's name.
        unit: String,
        /// The list that decided, if any is valid.
        looked_into: Option<ListName>,
        /// What is missing.
        shortfall: Shortfall,
    },
}

/// A list as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListName {
    /// The title.
    pub title: String,
    /// The version.
    pub version: String,
}

/// What a list lacks for the task to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortfall {
    /// No item was named.
    NoItem,
    /// The item is on none of the unit's lists.
    Unlisted,
    /// The item was taken back by the district.
    Recalled,
    /// The list leaves the matter to the department alone.
    DepartmentOnly,
    /// The list asks for help only, not for the lead.
    AssistOnly,
}

fn not_listed(unit: &str, list: Option<&ListName>, shortfall: &Shortfall) -> String {
    let list = list.map_or_else(
        || "现行有效的事项清单（没有找到）".to_owned(),
        |list| format!("《{}》（版本 {}）", list.title, list.version),
    );
    let why = match shortfall {
        Shortfall::NoItem => format!("没有写明清单事项，不能按{list}派给{unit}"),
        Shortfall::Unlisted => format!("{list}没有把这一事项交给{unit}"),
        Shortfall::Recalled => format!("{list}已把这一事项从{unit}收回"),
        Shortfall::DepartmentOnly => format!("按{list}，这一事项由部门办理，{unit}不承担"),
        Shortfall::AssistOnly => format!("按{list}，{unit}对这一事项只配合，不牵头"),
    };
    let how = match shortfall {
        Shortfall::NoItem => "请写明清单事项 duty_item，或改派主管部门",
        Shortfall::AssistOnly => "请由主管部门主办、该单位协办",
        Shortfall::Unlisted | Shortfall::Recalled | Shortfall::DepartmentOnly => "请改派主管部门",
    };
    format!("{why}。{how}；确属紧急的，请写明批准人 emergency_approver")
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        "not_on_duty_list"
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

/// Decides whether the unit may be given the task, by the lists that are valid for it today.
///
/// # Errors
/// [`Refused::NotOnDutyList`], naming the version: see the rule at the head of this file.
pub fn judge(question: Question<'_>, lists: &[Listed]) -> Result<Judgement, Refused> {
    let deciding = deciding(question.unit.kind, lists);
    let version = deciding.map(|(list, _)| list.version.clone());
    if !question.unit.kind.is_grassroots() {
        return Ok(Judgement { version, ground: Ground::Department });
    }
    let Some(shortfall) = shortfall(question, deciding) else {
        return Ok(Judgement { version, ground: Ground::Listed });
    };
    if question.approved_emergency {
        return Ok(Judgement { version, ground: Ground::ApprovedEmergency });
    }
    Err(Refused::NotOnDutyList {
        unit: question.unit.name.clone(),
        looked_into: deciding
            .map(|(list, _)| ListName { title: list.title.clone(), version: list.version.clone() }),
        shortfall,
    })
}

/// The kinds of list that can give or take a matter, the stronger first.
const fn precedence(unit: NodeKind) -> &'static [ListKind] {
    match unit {
        NodeKind::Subdistrict => {
            &[ListKind::Recalled, ListKind::Basic, ListKind::Cooperate, ListKind::Territorial]
        }
        NodeKind::Community | NodeKind::Village => &[ListKind::Recalled, ListKind::Community],
        _ => &[ListKind::Territorial],
    }
}

/// The strongest list that has the item, with what it asks; where none has, the list that would
/// have had to give it, so that a refusal can name it: the unit's own, else the district's.
fn deciding(unit: NodeKind, lists: &[Listed]) -> Option<(&Listed, Option<Duty>)> {
    let order = precedence(unit);
    let of = |kind: ListKind| lists.iter().filter(move |list| list.kind == kind);
    let named = order.iter().copied().flat_map(of).find(|list| list.duty.is_some());
    named.map(|list| (list, list.duty)).or_else(|| {
        let gives = order.iter().rev().copied().filter(|kind| *kind != ListKind::Recalled);
        gives.chain([ListKind::Territorial]).flat_map(of).next().map(|list| (list, None))
    })
}

fn shortfall(
    question: Question<'_>,
    deciding: Option<(&Listed, Option<Duty>)>,
) -> Option<Shortfall> {
    if question.item.is_none() {
        return Some(Shortfall::NoItem);
    }
    let Some((list, Some(duty))) = deciding else {
        return Some(Shortfall::Unlisted);
    };
    // The township's lists decide by their kind; on the others the item itself says.
    let duty = match list.kind {
        ListKind::Recalled => return Some(Shortfall::Recalled),
        ListKind::Basic => Duty::Lead,
        ListKind::Cooperate => Duty::Assist,
        ListKind::Territorial | ListKind::Community => duty,
    };
    match (duty, question.role) {
        (Duty::Lead, _) | (Duty::Assist, Role::Assist) => None,
        (Duty::Assist, Role::Lead) => Some(Shortfall::AssistOnly),
        (Duty::None, _) => Some(Shortfall::DepartmentOnly),
    }
}

/// Who should do a matter, as its list has it: a proposal for whoever dispatches or whistles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Who leads; `None` when the matter is the department's and the list names no department.
    pub lead: Option<NodeCode>,
    /// Who assists.
    pub assist: Vec<NodeCode>,
}

/// Proposes the units for an item: `place` is the subdistrict (or community, for an item of its
/// own list) where the matter is.
pub fn propose(item: &Item, place: &NodeCode) -> Proposal {
    let department = item.lead_unit.clone();
    match item.duty {
        Duty::Lead => {
            Proposal { lead: Some(place.clone()), assist: department.into_iter().collect() }
        }
        Duty::Assist => Proposal { lead: department, assist: vec![place.clone()] },
        Duty::None => Proposal { lead: department, assist: Vec::new() },
    }
}
