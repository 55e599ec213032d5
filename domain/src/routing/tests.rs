use super::*;
use crate::{
    duty::{Duty, ListKind},
    org::NodeKind,
    testing::{code, id},
};

fn rule(n: u8, lead: &str, change: impl FnOnce(&mut Routes)) -> Rule {
    let mut says = Routes {
        category: None,
        urgency: None,
        division: None,
        management_mode: None,
        lead: code(lead),
        assist: Vec::new(),
        priority: 0,
        note: String::new(),
    };
    change(&mut says);
    Rule { id: id(n), says, valid_from: NaiveDate::MIN, valid_to: None }
}

fn directory() -> Directory {
    let unit = |at: &str, kind, superior: &str| Unit {
        code: code(at),
        kind,
        name: format!("单位{at}"),
        superior: Some(code(superior)),
    };
    let units = [
        unit("140213066004", NodeKind::Community, "140213066"),
        unit("140213066", NodeKind::Subdistrict, "140213"),
        unit("housing", NodeKind::Department, "140213"),
        unit("urban-management", NodeKind::Department, "140213"),
        unit("water", NodeKind::Department, "140213"),
    ];
    let units = units.into_iter().map(|unit| (unit.code.clone(), unit)).collect();
    Directory { units, lists: HashMap::new() }
}

fn listed(kind: ListKind, duty: Duty) -> Vec<Listed> {
    vec![Listed { kind, version: "v1".into(), title: kind.label().into(), duty: Some(duty) }]
}

fn facts<'a>(category: Option<&'a str>, place: &'a NodeCode) -> Facts<'a> {
    Facts { category, urgency: None, place, management_mode: None, item: None, reported: None }
}

fn leads(routing: &Routing) -> Vec<&str> {
    routing.proposals.iter().map(|one| one.lead.code.as_str()).collect()
}

#[test]
fn the_more_specific_rule_goes_first_and_each_lead_comes_once() {
    let rules = [
        rule(1, "housing", |says| says.category = Some("城乡建设".into())),
        rule(2, "urban-management", |says| says.category = Some("城乡建设/市政".into())),
        rule(3, "water", |says| {
            says.category = Some("城乡建设".into());
            says.division = Some(code("140213066"));
        }),
        rule(4, "housing", |says| says.priority = 100),
    ];
    let place = code("140213066004");
    let routed =
        propose(&facts(Some("城乡建设/市政/路灯"), &place), &rules, None, None, &directory());
    assert_eq!(leads(&routed), ["urban-management", "water", "housing"]);
    assert!(routed.proposals[0].why.contains("城乡建设/市政"), "{}", routed.proposals[0].why);
    let other = propose(&facts(Some("城乡建设局"), &place), &rules, None, None, &directory());
    assert_eq!(leads(&other), ["housing"], "a segment is whole: only the rule for everything fits");
}

#[test]
fn the_management_mode_and_the_urgency_decide_where_a_rule_says_so() {
    let rules = [
        rule(1, "housing", |says| says.management_mode = Some(ManagementMode::Company)),
        rule(2, "water", |says| says.urgency = Some(Urgency::Utility)),
    ];
    let place = code("140213066004");
    let asked = |management_mode, urgency| {
        let facts = Facts { management_mode, urgency, ..facts(None, &place) };
        leads(&propose(&facts, &rules, None, None, &directory()))
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(Some(ManagementMode::Company), None), ["housing"]);
    assert_eq!(asked(Some(ManagementMode::Owners), Some(Urgency::Utility)), ["water"]);
    assert_eq!(asked(Some(ManagementMode::Company), Some(Urgency::Utility)), ["housing", "water"]);
    assert!(asked(None, None).is_empty());
}

#[test]
fn the_duty_item_goes_before_every_rule_and_names_the_list() {
    let mut directory = directory();
    directory.lists.insert(code("140213066"), listed(ListKind::Territorial, Duty::Assist));
    directory.lists.insert(code("housing"), listed(ListKind::Territorial, Duty::Assist));
    let proposal = duty::Proposal { lead: Some(code("housing")), assist: vec![code("140213066")] };
    let by = ByDuty { item: "供热".into(), proposal };
    let rules = [rule(1, "water", |says| says.category = Some("城乡建设".into()))];
    let place = code("140213066004");
    let facts = Facts { item: Some("housing-04"), ..facts(Some("城乡建设"), &place) };
    let routed = propose(&facts, &rules, Some(&by), None, &directory);
    assert_eq!(leads(&routed), ["housing", "water"]);
    assert_eq!(routed.proposals[0].assist.len(), 1);
    assert!(routed.proposals[0].why.contains("清单版本 v1"), "{}", routed.proposals[0].why);
}

#[test]
fn what_no_list_gives_is_never_proposed_to_a_subdistrict_or_community() {
    let place = code("140213066004");
    let grid = InGrid { name: "文兴第一网格".into(), community: place.clone() };
    let rules = [rule(1, "140213066", |_| ())];
    let bare = propose(&facts(None, &place), &rules, None, Some(&grid), &directory());
    assert!(bare.proposals.is_empty());
    assert_eq!(bare.left_out.len(), 2, "{:?}", bare.left_out);

    let asked = Facts { item: Some("c-01"), ..facts(None, &place) };
    let mut known = directory();
    known.lists.insert(place.clone(), listed(ListKind::Community, Duty::Lead));
    known.lists.insert(code("140213066"), listed(ListKind::Recalled, Duty::Lead));
    let routed = propose(&asked, &rules, None, Some(&grid), &known);
    assert_eq!(
        leads(&routed),
        ["140213066004"],
        "recalled from the subdistrict, on the community's list"
    );
    assert!(routed.proposals[0].why.contains("文兴第一网格"));
    known.lists.insert(place.clone(), listed(ListKind::Recalled, Duty::Lead));
    assert!(propose(&asked, &rules, None, Some(&grid), &known).proposals.is_empty());
}

#[test]
fn the_reported_unit_gives_way_to_its_superior() {
    let place = code("140213066004");
    let mut known = directory();
    known.lists.insert(place.clone(), listed(ListKind::Community, Duty::Lead));
    known.lists.insert(code("140213066"), listed(ListKind::Basic, Duty::Lead));
    let grid = InGrid { name: "文兴第一网格".into(), community: place.clone() };
    let reported = Facts { item: Some("c-01"), reported: Some(&place), ..facts(None, &place) };
    let routed = propose(&reported, &[], None, Some(&grid), &known);
    assert_eq!(leads(&routed), ["140213066"]);
    assert!(routed.proposals[0].why.contains("被举报单位"));
    let housing = code("housing");
    let rules =
        [rule(1, "housing", |_| ()), rule(2, "water", |says| says.assist = vec![code("housing")])];
    let department = Facts { reported: Some(&housing), ..facts(None, &place) };
    let routed = propose(&department, &rules, None, None, &known);
    assert_eq!(leads(&routed), ["water"], "above a department stands no unit");
    assert!(routed.proposals[0].assist.is_empty(), "it does not assist either");
}

#[test]
fn a_rule_is_read_strictly() {
    let form = |lead, assist| RoutesForm {
        category: Some("城乡建设/市政"),
        urgency: None,
        division: Some("140213066"),
        management_mode: None,
        lead,
        assist,
        priority: 0,
        note: None,
    };
    let fields = |form| -> Vec<String> {
        Routes::parse(form).unwrap_err().fields().into_iter().map(|fault| fault.field).collect()
    };
    let (water, housing) = (["water".to_owned()], ["housing".to_owned()]);
    assert!(Routes::parse(form("housing", &water)).is_ok());
    assert_eq!(fields(form("housing", &housing)), ["assist"]);
    assert_eq!(fields(form("X", &[])), ["lead"]);
    assert_eq!(
        fields(RoutesForm { category: Some("城乡建设//"), ..form("housing", &[]) }),
        ["category"]
    );
    assert_eq!(
        fields(RoutesForm { division: Some("housing"), ..form("housing", &[]) }),
        ["division"]
    );
    assert_eq!(fields(RoutesForm { priority: 101, ..form("housing", &[]) }), ["priority"]);
}
