//! Use cases of reply templates (答复模板): kept by their owner, and used for a reply.

use std::collections::BTreeSet;

use domain::{
    id::{AccountId, TemplateId},
    identity::{Actor, Role},
    org::NodeCode,
    refusal::{Basic, Invalid},
    task::Task,
    template::{Refused, Wording, Words},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        template::{self as store, Template},
        violated,
    },
    random,
};
use serde_json::json;

use super::{case::Ask, transact};
use crate::{error::Error, state::State};

/// Whether the actor keeps the templates of an owner: a unit's people their own, the centre's
/// dispatchers the centre's.
pub fn keeps(actor: &Actor, owner: Option<&NodeCode>) -> bool {
    owner.map_or_else(|| actor.has(Role::Dispatcher), |unit| actor.works_for(unit))
}

/// Whose a new template is: of the unit that is named, or else of the only one that there can be.
///
/// # Errors
/// Another unit's; several to choose from.
pub fn owner(actor: &Actor, named: Option<NodeCode>) -> Result<Option<NodeCode>, Invalid> {
    if let Some(unit) = named {
        let own = actor.works_for(&unit);
        return if own {
            Ok(Some(unit))
        } else {
            Err(Invalid::field("unit", "只能为本单位建立模板；区中心的模板不填单位"))
        };
    }
    if actor.has(Role::Dispatcher) {
        return Ok(None);
    }
    // A clerk who is head as well works for one unit.
    let working = actor.grants.iter().filter(|grant| grant.role.works_tasks());
    let units: BTreeSet<&str> = working.map(|grant| grant.scope.as_str()).collect();
    let mut units = units.into_iter();
    match (units.next(), units.next()) {
        (Some(only), None) => Ok(Some(NodeCode::parse("unit", only)?)),
        _ => Err(Invalid::field("unit", "请写明是哪个单位的模板")),
    }
}

fn named_once(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("reply_template_name") => Refused::NameTaken.into(),
        _ => error.into(),
    }
}

async fn recorded(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    (id, version): (TemplateId, i64),
    now: Timestamp,
) -> Result<(), Error> {
    let entry = AuditEntry::new(action, "reply_template", id, &ask.origin)
        .by(ask.actor.as_ref())
        .with(json!({ "version": version }));
    Ok(audit::append(tx, &entry, now).await?)
}

/// Makes a template.
///
/// # Errors
/// `template_name_taken`.
pub async fn make(
    state: &State,
    ask: Ask,
    unit: Option<NodeCode>,
    wording: Wording,
) -> Result<TemplateId, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let id = random::id(now);
            store::insert(tx, id, unit.as_ref(), &wording, (by, now)).await.map_err(named_once)?;
            recorded(tx, &ask, "template.make", (id, 1), now).await?;
            Ok(id)
        })
    })
    .await
}

/// A template that the actor keeps, locked and in use.
async fn held(
    tx: &mut Connection,
    ask: &Ask,
    id: TemplateId,
) -> Result<(Template, AccountId), Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let template = store::lock(tx, id).await?;
    let template = template.filter(|template| keeps(actor, template.unit.as_ref()));
    let template = template.ok_or(Basic::NotFound)?;
    ask.check_version(template.version)?;
    if template.retired {
        return Err(Refused::Retired.into());
    }
    Ok((template, actor.account))
}

/// Gives a template its next version; replies made by an earlier one keep theirs.
///
/// # Errors
/// Another's; a stale version; `template_retired`, `template_name_taken`.
pub async fn revise(
    state: &State,
    ask: Ask,
    id: TemplateId,
    wording: Wording,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (template, by) = held(tx, &ask, id).await?;
            if template.wording == wording {
                // The second click: nothing is new.
                return Ok(());
            }
            let next = (id, template.version + 1);
            store::revise(tx, next, &wording, (by, now)).await.map_err(named_once)?;
            recorded(tx, &ask, "template.revise", next, now).await
        })
    })
    .await
}

/// Takes a template out of use.
///
/// # Errors
/// Another's; a stale version; `template_retired`.
pub async fn retire(state: &State, ask: Ask, id: TemplateId) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (template, by) = held(tx, &ask, id).await?;
            store::retire(tx, id, (by, now)).await?;
            recorded(tx, &ask, "template.retire", (id, template.version), now).await
        })
    })
    .await
}

/// The text of a reply to a task: as it was written, or by a template of the unit's, of the body's that
/// works on it or of the centre's,
/// whose version is kept with it. A version never changes, so that nothing is locked: of a reply and
/// a retirement at once either may have been first.
///
/// # Errors
/// `template_missing`, `template_retired`; each field that is missing or wrong.
pub(super) async fn worded(
    tx: &mut Connection,
    task: &Task,
    words: &Words,
    ask: &Ask,
    now: Timestamp,
) -> Result<String, Error> {
    let (id, fields) = match words {
        Words::Own(text) => return Ok(text.clone()),
        Words::Filled { template, fields } => (*template, fields),
    };
    let found = store::find(tx, id).await?;
    let body = task.assignee.as_ref().and_then(domain::task::Assignee::body);
    let usable = |one: &Template| {
        one.unit.as_ref().is_none_or(|unit| *unit == task.unit || Some(unit) == body)
    };
    let template = found.filter(usable).ok_or(Refused::Missing)?;
    if template.retired {
        return Err(Refused::Retired.into());
    }
    let text = template.wording.render(fields)?;
    let by = ask.account().ok_or(Basic::Unauthenticated)?;
    store::made(tx, task.id, &text, (id, template.version), (by, now)).await?;
    Ok(text)
}
