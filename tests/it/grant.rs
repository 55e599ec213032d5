//! Grants end to end: one security administrator proposes, another decides, and the three
//! administrators stay apart.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY};

async fn account(app: &App, username: &str) -> String {
    let me = app.as_(username).get("/me").await.expect(200);
    me["id"].as_str().unwrap().to_owned()
}

fn role(kind: &str, account: &str, role: &str, scope: &str) -> Value {
    json!({"kind": kind, "account": account, "role": role, "scope": scope, "reason": "分工调整"})
}

async fn propose(app: &App, key: &str, body: &Value) -> Answer {
    let security = app.as_("security");
    security.request(Method::POST, "/grant-proposals").key(key).json(body).send().await
}

fn path(proposal: &Value, verb: &str) -> String {
    format!("/grant-proposals/{}{verb}", proposal["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_role_is_in_force_once_another_administrator_approves_and_not_before() {
    let app = App::spawn().await;
    let leader = account(&app, "leader").await;
    let body = role("grant", &leader, "supervisor", "140213");
    let made = propose(&app, "grant-proposal-1", &body).await.expect(201);
    assert_eq!(made["status"], "proposed");
    let again = propose(&app, "grant-proposal-1", &body).await.expect(201);
    assert_eq!(again["id"], made["id"], "the second click");
    propose(&app, "grant-proposal-2", &body).await.refused(409, "grant_waiting");
    let (first, second) = (app.as_("security"), app.as_("security.2"));
    first.post(&path(&made, "/approve"), json!({})).await.refused(409, "own_grant_proposal");
    second.post(&path(&made, "/withdraw"), json!({})).await.refused(409, "not_own_grant_proposal");
    app.as_("leader").get("/grant-proposals").await.refused(403, "forbidden");
    let held = |history: &Value| {
        let items = history["items"].as_array().unwrap();
        items.iter().any(|item| item["role"] == "supervisor")
    };
    let history = format!("/accounts/{leader}/grants");
    assert!(!held(&first.get(&history).await.expect(200)));
    let done = second.post(&path(&made, "/approve"), json!({})).await.expect(200);
    assert_eq!(done["status"], "approved");
    second.post(&path(&made, "/approve"), json!({})).await.refused(409, "grant_step_refused");
    let found = first.all("/accounts?role=supervisor&scope=140213").await;
    assert!(found.iter().any(|one| one["id"] == leader.as_str()), "{found:?}");
    let found = first.all("/accounts?role=supervisor&scope=140213066004").await;
    assert!(found.is_empty(), "{found:?}");
    assert!(held(&app.as_("auditor").get(&history).await.expect(200)));
    propose(&app, "grant-proposal-3", &body).await.refused(409, "role_held");
}

#[tokio::test]
async fn an_urgent_revocation_bites_at_once_and_comes_back_when_refused() {
    let app = App::spawn().await;
    let auditor = account(&app, "auditor").await;
    let client = app.as_("auditor");
    client.get("/grant-proposals").await.expect(200);
    let mut body = role("revoke", &auditor, "auditor", "140213");
    body["urgent"] = json!(true);
    let made = propose(&app, "grant-urgent-1", &body).await.expect(201);
    client.get("/grant-proposals").await.refused(403, "forbidden");
    let reason = json!({"reason": "核实后没有问题"});
    app.as_("security.2").post(&path(&made, "/refuse"), reason).await.expect(200);
    client.get("/grant-proposals").await.expect(200);
}

#[tokio::test]
async fn what_nobody_decides_in_seven_days_is_expired() {
    let app = App::spawn().await;
    let leader = account(&app, "leader").await;
    let body = role("grant", &leader, "supervisor", "140213");
    let made = propose(&app, "grant-expiry-1", &body).await.expect(201);
    app.advance(TimeDelta::days(7) + TimeDelta::minutes(1));
    let late = app.as_("security.2").post(&path(&made, "/approve"), json!({})).await;
    late.refused(409, "grant_step_refused");
}

#[tokio::test]
async fn administrators_are_apart_and_two_of_them_stay() {
    let app = App::spawn().await;
    let (leader, auditor) = (account(&app, "leader").await, account(&app, "auditor").await);
    for (key, id, new) in [
        ("grant-apart-1", &leader, "system_admin"),
        ("grant-apart-2", &auditor, "security_admin"),
        ("grant-apart-3", &auditor, "leader"),
    ] {
        let body = role("grant", id, new, "140213");
        propose(&app, key, &body).await.refused(409, "administrators_not_separate");
    }
    let own = account(&app, "security").await;
    let body = role("revoke", &own, "security_admin", "140213");
    propose(&app, "grant-own-1", &body).await.refused(409, "own_role");
    let mut body = role("revoke", &account(&app, "security.2").await, "security_admin", "140213");
    body["urgent"] = json!(true);
    propose(&app, "grant-last-1", &body).await.refused(409, "last_administrators");
}

#[tokio::test]
async fn a_scope_that_does_not_fit_the_role_is_refused() {
    let app = App::spawn().await;
    let leader = account(&app, "leader").await;
    for (key, new, scope) in [
        ("grant-scope-1", "supervisor", COMMUNITY),
        ("grant-scope-2", "supervisor", "999999"),
        ("grant-scope-3", "resident", "140213"),
    ] {
        let refused = propose(&app, key, &role("grant", &leader, new, scope)).await;
        refused.refused(422, "invalid_field");
    }
}

#[tokio::test]
async fn a_secretary_granted_by_two_reads_the_register_until_it_is_taken_back() {
    let app = App::spawn().await;
    let clerk = account(&app, "dept.urban-management").await;
    let client = app.as_("dept.urban-management");
    client.get("/party-members").await.refused(403, "forbidden");
    let second = app.as_("security.2");
    let body = role("grant", &clerk, "branch_secretary", "party-140213066004-01");
    let made = propose(&app, "grant-secretary-1", &body).await.expect(201);
    second.post(&path(&made, "/approve"), json!({})).await.expect(200);
    client.get("/party-members").await.expect(200);
    app.drain().await;
    let told = client.all("/notifications").await;
    assert!(told.iter().any(|one| one["kind"] == "role_granted"), "{told:?}");
    let body = role("revoke", &clerk, "branch_secretary", "party-140213066004-01");
    let made = propose(&app, "grant-secretary-2", &body).await.expect(201);
    client.get("/party-members").await.expect(200);
    second.post(&path(&made, "/approve"), json!({})).await.expect(200);
    client.get("/party-members").await.refused(403, "forbidden");
}
