//! Versions of the rules: proposed and approved by two persons, valid from their day, tried before.

use serde_json::{Value, json};

use super::kept::served;
use crate::support::{App, Client};

async fn propose(who: &Client, name: &str, from: &str, terms: Value) -> Value {
    let body = json!({"name": name, "valid_from": from, "terms": terms, "reason": "助老服务加倍"});
    who.post("/points-rules", body).await.expect(201)
}

fn rule(of: &Value, verb: &str) -> String {
    format!("/points-rules/{}{verb}", of["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_version_counts_from_its_day_and_old_awards_keep_theirs() {
    let app = App::spawn().await;
    let (one, other, li) = (app.as_("organiser"), app.as_("organiser.2"), app.resident("li"));
    served(&app, "li", 120).await;
    let terms = json!({"kind_percent": {"elderly": 200}, "service_at_most": 6});
    let made = propose(&one, "2026-12", "2026-12-01", terms.clone()).await;
    assert_eq!(made["status"], "proposed");
    one.post(&rule(&made, "/decide"), json!({"approve": true}))
        .await
        .refused(409, "own_points_proposal");
    let done = other.post(&rule(&made, "/decide"), json!({"approve": true})).await.expect(200);
    assert_eq!(
        (&done["status"], &done["terms"]["service_at_most"]),
        (&json!("approved"), &json!(6))
    );
    let twice = other.post(&rule(&made, "/decide"), json!({"approve": true})).await;
    twice.refused(409, "points_proposal_step_refused");
    served(&app, "li", 60).await;
    assert_eq!(li.get("/me/points").await.ok()["available"], 3, "not before its day");
    app.pass("2026-12-01T01:00:00Z").await;
    served(&app, "li", 120).await;
    assert_eq!(li.get("/me/points").await.ok()["available"], 3 + 4);
    served(&app, "li", 300).await;
    assert_eq!(li.get("/me/points").await.ok()["available"], 7 + 4, "the day had four left");
    let versions: Vec<Value> = li
        .all("/me/points/entries")
        .await
        .iter()
        .map(|line| line["rule_version"].clone())
        .collect();
    assert_eq!(versions, ["2026-12", "2026-12", "2026-1", "2026-1"]);
    let account = li.get("/me").await.ok()["id"].as_str().unwrap().to_owned();
    app.pass("2026-12-01T12:00:00Z").await;
    for line in app.as_("auditor").all(&format!("/ledger/entries?account={account}")).await {
        assert_eq!(line["recomputed"], line["points"], "{line}");
    }
    let (here, now) = (app.state().clone(), app.now());
    api::app::transact(app.db(), move |tx| {
        Box::pin(async move { api::app::points::rules::keep_configured(tx, &here, now).await })
    })
    .await
    .unwrap();
    let all = li.all("/points-rules").await;
    let configured = all.iter().find(|one| one["status"] == "configured").unwrap();
    assert_eq!((&configured["name"], &configured["valid_from"]), (&json!("2026-1"), &Value::Null));
}

#[tokio::test]
async fn a_name_and_a_day_are_taken_once_and_nothing_counts_backwards() {
    let app = App::spawn().await;
    let (one, other) = (app.as_("organiser"), app.as_("organiser.2"));
    let approve = json!({"approve": true});
    let first = propose(&one, "2027-1", "2027-01-01", json!({})).await;
    let second = propose(&one, "2027-1b", "2027-01-01", json!({})).await;
    let body =
        json!({"name": "2027-1", "valid_from": "2027-02-01", "terms": {}, "reason": "再来一次"});
    one.post("/points-rules", body).await.refused(409, "points_rule_name_taken");
    let body =
        json!({"name": "2026-1", "valid_from": "2027-02-01", "terms": {}, "reason": "同配置"});
    one.post("/points-rules", body).await.refused(409, "points_rule_name_taken");
    other.post(&rule(&first, "/decide"), approve.clone()).await.expect(200);
    other
        .post(&rule(&second, "/decide"), approve.clone())
        .await
        .refused(409, "points_rule_day_taken");
    other
        .post(&rule(&second, "/withdraw"), json!({}))
        .await
        .refused(409, "not_own_points_proposal");
    one.post(&rule(&second, "/withdraw"), json!({})).await.expect(200);
    let later = propose(&one, "2027-2", "2027-03-01", json!({})).await;
    let seen = one.get(&rule(&first, "")).await.ok();
    assert_eq!(seen["valid_to"], Value::Null, "what is only proposed ends nothing");
    app.set_clock("2027-03-01T00:00:00Z".parse().unwrap());
    other.post(&rule(&later, "/decide"), approve).await.refused(409, "points_rule_too_late");
    let wrong = json!({
        "name": "二〇二七", "valid_from": "2026-01-01", "terms": {"service_per_hour": -1, "notice_days": 0},
        "reason": "",
    });
    let wrong = one.post("/points-rules", wrong).await;
    for field in ["name", "valid_from", "terms.service_per_hour", "terms.notice_days", "reason"] {
        assert!(wrong.fields().contains(&field), "{field}: {wrong}");
    }
    let strange = json!({"name": "2027-3", "valid_from": "2027-06-01", "terms": {"cash": 1}, "reason": "现金"});
    assert_eq!(one.post("/points-rules", strange).await.fields(), ["terms.cash"]);
    let changed = sqlx::query("update points_rule set terms = '{}'").execute(app.db()).await;
    assert!(changed.unwrap_err().to_string().contains("never changed"));
}

#[tokio::test]
async fn a_version_is_tried_on_a_month_and_posts_nothing() {
    let app = App::spawn().await;
    served(&app, "li", 120).await;
    served(&app, "wang", 60).await;
    let before = app.count("ledger_tx").await;
    let body = json!({"terms": {"service_per_hour": 2}, "month": "2026-11"});
    let tried = app.as_("organiser").post("/points-rules/preview", body).await.expect(200);
    let (now, then) =
        (tried["points_now"].as_i64().unwrap(), tried["points_then"].as_i64().unwrap());
    assert!(then > now && tried["services"].as_i64().unwrap() >= 2, "{tried}");
    assert!(tried["more"].as_i64().unwrap() >= 2 && tried["fewer"] == 0, "{tried}");
    assert_eq!(app.count("ledger_tx").await, before);
    let body = json!({"terms": {}, "month": "2026-13"});
    let wrong = app.as_("auditor").post("/points-rules/preview", body).await;
    assert_eq!(wrong.fields(), ["month"]);
}
