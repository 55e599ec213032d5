//! Hand-over (转交) inside the unit: to a named officer or a body below, and back.

use domain::{
    id::{AccountId, JobId, TaskId},
    refusal::{Basic, Invalid},
    task::{HandOver, Named, Receiver, Refused},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        complaint::{self, By},
        job::{self, NewJob},
        org,
        task::officer,
    },
    random,
};
use serde_json::json;

use super::{Held, Root};
use crate::{
    app::case::{Ask, carry_out},
    error::Error,
    state::State,
};

/// Names who works on the task for its unit (转交).
///
/// # Errors
/// Not the unit's; an illegal step; no such officer of the unit, or no such body below it; the
/// reported unit or one below it; the unit that blew the whistle.
pub async fn hand_over(
    state: &State,
    ask: Ask,
    id: TaskId,
    (named, note): (Named, Option<String>),
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_unit(tx, id, &ask).await?;
            let to = receiver(tx, &held, &named).await?;
            let decision = held.task.hand_over(&HandOver { to: to.clone(), note })?;
            let mut change = held.change(decision);
            match (&held.root, &to) {
                (Root::Complaint(complaint), Receiver::Body(body)) => {
                    change = change.then(complaint.opened_to(body)?);
                }
                (Root::Whistle(whistle), Receiver::Body(body)) => {
                    if whistle.blower == body.code {
                        return Err(Refused::BodyBlew(body.name.clone()).into());
                    }
                    if let Some(waiting) = whistle.complaint {
                        // Whom that complaint reports must not read what came of it.
                        let waiting = complaint::lock(tx, By::Id(waiting)).await?;
                        waiting.ok_or(Basic::NotFound)?.opened_to(body)?;
                    }
                }
                (_, Receiver::Officer(_)) => (),
            }
            change.store(tx, here, &ask, "task.hand_over", now).await
        })
    })
    .await
}

async fn receiver(tx: &mut Connection, held: &Held, named: &Named) -> Result<Receiver, Error> {
    Ok(match named {
        Named::Officer(username) => {
            let found = officer::find(tx, &held.task.unit, username).await?;
            let nobody = "没有这位经办人：请填写本单位在用账号的用户名";
            Receiver::Officer(found.ok_or_else(|| Invalid::field("officer", nobody))?)
        }
        Named::Body(code) => {
            let found = org::unit(tx, code).await?;
            let none = "没有这个单位，请从下级单位中选择";
            Receiver::Body(found.ok_or_else(|| Invalid::field("body", none))?)
        }
    })
}

/// Takes the task back to the unit (收回).
///
/// # Errors
/// Not the unit's; nobody has it; it is over.
pub async fn take_back(
    state: &State,
    ask: Ask,
    id: TaskId,
    reason: Option<String>,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_unit(tx, id, &ask).await?;
            let change = held.change(held.task.take_back(reason)?);
            change.store(tx, here, &ask, "task.take_back", now).await
        })
    })
    .await
}

/// The job that takes a task back from an officer who left: from that instant on it was the unit's
/// for every list, and this writes it down and tells the unit.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub struct TakeBack {
    /// The task.
    pub task: TaskId,
    /// The officer.
    pub officer: AccountId,
}

impl TakeBack {
    /// The kind of the job.
    pub const KIND: &'static str = "take_back_task";

    /// Takes it back, unless the unit did or the officer is there again.
    ///
    /// # Errors
    /// The database's.
    pub async fn run(
        self,
        tx: &mut Connection,
        state: &State,
        now: Timestamp,
    ) -> Result<(), Error> {
        let held = Held::take(tx, self.task).await?;
        let his = held.task.assignee.as_ref().and_then(domain::task::Assignee::officer);
        if his != Some(self.officer)
            || held.task.status.is_ended()
            || officer::works_for(tx, self.officer, &held.task.unit).await?
        {
            return Ok(());
        }
        let change = held.change(held.task.take_back(None)?);
        change.store(tx, state, &Ask::worker(), "task.take_back", now).await.map(drop)
    }
}

/// Enqueues what gives an officer's open tasks back to their units. It is called in the
/// transaction by which the officer leaves.
///
/// # Errors
/// The database's.
pub(in crate::app) async fn give_back_all(
    tx: &mut Connection,
    officer: AccountId,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let tasks = officer::held(tx, officer).await?;
    let at = now.timestamp_millis();
    let jobs: Vec<NewJob> = tasks
        .iter()
        .map(|task| NewJob {
            id: random::id(now),
            kind: TakeBack::KIND,
            dedupe: format!("{}:{task}:{officer}:{at}", TakeBack::KIND),
            payload: json!({ "task": task, "officer": officer }),
            run_at: now,
            max_attempts: 10,
        })
        .collect();
    Ok(job::enqueue_all(tx, &jobs, now).await?)
}
