//! Fourth quarter: an award in public notice, gifts, hours from elsewhere, the second reminder, the last
//! services and redemptions of the year.

use serde_json::json;

use super::{
    expected::{COMMUNITY_LEFT, DONE_BY_NOVEMBER, REMINDED_IN_SEPTEMBER},
    story::{MEMBERS, SHOPS, Story, id, name_of, number_of},
};
use crate::support::COMMUNITY;

pub async fn quarter(story: &mut Story) {
    story.day("2025-10-09 09:00").await;
    let path = format!("/merchants/{}/lift", SHOPS[1]);
    let organiser = story.desk("organiser");
    organiser.does("lifts", &path, json!({ "reason": "整改复查合格" })).await;
    story.published("2025Q3").await;
    story.day("2025-10-10 08:00").await;
    let ticket = story.member(17).redeems(&story.breakfast).await;
    story.till(SHOPS[1]).verifies(&ticket["code"]).await;
    notice(story).await;
    elsewhere(story).await;
    gifts(story).await;
    reminders(story).await;
    story.day("2025-11-22 09:00").await;
    let post = story.post("助老日", "elderly", ["09:00", "11:00"], 20).await;
    story.serve(&post, 1..=15, 120, 3).await;
    story.day("2025-11-25 12:00").await;
    for _ in 0..2 {
        let ticket = story.member(1).redeems(&story.lunch).await;
        story.till(SHOPS[0]).verifies(&ticket["code"]).await;
    }
    december(story).await;
}

/// A visit gives a point, which can be spent after five working days of public notice.
async fn notice(story: &Story) {
    story.day("2025-10-15 16:00").await;
    let member = story.member(10);
    story.visit("2025-10-15 15:00").await;
    // 2 in February, 6 + 6 + 8 by service.
    member.has(22, 0, 1).await;
    let shown = story.resident("li").all("/points-notices").await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["ends_at"], "2025-10-22T16:00:00Z", "16, 17, 20, 21, 22 October");
    story.day("2025-10-16 09:00").await;
    story.locked("2025Q3").await;
    member.has(22, 0, 1).await;
}

/// A sheet of 志愿山西: hours that count for the year and give no points.
async fn elsewhere(story: &Story) {
    const HEADER: &str = "记录编号,姓名,证件号码后六位,开始时间,时长（分钟）,服务内容";
    const PATH: &str = "/imported-hours?platform=%E5%BF%97%E6%84%BF%E5%B1%B1%E8%A5%BF&dry_run=";
    story.day("2025-10-20 09:00").await;
    let officer = story.officer();
    let record = |record: u32, n: u32, at: &str, minutes: u32| {
        format!("SX-{record:04},{},{},{at},{minutes},敬老院陪护", name_of(n), number_of(n))
    };
    let rows = [record(1, 21, "2025-08-16 08:00", 300), record(2, 22, "2025-08-17 09:00", 120)];
    let tried = officer.brings(&format!("{PATH}true"), HEADER, &rows).await;
    assert_eq!((&tried["imported"], &tried["refused"]), (&json!(2), &json!([])), "{tried}");
    officer.brings(&format!("{PATH}false"), HEADER, &rows).await;
    let again = officer.brings(&format!("{PATH}false"), HEADER, &rows).await;
    assert_eq!((&again["imported"], &again["unchanged"]), (&json!(0), &json!(2)), "{again}");
    story.member(21).has(14, 0, 0).await;
}

/// Member 15 gives to the community, which passes on; member 10 to the household that is looked after.
async fn gifts(story: &Story) {
    let (officer, chen) = (story.officer(), story.resident("chen"));
    let gift = json!({ "points": 10, "community_code": COMMUNITY });
    story.member(15).does("gives", "/me/donations", gift).await;
    story.day("2025-10-21 09:00").await;
    let second = story.second_officer().await;
    let path = format!("/communities/{COMMUNITY}/donations");
    let pass = |points: i64| json!({ "points": points, "household_id": story.household, "reason": "过冬慰问" });
    second.cannot("passes on too much", &path, pass(11), "points_insufficient").await;
    officer.cannot("passes on alone", &path, pass(6), "household_by_oneself").await;
    second.does("passes on", &path, pass(6)).await;
    let left = officer.sees(&format!("/communities/{COMMUNITY}/points")).await;
    assert_eq!(left["available"], COMMUNITY_LEFT);
    chen.has(6, 0, 0).await;

    story.day("2025-10-23 09:00").await;
    story.member(10).has(23, 0, 0).await;
    let gift = json!({ "points": 3, "household_id": story.household });
    story.member(12).cannot("gives", "/me/donations", gift.clone(), "invalid_field").await;
    story.member(10).does("gives", "/me/donations", gift).await;
    chen.has(9, 0, 0).await;
}

async fn reminders(story: &Story) {
    story.day("2025-11-10 10:00").await;
    for n in 1..=MEMBERS {
        let september = usize::from(REMINDED_IN_SEPTEMBER.contains(&n));
        let done = september == 0 || DONE_BY_NOVEMBER.contains(&n);
        let text =
            story.member(n).was_told("service_reminded", september + usize::from(!done)).await;
        if n == 4 {
            assert!(text.contains("还差 1 次") && !text.contains("小时"), "22 hours: {text}");
        }
    }
    // September's and November's, of the demo district's ten and of these.
    let reports = story.desk("liaison.education").all("/unit-reports").await;
    let missing: Vec<(i64, i64)> = reports
        .iter()
        .filter(|one| one["kind"] == "reminder")
        .map(|one| (one["number"].as_i64().unwrap(), one["missing"].as_i64().unwrap()))
        .collect();
    // Of members 1 to 10 only 4, 5, 6 and 10 miss something in November.
    assert_eq!(missing, [(11, 4 + 4), (9, 4 + 10)]);
}

async fn december(story: &Story) {
    story.day("2025-12-02 09:00").await;
    let told = story.resident("party-1").was_told("points_expiring", 1).await;
    assert!(told.contains("200 分"), "what the demo district brought from 2024: {told}");
    story.day("2025-12-20 12:00").await;
    let ticket = story.resident("chen").redeems(&story.lunch).await;
    story.till(SHOPS[0]).verifies(&ticket["code"]).await;
    story.day("2025-12-22 19:00").await;
    let officer = story.officer();
    let honour = json!({
        "member_id": story.on_register(1).await, "item": "honour", "happened_on": "2025-12-20",
        "words": "全区优秀党员志愿者",
    });
    let honour = id(&officer.does("enters", "/score-entries", honour).await);
    let path = format!("/score-entries/{honour}/accept");
    story.secretary().does("accepts", &path, json!({})).await;
    for n in 1..=3 {
        story.scored(n, "meeting", "2025-12-19").await;
    }
}
