//! Second quarter: the first is settled; a resident's request, a dispute, an adjustment, new rules.

use serde_json::{Value, json};

use super::story::{SHOPS, Story, id, moment_of, name_of, number_of};
use crate::support::COMMUNITY;

pub async fn quarter(story: &mut Story) {
    story.day("2025-04-01 10:00").await;
    story.desk("liaison.education").was_told("unit_reported", 1).await;
    score(story).await;
    statement(story).await;
    story.day("2025-04-10 07:30").await;
    story.locked("2025Q1").await;
    breakfasts(story).await;
    request(story).await;
    adjust(story).await;
    two_posts_in_a_day(story).await;
    rules(story).await;
    voucher(story).await;
}

/// Settled and published; member 6 objects to the honour of member 4, and is right.
async fn score(story: &Story) {
    let path = story.published("2025Q1").await;
    let notice = story.member(1).sees(&path).await;
    assert!(notice["lines"].as_array().unwrap().iter().all(|line| line["member_id"].is_null()));
    let entries = story.secretary().all("/score-entries?quarter=2025Q1").await;
    let honour = entries.iter().find(|one| one["item"] == "honour").expect("the honour");
    let against = json!({ "entry_id": honour["id"], "words": "这项表彰是去年的" });
    story.member(6).does("objects", &format!("{path}/objections"), against).await;
    story.day("2025-04-03 09:00").await;
    let objection = id(&story.officer().sees(&path).await["objections"][0]);
    let upheld = json!({ "uphold": true, "reason": "经核对是去年的表彰" });
    let path = format!("/score-objections/{objection}/decide");
    story.desk("organiser").does("upholds", &path, upheld).await;
}

/// The shop disputes a line of March, is answered, agrees and is paid.
async fn statement(story: &Story) {
    let (manager, organiser) = (story.desk("manager.wenxing"), story.desk("organiser"));
    let statement = manager.all("/settlements?period=2025-03").await.remove(0);
    assert_eq!(statement["dispute_until"], "2025-04-09T16:00:00Z", "Qingming does not count");
    let path = format!("/settlements/{}", id(&statement));
    let lines = manager.all(&format!("{path}/lines")).await;
    let line = lines.iter().find(|line| line["kind"] == "redemption").unwrap()["n"].clone();
    let dispute = json!({ "line": line, "reason": "当天这位顾客加了一份汤" });
    manager.does("disputes", &format!("{path}/disputes"), dispute).await;
    let pay = json!({ "document_no": "2025-04-0007" });
    organiser.cannot("pays", &format!("{path}/pay"), pay.clone(), "disputes_open").await;
    let answer = json!({ "line": line, "uphold": true, "fen": 250, "reason": "核对小票，补付" });
    organiser.does("answers", &format!("{path}/answer"), answer).await;
    manager.does("agrees", &format!("{path}/confirm"), json!({})).await;
    let paid = organiser.does("pays", &format!("{path}/pay"), pay).await;
    assert_eq!((&paid["status"], &paid["fen"]), (&json!("paid"), &json!(3_200)));
}

async fn breakfasts(story: &Story) {
    let till = story.till(SHOPS[1]);
    for n in [7, 7, 8] {
        let ticket = story.member(n).redeems(&story.breakfast).await;
        till.verifies(&ticket["code"]).await;
    }
    let elsewhere = story.member(7).redeems(&story.breakfast).await;
    let code = json!({ "code": elsewhere["code"] });
    story.till(SHOPS[0]).cannot("verifies", "/redemptions/verify", code, "not_found").await;
    story.member(7).steps_ticket(&elsewhere, "cancel", json!({})).await;
}

/// li asks, the community orders, member 9 takes it; one hour is confirmed, and whoever was served says
/// that it were two.
async fn request(story: &Story) {
    story.day("2025-04-21 09:00").await;
    let (li, officer, member) = (story.resident("li"), story.officer(), story.member(9));
    let wish = json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "陪母亲去医院复查",
        "content": "母亲腿脚不便，周三下午要去三医院复查，需要有人陪同。",
        "name": "王秀英", "phone": "13800000001", "address": "文兴苑三号楼二单元",
    });
    let request = id(&li.does("asks", "/service-requests", wish).await);
    let order = json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "陪老人就医", "capacity": 1,
        "starts_at": moment_of("2025-04-23 14:00"), "ends_at": moment_of("2025-04-23 16:00"),
    });
    let path = format!("/service-requests/{request}/orders");
    let ordered = officer.does("orders", &path, order).await;
    let post = ordered["posts"][0]["post_id"].as_str().unwrap();
    let own = format!("/posts/{post}/claims");
    li.cannot("serves herself", &own, json!({}), "own_service").await;
    let claim = member.claims(post, "claimed").await;
    story.day("2025-04-23 16:30").await;
    assert_eq!(officer.confirms(&claim, 60).await["points"], 1);
    let path = format!("/service-requests/{request}/confirm");
    li.does("confirms", &path, json!({ "satisfaction": 5 })).await;
    let reason = json!({ "reason": "实际陪了整整两个小时" });
    let raised = li.does("disputes", &format!("/claims/{claim}/disputes"), reason).await;
    assert_eq!(raised["by_served"], true);
    let path = format!("/service-disputes/{}/decide", id(&raised));
    let right = json!({ "correct": true, "minutes": 120, "reason": "核对签到记录后更正" });
    officer.cannot("decides on himself", &path, right.clone(), "same_decider").await;
    story.day("2025-04-24 09:00").await;
    story.desk("organiser").does("puts right", &path, right).await;
    let year = member.sees("/me/service-year?year=2025").await;
    assert_eq!((&year["services"], &year["hours"]), (&json!(2), &json!(8.0)), "member 9");
    member.has(8, 0, 0).await;
}

/// Two persons give member 11 what was forgotten; a breakfast of April goes back.
async fn adjust(story: &Story) {
    story.day("2025-05-12 10:00").await;
    let (one, other) = (story.desk("organiser"), story.desk("organiser.2"));
    let proposal = json!({
        "account": story.member(11).account().await, "points": 20, "reason": "去年的活动漏记",
        "document": "组发〔2025〕8 号",
    });
    let made = id(&one.does("proposes", "/points-adjustments", proposal).await);
    let path = format!("/points-adjustments/{made}/decide");
    let approve = json!({ "approve": true });
    one.cannot("approves alone", &path, approve.clone(), "own_points_proposal").await;
    story.member(11).has(6, 0, 0).await;
    other.does("approves", &path, approve).await;
    story.member(11).has(26, 0, 0).await;

    let mine = story.member(8).all("/me/redemptions").await;
    let reason = json!({ "reason": "商户当天没有货" });
    one.steps_ticket(&mine[0], "refund", reason).await;
    story.member(8).has(8, 0, 0).await;
}

/// 14 June: six hours, and three in the evening, of which the day pays two.
async fn two_posts_in_a_day(story: &Story) {
    story.day("2025-06-14 08:30").await;
    let post = story.post("小区环境整治", "environment", ["08:30", "14:30"], 30).await;
    story.serve(&post, 1..=25, 360, 6).await;
    let owed = &story.member(13).sees("/me/points").await["owed"];
    assert_eq!(*owed, 0, "member 13's debt is set off");
    story.member(13).has(2, 0, 0).await;
    story.day("2025-06-14 18:00").await;
    let evening = story.post("晚间巡逻", "security", ["18:00", "21:00"], 10).await;
    story.serve(&evening, 21..=25, 180, 2).await;
}

/// From July on care for the elderly counts half as much again, and visits wait for public notice.
async fn rules(story: &Story) {
    story.day("2025-06-16 10:00").await;
    let (one, other) = (story.desk("organiser"), story.desk("organiser.2"));
    let version = json!({
        "name": "2025-2", "valid_from": "2025-07-01", "reason": "鼓励助老服务；走访先公示",
        "terms": { "kind_percent": { "elderly": 150 }, "notice": ["visit"] },
    });
    let made = id(&one.does("proposes rules", "/points-rules", version).await);
    let path = format!("/points-rules/{made}/decide");
    let approve = json!({ "approve": true });
    one.cannot("approves alone", &path, approve.clone(), "own_points_proposal").await;
    other.does("approves rules", &path, approve).await;
}

/// Member 16 has no telephone: the community redeems, and prints.
async fn voucher(story: &Story) {
    story.day("2025-06-20 15:00").await;
    let (officer, member) = (story.officer(), story.member(16));
    let holder = json!({ "name": name_of(16), "id_number_last6": number_of(16) });
    let body = json!({ "holder": { "party_member": holder }, "checked": "id_card" });
    let path = format!("/offers/{}/vouchers", story.lunch);
    let voucher = officer.does("redeems for member 16", &path, body).await;
    let path = format!("/vouchers/{}/print", id(&voucher));
    let page: Value = officer.does("prints", &path, json!({})).await;
    let page = page.as_str().unwrap();
    let digits = page.split("class=\"digits\">").nth(1).unwrap().split('<').next().unwrap();
    member.has(10, 2, 0).await;
    score_of_june(story).await;
    story.day("2025-06-25 12:00").await;
    story.till(SHOPS[0]).verifies(&json!(digits)).await;
    member.has(10, 0, 0).await;
    member.was_told("voucher_issued", 1).await;
}

/// A meeting of 1 and 2; and 1 was not at the one of March.
async fn score_of_june(story: &Story) {
    let secretary = story.secretary();
    for n in [1, 2] {
        story.scored(n, "meeting", "2025-06-19").await;
    }
    let first = story.on_register(1).await;
    let entries = secretary.all(&format!("/score-entries?member_id={first}&quarter=2025Q1")).await;
    let correction = json!({
        "member_id": first, "corrects": entries[0]["id"], "points": -2,
        "happened_on": "2025-06-19", "words": "三月二十日实际没有参加",
    });
    let made = id(&secretary.does("corrects", "/score-entries", correction).await);
    let path = format!("/score-entries/{made}/accept");
    story.officer().does("accepts", &path, json!({})).await;
}
