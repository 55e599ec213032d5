//! Tasks as they are read: those of the caller's units, or all for the centre.

use domain::{
    complaint::Kind,
    id::{AccountId, ActId, ComplaintId, TaskId, WhistleId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    sla::Urgency,
    task::{Outcome, ReturnGround, Role, Status},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::{Connection, codes, complaint::read::Search, template::read::TemplateUsed};

pub mod returns;

/// A task, as its unit and the centre see it. It holds nothing of the reporter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TaskView {
    /// Its id.
    pub id: TaskId,
    /// The complaint it is part of.
    pub complaint_id: Option<ComplaintId>,
    /// The whistle it is part of.
    pub whistle_id: Option<WhistleId>,
    /// The complaint's number.
    #[schema(example = "PC20261124000123")]
    pub number: Option<String>,
    /// The case's title.
    pub title: Option<String>,
    /// The unit's code.
    pub unit: NodeCode,
    /// The unit's name.
    pub unit_name: String,
    /// As what.
    pub role: Role,
    /// Where it stands.
    pub status: Status,
    /// The status in Chinese.
    pub status_text: &'static str,
    /// Grows with each change; what `If-Match` compares.
    pub version: i64,
    /// The urgency its deadlines follow.
    pub urgency: Urgency,
    /// Since when its clocks run.
    #[schema(value_type = String, format = DateTime)]
    pub dispatched_at: Timestamp,
    /// Acknowledge until.
    #[schema(value_type = String, format = DateTime)]
    pub acknowledge_by: Timestamp,
    /// Contact the reporter until; null where nobody can be contacted, or by an assist unit.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub contact_by: Option<Timestamp>,
    /// Be on the spot until; null where nobody must come.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub arrive_by: Option<Timestamp>,
    /// Reply until.
    #[schema(value_type = String, format = DateTime)]
    pub reply_by: Timestamp,
    /// Return it until; who misses that keeps it.
    #[schema(value_type = String, format = DateTime)]
    pub return_by: Timestamp,
    /// When it was acknowledged first.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
    /// The first contact that reached the reporter, or was relayed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub contacted_at: Option<Timestamp>,
    /// When the unit first reported in.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub arrived_at: Option<Timestamp>,
    /// When it replied last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub replied_at: Option<Timestamp>,
    /// When the reply was confirmed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub confirmed_at: Option<Timestamp>,
    /// The reply as it stands.
    pub reply: Option<ReplyView>,
    /// The template that the reply was written by, and which version of it.
    pub reply_template: Option<TemplateUsed>,
    /// The return that waits for a ruling.
    pub return_request: Option<ReturnView>,
    /// Until when more time is asked for.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub extension_until: Option<Timestamp>,
    /// Returns on this line so far.
    pub returns: i16,
    /// The centre ruled finally: it cannot be returned.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Extensions granted.
    pub extensions: i16,
    /// How often the reply was sent back.
    pub send_backs: i16,
    /// The task that this one does again.
    pub rework_of: Option<TaskId>,
    /// Who works on it for the unit; null where nobody is named.
    pub assignee: Option<AssigneeView>,
    /// The reply that waits for the unit's head.
    pub waiting_reply: Option<WaitingView>,
    /// Who approved the reply for the unit, where it needed that.
    pub approved_by: Option<String>,
}

impl TaskView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.dispatched_at, id: self.id.0 }
    }
}

/// A reply.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReplyView {
    /// What was done.
    pub text: String,
    /// What it comes to.
    pub outcome: Outcome,
    /// The law or document it rests on.
    pub basis: Option<String>,
    /// The unit's acts of enforcement that it rests on, without those that were withdrawn; shown
    /// to the unit and the centre.
    pub acts: Vec<ActId>,
}

/// Who works on a task for its unit: an officer or a body.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssigneeView {
    /// The officer's account.
    pub officer: Option<AccountId>,
    /// The body's code.
    #[schema(example = "140213066004")]
    pub body: Option<NodeCode>,
    /// The name of either.
    pub name: String,
    /// Whether they still work there; where not, the task is the unit's to hand over anew.
    pub active: bool,
}

/// A reply that waits for the unit's head.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WaitingView {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Who wrote it.
    pub drafted_by: String,
    /// The reply; for those who work on the task alone, until it goes out.
    pub reply: Option<ReplyView>,
}

/// A return that waits for a ruling.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReturnView {
    /// Why.
    pub ground: ReturnGround,
    /// Where it should go instead.
    pub suggested_unit: NodeCode,
    /// Since when the centre's clock runs.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// Whom to invite to a consultation: duties that overlap are better settled once for all than
    /// passed on. Empty for every other ground.
    pub consult_units: Vec<NodeCode>,
}

/// Who tasks are narrowed to by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assigned {
    /// The reader's own.
    Mine,
    /// Nobody's: not handed over, or to somebody who left.
    Nobody,
    /// An officer's.
    Officer(AccountId),
    /// A body's below the unit.
    Body(NodeCode),
}

impl Assigned {
    const fn officer(&self, reader: AccountId) -> Option<AccountId> {
        match self {
            Self::Mine => Some(reader),
            Self::Officer(account) => Some(*account),
            Self::Nobody | Self::Body(_) => None,
        }
    }

    fn body(&self) -> Option<&str> {
        match self {
            Self::Body(code) => Some(code.as_str()),
            _ => None,
        }
    }
}

/// What a list is narrowed to. It is kept as JSON with an export, which runs later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// One task alone.
    pub id: Option<TaskId>,
    /// Where they stand; any, when empty.
    pub status: Vec<Status>,
    /// Whose they are.
    pub unit: Option<NodeCode>,
    /// The division that the case is about; its whole subtree counts.
    pub area: Option<NodeCode>,
    /// What the complaint is about.
    pub kind: Option<Kind>,
    /// How pressing they are.
    pub urgency: Option<Urgency>,
    /// The reply is due before this instant.
    pub due_before: Option<Timestamp>,
    /// Open and past a deadline at this instant.
    pub overdue_at: Option<Timestamp>,
    /// The centre keeps an eye on the complaint, or not.
    pub hot: Option<bool>,
    /// Words of the complaint, or the end of its number.
    pub search: Search,
    /// Of one complaint.
    pub complaint: Option<ComplaintId>,
    /// Of one whistle.
    pub whistle: Option<WhistleId>,
    /// Who works on them for their unit.
    pub assigned: Option<Assigned>,
}

/// Lists tasks within the scope, newest first, one more than the page. How it is planned: see the
/// list of complaints.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Vec<TaskView>, sqlx::Error> {
    let status = codes(&filter.status, Status::code);
    let rows = sqlx::query!(
        r#"select t.id as "id: TaskId", t.complaint_id as "complaint_id: ComplaintId",
               t.whistle_id as "whistle_id: WhistleId", c.number as "number?", coalesce(c.title, w.title) as "title?",
               t.unit as "unit: NodeCode", u.name as unit_name, t.role as "role: Role",
               t.status as "status: Status", t.version, t.urgency as "urgency: Urgency",
               t.dispatched_at, t.acknowledge_by, t.contact_by, t.arrive_by, t.reply_by, t.return_by,
               t.acknowledged_at, t.contacted_at, t.arrived_at, t.replied_at, t.confirmed_at,
               t.reply_text, t.reply_outcome as "reply_outcome: Outcome", t.reply_basis,
               t.return_ground as "return_ground: ReturnGround", t.return_to as "return_to: NodeCode",
               t.return_asked_at, t.extension_until, t.returns, t.final as is_final, t.extensions,
               t.send_backs, t.rework_of as "rework_of: TaskId",
               case when t.reply_text is null and t.waiting_text is null then '{}' else
                   array(select a.id from enforcement_act a
                   where a.task_id = t.id and ($1 or t.unit = any($2))
                       and a.withdrawn_by is null and a.withdraws is null
                   order by a.recorded_at, a.id) end as "acts!: Vec<ActId>",
               t.officer as "officer: AccountId", t.body as "body: NodeCode",
               coalesce((select a.display_name from account a where a.id = t.officer),
                   (select b.name from org_node b where b.code = t.body)) as assignee_name,
               (t.officer is null or exists (
                   select from account a join role_grant g on g.account_id = a.id
                   where a.id = t.officer and a.disabled_at is null and g.scope = t.unit
                       and g.role = any($22) and g.revoked_at is null)) as "assignee_active!",
               -- What waits for the head is read by those who work on the task alone.
               case when t.unit = any($2) or t.body = any($2) then t.waiting_text end as waiting_text,
               t.waiting_outcome as "waiting_outcome: Outcome", t.waiting_basis, t.waiting_since,
               (select a.display_name from account a where a.id = t.waiting_by) as waiting_by,
               (select a.display_name from account a where a.id = t.approved_by) as approved_by,
               case when t.reply_text is not null then
                   (select json_build_object('id', m.template_id, 'version', m.template_version, 'name', v.name)
                   from reply_from_template m join reply_template_version v
                       on v.template_id = m.template_id and v.version = m.template_version
                   where m.task_id = t.id and m.digest = sha256(convert_to(t.reply_text, 'UTF8'))
               ) end as "reply_template: sqlx::types::Json<TemplateUsed>"
           from task t
           join org_node u on u.code = t.unit
           left join complaint c on c.id = t.complaint_id
           left join whistle w on w.id = t.whistle_id
           -- Whoever blew a whistle judges its tasks: reads them by name, not among its own.
           where ($1 or t.unit = any($2) or t.body = any($2)
                   or w.blower = any($2) and ($3::uuid is not null or $7::uuid is not null))
               and ($3::uuid is null or t.id = $3)
               and ($4::text[] is null or t.status = any($4))
               and ($5::timestamptz is null or (t.ended_at is null and (
                   -- While a complaint is suspended its units' clocks stand still.
                   (t.acknowledged_at is null and t.acknowledge_by < least($5, c.suspended_at))
                   or (t.contacted_at is null and t.contact_by < least($5, c.suspended_at))
                   or (t.arrived_at is null and t.arrive_by < least($5, c.suspended_at))
                   or (t.status <> 'replied' and t.reply_by < least($5, c.suspended_at)))))
               and ($6::uuid is null or t.complaint_id = $6)
               and ($7::uuid is null or t.whistle_id = $7)
               and ($8::timestamptz is null or (t.dispatched_at, t.id) < ($8, $9))
               and ($11::text is null or t.unit = $11)
               and ($12::text is null or t.community_code like $12 || '%')
               and ($13::text is null or t.kind = $13)
               and ($14::text is null or t.urgency = $14)
               and ($15::timestamptz is null
                   or (t.ended_at is null and t.status <> 'replied' and t.reply_by < $15))
               and ($16::bool is null or case when $16
                   then t.complaint_id = any(array(select complaint_id from complaint_hot))
                   else not exists (
                       select from complaint_hot h where h.complaint_id = t.complaint_id) end)
               and ($17::text[] is null or t.complaint_id = any(array(
                   select f.id from complaint f
                   where searched(f.title, f.content, f.address) @> bigrams($17)
                       or ($18::text is not null
                           and reverse(f.number) like reverse($18) || '%'))))
               and ($19::uuid is null or t.officer = $19)
               and ($20::text is null or t.body = $20)
               -- An officer who left works on nothing: the task is the unit's again.
               and (not $21 or t.body is null and not exists (
                   select from account a join role_grant g on g.account_id = a.id
                   where a.id = t.officer and a.disabled_at is null and g.scope = t.unit
                       and g.role = any($22) and g.revoked_at is null))
           order by t.dispatched_at desc, t.id desc
           limit $10"#,
        scope.everything(),
        scope.units(),
        filter.id.map(|id| id.0),
        status.as_deref(),
        filter.overdue_at,
        filter.complaint.map(|id| id.0),
        filter.whistle.map(|id| id.0),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
        filter.unit.as_ref().map(NodeCode::as_str),
        filter.area.as_ref().map(NodeCode::as_str),
        filter.kind.map(Kind::code),
        filter.urgency.map(Urgency::code),
        filter.due_before,
        filter.hot,
        filter.search.words.as_deref(),
        filter.search.number,
        filter.assigned.as_ref().and_then(|it| it.officer(scope.account())).map(|id| id.0),
        filter.assigned.as_ref().and_then(Assigned::body),
        filter.assigned == Some(Assigned::Nobody),
        &super::officer::roles(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let unit = row.unit.clone();
            TaskView {
                id: row.id,
                complaint_id: row.complaint_id,
                whistle_id: row.whistle_id,
                number: row.number,
                title: row.title,
                unit: row.unit,
                unit_name: row.unit_name,
                role: row.role,
                status: row.status,
                status_text: row.status.label(),
                version: row.version,
                urgency: row.urgency,
                dispatched_at: row.dispatched_at,
                acknowledge_by: row.acknowledge_by,
                contact_by: row.contact_by,
                arrive_by: row.arrive_by,
                reply_by: row.reply_by,
                return_by: row.return_by,
                acknowledged_at: row.acknowledged_at,
                contacted_at: row.contacted_at,
                arrived_at: row.arrived_at,
                replied_at: row.replied_at,
                confirmed_at: row.confirmed_at,
                reply: row.reply_text.zip(row.reply_outcome).map(|(text, outcome)| ReplyView {
                    text,
                    outcome,
                    basis: row.reply_basis,
                    acts: row.acts.clone(),
                }),
                reply_template: row.reply_template.map(|used| used.0),
                return_request: match (row.return_ground, row.return_to, row.return_asked_at) {
                    (Some(ground), Some(suggested_unit), Some(asked_at)) => {
                        let overlap = ground == ReturnGround::Overlap;
                        let consult_units = [&unit, &suggested_unit];
                        let consult_units =
                            consult_units.into_iter().filter(|_| overlap).cloned().collect();
                        Some(ReturnView { ground, suggested_unit, asked_at, consult_units })
                    }
                    _ => None,
                },
                extension_until: row.extension_until,
                returns: row.returns,
                is_final: row.is_final,
                extensions: row.extensions,
                send_backs: row.send_backs,
                rework_of: row.rework_of,
                assignee: row.assignee_name.map(|name| AssigneeView {
                    officer: row.officer,
                    body: row.body,
                    name,
                    active: row.assignee_active,
                }),
                waiting_reply: row.waiting_since.zip(row.waiting_by).map(|(since, drafted_by)| {
                    let basis = row.waiting_basis;
                    let reply = row.waiting_text.zip(row.waiting_outcome);
                    let acts = row.acts;
                    let reply =
                        reply.map(|(text, outcome)| ReplyView { text, outcome, basis, acts });
                    WaitingView { since, drafted_by, reply }
                }),
                approved_by: row.approved_by,
            }
        })
        .collect())
}
