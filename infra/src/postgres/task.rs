//! Tasks: those of a case, inserted and saved under the case's lock. Lists and details are in
//! [`read`].

use domain::{
    id::{AccountId, ComplaintId, TaskId, WhistleId},
    org::NodeCode,
    sla::Urgency,
    task::{
        Approved, Assignee, Case, ExtensionRequest, Outcome, Reply, ReturnGround, ReturnRequest,
        Role, Status, Task, WaitingReply,
    },
    time::Timestamp,
};

use super::Connection;

pub mod approval;
pub mod assist;
pub mod draft;
pub mod officer;
pub mod read;

struct Row {
    id: TaskId,
    complaint_id: Option<ComplaintId>,
    whistle_id: Option<WhistleId>,
    unit: NodeCode,
    role: Role,
    line: i16,
    status: Status,
    version: i64,
    urgency: Urgency,
    dispatched_at: Timestamp,
    acknowledge_by: Timestamp,
    contact_by: Option<Timestamp>,
    arrive_by: Option<Timestamp>,
    reply_by: Timestamp,
    return_by: Timestamp,
    acknowledged_at: Option<Timestamp>,
    contacts: i16,
    contacted_at: Option<Timestamp>,
    arrived_at: Option<Timestamp>,
    replied_at: Option<Timestamp>,
    reply_text: Option<String>,
    reply_outcome: Option<Outcome>,
    reply_basis: Option<String>,
    confirmed_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    returns: i16,
    is_final: bool,
    return_ground: Option<ReturnGround>,
    return_to: Option<NodeCode>,
    return_asked_at: Option<Timestamp>,
    status_before_return: Option<Status>,
    extensions: i16,
    extension_until: Option<Timestamp>,
    extension_asked_at: Option<Timestamp>,
    send_backs: i16,
    rework_of: Option<TaskId>,
    officer: Option<AccountId>,
    body: Option<NodeCode>,
    waiting_text: Option<String>,
    waiting_outcome: Option<Outcome>,
    waiting_basis: Option<String>,
    waiting_by: Option<AccountId>,
    waiting_since: Option<Timestamp>,
    drafted_by: Option<AccountId>,
    approved_by: Option<AccountId>,
}

impl Row {
    fn into_task(self) -> Result<Task, sqlx::Error> {
        let case = match (self.complaint_id, self.whistle_id) {
            (Some(complaint), _) => Case::Complaint(complaint),
            (None, Some(whistle)) => Case::Whistle(whistle),
            // The constraint task_case rules it out.
            (None, None) => return Err(sqlx::Error::Decode("a task without a case".into())),
        };
        let basis = self.reply_basis;
        let reply = self.reply_text.zip(self.reply_outcome).map(|(text, outcome)| Reply {
            text,
            outcome,
            basis,
        });
        let waiting_reply =
            match (self.waiting_text, self.waiting_outcome, self.waiting_by, self.waiting_since) {
                (Some(text), Some(outcome), Some(by), Some(since)) => {
                    let reply = Reply { text, outcome, basis: self.waiting_basis };
                    Some(WaitingReply { reply, by, since })
                }
                _ => None,
            };
        let return_request = match (
            self.return_ground,
            self.return_to,
            self.return_asked_at,
            self.status_before_return,
        ) {
            (Some(ground), Some(to), Some(asked_at), Some(before)) => {
                Some(ReturnRequest { ground, to, asked_at, before })
            }
            _ => None,
        };
        Ok(Task {
            id: self.id,
            case,
            unit: self.unit,
            role: self.role,
            line: self.line,
            status: self.status,
            version: self.version,
            urgency: self.urgency,
            dispatched_at: self.dispatched_at,
            acknowledge_by: self.acknowledge_by,
            contact_by: self.contact_by,
            arrive_by: self.arrive_by,
            reply_by: self.reply_by,
            return_by: self.return_by,
            acknowledged_at: self.acknowledged_at,
            contacts: self.contacts,
            contacted_at: self.contacted_at,
            arrived_at: self.arrived_at,
            replied_at: self.replied_at,
            reply,
            confirmed_at: self.confirmed_at,
            ended_at: self.ended_at,
            returns: self.returns,
            is_final: self.is_final,
            return_request,
            extensions: self.extensions,
            extension_request: self
                .extension_until
                .zip(self.extension_asked_at)
                .map(|(until, asked_at)| ExtensionRequest { until, asked_at }),
            send_backs: self.send_backs,
            rework_of: self.rework_of,
            assignee: self.officer.map(Assignee::Officer).or(self.body.map(Assignee::Body)),
            waiting_reply,
            approved: self
                .drafted_by
                .zip(self.approved_by)
                .map(|(drafted_by, approved_by)| Approved { drafted_by, approved_by }),
        })
    }
}

/// Every task of a case, ended ones included, by line and age. Call it under the case's lock to
/// change one. `case` is the id of the complaint or whistle.
///
/// # Errors
/// The database is away.
pub async fn of_case(conn: &mut Connection, case: uuid::Uuid) -> Result<Vec<Task>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: TaskId", complaint_id as "complaint_id: ComplaintId",
               whistle_id as "whistle_id: WhistleId", unit as "unit: NodeCode", role as "role: Role",
               line, status as "status: Status", version, urgency as "urgency: Urgency",
               dispatched_at, acknowledge_by, contact_by, arrive_by, reply_by, return_by, acknowledged_at,
               contacts, contacted_at, arrived_at, replied_at, reply_text,
               reply_outcome as "reply_outcome: Outcome", reply_basis, confirmed_at, ended_at,
               returns, final as is_final, return_ground as "return_ground: ReturnGround",
               return_to as "return_to: NodeCode", return_asked_at,
               status_before_return as "status_before_return: Status", extensions, extension_until,
               extension_asked_at, send_backs, rework_of as "rework_of: TaskId",
               officer as "officer: AccountId", body as "body: NodeCode", waiting_text,
               waiting_outcome as "waiting_outcome: Outcome", waiting_basis,
               waiting_by as "waiting_by: AccountId", waiting_since,
               drafted_by as "drafted_by: AccountId", approved_by as "approved_by: AccountId"
           from task
           where complaint_id = $1 or whistle_id = $1
           order by line, dispatched_at, id"#,
        case,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::into_task).collect()
}

/// Stores a new task.
///
/// # Errors
/// The database is away; `task_open_line` or `task_open_unit` when the line or unit is taken.
pub async fn insert(conn: &mut Connection, task: &Task) -> Result<(), sqlx::Error> {
    let (complaint, whistle) = task.case.keys();
    sqlx::query!(
        "insert into task (id, complaint_id, whistle_id, unit, role, line, status, urgency,
             dispatched_at, acknowledge_by, contact_by, arrive_by, reply_by, returns, final, rework_of,
             return_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        task.id.0,
        complaint,
        whistle,
        task.unit.as_str(),
        task.role.code(),
        task.line,
        task.status.code(),
        task.urgency.code(),
        task.dispatched_at,
        task.acknowledge_by,
        task.contact_by,
        task.arrive_by,
        task.reply_by,
        task.returns,
        task.is_final,
        task.rework_of.map(|id| id.0),
        task.return_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Saves a task; its events are appended with its case.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn save(conn: &mut Connection, task: &Task) -> Result<(), sqlx::Error> {
    let reply = task.reply.as_ref();
    let request = task.return_request.as_ref();
    let waiting = task.waiting_reply.as_ref();
    sqlx::query!(
        "update task set version = version + 1, status = $2, acknowledge_by = $3, contact_by = $4,
             arrive_by = $5, reply_by = $6, acknowledged_at = $7, contacts = $8, contacted_at = $9,
             arrived_at = $10, replied_at = $11, reply_text = $12, reply_outcome = $13,
             reply_basis = $14, confirmed_at = $15, ended_at = $16, returns = $17,
             return_ground = $18, return_to = $19, return_asked_at = $20,
             status_before_return = $21, extensions = $22, extension_until = $23,
             extension_asked_at = $24, send_backs = $25, return_by = $26,
             final = $27, officer = $28, body = $29, waiting_text = $30, waiting_outcome = $31,
             waiting_basis = $32, waiting_by = $33, waiting_since = $34, drafted_by = $35,
             approved_by = $36
         where id = $1",
        task.id.0,
        task.status.code(),
        task.acknowledge_by,
        task.contact_by,
        task.arrive_by,
        task.reply_by,
        task.acknowledged_at,
        task.contacts,
        task.contacted_at,
        task.arrived_at,
        task.replied_at,
        reply.map(|reply| reply.text.as_str()),
        reply.map(|reply| reply.outcome.code()),
        reply.and_then(|reply| reply.basis.as_deref()),
        task.confirmed_at,
        task.ended_at,
        task.returns,
        request.map(|request| request.ground.code()),
        request.map(|request| request.to.as_str()),
        request.map(|request| request.asked_at),
        request.map(|request| request.before.code()),
        task.extensions,
        task.extension_request.map(|request| request.until),
        task.extension_request.map(|request| request.asked_at),
        task.send_backs,
        task.return_by,
        task.is_final,
        task.assignee.as_ref().and_then(Assignee::officer).map(|account| account.0),
        task.assignee.as_ref().and_then(Assignee::body).map(NodeCode::as_str),
        waiting.map(|waiting| waiting.reply.text.as_str()),
        waiting.map(|waiting| waiting.reply.outcome.code()),
        waiting.and_then(|waiting| waiting.reply.basis.as_deref()),
        waiting.map(|waiting| waiting.by.0),
        waiting.map(|waiting| waiting.since),
        task.approved.map(|approved| approved.drafted_by.0),
        task.approved.map(|approved| approved.approved_by.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}
