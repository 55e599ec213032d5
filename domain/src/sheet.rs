//! What the files (表格) that people bring have in common: they come in whole or not at all, and each
//! cell that cannot be taken in is named.

use crate::refusal::{Faults, FieldError, Invalid};

/// A cell that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = PartyRefusedCell)]
pub struct RefusedCell {
    /// 工作表的名称；CSV 文件没有
    #[schema(example = "党员名册")]
    pub sheet: Option<String>,
    /// 在文件中的行号（表头是第 1 行）
    #[schema(example = 7)]
    pub line: u64,
    /// 列名
    #[schema(example = "身份证号码")]
    pub column: String,
    /// 单元格；文件里没有这一列时为 null
    #[schema(example = "B7")]
    pub cell: Option<String>,
    /// 哪里不对、怎么改
    #[schema(example = "身份证号码的校验位不符，请核对有没有写错的数字")]
    pub reason: String,
}

impl std::fmt::Display for RefusedCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, column, reason, .. } = self;
        write!(f, "第 {line} 行·{column}：{reason}")
    }
}

impl RefusedCell {
    /// The cell as a field that is at fault.
    pub fn field(&self) -> FieldError {
        let place = match (&self.sheet, &self.cell) {
            (Some(sheet), Some(cell)) => format!("{sheet}!{cell}"),
            (None, Some(cell)) => cell.clone(),
            _ => format!("第 {} 行", self.line),
        };
        FieldError::new(format!("{place}·{}", self.column), &self.reason)
    }
}

/// The first few of them, in words.
pub fn first(cells: &[RefusedCell]) -> String {
    let shown: Vec<String> = cells.iter().take(3).map(ToString::to_string).collect();
    let more = if cells.len() > shown.len() { " …" } else { "" };
    format!("{}{more}", shown.join("；"))
}

/// What a row says once its cells are `parsed` as a form: every fault of both, by the column that
/// a field of the form came from.
///
/// # Errors
/// Each fault with the column that it is in.
pub fn by_column<C, T>(
    mut faults: Faults,
    parsed: Result<T, Invalid>,
    of: impl Fn(&str) -> C,
) -> Result<T, Vec<(C, String)>> {
    let parsed = parsed.map_err(|Invalid(fields)| {
        for fault in fields {
            faults.add(fault.field, fault.reason);
        }
    });
    faults.check().map_err(|Invalid(fields)| {
        fields.into_iter().map(|one| (of(&one.field), one.reason)).collect::<Vec<_>>()
    })?;
    parsed.map_err(|()| Vec::new())
}
