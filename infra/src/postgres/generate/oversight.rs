//! What stands beside the cases of a generated history: supervisions and consultations.

use domain::{
    consultation::{Consultation, Decide, Open},
    id::AccountId,
    org::NodeCode,
    supervision::Supervision,
    task::Case as Of,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::Case;
use crate::postgres::Connection;

/// A ruling.
#[derive(Debug, Clone)]
pub struct Ruled {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Option<AccountId>,
    /// Its words.
    pub words: Decide,
    /// Who leads.
    pub lead: NodeCode,
    /// Who assists.
    pub assist: Vec<NodeCode>,
}

/// A consultation as it stands.
#[derive(Debug, Clone)]
pub struct Conferred {
    /// The consultation.
    pub one: Consultation,
    /// How often it was saved.
    pub saves: i64,
    /// What was asked.
    pub asked: Open,
    /// By whom; none for the worker.
    pub opened_by: Option<AccountId>,
    /// When.
    pub opened_at: Timestamp,
    /// What the units said.
    pub said: Vec<(NodeCode, String, Timestamp, Option<AccountId>)>,
    /// The ruling.
    pub ruling: Option<Ruled>,
}

/// Stores them, after their cases and tasks.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub(super) async fn insert(conn: &mut Connection, cases: &[Case]) -> Result<(), sqlx::Error> {
    let rows = |of: fn(&Case) -> Vec<Value>| Value::Array(cases.iter().flat_map(of).collect());
    sqlx::query!(
        "insert into supervision (
             id, version, status, level, complaint_id, task_id, unit, demand, opened_at, opened_by,
             answer_by, answer, answered_at, promised_until, send_backs, listed_at, ended_at)
         select id, version, status, level, complaint_id, task_id, unit, demand, opened_at, opened_by,
             answer_by, answer, answered_at, promised_until, send_backs, listed_at, ended_at
         from jsonb_populate_recordset(null::supervision, $1)",
        rows(|case| case.supervisions.iter().map(supervision).collect()),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into consultation (
             id, complaint_id, version, status, level, cause, question, opened_by, opened_at,
             decide_by, decided_at, decided_by, decision, legal_basis, lead, assist, reply_by)
         select id, complaint_id, version, status, level, cause, question, opened_by, opened_at,
             decide_by, decided_at, decided_by, decision, legal_basis, lead, assist, reply_by
         from jsonb_populate_recordset(null::consultation, $1)",
        rows(|case| case.consultations.iter().map(consultation).collect()),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into consultation_seat (consultation_id, unit, statement, stated_at, stated_by)
         select consultation_id, unit, statement, stated_at, stated_by
         from jsonb_populate_recordset(null::consultation_seat, $1)",
        rows(|case| case.consultations.iter().flat_map(seats).collect()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn supervision((one, version): &(Supervision, i64)) -> Value {
    let complaint = match one.case {
        Of::Complaint(id) => Some(id),
        Of::Whistle(_) => None,
    };
    let answer = one.answer.as_ref();
    json!({
        "id": one.id,
        "version": version,
        "status": one.status,
        "level": one.level,
        "complaint_id": complaint,
        "task_id": one.task,
        "unit": one.unit,
        "demand": one.demand,
        "opened_at": one.opened_at,
        "opened_by": one.opened_by,
        "answer_by": one.answer_by,
        "answer": answer.map(|answer| &answer.text),
        "answered_at": one.answered_at,
        "promised_until": answer.and_then(|answer| answer.until),
        "send_backs": one.send_backs,
        "listed_at": one.listed_at,
        "ended_at": one.ended_at,
    })
}

fn consultation(held: &Conferred) -> Value {
    let Conferred { one, asked, ruling, .. } = held;
    let ruling = ruling.as_ref();
    json!({
        "id": one.id,
        "complaint_id": one.complaint,
        "version": held.saves + 1,
        "status": one.status,
        "level": one.level,
        "cause": asked.cause,
        "question": asked.question,
        "opened_by": held.opened_by,
        "opened_at": held.opened_at,
        "decide_by": one.decide_by,
        "decided_at": ruling.map(|ruled| ruled.at),
        "decided_by": ruling.and_then(|ruled| ruled.by),
        "decision": ruling.map(|ruled| &ruled.words.text),
        "legal_basis": ruling.and_then(|ruled| ruled.words.legal_basis.as_ref()),
        "lead": ruling.map(|ruled| &ruled.lead),
        "assist": ruling.map_or(&[][..], |ruled| &ruled.assist),
        "reply_by": ruling.and_then(|ruled| ruled.words.reply_by),
    })
}

fn seats(held: &Conferred) -> Vec<Value> {
    let seat = |unit: &NodeCode| {
        let said = held.said.iter().find(|(speaker, ..)| speaker == unit);
        json!({
            "consultation_id": held.one.id,
            "unit": unit,
            "statement": said.map(|(_, text, ..)| text),
            "stated_at": said.map(|(_, _, at, _)| at),
            "stated_by": said.and_then(|(.., by)| *by),
        })
    };
    held.one.units.iter().map(seat).collect()
}
