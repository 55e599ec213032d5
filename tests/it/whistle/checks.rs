//! Who may, how often, and at the same time.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};

use super::*;
use crate::support::SUBDISTRICT;

#[tokio::test]
async fn a_communitys_whistle_is_reviewed_by_its_subdistrict_alone() {
    let app = App::spawn().await;
    let whistle = Whistle::draft(&app, &super::whistle("hard")).await;
    for (who, status, code) in [
        (BLOWER, 403, "forbidden"),
        ("dispatcher", 403, "forbidden"),
        ("leader", 403, "forbidden"),
        ("dept.urban-management", 403, "forbidden"),
        // A supervisor reviews subdistricts' whistles.
        ("supervisor", 404, "not_found"),
        ("subdistrict.140213051", 404, "not_found"),
    ] {
        let yes = json!({"approve": true});
        whistle.by(who, "/review", yes).await.refused(status, code);
        whistle.by(who, "/review", json!({"approve": "?"})).await.refused(status, code);
    }
    whistle.by(REVIEWER, "/review", json!({"approve": true})).await.expect(200);
}

#[tokio::test]
async fn a_subdistricts_whistle_is_reviewed_by_a_supervisor() {
    let app = App::spawn().await;
    let drafted = app.as_(REVIEWER).blow(&super::whistle("hard")).await.expect(201);
    let whistle = Whistle { app: app.clone(), id: drafted["id"].as_str().unwrap().to_owned() };
    assert_eq!(whistle.seen(BLOWER).await["blower"], SUBDISTRICT);
    let yes = json!({"approve": true});
    whistle.by(REVIEWER, "/review", yes.clone()).await.refused(409, "own_review");
    whistle
        .by(BLOWER, "/withdraw", json!({"reason": "不是我吹的"}))
        .await
        .refused(404, "not_found");
    whistle.by("supervisor", "/review", yes).await.expect(200);
    whistle.units_reply().await;
    whistle.judge(BLOWER, UNITS[0], "/confirm", json!({})).await.refused(404, "not_found");
    for unit in UNITS {
        whistle.judge(REVIEWER, unit, "/confirm", json!({})).await.expect(200);
    }
    whistle.by(REVIEWER, "/stand-down", json!({})).await.expect(200);
}

#[tokio::test]
async fn others_neither_see_nor_touch_it() {
    let app = App::spawn().await;
    let whistle = Whistle::confirmed(&app).await;
    let rating = json!({"needed": 3, "clear": 3});
    for who in ["community.140213066201", "community.140213051001", "subdistrict.140213051"] {
        let client = app.as_(who);
        client.get(&whistle.path("")).await.refused(404, "not_found");
        client.get(&whistle.path("/events")).await.refused(404, "not_found");
        assert!(client.all("/whistles").await.is_empty(), "{who}");
        for body in [json!({}), json!({"unknown": 1})] {
            for rest in ["/withdraw", "/appraise", "/stand-down"] {
                whistle.by(who, rest, body.clone()).await.refused(404, "not_found");
            }
        }
    }
    // Its own superior reads it and does not act in its name.
    whistle.seen(REVIEWER).await;
    for (rest, body) in [
        ("/withdraw", json!({"reason": "上级撤回"})),
        ("/withdraw", json!({"x": 1})),
        ("/appraise", appraisal(UNITS[0])),
        ("/appraise", json!({"x": 1})),
        ("/stand-down", json!({})),
        ("/rate", rating.clone()),
        ("/rate", json!({"x": 1})),
    ] {
        whistle.by(REVIEWER, rest, body).await.refused(404, "not_found");
    }
    let water = app.as_("dept.water");
    water.get(&whistle.path("")).await.refused(404, "not_found");
    water.post(&whistle.path("/rate"), rating.clone()).await.refused(404, "not_found");
    water.post(&whistle.path("/rate"), json!({"x": 1})).await.refused(404, "not_found");
    whistle.by("dept.ecology", "/stand-down", json!({})).await.refused(403, "forbidden");
    whistle.by(BLOWER, "/rate", rating.clone()).await.refused(403, "forbidden");
    whistle.by("dispatcher", "/rate", rating).await.refused(403, "forbidden");
    for who in ["dispatcher", "supervisor", "leader", "auditor"] {
        whistle.seen(who).await;
    }
    for who in ["dept.ecology", "dispatcher", "supervisor", "merchant.wenxing", "organiser"] {
        app.as_(who).blow(&super::whistle("hard")).await.refused(403, "forbidden");
    }
    app.resident("li").blow(&super::whistle("hard")).await.refused(403, "forbidden");
    app.anonymous().blow(&super::whistle("hard")).await.refused(401, "unauthenticated");
    app.anonymous().get("/whistles").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_second_click_is_refused_and_changes_nothing() {
    let app = App::spawn().await;
    let whistle = Whistle::draft(&app, &super::whistle("routine")).await;
    let rating = json!({"needed": 3, "clear": 3});
    let twice = async |who: &str, rest: &str, body: Value, code: &str| {
        whistle.by(who, rest, body.clone()).await.expect(200);
        let before = whistle.seen(BLOWER).await;
        whistle.by(who, rest, body).await.refused(409, code);
        assert_eq!(whistle.seen(BLOWER).await, before, "{rest}");
    };
    twice(REVIEWER, "/review", json!({"approve": true}), "already_reviewed").await;
    twice("dept.ecology", "/rate", rating.clone(), "already_rated").await;
    // The head speaks for the same unit.
    whistle.by("head.ecology", "/rate", rating).await.refused(409, "already_rated");
    for unit in UNITS {
        for (rest, body) in [("/acknowledge", json!({})), ("/reply", reply())] {
            if rest == "/reply" {
                whistle.unit(unit, "/report-in", people()).await.expect(200);
            }
            whistle.unit(unit, rest, body.clone()).await.expect(200);
            whistle.unit(unit, rest, body).await.refused(409, "task_step_refused");
        }
        whistle.judge(BLOWER, unit, "/confirm", json!({})).await.expect(200);
        let again = whistle.judge(BLOWER, unit, "/confirm", json!({})).await;
        again.refused(409, "task_step_refused");
    }
    twice(BLOWER, "/appraise", appraisal(UNITS[0]), "already_appraised").await;
    twice(BLOWER, "/stand-down", json!({}), "whistle_step_refused").await;
    let other = Whistle::blown(&app).await;
    let why = json!({"reason": "摊主已自行撤离"});
    other.by(BLOWER, "/withdraw", why.clone()).await.expect(200);
    other.by(BLOWER, "/withdraw", why).await.refused(409, "whistle_step_refused");
}

#[tokio::test]
async fn of_two_at_the_same_time_exactly_one() {
    let app = App::spawn().await;
    let draft = Whistle::draft(&app, &super::whistle("routine")).await;
    let done = Whistle::confirmed(&app).await;
    let taken_back = Whistle::blown(&app).await;
    let reasons = json!({"reason": "摊主已自行撤离"});
    let rows = [
        (&draft, REVIEWER, "/review", json!({"approve": true}), "already_reviewed"),
        (&done, BLOWER, "/appraise", appraisal(UNITS[1]), "already_appraised"),
        (&done, "dept.ecology", "/rate", json!({"needed": 5, "clear": 5}), "already_rated"),
        (&done, BLOWER, "/stand-down", json!({}), "whistle_step_refused"),
        (&taken_back, BLOWER, "/withdraw", reasons, "whistle_step_refused"),
    ];
    for (whistle, who, rest, body, code) in rows {
        app.as_(who).token().await;
        let answers = join_all((0..4).map(|_| whistle.by(who, rest, body.clone()))).await;
        let mut counts = BTreeMap::new();
        for answer in &answers {
            *counts.entry((answer.status, answer.code().to_owned())).or_insert(0) += 1;
        }
        let expected = [((200, String::new()), 1), ((409, code.to_owned()), 3)];
        assert_eq!(counts, expected.into(), "{rest}");
    }
    assert_eq!(draft.tasks().await.len(), 3, "blown once");
    assert_eq!(app.count("appraisal").await, 1);
    assert_eq!(app.count("whistle_rating").await, 1);
    for whistle in [&draft, &done, &taken_back] {
        let events = app.as_("dispatcher").all(&whistle.path("/events")).await;
        let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
        assert_eq!(seqs, (1..=i64::try_from(seqs.len()).unwrap()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_complaint_gets_one_whistle_though_two_blow_at_once() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let blower = app.as_(BLOWER);
    blower.token().await;
    let body = whistle_for("emergency", &case);
    let answers = join_all((0..4).map(|_| blower.blow(&body))).await;
    let blown = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.code() == "complaint_not_open").count();
    assert_eq!((blown, refused), (1, 3));
    assert_eq!((app.count("whistle").await, app.count("task").await), (1, 4));
}

#[tokio::test]
async fn a_confirmation_racing_a_withdrawal_never_leaves_the_complaint_stuck() {
    let app = App::spawn().await;
    let (blower, dispatcher) = (app.as_(BLOWER), app.as_("dispatcher"));
    for _ in 0..5 {
        let case = app.task_replied().await;
        let whistle = Whistle::draft(&app, &whistle_for("emergency", &case)).await;
        let (back, confirm) = (whistle.path("/withdraw"), case.task("/confirm"));
        let (one, other) = futures::join!(
            blower.post(&back, json!({"reason": "摊主已自行撤离"})),
            dispatcher.post(&confirm, json!({})),
        );
        one.expect(200);
        other.expect(200);
        assert_eq!(dispatcher.complaint(&case).await["status"], "replied");
    }
}

#[tokio::test]
async fn a_key_blows_once() {
    let app = App::spawn().await;
    let blower = app.as_(BLOWER);
    let post = async |key: &str, body: &Value| {
        blower.request(Method::POST, "/whistles").key(key).json(body).send().await
    };
    let body = super::whistle("emergency");
    blower.post("/whistles", body.clone()).await.refused(400, "idempotency_key_required");
    let first = post("whistle-key-1", &body).await.expect(201);
    assert_eq!(post("whistle-key-1", &body).await.expect(201), first, "the first answer again");
    let mut other = body.clone();
    other["level"] = json!("red");
    post("whistle-key-1", &other).await.refused(422, "idempotency_key_reused");
    assert_eq!((app.count("whistle").await, app.count("task").await), (1, 3));
    let twins = join_all((0..5).map(|_| post("whistle-key-2", &body))).await;
    let ids: Vec<_> = twins.into_iter().map(|twin| twin.expect(201)["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(app.count("whistle").await, 2);
}

#[tokio::test]
async fn a_stale_version_is_refused() {
    let app = App::spawn().await;
    let whistle = Whistle::draft(&app, &super::whistle("routine")).await;
    let shown = app.as_(BLOWER).get(&whistle.path("")).await;
    assert_eq!(shown.header("etag"), "\"1\"");
    let review = async |version| {
        let request = app.as_(REVIEWER).request(Method::POST, &whistle.path("/review"));
        request.version(version).json(&json!({"approve": true})).send().await
    };
    review(7).await.refused(412, "version_mismatch");
    let seen = review(1).await.expect(200);
    assert_eq!(seen["version"], 2);
    review(1).await.refused(412, "version_mismatch");
    whistle.unit(UNITS[0], "/acknowledge", json!({})).await.expect(200);
    assert_eq!(whistle.seen(BLOWER).await["version"], 3, "a unit's step counts");
}

#[tokio::test]
async fn lists_are_of_ones_own_area_or_unit() {
    let app = App::spawn().await;
    let blown = Whistle::blown(&app).await;
    app.advance(chrono::TimeDelta::minutes(1));
    let draft = Whistle::draft(&app, &super::whistle("hard")).await;
    app.advance(chrono::TimeDelta::minutes(1));
    let mut there = super::whistle("emergency");
    there["community_code"] = json!("140213051001");
    there["lead"] = json!("water");
    let there = app.as_("community.140213051001").blow(&there).await.expect(201);
    let there = there["id"].as_str().unwrap();
    let list = async |who: &str, query: &str| {
        let items = app.as_(who).all(&format!("/whistles{query}")).await;
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ours = [draft.id.clone(), blown.id.clone()];
    assert_eq!(list(BLOWER, "").await, ours, "newest first");
    assert_eq!(list(REVIEWER, "").await, ours);
    assert_eq!(list("dispatcher", "?limit=1").await.len(), 3);
    assert_eq!(list("dept.urban-management", "").await, std::slice::from_ref(&blown.id));
    assert_eq!(list("dept.ecology", "").await, [there.to_owned(), blown.id.clone()]);
    assert_eq!(list("dept.water", "").await, [there]);
    assert_eq!(list("dispatcher", "?status=draft").await, std::slice::from_ref(&draft.id));
    assert_eq!(list("dispatcher", "?community_code=140213051").await, [there]);
    assert!(list(BLOWER, "?community_code=140213051").await.is_empty());
    for bad in ["?status=open", "?community_code=文兴", "?complaint_id=x", "?limit=0", "?cursor=x"]
    {
        let refused = app.as_("dispatcher").get(&format!("/whistles{bad}")).await;
        assert_eq!(refused.status, 422, "{bad}: {refused}");
    }
}
