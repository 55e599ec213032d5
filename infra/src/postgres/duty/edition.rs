//! The versions of a list as one follows the other.

use chrono::NaiveDate;
use domain::{
    duty::{Duty, Item, ListKind},
    edition::Standing,
    org::NodeCode,
};

use super::Connection;

/// The newest version of a list with its row's number, locked so that two imports come one after
/// the other.
///
/// # Errors
/// The database failed.
pub async fn newest(
    conn: &mut Connection,
    kind: ListKind,
    division: Option<&NodeCode>,
) -> Result<Option<(i64, Standing)>, sqlx::Error> {
    let row = sqlx::query!(
        "select id, version, valid_from, valid_to from duty_list
         where kind = $1 and division_code is not distinct from $2
         order by valid_from desc limit 1 for update",
        kind.code(),
        division.map(NodeCode::as_str),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let (version, valid_from, valid_to) = (row.version, row.valid_from, row.valid_to);
        (row.id, Standing { version, valid_from, valid_to })
    }))
}

/// Ends a version that has no end yet: it is valid until the day before.
///
/// # Errors
/// The database failed.
pub async fn end(conn: &mut Connection, list: i64, on: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update duty_list set valid_to = $2 where id = $1 and valid_to is null",
        list,
        on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Every item of a version, in the order of their codes.
///
/// # Errors
/// The database failed.
pub async fn items(conn: &mut Connection, list: i64) -> Result<Vec<Item>, sqlx::Error> {
    sqlx::query_as!(
        Item,
        r#"
        select code, category, name, lead_unit as "lead_unit: NodeCode", department_duty,
            subdistrict_role as "duty: Duty", subdistrict_duty as grassroots_duty,
            photos_required, basis
        from duty_item where list_id = $1 order by code
        "#,
        list
    )
    .fetch_all(conn)
    .await
}

/// The row of a version.
///
/// # Errors
/// The database failed.
pub async fn id_of(conn: &mut Connection, version: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("select id from duty_list where version = $1", version)
        .fetch_optional(conn)
        .await
}
