//! Powers as sheets: what is exported is exactly what is imported.

use domain::{
    edition::{Departments, RefusedRow},
    enforcement::power::{self, Column, Power, Refused},
};

use crate::sheet::{Sheet, Table};

/// Columns that every file must have; what devolved them stays empty for a unit's own.
const REQUIRED: [Column; 4] = [Column::Code, Column::Kind, Column::Name, Column::Basis];

/// Which of the rows become powers, and which are refused.
///
/// # Errors
/// A column is missing or stands twice, or there is no row.
pub fn sort(
    table: &Table,
    departments: &Departments,
) -> Result<(Vec<Power>, Vec<RefusedRow>), Refused> {
    let known = |column: &Column| (column.code(), column.label());
    let places = table.places(Column::ALL, &REQUIRED, known).map_err(Refused::Sheet)?;
    let rows = table.rows.iter().map(|row| {
        let cell = |column: Column| places.cell(row, column);
        (row.line, power::parse(row.line, &cell, departments))
    });
    Ok(power::sort(rows))
}

/// The powers as a sheet, in the columns that [`sort`] reads.
pub fn of(powers: &[Power]) -> Sheet {
    let row = |power: &Power| Column::ALL.iter().map(|it| power.cell(*it).into()).collect();
    Sheet {
        name: "执法事项清单".to_owned(),
        columns: Column::ALL.iter().map(|column| column.label().to_owned()).collect(),
        rows: powers.iter().map(row).collect(),
    }
}
