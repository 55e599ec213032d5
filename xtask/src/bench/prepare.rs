//! The data that is measured on: one complaint goes through the product as far as its task, and is
//! copied in SQL with its events, timers and task, so that every row is as the product writes it.

use std::time::Duration;

use serde_json::{Value, json};

use super::cases;
use super::load::WARM_UP;
use crate::client::{Answer, Call, Client};
use crate::failure::{Failure, Result};
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
    postgres.psql(super::DATABASE, &["-c", "vacuum analyze"])?;
    Ok(Data { cases: READ, first_pending: READ + 1, spare: copies })
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
