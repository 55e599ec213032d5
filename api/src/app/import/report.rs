//! What came of an import, for whoever ran it: the counts, and why rows were refused.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use domain::{import::Field, refusal::Invalid};

use super::{Refused, mapping::Columns};
use crate::sheet::Row;

/// A row that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its line in the file.
    pub line: u64,
    /// Its number in the other system.
    pub number: String,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// A fault of a row. It quotes little of the row: reports are passed around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field, such as `posted_at`; empty when it is the row as a whole.
    pub field: String,
    /// The column that holds it.
    pub column: String,
    /// What is wrong, in Chinese.
    pub reason: String,
}

impl RefusedRow {
    fn new(row: &Row, columns: &Columns, faults: Vec<Fault>) -> Self {
        let number = columns.cell(row, Field::Number).trim().chars().take(100).collect();
        Self { line: row.line, number, faults }
    }

    /// Refused as a whole.
    pub fn whole(row: &Row, columns: &Columns, reason: String) -> Self {
        let fault = Fault { field: String::new(), column: String::new(), reason };
        Self::new(row, columns, vec![fault])
    }

    /// Refused for one field.
    pub fn one(row: &Row, columns: &Columns, field: Field, reason: String) -> Self {
        Self::of(row, columns, Invalid::field(field.code(), reason))
    }

    /// Refused for these fields.
    pub fn of(row: &Row, columns: &Columns, Invalid(fields): Invalid) -> Self {
        let faults = fields.into_iter().map(|fault| {
            let field = fault.field.parse::<Field>();
            let column = field.map(|field| columns.name(field).to_owned()).unwrap_or_default();
            Fault { field: fault.field, column, reason: fault.reason }
        });
        Self::new(row, columns, faults.collect())
    }
}

/// The counts of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Rows in the file, empty ones left out.
    pub rows: usize,
    /// Taken in, or in a dry run, to be taken in.
    pub new: usize,
    /// There already.
    pub known: usize,
    /// Not taken in.
    pub refused: Vec<RefusedRow>,
    /// Nothing was written.
    pub dry_run: bool,
    /// Where the refused rows are listed.
    pub report: Option<PathBuf>,
}

/// So many refused rows are shown; the rest is in the report.
const SHOWN: usize = 10;

impl Summary {
    /// Nothing was taken in.
    pub const fn nothing(rows: usize, refused: Vec<RefusedRow>, report: Option<PathBuf>) -> Self {
        Self { rows, new: 0, known: 0, refused, dry_run: false, report }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (opening, verb) = if self.dry_run {
            ("试运行，没有写入：", "可导入")
        } else {
            ("", "新导入")
        };
        let Self { rows, new, known, .. } = self;
        let refused = self.refused.len();
        write!(
            f,
            "{opening}共 {rows} 行，{verb} {new} 行，已在库中 {known} 行，拒绝 {refused} 行"
        )?;
        for row in self.refused.iter().take(SHOWN) {
            let reasons: Vec<String> = row
                .faults
                .iter()
                .map(|fault| match fault.column.as_str() {
                    "" => fault.reason.clone(),
                    column => format!("{column}：{}", fault.reason),
                })
                .collect();
            write!(f, "\n  第 {} 行：{}", row.line, reasons.join("；"))?;
        }
        if refused > SHOWN {
            write!(f, "\n  ……另有 {} 行", refused - SHOWN)?;
        }
        match &self.report {
            Some(path) => write!(f, "\n拒绝清单：{}", path.display()),
            None if refused > 0 => write!(f, "\n加上 --report 文件.csv 可得到完整的拒绝清单"),
            None => Ok(()),
        }
    }
}

/// Writes the refused rows as CSV, one line for each fault, with the byte order mark by which
/// Excel knows UTF-8. Without refused rows it has its header alone.
///
/// # Errors
/// The file cannot be written.
pub fn write(file: &Path, refused: &[RefusedRow]) -> Result<(), Refused> {
    let failed = |why: csv::Error| Refused::Report { file: file.to_owned(), why };
    let mut target = std::fs::File::create(file).map_err(|why| failed(why.into()))?;
    target.write_all("\u{feff}".as_bytes()).map_err(|why| failed(why.into()))?;
    list(target, refused).map_err(failed)
}

fn list(target: impl Write, refused: &[RefusedRow]) -> Result<(), csv::Error> {
    let mut rows = csv::Writer::from_writer(target);
    rows.write_record(["行号", "编号", "字段", "列名", "原因"])?;
    for row in refused {
        let line = row.line.to_string();
        for fault in &row.faults {
            let texts = [&row.number, &fault.field, &fault.column, &fault.reason]
                .map(|text| harmless(text));
            rows.write_record(std::iter::once(line.clone()).chain(texts))?;
        }
    }
    Ok(rows.flush()?)
}

/// A text that a spreadsheet would take for a formula is made a text.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::import::Mapping;

    fn refused(line: u64, number: &str) -> RefusedRow {
        let columns = ["number", "title", "content", "时间"].map(str::to_owned);
        let mapping = Mapping::parse(&["posted_at=时间".to_owned()]).unwrap();
        let row = Row { line, cells: vec![number.to_owned()] };
        let reason = "没有提交时间".to_owned();
        RefusedRow::one(&row, &mapping.resolve(&columns).unwrap(), Field::PostedAt, reason)
    }

    #[test]
    fn the_report_names_line_column_and_reason() {
        let mut written = Vec::new();
        list(&mut written, &[refused(3, "188006"), refused(4, "=1+1")]).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "行号,编号,字段,列名,原因\n3,188006,posted_at,时间,没有提交时间\n4,'=1+1,posted_at,时间,没有提交时间\n"
        );
    }

    #[test]
    fn the_summary_shows_the_first_refused_rows() {
        let rows = (2..14).map(|line| refused(line, "1")).collect();
        let said = Summary { new: 5, known: 3, ..Summary::nothing(20, rows, None) }.to_string();
        assert!(
            said.starts_with(
                "共 20 行，新导入 5 行，已在库中 3 行，拒绝 12 行\n  第 2 行：时间：没有提交时间"
            ),
            "{said}"
        );
        assert!(said.contains("另有 2 行") && said.ends_with("完整的拒绝清单"), "{said}");
        assert_eq!(said.lines().count(), 1 + 10 + 1 + 1);
    }
}
