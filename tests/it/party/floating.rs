//! Ledgers, and floating members with both ends.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{BESIDE, BRANCH, SECRETARY, add, member, number, path};
use crate::support::App;

#[tokio::test]
async fn a_ledger_is_changed_with_a_reason() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let made = add(&secretary, &member("王芳", &number("19800101", 1), BRANCH)).await.expect(201);
    let ledger = format!("{}/ledger", path(&made));
    let to = |ledger: &str| json!({"ledger": ledger, "reason": "今年三月退休"});
    assert_eq!(
        secretary.post(&ledger, json!({"ledger": "retired", "reason": ""})).await.fields(),
        ["reason"]
    );
    secretary.post(&ledger, to("direct")).await.refused(409, "party_same_ledger");
    secretary.post(&ledger, to("floating")).await.refused(409, "party_floating_by_itself");
    app.advance(TimeDelta::minutes(1));
    let listed = secretary.post(&ledger, to("retired")).await.expect(200);
    assert_eq!((&listed["ledger"], &listed["version"]), (&json!("retired"), &json!(2)));
    let changes = secretary.all(&format!("{}/changes", path(&made))).await;
    assert_eq!(changes[0]["kind"], "ledger_changed");
    assert_eq!(changes[0]["data"], json!({"from": "direct", "to": "retired"}));
}

#[tokio::test]
async fn both_ends_see_who_floats() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let host = app.as_("secretary.party-140213066004-02");
    let made = add(&secretary, &member("王芳", &number("19800101", 1), BRANCH)).await.expect(201);
    host.get(&path(&made)).await.refused(404, "not_found");
    let float = format!("{}/float", path(&made));
    let body = |branch: &str| {
        json!({"direction": "out", "other_branch": branch, "place": "文兴里",
            "since": "2026-10-01", "contact": "0352-5012345"})
    };
    for wrong in [BRANCH, "party-140213066004", "party-140213066004-99"] {
        let refused = secretary.post(&float, body(wrong)).await;
        assert_eq!(refused.fields(), ["floating.other_branch"], "{wrong}");
    }
    let mut tomorrow = body(BESIDE);
    tomorrow["since"] = json!("2026-11-25");
    assert_eq!(secretary.post(&float, tomorrow).await.fields(), ["since"]);
    app.advance(TimeDelta::minutes(1));
    let floats = secretary.post(&float, body(BESIDE)).await.expect(200);
    assert_eq!((&floats["ledger"], &floats["colour"]), (&json!("floating"), &json!("green")));
    assert_eq!(floats["floating"]["other_branch"], BESIDE);
    assert_eq!(floats["floating"]["contact"], "035****2345");
    secretary.post(&float, body(BESIDE)).await.refused(409, "party_already_floating");

    // The other end reads the row, masked, and keeps nothing of it.
    let seen = host.get(&path(&made)).await.expect(200);
    assert_eq!((&seen["name"], &seen["own"]), (&json!("王*"), &json!(false)));
    assert_eq!(host.all("/party-members?ledger=floating").await.len(), 1);
    host.post(&format!("{}/unmask", path(&made)), json!({"reason": "核对"}))
        .await
        .refused(404, "not_found");
    let back = format!("{}/return", path(&made));
    host.post(&back, json!({"on": "2026-11-20"})).await.refused(404, "not_found");

    for (on, field) in [("2026-09-30", "on"), ("2026-11-25", "on")] {
        assert_eq!(secretary.post(&back, json!({"on": on})).await.fields(), [field]);
    }
    app.advance(TimeDelta::minutes(1));
    let settled = secretary.post(&back, json!({"on": "2026-11-20"})).await.expect(200);
    assert_eq!((&settled["ledger"], &settled["floating"]), (&json!("direct"), &Value::Null));
    secretary.post(&back, json!({"on": "2026-11-20"})).await.refused(409, "party_not_floating");
    host.get(&path(&made)).await.refused(404, "not_found");
    let changes = secretary.all(&format!("{}/changes", path(&made))).await;
    let kinds: Vec<&str> = changes.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["returned", "floated", "added"]);
}

#[tokio::test]
async fn who_comes_from_elsewhere_is_added_floating() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let mut body = member("赵远来", &number("19900101", 2), BRANCH);
    body["ledger"] = json!("floating");
    body["floating"] = json!({"direction": "in", "other_name": "太原市迎泽区某党支部",
        "place": "太原市", "since": "2026-06-01"});
    let made = add(&secretary, &body).await.expect(201);
    assert_eq!(made["floating"]["direction"], "in");
    assert_eq!(made["floating"]["other_name"], "太原市迎泽区某党支部");
    let settled = json!({"on": "2026-11-01", "ledger": "employed"});
    let settled = secretary.post(&format!("{}/return", path(&made)), settled).await.expect(200);
    assert_eq!(settled["ledger"], "employed");
}
