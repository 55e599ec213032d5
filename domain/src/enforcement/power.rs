//! The register of powers (执法事项清单): which a unit has of its own, and which were devolved to
//! it. Like the duty lists it comes in as versions that never change, from a sheet whose every row
//! is checked before any is taken.

use chrono::NaiveDate;

use crate::{
    edition::{self, Departments, RefusedRow, Standing, name, shortened},
    org::{NodeCode, NodeKind},
    refusal::{Faults, FieldError, Invalid, Kind, Refusal},
    text,
};

#[cfg(test)]
mod tests;

codes! {
    /// Whence a power is.
    pub enum PowerKind {
        /// The unit's own.
        Own = "own", "自有";
        /// Devolved to it by a department.
        Devolved = "devolved", "下放";
    }
}

impl PowerKind {
    /// How many a subdistrict's full list has.
    pub const fn complete(self) -> usize {
        match self {
            Self::Own => 27,
            Self::Devolved => 55,
        }
    }
}

codes! {
    /// A column of the sheet; the header is the label or the code.
    pub enum Column {
        /// The power's code.
        Code = "code", "事项代码";
        /// Whence it is.
        Kind = "kind", "来源";
        /// What it is, in words.
        Name = "name", "执法事项";
        /// The department that devolved it, by code or by name.
        DevolvedBy = "devolved_by", "下放部门";
        /// The law or regulation.
        Basis = "basis", "依据";
    }
}

/// A power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Power {
    /// Its code, the same on every unit's list.
    pub code: String,
    /// Whence it is.
    pub kind: PowerKind,
    /// What it is, in words.
    pub name: String,
    /// The department that devolved it.
    pub devolved_by: Option<NodeCode>,
    /// The law or regulation.
    pub basis: String,
}

impl Power {
    /// What stands in a column for this power, in the words that [`parse`] takes.
    pub fn cell(&self, column: Column) -> String {
        match column {
            Column::Code => self.code.clone(),
            Column::Kind => self.kind.label().to_owned(),
            Column::Name => self.name.clone(),
            Column::DevolvedBy => {
                self.devolved_by.as_ref().map(ToString::to_string).unwrap_or_default()
            }
            Column::Basis => self.basis.clone(),
        }
    }
}

/// What a version is, beside its powers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Whose powers.
    pub unit: NodeCode,
    /// What the unit is.
    pub unit_kind: NodeKind,
    /// The version's name, unique over all lists.
    pub version: String,
    /// The title, for people.
    pub title: String,
    /// The first day on which it is valid.
    pub valid_from: NaiveDate,
}

impl Edition {
    /// # Errors
    /// The version's name or the title cannot be; the unit has no powers to enforce.
    pub fn parse(
        (unit, unit_kind): (NodeCode, NodeKind),
        version: &str,
        title: &str,
        valid_from: NaiveDate,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let version = faults.take(name("version", version, 60));
        let title = faults.take(text::line("title", title, 2, 100));
        if !matches!(unit_kind, NodeKind::Subdistrict | NodeKind::Department) {
            faults.add("unit", "只有街道乡镇和部门有执法事项，请写它们的代码");
        }
        faults.check()?;
        let (version, title) = (version.unwrap_or_default(), title.unwrap_or_default());
        Ok(Self { unit, unit_kind, version, title, valid_from })
    }

    /// Whether it may follow the newest version of the same unit.
    ///
    /// # Errors
    /// [`Refused::TooEarly`].
    pub fn follows(&self, newest: Option<&Standing>, today: NaiveDate) -> Result<(), Refused> {
        match newest.map(|newest| (newest, newest.next_begins(today))) {
            Some((newest, earliest)) if self.valid_from < earliest => {
                Err(Refused::TooEarly { version: newest.version.clone(), earliest })
            }
            _ => Ok(()),
        }
    }
}

/// Why a sheet does not become a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The version's name is taken.
    #[error("执法事项清单的版本 {0} 已经有了；版本一经导入不再改动，请换一个版本名")]
    VersionTaken(String),
    /// The newest version would be rewritten.
    #[error("这个单位的执法事项清单已有版本 {version}，新版最早从 {earliest} 起有效")]
    TooEarly {
        /// The newest version.
        version: String,
        /// The first day that would be taken.
        earliest: NaiveDate,
    },
    /// A column is missing or stands twice, or there is no row.
    #[error("执法事项的文件不能导入：{0}")]
    Sheet(String),
    /// Rows are refused; nothing was taken in.
    #[error("执法事项有 {} 行不能导入，一行也没有写入；请先试运行，改好后再导入", .0.len())]
    Rows(Vec<RefusedRow>),
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::VersionTaken(_) => "power_version_taken",
            Self::TooEarly { .. } => "power_version_too_early",
            Self::Sheet(_) => "power_sheet_refused",
            Self::Rows(_) => "power_rows_refused",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::VersionTaken(_) | Self::TooEarly { .. } => Kind::Conflict,
            Self::Sheet(_) | Self::Rows(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Rows(rows) => rows.iter().flat_map(RefusedRow::fields).collect(),
            _ => Vec::new(),
        }
    }
}

/// Reads one row: `cell` is its cell of each column, empty where the row has none.
///
/// # Errors
/// Every fault of the row at once.
pub fn parse(
    line: u64,
    cell: &dyn Fn(Column) -> String,
    departments: &Departments,
) -> Result<Power, RefusedRow> {
    let cell = |column: Column| cell(column).trim().to_owned();
    let words = |column: Column, max| text::line(column.code(), &cell(column), 1, max);
    let mut faults = Faults::default();
    let code = faults.take(name(Column::Code.code(), &cell(Column::Code), 40));
    let kind = faults.take(whence(&cell(Column::Kind)));
    let matter = faults.take(words(Column::Name, 200));
    let basis = faults.take(words(Column::Basis, 500));
    let by = cell(Column::DevolvedBy);
    let devolved_by = departments.get(&by).cloned();
    match kind {
        Some(PowerKind::Own) if !by.is_empty() => {
            faults.add(Column::DevolvedBy.code(), "自有的事项没有下放部门，请留空");
        }
        Some(PowerKind::Devolved) if devolved_by.is_none() => {
            let reason = format!("没有“{}”这个部门，请写下放部门的代码或全称", shortened(&by));
            faults.add(Column::DevolvedBy.code(), reason);
        }
        _ => {}
    }
    faults.check().map_err(|Invalid(fields)| refused(line, &cell(Column::Code), fields))?;
    Ok(Power {
        code: code.unwrap_or_default(),
        kind: kind.unwrap_or(PowerKind::Own),
        name: matter.unwrap_or_default(),
        devolved_by,
        basis: basis.unwrap_or_default(),
    })
}

fn whence(given: &str) -> Result<PowerKind, FieldError> {
    let known = |kind: &&PowerKind| kind.code() == given || kind.label() == given;
    PowerKind::ALL.iter().find(known).copied().ok_or_else(|| {
        FieldError::new(
            Column::Kind.code(),
            format!("不知道“{}”，可用：自有、下放", shortened(given)),
        )
    })
}

fn refused(line: u64, code: &str, fields: Vec<FieldError>) -> RefusedRow {
    RefusedRow::of(line, code, fields, |field| field.parse::<Column>().map_or("", Column::label))
}

/// Which rows become powers, and which are refused.
pub fn sort(
    rows: impl IntoIterator<Item = (u64, Result<Power, RefusedRow>)>,
) -> (Vec<Power>, Vec<RefusedRow>) {
    edition::sort(rows, |power| &power.code, refused)
}

/// What a new version changes; of a power that is otherwise both, before and after.
pub type Difference = edition::Difference<Power, (Power, Power)>;

/// Compares two versions by the powers' codes.
pub fn difference(before: &[Power], after: &[Power]) -> Difference {
    let both = |was: &Power, power: &Power| (was.clone(), power.clone());
    edition::difference(before, after, |power| &power.code, both)
}

/// How a subdistrict's list deviates from the full one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = PowerDeviation)]
pub struct Deviation {
    /// 来源
    pub kind: PowerKind,
    /// 完整的清单应有多少项
    #[schema(example = 27)]
    pub expected: usize,
    /// 这份清单有多少项
    #[schema(example = 3)]
    pub found: usize,
}

/// Whether a list has as many powers of each kind as the full one: 27 own and 55 devolved. Only
/// reported: a list in the making is a list. A department has no such number.
pub fn deviations(unit: NodeKind, own: usize, devolved: usize) -> Vec<Deviation> {
    let of = |kind: PowerKind, found| Deviation { kind, expected: kind.complete(), found };
    let all = [of(PowerKind::Own, own), of(PowerKind::Devolved, devolved)];
    let deviates = |it: &Deviation| unit == NodeKind::Subdistrict && it.expected != it.found;
    all.into_iter().filter(deviates).collect()
}
