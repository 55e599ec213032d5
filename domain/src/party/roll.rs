//! The register as a file (名册表格): its columns, and what a row of it says. A file is taken in whole
//! or not at all, so that each cell that does not fit is named.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{
    Health, Ledger, Rank, Sex, Standing,
    entry::{Entry, EntryForm},
    floating::{Direction, FloatForm},
};
use crate::{code::UnknownCode, import::day, org::NodeCode, refusal::Faults, sheet::by_column};

codes! {
    /// The columns of the file, in order.
    pub enum Column {
        /// The name.
        Name = "name", "姓名";
        /// 18 characters, or the last six.
        IdNumber = "id_number", "身份证号码";
        /// The telephone.
        Phone = "phone", "联系电话";
        /// Sex; not needed beside a full number.
        Sex = "sex", "性别";
        /// Birth; not needed beside a full number.
        BornOn = "born_on", "出生日期";
        /// The day of joining.
        JoinedOn = "joined_on", "入党日期";
        /// How far the membership is.
        Standing = "standing", "党籍";
        /// The branch, by code or name.
        Branch = "branch", "党支部";
        /// The group, by code or name.
        Group = "group", "党小组";
        /// The ledger.
        Ledger = "ledger", "台账";
        /// The rank.
        Rank = "rank", "职级";
        /// The work unit.
        WorkUnit = "work_unit", "工作单位";
        /// Skills, separated by commas or 、.
        Skills = "skills", "特长";
        /// The health.
        Health = "health", "健康状况";
        /// Of a floating member: out or in.
        Direction = "direction", "流动方向";
        /// The other end, by code, or by name.
        Other = "other_name", "另一端党组织";
        /// Where to, or from where.
        Place = "place", "流动地点";
        /// Since when.
        Since = "since", "流动起始日期";
        /// The telephone of the other end.
        Contact = "contact", "另一端联系电话";
    }
}

impl Column {
    /// Columns that a file must have.
    pub const REQUIRED: [Self; 4] = [Self::Name, Self::IdNumber, Self::Branch, Self::Ledger];

    /// The column that a field of the form came from.
    fn of(field: &str) -> Self {
        let field = field.strip_prefix("floating.").unwrap_or(field);
        match field {
            "floating" => Self::Direction,
            "other_branch" => Self::Other,
            field => field.parse().unwrap_or(Self::Name),
        }
    }
}

/// The party bodies that a file may name, by code and by name; a name that several have is none.
pub type Bodies = HashMap<String, Option<NodeCode>>;

/// What one row says.
///
/// # Errors
/// Each fault with the column that it is in.
pub fn parse(
    cell: &impl Fn(Column) -> String,
    bodies: &Bodies,
    today: NaiveDate,
) -> Result<Entry, Vec<(Column, String)>> {
    let mut faults = Faults::default();
    let text = |column: Column| cell(column).trim().to_owned();
    let given = |column: Column| Some(text(column)).filter(|text| !text.is_empty());
    let sex = word(&mut faults, Column::Sex, given(Column::Sex), Sex::ALL, Sex::label);
    let standing = word(
        &mut faults,
        Column::Standing,
        given(Column::Standing),
        Standing::ALL,
        Standing::label,
    );
    let ledger =
        word(&mut faults, Column::Ledger, given(Column::Ledger), Ledger::ALL, Ledger::label);
    let rank = word(&mut faults, Column::Rank, given(Column::Rank), Rank::ALL, Rank::label);
    let health =
        word(&mut faults, Column::Health, given(Column::Health), Health::ALL, Health::label);
    let direction = given(Column::Direction);
    let direction =
        word(&mut faults, Column::Direction, direction, Direction::ALL, Direction::label);
    let mut date =
        |column: Column| given(column).and_then(|text| faults.take(day(column.code(), &text)));
    let (born_on, joined_on) = (date(Column::BornOn), date(Column::JoinedOn));
    let since = date(Column::Since);
    if ledger.is_none() && given(Column::Ledger).is_none() {
        faults.add(Column::Ledger.code(), "请写直管、离退、在职或流动");
    }
    let branch = body(&mut faults, Column::Branch, given(Column::Branch), bodies);
    let group = body(&mut faults, Column::Group, given(Column::Group), bodies);
    if given(Column::Branch).is_none() {
        faults.add(Column::Branch.code(), "请写党支部的名称或代码");
    }
    let skills = text(Column::Skills);
    let skills: Vec<String> = skills
        .split([',', '，', '、', ';', '；'])
        .map(|skill| skill.trim().to_owned())
        .filter(|skill| !skill.is_empty())
        .collect();
    let other = given(Column::Other);
    let ours = other.as_ref().and_then(|name| bodies.get(name)).and_then(Option::as_ref);
    let (name, number, place) = (text(Column::Name), text(Column::IdNumber), text(Column::Place));
    let (phone, contact) = (given(Column::Phone), given(Column::Contact));
    let work_unit = given(Column::WorkUnit);
    // Whose ledger says so floats; what is missing of the other end is named then.
    let floats = ledger == Some(Ledger::Floating) || direction.is_some();
    if floats && direction.is_none() && given(Column::Direction).is_none() {
        faults.add(Column::Direction.code(), "流动党员请写流出或流入");
    }
    if floats && since.is_none() && given(Column::Since).is_none() {
        faults.add(Column::Since.code(), "流动党员请写流动开始的日期");
    }
    let floating = floats.then(|| FloatForm {
        direction: direction.unwrap_or(Direction::Out),
        other_branch: ours.map(NodeCode::as_str),
        other_name: other.as_deref().filter(|_| ours.is_none()),
        place: &place,
        since: since.unwrap_or(today),
        contact: contact.as_deref(),
        ledger: None,
    });
    let form = EntryForm {
        name: &name,
        id_number: &number,
        phone: phone.as_deref(),
        sex,
        born_on,
        joined_on,
        standing,
        branch: branch.as_ref().map_or("--", NodeCode::as_str),
        group: group.as_ref().map(NodeCode::as_str),
        ledger,
        rank,
        work_unit: work_unit.as_deref(),
        skills: &skills,
        health,
        floating,
    };
    by_column(faults, form.parse(today), Column::of)
}

/// A word of a vocabulary, by its code or as people write it.
fn word<T: Copy + std::str::FromStr<Err = UnknownCode>>(
    faults: &mut Faults,
    column: Column,
    given: Option<String>,
    all: &[T],
    label: fn(T) -> &'static str,
) -> Option<T> {
    let given = given?;
    let labelled = all.iter().copied().find(|one| label(*one) == given);
    if let Some(found) = labelled.or_else(|| given.parse().ok()) {
        return Some(found);
    }
    let labels: Vec<&str> = all.iter().map(|one| label(*one)).collect();
    let shown: String = given.chars().take(20).collect();
    faults.add(column.code(), format!("没有“{shown}”，请写{}", labels.join("、")));
    None
}

fn body(
    faults: &mut Faults,
    column: Column,
    given: Option<String>,
    bodies: &Bodies,
) -> Option<NodeCode> {
    let given = given?;
    let shown: String = given.chars().take(40).collect();
    let reason = match bodies.get(&given) {
        Some(Some(code)) => return Some(code.clone()),
        Some(None) => format!("有几个党组织叫“{shown}”，请写代码"),
        None => format!("没有“{shown}”这个党组织，或者不在您的管理范围内"),
    };
    faults.add(column.code(), reason);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies() -> Bodies {
        let code = |text: &str| NodeCode::parse("code", text).ok();
        let branch = "party-140213066004-01";
        HashMap::from([
            (branch.to_owned(), code(branch)),
            ("文兴花园党支部".to_owned(), code(branch)),
            ("第一党小组".to_owned(), None),
        ])
    }

    fn read(cells: &[(Column, &str)]) -> Result<Entry, Vec<(Column, String)>> {
        let cell = |column: Column| {
            let found = cells.iter().find(|(which, _)| *which == column);
            found.map_or_else(String::new, |(_, text)| (*text).to_owned())
        };
        parse(&cell, &bodies(), "2026-11-24".parse().unwrap())
    }

    const ROW: [(Column, &str); 5] = [
        (Column::Name, "王芳"),
        (Column::IdNumber, "11010519491231002X"),
        (Column::Branch, "文兴花园党支部"),
        (Column::Ledger, "离退"),
        (Column::Skills, "书法、 太极拳，书法"),
    ];

    #[test]
    fn a_row_is_read_as_people_write_it() {
        let entry = read(&ROW).unwrap();
        assert_eq!(entry.ledger, Ledger::Retired);
        assert_eq!(entry.branch.as_str(), "party-140213066004-01");
        assert_eq!(entry.skills, ["书法", "太极拳"]);
        assert_eq!((entry.sex, entry.rank), (Some(Sex::Female), Rank::None));
        let mut row = ROW.to_vec();
        row.push((Column::JoinedOn, "1971/7/1"));
        assert_eq!(read(&row).unwrap().joined_on.unwrap().to_string(), "1971-07-01");
        // A day as a table program stores it.
        row[5] = (Column::JoinedOn, "26115");
        assert_eq!(read(&row).unwrap().joined_on.unwrap().to_string(), "1971-07-01");
    }

    #[test]
    fn every_fault_names_its_column() {
        for (column, text, wanted) in [
            (Column::IdNumber, "110105194912310021", Column::IdNumber),
            (Column::IdNumber, "", Column::IdNumber),
            (Column::Name, "", Column::Name),
            (Column::Branch, "别的支部", Column::Branch),
            (Column::Branch, "", Column::Branch),
            (Column::Ledger, "退休", Column::Ledger),
            (Column::Ledger, "", Column::Ledger),
            (Column::Ledger, "流动", Column::Direction),
        ] {
            let mut row = ROW.to_vec();
            row.iter_mut().filter(|(which, _)| *which == column).for_each(|one| one.1 = text);
            let faults = read(&row).unwrap_err();
            assert!(faults.iter().any(|(at, _)| *at == wanted), "{column}: {faults:?}");
        }
        for (column, text) in [
            (Column::Sex, "男"),
            (Column::BornOn, "1950-01-01"),
            (Column::JoinedOn, "1960-01-01"),
            (Column::JoinedOn, "去年"),
            (Column::Group, "第一党小组"),
            (Column::Phone, "138"),
            (Column::Rank, "局长"),
            (Column::Health, "病"),
        ] {
            let mut row = ROW.to_vec();
            row.push((column, text));
            let faults = read(&row).unwrap_err();
            assert_eq!(faults.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [column], "{text}");
        }
    }

    #[test]
    fn a_floating_member_has_both_ends() {
        let mut row = ROW.to_vec();
        row[3] = (Column::Ledger, "流动");
        let faults = read(&row).unwrap_err();
        let at: Vec<Column> = faults.iter().map(|(at, _)| *at).collect();
        assert_eq!(at, [Column::Direction, Column::Since, Column::Place, Column::Other]);
        row.extend([
            (Column::Direction, "流出"),
            (Column::Other, "北京市朝阳区流动党支部"),
            (Column::Place, "北京市朝阳区"),
            (Column::Since, "2026-03-01"),
        ]);
        let entry = read(&row).unwrap();
        assert_eq!(entry.floating.unwrap().direction, Direction::Out);
    }
}
