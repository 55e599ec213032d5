//! A person's own files and what was lodged by telephone: shown to the person, erased with the person.

use std::io::Read;

use chrono::TimeDelta;
use infra::{
    postgres::privacy::register,
    storage::{Name, Part},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::erasure::{enqueue_chores, erase, is_erased};
use crate::support::{App, CLERK, Case, Client, REPLY, UNIT, complaint, photo};

async fn uploaded(who: &Client, key: &str) -> Value {
    who.upload(key, &photo(80, 60)).await.expect(201)["id"].clone()
}

/// Whether a file lies in the store, in both its sizes.
async fn lies(app: &App, id: &Value) -> bool {
    let id = id.as_str().unwrap().parse().unwrap();
    let (files, crypto) = (&app.state().files, &app.state().crypto);
    let mut there = Vec::new();
    for part in [Part::Whole, Part::Thumbnail] {
        there.push(files.get(crypto.clone(), Name { id, part }).await.unwrap().is_some());
    }
    assert_eq!(there[0], there[1], "half of a file");
    there[0]
}

/// A case of the person's with a photo of hers and one of the unit's.
async fn case_with_photos(app: &App, who: &Client) -> (Case, Value, Value) {
    let own = uploaded(who, "own-photo-1").await;
    let mut body = complaint();
    body["attachment_ids"] = json!([own]);
    let mut case = who.submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    clerk.post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    let offices = uploaded(&clerk, "reply-photo-1").await;
    let reply = json!({"text": REPLY, "outcome": "solved", "attachment_ids": [offices]});
    clerk.post(&case.task("/reply"), reply).await.expect(200);
    (case, own, offices)
}

#[tokio::test]
async fn own_files_go_from_the_store_once_no_case_in_progress_needs_them() {
    let app = App::spawn().await;
    let who = app.resident("sunwufan");
    let (case, own, offices) = case_with_photos(&app, &who).await;
    let others = uploaded(&app.resident("wang"), "others-photo-1").await;
    let mut body = complaint();
    body["attachment_ids"] = json!([others]);
    app.resident("wang").submit(&body).await;
    let account = who.get("/me").await.expect(200)["id"].clone();
    erase(&who).await;
    app.drain().await;
    assert!(!is_erased(&app, &account).await, "the case is in progress");
    assert!(lies(&app, &own).await, "whoever handles the case still needs the photo");

    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    for _ in 0..12 {
        app.advance(TimeDelta::days(3));
        app.drain().await;
    }
    enqueue_chores(&app).await;
    app.drain().await;
    assert!(is_erased(&app, &account).await);
    assert!(!lies(&app, &own).await);
    assert!(lies(&app, &offices).await, "what the unit photographed is the office's");
    assert!(lies(&app, &others).await, "what another uploaded is the other's");
    let page = app.as_("dispatcher").get(&case.path("/attachments")).await.expect(200);
    assert!(!page.to_string().contains(own.as_str().unwrap()), "{page}");
    let failed = app.count("job where kind = 'remove_files' and state <> 'done'").await;
    assert_eq!(failed, 0);
}

#[tokio::test]
async fn a_file_that_was_attached_to_nothing_goes_with_its_person() {
    let app = App::spawn().await;
    let who = app.resident("sunwufan");
    let loose = uploaded(&who, "loose-photo-1").await;
    let account = who.get("/me").await.expect(200)["id"].clone();
    erase(&who).await;
    assert!(lies(&app, &loose).await);
    app.drain().await;
    assert!(is_erased(&app, &account).await);
    assert!(!lies(&app, &loose).await);
    assert_eq!(app.count("attachment").await, 0);
}

/// A ZIP as it was sent.
async fn zipped(app: &App, who: &Client) -> zip::ZipArchive<std::io::Cursor<Vec<u8>>> {
    let url = format!("{}/api/v1/me/export?format=zip", app.base());
    let request = reqwest::Client::new().get(url).bearer_auth(who.token().await.unwrap());
    let bytes = request.send().await.unwrap().bytes().await.unwrap().to_vec();
    zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap()
}

#[tokio::test]
async fn a_zip_holds_ones_own_files_and_says_what_was_left_out() {
    let app = App::spawn().await;
    let who = app.resident("li");
    let (_, own, offices) = case_with_photos(&app, &who).await;
    let mut archive = zipped(&app, &who).await;
    let mut bytes = Vec::new();
    let name = format!("files/{}.jpg", own.as_str().unwrap());
    archive.by_name(&name).expect("the photo").read_to_end(&mut bytes).unwrap();
    assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 80);
    let names: Vec<String> = (0..archive.len())
        .map(|at| archive.by_index(at).unwrap().name().unwrap().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.contains(offices.as_str().unwrap())), "{names:?}");
    assert!(!names.contains(&"files/left-out.json".to_owned()), "{names:?}");

    let small = App::with(|config| config.privacy.export_megabytes = 0).await;
    let who = small.resident("li");
    let own = uploaded(&who, "own-photo-1").await;
    let mut archive = zipped(&small, &who).await;
    let left: Value =
        serde_json::from_reader(archive.by_name("files/left-out.json").unwrap()).unwrap();
    assert_eq!(left, json!([own]));
    let told = archive.by_name("attachments.json").unwrap();
    let told: Value = serde_json::from_reader(told).unwrap();
    assert_eq!(told[0]["id"], own, "it is named where the others are");
}

/// What somebody lodged without an account, with a number.
async fn anonymous(app: &App, phone: &str) -> Case {
    let mut body = complaint();
    body["contact"] = json!({"name": "孙小姐", "phone": phone});
    app.anonymous().submit(&body).await
}

#[tokio::test]
async fn what_was_lodged_by_telephone_is_found_by_the_verified_number() {
    let app = App::spawn().await;
    let who = app.resident("sunwufan");
    let hers = anonymous(&app, "13911112222").await;
    anonymous(&app, "13911113333").await;
    let mut named = complaint();
    named["contact"] = json!({"name": "王五", "phone": "13911112222"});
    app.resident("wang").submit(&named).await;
    let exported = || async { who.get("/me/export").await.expect(200)["data"].clone() };
    assert_eq!(exported().await["phone_complaints"], json!([]), "no number is verified yet");
    let code = json!({"code": "demo:13911112222"});
    who.request(Method::POST, "/me/phone").key("phone-key-1").json(&code).send().await.expect(200);
    let told = exported().await["phone_complaints"].clone();
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 1, "another's account is another's: {told:?}");
    assert_eq!(
        (&told[0]["number"], &told[0]["status"]),
        (&json!(hers.number), &json!("submitted"))
    );
    assert!(told[0].get("title").is_none(), "a number may have been another's before");

    let account = who.get("/me").await.expect(200)["id"].clone();
    let waits = erase(&who).await["waits_for"].clone();
    assert_eq!(
        (&waits[0]["hold"], &waits[0]["count"]),
        (&json!("complaint"), &json!(1)),
        "{waits}"
    );
    app.drain().await;
    assert_eq!(app.count("complaint_contact").await, 3, "it is in progress");
    let withdraw = hers.track(json!({"reason": "自己解决了"}));
    app.anonymous().post("/track/withdraw", withdraw).await.expect(200);
    enqueue_chores(&app).await;
    app.drain().await;
    assert!(is_erased(&app, &account).await);
    assert_eq!(app.count("complaint_contact").await, 2, "the others' contacts stay");
    let left = format!("complaint_contact where complaint_id = '{}'", hers.id);
    assert_eq!(app.count(&left).await, 0);
    app.anonymous().post("/track", hers.track(json!({}))).await.expect(200);
}

#[test]
fn an_erasure_and_an_export_mean_the_same_files() {
    let table = register::tables().find(|table| table.name == "attachment").unwrap();
    assert_eq!(table.whose, Some(register::FILES));
}
