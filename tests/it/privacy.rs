//! A person's own rights: the register of what is held, the export, correction, erasure, consent.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use infra::postgres::privacy::register::{Fate, Why, tables};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Client, REPLY, complaint};

mod erasure;
mod files;
mod plain;
mod rekey;
pub mod scan;
pub mod secrecy;

/// Every column of the database, by table, and whether it may be null.
async fn columns(app: &App) -> BTreeMap<String, BTreeMap<String, bool>> {
    let rows: Vec<(String, String, bool)> = sqlx::query_as(
        "select c.table_name::text, c.column_name::text, c.is_nullable = 'YES'
         from information_schema.columns c join information_schema.tables t
             using (table_schema, table_name)
         where c.table_schema = 'public' and t.table_type = 'BASE TABLE'
             and c.table_name <> '_sqlx_migrations'
             and not exists (
                 select from pg_class where relname = c.table_name and relispartition)",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    let mut all: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
    for (table, column, nullable) in rows {
        all.entry(table).or_default().insert(column, nullable);
    }
    all
}

/// The register and the database are the same: a table or a column that one has and the other has
/// not fails here, as an operation without a row fails in `permissions.rs`.
#[tokio::test]
async fn every_column_of_the_database_stands_in_the_register_once() {
    let app = App::spawn().await;
    let there = columns(&app).await;
    let registered: BTreeSet<String> = tables().map(|table| table.name.to_owned()).collect();
    assert_eq!(registered.len(), tables().count(), "a table stands twice");
    assert_eq!(registered, there.keys().cloned().collect(), "tables");
    let mut faults = Vec::new();
    for table in tables() {
        let (name, real) = (table.name, &there[table.name]);
        let mut seen = BTreeSet::new();
        for (column, fate) in table.columns() {
            let nullable = real.get(column);
            if nullable.is_none() || !seen.insert(column.to_owned()) {
                faults.push(format!("{name}.{column}: not there, or twice"));
            }
            if matches!(fate, Fate::Gone | Fate::Forgotten) && nullable == Some(&false) {
                faults.push(format!("{name}.{column}: cannot be null"));
            }
            let of_person = !matches!(fate, Fate::Kept(_) | Fate::Scrubbed | Fate::MarkedIfNamed);
            if of_person && table.whose.is_none() {
                faults.push(format!("{name}.{column}: whose?"));
            }
            if matches!(fate, Fate::Scrubbed | Fate::MarkedIfNamed) && table.about.is_none() {
                faults.push(format!("{name}.{column}: about whom?"));
            }
            // What is sealed is sealed because it is of somebody.
            if column.ends_with("_sealed") && fate == Fate::Kept(Why::Public) {
                faults.push(format!("{name}.{column}: sealed, and public?"));
            }
        }
        for column in real.keys().filter(|column| !seen.contains(*column)) {
            faults.push(format!("{name}.{column}: no entry"));
        }
        let Some(told) = &table.told else { continue };
        let shown = told.columns.split_whitespace();
        let shown = shown.chain(told.sealed.iter().map(|(column, ..)| *column));
        for column in shown.filter(|column| !real.contains_key(*column)) {
            faults.push(format!("{name}.{column}: told, and not there"));
        }
        if table.whose.is_none() {
            faults.push(format!("{name}: told to nobody"));
        }
        for (column, ..) in told.sealed.iter().filter(|(column, ..)| !column.ends_with("_sealed")) {
            faults.push(format!("{name}.{column}: not sealed"));
        }
    }
    assert!(faults.is_empty(), "infra/src/postgres/privacy/register:\n  {}", faults.join("\n  "));
}

async fn export(who: &Client) -> Value {
    who.get("/me/export").await.expect(200)
}

/// A case of `li`'s with everything that is not hers beside it: notes, a contact, a reply.
async fn case_with_notes(app: &App) -> crate::support::Case {
    let case = app.acknowledged().await;
    let note = json!({"text": "内部：上门请两人同行"});
    let notes = case.path("/notes");
    let dispatcher = app.as_("dispatcher");
    dispatcher.request(Method::POST, &notes).key("note-one").json(&note).send().await.expect(201);
    app.contact_and_reply(&case).await;
    dispatcher.post(&case.task("/confirm"), json!({})).await.expect(200);
    let stars = json!({"solved": true, "satisfaction": 4, "comment": "修得很快"});
    app.resident("li").post(&case.path("/evaluate"), stars).await.expect(200);
    case
}

#[tokio::test]
async fn an_export_holds_all_that_is_ones_own_and_nothing_of_others() {
    let app = App::spawn().await;
    let case = case_with_notes(&app).await;
    let mut secret = complaint();
    secret["kind"] = json!("report");
    secret["content"] = json!("举报某单位虚报工作量，材料见附件说明。");
    app.resident("li").submit(&secret).await;
    let mut others = complaint();
    others["contact"] = json!({"name": "王别人", "phone": "13777770000"});
    app.resident("wang").submit(&others).await;
    crate::points::kept::served(&app, "li", 120).await;
    app.drain().await;

    let data = export(&app.resident("li")).await;
    let me = app.resident("li").get("/me").await.expect(200);
    assert_eq!(data["account"], me["id"]);
    let data = &data["data"];
    let numbers = |word: &str| data[word].as_array().expect(word).len();
    assert_eq!(numbers("complaints"), 2, "{data}");
    assert!(data["complaints"].as_array().unwrap().iter().any(|one| one["number"] == case.number));
    let contact = &data["complaint_contacts"][0];
    assert_eq!((&contact["name"], &contact["phone"]), (&json!("李桂芳"), &json!("13834567890")));
    assert_eq!(data["replies"][0]["reply_text"], REPLY);
    assert_eq!(data["evaluations"][0]["comment"], "修得很快");
    assert_eq!((numbers("claims"), &data["claims"][0]["minutes"]), (1, &json!(120)));
    assert_eq!(data["points_entries"][0]["amount"], 2);
    assert_eq!(data["contact"][0]["open_id"], "demo:li");
    assert!(numbers("notifications") > 0 && numbers("sessions") > 0 && numbers("audit") > 0);

    let text = data.to_string();
    let clerk = app.as_(CLERK).get("/me").await.expect(200);
    let clerk = clerk["display_name"].as_str().unwrap().to_owned();
    for foreign in
        ["两人同行", "王别人", "13777770000", "约定今晚", clerk.as_str(), "_sealed", "hash"]
    {
        assert!(!text.contains(foreign), "{foreign} is not hers: {text}");
    }
    let none = export(&app.resident("new-here")).await;
    assert_eq!(none["data"]["complaints"], json!([]), "an empty word is there and empty");
    let member = export(&app.resident("party-1")).await["data"].clone();
    assert_eq!(member["party_member"][0]["name"], "演示党员1");
    assert_eq!(member["party_member"][0]["id_number_last6"], "100001");
    assert_eq!(member["registrations"][0]["name"], "演示党员1");
}

/// A ZIP and its files.
async fn unzipped(app: &App, who: &Client, path: &str, accept: &str) -> BTreeMap<String, Value> {
    let url = format!("{}/api/v1{path}", app.base());
    let request = reqwest::Client::new().get(url).bearer_auth(who.token().await.unwrap());
    let answer = request.header("accept", accept).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/zip");
    let bytes = std::io::Cursor::new(answer.bytes().await.unwrap().to_vec());
    let mut archive = zip::ZipArchive::new(bytes).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let name = file.name().unwrap().into_owned();
        // The clock of the tests, not the 1980 of an archive that knows no time.
        assert_eq!(file.last_modified().unwrap().year(), 2026, "{name}");
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let is_text = name.ends_with(".txt");
        let held = if is_text { json!(text) } else { serde_json::from_str(&text).unwrap() };
        files.insert(name, held);
    }
    files
}

#[tokio::test]
async fn a_zip_has_a_file_for_each_word_and_is_sent_while_it_is_read() {
    let app = App::with(|config| config.limits.export_per_hour = 3).await;
    let li = app.resident("li");
    let case = app.submitted().await;
    // More than a few chunks, of one person.
    let id = li.get("/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    sqlx::query(
        "insert into saved_view (id, account_id, name, list, query, created_at)
         select gen_random_uuid(), $1::text::uuid, 'v' || n, 'tasks', repeat('长', 400), now()
         from generate_series(1, 3000) n",
    )
    .bind(&id)
    .execute(app.db())
    .await
    .unwrap();
    let files = unzipped(&app, &li, "/me/export?format=zip", "*/*").await;
    assert_eq!(files["about.json"]["account"], id.as_str());
    assert_eq!(files["complaints.json"][0]["number"], case.number);
    assert_eq!(files["saved_views.json"].as_array().unwrap().len(), 3000);
    let words = tables().filter(|table| table.told.is_some()).count();
    // And `about`, what was lodged by telephone, and what says in Chinese what each file is.
    assert_eq!(files.len(), words + 3, "{:?}", files.keys());
    let readme = files["说明.txt"].as_str().unwrap();
    assert!(readme.contains("complaints.json　您提交的诉求"), "{readme}");
    assert_eq!(unzipped(&app, &li, "/me/export", "application/zip").await.len(), words + 3);

    let wrong = li.get("/me/export?format=xml").await;
    assert_eq!((wrong.status, wrong.fields()), (422, vec!["format"]));
    app.anonymous().get("/me/export").await.refused(401, "unauthenticated");
    assert_eq!(export(&li).await["data"]["saved_views"].as_array().unwrap().len(), 3000);
    li.get("/me/export").await.refused(429, "rate_limited");
    export(&app.resident("wang")).await;
    let trail = "audit_entry where action = 'privacy.export'";
    assert_eq!(app.count(trail).await, 4, "each on record, the refused one is none");
}

#[tokio::test]
async fn a_person_corrects_the_name_and_staff_do_not() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let patch = |who: Client, body: Value| async move {
        who.request(Method::PATCH, "/me").json(&body).send().await
    };
    let told = patch(li.clone(), json!({"display_name": " 老李 "})).await.expect(200);
    assert_eq!(told["display_name"], "老李");
    assert_eq!(li.get("/me").await.expect(200)["display_name"], "老李");
    patch(li.clone(), json!({"display_name": "老李"})).await.expect(200);
    let trail: Vec<Value> =
        sqlx::query_scalar("select data from audit_entry where action = 'privacy.correct'")
            .fetch_all(app.db())
            .await
            .unwrap();
    assert_eq!(trail, [json!({"fields": ["display_name"]})], "once, and without the name");
    for bad in [json!(""), json!("一\n二"), json!("字".repeat(31)), json!(null), json!(7)] {
        let refused = patch(li.clone(), json!({ "display_name": bad })).await;
        assert_eq!((refused.status, refused.fields()), (422, vec!["display_name"]), "{bad}");
    }
    patch(app.as_(CLERK), json!({"display_name": "局长"})).await.refused(409, "staff_account");
}

#[tokio::test]
async fn what_is_old_is_not_kept() {
    let app = App::spawn().await;
    app.closed().await;
    app.drain().await;
    let li = app.resident("li");
    assert!(!li.all("/notifications").await.is_empty());
    app.advance(chrono::TimeDelta::days(700));
    erasure::enqueue_chores(&app).await;
    app.drain().await;
    let kept = app.count("notification").await;
    assert!(kept > 0, "not old yet");
    let cases = app.count("event").await;
    app.advance(chrono::TimeDelta::days(32));
    erasure::enqueue_chores(&app).await;
    app.drain().await;
    let before = "notification where created_at < '2026-11-25T00:00:00Z'";
    assert_eq!(app.count(before).await, 0);
    assert_eq!(app.count("refresh_token where issued_at < '2026-11-25T00:00:00Z'").await, 0);
    assert!(app.count("event").await >= cases, "the record stays");
}

#[tokio::test]
async fn consents_have_versions_and_are_withdrawn() {
    let app = App::with(|config| {
        config.privacy.consent_required = vec!["complaint.submit".to_owned()];
    })
    .await;
    let li = app.resident("li");
    let notices = app.anonymous().get("/privacy-notices").await.expect(200);
    let purposes: Vec<&str> =
        notices.as_array().unwrap().iter().map(|one| one["purpose"].as_str().unwrap()).collect();
    assert_eq!(purposes, ["location", "message", "party", "service"]);

    let submit = || async {
        let key = format!("key-{:016x}", u64::from_be_bytes(infra::random::bytes()));
        li.request(Method::POST, "/complaints").key(&key).json(&complaint()).send().await
    };
    submit().await.refused(409, "consent_required");
    let give = json!({"purpose": "service", "version": 1});
    let held = li.post("/me/consents", give.clone()).await.expect(200);
    assert_eq!((&held[0]["purpose"], &held[0]["withdrawn_at"]), (&json!("service"), &Value::Null));
    assert_eq!(li.post("/me/consents", give.clone()).await.expect(200), held, "twice is once");
    submit().await.expect(201);
    let wrong = li.post("/me/consents", json!({"purpose": "service", "version": 2})).await;
    assert_eq!((wrong.status, wrong.fields()), (422, vec!["version"]));
    assert_eq!(app.resident("wang").get("/me/consents").await.expect(200), json!([]));

    // A new version asks anew, from the day on that it counts.
    sqlx::query("insert into privacy_notice values ('service', 2, '告知（二）', '新的内容', $1)")
        .bind(app.now() + chrono::TimeDelta::hours(1))
        .execute(app.db())
        .await
        .unwrap();
    submit().await.expect(201);
    app.advance(chrono::TimeDelta::hours(2));
    submit().await.refused(409, "consent_required");
    li.post("/me/consents", json!({"purpose": "service", "version": 2})).await.expect(200);
    submit().await.expect(201);
    let all = li.post("/me/consents/withdraw", json!({"purpose": "service"})).await.expect(200);
    let all = all.as_array().unwrap().clone();
    assert!(all.len() == 2 && all.iter().all(|one| one["withdrawn_at"].is_string()), "{all:?}");
    submit().await.refused(409, "consent_required");
    li.post("/me/consents/withdraw", json!({"purpose": "service"})).await.expect(200);
    li.post("/me/consents", json!({"purpose": "service", "version": 2})).await.expect(200);
    assert_eq!(li.get("/me/consents").await.expect(200).as_array().unwrap().len(), 3);

    // Staff take in on duty, and nobody without an account is asked here.
    app.anonymous().submit(&complaint()).await;
    let trail = "audit_entry where action in ('privacy.consent', 'privacy.withdraw')";
    assert_eq!(app.count(trail).await, 4);
}
