//! Sheets that people take away.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text; never read as a formula, whatever it begins with.
    Text(String),
    /// A number that can be added up.
    Number(f64),
    /// Nothing.
    Empty,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(given: Option<T>) -> Self {
        given.map_or(Self::Empty, Into::into)
    }
}

/// A sheet to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// What the tab says: at most 31 characters, without `[]:*?/\`.
    pub name: String,
    /// The header.
    pub columns: Vec<String>,
    /// The rows below it.
    pub rows: Vec<Vec<Cell>>,
}

/// An empty sheet to be filled in, and beside it what each column takes.
pub fn filled_in_by(name: &str, takes: impl Iterator<Item = (&'static str, String)>) -> [Sheet; 2] {
    let takes: Vec<(&str, String)> = takes.collect();
    let columns = takes.iter().map(|(column, _)| (*column).to_owned()).collect();
    let empty = Sheet { name: name.to_owned(), columns, rows: Vec::new() };
    let rows = takes.into_iter().map(|(column, how)| vec![column.into(), how.into()]).collect();
    let columns = vec!["列".to_owned(), "怎么填".to_owned()];
    [empty, Sheet { name: "填写说明".to_owned(), columns, rows }]
}

/// A workbook (.xlsx) of these sheets. The header stays in sight, and each column can be filtered.
///
/// # Errors
/// A name that no tab may have, a text of more than 32,767 characters, or more than 1,048,576 rows.
pub fn workbook(sheets: &[Sheet]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let bold = Format::new().set_bold();
    for given in sheets {
        let sheet = workbook.add_worksheet().set_name(&given.name)?;
        for (column, name) in (0..).zip(&given.columns) {
            sheet.write_with_format(0, column, name, &bold)?;
        }
        for (line, row) in (1..).zip(&given.rows) {
            for (column, cell) in (0..).zip(row) {
                match cell {
                    Cell::Text(text) => sheet.write_string(line, column, text)?,
                    Cell::Number(number) => sheet.write_number(line, column, *number)?,
                    Cell::Empty => sheet,
                };
            }
        }
        let last = u16::try_from(given.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let end = u32::try_from(given.rows.len()).unwrap_or(u32::MAX);
        sheet.set_freeze_panes(1, 0)?.autofilter(0, 0, end, last)?.autofit();
    }
    workbook.save_to_buffer()
}

/// A sheet as CSV in UTF-8 with a byte order mark, by which table programs know the encoding.
///
/// # Errors
/// Never for rows in memory.
pub fn csv(sheet: &Sheet) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer("\u{feff}".into());
    writer.write_record(&sheet.columns)?;
    for row in &sheet.rows {
        writer.write_record(row.iter().map(|cell| match cell {
            Cell::Text(text) => harmless(text),
            Cell::Number(number) => number.to_string(),
            Cell::Empty => String::new(),
        }))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Table programs run a cell that begins like a formula; an apostrophe in front keeps it text. One
/// that has an apostrophe of its own there gets another, so that [`written`] finds each as it was.
fn harmless(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A cell as it was before [`csv`] kept it from being run as a formula.
pub fn written(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| is_formula(text)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::read;

    fn sheet() -> Sheet {
        Sheet {
            name: "清单".to_owned(),
            columns: vec!["编号".to_owned(), "件数".to_owned(), "备注".to_owned()],
            rows: vec![
                vec!["012".into(), 3_u32.into(), "=1+1".into()],
                vec!["二，\n行".into(), 0.5.into(), Cell::Empty],
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let book = read(workbook(&[sheet()]).unwrap()).unwrap();
        let text = read(csv(&sheet()).unwrap()).unwrap();
        for (table, formula) in [(book, "=1+1"), (text, "'=1+1")] {
            assert_eq!(table.columns, ["编号", "件数", "备注"]);
            assert_eq!(table.rows[0].cells, ["012", "3", formula]);
            assert_eq!(table.rows[1].cells, ["二，\n行", "0.5", ""]);
        }
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_comes_back_as_it_was() {
        for (text, kept) in [("=1", "'=1"), ("'=1", "''=1"), ("'路灯'", "'路灯'"), ("-3", "'-3")]
        {
            assert_eq!(harmless(text), kept);
            assert_eq!(written(kept), text);
        }
    }

    #[test]
    fn a_name_that_no_tab_may_have_is_an_error() {
        let named = Sheet { name: "一/二".to_owned(), ..sheet() };
        assert!(workbook(&[named]).is_err());
    }
}
