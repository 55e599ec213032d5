//! Which column holds which field: `--map title=标题`.

use std::str::FromStr;

use domain::import::Field;

use super::Refused;
use crate::sheet::Row;

/// What was said about columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping(Vec<(Field, String)>);

impl Mapping {
    /// From pairs `FIELD=COLUMN`; a field goes by its code (`title`) or its name (`标题`).
    ///
    /// # Errors
    /// Not a pair, an unknown field, or one that comes twice.
    pub fn parse(pairs: &[String]) -> Result<Self, Refused> {
        let mut mapping: Vec<(Field, String)> = Vec::new();
        for pair in pairs {
            let (field, column) = pair
                .split_once('=')
                .and_then(|(field, column)| Some((named(field.trim())?, column.trim())))
                .filter(|(_, column)| !column.is_empty())
                .ok_or_else(|| Refused::Map { given: pair.clone(), fields: fields() })?;
            if mapping.iter().any(|(mapped, _)| *mapped == field) {
                return Err(Refused::MappedTwice(field));
            }
            mapping.push((field, column.to_owned()));
        }
        Ok(Self(mapping))
    }

    /// Finds the columns. A field that is not mapped is in the column that bears its code or its
    /// name, if there is one.
    ///
    /// # Errors
    /// A mapped column is missing or there twice, or a required field has none.
    pub fn resolve(&self, columns: &[String]) -> Result<Columns, Refused> {
        let mut found = Vec::new();
        for field in Field::ALL {
            let mapped = self.0.iter().find(|(mapped, _)| mapped == field);
            let place = match mapped {
                Some((_, column)) => Some(place(columns, column)?.ok_or_else(|| {
                    Refused::NoSuchColumn { column: column.clone(), available: columns.join("、") }
                })?),
                None => match place(columns, field.code())? {
                    Some(place) => Some(place),
                    None => place(columns, field.label())?,
                },
            };
            match place {
                Some(place) => found.push((*field, place)),
                None if field.is_required() => {
                    let available = columns.join("、");
                    return Err(Refused::FieldMissing { field: *field, available });
                }
                None => {}
            }
        }
        Ok(Columns { names: columns.to_vec(), found })
    }
}

fn named(given: &str) -> Option<Field> {
    let by_name = || Field::ALL.iter().copied().find(|field| field.label() == given);
    Field::from_str(given).ok().or_else(by_name)
}

fn fields() -> String {
    Field::ALL.iter().map(|field| field.code()).collect::<Vec<_>>().join("、")
}

fn place(columns: &[String], name: &str) -> Result<Option<usize>, Refused> {
    let mut places = columns.iter().enumerate().filter(|(_, column)| *column == name);
    match (places.next(), places.next()) {
        (Some(_), Some(_)) => Err(Refused::ColumnTwice(name.to_owned())),
        (found, _) => Ok(found.map(|(place, _)| place)),
    }
}

/// Where the fields of a file stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    names: Vec<String>,
    found: Vec<(Field, usize)>,
}

impl Columns {
    fn place(&self, field: Field) -> Option<usize> {
        self.found.iter().find(|(found, _)| *found == field).map(|(_, place)| *place)
    }

    /// Whether a field has a column.
    pub fn has(&self, field: Field) -> bool {
        self.place(field).is_some()
    }

    /// The name of a field's column, empty without one.
    pub fn name(&self, field: Field) -> &str {
        self.place(field).and_then(|place| self.names.get(place)).map_or("", String::as_str)
    }

    /// What a row says in a field's column, empty without one.
    pub fn cell<'r>(&self, row: &'r Row, field: Field) -> &'r str {
        self.place(field).and_then(|place| row.cells.get(place)).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn resolve(pairs: &[&str], columns: &[&str]) -> Result<Columns, String> {
        let mapping = Mapping::parse(&owned(pairs)).map_err(|refused| refused.to_string())?;
        mapping.resolve(&owned(columns)).map_err(|refused| refused.to_string())
    }

    #[test]
    fn columns_that_bear_a_fields_name_need_no_mapping() {
        let columns =
            resolve(&["number=row", "类别=label"], &["row", "title", "内容", "label"]).unwrap();
        let row = Row { line: 2, cells: owned(&["3", "路灯", "不亮", "城建"]) };
        let cell = |field| columns.cell(&row, field);
        assert_eq!(
            [cell(Field::Number), cell(Field::Title), cell(Field::Content), cell(Field::Category)],
            ["3", "路灯", "不亮", "城建"]
        );
        assert_eq!((cell(Field::Reply), columns.name(Field::Reply)), ("", ""));
        assert_eq!(columns.name(Field::Number), "row");
        assert!(!columns.has(Field::Community));
    }

    #[test]
    fn an_unknown_column_lists_those_that_there_are() {
        let why = resolve(&["title=主题"], &["number", "标题名", "content"]).unwrap_err();
        assert!(why.contains("“主题”") && why.contains("number、标题名、content"), "{why}");
    }

    #[test]
    fn a_missing_field_says_how_to_name_it() {
        let why = resolve(&[], &["number", "title"]).unwrap_err();
        assert!(why.contains("--map content=列名") && why.contains("number、title"), "{why}");
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for bad in ["title", "title=", "=标题", "colour=颜色", ""] {
            let why = resolve(&[bad], &["number", "title", "content"]).unwrap_err();
            assert!(why.contains("字段=列名") && why.contains("posted_at"), "{bad}: {why}");
        }
        let why = resolve(&["title=a", "标题=b"], &["a", "b"]).unwrap_err();
        assert!(why.contains("title"), "{why}");
        let why = resolve(&[], &["number", "title", "title", "content"]).unwrap_err();
        assert!(why.contains("“title”"), "{why}");
    }
}
