//! A new version (新版) of a duty list, from the rows of a sheet: every row is checked before any
//! is taken, and what differs from the version it replaces is shown.

use chrono::NaiveDate;

use super::{Duty, Item, ListKind};
use crate::{
    edition::{self, Departments, RefusedRow, Standing, name, shortened},
    org::{NodeCode, NodeKind},
    refusal::{Faults, FieldError, Invalid, Kind, Refusal},
    text,
};

#[cfg(test)]
mod tests;

codes! {
    /// A column of the sheet; the header is the label or the code.
    pub enum Column {
        /// The item's code.
        Code = "code", "事项代码";
        /// The category.
        Category = "category", "类别";
        /// The matter.
        Name = "name", "事项";
        /// The department that leads, by code or by name.
        LeadUnit = "lead_unit", "主管部门";
        /// What the department does.
        DepartmentDuty = "department_duty", "部门职责";
        /// What is asked of the subdistrict or community.
        Duty = "duty", "基层承担";
        /// What it does.
        GrassrootsDuty = "grassroots_duty", "基层职责";
        /// Whether a reply must carry photos.
        PhotosRequired = "photos_required", "须附照片";
        /// The law or regulation.
        Basis = "basis", "依据";
    }
}

impl Item {
    /// What stands in a column for this item, in the words that [`parse`] takes.
    pub fn cell(&self, column: Column) -> String {
        let yes_or_no = || if self.photos_required { "是" } else { "否" };
        match column {
            Column::Code => self.code.clone(),
            Column::Category => self.category.clone(),
            Column::Name => self.name.clone(),
            Column::LeadUnit => {
                self.lead_unit.as_ref().map(ToString::to_string).unwrap_or_default()
            }
            Column::DepartmentDuty => self.department_duty.clone(),
            Column::Duty => self.duty.label().to_owned(),
            Column::GrassrootsDuty => self.grassroots_duty.clone(),
            Column::PhotosRequired => yes_or_no().to_owned(),
            Column::Basis => self.basis.clone(),
        }
    }
}

/// What a version is, beside its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// What the list is for.
    pub kind: ListKind,
    /// The version's name, unique over all lists.
    pub version: String,
    /// The title, for people.
    pub title: String,
    /// The subdistrict or community it is for; `None` for the district's.
    pub division: Option<NodeCode>,
    /// The first day on which it is valid.
    pub valid_from: NaiveDate,
}

impl Edition {
    /// # Errors
    /// The version's name, the title, or the division does not fit the kind of list.
    pub fn parse(
        kind: ListKind,
        version: &str,
        title: &str,
        division: Option<(NodeCode, NodeKind)>,
        valid_from: NaiveDate,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let version = faults.take(name("version", version, 60));
        let title = faults.take(text::line("title", title, 2, 100));
        let found = division.as_ref().map(|(_, kind)| *kind);
        let fault = match (kind, found) {
            (ListKind::Territorial, None)
            | (
                ListKind::Basic | ListKind::Cooperate | ListKind::Recalled,
                Some(NodeKind::Subdistrict),
            )
            | (ListKind::Community, Some(NodeKind::Community | NodeKind::Village)) => None,
            (ListKind::Territorial, Some(_)) => Some("属地管理责任清单是全区的，请不要填区划"),
            (ListKind::Community, _) => Some("社区事项清单要写明是哪个社区或村"),
            _ => Some("这种清单要写明是哪个街道乡镇"),
        };
        if let Some(reason) = fault {
            faults.add("division", reason);
        }
        faults.check()?;
        Ok(Self {
            kind,
            version: version.unwrap_or_default(),
            title: title.unwrap_or_default(),
            division: division.map(|(code, _)| code),
            valid_from,
        })
    }

    /// Whether it may follow the newest version of the same list. What was valid yesterday has been
    /// judged by; so a version that replaces another begins today at the earliest, and after it.
    ///
    /// # Errors
    /// [`Refused::TooEarly`].
    pub fn follows(&self, newest: Option<&Standing>, today: NaiveDate) -> Result<(), Refused> {
        let Some(newest) = newest else { return Ok(()) };
        let earliest = newest.next_begins(today);
        if self.valid_from < earliest {
            return Err(Refused::TooEarly { version: newest.version.clone(), earliest });
        }
        Ok(())
    }
}

/// Why a sheet does not become a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The version's name is taken.
    #[error("版本 {0} 已经有了；版本一经导入不再改动，请换一个版本名")]
    VersionTaken(String),
    /// The newest version would be rewritten.
    #[error("这份清单已有版本 {version}，新版最早从 {earliest} 起有效")]
    TooEarly {
        /// The newest version.
        version: String,
        /// The first day that would be taken.
        earliest: NaiveDate,
    },
    /// A column is missing or stands twice, or there is no row.
    #[error("文件不能导入：{0}")]
    Sheet(String),
    /// Rows are refused; nothing was taken in.
    #[error("有 {} 行不能导入，一行也没有写入；请先试运行，改好后再导入", .0.len())]
    Rows(Vec<RefusedRow>),
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::VersionTaken(_) => "duty_version_taken",
            Self::TooEarly { .. } => "duty_version_too_early",
            Self::Sheet(_) => "duty_sheet_refused",
            Self::Rows(_) => "duty_rows_refused",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::VersionTaken(_) | Self::TooEarly { .. } => Kind::Conflict,
            Self::Sheet(_) | Self::Rows(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let Self::Rows(rows) = self else { return Vec::new() };
        rows.iter().flat_map(RefusedRow::fields).collect()
    }
}

/// A row as it stands in the file: its line, and its cell of each column.
pub struct Row<'a> {
    /// Its line.
    pub line: u64,
    /// The cell of a column, empty where the row has none.
    pub cell: &'a dyn Fn(Column) -> String,
}

/// Reads one row.
///
/// # Errors
/// Every fault of the row at once.
pub fn parse(row: &Row<'_>, kind: ListKind, departments: &Departments) -> Result<Item, RefusedRow> {
    let cell = |column: Column| (row.cell)(column).trim().to_owned();
    let mut faults = Faults::default();
    let line = |column: Column, max| text::line(column.code(), &cell(column), 1, max);
    let free = |column: Column| {
        text::optional(column.code(), Some(&cell(column)), 2_000).map(Option::unwrap_or_default)
    };
    let code = faults.take(name(Column::Code.code(), &cell(Column::Code), 40));
    let category = faults.take(line(Column::Category, 40));
    let matter = faults.take(line(Column::Name, 200));
    let lead = faults.take(lead_unit(&cell(Column::LeadUnit), departments)).flatten();
    let department_duty = faults.take(free(Column::DepartmentDuty));
    let duty = faults.take(asked(&cell(Column::Duty), kind));
    let grassroots_duty = faults.take(free(Column::GrassrootsDuty));
    let photos = faults.take(yes(&cell(Column::PhotosRequired)));
    let basis = faults.take(line(Column::Basis, 500).map_err(|fault| match cell(Column::Basis) {
        empty if empty.is_empty() => {
            FieldError::new(fault.field, "没有写依据，请写明法律法规或文件")
        }
        _ => fault,
    }));
    // Who leads when the grass roots do not? Somebody must.
    let nobody = lead.is_none() && cell(Column::LeadUnit).is_empty();
    if nobody && duty.is_some_and(|duty| duty != Duty::Lead) {
        faults.add(Column::LeadUnit.code(), "没有写主管部门：基层不牵头的事项要有部门牵头");
    }
    faults.check().map_err(|Invalid(fields)| refused(row.line, &cell(Column::Code), fields))?;
    Ok(Item {
        code: code.unwrap_or_default(),
        category: category.unwrap_or_default(),
        name: matter.unwrap_or_default(),
        lead_unit: lead,
        department_duty: department_duty.unwrap_or_default(),
        duty: duty.unwrap_or(Duty::None),
        grassroots_duty: grassroots_duty.unwrap_or_default(),
        photos_required: photos.unwrap_or_default(),
        basis: basis.unwrap_or_default(),
    })
}

fn refused(line: u64, code: &str, fields: Vec<FieldError>) -> RefusedRow {
    RefusedRow::of(line, code, fields, |field| field.parse::<Column>().map_or("", Column::label))
}

fn lead_unit(given: &str, departments: &Departments) -> Result<Option<NodeCode>, FieldError> {
    if given.is_empty() {
        return Ok(None);
    }
    let reason = || format!("没有“{}”这个部门，请写部门代码或全称", shortened(given));
    let found = departments.get(given).cloned().map(Some);
    found.ok_or_else(|| FieldError::new(Column::LeadUnit.code(), reason()))
}

/// What is asked of the grass roots. A township's list says it by its kind; a cell may repeat it.
fn asked(given: &str, kind: ListKind) -> Result<Duty, FieldError> {
    let refuse = |reason: String| Err(FieldError::new(Column::Duty.code(), reason));
    let implied = match kind {
        ListKind::Basic => Some(Duty::Lead),
        ListKind::Cooperate => Some(Duty::Assist),
        ListKind::Recalled => Some(Duty::None),
        ListKind::Territorial | ListKind::Community => None,
    };
    let told = Duty::ALL.iter().find(|duty| duty.code() == given || duty.label() == given);
    match (implied, told) {
        (Some(duty), None) if given.is_empty() => Ok(duty),
        (Some(duty), Some(told)) if duty != *told => {
            refuse(format!("{}里的事项一律是“{}”，请改正或留空", kind.label(), duty.label()))
        }
        (_, Some(told)) => Ok(*told),
        (_, None) => {
            let labels: Vec<&str> = Duty::ALL.iter().map(|duty| duty.label()).collect();
            refuse(format!("不知道“{}”，可用：{}", shortened(given), labels.join("、")))
        }
    }
}

fn yes(given: &str) -> Result<bool, FieldError> {
    match given {
        "是" | "true" | "TRUE" | "1" => Ok(true),
        "" | "否" | "false" | "FALSE" | "0" => Ok(false),
        _ => Err(FieldError::new(Column::PhotosRequired.code(), "要写“是”或“否”")),
    }
}

/// Which rows become items, and which are refused.
pub fn sort(
    rows: impl IntoIterator<Item = (u64, Result<Item, RefusedRow>)>,
) -> (Vec<Item>, Vec<RefusedRow>) {
    edition::sort(rows, |item| &item.code, refused)
}

/// What a new version changes.
pub type Difference = edition::Difference<Item, Changed>;

/// An item of which something changes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DutyItemChange)]
pub struct Changed {
    /// 事项代码
    pub code: String,
    /// 事项（新版的写法）
    pub name: String,
    /// 变了哪些列
    pub fields: Vec<FieldChange>,
}

/// A field before and after.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DutyFieldChange)]
pub struct FieldChange {
    /// 哪一列
    pub field: Column,
    /// 现行版本
    pub before: String,
    /// 新版
    pub after: String,
}

impl Difference {
    /// The codes of items that are not as they were.
    pub fn touched(&self) -> Vec<String> {
        let whole = self.added.iter().chain(&self.removed).map(|item| item.code.clone());
        whole.chain(self.changed.iter().map(|item| item.code.clone())).collect()
    }
}

/// Compares two versions by the items' codes.
pub fn difference(before: &[Item], after: &[Item]) -> Difference {
    let changed = |was: &Item, item: &Item| Changed {
        code: item.code.clone(),
        name: item.name.clone(),
        fields: changes(was, item),
    };
    edition::difference(before, after, |item| &item.code, changed)
}

fn changes(before: &Item, after: &Item) -> Vec<FieldChange> {
    let both = Column::ALL.iter().map(|column| (column, before.cell(*column), after.cell(*column)));
    both.filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| FieldChange { field: *field, before, after })
        .collect()
}
