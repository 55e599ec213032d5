//! Who judges what the units did, and what the centre rules.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn two_working_days_of_silence_pass_the_word_to_the_centre() {
    let app = App::spawn().await;
    let whistle = Whistle::replied(&app).await;
    let back = json!({"reason": "没有说明油烟情况"});
    let centre = async |unit: &str, rest: &str, body: &Value| {
        whistle.judge("dispatcher", unit, rest, body.clone()).await
    };
    // Replied on Tuesday; the second working day after it ends with Thursday.
    app.pass("2026-11-26T23:59:00+08:00").await;
    for unit in UNITS {
        centre(unit, "/confirm", &json!({})).await.refused(409, "awaiting_blower");
        centre(unit, "/send-back", &back).await.refused(409, "awaiting_blower");
    }
    whistle.judge(BLOWER, UNITS[0], "/confirm", json!({})).await.expect(200);
    app.pass("2026-11-27T00:00:01+08:00").await;
    let kinds = whistle.events(BLOWER).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "blower_silent").count(), 2);
    for who in [BLOWER, "dispatcher"] {
        let told = app.as_(who).all("/notifications").await;
        assert_eq!(told.iter().filter(|one| one["kind"] == "blower_silent").count(), 2, "{who}");
    }
    assert_eq!(centre(UNITS[1], "/confirm", &json!({})).await.expect(200)["status"], "confirmed");
    let late = whistle.judge(BLOWER, UNITS[2], "/confirm", json!({})).await;
    assert_eq!(late.expect(200)["status"], "confirmed", "the blower may still");
    centre(UNITS[1], "/confirm", &json!({})).await.refused(409, "task_step_refused");
    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
}

#[tokio::test]
async fn only_the_blower_judges() {
    let app = App::spawn().await;
    let whistle = Whistle::replied(&app).await;
    let back = json!({"reason": "没有说明油烟情况"});
    for (who, status, code) in [
        ("dept.urban-management", 403, "forbidden"),
        ("head.urban-management", 403, "forbidden"),
        ("supervisor", 403, "forbidden"),
        ("leader", 403, "forbidden"),
        // Its own superior reviews the whistle and does not judge the units.
        (REVIEWER, 404, "not_found"),
        ("community.140213066201", 404, "not_found"),
        ("subdistrict.140213051", 404, "not_found"),
    ] {
        whistle.judge(who, UNITS[0], "/confirm", json!({})).await.refused(status, code);
        whistle.judge(who, UNITS[0], "/send-back", back.clone()).await.refused(status, code);
        whistle.judge(who, UNITS[0], "/send-back", json!({"x": 1})).await.refused(status, code);
    }
    app.resident("li").get(&whistle.path("")).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_reply_that_the_blower_sends_back_is_done_again() {
    let app = App::spawn().await;
    let whistle = Whistle::replied(&app).await;
    let back = json!({"reason": "没有说明油烟情况"});
    let task = whistle.judge(BLOWER, UNITS[2], "/send-back", back).await.expect(200);
    assert_eq!(task["status"], "sent_back");
    app.drain().await;
    let told = app.as_("dept.ecology").all("/notifications").await;
    let told = told.iter().find(|one| one["kind"] == "task_sent_back").expect("the unit is told");
    assert!(told["text"].as_str().unwrap().contains("油烟"), "{told}");
    whistle.by(BLOWER, "/stand-down", json!({})).await.refused(409, "tasks_open");
    whistle.unit(UNITS[2], "/acknowledge", json!({})).await.expect(200);
    assert_eq!(whistle.status().await, "handling");
    whistle.unit(UNITS[2], "/reply", reply()).await.expect(200);
    whistle.units_confirmed().await;
    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
}

#[tokio::test]
async fn a_department_returns_its_task_and_the_centre_rules() {
    let app = App::spawn().await;
    let whistle = Whistle::blown(&app).await;
    let ask =
        json!({"ground": "duty", "basis": "油烟由城管部门牵头", "suggested_unit": "fire-rescue"});
    for unit in &UNITS[..2] {
        whistle.unit(unit, "/acknowledge", json!({})).await.expect(200);
    }
    let task = whistle.unit(UNITS[2], "/return", ask.clone()).await.expect(200);
    assert_eq!(task["status"], "return_requested");
    let yes = json!({"approve": true, "reason": "按职责改派"});
    whistle.judge(BLOWER, UNITS[2], "/return/decide", yes.clone()).await.refused(403, "forbidden");
    // Not to a unit that is on the whistle already, and to a subdistrict only by its list.
    let twice = json!({"approve": true, "to_unit": UNITS[0], "reason": "按职责改派"});
    let refused = whistle.judge("dispatcher", UNITS[2], "/return/decide", twice).await;
    assert!((400..500).contains(&refused.status), "{refused}");
    let task = whistle.judge("dispatcher", UNITS[2], "/return/decide", yes).await.expect(200);
    assert_eq!(task["status"], "returned");
    assert_eq!(whistle.status().await, "blown", "the next unit has not acknowledged");

    let next = whistle.tasks().await;
    let next = next.iter().find(|task| task["unit"] == "fire-rescue").expect("a new task");
    assert_eq!((&next["whistle_id"], &next["role"]), (&json!(whistle.id), &json!("assist")));
    assert_eq!((&next["contact_by"], next["arrive_by"].is_string()), (&Value::Null, true));
    whistle.unit("fire-rescue", "/acknowledge", json!({})).await.expect(200);
    assert_eq!(whistle.status().await, "answered");

    for unit in [UNITS[0], UNITS[1], "fire-rescue"] {
        whistle.unit(unit, "/report-in", people()).await.expect(200);
        whistle.unit(unit, "/reply", reply()).await.expect(200);
        whistle.judge(BLOWER, unit, "/confirm", json!({})).await.expect(200);
    }
    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    let gone = whistle.by(BLOWER, "/appraise", appraisal(UNITS[2])).await;
    gone.refused(409, "unit_not_confirmed");
    let rating = json!({"needed": 1, "clear": 1});
    whistle.by("dept.ecology", "/rate", rating).await.refused(404, "not_found");
    for unit in [UNITS[0], UNITS[1], "fire-rescue"] {
        whistle.by(BLOWER, "/appraise", appraisal(unit)).await.expect(200);
    }
    assert_eq!(whistle.status().await, "stood_down", "who gave it back is not waited for");
}

#[tokio::test]
async fn a_declined_return_leaves_the_task_where_it_was() {
    let app = App::spawn().await;
    let whistle = Whistle::blown(&app).await;
    let ask = json!({"ground": "duty", "basis": "不属于本单位职责", "suggested_unit": "water"});
    whistle.unit(UNITS[0], "/return", ask.clone()).await.expect(200);
    let no = json!({"approve": false, "reason": "责任清单载明由你单位牵头"});
    let task = whistle.judge("dispatcher", UNITS[0], "/return/decide", no).await.expect(200);
    assert_eq!(task["status"], "pending");
    // In an emergency the unit acts first and disputes afterwards, within the hour.
    let emergency = Whistle::draft(&app, &super::whistle("emergency")).await;
    let first = emergency.unit(UNITS[0], "/return", ask.clone()).await;
    assert_eq!(first.status, 409, "{first}");
    emergency.unit(UNITS[0], "/acknowledge", json!({})).await.expect(200);
    app.pass("2026-11-24T10:00:00+08:00").await;
    emergency.unit(UNITS[0], "/return", ask).await.refused(409, "return_window_closed");
}

#[tokio::test]
async fn more_time_is_granted_by_the_centre_but_never_in_an_emergency() {
    let app = App::spawn().await;
    let whistle = Whistle::blown(&app).await;
    let ask = json!({"until": "2026-12-04T18:00:00+08:00", "reason": "等待联合执法"});
    whistle.unit(UNITS[0], "/extend", ask.clone()).await.expect(200);
    let yes = json!({"approve": true, "reason": "情况属实"});
    let task = whistle.judge("dispatcher", UNITS[0], "/extend/decide", yes).await.expect(200);
    assert_eq!(
        crate::support::at(task["reply_by"].as_str().unwrap()),
        crate::support::at("2026-12-04T18:00:00+08:00")
    );
    let emergency = Whistle::draft(&app, &super::whistle("emergency")).await;
    let refused = emergency.unit(UNITS[0], "/extend", ask).await;
    assert!(matches!(refused.status, 409 | 422), "{refused}");
}
