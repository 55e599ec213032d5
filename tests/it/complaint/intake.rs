//! How complaints come in: by residents, for others, by staff, by nobody.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client, complaint};

async fn hand_in(who: &Client, key: &str, body: &Value) -> Answer {
    who.request(Method::POST, "/complaints").key(key).json(body).send().await
}

fn with(field: &str, value: Value) -> Value {
    let mut body = complaint();
    body[field] = value;
    body
}

#[tokio::test]
async fn a_resident_speaks_for_another_with_their_phone() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut body = with("on_behalf", json!(true));
    body["contact"] = Value::Null;
    let refused = hand_in(&li, "for-my-mother", &body).await;
    assert_eq!(refused.fields(), ["contact"]);
    refused.refused(422, "invalid_field");
    body["contact"] = json!({"name": "王奶奶", "phone": "03522345678"});
    let case = li.submit(&body).await;
    let centre = app.as_("dispatcher").complaint(&case).await;
    assert_eq!(centre["reporter"]["on_behalf"], true);
    assert_eq!(li.complaint(&case).await["status"], "submitted", "it is the submitter's to follow");
}

#[tokio::test]
async fn officers_take_in_within_their_own_division() {
    let app = App::spawn().await;
    let own = with("channel", json!("visit"));
    for who in ["community.140213066004", "subdistrict.140213066", "dispatcher"] {
        let case = app.as_(who).submit(&own).await;
        let centre = app.as_("dispatcher").complaint(&case).await;
        assert_eq!(centre["reporter"]["channel"], "visit");
        assert_eq!(centre["reporter"]["account"], Value::Null, "the officer is not the reporter");
    }
    for who in ["community.140213066005", "subdistrict.140213002"] {
        let refused = hand_in(&app.as_(who), "not-our-area", &own).await;
        assert_eq!(refused.fields(), ["community_code"], "{who}: {refused}");
    }
    for who in ["dept.urban-management", "auditor", "leader", "merchant.wenxing", "sysadmin"] {
        hand_in(&app.as_(who), "not-my-business", &own).await.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn channels_belong_to_who_uses_them() {
    let app = App::spawn().await;
    for channel in ["phone", "visit", "patrol"] {
        let body = with("channel", json!(channel));
        for (who, name) in [(app.resident("li"), "li"), (app.anonymous(), "nobody")] {
            let refused = hand_in(&who, &format!("{name}-{channel}"), &body).await;
            assert_eq!(refused.fields(), ["channel"], "{refused}");
        }
    }
    let body = with("channel", json!("mini_program"));
    let refused = hand_in(&app.as_("dispatcher"), "not-a-resident", &body).await;
    assert_eq!(refused.fields(), ["channel"], "{refused}");
}

#[tokio::test]
async fn anybody_submits_without_logging_in_until_the_limit() {
    let app = App::with(|config| config.limits.anonymous_per_hour = 3).await;
    let nobody = app.anonymous();
    let mut plain = complaint();
    plain["contact"] = Value::Null;
    let mut case = nobody.submit(&plain).await;
    assert_eq!(case.query_code.len(), 10);
    let centre = app.as_("dispatcher").complaint(&case).await;
    assert_eq!(centre["reporter"]["account"], Value::Null);
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": "urban-management"})).await;
    let task = app.tasks(&case).await.remove(0);
    assert_eq!(task["contact_by"], Value::Null, "there is nobody to contact");

    let mut statuses = Vec::new();
    for n in 0..4 {
        let answer = hand_in(&nobody, &format!("anonymous-{n}"), &plain).await;
        if answer.status == 429 {
            assert!(!answer.header("retry-after").is_empty());
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [201, 201, 429, 429]);
    assert_eq!(app.resident("li").submit(&complaint()).await.query_code.len(), 10, "others go on");
}

#[tokio::test]
async fn a_repeat_is_never_refused_or_merged() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let (first, second) = (li.submit(&complaint()).await, li.submit(&complaint()).await);
    assert_ne!(first.id, second.id);
    assert_ne!(first.number, second.number);
}

#[tokio::test]
async fn what_was_written_is_kept_as_it_is() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let text =
        "𠮷野家门口㐂字招牌掉了 🏮👨‍👩‍👧‍👦\n\t第二行：‘引号’ “双引号” \\ / <b> & %_\u{200d} é e\u{301}";
    let mut body = complaint();
    body["title"] = json!("𠮷㐂🏮");
    body["content"] = json!(text);
    let case = li.submit(&body).await;
    let seen = li.complaint(&case).await;
    assert_eq!((&seen["title"], &seen["content"]), (&json!("𠮷㐂🏮"), &json!(text)));
}

#[tokio::test]
async fn a_place_must_be_in_the_district_and_on_the_map() {
    let app = App::spawn().await;
    let li = app.resident("li");
    for (name, place) in [
        ("swapped", json!({"lng": 40.09, "lat": 113.34})),
        ("abroad", json!({"lng": -0.12, "lat": 51.5})),
        ("nowhere", json!({"lng": 999.0, "lat": 40.0})),
        ("half", json!({"lng": 113.34})),
        ("text", json!({"lng": "113.34", "lat": "40.09"})),
    ] {
        let refused = hand_in(&li, &format!("place-{name}"), &with("location", place)).await;
        assert!(refused.fields()[0].starts_with("location"), "{refused}");
        refused.refused(422, "invalid_field");
    }
    let case = li.submit(&with("location", json!({"lng": 113.3402, "lat": 40.0911}))).await;
    assert_eq!(li.complaint(&case).await["location"], json!({"lng": 113.3402, "lat": 40.0911}));
    for code in
        ["140213066999", "140213066", "140213", "urban-management", "", "１４０２１３０６６００４"]
    {
        let refused = hand_in(&li, "community", &with("community_code", json!(code))).await;
        assert_eq!(refused.fields(), ["community_code"], "{code}: {refused}");
    }
    assert_eq!(app.count("complaint").await, 1);
}
