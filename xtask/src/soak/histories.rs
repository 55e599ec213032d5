//! A random history of one person's redemptions, step by step against the simplest model of them.

use serde_json::{Value, json};

use super::figures::Figures;
use super::ground::{Ground, equal, redeem};
use crate::client::Call;
use crate::failure::Result;

const STOCK: usize = 3;

/// A ticket as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ticket {
    Held,
    Verified,
    /// Cancelled or refunded.
    Over,
}

/// Everything that is known of one offer and one person.
struct Model {
    tickets: Vec<(Ticket, String, String)>,
    /// Points before the history.
    before: i64,
}

impl Model {
    fn number(&self, wanted: Ticket) -> usize {
        self.tickets.iter().filter(|(ticket, ..)| *ticket == wanted).count()
    }

    fn free(&self) -> usize {
        STOCK.saturating_sub(self.number(Ticket::Held) + self.number(Ticket::Verified))
    }

    /// Available and held points.
    fn points(&self) -> (i64, i64) {
        let number = |wanted| i64::try_from(self.number(wanted)).unwrap_or_default();
        let held = number(Ticket::Held);
        (self.before - held - number(Ticket::Verified), held)
    }
}

/// `each` steps.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let who = usize::try_from(ground.dice.below(20)).unwrap_or_default();
    let offer = ground.publish(STOCK).await?;
    let member = ground.member(who).await?;
    let (available, held) = points(ground, &member).await?;
    let mut model = Model { tickets: Vec::new(), before: available };
    let mut refused = 0;
    for n in 0..each {
        let done = step(ground, &mut model, &offer, who, n).await?;
        refused += usize::from(!done);
        let (available, now_held) = points(ground, &member).await?;
        equal("可用与占用的积分", (available, now_held - held), model.points())?;
        let free = format!("offer_unit where offer = '{offer}' and hold is null");
        if n + 1 == each {
            equal("剩余份数", ground.count(&free)?, model.free())?;
        }
    }
    ground.books_balance()?;
    Ok(Figures::default().count("历史", 1).count("步骤", each).count("按理被拒", refused))
}

async fn points(ground: &Ground<'_>, member: &str) -> Result<(i64, i64)> {
    let points = ground.expect(&Call::get("/me/points").by(member), 200).await?;
    let number = |key| points.body.pointer(key).and_then(Value::as_i64).unwrap_or_default();
    Ok((number("/available"), number("/held")))
}

/// One step, with the answer that the model wants; whether it is done and not refused.
async fn step(
    ground: &mut Ground<'_>,
    model: &mut Model,
    offer: &str,
    who: usize,
    n: usize,
) -> Result<bool> {
    let member = ground.member(who).await?;
    let till = ground.staff("merchant.wenxing").await?;
    let organiser = ground.staff("organiser").await?;
    let kind = ground.dice.below(5);
    let count = u64::try_from(model.tickets.len()).unwrap_or_default();
    let picked = usize::try_from(ground.dice.below(count)).unwrap_or_default();
    let free = model.free();
    let Some((ticket, id, code)) = model.tickets.get_mut(picked).filter(|_| kind > 1) else {
        let call = redeem(offer, &member, &format!("{}-{n:04}", ground.tag));
        let status = if free > 0 { 201 } else { 409 };
        let answer = ground.expect(&call, status).await?;
        if status == 201 {
            let made = (Ticket::Held, answer.text("/id").into(), answer.text("/code").into());
            model.tickets.push(made);
        }
        return Ok(status == 201);
    };
    let (call, from, to) = match kind {
        2 => {
            let path = format!("/redemptions/{id}/cancel");
            (Call::post(path, json!({})).by(&member), Ticket::Held, Ticket::Over)
        }
        3 => {
            let body = json!({ "code": code });
            let verify = Call::post("/redemptions/verify", body).by(&till);
            (verify, Ticket::Held, Ticket::Verified)
        }
        _ => {
            let path = format!("/redemptions/{id}/refund");
            let body = json!({ "reason": "商户停业" });
            (Call::post(path, body).by(&organiser), Ticket::Verified, Ticket::Over)
        }
    };
    let fits = *ticket == from;
    ground.expect(&call, if fits { 200 } else { 409 }).await?;
    if fits {
        *ticket = to;
    }
    Ok(fits)
}
