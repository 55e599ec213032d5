use chrono::TimeDelta;
use domain::{
    id::{AccountId, ComplaintId, EvaluationId, TaskId},
    identity::{Actor, Grant, Role},
    rates::UnitRates,
};
use sqlx::PgPool;
use uuid::Uuid;

use super::*;
use crate::random;

/// Minutes from here, the morning of the first working day of the month.
fn at(minutes: i64) -> Timestamp {
    "2026-11-02T01:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::minutes(minutes)
}

const LATE: i64 = 20 * 24 * 60;

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

/// A lead task with its marks at minutes 60 (acknowledge), 120 (contact) and 600 (reply) from its
/// dispatch, all met.
#[derive(Clone, Copy)]
struct Lead<'a> {
    unit: &'a str,
    from: i64,
    status: &'a str,
    contact_due: bool,
    acknowledged: Option<i64>,
    contacted: Option<i64>,
    replied: Option<i64>,
    send_backs: i16,
    rework_of: Option<Uuid>,
}

const HOUSING: Lead<'_> = Lead {
    unit: "housing",
    from: 0,
    status: "confirmed",
    contact_due: true,
    acknowledged: Some(10),
    contacted: Some(100),
    replied: Some(500),
    send_backs: 0,
    rework_of: None,
};

struct Book<'c>(&'c mut Connection);

impl Book<'_> {
    async fn open(conn: &mut Connection) -> Book<'_> {
        for (code, kind, parent, group) in [
            ("140213", "district", None, None),
            ("140213066", "subdistrict", Some("140213"), Some("subdistrict")),
            ("140213067", "subdistrict", Some("140213"), Some("subdistrict")),
            ("140213066004", "community", Some("140213066"), None),
            ("housing", "department", Some("140213"), Some("department")),
            ("urban", "department", Some("140213"), Some("department")),
            ("water", "utility", Some("140213"), Some("utility")),
        ] {
            sqlx::query(
                "insert into org_node (code, tree, kind, name, parent_code, peer_group)
                 values ($1, 'admin', $2, $1, $3, $4)",
            )
            .bind(code)
            .bind(kind)
            .bind(parent)
            .bind(group)
            .execute(&mut *conn)
            .await
            .unwrap();
        }
        Book(conn)
    }

    async fn case(&mut self, status: &str) -> Uuid {
        let id = random::id::<ComplaintId>(at(0)).0;
        let closed = (status == "closed").then(|| at(LATE));
        sqlx::query(
            "insert into complaint (id, number, query_code_mac, status, kind, title, content,
                 community_code, channel, confidential, reachable, submitted_at, clock_from, closed_at)
             values ($1, 'PC20261102' || lpad(nextval('complaint_number')::text, 6, '0'), '', $2,
                 'help', '', '', '140213066004', 'phone', false, true, $3, $3, $4)",
        )
        .bind(id)
        .bind(status)
        .bind(at(0))
        .bind(closed)
        .execute(&mut *self.0)
        .await
        .unwrap();
        id
    }

    async fn lead(&mut self, case: Uuid, lead: Lead<'_>) -> Uuid {
        let id = random::id::<TaskId>(at(lead.from)).0;
        let after = |minutes: i64| at(lead.from + minutes);
        let ended = matches!(lead.status, "confirmed" | "returned" | "cancelled");
        sqlx::query(
            "insert into task (id, complaint_id, unit, role, line, status, urgency, dispatched_at,
                 acknowledge_by, contact_by, reply_by, acknowledged_at, contacted_at, replied_at,
                 ended_at, send_backs, rework_of, return_by)
             values ($1, $2, $3, 'lead', 0, $4, 'ordinary', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $5)",
        )
        .bind(id)
        .bind(case)
        .bind(lead.unit)
        .bind(lead.status)
        .bind(after(0))
        .bind(after(60))
        .bind(lead.contact_due.then(|| after(120)))
        .bind(after(600))
        .bind(lead.acknowledged.map(after))
        .bind(lead.contacted.map(after))
        .bind(lead.replied.map(after))
        .bind(ended.then(|| after(510)))
        .bind(lead.send_backs)
        .bind(lead.rework_of)
        .execute(&mut *self.0)
        .await
        .unwrap();
        id
    }

    async fn says(
        &mut self,
        case: Uuid,
        minute: i64,
        solved: bool,
        stars: i16,
        called: Option<bool>,
    ) {
        sqlx::query(
            "insert into evaluation (id, complaint_id, at, round, channel, solved, satisfaction, contacted)
             values ($1, $2, $3, 1, 'phone', $4, $5, $6)",
        )
        .bind(random::id::<EvaluationId>(at(minute)).0)
        .bind(case)
        .bind(at(minute))
        .bind(solved)
        .bind(stars)
        .bind(called)
        .execute(&mut *self.0)
        .await
        .unwrap();
    }

    async fn merge(&mut self, child: Uuid, into: Uuid, minute: i64) {
        sqlx::query("update complaint set status = 'merged', merged_into = $2 where id = $1")
            .bind(child)
            .bind(into)
            .execute(&mut *self.0)
            .await
            .unwrap();
        sqlx::query(
            "insert into event (subject_id, seq, kind, at, visibility) values ($1, 1, 'merged', $2, 'everyone')",
        )
        .bind(child)
        .bind(at(minute))
        .execute(&mut *self.0)
        .await
        .unwrap();
    }

    async fn set(&mut self, case: Uuid, what: &'static str) {
        sqlx::query(what).bind(case).execute(&mut *self.0).await.unwrap();
    }

    async fn counted(&mut self, unit: &str) -> RateRow {
        let rows = count(&mut *self.0, november(), at(LATE)).await.unwrap();
        rows.into_iter().find(|row| row.unit == unit).unwrap()
    }
}

fn none(unit: &str, group: PeerGroup) -> RateRow {
    RateRow::empty(unit, group, unit)
}

/// One good duty without an answer, to be changed by each test.
fn one_good() -> RateRow {
    RateRow {
        tasks: 1,
        contact_due: 1,
        contacted_in_time: 1,
        acknowledge_due: 1,
        on_time_acknowledge: 1,
        reply_due: 1,
        on_time_reply: 1,
        confirmed: 1,
        one_pass: 1,
        ..none("housing", PeerGroup::Department)
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn a_solved_case_counts_once_in_everything(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    let case = book.case("closed").await;
    book.lead(case, HOUSING).await;
    book.says(case, 700, true, 3, Some(true)).await;
    let good = RateRow { answers: 1, solved: 1, satisfied: 1, ..one_good() };
    assert_eq!(book.counted("housing").await, good);
    assert_eq!(book.counted("urban").await, none("urban", PeerGroup::Department));
}

#[sqlx::test(migrations = "./migrations")]
async fn marks_that_were_missed_or_never_made(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    // Late in each mark, sent back once.
    let late = Lead {
        acknowledged: Some(61),
        contacted: Some(121),
        replied: Some(601),
        send_backs: 1,
        ..HOUSING
    };
    let case = book.case("replied").await;
    book.lead(case, late).await;
    // Nobody to contact; tried in vain; still pending and due after `now`.
    let nobody = Lead { contact_due: false, contacted: None, ..HOUSING };
    let case = book.case("replied").await;
    book.lead(case, nobody).await;
    let vain = Lead { contacted: None, ..HOUSING };
    let case = book.case("replied").await;
    book.lead(case, vain).await;
    let fresh = Lead {
        from: LATE,
        status: "pending",
        acknowledged: None,
        contacted: None,
        replied: None,
        ..HOUSING
    };
    let case = book.case("dispatched").await;
    book.lead(case, fresh).await;
    let wanted = RateRow {
        tasks: 4,
        contact_due: 3,
        acknowledge_due: 3,
        on_time_acknowledge: 2,
        reply_due: 3,
        on_time_reply: 2,
        // The late one, and the one that was never reached.
        overdue: 2,
        confirmed: 3,
        one_pass: 2,
        ..none("housing", PeerGroup::Department)
    };
    assert_eq!(book.counted("housing").await, wanted);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_rework_continues_the_duty_and_the_last_word_counts(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    let case = book.case("closed").await;
    let first = book.lead(case, HOUSING).await;
    book.says(case, 700, false, 1, Some(false)).await;
    // The rework falls into December; its contact comes too late.
    let again = Lead { from: 40_000, contacted: Some(130), rework_of: Some(first), ..HOUSING };
    book.lead(case, again).await;
    book.says(case, 41_000, true, 5, None).await;
    let wanted = RateRow {
        answers: 1,
        solved: 1,
        satisfied: 1,
        reworked: 1,
        overdue: 1,
        one_pass: 0,
        ..one_good()
    };
    let rows = count(&mut *book.0, november(), at(41_100)).await.unwrap();
    assert_eq!(rows.into_iter().find(|row| row.unit == "housing"), Some(wanted));
    let december = count(&mut *book.0, Month::parse("2026-12").unwrap(), at(41_100)).await.unwrap();
    assert!(december.iter().all(|row| row.tasks == 0));
}

#[sqlx::test(migrations = "./migrations")]
async fn who_says_that_nobody_called_is_believed(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    let case = book.case("closed").await;
    book.lead(case, HOUSING).await;
    book.says(case, 700, true, 4, Some(false)).await;
    let wanted =
        RateRow { contacted_in_time: 0, answers: 1, solved: 1, satisfied: 1, ..one_good() };
    assert_eq!(book.counted("housing").await, wanted);
}

#[sqlx::test(migrations = "./migrations")]
async fn merged_reporters_count_once_each_for_the_lead(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    let case = book.case("closed").await;
    book.lead(case, HOUSING).await;
    book.says(case, 700, true, 5, None).await;
    // A child that had its own lead, who did not solve it; merged, then asked again, twice.
    let child = book.case("submitted").await;
    book.lead(child, Lead { unit: "urban", ..HOUSING }).await;
    book.says(child, 520, false, 1, None).await;
    book.merge(child, case, 600).await;
    book.says(child, 710, true, 1, Some(false)).await;
    book.says(child, 720, true, 2, Some(false)).await;
    // A child that said nothing since it was merged.
    let silent = book.case("submitted").await;
    book.says(silent, 10, false, 1, None).await;
    book.merge(silent, case, 20).await;
    let wanted = RateRow { answers: 2, solved: 2, satisfied: 1, ..one_good() };
    assert_eq!(book.counted("housing").await, wanted);
    assert_eq!(book.counted("urban").await, none("urban", PeerGroup::Department));
}

#[sqlx::test(migrations = "./migrations")]
async fn not_reached_and_excluded_count_in_no_rate(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    let silent = book.case("closed").await;
    book.lead(silent, HOUSING).await;
    book.set(silent, "update complaint set closed_as = 'not_reached' where id = $1").await;
    let unfair = book.case("closed").await;
    book.lead(unfair, HOUSING).await;
    book.says(unfair, 700, false, 1, Some(false)).await;
    book.set(unfair, "update complaint set excluded_at = submitted_at where id = $1").await;
    let wanted = RateRow {
        tasks: 2,
        not_reached: 1,
        excluded: 1,
        contact_due: 0,
        contacted_in_time: 0,
        ..one_good()
    };
    assert_eq!(book.counted("housing").await, wanted);
}

#[sqlx::test(migrations = "./migrations")]
async fn returned_and_cancelled_tasks_are_no_duties(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    let case = book.case("closed").await;
    book.lead(case, Lead { unit: "urban", status: "returned", ..HOUSING }).await;
    book.lead(case, Lead { from: 5, ..HOUSING }).await;
    book.says(case, 700, true, 5, None).await;
    let gone = book.case("withdrawn").await;
    book.lead(gone, Lead { status: "cancelled", ..HOUSING }).await;
    let good = RateRow { answers: 1, solved: 1, satisfied: 1, ..one_good() };
    assert_eq!(book.counted("housing").await, good);
    let returned = RateRow { returned: 1, ..none("urban", PeerGroup::Department) };
    assert_eq!(book.counted("urban").await, returned);
}

#[sqlx::test(migrations = "./migrations")]
async fn after_a_consultation_each_lead_has_its_own_answer(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    let case = book.case("closed").await;
    book.lead(case, HOUSING).await;
    book.says(case, 700, false, 1, None).await;
    book.lead(case, Lead { unit: "urban", from: 1_000, ..HOUSING }).await;
    book.says(case, 1_700, true, 5, None).await;
    assert_eq!(book.counted("housing").await, RateRow { answers: 1, ..one_good() });
    let urban = book.counted("urban").await;
    assert_eq!((urban.answers, urban.solved, urban.satisfied), (1, 1, 1));
}

#[sqlx::test(migrations = "./migrations")]
async fn a_month_is_the_month_of_dispatch_in_shanghai(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    let (from, to) = november().bounds();
    for (bound, inside) in [(from, 0), (from - TimeDelta::microseconds(1), 1), (to, 0)] {
        let minutes = (bound - at(0)).num_minutes() - inside;
        let case = book.case("dispatched").await;
        book.lead(case, Lead { from: minutes, ..HOUSING }).await;
    }
    assert_eq!(book.counted("housing").await.tasks, 1);
}

fn scope(role: Role, on: &str) -> Scope {
    let grants = vec![Grant { role, scope: on.to_owned() }];
    Scope::of(&Actor { account: random::id::<AccountId>(at(0)), grants })
}

async fn rows(conn: &mut Connection, scope: &Scope) -> Vec<UnitRates> {
    let rules = RateRules { min_sample: 1, ..RateRules::default() };
    let groups = month(conn, scope, november(), &rules, at(LATE)).await.unwrap();
    let order: Vec<PeerGroup> = groups.iter().map(|group| group.group).collect();
    assert_eq!(order, PeerGroup::ALL, "all three groups always");
    groups.into_iter().flat_map(|group| group.rows).collect()
}

#[sqlx::test(migrations = "./migrations")]
async fn ranks_are_of_the_whole_group_and_rows_of_the_scope(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let mut book = Book::open(&mut conn).await;
    for (unit, stars) in [("housing", 5), ("urban", 2), ("140213066004", 5)] {
        let case = book.case("closed").await;
        book.lead(case, Lead { unit, ..HOUSING }).await;
        book.says(case, 700, true, stars, None).await;
    }
    let everything = rows(&mut conn, &scope(Role::Supervisor, "140213")).await;
    let all: Vec<(&str, Option<u32>)> =
        everything.iter().map(|row| (row.unit.as_str(), row.rank)).collect();
    let (first, second) = (Some(1), Some(2));
    assert_eq!(
        all,
        [
            ("140213066", first),
            ("140213067", None),
            ("housing", first),
            ("urban", second),
            ("water", None)
        ]
    );
    assert_eq!((everything[2].composite, everything[3].composite), (Some(1.0), Some(0.6)));
    assert_eq!(everything[4].response_rate, None);

    for (role, on, sees) in [
        (Role::DepartmentClerk, "urban", Some(("urban", second))),
        (Role::SubdistrictOfficer, "140213067", Some(("140213067", None))),
        (Role::CommunityOfficer, "140213066004", Some(("140213066", first))),
        (Role::SystemAdmin, "140213", None),
    ] {
        let seen = rows(&mut conn, &scope(role, on)).await;
        let seen: Vec<(&str, Option<u32>)> =
            seen.iter().map(|row| (row.unit.as_str(), row.rank)).collect();
        assert_eq!(seen, sees.into_iter().collect::<Vec<_>>(), "{role}");
    }
}
