//! Who should do a matter, with the reason in words: a suggestion for whoever dispatches or
//! whistles.

use super::{Duty, Item, ListKind, ListName, Proposal, propose};
use crate::org::NodeCode;

/// The units that a list suggests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Who leads and who assists.
    pub units: Proposal,
    /// Whose list it is by: the subdistrict, or the community for an item of its own list.
    pub place: NodeCode,
}

/// Suggests the units for an item as its strongest list has it, for a matter in a community.
pub fn suggest(kind: ListKind, item: &Item, community: &NodeCode) -> Suggestion {
    let subdistrict = || community.superior().unwrap_or_else(|| community.clone());
    let place = match kind {
        ListKind::Community => community.clone(),
        _ => subdistrict(),
    };
    Suggestion { units: propose(item, &place), place }
}

/// Why these units, in a sentence.
pub fn why(list: &ListName, item: &Item, place: &str, department: Option<&str>) -> String {
    let list = format!("《{}》（版本 {}）", list.title, list.version);
    let matter = &item.name;
    let how = match (item.duty, department) {
        (Duty::Lead, None) => format!("由{place}牵头"),
        (Duty::Lead, Some(department)) => format!("由{place}牵头，{department}配合"),
        (Duty::Assist, Some(department)) => format!("由{department}牵头，{place}配合"),
        (Duty::None, Some(department)) => format!("由{department}办理，{place}不承担"),
        (Duty::Assist, None) => format!("{place}配合，没有写主管部门，请区中心指定主办单位"),
        (Duty::None, None) => format!("{place}不承担，没有写主管部门，请区中心指定主办单位"),
    };
    format!("按{list}，“{matter}”{how}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> NodeCode {
        NodeCode::parse("code", text).unwrap()
    }

    fn item(duty: Duty, department: Option<&str>) -> Item {
        Item {
            code: "city-05".to_owned(),
            category: "城市管理".to_owned(),
            name: "井盖缺失".to_owned(),
            lead_unit: department.map(|_| code("housing")),
            department_duty: String::new(),
            duty,
            grassroots_duty: String::new(),
            photos_required: false,
            basis: "《城市道路管理条例》".to_owned(),
        }
    }

    #[test]
    fn the_place_is_the_subdistrict_but_for_a_communitys_own_list() {
        let community = code("140213066004");
        for kind in ListKind::ALL.iter().copied() {
            let found = suggest(kind, &item(Duty::Lead, Some("区住建局")), &community);
            let place = if kind == ListKind::Community { "140213066004" } else { "140213066" };
            assert_eq!(found.place, code(place), "{kind}");
            assert_eq!(found.units.lead, Some(code(place)));
            assert_eq!(found.units.assist, [code("housing")]);
        }
    }

    #[test]
    fn the_reason_names_list_version_and_everybody() {
        let list = ListName { title: "清单".to_owned(), version: "v-1".to_owned() };
        for duty in Duty::ALL.iter().copied() {
            for department in [Some("区住建局"), None] {
                let said = why(&list, &item(duty, department), "水泊寺街道", department);
                for part in ["《清单》（版本 v-1）", "井盖缺失", "水泊寺街道"] {
                    assert!(said.contains(part), "{said}");
                }
                let open = department.is_none() && duty != Duty::Lead;
                assert_eq!(said.contains("请区中心指定"), open, "{said}");
                assert!(department.is_none_or(|name| said.contains(name)), "{said}");
            }
        }
    }
}
