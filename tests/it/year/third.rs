//! Third quarter: a member moves, everybody is reminded, the longest day, and a shop that is suspended.

use serde_json::json;

use super::{
    expected::REMINDED_IN_SEPTEMBER,
    story::{MEMBERS, SHOPS, Story, id},
};

const NEW: &str = "140213066005";

pub async fn quarter(story: &mut Story) {
    story.day("2025-07-01 10:00").await;
    story.published("2025Q2").await;
    story.day("2025-07-09 09:00").await;
    story.locked("2025Q2").await;
    moves(story).await;
    story.day("2025-09-10 10:00").await;
    for n in 1..=MEMBERS {
        let times = usize::from(REMINDED_IN_SEPTEMBER.contains(&n));
        let text = story.member(n).was_told("service_reminded", times).await;
        match n {
            1 => assert!(text.contains("还差 1 次、6 小时"), "3 services, 14 hours: {text}"),
            26 => assert!(text.contains("还差 3 次、14 小时"), "{text}"),
            _ => (),
        }
    }
    story.day("2025-09-20 08:00").await;
    let post = story.post("全日值守", "security", ["08:00", "18:00"], 30).await;
    story.serve(&post, 1..=20, 600, 8).await;
    for n in 1..=5 {
        story.scored(n, "service", "2025-09-20").await;
    }
    story.scored(6, "absence", "2025-09-18").await;
    suspension(story).await;
}

/// Member 23 moves: the old community lets go, the new one takes in.
async fn moves(story: &Story) {
    story.day("2025-07-15 09:00").await;
    let member = story.member(23);
    let body = json!({ "kind": "move", "community_code": NEW, "reason": "已搬到新社区" });
    let change = id(&member.does("moves", "/me/registration-changes", body).await);
    let path = format!("/registration-changes/{change}/decide");
    let approve = json!({ "approve": true, "note": "已核实" });
    story.officer().does("lets go", &path, approve.clone()).await;
    story.day("2025-07-16 09:00").await;
    let granted = story.desk(&format!("community.{NEW}")).does("takes in", &path, approve).await;
    assert_eq!(granted["status"], "granted");
    assert_eq!(member.all("/me/registrations").await[0]["community_code"], NEW);
    let year = member.sees("/me/service-year?year=2025").await;
    assert_eq!(year["hours"], 15.0, "hours stay with the member");
}

/// The breakfast shop fails an inspection: whoever holds a code gets everything back.
async fn suspension(story: &Story) {
    story.day("2025-09-24 08:00").await;
    let mut held = Vec::new();
    for n in [17, 18] {
        held.push(story.member(n).redeems(&story.breakfast).await);
        story.member(n).has(19, 1, 0).await;
    }
    story.day("2025-09-24 09:00").await;
    let reason = json!({ "reason": "食品安全检查不合格" });
    let path = format!("/merchants/{}/suspend", SHOPS[1]);
    story.desk("organiser").does("suspends", &path, reason).await;
    story.app.drain().await;
    for (n, ticket) in [17, 18].into_iter().zip(&held) {
        let member = story.member(n);
        member.has(20, 0, 0).await;
        member.was_told("redemption_returned", 1).await;
        let code = json!({ "code": ticket["code"] });
        let till = story.till(SHOPS[1]);
        till.cannot("verifies", "/redemptions/verify", code, "redemption_ended").await;
        let path = format!("/offers/{}/redemptions", story.breakfast);
        member.cannot("redeems", &path, json!({}), "merchant_suspended").await;
    }
}
