//! The year's results: seen within one's own bounds, reminded of, settled once and for good.

use api::jobs::schedule::Schedule;
use serde_json::{Value, json};

use crate::support::{App, Client, at};

const OFFICER: &str = "community.140213066004";

/// What the worker does each hour.
async fn hour(app: &App, instant: &str) {
    app.set_clock(at(instant));
    Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
}

async fn results(who: &Client, query: &str) -> Vec<Value> {
    who.all(&format!("/registrations/results{query}")).await
}

async fn told(who: &Client, kind: &str) -> Vec<String> {
    let all = who.all("/notifications").await;
    let of_kind = all.iter().filter(|one| one["kind"] == kind);
    of_kind.map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn everybody_reads_the_results_within_their_bounds() {
    let app = App::spawn().await;
    let own = results(&app.as_(OFFICER), "").await;
    assert_eq!(own.len(), 10);
    let first = &own[0];
    assert_eq!((&first["services"], &first["hours"]), (&json!(25), &json!(100.0)));
    assert_eq!((&first["text"], &first["standing"]), (&json!("已达到一年的要求"), &json!("bound")));
    assert!(own.iter().all(|one| one["name"].as_str().unwrap().starts_with("演**")), "masked");
    assert!(first["settled_at"].is_null());
    assert!(results(&app.as_("community.140213066001"), "").await.is_empty());
    let unit = results(&app.as_("liaison.education"), "?year=2027").await;
    assert_eq!(unit.len(), 4);
    assert!(
        unit.iter().all(|one| one["text"] == "还差 4 次、20 小时" && one["unit"] == "education")
    );
    // A filter narrows and never widens.
    assert!(results(&app.as_("liaison.education"), "?unit=housing").await.is_empty());
    let organiser = app.as_("organiser");
    assert_eq!(results(&organiser, "").await.len(), 10);
    assert_eq!(results(&organiser, "?unit=housing&limit=2").await.len(), 3);
    assert_eq!(results(&organiser, "?community=140213066001").await.len(), 0);
    assert!(results(&organiser, "?year=2025").await.is_empty(), "nobody was registered then");
    let odd = organiser.get("/registrations/results?year=1").await;
    assert_eq!((odd.status, odd.fields()), (422, vec!["year"]));
    for who in ["dispatcher", "auditor", "subdistrict.140213066"] {
        app.as_(who).get("/registrations/results").await.refused(403, "forbidden");
    }
    app.resident("party-1").get("/registrations/results").await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_year_is_settled_in_january_and_stays() {
    let app = App::spawn().await;
    let member = app.resident("party-1");
    hour(&app, "2027-01-14T15:00:00Z").await;
    assert_eq!(app.count("service_year").await, 0, "not before the fifteenth");
    hour(&app, "2027-01-14T16:00:00Z").await;
    hour(&app, "2027-01-15T01:00:00Z").await;
    assert_eq!(app.count("service_year").await, 1);
    assert_eq!(app.count("service_result").await, 10);
    assert_eq!(app.count("audit_entry where action = 'service_year.settle'").await, 1);
    let organiser = app.as_("organiser");
    let before = results(&organiser, "?year=2026").await;
    assert!(before.iter().all(|one| one["settled_at"] == "2027-01-14T16:00:00Z"), "{before:?}");

    // A later correction of the hours does not rewrite what was settled.
    sqlx::query("update claim set minutes = 60 where account_id = (select account_id from registration order by id limit 1)")
        .execute(app.db())
        .await
        .unwrap();
    assert_eq!(results(&organiser, "?year=2026").await, before);
    sqlx::query("update service_result set minutes = 0")
        .execute(app.db())
        .await
        .expect_err("append-only");
    let year = member.get("/me/service-year?year=2026").await.ok();
    assert_eq!(year["settled"]["hours"], 100.0);
    assert!(member.get("/me/service-year?year=2027").await.ok()["settled"].is_null());

    // Who is not on the ledger owes nothing.
    let nobody = app.resident("li").get("/me/service-year?year=2026").await.ok();
    assert_eq!(nobody["required"], json!({"services": 0, "hours": 0.0}), "{nobody}");
    assert_eq!(nobody["text"], "没有规定的次数和时长（在职党员报到以后开始计算）");

    // The year's result went back to each unit, once.
    let liaison = app.as_("liaison.education");
    let reports = liaison.all("/unit-reports").await;
    let years: Vec<&Value> = reports.iter().filter(|one| one["kind"] == "year").collect();
    assert_eq!(years.len(), 1);
    assert_eq!((&years[0]["members"], &years[0]["missing"]), (&json!(4), &json!(0)));
    let words = told(&liaison, "unit_reported").await;
    assert!(words[0].contains("2026 年度服务结果已结算") && words[0].contains("4 人"), "{words:?}");
    let late = json!({ "kind": "exempt", "year": 2026, "ground": "other", "reason": "补办" });
    member.post("/me/registration-changes", late).await.refused(409, "service_year_settled");
}

#[tokio::test]
async fn who_misses_something_is_reminded_once_at_a_working_hour() {
    let app = App::spawn().await;
    let (member, liaison) = (app.resident("party-1"), app.as_("liaison.education"));
    let reminded = async || told(&member, "service_reminded").await;
    hour(&app, "2027-09-09T23:30:00Z").await;
    assert!(reminded().await.is_empty(), "half past seven in the morning");
    hour(&app, "2027-09-10T01:00:00Z").await;
    hour(&app, "2027-09-10T02:00:00Z").await;
    hour(&app, "2027-09-13T02:00:00Z").await;
    let once = reminded().await;
    assert_eq!(once.len(), 1);
    assert!(once[0].contains("2027 年度服务还差 4 次、20 小时"), "{once:?}");
    let summary = liaison.all("/unit-reports").await;
    let summary: Vec<_> = summary.iter().filter(|one| one["kind"] == "reminder").collect();
    assert_eq!(summary.len(), 1);
    assert_eq!((&summary[0]["number"], &summary[0]["missing"]), (&json!(9), &json!(4)));
    hour(&app, "2027-11-10T07:00:00Z").await;
    assert_eq!(reminded().await.len(), 2, "again in November");
    // Whoever is exempt misses nothing.
    let exempt = app.count("event where kind = 'service_reminded'").await;
    assert_eq!(exempt, 20);
}

#[tokio::test]
async fn a_worker_that_slept_through_a_reminder_sends_none_a_month_late() {
    let app = App::spawn().await;
    hour(&app, "2027-10-20T02:00:00Z").await;
    assert_eq!(app.count("event where kind = 'service_reminded'").await, 0);
    assert_eq!(app.count("service_round where kind = 'quarter'").await, 1, "the third quarter's");
}
