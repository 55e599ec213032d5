//! What may not be pushed down, by which version, and on whose word an emergency may.

use super::*;

#[tokio::test]
async fn each_refusal_names_the_version_that_decides() {
    let app = App::spawn().await;
    let desk = app.as_("dispatcher");
    for (unit, item, assist, version, why) in [
        (SUBDISTRICT, None, false, "territorial-2024.1", "没有写明清单事项"),
        (COMMUNITY, None, false, "community-2024.1-140213066004", "没有写明清单事项"),
        (SUBDISTRICT, Some("community-03"), false, "territorial-2024.1", "没有把这一事项交给"),
        (COMMUNITY, Some("city-05"), true, "community-2024.1-140213066004", "没有把这一事项交给"),
        (SUBDISTRICT, Some("market-05"), true, "recalled-2025.1-140213066", "收回"),
        (SUBDISTRICT, Some("environment-05"), true, "territorial-2024.1", "不承担"),
        (SUBDISTRICT, Some("city-05"), false, "cooperate-2025.1-140213066", "只配合，不牵头"),
        (COMMUNITY, Some("city-08"), false, "community-2024.1-140213066004", "只配合，不牵头"),
    ] {
        let case = app.accepted().await;
        let mut order = match assist {
            true => json!({"lead": "fire-rescue", "assist": [unit]}),
            false => json!({"lead": unit}),
        };
        if let Some(item) = item {
            order["duty_item"] = json!(item);
        }
        // An approver's word does not help where there is no emergency.
        for approver in [None, Some("leader")] {
            order["emergency_approver"] = json!(approver);
            let problem = desk.post(&case.path("/dispatch"), order.clone()).await;
            let problem = problem.refused(409, "not_on_duty_list");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(version) && detail.contains(why), "{unit} {item:?}: {detail}");
        }
    }
    assert_eq!(app.count("task").await, 0);
}

#[tokio::test]
async fn whoever_approved_an_emergency_is_on_record() {
    let app = App::spawn().await;
    let desk = app.as_("dispatcher");
    let mut case = app.submitted().await;
    app.accept(&case, "emergency").await;
    let order = |approver: Option<&str>| json!({"lead": SUBDISTRICT, "duty_item": "city-05", "emergency_approver": approver});
    let refused = desk.post(&case.path("/dispatch"), order(None)).await;
    let detail = refused.refused(409, "not_on_duty_list")["detail"].clone();
    assert!(detail.as_str().unwrap().contains("cooperate-2025.1-140213066"), "{detail}");
    for unfit in ["nobody", "dispatcher", CLERK, "supervisor"] {
        let answer = desk.post(&case.path("/dispatch"), order(Some(unfit))).await;
        assert_eq!(answer.fields(), ["emergency_approver"], "{unfit}: {answer}");
        answer.refused(422, "invalid_field");
    }
    app.dispatch(&mut case, order(Some("leader"))).await;
    let (role, data): (String, Value) = sqlx::query_as(
        "select role, data from audit_entry where action = 'complaint.push_down' and object_id = $1",
    )
    .bind(&case.id)
    .fetch_one(app.db())
    .await
    .unwrap();
    assert_eq!(role, "dispatcher");
    assert_eq!(
        data,
        json!({"approver": "leader", "units": [SUBDISTRICT], "list": "cooperate-2025.1-140213066"})
    );
    // Where a list gives the matter, nobody's word was needed and none is kept.
    let mut listed = app.submitted().await;
    app.accept(&listed, "emergency").await;
    let order =
        json!({"lead": SUBDISTRICT, "duty_item": "city-02", "emergency_approver": "leader"});
    app.dispatch(&mut listed, order).await;
    let kept: i64 =
        sqlx::query_scalar("select count(*) from audit_entry where action = 'complaint.push_down'")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(kept, 1);
}
