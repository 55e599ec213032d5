//! Sealing anew, and making blind indexes anew, along the [register of sealed columns](super::sealed).
//!
//! The statements are composed from that register's constants alone; values are bound.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, FromRow};

use super::sealed::{By, INDEXES, Index, SEALED, Sealed, context, filled, named};
use crate::{
    crypto::{Broken, Crypto},
    postgres::Connection,
};

/// Rows of a column that are looked at, at a start.
const LOOKED_AT: i64 = 20;

/// How a run goes along a table: the place of the last row that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl Default for Place {
    fn default() -> Self {
        Self("(0,0)".to_owned())
    }
}

/// What one batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows that were changed.
    pub changed: u64,
    /// Rows that no key opens.
    pub broken: u64,
}

/// Rows of a column that are sealed by another key or algorithm than is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// `table.column`.
    pub column: String,
    /// The key's id.
    pub key: i32,
    /// Whether SM4-GCM sealed them.
    pub sm4: bool,
    /// How many.
    pub rows: i64,
}

#[derive(FromRow)]
struct Row {
    place: String,
    columns: Value,
}

#[derive(FromRow)]
struct Count {
    tag: i32,
    rows: i64,
}

/// What is sealed by another key or algorithm than is configured, in every sealed column.
///
/// # Errors
/// The database's.
pub async fn left(conn: &mut Connection, crypto: &Crypto) -> sqlx::Result<Vec<Left>> {
    let mut all = Vec::new();
    for Sealed { table, column, .. } in SEALED {
        let sql = format!(
            "select get_byte(\"{column}\", 0) as tag, count(*) as rows from \"{table}\"
             where octet_length(\"{column}\") > 0 and get_byte(\"{column}\", 0) <> $1
             group by 1 order by 1"
        );
        let counts: Vec<Count> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(i32::from(crypto.tag()))
            .fetch_all(&mut *conn)
            .await?;
        all.extend(counts.into_iter().map(|count| Left {
            column: format!("{table}.{column}"),
            key: count.tag & 0x7f,
            sm4: count.tag & 0x80 != 0,
            rows: count.rows,
        }));
    }
    Ok(all)
}

/// Says to the database that what is only added to is sealed anew, until the transaction ends.
///
/// # Errors
/// The database's.
async fn announced(conn: &mut Connection) -> sqlx::Result<()> {
    sqlx::query!("select set_config('zhixiang.resealing', 'on', true) as said")
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// The row's columns as JSON: bytes are hexadecimal.
fn object<'c>(columns: impl Iterator<Item = &'c str>) -> String {
    let fields: Vec<String> = columns.map(|name| format!("'{name}', t.\"{name}\"")).collect();
    format!("jsonb_build_object({})", fields.join(", "))
}

fn bytes(row: &Map<String, Value>, column: &str) -> Option<Vec<u8>> {
    hex::decode(row.get(column)?.as_str()?.strip_prefix("\\x")?).ok()
}

/// Seals at most `limit` rows of a column anew, of those after `place`; the next place, or none when
/// the end was reached. Rows that somebody else holds are left to the next run: a run never waits for
/// a lock while it holds others, and a value that changed meanwhile is not touched.
///
/// # Errors
/// The database's; of a table that is only added to, for whoever does not own it.
pub async fn reseal(
    conn: &mut Connection,
    crypto: &Crypto,
    of: &Sealed,
    place: &Place,
    limit: i64,
) -> sqlx::Result<(Done, Option<Place>)> {
    announced(conn).await?;
    let Sealed { table, column, context } = of;
    let columns = object(named(context).chain([*column]));
    let sql = format!(
        "select t.ctid::text as place, {columns} as columns from \"{table}\" t
         where t.ctid > $1::tid and octet_length(t.\"{column}\") > 0
             and get_byte(t.\"{column}\", 0) <> $2
         order by t.ctid limit $3 for update skip locked"
    );
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(&place.0)
        .bind(i32::from(crypto.tag()))
        .bind(limit)
        .fetch_all(&mut *conn)
        .await?;
    let Some(last) = rows.last() else { return Ok((Done::default(), None)) };
    let next = Place(last.place.clone());
    let (mut places, mut old, mut new, mut broken) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for row in rows {
        let Value::Object(values) = row.columns else { continue };
        let Some(sealed) = bytes(&values, column) else { continue };
        let context = filled(context, &values);
        match crypto.open(&context, &sealed) {
            Ok(plain) => {
                new.push(crypto.seal(&context, &plain));
                places.push(row.place);
                old.push(sealed);
            }
            Err(Broken) => broken += 1,
        }
    }
    let sql = format!(
        "update \"{table}\" t set \"{column}\" = v.new
         from unnest($1::text[], $2::bytea[], $3::bytea[]) as v (place, old, new)
         where t.ctid = v.place::tid and t.\"{column}\" = v.old"
    );
    let updated =
        sqlx::query(AssertSqlSafe(sql)).bind(&places).bind(&old).bind(&new).execute(conn).await?;
    Ok((Done { changed: updated.rows_affected(), broken }, Some(next)))
}

/// The value of an index as it is to be now; none where what it is made of is not there, or nothing
/// opens it.
fn made(
    crypto: &Crypto,
    index: &Index,
    row: &Map<String, Value>,
) -> Result<Option<Vec<u8>>, Broken> {
    let mut parts = Vec::new();
    for column in index.of {
        let part = match context(index.table, column) {
            Some(context) => match bytes(row, column).filter(|bytes| !bytes.is_empty()) {
                Some(sealed) => crypto.open_text(&filled(context, row), &sealed)?,
                None => return Ok(None),
            },
            None => match row.get(*column).and_then(Value::as_str) {
                Some(text) => text.to_owned(),
                None => return Ok(None),
            },
        };
        parts.push(part);
    }
    let text = (index.joined)(&parts);
    // What was erased is found by nothing.
    if parts.iter().any(|part| part == super::MARK) {
        return Ok(None);
    }
    Ok(Some(match index.by {
        By::Index => crypto.index(index.purpose, text.as_bytes()).to_vec(),
        By::Mac => crypto.mac(index.purpose, text.as_bytes()).to_vec(),
    }))
}

async fn rows(
    conn: &mut Connection,
    index: &Index,
    place: &Place,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    let Index { table, column, of, .. } = index;
    let contexts = of.iter().filter_map(|of| context(table, of)).flat_map(named);
    let columns = object(of.iter().copied().chain(contexts).chain([*column]));
    let sql = format!(
        "select t.ctid::text as place, {columns} as columns from \"{table}\" t
         where t.ctid > $1::tid and octet_length(t.\"{column}\") > 0 order by t.ctid limit $2"
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(&place.0).bind(limit).fetch_all(conn).await
}

/// Makes every index of a column anew, of the rows after `place`, at most `limit`; the next place, or
/// none when the end was reached. Call it for all of them in one transaction: half of them would be
/// found by nothing.
///
/// # Errors
/// The database's.
pub async fn reindex(
    conn: &mut Connection,
    crypto: &Crypto,
    index: &Index,
    place: &Place,
    limit: i64,
) -> sqlx::Result<(Done, Option<Place>)> {
    announced(conn).await?;
    let found = rows(conn, index, place, limit).await?;
    let Some(last) = found.last() else { return Ok((Done::default(), None)) };
    let next = Place(last.place.clone());
    let (mut places, mut old, mut new, mut broken) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for row in found {
        let Value::Object(values) = row.columns else { continue };
        let Some(before) = bytes(&values, index.column) else { continue };
        match made(crypto, index, &values) {
            Ok(Some(value)) if value != before => {
                places.push(row.place);
                old.push(before);
                new.push(value);
            }
            Ok(_) => {}
            Err(Broken) => broken += 1,
        }
    }
    let Index { table, column, .. } = index;
    let sql = format!(
        "update \"{table}\" t set \"{column}\" = v.new
         from unnest($1::text[], $2::bytea[]) as v (place, new) where t.ctid = v.place::tid"
    );
    let updated =
        sqlx::query(AssertSqlSafe(sql)).bind(&places).bind(&new).execute(&mut *conn).await?;
    if let Some((table, column)) = index.follows {
        let sql = format!(
            "update \"{table}\" t set \"{column}\" = v.new
             from unnest($1::bytea[], $2::bytea[]) as v (old, new) where t.\"{column}\" = v.old"
        );
        sqlx::query(AssertSqlSafe(sql)).bind(&old).bind(&new).execute(conn).await?;
    }
    Ok((Done { changed: updated.rows_affected(), broken }, Some(next)))
}

/// The columns whose indexes were made by another key or algorithm than is configured, by the first rows of
/// each: nobody would be found by them, and whoever logs in would be somebody new.
///
/// # Errors
/// The database's.
pub async fn strange(conn: &mut Connection, crypto: &Crypto) -> sqlx::Result<Vec<String>> {
    let mut all = Vec::new();
    for index in INDEXES {
        for row in rows(conn, index, &Place::default(), LOOKED_AT).await? {
            let Value::Object(values) = row.columns else { continue };
            let fits = match made(crypto, index, &values) {
                Ok(Some(value)) => bytes(&values, index.column) == Some(value),
                Ok(None) => true,
                Err(Broken) => false,
            };
            if !fits {
                all.push(format!("{}.{}", index.table, index.column));
            }
        }
    }
    Ok(all)
}
