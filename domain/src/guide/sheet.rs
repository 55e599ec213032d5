//! The guide as a file (办事指南表格): its columns, and what a row of it says.

use chrono::NaiveDate;

use super::{Item, ItemForm};
use crate::{import::day, org::NodeCode, refusal::Faults, sheet::by_column};

codes! {
    /// The columns of the file, in order.
    pub enum Column {
        /// The unit that does it, by code; the importer's own where there is only one.
        Unit = "unit", "承办单位代码";
        /// What it is called.
        Title = "title", "事项名称";
        /// Where it is looked for.
        Category = "category", "类别";
        /// Who may apply.
        Eligible = "eligible", "申请条件";
        /// What to bring, separated by line breaks or semicolons.
        Materials = "materials", "所需材料";
        /// What to do, separated likewise.
        Steps = "steps", "办理流程";
        /// Where.
        Place = "place", "办理地点";
        /// When it is open.
        Hours = "hours", "办理时间";
        /// Whom to ask.
        Phone = "phone", "咨询电话";
        /// What it costs.
        Fee = "fee", "收费";
        /// Working days.
        Term = "term_days", "办理期限（工作日）";
        /// Where it is done online.
        Link = "link", "网上办理地址";
        /// By which rule.
        Basis = "basis", "依据";
        /// The first day.
        From = "valid_from", "有效期起";
        /// The last day.
        Until = "valid_until", "有效期止";
        /// When to look through it again.
        Review = "next_review", "下次复核日期";
    }
}

impl Column {
    /// Columns that a file must have.
    pub const REQUIRED: [Self; 3] = [Self::Title, Self::Category, Self::Eligible];

    /// The column that a field of the form came from.
    fn of(field: &str) -> Self {
        field.split('[').next().unwrap_or_default().parse().unwrap_or(Self::Title)
    }

    /// How it is filled in.
    pub const fn takes(self) -> &'static str {
        match self {
            Self::Unit => "只为一个单位工作的可不填；例如 urban-management",
            Self::Title => "必填：2–100 个字；同一单位不重名",
            Self::Category => "必填：2–40 个字，例如 民政",
            Self::Eligible => "必填：谁可以办，2–500 个字",
            Self::Materials => "可不填：几项之间换行，或用分号隔开",
            Self::Steps => "可不填：几步之间换行，或用分号隔开",
            Self::Term => "可不填：工作日的天数，当场办结写 0",
            Self::Link => "可不填：以 https:// 开头",
            Self::From => "不填为今天；例如 2026-12-01",
            Self::Until | Self::Review => "可不填；例如 2027-12-31",
            Self::Place | Self::Hours | Self::Phone | Self::Fee | Self::Basis => "可不填",
        }
    }
}

/// Reads a row; `own` are the units that the importer writes for.
///
/// # Errors
/// Each cell that does not fit, by its column.
pub fn parse(
    cell: &dyn Fn(Column) -> String,
    own: &[NodeCode],
    today: NaiveDate,
) -> Result<(NodeCode, Item), Vec<(Column, String)>> {
    let mut faults = Faults::default();
    let given = |column: Column| {
        let text = cell(column);
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let unit = match (given(Column::Unit), own) {
        (Some(code), _) => {
            let found = own.iter().find(|unit| unit.as_str() == code).cloned();
            if found.is_none() {
                faults.add(Column::Unit.code(), "不是您所在单位的代码，只能导入本单位的办事指南");
            }
            found
        }
        (None, [only]) => Some(only.clone()),
        (None, _) => {
            faults.add(Column::Unit.code(), "您为几个单位工作，请写明承办单位的代码");
            None
        }
    };
    let mut date = |column: Column| {
        let text = given(column)?;
        faults.take(day(column.code(), &text))
    };
    let valid_from = date(Column::From);
    let valid_until = date(Column::Until);
    let next_review = date(Column::Review);
    let term_days = given(Column::Term).and_then(|text| {
        let read = text.trim_end_matches(".0").parse::<i64>().ok();
        if read.is_none() {
            faults.add(Column::Term.code(), "要写工作日的天数，例如 5");
        }
        read
    });
    let lines = |column: Column| -> Vec<String> {
        let text = given(column).unwrap_or_default();
        let lines = text.split(['\n', ';', '；']).map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let (materials, steps) = (lines(Column::Materials), lines(Column::Steps));
    let (title, category) = (cell(Column::Title), cell(Column::Category));
    let eligible = cell(Column::Eligible);
    let (place, hours) = (given(Column::Place), given(Column::Hours));
    let (phone, fee) = (given(Column::Phone), given(Column::Fee));
    let (link, basis) = (given(Column::Link), given(Column::Basis));
    let form = ItemForm {
        title: &title,
        category: &category,
        eligible: &eligible,
        materials: &materials,
        steps: &steps,
        place: place.as_deref(),
        hours: hours.as_deref(),
        phone: phone.as_deref(),
        fee: fee.as_deref(),
        term_days,
        link: link.as_deref(),
        basis: basis.as_deref(),
        valid_from,
        valid_until,
        next_review,
    };
    let item = by_column(faults, form.parse(today), Column::of)?;
    // A unit that is missing is a fault.
    unit.map(|unit| (unit, item)).ok_or_else(Vec::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::code;

    fn read(
        cells: &[(Column, &str)],
        own: &[NodeCode],
    ) -> Result<(NodeCode, Item), Vec<(Column, String)>> {
        let cell = |column: Column| {
            let found = cells.iter().find(|(which, _)| *which == column);
            found.map_or_else(String::new, |(_, text)| (*text).to_owned())
        };
        parse(&cell, own, "2026-11-24".parse().unwrap())
    }

    const ROW: [(Column, &str); 6] = [
        (Column::Title, "高龄津贴申领"),
        (Column::Category, "民政"),
        (Column::Eligible, "本区户籍、年满 80 周岁"),
        (Column::Materials, "身份证；户口簿\n银行卡"),
        (Column::Term, "5.0"),
        (Column::Until, "2027/12/31"),
    ];

    #[test]
    fn a_row_is_read_as_people_write_it() {
        let own = [code("civil-affairs")];
        let (unit, item) = read(&ROW, &own).unwrap();
        assert_eq!(unit, own[0]);
        assert_eq!(item.materials, ["身份证", "户口簿", "银行卡"]);
        assert_eq!(
            (item.term_days, item.valid_until.unwrap().to_string()),
            (Some(5), "2027-12-31".into())
        );
    }

    #[test]
    fn every_fault_names_its_column() {
        let own = [code("civil-affairs"), code("water")];
        for (column, text) in [
            (Column::Title, ""),
            (Column::Category, "民"),
            (Column::Eligible, ""),
            (Column::Term, "五天"),
            (Column::Until, "去年"),
            (Column::Until, "2020-01-01"),
            (Column::Unit, "housing"),
            (Column::Link, "www.shanxi.gov.cn"),
            (Column::Materials, &*"长；长".repeat(40).leak()),
        ] {
            let mut row = ROW.to_vec();
            row.retain(|(which, _)| *which != column);
            row.push((column, text));
            if column != Column::Unit {
                row.push((Column::Unit, "water"));
            }
            let faults = read(&row, &own).unwrap_err();
            assert_eq!(faults.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [column], "{text}");
        }
        let faults = read(&ROW, &own).unwrap_err();
        assert_eq!(faults[0].0, Column::Unit, "whose it is must be said");
    }
}
