//! A party branch: what its secretary sees of the register, and an entry of the score book.

use serde_json::json;

use super::guide::{CREATED, Guide, OK, now, refusal};
use crate::client::Call;
use crate::console::say;
use crate::failure::Result;

const BRANCH: &str = "party-140213066004-01";
/// 演示党员1 with the last six digits of the number, as a secretary looks somebody up.
const SOUGHT: &str = "/party-members?q=%E6%BC%94%E7%A4%BA%E5%85%9A%E5%91%981%20100001";

/// Plays the chapter.
pub async fn play(guide: &mut Guide) -> Result {
    let secretary = guide.staff("支部书记登录", &format!("secretary.{BRANCH}")).await?;
    let found = Call::get(SOUGHT).by(&secretary);
    let found = guide.step("在名册里找演示党员1：号码隐去", found, OK).await?;
    let member = found.items("/items").first().and_then(|one| one.pointer("/id")).cloned();
    let body = json!({
        "member_id": member,
        "item": "meeting",
        // By UTC it is never a day that has not begun in 大同.
        "happened_on": now().date_naive(),
        "words": "参加主题党日",
    });
    let enter = Call::post("/score-entries", body).by(&secretary).key(&guide.key("score"));
    let entry = guide.step("在积分管理手册里记一次会", enter, CREATED).await?;
    let accept = Call::post(format!("/score-entries/{}/accept", entry.text("/id")), json!({}));
    let own = refusal(409, "score_own_entry");
    guide.step("自己记的不能自己认定", accept.clone().by(&secretary), own).await?;
    let officer = guide.staff("文兴社区登录", "community.140213066004").await?;
    let accepted = OK.with("/status", "accepted");
    guide.step("社区党委认定", accept.by(&officer), accepted).await?;
    let member = guide.resident("演示党员1用微信登录", "party-1").await?;
    let book = Call::get("/me/score-book").by(&member);
    let book = guide.step("党员看自己的手册", book, OK).await?;
    let points = book.body.pointer("/points").cloned().unwrap_or_default();
    say(format!("               · 本季度 {points} 分；与能兑换的积分是两本账"));
    Ok(())
}
