//! Complaints that are likely about the same matter, and repeats of one reporter.

use domain::{
    complaint::{DUPLICATE_METRES, DUPLICATE_WITHIN, Pair, Status},
    id::ComplaintId,
    org::NodeCode,
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// A complaint that may be about the same matter.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its id.
    pub id: ComplaintId,
    /// Its number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// The community it is about.
    pub community: NodeCode,
    /// When it came in.
    pub submitted_at: Timestamp,
    /// What the two have in common.
    pub pair: Pair,
}

/// The most candidates that are looked at.
const MOST: i64 = 200;

/// The open complaints within the scope that may be about the same matter: nearby, of the last
/// weeks, with words in common; none across the scope. The words are found by their index.
///
/// # Errors
/// The database is away.
pub async fn candidates(
    conn: &mut Connection,
    scope: &Scope,
    of: ComplaintId,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with given as (
               select id, community_code, lng, lat, submitted_at,
                   bigrams(title || ' ' || content) as words,
                   (select coalesce(max(repeat_of::text), c.id::text)::uuid from complaint_repeat r
                       where r.complaint_id = c.id) as first
               from complaint c where id = $1
           ), near as (
               select c.id, c.number, c.title, c.status, c.community_code, c.submitted_at,
                   bigrams(c.title || ' ' || c.content) as words,
                   c.community_code = given.community_code as same_community,
                   -- Flat enough within a district: a degree north is 111,320 m.
                   sqrt(power((c.lat - given.lat) * 111320, 2)
                       + power((c.lng - given.lng) * 111320 * cos(radians(given.lat)), 2)) as metres,
                   given.words as given_words, given.submitted_at as given_at,
                   coalesce(r.repeat_of, c.id) = given.first as repeat
               from given
               join complaint c on bigrams(c.title || ' ' || c.content) && given.words
               left join complaint_repeat r on r.complaint_id = c.id
               where c.id <> given.id
                   and ($2 or c.community_code like any($3))
                   and c.status in ('submitted', 'accepted', 'dispatched', 'handling')
                   and c.submitted_at between given.submitted_at - $4 * interval '1 day'
                       and given.submitted_at + $4 * interval '1 day'
           )
           select id as "id!: ComplaintId", number as "number!", title as "title!",
               status as "status!: Status", community_code as "community!: NodeCode",
               submitted_at as "submitted_at!", same_community as "same_community!", metres,
               given_at as "given_at!", repeat as "repeat!",
               cardinality(array(select unnest(words) intersect select unnest(given_words)))
                   as "shared!",
               cardinality(words) as "one!", cardinality(given_words) as "other!"
           from near
           where same_community or metres <= $5 or repeat
           order by submitted_at desc, id desc
           limit $6"#,
        of.0,
        scope.everything(),
        &scope.area_patterns(),
        f64::from(i32::try_from(DUPLICATE_WITHIN.num_days()).unwrap_or(i32::MAX)),
        DUPLICATE_METRES,
        MOST,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            id: row.id,
            number: row.number,
            title: row.title,
            status: row.status,
            community: row.community,
            submitted_at: row.submitted_at,
            pair: Pair {
                repeat: row.repeat,
                same_community: row.same_community,
                metres: row.metres,
                apart: row.submitted_at - row.given_at,
                shared: row.shared,
                one: row.one,
                other: row.other,
            },
        })
        .collect())
}

/// 同一反映人重复提交
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RepeatView {
    /// 最先的一件
    pub id: ComplaintId,
    /// 最先一件的编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 最先一件的状态
    pub status: Status,
    /// 一共重复了几次
    pub times: i64,
}

/// The first complaint that this one repeats, if it is marked as a repeat. For the centre.
///
/// # Errors
/// The database is away.
pub async fn repeat_of(
    conn: &mut Connection,
    scope: &Scope,
    of: ComplaintId,
) -> Result<Option<RepeatView>, sqlx::Error> {
    sqlx::query_as!(
        RepeatView,
        r#"select first.id as "id: ComplaintId", first.number, first.status as "status: Status",
               (select count(*) from complaint_repeat all_of
                   where all_of.repeat_of = first.id) as "times!"
           from complaint_repeat r join complaint first on first.id = r.repeat_of
           where r.complaint_id = $1 and $2"#,
        of.0,
        scope.everything(),
    )
    .fetch_optional(conn)
    .await
}
