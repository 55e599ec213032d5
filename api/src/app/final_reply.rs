//! Use cases of final replies (最终答复). What happens is told in the complaint's stream, so that each
//! of them locks the complaint first.

use domain::{
    complaint::Answer,
    decision::Decision,
    final_reply::{Appeal, FinalReply, Propose, Refused, Verdict},
    id::{ComplaintId, FinalReplyId},
    refusal::Basic,
    text,
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        complaint::{self as complaints, By},
        final_reply as store,
    },
    random,
};

use super::{
    case::{Ask, Change, Locked, carry_out},
    complaint::no_whistle_out,
};
use crate::{error::Error, state::State};

/// A final reply and its complaint, both locked.
struct Held {
    one: FinalReply,
    case: Locked,
}

impl Held {
    async fn take(tx: &mut Connection, id: FinalReplyId) -> Result<Self, Error> {
        let complaint = store::complaint_of(tx, id).await?.ok_or(Basic::NotFound)?;
        let case = Locked::take(tx, By::Id(complaint)).await?;
        let one = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
        Ok(Self { one, case })
    }

    /// Stores what was decided: the final reply, and in the complaint's stream what is told.
    async fn store(
        self,
        tx: &mut Connection,
        state: &State,
        ask: &Ask,
        (action, decision): (&'static str, Decision<FinalReply>),
        now: Timestamp,
    ) -> Result<Vec<domain::id::JobId>, Error> {
        let by = ask.account().ok_or(Basic::Unauthenticated)?;
        let ended = matches!(
            decision.state.status,
            domain::final_reply::Status::Refused | domain::final_reply::Status::Revoked
        );
        let words = decision.events.first().and_then(|event| event.note.clone());
        let reason = words.filter(|_| ended);
        store::save(tx, &decision.state, (by, reason.as_deref()), now).await?;
        let told = Decision { state: self.case.complaint, events: decision.events };
        Change::of(told).store(tx, state, ask, action, now).await
    }
}

/// The lead's unit proposes a final reply.
///
/// # Errors
/// Not the lead's; the matter does not rest or was never looked at again; there is one already.
pub async fn propose(
    state: &State,
    ask: Ask,
    complaint: ComplaintId,
    command: Propose,
) -> Result<FinalReplyId, Error> {
    let id = random::id(state.clock.now());
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = Locked::seen(tx, complaint, &ask).await?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let lead = case.last_lead().ok_or(Refused::NotAnswered)?;
            if !ask.actor.as_ref().is_some_and(|actor| actor.works_for(&lead.unit)) {
                return Err(Refused::NotLead.into());
            }
            let decision = FinalReply::propose(id, &case.complaint, lead, &command, by)?;
            if store::is_there(tx, complaint, now).await? {
                return Err(Refused::AlreadyThere.into());
            }
            store::insert(tx, &decision.state, &command, now).await?;
            let told = Decision { state: case.complaint, events: decision.events };
            Change::of(told).store(tx, here, &ask, "final_reply.propose", now).await
        })
    })
    .await?;
    Ok(id)
}

/// The unit's head signs it, or does not agree.
///
/// # Errors
/// Not the head's unit; it does not wait for that; the head proposed it.
pub async fn sign(
    state: &State,
    ask: Ask,
    id: FinalReplyId,
    verdict: Verdict,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            if !ask.actor.as_ref().is_some_and(|actor| actor.signs_for(&held.one.unit)) {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(held.one.version)?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let decision = held.one.sign(&verdict, by)?;
            held.store(tx, here, &ask, ("final_reply.sign", decision), now).await
        })
    })
    .await
}

/// The centre confirms it, or does not agree.
///
/// # Errors
/// It does not wait for that; the matter is being handled again.
pub async fn confirm(
    state: &State,
    ask: Ask,
    id: FinalReplyId,
    verdict: Verdict,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            ask.check_version(held.one.version)?;
            let lead = held.case.last_lead().map(|task| task.id);
            let stands = (held.case.complaint.status, lead);
            let decision = held.one.confirm(&verdict, stands, now)?;
            held.store(tx, here, &ask, ("final_reply.confirm", decision), now).await
        })
    })
    .await
}

/// A supervisor takes it out of force.
///
/// # Errors
/// It is not in force.
pub async fn revoke(
    state: &State,
    ask: Ask,
    id: FinalReplyId,
    reason: String,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            ask.check_version(held.one.version)?;
            let decision = held.one.revoke(reason)?;
            held.store(tx, here, &ask, ("final_reply.revoke", decision), now).await
        })
    })
    .await
}

/// What the centre answers an appeal with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The final reply.
    pub id: FinalReplyId,
    /// The centre's own words before it.
    pub explanation: Option<String>,
}

impl Citation {
    /// # Errors
    /// The explanation is too long.
    pub fn parse(
        id: FinalReplyId,
        explanation: Option<&str>,
    ) -> Result<Self, domain::refusal::Invalid> {
        Ok(Self { id, explanation: text::optional("explanation", explanation, 1000)? })
    }
}

/// Answers an appeal with a final reply: a direct answer of the centre, which counts as one.
///
/// # Errors
/// No such final reply; it does not answer this appeal; the complaint is no longer the centre's to
/// answer; its whistle is out.
pub async fn cite(
    state: &State,
    ask: Ask,
    appeal: ComplaintId,
    citation: Citation,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let missing = || {
                let words = "没有这份最终答复，请从提示的最终答复中选择";
                domain::refusal::Invalid::field("final_reply", words)
            };
            let source = store::complaint_of(tx, citation.id).await?;
            // Both cases stand still meanwhile: neither is reopened, nor the reply revoked.
            let both: Vec<ComplaintId> = source.into_iter().chain([appeal]).collect();
            complaints::lock_all(tx, &both).await?;
            let case = Locked::seen(tx, appeal, &ask).await?;
            let source = source.ok_or_else(missing)?;
            let one = store::lock(tx, citation.id).await?.ok_or_else(missing)?;
            let first = Locked::take(tx, By::Id(source)).await?;
            let facts = Appeal {
                complaint: &case.complaint,
                source: &first.complaint,
                lead: first.last_lead().map(|task| task.id),
                same_reporter: store::same_reporter(tx, source, appeal).await?,
            };
            case.complaint.permit(domain::complaint::Step::Answer)?;
            one.cite(facts, now)?;
            let number = complaints::number(tx, source).await?.unwrap_or_default();
            let answer = Answer { text: words(&one, &number, &citation), cites: Some(one.id) };
            let decision = case.complaint.answer(&answer, now)?;
            no_whistle_out(tx, appeal).await?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            store::cite(tx, one.id, appeal, by, now).await?;
            Change::of(decision).store(tx, here, &ask, "final_reply.cite", now).await
        })
    })
    .await
}

/// The answer as the reporter reads it: what the centre says, whose last word it is, and that new
/// facts open the matter again.
fn words(one: &FinalReply, number: &str, citation: &Citation) -> String {
    let mut said = citation.explanation.clone().map_or_else(String::new, |said| said + "\n");
    let until = one
        .valid_until
        .map_or_else(String::new, |until| format!("（有效期到 {}）", time::written(until)));
    said.push_str(&format!(
        "您反映的事项已在诉求 {number} 中作出最终答复{until}：\n{}\n如有新的事实，可以申请复核并写明。",
        one.text
    ));
    said
}
