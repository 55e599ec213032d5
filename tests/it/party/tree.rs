//! The tree of party bodies: counts, founding, moving, and who reads what afterwards.

use reqwest::Method;
use serde_json::{Value, json};

use super::{BRANCH, COMMUNITY_OFFICER, ELSEWHERE, SECRETARY, add, member, number, path};
use crate::support::{Answer, App, Client};

async fn reshape(who: &Client, code: &str, body: Value) -> Answer {
    who.request(Method::PATCH, &format!("/party-branches/{code}")).json(&body).send().await
}

fn found<'t>(tree: &'t [Value], code: &str) -> &'t Value {
    tree.iter().find(|body| body["code"] == code).unwrap_or_else(|| panic!("{code}: {tree:?}"))
}

#[tokio::test]
async fn each_sees_the_part_that_is_theirs_with_its_members() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser").all("/party-tree").await;
    assert_eq!(organiser.len(), 97);
    // The demo: 20 members in four branches, in turn.
    let committee = found(&organiser, "party-140213066004");
    assert_eq!(
        committee["members"],
        json!({"direct": 3, "retired": 3, "employed": 12, "floating": 2, "total": 20})
    );
    assert_eq!(found(&organiser, BRANCH)["members"]["total"], 5);
    assert_eq!(found(&organiser, "party-140213066004-04")["estates"].as_array().unwrap().len(), 2);
    let community = app.as_(COMMUNITY_OFFICER).all("/party-tree").await;
    assert_eq!(community.len(), 21);
    let branch = app.as_(SECRETARY).all("/party-tree").await;
    assert_eq!(branch.len(), 5, "the branch, its groups and households");
    app.as_("leader").get("/party-tree").await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_branch_is_founded_moved_and_put_out_of_use() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser");
    let code = "party-140213066004-09";
    let body = json!({"code": code, "kind": "party_branch", "name": "文兴里联合党支部",
        "parent": "party-140213066004", "estates": ["140213066004001", "140213066004002"]});
    app.as_(COMMUNITY_OFFICER)
        .post("/party-branches", body.clone())
        .await
        .refused(403, "forbidden");
    let made = organiser.post("/party-branches", body.clone()).await.expect(201);
    assert_eq!((&made["division"], &made["members"]["total"]), (&json!("140213066004"), &json!(0)));
    organiser.post("/party-branches", body).await.refused(409, "party_body_there");
    for (field, value, fault) in [
        ("code", json!("140213066004-09"), "code"),
        ("code", json!("housing"), "code"),
        ("kind", json!("department"), "kind"),
        ("parent", json!(BRANCH), "parent"),
        ("parent", json!("party-none"), "parent"),
        ("parent", Value::Null, "parent"),
        ("estates", json!(["140213066004"]), "estates"),
    ] {
        let mut wrong = json!({"code": "party-140213066004-10", "kind": "party_branch",
            "name": "文兴里联合党支部", "parent": "party-140213066004"});
        wrong[field] = value;
        let refused = organiser.post("/party-branches", wrong).await;
        assert_eq!(refused.fields(), [fault], "{refused}");
    }

    // A member comes, and the branch moves to another community: who reads them moves along.
    let officer = app.as_(COMMUNITY_OFFICER);
    let row = add(&officer, &member("王芳", &number("19800101", 1), code)).await.expect(201);
    let renamed = json!({"name": "永安联合党支部", "parent": "party-140213066001", "estates": ["140213066001001"]});
    let moved = reshape(&organiser, code, renamed).await.expect(200);
    assert_eq!(
        (&moved["name"], &moved["division"]),
        (&json!("永安联合党支部"), &json!("140213066001"))
    );
    assert_eq!(moved["estates"], json!(["140213066001001"]));
    officer.get(&path(&row)).await.refused(404, "not_found");
    app.as_("community.140213066001").get(&path(&row)).await.expect(200);

    assert_eq!(reshape(&organiser, code, json!({})).await.status, 422);
    assert_eq!(reshape(&organiser, code, json!({"parent": BRANCH})).await.fields(), ["parent"]);
    assert_eq!(
        reshape(&organiser, "party-140213066004", json!({"estates": ["140213066004001"]}))
            .await
            .fields(),
        ["estates"]
    );
    reshape(&organiser, "housing", json!({"name": "改名"})).await.refused(404, "not_found");
    reshape(&officer, code, json!({"name": "改名"})).await.refused(403, "forbidden");

    let stop = format!("/party-branches/{code}/deactivate");
    organiser.post(&stop, json!({})).await.refused(409, "party_body_has_members");
    organiser
        .post(&format!("/party-branches/{ELSEWHERE}/deactivate"), json!({}))
        .await
        .refused(409, "party_body_has_bodies");
    organiser
        .post(&format!("{}/remove", path(&row)), json!({"reason": "mistake"}))
        .await
        .expect(200);
    assert_eq!(organiser.post(&stop, json!({})).await.expect(200)["active"], false);
    organiser.post(&stop, json!({})).await.refused(409, "party_body_inactive");
    reshape(&organiser, code, json!({"name": "改名"})).await.refused(409, "party_body_inactive");
    let late = add(&organiser, &member("张三", "300001", code)).await;
    assert_eq!(late.fields(), ["branch"]);
}
