//! Where the columns of a known list stand in a file that people bring.

use super::{Row, Table, write::written};

/// The places of columns.
#[derive(Debug)]
pub struct Places<C>(Vec<(C, usize)>);

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
        Ok(Places(places))
    }
}

impl<C: Copy + PartialEq> Places<C> {
    /// The cell of a column as it was written, empty where the row has none.
    pub fn cell(&self, row: &Row, column: C) -> String {
        let place = self.0.iter().find(|(which, _)| *which == column);
        let text = place.and_then(|(_, place)| row.cells.get(*place));
        text.map_or_else(String::new, |text| written(text).to_owned())
    }
}
