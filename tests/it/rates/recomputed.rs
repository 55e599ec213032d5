//! The figures once more, by plain SQL that was written from the definitions alone
//! (三率 in the rules): one statement for each, none of the product's.

use std::collections::BTreeMap;

use domain::rates::{CentreFigure, Figure};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::world;
use crate::support::App;

/// What every statement begins with: the duties of November (a lead's first task, whose reworks
/// continue it), the tasks of each, and each reporter's last word to it.
const FACTS: &str = "
    with recursive line as (
        select id as duty, id as task from task
        where role = 'lead' and rework_of is null and complaint_id is not null
        union all
        select line.duty, task.id from line join task on task.rework_of = line.task
    ), november as (
        select task.*, complaint.excluded_at, complaint.suspended_at, complaint.closed_as,
            complaint.submitted_at,
            case when node.kind = 'community' then node.parent_code else node.code end as counts_for
        from task join complaint on complaint.id = task.complaint_id
            join org_node node on node.code = task.unit
        where task.id in (select duty from line) and complaint.status <> 'merged'
            and task.status <> 'cancelled'
            and to_char(task.dispatched_at at time zone 'Asia/Shanghai', 'YYYY-MM') = '2026-11'
    ), duty as (
        select * from november where status <> 'returned'
    ), rated as (
        select * from duty where excluded_at is null
    ), said as (
        select evaluation.*, speaker.id as speaker, speaker.merged_into is null as own, (
            select task.id from task
            where task.complaint_id = coalesce(speaker.merged_into, speaker.id) and task.line = 0
                and task.rework_of is null and task.status not in ('returned', 'cancelled')
                and task.dispatched_at <= evaluation.at
            order by task.dispatched_at desc limit 1) as duty
        from evaluation join complaint speaker on speaker.id = evaluation.complaint_id
    ), last_word as (
        select said.* from said where not exists (
            select from said later where later.speaker = said.speaker and later.duty = said.duty
                and (later.at, later.id) > (said.at, said.id))
    ), silent as (
        select * from rated where closed_as = 'not_reached'
    ), word as (
        select last_word.*, rated.counts_for from last_word join rated on rated.id = last_word.duty
        where not (own and duty in (select id from silent))
    ), part as (
        -- Nothing falls due while the complaint is suspended.
        select task.*, rated.id as duty, rated.counts_for,
            case when rated.suspended_at is null then $1 else rated.suspended_at end as clock
        from rated join line on line.duty = rated.id join task on task.id = line.task
    )";

/// Each figure by its own statement: `counts_for` and how many.
fn statement(figure: Figure) -> &'static str {
    match figure {
        Figure::Tasks => "select counts_for from duty",
        Figure::ContactDue => {
            "select counts_for from rated
             where contact_by is not null and id not in (select id from silent)"
        }
        Figure::ContactedInTime => {
            "select counts_for from rated
             where contacted_at <= contact_by and id not in (select id from silent)
                 and id not in (select duty from word where own and contacted = false)"
        }
        Figure::Answers => "select counts_for from word",
        Figure::Solved => "select counts_for from word where solved",
        Figure::Satisfied => "select counts_for from word where satisfaction in (3, 4, 5)",
        Figure::NotReached => "select counts_for from silent",
        Figure::Excluded => "select counts_for from duty where excluded_at is not null",
        Figure::Reworked => {
            "select counts_for from rated where (select count(*) from line where duty = rated.id) > 1"
        }
        Figure::AcknowledgeDue => {
            "select counts_for from part
             where id = duty and (acknowledged_at is not null or acknowledge_by <= clock)"
        }
        Figure::OnTimeAcknowledge => {
            "select counts_for from part where id = duty and acknowledged_at <= acknowledge_by"
        }
        Figure::ReplyDue => {
            "select counts_for from part where id = duty and (replied_at is not null or reply_by <= clock)"
        }
        Figure::OnTimeReply => {
            "select counts_for from part where id = duty and replied_at <= reply_by"
        }
        Figure::Returned => "select counts_for from november where status = 'returned'",
        Figure::Overdue => {
            "select distinct duty, counts_for from part
             where coalesce(acknowledged_at, ended_at, clock) > acknowledge_by
                 or coalesce(contacted_at, ended_at, clock) > contact_by
                 or coalesce(arrived_at, ended_at, clock) > arrive_by
                 or coalesce(replied_at, ended_at, clock) > reply_by"
        }
        Figure::Confirmed => "select counts_for from rated where status = 'confirmed'",
        Figure::OnePass => {
            "select counts_for from rated where status = 'confirmed' and send_backs = 0
                 and (select count(*) from line where duty = rated.id) = 1"
        }
    }
}

async fn recomputed(app: &App, figure: Figure) -> BTreeMap<String, i64> {
    let sql = format!(
        "{FACTS} select counts_for, count(*) from ({}) as found group by counts_for",
        statement(figure)
    );
    let rows: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(app.now())
        .fetch_all(app.db())
        .await
        .unwrap_or_else(|fault| panic!("{figure}: {fault}"));
    rows.into_iter().collect()
}

fn rows(rates: &Value) -> impl Iterator<Item = &Value> {
    rates["groups"].as_array().unwrap().iter().flat_map(|group| group["rows"].as_array().unwrap())
}

/// The rate that somebody gets who divides by hand.
fn divided(part: i64, whole: i64) -> Value {
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "small counts")]
    let rate = |part: i64, whole: i64| ((part as f64 / whole as f64) * 10_000.0).round() / 10_000.0;
    if whole == 0 { Value::Null } else { Value::from(rate(part, whole)) }
}

#[tokio::test]
async fn every_figure_is_what_plain_sql_counts_and_opens_to_its_cases() {
    let app = world::november().await;
    let leader = app.as_("leader");
    let rates = leader.get("/rates?period=2026-11").await.expect(200);
    assert!(rates["frozen_at"].is_null());
    let mut sums = BTreeMap::new();
    let mut counted: BTreeMap<(String, Figure), i64> = BTreeMap::new();
    for figure in Figure::ALL {
        let mut expected = recomputed(&app, *figure).await;
        for row in rows(&rates) {
            let unit = row["unit"].as_str().unwrap();
            let count = row["counts"][figure.code()].as_i64().unwrap();
            assert_eq!(count, expected.remove(unit).unwrap_or(0), "{unit}: {figure}");
            *sums.entry(*figure).or_insert(0) += count;
            counted.insert((unit.to_owned(), *figure), count);
        }
        assert!(expected.is_empty(), "{figure}: units that are not shown: {expected:?}");
    }
    let none: Vec<_> = sums.iter().filter(|(_, sum)| **sum == 0).collect();
    assert!(none.is_empty(), "a world that says nothing of {none:?}");

    for ((unit, figure), count) in &counted {
        if *count > 0 {
            let path = format!("/rates/cases?period=2026-11&unit={unit}&figure={figure}&limit=2");
            let cases = leader.all(&path).await;
            let sum: i64 = cases.iter().map(|case| case["count"].as_i64().unwrap()).sum();
            assert_eq!(sum, *count, "{path}: {cases:?}");
        }
    }
    for row in rows(&rates) {
        let unit = row["unit"].as_str().unwrap();
        let count = |figure| counted[&(unit.to_owned(), figure)];
        for (rate, part, whole) in [
            ("response_rate", count(Figure::ContactedInTime), count(Figure::ContactDue)),
            ("solved_rate", count(Figure::Solved), count(Figure::Answers)),
            ("satisfied_rate", count(Figure::Satisfied), count(Figure::Answers)),
            ("not_reached_share", count(Figure::NotReached), count(Figure::Tasks)),
            ("excluded_share", count(Figure::Excluded), count(Figure::Tasks)),
            ("reworked_share", count(Figure::Reworked), count(Figure::Tasks)),
            (
                "on_time_acknowledge_rate",
                count(Figure::OnTimeAcknowledge),
                count(Figure::AcknowledgeDue),
            ),
            ("on_time_reply_rate", count(Figure::OnTimeReply), count(Figure::ReplyDue)),
            (
                "return_rate",
                count(Figure::Returned),
                count(Figure::Returned) + count(Figure::Tasks),
            ),
            ("overdue_rate", count(Figure::Overdue), count(Figure::Tasks)),
            ("one_pass_rate", count(Figure::OnePass), count(Figure::Confirmed)),
        ] {
            assert_eq!(row[rate], divided(part, whole), "{unit}: {rate}");
        }
        handling(&app, row).await;
    }
    let mut appraised = 0;
    for group in rates["groups"].as_array().unwrap() {
        for row in group["rows"].as_array().unwrap() {
            appraised += appraisal(&app, group["group"].as_str().unwrap(), row).await;
        }
    }
    assert_eq!(appraised, 3, "a world in which three units were appraised");
}

/// What blowers said of a unit, and what that does to its score: two thirds of the composite and
/// one of the appraisal. Answers how many there are, each of which the drill-down opens.
async fn appraisal(app: &App, group: &str, row: &Value) -> i64 {
    let unit = row["unit"].as_str().unwrap();
    let (given, sum): (i64, i64) = sqlx::query_as(
        "select count(*), coalesce(sum(speed), 0) + coalesce(sum(handling), 0) + coalesce(sum(result), 0)
         from appraisal
         where unit = $1 and to_char(at at time zone 'Asia/Shanghai', 'YYYY-MM') = '2026-11'",
    )
    .bind(unit)
    .fetch_one(app.db())
    .await
    .unwrap();
    let said = divided(sum, given * 15);
    assert_eq!((&row["appraisals"], &row["appraisal"]), (&Value::from(given), &said), "{unit}");
    let expected = match (row["composite"].as_f64(), said.as_f64()) {
        (Some(composite), Some(said)) if group != "subdistrict" => {
            let whole = (composite * 20_000.0).round() + (said * 10_000.0).round();
            Value::from((whole / 3.0).round() / 10_000.0)
        }
        _ => row["composite"].clone(),
    };
    assert_eq!(row["score"], expected, "{unit}: {row}");
    let path = format!("/rates/appraisals?period=2026-11&unit={unit}&limit=1");
    let whistles = app.as_("leader").all(&path).await;
    let scores =
        whistles.iter().flat_map(|one| ["speed", "handling", "result"].map(|key| &one[key]));
    let opened: i64 = scores.map(|score| score.as_i64().unwrap()).sum();
    assert_eq!((i64::try_from(whistles.len()).unwrap(), opened), (given, sum), "{path}");
    given
}

/// The handling time of a unit by hand: sorted, and counted off.
async fn handling(app: &App, row: &Value) {
    let sql = format!(
        "{FACTS} select extract(epoch from max(part.confirmed_at) - min(rated.submitted_at))::bigint
         from part join rated on rated.id = part.duty where part.counts_for = $2
         group by part.duty having bool_and(part.ended_at is not null) order by 1"
    );
    let seconds: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(app.now())
        .bind(row["unit"].as_str().unwrap())
        .fetch_all(app.db())
        .await
        .unwrap();
    let at = |percent: usize| {
        let place = (seconds.len() * percent).div_ceil(100).saturating_sub(1);
        seconds.get(place).map_or(Value::Null, |seconds| Value::from(seconds / 60))
    };
    assert_eq!((&row["handling_median_minutes"], &row["handling_p90_minutes"]), (&at(50), &at(90)));
}

#[tokio::test]
async fn the_centre_is_judged_as_well_and_direct_answers_are_its_own() {
    let app = world::november().await;
    let leader = app.as_("leader");
    let rates = leader.get("/rates?period=2026-11").await.expect(200);
    let centre = &rates["centre"];
    // Counted by hand from the story.
    let count = |kinds: &str, more: &str| {
        let sql = format!("select count(*) from event e where kind in ({kinds}) {more}");
        let db = app.db().clone();
        async move { sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(&db).await.unwrap() }
    };
    let begun = count("'submitted', 'appealed'", "").await;
    assert_eq!(centre["counts"]["dispatch_due"], begun, "all are done or due by now");
    assert_eq!(centre["counts"]["dispatched_in_time"], begun - 1, "one was never dispatched");
    assert_eq!(centre["counts"]["ruling_due"], 2);
    assert_eq!(centre["counts"]["ruled_in_time"], 1, "one return was never ruled on");
    let whistled = "and exists (select from complaint c where c.id = e.subject_id)";
    assert_eq!(centre["counts"]["confirm_due"], count("'task_replied'", whistled).await);
    assert_eq!(centre["on_time_confirm_rate"], 1.0);
    assert_eq!(
        (&centre["counts"]["answered"], &centre["counts"]["answers_appealed"]),
        (&Value::from(3), &Value::from(1))
    );
    for figure in CentreFigure::ALL {
        let path = format!("/rates/cases?period=2026-11&unit=centre&figure={figure}&limit=3");
        let cases = leader.all(&path).await;
        let sum: i64 = cases.iter().map(|case| case["count"].as_i64().unwrap()).sum();
        assert_eq!(centre["counts"][figure.code()], sum, "{figure}: {cases:?}");
    }
}
