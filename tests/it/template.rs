//! Reply templates: kept by their owner, filled in field by field, and kept with the reply.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, CLERK, Client};

fn lamp() -> Value {
    json!({
        "name": "路灯维修", "text": "{{处理时间}}到现场查看，更换路灯{{数量}}盏，{{结果}}。{{补充}}",
        "fields": [
            {"name": "处理时间", "label": "现场处理的日期", "kind": "date", "required": true},
            {"name": "数量", "label": "更换了几盏", "kind": "number", "required": true},
            {"name": "结果", "label": "现在怎样", "kind": "choice", "required": true,
                "options": ["当晚已亮", "待供电恢复后亮灯"]},
            {"name": "补充", "label": "还要告诉反映人的", "kind": "text", "required": false},
        ],
    })
}

fn filled() -> Value {
    json!({"处理时间": "2026-11-24", "数量": 2, "结果": "当晚已亮"})
}

const RENDERED: &str = "2026年11月24日到现场查看，更换路灯2盏，当晚已亮。";

async fn made(who: &Client, body: Value) -> Value {
    who.post("/reply-templates", body).await.expect(201)
}

fn path(template: &Value, rest: &str) -> String {
    format!("/reply-templates/{}{rest}", template["id"].as_str().unwrap())
}

async fn revise(who: &Client, template: &Value, version: Option<i64>, body: &Value) -> Answer {
    let request = who.request(Method::PUT, &path(template, "")).json(body);
    match version {
        Some(version) => request.version(version).send().await,
        None => request.send().await,
    }
}

#[tokio::test]
async fn a_reply_is_written_by_a_template_and_keeps_which_version_made_it() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let template = made(&clerk, lamp()).await;
    assert_eq!((&template["unit"], &template["version"]), (&json!("urban-management"), &json!(1)));
    let preview = clerk.post(&path(&template, "/preview"), json!({"fields": filled()})).await;
    let preview = preview.expect(200);
    assert_eq!((&preview["text"], &preview["substantive"]), (&json!(RENDERED), &json!(true)));

    let case = app.acknowledged().await;
    clerk.post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    let reply = json!({"template": template["id"], "fields": filled(), "outcome": "solved"});
    let task = clerk.post(&case.task("/reply"), reply.clone()).await.expect(200);
    assert_eq!(task["reply"]["text"], RENDERED);
    let used = json!({"id": template["id"], "version": 1, "name": "路灯维修"});
    assert_eq!(task["reply_template"], used);
    clerk.post(&case.task("/reply"), reply).await.refused(409, "task_step_refused");

    // Later versions and the end of the template leave the reply and its version as they are.
    let mut next = lamp();
    next["name"] = json!("路灯更换");
    next["text"] = json!("{{处理时间}}更换路灯{{数量}}盏，{{结果}}。{{补充}}");
    revise(&clerk, &template, Some(1), &next).await.expect(200);
    clerk.post(&path(&template, "/retire"), json!({})).await.expect(200);
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    let task = clerk.get(&case.task("")).await.expect(200);
    assert_eq!((&task["reply"]["text"], &task["reply_template"]), (&json!(RENDERED), &used));
    assert_eq!(app.resident("li").complaint(&case).await["answer"], RENDERED);
    let first = clerk.get(&path(&template, "?version=1")).await.expect(200);
    assert_eq!((&first["text"], &first["current_version"]), (&lamp()["text"], &json!(2)));
    // A reply by hand has none.
    let other = app.task_replied().await;
    assert_eq!(clerk.get(&other.task("")).await.expect(200)["reply_template"], Value::Null);
}

#[tokio::test]
async fn each_field_that_is_missing_or_wrong_is_named_and_nothing_is_replied() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let template = made(&clerk, lamp()).await;
    let case = app.acknowledged().await;
    clerk.post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    for (fields, named) in [
        (json!({}), &["fields.处理时间", "fields.数量", "fields.结果"][..]),
        (
            json!({"处理时间": " ", "数量": null, "结果": ""}),
            &["fields.处理时间", "fields.数量", "fields.结果"],
        ),
        (json!({"处理时间": "昨天", "数量": 2, "结果": "当晚已亮"}), &["fields.处理时间"]),
        (
            json!({"处理时间": "2026-11-24", "数量": "两", "结果": "亮了"}),
            &["fields.数量", "fields.结果"],
        ),
        (
            json!({"处理时间": "2026-11-24", "数量": 2, "结果": "当晚已亮", "天气": "晴"}),
            &["fields.天气"],
        ),
    ] {
        let preview = clerk.post(&path(&template, "/preview"), json!({"fields": fields})).await;
        let body = json!({"template": template["id"], "fields": fields, "outcome": "solved"});
        let reply = clerk.post(&case.task("/reply"), body).await;
        for refused in [preview, reply] {
            assert_eq!(refused.fields(), named, "{refused}");
            refused.refused(422, "invalid_field");
        }
    }
    let id = &template["id"];
    for (body, field) in [
        (json!({"outcome": "solved"}), "text"),
        (
            json!({"outcome": "solved", "text": RENDERED, "template": id, "fields": filled()}),
            "text",
        ),
        (json!({"outcome": "solved", "text": RENDERED, "fields": filled()}), "fields"),
        (json!({"outcome": "refused", "template": id, "fields": filled()}), "basis"),
        (json!({"outcome": "solved", "template": "1"}), "template"),
    ] {
        let refused = clerk.post(&case.task("/reply"), body).await;
        assert_eq!(refused.fields(), [field], "{refused}");
        refused.refused(422, "invalid_field");
    }
    let task = clerk.get(&case.task("")).await.expect(200);
    assert_eq!((&task["status"], &task["reply"]), (&json!("acknowledged"), &Value::Null));
    assert_eq!(app.count("reply_from_template").await, 0, "what was refused made nothing");
    // What a template gives is held to the rules of every reply.
    let empty = json!({"name": "套话", "text": "您反映的问题已转相关部门处理。"});
    let empty = made(&clerk, empty).await;
    let preview = clerk.post(&path(&empty, "/preview"), json!({})).await.expect(200);
    assert_eq!(preview["substantive"], false);
    let body = json!({"template": empty["id"], "outcome": "explained"});
    clerk.post(&case.task("/reply"), body).await.refused(422, "reply_not_substantive");
    assert_eq!(app.count("reply_from_template").await, 0);
}

#[tokio::test]
async fn a_unit_uses_its_own_templates_and_the_centres() {
    let app = App::spawn().await;
    let (clerk, housing, dispatcher) =
        (app.as_(CLERK), app.as_("dept.housing"), app.as_("dispatcher"));
    let own = made(&clerk, lamp()).await;
    app.advance(TimeDelta::seconds(1));
    let theirs = made(&housing, lamp()).await;
    app.advance(TimeDelta::seconds(1));
    let all = made(&dispatcher, lamp()).await;
    assert_eq!((&all["unit"], &all["unit_name"]), (&Value::Null, &json!("区中心")));
    let ids = async |who: &Client| -> Vec<Value> {
        let all = who.all("/reply-templates?limit=1").await;
        all.iter().map(|one| one["id"].clone()).collect()
    };
    let id = |one: &Value| one["id"].clone();
    assert_eq!(ids(&clerk).await, [id(&own), id(&all)]);
    assert_eq!(ids(&app.as_("head.urban-management")).await, [id(&own), id(&all)]);
    assert_eq!(ids(&housing).await, [id(&theirs), id(&all)]);
    assert_eq!(ids(&app.as_("supervisor")).await, [id(&own), id(&theirs), id(&all)]);

    let case = app.acknowledged().await;
    clerk.post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    let by = |one: &Value| json!({"template": one["id"], "fields": filled(), "outcome": "solved"});
    let foreign = clerk.post(&case.task("/reply"), by(&theirs)).await;
    assert_eq!(foreign.fields(), ["template"], "{foreign}");
    foreign.refused(422, "template_missing");
    let none = json!({"id": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"});
    clerk.post(&case.task("/reply"), by(&none)).await.refused(422, "template_missing");
    clerk.get(&path(&theirs, "")).await.refused(404, "not_found");
    // The centre's may be used, not changed.
    clerk.get(&path(&all, "")).await.expect(200);
    revise(&clerk, &all, None, &lamp()).await.refused(404, "not_found");
    clerk.post(&path(&all, "/retire"), json!({})).await.refused(404, "not_found");
    revise(&dispatcher, &own, None, &lamp()).await.refused(404, "not_found");
    revise(&clerk, &theirs, None, &json!({"nane": 1})).await.refused(404, "not_found");
    dispatcher.post(&path(&all, "/retire"), json!({})).await.expect(200);
    clerk.post(&case.task("/reply"), by(&all)).await.refused(409, "template_retired");
    let preview = clerk.post(&path(&all, "/preview"), json!({"fields": filled()})).await;
    preview.refused(409, "template_retired");
    let task = clerk.post(&case.task("/reply"), by(&own)).await.expect(200);
    assert_eq!(task["reply_template"]["id"], own["id"]);
    assert_eq!(ids(&clerk).await, [id(&own)]);
    let retired = clerk.all("/reply-templates?retired=true").await;
    assert_eq!(retired.len(), 1);

    for body in [json!({"unit": "housing"}), json!({"unit": "城管"})] {
        let mut wrong = lamp();
        wrong["name"] = json!("别家的");
        wrong["unit"] = body["unit"].clone();
        assert_eq!(clerk.post("/reply-templates", wrong).await.fields(), ["unit"]);
    }
    app.as_("supervisor").post("/reply-templates", lamp()).await.refused(403, "forbidden");
    app.resident("li").get("/reply-templates").await.refused(403, "forbidden");
}

#[tokio::test]
async fn versions_are_counted_and_never_change() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let template = made(&clerk, lamp()).await;
    clerk.post("/reply-templates", lamp()).await.refused(409, "template_name_taken");
    app.advance(TimeDelta::minutes(1));
    let same = revise(&clerk, &template, Some(1), &lamp()).await.expect(200);
    assert_eq!(same["version"], 1, "nothing is new");
    let mut next = lamp();
    next["text"] = json!("{{处理时间}}更换路灯{{数量}}盏，{{结果}}。{{补充}}");
    let answer = revise(&app.as_("head.urban-management"), &template, Some(1), &next).await;
    assert_eq!(answer.header("etag"), "\"2\"");
    answer.expect(200);
    revise(&clerk, &template, Some(1), &lamp()).await.refused(412, "version_mismatch");
    // Two revisions of one version: the second is told that it is late.
    let (mut one, mut two) = (next.clone(), next.clone());
    one["name"] = json!("路灯更换");
    two["name"] = json!("路灯修复");
    let both = tokio::join!(
        revise(&clerk, &template, Some(2), &one),
        revise(&clerk, &template, Some(2), &two)
    );
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(app.count("reply_template_version").await, 3);
    for (change, field) in [
        (json!({"text": "{{处理时间}}更换路灯{{盏数}}盏，当晚已亮"}), "text"),
        (json!({"text": "更换路灯，当晚已亮，没有要填的。"}), "fields.0.name"),
        (json!({"name": "一"}), "name"),
    ] {
        let mut bad = lamp();
        for (key, value) in change.as_object().unwrap() {
            bad[key] = value.clone();
        }
        let refused = revise(&clerk, &template, None, &bad).await;
        assert!(refused.fields().contains(&field), "{refused}");
        refused.refused(422, "invalid_field");
    }
    clerk.post(&path(&template, "/retire"), json!({})).await.expect(200);
    clerk.post(&path(&template, "/retire"), json!({})).await.refused(409, "template_retired");
    revise(&clerk, &template, None, &lamp()).await.refused(409, "template_retired");
    made(&clerk, lamp()).await;
    for statement in
        ["update reply_template_version set text = 'x'", "delete from reply_template_version"]
    {
        let refused = sqlx::query(statement).execute(app.db()).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    let actions: Vec<String> = sqlx::query_scalar(
        "select action from audit_entry where object = 'reply_template' order by at, action",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    assert_eq!(actions.iter().filter(|action| *action == "template.revise").count(), 2);
    assert_eq!(actions.iter().filter(|action| *action == "template.retire").count(), 1);
}
