//! What is likely the same matter, wrong merges taken back, and repeats of one reporter.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, UNIT, complaint};

/// A case with a child merged into it.
async fn merged(app: &App, child: Case) -> (Case, Case) {
    let into = app.acknowledged().await;
    let body = json!({"into": into.id});
    app.as_("dispatcher").post(&child.path("/merge"), body).await.expect(200);
    (into, child)
}

fn why() -> Value {
    json!({"reason": "两处路灯不在一条街上，分别办理"})
}

async fn kinds(app: &App, who: &str) -> Vec<String> {
    app.drain().await;
    let all = app.resident(who).all("/notifications").await;
    all.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_nearby_and_alike_is_proposed_with_its_reasons() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let submit = async |who: &str, title: &str, content: &str, place: Value| {
        let mut body = complaint();
        body["title"] = json!(title);
        body["content"] = json!(content);
        body["contact"] = Value::Null;
        body["location"] = place["location"].clone();
        if let Some(community) = place["community"].as_str() {
            body["community_code"] = json!(community);
        }
        app.resident(who).submit(&body).await
    };
    let here = json!({"location": {"lng": 113.3402, "lat": 40.0911}});
    let near = json!({"location": {"lng": 113.3412, "lat": 40.0915}, "community": "140213066001"});
    let far = json!({"location": {"lng": 113.2902, "lat": 40.0711}, "community": "140213051001"});
    let words = "文兴路与永和街交叉口的路灯三天没亮了，晚上出行不便。";
    let one = submit("li", "路口路灯不亮", words, here.clone()).await;
    let other = "文兴路和永和街交叉口路灯不亮，已经三天，晚上看不见路。";
    let like = submit("wang", "路灯坏了不亮", other, near).await;
    let unlike = submit("zhao", "小区停水", "六号楼从早上开始停水，联系物业没有人接。", here).await;
    let away = submit("qian", "路口路灯不亮", words, far).await;
    let over = submit("sun", "路口路灯不亮了", words, json!({})).await;
    app.resident("sun").post(&over.path("/withdraw"), json!({})).await.expect(200);

    let found = dispatcher.get(&one.path("/duplicates")).await.expect(200);
    let items = found["items"].as_array().unwrap();
    let ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [like.id.as_str()], "not {} {} {}: {found}", unlike.id, away.id, over.id);
    let reasons = items[0]["reasons"].as_array().unwrap();
    assert!(
        reasons.contains(&json!("similar_text")) && reasons.contains(&json!("near")),
        "{found}"
    );
    assert!(items[0]["metres"].as_f64().unwrap() < 200.0, "{found}");
    assert_eq!(found["repeat_of"], Value::Null);
    app.resident("li").get(&one.path("/duplicates")).await.refused(403, "forbidden");
}

#[tokio::test]
async fn the_same_words_of_the_same_person_are_marked_and_nothing_is_refused() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let first = app.submitted().await;
    let mut again = complaint();
    again["title"] = json!(" 文兴路口，路灯不亮！");
    let second = app.resident("li").submit(&again).await;
    // Without a log-in, by the number to call.
    let third = app.anonymous().submit(&complaint()).await;
    let mark = async |case: &Case| dispatcher.complaint(case).await["repeat_of"].clone();
    assert_eq!(mark(&first).await, Value::Null);
    for case in [&second, &third] {
        let mark = mark(case).await;
        assert_eq!((&mark["id"], &mark["times"]), (&json!(first.id), &json!(2)), "{mark}");
        assert_eq!(dispatcher.complaint(case).await["status"], "submitted");
    }
    assert!(app.resident("li").complaint(&second).await.get("repeat_of").is_none());
    let found = dispatcher.get(&second.path("/duplicates")).await.expect(200);
    let top = &found["items"][0];
    assert_eq!((&top["score"], &top["reasons"][0]), (&json!(100), &json!("repeat")), "{found}");
    assert_eq!(found["items"].as_array().unwrap().len(), 2, "offered for merge: {found}");
    app.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    let later = app.submitted().await;
    assert_eq!(mark(&later).await, Value::Null, "seven days later it is a new matter");
    let mut other = complaint();
    other["content"] = json!("二号楼前的下水道堵了，污水漫到路上。");
    let other = app.resident("li").submit(&other).await;
    assert_eq!(mark(&other).await, Value::Null);
}

#[tokio::test]
async fn a_wrong_merge_is_taken_back_and_the_reporter_told() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let waiting = app.resident("wang").submit(&complaint()).await;
    let (_, child) = merged(&app, waiting).await;
    app.advance(TimeDelta::hours(30));
    let shown = dispatcher.post(&child.path("/split"), why()).await.expect(200);
    assert_eq!((&shown["status"], &shown["merged_into"]), (&json!("submitted"), &Value::Null));
    assert!(kinds(&app, "wang").await.contains(&"split".to_owned()));
    let events = dispatcher.all(&child.path("/events")).await;
    let late = events.iter().filter(|event| event["kind"] == "centre_overdue").count();
    assert_eq!(late, 0, "the centre's clock begins anew");
    dispatcher.post(&child.path("/split"), why()).await.refused(409, "complaint_step_refused");

    // What units had it was told that it ended: it is dispatched anew.
    let with_unit = app.dispatched().await;
    let (into, mut child) = merged(&app, with_unit).await;
    let stale = dispatcher.request(reqwest::Method::POST, &child.path("/split")).version(1);
    stale.json(&why()).send().await.refused(412, "version_mismatch");
    let shown = dispatcher.post(&child.path("/split"), why()).await.expect(200);
    assert_eq!(shown["status"], "accepted");
    app.dispatch(&mut child, json!({"lead": UNIT})).await;
    assert_eq!(app.tasks(&into).await[0]["status"], "acknowledged", "the other is untouched");
    app.as_(CLERK).post(&child.path("/split"), why()).await.refused(403, "forbidden");
}

#[tokio::test]
async fn not_once_the_case_it_follows_is_answered_or_its_reporter_evaluated() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let waiting = app.resident("wang").submit(&complaint()).await;
    let (into, child) = merged(&app, waiting).await;
    app.contact_and_reply(&into).await;
    dispatcher.post(&into.task("/confirm"), json!({})).await.expect(200);
    dispatcher.post(&child.path("/split"), why()).await.refused(409, "leading_case_answered");
    let good = json!({"solved": true, "satisfaction": 5});
    app.resident("wang").post(&child.path("/evaluate"), good).await.expect(200);
    let bad = json!({"solved": false, "satisfaction": 1});
    app.resident("li").post(&into.path("/evaluate"), bad).await.expect(200);
    assert_eq!(dispatcher.complaint(&into).await["status"], "handling");
    dispatcher.post(&child.path("/split"), why()).await.refused(409, "child_evaluated");
}

#[tokio::test]
async fn merges_splits_and_withdrawals_of_one_family_do_not_wait_for_each_other() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    for round in 0..3 {
        let waiting = app.resident("wang").submit(&complaint()).await;
        let (parent, child) = merged(&app, waiting).await;
        let second = app.resident("zhao").submit(&complaint()).await;
        let into = json!({"into": parent.id});
        dispatcher.post(&second.path("/merge"), into.clone()).await.expect(200);
        let other = app.acknowledged().await;
        let third = app.resident("qian").submit(&complaint()).await;
        let (split, joins, moved, withdrawn) = (
            child.path("/split"),
            third.path("/merge"),
            parent.path("/merge"),
            parent.path("/withdraw"),
        );
        let li = app.resident("li");
        let (one, two, three, four) = tokio::join!(
            dispatcher.post(&split, why()),
            dispatcher.post(&joins, into),
            dispatcher.post(&moved, json!({"into": other.id})),
            li.post(&withdrawn, json!({})),
        );
        for answer in [one, two, three, four] {
            assert!([200, 409, 412].contains(&answer.status), "{round}: {answer}");
        }
        let follows = dispatcher.complaint(&second).await;
        assert!(follows["merged_into"] != json!(parent.id), "nobody follows what is over");
    }
}
