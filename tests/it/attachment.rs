//! Attachments: uploaded once however often they are sent, attached once, shown to whoever may see
//! what they belong to, hidden by a person, swept when nobody wants them.

use api::jobs::schedule::Schedule;
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, Client, REPLY, UNIT, complaint, form, photo};

mod bucket;
mod hostile;
pub mod memory;
mod pictures;

/// A file as a browser gets it: status, headers, bytes.
pub async fn fetched(app: &App, url: &Value) -> (u16, HeaderMap, Vec<u8>) {
    let url = format!("{}{}", app.base(), url.as_str().expect("a link"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(url).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

fn key() -> String {
    format!("file-{:016x}", u64::from_be_bytes(infra::random::bytes()))
}

/// Uploads a photo; its id.
async fn uploaded(who: &Client) -> Value {
    who.upload(&key(), &photo(80, 60)).await.expect(201)["id"].clone()
}

async fn submit_with(who: &Client, ids: &[Value]) -> Case {
    let mut body = complaint();
    body["attachment_ids"] = json!(ids);
    who.submit(&body).await
}

/// A voice that says nothing.
fn voice() -> Vec<u8> {
    [b"#!AMR\n".to_vec(), [vec![0x3C], vec![7; 31]].concat().repeat(100)].concat()
}

async fn files_of(who: &Client, path: &str) -> Vec<Value> {
    files_of_page(who, &format!("{path}/attachments")).await
}

async fn files_of_page(who: &Client, path: &str) -> Vec<Value> {
    let page = who.get(path).await.expect(200);
    assert!(page["next_cursor"].is_null());
    page["items"].as_array().unwrap().clone()
}

/// How many files lie in the store.
fn stored(app: &App) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { count(&path) } else { 1 })
            .sum()
    }
    count(std::path::Path::new(&app.state().config.files.directory))
}

#[tokio::test]
async fn a_photo_is_kept_and_fetched_by_its_link() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let made = li.upload("my-first-photo", &photo(640, 480)).await.expect(201);
    assert_eq!((&made["kind"], &made["media_type"]), (&json!("image"), &json!("image/jpeg")));
    assert_eq!((&made["width"], &made["height"]), (&json!(640), &json!(480)));
    assert_eq!((&made["check"], &made["place"]), (&json!("pending"), &Value::Null));
    let (status, headers, bytes) = fetched(&app, &made["url"]).await;
    assert_eq!(status, 200);
    let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    assert_eq!(header("content-type"), b"image/jpeg");
    assert_eq!(header("x-content-type-options"), b"nosniff");
    assert_eq!(header("content-security-policy"), b"default-src 'none'; sandbox");
    let name = format!("attachment; filename=\"{}.jpg\"", made["id"].as_str().unwrap());
    assert_eq!(header("content-disposition"), name.as_bytes());
    assert_eq!(made["bytes"], json!(bytes.len()));
    let picture = image::load_from_memory(&bytes).unwrap();
    assert_eq!((picture.width(), picture.height()), (640, 480));
    let (status, _, small) = fetched(&app, &made["thumbnail_url"]).await;
    assert_eq!((status, image::load_from_memory(&small).unwrap().width()), (200, 360));
    // What lies on the disk is sealed.
    assert_eq!(stored(&app), 2);
    let directory = app.state().config.files.directory.clone();
    let grep = std::process::Command::new("grep").args(["-rlc", "JFIF", &directory]).output();
    assert!(grep.unwrap().stdout.is_empty(), "a file lies there in plain");
}

#[tokio::test]
async fn a_link_is_good_for_minutes_and_for_its_file_alone() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let [one, two] = ["first-file", "second-file"].map(|key| (key, photo(50, 50)));
    let one = li.upload(one.0, &one.1).await.expect(201);
    let two = li.upload(two.0, &two.1).await.expect(201);
    let url = one["url"].as_str().unwrap();
    let foreign = url.replace(one["id"].as_str().unwrap(), two["id"].as_str().unwrap());
    let longer = url.replace("expires=1", "expires=2");
    let thumbnail = url.replace("/file?", "/thumbnail?");
    let cut = &url[..url.len() - 2];
    let bare = url.split('?').next().unwrap();
    for wrong in
        [&foreign, &longer, &thumbnail, cut, bare, &format!("{bare}?expires=x&signature=zz")]
    {
        assert_eq!(fetched(&app, &json!(wrong)).await.0, 404, "{wrong}");
    }
    app.advance(TimeDelta::minutes(9));
    assert_eq!(fetched(&app, &one["url"]).await.0, 200);
    app.advance(TimeDelta::minutes(1));
    assert_eq!(fetched(&app, &one["url"]).await.0, 404);
    let path = format!("/attachments/{}", one["id"].as_str().unwrap());
    let again = li.get(&path).await.expect(200);
    assert_eq!(fetched(&app, &again["url"]).await.0, 200);
    app.resident("wang").get(&path).await.refused(404, "not_found");
}

#[tokio::test]
async fn an_upload_that_is_repeated_is_one_file() {
    let app = App::spawn().await;
    let li = app.resident("li");
    li.token().await;
    let (good, other) = (photo(40, 30), photo(40, 31));
    let answers = join_all((0..8).map(|_| li.upload("the-same-photo", &good))).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{}", answers[0]);
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    assert_eq!(app.count("attachment").await, 1);
    assert_eq!(stored(&app), 2, "a twin left its files behind");
    li.upload("the-same-photo", &other).await.refused(422, "idempotency_key_reused");
    // The bytes are compared, not what surrounds them.
    let renamed = li.upload_form("the-same-photo", &form("file", "x.exe", &good)).await;
    assert_eq!(renamed.text, answers[0].text);
    let bare = li
        .request(Method::POST, "/attachments")
        .raw("multipart/form-data; boundary=x-boundary", form("file", "a", &good));
    bare.send().await.refused(400, "idempotency_key_required");
    assert_eq!(app.count("attachment").await, 1);
}

#[tokio::test]
async fn a_form_has_one_file() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let good = photo(20, 20);
    let one = form("file", "a.jpg", &good);
    let twice = [&one[..one.len() - "--\r\n".len()], &one["--x-boundary".len()..]].concat();
    for odd in [form("photo", "a.jpg", &good), twice] {
        let answer = li.upload_form(&key(), &odd).await;
        answer.refused(422, "invalid_field");
    }
    let empty = li.upload_form(&key(), b"--x-boundary--\r\n").await;
    assert!(matches!(empty.status, 400 | 422), "{empty}");
    let json = li.request(Method::POST, "/attachments").key(&key()).json(&json!({"file": "x"}));
    json.send().await.refused(422, "invalid_field");
    let cut = form("file", "a.jpg", &good);
    let cut = li.upload_form(&key(), &cut[..cut.len() / 2]).await;
    cut.refused(400, "attachment_broken_off");
    let large = vec![0xFF; 10 * 1024 * 1024 + 1];
    li.upload(&key(), &large).await.refused(413, "attachment_too_large");
    assert_eq!((app.count("attachment").await, stored(&app)), (0, 0));
}

#[tokio::test]
async fn a_day_has_its_quota() {
    let app = App::with(|config| config.files.per_day = 2).await;
    let li = app.resident("li");
    for _ in 0..2 {
        uploaded(&li).await;
    }
    li.upload(&key(), &photo(80, 60)).await.refused(429, "attachment_quota_reached");
    uploaded(&app.resident("wang")).await;
    app.advance(TimeDelta::hours(24));
    uploaded(&li).await;
    let app = App::with(|config| config.limits.uploads_per_minute = 1).await;
    let li = app.resident("li");
    uploaded(&li).await;
    li.upload(&key(), &photo(80, 60)).await.refused(429, "rate_limited");
}

#[tokio::test]
async fn whoever_reads_a_complaint_sees_its_files_in_order_and_not_whose_they_are() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let ids = [uploaded(&li).await, uploaded(&li).await, uploaded(&li).await];
    let ids = [ids[2].clone(), ids[0].clone(), ids[1].clone()];
    let mut body = complaint();
    body["attachment_ids"] = json!(ids);
    body["confidential"] = json!(true);
    let mut case = li.submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let account = li.get("/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    for who in [li, app.as_("dispatcher"), app.as_(CLERK), app.as_("community.140213066004")] {
        let files = files_of(&who, &case.path("")).await;
        let shown: Vec<&Value> = files.iter().map(|file| &file["id"]).collect();
        assert_eq!(shown, ids.iter().collect::<Vec<_>>());
        assert!(!json!(files).to_string().contains(&account), "it tells who reported");
        assert!(files.iter().all(|file| file["place"] == "complaint"));
        assert_eq!(fetched(&app, &files[0]["url"]).await.0, 200);
    }
    for stranger in [app.resident("wang"), app.as_("dept.housing")] {
        let path = case.path("/attachments");
        stranger.get(&path).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn one_attaches_ones_own_files_once() {
    let app = App::spawn().await;
    let (li, wang) = (app.resident("li"), app.resident("wang"));
    let (own, foreign) = (uploaded(&li).await, uploaded(&wang).await);
    let missing = json!("019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071");
    let hand_in = async |who: &Client, key: &str, ids: &[&Value]| {
        let mut body = complaint();
        body["attachment_ids"] = json!(ids);
        who.request(Method::POST, "/complaints").key(key).json(&body).send().await
    };
    let many = vec![&own; 10];
    for (who, ids) in [
        (&li, &[&foreign][..]),
        (&li, &[&own, &missing]),
        (&li, &[&own, &own]),
        (&li, &many),
        (&app.anonymous(), &[&own]),
    ] {
        let answer = hand_in(who, &key(), ids).await;
        assert_eq!(answer.fields(), ["attachment_ids"], "{answer}");
        answer.refused(422, "invalid_field");
    }
    let before = app.count("complaint").await;
    let first = hand_in(&li, "with-a-photo", &[&own]).await;
    let again = hand_in(&li, "with-a-photo", &[&own]).await;
    assert_eq!((again.status, &again.text), (201, &first.text), "a double tap");
    hand_in(&li, "with-a-photo", &[]).await.refused(422, "idempotency_key_reused");
    hand_in(&li, &key(), &[&own]).await.refused(422, "invalid_field");
    assert_eq!(app.count("complaint").await, before + 1);
    // Of two complaints at once one gets it.
    let one = uploaded(&li).await;
    let (a, b) = (key(), key());
    let named = [&one];
    let (a, b) = futures::join!(hand_in(&li, &a, &named), hand_in(&li, &b, &named));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    let moved = sqlx::query(
        "update attachment set complaint_id = (
            select id from complaint c where c.id <> complaint_id limit 1) where place is not null",
    )
    .execute(app.db())
    .await
    .unwrap_err();
    assert_eq!(infra::postgres::violated(&moved), Some("attachment_stays"));
}

#[tokio::test]
async fn a_reply_carries_photos_and_the_reporter_sees_those_of_the_answer() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    let people = json!([{"name": "张工", "post": "市政科科长"}]);
    let there = uploaded(&clerk).await;
    let report = json!({"people": people, "attachment_ids": [there]});
    clerk.post(&case.task("/report-in"), report).await.expect(200);
    let [one, two] = [uploaded(&clerk).await, uploaded(&clerk).await];
    let reply = |ids: &[&Value]| json!({"text": REPLY, "outcome": "solved", "attachment_ids": ids});
    let foreign = uploaded(&app.resident("li")).await;
    let refused = clerk.post(&case.task("/reply"), reply(&[&foreign])).await;
    refused.refused(422, "invalid_field");
    clerk.post(&case.task("/reply"), reply(&[&one, &two])).await.expect(200);
    let li = app.resident("li");
    assert!(files_of(&li, &case.path("")).await.is_empty(), "it is not the answer yet");
    let back = json!({"reason": "请说明东侧的情况"});
    app.as_("dispatcher").post(&case.task("/send-back"), back).await.expect(200);
    app.advance(TimeDelta::minutes(1));
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    // Written again by another officer of the unit, it keeps one photo and drops the other.
    let head = app.as_("head.urban-management");
    head.post(&case.task("/reply"), reply(&[&one])).await.expect(200);
    let of_task = files_of(&clerk, &case.task("")).await;
    let shown: Vec<_> = of_task.iter().map(|file| (&file["place"], &file["id"])).collect();
    assert_eq!(shown, [(&json!("report_in"), &there), (&json!("reply"), &one)]);
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    let answer = files_of(&li, &case.path("")).await;
    assert_eq!((answer.len(), &answer[0]["id"]), (1, &one));
    li.get(&case.task("/attachments")).await.refused(403, "forbidden");
}

#[tokio::test]
async fn photos_are_demanded_where_the_duty_item_does_and_never_otherwise() {
    let app = App::spawn().await;
    let items = app.as_("dispatcher").all(&format!("/duty-items?unit={UNIT}")).await;
    let item = items.iter().find(|item| item["photos_required"] == true).expect("such an item");
    let mut case = app.accepted().await;
    app.dispatch(&mut case, json!({"lead": UNIT, "duty_item": item["code"]})).await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    clerk.post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    let reply = |ids: &[&Value]| json!({"text": REPLY, "outcome": "solved", "attachment_ids": ids});
    clerk.post(&case.task("/reply"), reply(&[])).await.refused(422, "photos_required");
    let voice = clerk.upload(&key(), &voice()).await.expect(201)["id"].clone();
    clerk.post(&case.task("/reply"), reply(&[&voice])).await.refused(422, "photos_required");
    let seen = uploaded(&clerk).await;
    clerk.post(&case.task("/reply"), reply(&[&seen, &voice])).await.expect(200);
}

#[tokio::test]
async fn what_waits_for_the_head_the_centre_does_not_see() {
    let app = App::spawn().await;
    let head = app.as_("head.urban-management");
    let rule = json!({"outcomes": ["solved"]});
    let path = format!("/units/{UNIT}/reply-approval");
    head.request(Method::PUT, &path).json(&rule).send().await.expect(200);
    let case = app.acknowledged().await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/contact"), json!({"note": "电话联系"})).await.expect(200);
    let one = uploaded(&clerk).await;
    let reply = json!({"text": REPLY, "outcome": "solved", "attachment_ids": [one]});
    clerk.post(&case.task("/reply"), reply).await.expect(200);
    let centre = app.as_("dispatcher");
    assert_eq!(files_of(&head, &case.task("")).await.len(), 1);
    assert!(files_of(&centre, &case.task("")).await.is_empty());
    app.advance(TimeDelta::minutes(1));
    let yes = json!({"approve": true});
    head.post(&case.task("/reply/decide"), yes).await.expect(200);
    assert_eq!(files_of(&centre, &case.task("")).await.len(), 1);
}

#[tokio::test]
async fn a_person_hides_a_file_and_every_link_to_it_is_dead_at_once() {
    let app = App::spawn().await;
    let (li, centre) = (app.resident("li"), app.as_("dispatcher"));
    let one = uploaded(&li).await;
    let path = format!("/attachments/{}", one.as_str().unwrap());
    let hide = json!({"reason": "照片里有他人的身份证件"});
    centre.post(&format!("{path}/hide"), hide.clone()).await.refused(404, "not_found");
    let case = submit_with(&li, std::slice::from_ref(&one)).await;
    let link = files_of(&li, &case.path("")).await[0]["url"].clone();
    assert_eq!(fetched(&app, &link).await.0, 200);
    let pending = centre.all("/attachments?check=pending").await;
    assert_eq!((pending.len(), &pending[0]["id"]), (1, &one));
    assert_eq!(pending[0]["complaint_id"], json!(case.id));
    centre.post(&format!("{path}/hide"), json!({"reason": ""})).await.refused(422, "invalid_field");
    let hidden = centre.post(&format!("{path}/hide"), hide.clone()).await.expect(200);
    assert_eq!(hidden["check"], "hidden");
    assert_eq!(fetched(&app, &link).await.0, 404, "a link that was given out still works");
    assert_eq!(fetched(&app, &hidden["url"]).await.0, 200, "who judges it sees it");
    let own = files_of(&li, &case.path("")).await[0].clone();
    assert_eq!((&own["url"], &own["hidden_reason"]), (&Value::Null, &hide["reason"]));
    let community = app.as_("community.140213066004");
    let other = files_of(&community, &case.path("")).await[0].clone();
    assert_eq!((&other["url"], &other["hidden_reason"]), (&Value::Null, &Value::Null));
    centre.post(&format!("{path}/hide"), hide).await.refused(409, "attachment_step_refused");
    let shown = json!({"reason": "复核后没有问题"});
    app.as_("supervisor").post(&format!("{path}/unhide"), shown).await.expect(200);
    assert_eq!(fetched(&app, &link).await.0, 200);
    let trail: Vec<String> = sqlx::query_scalar(
        "select action || ' ' || (data ->> 'reason') from audit_entry
         where object = 'attachment' and action <> 'attachment.upload' order by action",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    let told = ["attachment.hide 照片里有他人的身份证件", "attachment.unhide 复核后没有问题"];
    assert_eq!(trail, told);
}

#[tokio::test]
async fn the_automatic_check_hides_and_a_persons_word_stands() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let ids = [uploaded(&li).await, uploaded(&li).await, uploaded(&li).await];
    let case = submit_with(&li, &ids).await;
    let checked = async |id: &Value, fine: bool| {
        let id = id.as_str().unwrap().parse().unwrap();
        let conn = &mut *app.db().acquire().await.unwrap();
        api::app::attachment::checked(conn, id, fine, app.now()).await.unwrap();
    };
    let stand = async || -> Vec<Value> {
        let files = files_of(&li, &case.path("")).await;
        files.iter().map(|file| file["check"].clone()).collect()
    };
    assert_eq!(stand().await, ["pending", "pending", "pending"]);
    let looked = json!({"reason": "人工查看没有问题"});
    let path = format!("/attachments/{}/unhide", ids[2].as_str().unwrap());
    app.as_("dispatcher").post(&path, looked).await.expect(200);
    checked(&ids[0], true).await;
    checked(&ids[1], false).await;
    checked(&ids[2], false).await;
    assert_eq!(stand().await, ["passed", "hidden", "passed"]);
    checked(&ids[1], true).await;
    checked(&json!("019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"), false).await;
    assert_eq!(stand().await, ["passed", "hidden", "passed"], "it answers once");
}

#[tokio::test]
async fn what_is_never_attached_is_swept_and_nothing_else() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let kept = uploaded(&li).await;
    let case = submit_with(&li, &[kept]).await;
    let lost = uploaded(&li).await;
    // A file whose row was never written: the process was killed between the two.
    let now = app.now();
    let name =
        infra::storage::Name { id: infra::random::id(now), part: infra::storage::Part::Whole };
    app.state().files.put(&app.state().crypto, name, b"x").await.unwrap();
    // And one that was killed while it wrote.
    let folder = format!("{}/files/{}", app.state().config.files.directory, now.format("%Y-%m-%d"));
    let id: domain::id::AttachmentId = infra::random::id(now);
    std::fs::write(format!("{folder}/{id}.thumbnail#1"), b"half").unwrap();
    assert_eq!(stored(&app), 6);
    for (hours, rows, files) in [(23, 2, 6), (2, 1, 4), (1, 1, 2), (30, 1, 2)] {
        app.advance(TimeDelta::hours(hours));
        Schedule::default().enqueue_due(app.state(), true).await;
        app.drain().await;
        assert_eq!((app.count("attachment").await, stored(&app)), (rows, files), "after {hours} h");
    }
    let gone = format!("/attachments/{}", lost.as_str().unwrap());
    li.get(&gone).await.refused(404, "not_found");
    let files = files_of(&li, &case.path("")).await;
    assert_eq!(fetched(&app, &files[0]["url"]).await.0, 200);
}
