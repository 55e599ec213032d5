//! The generated history: a seed decides it, it keeps every rule, and a worker goes on with it.

use api::app::generate::{self, Order, Report};

use crate::support::App;

async fn generated(app: &App, complaints: u64, seed: u64) -> Result<Report, api::error::Error> {
    let order = Order { complaints, seed };
    generate::run(app.state(), order, std::sync::Arc::new(|_, _| ())).await
}

async fn one<T>(app: &App, sql: &'static str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(sql).fetch_one(app.db()).await.unwrap()
}

/// Everything that a seed decides.
const HISTORY: &str = "select md5((select string_agg(concat_ws('/', id, number, version, status, \
    title, address, units), ',' order by id) from complaint) || (select string_agg(concat_ws('/', \
    subject_id, seq, kind, at, data), ',' order by subject_id, seq) from event \
    where subject_id in (select id from complaint)))";

#[tokio::test]
async fn the_same_seed_tells_the_same_history() {
    let (app, again, other) = (App::spawn().await, App::spawn().await, App::spawn().await);
    let report = generated(&app, 300, 1).await.unwrap();
    assert_eq!(generated(&again, 300, 1).await.unwrap(), report);
    generated(&other, 300, 2).await.unwrap();
    let told: String = one(&app, HISTORY).await;
    assert_eq!(one::<String>(&again, HISTORY).await, told);
    assert_ne!(one::<String>(&other, HISTORY).await, told);
    let refused = generated(&app, 300, 1).await.unwrap_err();
    assert_eq!(refused.code(), Some("generated_before"));
    assert_eq!(app.count("complaint").await, 300, "nothing was added");
}

#[tokio::test]
async fn a_history_holds_to_the_rules_and_goes_on() {
    let app = App::spawn().await;
    let report = generated(&app, 2_000, 1).await.unwrap();
    assert_eq!((report.complaints, app.count("complaint").await), (2_000, 2_000));
    assert!((1..=60).contains(&report.open), "a few are open: {report:?}");
    for (what, sql) in [
        (
            "events without a gap",
            "select count(*) from complaint c where last_seq <> \
            (select count(*) from event where subject_id = c.id) or last_seq <> \
            (select max(seq) from event where subject_id = c.id)",
        ),
        (
            "events in order of time",
            "select count(*) from event a join event b on \
            b.subject_id = a.subject_id and b.seq = a.seq + 1 where b.at < a.at",
        ),
        (
            "a number by its date",
            "select count(*) from complaint where substr(number, 3, 8) <> \
            to_char(submitted_at at time zone 'Asia/Shanghai', 'YYYYMMDD')",
        ),
        (
            "no timer for what is over",
            "select count(*) from sla_timer t join complaint c on \
            c.id = t.subject_id where c.status in ('archived', 'withdrawn', 'rejected', 'answered')",
        ),
        (
            "no instant left behind",
            "select count(*) from sla_timer where state = 'armed' and \
            due_at <= '2026-11-24T01:00:00Z'",
        ),
        (
            "nothing forgotten",
            "select count(*) from complaint where submitted_at < \
            '2026-09-01T00:00:00Z' and status not in \
            ('archived', 'withdrawn', 'rejected', 'answered', 'merged')",
        ),
        (
            "a merged case follows one that is not merged, and had come first",
            "select count(*) from complaint c join complaint l on l.id = c.merged_into where \
            l.status in ('merged', 'withdrawn') or l.submitted_at > c.submitted_at",
        ),
        (
            "no supervision of a task that ended before",
            "select count(*) from supervision s join task t on t.id = s.task_id where \
            t.ended_at < s.opened_at or t.unit <> s.unit",
        ),
        (
            "no consultation left open by a settled case",
            "select count(*) from consultation s join complaint c on c.id = s.complaint_id where \
            s.status = 'open' and c.status in ('replied', 'follow_up', 'archived', 'withdrawn')",
        ),
    ] {
        assert_eq!(one::<i64>(&app, sql).await, 0, "{what}");
    }
    for (what, sql) in [
        ("returns", "select count(*) from task where status = 'returned'"),
        ("extensions", "select count(*) from task where extensions > 0"),
        ("reworks", "select count(*) from task where rework_of is not null"),
        ("not reached", "select count(*) from complaint where closed_as = 'not_reached'"),
        ("late replies", "select count(*) from task where replied_at > reply_by"),
        ("merged cases", "select count(*) from complaint where status = 'merged'"),
        (
            "a word on a reply to another's case",
            "select count(*) from evaluation e join complaint c on c.id = e.complaint_id \
            where c.status = 'merged'",
        ),
        ("answers to a supervision", "select count(*) from supervision where status = 'accepted'"),
        ("overdue units", "select count(*) from supervision where opened_by is null"),
        ("rulings", "select count(*) from consultation where status = 'decided'"),
        ("statements", "select count(*) from consultation_seat where statement is not null"),
        ("subdistricts as lead", "select count(*) from task where unit ~ '^[0-9]+$'"),
    ] {
        assert!(one::<i64>(&app, sql).await > 0, "no {what}");
    }
    // A worker goes on with what is open, until nothing waits any more.
    // What fires late begins the next wait late.
    for month in 5..=8 {
        app.pass(&format!("2027-{month:02}-20T09:00:00+08:00")).await;
    }
    let waiting =
        "select count(*) from complaint where status in ('replied', 'follow_up', 'closed')";
    assert_eq!(one::<i64>(&app, waiting).await, 0);
    assert_eq!(one::<i64>(&app, "select count(*) from job where state = 'dead'").await, 0);
    let rates = app.as_("leader").get("/rates?period=2026-06").await.expect(200);
    assert!(rates["groups"][1]["rows"][0]["sample"].is_number());
}
