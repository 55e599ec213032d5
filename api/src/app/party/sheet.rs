//! The register as sheets: the template that a file is written by, and what is taken away.

use domain::{
    org::NodeKind,
    party::{Health, Ledger, Rank, Sex, Standing, floating::Direction, roll::Column, tree::Body},
};

use super::view::MemberView;
use crate::sheet::{Cell, Sheet, filled_in_by};

/// What the tab of the register says.
const NAME: &str = "党员名册";

/// An empty register to be filled in, and beside it what each column takes, with the party bodies
/// that the reader may name.
pub fn template(bodies: &[Body]) -> [Sheet; 2] {
    let takes = Column::ALL.iter().map(|column| (column.label(), takes(*column)));
    let ours = bodies.iter().filter(|body| body.kind != NodeKind::PartyCommittee);
    let [roll, mut how] = filled_in_by(NAME, takes);
    how.rows.extend(ours.map(|body| {
        let kind = format!("{}代码", body.kind.label());
        vec![kind.into(), format!("{} {}", body.code, body.name).into()]
    }));
    [roll, how]
}

fn takes(column: Column) -> String {
    fn words(labels: impl Iterator<Item = &'static str>) -> String {
        labels.collect::<Vec<_>>().join("、")
    }
    let fixed = match column {
        Column::Name => "必填",
        Column::IdNumber => "必填：18 位，或者后六位；请把单元格设为文本",
        Column::Phone => "可不填",
        Column::BornOn => "填了 18 位身份证号码的不用填；例如 1960-01-02",
        Column::JoinedOn => "可不填；例如 1985-07-01",
        Column::Branch => "必填：名称或代码",
        Column::Group => "可不填：党小组或中心户的名称或代码",
        Column::WorkUnit => "可不填：工作单位的党组织",
        Column::Skills => "可不填：几项之间用顿号隔开",
        Column::Other => "流动党员必填：本区的党支部写代码，外地的写名称",
        Column::Place => "流动党员必填：流动到哪里，或从哪里来",
        Column::Since => "流动党员必填；例如 2026-03-01",
        Column::Contact => "可不填",
        Column::Sex => {
            return format!("填了 18 位的不用填；{}", words(Sex::ALL.iter().map(|it| it.label())));
        }
        Column::Standing => {
            return format!("不填为正式党员；{}", words(Standing::ALL.iter().map(|it| it.label())));
        }
        Column::Ledger => {
            return format!("必填：{}", words(Ledger::ALL.iter().map(|it| it.label())));
        }
        Column::Rank => {
            return format!("不填为无职级；{}", words(Rank::ALL.iter().map(|it| it.label())));
        }
        Column::Health => {
            return format!("不填为正常；{}", words(Health::ALL.iter().map(|it| it.label())));
        }
        Column::Direction => {
            return format!("流动党员必填：{}", words(Direction::ALL.iter().map(|it| it.label())));
        }
    };
    fixed.to_owned()
}

/// Members as a sheet to be taken away: the names in full, numbers and telephones never.
pub fn of(members: &[MemberView]) -> Sheet {
    let columns = [
        "姓名",
        "身份证号码（隐去）",
        "联系电话（隐去）",
        "性别",
        "周岁",
        "入党日期",
        "党籍",
        "党支部",
        "党小组",
        "台账",
        "职级",
        "工作单位",
        "特长",
        "健康状况",
        "五色管理",
        "另一端党组织",
        "流动地点",
    ];
    let row = |one: &MemberView| -> Vec<Cell> {
        let floating = one.floating.as_ref();
        vec![
            one.name.clone().into(),
            one.id_number.clone().into(),
            one.phone.clone().into(),
            one.sex.map(Sex::label).into(),
            one.age.map(f64::from).into(),
            one.joined_on.map(|day| day.to_string()).into(),
            one.standing_text.into(),
            one.branch.as_ref().map(|body| body.name.clone()).into(),
            one.group.as_ref().map(|body| body.name.clone()).into(),
            one.ledger_text.into(),
            one.rank_text.into(),
            one.work_unit.clone().into(),
            one.skills.join("、").into(),
            one.health.label().into(),
            format!("{}·{}", one.colour_group_text, one.colour_text).into(),
            floating.map(|stay| stay.other_name.clone()).into(),
            floating.map(|stay| stay.place.clone()).into(),
        ]
    };
    Sheet {
        name: NAME.to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: members.iter().map(row).collect(),
    }
}
