//! Who may do what: every operation of the OpenAPI file × every persona × own, foreign and missing
//! objects. An operation without a row fails, and so does a row without an operation.
//!
//! Expected: without a log-in 401; a role that may never do it 403, whatever the object; another's
//! object and none at all the same 404, whatever the body; and one's own is none of these.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use self::{
    rows::{About, OFFICERS, PERSONAS, ROWS, Row},
    world::World,
};
use crate::support::{Answer, App, Client, Operation, document, operations};

mod rows;
mod world;

/// An id that nothing has.
const MISSING: &str = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071";

/// What of a text a refusal may not tell apart: its own number.
fn nameless(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    body["request_id"].take();
    body
}

fn row(operation: &Operation) -> &'static Row {
    let found = ROWS.iter().find(|(id, ..)| *id == operation.id);
    found.unwrap_or_else(|| panic!("{} has no row in permissions.rs", operation.id))
}

#[test]
fn every_operation_has_one_row() {
    let mut rows = BTreeSet::new();
    for (id, ..) in ROWS {
        assert!(rows.insert(*id), "{id} has two rows");
    }
    let operations: BTreeSet<&str> =
        operations().iter().map(|operation| operation.id.as_str()).collect();
    let without: Vec<_> = operations.difference(&rows).collect();
    assert!(without.is_empty(), "operations without a row: {without:?}");
    let gone: Vec<_> = rows.difference(&operations).collect();
    assert!(gone.is_empty(), "rows without an operation: {gone:?}");
    for operation in operations_with_rows() {
        let (operation, (_, allowed, about)) = operation;
        assert_eq!(
            operation.public,
            allowed.contains(&"anonymous"),
            "{}: its security",
            operation.id
        );
        let addressed = !matches!(about, About::Nothing | About::Code);
        assert_eq!(
            operation.path.contains("{id}"),
            addressed,
            "{}: what it is about",
            operation.id
        );
    }
}

fn operations_with_rows() -> impl Iterator<Item = (&'static Operation, &'static Row)> {
    operations().iter().map(|operation| (operation, row(operation)))
}

/// Crosses the operations of some words with every persona.
async fn cross(words: &[&str]) {
    let world = World::build().await;
    let chosen: Vec<_> = operations_with_rows()
        .filter(|(operation, _)| words.contains(&operation.id.split('.').next().unwrap()))
        .collect();
    assert!(!chosen.is_empty());
    let everybody = PERSONAS.map(|persona| async {
        for (operation, row) in &chosen {
            cross_one(&world, operation, row, persona).await;
        }
    });
    join_all(everybody).await;
}

async fn cross_one(world: &World, operation: &Operation, row: &Row, persona: &'static str) {
    let (_, allowed, about) = *row;
    let who = world.client(persona);
    let place = format!("{} as {persona}", operation.id);
    let body = world.body(operation, about).await;
    let odd = json!({"no_such_field": 1});
    let odd = body.as_ref().map(|_| &odd);
    let own = world.own.get(&(about, persona)).map_or(MISSING, String::as_str);
    if !allowed.contains(&persona) {
        let (status, code) =
            if persona == "anonymous" { (401, "unauthenticated") } else { (403, "forbidden") };
        // Before the object is looked at, and before the body is.
        for id in [own, MISSING, "no-id"] {
            for body in [body.as_ref(), odd] {
                let answer = world.send(&who, operation, id, body).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (status, code),
                    "{place}: {id}: {answer}"
                );
            }
        }
        return;
    }
    let foreign = world.foreign.get(&(about, persona)).map_or(&[][..], Vec::as_slice);
    if operation.path.contains("{id}") {
        let none = world.send(&who, operation, MISSING, body.as_ref()).await;
        assert_eq!((none.status, none.code()), (404, "not_found"), "{place}: missing: {none}");
        for id in foreign.iter().map(String::as_str).chain([MISSING, "no-id", "%20", "0"]) {
            for body in [body.as_ref(), odd] {
                let answer = world.send(&who, operation, id, body).await;
                assert_eq!(answer.status, 404, "{place}: {id}: {answer}");
                assert_eq!(
                    nameless(&answer),
                    nameless(&none),
                    "{place}: {id} does not look missing"
                );
            }
            let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
            let stale = who.request(method, &operation.path_with(id)).version(999).send().await;
            assert_eq!(nameless(&stale), nameless(&none), "{place}: {id}: a version tells");
        }
    }
    let addressed = !matches!(about, About::Nothing | About::Code);
    if addressed && !world.own.contains_key(&(about, persona)) {
        return;
    }
    // A log-out would end the log-in that the other rows use.
    let fresh = operation.id == "identity.logout";
    let who = if fresh { fresh_log_in(world, persona).await } else { who };
    // And an erasure the account: somebody who is in no other row leaves.
    let leaves = operation.id == "privacy.erase" && persona.starts_with("demo:");
    let who = if leaves { world.app.resident("leaver") } else { who };
    let answer = world.send(&who, operation, own, body.as_ref()).await;
    assert!(
        // No WeChat stands behind the matrix.
        matches!(answer.status, 200 | 201 | 202 | 204 | 409 | 422)
            || answer.code() == "wechat_unavailable",
        "{place}: one's own is refused: {answer}"
    );
}

async fn fresh_log_in(world: &World, persona: &str) -> Client {
    let nobody = world.app.anonymous();
    let session = match persona.strip_prefix("demo:") {
        Some(_) => nobody.post("/auth/wechat", json!({"code": persona})).await,
        None => {
            let body = json!({"username": persona, "password": api::app::seed::PASSWORD});
            nobody.post("/auth/staff", body).await
        }
    };
    world.app.bearer(session.expect(200)["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn nobody_does_more_than_his_role_with_complaints() {
    cross(&["complaint"]).await;
}

#[tokio::test]
async fn nobody_does_more_than_his_role_with_tasks() {
    cross(&["task"]).await;
}

/// In a world of their own: a whistle that somebody withdraws elsewhere has no unit any more that
/// might read its notes.
#[tokio::test]
async fn nobody_does_more_than_his_role_with_notes() {
    cross(&["note"]).await;
}

#[tokio::test]
async fn nobody_does_more_than_his_role_with_anything_else() {
    let all: BTreeSet<&str> =
        operations().iter().map(|operation| operation.id.split('.').next().unwrap()).collect();
    let rest: Vec<&str> =
        all.into_iter().filter(|word| !["complaint", "task", "note"].contains(word)).collect();
    cross(&rest).await;
}

#[tokio::test]
async fn a_unit_does_not_judge_its_own_reply() {
    let world = World::build().await;
    for persona in OFFICERS {
        let own = &world.own[&(About::Task, *persona)];
        let who = world.client(persona);
        who.get(&format!("/tasks/{own}")).await.expect(200);
        for (verb, body) in
            [("confirm", json!({})), ("send-back", json!({"reason": "没有说明情况"}))]
        {
            who.post(&format!("/tasks/{own}/{verb}"), body).await.refused(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_blower_judges_the_replies_to_his_whistle() {
    let world = World::build().await;
    let id = &world.own[&(About::Judged, "community.140213066004")];
    let task = |verb: &str| format!("/tasks/{id}{verb}");
    let clerk = world.client("dept.urban-management");
    clerk.post(&task("/acknowledge"), json!({})).await.expect(200);
    let people = json!({"people": [{"name": "张工", "post": "市政科科长"}]});
    clerk.post(&task("/report-in"), people).await.expect(200);
    let reply = json!({"text": crate::support::REPLY, "outcome": "solved"});
    clerk.post(&task("/reply"), reply).await.expect(200);

    let blower = world.client("community.140213066004");
    assert_eq!(blower.get(&task("")).await.expect(200)["status"], "replied");
    assert_eq!(blower.post(&task("/confirm"), json!({})).await.expect(200)["status"], "confirmed");
    let own = blower.all("/tasks").await;
    assert!(own.iter().all(|task| task["unit"] == "140213066004"), "a list is the unit's own");
}

#[tokio::test]
async fn a_wrong_code_and_a_wrong_number_look_the_same() {
    let world = World::build().await;
    let tracked = &world.tracked;
    let other = world.app.submitted().await;
    for operation in operations().iter().filter(|operation| operation.id.starts_with("track.")) {
        let mut told = Vec::new();
        for (number, code) in [
            (tracked.number.as_str(), "2222222222"),
            (tracked.number.as_str(), other.query_code.as_str()),
            (tracked.number.as_str(), ""),
            ("PC20261124999999", tracked.query_code.as_str()),
            (other.number.as_str(), tracked.query_code.as_str()),
            ("", ""),
            ("%", "%"),
            ("' or 1=1 --", "x"),
        ] {
            let mut body = world.body(operation, About::Code).await.unwrap();
            (body["number"], body["query_code"]) = (json!(number), json!(code));
            let answer = world.send(&world.app.anonymous(), operation, "", Some(&body)).await;
            assert_eq!(answer.status, 404, "{}: {number} {code}: {answer}", operation.id);
            told.push(nameless(&answer));
        }
        assert!(told.iter().all(|one| *one == told[0]), "{}: {told:?}", operation.id);
    }
}

/// Fields that the server alone sets, and what somebody might hope to set them to.
fn server_owned() -> Vec<(&'static str, Value)> {
    vec![
        ("id", json!(MISSING)),
        ("number", json!("PC20261124999999")),
        ("query_code", json!("2222222222")),
        ("status", json!("closed")),
        ("version", json!(99)),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("submitted_at", json!("2020-01-01T00:00:00Z")),
        ("updated_at", json!("2020-01-01T00:00:00Z")),
        ("closed_at", json!("2020-01-01T00:00:00Z")),
        ("reporter_id", json!(MISSING)),
        ("account_id", json!(MISSING)),
        ("actor", json!("leader")),
        ("taken_in_by", json!(MISSING)),
        ("role", json!("dispatcher")),
        ("roles", json!([{"role": "system_admin", "scope": "140213"}])),
        ("scope", json!("140213")),
        ("unit", json!("housing")),
        ("units", json!(["housing"])),
        ("acknowledge_by", json!("2030-01-01T00:00:00Z")),
        ("contact_by", json!("2030-01-01T00:00:00Z")),
        ("reply_by", json!("2030-01-01T00:00:00Z")),
        ("returns", json!(0)),
        ("final", json!(true)),
        ("excluded", json!(true)),
        ("merged_into", json!(MISSING)),
        ("urges", json!(0)),
        ("read_at", json!("2020-01-01T00:00:00Z")),
        ("disabled_at", json!("2020-01-01T00:00:00Z")),
        ("password_hash", json!("x")),
        ("is_admin", json!(true)),
        ("__proto__", json!({"admin": true})),
    ]
}

/// The names of the fields that a body may have.
fn own_fields(schema: &'static Value) -> BTreeSet<&'static str> {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &document()["components"]["schemas"][name.rsplit('/').next().unwrap()],
        None => schema,
    };
    schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

/// The same body once for each object in it, with a field too many there; and the field's path.
fn enlarged(
    body: &Value,
    field: &str,
    value: &Value,
    allowed: &BTreeSet<&str>,
) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    if !allowed.contains(field) {
        let mut larger = body.clone();
        larger[field] = value.clone();
        all.push((field.to_owned(), larger));
    }
    for (name, inner) in body.as_object().into_iter().flatten() {
        let pointer = match inner {
            Value::Object(_) => format!("/{name}"),
            Value::Array(items) if items.first().is_some_and(Value::is_object) => {
                format!("/{name}/0")
            }
            _ => continue,
        };
        let mut larger = body.clone();
        let place = larger.pointer_mut(&pointer).unwrap();
        if place.get(field).is_none() && !["name", "phone", "lng", "lat", "post"].contains(&field) {
            place[field] = value.clone();
            all.push((format!("{pointer}/{field}"), larger));
        }
    }
    all
}

#[tokio::test]
async fn what_the_server_sets_nobody_else_sets() {
    let world = World::build().await;
    let (mut operations, mut tried) = (0, 0);
    let before = standing(&world.app).await;
    for (operation, (_, allowed, about)) in operations_with_rows() {
        let Some((schema, _)) = operation.body() else { continue };
        let has = |persona: &&&str| {
            matches!(about, About::Nothing | About::Code)
                || world.own.contains_key(&(*about, **persona))
        };
        let persona = allowed.iter().rev().find(has).unwrap();
        let who = world.client(persona);
        let own = world.own.get(&(*about, *persona)).map_or(MISSING, String::as_str);
        let (body, fields) = (world.body(operation, *about).await.unwrap(), own_fields(schema));
        operations += 1;
        for (field, value) in server_owned() {
            for (place, larger) in enlarged(&body, field, &value, &fields) {
                let answer = world.send(&who, operation, own, Some(&larger)).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (422, "invalid_field"),
                    "{} as {persona} took {place}: {answer}",
                    operation.id
                );
                assert_eq!(answer.fields().len(), 1, "{place}: {answer}");
                tried += 1;
            }
        }
    }
    assert!(operations >= 30 && tried >= 900, "{operations} operations, {tried} fields");
    assert_eq!(standing(&world.app).await, before, "0 accepted");
}

/// What a command that was accepted would have changed.
async fn standing(app: &App) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in [
        "complaint",
        "event",
        "task",
        "evaluation",
        "audit_entry",
        "idempotency",
        "job",
        "account",
        "registration",
        "service_request",
        "post",
        "claim",
        "offer",
        "hold",
        "ledger_tx",
    ] {
        counts.push(app.count(table).await);
    }
    counts
}

/// What docs/OPERATIONS.md lets an operator check after a restore, over a world in which everything
/// has happened: a rule that a healthy installation breaks is worth nothing.
#[tokio::test]
async fn the_checks_after_a_restore_hold_in_a_healthy_world() {
    let world = World::build().await;
    let told = include_str!("../../docs/OPERATIONS.md");
    let (_, told) = told.split_once("**Then check**").expect("the chapter");
    let (_, told) = told.split_once("```sql\n").expect("its statement");
    let (statement, _) = told.split_once("```").expect("its end");
    let statement = sqlx::AssertSqlSafe(statement);
    let rules: Vec<(String, i64)> =
        sqlx::query_as(statement).fetch_all(world.app.db()).await.expect("what PostgreSQL takes");
    assert!(rules.len() > 5, "{rules:?}");
    let broken: Vec<_> = rules.iter().filter(|(_, count)| *count != 0).collect();
    assert!(broken.is_empty(), "{broken:?}");
}
