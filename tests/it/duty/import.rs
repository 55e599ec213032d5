//! New versions from sheets.

use super::*;

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let app = App::spawn().await;
    let (lists, audited) = (
        app.count("duty_list").await,
        app.count("audit_entry where action <> 'session.open'").await,
    );
    let mut table = table(&app).await;
    let removed = table.rows.remove(0).cells[0].clone();
    table.rows[0].cells[5] = "牵头".to_owned();
    let changed = table.rows[0].cells[0].clone();
    let mut new = table.rows[1].clone();
    new.cells[0] = "new-01".to_owned();
    new.cells[3] = "区城市管理(综合执法)局".to_owned();
    let mut wrong = new.clone();
    wrong.cells[0] = "new-02".to_owned();
    (wrong.cells[3], wrong.cells[5], wrong.cells[8]) =
        ("市政局".to_owned(), "主办".to_owned(), String::new());
    let twice = new.clone();
    table.rows.extend([new, wrong, twice]);
    let query = territorial("territorial-2027.1", "2027-01-01") + "&dry_run=true";
    let shown = import(&app, &query, csv(&table)).await.expect(200);
    assert_eq!((&shown["dry_run"], &shown["id"]), (&json!(true), &Value::Null));
    assert_eq!(shown["replaces"], "territorial-2024.1");
    assert_eq!(shown["removed"][0]["code"], json!(removed));
    assert_eq!(shown["added"][0]["code"], "new-01");
    assert_eq!(shown["added"].as_array().unwrap().len(), 1);
    assert_eq!(shown["added"][0]["lead_unit"], "urban-management", "by its name");
    let field = &shown["changed"][0]["fields"][0];
    assert_eq!(shown["changed"][0]["code"], json!(changed));
    assert_eq!((&field["field"], &field["after"]), (&json!("duty"), &json!("牵头")));
    assert_eq!(shown["unchanged"], 79);
    let refused = &shown["refused"];
    assert_eq!((&refused[0]["line"], &refused[0]["code"]), (&json!(83), &json!("new-02")));
    let faults: Vec<&str> = refused[0]["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["column"].as_str().unwrap())
        .collect();
    assert_eq!(faults, ["主管部门", "基层承担", "依据"]);
    assert_eq!(refused[1]["faults"][0]["reason"], "代码与第 82 行重复");

    // The same in earnest: all or nothing.
    let query = territorial("territorial-2027.1", "2027-01-01");
    let answer = import(&app, &query, csv(&table)).await;
    assert!(answer.fields().contains(&"第 83 行·主管部门"), "{answer}");
    answer.refused(422, "duty_rows_refused");
    assert_eq!(app.count("duty_list").await, lists);
    assert_eq!(app.count("audit_entry where action <> 'session.open'").await, audited);
}

#[tokio::test]
async fn a_version_follows_another_on_its_day() {
    let app = App::spawn().await;
    let mut table = table(&app).await;
    let at = table.rows.iter().position(|row| row.cells[0] == "city-08").unwrap();
    table.rows[at].cells[5] = "牵头".to_owned();
    let query = territorial("territorial-2026.2", "2026-11-26");
    let written = import(&app, &query, csv(&table)).await.expect(201);
    let id = written["id"].as_i64().unwrap();
    let old = number(&app, "/duty-lists?kind=territorial&valid_on=2026-11-25").await;
    let staff = app.as_("auditor");
    let shown = staff.get(&format!("/duty-lists/{old}")).await.expect(200);
    assert_eq!(
        (&shown["version"], &shown["valid_to"]),
        (&json!("territorial-2024.1"), &json!("2026-11-26"))
    );
    assert_eq!(number(&app, "/duty-lists?kind=territorial&valid_on=2026-11-26").await, id);

    // Who is judged today is judged by the old one, who is judged then by the new one.
    let lead = json!({"lead": SUBDISTRICT, "duty_item": "city-08"});
    let case = app.accepted().await;
    let desk = app.as_("dispatcher");
    desk.post(&case.path("/dispatch"), lead.clone()).await.refused(409, "not_on_duty_list");
    app.pass("2026-11-26T09:00:00+08:00").await;
    let mut case = app.accepted().await;
    assert_eq!(app.dispatch(&mut case, lead).await["duty_list"], "territorial-2026.2");

    // The name is taken, and the past stays as it was.
    let again = import(&app, &territorial("territorial-2026.2", "2027-01-01"), csv(&table)).await;
    again.refused(409, "duty_version_taken");
    for early in ["2024-05-01", "2026-11-26"] {
        let early = import(&app, &territorial("territorial-2026.3", early), csv(&table)).await;
        early.refused(409, "duty_version_too_early");
    }
    let audited: String = sqlx::query_scalar(
        "select data ->> 'replaces' from audit_entry where action = 'duty.import'",
    )
    .fetch_one(app.db())
    .await
    .unwrap();
    assert_eq!(audited, "territorial-2024.1");
}

#[tokio::test]
async fn what_is_exported_is_imported_unchanged() {
    let app = App::spawn().await;
    for list in app
        .as_("auditor")
        .all(&format!("/duty-lists?division={SUBDISTRICT}"))
        .await
        .iter()
        .chain(&app.as_("auditor").all(TERRITORIAL).await)
    {
        let (id, kind) = (list["id"].as_i64().unwrap(), list["kind"].as_str().unwrap());
        let division = list["division"].as_str();
        let division = division.map_or(String::new(), |code| format!("&division={code}"));
        for format in ["csv", "xlsx"] {
            let query = format!(
                "kind={kind}&version={kind}-next&title=新版&valid_from=2027-01-01&dry_run=true{division}"
            );
            let bytes = exported(&app, id, format).await;
            let path = format!("/duty-lists/import?{query}");
            let request = app.as_("sysadmin").request(Method::POST, &path);
            let shown = request.raw("application/octet-stream", bytes).send().await.expect(200);
            for part in ["added", "removed", "changed", "refused"] {
                assert_eq!(shown[part], json!([]), "{kind} {format}: {part}");
            }
            assert_eq!(shown["unchanged"], list["items"]);
        }
    }
}

#[tokio::test]
async fn two_at_once_come_one_after_the_other() {
    let app = App::spawn().await;
    let bytes = csv(&table(&app).await);
    let (one, other) = (
        territorial("territorial-2027.1", "2027-01-01"),
        territorial("territorial-2027.2", "2027-01-01"),
    );
    let (one, other) =
        tokio::join!(import(&app, &one, bytes.clone()), import(&app, &other, bytes.clone()));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{one} {other}");
    // A list that has no version yet is locked by nothing; the constraint holds.
    let first = |name: &str| {
        format!(
            "kind=community&version={name}&title=社区清单&division=140213051001&valid_from=2027-01-01"
        )
    };
    let (one, other) = (first("first-1"), first("first-2"));
    let (one, other) = tokio::join!(import(&app, &one, bytes.clone()), import(&app, &other, bytes));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{one} {other}");
}

#[tokio::test]
async fn what_is_no_sheet_or_no_version_is_refused() {
    let app = App::spawn().await;
    let good = csv(&table(&app).await);
    let query = territorial("territorial-2027.1", "2027-01-01");
    let big = vec![b'x'; 5 * 1024 * 1024 + 1];
    import(&app, &query, big).await.refused(413, "sheet_too_large");
    import(&app, &query, Vec::new()).await.refused(422, "sheet_empty");
    import(&app, &query, b"\xff\xff\xff\xff,1\n".to_vec()).await.refused(422, "sheet_encoding");
    import(&app, &query, b"PK\x03\x04nothing".to_vec()).await.refused(422, "sheet_workbook");
    import(&app, &query, b"\xd0\xcf\x11\xe0".to_vec()).await.refused(422, "sheet_workbook");
    let headless = "事项代码,类别,事项\na-1,一,路灯\n".as_bytes().to_vec();
    import(&app, &query, headless).await.refused(422, "duty_sheet_refused");
    let path = format!("/duty-lists/import?{query}");
    let json = app.as_("sysadmin").request(Method::POST, &path).json(&json!({}));
    json.send().await.refused(415, "sheet_type");
    for bad in [
        "version=x-1&title=清单&valid_from=2027-01-01".to_owned(),
        query.replace("territorial-2027.1", "第一版"),
        query.replace("2027-01-01", "明年"),
        query.clone() + "&division=140213066",
        query.replace("kind=territorial", "kind=basic"),
        query.replace("kind=territorial", "kind=basic") + "&division=140213066004",
        query.replace("kind=territorial", "kind=community") + "&division=140213066",
        query.replace("kind=territorial", "kind=community") + "&division=140213999999",
    ] {
        import(&app, &bad, good.clone()).await.refused(422, "invalid_field");
    }
    let other = app.as_("dispatcher").request(Method::POST, &path).raw("text/csv", good);
    other.send().await.refused(403, "forbidden");
}
