//! The OpenAPI file: fresh, complete, and true of every operation.

mod contract;

use std::{fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, document, faults, operations};

#[test]
fn the_file_in_the_repository_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.yaml");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let new = api::http::openapi::document().to_yaml().unwrap();
    let line = kept.lines().zip(new.lines()).take_while(|(kept, new)| kept == new).count() + 1;
    assert!(
        kept == new,
        "openapi.yaml is stale from line {line} on: run `cargo xtask openapi` and commit it"
    );
}

#[test]
fn it_is_complete() {
    let faults = api::http::openapi::lint::lint(api::http::openapi::document());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_reference_leads_somewhere() {
    let mut references = Vec::new();
    collect(document(), &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference into this file");
        assert!(document().pointer(pointer).is_some(), "“{reference}” leads nowhere");
    }
}

fn collect<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| collect(field, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

#[test]
fn every_example_of_a_body_fits_its_schema() {
    for operation in operations() {
        let Some((schema, example)) = operation.body() else { continue };
        let faults = faults(schema, example);
        assert!(faults.is_empty(), "{}: {}", operation.id, faults.join("\n"));
    }
}

/// Nobody, a resident, and staff; together they hold every permission.
const PEOPLE: [&str; 14] = [
    "",
    "li",
    "auditor",
    "dispatcher",
    "supervisor",
    "leader",
    "organiser",
    "security",
    "sysadmin",
    "dept.housing",
    "community.140213066004",
    "merchant.wenxing",
    "liaison.education",
    "manager.wenxing",
];

/// Each operation is called by nobody and by every kind of person, with its own example on an
/// object that is missing: whatever it answers is documented, which `support` checks.
#[tokio::test]
async fn every_operation_answers_as_documented() {
    let app = App::spawn().await;
    let missing = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071";
    for operation in operations() {
        let path = operation.path_with(missing);
        let method: Method = operation.method.parse().unwrap();
        let mut answered = Vec::new();
        for who in PEOPLE {
            // A log-out would end the log-in that the others use.
            if !who.is_empty()
                && operation.id.starts_with("identity.")
                && operation.method == "POST"
            {
                continue;
            }
            let client = match who {
                "" => app.anonymous(),
                // Who leaves is not there for the operations that follow.
                "li" if operation.id == "privacy.erase" => app.resident("leaver"),
                "li" => app.resident("li"),
                staff => app.as_(staff),
            };
            let mut request = client.request(method.clone(), &path).key("example-key-1");
            if let Some((_, example)) = operation.body() {
                request = request.json(example);
            }
            let answer = request.send().await;
            if who.is_empty() && !operation.public {
                assert_eq!(answer.status, 401, "{}: {answer}", operation.id);
            }
            let unread = ["malformed_json", "invalid_field", "unsupported_media_type"];
            assert!(
                !unread.contains(&answer.code()) || operation.body().is_none(),
                "{}: its own example is refused: {answer}",
                operation.id
            );
            answered.push(answer.status);
        }
        let taken = |status: &u16| !matches!(status, 401 | 403);
        let own_account = operation.id.starts_with("identity.");
        assert!(own_account || answered.iter().any(taken), "{}: nobody may", operation.id);
    }
}

#[tokio::test]
async fn the_page_for_readers_needs_no_other_server() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    let page = nobody.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    let mut loaded = 0;
    for part in page.text.split(['"', '\'']) {
        assert!(!part.starts_with("http://") && !part.starts_with("//"), "{part}");
        let asset = [".js", ".css", ".png"].iter().any(|end| part.ends_with(end));
        assert!(!asset || !part.starts_with("https://"), "{part}");
        if asset {
            let answer = nobody.get(&format!("/docs/{}", part.trim_start_matches("./"))).await;
            assert_eq!(answer.status, 200, "{part}");
            assert!(!answer.header("content-type").is_empty());
            loaded += 1;
        }
    }
    assert!(loaded >= 3, "the page loads its scripts and styles: {loaded}");
    let served = nobody.get("/api/openapi.json").await;
    assert_eq!(&served.body, document());
    nobody.get("/docs/../../Cargo.toml").await;
    nobody.get("/docs/nothing.js").await.refused(404, "not_found");
}

#[tokio::test]
async fn whoever_runs_it_sees_that_it_lives_and_is_ready() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    assert_eq!(nobody.get("/livez").await.expect(200)["status"], "ok");
    assert_eq!(nobody.get("/readyz").await.expect(200)["status"], "ok");
    app.submitted().await;
    let figures = nobody.get("/metrics").await;
    assert!(figures.text.contains("http_requests_total"), "{figures}");
    assert!(!figures.text.contains("13834567890"));
    assert_eq!(json!(figures.status), json!(200));
}
