//! Files in a bucket: what is forgotten or erased is gone from it too.

use std::sync::atomic::Ordering;

use api::config::FileStore;
use chrono::TimeDelta;
use domain::id::AttachmentId;
use reqwest::Method;
use serde_json::json;
use wiremock::{Mock, MockServer, matchers::any};

use super::{fetched, submit_with, uploaded};
use crate::support::{App, Client, photo};

#[path = "../../../infra/src/storage/tests/bucketful.rs"]
mod bucketful;
use bucketful::Bucketful;

/// An application whose files lie in a bucket, and the bucket.
async fn on_bucket() -> (App, Bucketful, MockServer) {
    let server = MockServer::start().await;
    let bucket = Bucketful::default();
    Mock::given(any()).respond_with(bucket.clone()).mount(&server).await;
    let app = App::with(|config| {
        let files = &mut config.files;
        files.store = FileStore::S3;
        files.s3_endpoint = server.uri();
        files.s3_region = "cn-north-1".to_owned();
        files.s3_bucket = "photos".to_owned();
        files.s3_key_id = "key".to_owned();
        files.s3_secret = "secret".into();
    })
    .await;
    (app, bucket, server)
}

/// The ids whose files lie in the bucket, each as often as it has files.
fn ids(bucket: &Bucketful) -> Vec<String> {
    let kept = bucket.kept.lock().unwrap();
    let named = kept.keys().map(|path| path.rsplit('/').next().unwrap_or_default());
    named.map(|name| name.trim_end_matches(".thumbnail").to_owned()).collect()
}

async fn hours_pass(app: &App, hours: i64) {
    app.advance(TimeDelta::hours(hours));
    api::jobs::schedule::Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
}

/// A withdrawn complaint with a photo; its id.
async fn handed_in(who: &Client) -> String {
    let photo = uploaded(who).await;
    let case = submit_with(who, std::slice::from_ref(&photo)).await;
    let reason = json!({"reason": "自己修好了"});
    who.post(&case.path("/withdraw"), reason).await.expect(200);
    photo.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_nobody_attached_is_swept_from_the_bucket_and_the_rest_stays() {
    let (app, bucket, _server) = on_bucket().await;
    let li = app.resident("li");
    let made = li.upload("a-photo-in-a-bucket", &photo(90, 60)).await.expect(201);
    let forgotten = made["id"].as_str().unwrap().to_owned();
    let (status, _, bytes) = fetched(&app, &made["url"]).await;
    assert_eq!((status, &made["bytes"]), (200, &json!(bytes.len())));
    let kept = handed_in(&li).await;
    // A process was killed before the row of this one was there.
    let stray: AttachmentId = infra::random::id(app.now());
    let path = format!("{}/{stray}", app.now().format("%Y-%m-%d"));
    bucket.kept.lock().unwrap().insert(path, b"half a life".to_vec());
    assert_eq!(ids(&bucket).iter().filter(|id| **id == forgotten).count(), 2);
    hours_pass(&app, 25).await;
    hours_pass(&app, 2).await;
    let left = ids(&bucket);
    assert_eq!(left, [kept.clone(), kept], "the photo of a case with its thumbnail");
}

#[tokio::test]
async fn an_erasure_reaches_the_bucket_also_when_it_was_away() {
    let (app, bucket, _server) = on_bucket().await;
    let (li, wang) = (app.resident("li"), app.resident("wang"));
    let (hers, his) = (handed_in(&li).await, handed_in(&wang).await);
    uploaded(&li).await;
    app.drain().await;
    assert_eq!(ids(&bucket).iter().filter(|id| **id == hers).count(), 2);
    bucket.away.store(true, Ordering::Relaxed);
    li.request(Method::DELETE, "/me").send().await.expect(202);
    app.drain().await;
    let erased = app.count("erasure where erased_at is not null").await;
    assert_eq!(erased, 1, "the rows do not wait for the bucket");
    assert!(ids(&bucket).contains(&hers), "it was away");
    assert_eq!(app.count("job where kind = 'remove_files' and state = 'ready'").await, 1);
    bucket.away.store(false, Ordering::Relaxed);
    hours_pass(&app, 1).await;
    assert_eq!(ids(&bucket), [his.clone(), his], "nobody else's");
}
