use super::*;

fn unit(kind: NodeKind) -> Unit {
    let (code, name) = match kind {
        NodeKind::Subdistrict => ("140213066", "水泊寺街道"),
        NodeKind::Community => ("140213066004", "文兴社区"),
        NodeKind::Village => ("140213066201", "石家寨村"),
        NodeKind::Utility => ("power-grid", "供电公司"),
        _ => ("urban-management", "区城市管理局"),
    };
    Unit { code: code_of(code), kind, name: name.to_owned(), superior: None }
}

fn code_of(text: &str) -> NodeCode {
    NodeCode::parse("code", text).unwrap()
}

fn listed(kind: ListKind, duty: Option<Duty>) -> Listed {
    Listed { kind, version: format!("{kind}-2025.1"), title: kind.label().to_owned(), duty }
}

/// What the rule should say, written apart from how `judge` says it.
fn expected(
    kind: NodeKind,
    role: Role,
    says: &dyn Fn(ListKind) -> Option<Duty>,
) -> Option<Shortfall> {
    let leads_or_assists = |duty: Duty| match (duty, role) {
        (Duty::None, _) => Some(Shortfall::DepartmentOnly),
        (Duty::Assist, Role::Lead) => Some(Shortfall::AssistOnly),
        _ => None,
    };
    match kind {
        NodeKind::Department | NodeKind::Utility => None,
        _ if says(ListKind::Recalled).is_some() => Some(Shortfall::Recalled),
        NodeKind::Subdistrict => {
            if says(ListKind::Basic).is_some() {
                None
            } else if says(ListKind::Cooperate).is_some() {
                leads_or_assists(Duty::Assist)
            } else {
                says(ListKind::Territorial).map_or(Some(Shortfall::Unlisted), leads_or_assists)
            }
        }
        _ => says(ListKind::Community).map_or(Some(Shortfall::Unlisted), leads_or_assists),
    }
}

const UNITS: [NodeKind; 5] = [
    NodeKind::Subdistrict,
    NodeKind::Community,
    NodeKind::Village,
    NodeKind::Department,
    NodeKind::Utility,
];

/// What may be with a list: there is none (outer `None`), it lacks the item, or it has it so.
const SAYS: [Option<Option<Duty>>; 5] =
    [None, Some(None), Some(Some(Duty::None)), Some(Some(Duty::Assist)), Some(Some(Duty::Lead))];

/// Every kind of unit × role × what is with each of the five lists (5⁵) × emergency or not.
#[test]
fn every_combination_is_judged_by_the_precedence() {
    let mut judged = 0_u32;
    for mix in 0..SAYS.len().pow(5) {
        let said: Vec<Option<Option<Duty>>> =
            (0..5).map(|place| SAYS[mix / SAYS.len().pow(place) % SAYS.len()]).collect();
        let kinds = ListKind::ALL.iter().zip(&said);
        let lists: Vec<Listed> =
            kinds.filter_map(|(kind, says)| says.map(|duty| listed(*kind, duty))).collect();
        let says = |kind: ListKind| {
            ListKind::ALL.iter().position(|other| *other == kind).and_then(|at| said[at]).flatten()
        };
        for kind in UNITS {
            let unit = unit(kind);
            for role in [Role::Lead, Role::Assist] {
                let want = expected(kind, role, &says);
                for approved_emergency in [false, true] {
                    let question =
                        Question { unit: &unit, role, item: Some("city-04"), approved_emergency };
                    let got = judge(question, &lists);
                    judged += 1;
                    match (got, want) {
                        (Ok(Judgement { ground: Ground::Department, .. }), None) => {
                            assert!(!kind.is_grassroots());
                        }
                        (Ok(Judgement { ground: Ground::Listed, .. }), None) => {
                            assert!(kind.is_grassroots());
                        }
                        (Ok(Judgement { ground: Ground::ApprovedEmergency, .. }), Some(_)) => {
                            assert!(approved_emergency);
                        }
                        (Err(Refused::NotOnDutyList { shortfall, .. }), Some(want)) => {
                            assert!(!approved_emergency);
                            assert_eq!(shortfall, want, "{kind} {role} {said:?}");
                        }
                        (got, want) => panic!("{kind} {role} {said:?}: {got:?}, wanted {want:?}"),
                    }
                }
            }
        }
    }
    assert_eq!(judged, 3125 * 5 * 2 * 2);
}

#[test]
fn without_an_item_nothing_is_pushed_down() {
    let lists: Vec<Listed> = ListKind::ALL.iter().map(|kind| listed(*kind, None)).collect();
    for kind in UNITS {
        let unit = unit(kind);
        for role in [Role::Lead, Role::Assist] {
            let ask = |approved_emergency| {
                judge(Question { unit: &unit, role, item: None, approved_emergency }, &lists)
            };
            if kind.is_grassroots() {
                let Err(Refused::NotOnDutyList { shortfall, .. }) = ask(false) else {
                    panic!("{kind} was given a task without an item");
                };
                assert_eq!(shortfall, Shortfall::NoItem);
                assert_eq!(ask(true).unwrap().ground, Ground::ApprovedEmergency);
            } else {
                assert_eq!(ask(false).unwrap().ground, Ground::Department);
            }
        }
    }
}

#[test]
fn the_version_named_is_the_one_that_decided() {
    let lists: Vec<Listed> = [
        (ListKind::Territorial, Some(Duty::Lead)),
        (ListKind::Cooperate, Some(Duty::Assist)),
        (ListKind::Basic, None),
        (ListKind::Recalled, None),
        (ListKind::Community, None),
    ]
    .map(|(kind, duty)| listed(kind, duty))
    .to_vec();
    let judged = |kind, role| {
        judge(
            Question { unit: &unit(kind), role, item: Some("city-04"), approved_emergency: false },
            &lists,
        )
    };
    let version = |kind, role| judged(kind, role).unwrap().version;
    assert_eq!(version(NodeKind::Subdistrict, Role::Assist).as_deref(), Some("cooperate-2025.1"));
    assert_eq!(version(NodeKind::Department, Role::Lead).as_deref(), Some("territorial-2025.1"));

    let refused = judged(NodeKind::Subdistrict, Role::Lead).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "按《配合履职事项清单》（版本 cooperate-2025.1），水泊寺街道对这一事项只配合，不牵头。\
         请由主管部门主办、该单位协办；确属紧急的，请写明批准人 emergency_approver"
    );
    assert_eq!((refused.code(), refused.kind()), ("not_on_duty_list", Kind::Conflict));

    let refused = judged(NodeKind::Community, Role::Assist).unwrap_err().to_string();
    assert!(refused.contains("《社区事项清单》（版本 community-2025.1）"), "{refused}");

    // A community without a list of its own: the district's is named, and gives it nothing.
    let unit = unit(NodeKind::Village);
    let question =
        Question { unit: &unit, role: Role::Assist, item: Some("x"), approved_emergency: false };
    let lists = [listed(ListKind::Recalled, None), listed(ListKind::Territorial, Some(Duty::Lead))];
    let refused = judge(question, &lists).unwrap_err().to_string();
    assert!(refused.contains("（版本 territorial-2025.1）没有把"), "{refused}");
}

#[test]
fn where_no_list_is_valid_nothing_is_pushed_down() {
    let unit = unit(NodeKind::Village);
    let question =
        Question { unit: &unit, role: Role::Assist, item: Some("x"), approved_emergency: false };
    let refused = judge(question, &[]).unwrap_err();
    assert!(refused.to_string().contains("没有找到"), "{refused}");
    let approved = judge(Question { approved_emergency: true, ..question }, &[]).unwrap();
    assert_eq!(approved, Judgement { version: None, ground: Ground::ApprovedEmergency });
}

#[test]
fn an_item_proposes_its_units() {
    let place = code_of("140213066");
    let department = code_of("urban-management");
    let item = |duty| Item {
        code: "city-05".to_owned(),
        category: "城市管理".to_owned(),
        name: "井盖缺失和道路破损".to_owned(),
        lead_unit: Some(department.clone()),
        department_duty: String::new(),
        duty,
        grassroots_duty: String::new(),
        photos_required: false,
        basis: "《城市道路管理条例》".to_owned(),
    };
    for (duty, lead, assist) in [
        (Duty::None, &department, vec![]),
        (Duty::Assist, &department, vec![place.clone()]),
        (Duty::Lead, &place, vec![department.clone()]),
    ] {
        assert_eq!(propose(&item(duty), &place), Proposal { lead: Some(lead.clone()), assist });
    }
}
