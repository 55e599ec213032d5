//! The first sheet of a workbook (.xlsx), read cell by cell. A small file may unpack to something
//! huge, or name a cell in the last row and column of a sheet: neither may take the memory.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read},
};

use calamine::{Data, Reader, Xlsx, XlsxError};
use zip::ZipArchive;

use super::{Refused, Row};

/// What all parts of the file may unpack to, and what all cells may hold as text, in bytes.
const UNPACKED: u64 = 64 << 20;
/// Rows that a sheet may have.
const ROWS: u32 = 200_000;
/// Columns that a sheet may have.
const COLUMNS: u32 = 256;

impl From<XlsxError> for Refused {
    fn from(error: XlsxError) -> Self {
        Self::Workbook(error.to_string())
    }
}

/// The first sheet: its name, its first used column, and its rows from that column on.
///
/// # Errors
/// It is no workbook, has no sheet, or is too large.
pub fn rows(bytes: Vec<u8>) -> Result<(String, usize, Vec<Row>), Refused> {
    unpacks(&bytes)?;
    let mut workbook = Xlsx::new(Cursor::new(bytes))?;
    let name = workbook.sheet_names().into_iter().next().ok_or(Refused::Empty)?;
    let mut reader = workbook.worksheet_cells_reader(&name)?;
    let mut rows = BTreeMap::<u32, BTreeMap<u32, String>>::new();
    let mut left = UNPACKED;
    while let Some(found) = reader.next_cell()? {
        let (row, column) = found.get_position();
        let text = text(&Data::from(found.get_value().clone()));
        if text.is_empty() {
            continue;
        }
        if row >= ROWS || column >= COLUMNS {
            return Err(Refused::TooLarge);
        }
        // One long text may be shared by every cell.
        left = left
            .checked_sub(u64::try_from(text.len()).unwrap_or(u64::MAX))
            .ok_or(Refused::TooLarge)?;
        rows.entry(row).or_default().insert(column, text);
    }
    let column = |pick: fn(&BTreeMap<u32, String>) -> Option<u32>| rows.values().filter_map(pick);
    let first = column(|cells| cells.keys().next().copied()).min().unwrap_or(0);
    let last = column(|cells| cells.keys().last().copied()).max().unwrap_or(0);
    let row = |(row, mut cells): (u32, BTreeMap<u32, String>)| Row {
        line: u64::from(row) + 1,
        cells: (first..=last).map(|column| cells.remove(&column).unwrap_or_default()).collect(),
    };
    let place = usize::try_from(first).unwrap_or_default();
    Ok((name, place, rows.into_iter().map(row).collect()))
}

/// Unpacks every part into nothing; what the file says of its sizes is not believed.
fn unpacks(bytes: &[u8]) -> Result<(), Refused> {
    let broken = |why: String| Refused::Workbook(why);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|why| broken(why.to_string()))?;
    let mut left = UNPACKED;
    for part in 0..archive.len() {
        let part = archive.by_index(part).map_err(|why| broken(why.to_string()))?;
        let read = io::copy(&mut part.take(left + 1), &mut io::sink())
            .map_err(|why| broken(why.to_string()))?;
        left = left.checked_sub(read).ok_or(Refused::TooLarge)?;
    }
    Ok(())
}

/// A cell as a person would have typed it; a date is its serial number, which is read as a time.
fn text(data: &Data) -> String {
    match data {
        Data::DateTime(date) => date.as_f64().to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use calamine::{ExcelDateTime, ExcelDateTimeType};
    use rust_xlsxwriter::Workbook;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    #[test]
    fn cells_are_text() {
        let date = ExcelDateTime::new(43_524.5, ExcelDateTimeType::DateTime, false);
        for (data, wanted) in [
            (Data::Float(188_006.0), "188006"),
            (Data::Int(7), "7"),
            (Data::String("路灯".to_owned()), "路灯"),
            (Data::DateTime(date), "43524.5"),
            (Data::Empty, ""),
        ] {
            assert_eq!(text(&data), wanted);
        }
    }

    #[test]
    fn a_table_may_stand_anywhere_in_the_sheet() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(2, 1, "编号").unwrap().write(2, 3, "备注").unwrap().write(4, 3, 9).unwrap();
        let (name, first, rows) = rows(workbook.save_to_buffer().unwrap()).unwrap();
        assert_eq!((name.as_str(), first), ("Sheet1", 1));
        let row = |line, cells: [&str; 3]| Row { line, cells: cells.map(str::to_owned).to_vec() };
        assert_eq!(rows, [row(3, ["编号", "", "备注"]), row(5, ["", "", "9"])]);
    }

    #[test]
    fn a_cell_far_away_takes_no_memory() {
        for (row, column) in [(1_048_575, 0), (0, 16_383)] {
            let mut workbook = Workbook::new();
            workbook.add_worksheet().write(row, column, "x").unwrap();
            let refused = rows(workbook.save_to_buffer().unwrap());
            assert!(matches!(refused, Err(Refused::TooLarge)), "{refused:?}");
        }
    }

    #[test]
    fn one_text_in_every_cell_is_counted_each_time() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        let long = "长".repeat(10_000);
        for row in 0..3_000 {
            sheet.write(row, 0, &long).unwrap();
        }
        let bytes = workbook.save_to_buffer().unwrap();
        assert!(bytes.len() < 1 << 20, "{}", bytes.len());
        assert!(matches!(rows(bytes), Err(Refused::TooLarge)));
    }

    #[test]
    fn a_file_that_unpacks_to_too_much_is_refused_before_it_is_read() {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("xl/workbook.xml", SimpleFileOptions::default()).unwrap();
        let zeros = vec![0_u8; 1 << 20];
        for _ in 0..65 {
            archive.write_all(&zeros).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        assert!(bytes.len() < 1 << 20, "{}", bytes.len());
        assert!(matches!(rows(bytes), Err(Refused::TooLarge)));
    }

    #[test]
    fn what_is_broken_is_said_to_be() {
        let refused = rows(b"PK\x03\x04nothing".to_vec());
        assert!(matches!(refused, Err(Refused::Workbook(_))), "{refused:?}");
    }
}
