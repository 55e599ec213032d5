//! The watch over a month's whistles, and the public counter of 随手拍.

use serde_json::json;

use super::*;
use crate::support::complaint;

async fn watched(app: &App, who: &str) -> Value {
    app.as_(who).get("/whistles/rates?period=2026-11").await.expect(200)
}

fn row<'v>(watch: &'v Value, list: &str, key: &str, code: &str) -> &'v Value {
    let rows = watch[list].as_array().unwrap();
    rows.iter().find(|row| row[key] == code).unwrap_or_else(|| panic!("{code}: {rows:?}"))
}

#[tokio::test]
async fn a_community_that_never_blows_and_one_that_always_does_are_named() {
    let app = App::spawn().await;
    let resident = app.resident("li");
    for _ in 0..10 {
        resident.submit(&complaint()).await;
    }
    let mut there = complaint();
    there["community_code"] = json!("140213051001");
    resident.submit(&there).await;
    for _ in 0..2 {
        Whistle::draft(&app, &whistle("emergency")).await;
    }
    // A draft is not blown yet.
    Whistle::draft(&app, &whistle("routine")).await;
    let watch = watched(&app, "supervisor").await;
    let here = row(&watch, "communities", "community", COMMUNITY);
    assert_eq!((&here["complaints"], &here["whistles"]), (&json!(10), &json!(2)));
    assert_eq!((&here["per_hundred"], &here["alarm"]), (&json!(20.0), &Value::Null));
    let idle = row(&watch, "communities", "community", "140213051001");
    assert_eq!((&idle["alarm"], &idle["per_hundred"]), (&json!("idle"), &json!(0.0)));

    Whistle::draft(&app, &whistle("emergency")).await;
    let watch = watched(&app, BLOWER).await;
    assert_eq!(watch["communities"].as_array().unwrap().len(), 1, "its own alone");
    assert_eq!(watch["communities"][0]["alarm"], "too_many");
    assert!(watched(&app, "dept.ecology").await["communities"].as_array().unwrap().is_empty());
    let october = app.as_("supervisor").get("/whistles/rates?period=2026-10").await.expect(200);
    assert_eq!(row(&october, "communities", "community", COMMUNITY)["whistles"], 0);
    let odd = app.as_("supervisor").get("/whistles/rates?period=november").await;
    odd.refused(422, "invalid_field");
}

#[tokio::test]
async fn units_are_ranked_by_what_their_blowers_said() {
    let app = App::with(|config| config.sla.whistle.min_sample = 1).await;
    let whistle = Whistle::confirmed(&app).await;
    for (unit, score) in [(UNITS[0], 3), (UNITS[1], 5)] {
        let body = json!({"unit": unit, "speed": score, "handling": score, "result": score});
        whistle.by(BLOWER, "/appraise", body).await.expect(200);
    }
    let watch = watched(&app, "leader").await;
    let ranked: Vec<(&Value, &Value, &Value)> = watch["units"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["unit"], &row["mean"], &row["rank"]))
        .collect();
    assert_eq!(
        ranked,
        [(&json!(UNITS[1]), &json!(5.0), &json!(1)), (&json!(UNITS[0]), &json!(3.0), &json!(2)),]
    );
    let own = watched(&app, "dept.urban-management").await;
    assert_eq!(own["units"].as_array().unwrap().len(), 1);
    assert_eq!(own["units"][0]["rank"], 2, "ranked over the whole group");
}

#[tokio::test]
async fn the_public_counter_shows_no_single_case() {
    let app = App::spawn().await;
    let counted = async || app.anonymous().get("/public/photo-reports").await.expect(200);
    assert_eq!(counted().await, json!({"received": null, "solved": null}));
    let mut body = complaint();
    body["channel"] = json!("photo");
    for _ in 0..4 {
        app.resident("li").submit(&body).await;
    }
    assert_eq!(counted().await["received"], Value::Null);
    app.resident("li").submit(&body).await;
    app.resident("li").submit(&complaint()).await;
    assert_eq!(counted().await, json!({"received": 5, "solved": null}));
}
