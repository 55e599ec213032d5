//! A bucket of this machine, for the tests of the store and, by way of its path, for those of the
//! whole application.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use wiremock::{Request, Respond, ResponseTemplate};

/// As much of S3 as the store speaks: put, get, delete, list; every request is signed.
#[derive(Default, Clone)]
pub struct Bucketful {
    /// What lies in it, by name.
    pub kept: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// It answers nobody.
    pub away: Arc<AtomicBool>,
}

impl Respond for Bucketful {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let signed = request.headers.get("authorization");
        let signed = signed.and_then(|value| value.to_str().ok());
        if !signed.is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 Credential=key/")) {
            return ResponseTemplate::new(403);
        }
        if self.away.load(Ordering::Relaxed) {
            return ResponseTemplate::new(503);
        }
        let mut files = self.kept.lock().unwrap();
        let path = request.url.path().trim_start_matches("/photos").trim_start_matches('/');
        match (request.method.as_str(), path) {
            ("PUT", _) => {
                files.insert(path.to_owned(), request.body.clone());
                ResponseTemplate::new(200).insert_header("etag", "\"1\"")
            }
            ("GET", "") => {
                let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
                let listed = files.iter().filter(|(name, _)| name.starts_with(&query["prefix"]));
                let listed = listed.map(|(name, file)| {
                    format!(
                        "<Contents><Key>{name}</Key><Size>{}</Size><ETag>\"1\"</ETag>\
                         <LastModified>2026-11-24T01:00:00.000Z</LastModified></Contents>",
                        file.len()
                    )
                });
                let listed: String = listed.collect();
                ResponseTemplate::new(200)
                    .set_body_string(format!("<ListBucketResult>{listed}</ListBucketResult>"))
            }
            ("GET", _) => match files.get(path) {
                None => ResponseTemplate::new(404),
                Some(file) => ResponseTemplate::new(200)
                    .insert_header("etag", "\"1\"")
                    .insert_header("last-modified", "Tue, 24 Nov 2026 01:00:00 GMT")
                    .set_body_bytes(file.clone()),
            },
            ("DELETE", _) => {
                files.remove(path);
                ResponseTemplate::new(204)
            }
            // Several at once: their names stand in the body.
            _ => {
                let body = String::from_utf8_lossy(&request.body).into_owned();
                let named = body.split("<Key>").skip(1).filter_map(|rest| rest.split('<').next());
                let deleted = named.map(|name| {
                    files.remove(name);
                    // S3 says so of a name that it does not have, too.
                    format!("<Deleted><Key>{name}</Key></Deleted>")
                });
                let deleted: String = deleted.collect();
                ResponseTemplate::new(200)
                    .set_body_string(format!("<DeleteResult>{deleted}</DeleteResult>"))
            }
        }
    }
}
