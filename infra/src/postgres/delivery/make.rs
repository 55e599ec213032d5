//! Making deliveries: what is known of those who were told, and a row for each message.

use domain::{
    delivery::{Channel, ON_DUTY, OUTSIDE, Template},
    event::EventKind,
    id::{AccountId, DeliveryId, NotificationId},
    notification::Recipient,
    sla::Urgency,
    time::Timestamp,
    whistle,
};
use uuid::Uuid;

use super::super::Connection;
use crate::random;

/// Somebody who was told of an event of which messages can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What was told.
    pub notification: NotificationId,
    /// To whom.
    pub account: AccountId,
    /// The kind of its event.
    pub kind: EventKind,
    /// It is about their own case, or names them.
    pub concerned: bool,
    /// They are among those of whom `ON_DUTY` speaks.
    pub on_duty: bool,
    /// How pressing the matter is, where the event is about a task.
    pub urgency: Option<Urgency>,
    /// What kind of whistle it is about.
    pub whistle: Option<whistle::Kind>,
    /// They consented to the template of the kind, and may be sent at least one more.
    pub consents: bool,
    /// They have a verified phone.
    pub phone: bool,
}

/// A delivery to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct New {
    /// What is sent.
    pub notification: NotificationId,
    /// To whom.
    pub account: AccountId,
    /// The kind of its event.
    pub kind: EventKind,
    /// In which template.
    pub template: Template,
    /// By what.
    pub channel: Channel,
}

/// Who was told of a subject's events `from..=to` that can leave the house.
///
/// # Errors
/// The database is away.
pub async fn told(
    conn: &mut Connection,
    subject_id: Uuid,
    from_seq: i32,
    to_seq: i32,
) -> Result<Vec<Told>, sqlx::Error> {
    let (kinds, templates): (Vec<String>, Vec<String>) = OUTSIDE
        .iter()
        .map(|(kind, template, ..)| (kind.code().to_owned(), template.code().to_owned()))
        .unzip();
    let (mut duties, mut roles, mut central) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, who, ..) in ON_DUTY {
        for role in who.roles() {
            duties.push(kind.code().to_owned());
            roles.push(role.code().to_owned());
            central.push(*who == Recipient::Centre);
        }
    }
    sqlx::query_as!(
        Told,
        r#"select n.id as "notification: NotificationId", n.account_id as "account: AccountId",
               e.kind as "kind: EventKind",
               (coalesce(e.data ->> 'account' = n.account_id::text, false) or exists (
                   select from complaint c
                   where (c.id = $1 or c.merged_into = $1) and c.reporter_id = n.account_id
               )) as "concerned!",
               exists (
                   select from unnest($6::text[], $7::text[], $8::bool[]) as duty (kind, role, central)
                   join role_grant g on g.role = duty.role and g.account_id = n.account_id
                       and g.revoked_at is null
                   join org_node o on o.code = g.scope
                   where duty.kind = e.kind
                       and case when duty.central then o.kind = 'district' else o.code = e.unit end
               ) as "on_duty!",
               t.urgency as "urgency?: Urgency", w.kind as "whistle?: whistle::Kind",
               exists (
                   select from subscription s
                   where s.account_id = n.account_id and (s.remaining > 0 or s.long_term)
                       and s.provider_id = (
                           select v.provider_id from notification_template v
                           where v.template = line.template and v.channel = 'subscribe'
                           order by v.version desc limit 1)
               ) as "consents!",
               exists (
                   select from person p
                   where p.account_id = n.account_id and p.phone_sealed is not null
               ) as "phone!"
           from notification n
           join event e on e.subject_id = n.subject_id and e.seq = n.seq
           left join unnest($4::text[], $5::text[]) as line (kind, template) on line.kind = e.kind
           left join task t on t.id = e.task_id
           left join whistle w on w.id = n.subject_id
           where n.subject_id = $1 and n.seq between $2 and $3
               and (line.kind is not null or e.kind = any($6))
           order by n.id"#,
        subject_id,
        from_seq,
        to_seq,
        &kinds,
        &templates,
        &duties,
        &roles,
        &central,
    )
    .fetch_all(conn)
    .await
}

/// The templates that are published for a channel.
///
/// # Errors
/// The database is away.
pub async fn published(
    conn: &mut Connection,
    channel: Channel,
) -> Result<Vec<Template>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select distinct template as "template: Template" from notification_template
           where channel = $1"#,
        channel.code(),
    )
    .fetch_all(conn)
    .await
}

/// Makes a delivery; `None` where there is one of the notification by this channel.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    new: &New,
    now: Timestamp,
) -> Result<Option<DeliveryId>, sqlx::Error> {
    let id: DeliveryId = random::id(now);
    let added = sqlx::query!(
        "insert into delivery (id, notification_id, account_id, channel, kind, template, state,
             attempt, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7, $7)
         on conflict on constraint delivery_once do nothing",
        id.0,
        new.notification.0,
        new.account.0,
        new.channel.code(),
        new.kind.code(),
        new.template.code(),
        now,
    )
    .execute(conn)
    .await?;
    Ok((added.rows_affected() == 1).then_some(id))
}
