//! Duty lists: looked up, brought as sheets, objected to, and what follows from them.

use api::sheet::{self, Cell, Sheet, Table};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, CLERK, COMMUNITY, SUBDISTRICT};

mod import;
mod objection;
mod pushing;

/// The district's list of the demo district.
const TERRITORIAL: &str = "/duty-lists?kind=territorial";

/// The number of the one version that a filter finds.
async fn number(app: &App, filter: &str) -> i64 {
    let lists = app.as_("auditor").all(filter).await;
    assert_eq!(lists.len(), 1, "{filter}: {lists:?}");
    lists[0]["id"].as_i64().unwrap()
}

/// A version as it is exported: its bytes, unread.
async fn exported(app: &App, list: i64, format: &str) -> Vec<u8> {
    let token = app.as_("auditor").token().await.unwrap();
    let url = format!("{}/api/v1/duty-lists/{list}/export?format={format}", app.base());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let named = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(named.ends_with(&format!(".{format}\"")), "{named}");
    answer.bytes().await.unwrap().to_vec()
}

/// The district's list as a table to be changed.
async fn table(app: &App) -> Table {
    sheet::read(exported(app, number(app, TERRITORIAL).await, "csv").await).unwrap()
}

fn csv(table: &Table) -> Vec<u8> {
    let rows = table.rows.iter().map(|row| row.cells.iter().cloned().map(Cell::from).collect());
    let columns = table.columns.clone();
    sheet::write_csv(&Sheet { name: "x".to_owned(), columns, rows: rows.collect() }).unwrap()
}

async fn import(app: &App, query: &str, bytes: Vec<u8>) -> Answer {
    let path = format!("/duty-lists/import?{query}");
    app.as_("sysadmin").request(Method::POST, &path).raw("text/csv", bytes).send().await
}

/// A version of the district's list.
fn territorial(version: &str, valid_from: &str) -> String {
    format!("kind=territorial&version={version}&title=属地清单&valid_from={valid_from}")
}

#[tokio::test]
async fn lists_and_items_are_looked_up() {
    let app = App::spawn().await;
    let staff = app.as_(CLERK);
    let lists = staff.all(&format!("/duty-lists?division={SUBDISTRICT}&limit=2")).await;
    let kinds: Vec<&str> = lists.iter().map(|list| list["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["basic", "cooperate", "recalled"], "by version, page by page");
    assert_eq!(lists[0]["division_name"], "水泊寺街道");
    assert!(staff.all("/duty-lists?valid_on=2023-12-31").await.is_empty());

    let list = number(&app, TERRITORIAL).await;
    let detail = staff.get(&format!("/duty-lists/{list}")).await.expect(200);
    assert_eq!((&detail["items"], &detail["version"]), (&json!(81), &json!("territorial-2024.1")));
    assert_eq!(detail["entries"]["items"].as_array().unwrap().len(), 20);
    let items = staff.all(&format!("/duty-lists/{list}/items?limit=30")).await;
    assert_eq!(items.len(), 81);
    for missing in ["0", "999999", "x", "import"] {
        staff.get(&format!("/duty-lists/{missing}")).await.refused(404, "not_found");
        staff.get(&format!("/duty-lists/{missing}/items?limit=0")).await.refused(404, "not_found");
    }
    staff.get(&format!("/duty-lists/{list}/items?limit=0")).await.refused(422, "invalid_field");
    staff.get("/duty-lists?kind=other").await.refused(422, "invalid_field");

    let found = staff.all(&format!("/duty-items?q=井盖&division={SUBDISTRICT}")).await;
    assert_eq!((found.len(), &found[0]["version"]), (1, &json!("cooperate-2025.1-140213066")));
    let found =
        staff.all(&format!("/duty-items?q=井盖&division={SUBDISTRICT}&at=2024-06-01")).await;
    assert_eq!(found[0]["version"], "territorial-2024.1", "the three lists came in 2025");
    let found = staff.all("/duty-items?q=井盖&at=2024-06-01").await;
    assert_eq!(found[0]["version"], "territorial-2024.1");
    staff.get("/duty-items?at=gestern").await.refused(422, "invalid_field");
}

#[tokio::test]
async fn a_list_suggests_its_units_with_the_reason() {
    let app = App::spawn().await;
    let desk = app.as_("dispatcher");
    for (item, lead, assist, list) in [
        ("city-05", "urban-management", json!([SUBDISTRICT]), "cooperate-2025.1-140213066"),
        ("city-02", SUBDISTRICT, json!(["urban-management"]), "basic-2025.1-140213066"),
        ("city-08", "urban-management", json!([SUBDISTRICT]), "territorial-2024.1"),
        ("community-03", COMMUNITY, json!([]), "community-2024.1-140213066004"),
    ] {
        let mut case = app.accepted().await;
        let path = case.path(&format!("/proposal?duty_item={item}"));
        let told = desk.get(&path).await.expect(200);
        let units = told["assist"].as_array().unwrap().iter().map(|unit| unit["code"].clone());
        let units: Vec<Value> = units.collect();
        assert_eq!((&told["lead"]["code"], json!(units)), (&json!(lead), assist.clone()), "{told}");
        assert_eq!(told["version"], list);
        assert!(told["why"].as_str().unwrap().contains(list), "{told}");
        // For whistles the same, by the place.
        let place = format!("/duty-items/{item}/proposal?community_code={COMMUNITY}");
        let by_place = app.as_("community.140213066004").get(&place).await.expect(200);
        assert_eq!(by_place, told);
        // What is suggested may be dispatched.
        let order = json!({"lead": lead, "assist": assist, "duty_item": item});
        let shown = app.dispatch(&mut case, order).await;
        // The lead's own list is kept; a department's is the district's.
        let kept = if lead == "urban-management" { "territorial-2024.1" } else { list };
        assert_eq!(shown["duty_list"], kept);
    }
    let case = app.accepted().await;
    desk.get(&case.path("/proposal")).await.refused(422, "invalid_field");
    desk.get(&case.path("/proposal?duty_item=none")).await.refused(422, "invalid_field");
    for bad in ["", "?community_code=x", "?community_code=140213066"] {
        desk.get(&format!("/duty-items/city-05/proposal{bad}")).await.refused(422, "invalid_field");
    }
    desk.get("/duty-items/none/proposal").await.refused(404, "not_found");
}
