//! WeChat's check of photos: asked for by a link that WeChat can follow, answered by a push.

use chrono::TimeDelta;
use serde_json::{Value, json};
use wiremock::MockServer;

use super::{checked_json, checked_xml, succeeded};
use crate::support::{
    App, Case, Client, complaint, photo, wechat, wechat_answers, wechat_asked, wechat_refuses,
    wechat_says,
};

const ASK: &str = "/wxa/media_check_async";
const TEXT: &str = "/wxa/msg_sec_check";

/// A WeChat that takes a photo to check, and passes texts.
async fn checking() -> MockServer {
    let server = wechat().await;
    let passed = json!({"errcode": 0, "result": {"suggest": "pass", "label": 100}});
    wechat_answers(&server, TEXT, wechat_says(&passed)).await;
    wechat_answers(&server, ASK, wechat_says(&json!({"errcode": 0, "trace_id": "t-1"}))).await;
    server
}

/// A complaint with a photo; who reported it, the case, the photo's id.
async fn with_photo(app: &App) -> (Client, Case, String) {
    let wang = app.wechat_person("wang").await;
    let key = format!("file-{:016x}", u64::from_be_bytes(infra::random::bytes()));
    let id = wang.upload(&key, &photo(80, 60)).await.expect(201)["id"].clone();
    let mut body = complaint();
    body["attachment_ids"] = json!([id]);
    let case = wang.submit(&body).await;
    (wang, case, id.as_str().unwrap().to_owned())
}

/// As WeChat fetches it: status and media type.
async fn fetched(app: &App, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(format!("{}/api/v1{path}", app.base())).send().await.unwrap();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), media_type)
}

async fn check_of(app: &App, id: &str) -> Value {
    let rows = app.as_("dispatcher").all("/attachments").await;
    rows.into_iter().find(|row| row["id"] == id).expect("the photo")["check"].clone()
}

#[tokio::test]
async fn a_photo_is_fetched_by_a_link_and_shown_or_hidden_by_the_push() {
    for (suggest, check) in [("pass", "passed"), ("review", "hidden"), ("risky", "hidden")] {
        let server = checking().await;
        let app = App::on_wechat(&server, |_| ()).await;
        let (_wang, _case, id) = with_photo(&app).await;
        app.drain().await;
        let asked = wechat_asked(&server, ASK).await;
        assert_eq!((asked.len(), &asked[0]["openid"]), (1, &json!("oTest-real-wang")));
        assert_eq!(asked[0]["media_type"], 2);
        let url = asked[0]["media_url"].as_str().unwrap();
        let path = url.strip_prefix("https://zhixiang.test/api/v1").expect("our address");
        assert_eq!(fetched(&app, path).await, (200, "image/jpeg".to_owned()));
        assert_eq!(check_of(&app, &id).await, "pending");

        succeeded(app.push_safe(&checked_json("t-1", suggest)).await);
        app.drain().await;
        assert_eq!(check_of(&app, &id).await, check, "{suggest}");
        let status = fetched(&app, path).await.0;
        assert_eq!(status, if check == "hidden" { 404 } else { 200 });
    }
}

#[tokio::test]
async fn an_answer_may_come_twice_late_or_about_nothing() {
    let server = checking().await;
    let app = App::on_wechat(&server, |_| ()).await;
    let (_wang, _case, id) = with_photo(&app).await;
    // Before we noted that we asked: it is looked for again.
    succeeded(app.push_plain(&checked_xml("t-1", "risky")).await);
    sqlx::query("update job set run_at = run_at + interval '1 second' where kind = 'screen_media'")
        .execute(app.db())
        .await
        .unwrap();
    app.drain().await;
    assert_eq!(check_of(&app, &id).await, "pending");
    app.advance(TimeDelta::seconds(30));
    app.drain().await;
    app.advance(TimeDelta::seconds(30));
    app.drain().await;
    assert_eq!(check_of(&app, &id).await, "hidden");
    // A person looks, and lets it be seen; a second, later answer changes nothing.
    let dispatcher = app.as_("dispatcher");
    let reason = json!({"reason": "复核后没有问题"});
    dispatcher.post(&format!("/attachments/{id}/unhide"), reason).await.expect(200);
    let later = checked_xml("t-1", "risky").replace("1626959646", "1626959999");
    succeeded(app.push_plain(&later).await);
    // And one about nothing is given up in the end, without a dead job.
    succeeded(app.push_plain(&checked_xml("unheard-of", "risky")).await);
    for _ in 0..8 {
        app.drain().await;
        app.advance(TimeDelta::minutes(1));
    }
    assert_eq!(check_of(&app, &id).await, "passed");
    assert_eq!(app.count("job where kind = 'media_checked' and state <> 'done'").await, 0);
}

#[tokio::test]
async fn what_no_machine_answers_stays_in_the_judges_list() {
    let failed = r#"<xml><MsgType>event</MsgType><Event>wxa_media_check</Event>
        <trace_id>t-1</trace_id><errcode>-1008</errcode></xml>"#;
    let server = checking().await;
    let app = App::on_wechat(&server, |_| ()).await;
    let (_wang, _case, id) = with_photo(&app).await;
    app.drain().await;
    succeeded(app.push_plain(failed).await);
    app.drain().await;
    app.advance(TimeDelta::minutes(31));
    app.drain().await;
    let waiting = app.as_("dispatcher").all("/attachments?check=pending").await;
    assert!(waiting.iter().any(|row| row["id"] == id), "{waiting:?}");

    let server = wechat().await;
    wechat_answers(&server, ASK, wechat_refuses(61010)).await;
    let app = App::on_wechat(&server, |_| ()).await;
    let (_wang, _case, id) = with_photo(&app).await;
    app.drain().await;
    assert_eq!(check_of(&app, &id).await, "pending");
    assert_eq!(app.count("job where kind = 'screen_media' and state = 'done'").await, 1);

    // Without an address that WeChat reaches, nothing is asked.
    let server = checking().await;
    let app = App::on_wechat(&server, |config| config.wechat.media_base_url = String::new()).await;
    let (_wang, _case, id) = with_photo(&app).await;
    app.drain().await;
    assert!(wechat_asked(&server, ASK).await.is_empty());
    assert_eq!(check_of(&app, &id).await, "pending");
}
