//! Complaints as they are read: every function takes a [`Scope`], and what comes back is made for
//! an audience. What points to the reporter stands in [`Reporter`] alone, which only the centre's
//! view holds.

use domain::{
    complaint::{Channel, ClosedAs, Kind, Status},
    id::{AccountId, ComplaintId, TaskId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    refusal::FieldError,
    scope::{Audience, Scope},
    screening,
    sla::Urgency,
    task, text,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::postgres::{Connection, codes};

pub mod duplicates;
pub mod standing;

/// A complaint as anyone who may read it sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Facts {
    /// Its id.
    pub id: ComplaintId,
    /// The number that people read: `PC20261124000123`.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// Where it stands.
    pub status: Status,
    /// The status in Chinese.
    #[schema(example = "办理中")]
    pub status_text: &'static str,
    /// Grows with each change; what `If-Match` compares.
    pub version: i64,
    /// What it is about.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// What happened.
    pub content: String,
    /// The community it is about.
    pub community_code: NodeCode,
    /// The community's name.
    pub community_name: String,
    /// Where exactly, in words.
    pub address: Option<String>,
    /// Where exactly, in GCJ-02.
    pub location: Option<Place>,
    /// Nobody outside the centre learns who reported.
    pub confidential: bool,
    /// Decides every deadline.
    pub urgency: Option<Urgency>,
    /// The category the centre gave it.
    pub category: Option<String>,
    /// The duty-list item it was judged by.
    pub duty_item: Option<String>,
    /// The version of the duty list it was judged by.
    pub duty_list: Option<String>,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was accepted first.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub accepted_at: Option<Timestamp>,
    /// When it was dispatched first.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub dispatched_at: Option<Timestamp>,
    /// When it was answered last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub replied_at: Option<Timestamp>,
    /// When it was closed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// How it was closed.
    pub closed_as: Option<ClosedAs>,
    /// 0 before follow-up, then 1 or 2.
    pub follow_up_round: i16,
    /// How often the lead had to do it again.
    pub reworks: i16,
    /// How often the reporter urged.
    pub urges: i16,
    /// Until when at the latest the clocks stand still.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub suspended_until: Option<Timestamp>,
    /// The complaint it follows.
    pub merged_into: Option<ComplaintId>,
    /// The answer: the lead's confirmed reply (of the case that it follows, when merged), the
    /// centre's own, or why it was not taken on.
    pub answer: Option<String>,
    /// Who has it, and by when.
    pub tasks: Vec<TaskBrief>,
}

/// A place in GCJ-02.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Place {
    /// Degrees east.
    pub lng: f64,
    /// Degrees north.
    pub lat: f64,
}

/// One unit's part in a complaint.
#[derive(Debug, Clone, Serialize, serde::Deserialize, ToSchema)]
pub struct TaskBrief {
    /// The task.
    pub id: TaskId,
    /// The unit's code.
    pub unit: NodeCode,
    /// The unit's name.
    pub unit_name: String,
    /// As what.
    pub role: task::Role,
    /// Where it stands.
    pub status: task::Status,
    /// Reply until.
    #[schema(value_type = String, format = DateTime)]
    pub reply_by: Timestamp,
}

/// What points to the reporter: for the centre alone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Reporter {
    /// The account that reported, if any.
    pub account: Option<AccountId>,
    /// For another person.
    pub on_behalf: bool,
    /// By which way.
    pub channel: Channel,
    /// Who took it in.
    pub taken_in_by: Option<String>,
    /// Somebody can be contacted.
    pub reachable: bool,
}

/// A complaint with what only the centre may see beside it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// What everyone sees.
    pub facts: Facts,
    /// What the centre sees.
    pub reporter: Reporter,
    /// Whether it counts in no rate; the centre and supervisors see it.
    pub excluded: bool,
    /// For whom this reader's view is made.
    pub audience: Audience,
    /// The reader's own units that still work on it as lead or assist.
    pub handled_by_reader: bool,
    /// Whether the centre keeps an eye on it.
    pub hot: bool,
}

/// Reads a complaint, if it is within the scope. A missing one and a foreign one look the same.
///
/// # Errors
/// The database is away.
pub async fn detail(
    conn: &mut Connection,
    scope: &Scope,
    id: ComplaintId,
) -> Result<Option<Detail>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select c.id as "id: ComplaintId", c.number, c.status as "status: Status", c.version,
               c.kind as "kind: Kind", c.title, c.content,
               c.community_code as "community_code: NodeCode", place.name as community_name,
               c.address, c.lng, c.lat, c.confidential, c.urgency as "urgency: Urgency", c.category,
               c.duty_item, c.duty_list, c.submitted_at, c.accepted_at, c.dispatched_at,
               c.replied_at, c.closed_at, c.closed_as as "closed_as: ClosedAs", c.follow_up_round,
               c.reworks, c.urges, c.suspended_until, c.merged_into as "merged_into: ComplaintId",
               c.reporter_id as "reporter_id: AccountId", c.on_behalf,
               -- Nobody who was erased, or whose number was.
               c.reachable and (
                   exists (select from complaint_contact t where t.complaint_id = c.id)
                   or c.reporter_id is not null
                       and not exists (
                           select from erasure e
                           where e.account_id = c.reporter_id and e.erased_at is not null)
               ) as "reachable!",
               c.channel as "channel: Channel", c.excluded_at is not null as "excluded!",
               clerk.display_name as "taken_in_by?",
               coalesce(
                   case when coalesce((select l.status from complaint l where l.id = c.merged_into), c.status) = 'answered' then (
                       select note from event where subject_id = coalesce(c.merged_into, c.id)
                           and kind = 'answered'
                       order by seq desc limit 1)
                   -- A past work order has no tasks; its reply is told by the event.
                   when c.source is not null then (
                       select note from event where subject_id = c.id and kind = 'replied'
                       order by seq desc limit 1) end,
                   case when coalesce((select l.status from complaint l where l.id = c.merged_into), c.status) = 'rejected' then (
                       select note from event where subject_id = coalesce(c.merged_into, c.id)
                           and kind = 'rejected'
                       order by seq desc limit 1) end,
                   (select reply_text from task where complaint_id = coalesce(c.merged_into, c.id)
                       and role = 'lead' and status = 'confirmed' order by confirmed_at desc limit 1)
               ) as answer,
               coalesce((
                   select json_agg(json_build_object('id', t.id, 'unit', t.unit, 'unit_name', u.name,
                           'role', t.role, 'status', t.status, 'reply_by', t.reply_by)
                       order by t.line, t.dispatched_at)
                   from task t join org_node u on u.code = t.unit
                   where t.complaint_id = c.id and t.status <> 'returned'
               ), '[]') as "tasks!: sqlx::types::Json<Vec<TaskBrief>>",
               exists (
                   select from task t where t.complaint_id = c.id
                       and (t.unit = any($4) or t.body = any($4)) and t.ended_at is null
               ) as "handled_by_reader!",
               exists (select from complaint_hot h where h.complaint_id = c.id) as "hot!"
           from complaint c
           join org_node place on place.code = c.community_code
           left join account clerk on clerk.id = c.taken_in_by
           where c.id = $1
               and ($2 or c.community_code like any($3) or c.units && $4 or c.reporter_id = $5)
               -- Whoever is reported does not read the report, nor do those under them.
               and ($2 or c.reporter_id = $5 or c.reported_unit is null or not exists (
                   select from unnest($4::text[]) as own (code)
                   where own.code like c.reported_unit || '%'))"#,
        id.0,
        scope.everything(),
        &scope.area_patterns(),
        scope.units(),
        scope.account().0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Detail {
        audience: if row.reporter_id == Some(scope.account()) {
            Audience::Reporter
        } else {
            scope.audience()
        },
        handled_by_reader: row.handled_by_reader,
        hot: row.hot,
        excluded: row.excluded,
        reporter: Reporter {
            account: row.reporter_id,
            on_behalf: row.on_behalf,
            channel: row.channel,
            taken_in_by: row.taken_in_by,
            reachable: row.reachable,
        },
        facts: Facts {
            id: row.id,
            number: row.number,
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            kind: row.kind,
            title: row.title,
            content: row.content,
            community_code: row.community_code,
            community_name: row.community_name,
            address: row.address,
            location: row.lng.zip(row.lat).map(|(lng, lat)| Place { lng, lat }),
            confidential: row.confidential,
            urgency: row.urgency,
            category: row.category,
            duty_item: row.duty_item,
            duty_list: row.duty_list,
            created_at: row.submitted_at,
            accepted_at: row.accepted_at,
            dispatched_at: row.dispatched_at,
            replied_at: row.replied_at,
            closed_at: row.closed_at,
            closed_as: row.closed_as,
            follow_up_round: row.follow_up_round,
            reworks: row.reworks,
            urges: row.urges,
            suspended_until: row.suspended_until,
            merged_into: row.merged_into,
            answer: row.answer,
            tasks: row.tasks.0,
        },
    }))
}

/// A complaint in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Summary {
    /// Its id.
    pub id: ComplaintId,
    /// The number that people read.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// Where it stands.
    pub status: Status,
    /// The status in Chinese.
    pub status_text: &'static str,
    /// Grows with each change.
    pub version: i64,
    /// What it is about.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// The community it is about.
    pub community_code: NodeCode,
    /// The community's name.
    pub community_name: String,
    /// Decides every deadline.
    pub urgency: Option<Urgency>,
    /// Nobody outside the centre learns who reported.
    pub confidential: bool,
    /// The centre keeps an eye on it.
    pub hot: bool,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl Summary {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

/// What a list is narrowed to. It is kept as JSON with an export, which runs later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Where they stand; any, when empty.
    pub status: Vec<Status>,
    /// What they are about.
    pub kind: Option<Kind>,
    /// How pressing they are.
    pub urgency: Option<Urgency>,
    /// A division; its whole subtree counts.
    pub area: Option<NodeCode>,
    /// A unit that has or had a task.
    pub unit: Option<NodeCode>,
    /// A unit's reply is due before this instant.
    pub due_before: Option<Timestamp>,
    /// A unit is past a deadline at this instant.
    pub overdue_at: Option<Timestamp>,
    /// The centre keeps an eye on it, or not.
    pub hot: Option<bool>,
    /// Words, or the end of a number.
    pub search: Search,
    /// The account's own alone, whatever else its scope holds.
    pub own_only: bool,
}

/// What is looked for in the text of complaints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Words of two characters or more, all of which a complaint must hold.
    pub words: Option<Vec<String>>,
    /// Or its number ends so.
    pub number: Option<String>,
}

impl Search {
    /// Takes what somebody typed apart: words between spaces, and a number if it looks like one:
    /// four digits or more, or the whole with its letters.
    ///
    /// # Errors
    /// Nothing of two characters, more than 50 characters, or a control character.
    pub fn parse(field: &str, typed: &str) -> Result<Self, FieldError> {
        let words = text::words(field, typed)?;
        let number = words.join(" ").to_ascii_uppercase();
        let digits = number.strip_prefix("PC").unwrap_or(&number);
        let is_number =
            (4..=14).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        Ok(Self { words: Some(words), number: is_number.then_some(number) })
    }
}

/// Lists complaints within the scope, newest first, one more than the page.
///
/// Each filter can be answered from an index, and which is best is for the planner to weigh: the
/// statement is planned with its values (a generic plan, for an unknown limit, always costs more).
/// Sets of ids are arrays so that they lead to the primary key; an `in (select …)` beside an
/// `or` would be asked of every row. `tests/it/search.rs` reads the plans.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Vec<Summary>, sqlx::Error> {
    let status = codes(&filter.status, Status::code);
    let rows = sqlx::query!(
        r#"select c.id as "id: ComplaintId", c.number, c.status as "status: Status", c.version,
               c.kind as "kind: Kind", c.title, c.community_code as "community_code: NodeCode",
               place.name as community_name, c.urgency as "urgency: Urgency", c.confidential,
               exists (select from complaint_hot h where h.complaint_id = c.id) as "hot!",
               c.submitted_at
           from complaint c join org_node place on place.code = c.community_code
           where ((not $5 and ($1 or c.units && $3 or c.community_code = any(array(
                       select code from org_node where code like any($2)))))
                   or c.reporter_id = $4)
               and ($1 or c.reporter_id = $4 or c.reported_unit is null or not exists (
                   select from unnest($3::text[]) as own (code)
                   where own.code like c.reported_unit || '%'))
               and ($6::text[] is null or c.status = any($6))
               and ($7::text is null or c.community_code like $7 || '%')
               and ($8::text is null or c.units @> array[$8])
               and ($9::text[] is null or searched(c.title, c.content, c.address) @> bigrams($9)
                   or ($13::text is not null and reverse(c.number) like reverse($13) || '%'))
               and ($10::timestamptz is null or (c.submitted_at, c.id) < ($10, $11))
               and ($14::text is null or c.kind = $14)
               and ($15::text is null or c.urgency = $15)
               and ($16::timestamptz is null or c.id = any(array(
                   select complaint_id from task where ended_at is null and status <> 'replied'
                       and reply_by < $16 and complaint_id is not null)))
               -- While a complaint is suspended its units' clocks stand still.
               and ($17::timestamptz is null or c.id = any(array(
                   select t.complaint_id from task t join complaint o on o.id = t.complaint_id
                   where t.ended_at is null and (
                       (t.acknowledged_at is null and t.acknowledge_by < least($17, o.suspended_at))
                       or (t.contacted_at is null and t.contact_by < least($17, o.suspended_at))
                       or (t.arrived_at is null and t.arrive_by < least($17, o.suspended_at))
                       or (t.status <> 'replied' and t.reply_by < least($17, o.suspended_at))))))
               and ($18::bool is null or case when $18
                   then c.id = any(array(select complaint_id from complaint_hot))
                   else not exists (select from complaint_hot h where h.complaint_id = c.id) end)
           -- Words are looked up in their index, never by walking the cases in this order until enough
           -- hold them: few may in one's scope, or none since last winter.
           order by case when $9::text[] is null then c.submitted_at
               else c.submitted_at + interval '0' end desc, c.id desc
           limit $12"#,
        scope.everything(),
        &scope.area_patterns(),
        scope.units(),
        scope.account().0,
        filter.own_only,
        status.as_deref(),
        filter.area.as_ref().map(NodeCode::as_str),
        filter.unit.as_ref().map(NodeCode::as_str),
        filter.search.words.as_deref(),
        page.after.map(|cursor| cursor.at),
        page.after.map(|cursor| cursor.id),
        page.probe(),
        filter.search.number,
        filter.kind.map(Kind::code),
        filter.urgency.map(Urgency::code),
        filter.due_before,
        filter.overdue_at,
        filter.hot,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Summary {
            id: row.id,
            number: row.number,
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            kind: row.kind,
            title: row.title,
            community_code: row.community_code,
            community_name: row.community_name,
            urgency: row.urgency,
            confidential: row.confidential,
            hot: row.hot,
            created_at: row.submitted_at,
        })
        .collect())
}

/// What a person without an account sees: nothing that another could not read off a poster.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PublicView {
    /// The number that people read.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// Where it stands.
    pub status: Status,
    /// The status in Chinese.
    #[schema(example = "办理中")]
    pub status_text: &'static str,
    /// Its title; other words stand there until it may be shown to the public.
    pub title: String,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who has it.
    pub units: Vec<String>,
    /// Until when the answer is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reply_by: Option<Timestamp>,
    /// The answer, once there is one.
    pub answer: Option<String>,
    /// The complaint that it follows, by number.
    pub merged_into: Option<String>,
}

/// Reads what is shown for a number and query code that were checked.
///
/// # Errors
/// The database is away.
pub async fn tracked(
    conn: &mut Connection,
    id: ComplaintId,
) -> Result<Option<PublicView>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select c.number, c.status as "status: Status", c.title, c.submitted_at,
               coalesce(s.state, 'hidden') as "screening!: screening::State",
               parent.number as "merged_into?",
               array(select distinct u.name from task t join org_node u on u.code = t.unit
                   where t.complaint_id = c.id and t.status not in ('returned', 'cancelled')
               ) as "units!",
               (select max(reply_by) from task t where t.complaint_id = c.id and t.ended_at is null
               ) as reply_by,
               coalesce(
                   case when coalesce((select l.status from complaint l where l.id = c.merged_into), c.status) = 'answered' then (
                       select note from event where subject_id = coalesce(c.merged_into, c.id)
                           and kind = 'answered'
                       order by seq desc limit 1) end,
                   case when coalesce((select l.status from complaint l where l.id = c.merged_into), c.status) = 'rejected' then (
                       select note from event where subject_id = coalesce(c.merged_into, c.id)
                           and kind = 'rejected'
                       order by seq desc limit 1) end,
                   (select reply_text from task where complaint_id = coalesce(c.merged_into, c.id)
                       and role = 'lead' and status = 'confirmed' order by confirmed_at desc limit 1)
               ) as answer
           from complaint c
           left join complaint parent on parent.id = c.merged_into
           left join screening s on s.complaint_id = c.id
           where c.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| PublicView {
        number: row.number,
        status: row.status,
        status_text: row.status.label(),
        title: if row.screening.shows() { row.title } else { screening::WITHHELD.to_owned() },
        created_at: row.submitted_at,
        units: row.units,
        reply_by: row.reply_by,
        answer: row.answer,
        merged_into: row.merged_into,
    }))
}

/// 随手拍计数
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct PhotoReports {
    /// 收到的件数；不足 5 件时为空
    #[schema(example = 128)]
    pub received: Option<i64>,
    /// 其中评价为已解决的件数；不足 5 件时为空
    #[schema(example = 96)]
    pub solved: Option<i64>,
}

/// What was reported by photo or found on patrol, and what of it the last evaluation calls solved.
/// Below five neither is told, so that no single case shows.
///
/// # Errors
/// The database is away.
pub async fn photo_reports(conn: &mut Connection) -> Result<PhotoReports, sqlx::Error> {
    sqlx::query_as!(
        PhotoReports,
        "select case when count(*) >= 5 then count(*) end as received,
             case when count(*) filter (where last.solved) >= 5
                 then count(*) filter (where last.solved) end as solved
         from complaint c
         left join lateral (
             select solved from evaluation e where e.complaint_id = c.id order by at desc limit 1
         ) as last on c.status in ('closed', 'archived')
         where c.channel in ('photo', 'patrol')",
    )
    .fetch_one(conn)
    .await
}
