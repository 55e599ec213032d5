//! The centre's desk: dispatch, merge, exclude.

use serde_json::json;

use crate::support::{App, CLERK, COMMUNITY, Case, SUBDISTRICT, complaint};

#[tokio::test]
async fn a_lead_and_assists_get_a_task_each_and_all_must_be_confirmed() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let mut case = app.accepted().await;
    let units = json!({"lead": "urban-management", "assist": ["housing", "power-grid"]});
    app.dispatch(&mut case, units).await;
    let tasks = app.tasks(&case).await;
    assert_eq!(tasks.iter().filter(|task| task["role"] == "lead").count(), 1);
    assert_eq!(tasks.iter().filter(|task| task["role"] == "assist").count(), 2);
    for task in &tasks {
        let (unit, id) = (task["unit"].as_str().unwrap(), task["id"].as_str().unwrap());
        let clerk = app.as_(&format!("dept.{unit}"));
        let step = |rest: &str| format!("/tasks/{id}{rest}");
        clerk.post(&step("/acknowledge"), json!({})).await.expect(200);
        if task["role"] == "lead" {
            clerk.post(&step("/contact"), json!({"note": "电话联系"})).await.expect(200);
        } else {
            assert!(task["contact_by"].is_null(), "nobody wants to be called by each unit");
        }
        assert_eq!(app.resident("li").complaint(&case).await["status"], "handling");
        let reply = json!({"text": "更换了电缆，清理了灯杆周边。", "outcome": "solved"});
        clerk.post(&step("/reply"), reply).await.expect(200);
        dispatcher.post(&step("/confirm"), json!({})).await.expect(200);
    }
    assert_eq!(app.resident("li").complaint(&case).await["status"], "replied");
}

#[tokio::test]
async fn units_are_checked_before_anything_is_stored() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let case = app.accepted().await;
    for (body, status, code) in [
        (json!({"lead": "no-such-unit"}), 422, "invalid_field"),
        (json!({"lead": "140213"}), 422, "invalid_field"),
        (json!({"lead": "urban-management", "assist": ["no-such-unit"]}), 422, "invalid_field"),
        (
            json!({"lead": "urban-management", "assist": ["urban-management"]}),
            409,
            "unit_named_twice",
        ),
        (
            json!({"lead": "urban-management", "assist": ["housing", "housing"]}),
            409,
            "unit_named_twice",
        ),
        (json!({"assist": ["housing"]}), 422, "invalid_field"),
        (json!({"lead": "urban-management", "duty_item": "no-such-item"}), 422, "invalid_field"),
    ] {
        dispatcher.post(&case.path("/dispatch"), body).await.refused(status, code);
    }
    assert_eq!(app.count("task").await, 0);
    assert_eq!(app.resident("li").complaint(&case).await["status"], "accepted");
}

#[tokio::test]
async fn nothing_is_pushed_down_that_no_list_gives() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    for unit in [COMMUNITY, SUBDISTRICT] {
        let case = app.accepted().await;
        let bare = json!({"lead": unit});
        let refusal = dispatcher.post(&case.path("/dispatch"), bare).await;
        refusal.refused(409, "not_on_duty_list");
        let assist = json!({"lead": "urban-management", "assist": [unit]});
        dispatcher.post(&case.path("/dispatch"), assist).await.refused(409, "not_on_duty_list");
        // An approver does not help an ordinary matter.
        let approved = json!({"lead": unit, "emergency_approver": "leader"});
        dispatcher.post(&case.path("/dispatch"), approved).await.refused(409, "not_on_duty_list");
    }
    // What the community's own list gives it, goes.
    let mut case = app.accepted().await;
    let shown =
        app.dispatch(&mut case, json!({"lead": COMMUNITY, "duty_item": "community-03"})).await;
    assert_eq!(shown["duty_item"], "community-03");
    assert!(shown["duty_list"].is_string(), "the version it was judged by is kept");
    // A list gives the lead or the assistance, not one for the other.
    let case = app.accepted().await;
    let lead = json!({"lead": COMMUNITY, "duty_item": "city-08"});
    dispatcher.post(&case.path("/dispatch"), lead).await.refused(409, "not_on_duty_list");
}

#[tokio::test]
async fn an_emergency_goes_anywhere_with_a_named_approver() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let mut case = app.submitted().await;
    app.accept(&case, "emergency").await;
    let unapproved = json!({"lead": COMMUNITY});
    dispatcher.post(&case.path("/dispatch"), unapproved).await.refused(409, "not_on_duty_list");
    for nobody in ["nobody", "dispatcher", CLERK] {
        let body = json!({"lead": COMMUNITY, "emergency_approver": nobody});
        let answer = dispatcher.post(&case.path("/dispatch"), body).await;
        assert!(matches!(answer.status, 409 | 422), "{nobody}: {answer}");
    }
    app.dispatch(&mut case, json!({"lead": COMMUNITY, "emergency_approver": "leader"})).await;
    let task = dispatcher.get(&case.task("")).await.expect(200);
    assert!(task["arrive_by"].is_string(), "somebody must come");
    let has = async |who: &str| {
        let events = app.as_(who).all(&case.path("/events")).await;
        events.iter().any(|event| event["kind"] == "emergency_approved")
    };
    assert!(has("dispatcher").await);
    assert!(!has("community.140213066004").await);
}

#[tokio::test]
async fn a_reported_unit_never_handles_the_report() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let mut report = complaint();
    report["kind"] = json!("report");
    let mut case = app.resident("li").submit(&report).await;
    let accept = json!({"urgency": "ordinary", "reported_unit": "urban-management"});
    dispatcher.post(&case.path("/accept"), accept).await.expect(200);
    let own = json!({"lead": "urban-management"});
    dispatcher.post(&case.path("/dispatch"), own).await.refused(409, "unit_is_reported");
    app.dispatch(&mut case, json!({"lead": "justice"})).await;
    app.as_(CLERK).get(&case.path("")).await.refused(404, "not_found");
}

/// A case with a child merged into it.
async fn merged(app: &App) -> (Case, Case) {
    let into = app.acknowledged().await;
    let child = app.resident("wang").submit(&complaint()).await;
    let body = json!({"into": into.id});
    let shown = app.as_("dispatcher").post(&child.path("/merge"), body).await.expect(200);
    assert_eq!((&shown["status"], &shown["merged_into"]), (&json!("merged"), &json!(into.id)));
    (into, child)
}

#[tokio::test]
async fn merged_reporters_are_told_the_outcome_and_evaluate_for_themselves() {
    let app = App::spawn().await;
    let wang = app.resident("wang");
    let (into, child) = merged(&app).await;
    let stars = json!({"solved": false, "satisfaction": 1});
    wang.post(&child.path("/evaluate"), stars.clone()).await.refused(409, "leading_case_open");
    app.contact_and_reply(&into).await;
    app.as_("dispatcher").post(&into.task("/confirm"), json!({})).await.expect(200);
    app.drain().await;
    let told = wang.all("/notifications").await;
    let kinds: Vec<&str> = told.iter().filter_map(|one| one["kind"].as_str()).collect();
    assert!(kinds.contains(&"merged"), "{kinds:?}");
    assert!(kinds.contains(&"replied"), "{kinds:?}");
    assert!(told.iter().all(|one| one["complaint_id"] == json!(child.id)), "{told:?}");
    let seen = wang.complaint(&child).await;
    assert!(seen["answer"].is_string(), "a child shows the answer of what it follows: {seen}");

    let seen = wang.post(&child.path("/evaluate"), stars.clone()).await.expect(200);
    assert_eq!(seen["status"], "merged", "it is counted and changes nothing else");
    wang.post(&child.path("/evaluate"), stars).await.refused(409, "already_evaluated");
    wang.get(&into.path("")).await.refused(404, "not_found");
    assert_eq!(app.resident("li").complaint(&into).await["status"], "follow_up");
}

#[tokio::test]
async fn a_case_merges_into_another_open_one_only() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let (into, child) = merged(&app).await;
    let other = app.submitted().await;
    let merge = async |case: &Case, target: &str| {
        dispatcher.post(&case.path("/merge"), json!({"into": target})).await
    };
    merge(&other, &other.id).await.refused(409, "merge_target_refused");
    merge(&other, &child.id).await.refused(409, "merge_target_refused");
    let nowhere = merge(&other, "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071").await;
    assert!(matches!(nowhere.status, 404 | 409 | 422), "{nowhere}");
    let closed = app.closed().await;
    merge(&other, &closed.id).await.refused(409, "merge_target_refused");
    merge(&closed, &into.id).await.refused(409, "complaint_step_refused");
}

#[tokio::test]
async fn merging_after_dispatch_cancels_the_childs_tasks() {
    let app = App::spawn().await;
    let into = app.acknowledged().await;
    let child = app.dispatched().await;
    app.as_("dispatcher").post(&child.path("/merge"), json!({"into": into.id})).await.expect(200);
    assert_eq!(app.tasks(&child).await[0]["status"], "cancelled");
    assert_eq!(app.tasks(&into).await[0]["status"], "acknowledged");
}

#[tokio::test]
async fn a_supervisor_excludes_once() {
    let app = App::spawn().await;
    let supervisor = app.as_("supervisor");
    let case = app.dispatched().await;
    let why = json!({"reason": "反映的施工已依法取得许可，现场核查属实"});
    app.as_("dispatcher").post(&case.path("/exclude"), why.clone()).await.refused(403, "forbidden");
    let shown = supervisor.post(&case.path("/exclude"), why.clone()).await.expect(200);
    assert_eq!(shown["excluded"], true);
    supervisor.post(&case.path("/exclude"), why.clone()).await.refused(409, "already_excluded");
    let fresh = app.submitted().await;
    supervisor.post(&fresh.path("/exclude"), why).await.refused(409, "complaint_step_refused");
}
