use super::*;

fn code(text: &str) -> NodeCode {
    NodeCode::parse("code", text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn departments() -> Departments {
    let housing = code("housing");
    [("housing", housing.clone()), ("区住房和城乡建设局", housing)]
        .map(|(name, code)| (name.to_owned(), code))
        .into()
}

fn item(code: &str) -> Item {
    Item {
        code: code.to_owned(),
        category: "住房建设".to_owned(),
        name: "物业收费纠纷".to_owned(),
        lead_unit: Some(self::code("housing")),
        department_duty: "监督企业".to_owned(),
        duty: Duty::Assist,
        grassroots_duty: "组织协商".to_owned(),
        photos_required: true,
        basis: "《物业管理条例》".to_owned(),
    }
}

/// Reads an item's own cells, some of them replaced.
fn read(kind: ListKind, changed: &[(Column, &str)]) -> Result<Item, Vec<(String, String)>> {
    let item = item("housing-01");
    let cell = |column: Column| {
        let other = changed.iter().find(|(which, _)| *which == column);
        other.map_or_else(|| item.cell(column), |(_, text)| (*text).to_owned())
    };
    let refused = |row: RefusedRow| {
        assert_eq!(row.line, 7);
        row.faults.into_iter().map(|fault| (fault.column, fault.reason)).collect()
    };
    parse(&Row { line: 7, cell: &cell }, kind, &departments()).map_err(refused)
}

#[test]
fn what_an_item_writes_is_read_as_the_same_item() {
    assert_eq!(read(ListKind::Territorial, &[]).unwrap(), item("housing-01"));
    let by_name = read(ListKind::Territorial, &[(Column::LeadUnit, "区住房和城乡建设局")]);
    assert_eq!(by_name.unwrap(), item("housing-01"));
}

#[test]
fn each_fault_names_its_column() {
    for (column, text, says) in [
        (Column::Code, "住房 1", "小写字母"),
        (Column::Code, "", "小写字母"),
        (Column::Category, "", "不能为空"),
        (Column::Name, " ", "不能为空"),
        (Column::LeadUnit, "市政局", "没有“市政局”这个部门"),
        (Column::LeadUnit, "", "要有部门牵头"),
        (Column::Duty, "主办", "可用：不承担、配合、牵头"),
        (Column::Duty, "", "可用"),
        (Column::PhotosRequired, "也许", "“是”或“否”"),
        (Column::Basis, "", "没有写依据"),
    ] {
        let faults = read(ListKind::Territorial, &[(column, text)]).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].0, column.label());
        assert!(faults[0].1.contains(says), "{faults:?}");
    }
    let all = [(Column::Basis, ""), (Column::LeadUnit, "x"), (Column::Name, "")];
    assert_eq!(read(ListKind::Territorial, &all).unwrap_err().len(), 3, "all at once");
    let alone = [(Column::Duty, "牵头"), (Column::LeadUnit, "")];
    assert_eq!(read(ListKind::Community, &alone).unwrap().lead_unit, None);
}

#[test]
fn a_townships_list_says_itself_what_is_asked() {
    for (kind, duty) in [
        (ListKind::Basic, Duty::Lead),
        (ListKind::Cooperate, Duty::Assist),
        (ListKind::Recalled, Duty::None),
    ] {
        assert_eq!(read(kind, &[(Column::Duty, "")]).unwrap().duty, duty);
        for told in Duty::ALL {
            let read = read(kind, &[(Column::Duty, told.label())]);
            assert_eq!(read.is_ok(), *told == duty, "{kind} {told}");
        }
    }
}

#[test]
fn a_code_that_stands_twice_is_refused_the_second_time() {
    let rows = [(2, Ok(item("a-1"))), (3, Ok(item("b-1"))), (5, Ok(item("a-1")))];
    let (items, refused) = sort(rows);
    assert_eq!(items.len(), 2);
    assert_eq!((refused[0].line, refused[0].code.as_str()), (5, "a-1"));
    assert_eq!(refused[0].faults[0].reason, "代码与第 2 行重复");
}

#[test]
fn the_difference_names_each_field() {
    let (same, gone, mut other) = (item("a-1"), item("b-1"), item("c-1"));
    let before = [same.clone(), gone.clone(), other.clone()];
    other.duty = Duty::Lead;
    other.photos_required = false;
    let new = item("d-1");
    let found = difference(&before, &[same, other, new.clone()]);
    assert_eq!(
        (found.added.clone(), found.removed.clone(), found.unchanged),
        (vec![new], vec![gone], 1)
    );
    let changed = &found.changed[0];
    let fields: Vec<(Column, &str, &str)> = changed
        .fields
        .iter()
        .map(|one| (one.field, one.before.as_str(), one.after.as_str()))
        .collect();
    assert_eq!(fields, [(Column::Duty, "配合", "牵头"), (Column::PhotosRequired, "是", "否")]);
    assert_eq!(found.touched(), ["d-1", "b-1", "c-1"]);
}

#[test]
fn a_list_is_for_whom_its_kind_is() {
    let parse = |kind, division: Option<(&str, NodeKind)>| {
        let division = division.map(|(at, kind)| (code(at), kind));
        Edition::parse(kind, "v-2026.1", "清单", division, day("2026-12-01")).is_ok()
    };
    let (subdistrict, community) =
        (("140213066", NodeKind::Subdistrict), ("140213066004", NodeKind::Community));
    for kind in ListKind::ALL.iter().copied() {
        let fits = match kind {
            ListKind::Territorial => [true, false, false],
            ListKind::Community => [false, false, true],
            _ => [false, true, false],
        };
        let given = [None, Some(subdistrict), Some(community)];
        assert_eq!(given.map(|division| parse(kind, division)), fits, "{kind}");
    }
    for bad in ["", "x", "2026 1", "版本一", &"9".repeat(61)] {
        let parsed = Edition::parse(ListKind::Territorial, bad, "清单", None, day("2026-12-01"));
        assert!(parsed.is_err(), "{bad}");
    }
}

#[test]
fn a_version_never_rewrites_the_days_before_it() {
    let today = day("2026-11-24");
    let from = |valid_from: &str| Edition {
        kind: ListKind::Territorial,
        version: "v-2".to_owned(),
        title: "清单".to_owned(),
        division: None,
        valid_from: day(valid_from),
    };
    let newest = |valid_from: &str, valid_to: Option<&str>| Standing {
        version: "v-1".to_owned(),
        valid_from: day(valid_from),
        valid_to: valid_to.map(day),
    };
    assert_eq!(from("2020-01-01").follows(None, today), Ok(()), "the first may be old");
    for (newest, first) in [
        (newest("2024-01-01", None), "2026-11-24"),
        (newest("2026-11-24", None), "2026-11-25"),
        (newest("2027-01-01", None), "2027-01-02"),
        (newest("2024-01-01", Some("2027-03-01")), "2027-03-01"),
    ] {
        assert_eq!(from(first).follows(Some(&newest), today), Ok(()));
        let before = day(first).pred_opt().unwrap().to_string();
        let refused = from(&before).follows(Some(&newest), today).unwrap_err();
        assert_eq!(refused.code(), "duty_version_too_early");
        assert!(refused.to_string().contains(first), "{refused}");
    }
}
