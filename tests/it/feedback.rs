//! Opinions on the application: anybody gives them, whoever handles them answers, the writer is told.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client, photo};

fn opinion(kind: &str) -> Value {
    json!({
        "kind": kind, "text": "同一张入户登记表要在两个地方各填一次，请合并。",
        "page": "走访登记", "app_version": "2.3.1", "contact": "微信 lisi-2026",
    })
}

async fn given(who: &Client, key: &str, body: &Value) -> Answer {
    who.request(Method::POST, "/feedback").key(key).json(body).send().await
}

fn step(id: &Value, step: &str) -> String {
    format!("/feedback/{}/{step}", id.as_str().unwrap())
}

#[tokio::test]
async fn an_opinion_is_given_once_answered_and_told() {
    let app = App::spawn().await;
    let (li, sysadmin) = (app.resident("li"), app.as_("sysadmin"));
    let file = li.upload("feedback-photo", &photo(64, 48)).await.expect(201)["id"].clone();
    let mut body = opinion("fault");
    body["attachment_ids"] = json!([file]);
    li.token().await;
    let taps = join_all((0..6).map(|_| given(&li, "first-opinion", &body))).await;
    let made = taps[0].clone().expect(201);
    assert!(taps.into_iter().all(|tap| tap.expect(201) == made), "one opinion for six taps");
    assert_eq!(app.count("feedback where account_id is not null").await, 1);
    assert!(made["number"].as_str().unwrap().starts_with("YJ20261124"), "{made}");
    given(&li, "first-opinion", &opinion("praise")).await.refused(422, "idempotency_key_reused");

    // What was left to be reached by is sealed, and stands in no event and no audit entry.
    for table in ["feedback", "event", "audit_entry", "job"] {
        let found = app.count(&format!("{table} as one where one::text like '%lisi%'")).await;
        assert_eq!(found, 0, "{table}");
    }
    app.drain().await;
    let told = sysadmin.all("/notifications").await;
    assert_eq!(
        (&told[0]["kind"], &told[0]["feedback_id"]),
        (&json!("feedback_submitted"), &made["id"])
    );
    assert!(told[0]["text"].as_str().unwrap().contains("故障"), "{}", told[0]);

    let id = &made["id"];
    let seen = sysadmin.get(&format!("/feedback/{}", id.as_str().unwrap())).await.expect(200);
    assert_eq!((&seen["contact"], &seen["has_contact"]), (&Value::Null, &json!(true)));
    assert_eq!(seen["pictures"].as_array().unwrap().len(), 1);
    let reason = json!({"reason": "核实出现故障的机型"});
    let open = sysadmin.post(&step(id, "unmask"), reason).await.expect(200);
    assert_eq!(open["contact"], "微信 lisi-2026");
    assert_eq!(app.count("audit_entry where action = 'feedback.unmask'").await, 1);

    let words = json!({"text": "已定位，下一版修复。"});
    let stale = sysadmin.request(Method::POST, &step(id, "answer")).version(9).json(&words);
    stale.send().await.refused(412, "version_mismatch");
    let answered = sysadmin.post(&step(id, "answer"), words.clone()).await.expect(200);
    assert_eq!(answered["status"], "answered");
    sysadmin.post(&step(id, "answer"), words).await.refused(409, "feedback_step_refused");
    let done = json!({"result": "done", "reason": "2.3.2 版已修复。"});
    assert_eq!(sysadmin.post(&step(id, "mark"), done.clone()).await.expect(200)["status"], "done");
    sysadmin.post(&step(id, "mark"), done).await.refused(409, "feedback_step_refused");

    app.drain().await;
    let inbox = li.all("/notifications").await;
    let text = inbox[0]["text"].as_str().unwrap();
    assert!(text.contains("已改进") && text.contains("2.3.2"), "{text}");
    let mine = li.get(&format!("/me/feedback/{}", id.as_str().unwrap())).await.expect(200);
    assert_eq!(mine["contact"], "微信 lisi-2026");
    let answers = mine["answers"].as_array().unwrap();
    assert_eq!((answers.len(), &answers[1]["status"]), (2, &json!("done")));
    assert_eq!(li.all("/me/feedback").await.len(), 1);
    app.resident("wang")
        .get(&format!("/me/feedback/{}", id.as_str().unwrap()))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn without_a_log_in_number_and_code_show_the_answer() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    let mut body = opinion("suggestion");
    body["contact"] = Value::Null;
    let made = given(&nobody, "anonymous-opinion", &body).await.expect(201);
    let mut with_file = body.clone();
    with_file["attachment_ids"] = json!([made["id"]]);
    let refused = given(&nobody, "anonymous-photo", &with_file).await;
    assert_eq!(refused.fields(), ["attachment_ids"]);

    let sysadmin = app.as_("sysadmin");
    let planned = json!({"result": "planned", "reason": "列入明年第一季度的计划。"});
    sysadmin.post(&step(&made["id"], "mark"), planned).await.expect(200);
    let reason = json!({"reason": "想问清楚"});
    sysadmin
        .post(&step(&made["id"], "unmask"), reason)
        .await
        .refused(409, "feedback_without_contact");
    let code = made["query_code"].as_str().unwrap();
    // Read aloud and written down: case and spaces do not matter.
    let spaced = format!(" {} {}", code[..5].to_lowercase(), &code[5..]);
    let right = json!({"number": made["number"], "query_code": spaced});
    let shown = nobody.post("/feedback/track", right).await.expect(200);
    assert_eq!(
        (&shown["status"], shown["answers"].as_array().unwrap().len()),
        (&json!("planned"), 1)
    );
    for (number, code) in [
        (made["number"].clone(), json!("2222222222")),
        (json!("YJ20261124999999"), json!(code)),
        (json!(""), json!("")),
    ] {
        let body = json!({"number": number, "query_code": code});
        nobody.post("/feedback/track", body).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn what_burdens_people_reaches_the_supervisor_and_is_counted() {
    let app = App::spawn().await;
    let (li, supervisor, sysadmin) =
        (app.resident("li"), app.as_("supervisor"), app.as_("sysadmin"));
    let burden = given(&li, "opinion-burden", &opinion("burden")).await.expect(201);
    let praise = given(&li, "opinion-praise", &opinion("praise")).await.expect(201);
    app.drain().await;
    let told = supervisor.all("/notifications").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["kind"], "burden_reported");
    let list = supervisor.all("/feedback").await;
    assert_eq!(list.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [&burden["id"]]);
    assert_eq!(sysadmin.all("/feedback").await.len(), 3, "one is seeded");
    assert_eq!(sysadmin.all("/feedback?kind=praise&status=submitted").await.len(), 1);
    let thanks = json!({"text": "谢谢您的鼓励。"});
    supervisor.post(&step(&praise["id"], "answer"), thanks).await.refused(404, "not_found");
    let why = json!({"result": "declined", "reason": "两张表依据不同，不能合并。"});
    supervisor.post(&step(&burden["id"], "mark"), why).await.expect(200);

    let counts = supervisor.get("/feedback/counts?period=2026-11").await.expect(200);
    let kinds = counts["kinds"].as_array().unwrap();
    let of = |kind: &str| kinds.iter().find(|one| one["kind"] == kind).unwrap();
    assert_eq!(kinds.len(), 5, "a kind without any is told as none");
    assert_eq!((&of("burden")["received"], &of("burden")["answered"]), (&json!(1), &json!(1)));
    assert_eq!((&of("praise")["received"], &of("praise")["answered"]), (&json!(1), &json!(0)));
    assert_eq!(of("fault")["received"], 0);
    let before = supervisor.get("/feedback/counts?period=2026-10").await.expect(200);
    assert!(before["kinds"].as_array().unwrap().iter().all(|one| one["received"] == 0));
    supervisor.get("/feedback/counts?period=2026").await.refused(422, "invalid_field");
}

#[tokio::test]
async fn what_is_wrong_is_named_and_too_much_is_refused() {
    let app = App::with(|config| {
        config.limits.anonymous_per_hour = 3;
        config.screening.forbidden = vec!["赌博".to_owned()];
    })
    .await;
    let nobody = app.anonymous();
    let bad = json!({"kind": "fault", "text": "坏了", "page": "页".repeat(201), "contact": "a\nb"});
    let fields = given(&nobody, "bad-opinion", &bad).await;
    assert_eq!(fields.fields(), ["text", "page", "contact"]);
    // A forbidden word hides nothing from whoever handles it.
    let body = json!({"kind": "fault", "text": "首页弹出赌 博广告，请处理"});
    let made = given(&nobody, "opinion-number-0", &body).await.expect(201);
    let path = format!("/feedback/{}", made["id"].as_str().unwrap());
    let seen = app.as_("sysadmin").get(&path).await.expect(200);
    assert_eq!((&seen["flagged"], &seen["text"]), (&json!(true), &body["text"]));
    for n in 1..3 {
        given(&nobody, &format!("opinion-number-{n}"), &body).await.expect(201);
    }
    given(&nobody, "opinion-number-3", &body).await.refused(429, "rate_limited");
    // Another person is not held up by it.
    given(&app.resident("li"), "opinion-number-4", &opinion("praise")).await.expect(201);
}

/// Erased with the person: the words, where they were, how to reach them.
#[tokio::test]
async fn an_erasure_takes_the_words_along() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let made = given(&li, "opinion-to-erase", &opinion("fault")).await.expect(201);
    let export = li.get("/me/export").await.expect(200);
    assert!(export.to_string().contains("lisi-2026"), "one's own contact is told in full");
    li.request(Method::DELETE, "/me").send().await.expect(202);
    app.drain().await;
    let row: (String, Option<String>, Option<Vec<u8>>) =
        sqlx::query_as("select text, page, contact_sealed from feedback where id = $1::uuid")
            .bind(made["id"].as_str().unwrap())
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(row, ("（已按本人要求删除）".to_owned(), None, None));
}
