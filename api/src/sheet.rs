//! Sheets (表格): what people bring is read as rows of text, be it CSV in UTF-8 or GB18030 or the
//! first sheet of a workbook; what they take away is written as a workbook or as CSV.

use std::borrow::Cow;

use domain::refusal::{Kind, Refusal};
use encoding_rs::{Encoding, GB18030};

mod places;
mod workbook;
mod write;

pub use places::Places;
pub use write::{Cell, Sheet, csv as write_csv, filled_in_by, workbook as write_workbook};

/// Why a file is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Neither UTF-8 nor GB18030 (GBK).
    #[error("文件的编码既不是 UTF-8 也不是 GB18030（GBK）；请用表格软件另存为“CSV UTF-8”再导入")]
    Encoding,
    /// It looks like a workbook and cannot be read as one.
    #[error("表格文件读不出来：{0}；请另存为 .xlsx 或 CSV 再导入")]
    Workbook(String),
    /// A small file that unpacks to more than memory should hold, or cells far out in the sheet.
    #[error(
        "表格太大：解开后超过 64 MiB，或超过 20 万行、256 列；请删去多余的工作表和空白处的格式，或另存为 CSV 再导入"
    )]
    TooLarge,
    /// The first sheet or the file has no header.
    #[error("文件是空的：第一行应为列名")]
    Empty,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Encoding => "sheet_encoding",
            Self::Workbook(_) => "sheet_workbook",
            Self::TooLarge => "sheet_unpacked",
            Self::Empty => "sheet_empty",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

/// A file's header and rows. Empty rows are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The name of the workbook's sheet; a CSV file has none.
    pub sheet: Option<String>,
    /// Which column of the sheet the first one here is, from 0.
    pub first_column: usize,
    /// The names in the header, trimmed.
    pub columns: Vec<String>,
    /// The rows below it.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file, or its row in the sheet; the header of a CSV file is in line 1.
    pub line: u64,
    /// Its cells as text.
    pub cells: Vec<String>,
}

/// Reads a file whole. What it is, its first bytes tell, not its name.
///
/// # Errors
/// It cannot be decoded or read as a table.
pub fn read(bytes: Vec<u8>) -> Result<Table, Refused> {
    if bytes.starts_with(b"PK\x03\x04") {
        let (sheet, first_column, rows) = workbook::rows(bytes)?;
        let read = table(&mut rows.into_iter())?;
        Ok(Table { sheet: Some(sheet), first_column, ..read })
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        Err(Refused::Workbook("这是旧的 .xls 格式".to_owned()))
    } else {
        csv(&decoded(&bytes)?)
    }
}

/// A byte order mark decides; else what is valid UTF-8 is UTF-8 (GBK text never is by accident at
/// this length), and the rest is GB18030, of which GBK is a part.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, Refused> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let rest = bytes.get(mark..).unwrap_or_default();
        return strictly(encoding, rest);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => strictly(GB18030, bytes),
    }
}

fn strictly<'b>(encoding: &'static Encoding, bytes: &'b [u8]) -> Result<Cow<'b, str>, Refused> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or(Refused::Encoding)
}

fn csv(text: &str) -> Result<Table, Refused> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut lines = Lines { text: text.as_bytes(), byte: 0, line: 1 };
    // Text that is in memory and decoded already has no fault of its own left.
    let mut rows = reader.records().filter_map(Result::ok).map(|record| Row {
        line: lines.at(record.position().map_or(0, csv::Position::byte)),
        cells: record.iter().map(str::to_owned).collect(),
    });
    table(&mut rows)
}

/// Counts the lines of a text as an editor shows them. The reader's own count leaves out the
/// second half of a line's end and empty lines, as these belong to the next record for it.
struct Lines<'t> {
    text: &'t [u8],
    byte: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of what comes at or after a byte; bytes must not go back.
    fn at(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX);
        let rest = self.text.get(self.byte..).unwrap_or_default();
        for one in rest {
            if self.byte >= from && !matches!(one, b'\r' | b'\n') {
                break;
            }
            self.byte += 1;
            self.line += u64::from(*one == b'\n');
        }
        self.line
    }
}

fn table(rows: &mut dyn Iterator<Item = Row>) -> Result<Table, Refused> {
    let is_blank = |row: &Row| row.cells.iter().all(|cell| cell.trim().is_empty());
    let mut rows = rows.filter(|row| !is_blank(row));
    let header = rows.next().ok_or(Refused::Empty)?;
    let columns = header.cells.iter().map(|name| name.trim().to_owned()).collect();
    Ok(Table { sheet: None, first_column: 0, columns, rows: rows.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "编号,标题,内容\r\n1,路灯,\"第一行\n第二行，“引号”\"\"\"\r\n\r\n2,㐂🚰𠮷,三\r\n";

    fn of(bytes: &[u8]) -> Result<Table, Refused> {
        csv(&decoded(bytes)?)
    }

    #[test]
    fn every_usual_encoding_gives_the_same_rows() {
        let wanted = of(TEXT.as_bytes()).unwrap();
        assert_eq!(wanted.columns, ["编号", "标题", "内容"]);
        let lines: Vec<u64> = wanted.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 5], "a cell of two lines and an empty line lie between");
        assert_eq!(wanted.rows[0].cells[2], "第一行\n第二行，“引号”\"");
        let utf16: Vec<u8> =
            std::iter::once(0xfeff).chain(TEXT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let (gb18030, _, lossy) = GB18030.encode(TEXT);
        assert!(!lossy);
        for bytes in [["\u{feff}", TEXT].concat().as_bytes(), &*gb18030, &utf16] {
            assert_eq!(of(bytes).unwrap(), wanted);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(matches!(of(b"\xff\xff\xff\xff,1\n"), Err(Refused::Encoding)));
        for nothing in [&b""[..], b"\n\n", b"\xef\xbb\xbf", b",,\n"] {
            assert!(matches!(of(nothing), Err(Refused::Empty)));
        }
    }

    #[test]
    fn a_row_keeps_as_many_cells_as_it_has() {
        let table = of("a,b\n1\n1,2,3\n".as_bytes()).unwrap();
        let lengths: Vec<usize> = table.rows.iter().map(|row| row.cells.len()).collect();
        assert_eq!(lengths, [1, 3]);
    }

    #[test]
    fn an_old_workbook_is_to_be_saved_anew() {
        let refused = read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec());
        assert!(
            matches!(&refused, Err(Refused::Workbook(why)) if why.contains(".xls")),
            "{refused:?}"
        );
    }
}
