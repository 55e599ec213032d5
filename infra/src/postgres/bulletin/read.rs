//! Frozen months as they are read.

use domain::{
    bulletin::{Contents, Figures},
    rates::RateRules,
    time::{Month, Timestamp},
};
use sqlx::types::Json;

use crate::postgres::Connection;

/// A frozen month.
#[derive(Debug, Clone)]
pub struct Frozen {
    /// Which.
    pub month: Month,
    /// Since when.
    pub frozen_at: Timestamp,
    /// Since when every member of the staff may read its bulletin.
    pub published_at: Option<Timestamp>,
    /// The rules it was counted by.
    pub rules: RateRules,
    /// Every group and the centre; whoever shows them cuts them to the reader's scope, unless the
    /// bulletin is published.
    pub figures: Figures,
    /// What the bulletin says beside them.
    pub contents: Contents,
}

/// A month, if it is frozen.
///
/// # Errors
/// The database is away.
pub async fn frozen(conn: &mut Connection, month: Month) -> Result<Option<Frozen>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select period, frozen_at, published_at, rules as "rules: Json<RateRules>",
               figures as "figures: Json<Figures>", contents as "contents: Json<Contents>"
           from rate_snapshot where period = $1"#,
        month.first(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Frozen {
        month: Month::containing(row.period),
        frozen_at: row.frozen_at,
        published_at: row.published_at,
        rules: row.rules.0,
        figures: row.figures.0,
        contents: row.contents.0,
    }))
}

/// A frozen month in a list.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// Which.
    pub month: Month,
    /// Since when.
    pub frozen_at: Timestamp,
    /// Since when it is published.
    pub published_at: Option<Timestamp>,
}

/// Frozen months, the last first, at most 120; those not published only for `unpublished`.
///
/// # Errors
/// The database is away.
pub async fn list(conn: &mut Connection, unpublished: bool) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        "select period, frozen_at, published_at from rate_snapshot
         where $1 or published_at is not null
         order by period desc limit 120",
        unpublished,
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        month: Month::containing(row.period),
        frozen_at: row.frozen_at,
        published_at: row.published_at,
    });
    Ok(listed.collect())
}
