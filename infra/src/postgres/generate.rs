//! A generated history: whole cases, in few statements. Rows travel as JSON under the names of
//! their columns, so that each table's columns stand once.

use std::collections::HashMap;

use domain::{
    complaint::{ClosedAs, Complaint, Submission},
    evaluation::Evaluation,
    event::NewEvent,
    id::{AccountId, EvaluationId},
    identity::Role,
    org::{NodeCode, NodeKind},
    sla::Urgency,
    supervision::Supervision,
    task::Task,
    time::{self, Timestamp},
};
use serde_json::{Value, json};

use super::{Connection, complaint::SealedContact, timer::Due};

mod duty;
mod oversight;

pub use duty::{Known, lists};
pub use oversight::{Conferred, Ruled};

/// A node of the district.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its code.
    pub code: NodeCode,
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// The node above it.
    pub parent: Option<NodeCode>,
}

/// The active nodes, by code.
///
/// # Errors
/// The database is away.
pub async fn nodes(conn: &mut Connection) -> Result<Vec<Node>, sqlx::Error> {
    sqlx::query_as!(
        Node,
        r#"select code as "code: NodeCode", kind as "kind: NodeKind", name,
               parent_code as "parent: NodeCode"
           from org_node where active order by code"#
    )
    .fetch_all(conn)
    .await
}

/// An account for each unit that works in its name: the one with the first username.
///
/// # Errors
/// The database is away.
pub async fn clerks(
    conn: &mut Connection,
    roles: &[Role],
) -> Result<HashMap<NodeCode, AccountId>, sqlx::Error> {
    let roles: Vec<String> = roles.iter().map(|role| role.code().to_owned()).collect();
    let rows = sqlx::query!(
        r#"select distinct on (scope) scope as "unit: NodeCode", account_id as "account: AccountId"
           from role_grant join account on account.id = account_id
           where role = any($1) and revoked_at is null
           order by scope, username"#,
        &roles
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.unit, row.account)).collect())
}

/// An evaluation.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its id.
    pub id: EvaluationId,
    /// When.
    pub at: Timestamp,
    /// The round, 0 before follow-up.
    pub round: i16,
    /// By which way.
    pub channel: &'static str,
    /// What was said.
    pub said: Evaluation,
    /// Who wrote it down.
    pub recorded_by: Option<AccountId>,
}

/// A case as it stands, with everything that happened to it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The complaint.
    pub complaint: Complaint,
    /// Its version.
    pub version: i64,
    /// What was handed in.
    pub submission: Submission,
    /// Whom to call.
    pub contact: Option<SealedContact>,
    /// The MAC of its query code.
    pub query_code_mac: Vec<u8>,
    /// Who took it in.
    pub taken_in_by: Option<AccountId>,
    /// Its tasks with their versions.
    pub tasks: Vec<(Task, i64)>,
    /// Its events, by whom.
    pub events: Vec<(Timestamp, NewEvent, Option<AccountId>)>,
    /// What its reporter said.
    pub evaluations: Vec<Given>,
    /// Its supervisions with their versions.
    pub supervisions: Vec<(Supervision, i64)>,
    /// Its consultations.
    pub consultations: Vec<Conferred>,
    /// What it waits for.
    pub armed: Vec<Due>,
    /// What came while it was not over.
    pub fired: Vec<Due>,
    /// Who keeps an eye on it.
    pub hot: Option<AccountId>,
}

/// Stores cases.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant; `complaint_pkey` when they are there.
pub async fn insert(conn: &mut Connection, cases: &[Case]) -> Result<(), sqlx::Error> {
    let rows = |of: fn(&Case) -> Vec<Value>| Value::Array(cases.iter().flat_map(of).collect());
    sqlx::query!(
        "insert into complaint (
             id, number, query_code_mac, version, last_seq, status, kind, title, content,
             community_code, address, channel, confidential, reachable, taken_in_by, submitted_at,
             urgency, duty_item, duty_list, category, accepted_at, dispatched_at, replied_at,
             closed_at, closed_as, clock_from, follow_up_round, reworks, appealed, reopened, urges,
             excluded_at, units, merged_into)
         select id, 'PC' || number || lpad(nextval('complaint_number')::text, 6, '0'),
             query_code_mac, version, last_seq, status, kind, title, content, community_code,
             address, channel, confidential, reachable, taken_in_by, submitted_at, urgency,
             duty_item, duty_list, category, accepted_at, dispatched_at, replied_at, closed_at,
             closed_as, clock_from, follow_up_round, reworks, appealed, reopened, urges,
             excluded_at, units, merged_into
         from jsonb_populate_recordset(null::complaint, $1)",
        rows(|case| vec![complaint(case)]),
    )
    .execute(&mut *conn)
    .await?;
    contacts_and_marks(conn, rows(|case| contact(case).into_iter().collect()), rows(hot)).await?;
    tasks(conn, rows(|case| case.tasks.iter().map(|(one, version)| task(one, *version)).collect()))
        .await?;
    oversight::insert(conn, cases).await?;
    sqlx::query!(
        "insert into event
             (subject_id, seq, kind, at, visibility, unit, task_id, actor_id, data, note)
         select subject_id, seq, kind, at, visibility, unit, task_id, actor_id,
             coalesce(data, 'null'), note
         from jsonb_populate_recordset(null::event, $1)",
        rows(events),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into evaluation
             (id, complaint_id, at, round, channel, solved, satisfaction, contacted, recorded_by)
         select id, complaint_id, at, round, channel, solved, satisfaction, contacted, recorded_by
         from jsonb_populate_recordset(null::evaluation, $1)",
        rows(evaluations),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into sla_timer (subject_id, subject, kind, due_at, state, fired_at)
         select subject_id, subject, kind, due_at, state, fired_at
         from jsonb_populate_recordset(null::sla_timer, $1)",
        rows(timers),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn contacts_and_marks(
    conn: &mut Connection,
    contacts: Value,
    hot: Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into complaint_contact (complaint_id, name_sealed, phone_sealed, phone_index)
         select complaint_id, name_sealed, phone_sealed, phone_index
         from jsonb_populate_recordset(null::complaint_contact, $1)",
        contacts,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into complaint_hot (complaint_id, marked_at, marked_by)
         select complaint_id, marked_at, marked_by
         from jsonb_populate_recordset(null::complaint_hot, $1)",
        hot,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn tasks(conn: &mut Connection, rows: Value) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into task (
             id, complaint_id, unit, role, line, status, version, urgency, dispatched_at,
             acknowledge_by, contact_by, arrive_by, reply_by, return_by, acknowledged_at, contacts,
             contacted_at, arrived_at, replied_at, reply_text, reply_outcome, reply_basis,
             confirmed_at, ended_at, returns, final, return_ground, return_to, return_asked_at,
             status_before_return, extensions, extension_until, extension_asked_at, send_backs,
             rework_of)
         select id, complaint_id, unit, role, line, status, version, urgency, dispatched_at,
             acknowledge_by, contact_by, arrive_by, reply_by, return_by, acknowledged_at, contacts,
             contacted_at, arrived_at, replied_at, reply_text, reply_outcome, reply_basis,
             confirmed_at, ended_at, returns, final, return_ground, return_to, return_asked_at,
             status_before_return, extensions, extension_until, extension_asked_at, send_backs,
             rework_of
         from jsonb_populate_recordset(null::task, $1)",
        rows,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets the planner know what is there now.
///
/// # Errors
/// The database is away.
pub async fn analyze(conn: &mut Connection) -> Result<(), sqlx::Error> {
    let tables =
        "analyze complaint, complaint_contact, complaint_hot, task, event, evaluation, sla_timer,
             supervision, consultation, consultation_seat";
    sqlx::raw_sql(tables).execute(conn).await?;
    Ok(())
}

/// The number's day alone; its end is drawn by the database.
fn complaint(case: &Case) -> Value {
    let (one, given) = (&case.complaint, &case.submission);
    json!({
        "id": one.id,
        "number": time::date(one.submitted_at).format("%Y%m%d").to_string(),
        "query_code_mac": bytes(&case.query_code_mac),
        "version": case.version,
        "last_seq": case.events.len(),
        "status": one.status,
        "kind": one.kind,
        "title": given.title,
        "content": given.content,
        "community_code": one.community,
        "address": given.address,
        "channel": given.channel,
        "confidential": one.confidential,
        "reachable": one.reachable,
        "taken_in_by": case.taken_in_by,
        "submitted_at": one.submitted_at,
        "urgency": one.urgency.map(Urgency::code),
        "duty_item": one.duty_item,
        "duty_list": one.duty_list,
        "category": one.category,
        "accepted_at": one.accepted_at,
        "dispatched_at": one.dispatched_at,
        "replied_at": one.replied_at,
        "closed_at": one.closed_at,
        "closed_as": one.closed_as.map(ClosedAs::code),
        "clock_from": one.clock_from,
        "follow_up_round": one.follow_up_round,
        "reworks": one.reworks,
        "appealed": one.appealed,
        "reopened": one.reopened,
        "urges": one.urges,
        "excluded_at": one.excluded_at,
        "units": one.units,
        "merged_into": one.merged_into,
    })
}

fn contact(case: &Case) -> Option<Value> {
    let sealed = case.contact.as_ref()?;
    Some(json!({
        "complaint_id": case.complaint.id,
        "name_sealed": sealed.name.as_deref().map(bytes),
        "phone_sealed": bytes(&sealed.phone),
        "phone_index": bytes(&sealed.index),
    }))
}

fn hot(case: &Case) -> Vec<Value> {
    let row = |by| {
        json!({
            "complaint_id": case.complaint.id,
            "marked_at": case.complaint.submitted_at,
            "marked_by": by,
        })
    };
    case.hot.map(row).into_iter().collect()
}

fn task(one: &Task, version: i64) -> Value {
    let (reply, request) = (one.reply.as_ref(), one.return_request.as_ref());
    let complaint = match one.case {
        domain::task::Case::Complaint(id) => Some(id),
        domain::task::Case::Whistle(_) => None,
    };
    json!({
        "id": one.id,
        "complaint_id": complaint,
        "unit": one.unit,
        "role": one.role,
        "line": one.line,
        "status": one.status,
        "version": version,
        "urgency": one.urgency,
        "dispatched_at": one.dispatched_at,
        "acknowledge_by": one.acknowledge_by,
        "contact_by": one.contact_by,
        "arrive_by": one.arrive_by,
        "reply_by": one.reply_by,
        "return_by": one.return_by,
        "acknowledged_at": one.acknowledged_at,
        "contacts": one.contacts,
        "contacted_at": one.contacted_at,
        "arrived_at": one.arrived_at,
        "replied_at": one.replied_at,
        "reply_text": reply.map(|reply| &reply.text),
        "reply_outcome": reply.map(|reply| reply.outcome),
        "reply_basis": reply.and_then(|reply| reply.basis.as_ref()),
        "confirmed_at": one.confirmed_at,
        "ended_at": one.ended_at,
        "returns": one.returns,
        "final": one.is_final,
        "return_ground": request.map(|request| request.ground),
        "return_to": request.map(|request| &request.to),
        "return_asked_at": request.map(|request| request.asked_at),
        "status_before_return": request.map(|request| request.before),
        "extensions": one.extensions,
        "extension_until": one.extension_request.map(|request| request.until),
        "extension_asked_at": one.extension_request.map(|request| request.asked_at),
        "send_backs": one.send_backs,
        "rework_of": one.rework_of,
    })
}

fn events(case: &Case) -> Vec<Value> {
    let row = |((at, event, actor), seq): (&(Timestamp, NewEvent, Option<AccountId>), i32)| {
        json!({
            "subject_id": case.complaint.id,
            "seq": seq,
            "kind": event.kind,
            "at": at,
            "visibility": event.visibility,
            "unit": event.unit,
            "task_id": event.task,
            "actor_id": actor,
            "data": event.data,
            "note": event.note,
        })
    };
    case.events.iter().zip(1..).map(row).collect()
}

fn evaluations(case: &Case) -> Vec<Value> {
    let row = |given: &Given| {
        json!({
            "id": given.id,
            "complaint_id": case.complaint.id,
            "at": given.at,
            "round": given.round,
            "channel": given.channel,
            "solved": given.said.solved,
            "satisfaction": given.said.satisfaction,
            "contacted": given.said.contacted,
            "recorded_by": given.recorded_by,
        })
    };
    case.evaluations.iter().map(row).collect()
}

fn timers(case: &Case) -> Vec<Value> {
    let row = |due: &Due, state: &str, fired_at: Option<Timestamp>| {
        json!({
            "subject_id": due.subject.id(),
            "subject": due.subject.code(),
            "kind": due.kind,
            "due_at": due.due_at,
            "state": state,
            "fired_at": fired_at,
        })
    };
    let armed = case.armed.iter().map(|due| row(due, "armed", None));
    let fired = case.fired.iter().map(|due| row(due, "fired", Some(due.due_at)));
    armed.chain(fired).collect()
}

/// Bytes as PostgreSQL reads them from text.
fn bytes(given: &[u8]) -> String {
    format!("\\x{}", hex::encode(given))
}
