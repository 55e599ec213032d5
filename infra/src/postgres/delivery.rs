//! Deliveries (对外发送): what is sent out of the inbox, consent by count, and what people want.

use std::collections::BTreeMap;

use domain::{
    delivery::{Channel, Digest, Draft, Quiet, Reason, State, Template},
    event::EventKind,
    id::{AccountId, DeliveryId, NotificationId},
    sla::Urgency,
    time::Timestamp,
    whistle,
};
use sqlx::types::Json;

use super::Connection;

pub mod digest;
pub mod make;
pub mod read;

/// A delivery, locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// What is sent.
    pub notification: NotificationId,
    /// To whom.
    pub account: AccountId,
    /// The kind of its event.
    pub kind: EventKind,
    /// By what.
    pub channel: Channel,
    /// In which template.
    pub template: Template,
    /// Where it stands.
    pub state: State,
    /// How many jobs were made for it before the one that counts now.
    pub attempt: i32,
    /// How often it surely failed since a person last had it sent.
    pub failures: i32,
}

/// The version of a template that is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// Its number.
    pub version: i32,
    /// The template's id at the provider.
    pub provider_id: String,
    /// The page that it opens.
    pub page: String,
    /// What stands in its fields.
    pub fields: BTreeMap<String, String>,
    /// Consent to it is not used up.
    pub long_term: bool,
}

/// What the database knows of a delivery besides its notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The person's openid, sealed; none for who has no WeChat.
    pub open_id_sealed: Option<Vec<u8>>,
    /// The account was disabled since.
    pub disabled: bool,
    /// How pressing the matter is, where the event is about a task.
    pub urgency: Option<Urgency>,
    /// What kind of whistle it is about.
    pub whistle: Option<whistle::Kind>,
    /// How often the person may still be sent this.
    pub remaining: i32,
    /// WeChat does not count it.
    pub long_term: bool,
    /// Something newer of the same subject is sent to the same person.
    pub superseded: bool,
    /// What happened to the subject since.
    pub later: Vec<EventKind>,
}

/// What a person wants to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preference {
    /// The groups switched off at WeChat.
    pub muted: Vec<Template>,
    /// The groups switched off for text messages.
    pub muted_sms: Vec<Template>,
    /// How often the summary of one's tasks is wanted.
    pub digest: Digest,
    /// Quiet hours of one's own.
    pub quiet: Option<Quiet>,
}

/// A delivery, locked until the transaction ends; `None` where it is missing.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, id: DeliveryId) -> Result<Option<Delivery>, sqlx::Error> {
    sqlx::query_as!(
        Delivery,
        r#"select id as "id: DeliveryId", notification_id as "notification: NotificationId",
               account_id as "account: AccountId", kind as "kind: EventKind",
               channel as "channel: Channel", template as "template: Template",
               state as "state: State", attempt, failures
           from delivery where id = $1 for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Notes where a delivery stands now; `version` is the template's, from when it is sent on.
///
/// # Errors
/// The database is away.
pub async fn save(
    conn: &mut Connection,
    delivery: &Delivery,
    reason: Option<Reason>,
    version: Option<i32>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update delivery set state = $2, reason = $3, attempt = $4,
             template_version = coalesce($5, template_version), updated_at = $6, failures = $7
         where id = $1",
        delivery.id.0,
        delivery.state.code(),
        reason.map(Reason::code),
        delivery.attempt,
        version,
        now,
        delivery.failures,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The version of a template that is in use; none while none was published for the channel.
///
/// # Errors
/// The database is away.
pub async fn wording(
    conn: &mut Connection,
    template: Template,
    channel: Channel,
) -> Result<Option<Wording>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select version, provider_id, page, long_term,
               fields as "fields: Json<BTreeMap<String, String>>"
           from notification_template where template = $1 and channel = $2
           order by version desc limit 1"#,
        template.code(),
        channel.code(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Wording {
        version: row.version,
        provider_id: row.provider_id,
        page: row.page,
        fields: row.fields.0,
        long_term: row.long_term,
    }))
}

/// Publishes a new version of a template, if `base` is the one in use, 0 for none. Answers whether it
/// was.
///
/// # Errors
/// The database is away.
pub async fn publish(
    conn: &mut Connection,
    template: Template,
    channel: Channel,
    base: i32,
    draft: &Draft,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let made = sqlx::query!(
        "insert into notification_template
             (template, channel, version, provider_id, page, fields, long_term, published_at)
         select $1, $2, coalesce(max(version), 0) + 1, $4, $5, $6, $7, $8
         from notification_template where template = $1 and channel = $2
         having coalesce(max(version), 0) = $3
         on conflict do nothing",
        template.code(),
        channel.code(),
        base,
        draft.provider_id,
        draft.page,
        Json(&draft.fields) as _,
        draft.long_term,
        now,
    )
    .execute(conn)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// What else a delivery is judged by. The person's count of consents is locked.
///
/// # Errors
/// The database is away.
pub async fn standing(
    conn: &mut Connection,
    delivery: &Delivery,
    provider_id: &str,
) -> Result<Standing, sqlx::Error> {
    let consent = sqlx::query!(
        "select remaining, long_term from subscription
         where account_id = $1 and provider_id = $2 for update",
        delivery.account.0,
        provider_id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let row = sqlx::query!(
        r#"select p.open_id_sealed as "open_id_sealed?",
               exists (select from account a where a.id = $2 and a.disabled_at is not null)
                   as "disabled!",
               t.urgency as "urgency?: Urgency", w.kind as "whistle?: whistle::Kind",
               exists (
                   select from delivery d
                   join notification o on o.id = d.notification_id
                   left join delivery_preference p on p.account_id = d.account_id
                   where o.account_id = n.account_id and o.subject_id = n.subject_id
                       and o.seq > n.seq and d.channel = $3
                       -- Under one's own account stand matters that have nothing to do with each other.
                       and (n.subject_id <> n.account_id or d.kind = own.kind)
                       -- What will not be sent itself takes nothing's place.
                       and d.state not in ('dropped', 'failed')
                       and (d.state <> 'waiting' or not coalesce(d.template = any(case d.channel
                               when 'sms' then p.muted_sms else p.muted end), false)
                           and (d.channel = 'sms' or exists (
                               select from subscription s
                               where s.account_id = d.account_id
                                   and (s.remaining > 0 or s.long_term)
                                   and s.provider_id = (
                                       select t.provider_id from notification_template t
                                       where t.template = d.template and t.channel = d.channel
                                       order by t.version desc limit 1))))
               ) as "superseded!",
               -- Whose case follows another evaluates their own, and nobody else's.
               array(
                   select e.kind from event e
                   where e.subject_id = n.subject_id and e.seq > n.seq
                       -- What happened to another unit's task ends nothing of this one's.
                       and (e.task_id is null or own.task_id is null or e.task_id = own.task_id)
                       and (e.kind <> 'evaluated' or not exists (
                           select from complaint child
                           where child.merged_into = n.subject_id
                               and child.reporter_id = n.account_id))
                   union all
                   select e.kind from complaint child
                   join event e on e.subject_id = child.id and e.kind = 'evaluated'
                   where child.merged_into = n.subject_id and child.reporter_id = n.account_id
                       and e.at >= n.created_at
               ) as "later!: Vec<EventKind>"
           from notification n
           join event own on own.subject_id = n.subject_id and own.seq = n.seq
           left join person p on p.account_id = $2
           left join task t on t.id = own.task_id
           left join whistle w on w.id = n.subject_id
           where n.id = $1"#,
        delivery.notification.0,
        delivery.account.0,
        delivery.channel.code(),
    )
    .fetch_one(conn)
    .await?;
    let (remaining, long_term) = consent.map_or((0, false), |it| (it.remaining, it.long_term));
    Ok(Standing {
        open_id_sealed: row.open_id_sealed,
        disabled: row.disabled,
        urgency: row.urgency,
        whistle: row.whistle,
        remaining,
        long_term,
        superseded: row.superseded,
        later: row.later,
    })
}

/// Adds to a person's count of consents to a template, down to none and up to 1,000. WeChat does
/// not count a long-term one.
///
/// # Errors
/// The database is away.
pub async fn count_consent(
    conn: &mut Connection,
    account: AccountId,
    provider_id: &str,
    change: i32,
    long_term: bool,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into subscription as s (account_id, provider_id, remaining, long_term, updated_at)
         values ($1, $2, greatest($3, 0), $4, $5)
         on conflict (account_id, provider_id) do update
         set remaining = least(greatest(s.remaining + $3, 0), 1000), updated_at = $5,
             long_term = case when $3 > 0 and $4 then true else s.long_term end",
        account.0,
        provider_id,
        change,
        long_term,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// WeChat says that there is no consent: none is left.
///
/// # Errors
/// The database is away.
pub async fn end_consent(
    conn: &mut Connection,
    account: AccountId,
    provider_id: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update subscription set remaining = 0, long_term = false, updated_at = $3
         where account_id = $1 and provider_id = $2",
        account.0,
        provider_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a person wants to be sent.
///
/// # Errors
/// The database is away.
pub async fn preference(
    conn: &mut Connection,
    account: AccountId,
) -> Result<Preference, sqlx::Error> {
    let row = sqlx::query!(
        r#"select muted as "muted: Vec<Template>", muted_sms as "muted_sms: Vec<Template>",
               digest as "digest: Digest", quiet_from, quiet_until
           from delivery_preference where account_id = $1"#,
        account.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or_else(Preference::default, |row| Preference {
        muted: row.muted,
        muted_sms: row.muted_sms,
        digest: row.digest,
        quiet: row.quiet_from.zip(row.quiet_until).and_then(|(from, until)| {
            Some(Quiet { from: u32::try_from(from).ok()?, until: u32::try_from(until).ok()? })
        }),
    }))
}

/// Keeps what a person wants to be sent.
///
/// # Errors
/// The database is away.
pub async fn prefer(
    conn: &mut Connection,
    account: AccountId,
    wanted: &Preference,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let hour = |hour: u32| i16::try_from(hour).ok();
    let codes = |muted: &[Template]| -> Vec<String> {
        muted.iter().map(|one| one.code().to_owned()).collect()
    };
    sqlx::query!(
        "insert into delivery_preference
             (account_id, muted, quiet_from, quiet_until, updated_at, muted_sms, digest)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (account_id) do update
         set muted = $2, quiet_from = $3, quiet_until = $4, updated_at = $5, muted_sms = $6,
             digest = $7",
        account.0,
        &codes(&wanted.muted),
        wanted.quiet.and_then(|quiet| hour(quiet.from)),
        wanted.quiet.and_then(|quiet| hour(quiet.until)),
        now,
        &codes(&wanted.muted_sms),
        wanted.digest.code(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
