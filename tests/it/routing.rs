//! Routing: proposals that explain themselves, rules as data, and the grid of a place.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, complaint};

/// Accepts a complaint and answers what is proposed for it.
async fn routed(app: &App, case: &Case, accept: Value) -> Value {
    let dispatcher = app.as_("dispatcher");
    dispatcher.post(&case.path("/accept"), accept).await.expect(200);
    dispatcher.get(&case.path("/routing")).await.expect(200)
}

fn leads(routing: &Value) -> Vec<String> {
    let proposals = routing["proposals"].as_array().unwrap().iter();
    proposals.map(|one| one["lead"]["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_category_finds_the_unit_and_says_why() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    let category = "城乡建设/城市建设和市政管理/市政设施";
    let routing = routed(&app, &case, json!({"urgency": "ordinary", "category": category})).await;
    assert_eq!(leads(&routing), ["urban-management", "housing"], "{routing}");
    let best = &routing["proposals"][0];
    assert_eq!((&best["source"], &best["assist"][0]["code"]), (&json!("rule"), &json!("housing")));
    let why = best["why"].as_str().unwrap();
    assert!(why.contains("城乡建设/城市建设和市政管理") && why.contains("主办"), "{why}");
    // The community of the grid is pointed to, and no list gives it the matter.
    let left_out = routing["left_out"][0].as_str().unwrap();
    assert!(left_out.contains("文兴社区"), "{left_out}");
}

#[tokio::test]
async fn the_duty_item_goes_first_and_names_the_version() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    let accept = json!({"urgency": "ordinary", "category": "教育文体", "duty_item": "city-04"});
    let routing = routed(&app, &case, accept).await;
    let best = &routing["proposals"][0];
    assert_eq!(best["source"], "duty", "{routing}");
    assert!(best["why"].as_str().unwrap().contains("清单版本"), "{best}");
    assert!(best["duty_list"].is_string(), "{best}");
    assert!(leads(&routing).contains(&"education".to_owned()));
    // What is proposed can be dispatched as it stands: no list refuses it.
    let assist: Vec<&Value> =
        best["assist"].as_array().unwrap().iter().map(|unit| &unit["code"]).collect();
    let order = json!({"lead": best["lead"]["code"], "assist": assist});
    app.as_("dispatcher").post(&case.path("/dispatch"), order).await.expect(200);
}

#[tokio::test]
async fn the_reported_unit_is_never_proposed() {
    let app = App::spawn().await;
    let mut body = complaint();
    body["kind"] = json!("report");
    let case = app.resident("li").submit(&body).await;
    let accept = json!({"urgency": "ordinary", "category": "城乡建设/城市建设和市政管理",
        "reported_unit": "urban-management"});
    let routing = routed(&app, &case, accept).await;
    assert_eq!(leads(&routing), ["housing"], "{routing}");
    assert!(routing["left_out"].to_string().contains("被举报单位"), "{routing}");
}

#[tokio::test]
async fn a_rule_is_added_counts_and_ends() {
    let app = App::spawn().await;
    let (dispatcher, sysadmin) = (app.as_("dispatcher"), app.as_("sysadmin"));
    let new = json!({"category": "城乡建设/城市建设和市政管理", "division": "140213066004",
        "management_mode": "company", "lead": "water", "note": "文兴社区由水务主办"});
    let rule = sysadmin.post("/routing-rules", new.clone()).await.expect(201);
    dispatcher.post("/routing-rules", new.clone()).await.refused(409, "routing_rule_exists");
    // The clock stands still, so the seeded rules are of the same instant: no order among them.
    let all = sysadmin.all("/routing-rules?limit=7").await;
    assert!(all.iter().any(|one| one["id"] == rule["id"]));

    let general = json!({"category": "城乡建设", "division": "140213066", "lead": "water"});
    let general = dispatcher.post("/routing-rules", general).await.expect(201);
    let case = app.submitted().await;
    let accept = json!({"urgency": "ordinary", "category": "城乡建设/工程质量"});
    let routing = routed(&app, &case, accept).await;
    assert_eq!(leads(&routing), ["water", "housing"], "the area is more specific than none");

    let end = format!("/routing-rules/{}/end", general["id"].as_str().unwrap());
    let ended = dispatcher.post(&end, json!({})).await.expect(200);
    assert_eq!(ended["valid_to"], "2026-11-24");
    dispatcher.post(&end, json!({})).await.refused(409, "routing_rule_ended");
    let routing = dispatcher.get(&case.path("/routing")).await.expect(200);
    assert_eq!(leads(&routing), ["housing"]);
    let listed = sysadmin.all("/routing-rules").await;
    assert!(listed.iter().any(|one| one["id"] == general["id"]), "it can still be read");
    app.as_(CLERK).post("/routing-rules", new).await.refused(403, "forbidden");
}

#[tokio::test]
async fn what_is_no_rule_is_refused() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    for body in [
        json!({"lead": "nobody"}),
        json!({"lead": "140213"}),
        json!({"lead": "housing", "assist": ["housing"]}),
        json!({"lead": "housing", "division": "999999"}),
        json!({"lead": "housing", "division": "water"}),
        json!({"lead": "housing", "priority": 101}),
        json!({"lead": "housing", "category": "城乡建设//"}),
    ] {
        dispatcher.post("/routing-rules", body).await.refused(422, "invalid_field");
    }
}

#[tokio::test]
async fn a_place_has_its_grid_by_point_and_by_address() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let at = clerk.get("/grids/locate?lng=113.342&lat=40.077").await.expect(200);
    assert_eq!(at["grid"]["code"], "140213066001901", "{at}");
    assert_eq!(at["community_code"], "140213066001");
    // A corner of three grids belongs to one of them.
    let corner = clerk.get("/grids/locate?lng=113.34483&lat=40.07520").await.expect(200);
    assert_eq!(corner["grid"]["code"], "140213066001901");
    // The same place as a bare GPS gives it lies 620 m off.
    let gps = clerk.get("/grids/locate?lng=113.3358&lat=40.0762").await.expect(200);
    assert_ne!(gps["grid"]["code"], "140213066001901", "{gps}");
    let address = "/grids/locate?community_code=140213066001&address=永安花园3号楼2单元";
    let named = clerk.get(address).await.expect(200);
    assert_eq!(
        (&named["estate"]["name"], &named["management_mode"]),
        (&json!("永安花园"), &json!("company"))
    );
    for bad in ["", "?lng=113.3", "?lng=40.07&lat=113.3", "?lng=0&lat=0", "?community_code=XX"] {
        clerk.get(&format!("/grids/locate{bad}")).await.refused(422, "invalid_field");
    }
    app.resident("li").get("/grids/locate?lng=113.342&lat=40.077").await.refused(403, "forbidden");
}

/// Which share of real, labelled work orders gets a proposal by the demo district's rules. The
/// label is a category of the first level, so this measures coverage, not precision.
#[tokio::test]
async fn labelled_work_orders_get_a_proposal() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/complaints_labelled.csv");
    let Ok(bytes) = std::fs::read(&file) else {
        eprintln!("SKIPPED: {} is absent, coverage was NOT measured", file.display());
        return;
    };
    let app = App::spawn().await;
    let mut conn = app.db().acquire().await.unwrap();
    let kept = infra::postgres::routing::rules(&mut conn, None, None, None).await.unwrap();
    let rules: Vec<_> = kept.into_iter().map(|kept| kept.rule).collect();
    let codes: Vec<_> = rules.iter().map(|rule| rule.says.lead.clone()).collect();
    let units = infra::postgres::org::units(&mut conn, &codes).await.unwrap();
    let directory = domain::routing::Directory {
        units: units.into_iter().map(|unit| (unit.code.clone(), unit)).collect(),
        ..Default::default()
    };
    let table = api::sheet::read(bytes).unwrap();
    let label = table.columns.iter().position(|column| column == "label").unwrap();
    let place = domain::org::NodeCode::parse("place", crate::support::COMMUNITY).unwrap();
    let proposed = table.rows.iter().filter(|row| {
        let facts = domain::routing::Facts {
            category: Some(&row.cells[label]),
            urgency: None,
            place: &place,
            management_mode: None,
            item: None,
            reported: None,
        };
        !domain::routing::propose(&facts, &rules, None, None, &directory).proposals.is_empty()
    });
    let (proposed, all) = (proposed.count(), table.rows.len());
    eprintln!("{proposed} of {all} labelled work orders get a proposal");
    assert!(proposed * 10 >= all * 9, "{proposed} of {all}");
}
