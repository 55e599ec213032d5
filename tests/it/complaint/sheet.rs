//! The case sheet: what its reader may see anyway, made for paper.

use reqwest::Method;
use serde_json::json;

use crate::support::{App, CLERK, REPLY, UNIT, complaint};

const PHONE: &str = "13834567890";
const NAME: &str = "李桂芳";

async fn looks(app: &App) -> i64 {
    let seen = "select count(*) from audit_entry where action = 'complaint.contact_seen'";
    sqlx::query_scalar(seen).fetch_one(app.db()).await.unwrap()
}

/// The sheet of a case as somebody prints it: a page that can load and run nothing.
async fn printed(who: &crate::support::Client, case: &crate::support::Case) -> String {
    let page = who.get(&case.path("/sheet")).await;
    assert_eq!(page.status, 200, "{page}");
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    for foreign in ["<script", "src=", "href=", "url(", "@import", "onload", "javascript:"] {
        assert!(!page.text.contains(foreign), "{foreign}: {}", page.text);
    }
    assert!(page.text.contains("@page{size:A4"), "it is made for A4");
    page.text
}

#[tokio::test]
async fn a_sheet_tells_a_case_from_its_first_day_to_its_last() {
    let app = App::spawn().await;
    let case = app.closed().await;
    let page = printed(&app.as_("dispatcher"), &case).await;
    for told in [
        case.number.as_str(),
        "文兴路口路灯不亮",
        "文兴社区",
        "2026年11月24日 09:00",
        // Acknowledge, contact and reply: the deadlines of an ordinary case.
        "时限 2026年11月24日 15:00",
        "时限 2026年11月25日 09:00",
        "时限 2026年12月1日 24:00",
        "区城市管理(综合执法)局（主办）",
        "区城市管理(综合执法)局已签收，开始办理。",
        REPLY,
        "给反映人的答复",
        "问题已解决，非常满意",
        "已办结",
        "138****7890",
        "经办人",
    ] {
        assert!(page.contains(told), "{told} is missing: {page}");
    }
    assert!(!page.contains(PHONE) && !page.contains(NAME), "the centre reads it masked");
    assert_eq!(looks(&app).await, 0);
    let events = app.as_("dispatcher").all(&case.path("/events")).await;
    let rows = events.iter().filter(|event| {
        let text = event["text"].as_str().unwrap();
        page.contains(&format!("<td>{}</td>", event["seq"])) && page.contains(text)
    });
    assert_eq!(rows.count(), events.len(), "every event that the reader may know of");
}

#[tokio::test]
async fn the_handler_prints_whom_to_call_while_the_task_is_open_and_it_is_on_record() {
    let app = App::spawn().await;
    let mut case = app.accepted().await;
    app.dispatch(&mut case, json!({"lead": UNIT, "assist": ["housing"]})).await;
    let page = printed(&app.as_(CLERK), &case).await;
    assert!(page.contains(PHONE) && page.contains(NAME), "{page}");
    assert_eq!(looks(&app).await, 1, "each look is on record");
    let officer = printed(&app.as_("community.140213066004"), &case).await;
    assert!(!officer.contains(PHONE) && officer.contains("不显示"), "{officer}");
    assert_eq!(looks(&app).await, 1);
    // Each unit prints its own reply and deadlines, and of the other's task what the case tells.
    let housing = app.as_("dept.housing").all("/tasks").await;
    let task = |verb: &str| format!("/tasks/{}/{verb}", housing[0]["id"].as_str().unwrap());
    app.as_("dept.housing").post(&task("acknowledge"), json!({})).await.expect(200);
    let reply = json!({"text": "已核对小区红线，灯杆在红线外。", "outcome": "explained"});
    app.as_("dept.housing").post(&task("reply"), reply).await.expect(200);
    let own = printed(&app.as_("dept.housing"), &case).await;
    assert!(own.contains("灯杆在红线外"), "{own}");
    for who in [app.as_("community.140213066004"), app.resident("li")] {
        let page = printed(&who, &case).await;
        assert!(!page.contains("灯杆在红线外"), "an assist's reply is among the units: {page}");
    }
}

#[tokio::test]
async fn a_reporter_prints_what_a_reporter_reads() {
    let app = App::spawn().await;
    let case = app.replied().await;
    let li = app.resident("li");
    let page = printed(&li, &case).await;
    for told in [case.number.as_str(), REPLY, "区城市管理(综合执法)局", "还没有评价。"]
    {
        assert!(page.contains(told), "{told} is missing: {page}");
    }
    for hidden in [PHONE, "138****", "经办人", "渠道", "考核"] {
        assert!(!page.contains(hidden), "{hidden}: {page}");
    }
    app.resident("wang").get(&case.path("/sheet")).await.refused(404, "not_found");
    app.as_("dept.power-grid").get(&case.path("/sheet")).await.refused(404, "not_found");
    app.anonymous().get(&case.path("/sheet")).await.refused(401, "unauthenticated");
    app.as_("organiser").get(&case.path("/sheet")).await.refused(403, "forbidden");
}

#[tokio::test]
async fn what_people_wrote_is_no_markup_and_a_secret_reporter_stands_on_no_sheet() {
    let app = App::spawn().await;
    let mut body = complaint();
    body["confidential"] = json!(true);
    body["title"] = json!("<script>alert('灯')</script>");
    body["content"] = json!("路灯<img src=x onload=alert(1)>\"坏了\" & 三天");
    let mut case = app.resident("li").submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT, "note": "<b>从速</b>"})).await;
    let clerk = app.as_(CLERK);
    let page = clerk.get(&case.path("/sheet")).await;
    assert!(page.text.contains("&lt;script&gt;alert(&#39;灯&#39;)&lt;/script&gt;"), "{page}");
    assert!(page.text.contains("&lt;img src=x onload=alert(1)&gt;&quot;坏了&quot; &amp; 三天"));
    assert!(page.text.contains("&lt;b&gt;从速&lt;/b&gt;"), "{page}");
    for markup in ["<script", "<img", "<b>"] {
        assert!(!page.text.contains(markup), "{markup}: {page}");
    }
    for secret in [PHONE, "7890", NAME, "演示居民"] {
        assert!(!page.text.contains(secret), "{secret}: {page}");
    }
    assert_eq!(looks(&app).await, 0);
}

#[tokio::test]
async fn no_sheet_holds_an_internal_note() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let note = json!({"text": "邻里积怨已久，上门请两人同行"});
    let clerk = app.as_(CLERK);
    let request = clerk.request(Method::POST, &case.path("/notes")).key("sheet-note").json(&note);
    request.send().await.expect(201);
    for who in [app.resident("li"), clerk, app.as_("dispatcher")] {
        assert!(!printed(&who, &case).await.contains("积怨"), "paper goes to whoever holds it");
    }
}
