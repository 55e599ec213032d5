//! Transfers between branches: both ends agree, and the register follows.

use serde_json::{Value, json};

use super::{BESIDE, BRANCH, COMMUNITY_OFFICER, ELSEWHERE, SECRETARY, add, member, number, path};
use crate::support::{App, Client};

const HOST: &str = "secretary.party-140213066004-02";

async fn proposed(who: &Client, member: &Value, to: &str) -> String {
    let body = json!({"to_branch": to, "reason": "迁居到文兴里小区"});
    let made = who.post(&format!("{}/transfers", path(member)), body).await.expect(201);
    assert_eq!(made["status"], "proposed");
    format!("/party-transfers/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn the_register_follows_when_both_agreed() {
    let app = App::spawn().await;
    let (home, host) = (app.as_(SECRETARY), app.as_(HOST));
    let made = add(&home, &member("王芳", &number("19800101", 1), BRANCH)).await.expect(201);
    let transfers = format!("{}/transfers", path(&made));
    let ask = |to: &str| json!({"to_branch": to, "reason": "迁居"});
    home.post(&transfers, ask(BRANCH)).await.refused(409, "party_same_branch");
    assert_eq!(home.post(&transfers, ask("party-140213066004")).await.fields(), ["to_branch"]);
    host.post(&transfers, ask(BESIDE)).await.refused(404, "not_found");
    let transfer = proposed(&home, &made, BESIDE).await;
    home.post(&transfers, ask(BESIDE)).await.refused(409, "party_transfer_open");
    let float = json!({"direction": "out", "other_name": "外地党支部", "place": "北京", "since": "2026-01-01"});
    home.post(&format!("{}/float", path(&made)), float).await.refused(409, "party_transfer_open");

    // Both ends read it, nobody else.
    assert_eq!(host.get(&transfer).await.expect(200)["member_name"], "王*");
    app.as_("secretary.party-140213066004-03").get(&transfer).await.refused(404, "not_found");
    assert_eq!(host.all("/party-transfers?status=proposed").await.len(), 1);
    assert!(host.all("/party-transfers?status=accepted").await.is_empty());

    // Each end says its own word, in its turn.
    host.post(&format!("{transfer}/accept"), json!({}))
        .await
        .refused(409, "party_transfer_step_refused");
    host.post(&format!("{transfer}/release"), json!({}))
        .await
        .refused(409, "party_transfer_other_end");
    let released =
        home.post(&format!("{transfer}/release"), json!({"note": "同意"})).await.expect(200);
    assert_eq!((&released["status"], &released["version"]), (&json!("released"), &json!(2)));
    home.post(&format!("{transfer}/accept"), json!({}))
        .await
        .refused(409, "party_transfer_other_end");
    host.get(&path(&made)).await.refused(404, "not_found");
    let before = home.get(&path(&made)).await.expect(200);
    assert_eq!(before["branch"]["code"], BRANCH, "the register waits for both");

    app.advance(chrono::TimeDelta::minutes(1));
    let accepted = host.post(&format!("{transfer}/accept"), json!({})).await.expect(200);
    assert_eq!(accepted["status"], "accepted");
    host.post(&format!("{transfer}/accept"), json!({}))
        .await
        .refused(409, "party_transfer_step_refused");
    let after = host.get(&path(&made)).await.expect(200);
    assert_eq!(after["branch"]["code"], BESIDE);
    home.get(&path(&made)).await.refused(404, "not_found");
    assert_eq!(
        home.get(&transfer).await.expect(200)["status"],
        "accepted",
        "the old end keeps the paper"
    );
    let changes = host.all(&format!("{}/changes", path(&made))).await;
    assert_eq!(changes[0]["data"]["to"], BESIDE);
    // Both ends are told, each of what the other did; the branches beside them of nothing.
    app.drain().await;
    let told = async |who: &Client| {
        let mut told = Vec::new();
        for kind in ["proposed", "released", "accepted"] {
            told.push(who.told(&format!("transfer_{kind}")).await.len());
        }
        told
    };
    assert_eq!(told(&home).await, [0, 0, 1]);
    assert_eq!(told(&host).await, [1, 1, 0]);
    assert_eq!(told(&app.as_("secretary.party-140213066004-03")).await, [0, 0, 0]);
    let about = host.all("/notifications").await;
    let about = about.iter().find(|one| one["kind"] == "transfer_released").unwrap();
    assert_eq!(format!("/party-transfers/{}", about["transfer_id"].as_str().unwrap()), transfer);
    assert!(about["text"].as_str().unwrap().contains("等待转入党支部接收"), "{about}");
}

/// A registered member reads what becomes of the transfer, and who is told sees no name.
#[tokio::test]
async fn the_member_is_told_of_a_transfer() {
    let app = App::spawn().await;
    let person = app.resident("party-1");
    let account = person.get("/me").await.ok()["id"].as_str().unwrap().to_owned();
    let sql = "select id::text, branch_code from party_member where account_id::text = $1";
    let (member, branch): (String, String) =
        sqlx::query_as(sql).bind(account).fetch_one(app.db()).await.unwrap();
    let to = if branch == BESIDE { BRANCH } else { BESIDE };
    let member = json!({"id": member});
    let organiser = app.as_("organiser");
    let transfer = proposed(&organiser, &member, to).await;
    organiser.post(&format!("{transfer}/release"), json!({})).await.expect(200);
    let why = json!({"note": "本人不住在本小区"});
    app.as_(&format!("secretary.{to}")).post(&format!("{transfer}/refuse"), why).await.expect(200);
    app.drain().await;
    let told = person.told("transfer_refused").await;
    assert_eq!(told, ["组织关系转接未获同意，仍在原党支部。说明：本人不住在本小区"]);
    assert_eq!(person.told("transfer_proposed").await.len(), 1);
    assert_eq!(app.as_(&format!("secretary.{branch}")).told("transfer_refused").await.len(), 1);
    assert_eq!(app.count("event where data::text like '%演示党员%'").await, 0);
}

#[tokio::test]
async fn who_is_above_both_does_not_agree_for_both() {
    let app = App::spawn().await;
    let officer = app.as_(COMMUNITY_OFFICER);
    let made = add(&officer, &member("王芳", &number("19800101", 1), BRANCH)).await.expect(201);
    let transfer = proposed(&officer, &made, BESIDE).await;
    officer.post(&format!("{transfer}/release"), json!({})).await.expect(200);
    officer
        .post(&format!("{transfer}/accept"), json!({}))
        .await
        .refused(409, "party_transfer_both_ends");
    app.as_(HOST).post(&format!("{transfer}/accept"), json!({})).await.expect(200);
}

#[tokio::test]
async fn it_is_refused_or_taken_back() {
    let app = App::spawn().await;
    let (home, host, organiser) = (app.as_(SECRETARY), app.as_(HOST), app.as_("organiser"));
    let made = add(&home, &member("王芳", &number("19800101", 1), BRANCH)).await.expect(201);
    let first = proposed(&home, &made, BESIDE).await;
    host.post(&format!("{first}/withdraw"), json!({}))
        .await
        .refused(409, "party_transfer_other_end");
    home.post(&format!("{first}/withdraw"), json!({})).await.expect(200);
    let second = proposed(&home, &made, BESIDE).await;
    home.post(&format!("{second}/release"), json!({})).await.expect(200);
    assert_eq!(host.post(&format!("{second}/refuse"), json!({})).await.fields(), ["note"]);
    let why = json!({"note": "本人不住在本小区"});
    let refused = host.post(&format!("{second}/refuse"), why).await.expect(200);
    assert_eq!(
        (&refused["status"], &refused["note"]),
        (&json!("refused"), &json!("本人不住在本小区"))
    );
    // Removed while it is under way: it ends with the row.
    let third = proposed(&organiser, &made, ELSEWHERE).await;
    home.post(&format!("{}/remove", path(&made)), json!({"reason": "died"})).await.expect(200);
    assert_eq!(home.get(&third).await.expect(200)["status"], "withdrawn");
}

#[tokio::test]
async fn of_accepting_and_taking_back_at_once_one_stands() {
    let app = App::spawn().await;
    let (home, host) = (app.as_(SECRETARY), app.as_(HOST));
    for sequence in 1..4 {
        let body = member("王芳", &number("19800101", sequence), BRANCH);
        let made = add(&home, &body).await.expect(201);
        let transfer = proposed(&home, &made, BESIDE).await;
        home.post(&format!("{transfer}/release"), json!({})).await.expect(200);
        let (accept, withdraw) = (format!("{transfer}/accept"), format!("{transfer}/withdraw"));
        let (one, two) =
            tokio::join!(host.post(&accept, json!({})), home.post(&withdraw, json!({})));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one} {two}");
        let branch = if one.status == 200 { BESIDE } else { BRANCH };
        let row = app.as_("organiser").get(&path(&made)).await.expect(200);
        assert_eq!(row["branch"]["code"], branch);
        home.post(&withdraw, json!({})).await.refused(409, "party_transfer_step_refused");
    }
    // Nobody agrees for both ends behind the rules' back.
    let sql = "update party_transfer set status = 'accepted', decided_at = now(),
                   decided_by = released_by where released_by is not null";
    let refused = sqlx::query(sql).execute(app.db()).await.unwrap_err();
    assert_eq!(infra::postgres::violated(&refused), Some("party_transfer_both_ends"));
}
