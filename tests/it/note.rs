//! Internal notes: the centre and the units of a case read them, the reporter nowhere.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{Answer, App, CLERK, COMMUNITY, Case, Client, UNIT, operations};

/// Words that stand in nothing else.
const SECRET: &str = "邻里积怨已久，上门请两人同行";

async fn write_on(who: &Client, path: &str, key: &str, body: Value) -> Answer {
    who.request(Method::POST, path).key(key).json(&body).send().await
}

/// Writes a note that must stand; its id.
async fn noted(who: &Client, path: &str, text: &str) -> String {
    let key = format!("note-{:016x}", u64::from_be_bytes(infra::random::bytes()));
    let note = write_on(who, path, &key, json!({"text": text})).await.expect(201);
    note["id"].as_str().unwrap().to_owned()
}

/// A case of `li`'s: urban-management leads, housing assists.
async fn shared(app: &App) -> Case {
    let mut case = app.accepted().await;
    app.dispatch(&mut case, json!({"lead": UNIT, "assist": ["housing"]})).await;
    case
}

#[tokio::test]
async fn the_centre_and_the_units_of_a_case_read_its_notes_in_order() {
    let app = App::spawn().await;
    let case = shared(&app).await;
    let path = case.path("/notes");
    assert!(app.as_(CLERK).all(&path).await.is_empty());
    let before = app.as_("dispatcher").complaint(&case).await["version"].clone();
    for (who, text) in
        [("dispatcher", SECRET), (CLERK, "已约产权单位"), ("supervisor", "请按时限办")]
    {
        noted(&app.as_(who), &path, text).await;
        app.advance(TimeDelta::minutes(1));
    }
    for who in ["dispatcher", "supervisor", "leader", "auditor", CLERK, "dept.housing"] {
        let notes = app.as_(who).all(&format!("{path}?limit=1")).await;
        let texts: Vec<&str> = notes.iter().map(|note| note["text"].as_str().unwrap()).collect();
        assert_eq!(texts, [SECRET, "已约产权单位", "请按时限办"], "{who}");
        assert_eq!((&notes[0]["unit"], &notes[0]["unit_name"]), (&Value::Null, &json!("区中心")));
        assert_eq!(notes[1]["unit"], UNIT);
        assert!(notes[1]["author"].as_str().is_some_and(|name| !name.is_empty()));
    }
    let after = app.as_("dispatcher").complaint(&case).await["version"].clone();
    assert_eq!(before, after, "a note is no step of the case");
    let trail: Vec<(String, Value)> = sqlx::query_as(
        "select object_id, data from audit_entry where action = 'note.write' order by at",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    assert_eq!(trail.len(), 3);
    assert!(trail.iter().all(|(object, data)| *object == case.id && data["note"].is_string()));
}

#[tokio::test]
async fn whoever_holds_no_task_of_the_case_finds_no_notes() {
    let app = App::spawn().await;
    let case = shared(&app).await;
    let path = case.path("/notes");
    noted(&app.as_(CLERK), &path, SECRET).await;
    // The officer of the area reads the case, but does not work on it.
    app.as_("community.140213066004").get(&case.path("")).await.expect(200);
    for who in ["community.140213066004", "subdistrict.140213066", "dept.power-grid"] {
        let who = app.as_(who);
        who.get(&path).await.refused(404, "not_found");
        let good = write_on(&who, &path, "note-foreign", json!({"text": "看看"})).await;
        good.refused(404, "not_found");
        let bad = write_on(&who, &path, "short", json!({"texts": ""})).await;
        bad.refused(404, "not_found");
    }
    for who in ["organiser", "sysadmin", "merchant.wenxing"] {
        app.as_(who).get(&path).await.refused(403, "forbidden");
    }
    for who in ["auditor", "leader"] {
        let refused = write_on(&app.as_(who), &path, "note-reader", json!({"text": "看看"})).await;
        refused.refused(403, "forbidden");
    }
    // Relieved of its task, a unit is out of it.
    let back = json!({"ground": "duty", "basis": "路灯由供电公司产权管理", "suggested_unit": "power-grid"});
    app.as_(CLERK).post(&case.task("/return"), back).await.expect(200);
    app.as_(CLERK).get(&path).await.expect(200);
    let yes = json!({"approve": true, "reason": "产权属供电公司"});
    app.as_("dispatcher").post(&case.task("/return/decide"), yes).await.expect(200);
    app.as_(CLERK).get(&path).await.refused(404, "not_found");
    assert_eq!(app.as_("dept.power-grid").all(&path).await.len(), 1, "its successor reads on");
}

#[tokio::test]
async fn a_note_stays_and_another_corrects_it_once() {
    let app = App::spawn().await;
    let case = shared(&app).await;
    let path = case.path("/notes");
    let (clerk, head) = (app.as_(CLERK), app.as_("head.urban-management"));
    let first = noted(&clerk, &path, "电缆上月刚换").await;
    app.advance(TimeDelta::minutes(1));
    let correct = |of: &str, text: &str| json!({"text": text, "corrects": of});
    for who in ["dispatcher", "dept.housing"] {
        let foreign = write_on(&app.as_(who), &path, "note-other", correct(&first, "不对")).await;
        foreign.refused(409, "note_foreign");
    }
    let second = write_on(&head, &path, "note-second", correct(&first, "电缆前年换的")).await;
    let second = second.expect(201);
    assert_eq!(second["corrects"], json!(first));
    let again = write_on(&clerk, &path, "note-third", correct(&first, "去年")).await;
    again.refused(409, "note_corrected");
    let notes = clerk.all(&path).await;
    assert_eq!(notes.len(), 2, "what was corrected stays");
    assert_eq!(
        (&notes[0]["text"], &notes[0]["corrected_by"]),
        (&json!("电缆上月刚换"), &second["id"])
    );
    // A note of another case is none of this one's.
    let other = shared(&app).await;
    let elsewhere = other.path("/notes");
    let strange = write_on(&clerk, &elsewhere, "note-strange", correct(&first, "去年")).await;
    assert_eq!(strange.fields(), ["corrects"], "{strange}");
    strange.refused(422, "note_missing");
    for statement in [
        "update internal_note set text = 'x'",
        "delete from internal_note",
        "truncate internal_note",
    ] {
        let refused = sqlx::query(statement).execute(app.db()).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn of_two_corrections_at_once_one_stands() {
    let app = App::spawn().await;
    let case = shared(&app).await;
    let path = case.path("/notes");
    let clerk = app.as_(CLERK);
    let first = noted(&clerk, &path, "电缆上月刚换").await;
    let one = write_on(&clerk, &path, "note-one-1", json!({"text": "去年", "corrects": first}));
    let two = write_on(&clerk, &path, "note-two-2", json!({"text": "前年", "corrects": first}));
    let (one, two) = tokio::join!(one, two);
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{one} {two}");
    assert_eq!(app.count("internal_note").await, 2);
}

#[tokio::test]
async fn a_second_click_writes_nothing_more_and_bad_notes_are_told_apart() {
    let app = App::spawn().await;
    let case = shared(&app).await;
    let path = case.path("/notes");
    let clerk = app.as_(CLERK);
    let body = json!({"text": SECRET});
    let first = write_on(&clerk, &path, "note-clicked", body.clone()).await.expect(201);
    let second = write_on(&clerk, &path, "note-clicked", body.clone()).await.expect(201);
    assert_eq!(first, second);
    let other = write_on(&clerk, &path, "note-clicked", json!({"text": "别的"})).await;
    other.refused(422, "idempotency_key_reused");
    clerk.post(&path, body).await.refused(400, "idempotency_key_required");
    for (body, field) in [
        (json!({"text": " "}), "text"),
        (json!({"text": "长".repeat(2001)}), "text"),
        (json!({"text": "好\u{7}"}), "text"),
        (json!({"text": "好的", "corrects": "1"}), "corrects"),
        (json!({}), "text"),
        (json!({"text": "好的", "unit": "housing"}), "unit"),
    ] {
        let refused = write_on(&clerk, &path, "note-bad-note", body).await;
        assert_eq!(refused.fields(), [field], "{refused}");
        refused.refused(422, "invalid_field");
    }
    assert_eq!(app.count("internal_note").await, 1);
}

#[tokio::test]
async fn a_whistle_has_notes_for_its_blower_and_whom_it_called() {
    let app = App::spawn().await;
    let body = json!({
        "kind": "emergency", "level": "red", "title": "供水主管爆裂",
        "content": "文兴路主管爆裂，路面塌陷，三栋楼停水，需要联合抢修。",
        "community_code": COMMUNITY, "lead": UNIT, "assist": [],
    });
    let blower = app.as_("community.140213066004");
    let made = write_on(&blower, "/whistles", "whistle-noted", body).await.expect(201);
    let path = format!("/whistles/{}/notes", made["id"].as_str().unwrap());
    noted(&blower, &path, "现场有燃气管道").await;
    app.advance(TimeDelta::minutes(1));
    noted(&app.as_(CLERK), &path, "已联系燃气公司").await;
    for who in ["community.140213066004", CLERK, "supervisor"] {
        let notes = app.as_(who).all(&path).await;
        let units: Vec<&Value> = notes.iter().map(|note| &note["unit"]).collect();
        assert_eq!(units, [&json!(COMMUNITY), &json!(UNIT)], "{who}");
    }
    for who in ["subdistrict.140213066", "dept.housing"] {
        app.as_(who).get(&path).await.refused(404, "not_found");
    }
    app.resident("li").get(&path).await.refused(403, "forbidden");
}

/// Every read that there is, as somebody, with each of these ids: what was answered, and how many
/// of them had something to say.
async fn everything(who: &Client, ids: &[&str]) -> (String, usize) {
    let (mut read, mut answered) = (String::new(), 0);
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let addressed = operation.path.contains("{id}");
        for id in if addressed { ids } else { &["none"][..] } {
            let path = operation.path_with(id);
            if path.contains('{') {
                continue;
            }
            let answer = who.get(&path).await;
            answered += usize::from(answer.status == 200);
            read.push_str(&answer.text);
        }
    }
    (read, answered)
}

#[tokio::test]
async fn no_answer_to_a_resident_holds_a_note() {
    let app = App::spawn().await;
    let case = shared(&app).await;
    let (li, nobody) = (app.resident("li"), app.anonymous());
    let path = case.path("/notes");
    noted(&app.as_("dispatcher"), &path, SECRET).await;
    app.advance(TimeDelta::minutes(1));
    let own = noted(&app.as_(CLERK), &path, &format!("更正前：{SECRET}")).await;
    let body = json!({"text": format!("更正后：{SECRET}"), "corrects": own});
    write_on(&app.as_(CLERK), &path, "note-corrects", body).await.expect(201);

    // What the resident does, and the answer to each of it.
    let mut told = Vec::new();
    told.push(li.post(&case.path("/remind"), json!({})).await.ok());
    told.push(nobody.post("/track", case.track(json!({}))).await.ok());
    for task in app.tasks(&case).await {
        let unit = app.as_(&format!("dept.{}", task["unit"].as_str().unwrap()));
        let step = |verb: &str| format!("/tasks/{}/{verb}", task["id"].as_str().unwrap());
        unit.post(&step("acknowledge"), json!({})).await.expect(200);
        if task["role"] == "lead" {
            unit.post(&step("contact"), json!({"note": "电话联系"})).await.expect(200);
        }
    }
    // The assists first: the lead sums up what they replied.
    let mut tasks = app.tasks(&case).await;
    tasks.sort_by_key(|task| task["role"] == "lead");
    for task in tasks {
        let unit = app.as_(&format!("dept.{}", task["unit"].as_str().unwrap()));
        let step = |verb: &str| format!("/tasks/{}/{verb}", task["id"].as_str().unwrap());
        let reply = json!({"text": crate::support::REPLY, "outcome": "solved"});
        unit.post(&step("reply"), reply).await.expect(200);
        app.as_("dispatcher").post(&step("confirm"), json!({})).await.expect(200);
    }
    app.drain().await;
    let bad = json!({"solved": false, "satisfaction": 2});
    told.push(nobody.post("/track/evaluate", case.track(bad)).await.ok());
    app.drain().await;
    told.push(li.post(&case.path("/withdraw"), json!({"reason": "不想再等"})).await.ok());
    app.drain().await;

    let told = told.iter().map(Value::to_string).collect::<String>();
    assert!(!told.contains(SECRET), "{told}");
    for (who, least) in [(&li, 10), (&nobody, 2)] {
        let (read, answered) = everything(who, &[&case.id, &case.lead]).await;
        assert!(answered >= least, "{answered} answers: too little was read");
        assert!(!read.contains(SECRET), "a resident reads a note");
    }
    assert!(everything(&li, &[&case.id]).await.0.contains(&case.number), "the case itself is read");
    // Nor can one come to hold it later: the words stand in no other table.
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I', table_name) from information_schema.tables \
         where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    let mut holding = Vec::new();
    for table in tables {
        let sql = format!("select count(*) from {table} t where to_jsonb(t)::text like $1");
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(format!("%{SECRET}%"))
            .fetch_one(app.db())
            .await
            .unwrap();
        holding.extend((found > 0).then_some(table));
    }
    assert_eq!(holding, ["internal_note"]);
}
