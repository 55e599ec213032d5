//! Field roles end to end: a community invites, WeChat binds, the inviter ends it; and who stays
//! logged in for long is asked once more before a sensitive act.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

async fn invite(desk: &Client, body: Value) -> Answer {
    desk.post(&format!("/communities/{COMMUNITY}/invitations"), body).await
}

async fn accept(who: &Client, invitation: &Value) -> Answer {
    who.post("/invitations/accept", json!({"code": invitation["code"]})).await
}

fn desk(app: &App) -> Client {
    app.as_(&format!("community.{COMMUNITY}"))
}

#[tokio::test]
async fn a_grid_officer_is_bound_by_wechat_and_ended_at_once() {
    let app = App::spawn().await;
    let (desk, zhao) = (desk(&app), app.resident("zhao"));
    app.submitted().await;
    let read = format!("/complaints?community_code={COMMUNITY}");
    assert!(zhao.all(&read).await.is_empty());
    let made = invite(&desk, json!({"role": "grid_officer"})).await.expect(201);
    assert_eq!(made["scope"], COMMUNITY);
    desk.post("/invitations/accept", json!({"code": made["code"]})).await.refused(403, "forbidden");
    assert_eq!(accept(&zhao, &made).await.expect(200)["role"], "grid_officer");
    accept(&app.resident("wang"), &made).await.refused(409, "invitation_invalid");
    assert_eq!(zhao.all(&read).await.len(), 1, "the complaint of somebody else");

    let path = format!("/communities/{COMMUNITY}/field-workers");
    let workers = desk.all(&path).await;
    let bound = workers.iter().find(|one| one["display_name"] == "演示居民 zhao").unwrap();
    let other = app.as_("community.140213066005");
    other.get(&path).await.refused(404, "not_found");
    let unbind = json!({"account_id": bound["account_id"]});
    let end = format!("{path}/unbind");
    other.post(&end, unbind.clone()).await.refused(404, "not_found");
    desk.post(&end, unbind.clone()).await.expect(204);
    assert!(zhao.all(&read).await.is_empty());
    desk.post(&end, unbind).await.refused(409, "field_worker_not_bound");
    assert_eq!(app.count("audit_entry where action like 'invitation.%'").await, 3);
}

#[tokio::test]
async fn a_community_invites_to_its_own_field_work_alone() {
    let app = App::spawn().await;
    let desk = desk(&app);
    for (role, scope, field) in [
        ("community_officer", None, "role"),
        ("merchant_clerk", Some("wenxing"), "role"),
        ("grid_officer", Some("140213066005"), "scope"),
        ("grid_officer", Some("140213066004-9"), "scope"),
        ("grid_officer", Some("1402130660049"), "scope"),
        ("property_clerk", Some("urban-management"), "scope"),
    ] {
        let answer = invite(&desk, json!({"role": role, "scope": scope})).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{role} {scope:?}");
    }
    let foreign = "/communities/140213066005/invitations";
    desk.post(foreign, json!({"role": "grid_officer"})).await.refused(404, "not_found");
    let late = invite(&desk, json!({"role": "property_clerk"})).await.expect(201);
    app.advance(TimeDelta::minutes(30));
    accept(&app.resident("zhao"), &late).await.refused(409, "invitation_invalid");
}

#[tokio::test]
async fn one_wechat_does_one_kind_of_field_work() {
    let app = App::spawn().await;
    let (desk, zhao) = (desk(&app), app.resident("zhao"));
    let grid = invite(&desk, json!({"role": "grid_officer"})).await.expect(201);
    accept(&zhao, &grid).await.expect(200);
    let clerk = app.as_("manager.wenxing").post("/merchants/wenxing/invitations", json!({})).await;
    let clerk = clerk.expect(201);
    accept(&zhao, &clerk).await.refused(409, "other_field_role");
    // A person who administers accepts nothing, whichever account they use.
    let wang = app.resident("wang");
    app.one_person([&app.as_("auditor"), &wang]).await;
    accept(&wang, &clerk).await.refused(409, "administrators_not_separate");
    // Nor does an account that has no WeChat.
    sqlx::query(
        "update person set open_id_index = null, open_id_sealed = null where account_id = $1::uuid",
    )
    .bind(wang.get("/me").await.expect(200)["id"].as_str().unwrap())
    .execute(app.db())
    .await
    .unwrap();
    accept(&wang, &clerk).await.refused(409, "invitation_needs_wechat");
    // The refusals used nothing up.
    accept(&app.resident("li"), &clerk).await.expect(200);
}

#[tokio::test]
async fn whom_an_administrator_suspended_is_not_invited_back() {
    let app = App::spawn().await;
    let (desk, zhao) = (desk(&app), app.resident("zhao"));
    let role = json!({"role": "grid_officer"});
    accept(&zhao, &invite(&desk, role.clone()).await.expect(201)).await.expect(200);
    let body = json!({
        "kind": "revoke", "account": zhao.get("/me").await.expect(200)["id"],
        "role": "grid_officer", "scope": COMMUNITY, "reason": "涉嫌泄露居民信息", "urgent": true,
    });
    let propose = app.as_("security").request(Method::POST, "/grant-proposals");
    let made = propose.key("invitation-1").json(&body).send().await.expect(201);
    let again = invite(&desk, role).await.expect(201);
    accept(&zhao, &again).await.refused(409, "role_suspended");
    // Nor by another account of the same person.
    let other = app.resident("wang");
    app.one_person([&zhao, &other]).await;
    accept(&other, &again).await.refused(409, "role_suspended");
    let approve = format!("/grant-proposals/{}/approve", made["id"].as_str().unwrap());
    app.as_("security.2").post(&approve, json!({})).await.expect(200);
    // Decided; what comes after is for whoever is in charge to answer for.
    accept(&zhao, &again).await.expect(200);
}

#[tokio::test]
async fn who_is_in_charge_no_more_invites_no_more() {
    let app = App::spawn().await;
    let made = invite(&desk(&app), json!({"role": "grid_officer"})).await.expect(201);
    let revoked =
        "update role_grant set revoked_at = now() where role = 'community_officer' and scope = $1";
    sqlx::query(revoked).bind(COMMUNITY).execute(app.db()).await.unwrap();
    accept(&app.resident("zhao"), &made).await.refused(409, "invitation_invalid");
    // An officer's own WeChat is the officer.
    let path = "/merchants/wenxing/invitations";
    let manager = app.as_("manager.wenxing");
    let made = manager.post(path, json!({})).await.expect(201);
    let zhao = app.resident("zhao");
    app.one_person([&manager, &zhao]).await;
    accept(&zhao, &made).await.refused(409, "own_invitation");
}

#[tokio::test]
async fn a_manager_on_wechat_shows_once_more_who_they_are() {
    let app = App::spawn().await;
    let path = "/merchants/wenxing/invitations";
    let manager = json!({"role": "merchant_manager"});
    let made = app.as_("manager.wenxing").post(path, manager).await.expect(201);
    accept(&app.resident("li"), &made).await.expect(200);
    let session = app.anonymous().post("/auth/wechat", json!({"code": "demo:li"})).await;
    let li = app.bearer(session.expect(200)["access_token"].as_str().unwrap());
    // Just logged in.
    li.post(path, json!({})).await.expect(201);
    app.advance(TimeDelta::minutes(5));
    li.post(path, json!({})).await.refused(403, "confirmation_required");
    let confirm = async |who: &Client, name: &str| {
        who.post("/auth/confirm", json!({"code": format!("demo:{name}")})).await
    };
    confirm(&li, "wang").await.refused(409, "confirmed_by_another");
    confirm(&li, "").await.refused(422, "wechat_code_invalid");
    li.post(path, json!({})).await.refused(403, "confirmation_required");
    confirm(&li, "li").await.expect(204);
    li.post(path, json!({})).await.expect(201);
    app.advance(TimeDelta::minutes(5));
    li.post(path, json!({})).await.refused(403, "confirmation_required");
    // Who logs in by a password is not asked: that log-in ends by itself.
    app.as_("manager.wenxing").post(path, json!({})).await.expect(201);
}
