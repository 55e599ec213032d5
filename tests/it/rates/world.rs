//! A month in which everything happened that a figure looks at.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, CLERK, COMMUNITY, Case, REPLY, UNIT, complaint};

/// Who is called by the month's whistle, and what the blower says of each: speed, handling, result.
const CALLED: [(&str, [u8; 3]); 3] =
    [(UNIT, [5, 4, 3]), ("market-supervision", [1, 1, 2]), ("power-grid", [5, 5, 5])];

/// November 2026 in 平城区, up to 4 December: two units, a utility, a community; cases solved and
/// not, reworked, returned, sent back, excluded, suspended, merged, not reached, late, answered; a
/// whistle whose units were appraised.
pub async fn november() -> App {
    let app = App::spawn().await;
    let (li, wang, centre) = (app.resident("li"), app.resident("wang"), app.as_("dispatcher"));
    let stars = |solved: bool, satisfaction: u8, contacted: Option<bool>| json!({"solved": solved, "satisfaction": satisfaction, "contacted": contacted});
    app.closed().await;
    whistled(&app).await;
    // Not solved, reworked, then solved.
    let mut again = app.replied().await;
    li.post(&again.path("/evaluate"), stars(false, 2, Some(false))).await.expect(200);
    // One word after the other, by the clock as well.
    app.advance(TimeDelta::minutes(1));
    again.lead = app.open_lead(&again).await;
    worked(&app, &again, CLERK).await;
    li.post(&again.path("/evaluate"), stars(true, 4, Some(true))).await.expect(200);
    // Not solved, and the rework is still open.
    let open = app.replied().await;
    app.advance(TimeDelta::minutes(1));
    li.post(&open.path("/evaluate"), stars(false, 1, Some(false))).await.expect(200);
    returned(&app).await;
    // Sent back, then confirmed and called not solved but satisfying.
    let back = app.task_replied().await;
    let reason = json!({"reason": "没有说明东侧两盏灯的情况"});
    centre.post(&back.task("/send-back"), reason).await.expect(200);
    app.as_(CLERK).post(&back.task("/acknowledge"), json!({})).await.expect(200);
    let reply = json!({"text": REPLY, "outcome": "explained", "basis": "城市照明管理规定第十条"});
    app.as_(CLERK).post(&back.task("/reply"), reply).await.expect(200);
    centre.post(&back.task("/confirm"), json!({})).await.expect(200);
    li.post(&back.path("/evaluate"), stars(false, 3, None)).await.expect(200);
    // Excluded.
    let excluded = app.closed().await;
    let reason = json!({"reason": "反映的施工已依法取得许可，现场核查属实"});
    app.as_("supervisor").post(&excluded.path("/exclude"), reason).await.expect(200);
    // Two reporters, one case.
    let child = wang.submit(&complaint()).await;
    let leading = app.dispatched().await;
    centre.post(&child.path("/merge"), json!({"into": leading.id})).await.expect(200);
    worked(&app, &leading, CLERK).await;
    li.post(&leading.path("/evaluate"), stars(true, 5, Some(true))).await.expect(200);
    wang.post(&child.path("/evaluate"), stars(true, 2, Some(true))).await.expect(200);
    // Direct answers; one of them appealed against and dispatched then.
    let answers = [app.submitted().await, app.accepted().await, app.submitted().await];
    for case in &answers {
        let text = json!({"text": "医保门诊缴费请在医院窗口或小程序办理，窗口八点到十八点。"});
        centre.post(&case.path("/answer"), text).await.expect(200);
    }
    let [mut appealed, ..] = answers;
    li.post(&appealed.path("/reopen"), json!({"reason": "窗口说不能办理"})).await.expect(200);
    app.accept(&appealed, "inquiry").await;
    app.dispatch(&mut appealed, json!({"lead": "housing"})).await;
    pushed_down(&app).await;
    // Stopped before any deadline, and stopped when one was already missed.
    let stopped = app.dispatched().await;
    suspend(&app, &stopped).await;
    let late = app.dispatched().await;
    // Taken back, waiting for dispatch beyond the centre's deadline, and waiting for a ruling.
    let taken_back = app.dispatched().await;
    li.post(&taken_back.path("/withdraw"), json!({"reason": "已经好了"})).await.expect(200);
    app.submitted().await;
    let disputed = app.dispatched().await;
    ask_to_return(&app, &disputed).await;
    let unreached = app.replied().await;

    app.advance(TimeDelta::hours(9));
    app.drain().await;
    suspend(&app, &late).await;
    let slow = app.dispatched().await;
    app.pass("2026-11-26T10:00:00+08:00").await;
    worked(&app, &slow, CLERK).await;
    li.post(&slow.path("/evaluate"), stars(true, 3, Some(true))).await.expect(200);
    let case = app.replied().await;
    li.post(&case.path("/evaluate"), stars(true, 5, None)).await.expect(200);
    app.pass("2026-11-28T00:30:00+08:00").await;
    app.pass("2026-12-04T00:30:00+08:00").await;
    let shown = centre.complaint(&unreached).await;
    assert_eq!((&shown["status"], &shown["closed_as"]), (&json!("closed"), &json!("not_reached")));
    app
}

/// Acknowledged, contacted, replied to and confirmed.
async fn worked(app: &App, case: &Case, clerk: &str) {
    let clerk = app.as_(clerk);
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    let note = json!({"note": "电话联系，约定今晚到现场查看"});
    clerk.post(&case.task("/contact"), note).await.expect(200);
    let reply = json!({"text": REPLY, "outcome": "solved"});
    clerk.post(&case.task("/reply"), reply).await.expect(200);
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
}

async fn ask_to_return(app: &App, case: &Case) {
    let body =
        json!({"ground": "duty", "basis": "路灯产权属供电公司", "suggested_unit": "power-grid"});
    app.as_(CLERK).post(&case.task("/return"), body).await.expect(200);
}

async fn returned(app: &App) {
    let mut case = app.dispatched().await;
    ask_to_return(app, &case).await;
    let ruling = json!({"approve": true, "to_unit": "power-grid", "reason": "产权属供电公司"});
    app.as_("dispatcher").post(&case.task("/return/decide"), ruling).await.expect(200);
    case.lead = app.open_lead(&case).await;
    worked(app, &case, "dept.power-grid").await;
    let body = json!({"solved": true, "satisfaction": 5, "contacted": true});
    app.resident("li").post(&case.path("/evaluate"), body).await.expect(200);
}

/// An emergency for the community itself, which counts for its subdistrict.
async fn pushed_down(app: &App) {
    let mut case = app.submitted().await;
    app.accept(&case, "emergency").await;
    let order = json!({"lead": COMMUNITY, "assist": [UNIT], "emergency_approver": "leader"});
    app.dispatch(&mut case, order).await;
    app.as_("community.140213066004").post(&case.task("/acknowledge"), json!({})).await.expect(200);
}

async fn suspend(app: &App, case: &Case) -> Value {
    let body = json!({"until": "2026-12-24T08:30:00+08:00", "reason": "等待管网图纸"});
    app.as_("dispatcher").post(&case.path("/suspend"), body).await.expect(200)
}

/// The community blows, three units come, and it says how they did.
pub async fn whistled(app: &App) {
    let blower = app.as_("community.140213066004");
    let [(lead, _), rest @ ..] = CALLED;
    let body = json!({
        "kind": "routine", "level": "yellow", "title": "夜市占道和油烟扰民",
        "content": "文兴路夜市三十余家摊点占道经营，油烟直排居民楼，社区多次劝导无效。",
        "community_code": COMMUNITY, "lead": lead, "assist": rest.map(|(unit, _)| unit),
    });
    let key = format!("key-{:016x}", u64::from_be_bytes(infra::random::bytes()));
    let drafted = blower.request(reqwest::Method::POST, "/whistles").key(&key).json(&body);
    let drafted = drafted.send().await.expect(201);
    let path = |rest: &str| format!("/whistles/{}{rest}", drafted["id"].as_str().unwrap());
    let review = json!({"approve": true});
    app.as_("subdistrict.140213066").post(&path("/review"), review).await.expect(200);
    let list = format!("/tasks?whistle_id={}", drafted["id"].as_str().unwrap());
    for task in app.as_("dispatcher").all(&list).await {
        let of = |verb: &str| format!("/tasks/{}{verb}", task["id"].as_str().unwrap());
        let unit = task["unit"].as_str().unwrap();
        let clerk = app.as_(&format!("dept.{unit}"));
        clerk.post(&of("/acknowledge"), json!({})).await.expect(200);
        let people = json!({"people": [{"name": "王强", "post": "副局长"}]});
        clerk.post(&of("/report-in"), people).await.expect(200);
        let reply = json!({"text": REPLY, "outcome": "solved"});
        clerk.post(&of("/reply"), reply).await.expect(200);
        blower.post(&of("/confirm"), json!({})).await.expect(200);
    }
    for (unit, [speed, handling, result]) in CALLED {
        let said = json!({"unit": unit, "speed": speed, "handling": handling, "result": result});
        blower.post(&path("/appraise"), said).await.expect(200);
    }
}
