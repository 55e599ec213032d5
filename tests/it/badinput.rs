//! Whatever comes in: a refusal with a code and a sentence, or the text kept exactly; never a
//! fault of ours, never half of something stored.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, CLERK, Client, complaint};

/// The rows that a refused request must not add to.
async fn rows(app: &App) -> Vec<(String, i64)> {
    let mut rows = Vec::new();
    for table in [
        "complaint",
        "complaint_contact",
        "task",
        "event",
        "evaluation",
        "job",
        "sla_timer",
        "idempotency",
    ] {
        rows.push((table.to_owned(), app.count(table).await));
    }
    rows
}

async fn hand_in(
    who: &Client,
    key: &str,
    media_type: &str,
    body: impl Into<reqwest::Body>,
) -> Answer {
    let request = who.request(Method::POST, "/complaints").key(key);
    request.raw(media_type, body).send().await
}

fn with(field: &str, value: Value) -> Value {
    let mut body = complaint();
    body[field] = value;
    body
}

fn text(body: &Value) -> String {
    body.to_string()
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_malformed() {
    let app = App::spawn().await;
    let before = rows(&app).await;
    let good = text(&complaint());
    let half = good[..good.len() - 20].trim_end_matches(|c: char| !c.is_ascii()).to_owned();
    let deep = |open: &str, shut: &str| format!("{}1{}", open.repeat(10_000), shut.repeat(10_000));
    let nested = format!(r#"{{"title":{}}}"#, deep(r#"{"a":"#, "}"));
    let bodies: Vec<Vec<u8>> = vec![
        b"{".to_vec(),
        b"nonsense".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"\"text\"".to_vec(),
        b"7".to_vec(),
        b"{\"title\":\"\xff\xfe\"}".to_vec(),
        b"{\"title\":\"\xed\xa0\x80\"}".to_vec(),
        b"{\"title\":\"\\ud800\"}".to_vec(),
        b"{\"title\":\"a\nb\"}".to_vec(),
        b"{\"title\":NaN}".to_vec(),
        b"{\"title\":1e999}".to_vec(),
        b"{\"a\":1}{\"b\":2}".to_vec(),
        b"{'title':'x'}".to_vec(),
        half.into_bytes(),
        deep("[", "]").into_bytes(),
        nested.into_bytes(),
    ];
    for (who, name) in [(app.resident("li"), "li"), (app.anonymous(), "nobody")] {
        for (n, body) in bodies.iter().enumerate() {
            let answer =
                hand_in(&who, &format!("bad-{name}-{n}"), "application/json", body.clone()).await;
            let shown = String::from_utf8_lossy(body).chars().take(40).collect::<String>();
            assert_eq!(
                (answer.status, answer.code()),
                (400, "malformed_json"),
                "{shown}: {answer}"
            );
        }
    }
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn unknown_fields_and_wrong_types_are_named() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let before = rows(&app).await;
    for (field, value) in [
        ("colour", json!("red")),
        ("status", json!("closed")),
        ("id", json!("019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071")),
        ("version", json!(7)),
        ("reporter_id", json!("019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071")),
        ("title", json!(7)),
        ("title", json!(["路灯"])),
        ("title", json!(null)),
        ("title", json!({"zh": "路灯"})),
        ("kind", json!("complaint")),
        ("kind", json!(1)),
        ("kind", json!("")),
        ("confidential", json!("yes")),
        ("confidential", json!(1)),
        ("on_behalf", json!("false")),
        ("community_code", json!(140_213_066_004_u64)),
        ("location", json!([113.34, 40.09])),
        ("location", json!("113.34,40.09")),
        ("location", json!({"lng": 113.34, "lat": 40.09, "alt": 1000})),
        ("contact", json!("13834567890")),
        ("contact", json!({"name": "李"})),
        ("contact", json!({"phone": 13_834_567_890_u64})),
        ("contact", json!({"phone": "13834567890", "wechat": "x"})),
        ("attachment_ids", json!("a")),
        ("attachment_ids", json!(["a"])),
        ("attachment_ids", json!(["019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"])),
        ("channel", json!("pigeon")),
        ("address", json!(1)),
    ] {
        let answer =
            hand_in(&li, "one-key-for-all", "application/json", text(&with(field, value.clone())))
                .await;
        assert_eq!(answer.status, 422, "{field} {value}: {answer}");
        let named = answer.fields();
        assert!(named.iter().any(|name| name.starts_with(field)), "{field} {value}: {answer}");
        answer.refused(422, "invalid_field");
    }
    for missing in ["kind", "title", "content", "community_code"] {
        let mut body = complaint();
        body.as_object_mut().unwrap().remove(missing);
        let answer = hand_in(&li, "one-key-for-all", "application/json", text(&body)).await;
        assert_eq!(answer.fields(), [missing], "{answer}");
    }
    let answer = hand_in(&li, "one-key-for-all", "application/json", "").await;
    answer.refused(422, "invalid_field");
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn every_fault_of_a_form_is_told_at_once() {
    let app = App::spawn().await;
    let mut body = complaint();
    body["title"] = json!("灯");
    body["content"] = json!("不亮");
    body["contact"] = json!({"name": "李", "phone": "123"});
    let answer =
        hand_in(&app.resident("li"), "three-faults", "application/json", text(&body)).await;
    assert_eq!(answer.fields(), ["title", "content", "contact.phone"], "{answer}");
}

#[tokio::test]
async fn control_characters_are_refused_and_line_breaks_are_not() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let before = rows(&app).await;
    for odd in ['\0', '\u{1}', '\u{8}', '\u{b}', '\u{1b}', '\u{7f}', '\u{85}'] {
        for field in ["title", "content", "address"] {
            let value = json!(format!("文兴路口{odd}路灯不亮"));
            let answer =
                hand_in(&li, "control-characters", "application/json", text(&with(field, value)))
                    .await;
            assert_eq!(answer.fields(), [field], "{odd:?}: {answer}");
        }
        let name = json!({"name": format!("李{odd}桂芳"), "phone": "13834567890"});
        let answer =
            hand_in(&li, "control-characters", "application/json", text(&with("contact", name)))
                .await;
        assert_eq!(answer.fields(), ["contact.name"], "{odd:?}: {answer}");
    }
    let title = hand_in(
        &li,
        "control-characters",
        "application/json",
        text(&with("title", json!("路灯\n不亮"))),
    )
    .await;
    assert_eq!(title.fields(), ["title"], "a title is one line: {title}");
    assert_eq!(rows(&app).await, before);
    let content = "第一行\n\t第二行\r\n第三行";
    let case = li.submit(&with("content", json!(content))).await;
    assert_eq!(li.complaint(&case).await["content"], content);
}

#[tokio::test]
async fn lengths_are_counted_in_characters() {
    let app = App::spawn().await;
    let li = app.resident("li");
    for (field, length, good) in [
        ("title", 1, false),
        ("title", 2, true),
        ("title", 200, true),
        ("title", 201, false),
        ("content", 4, false),
        ("content", 5, true),
        ("content", 10_000, true),
        ("content", 10_001, false),
        ("address", 200, true),
        ("address", 201, false),
    ] {
        for (n, letter) in ["路", "a", "𠮷", "🏮"].into_iter().enumerate() {
            let value = letter.repeat(length);
            let key = format!("{field}-{length}-{n}");
            let answer =
                hand_in(&li, &key, "application/json", text(&with(field, json!(value)))).await;
            if !good {
                assert_eq!(answer.fields(), [field], "{length} × {letter}: {}", answer.status);
                answer.refused(422, "invalid_field");
                continue;
            }
            let id = answer.expect(201)["id"].as_str().unwrap().to_owned();
            let seen = li.get(&format!("/complaints/{id}")).await.expect(200);
            assert!(seen[field] == json!(value), "{field}: {length} × {letter} came back changed");
        }
    }
    for blank in ["  ", "　　　", "\n\n\n\n\n\n", "\t\t\t\t\t\t"] {
        let answer = hand_in(
            &li,
            "blank-content",
            "application/json",
            text(&with("content", json!(blank.repeat(3)))),
        )
        .await;
        assert_eq!(answer.fields(), ["content"], "{blank:?}: {answer}");
    }
}

#[tokio::test]
async fn a_body_too_large_is_refused_with_an_answer() {
    let app = App::spawn().await;
    let before = rows(&app).await;
    let huge = text(&with("content", json!("路".repeat(4 * 1024 * 1024))));
    assert!(huge.len() > 12 * 1024 * 1024);
    for who in [app.resident("li"), app.anonymous()] {
        let answer = hand_in(&who, "a-huge-body", "application/json", huge.clone()).await;
        answer.refused(413, "body_too_large");
    }
    let blob =
        hand_in(&app.resident("li"), "a-huge-blob", "application/octet-stream", vec![0; 12 << 20])
            .await;
    assert!(matches!(blob.status, 413 | 415), "{blob}");
    assert_eq!(rows(&app).await, before);
    let case = app.acknowledged().await;
    let before = rows(&app).await;
    for (who, status, code) in [(CLERK, 413, "body_too_large"), ("dept.housing", 404, "not_found")]
    {
        let reply = app.as_(who).request(Method::POST, &case.task("/reply"));
        let answer = reply.raw("application/json", huge.clone()).send().await;
        answer.refused(status, code);
    }
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn only_json_is_read() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let good = text(&complaint());
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/xml",
        "nonsense",
    ] {
        let answer = hand_in(&li, "another-type", kind, good.clone()).await;
        answer.refused(415, "unsupported_media_type");
    }
    for (n, kind) in
        ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"]
            .iter()
            .enumerate()
    {
        hand_in(&li, &format!("json-type-{n}"), kind, good.clone()).await.expect(201);
    }
}

#[tokio::test]
async fn of_two_equal_fields_neither_is_dropped_without_a_word() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let before = rows(&app).await;
    let twice = text(&complaint()).replacen('{', r#"{"title":"第一个标题","#, 1);
    let answer = hand_in(&li, "the-same-field-twice", "application/json", twice).await;
    assert_eq!(answer.fields(), ["title"], "{answer}");
    let odd = text(&complaint()).replacen('{', r#"{"colour":1,"colour":2,"#, 1);
    let answer = hand_in(&li, "an-unknown-field-twice", "application/json", odd).await;
    assert_eq!(answer.fields(), ["colour"], "{answer}");
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn a_filter_with_a_wrong_name_is_refused_and_not_passed_over() {
    let app = App::spawn().await;
    for (who, path) in [
        ("dispatcher", "/tasks?overdu=true"),
        ("dispatcher", "/complaints?stats=closed&limit=5"),
        ("auditor", "/audit?who=dispatcher"),
        ("dispatcher", "/notifications?unread=true"),
        ("security", "/accounts?name=zzz"),
    ] {
        let answer = app.as_(who).get(path).await;
        let named = path.split(['?', '=']).nth(1).unwrap();
        assert_eq!((answer.status, answer.fields()), (422, vec![named]), "{path}: {answer}");
        assert!(answer.header("x-request-id").len() > 8, "{answer}");
    }
    // Who may not ask at all is told that, as with any other fault.
    let nobody = app.anonymous();
    nobody.get("/complaints?stats=closed").await.refused(401, "unauthenticated");
    app.resident("li").get("/audit?who=dispatcher").await.refused(403, "forbidden");
    let missing = "/duty-lists/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/export?colour=1";
    app.as_("dispatcher").get(missing).await.refused(404, "not_found");
    assert_eq!(nobody.get("/announcements?kindd=outage").await.fields(), ["kindd"]);
    nobody.get("/guides?category=&limit=1&cursor=").await.expect(200);
    // What takes no condition at all has nothing to misspell.
    app.resident("li").get("/me?_=1764374400").await.expect(200);
}

#[tokio::test]
async fn the_null_character_is_nobodys_fault() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    for path in ["/track", "/track/evaluate", "/track/withdraw", "/feedback/track"] {
        let body = r#"{"number":"\u0000","query_code":"7KQ2M8XW4T"}"#;
        let answer = nobody.request(Method::POST, path).raw("application/json", body).send().await;
        assert_eq!((answer.status, answer.fields()), (422, vec!["number"]), "{path}: {answer}");
    }
    app.as_("organiser").get("/merchants/%00/till").await.refused(404, "not_found");
    app.as_("dispatcher").get("/duty-items/%00/proposal").await.refused(404, "not_found");
}

#[tokio::test]
async fn absurd_dates_and_numbers_are_refused() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let (dispatcher, clerk) = (app.as_("dispatcher"), app.as_(CLERK));
    let before = rows(&app).await;
    for until in [
        json!("0000-00-00T00:00:00Z"),
        json!("0001-01-01T00:00:00Z"),
        json!("-9999-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("99999-12-31T23:59:59Z"),
        json!("+262142-12-31T23:59:59Z"),
        json!("2026-02-30T00:00:00Z"),
        json!("2026-12-01T25:00:00Z"),
        json!("2026-12-01T10:00:00"),
        json!("2026-12-01"),
        json!("明天"),
        json!(""),
        json!(1_796_000_000),
        json!(1e300),
        json!(null),
    ] {
        let body = json!({"until": until, "reason": "等待配件"});
        for answer in [
            clerk.post(&case.task("/extend"), body.clone()).await,
            dispatcher.post(&case.path("/suspend"), body.clone()).await,
        ] {
            assert!(matches!(answer.status, 409 | 422), "{until}: {answer}");
        }
    }
    assert_eq!(rows(&app).await, before);
    let li = app.resident("li");
    let replied = app.replied().await;
    for stars in [
        json!(0),
        json!(6),
        json!(-1),
        json!(2.5),
        json!("5"),
        json!(1e300),
        json!(u64::MAX),
        json!(null),
    ] {
        let body = json!({"solved": true, "satisfaction": stars});
        let answer = li.post(&replied.path("/evaluate"), body).await;
        assert_eq!(answer.fields(), ["satisfaction"], "{stars}: {answer}");
    }
}

#[tokio::test]
async fn odd_ids_and_paths_are_just_missing() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    for id in [
        "1",
        "0",
        "null",
        "undefined",
        "00000000-0000-0000-0000-000000000000",
        "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071",
        "019AB0C1D2E37F008A1B2C3D4E5F6071",
        "{019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071}",
        "PC20261124000001",
        "%00",
        "%F0%A0%AE%B7",
        "%FF%FE",
        "';--",
        "..%2f..%2fetc%2fpasswd",
        &"a".repeat(3000),
    ] {
        for path in ["/complaints/{id}", "/tasks/{id}", "/complaints/{id}/events"] {
            let answer = dispatcher.get(&path.replace("{id}", id)).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{id}: {answer}");
        }
        let answer = dispatcher
            .post(&format!("/complaints/{id}/accept"), json!({"urgency": "ordinary"}))
            .await;
        assert_eq!(answer.status, 404, "{id}: {answer}");
    }
}

#[tokio::test]
async fn headers_of_any_kind_are_borne() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let odd_tokens = [
        "",
        "Bearer",
        "Basic bGk6bGk=",
        "Bearer  ",
        "Bearer a.b.c",
        "Bearer \u{e9}",
        &"x".repeat(4000),
    ];
    for token in odd_tokens {
        let request = app.anonymous().request(Method::GET, "/me").header("authorization", token);
        request.send().await.refused(401, "unauthenticated");
    }
    let request = app.anonymous().request(Method::POST, "/complaints").key("with-a-bad-token");
    let answer = request.header("authorization", "Bearer x").json(&complaint()).send().await;
    answer.refused(401, "unauthenticated");
    for version in
        ["1", "\"\"", "\"x\"", "\"-1\"", "\"99999999999999999999\"", "\"1\"\"2\"", "W/\"1\"", "𠮷"]
    {
        let case = app.submitted().await;
        let request = li.request(Method::POST, &case.path("/withdraw")).header("if-match", version);
        let answer = request.json(&json!({})).send().await;
        assert!(matches!(answer.status, 200 | 400 | 412), "{version}: {answer}");
    }
    for language in ["zh-CN", "*", "\u{e9}", &"a,".repeat(500)] {
        let request = li.request(Method::GET, "/me").header("accept-language", language);
        request.header("accept", "text/html").send().await.expect(200);
    }
}

#[tokio::test]
async fn every_command_bears_garbage() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let bodies = [
        "{",
        "[]",
        "null",
        "\"\"",
        r#"{"x":1}"#,
        r#"{"reason":"\u0000\u0000"}"#,
        r#"{"reason":{}}"#,
        r#"{"text":"","outcome":""}"#,
        r#"{"approve":"maybe","reason":""}"#,
        r#"{"lead":"","assist":[""]}"#,
        r#"{"until":"","reason":""}"#,
        r#"{"into":"x"}"#,
        r#"{"people":[{}]}"#,
        r#"{"people":[{"name":"\u0000","post":"\u0000"}]}"#,
        r#"{"note":"\u0000\u0007"}"#,
        r#"{"ground":"x"}"#,
        r#"{"urgency":"x"}"#,
    ];
    let before = app.count("event").await;
    for operation in crate::support::operations() {
        let (id, people) = match operation.path.split('/').nth(3).unwrap_or_default() {
            "complaints" => (&case.id, ["dispatcher", "supervisor"]),
            "tasks" => (&case.lead, [CLERK, "dispatcher"]),
            _ => continue,
        };
        if operation.method != "POST" || !operation.path.contains("{id}") {
            continue;
        }
        let path = operation.path_with(id);
        for who in people.map(|name| app.as_(name)).into_iter().chain([app.resident("li")]) {
            let send = |body| who.request(Method::POST, &path).raw("application/json", body).send();
            if send("{").await.status == 403 {
                continue;
            }
            for (answer, body) in join_all(bodies.map(send)).await.into_iter().zip(bodies) {
                assert!((400..500).contains(&answer.status), "{body}: {answer}");
            }
        }
    }
    assert_eq!(app.count("event").await, before, "garbage left a trace");
}
