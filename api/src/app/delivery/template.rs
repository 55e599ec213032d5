//! The wordings of messages: a preview, and a new version.

use std::collections::BTreeMap;

use domain::{
    delivery::{Channel, Draft, Refused, Template, example, fields, text_fitted},
    event::EventKind,
    identity::Actor,
    time::Timestamp,
};
use infra::{
    postgres::{
        audit::{self, AuditEntry, Origin},
        delivery as store,
    },
    wechat::message,
};
use serde_json::json;

use crate::{app::transact, error::Error, state::State};

/// What a wording makes of a kind of event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The kind.
    pub kind: EventKind,
    /// Its fields as they would be sent.
    pub fields: BTreeMap<String, String>,
    /// The fields that were cut.
    pub cut: Vec<String>,
}

/// A wording filled with an invented event of each kind that is sent in it, cut as WeChat or the
/// provider of text messages has it.
pub fn preview(
    (template, channel): (Template, Channel),
    draft: &Draft,
    now: Timestamp,
) -> Vec<Preview> {
    let title = "小区东门到文兴路口之间的路灯连续三天晚上都不亮";
    let number = Some("PC20261124000123");
    let one = |kind| {
        let (event, viewer) = example::example(kind, template, now);
        let filled = fields(&draft.fields, (&event, template, channel), viewer, title, number);
        let mut preview = Preview { kind, fields: BTreeMap::new(), cut: Vec::new() };
        for (key, text) in filled {
            let sent = fitted(channel, &key, &text);
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if !line.is_empty() && line != sent {
                preview.cut.push(key.clone());
            }
            preview.fields.insert(key, sent);
        }
        preview
    };
    example::kinds(template, channel).into_iter().map(one).collect()
}

/// A text as a field takes it.
pub(super) fn fitted(channel: Channel, key: &str, text: &str) -> String {
    match channel {
        Channel::Subscribe => message::fitted(key, text),
        Channel::Sms => text_fitted(text),
    }
}

/// Publishes a new version of a template; `base` is the one that it changes, 0 for the first.
///
/// # Errors
/// `delivery_template_changed`; the database is away.
pub async fn publish(
    state: &State,
    actor: &Actor,
    origin: Origin,
    (template, channel): (Template, Channel),
    base: i32,
    draft: Draft,
) -> Result<(), Error> {
    let (now, actor) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if !store::publish(tx, template, channel, base, &draft, now).await? {
                return Err(Refused::TemplateChanged.into());
            }
            let entry =
                AuditEntry::new("delivery.publish", "notification_template", template, &origin)
                    .by(&actor)
                    .with(json!({
                        "channel": channel, "version": base.saturating_add(1), "wording": draft,
                    }));
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await
}
