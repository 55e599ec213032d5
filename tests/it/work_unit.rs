//! Work units: the register, a unit's registration with a community, receipts for its members.

use api::jobs::schedule::Schedule;
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, COMMUNITY, at};

const OFFICER: &str = "community.140213066004";
const LIAISON: &str = "liaison.education";

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

/// 演示党员11 works for 区住房和城乡建设局 and is signed for by 文兴社区.
async fn signed(app: &App) {
    app.advance(TimeDelta::minutes(1));
    let member = json!({ "name": "演示党员11", "id_number_last6": "100011" });
    let body = json!({ "community_code": COMMUNITY, "party_member": member });
    let made = app.resident("party-11").post("/registrations", body).await.expect(201);
    let path = format!("/registrations/{}/sign", id(&made));
    let words = json!({ "accept": true, "note": "只给本人看的话" });
    app.as_(OFFICER).post(&path, words).await.ok();
    app.drain().await;
}

#[tokio::test]
async fn a_unit_gets_receipts_for_its_own_members_and_signs_for_them() {
    let app = App::spawn().await;
    let (liaison, other) = (app.as_("liaison.housing"), app.as_(LIAISON));
    assert_eq!(liaison.all("/receipts").await.len(), 3, "the registered members 2, 5 and 8");
    signed(&app).await;
    let receipts = liaison.all("/receipts?acknowledged=false").await;
    assert_eq!(receipts.len(), 4);
    let newest = &receipts[0];
    assert_eq!((&newest["cause"], &newest["name"]), (&json!("signed"), &json!("演*****")));
    assert_eq!(newest["community_name"], "文兴社区");
    let path = format!("/receipts/{}", id(newest));
    let whole = liaison.get(&path).await.ok();
    assert_eq!(whole["name"], "演示党员11");
    assert_eq!(app.count("audit_entry where action = 'work_unit.name_seen'").await, 1);

    other.get(&path).await.refused(404, "not_found");
    other.post(&format!("{path}/acknowledge"), json!({})).await.refused(404, "not_found");
    assert!(other.all("/receipts").await.iter().all(|one| one["unit"] == "education"));
    app.as_(OFFICER).get("/receipts").await.refused(403, "forbidden");
    let organiser = app.as_("organiser");
    assert_eq!(organiser.all("/receipts?unit=housing").await.len(), 4);
    let refused = organiser.post(&format!("{path}/acknowledge"), json!({})).await;
    refused.refused(403, "forbidden");

    let paths = [format!("{path}/acknowledge"), format!("{path}/acknowledge")];
    let twice = join_all(paths.iter().map(|path| liaison.post(path, json!({})))).await;
    let mut statuses: Vec<u16> = twice.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(liaison.all("/receipts?acknowledged=false").await.len(), 3);

    // The liaison is told that there is one; neither of whom nor what the officer wrote.
    let told = liaison.all("/notifications").await;
    assert_eq!((told.len(), &told[0]["kind"]), (1, &json!("receipt_sent")));
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.contains("文兴社区") && text.contains("已报到"), "{text}");
    assert!(!text.contains("演示") && !text.contains("只给本人看"), "{text}");
}

#[tokio::test]
async fn no_name_of_a_member_stands_in_events_or_the_audit_trail() {
    let app = App::spawn().await;
    signed(&app).await;
    app.as_("liaison.housing").get("/receipts").await.ok();
    for table in [
        "event where data::text like '%演示党员%' or note like '%演示党员%'",
        "audit_entry where data::text like '%演示党员%'",
        "audit_entry where data::text like '%100011%'",
    ] {
        assert_eq!(app.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn the_organisers_keep_the_register_of_units() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser");
    let unit = |code: &str, name: &str, body: &str| json!({ "code": code, "name": name, "party_body": body, "communities": [COMMUNITY] });
    let made =
        organiser.post("/work-units", unit("statistics", "区统计局", "区统计局党支部")).await;
    assert_eq!(made.expect(201)["communities"], json!([COMMUNITY]));
    for twin in [
        unit("statistics", "统计局", "统计局党支部"),
        unit("statistics-2", "区统计局", "统计局党支部"),
        unit("statistics-2", "统计局", "区统计局党支部"),
    ] {
        organiser.post("/work-units", twin).await.refused(409, "work_unit_taken");
    }
    let odd =
        json!({ "code": "统计", "name": "", "party_body": "x", "communities": ["140213066999"] });
    let refused = organiser.post("/work-units", odd).await;
    assert_eq!(refused.fields(), ["code", "name", "party_body"]);
    let nowhere = json!({
        "code": "tax", "name": "区税务局", "party_body": "区税务局党委", "communities": ["140213066999"],
    });
    let refused = organiser.post("/work-units", nowhere).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["communities[0]"]));

    let path = "/work-units/statistics";
    let change = json!({ "name": "区统计局", "party_body": "区统计局机关党委", "communities": [] });
    let put = |version| organiser.request(Method::PUT, path).version(version).json(&change);
    let now = put(1).send().await.ok();
    assert_eq!((&now["version"], &now["communities"]), (&json!(2), &json!([])));
    put(1).send().await.refused(412, "version_mismatch");

    // Whoever has to do with a unit sees it, and nobody else.
    let codes = async |who: &str| {
        let rows = app.as_(who).all("/work-units").await;
        rows.iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(LIAISON).await, ["education"]);
    assert_eq!(codes(OFFICER).await, ["education", "housing", "market-supervision"]);
    assert_eq!(codes("auditor").await.len(), 5);
    app.as_(LIAISON).get(path).await.refused(404, "not_found");
    app.as_(LIAISON)
        .post("/work-units", unit("a1", "某局", "某党委"))
        .await
        .refused(403, "forbidden");
    app.resident("li").get("/work-units").await.refused(403, "forbidden");
    app.anonymous().get("/work-units").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_unit_registers_where_it_is_paired_and_the_community_signs() {
    let app = App::spawn().await;
    let (liaison, officer) = (app.as_(LIAISON), app.as_(OFFICER));
    let body = |unit: &str, community: &str| json!({ "unit": unit, "community_code": community, "offers": "每月一次家庭教育讲座" });
    let submit = async |unit: &str, community: &str| {
        liaison.post("/unit-registrations", body(unit, community)).await
    };
    submit("education", "140213066001").await.refused(409, "unit_not_paired");
    submit("education", "999999").await.refused(409, "unit_not_paired");
    let foreign = submit("housing", COMMUNITY).await;
    assert_eq!((foreign.status, foreign.fields()), (422, vec!["unit"]));
    liaison.token().await;
    let twins = join_all((0..4).map(|_| submit("education", COMMUNITY))).await;
    let (made, refused): (Vec<_>, Vec<_>) =
        twins.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 3));
    refused.into_iter().for_each(|answer| {
        answer.refused(409, "unit_already_registered");
    });
    let waiting = made.into_iter().next().unwrap().expect(201);
    let path = format!("/unit-registrations/{}", id(&waiting));
    app.drain().await;
    assert_eq!(officer.all("/notifications").await[0]["kind"], "unit_registration_submitted");

    let accept = json!({ "accept": true, "note": "欢迎共建" });
    app.as_("community.140213066001")
        .post(&format!("{path}/sign"), accept.clone())
        .await
        .refused(404, "not_found");
    app.as_("liaison.housing").get(&path).await.refused(404, "not_found");
    let silent = officer.post(&format!("{path}/sign"), json!({ "accept": false })).await;
    assert_eq!((silent.status, silent.fields()), (422, vec!["note"]));
    let signed = officer.post(&format!("{path}/sign"), accept.clone()).await.ok();
    assert_eq!(signed["status"], "signed");
    officer
        .post(&format!("{path}/sign"), accept)
        .await
        .refused(409, "unit_registration_step_refused");
    app.drain().await;
    let told = liaison.all("/notifications").await;
    assert_eq!(
        (&told[0]["kind"], &told[0]["title"]),
        (&json!("unit_registration_signed"), &json!("区教育局"))
    );
    assert_eq!(told[0]["unit_registration_id"], waiting["id"]);

    let over = liaison.post(&format!("{path}/end"), json!({ "reason": "结对调整" })).await.ok();
    assert_eq!((&over["status"], &over["end_reason"]), (&json!("ended"), &json!("结对调整")));
    // What is over can be begun again, and both rows stay.
    submit("education", COMMUNITY).await.expect(201);
    assert_eq!(liaison.all("/unit-registrations").await.len(), 2);
    assert_eq!(officer.all("/unit-registrations?status=ended").await.len(), 1);
}

/// The first quarter's feedback to 区教育局, when the quarter is over.
async fn feedback(app: &App) -> String {
    app.set_clock(at("2027-04-01T02:00:00Z"));
    Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
    let reports = app.as_(LIAISON).all("/unit-reports").await;
    let quarter = reports.iter().find(|one| one["kind"] == "quarter").expect("a feedback");
    assert_eq!(
        (&quarter["number"], &quarter["members"], &quarter["missing"]),
        (&json!(1), &json!(4), &json!(4))
    );
    format!("/unit-reports/{}", id(quarter))
}

#[tokio::test]
async fn a_unit_takes_its_feedback_away_with_whole_names_and_on_record() {
    let app = App::spawn().await;
    let path = feedback(&app).await;
    let liaison = app.as_(LIAISON);
    let (media_type, book) = download(&app, &format!("{path}/file?format=xlsx")).await;
    assert!(media_type.contains("spreadsheet"), "{media_type}");
    let table = api::sheet::read(book).unwrap();
    assert_eq!(table.columns[..3], ["姓名", "报到社区", "当年要求"]);
    let mut names: Vec<&str> = table.rows.iter().map(|row| row.cells[0].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["演示党员1", "演示党员10", "演示党员4", "演示党员7"]);
    assert_eq!(
        table.rows[0].cells[2..],
        ["4 次 20 小时", "0", "0", "还差 4 次、20 小时", "未完成"]
    );
    assert_eq!(app.count("audit_entry where action = 'work_unit.file'").await, 1);

    app.as_("liaison.housing").get(&format!("{path}/file")).await.refused(404, "not_found");
    app.as_("auditor").get(&format!("{path}/file")).await.refused(403, "forbidden");
    let odd = liaison.get(&format!("{path}/file?format=docx")).await;
    assert_eq!((odd.status, odd.fields()), (422, vec!["format"]));
    let signed = liaison.post(&format!("{path}/acknowledge"), json!({})).await.ok();
    assert!(!signed["acknowledged_at"].is_null());
    liaison
        .post(&format!("{path}/acknowledge"), json!({}))
        .await
        .refused(409, "already_acknowledged");

    if api::paper::font(&app.state().config.pdf).is_err() {
        eprintln!("SKIPPED: no Chinese font on this machine (apt-get install fonts-noto-cjk)");
        return;
    }
    let (media_type, paper) = download(&app, &format!("{path}/file?format=pdf")).await;
    assert_eq!(media_type, "application/pdf");
    assert!(paper.starts_with(b"%PDF-") && paper.len() > 2000, "{} bytes", paper.len());
}

/// A file of the liaison's as its bytes, with its media type.
async fn download(app: &App, path: &str) -> (String, Vec<u8>) {
    let token = app.as_(LIAISON).token().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v1{path}", app.base());
    let answer = http.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (media_type, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn without_a_font_the_workbook_remains() {
    let app = App::with(|config| config.pdf.font = "/no/such/font.ttc".to_owned()).await;
    let path = feedback(&app).await;
    let liaison = app.as_(LIAISON);
    liaison.get(&format!("{path}/file?format=pdf")).await.refused(503, "pdf_font_missing");
    assert!(!download(&app, &format!("{path}/file")).await.1.is_empty());
}

/// The row of the register that a registered demo member is.
async fn member(app: &App, name: &str) -> String {
    let account = id(&app.resident(name).get("/me").await.ok());
    sqlx::query_scalar("select id::text from party_member where account_id::text = $1")
        .bind(account)
        .fetch_one(app.db())
        .await
        .expect("a member")
}

async fn works_for(app: &App, name: &str, unit: &str) {
    app.advance(TimeDelta::minutes(1));
    let path = format!("/party-members/{}", member(app, name).await);
    let change = json!({ "work_unit": unit });
    app.as_("organiser").request(Method::PATCH, &path).json(&change).send().await.ok();
    app.drain().await;
}

/// The latest receipt of a unit: why, and for whom.
async fn latest(app: &App, unit: &str) -> (String, String) {
    let liaison = app.as_(&format!("liaison.{unit}"));
    let newest = id(&liaison.all("/receipts").await[0]);
    let whole = liaison.get(&format!("/receipts/{newest}")).await.ok();
    let text = |field: &str| whole[field].as_str().unwrap().to_owned();
    (text("cause"), text("name"))
}

#[tokio::test]
async fn whom_the_register_moves_to_another_unit_both_units_hear_of() {
    let app = App::spawn().await;
    works_for(&app, "party-2", "区教育局党委").await;
    let known: Option<String> =
        sqlx::query_scalar("select party_body from work_unit where code = 'education'")
            .fetch_optional(app.db())
            .await
            .unwrap();
    let body = known.expect("the demo unit");
    works_for(&app, "party-2", &body).await;
    let moved = ("left".to_owned(), "演示党员2".to_owned());
    assert_eq!(latest(&app, "housing").await, moved);
    assert_eq!(latest(&app, "education").await, ("joined".to_owned(), "演示党员2".to_owned()));
    let registration = app.resident("party-2").all("/me/registrations").await[0].clone();
    assert_eq!(registration["work_unit"], json!(body));
    // Each change is told once; the same unit a second time is none.
    let count = async || app.count("receipt where cause in ('left', 'joined')").await;
    let told = count().await;
    works_for(&app, "party-2", &body).await;
    assert_eq!(count().await, told);
    assert_eq!(app.count("audit_entry where action = 'registration.unit'").await, 2);
    // What the member asked for meanwhile has come true, and tells nobody again.
    let asked = json!({ "kind": "unit", "work_unit": "health", "reason": "工作调动" });
    let change = app.resident("party-2").post("/me/registration-changes", asked).await.expect(201);
    works_for(&app, "party-2", "区卫生健康局机关党委").await;
    let told = count().await;
    let path = format!("/registration-changes/{}/decide", id(&change));
    app.as_(OFFICER).post(&path, json!({ "approve": true })).await.ok();
    assert_eq!(count().await, told);
    assert_eq!(latest(&app, "health").await, ("joined".to_owned(), "演示党员2".to_owned()));
}

#[tokio::test]
async fn a_unit_that_comes_onto_the_register_late_has_its_members() {
    let app = App::spawn().await;
    works_for(&app, "party-5", "区统计局机关党委").await;
    works_for(&app, "party-8", "区统计局").await;
    let unit = async |name: &str| {
        let sql = "select unit_code from registration where member_id::text = $1";
        let row = sqlx::query_scalar(sql).bind(member(&app, name).await);
        let unit: Option<String> = row.fetch_one(app.db()).await.unwrap();
        unit
    };
    assert_eq!((unit("party-5").await, unit("party-8").await), (None, None));
    let organiser = app.as_("organiser");
    let new = json!({
        "code": "statistics", "name": "区统计局", "party_body": "区统计局党支部", "communities": [],
    });
    organiser.post("/work-units", new).await.expect(201);
    assert_eq!(unit("party-8").await.as_deref(), Some("statistics"), "by the name");
    assert_eq!(unit("party-5").await, None);
    let change = json!({ "name": "区统计局", "party_body": "区统计局机关党委", "communities": [] });
    for version in [1, 2] {
        let put = organiser.request(Method::PUT, "/work-units/statistics").version(version);
        put.json(&change).send().await.ok();
    }
    assert_eq!(unit("party-5").await.as_deref(), Some("statistics"), "by the party body");
    let told = organiser.all("/receipts?unit=statistics").await;
    assert_eq!(told.len(), 2, "one for each, however often the unit is saved: {told:?}");
    assert!(told.iter().all(|one| one["cause"] == "joined"), "housing was told that they signed");
    assert_eq!(app.count("audit_entry where action = 'work_unit.link'").await, 2);
}
