//! The data that is measured on: one complaint goes through the product as far as its task, and is
//! copied in SQL with its events, timers and task, so that every row is as the product writes it.

use std::time::Duration;

use serde_json::{Value, json};

use super::cases;
use super::load::WARM_UP;
use crate::client::{Answer, Call, Client};
use crate::failure::{Failure, Result};
use crate::points::ENRICH;
use crate::services::postgres::Postgres;

/// The departments whose clerks work; the copies go to them in turn.
pub const UNITS: [&str; 8] = [
    "urban-management",
    "housing",
    "water",
    "transport",
    "education",
    "ecology",
    "health",
    "power-grid",
];

/// Copies that are only read, and that pgbench acknowledges again and again.
const READ: u64 = 20_000;
/// More than any machine acknowledges in a second over HTTP.
const ACKNOWLEDGED_PER_SECOND: u64 = 2_500;
/// Who redeems over HTTP: more than there are connections, so that few wait for one's own account.
const BUYERS: usize = 64;
/// More than any machine sells in a second. pgbench leaves every other number out.
const REDEEMED_PER_SECOND: u64 = 5_000;
/// The offers that there are beside the hot one, and the pieces of each.
const OFFERS: u64 = 580;
const PIECES: u64 = 200;
/// So many members have a history of points.
const SEASONED: u64 = 20_000;
/// The awards of each of them.
const AWARDS: u64 = 20;
/// How the ids of members begin.
const MEMBERS: &str = "00000000-0000-7000-8001-";
/// The hot offer.
pub const OFFER: &str = "00000000-0000-7000-8002-000000000001";
/// Beside them, one for the captured request.
const SPARE: u64 = 1;

/// What there is.
#[derive(Debug, Clone, Copy)]
pub struct Data {
    /// Copies 1 to this one are read, and acknowledged by pgbench.
    pub cases: u64,
    /// From this copy on each has a task that nobody has acknowledged.
    pub first_pending: u64,
    /// The last of them, for the captured request.
    pub spare: u64,
    /// Members with points, one for each redemption of pgbench.
    pub copies: u64,
}

/// The id of a copy's complaint.
pub fn complaint_id(copy: u64) -> String {
    format!("00000000-0000-7000-8000-{copy:012x}")
}

/// The id of a copy's task.
pub fn task_id(copy: u64) -> String {
    format!("00000000-0000-7000-9000-{copy:012x}")
}

/// Who has a copy's task.
pub fn unit(copy: u64) -> &'static str {
    let turn = usize::try_from(copy).unwrap_or_default() % UNITS.len();
    UNITS.get(turn).copied().unwrap_or_default()
}

/// Makes the data for runs that last so long.
///
/// # Errors
/// The product or PostgreSQL refuses.
pub async fn prepare(client: &Client, postgres: &Postgres, lasts: Duration) -> Result<Data> {
    let original = original(client).await?;
    let pending = ACKNOWLEDGED_PER_SECOND * (lasts + WARM_UP).as_secs() + SPARE;
    let task = postgres.psql(
        super::DATABASE,
        &["-c", &format!("select id from task where complaint_id = '{original}'")],
    )?;
    let copies = READ + pending;
    postgres.psql(super::DATABASE, &["-c", &copy(&original, &task, copies)])?;
    let members = SEASONED.max(REDEEMED_PER_SECOND * lasts.as_secs());
    hot_offer(client, postgres, members).await?;
    postgres.psql(super::DATABASE, &["-c", "vacuum analyze"])?;
    Ok(Data { cases: READ, first_pending: READ + 1, spare: copies, copies: members })
}

/// Logs the buyers in: token and account of each.
///
/// # Errors
/// The product refuses.
pub async fn buyers(client: &Client) -> Result<Vec<(String, String)>> {
    let mut buyers = Vec::new();
    for n in 0..BUYERS {
        let token = client.log_in(&Call::resident_login(&format!("bench-buyer-{n}"))).await?;
        let me = checked(client.send(&Call::get("/me").by(&token)).await?)?;
        buyers.push((token, me.text("/id").to_owned()));
    }
    Ok(buyers)
}

/// An offer of one point with more pieces than are sold, and points for everybody. It is published
/// through the product and copied to an id of its own.
async fn hot_offer(client: &Client, postgres: &Postgres, members: u64) -> Result {
    let ids: Vec<String> =
        buyers(client).await?.into_iter().map(|(_, id)| format!("('{id}'::uuid)")).collect();
    let organiser = client.log_in(&Call::staff_login("organiser")).await?;
    let until = postgres.psql(
        super::DATABASE,
        &["-c", "select to_char(now() + interval '300 days', 'YYYY-MM-DD') || 'T00:00:00Z'"],
    )?;
    let body = json!({
        "title": "爱心午餐一份", "category": "dining", "points": 1, "stock": 1, "per_person": 1000,
        "valid_until": until, "merchant": "wenxing",
    });
    let offer = checked(client.send(&Call::post("/offers", body).by(&organiser)).await?)?;
    let sql = format!(
        "insert into offer
         select made.* from offer o cross join lateral jsonb_populate_record(o,
             jsonb_build_object('id', '{OFFER}', 'stock', {stock}, 'per_person', 30000)) as made
         where o.id = '{original}';
         insert into offer_unit (offer, n) select '{OFFER}', n from generate_series(1, {stock}) as n;
         insert into account (id, display_name, created_at)
         select {member}, '兑换者', now() from generate_series(1, {members}) as i;
         insert into points_account (id, kind, account_id, posted, held, opened_at)
         select id, 'user', id, 0, 0, now() from (values {ids}) as buyer (id)
         union all
         select id, 'user', id, 0, 0, now()
         from (select {member} as id from generate_series(1, {members}) as i) as member;",
        original = offer.text("/id"),
        stock = 2 * members,
        member = format_args!("('{MEMBERS}' || lpad(to_hex(i), 12, '0'))::uuid"),
        ids = ids.join(", "),
    );
    postgres.psql(super::DATABASE, &["-c", &sql])?;
    postgres.psql(super::DATABASE, &["-c", ENRICH, "-c", MADE_IDS])?;
    postgres.psql(super::DATABASE, &["-c", &shelf(offer.text("/id"))])?;
    postgres.psql(super::DATABASE, &["-c", &history()]).map(drop)
}

/// The scripts of pgbench make their ids as `uuid`; a function that takes an id as a text (the audit
/// trail's) gets it as one.
const MADE_IDS: &str =
    "create function audit_append(uuid, timestamptz, uuid, text, text, text, uuid, uuid,
        text, jsonb, text, timestamptz, timestamptz) returns bigint language sql as $$
    select audit_append($1, $2, $3, $4, $5, $6, $7::text, $8::text, $9, $10, $11, $12, $13) $$";

/// The other offers, published one after the other.
fn shelf(original: &str) -> String {
    format!(
        "insert into offer
         select made.* from offer o cross join generate_series(1, {OFFERS}) as i
             cross join lateral jsonb_populate_record(o, jsonb_build_object(
                 'id', '00000000-0000-7000-8003-' || lpad(to_hex(i), 12, '0'),
                 'title', '优惠第 ' || i || ' 号', 'points', 5 + i % 60, 'stock', {PIECES},
                 'category', (array['dining', 'entertainment', 'medical', 'shop', 'class'])[1 + i % 5],
                 'created_at', o.created_at + i * interval '1 second',
                 'published_at', o.published_at + i * interval '1 second')) as made
         where o.id = '{original}';
         insert into offer_unit (offer, n)
         select id, n from offer, generate_series(1, {PIECES}) as n
         where id::text like '00000000-0000-7000-8003-%'"
    )
}

/// Awards of three points for the buyers and the first members, booked in full. The checks that
/// compare each entry with its movement are left out: they would take longer than all else. The
/// lots expire after the one that is redeemed from.
fn history() -> String {
    format!(
        "set session_replication_role = replica;
         create temp table award as
         select account.id as account, gen_random_uuid() as tx, now() - n * interval '1 day' as at
         from points_account as account, generate_series(1, {AWARDS}) as n
         where account.kind = 'user'
             and (account.id::text not like '{MEMBERS}%' or account.id <= {last});
         insert into ledger_tx (id, kind, cause, source, at, counted_on, rule_version)
         select tx, 'earn', 'bench:' || tx, 'service', at, at::date, 'xtask' from award;
         insert into ledger_entry (tx, seq, account, amount, at)
         select tx, 1, issuance.id, -3, at from award, points_account as issuance
         where issuance.kind = 'issuance'
         union all select tx, 2, account, 3, at from award;
         insert into point_lot (id, account, granted, remaining, expires_at)
         select tx, account, 3, 3, at + interval '2 years' from award;
         update points_account set posted = posted + 3 * {AWARDS}
         where id in (select account from award)",
        last = format_args!("'{MEMBERS}{SEASONED:012x}'"),
    )
}

/// A complaint that waits to be acknowledged by its unit.
async fn original(client: &Client) -> Result<String> {
    let resident = client.log_in(&Call::resident_login("li")).await?;
    let centre = client.log_in(&Call::staff_login("dispatcher")).await?;
    let body: Value = serde_json::from_str(&cases::complaint())?;
    let submit = Call::post("/complaints", body).by(&resident).key("bench-original");
    let receipt = checked(client.send(&submit).await?)?;
    let id = receipt.text("/id").to_owned();
    let steps = [
        ("accept", json!({ "urgency": "ordinary", "category": "城乡建设/路灯" })),
        ("dispatch", json!({ "lead": unit(0) })),
    ];
    for (verb, body) in steps {
        let step = Call::post(format!("/complaints/{id}/{verb}"), body).by(&centre);
        checked(client.send(&step).await?)?;
    }
    Ok(id)
}

fn checked(answer: Answer) -> Result<Answer> {
    if answer.status < 400 {
        return Ok(answer);
    }
    Err(Failure::new(format!("准备数据时被拒（{}）：{}", answer.status, answer.body)))
}

fn copy(original: &str, task: &str, copies: u64) -> String {
    let units = UNITS.map(|unit| format!("'{unit}'")).join(", ");
    format!(
        "create temp table copy as
         select i, ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid as complaint,
             ('00000000-0000-7000-9000-' || lpad(to_hex(i), 12, '0'))::uuid as task,
             (array[{units}])[1 + i % {count}] as unit, i * interval '1 second' as earlier
         from generate_series(1, {copies}) as i;
         insert into complaint
         select made.* from complaint o cross join copy cross join lateral
             jsonb_populate_record(o, jsonb_build_object('id', complaint, 'number',
                 'PC20200101' || lpad(i::text, 6, '0'), 'units', array[unit],
                 'submitted_at', o.submitted_at - earlier)) as made
         where o.id = '{original}';
         insert into task
         select made.* from task o cross join copy cross join lateral
             jsonb_populate_record(o, jsonb_build_object('id', copy.task, 'complaint_id', complaint,
                 'unit', copy.unit, 'dispatched_at', o.dispatched_at - earlier)) as made
         where o.id = '{task}';
         insert into event
         select made.* from event o cross join copy cross join lateral
             jsonb_populate_record(o, jsonb_build_object('subject_id', complaint,
                 'task_id', case when o.task_id is not null then task end,
                 'unit', case when o.unit is not null then copy.unit end)) as made
         where o.subject_id = '{original}';
         insert into sla_timer
         select made.* from sla_timer o cross join copy cross join lateral
             jsonb_populate_record(o, jsonb_build_object('subject_id',
                 case when o.subject_id = '{task}' then task else complaint end)) as made
         where o.subject_id in ('{original}', '{task}')",
        count = UNITS.len(),
    )
}
