//! What happens without anybody asking: follow-up rounds, archive, suspension, the centre's clock.

use serde_json::{Value, json};

use crate::support::{App, CLERK, at};

#[tokio::test]
async fn two_rounds_of_follow_up_then_closed_as_not_reached_then_archived() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let case = app.replied().await;
    app.drain().await;
    let seen = li.complaint(&case).await;
    assert_eq!((&seen["status"], &seen["follow_up_round"]), (&json!("follow_up"), &json!(1)));

    // Tuesday; the third working day after it ends with Friday.
    app.pass("2026-11-27T23:59:00+08:00").await;
    assert_eq!(li.complaint(&case).await["follow_up_round"], 1);
    app.pass("2026-11-28T00:00:01+08:00").await;
    assert_eq!(li.complaint(&case).await["follow_up_round"], 2);

    // Saturday; the third working day ends with Wednesday.
    app.pass("2026-12-02T23:59:00+08:00").await;
    assert_eq!(li.complaint(&case).await["status"], "follow_up");
    app.pass("2026-12-03T00:00:01+08:00").await;
    let seen = li.complaint(&case).await;
    assert_eq!((&seen["status"], &seen["closed_as"]), (&json!("closed"), &json!("not_reached")));

    app.pass("2026-12-17T23:00:00+08:00").await;
    assert_eq!(li.complaint(&case).await["status"], "closed");
    app.pass("2026-12-19T00:00:00+08:00").await;
    assert_eq!(li.complaint(&case).await["status"], "archived");
    let why = json!({"reason": "还是不亮"});
    li.post(&case.path("/reopen"), why).await.refused(409, "complaint_step_refused");
}

#[tokio::test]
async fn an_evaluation_in_the_second_round_still_counts() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let case = app.replied().await;
    app.drain().await;
    app.pass("2026-11-28T09:00:00+08:00").await;
    let stars = json!({"solved": true, "satisfaction": 3});
    let seen = li.post(&case.path("/evaluate"), stars).await.expect(200);
    assert_eq!((&seen["status"], &seen["closed_as"]), (&json!("closed"), &json!("evaluated")));
    app.pass("2026-12-05T09:00:00+08:00").await;
    assert_eq!(li.complaint(&case).await["closed_as"], "evaluated", "no old timer fires");
}

#[tokio::test]
async fn a_case_closed_as_not_reached_may_be_reopened_until_it_is_archived() {
    let app = App::spawn().await;
    let case = app.replied().await;
    for day in
        ["2026-11-24T10:00:00+08:00", "2026-11-28T01:00:00+08:00", "2026-12-03T01:00:00+08:00"]
    {
        app.pass(day).await;
    }
    let li = app.resident("li");
    assert_eq!(li.complaint(&case).await["status"], "closed");
    app.pass("2026-12-17T09:00:00+08:00").await;
    let why = json!({"reason": "一直在外地，回来看还是不亮"});
    assert_eq!(li.post(&case.path("/reopen"), why).await.expect(200)["status"], "handling");
}

#[tokio::test]
async fn a_call_by_the_centre_counts_like_the_reporters_own_word() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let case = app.replied().await;
    app.drain().await;
    let nobody = json!({"reached": false});
    let seen = dispatcher.post(&case.path("/follow-up"), nobody).await.expect(200);
    assert_eq!(seen["status"], "follow_up");
    let unclear = json!({"reached": false, "solved": true});
    dispatcher.post(&case.path("/follow-up"), unclear).await.refused(422, "invalid_field");
    let said = json!({"reached": true, "solved": true, "satisfaction": 5, "contacted": true});
    let seen = dispatcher.post(&case.path("/follow-up"), said).await.expect(200);
    assert_eq!(seen["status"], "closed");
}

#[tokio::test]
async fn a_suspension_stops_the_clocks_and_moves_what_was_ahead() {
    let app = App::spawn().await;
    let (dispatcher, clerk) = (app.as_("dispatcher"), app.as_(CLERK));
    let case = app.acknowledged().await;
    let before = clerk.get(&case.task("")).await.expect(200);
    let until = |text: &str| json!({"until": text, "reason": "等待鉴定结果"});
    for absurd in ["2026-11-24T08:00:00+08:00", "2027-11-24T08:00:00+08:00"] {
        let answer = dispatcher.post(&case.path("/suspend"), until(absurd)).await;
        assert!((400..500).contains(&answer.status), "{answer}");
    }
    let stop = until("2026-12-10T08:00:00+08:00");
    let seen = dispatcher.post(&case.path("/suspend"), stop.clone()).await.expect(200);
    assert_eq!(at(seen["suspended_until"].as_str().unwrap()), at("2026-12-10T08:00:00+08:00"));
    dispatcher.post(&case.path("/suspend"), stop).await.refused(409, "complaint_suspended");
    let reply = json!({"text": "更换了电缆和灯头，已亮。", "outcome": "solved"});
    let refused = clerk.post(&case.task("/reply"), reply).await;
    assert_eq!(refused.status, 409, "{refused}");

    app.set_clock(at("2026-11-26T09:00:00+08:00"));
    let seen = dispatcher.post(&case.path("/resume"), json!({})).await.expect(200);
    assert_eq!(seen["suspended_until"], Value::Null);
    let after = clerk.get(&case.task("")).await.expect(200);
    let reply_by = |task: &Value| at(task["reply_by"].as_str().unwrap());
    assert_eq!(reply_by(&after) - reply_by(&before), chrono::TimeDelta::days(2));
    assert_eq!(after["acknowledge_by"], before["acknowledge_by"], "it was met before");
    dispatcher.post(&case.path("/resume"), json!({})).await.refused(409, "complaint_not_suspended");
}

#[tokio::test]
async fn a_suspension_ends_by_itself_at_its_date() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let stop = json!({"until": "2026-11-30T09:00:00+08:00", "reason": "等待鉴定结果"});
    app.as_("dispatcher").post(&case.path("/suspend"), stop).await.expect(200);
    app.pass("2026-11-30T08:59:00+08:00").await;
    assert_ne!(app.resident("li").complaint(&case).await["suspended_until"], Value::Null);
    app.pass("2026-11-30T09:00:01+08:00").await;
    assert_eq!(app.resident("li").complaint(&case).await["suspended_until"], Value::Null);
}

#[tokio::test]
async fn the_centre_is_told_when_it_is_late_itself() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    app.pass("2026-11-24T14:00:00+08:00").await;
    let kinds = async |who: &str| {
        let events = app.as_(who).all(&case.path("/events")).await;
        events.iter().filter(|event| event["kind"] == "centre_overdue").count()
    };
    assert_eq!(kinds("dispatcher").await, 0, "half a working day from 09:00 ends at 15:00");
    app.pass("2026-11-24T15:00:01+08:00").await;
    assert_eq!(kinds("dispatcher").await, 1);
    app.pass("2026-11-25T15:00:00+08:00").await;
    assert_eq!(kinds("dispatcher").await, 1, "once");
    let own = app.resident("li").all(&case.path("/events")).await;
    assert!(own.iter().all(|event| event["kind"] != "centre_overdue"));
}
