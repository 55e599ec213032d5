//! Grants end to end: one security administrator proposes, another decides, and the three
//! administrators stay apart.

use api::jobs::schedule::Schedule;
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

/// What the worker does each hour.
async fn chores(app: &App) {
    Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
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
    chores(&app).await;
    let list = "/grant-proposals?status=expired";
    let expired = app.as_("auditor").all(list).await;
    assert_eq!(expired[0]["id"], made["id"]);
    assert_eq!(expired[0]["decided_by"], Value::Null);
    // What is over stands in nobody's way.
    propose(&app, "grant-expiry-2", &body).await.expect(201);
}

#[tokio::test]
async fn an_urgent_revocation_that_nobody_confirms_is_undone() {
    let app = App::spawn().await;
    let auditor = account(&app, "auditor").await;
    let mut body = role("revoke", &auditor, "auditor", "140213");
    body["urgent"] = json!(true);
    propose(&app, "grant-urgent-2", &body).await.expect(201);
    let held = "role_grant where role = 'auditor' and revoked_at is null";
    assert_eq!(app.count(held).await, 0);
    // 2026-11-24 is a Tuesday: the next working day ends before Thursday begins.
    app.advance(TimeDelta::days(2));
    chores(&app).await;
    assert_eq!(app.count(held).await, 1);
    // A new one waits, and confirms it twice at once: one of the two counts.
    let made = propose(&app, "grant-urgent-3", &body).await.expect(201);
    let second = app.as_("security.2");
    let approve = path(&made, "/approve");
    let both =
        futures::future::join(second.post(&approve, json!({})), second.post(&approve, json!({})))
            .await;
    assert_eq!([both.0.status, both.1.status].iter().filter(|one| **one == 200).count(), 1);
    assert_eq!(app.count(held).await, 0);
}

#[tokio::test]
async fn a_new_account_is_made_by_two_and_gets_a_password_of_its_own() {
    let app = App::spawn().await;
    let body = json!({
        "kind": "account", "username": "new.supervisor", "display_name": "新来的督查员",
        "role": "supervisor", "scope": "140213", "reason": "新进人员",
    });
    let taken = json!({
        "kind": "account", "username": "leader", "display_name": "重名的人",
        "role": "supervisor", "scope": "140213", "reason": "新进人员",
    });
    propose(&app, "grant-account-0", &taken).await.refused(409, "username_taken");
    let made = propose(&app, "grant-account-1", &body).await.expect(201);
    let (first, second) = (app.as_("security"), app.as_("security.2"));
    assert!(first.all("/accounts?q=new.supervisor").await.is_empty(), "not before");
    let done = second.post(&path(&made, "/approve"), json!({})).await.expect(200);
    let id = done["account"].as_str().unwrap();
    let once = first.post(&format!("/accounts/{id}/password"), json!({})).await.expect(200);
    let change = json!({
        "username": "new.supervisor", "password": once["password"], "new": "Lamp-post-2028",
    });
    let session = app.anonymous().post("/auth/password", change).await.expect(200);
    let me = app.bearer(session["access_token"].as_str().unwrap());
    assert_eq!(me.get("/me").await.expect(200)["roles"][0]["role"], "supervisor");
}

#[tokio::test]
async fn one_person_with_two_accounts_is_still_one() {
    let app = App::spawn().await;
    // The leader's own phone stands with a resident's account that is to administer.
    let (leader, wang) = (app.as_("leader"), app.resident("wang"));
    app.one_person([&leader, &wang]).await;
    let wang = wang.get("/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    let body = role("grant", &wang, "system_admin", "140213");
    propose(&app, "grant-person-1", &body).await.refused(409, "administrators_not_separate");
    // Nor past the program.
    let forced = sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         values (gen_random_uuid(), $1::uuid, 'system_admin', '140213', now())",
    )
    .bind(&wang)
    .execute(app.db())
    .await;
    let error = forced.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().constraint(), Some("role_grant_separate"));
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
async fn a_desk_is_not_worked_by_wechat_and_the_last_two_are_not_disabled() {
    let app = App::spawn().await;
    let wang = app.resident("wang").get("/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    let desk = propose(&app, "grant-desk-1", &role("grant", &wang, "dispatcher", "140213")).await;
    assert_eq!((desk.status, desk.fields()), (422, vec!["role"]));
    let field = role("grant", &wang, "grid_officer", COMMUNITY);
    propose(&app, "grant-desk-2", &field).await.expect(201);
    let other = account(&app, "security.2").await;
    let path = format!("/accounts/{other}/disable");
    let why = json!({"reason": "已调离岗位"});
    app.as_("security").post(&path, why).await.refused(409, "last_administrators");
}

#[tokio::test]
async fn what_is_taken_at_once_is_not_given_again_before_that_is_decided() {
    let app = App::spawn().await;
    let auditor = account(&app, "auditor").await;
    let mut body = role("revoke", &auditor, "auditor", "140213");
    body["urgent"] = json!(true);
    let made = propose(&app, "grant-again-1", &body).await.expect(201);
    let back = role("grant", &auditor, "auditor", "140213");
    propose(&app, "grant-again-2", &back).await.refused(409, "grant_waiting");
    app.as_("security.2").post(&path(&made, "/approve"), json!({})).await.expect(200);
    assert_eq!(app.count("role_grant where role = 'auditor' and revoked_at is null").await, 0);
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
