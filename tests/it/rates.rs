//! The month's three rates over HTTP: their shape, who sees which rows, and which months exist.

use serde_json::{Value, json};

use crate::support::{App, CLERK, SUBDISTRICT, UNIT};

mod recomputed;
pub mod world;

const GROUPS: [&str; 3] = ["subdistrict", "department", "utility"];

/// The rows of a group, after the frame of the answer was checked.
fn rows<'a>(rates: &'a Value, group: &str) -> &'a [Value] {
    let groups = rates["groups"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|one| one["group"].as_str().unwrap()).collect();
    assert_eq!(names, GROUPS, "always all three, in this order");
    groups.iter().find(|one| one["group"] == group).unwrap()["rows"].as_array().unwrap()
}

fn units(rates: &Value, group: &str) -> Vec<String> {
    rows(rates, group).iter().map(|row| row["unit"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_month_without_work_has_every_unit_and_no_number() {
    let app = App::spawn().await;
    let rates = app.as_("leader").get("/rates?period=2026-11").await.expect(200);
    assert_eq!(rates["period"], "2026-11");
    let counts: Vec<usize> = GROUPS.iter().map(|group| rows(&rates, group).len()).collect();
    assert_eq!(counts[0], 18, "subdistricts");
    assert_eq!(counts[1] + counts[2], 53, "departments and utilities");
    for row in GROUPS.iter().flat_map(|group| rows(&rates, group)) {
        assert!(!row["name"].as_str().unwrap().is_empty());
        assert_eq!((&row["tasks"], &row["sample"]), (&json!(0), &json!(0)), "{row}");
        for empty in ["response_rate", "solved_rate", "satisfied_rate", "composite", "rank"] {
            assert!(row.as_object().unwrap().contains_key(empty), "{empty} is missing: {row}");
            assert!(row[empty].is_null(), "an empty denominator is null: {row}");
        }
    }
}

#[tokio::test]
async fn a_case_counts_for_its_unit_in_the_month_of_its_dispatch() {
    let app = App::spawn().await;
    app.closed().await;
    for period in ["", "?period=2026-11"] {
        let rates = app.as_("supervisor").get(&format!("/rates{period}")).await.expect(200);
        assert_eq!(rates["period"], "2026-11", "this month when none is named");
        let row = rows(&rates, "department").iter().find(|row| row["unit"] == UNIT).unwrap();
        for (field, value) in [
            ("tasks", json!(1)),
            ("sample", json!(1)),
            ("response_rate", json!(1.0)),
            ("solved_rate", json!(1.0)),
            ("satisfied_rate", json!(1.0)),
            ("composite", json!(1.0)),
            ("rank", Value::Null),
        ] {
            assert_eq!(row[field], value, "{field}: {row}");
        }
    }
    for other in ["2026-10", "2026-12"] {
        let rates = app.as_("supervisor").get(&format!("/rates?period={other}")).await.expect(200);
        let row = rows(&rates, "department").iter().find(|row| row["unit"] == UNIT).unwrap();
        assert_eq!(row["tasks"], 0, "{other}");
    }
}

#[tokio::test]
async fn a_resident_who_is_not_satisfied_lowers_the_rates() {
    let app = App::spawn().await;
    let case = app.replied().await;
    let stars = json!({"solved": false, "satisfaction": 2, "contacted": false});
    app.resident("li").post(&case.path("/evaluate"), stars).await.expect(200);
    let rates = app.as_("auditor").get("/rates").await.expect(200);
    let row = rows(&rates, "department").iter().find(|row| row["unit"] == UNIT).unwrap();
    for rate in ["response_rate", "solved_rate", "satisfied_rate", "composite"] {
        assert_eq!(row[rate], json!(0.0), "{rate}: nobody called, says the resident: {row}");
    }
}

#[tokio::test]
async fn everyone_sees_the_rows_of_his_scope() {
    let app = App::spawn().await;
    let none: [&[&str]; 3] = [&[], &[], &[]];
    for (who, expected) in [
        (CLERK, [&[][..], &[UNIT], &[]]),
        ("head.urban-management", [&[], &[UNIT], &[]]),
        ("dept.housing", [&[], &["housing"], &[]]),
        ("dept.power-grid", [&[], &[], &["power-grid"]]),
        ("subdistrict.140213066", [&[SUBDISTRICT], &[], &[]]),
        ("community.140213066004", [&[SUBDISTRICT], &[], &[]]),
        ("merchant.wenxing", none),
        ("sysadmin", none),
    ] {
        let rates = app.as_(who).get("/rates?period=2026-11").await.expect(200);
        for (group, expected) in GROUPS.into_iter().zip(expected) {
            assert_eq!(units(&rates, group), expected, "{who}: {group}");
        }
    }
    for who in ["dispatcher", "supervisor", "leader", "auditor"] {
        let rates = app.as_(who).get("/rates?period=2026-11").await.expect(200);
        let all: usize = GROUPS.iter().map(|group| rows(&rates, group).len()).sum();
        assert_eq!(all, 18 + 53, "{who}");
    }
    app.resident("li").get("/rates?period=2026-11").await.refused(403, "forbidden");
    app.anonymous().get("/rates?period=2026-11").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn what_is_no_month_is_refused() {
    let app = App::spawn().await;
    let leader = app.as_("leader");
    for period in [
        "2026-13",
        "2026-00",
        "2026-1",
        "26-11",
        "2026-11-01",
        "2026/11",
        "202611",
        "x",
        "-2026-11",
        "2026-1x",
        "1999-12",
        "2101-01",
        "99999-11",
        "+026-11",
        "2026-%2011",
        "%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%96-11",
        "2026-11%00",
        "%F0%9F%99%82",
    ] {
        let answer = leader.get(&format!("/rates?period={period}")).await;
        assert_eq!(answer.fields(), ["period"], "{answer}");
        answer.refused(422, "invalid_field");
    }
    for period in ["2000-01", "2100-12", "2026-02"] {
        leader.get(&format!("/rates?period={period}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_number_opens_to_the_cases_that_one_may_read() {
    let app = App::spawn().await;
    let case = app.closed().await;
    let path = |unit: &str, figure: &str| format!("/rates/cases?unit={unit}&figure={figure}");
    for who in [CLERK, "head.urban-management", "supervisor", "leader"] {
        let page = app.as_(who).get(&path(UNIT, "tasks")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{who}");
        assert_eq!(page["items"][0]["number"], case.number.as_str());
        let text = page.to_string();
        assert!(!text.contains("13834567890") && !text.contains("李桂芳"), "{text}");
    }
    for who in ["dept.housing", "merchant.wenxing", "community.140213066004"] {
        let page = app.as_(who).get(&path(UNIT, "tasks")).await.expect(200);
        assert_eq!(page["items"], json!([]), "{who}: another unit's number");
        let page = app.as_(who).get(&path("centre", "dispatch_due")).await.expect(200);
        assert_eq!(page["items"], json!([]), "{who}: the centre's number");
    }
    assert!(app.as_(CLERK).get("/rates").await.expect(200)["centre"].is_null());
    let leader = app.as_("leader");
    assert_eq!(leader.get(&path("nowhere", "tasks")).await.expect(200)["items"], json!([]));
    for (unit, figure) in [(UNIT, "x"), (UNIT, "answered"), ("centre", "tasks"), (UNIT, "TASKS")] {
        let answer = leader.get(&path(unit, figure)).await;
        assert_eq!(answer.fields(), ["figure"], "{answer}");
        answer.refused(422, "invalid_field");
    }
    for query in ["figure=tasks", "unit=housing"] {
        leader.get(&format!("/rates/cases?{query}")).await.refused(422, "invalid_field");
    }
}

#[tokio::test]
async fn an_appraisal_opens_to_its_whistle_for_whoever_reads_the_row() {
    let app = App::spawn().await;
    world::whistled(&app).await;
    let path = |unit: &str| format!("/rates/appraisals?period=2026-11&unit={unit}");
    for (who, unit, expected) in [
        (CLERK, UNIT, 1),
        ("leader", UNIT, 1),
        ("dept.power-grid", "power-grid", 1),
        // The row of another unit, and a unit that was not called.
        (CLERK, "power-grid", 0),
        ("dept.housing", "housing", 0),
        ("subdistrict.140213066", UNIT, 0),
    ] {
        let opened = app.as_(who).all(&path(unit)).await;
        assert_eq!(opened.len(), expected, "{who}: {unit}");
    }
    let one = app.as_(CLERK).all(&path(UNIT)).await.remove(0);
    assert_eq!(
        (&one["speed"], &one["handling"], &one["result"]),
        (&json!(5), &json!(4), &json!(3))
    );
    assert_eq!(one["blower"], "140213066004");
    // Every appraisal counts in one month alone.
    let october =
        app.as_(CLERK).all(&format!("/rates/appraisals?period=2026-10&unit={UNIT}")).await;
    assert!(october.is_empty());
    let bad = app.as_("leader").get("/rates/appraisals?period=2026-13&unit=x").await;
    assert_eq!(bad.fields(), ["period"], "{bad}");
}
