use super::*;

fn code(text: &str) -> NodeCode {
    NodeCode::parse("code", text).unwrap()
}

fn departments() -> Departments {
    let ecology = code("ecology");
    [("ecology", ecology.clone()), ("市生态环境局平城分局", ecology)]
        .map(|(name, code)| (name.to_owned(), code))
        .into()
}

fn power(code: &str) -> Power {
    Power {
        code: code.to_owned(),
        kind: PowerKind::Devolved,
        name: "对夜间违规施工噪声的处罚".to_owned(),
        devolved_by: Some(self::code("ecology")),
        basis: "《中华人民共和国噪声污染防治法》".to_owned(),
    }
}

/// Reads a power's own cells, some of them replaced; a refused row answers with its columns.
fn read(changed: &[(Column, &str)]) -> Result<Power, Vec<String>> {
    let power = power("noise");
    let cell = |column: Column| {
        let other = changed.iter().find(|(which, _)| *which == column);
        other.map_or_else(|| power.cell(column), |(_, text)| (*text).to_owned())
    };
    parse(7, &cell, &departments())
        .map_err(|row| row.faults.into_iter().map(|fault| fault.column).collect())
}

#[test]
fn what_a_power_writes_is_read_as_the_same_power() {
    assert_eq!(read(&[]), Ok(power("noise")));
    assert_eq!(read(&[(Column::DevolvedBy, "市生态环境局平城分局")]), Ok(power("noise")));
    assert_eq!(read(&[(Column::Kind, "devolved")]), Ok(power("noise")));
    let own = read(&[(Column::Kind, "自有"), (Column::DevolvedBy, "")]).unwrap();
    assert_eq!((own.kind, own.devolved_by), (PowerKind::Own, None));
}

#[test]
fn every_fault_of_a_row_is_named() {
    let by = "下放部门";
    assert_eq!(read(&[(Column::Kind, "自有")]), Err(vec![by.to_owned()]));
    assert_eq!(read(&[(Column::DevolvedBy, "")]), Err(vec![by.to_owned()]));
    assert_eq!(read(&[(Column::DevolvedBy, "环保局")]), Err(vec![by.to_owned()]));
    let all =
        [(Column::Code, "噪声"), (Column::Kind, "委托"), (Column::Name, ""), (Column::Basis, "")];
    assert_eq!(read(&all), Err(["事项代码", "来源", "执法事项", "依据"].map(String::from).into()));
    let twice = [(2, Ok(power("a-1"))), (3, Ok(power("a-2"))), (4, Ok(power("a-1")))];
    let (kept, refused) = sort(twice);
    assert_eq!(kept.len(), 2);
    assert_eq!((refused[0].line, refused[0].code.as_str()), (4, "a-1"));
    assert_eq!(Refused::Rows(refused).fields()[0].field, "第 4 行·事项代码");
}

#[test]
fn two_versions_differ_by_code() {
    let mut other = power("a-2");
    other.basis = "《大同市条例》".to_owned();
    let before = [power("a-1"), power("a-2"), power("a-3")];
    let found = difference(&before, &[power("a-1"), other.clone(), power("a-4")]);
    assert_eq!(found.added, [power("a-4")]);
    assert_eq!(found.removed, [power("a-3")]);
    assert_eq!(found.changed, [(power("a-2"), other)]);
    assert_eq!(found.unchanged, 1);
}

#[test]
fn a_version_follows_another_and_is_a_unit_s_that_enforces() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let edition = |kind, from: &str| {
        Edition::parse((code("140213066"), kind), "powers-2026.2", "执法事项清单", day(from))
    };
    for kind in NodeKind::ALL {
        let enforces = matches!(kind, NodeKind::Subdistrict | NodeKind::Department);
        assert_eq!(edition(*kind, "2026-12-01").is_ok(), enforces, "{kind}");
    }
    let standing = Standing {
        version: "powers-2026.1".to_owned(),
        valid_from: day("2026-01-01"),
        valid_to: None,
    };
    let follows = |from: &str| {
        let edition = edition(NodeKind::Subdistrict, from).unwrap();
        edition.follows(Some(&standing), day("2026-11-24")).is_ok()
    };
    assert!(follows("2026-11-24") && !follows("2026-11-23"), "the past was acted by");
}

#[test]
fn a_full_list_has_27_own_and_55_devolved() {
    assert_eq!(deviations(NodeKind::Subdistrict, 27, 55), []);
    assert_eq!(deviations(NodeKind::Department, 3, 0), [], "a department has no such number");
    let found = deviations(NodeKind::Subdistrict, 3, 55);
    assert_eq!(found, [Deviation { kind: PowerKind::Own, expected: 27, found: 3 }]);
}
