//! What each unit did in a month, counted from its tasks and from what residents said; the sums and
//! the cases behind them come from one relation, `rate_case` (infra/migrations, bulletin).

use domain::{
    complaint::{Kind, Status},
    id::{ComplaintId, TaskId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    rates::{Figure, GroupRates, PeerGroup, RateRow, RateRules, rates},
    scope::Scope,
    task,
    time::{Month, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

pub mod appraisal;
pub mod centre;
#[cfg(test)]
mod tests;

/// The rates of a month as they stand at `now`, ranked over the whole of each group and then cut to
/// what the scope may read. All three groups always; in each, every active unit of the scope, and
/// inactive ones that had tasks.
///
/// What is counted is the *duty* of a lead on one complaint: its first task. Reworks continue it
/// and are no tasks of their own here, or a unit could dilute a late first contact by doing the
/// same work twice. So:
/// - a duty belongs to the month in which its first task was dispatched, whenever the answer comes;
/// - a returned task is no duty (it is counted as returned), nor is a cancelled one, nor one of a
///   complaint that was merged: its reporter counts for the lead of the case it follows;
/// - its answers are the last evaluation of each reporter, merged ones included, given while the
///   duty stood: where the centre dispatched again after a consultation, what was said before
///   counts for the former lead, what was said after for the new one;
/// - response looks at the first contact of the first task, and believes the reporter's last word
///   on whether anybody called. A contact that is not due yet is one that had to be made;
/// - an excluded case, and a reporter whom two follow-up rounds did not reach, count in no rate.
///
/// - while a complaint is suspended nothing falls due, as in the list of tasks.
///
/// A community's duties count for its subdistrict. Direct answers have no task and so no row: they
/// count for the centre ([`centre`]). Imported history has none either. Assist tasks and those of
/// whistles are not looked at; what blowers say of a unit stands beside the rates ([`appraisal`]). A
/// month that is frozen is counted from what was kept then.
///
/// # Errors
/// The database is away.
pub async fn month(
    conn: &mut Connection,
    scope: &Scope,
    month: Month,
    rules: &RateRules,
    now: Timestamp,
) -> Result<Vec<GroupRates>, sqlx::Error> {
    Ok(within(scope, rates(count(conn, month, now).await?, rules)))
}

/// The rows of a month that the scope may read.
pub fn within(scope: &Scope, mut groups: Vec<GroupRates>) -> Vec<GroupRates> {
    for group in &mut groups {
        group.rows.retain(|row| is_readable(scope, &row.unit));
    }
    groups
}

/// A unit reads its own row, and an officer the row of the subdistrict in which their area counts.
fn is_readable(scope: &Scope, unit: &str) -> bool {
    let is_division = unit.bytes().all(|byte| byte.is_ascii_digit());
    scope.everything()
        || scope.units().iter().any(|own| own == unit)
        || (is_division
            && scope.areas().iter().any(|area| area.starts_with(unit) || unit.starts_with(area)))
}

/// Every unit's numbers of a month.
///
/// # Errors
/// The database is away.
pub(in crate::postgres) async fn count(
    conn: &mut Connection,
    month: Month,
    now: Timestamp,
) -> Result<Vec<RateRow>, sqlx::Error> {
    let (from, to) = month.bounds();
    let rows = sqlx::query!(
        r#"select node.code as unit, node.name, node.peer_group as "group!: PeerGroup",
               coalesce(sum(tasks), 0) as "tasks!",
               coalesce(sum(contact_due), 0) as "contact_due!",
               coalesce(sum(contacted_in_time), 0) as "contacted_in_time!",
               coalesce(sum(answers), 0) as "answers!",
               coalesce(sum(solved), 0) as "solved!",
               coalesce(sum(satisfied), 0) as "satisfied!",
               coalesce(sum(not_reached), 0) as "not_reached!",
               coalesce(sum(excluded), 0) as "excluded!",
               coalesce(sum(reworked), 0) as "reworked!",
               coalesce(sum(acknowledge_due), 0) as "acknowledge_due!",
               coalesce(sum(on_time_acknowledge), 0) as "on_time_acknowledge!",
               coalesce(sum(reply_due), 0) as "reply_due!",
               coalesce(sum(on_time_reply), 0) as "on_time_reply!",
               coalesce(sum(returned), 0) as "returned!",
               coalesce(sum(overdue), 0) as "overdue!",
               coalesce(sum(confirmed), 0) as "confirmed!",
               coalesce(sum(one_pass), 0) as "one_pass!",
               percentile_disc(0.5) within group (order by handling_seconds) / 60 as handling_median,
               percentile_disc(0.9) within group (order by handling_seconds) / 60 as handling_p90,
               coalesce(min(appraised.appraisals), 0) as "appraisals!",
               coalesce(min(appraised.score), 0) as "appraisal_score!"
           from org_node as node
           left join rate_case($1, $2, $3, $4) as counted on counted.unit = node.code
           left join (
               select unit, count(*) as appraisals, sum(speed + handling + result) as score
               from rate_appraisal($1, $2, $3) group by unit
           ) as appraised on appraised.unit = node.code
           where node.peer_group is not null
               and (node.active or counted.task_id is not null or appraised.unit is not null)
           group by node.code"#,
        month.first(),
        from,
        to,
        now,
    )
    .fetch_all(conn)
    .await?;
    let number = |counted: i64| u32::try_from(counted).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|row| RateRow {
            unit: row.unit,
            group: row.group,
            name: row.name,
            tasks: number(row.tasks),
            contact_due: number(row.contact_due),
            contacted_in_time: number(row.contacted_in_time),
            answers: number(row.answers),
            solved: number(row.solved),
            satisfied: number(row.satisfied),
            not_reached: number(row.not_reached),
            excluded: number(row.excluded),
            reworked: number(row.reworked),
            acknowledge_due: number(row.acknowledge_due),
            on_time_acknowledge: number(row.on_time_acknowledge),
            reply_due: number(row.reply_due),
            on_time_reply: number(row.on_time_reply),
            returned: number(row.returned),
            overdue: number(row.overdue),
            confirmed: number(row.confirmed),
            one_pass: number(row.one_pass),
            handling_median: row.handling_median.map(number),
            handling_p90: row.handling_p90.map(number),
            appraisals: number(row.appraisals),
            appraisal_score: number(row.appraisal_score),
        })
        .collect())
}

/// A case behind a number.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RateCase {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// Its number.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub kind: Kind,
    /// Where the complaint stands now.
    pub status: Status,
    /// The community it is about.
    pub community_code: NodeCode,
    /// The task by which it counts; null for the centre's own work.
    pub task_id: Option<TaskId>,
    /// The unit that has the task: for a subdistrict's figures it may be one of its communities.
    pub unit: Option<NodeCode>,
    /// Where the task stands now.
    pub task_status: Option<task::Status>,
    /// When its clock began: the dispatch, or what came before the centre.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How much it adds to the figure: more than 1 where several reporters answered.
    pub count: i32,
}

impl RateCase {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: self.task_id.map_or(self.complaint_id.0, |task| task.0) }
    }
}

/// The cases behind one figure of one unit, newest first, one more than the page: those that the
/// scope may read. For whoever reads the unit's row by its area, cases elsewhere stay out.
///
/// # Errors
/// The database is away.
pub async fn cases(
    conn: &mut Connection,
    scope: &Scope,
    (month, unit, figure): (Month, &str, Figure),
    page: PageRequest,
    now: Timestamp,
) -> Result<Vec<RateCase>, sqlx::Error> {
    if !is_readable(scope, unit) {
        return Ok(Vec::new());
    }
    let (from, to) = month.bounds();
    sqlx::query_as!(
        RateCase,
        r#"select c.id as "complaint_id: ComplaintId", c.number, c.title, c.kind as "kind: Kind",
               c.status as "status: Status", c.community_code as "community_code: NodeCode",
               t.id as "task_id?: TaskId", t.unit as "unit?: NodeCode",
               t.status as "task_status?: task::Status", counted.dispatched_at as "at!",
               (to_jsonb(counted) ->> $6)::int as "count!"
           from rate_case($1, $2, $3, $4) as counted
           join complaint c on c.id = counted.complaint_id
           join task t on t.id = counted.task_id
           where counted.unit = $5 and (to_jsonb(counted) ->> $6)::int > 0
               and ($7 or c.community_code like any($8) or c.units && $9)
               -- Whoever is reported does not read the report, nor do those under them.
               and ($7 or c.reported_unit is null or not exists (
                   select from unnest($9::text[]) as own (code)
                   where own.code like c.reported_unit || '%'))
               and ($10::timestamptz is null
                   or (counted.dispatched_at, counted.task_id) < ($10, $11))
           order by counted.dispatched_at desc, counted.task_id desc
           limit $12"#,
        month.first(),
        from,
        to,
        now,
        unit,
        figure.code(),
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
