//! What returns cost: each delay is charged to who caused it, and ping-pong is listed.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, UNIT};

async fn pass_on(app: &App, case: &mut Case, from: &str, to: &str) {
    let back = json!({"ground": "duty", "basis": "责任清单未列本单位", "suggested_unit": to});
    app.advance(TimeDelta::hours(2));
    app.as_(&format!("dept.{from}")).post(&case.task("/return"), back).await.expect(200);
    app.advance(TimeDelta::hours(3));
    let yes = json!({"approve": true, "reason": "由其办理"});
    app.as_("dispatcher").post(&case.task("/return/decide"), yes).await.expect(200);
    case.lead = app.open_lead(case).await;
}

fn hours(charges: &Value) -> (i64, i64) {
    let of = |field: &str| charges[field].as_i64().unwrap() / 3600;
    (of("unit_seconds"), of("centre_seconds"))
}

#[tokio::test]
async fn time_before_the_request_is_the_units_and_until_the_ruling_the_centres() {
    let app = App::spawn().await;
    let mut case = app.dispatched().await;
    pass_on(&app, &mut case, UNIT, "power-grid").await;
    app.advance(TimeDelta::hours(1));
    let all = app.as_("dispatcher").get(&case.path("/charges")).await.expect(200);
    assert_eq!(hours(&all), (3, 3), "{all}");
    let causes: Vec<&str> =
        all["items"].as_array().unwrap().iter().map(|one| one["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["unit", "centre", "unit"]);
    let own = app.as_(CLERK).get(&case.path("/charges")).await.expect(200);
    assert_eq!(hours(&own), (2, 3), "a unit sees what is charged to its own tasks: {own}");
    app.as_("dept.housing").get(&case.path("/charges")).await.refused(404, "not_found");
    app.resident("li").get(&case.path("/charges")).await.refused(403, "forbidden");
}

#[tokio::test]
async fn what_goes_to_and_fro_is_listed_with_the_days_it_lost() {
    let app = App::spawn().await;
    let mut once = app.dispatched().await;
    pass_on(&app, &mut once, UNIT, "power-grid").await;
    let mut twice = app.dispatched().await;
    pass_on(&app, &mut twice, UNIT, "power-grid").await;
    pass_on(&app, &mut twice, "power-grid", "housing").await;
    let listed = app.as_("supervisor").all("/returns/ping-pong").await;
    assert_eq!(listed.len(), 1, "one return is no ping-pong");
    let row = &listed[0];
    assert_eq!((&row["complaint_id"], &row["returns"]), (&json!(twice.id), &json!(2)));
    let units = row["units"].as_array().unwrap();
    assert_eq!(units.len(), 3, "in order, the present one last: {row}");
    assert!(units[0].as_str().unwrap().contains("城市管理"), "{row}");
    assert!(units[2].as_str().unwrap().contains("住房"), "{row}");
    assert_eq!((&row["days_with_units"], &row["days_with_centre"]), (&json!(0.16), &json!(0.25)));
    app.as_("leader").get("/returns/ping-pong").await.refused(403, "forbidden");
    app.as_(CLERK).get("/returns/ping-pong").await.refused(403, "forbidden");
}
