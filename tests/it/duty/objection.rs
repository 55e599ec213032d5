//! Objections to a list, and what becomes of them.

use super::*;

fn objection(item: &str) -> Value {
    json!({"item": item, "text": "按权属应由水务局牵头，城管局配合围挡。", "lead_unit": "water"})
}

#[tokio::test]
async fn an_objection_waits_for_the_version_that_takes_it_up() {
    let app = App::spawn().await;
    let made = app.as_(CLERK).post("/duty-proposals", objection("city-05")).await.expect(201);
    assert_eq!((&made["unit"], &made["status"]), (&json!("urban-management"), &json!("open")));
    assert_eq!(made["list_version"], "territorial-2024.1");
    let again =
        app.as_("head.urban-management").post("/duty-proposals", objection("city-05")).await;
    again.refused(409, "duty_proposal_open");
    // A subdistrict objects to its own list.
    let own = app.as_("subdistrict.140213066").post("/duty-proposals", objection("city-05")).await;
    assert_eq!(own.expect(201)["list_version"], "cooperate-2025.1-140213066");

    let id = made["id"].as_str().unwrap();
    let decide = format!("/duty-proposals/{id}/decide");
    let yes = json!({"adopt": true, "note": "权属清楚，下一版调整"});
    let owner = app.as_("supervisor");
    let stale = owner.request(Method::POST, &decide).version(7).json(&yes).send().await;
    stale.refused(412, "version_mismatch");
    app.as_(CLERK).post(&decide, yes.clone()).await.refused(403, "forbidden");
    let (one, other) =
        tokio::join!(owner.post(&decide, yes.clone()), owner.post(&decide, yes.clone()));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one} {other}");
    owner.post(&decide, yes).await.refused(409, "duty_proposal_decided");

    // It is listed until a version touches its item.
    let mut table = table(&app).await;
    let query = |version: &str, from: &str| territorial(version, from);
    let first =
        import(&app, &query("territorial-2027.1", "2027-01-01"), csv(&table)).await.expect(201);
    let open = &first["open_proposals"][0];
    assert_eq!((&open["id"], &open["touched"]), (&json!(id), &json!(false)));
    let at = table.rows.iter().position(|row| row.cells[0] == "city-05").unwrap();
    table.rows[at].cells[3] = "water".to_owned();
    let dry = query("territorial-2028.1", "2028-01-01") + "&dry_run=true";
    let dry = import(&app, &dry, csv(&table)).await.expect(200);
    assert_eq!(dry["open_proposals"][0]["touched"], true);
    import(&app, &query("territorial-2028.1", "2028-01-01"), csv(&table)).await.expect(201);
    let settled = owner.all("/duty-proposals?status=settled&item=city-05").await;
    assert_eq!((settled.len(), &settled[0]["settled_in"]), (1, &json!("territorial-2028.1")));
    let next = query("territorial-2029.1", "2029-01-01") + "&dry_run=true";
    let next = import(&app, &next, csv(&table)).await.expect(200);
    assert_eq!(next["open_proposals"], json!([]));
}

#[tokio::test]
async fn a_return_becomes_an_objection() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let mut body = objection("city-04");
    body["from_task"] = json!(case.lead);
    let desk = app.as_("dispatcher");
    desk.post("/duty-proposals", body.clone()).await.refused(409, "duty_no_such_return");
    let ask = json!({"ground": "duty", "basis": "路灯已移交住建局", "suggested_unit": "housing"});
    app.as_(CLERK).post(&case.task("/return"), ask).await.expect(200);
    let yes = json!({"approve": true, "reason": "按移交协议改派"});
    desk.post(&case.task("/return/decide"), yes).await.expect(200);
    // Another unit's task is no ground.
    let foreign = app.as_("dept.ecology").post("/duty-proposals", body.clone()).await;
    assert_eq!(foreign.fields(), ["from_task"]);
    foreign.refused(422, "invalid_field");
    let made = desk.post("/duty-proposals", body).await.expect(201);
    assert_eq!(
        (&made["unit"], &made["from_task"]),
        (&json!("urban-management"), &json!(case.lead))
    );

    let no = json!({"adopt": false, "note": "移交尚未完成"});
    let decide = format!("/duty-proposals/{}/decide", made["id"].as_str().unwrap());
    let declined = app.as_("supervisor").post(&decide, no).await.expect(200);
    assert_eq!(
        (&declined["status"], &declined["note"]),
        (&json!("declined"), &json!("移交尚未完成"))
    );
}

#[tokio::test]
async fn an_objection_is_to_something_and_says_something() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    for (change, field) in [
        (json!({"item": "no-such-item"}), "item"),
        (json!({"text": "不对"}), "text"),
        (json!({"lead_unit": "nobody"}), "lead_unit"),
        (json!({"from_task": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"}), "from_task"),
        (json!({"status": "adopted"}), "status"),
    ] {
        let mut body = objection("city-05");
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = clerk.post("/duty-proposals", body).await;
        assert_eq!(answer.fields(), [field], "{answer}");
        answer.refused(422, "invalid_field");
    }
    assert_eq!(app.count("duty_proposal").await, 0);
    let nobody = app.resident("li").post("/duty-proposals", objection("city-05")).await;
    nobody.refused(403, "forbidden");
}
