//! Months are frozen once, and what was frozen stays: figures, cases, rules; then it is published.

use api::jobs::schedule::Schedule;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};

use crate::{
    rates::world,
    support::{App, CLERK, UNIT},
};

/// What the worker does each hour.
async fn hour(app: &App) {
    Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
}

async fn at(app: &App, instant: &str) {
    app.pass(instant).await;
    hour(app).await;
}

async fn cases(app: &App, unit: &str, figure: &str) -> Vec<String> {
    let path = format!("/rates/cases?period=2026-11&unit={unit}&figure={figure}");
    let cases = app.as_("leader").all(&path).await;
    cases.iter().map(|case| case["number"].as_str().unwrap().to_owned()).collect()
}

async fn appraisals(app: &App) -> Vec<Value> {
    app.as_("leader").all(&format!("/rates/appraisals?period=2026-11&unit={UNIT}")).await
}

#[tokio::test]
async fn a_month_is_frozen_when_appeals_close_and_never_changes_again() {
    let app = world::november().await;
    let rates = async || app.as_("leader").get("/rates?period=2026-11").await.expect(200);
    at(&app, "2026-12-07T23:59:59+08:00").await;
    assert_eq!(app.count("rate_snapshot").await, 0, "the fifth working day is not over");
    let mut before = rates().await;
    let excluded = cases(&app, UNIT, "excluded").await;

    at(&app, "2026-12-08T00:00:00+08:00").await;
    let frozen = rates().await;
    assert_eq!(frozen["frozen_at"], "2026-12-07T16:00:00Z");
    before["frozen_at"] = frozen["frozen_at"].clone();
    assert_eq!(frozen, before, "frozen as it stood");
    assert_eq!(frozen["rules"]["version"], "2026-2");
    let appraised = appraisals(&app).await;
    assert_eq!(appraised.len(), 1);
    let october = app.as_("leader").get("/rates?period=2026-10").await.expect(200);
    assert!(october["frozen_at"].is_null(), "nothing was dispatched before November");

    // Later changes: another exclusion, another evaluation, a late reply, another word of a blower.
    sqlx::query("update appraisal set speed = 1, handling = 1, result = 1")
        .execute(app.db())
        .await
        .unwrap();
    let number = cases(&app, UNIT, "solved").await.remove(0);
    let id: uuid::Uuid = sqlx::query_scalar("select id from complaint where number = $1")
        .bind(&number)
        .fetch_one(app.db())
        .await
        .unwrap();
    sqlx::query("update complaint set excluded_at = $2 where id = $1")
        .bind(id)
        .bind(app.now())
        .execute(app.db())
        .await
        .unwrap();
    sqlx::query("update task set acknowledge_by = dispatched_at where complaint_id = $1")
        .bind(id)
        .execute(app.db())
        .await
        .unwrap();
    at(&app, "2026-12-08T03:00:00+08:00").await;
    assert_eq!(rates().await, frozen);
    assert_eq!(cases(&app, UNIT, "excluded").await, excluded, "the cases stay as well");
    assert_eq!(appraisals(&app).await, appraised, "and so do the appraisals");
    assert_eq!(app.count("rate_snapshot").await, 1);
    every_number_still_opens(&app, &frozen).await;
}

async fn every_number_still_opens(app: &App, frozen: &Value) {
    let groups = frozen["groups"].as_array().unwrap().iter();
    let units = groups.flat_map(|group| group["rows"].as_array().unwrap());
    let all = units.map(|row| (row["unit"].as_str().unwrap(), &row["counts"]));
    for (unit, counts) in all.chain([("centre", &frozen["centre"]["counts"])]) {
        for (figure, count) in counts.as_object().unwrap().iter().filter(|(_, n)| **n != 0) {
            let path = format!("/rates/cases?period=2026-11&unit={unit}&figure={figure}");
            let cases = app.as_("leader").all(&path).await;
            let sum: i64 = cases.iter().map(|case| case["count"].as_i64().unwrap()).sum();
            assert_eq!(*count, sum, "{path}");
        }
    }
}

#[tokio::test]
async fn two_workers_freeze_a_month_once() {
    let app = App::spawn().await;
    app.closed().await;
    app.set_clock("2026-12-09T09:00:00+08:00".parse().unwrap());
    let freeze = || {
        let state = app.state().clone();
        async move {
            let here = state.clone();
            api::app::transact(&state.db, move |tx| {
                Box::pin(async move {
                    let now = here.clock.now();
                    api::app::bulletin::freeze_due(tx, &here, now).await
                })
            })
            .await
        }
    };
    let (one, other, third) = tokio::join!(freeze(), freeze(), freeze());
    one.unwrap();
    other.unwrap();
    third.unwrap();
    assert_eq!(app.count("rate_snapshot").await, 1);
    assert_eq!(app.count("audit_entry where action = 'bulletin.freeze'").await, 1);
    // A worker that slept for months freezes each of them.
    at(&app, "2027-02-10T09:00:00+08:00").await;
    let months: Vec<String> =
        sqlx::query_scalar("select period::text from rate_snapshot order by 1")
            .fetch_all(app.db())
            .await
            .unwrap();
    assert_eq!(months, ["2026-11-01", "2026-12-01", "2027-01-01"]);
}

#[tokio::test]
async fn the_database_itself_keeps_a_frozen_month() {
    let app = App::spawn().await;
    app.closed().await;
    world::whistled(&app).await;
    at(&app, "2026-12-09T09:00:00+08:00").await;
    for statement in [
        "update rate_snapshot set figures = '{}'",
        "update rate_snapshot set frozen_at = frozen_at + interval '1 day'",
        "delete from rate_snapshot",
        "truncate rate_snapshot",
        "update rate_snapshot_case set solved = 0",
        "delete from rate_snapshot_case",
        "truncate rate_snapshot_case",
        "insert into rate_snapshot_case select '2026-11-01', id, complaint_id, unit, dispatched_at,
             1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, null from task",
        "update rate_snapshot_centre set answered = true",
        "delete from rate_snapshot_centre",
        "update rate_snapshot_appraisal set speed = 5",
        "truncate rate_snapshot_appraisal",
        "insert into rate_snapshot_appraisal
             select '2026-11-01', whistle_id, unit, at, 5, 5, 5 from appraisal",
    ] {
        let refused = app.db().execute(AssertSqlSafe(statement)).await.expect_err(statement);
        assert!(refused.to_string().contains("immutable"), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn a_supervisor_publishes_and_then_everybody_reads() {
    let app = world::november().await;
    let supervisor = app.as_("supervisor");
    let publish = "/bulletins/2026-11/publish";
    supervisor.post(publish, json!({})).await.refused(404, "not_found");
    at(&app, "2026-12-08T09:00:00+08:00").await;

    let (clerk, leader, supervisor) = (app.as_(CLERK), app.as_("leader"), app.as_("supervisor"));
    for path in ["/bulletins/2026-11", "/bulletins/2026-11/page", "/bulletins/2026-11?format=xlsx"]
    {
        clerk.get(path).await.refused(404, "not_found");
        leader.get(path).await.refused(404, "not_found");
    }
    assert_eq!(clerk.get("/bulletins").await.expect(200)["items"], json!([]));
    let own = supervisor.get("/bulletins").await.expect(200);
    assert_eq!(own["items"][0]["period"], "2026-11");
    assert!(supervisor.get("/bulletins/2026-11").await.expect(200)["published_at"].is_null());

    leader.post(publish, json!({})).await.refused(403, "forbidden");
    clerk.post(publish, json!({})).await.refused(403, "forbidden");
    let (one, other) =
        tokio::join!(supervisor.post(publish, json!({})), supervisor.post(publish, json!({})));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    supervisor.post(publish, json!({})).await.refused(409, "bulletin_published");
    assert_eq!(app.count("audit_entry where action = 'bulletin.publish'").await, 1);

    let bulletin = clerk.get("/bulletins/2026-11").await.expect(200);
    assert_eq!(bulletin["published_at"], "2026-12-08T01:00:00Z");
    let all: usize = bulletin["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["rows"].as_array().unwrap().len())
        .sum();
    assert_eq!(all, 18 + 53, "a bulletin shows everybody to everybody");
    assert_eq!(bulletin["topics"][0]["name"], "求助");
    let unsolved = bulletin["unsolved"].as_array().unwrap();
    assert_eq!(unsolved.len(), 2, "{unsolved:?}");
    assert!(unsolved.iter().any(|one| one["reason"] == "仍在办理"), "{unsolved:?}");
    assert!(unsolved.iter().all(|one| one["unit"] == UNIT && one["unit_name"] != ""));
    let district = &bulletin["areas"][0];
    assert_eq!((&district["code"], &district["per_10k"]), (&json!("140213"), &Value::Null));
    assert!(
        bulletin["comparison"].as_array().unwrap().iter().all(|one| one["last_month"].is_null())
    );
    app.resident("li").get("/bulletins/2026-11").await.refused(403, "forbidden");
    for wrong in ["2026-13", "x", "2026-1"] {
        let answer = clerk.get(&format!("/bulletins/{wrong}")).await;
        assert_eq!(answer.fields(), ["period"], "{answer}");
        answer.refused(422, "invalid_field");
    }
    clerk.get("/bulletins/2026-10").await.refused(404, "not_found");
    clerk.get("/bulletins/2026-11?format=pdf").await.refused(422, "invalid_field");
}

#[tokio::test]
async fn a_unit_is_compared_with_its_last_month_and_residents_are_counted() {
    let app = App::with(|config| {
        config.rates.residents.insert("140213".to_owned(), 200_000);
        config.rates.min_sample = 1;
    })
    .await;
    app.closed().await;
    app.pass("2026-12-02T09:00:00+08:00").await;
    let case = app.replied().await;
    let stars = json!({"solved": false, "satisfaction": 4, "contacted": true});
    app.resident("li").post(&case.path("/evaluate"), stars).await.expect(200);
    at(&app, "2027-01-12T09:00:00+08:00").await;
    let bulletin = app.as_("supervisor").get("/bulletins/2026-12").await.expect(200);
    let compared = bulletin["comparison"].as_array().unwrap();
    let compared = compared.iter().find(|one| one["unit"] == UNIT).unwrap();
    assert_eq!(compared["last_month"], json!({"composite": 1.0, "rank": 1}));
    assert_eq!(compared["last_year"], Value::Null);
    assert_eq!(bulletin["areas"][0]["per_10k"], json!(0.05));
    assert_eq!(bulletin["unsolved"][0]["number"], case.number.as_str());
}

#[tokio::test]
async fn it_can_be_taken_away_and_printed() {
    let app = world::november().await;
    sqlx::query("update complaint set category = '<b>路灯</b>&' where category is null")
        .execute(app.db())
        .await
        .unwrap();
    at(&app, "2026-12-08T09:00:00+08:00").await;
    let supervisor = app.as_("supervisor");
    let page = supervisor.get("/bulletins/2026-11/page").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let html = page.text.as_str();
    if let Ok(folder) = std::env::var("KEEP_PAGE") {
        std::fs::write(folder, html).unwrap();
    }
    assert!(html.contains("<svg") && html.contains("&lt;b&gt;路灯&lt;/b&gt;&amp;"), "{html}");
    for foreign in ["<script", "<b>", "http://", "https://", "src=", "href="] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let url = format!("{}/api/v1/bulletins/2026-11?format=xlsx", app.base());
    let token = supervisor.token().await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-disposition"].to_str().unwrap().contains("bulletin-2026-11"));
    let table = api::sheet::read(answer.bytes().await.unwrap().to_vec()).unwrap();
    assert_eq!(table.columns[..4], ["同类组", "代码", "单位", "排名"]);
    assert_eq!(table.rows.len(), 18 + 53);
    let unit = table.rows.iter().find(|row| row.cells[1] == UNIT).unwrap();
    assert_eq!(unit.cells[0], "部门");
}
