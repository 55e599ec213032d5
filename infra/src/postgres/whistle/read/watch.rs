//! What is counted for the watch over a month's whistles.

use domain::{
    rates::PeerGroup,
    scope::Scope,
    sla::WhistleRules,
    time::Month,
    whistle::{AppraisedUnit, BlowRate, Scores, ranking},
};

use crate::postgres::Connection;

/// How often each community of the scope blew in a month. A complaint counts in the month of its
/// submission, a whistle in the month in which it was blown, whatever became of it.
///
/// # Errors
/// The database is away.
pub async fn communities(
    conn: &mut Connection,
    scope: &Scope,
    month: Month,
    rules: &WhistleRules,
) -> Result<Vec<BlowRate>, sqlx::Error> {
    let (from, to) = month.bounds();
    let rows = sqlx::query!(
        r#"select place.code, place.name,
               coalesce(reported.total, 0) as "complaints!", coalesce(blown.total, 0) as "whistles!"
           from org_node place
           left join (
               select community_code, count(*) as total from complaint
               where submitted_at >= $1 and submitted_at < $2 group by 1
           ) as reported on reported.community_code = place.code
           left join (
               select community_code, count(*) as total from whistle
               where blown_at >= $1 and blown_at < $2 group by 1
           ) as blown on blown.community_code = place.code
           where place.kind in ('community', 'village') and place.active
               and ($3 or place.code like any($4))
           order by place.code"#,
        from,
        to,
        scope.everything(),
        &scope.area_patterns(),
    )
    .fetch_all(conn)
    .await?;
    let whole = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|row| {
            let who = (row.code, row.name);
            BlowRate::of(who, whole(row.complaints), whole(row.whistles), rules)
        })
        .collect())
}

/// How the units were appraised in a month, ranked over the whole of each group and then cut to
/// what the scope may read: a unit its own row, the centre all.
///
/// # Errors
/// The database is away.
pub async fn units(
    conn: &mut Connection,
    scope: &Scope,
    month: Month,
    rules: &WhistleRules,
) -> Result<Vec<AppraisedUnit>, sqlx::Error> {
    let (from, to) = month.bounds();
    let rows = sqlx::query!(
        r#"select a.unit, u.name, u.peer_group as "peer_group!: PeerGroup", count(*) as "sample!",
               sum(a.speed) as "speed!", sum(a.handling) as "handling!", sum(a.result) as "result!"
           from appraisal a join org_node u on u.code = a.unit
           where a.at >= $1 and a.at < $2 and u.peer_group is not null
           group by a.unit, u.name, u.peer_group"#,
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    let whole = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let scores = rows.into_iter().map(|row| Scores {
        unit: row.unit,
        group: row.peer_group,
        name: row.name,
        sample: whole(row.sample),
        speed: whole(row.speed),
        handling: whole(row.handling),
        result: whole(row.result),
    });
    let mut ranked = ranking(scores.collect(), rules);
    ranked.retain(|row| scope.everything() || scope.units().contains(&row.unit));
    Ok(ranked)
}
