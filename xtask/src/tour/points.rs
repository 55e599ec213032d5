//! The party member redeems an offer; the merchant takes back a verification, and verifies once.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::json;

use super::guide::{CREATED, Guide, OK, now, refusal};
use super::service::{balance, member};
use crate::client::{Answer, Call};
use crate::console::say;
use crate::failure::{Failure, Result};

/// What the offer costs: as much as the service of the chapter before gives.
const POINTS: i64 = 2;

/// Plays the chapter.
pub async fn play(guide: &mut Guide) -> Result {
    let member = member(guide).await?;
    let (available, held) = balance(guide, &member).await?;
    let offer = published(guide).await?;
    let ticket = redeemed(guide, &member, &offer).await?;
    let points = Call::get("/me/points").by(&member);
    let expect = OK.with("/available", available - POINTS).with("/held", held + POINTS);
    guide.step(&format!("{POINTS} 分已占用，还没有用去"), points.clone(), expect).await?;
    let ticket = mistaken(guide, &member, &offer, &ticket).await?;
    verified(guide, ticket.text("/code")).await?;
    let expect = OK.with("/available", available - POINTS).with("/held", held);
    guide.step(&format!("核销后 {POINTS} 分用去"), points, expect).await?;
    let last = Call::get("/me/points/entries?limit=1").by(&member);
    let expect = OK.with("/items/0/kind", "redeem").with("/items/0/points", -POINTS);
    guide.step("积分明细记着这一笔", last, expect).await?;
    Ok(())
}

async fn published(guide: &mut Guide) -> Result<String> {
    let organiser = guide.staff("组织员登录", "organiser").await?;
    let until = now() + TimeDelta::days(30);
    let body = json!({
        "title": "爱心午餐一份",
        "category": "dining",
        "points": POINTS,
        "stock": 1,
        "per_person": 1,
        "valid_until": until.to_rfc3339_opts(SecondsFormat::Secs, true),
        "merchant": "wenxing",
    });
    let publish = Call::post("/offers", body).by(&organiser);
    let expect = CREATED.with("/stock", 1).with("/remaining", 1);
    let offer = guide.step("组织员发布优惠：爱心午餐，只有一份", publish, expect).await?;
    Ok(offer.text("/id").to_owned())
}

/// The member gets the only piece; a second tap gets the same code, somebody else none.
async fn redeemed(guide: &mut Guide, member: &str, offer: &str) -> Result<Answer> {
    let redeem = Call::post(format!("/offers/{offer}/redemptions"), json!({}));
    let own = redeem.clone().by(member).key(&guide.key("lunch"));
    let expect = CREATED.with("/status", "held").with("/points", POINTS);
    let ticket = guide.step("党员兑换，得到兑换码", own.clone(), expect).await?;
    let again = guide.step("手一抖又点了一次：还是同一个码", own, CREATED).await?;
    if again.body != ticket.body {
        return Err(Failure::new(format!(
            "同一个 Idempotency-Key 的两次答复不同：\n  {}\n  {}",
            ticket.body, again.body
        )));
    }
    let late = guide.resident("演示党员19用微信登录", "party-19").await?;
    let late = redeem.by(&late).key(&guide.key("late"));
    guide.step("演示党员19来晚一步", late, refusal(409, "offer_sold_out")).await?;
    Ok(ticket)
}

/// The clerk scans the changing picture and takes it back; the member redeems anew.
async fn mistaken(guide: &mut Guide, member: &str, offer: &str, ticket: &Answer) -> Result<Answer> {
    let picture = Call::get(format!("/redemptions/{}/qr-token", ticket.text("/id"))).by(member);
    let told = "手机上的二维码一分钟一换，截图没有用";
    let picture = guide.step(told, picture, OK).await?;
    let merchant = till(guide).await?;
    let scan = Call::post("/redemptions/verify", json!({ "code": picture.text("/token") }));
    guide.step("商户扫二维码核销", scan.by(&merchant), OK.with("/status", "verified")).await?;
    let undo = json!({ "reason": "今天的午餐卖完了" });
    let undo = Call::post(format!("/redemptions/{}/undo", ticket.text("/id")), undo);
    let told = "十分钟内可以撤销：积分和份数都退回";
    guide.step(told, undo.by(&merchant), OK.with("/status", "refunded")).await?;
    let again = Call::post(format!("/offers/{offer}/redemptions"), json!({}));
    let again = again.by(member).key(&guide.key("again"));
    guide.step("党员另兑一份", again, CREATED.with("/status", "held")).await
}

/// The clerk of the demo's merchant.
async fn till(guide: &mut Guide) -> Result<String> {
    guide.staff("文兴示范商户的店员登录", "merchant.wenxing").await
}

async fn verified(guide: &mut Guide, code: &str) -> Result {
    let merchant = till(guide).await?;
    let verify =
        |code: &str| Call::post("/redemptions/verify", json!({ "code": code })).by(&merchant);
    guide.step("编一个兑换码", verify("not-a-code"), refusal(404, "not_found")).await?;
    guide.step("商户核销", verify(code), OK.with("/status", "verified")).await?;
    let second = refusal(409, "redemption_already_verified");
    guide.step("同一个码再核销一次", verify(code), second).await?;
    let day = Call::get("/merchants/wenxing/till").by(&merchant);
    let day = guide.step("商户看当日合计", day, OK).await?;
    let figure = |name: &str| day.body.pointer(name).cloned().unwrap_or_default();
    let (count, undone) = (figure("/count"), figure("/undone"));
    say(format!("               · 今天核销 {count} 份，撤销 {undone} 份"));
    Ok(())
}
