//! Notifications (通知): one row for each person and event; the text is rendered from the event
//! when it is read, for whoever reads.

use domain::{
    event::{Event, EventKind, Visibility},
    id::{
        AccountId, AnnouncementId, ApplicationId, CadrePairingId, ClaimId, ComplaintId, FeedbackId,
        FlagId, GuideId, Id, NotificationId, PairingId, PostId, RedemptionId, RegistrationId,
        ServiceRequestId, SettlementId, TaskId, TransferId, UnitRegistrationId, UnitReportId,
        WhistleId,
    },
    notification::{Recipient, TOLD, Viewer},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::{Audience, Scope},
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;
use crate::random;

/// A notification as its owner reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: NotificationId,
    /// When the owner was told.
    pub created_at: Timestamp,
    /// When the owner marked it read.
    pub read_at: Option<Timestamp>,
    /// The complaint it is about.
    pub complaint_id: Option<ComplaintId>,
    /// The whistle it is about.
    pub whistle_id: Option<WhistleId>,
    /// The claim of a service post that it is about.
    pub claim_id: Option<ClaimId>,
    /// The registration it is about.
    pub registration_id: Option<RegistrationId>,
    /// The pairing with a household that it is about.
    pub pairing_id: Option<PairingId>,
    /// The redemption it is about.
    pub redemption_id: Option<RedemptionId>,
    /// The fairness flag it is about.
    pub flag_id: Option<FlagId>,
    /// The application of a merchant that it is about.
    pub application_id: Option<ApplicationId>,
    /// The merchant's statement that it is about.
    pub settlement_id: Option<SettlementId>,
    /// The transfer between party branches that it is about.
    pub transfer_id: Option<TransferId>,
    /// The pairing of a leading cadre that it is about.
    pub cadre_pairing_id: Option<CadrePairingId>,
    /// The request that it is about, or that the claim serves.
    pub request_id: Option<ServiceRequestId>,
    /// The post that it is about, or that the claim is on.
    pub post_id: Option<PostId>,
    /// The work unit's registration that it is about.
    pub unit_registration_id: Option<UnitRegistrationId>,
    /// The report to a work unit that it is about.
    pub unit_report_id: Option<UnitReportId>,
    /// The opinion on the application that it is about.
    pub feedback_id: Option<FeedbackId>,
    /// The announcement that it is about.
    pub announcement_id: Option<AnnouncementId>,
    /// The item of the guide that it is about.
    pub guide_id: Option<GuideId>,
    /// The case's number, where cases have one.
    pub number: Option<String>,
    /// The case's or the post's title, or the community's name.
    pub title: String,
    /// As whom the owner may read the event; `None` where a role that gave the right is gone.
    pub viewer: Option<Viewer>,
    /// What happened.
    pub event: Event,
}

/// Tells everyone concerned of a case's events `from..=to`, once: a repeat tells nobody again.
/// Answers how many notifications were added.
///
/// # Errors
/// The database is away.
pub async fn tell(
    conn: &mut Connection,
    subject_id: Uuid,
    from_seq: i32,
    to_seq: i32,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let told = recipients(conn, subject_id, from_seq, to_seq).await?;
    let ids: Vec<Uuid> = told.iter().map(|(seq, _)| id(*seq, now).0).collect();
    let (seqs, accounts): (Vec<i32>, Vec<Uuid>) = told.into_iter().unzip();
    let added = sqlx::query!(
        "insert into notification (id, account_id, subject_id, seq, created_at)
         select id, account_id, $1, seq, $5
         from unnest($2::uuid[], $3::uuid[], $4::int[]) as told (id, account_id, seq)
         on conflict on constraint notification_once do nothing",
        subject_id,
        &ids,
        &accounts,
        &seqs,
        now,
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected())
}

/// A new id that carries the event's number in its leading 12 bits after the instant, so that an
/// inbox lists the events of one instant in their order.
fn id(seq: i32, now: Timestamp) -> NotificationId {
    let [.., high, low] = seq.to_be_bytes();
    let [_, _, rest @ ..] = random::bytes::<10>();
    let [a, b, c, d, e, f, g, h] = rest;
    NotificationId::from_parts(now, &[high, low, a, b, c, d, e, f, g, h])
}

/// The domain's table of who is told of what, as rows: kind, class of recipient, role.
fn told() -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut rows = (Vec::new(), Vec::new(), Vec::new());
    let pairs = TOLD.iter().flat_map(|(kind, all)| all.iter().map(move |who| (*kind, *who)));
    for (kind, who) in pairs {
        let class = match who {
            Recipient::Reporter => "reporter",
            Recipient::Unit | Recipient::UnitHeads => "unit",
            Recipient::Approvers | Recipient::Publisher => "approver",
            Recipient::Assignee => "assignee",
            Recipient::Blower => "blower",
            Recipient::Reviewer => "reviewer",
            Recipient::Centre
            | Recipient::Supervisor
            | Recipient::Leader
            | Recipient::Organiser
            | Recipient::Administrator => "centre",
            Recipient::Liaison => "liaison",
            Recipient::Secretary => "secretary",
            Recipient::Person => "person",
            Recipient::Merchant => "merchant",
        };
        for role in who.roles() {
            rows.0.push(kind.code().to_owned());
            rows.1.push(class.to_owned());
            rows.2.push(role.code().to_owned());
        }
    }
    rows
}

/// Who is to be told of which event, in the order of the events.
async fn recipients(
    conn: &mut Connection,
    subject_id: Uuid,
    from_seq: i32,
    to_seq: i32,
) -> Result<Vec<(i32, Uuid)>, sqlx::Error> {
    let (kinds, classes, roles) = told();
    let rows = sqlx::query!(
        r#"with told as (
               select e.seq, e.unit, e.task_id, e.visibility, e.actor_id, e.data, line.class, line.role
               from event e
               join unnest($4::text[], $5::text[], $6::text[]) as line (kind, class, role)
                   on line.kind = e.kind
               where e.subject_id = $1 and e.seq between $2 and $3
           ), people as (
               select told.seq, told.actor_id, c.reporter_id as account_id
               from told
               join complaint c on c.id = $1 or c.merged_into = $1
               where told.class = 'reporter' and told.visibility in ('everyone', 'reporter')
               union
               -- Where an event names no unit, every unit that has or had its part is told.
               select told.seq, told.actor_id, g.account_id
               from told
               cross join lateral (
                   select told.unit as code where told.unit is not null
                   union
                   select t.unit from task t
                   where told.unit is null and (t.complaint_id = $1 or t.whistle_id = $1)
                       and t.status not in ('returned', 'cancelled')
                   union
                   -- And the body below that works on the unit's task.
                   select t.body from task t where t.id = told.task_id and t.body is not null
               ) as unit
               join role_grant g
                   on g.scope = unit.code and g.role = told.role and g.revoked_at is null
               where told.class = 'unit' and told.visibility in ('everyone', 'unit')
               union
               select told.seq, told.actor_id, g.account_id
               from told
               join role_grant g
                   on g.scope = told.unit and g.role = told.role and g.revoked_at is null
               where told.class = 'approver'
               union
               select told.seq, told.actor_id, (told.data ->> 'officer')::uuid
               from told
               where told.class = 'assignee' and told.data ->> 'officer' is not null
               union
               select told.seq, told.actor_id, g.account_id
               from told
               join role_grant g
                   on g.scope = told.data ->> 'body' and g.role = told.role and g.revoked_at is null
               where told.class = 'assignee'
               union
               select told.seq, told.actor_id, g.account_id
               from told
               join org_node district on district.kind = 'district'
               join role_grant g
                   on g.scope = district.code and g.role = told.role and g.revoked_at is null
               where told.class = 'centre'
               union
               select told.seq, told.actor_id, g.account_id
               from told
               join whistle w on w.id = $1
               join role_grant g
                   on g.scope = w.blower and g.role = told.role and g.revoked_at is null
               where told.class = 'blower'
               union
               -- A community's whistle is reviewed by its subdistrict, a subdistrict's by supervisors.
               select told.seq, told.actor_id, g.account_id
               from told
               join whistle w on w.id = $1
               join org_node blower on blower.code = w.blower
               join role_grant g
                   on g.scope = blower.parent_code and g.role = told.role and g.revoked_at is null
               where told.class = 'reviewer'
               union
               select told.seq, told.actor_id, g.account_id
               from told
               join role_grant g
                   on g.scope = told.data ->> 'work_unit' and g.role = told.role
                   and g.revoked_at is null
               where told.class = 'liaison'
               union
               select told.seq, told.actor_id, g.account_id
               from told
               join role_grant g
                   on g.scope in (told.data ->> 'branch', told.data ->> 'to_branch')
                   and g.role = told.role and g.revoked_at is null
               where told.class = 'secretary'
               union
               select told.seq, told.actor_id, g.account_id
               from told
               join role_grant g
                   on g.scope = told.data ->> 'merchant' and g.role = told.role
                   and g.revoked_at is null
               where told.class = 'merchant'
               union
               select told.seq, told.actor_id, (told.data ->> 'account')::uuid
               from told
               where told.class = 'person' and told.visibility in ('everyone', 'reporter')
           )
           select distinct people.seq as "seq!", people.account_id as "account_id!"
           from people
           join account a on a.id = people.account_id and a.disabled_at is null
           where people.account_id is distinct from people.actor_id
           order by 1, 2"#,
        subject_id,
        from_seq,
        to_seq,
        &kinds,
        &classes,
        &roles,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.seq, row.account_id)).collect())
}

/// A page of an account's inbox, the latest first, with one row more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    page: PageRequest,
) -> Result<Vec<Entry>, sqlx::Error> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    read(conn, scope, None, after, page.probe()).await
}

/// One notification of the account; `None` where it is missing or another's.
///
/// # Errors
/// The database is away.
pub async fn find(
    conn: &mut Connection,
    scope: &Scope,
    id: NotificationId,
) -> Result<Option<Entry>, sqlx::Error> {
    Ok(read(conn, scope, Some(id), (None, None), 1).await?.pop())
}

async fn read(
    conn: &mut Connection,
    scope: &Scope,
    only: Option<NotificationId>,
    after: (Option<Timestamp>, Option<Uuid>),
    limit: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select n.id as "id: NotificationId", n.created_at, n.read_at,
               -- Whose case follows another reads of it under the number of their own.
               coalesce(child.id, c.id) as "complaint_id?: ComplaintId",
               w.id as "whistle_id?: WhistleId",
               claim.id as "claim_id?: ClaimId", r.id as "registration_id?: RegistrationId",
               pair.id as "pairing_id?: PairingId",
               hold.id as "redemption_id?: RedemptionId", flag.id as "flag_id?: FlagId",
               ma.id as "application_id?: ApplicationId",
               st.id as "settlement_id?: SettlementId", tr.id as "transfer_id?: TransferId",
               coalesce(cadre.id, matter.pairing_id) as "cadre_pairing_id?: CadrePairingId",
               sr.id as "request_id?: ServiceRequestId", post.id as "post_id?: PostId",
               ur.id as "unit_registration_id?: UnitRegistrationId",
               up.id as "unit_report_id?: UnitReportId", fb.id as "feedback_id?: FeedbackId",
               an.id as "announcement_id?: AnnouncementId", gd.id as "guide_id?: GuideId",
               coalesce(child.number, c.number, fb.number) as "number?",
               coalesce(child.title, c.title, w.title, post.title, sr.title, ma.name, offer.title,
                   shop.name, matter.title, cadre.post, u.name, gd.title, an_title.title,
                   case when fb.id is not null then '对应用的意见' end, o.name,
                   case when tr.id is not null then '组织关系转接'
                        when e.kind in ('device_new', 'directory_bound', 'password_set', 'totp_reset') then '账号安全'
                        when e.kind = 'daily_digest' then '今日任务'
                        when n.subject_id = n.account_id then '积分'
                        when gp.id is not null then '角色与权限' else '' end) as "title!",
               coalesce(c.confidential, false) or coalesce(child.confidential, false)
                   as "confidential!",
               coalesce(n.account_id in (c.reporter_id, claim.account_id, r.account_id,
                       pair.account_id, hold.account, flag.account_id, ma.applicant,
                       sr.account_id, fb.account_id, gp.account), false)
                   -- Whoever is invited to a post.
                   or coalesce(post.id = n.subject_id, false)
                   -- What happens to somebody's points stands under their own account.
                   or n.subject_id = n.account_id
                   -- What is told of the score book is told to the person that the event names.
                   -- So are a transfer's and a cadre's, and what became of what somebody handed in.
                   or coalesce(coalesce(score.id, tr.id, cadre.id, matter.id, an.id, gd.id) is not null
                       and e.data ->> 'account' = n.account_id::text, false)
                   as "own!",
               child.id is not null as "follows!",
               coalesce(c.units && $6::text[], false)
                   or coalesce(coalesce(c.community_code, w.community_code) like any($7::text[]), false)
                   or coalesce(coalesce(pair.id, score.id, claim.id, sr.id, an.id, gd.id) is not null
                       and (e.unit = any($6) or e.data ->> 'branch' = any($9) or $10), false)
                   or exists (select from task t where t.whistle_id = w.id
                       and (t.unit = any($6) or t.body = any($6)))
                   or coalesce(coalesce(r.id, cadre.id, matter.id) is not null
                       and e.unit = any($6), false)
                   or coalesce(coalesce(cadre.id, matter.id) is not null
                       and e.data ->> 'work_unit' = any($8), false)
                   or coalesce(tr.id is not null
                       and array[e.data ->> 'branch', e.data ->> 'to_branch'] && $9, false)
                   or coalesce(st.id is not null and (st.merchant = any($11) or $10), false)
                   or fb.id is not null and $12
                   as "works!",
               coalesce(e.data ->> 'work_unit' = any($8), false) as "liaises!",
               coalesce(e.data ->> 'body' = any($6), false)
                   or exists (select from task t where t.id = e.task_id and t.body = any($6))
                   as "handed!",
               coalesce(w.blower = any($6), false) as "blew!",
               e.seq, e.kind as "kind: EventKind", e.at, e.visibility as "visibility: Visibility",
               e.unit as "unit: NodeCode", o.name as "unit_name?", e.task_id as "task: TaskId",
               e.data, e.note
           from notification n
           join event e on e.subject_id = n.subject_id and e.seq = n.seq
           left join complaint c on c.id = n.subject_id
           left join whistle w on w.id = n.subject_id
           left join claim on claim.id = n.subject_id
           left join post on post.id = coalesce(claim.post_id, n.subject_id)
           left join registration r on r.id = n.subject_id
           left join household_pairing pair on pair.id = n.subject_id
           left join hold on hold.id = n.subject_id
           left join offer on offer.id = hold.offer
           left join fairness_flag flag on flag.id = n.subject_id
           left join merchant_application ma on ma.id = n.subject_id
           left join grant_proposal gp on gp.id = n.subject_id
           left join lateral (
               select id from score_entry where id = n.subject_id
               union all
               select id from score_settlement where id = n.subject_id
           ) as score on true
           left join settlement st on st.id = n.subject_id
           left join merchant shop on shop.code = st.merchant
           left join party_transfer tr on tr.id = n.subject_id
           left join pairing cadre on cadre.id = n.subject_id
           left join pairing_matter matter on matter.id = n.subject_id
           -- What was asked for, itself or by a claim on what was made of it.
           left join service_request sr on sr.id = coalesce(post.request_id, n.subject_id)
           left join unit_registration ur on ur.id = n.subject_id
           left join unit_report up on up.id = n.subject_id
           left join work_unit u on u.code = coalesce(ur.unit_code, up.unit_code)
           left join feedback fb on fb.id = n.subject_id
           left join guide gd on gd.id = n.subject_id
           left join announcement an on an.id = n.subject_id
           left join announcement_edition an_title
               on an_title.announcement_id = an.id and an_title.number = an.edition
           left join lateral (
               select child.id, child.number, child.title,
                   bool_or(child.confidential) over () as confidential
               from complaint child
               where child.merged_into = c.id and child.reporter_id = n.account_id
                   and c.reporter_id is distinct from n.account_id
               order by child.id limit 1
           ) as child on true
           left join org_node o on o.code = e.unit
           where n.account_id = $1
               and ($2::uuid is null or n.id = $2)
               and ($3::timestamptz is null or (n.created_at, n.id) < ($3, $4::uuid))
           order by n.created_at desc, n.id desc
           limit $5"#,
        scope.account().0,
        only.map(|id| id.0),
        after.0,
        after.1,
        limit,
        scope.units(),
        &scope.area_patterns(),
        scope.liaises(),
        &scope.register().roots,
        scope.organises(),
        scope.shops(),
        scope.administers(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let event = Event {
                seq: row.seq,
                kind: row.kind,
                at: row.at,
                visibility: row.visibility,
                unit: row.unit,
                unit_name: row.unit_name,
                task: row.task,
                data: row.data,
                note: row.note,
            };
            let reader = Reader {
                own: row.own,
                follows: row.follows,
                works: row.works,
                handed: row.handed,
                blew: row.blew,
                liaises: row.liaises,
            };
            Entry {
                id: row.id,
                created_at: row.created_at,
                read_at: row.read_at,
                complaint_id: row.complaint_id,
                whistle_id: row.whistle_id,
                claim_id: row.claim_id,
                registration_id: row.registration_id,
                pairing_id: row.pairing_id,
                redemption_id: row.redemption_id,
                flag_id: row.flag_id,
                application_id: row.application_id,
                settlement_id: row.settlement_id,
                transfer_id: row.transfer_id,
                cadre_pairing_id: row.cadre_pairing_id,
                request_id: row.request_id,
                post_id: row.post_id,
                unit_registration_id: row.unit_registration_id,
                unit_report_id: row.unit_report_id,
                feedback_id: row.feedback_id,
                announcement_id: row.announcement_id,
                guide_id: row.guide_id,
                number: row.number,
                title: row.title,
                viewer: reader.viewer(scope, row.confidential, &event),
                event,
            }
        })
        .collect())
}

/// What the owner of a notification is to its case now.
struct Reader {
    own: bool,
    follows: bool,
    works: bool,
    /// The event is about a task that was handed to the owner's body.
    handed: bool,
    /// The whistle is blown in the name of the owner's unit, which judges every unit's work.
    blew: bool,
    /// The event names a work unit that the owner is the liaison of.
    liaises: bool,
}

impl Reader {
    /// The strongest right that the owner has now; the one at the time of telling may be gone.
    fn viewer(&self, scope: &Scope, confidential: bool, event: &Event) -> Option<Viewer> {
        let of_unit = event
            .unit
            .as_ref()
            .is_some_and(|unit| scope.units().iter().any(|held| held == unit.as_str()));
        let audience = match event.visibility {
            _ if scope.everything() => Audience::Centre,
            Visibility::Everyone | Visibility::Reporter if self.own || self.follows => {
                Audience::Reporter
            }
            Visibility::Everyone if self.works => Audience::Unit,
            Visibility::Unit if of_unit || self.handed || self.blew || self.liaises => {
                Audience::Unit
            }
            _ => return None,
        };
        Some(Viewer { audience, own: self.own, confidential })
    }
}

/// How many notifications the account has not read.
///
/// # Errors
/// The database is away.
pub async fn unread(conn: &mut Connection, account: AccountId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from notification
           where account_id = $1 and read_at is null"#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// Marks one of the account's notifications read; a second time changes nothing. `false` where it
/// is missing or another's.
///
/// # Errors
/// The database is away.
pub async fn mark_read(
    conn: &mut Connection,
    account: AccountId,
    id: NotificationId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let marked = sqlx::query!(
        "update notification set read_at = coalesce(read_at, $3) where id = $1 and account_id = $2",
        id.0,
        account.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(marked.rows_affected() == 1)
}

#[cfg(test)]
mod tests;
