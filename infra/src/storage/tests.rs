use std::sync::Arc;

use bucketful::Bucketful;
use futures::TryStreamExt;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::*;

mod bucketful;

fn crypto() -> Arc<Crypto> {
    Arc::new(Crypto::parse(&hex::encode([7; 32])).unwrap())
}

async fn read(storage: &Storage, name: Name) -> Option<(u64, Vec<u8>)> {
    let (length, bytes) = storage.get(crypto(), name).await.unwrap()?;
    Some((length, bytes.try_collect::<Vec<_>>().await.unwrap().concat()))
}

fn now() -> Timestamp {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

/// What every store does.
async fn keeps_finds_and_forgets(storage: &Storage) {
    let now = now();
    let id: AttachmentId = random::id(now);
    assert_eq!(made_at(id), now);
    let [whole, small] = [Part::Whole, Part::Thumbnail].map(|part| Name { id, part });
    let file = vec![5; 200_000];
    assert!(storage.of_day(now).await.unwrap().is_empty());
    assert!(read(storage, whole).await.is_none());
    storage.put(&crypto(), whole, &file).await.unwrap();
    storage.put(&crypto(), small, b"small").await.unwrap();
    assert_eq!(read(storage, whole).await, Some((200_000, file)));
    assert_eq!(read(storage, small).await, Some((5, b"small".to_vec())));
    let mut there = storage.of_day(now).await.unwrap();
    there.sort_by_key(|name| name.part == Part::Thumbnail);
    assert_eq!(there, [whole, small]);
    assert!(storage.of_day(now - chrono::TimeDelta::days(1)).await.unwrap().is_empty());
    for _ in 0..2 {
        storage.remove(whole).await.unwrap();
    }
    assert!(read(storage, whole).await.is_none());
    assert_eq!(storage.of_day(now).await.unwrap(), [small]);
}

#[tokio::test]
async fn a_directory_keeps_files() {
    let folder = format!("zx-storage-{}", hex::encode(random::bytes::<8>()));
    let folder = std::env::temp_dir().join(folder);
    let storage = Storage::new(folder.to_str().unwrap(), &Place::Local).unwrap();
    assert!(!folder.exists(), "nothing is made before it is needed");
    keeps_finds_and_forgets(&storage).await;
    // A write that was killed half done is not listed, and goes with the sweep.
    let [early, late] = [now(), now() + chrono::TimeDelta::hours(2)].map(|at| {
        let name = format!("{}.thumbnail#1", random::id::<AttachmentId>(at));
        let path = folder.join("files/2026-11-24").join(name);
        std::fs::write(&path, b"half").unwrap();
        path
    });
    assert_eq!(storage.of_day(now()).await.unwrap().len(), 1);
    storage.remove_half_done(now(), now() + chrono::TimeDelta::hours(1)).await.unwrap();
    assert_eq!((early.exists(), late.exists()), (false, true), "one may be on its way");
    assert_eq!(storage.of_day(now()).await.unwrap().len(), 1, "what is whole stays");
    storage.remove_half_done(now() - chrono::TimeDelta::days(9), now()).await.unwrap();
    drop(storage.nameless().await.unwrap());
    let left = std::fs::read_dir(folder.join("incoming")).unwrap().count();
    assert_eq!(left, 0, "an upload has no name");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_bucket_keeps_files() {
    let server = MockServer::start().await;
    let files = Bucketful::default();
    Mock::given(any()).respond_with(files.clone()).mount(&server).await;
    let endpoint = server.uri();
    let bucket = Bucket {
        endpoint: &endpoint,
        region: "cn-north-1",
        name: "photos",
        key_id: "key",
        secret: "secret",
    };
    let storage = Storage::new(".", &Place::S3(bucket)).unwrap();
    keeps_finds_and_forgets(&storage).await;
    let kept = files.kept.lock().unwrap();
    let sealed = kept.values().all(|file| !file.windows(5).any(|part| part == b"small"));
    assert!(sealed && kept.len() == 1);
    let printed = format!("{bucket:?}");
    assert!(!printed.contains("secret"), "{printed}");
}

#[tokio::test]
async fn a_bucket_that_is_away_says_so_while_somebody_still_waits() {
    let failing = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(503)).mount(&failing).await;
    let failing = failing.uri();
    // Of these one refuses each call, and at the other nobody listens.
    for endpoint in [failing.as_str(), "http://127.0.0.1:9"] {
        let (name, region) = ("photos", "cn-north-1");
        let bucket = Bucket { endpoint, region, name, key_id: "key", secret: "secret" };
        let storage = Storage::new(".", &Place::S3(bucket)).unwrap();
        let name = Name { id: random::id(now()), part: Part::Whole };
        let begun = std::time::Instant::now();
        assert!(storage.put(&crypto(), name, b"x").await.is_err());
        assert!(storage.get(crypto(), name).await.is_err());
        assert!(storage.remove(name).await.is_err());
        assert!(begun.elapsed() < Duration::from_secs(30), "{endpoint}: {:?}", begun.elapsed());
    }
}

/// A server that others wrote, where one runs: `TEST_S3` holds its address, a bucket, the key's id
/// and the key, apart by spaces. `s3s-fs` of the package registry is one that needs nothing else.
#[tokio::test]
async fn a_bucket_of_a_real_server_keeps_files() {
    let given = std::env::var("TEST_S3").unwrap_or_default();
    let [endpoint, name, key_id, secret] = given.split(' ').collect::<Vec<_>>()[..] else {
        eprintln!("SKIPPED: TEST_S3 names no server that speaks S3");
        return;
    };
    let bucket = Bucket { endpoint, region: "cn-north-1", name, key_id, secret };
    let storage = Storage::new(".", &Place::S3(bucket)).unwrap();
    for left in storage.of_day(now()).await.unwrap() {
        storage.remove(left).await.unwrap();
    }
    keeps_finds_and_forgets(&storage).await;
    let wrong = Bucket { secret: "wrong", ..bucket };
    let wrong = Storage::new(".", &Place::S3(wrong)).unwrap();
    assert!(wrong.of_day(now()).await.is_err(), "another's key opens nothing");
}
