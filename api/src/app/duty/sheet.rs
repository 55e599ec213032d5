//! Duty lists as sheets: what is exported is exactly what is imported.

use domain::{
    duty::{
        Item, ListKind,
        edition::{self, Column, Refused, Row},
    },
    edition::{Departments, RefusedRow},
};

use crate::sheet::{Cell, Sheet, Table};

/// Columns that every file must have; a cell of the others may be empty, so they may be missing.
const REQUIRED: [Column; 4] = [Column::Code, Column::Category, Column::Name, Column::Basis];

/// Which of the rows become items, and which are refused.
///
/// # Errors
/// A column is missing or stands twice, or there is no row.
pub fn sort(
    table: &Table,
    kind: ListKind,
    departments: &Departments,
) -> Result<(Vec<Item>, Vec<RefusedRow>), Refused> {
    let known = |column: &Column| (column.code(), column.label());
    let places = table.places(Column::ALL, &REQUIRED, known).map_err(Refused::Sheet)?;
    let rows = table.rows.iter().map(|row| {
        let cell = |column: Column| places.cell(row, column);
        (row.line, edition::parse(&Row { line: row.line, cell: &cell }, kind, departments))
    });
    Ok(edition::sort(rows))
}

/// The items as a sheet, in the columns that [`sort`] reads.
pub fn of(items: &[Item]) -> Sheet {
    let row = |item: &Item| -> Vec<Cell> {
        Column::ALL.iter().map(|column| item.cell(*column).into()).collect()
    };
    Sheet {
        name: "事项清单".to_owned(),
        columns: Column::ALL.iter().map(|column| column.label().to_owned()).collect(),
        rows: items.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{duty::Duty, org::NodeCode};

    use super::*;
    use crate::sheet::{read, write_csv, write_workbook};

    fn departments() -> Departments {
        let code = NodeCode::parse("code", "housing").unwrap();
        [("housing".to_owned(), code)].into()
    }

    fn item(code: &str, duty: &str) -> Item {
        Item {
            code: code.to_owned(),
            category: "住房".to_owned(),
            name: "物业，“收费”\n纠纷".replace('\n', ""),
            lead_unit: departments().into_values().next(),
            department_duty: duty.to_owned(),
            duty: Duty::Assist,
            grassroots_duty: "第一行\n第二行".to_owned(),
            photos_required: code == "a-1",
            basis: "《物业管理条例》".to_owned(),
        }
    }

    #[test]
    fn what_is_exported_is_imported_as_it_was() {
        let items = vec![item("a-1", "- 监督"), item("a-2", "=1+1"), item("012", "'=引号")];
        let sheet = of(&items);
        for bytes in
            [write_csv(&sheet).unwrap(), write_workbook(std::slice::from_ref(&sheet)).unwrap()]
        {
            let table = read(bytes).unwrap();
            let (read, refused) = sort(&table, ListKind::Territorial, &departments()).unwrap();
            assert_eq!(refused, []);
            assert_eq!(read[..2], items[..2]);
        }
    }

    #[test]
    fn the_header_is_checked_first() {
        let sorted = |text: &str| {
            let table = read(text.as_bytes().to_vec()).unwrap();
            sort(&table, ListKind::Territorial, &departments()).map(|(items, _)| items.len())
        };
        for bad in [
            "事项代码,类别,事项\nx,y,z\n",
            "code,code,类别,事项,依据\n1,2,3,4,5\n",
            "code,类别,事项,依据\n",
        ] {
            assert!(matches!(sorted(bad), Err(Refused::Sheet(_))), "{bad}");
        }
        let good =
            "code,类别,name,主管部门,基层承担,依据,备注\na-1,一,路灯,housing,配合,《条例》,x\n";
        assert_eq!(sorted(good), Ok(1));
    }
}
