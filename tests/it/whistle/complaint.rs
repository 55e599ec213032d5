//! A complaint waits for its whistle.

use serde_json::json;

use super::*;
use crate::support::CLERK;

async fn status(app: &App, case: &Case) -> String {
    app.as_("dispatcher").complaint(case).await["status"].as_str().unwrap().to_owned()
}

/// A complaint whose only task is confirmed while its whistle is out.
async fn waiting(app: &App) -> (Case, Whistle) {
    let case = app.task_replied().await;
    let whistle = Whistle::draft(app, &whistle_for("emergency", &case)).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    assert_eq!(status(app, &case).await, "handling", "it waits");
    (case, whistle)
}

#[tokio::test]
async fn it_is_answered_when_the_whistle_stands_down() {
    let app = App::spawn().await;
    let (case, whistle) = waiting(&app).await;
    whistle.units_reply().await;
    whistle.units_confirmed().await;
    assert_eq!(status(&app, &case).await, "handling");
    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    assert_eq!(status(&app, &case).await, "replied");
    app.drain().await;
    assert_eq!(status(&app, &case).await, "follow_up", "follow-up begins as for any other");
    let told = app.resident("li").all("/notifications").await;
    assert!(told.iter().any(|one| one["kind"] == "replied"), "{told:?}");
}

#[tokio::test]
async fn it_is_answered_when_the_whistle_is_taken_back() {
    let app = App::spawn().await;
    let (case, whistle) = waiting(&app).await;
    whistle.by(BLOWER, "/withdraw", json!({"reason": "摊主已自行撤离"})).await.expect(200);
    assert_eq!(status(&app, &case).await, "replied");
}

#[tokio::test]
async fn what_is_not_confirmed_yet_goes_on_after_the_whistle() {
    let app = App::spawn().await;
    let case = app.task_replied().await;
    let whistle = Whistle::draft(&app, &whistle_for("emergency", &case)).await;
    whistle.by(BLOWER, "/withdraw", json!({"reason": "摊主已自行撤离"})).await.expect(200);
    assert_eq!(status(&app, &case).await, "handling");
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    assert_eq!(status(&app, &case).await, "replied");
}

#[tokio::test]
async fn a_draft_is_not_waited_for() {
    let app = App::spawn().await;
    let case = app.task_replied().await;
    let whistle = Whistle::draft(&app, &whistle_for("routine", &case)).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    assert_eq!(status(&app, &case).await, "replied");
    // And it cannot be blown for a complaint that was answered meanwhile.
    let late = whistle.by(REVIEWER, "/review", json!({"approve": true})).await;
    late.refused(409, "complaint_not_open");
    assert_eq!(whistle.status().await, "draft");
    let no = json!({"approve": false, "note": "诉求已经答复"});
    assert_eq!(whistle.by(REVIEWER, "/review", no).await.expect(200)["status"], "rejected");
}

#[tokio::test]
async fn a_whistle_that_ends_while_the_complaint_stands_still_answers_it_on_resuming() {
    let app = App::spawn().await;
    for by_clock in [false, true] {
        let (case, whistle) = waiting(&app).await;
        let dispatcher = app.as_("dispatcher");
        let until = app.now() + chrono::TimeDelta::days(2);
        let stop = json!({"until": until.to_rfc3339(), "reason": "等待鉴定结果"});
        dispatcher.post(&case.path("/suspend"), stop).await.expect(200);
        whistle.by(BLOWER, "/withdraw", json!({"reason": "摊主已自行撤离"})).await.expect(200);
        assert_eq!(status(&app, &case).await, "handling", "it stands still");
        if by_clock {
            app.advance(chrono::TimeDelta::days(2));
            app.drain().await;
            assert_eq!(status(&app, &case).await, "follow_up");
        } else {
            dispatcher.post(&case.path("/resume"), json!({})).await.expect(200);
            assert_eq!(status(&app, &case).await, "replied");
        }
    }
}

#[tokio::test]
async fn a_complaint_in_consultation_is_not_answered_by_a_whistle_that_was_taken_back() {
    let app = App::spawn().await;
    let mut case = app.replied().await;
    let unsolved = json!({"solved": false, "satisfaction": 1});
    for _ in 0..2 {
        app.advance(chrono::TimeDelta::minutes(1));
        app.resident("li").post(&case.path("/evaluate"), unsolved.clone()).await.expect(200);
        case.lead = app.open_lead(&case).await;
        app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
        app.contact_and_reply(&case).await;
        app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    }
    app.resident("li").post(&case.path("/evaluate"), unsolved).await.expect(200);
    assert_eq!(status(&app, &case).await, "handling");
    let whistle = Whistle::draft(&app, &whistle_for("emergency", &case)).await;
    whistle.by(BLOWER, "/withdraw", json!({"reason": "先会商"})).await.expect(200);
    assert_eq!(status(&app, &case).await, "handling", "the centre dispatches again");
}

#[tokio::test]
async fn one_whistle_at_a_time_and_only_for_an_open_complaint_of_the_area() {
    let app = App::spawn().await;
    let blower = app.as_(BLOWER);
    for case in [app.submitted().await, app.replied().await, app.closed().await] {
        blower.blow(&whistle_for("emergency", &case)).await.refused(409, "complaint_not_open");
    }
    let case = app.acknowledged().await;
    let drafts = [
        Whistle::draft(&app, &whistle_for("routine", &case)).await,
        Whistle::draft(&app, &whistle_for("hard", &case)).await,
    ];
    drafts[0].by(REVIEWER, "/review", json!({"approve": true})).await.expect(200);
    let second = drafts[1].by(REVIEWER, "/review", json!({"approve": true})).await;
    second.refused(409, "complaint_not_open");
    blower.blow(&whistle_for("emergency", &case)).await.refused(409, "complaint_not_open");
    drafts[0].by(BLOWER, "/withdraw", json!({"reason": "改吹攻坚哨"})).await.expect(200);
    drafts[1].by(REVIEWER, "/review", json!({"approve": true})).await.expect(200);

    let mut there = crate::support::complaint();
    there["community_code"] = json!("140213051001");
    let there = app.resident("wang").submit(&there).await;
    app.accept(&there, "ordinary").await;
    let mut missing = there.clone();
    "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071".clone_into(&mut missing.id);
    for foreign in [there, missing] {
        let refused = blower.blow(&whistle_for("emergency", &foreign)).await;
        assert_eq!(refused.fields(), ["complaint_id"], "{refused}");
        refused.refused(422, "invalid_field");
    }
    let of_case = blower.all(&format!("/whistles?complaint_id={}", case.id)).await;
    assert_eq!(of_case.len(), 2);
}

#[tokio::test]
async fn a_complaint_taken_back_leaves_its_whistle_to_the_blower() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let whistle = Whistle::draft(&app, &whistle_for("emergency", &case)).await;
    let why = json!({"reason": "自己解决了"});
    app.resident("li").post(&case.path("/withdraw"), why).await.expect(200);
    assert_eq!(whistle.status().await, "blown");
    whistle.units_reply().await;
    whistle.units_confirmed().await;
    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    assert_eq!(status(&app, &case).await, "withdrawn");
}

#[tokio::test]
async fn the_unit_that_a_complaint_is_about_is_not_called_for_it() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    app.accept(&case, "ordinary").await;
    let whistle = Whistle::draft(&app, &whistle_for("routine", &case)).await;
    whistle.by(REVIEWER, "/review", json!({"approve": true})).await.expect(200);

    let case = app.submitted().await;
    let body = json!({"urgency": "ordinary", "reported_unit": UNITS[1]});
    app.as_("dispatcher").post(&case.path("/accept"), body).await.expect(200);
    for kind in ["routine", "emergency"] {
        let refused = app.as_(BLOWER).blow(&whistle_for(kind, &case)).await;
        assert_eq!(refused.code(), "unit_is_reported", "{refused}");
    }
    let mut others = whistle_for("emergency", &case);
    others["assist"] = json!([UNITS[2]]);
    app.as_(BLOWER).blow(&others).await.expect(201);
}

#[tokio::test]
async fn what_waits_for_its_whistle_is_neither_answered_nor_merged() {
    let app = App::spawn().await;
    let (case, leading) = (app.accepted().await, app.dispatched().await);
    let whistle = Whistle::draft(&app, &whistle_for("emergency", &case)).await;
    let dispatcher = app.as_("dispatcher");
    let answer = json!({"text": "路灯已于昨晚修复，请您查看。"});
    let into = json!({"into": leading.id});
    let refused = dispatcher.post(&case.path("/answer"), answer.clone()).await;
    refused.refused(409, "whistle_open");
    dispatcher.post(&case.path("/merge"), into).await.refused(409, "whistle_open");
    assert_eq!(status(&app, &case).await, "accepted");
    whistle.by(BLOWER, "/withdraw", json!({"reason": "摊主已自行撤离"})).await.expect(200);
    dispatcher.post(&case.path("/answer"), answer).await.expect(200);
}
