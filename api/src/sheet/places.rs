//! Where the columns of a known list stand in a file that people bring.

use domain::sheet::RefusedCell;

use super::{Row, Table, write::written};

/// The places of columns.
#[derive(Debug)]
pub struct Places<C> {
    places: Vec<(C, usize)>,
    first_column: usize,
    sheet: Option<String>,
}

impl Table {
    /// Finds columns by their code or label; other columns are left alone.
    ///
    /// # Errors
    /// In words: a required one is missing, one stands twice, or there is no row.
    pub fn places<C: Copy + PartialEq>(
        &self,
        all: &[C],
        required: &[C],
        known: impl Fn(&C) -> (&'static str, &'static str),
    ) -> Result<Places<C>, String> {
        let mut places = Vec::new();
        for column in all {
            let (code, label) = known(column);
            let mut found = self
                .columns
                .iter()
                .enumerate()
                .filter(|(_, name)| **name == code || **name == label);
            match (found.next(), found.next()) {
                (Some((place, _)), None) => places.push((*column, place)),
                (None, _) if required.contains(column) => {
                    return Err(format!("表头缺少“{label}”这一列"));
                }
                (None, _) => {}
                (Some(_), Some(_)) => return Err(format!("“{label}”这一列有两个")),
            }
        }
        if self.rows.is_empty() {
            return Err("表头下面一行也没有".to_owned());
        }
        Ok(Places { places, first_column: self.first_column, sheet: self.sheet.clone() })
    }

    /// Refuses a file that is too long to come in in one transaction.
    ///
    /// # Errors
    /// In words: it has more rows.
    pub fn at_most(&self, rows: usize) -> Result<(), String> {
        if self.rows.len() > rows {
            return Err(format!("一次最多导入 {rows} 行，请分成几个文件"));
        }
        Ok(())
    }
}

impl<C: Copy + PartialEq> Places<C> {
    /// The cell of a column as it was written, empty where the row has none.
    pub fn cell(&self, row: &Row, column: C) -> String {
        let text = self.place(column).and_then(|place| row.cells.get(place));
        text.map_or_else(String::new, |text| written(text).to_owned())
    }

    fn place(&self, column: C) -> Option<usize> {
        self.places.iter().find(|(which, _)| *which == column).map(|(_, place)| *place)
    }

    /// A cell that cannot be taken in, of a column by its label.
    pub fn refused(&self, row: &Row, (column, label): (C, &str), reason: String) -> RefusedCell {
        RefusedCell {
            sheet: self.sheet.clone(),
            line: row.line,
            column: label.to_owned(),
            cell: self.name(row.line, column),
            reason,
        }
    }

    /// How a table program calls the cell of a column in a line: `B7`. None where the file has no
    /// such column.
    fn name(&self, line: u64, column: C) -> Option<String> {
        let place = self.place(column)? + self.first_column;
        Some(format!("{}{line}", letters(place)))
    }
}

/// A column's letters: A to Z, then AA, AB, …
fn letters(place: usize) -> String {
    let letter = u8::try_from(place % 26).map_or('A', |step| char::from(b'A' + step));
    match place / 26 {
        0 => letter.to_string(),
        before => letters(before - 1) + &letter.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_called_as_table_programs_do() {
        for (place, name) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (255, "IV")]
        {
            assert_eq!(letters(place), name);
        }
    }
}
