//! What each unit did in a month, counted from its tasks and from what residents said.

use domain::{
    rates::{GroupRates, PeerGroup, RateRow, RateRules, rates},
    scope::Scope,
    time::{Month, Timestamp},
};

use crate::postgres::Connection;

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
/// A community's duties count for its subdistrict. Direct answers have no task and so no row, and
/// imported history has none either. Assist tasks and whistles are not looked at.
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
    let mut groups = rates(count(conn, month, now).await?, rules);
    for group in &mut groups {
        group.rows.retain(|row| is_readable(scope, &row.unit));
    }
    Ok(groups)
}

/// A unit reads its own row, and an officer the row of the subdistrict in which their area counts.
fn is_readable(scope: &Scope, unit: &str) -> bool {
    let is_division = unit.bytes().all(|byte| byte.is_ascii_digit());
    scope.everything()
        || scope.units().iter().any(|own| own == unit)
        || (is_division
            && scope.areas().iter().any(|area| area.starts_with(unit) || unit.starts_with(area)))
}

async fn count(
    conn: &mut Connection,
    month: Month,
    now: Timestamp,
) -> Result<Vec<RateRow>, sqlx::Error> {
    let (from, to) = month.bounds();
    let rows = sqlx::query!(
        r#"
        with first as (
            -- until: when the centre gave the complaint to the next lead.
            select task.*, ranked.code as ranked_unit, complaint.closed_as,
                complaint.excluded_at is not null as excluded, (
                    select min(next.dispatched_at) from task as next
                    where next.complaint_id = task.complaint_id and next.line = 0
                        and next.rework_of is null and next.status not in ('returned', 'cancelled')
                        and next.dispatched_at > task.dispatched_at
                ) as until
            from task
            join complaint on complaint.id = task.complaint_id
            join org_node as own on own.code = task.unit
            join org_node as ranked on ranked.peer_group is not null
                and ranked.code = case when own.peer_group is null then own.parent_code else own.code end
            where task.dispatched_at >= $1 and task.dispatched_at < $2
                and task.role = 'lead' and task.rework_of is null and task.status <> 'cancelled'
                and complaint.status <> 'merged'
        ), duty as (
            select first.*, status <> 'returned' as kept,
                status <> 'returned' and not excluded as rated,
                closed_as = 'not_reached' and until is null as not_reached,
                chain.reworked, chain.overdue
            from first
            cross join lateral (
                select coalesce(bool_or(part.rework_of is not null), false) as reworked,
                    coalesce(bool_or(
                        coalesce(part.acknowledged_at, part.ended_at, $3) > part.acknowledge_by
                        or coalesce(part.contacted_at, part.ended_at, $3) > part.contact_by
                        or coalesce(part.arrived_at, part.ended_at, $3) > part.arrive_by
                        or coalesce(part.replied_at, part.ended_at, $3) > part.reply_by
                    ), false) as overdue
                from task as part
                where part.complaint_id = first.complaint_id and part.line = 0
                    and (part.id = first.id or (part.rework_of is not null
                        and part.dispatched_at >= first.dispatched_at
                        and (first.until is null or part.dispatched_at < first.until)))
            ) as chain
        ), answer as (
            select distinct on (duty.id, speaker.id) duty.id as duty_id,
                speaker.id = duty.complaint_id as own, evaluation.solved, evaluation.satisfaction,
                evaluation.contacted
            from duty
            join complaint as speaker
                on speaker.id = duty.complaint_id or speaker.merged_into = duty.complaint_id
            join evaluation on evaluation.complaint_id = speaker.id
                and evaluation.at >= duty.dispatched_at
                and (duty.until is null or evaluation.at < duty.until)
            where duty.rated
                -- What a child said before it was merged was about its own lead.
                and (speaker.id = duty.complaint_id or not exists (
                    select from event where event.subject_id = speaker.id
                        and event.kind = 'merged' and event.at > evaluation.at))
                and not (speaker.id = duty.complaint_id and coalesce(duty.not_reached, false))
            order by duty.id, speaker.id, evaluation.at desc, evaluation.id desc
        ), told as (
            select duty_id, count(*) as answers, count(*) filter (where solved) as solved,
                count(*) filter (where satisfaction >= 3) as satisfied,
                coalesce(bool_or(own and not contacted), false) as says_nobody_called
            from answer group by duty_id
        ), counted as (
            select duty.*, coalesce(told.answers, 0) as answers, coalesce(told.solved, 0) as solved,
                coalesce(told.satisfied, 0) as satisfied,
                rated and contact_by is not null and not coalesce(not_reached, false) as contact_due,
                contacted_at <= contact_by and not coalesce(told.says_nobody_called, false)
                    as contacted_in_time
            from duty left join told on told.duty_id = duty.id
        )
        select node.code as unit, node.name, node.peer_group as "group!: PeerGroup",
            count(*) filter (where kept) as "tasks!",
            count(*) filter (where contact_due) as "contact_due!",
            count(*) filter (where contact_due and contacted_in_time) as "contacted_in_time!",
            coalesce(sum(answers), 0)::bigint as "answers!",
            coalesce(sum(solved), 0)::bigint as "solved!",
            coalesce(sum(satisfied), 0)::bigint as "satisfied!",
            count(*) filter (where rated and not_reached) as "not_reached!",
            count(*) filter (where kept and excluded) as "excluded!",
            count(*) filter (where rated and reworked) as "reworked!",
            count(*) filter (where rated and (acknowledged_at is not null or acknowledge_by <= $3))
                as "acknowledge_due!",
            count(*) filter (where rated and acknowledged_at <= acknowledge_by)
                as "on_time_acknowledge!",
            count(*) filter (where rated and (replied_at is not null or reply_by <= $3))
                as "reply_due!",
            count(*) filter (where rated and replied_at <= reply_by) as "on_time_reply!",
            count(*) filter (where not kept) as "returned!",
            count(*) filter (where rated and overdue) as "overdue!",
            count(*) filter (where rated and status = 'confirmed') as "confirmed!",
            count(*) filter (
                where rated and status = 'confirmed' and send_backs = 0 and not reworked
            ) as "one_pass!"
        from org_node as node
        left join counted on counted.ranked_unit = node.code
        where node.peer_group is not null and (node.active or counted.id is not null)
        group by node.code
        "#,
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
        })
        .collect())
}
