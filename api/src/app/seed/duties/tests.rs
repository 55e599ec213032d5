use std::collections::{BTreeMap, HashSet};

use super::*;
use crate::app::seed::district;

fn lists() -> (District, Vec<List>) {
    let district = district::load().unwrap();
    let lists = load(&district).unwrap();
    (district, lists)
}

#[test]
fn the_territorial_list_has_13_categories_and_81_items() {
    let (_, lists) = lists();
    let territorial = &lists[0];
    assert_eq!(territorial.kind, ListKind::Territorial);
    assert_eq!(territorial.items.len(), 81);
    let categories: HashSet<&str> = territorial.items.iter().map(|i| i.category.as_str()).collect();
    assert_eq!(categories.len(), 13);
    for item in &territorial.items {
        assert!(item.lead_unit.is_some(), "{}", item.code);
        assert_eq!(item.duty == Duty::None, item.grassroots_duty.is_empty(), "{}", item.code);
    }
    let with_photos = territorial.items.iter().filter(|item| item.photos_required).count();
    assert!(with_photos <= 12, "photos are demanded rarely, not {with_photos} times");
}

#[test]
fn each_subdistrict_has_three_lists_and_the_pilot_its_own() {
    let (district, lists) = lists();
    for subdistrict in district.of_kind(NodeKind::Subdistrict) {
        let kinds: Vec<ListKind> = lists
            .iter()
            .filter(|list| list.division.as_ref() == Some(&subdistrict.code))
            .map(|list| list.kind)
            .collect();
        assert_eq!(kinds, [ListKind::Basic, ListKind::Cooperate, ListKind::Recalled]);
    }
    let own: Vec<&List> = lists.iter().filter(|list| list.kind == ListKind::Community).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].title, "文兴社区事项清单");
    assert_eq!(lists.len(), 1 + 18 * 3 + 1);
}

#[test]
fn items_are_complete_and_one_code_is_one_matter() {
    let (district, lists) = lists();
    let departments: HashSet<&NodeCode> = [NodeKind::Department, NodeKind::Utility]
        .into_iter()
        .flat_map(|kind| district.of_kind(kind))
        .map(|node| &node.code)
        .collect();
    let versions: HashSet<&str> = lists.iter().map(|list| list.version.as_str()).collect();
    assert_eq!(versions.len(), lists.len());
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for list in &lists {
        let codes: HashSet<&str> = list.items.iter().map(|item| item.code.as_str()).collect();
        assert_eq!(codes.len(), list.items.len(), "{} names an item twice", list.version);
        for item in &list.items {
            assert!(item.basis.starts_with('《') && item.basis.ends_with('》'), "{}", item.basis);
            assert!(item.lead_unit.as_ref().is_none_or(|lead| departments.contains(lead)));
            assert_eq!(*names.entry(&item.code).or_insert(&item.name), item.name, "{}", item.code);
        }
    }
}

/// Within one subdistrict no matter is on two of its three lists, and each of them changes
/// something that the 属地 list says otherwise.
#[test]
fn the_three_lists_do_not_contradict_each_other() {
    let (_, lists) = lists();
    let of = |kind: ListKind| {
        let list = lists.iter().find(|list| list.kind == kind).unwrap();
        list.items.iter().map(|item| item.code.as_str()).collect::<HashSet<_>>()
    };
    let (basic, cooperate, recalled) =
        (of(ListKind::Basic), of(ListKind::Cooperate), of(ListKind::Recalled));
    assert!(basic.is_disjoint(&cooperate) && basic.is_disjoint(&recalled));
    assert!(cooperate.is_disjoint(&recalled));
    let territorial = of(ListKind::Territorial);
    for three in [&basic, &cooperate, &recalled] {
        assert!(three.intersection(&territorial).next().is_some());
    }
}
