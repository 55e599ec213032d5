//! The points' books add up.

use serde_json::json;

use super::guide::{Guide, OK, refusal};
use crate::client::Call;
use crate::console::say;
use crate::failure::Result;

/// Plays the chapter.
pub async fn play(guide: &mut Guide) -> Result {
    let check = Call::get("/ledger/reconciliation");
    let organiser = guide.staff("组织员登录", "organiser").await?;
    let other = check.clone().by(&organiser);
    guide.step("发优惠的人不能对账", other, refusal(403, "forbidden")).await?;
    let auditor = guide.staff("审计登录", "auditor").await?;
    let empty = OK.with("/violations", json!([]));
    let checked = guide.step("审计对账：没有对不上的账", check.by(&auditor), empty).await?;
    say(format!("      不符 {} 处", checked.items("/violations").len()));
    Ok(())
}
