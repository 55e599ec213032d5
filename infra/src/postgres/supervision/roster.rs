//! Duty rosters (值班表): names and phones are sealed.

use domain::{org::NodeCode, time::Timestamp};

use crate::postgres::Connection;

/// A shift as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who is on duty.
    pub name: Vec<u8>,
    /// The work phone.
    pub phone: Vec<u8>,
}

/// Puts a unit's roster in the place of the one before.
///
/// # Errors
/// The database is away.
pub async fn replace(
    conn: &mut Connection,
    unit: &NodeCode,
    shifts: &[Sealed],
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from duty_roster where unit = $1", unit.as_str())
        .execute(&mut *conn)
        .await?;
    let starts: Vec<Timestamp> = shifts.iter().map(|shift| shift.starts_at).collect();
    let ends: Vec<Timestamp> = shifts.iter().map(|shift| shift.ends_at).collect();
    let names: Vec<Vec<u8>> = shifts.iter().map(|shift| shift.name.clone()).collect();
    let phones: Vec<Vec<u8>> = shifts.iter().map(|shift| shift.phone.clone()).collect();
    sqlx::query!(
        "insert into duty_roster (unit, starts_at, ends_at, name_sealed, phone_sealed)
         select $1, * from unnest($2::timestamptz[], $3::timestamptz[], $4::bytea[], $5::bytea[])",
        unit.as_str(),
        &starts,
        &ends,
        &names,
        &phones,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A unit's shifts that are not over at an instant, in order.
///
/// # Errors
/// The database is away.
pub async fn from(
    conn: &mut Connection,
    unit: &NodeCode,
    at: Timestamp,
) -> Result<Vec<Sealed>, sqlx::Error> {
    sqlx::query_as!(
        Sealed,
        "select starts_at, ends_at, name_sealed as name, phone_sealed as phone
         from duty_roster where unit = $1 and ends_at > $2 order by starts_at",
        unit.as_str(),
        at,
    )
    .fetch_all(conn)
    .await
}
