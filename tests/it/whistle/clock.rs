//! What happens without anybody asking.

use serde_json::json;

use super::*;

#[tokio::test]
async fn five_working_days_after_it_was_called_done_a_whistle_is_over() {
    let app = App::spawn().await;
    let whistle = Whistle::confirmed(&app).await;
    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    whistle.by(BLOWER, "/appraise", appraisal(UNITS[2])).await.expect(200);
    // Tuesday; the fifth working day after it ends with the next Tuesday.
    app.pass("2026-12-01T23:59:00+08:00").await;
    assert_eq!(whistle.status().await, "standing_down");
    app.pass("2026-12-02T00:00:01+08:00").await;
    assert_eq!(whistle.status().await, "stood_down");
    let ended = whistle.events(BLOWER).await.iter().filter(|kind| *kind == "stood_down").count();
    assert_eq!(ended, 1);
    let late = whistle.by(BLOWER, "/appraise", appraisal(UNITS[0])).await;
    late.refused(409, "whistle_step_refused");
    let rating = json!({"needed": 1, "clear": 1});
    whistle.by("dept.ecology", "/rate", rating).await.expect(200);
}

#[tokio::test]
async fn the_last_appraisal_stops_the_clock() {
    let app = App::spawn().await;
    let whistle = Whistle::confirmed(&app).await;
    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    for unit in UNITS {
        whistle.by(BLOWER, "/appraise", appraisal(unit)).await.expect(200);
    }
    let before = whistle.seen(BLOWER).await;
    app.pass("2026-12-10T00:00:00+08:00").await;
    assert_eq!(whistle.seen(BLOWER).await, before, "no old timer fires");
}

#[tokio::test]
async fn a_late_review_is_told_once_to_who_owes_it() {
    let app = App::spawn().await;
    let routine = Whistle::draft(&app, &super::whistle("routine")).await;
    let emergency = Whistle::draft(&app, &super::whistle("emergency")).await;
    let reviewed = Whistle::blown(&app).await;
    let late = async |whistle: &Whistle| {
        let kinds = whistle.events(BLOWER).await;
        kinds.iter().filter(|kind| *kind == "review_overdue").count()
    };
    app.pass("2026-11-24T10:59:00+08:00").await;
    assert_eq!((late(&routine).await, late(&emergency).await), (0, 0));
    app.pass("2026-11-24T11:00:01+08:00").await;
    app.pass("2026-11-25T11:00:01+08:00").await;
    for (whistle, times) in [(&routine, 1), (&emergency, 1), (&reviewed, 0)] {
        assert_eq!(late(whistle).await, times);
    }
    for who in [REVIEWER, "supervisor"] {
        let told = app.as_(who).all("/notifications").await;
        let told = told.iter().filter(|one| one["kind"] == "review_overdue").count();
        assert_eq!(told, 2, "{who}");
    }
    routine.by(REVIEWER, "/review", json!({"approve": true})).await.expect(200);
}

#[tokio::test]
async fn a_units_missed_deadline_is_on_record() {
    let app = App::spawn().await;
    let whistle = Whistle::draft(&app, &super::whistle("emergency")).await;
    whistle.unit(UNITS[0], "/acknowledge", json!({})).await.expect(200);
    whistle.unit(UNITS[0], "/report-in", people()).await.expect(200);
    app.pass("2026-11-24T09:31:00+08:00").await;
    let overdue = async |who: &str| {
        let kinds = whistle.events(who).await;
        kinds.iter().filter(|kind| *kind == "overdue").count()
    };
    // Two units have neither acknowledged nor come.
    assert_eq!(overdue("dispatcher").await, 4);
    assert_eq!(overdue(&format!("dept.{}", UNITS[0])).await, 0);
    assert_eq!(overdue(&format!("dept.{}", UNITS[1])).await, 2);
    let late = app.as_("dispatcher").all("/tasks?overdue=true").await;
    assert_eq!(late.len(), 2);
}

#[tokio::test]
async fn a_blower_who_never_stands_down_is_not_waited_for() {
    let app = App::spawn().await;
    let case = app.task_replied().await;
    let whistle = Whistle::draft(&app, &whistle_for("emergency", &case)).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    whistle.units_reply().await;
    whistle.units_confirmed().await;
    let complaint = async || app.as_("dispatcher").complaint(&case).await["status"].clone();
    // Confirmed on Tuesday: the second working day after it ends with Thursday.
    app.pass("2026-11-26T23:59:59+08:00").await;
    assert_eq!(
        (whistle.status().await.as_str(), complaint().await),
        ("handling", json!("handling"))
    );
    app.pass("2026-11-27T00:00:00+08:00").await;
    assert_eq!(whistle.status().await, "standing_down");
    assert_eq!(complaint().await, "follow_up", "it waits no longer");
    app.drain().await;
    for who in [BLOWER, "dispatcher", "dept.ecology"] {
        let told = app.as_(who).all("/notifications").await;
        let told = told.iter().filter(|one| one["kind"] == "stand_down_silent").count();
        assert_eq!(told, 1, "{who}");
    }
    // From here on as after the blower's own word.
    whistle.by(BLOWER, "/appraise", appraisal(UNITS[0])).await.expect(200);
    app.pass("2026-12-05T00:00:01+08:00").await;
    assert_eq!(whistle.status().await, "stood_down");
}

#[tokio::test]
async fn a_word_in_time_stops_the_clock_of_silence() {
    let app = App::spawn().await;
    let whistle = Whistle::confirmed(&app).await;
    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    app.pass("2026-11-27T00:00:01+08:00").await;
    let kinds = whistle.events(BLOWER).await;
    assert!(!kinds.iter().any(|kind| kind == "stand_down_silent"), "{kinds:?}");
}
