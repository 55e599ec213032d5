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

    // What hangs below it goes along.
    assert_eq!(
        found(&app.as_("community.140213066001").all("/party-tree").await, code)["code"],
        code
    );
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

/// A group that goes to a branch of another community takes its households and its members along,
/// and what was under way for one of them ends.
#[tokio::test]
async fn what_hangs_below_a_moved_body_goes_along() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser");
    let (group, household) = ("party-140213066004-01-01", "party-140213066004-01-01-01");
    let mut rows = Vec::new();
    for (name, at, sequence) in [("甲", group, 1), ("乙", household, 3), ("丙", "", 5)] {
        let mut body = member(name, &number("19800101", sequence), BRANCH);
        body["group"] = json!(Some(at).filter(|at| !at.is_empty()));
        rows.push(add(&organiser, &body).await.expect(201));
    }
    let transfers = format!("{}/transfers", path(&rows[0]));
    let asked = json!({"to_branch": "party-140213066004-02", "reason": "迁居"});
    let open = organiser.post(&transfers, asked).await.expect(201);
    app.advance(chrono::TimeDelta::minutes(1));
    reshape(&organiser, group, json!({"parent": ELSEWHERE})).await.expect(200);

    let tree = organiser.all("/party-tree").await;
    for code in [group, household] {
        assert_eq!(found(&tree, code)["division"], "140213066001", "{code}");
    }
    assert_eq!(found(&tree, ELSEWHERE)["members"]["total"], 2, "with those of its groups");
    assert_eq!(found(&tree, household)["members"]["total"], 1);
    let branch = async |row: &Value| organiser.get(&path(row)).await.expect(200)["branch"].clone();
    for row in &rows[..2] {
        assert_eq!(branch(row).await["code"], ELSEWHERE);
        let changes = organiser.all(&format!("{}/changes", path(row))).await;
        assert_eq!(
            (&changes[0]["kind"], &changes[0]["data"]["to"]),
            (&json!("transferred"), &json!(ELSEWHERE))
        );
        app.as_(SECRETARY).get(&path(row)).await.refused(404, "not_found");
        app.as_("community.140213066001").get(&path(row)).await.expect(200);
    }
    assert_eq!(branch(&rows[2]).await["code"], BRANCH, "who stands in no group stays");
    let transfer = format!("/party-transfers/{}", open["id"].as_str().unwrap());
    assert_eq!(organiser.get(&transfer).await.expect(200)["status"], "withdrawn");
    // Within one branch nobody's branch changes.
    let before = organiser.get(&path(&rows[1])).await.expect(200)["version"].clone();
    let beside = json!({"code": "party-140213066001-01-09", "kind": "party_group",
        "name": "九号楼党小组", "parent": ELSEWHERE});
    organiser.post("/party-branches", beside).await.expect(201);
    let inside = json!({"parent": "party-140213066001-01-09"});
    reshape(&organiser, household, inside).await.expect(200);
    assert_eq!(organiser.get(&path(&rows[1])).await.expect(200)["version"], before);
}
