//! Public notice: awards wait with a masked name, take objections, and are posted once.

use domain::points::Source;
use serde_json::{Value, json};

use super::kept::served;
use crate::support::{App, COMMUNITY};

async fn noticed() -> App {
    App::with(|config| config.points.award.notice = vec![Source::Service]).await
}

async fn only(app: &App) -> Value {
    let path = format!("/points-notices?community_code={COMMUNITY}");
    let all = app.resident("zhao").all(&path).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn path(notice: &Value, verb: &str) -> String {
    format!("/points-notices/{}{verb}", notice["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_award_waits_for_its_notice_and_is_posted_once() {
    let app = noticed().await;
    let li = app.resident("li");
    served(&app, "li", 120).await;
    let now = li.get("/me/points").await.ok();
    assert_eq!((&now["available"], &now["pending"]), (&json!(0), &json!(2)));
    assert_eq!(now["notices"][0]["text"], "志愿服务所得 2 分公示中");
    // What waits counts in the day's cap.
    served(&app, "li", 480).await;
    assert_eq!(li.get("/me/points").await.ok()["pending"], 8);
    let shown = app.resident("zhao").all("/points-notices").await;
    assert!(shown.iter().all(|one| one["name"].as_str().unwrap().contains('*')), "{shown:?}");
    assert_eq!(li.all("/me/points/entries").await.len(), 0, "nothing is in the ledger");
    // Tuesday, five working days: until 24:00 on 1 December.
    assert_eq!(shown[0]["ends_at"], "2026-12-01T16:00:00Z");
    app.pass("2026-12-01T15:59:59Z").await;
    assert_eq!(li.get("/me/points").await.ok()["available"], 0);
    app.pass("2026-12-01T16:00:00Z").await;
    app.drain().await;
    let now = li.get("/me/points").await.ok();
    assert_eq!((&now["available"], &now["pending"]), (&json!(8), &json!(0)));
    assert_eq!(li.all("/me/points/entries").await.len(), 2);
    // What has ended is nobody's business any more.
    let zhao = app.resident("zhao");
    assert!(zhao.all("/points-notices").await.is_empty());
    zhao.get(&path(&shown[0], "")).await.refused(404, "not_found");
    assert_eq!(app.as_("auditor").all("/points-notices?status=posted").await.len(), 2);
    app.as_("organiser").get(&path(&shown[0], "")).await.ok();
    let late = json!({"reason": "这一天他没有来参加"});
    let refused = app.resident("zhao").post(&path(&shown[0], "/object"), late).await;
    refused.refused(409, "points_notice_step_refused");
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(report["violations"], json!([]));
}

#[tokio::test]
async fn an_objection_holds_the_award_until_somebody_decides() {
    let app = noticed().await;
    let (li, organiser) = (app.resident("li"), app.as_("organiser"));
    served(&app, "li", 120).await;
    let notice = only(&app).await;
    let reason = json!({"reason": "这一天我在场，没有见到他"});
    let own = li.post(&path(&notice, "/object"), reason.clone()).await;
    own.refused(409, "own_points");
    let early = json!({"uphold": false, "reason": "还没有人提"});
    organiser
        .post(&path(&notice, "/decide"), early)
        .await
        .refused(409, "points_notice_step_refused");
    let zhao = app.resident("zhao");
    let held = zhao.post(&path(&notice, "/object"), reason.clone()).await.expect(200);
    assert_eq!(held["status"], "objected");
    zhao.post(&path(&notice, "/object"), reason.clone())
        .await
        .refused(409, "points_objected_before");
    app.as_("community.140213066004").post(&path(&notice, "/object"), reason).await.expect(200);
    let objections = organiser.get(&path(&notice, "/objections")).await.ok();
    assert_eq!(objections.as_array().unwrap().len(), 2);
    zhao.get(&path(&notice, "/objections")).await.refused(403, "forbidden");
    app.pass("2026-12-03T00:00:00Z").await;
    assert_eq!(li.get("/me/points").await.ok()["pending"], 2, "it waits for the decision");
    let no = json!({"uphold": false, "reason": "三位参加者都证实他在场"});
    let (other, decide) = (app.as_("organiser.2"), path(&notice, "/decide"));
    let clicks = futures::join!(organiser.post(&decide, no.clone()), other.post(&decide, no));
    let mut statuses = [clicks.0.status, clicks.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    app.drain().await;
    assert_eq!(li.get("/me/points").await.ok()["available"], 2, "its notice had ended");
    assert_eq!(li.all("/me/points/entries").await.len(), 1);
}

#[tokio::test]
async fn an_objection_that_is_right_keeps_the_award_out_of_the_ledger() {
    let app = noticed().await;
    let (li, organiser) = (app.resident("li"), app.as_("organiser"));
    served(&app, "li", 120).await;
    let notice = only(&app).await;
    let reason = json!({"reason": "这一天我在场，没有见到他"});
    app.resident("zhao").post(&path(&notice, "/object"), reason).await.expect(200);
    let yes = json!({"uphold": true, "reason": "签到记录与实际不符"});
    let done = organiser.post(&path(&notice, "/decide"), yes).await.expect(200);
    assert_eq!((&done["status"], &done["note"]), (&json!("refused"), &json!("签到记录与实际不符")));
    app.pass("2026-12-03T00:00:00Z").await;
    let now = li.get("/me/points").await.ok();
    assert_eq!((&now["available"], &now["pending"]), (&json!(0), &json!(0)));
    let told = li.all("/notifications").await;
    let told = told.iter().find(|one| one["kind"] == "award_refused").unwrap();
    assert!(told["text"].as_str().unwrap().contains("签到记录与实际不符"), "{told}");
    // The day has room again.
    served(&app, "li", 60).await;
    assert_eq!(li.get("/me/points").await.ok()["pending"], 1);
}
