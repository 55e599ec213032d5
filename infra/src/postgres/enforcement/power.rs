//! The versions of a unit's powers as one follows the other.

use chrono::NaiveDate;
use domain::{
    edition::Standing,
    enforcement::power::{Edition, Power, PowerKind},
    org::NodeCode,
};

use super::Connection;

/// The newest version of a unit's list with its row's number, locked so that two imports come one
/// after the other.
///
/// # Errors
/// The database failed.
pub async fn newest(
    conn: &mut Connection,
    unit: &NodeCode,
) -> Result<Option<(i64, Standing)>, sqlx::Error> {
    let row = sqlx::query!(
        "select id, version, valid_from, valid_to from power_list
         where unit = $1 order by valid_from desc limit 1 for update",
        unit.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let (version, valid_from, valid_to) = (row.version, row.valid_from, row.valid_to);
        (row.id, Standing { version, valid_from, valid_to })
    }))
}

/// Every power of a version, in the order of their codes.
///
/// # Errors
/// The database failed.
pub async fn whole(conn: &mut Connection, list: i64) -> Result<Vec<Power>, sqlx::Error> {
    sqlx::query_as!(
        Power,
        r#"select code, kind as "kind: PowerKind", name, devolved_by as "devolved_by: NodeCode",
               basis
           from power where list_id = $1 order by code"#,
        list
    )
    .fetch_all(conn)
    .await
}

/// Whether a version of the name is there.
///
/// # Errors
/// The database failed.
pub async fn exists(conn: &mut Connection, version: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists(select from power_list where version = $1) as "exists!""#,
        version
    )
    .fetch_one(conn)
    .await
}

/// Ends a version that has no end yet: it is valid until the day before.
///
/// # Errors
/// The database failed.
pub async fn end(conn: &mut Connection, list: i64, on: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update power_list set valid_to = $2 where id = $1 and valid_to is null",
        list,
        on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a version with its powers, and answers its number; one that is there already is left
/// exactly as it is.
///
/// # Errors
/// The database failed; `power_list_no_overlap` when another is valid in its time.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn insert(
    conn: &mut Connection,
    edition: &Edition,
    powers: &[Power],
) -> Result<Option<i64>, sqlx::Error> {
    let added = sqlx::query_scalar!(
        "insert into power_list (unit, version, title, valid_from) values ($1, $2, $3, $4)
         on conflict (version) do nothing returning id",
        edition.unit.as_str(),
        edition.version,
        edition.title,
        edition.valid_from,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(list) = added else { return Ok(None) };
    let text =
        |of: fn(&Power) -> &str| powers.iter().map(|it| of(it).to_owned()).collect::<Vec<_>>();
    let by: Vec<Option<String>> =
        powers.iter().map(|it| it.devolved_by.as_ref().map(ToString::to_string)).collect();
    sqlx::query!(
        "insert into power (list_id, code, kind, name, devolved_by, basis)
         select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])",
        list,
        &text(|it| &it.code),
        &text(|it| it.kind.code()),
        &text(|it| &it.name),
        &by as &[Option<String>],
        &text(|it| &it.basis),
    )
    .execute(conn)
    .await?;
    Ok(Some(list))
}

/// The power under a code on the unit's list that is valid on a day, with the list's number.
///
/// # Errors
/// The database failed.
pub async fn in_force(
    conn: &mut Connection,
    unit: &NodeCode,
    code: &str,
    on: NaiveDate,
) -> Result<Option<(i64, Power)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select list.id, power.code, power.kind as "kind: PowerKind", power.name,
               power.devolved_by as "devolved_by: NodeCode", power.basis
           from power join power_list as list on list.id = power.list_id
           where list.unit = $1 and power.code = $2 and list.valid_from <= $3
               and (list.valid_to is null or list.valid_to > $3)"#,
        unit.as_str(),
        code,
        on,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let (code, kind, name) = (row.code, row.kind, row.name);
        (row.id, Power { code, kind, name, devolved_by: row.devolved_by, basis: row.basis })
    }))
}
