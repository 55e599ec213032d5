//! Hand-over inside the unit: to a named officer, to a body below, and back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, COMMUNITY, Case, REPLY, SUBDISTRICT, UNIT};

const HEAD: &str = "head.urban-management";
const STREET: &str = "subdistrict.140213066";
const BODY: &str = "community.140213066004";

/// A case of the subdistrict's own: an emergency that a leader approved.
async fn of_the_subdistrict(app: &App) -> Case {
    let mut case = app.submitted().await;
    app.accept(&case, "emergency").await;
    app.dispatch(&mut case, json!({"lead": SUBDISTRICT, "emergency_approver": "leader"})).await;
    case
}

async fn told(app: &App, who: &str) -> String {
    app.drain().await;
    app.as_(who).get("/notifications").await.expect(200).to_string()
}

#[tokio::test]
async fn a_named_officer_has_it_and_the_queue_knows() {
    let app = App::spawn().await;
    let (case, other) = (app.dispatched().await, app.dispatched().await);
    let (clerk, head) = (app.as_(CLERK), app.as_(HEAD));
    let before = clerk.get(&case.task("")).await.expect(200);
    let receivers = clerk.get(&case.task("/receivers")).await.expect(200);
    let named: Vec<&str> = receivers["officers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|officer| officer["username"].as_str().unwrap())
        .collect();
    assert_eq!(named, [CLERK, HEAD], "{receivers}");

    let order = json!({"officer": CLERK, "note": "请今天到现场查看"});
    let handed = head.post(&case.task("/hand-over"), order.clone()).await.expect(200);
    assert_eq!(handed["assignee"]["active"], true, "{handed}");
    for unchanged in
        ["unit", "status", "acknowledge_by", "contact_by", "reply_by", "return_by", "returns"]
    {
        assert_eq!(handed[unchanged], before[unchanged], "{unchanged}");
    }
    let refused = head.post(&case.task("/hand-over"), order).await;
    refused.refused(409, "task_handed_already");
    assert!(told(&app, CLERK).await.contains("请今天到现场查看"), "the officer is told");

    let account = handed["assignee"]["officer"].as_str().unwrap();
    for (query, expected) in
        [("mine", [&case.lead]), ("none", [&other.lead]), (account, [&case.lead])]
    {
        let found = clerk.all(&format!("/tasks?assignee={query}")).await;
        let ids: Vec<&str> = found.iter().map(|task| task["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    assert!(head.all("/tasks?assignee=mine").await.is_empty(), "nobody handed it to the head");
    let unreadable = clerk.get("/tasks?assignee=张三").await;
    assert_eq!(unreadable.fields(), ["assignee"], "{unreadable}");

    // The reporter hears nothing of what goes on inside.
    let events = app.resident("li").get(&case.path("/events")).await.expect(200).to_string();
    assert!(!events.contains("转交") && !events.contains("现场查看"), "{events}");
    let history = clerk.get(&case.task("/hand-overs")).await.expect(200);
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(history[0]["note"], "请今天到现场查看");
    assert!(history[0]["officer"].is_string() && history[0]["by"].is_string(), "{history}");
}

#[tokio::test]
async fn a_body_below_works_on_it_and_the_unit_answers_for_it() {
    let app = App::spawn().await;
    let case = of_the_subdistrict(&app).await;
    let (street, body) = (app.as_(STREET), app.as_(BODY));
    body.get(&case.task("")).await.refused(404, "not_found");
    let receivers = street.get(&case.task("/receivers")).await.expect(200);
    assert!(receivers["bodies"].to_string().contains(COMMUNITY), "{receivers}");
    let order = json!({"body": COMMUNITY, "note": "请先到现场"});
    let handed = street.post(&case.task("/hand-over"), order).await.expect(200);
    assert_eq!(
        (&handed["unit"], &handed["assignee"]["body"]),
        (&json!(SUBDISTRICT), &json!(COMMUNITY))
    );
    assert!(told(&app, BODY).await.contains("请先到现场"), "the body is told");

    let mine = body.all(&format!("/tasks?complaint_id={}", case.id)).await;
    assert_eq!(mine.len(), 1, "the body's list holds it");
    assert_eq!(street.all(&format!("/tasks?assignee={COMMUNITY}")).await.len(), 1);
    body.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    let until = json!({"until": "2026-12-03T16:00:00Z", "reason": "等待配件"});
    body.post(&case.task("/extend"), until).await.refused(409, "unit_answers");
    let elsewhere = json!({"body": COMMUNITY});
    body.post(&case.task("/hand-over"), elsewhere).await.refused(409, "unit_answers");
    body.post(&case.task("/contact"), json!({"note": "电话联系，约定今晚查看"})).await.expect(200);
    let people = json!({"people": [{"name": "张工", "post": "主任"}]});
    body.post(&case.task("/report-in"), people).await.expect(200);
    let draft = json!({"text": "电缆老化，"});
    body.request(Method::PUT, &case.task("/draft")).json(&draft).send().await.expect(200);
    let reply = json!({"text": REPLY, "outcome": "solved"});
    body.post(&case.task("/reply"), reply).await.expect(200);
    let events = body.get(&case.path("/events?limit=100")).await.expect(200).to_string();
    assert!(events.contains("转交下级单位") && events.contains("答复"), "{events}");

    // The figures are the unit's: nothing of the task names the body as responsible.
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    let stars = json!({"solved": true, "satisfaction": 5, "contacted": true});
    app.resident("li").post(&case.path("/evaluate"), stars).await.expect(200);
    let rates = app.as_("supervisor").get("/rates?period=2026-11").await.expect(200);
    let streets = rates["groups"][0]["rows"].as_array().unwrap();
    let ours = streets.iter().find(|row| row["unit"] == SUBDISTRICT).unwrap();
    assert_eq!(ours["tasks"], 1, "{ours}");
}

#[tokio::test]
async fn taken_back_the_body_acts_no_more() {
    let app = App::spawn().await;
    let case = of_the_subdistrict(&app).await;
    let (street, body) = (app.as_(STREET), app.as_(BODY));
    street.post(&case.task("/take-back"), json!({})).await.refused(409, "task_not_handed");
    street.post(&case.task("/hand-over"), json!({"body": COMMUNITY})).await.expect(200);
    let back = json!({"reason": "改由街道直接办理"});
    let path = case.task("/take-back");
    let (one, two) = tokio::join!(street.post(&path, back.clone()), street.post(&path, back));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "a concurrent twin");
    body.post(&case.task("/acknowledge"), json!({})).await.refused(404, "not_found");
    assert!(body.all(&format!("/tasks?complaint_id={}", case.id)).await.is_empty());
    assert!(told(&app, BODY).await.contains("改由街道直接办理"), "and is told so");
    let history = street.get(&case.task("/hand-overs")).await.expect(200);
    let kinds: Vec<&Value> = history.as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["task_handed_over", "task_taken_back"]);
}

#[tokio::test]
async fn who_leaves_leaves_the_task_to_the_unit() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let head = app.as_(HEAD);
    let handed = head.post(&case.task("/hand-over"), json!({"officer": CLERK})).await.expect(200);
    assert!(head.all("/tasks?assignee=none").await.is_empty());
    let account = handed["assignee"]["officer"].as_str().unwrap();
    let disable = json!({"reason": "调离"});
    let path = format!("/accounts/{account}/disable");
    app.as_("security").post(&path, disable).await.expect(200);
    let shown = head.all("/tasks?assignee=none").await;
    assert_eq!(shown[0]["id"], json!(case.lead), "at once, before any job ran");
    assert_eq!(shown[0]["assignee"]["active"], false);
    head.post(&case.task("/hand-over"), json!({"officer": CLERK}))
        .await
        .refused(422, "invalid_field");

    app.drain().await;
    let shown = head.get(&case.task("")).await.expect(200);
    assert_eq!(shown["assignee"], Value::Null, "written down by the job");
    let history = head.get(&case.task("/hand-overs")).await.expect(200);
    assert_eq!((&history[1]["kind"], &history[1]["by"]), (&json!("task_taken_back"), &Value::Null));
    assert_eq!(app.count("job where kind = 'take_back_task' and state = 'done'").await, 1);
}

#[tokio::test]
async fn nobody_outside_the_unit_gets_it_or_gives_it() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let clerk = app.as_(CLERK);
    let path = case.task("/hand-over");
    let officer = json!({"officer": HEAD});
    app.as_("dept.housing").post(&path, officer.clone()).await.refused(404, "not_found");
    app.as_("dispatcher").post(&path, officer.clone()).await.refused(403, "forbidden");
    app.as_("dept.housing").get(&case.task("/receivers")).await.refused(404, "not_found");
    for (order, field) in [
        (json!({}), "officer"),
        (json!({"officer": HEAD, "body": COMMUNITY}), "officer"),
        (json!({"officer": "dept.housing"}), "officer"),
        (json!({"body": "140213066999"}), "body"),
        (json!({"body": COMMUNITY}), "body"),
        (json!({"body": UNIT}), "body"),
    ] {
        let answer = clerk.post(&path, order.clone()).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{order}: {answer}");
    }
    let stale = clerk.request(Method::POST, &path).version(99).json(&officer);
    stale.send().await.refused(412, "version_mismatch");
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    clerk.post(&path, officer).await.refused(409, "task_step_refused");
    assert_eq!(app.count("event where kind = 'task_handed_over'").await, 0);
}

#[tokio::test]
async fn whoever_is_reported_never_gets_the_report() {
    let app = App::spawn().await;
    let mut report = crate::support::complaint();
    report["kind"] = json!("report");
    let mut case = app.resident("li").submit(&report).await;
    let accept = json!({"urgency": "emergency", "reported_unit": COMMUNITY});
    app.as_("dispatcher").post(&case.path("/accept"), accept).await.expect(200);
    app.dispatch(&mut case, json!({"lead": SUBDISTRICT, "emergency_approver": "leader"})).await;
    let order = json!({"body": COMMUNITY});
    app.as_(STREET).post(&case.task("/hand-over"), order).await.refused(409, "unit_is_reported");
    app.as_(BODY).get(&case.path("")).await.refused(404, "not_found");
}

#[tokio::test]
async fn whoever_blew_a_whistle_is_not_handed_its_tasks() {
    let app = App::spawn().await;
    let whistle = json!({
        "kind": "emergency", "level": "yellow", "title": "夜市占道和油烟扰民",
        "content": "文兴路夜市三十余家摊点占道经营，油烟直排居民楼，社区多次劝导无效。",
        "community_code": COMMUNITY, "lead": UNIT, "assist": [SUBDISTRICT],
    });
    let request = app.as_(BODY).request(Method::POST, "/whistles").key("whistle-to-the-street");
    let blown = request.json(&whistle).send().await.expect(201);
    let (street, path) = (app.as_(STREET), format!("/whistles/{}", blown["id"].as_str().unwrap()));
    let tasks = street.all("/tasks").await;
    let task = format!("/tasks/{}", tasks[0]["id"].as_str().unwrap());
    let order = |code: &str| json!({"body": code});
    let refused = street.post(&format!("{task}/hand-over"), order(COMMUNITY)).await;
    assert_eq!(refused.fields(), ["body"], "{refused}");
    refused.refused(422, "body_blew_whistle");

    // A sister community may: it reads the whistle, and comes for the subdistrict.
    let receivers = street.get(&format!("{task}/receivers")).await.expect(200);
    let bodies = receivers["bodies"].as_array().unwrap();
    let sister = bodies.iter().find(|body| body["code"] != COMMUNITY).unwrap();
    let sister = sister["code"].as_str().unwrap();
    let theirs = app.as_(&format!("community.{sister}"));
    theirs.get(&path).await.refused(404, "not_found");
    // But not where the complaint that waits for the whistle reports it.
    let case = app.submitted().await;
    let waits = format!(
        "update complaint set reported_unit = '{sister}' where id = '{}'; \
         update whistle set complaint_id = '{}'",
        case.id, case.id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(waits)).execute(app.db()).await.unwrap();
    let refused = street.post(&format!("{task}/hand-over"), order(sister)).await;
    refused.refused(409, "unit_is_reported");
    sqlx::query("update whistle set complaint_id = null").execute(app.db()).await.unwrap();
    street.post(&format!("{task}/hand-over"), order(sister)).await.expect(200);
    theirs.get(&path).await.expect(200);
    theirs.post(&format!("{task}/acknowledge"), json!({})).await.expect(200);
    let people = json!({"people": [{"name": "张工", "post": "主任"}]});
    theirs.post(&format!("{task}/report-in"), people).await.expect(200);
    let judged = app.as_(BODY).get(&task).await.expect(200);
    assert_eq!(judged["status"], "arrived");
    app.as_(BODY).get(&format!("{task}/hand-overs")).await.refused(404, "not_found");
    assert_eq!(
        theirs.get(&format!("{task}/hand-overs")).await.expect(200).as_array().unwrap().len(),
        1
    );
}
