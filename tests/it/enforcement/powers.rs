//! Powers come in from sheets, as versions.

use api::sheet::{self, Cell, Sheet, Table};

use super::*;
use crate::support::Answer;

const OF: &str = "/power-lists?unit=140213066";

async fn exported(app: &App, list: i64, format: &str) -> Table {
    let token = app.as_("auditor").token().await.unwrap();
    let url = format!("{}/api/v1/power-lists/{list}/export?format={format}", app.base());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    sheet::read(answer.bytes().await.unwrap().to_vec()).unwrap()
}

fn as_sheet(table: &Table) -> Sheet {
    let rows = table.rows.iter().map(|row| row.cells.iter().cloned().map(Cell::from).collect());
    Sheet { name: "x".to_owned(), columns: table.columns.clone(), rows: rows.collect() }
}

async fn import(app: &App, query: &str, table: &Table) -> Answer {
    let path = format!("/power-lists/import?unit={SUBDISTRICT}&title=执法事项清单&{query}");
    let bytes = sheet::write_csv(&as_sheet(table)).unwrap();
    app.as_("sysadmin").request(Method::POST, &path).raw("text/csv", bytes).send().await
}

async fn current(app: &App) -> i64 {
    let lists = app.as_(CLERK).all(&format!("{OF}&valid_on=2026-11-24")).await;
    assert_eq!(lists.len(), 1, "{lists:?}");
    lists[0]["id"].as_i64().unwrap()
}

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let app = App::spawn().await;
    let mut table = exported(&app, current(&app).await, "csv").await;
    let lists = app.count("power_list").await;
    let gone = table.rows.remove(0).cells[0].clone();
    table.rows[0].cells[4] = "《大同市消防条例》".to_owned();
    let mut new = table.rows[1].clone();
    new.cells[0] = "new-01".to_owned();
    let mut wrong = new.clone();
    wrong.cells[0] = "new-02".to_owned();
    (wrong.cells[1], wrong.cells[4]) = ("委托".to_owned(), String::new());
    table.rows.extend([new, wrong]);
    let shown = import(&app, "version=powers-2026.2&valid_from=2026-12-01&dry_run=true", &table);
    let shown = shown.await.expect(200);
    assert_eq!((&shown["dry_run"], &shown["id"]), (&json!(true), &Value::Null));
    assert_eq!(shown["replaces"], "powers-2026.1-140213066");
    assert_eq!(shown["removed"][0]["code"], json!(gone));
    assert_eq!(shown["added"][0]["code"], "new-01");
    let field = &shown["changed"][0]["fields"][0];
    assert_eq!((&field["field"], &field["after"]), (&json!("basis"), &json!("《大同市消防条例》")));
    assert_eq!(shown["unchanged"], 5);
    let faults = shown["refused"][0]["faults"].as_array().unwrap();
    let columns: Vec<&str> = faults.iter().map(|it| it["column"].as_str().unwrap()).collect();
    assert_eq!(columns, ["来源", "依据"]);
    assert_eq!(shown["deviations"][0]["expected"], 27);
    assert_eq!(shown["deviations"][1]["expected"], 55);

    // The same in earnest: all or nothing.
    let refused = import(&app, "version=powers-2026.2&valid_from=2026-12-01", &table).await;
    assert!(refused.fields().contains(&"第 9 行·来源"), "{refused}");
    refused.refused(422, "power_rows_refused");
    assert_eq!(app.count("power_list").await, lists);
}

#[tokio::test]
async fn a_full_list_deviates_nowhere_and_is_acted_by_from_its_day() {
    let app = App::spawn().await;
    let mut table = exported(&app, current(&app).await, "csv").await;
    let row = table.rows[0].clone();
    table.rows = (0..82).map(|_| row.clone()).collect();
    for (at, row) in table.rows.iter_mut().enumerate() {
        let own = at < 27;
        let kind = if own { "自有" } else { "下放" };
        let by = if own { "" } else { "urban-management" };
        row.cells[..4].clone_from_slice(&[
            format!("power-{at:02}"),
            kind.to_owned(),
            format!("第 {at} 项"),
            by.to_owned(),
        ]);
    }
    let query = "version=powers-2026.2&valid_from=2026-12-01";
    let written = import(&app, query, &table).await.expect(201);
    assert_eq!(written["deviations"], json!([]));
    let staff = app.as_(CLERK);
    let id = written["id"].as_i64().unwrap();
    let shown = staff.get(&format!("/power-lists/{id}")).await.expect(200);
    assert_eq!((&shown["own"], &shown["devolved"]), (&json!(27), &json!(55)));
    assert_eq!(shown["powers"].as_array().unwrap().len(), 82);
    let old = staff.get(&format!("/power-lists/{}", current(&app).await)).await.expect(200);
    assert_eq!(old["valid_to"], "2026-12-01");
    assert_eq!(old["deviations"][0]["found"], 3);

    // In both formats what is exported is imported unchanged.
    for format in ["csv", "xlsx"] {
        let table = exported(&app, id, format).await;
        let query = "version=powers-2027.1&valid_from=2027-01-01&dry_run=true";
        let shown = import(&app, query, &table).await.expect(200);
        assert_eq!((&shown["unchanged"], &shown["refused"]), (&json!(82), &json!([])));
    }

    // The name is taken, and the past stays as it was.
    import(&app, query, &table).await.refused(409, "power_version_taken");
    for early in ["2026-11-01", "2026-12-01"] {
        let query = format!("version=powers-2026.3&valid_from={early}");
        import(&app, &query, &table).await.refused(409, "power_version_too_early");
    }
    table.columns[1] = "类别".to_owned();
    let query = "version=powers-2027.1&valid_from=2027-01-01";
    import(&app, query, &table).await.refused(422, "power_sheet_refused");
    let path = "/power-lists/import?unit=140213066004&title=社区清单&version=powers-x&valid_from=2027-01-01";
    let sheet = sheet::write_csv(&as_sheet(&exported(&app, id, "csv").await)).unwrap();
    let community = app.as_("sysadmin").request(Method::POST, path).raw("text/csv", sheet);
    assert_eq!(community.send().await.fields(), ["unit"]);
}
