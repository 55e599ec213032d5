//! The figures once more, by plain SQL that was written from the definitions alone
//! (三率 in the rules): one statement for each, none of the product's. On a month in which everything
//! happened, and on every month of a generated history.

use std::collections::{BTreeMap, BTreeSet};

use domain::rates::{CentreFigure, Figure};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::world;
use crate::support::App;

/// What every statement reads, as tables of one connection: the duties of every month (a lead's first
/// task, whose reworks continue it), the tasks of each, and each reporter's last word to it.
const FACTS: [(&str, &str); 9] = [
    (
        "line",
        "with recursive line as (
             select id as duty, id as task from task
             where role = 'lead' and rework_of is null and complaint_id is not null
             union all
             select line.duty, task.id from line join task on task.rework_of = line.task
         ) select * from line",
    ),
    (
        "given",
        "select task.*, complaint.excluded_at, complaint.suspended_at, complaint.closed_as,
             complaint.submitted_at,
             to_char(task.dispatched_at at time zone 'Asia/Shanghai', 'YYYY-MM') as month,
             case when node.kind = 'community' then node.parent_code else node.code end as counts_for
         from task join complaint on complaint.id = task.complaint_id
             join org_node node on node.code = task.unit
         where task.id in (select duty from line) and complaint.status <> 'merged'
             and task.status <> 'cancelled'",
    ),
    ("duty", "select * from given where status <> 'returned'"),
    ("rated", "select * from duty where excluded_at is null"),
    (
        "said",
        "select evaluation.*, speaker.id as speaker, speaker.merged_into is null as own, (
             select task.id from task
             where task.complaint_id = coalesce(speaker.merged_into, speaker.id) and task.line = 0
                 and task.rework_of is null and task.status not in ('returned', 'cancelled')
                 and task.dispatched_at <= evaluation.at
             order by task.dispatched_at desc limit 1) as duty
         from evaluation join complaint speaker on speaker.id = evaluation.complaint_id",
    ),
    (
        "last_word",
        "select said.* from said where not exists (
             select from said later where later.speaker = said.speaker and later.duty = said.duty
                 and (later.at, later.id) > (said.at, said.id))",
    ),
    (
        "silent",
        // Who answered one lead and was then not reached about the next is silent about the next.
        "select * from rated where closed_as = 'not_reached' and not exists (
             select from duty later where later.complaint_id = rated.complaint_id
                 and later.dispatched_at > rated.dispatched_at)",
    ),
    (
        "word",
        "select last_word.*, rated.month, rated.counts_for
         from last_word join rated on rated.id = last_word.duty
         where not (own and duty in (select id from silent))",
    ),
    (
        "part",
        // Nothing falls due while the complaint is suspended.
        "select task.*, rated.id as duty, rated.month, rated.counts_for,
             case when rated.suspended_at is null then $1 else rated.suspended_at end as clock
         from rated join line on line.duty = rated.id join task on task.id = line.task",
    ),
];

/// Each figure by its own statement: the month and unit of each that counts.
fn statement(figure: Figure) -> &'static str {
    match figure {
        Figure::Tasks => "select month, counts_for from duty",
        Figure::ContactDue => {
            "select month, counts_for from rated
             where contact_by is not null and id not in (select id from silent)"
        }
        Figure::ContactedInTime => {
            "select month, counts_for from rated
             where contacted_at <= contact_by and id not in (select id from silent)
                 and id not in (select duty from word where own and contacted = false)"
        }
        Figure::Answers => "select month, counts_for from word",
        Figure::Solved => "select month, counts_for from word where solved",
        Figure::Satisfied => "select month, counts_for from word where satisfaction in (3, 4, 5)",
        Figure::NotReached => "select month, counts_for from silent",
        Figure::Excluded => "select month, counts_for from duty where excluded_at is not null",
        Figure::Reworked => {
            "select month, counts_for from rated
             where id in (select duty from line group by duty having count(*) > 1)"
        }
        Figure::AcknowledgeDue => {
            "select month, counts_for from part
             where id = duty and (acknowledged_at is not null or acknowledge_by <= clock)"
        }
        Figure::OnTimeAcknowledge => {
            "select month, counts_for from part where id = duty and acknowledged_at <= acknowledge_by"
        }
        Figure::ReplyDue => {
            "select month, counts_for from part where id = duty and (replied_at is not null or reply_by <= clock)"
        }
        Figure::OnTimeReply => {
            "select month, counts_for from part where id = duty and replied_at <= reply_by"
        }
        Figure::Returned => "select month, counts_for from given where status = 'returned'",
        Figure::Overdue => {
            "select distinct duty, month, counts_for from part
             where coalesce(acknowledged_at, ended_at, clock) > acknowledge_by
                 or coalesce(contacted_at, ended_at, clock) > contact_by
                 or coalesce(arrived_at, ended_at, clock) > arrive_by
                 or coalesce(replied_at, ended_at, clock) > reply_by"
        }
        Figure::Confirmed => "select month, counts_for from rated where status = 'confirmed'",
        Figure::OnePass => {
            "select month, counts_for from rated where status = 'confirmed' and send_backs = 0
                 and id in (select duty from line group by duty having count(*) = 1)"
        }
    }
}

/// Every month's figures as plain SQL counts them.
struct Plain {
    counts: BTreeMap<(String, String, Figure), i64>,
    /// How long each duty took.
    seconds: BTreeMap<(String, String), Vec<i64>>,
}

impl Plain {
    async fn of(app: &App) -> Self {
        let mut conn = app.db().acquire().await.unwrap();
        for (name, rows) in FACTS {
            // A table is made of no parameters.
            let rows = rows.replace("$1", &format!("'{}'::timestamptz", app.now().to_rfc3339()));
            let sql = format!("create temp table {name} as {rows}; analyze {name}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap();
        }
        let mut counts = BTreeMap::new();
        for figure in Figure::ALL {
            let found = statement(*figure);
            let sql =
                format!("select month, counts_for, count(*) from ({found}) as found group by 1, 2");
            let rows: Vec<(String, String, i64)> = sqlx::query_as(AssertSqlSafe(sql))
                .fetch_all(&mut *conn)
                .await
                .unwrap_or_else(|fault| panic!("{figure}: {fault}"));
            let keyed = rows.into_iter().map(|(month, unit, n)| ((month, unit, *figure), n));
            counts.extend(keyed);
        }
        let rows: Vec<(String, String, Vec<i64>)> = sqlx::query_as(
            "select month, counts_for, array_agg(seconds order by seconds) from (
                 select part.month, part.counts_for,
                     extract(epoch from max(part.confirmed_at) - min(rated.submitted_at))::bigint as seconds
                 from part join rated on rated.id = part.duty
                 group by part.duty, part.month, part.counts_for
                 having bool_and(part.ended_at is not null)) as taken
             group by 1, 2",
        )
        .fetch_all(&mut *conn)
        .await
        .unwrap();
        let drop = FACTS.map(|(name, _)| name).join(", ");
        sqlx::raw_sql(AssertSqlSafe(format!("drop table {drop}")))
            .execute(&mut *conn)
            .await
            .unwrap();
        let seconds = rows.into_iter().map(|(month, unit, taken)| ((month, unit), taken)).collect();
        Self { counts, seconds }
    }

    fn months(&self) -> BTreeSet<String> {
        self.counts.keys().map(|(month, ..)| month.clone()).collect()
    }

    /// A month as the product shows it is the same, and shows every unit that did anything.
    fn check(&self, month: &str, rates: &Value) {
        let of = |unit: &str, figure| {
            let key = (month.to_owned(), unit.to_owned(), figure);
            self.counts.get(&key).copied().unwrap_or(0)
        };
        let shown: BTreeSet<&str> = rows(rates).map(|row| row["unit"].as_str().unwrap()).collect();
        let counted = self.counts.keys().filter(|(of, ..)| of == month);
        let missing: Vec<_> = counted.filter(|(_, unit, _)| !shown.contains(&**unit)).collect();
        assert!(missing.is_empty(), "{month}: units that are not shown: {missing:?}");
        for row in rows(rates) {
            let unit = row["unit"].as_str().unwrap();
            let count = |figure| of(unit, figure);
            for figure in Figure::ALL {
                let shown = row["counts"][figure.code()].as_i64().unwrap();
                assert_eq!(shown, count(*figure), "{month}: {unit}: {figure}");
            }
            for (rate, part, whole) in RATES {
                let whole = whole.iter().map(|figure| count(*figure)).sum();
                assert_eq!(row[*rate], divided(count(*part), whole), "{month}: {unit}: {rate}");
            }
            let taken = self.seconds.get(&(month.to_owned(), unit.to_owned()));
            let taken = taken.map_or(&[][..], Vec::as_slice);
            for (field, percent) in [("handling_median_minutes", 50), ("handling_p90_minutes", 90)]
            {
                assert_eq!(row[field], counted_off(taken, percent), "{month}: {unit}: {field}");
            }
        }
    }
}

/// Every rate: what is divided by the sum of what.
const RATES: &[(&str, Figure, &[Figure])] = &[
    ("response_rate", Figure::ContactedInTime, &[Figure::ContactDue]),
    ("solved_rate", Figure::Solved, &[Figure::Answers]),
    ("satisfied_rate", Figure::Satisfied, &[Figure::Answers]),
    ("not_reached_share", Figure::NotReached, &[Figure::Tasks]),
    ("excluded_share", Figure::Excluded, &[Figure::Tasks]),
    ("reworked_share", Figure::Reworked, &[Figure::Tasks]),
    ("on_time_acknowledge_rate", Figure::OnTimeAcknowledge, &[Figure::AcknowledgeDue]),
    ("on_time_reply_rate", Figure::OnTimeReply, &[Figure::ReplyDue]),
    ("return_rate", Figure::Returned, &[Figure::Returned, Figure::Tasks]),
    ("overdue_rate", Figure::Overdue, &[Figure::Tasks]),
    ("one_pass_rate", Figure::OnePass, &[Figure::Confirmed]),
];

fn rows(rates: &Value) -> impl Iterator<Item = &Value> {
    rates["groups"].as_array().unwrap().iter().flat_map(|group| group["rows"].as_array().unwrap())
}

/// The rate that somebody gets who divides by hand.
fn divided(part: i64, whole: i64) -> Value {
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "small counts")]
    let rate = |part: i64, whole: i64| ((part as f64 / whole as f64) * 10_000.0).round() / 10_000.0;
    if whole == 0 { Value::Null } else { Value::from(rate(part, whole)) }
}

/// The minutes within which so many of a hundred were done: sorted, and counted off.
fn counted_off(sorted: &[i64], percent: usize) -> Value {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).map_or(Value::Null, |seconds| Value::from(seconds / 60))
}

#[tokio::test]
async fn every_figure_is_what_plain_sql_counts_and_opens_to_its_cases() {
    let app = world::november().await;
    let leader = app.as_("leader");
    let rates = leader.get("/rates?period=2026-11").await.expect(200);
    assert!(rates["frozen_at"].is_null());
    let plain = Plain::of(&app).await;
    plain.check("2026-11", &rates);
    let said = |figure: &Figure| plain.counts.keys().any(|(.., counted)| counted == figure);
    let none: Vec<_> = Figure::ALL.iter().filter(|figure| !said(figure)).collect();
    assert!(none.is_empty(), "a world that says nothing of {none:?}");

    for ((month, unit, figure), count) in &plain.counts {
        let path = format!("/rates/cases?period={month}&unit={unit}&figure={figure}&limit=2");
        let cases = leader.all(&path).await;
        let sum: i64 = cases.iter().map(|case| case["count"].as_i64().unwrap()).sum();
        assert_eq!(sum, *count, "{path}: {cases:?}");
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

#[tokio::test]
async fn every_month_of_a_generated_history_is_what_plain_sql_counts() {
    let app = App::generated(3_000, |_| ()).await;
    let plain = Plain::of(&app).await;
    let leader = app.as_("leader");
    let mut live = 0;
    for month in plain.months() {
        let rates = leader.get(&format!("/rates?period={month}")).await.expect(200);
        // What a worker froze is as it stood then.
        if rates["frozen_at"].is_null() {
            plain.check(&month, &rates);
            live += 1;
        }
    }
    assert!(live >= 12, "two years have more months than {live}");
    for figure in Figure::ALL {
        assert!(plain.counts.keys().any(|(.., counted)| counted == figure), "no {figure}");
    }
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
