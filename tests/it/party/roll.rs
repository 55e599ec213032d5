//! Files: all of it or nothing, each refused cell by its name, and nothing twice.

use api::sheet::{Sheet, write_workbook};
use reqwest::Method;
use serde_json::{Value, json};

use super::{BRANCH, COMMUNITY_OFFICER, SECRETARY, add, member, number, path};
use crate::support::{Answer, App, Client};

const HEADER: &str = "姓名,身份证号码,联系电话,党支部,党小组,台账,职级,特长,流动方向,另一端党组织,流动地点,流动起始日期";
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn bring(who: &Client, dry_run: bool, rows: &[String]) -> Answer {
    let text = format!("{HEADER}\n{}\n", rows.join("\n"));
    let path = format!("/party-members/import?dry_run={dry_run}");
    who.request(Method::POST, &path).raw("text/csv", text).send().await
}

/// The rows of an export; read apart, since its bytes are no text.
async fn taken_away(app: &App, who: &Client, format: &str, body: &Value) -> Vec<Vec<String>> {
    let url = format!("{}/api/v1/party-members/export?format={format}", app.base());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(url).bearer_auth(who.token().await.unwrap());
    let file = request.json(body).send().await.unwrap();
    assert_eq!(file.status(), 200);
    let table = api::sheet::read(file.bytes().await.unwrap().to_vec()).unwrap();
    table.rows.into_iter().map(|row| row.cells).collect()
}

fn good() -> Vec<String> {
    vec![
        format!("王一,{},13800001111,{BRANCH},,直管,,书法,,,,", number("19500101", 1)),
        format!(
            "王二,{},,文兴苑小区党支部,文兴苑1号楼党小组,在职,科员,,,,,",
            number("19800101", 2)
        ),
        format!("王三,300003,,{BRANCH},,流动,,,流出,北京市某党支部,北京市,2026/3/1"),
    ]
}

#[tokio::test]
async fn a_file_comes_whole_and_nothing_comes_twice() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let before = app.count("party_member").await;
    let tried = bring(&secretary, true, &good()).await.expect(200);
    assert_eq!(
        (&tried["dry_run"], &tried["added"], &tried["refused"]),
        (&json!(true), &json!(3), &json!([]))
    );
    assert_eq!(app.count("party_member").await, before, "a dry run writes nothing");
    assert_eq!(bring(&secretary, false, &good()).await.expect(201)["added"], 3);
    assert_eq!(app.count("party_member").await, before + 3);
    let again = bring(&secretary, false, &good()).await.expect(201);
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(3)));
    assert_eq!(app.count("party_member").await, before + 3);
    let floats = secretary.all("/party-members?ledger=floating&q=王三").await;
    assert_eq!(floats[0]["floating"]["since"], "2026-03-01");

    // Who has six characters only gets the full number by the file.
    let full = number("19700101", 5);
    add(&secretary, &member("赵补全", &full[12..], BRANCH)).await.expect(201);
    let row = vec![format!("赵补全,{full},,{BRANCH},,直管,,,,,,")];
    app.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(bring(&secretary, false, &row).await.expect(201)["completed"], 1);
    assert_eq!(bring(&secretary, false, &row).await.expect(201)["known"], 1);
    let found = secretary.all(&format!("/party-members?q={full}")).await;
    assert_eq!(found[0]["id_number_complete"], true);
    let changes = secretary.all(&format!("{}/changes", path(&found[0]))).await;
    assert_eq!(changes[0]["kind"], "completed");
}

#[tokio::test]
async fn each_refused_cell_is_named_and_nothing_is_written() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let before = app.count("party_member").await;
    let mut rows = good();
    rows.push(format!("王四,110105194912310021,138,{BRANCH},,退休,,,,,,"));
    rows.push(format!("王五,{},,party-140213066004-02,,直管,,,,,,", number("19800101", 9)));
    rows.push(format!("王一,{},,{BRANCH},,直管,,,,,,", number("19500101", 1)));
    rows.push(format!("王六,300006,,{BRANCH},party-140213066004-01,直管,,,,,,"));
    let tried = bring(&secretary, true, &rows).await.expect(200);
    let cells: Vec<(String, String)> = tried["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["cell"].as_str().unwrap().to_owned(), one["column"].as_str().unwrap().to_owned())
        })
        .collect();
    let wanted = [
        ("F5", "台账"),
        ("B5", "身份证号码"),
        ("C5", "联系电话"),
        ("D6", "党支部"),
        ("B7", "身份证号码"),
        ("E8", "党小组"),
    ];
    let wanted: Vec<_> = wanted.map(|(cell, column)| (cell.to_owned(), column.to_owned())).to_vec();
    assert_eq!(cells, wanted);
    assert!(tried["refused"].as_array().unwrap().iter().all(|one| one["sheet"].is_null()));
    let refused = bring(&secretary, false, &rows).await;
    assert_eq!(refused.fields().len(), 6);
    refused.refused(422, "party_cells_refused");
    assert_eq!(app.count("party_member").await, before, "not even the good rows");

    // One person stands in a file once, whichever of the two rows has the full number.
    let full = number("19550505", 7);
    let (long, short) = (
        format!("钱双,{full},,{BRANCH},,直管,,,,,,"),
        format!("钱双,{},,{BRANCH},,直管,,,,,,", &full[12..]),
    );
    for pair in [[long.clone(), short.clone()], [short.clone(), long.clone()]] {
        let tried = bring(&secretary, true, &pair).await.expect(200);
        assert_eq!((&tried["added"], &tried["refused"][0]["cell"]), (&json!(1), &json!("B3")));
        bring(&secretary, false, &pair).await.refused(422, "party_cells_refused");
    }
    // Two of one name whose full numbers differ are two, but one row of the register is one of them.
    add(&secretary, &member("钱双", &full[12..], BRANCH)).await.expect(201);
    let other = (1930..1990)
        .map(|year| number(&format!("{year}0405"), 7))
        .find(|other| other[12..] == full[12..])
        .expect("a number with the same six characters");
    let twins = [long, format!("钱双,{other},,{BRANCH},,直管,,,,,,")];
    let tried = bring(&secretary, true, &twins).await.expect(200);
    assert_eq!((&tried["completed"], &tried["refused"][0]["cell"]), (&json!(1), &json!("B3")));

    // Whoever stands in another branch is transferred, not imported.
    let elsewhere = app.as_("organiser");
    let full = number("19600101", 4);
    add(&elsewhere, &member("赵迁", &full, "party-140213066004-02")).await.expect(201);
    let row = vec![format!("赵迁,{full},,{BRANCH},,直管,,,,,,")];
    let tried = bring(&secretary, true, &row).await.expect(200);
    assert_eq!(tried["refused"][0]["column"], "党支部");

    let post = |body: &str| {
        secretary.request(Method::POST, "/party-members/import").raw("text/csv", body.to_owned())
    };
    post("姓名,台账\n王一,直管\n").send().await.refused(422, "party_sheet_refused");
    post(HEADER).send().await.refused(422, "party_sheet_refused");
    post("").send().await.refused(422, "sheet_empty");
    app.as_("auditor")
        .request(Method::POST, "/party-members/import")
        .raw("text/csv", "x")
        .send()
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn a_cell_of_a_workbook_is_named_with_its_sheet() {
    let app = App::spawn().await;
    let officer = app.as_(COMMUNITY_OFFICER);
    let columns = ["姓名", "身份证号码", "党支部", "台账"].map(str::to_owned).to_vec();
    let row = |name: &str, number: &str| {
        vec![name.into(), number.into(), "文兴里小区党支部".into(), "直管".into()]
    };
    let good = number("19800101", 3);
    let sheet = Sheet {
        name: "名册一".to_owned(),
        columns,
        rows: vec![row("王一", &good), row("王二", "123")],
    };
    let bring = async |sheet: &Sheet| {
        let bytes = write_workbook(std::slice::from_ref(sheet)).unwrap();
        officer.request(Method::POST, "/party-members/import").raw(WORKBOOK, bytes).send().await
    };
    let refused = bring(&sheet).await;
    assert_eq!(refused.fields(), ["名册一!B3·身份证号码"]);
    let mut right = sheet.clone();
    right.rows.pop();
    assert_eq!(bring(&right).await.expect(201)["added"], 1);
}

#[tokio::test]
async fn what_is_taken_away_has_no_numbers_and_leaves_a_record() {
    let app = App::spawn().await;
    let secretary = app.as_(SECRETARY);
    let full = number("19800101", 1);
    let mut body = member("=王芳", &full, BRANCH);
    body["phone"] = json!("13800001234");
    add(&secretary, &body).await.expect(201);
    let export = "/party-members/export";
    assert_eq!(secretary.post(export, json!({"reason": ""})).await.fields(), ["reason"]);
    app.as_("auditor").post(export, json!({"reason": "走访慰问"})).await.refused(403, "forbidden");
    let given = json!({"reason": "走访慰问", "ledger": "direct", "branch": BRANCH});
    for format in ["csv", "xlsx"] {
        let table = taken_away(&app, &secretary, format, &given).await;
        let text = format!("{table:?}");
        assert!(text.contains("=王芳") && text.contains("138****1234"), "{text}");
        assert!(!text.contains(&full) && !text.contains("13800001234"), "{text}");
    }
    let data: Value =
        sqlx::query_scalar("select data from audit_entry where action = 'party.export' limit 1")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!((&data["reason"], &data["ledger"]), (&json!("走访慰问"), &json!("direct")));
    assert_eq!(app.count("audit_entry where action = 'party.export'").await, 2);
    // Another branch's members are none of it.
    let beside = app.as_("secretary.party-140213066004-02");
    let theirs = taken_away(&app, &beside, "csv", &json!({"reason": "走访慰问"})).await;
    assert!(!format!("{theirs:?}").contains("王芳"));

    let template = secretary.get("/party-members/template").await;
    assert_eq!((template.status, template.header("content-type")), (200, WORKBOOK));
}
