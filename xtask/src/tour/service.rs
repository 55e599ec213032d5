//! A party member registers with the community, serves and earns points.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::guide::{CREATED, Guide, OK, now, refusal};
use crate::client::{Answer, Call};
use crate::console::say;
use crate::failure::Result;

const COMMUNITY: &str = "140213066004";
/// How long the service lasts, in minutes.
const MINUTES: i64 = 120;
/// A post can be claimed until its end, so that the one of the story ends in so many minutes.
const LEFT: i64 = 10;

/// Who plays.
struct Cast {
    member: String,
    officer: String,
}

/// Plays the chapter.
pub async fn play(guide: &mut Guide) -> Result {
    let member = member(guide).await?;
    let officer = guide.staff("文兴社区登录", &format!("community.{COMMUNITY}")).await?;
    let cast = Cast { member, officer };
    registered(guide, &cast).await?;
    served(guide, &cast).await
}

/// The last one on the register: whoever tries the house by hand starts with the first ones.
pub async fn member(guide: &mut Guide) -> Result<String> {
    guide.resident("演示党员20用微信登录", "party-20").await
}

/// The member's points, those that can be spent and those that are held.
pub async fn balance(guide: &mut Guide, member: &str) -> Result<(i64, i64)> {
    let points = Call::get("/me/points").by(member);
    let points = guide.step("党员看自己的积分", points, OK).await?;
    let number = |key| points.body.pointer(key).and_then(Value::as_i64).unwrap_or_default();
    let (available, held) = (number("/available"), number("/held"));
    say(format!("               · 可用 {available} 分，占用 {held} 分"));
    Ok((available, held))
}

/// Registers the member; in a later run, who is registered stays so.
async fn registered(guide: &mut Guide, cast: &Cast) -> Result {
    let form = |number: &str| {
        let person = json!({ "name": "演示党员20", "id_number_last6": number });
        let body = json!({ "community_code": COMMUNITY, "party_member": person });
        Call::post("/registrations", body).by(&cast.member)
    };
    let mine = Call::get("/me/registrations").by(&cast.member);
    let mine = guide.step("党员查看自己的报到", mine, OK).await?;
    if mine.items("/items").iter().any(is_signed) {
        let again = form("100020");
        guide.step("早已报到，不必再报", again, refusal(409, "already_registered")).await?;
        return Ok(());
    }
    let pending = || CREATED.with("/status", "pending");
    let wrong = guide.step("向文兴社区报到，号码填错一位", form("100021"), pending()).await?;
    let sign = |handed_in: &Answer| {
        let body = json!({ "accept": true, "note": "欢迎回家" });
        let path = format!("/registrations/{}/sign", handed_in.text("/id"));
        Call::post(path, body).by(&cast.officer)
    };
    let told = "社区核对名册，不能签署";
    guide.step(told, sign(&wrong), refusal(409, "not_on_register")).await?;
    let right = guide.step("更正号码：得到的答复一样", form("100020"), pending()).await?;
    guide.step("社区签署报到", sign(&right), OK.with("/status", "signed")).await?;
    Ok(())
}

fn is_signed(registration: &Value) -> bool {
    registration.pointer("/status").and_then(Value::as_str) == Some("signed")
}

/// A post, its claim, and the hours that the officer confirms.
async fn served(guide: &mut Guide, cast: &Cast) -> Result {
    let (before, _) = balance(guide, &cast.member).await?;
    let claim = claimed(guide, cast).await?;
    let confirm = |minutes: i64| {
        let body = json!({ "minutes": minutes, "comment": "服务认真，老人很满意" });
        Call::post(format!("/claims/{claim}/confirm"), body)
    };
    let own = confirm(MINUTES).by(&cast.member);
    guide.step("党员自己确认时长：角色不对", own, refusal(403, "forbidden")).await?;
    let more = confirm(MINUTES + 1).by(&cast.officer);
    guide.step("确认得比岗位还长", more, refusal(422, "minutes_beyond_post")).await?;
    let right = confirm(MINUTES).by(&cast.officer);
    let expect = OK.with("/status", "confirmed").with("/minutes", MINUTES);
    let told = "社区确认两小时，积分同时入账";
    let confirmed = guide.step(told, right.clone(), expect).await?;
    guide.step("再确认一次", right, refusal(409, "claim_step_refused")).await?;
    let earned = confirmed.body.pointer("/points").and_then(Value::as_i64).unwrap_or_default();
    let posted = OK.with("/available", before + earned);
    let told = format!("得 {earned} 分（每天至多 8 分）");
    guide.step(&told, Call::get("/me/points").by(&cast.member), posted).await?;
    let year = Call::get("/me/service-year").by(&cast.member);
    let year = guide.step("党员看今年的服务", year, OK).await?;
    say(format!("               · {}", year.text("/text")));
    Ok(())
}

async fn claimed(guide: &mut Guide, cast: &Cast) -> Result<String> {
    let mine = Call::get("/me/claims?limit=100").by(&cast.member);
    let mine = guide.step("党员看自己的认领", mine, OK).await?;
    let starts_at = start(mine.items("/items"), now());
    let ends_at = starts_at + TimeDelta::minutes(MINUTES);
    let body = json!({
        "community_code": COMMUNITY,
        "kind": "elderly",
        "title": "陪独居老人就医",
        "place": "文兴社区党群服务站",
        "starts_at": rfc3339(starts_at),
        "ends_at": rfc3339(ends_at),
        "capacity": 1,
    });
    let publish = Call::post("/posts", body).by(&cast.officer);
    let post = guide.step("社区发布岗位：陪独居老人就医", publish, CREATED).await?;
    let claim = Call::post(format!("/posts/{}/claims", post.text("/id")), json!({}));
    let own = claim.clone().by(&cast.member);
    let expect = CREATED.with("/status", "claimed");
    let claimed = guide.step("党员认领", own.clone(), expect).await?;
    guide.step("又点了一次认领", own, refusal(409, "already_claimed")).await?;
    let late = guide.resident("一位邻居用微信登录", "tour-neighbour").await?;
    let expect = CREATED.with("/status", "waitlisted");
    let waiting = guide.step("邻居来晚一步：候补", claim.by(&late), expect).await?;
    let leave = format!("/claims/{}/cancel", waiting.text("/id"));
    let leave = Call::post(leave, json!({})).by(&late);
    guide.step("邻居不等了", leave, OK.with("/status", "cancelled")).await?;
    Ok(claimed.text("/id").to_owned())
}

/// When the post of this run starts: nobody can be at two posts at once, so it follows the
/// member's last one.
fn start(claims: &[Value], now: DateTime<Utc>) -> DateTime<Utc> {
    let end = |claim: &Value| claim.pointer("/ends_at")?.as_str()?.parse::<DateTime<Utc>>().ok();
    let last = claims.iter().filter_map(end).max();
    last.unwrap_or_default().max(now - TimeDelta::minutes(MINUTES - LEFT))
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_follows_the_one_before() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-24T08:00:00Z");
        let claim = |ends_at: &str| json!({ "ends_at": ends_at });
        assert_eq!(start(&[], now), at("2026-11-24T06:10:00Z"));
        assert_eq!(start(&[claim("2026-11-23T08:00:00Z")], now), at("2026-11-24T06:10:00Z"));
        let both = [claim("2026-11-24T10:10:00Z"), claim("2026-11-24T08:10:00Z")];
        assert_eq!(start(&both, now), at("2026-11-24T10:10:00Z"));
    }
}
