//! The duty lists of two years at once, for what a generated history asks again and again.

use chrono::NaiveDate;
use domain::{
    duty::{Duty, ListKind, Listed},
    org::NodeCode,
};

use crate::postgres::Connection;

/// What one list said about an item to a unit in a month.
#[derive(Debug, Clone)]
pub struct Known {
    /// The item.
    pub item: String,
    /// The month's first day.
    pub month: NaiveDate,
    /// The unit.
    pub unit: NodeCode,
    /// What the list says.
    pub listed: Listed,
}

/// What [`crate::postgres::duty::valid`] answers for each of these units, items and days, in one
/// statement.
///
/// # Errors
/// The database is away.
pub async fn lists(
    conn: &mut Connection,
    units: &[NodeCode],
    items: &[String],
    months: &[NaiveDate],
) -> Result<Vec<Known>, sqlx::Error> {
    let units: Vec<String> = units.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"with valid as (
               select distinct on (asked.unit, month, list.kind)
                   asked.unit, month, list.id, list.kind, list.version, list.title
               from unnest($1::text[]) as asked (unit)
               cross join unnest($3::date[]) as month
               join duty_list as list on list.valid_from <= month
                   and (list.valid_to is null or list.valid_to > month)
                   and (list.division_code is null or list.division_code = asked.unit
                       or (list.kind = 'recalled' and starts_with(asked.unit, list.division_code)))
               order by asked.unit, month, list.kind, list.valid_from desc, list.id desc
           )
           select item.code as "item!", valid.month as "month!", valid.unit as "unit!: NodeCode",
               valid.kind as "kind: ListKind", valid.version, valid.title,
               listed.subdistrict_role as "duty?: Duty"
           from valid cross join unnest($2::text[]) as item (code)
           left join duty_item as listed on listed.list_id = valid.id and listed.code = item.code
           order by 1, 2, 3, 4"#,
        &units,
        items,
        months,
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| Known {
        item: row.item,
        month: row.month,
        unit: row.unit,
        listed: Listed { kind: row.kind, version: row.version, title: row.title, duty: row.duty },
    });
    Ok(known.collect())
}
