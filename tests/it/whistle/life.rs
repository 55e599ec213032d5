//! From the draft to the end, step by step.

use serde_json::{Value, json};

use super::*;
use crate::support::at;

#[tokio::test]
async fn a_whole_life_with_three_departments() {
    let app = App::spawn().await;
    let whistle = Whistle::draft(&app, &super::whistle("routine")).await;
    assert_eq!(whistle.status().await, "draft");
    assert!(whistle.tasks().await.is_empty(), "nobody is called before the review");
    for unit in UNITS {
        let clerk = app.as_(&format!("dept.{unit}"));
        clerk.get(&whistle.path("")).await.refused(404, "not_found");
        assert!(clerk.all("/whistles").await.is_empty());
    }

    let seen = whistle.by(REVIEWER, "/review", json!({"approve": true})).await.expect(200);
    assert_eq!((&seen["status"], &seen["approved"]), (&json!("blown"), &json!(true)));
    assert_eq!(seen["tasks"].as_array().unwrap().len(), 3);

    for (n, unit) in UNITS.iter().enumerate() {
        let task = whistle.unit(unit, "/acknowledge", json!({})).await.expect(200);
        assert_eq!(
            (&task["whistle_id"], &task["complaint_id"]),
            (&json!(whistle.id), &Value::Null)
        );
        assert_eq!((&task["contact_by"], task["arrive_by"].is_string()), (&Value::Null, true));
        assert_eq!(task["role"], if n == 0 { "lead" } else { "assist" });
        assert_eq!(whistle.status().await, if n < 2 { "blown" } else { "answered" });
    }
    whistle.unit(UNITS[1], "/reply", reply()).await.refused(409, "not_arrived");
    let note = json!({"note": "电话联系"});
    whistle.unit(UNITS[0], "/contact", note).await.refused(409, "nobody_to_contact");
    for unit in UNITS {
        let task = whistle.unit(unit, "/report-in", people()).await.expect(200);
        assert_eq!(task["status"], "arrived");
        assert_eq!(whistle.status().await, "handling");
    }
    for unit in UNITS {
        whistle.unit(unit, "/reply", reply()).await.expect(200);
    }

    whistle.by(BLOWER, "/stand-down", json!({})).await.refused(409, "tasks_open");
    let early = whistle.by(BLOWER, "/appraise", appraisal(UNITS[0])).await;
    early.refused(409, "unit_not_confirmed");
    for unit in UNITS {
        whistle.by(BLOWER, "/stand-down", json!({})).await.refused(409, "tasks_open");
        let task = whistle.judge(BLOWER, unit, "/confirm", json!({})).await.expect(200);
        assert_eq!((&task["status"], &task["unit"]), (&json!("confirmed"), &json!(unit)));
    }
    assert_eq!(whistle.status().await, "handling");
    let seen = whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    assert_eq!((&seen["status"], &seen["stood_down_at"]), (&json!("standing_down"), &Value::Null));
    for (n, unit) in UNITS.iter().enumerate() {
        let seen = whistle.by(BLOWER, "/appraise", appraisal(unit)).await.expect(200);
        assert_eq!(seen["appraisals"].as_array().unwrap().len(), n + 1);
        assert_eq!(seen["status"], if n < 2 { "standing_down" } else { "stood_down" });
    }
    for unit in UNITS {
        let body = json!({"needed": 4, "clear": 5, "comment": "地点清楚"});
        whistle.by(&format!("dept.{unit}"), "/rate", body).await.expect(200);
    }
    let seen = whistle.seen(BLOWER).await;
    assert_eq!(at(seen["stood_down_at"].as_str().unwrap()), app.now());
    assert_eq!(seen["ratings"].as_array().unwrap().len(), 3);
    assert_eq!(seen["status"], "stood_down", "rating changes nothing");
}

#[tokio::test]
async fn who_blew_it_reads_what_every_unit_does_and_a_unit_its_own() {
    let app = App::spawn().await;
    let whistle = Whistle::replied(&app).await;
    let blower = app.as_(BLOWER);
    let replies = |kinds: &[String]| kinds.iter().filter(|kind| *kind == "task_replied").count();
    assert_eq!(replies(&whistle.events(BLOWER).await), 3);
    assert_eq!(replies(&whistle.events("dispatcher").await), 3);
    assert_eq!(replies(&whistle.events("dept.ecology").await), 1);
    let tasks = blower.all(&format!("/tasks?whistle_id={}", whistle.id)).await;
    assert_eq!(tasks.len(), 3, "the blower judges them, so it reads them");
    let task = blower.get(&whistle.task("ecology", "").await).await.expect(200);
    assert_eq!(task["reply"]["text"], REPLY);
    // Another unit's task stays its own.
    let theirs = whistle.task("ecology", "").await;
    app.as_("dept.urban-management").get(&theirs).await.refused(404, "not_found");
    app.as_("community.140213066201").get(&theirs).await.refused(404, "not_found");

    let events = blower.all(&whistle.path("/events")).await;
    let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=i64::try_from(seqs.len()).unwrap()).collect::<Vec<_>>(), "no gap");
    let kinds = whistle.events(BLOWER).await;
    assert_eq!(
        kinds[..6],
        [
            "whistle_drafted",
            "whistle_reviewed",
            "whistle_blown",
            "task_dispatched",
            "task_dispatched",
            "task_dispatched",
        ]
    );
    let arrived = events.iter().find(|event| event["kind"] == "arrived").unwrap();
    let text = arrived["text"].as_str().unwrap();
    assert!(text.contains("王强（副局长）"), "who came, by name and post: {text}");
}

#[tokio::test]
async fn an_emergency_is_blown_at_once_and_reviewed_after() {
    let app = App::spawn().await;
    for (approve, note) in [(true, None), (false, Some("不属于紧急情况"))] {
        let drafted = app.as_(BLOWER).blow(&super::whistle("emergency")).await.expect(201);
        assert_eq!(drafted["status"], "blown");
        let whistle = Whistle { app: app.clone(), id: drafted["id"].as_str().unwrap().to_owned() };
        let tasks = whistle.tasks().await;
        assert_eq!(tasks.len(), 3);
        for task in &tasks {
            let instant = |field: &str| at(task[field].as_str().unwrap());
            assert_eq!(task["urgency"], "emergency");
            assert_eq!(instant("acknowledge_by"), at("2026-11-24T09:15:00+08:00"));
            assert_eq!(instant("arrive_by"), at("2026-11-24T09:30:00+08:00"));
            assert_eq!(instant("reply_by"), at("2026-11-25T09:00:00+08:00"));
        }
        whistle.unit(UNITS[0], "/acknowledge", json!({})).await.expect(200);
        whistle.unit(UNITS[0], "/report-in", people()).await.expect(200);
        let body = json!({"approve": approve, "note": note});
        let seen = whistle.by(REVIEWER, "/review", body.clone()).await.expect(200);
        assert_eq!((&seen["status"], &seen["approved"]), (&json!("handling"), &json!(approve)));
        assert_eq!(whistle.tasks().await.len(), 3, "recorded, not undone");
        whistle.by(REVIEWER, "/review", body).await.refused(409, "already_reviewed");
    }
}

#[tokio::test]
async fn a_refused_draft_calls_nobody() {
    let app = App::spawn().await;
    let whistle = Whistle::draft(&app, &super::whistle("hard")).await;
    let silent = whistle.by(REVIEWER, "/review", json!({"approve": false})).await;
    assert_eq!(silent.fields(), ["note"], "{silent}");
    let no = json!({"approve": false, "note": "街道综合执法队可以处置"});
    let seen = whistle.by(REVIEWER, "/review", no.clone()).await.expect(200);
    assert_eq!((&seen["status"], &seen["approved"]), (&json!("rejected"), &json!(false)));
    assert!(whistle.tasks().await.is_empty());
    for (who, rest, body) in [
        (REVIEWER, "/review", no),
        (BLOWER, "/withdraw", json!({"reason": "不吹了"})),
        (BLOWER, "/stand-down", json!({})),
        (BLOWER, "/appraise", appraisal(UNITS[0])),
    ] {
        whistle.by(who, rest, body).await.refused(409, "whistle_step_refused");
    }
}

#[tokio::test]
async fn taken_back_every_open_task_ends_and_its_unit_is_told() {
    let app = App::spawn().await;
    let whistle = Whistle::blown(&app).await;
    whistle.unit(UNITS[0], "/acknowledge", json!({})).await.expect(200);
    app.drain().await;
    let why = json!({"reason": "摊主已自行撤离"});
    let seen = whistle.by(BLOWER, "/withdraw", why.clone()).await.expect(200);
    assert_eq!(seen["status"], "withdrawn");
    app.drain().await;
    for unit in UNITS {
        let path = whistle.task(unit, "").await;
        let clerk = app.as_(&format!("dept.{unit}"));
        assert_eq!(clerk.get(&path).await.expect(200)["status"], "cancelled", "{unit}");
        let told = clerk.all("/notifications").await;
        assert!(told.iter().any(|one| one["kind"] == "task_cancelled"), "{unit}: {told:?}");
        whistle.unit(unit, "/acknowledge", json!({})).await.refused(409, "task_step_refused");
    }
    whistle.by(BLOWER, "/withdraw", why).await.refused(409, "whistle_step_refused");
    let timers: i64 = sqlx::query_scalar(
        "select count(*) from sla_timer where state = 'armed' and (subject_id = $1::uuid
             or subject_id in (select id from task where whistle_id = $1::uuid))",
    )
    .bind(&whistle.id)
    .fetch_one(app.db())
    .await
    .unwrap();
    assert_eq!(timers, 0, "nothing is waited for any more");
    // A draft may be taken back too.
    let draft = Whistle::draft(&app, &super::whistle("hard")).await;
    draft.by(BLOWER, "/withdraw", json!({"reason": "写错了"})).await.expect(200);
    let late = draft.by(REVIEWER, "/review", json!({"approve": true})).await;
    late.refused(409, "whistle_step_refused");
}

#[tokio::test]
async fn appraised_before_it_is_called_done_it_is_over_at_once() {
    let app = App::spawn().await;
    let whistle = Whistle::replied(&app).await;
    for unit in UNITS {
        whistle.judge(BLOWER, unit, "/confirm", json!({})).await.expect(200);
        let seen = whistle.by(BLOWER, "/appraise", appraisal(unit)).await.expect(200);
        assert_eq!(seen["status"], "handling");
    }
    let seen = whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    assert_eq!(seen["status"], "stood_down");
    let kinds = whistle.events(BLOWER).await;
    assert_eq!(kinds[kinds.len() - 2..], ["stand_down_called", "stood_down"]);
}
