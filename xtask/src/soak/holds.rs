//! Two tills, the owner and the clock race for each hold: it ends once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::figures::Figures;
use super::ground::{Ground, equal, in_parallel, redeem};
use crate::client::{Answer, Call, Client};
use crate::failure::{Failure, Result};

/// When the codes run out, after the round's holds are made.
const LEFT: u64 = 800;
/// The worker looks each second.
const PATIENCE: Duration = Duration::from_secs(20);

/// What its people were told of one hold.
struct Told {
    id: String,
    verified: usize,
    cancelled: usize,
}

/// `each` holds.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let offer = ground.publish(each).await?;
    let till = ground.staff("merchant.wenxing").await?;
    let mut holds = Vec::new();
    for n in 0..each {
        let owner = ground.member(n).await?;
        let key = format!("{}-{n:06}", ground.tag);
        let ticket = ground.expect(&redeem(&offer, &owner, &key), 201).await?;
        let after = ground.dice.millis(LEFT - 600, LEFT + 200);
        holds.push((ticket, owner, after));
    }
    soon_over(ground, &offer)?;
    let client = ground.client.clone();
    let mut next = holds.into_iter();
    let told = in_parallel(each, each, |_| {
        let (client, till, hold) = (client.clone(), till.clone(), next.next());
        async move {
            let (ticket, owner, after) = hold.ok_or_else(|| Failure::new("没有这一份"))?;
            sleep(after).await;
            race(&client, &ticket, &owner, &till).await
        }
    })
    .await?;
    let pending = format!("hold where offer = '{offer}' and state = 'pending'");
    let waited = ground.until(&pending, 0, PATIENCE).await?;
    let ends = one_end_each(ground, &offer, &told)?;
    ground.books_balance()?;
    Ok(ends.count("占用", each).took("过期等待", waited))
}

/// The clock of the holds is set so that they run out in the middle of the race. What a hold is made
/// of never changes otherwise: the trigger is passed by, as only an administrator can.
fn soon_over(ground: &Ground<'_>, offer: &str) -> Result {
    let sql = format!(
        "set session_replication_role = replica;
         update hold set expires_at = clock_timestamp() + interval '{LEFT} milliseconds'
         where offer = '{offer}';
         update job set run_at = hold.expires_at from hold
         where hold.offer = '{offer}' and job.dedupe = 'redemption_expire:' || hold.id"
    );
    ground.query(&sql).map(drop)
}

async fn race(client: &Client, ticket: &Answer, owner: &str, till: &str) -> Result<Told> {
    let id = ticket.text("/id").to_owned();
    let body = json!({ "code": ticket.text("/code") });
    let verify = Call::post("/redemptions/verify", body).by(till);
    let cancel = Call::post(format!("/redemptions/{id}/cancel"), json!({})).by(owner);
    let (one, two, three) =
        tokio::try_join!(client.send(&verify), client.send(&verify), client.send(&cancel))?;
    for answer in [&one, &two, &three] {
        if !matches!(answer.status, 200 | 409) {
            return Err(Failure::new(format!("争抢：{} {}", answer.status, answer.body)));
        }
    }
    let verified = [&one, &two].iter().filter(|answer| answer.status == 200).count();
    Ok(Told { id, verified, cancelled: usize::from(three.status == 200) })
}

fn one_end_each(ground: &Ground<'_>, offer: &str, told: &[Told]) -> Result<Figures> {
    let states = ground.query(&format!("select id, state from hold where offer = '{offer}'"))?;
    let states: BTreeMap<&str, &str> =
        states.lines().filter_map(|line| line.split_once('|')).collect();
    let mut ends = Figures::default();
    for Told { id, verified, cancelled } in told {
        let wanted = match (verified, cancelled) {
            (1, 0) => "confirmed",
            (0, 1) => "cancelled",
            (0, 0) => "expired",
            _ => return Err(Failure::new(format!("{id} 有 {} 个结局", verified + cancelled))),
        };
        equal(id, states.get(id.as_str()).copied().unwrap_or_default(), wanted)?;
        ends = ends.count(wanted, 1);
    }
    let taken = format!("offer_unit where offer = '{offer}' and hold is not null");
    let confirmed = format!("hold where offer = '{offer}' and state = 'confirmed'");
    equal("被占的份数", ground.count(&taken)?, ground.count(&confirmed)?)?;
    Ok(ends)
}
