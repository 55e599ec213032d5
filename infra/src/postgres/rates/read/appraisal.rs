//! What blowers said of a unit in a month (评哨), which is part of its ranking: each appraisal counts
//! in the month in which it was given, as in the watch over whistles, so that none is lost to a month
//! that is frozen already.

use domain::{
    id::WhistleId,
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    time::{Month, Timestamp},
    whistle::{Kind, Level},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::is_readable;
use crate::postgres::Connection;

/// A whistle by which a unit was appraised.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AppraisedWhistle {
    /// The whistle.
    pub whistle_id: WhistleId,
    /// Its title.
    pub title: String,
    /// How hard it is.
    pub kind: Kind,
    /// Who had to come.
    pub level: Level,
    /// The community or subdistrict that blew and judged.
    pub blower: NodeCode,
    /// Its name.
    pub blower_name: String,
    /// When it judged.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// 报到效率, 1–5.
    pub speed: i16,
    /// 办理情况, 1–5.
    pub handling: i16,
    /// 结果满意度, 1–5.
    pub result: i16,
}

impl AppraisedWhistle {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: self.whistle_id.0 }
    }
}

/// The whistles behind a unit's appraisal, newest first, one more than the page: those that the
/// scope may read.
///
/// # Errors
/// The database is away.
pub async fn whistles(
    conn: &mut Connection,
    scope: &Scope,
    (month, unit): (Month, &str),
    page: PageRequest,
) -> Result<Vec<AppraisedWhistle>, sqlx::Error> {
    if !is_readable(scope, unit) {
        return Ok(Vec::new());
    }
    let (from, to) = month.bounds();
    sqlx::query_as!(
        AppraisedWhistle,
        r#"select w.id as "whistle_id: WhistleId", w.title, w.kind as "kind: Kind",
               w.level as "level: Level", w.blower as "blower: NodeCode",
               blower.name as blower_name, given.at as "at!", given.speed as "speed!",
               given.handling as "handling!", given.result as "result!"
           from rate_appraisal($1, $2, $3) as given
           join whistle w on w.id = given.whistle_id
           join org_node blower on blower.code = w.blower
           where given.unit = $4
               and ($5 or w.community_code like any($6) or exists (
                   select from task t where t.whistle_id = w.id and t.unit = any($7)))
               and ($8::timestamptz is null or (given.at, w.id) < ($8, $9))
           order by given.at desc, w.id desc
           limit $10"#,
        month.first(),
        from,
        to,
        unit,
        scope.everything(),
        &scope.area_patterns(),
        scope.units(),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
