//! The working calendar: a year's notice is imported as a version, every process follows without a
//! restart, and open deadlines change only by a recorded command.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, at};

/// A made-up notice of 2027: the first three working days of January are off.
fn notice() -> Value {
    json!({
        "source": "测试用的2027年安排", "published_at": "2026-12-01",
        "csv": "2027-01-01,元旦,off\n2027-01-04,元旦,off\n2027-01-05,元旦,off\n\
                2027-01-10,元旦,working\n2027-10-01,国庆节,off",
    })
}

async fn put(app: &App, year: &str, body: &Value) -> crate::support::Answer {
    app.as_("sysadmin").request(Method::PUT, &format!("/calendar/{year}")).json(body).send().await
}

async fn import(app: &App) -> Value {
    put(app, "2027", &notice()).await.expect(200)
}

async fn recompute(app: &App, dry_run: bool) -> Value {
    let body = json!({ "dry_run": dry_run });
    app.as_("sysadmin").post("/calendar/2027/recompute", body).await.expect(200)
}

async fn recomputed(app: &App, case: &Case) -> Vec<Value> {
    let events = app.as_("dispatcher").all(&case.path("/events")).await;
    events.into_iter().filter(|event| event["kind"] == "deadlines_recomputed").collect()
}

/// An ordinary case dispatched on 30 December 2026: 5 working days reach into 2027.
async fn at_the_end_of_the_year(app: &App) -> Case {
    app.set_clock(at("2026-12-30T09:00:00+08:00"));
    app.dispatched().await
}

#[tokio::test]
async fn what_is_in_force_is_there_for_all_staff() {
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let now = clerk.get("/calendar").await.expect(200);
    assert_eq!(
        (&now["year"], &now["version"], &now["provisional"]),
        (&json!(2026), &json!(1), &json!(false))
    );
    assert_eq!(
        now["days"].as_array().unwrap().iter().filter(|day| day["name"] == "国庆节").count(),
        9
    );
    let next = clerk.get("/calendar?year=2027").await.expect(200);
    assert_eq!((&next["version"], &next["provisional"]), (&Value::Null, &json!(true)));
    for bad in ["27", "1999", "2027.0", "x"] {
        clerk.get(&format!("/calendar?year={bad}")).await.refused(422, "invalid_field");
    }
    app.resident("li").get("/calendar").await.refused(403, "forbidden");
}

#[tokio::test]
async fn an_import_is_tried_then_kept_then_known() {
    let app = App::spawn().await;
    let mut dry = notice();
    dry["dry_run"] = json!(true);
    let tried = put(&app, "2027", &dry).await.expect(200);
    assert_eq!((&tried["added"], &tried["version"]), (&json!(true), &json!(1)));
    assert_eq!(
        tried["changed"],
        json!(["2027-01-01", "2027-01-04", "2027-01-05", "2027-01-10", "2027-10-01"])
    );
    assert_eq!(tried["calendar"]["version"], Value::Null, "nothing was written");

    let kept = import(&app).await;
    assert_eq!((&kept["added"], &kept["calendar"]["version"]), (&json!(true), &json!(1)));
    let again = import(&app).await;
    assert_eq!(
        (&again["added"], &again["version"]),
        (&json!(false), &json!(1)),
        "the same adds nothing"
    );
    let mut other = notice();
    other["csv"] = json!(notice()["csv"].as_str().unwrap().replace("2027-01-05,元旦,off\n", ""));
    let second = put(&app, "2027", &other).await.expect(200);
    assert_eq!(second["changed"], json!(["2027-01-05"]));
    let versions = &second["calendar"]["versions"];
    assert_eq!(versions.as_array().unwrap().len(), 2, "the first version stays: {versions}");
    let audited: i64 =
        sqlx::query_scalar("select count(*) from audit_entry where action = 'calendar.import'")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(audited, 2);
}

#[tokio::test]
async fn twins_make_versions_one_after_the_other() {
    let app = App::spawn().await;
    let bodies: Vec<Value> = (1..=5)
        .map(|day| {
            let mut body = notice();
            let csv = body["csv"].as_str().unwrap().to_owned();
            body["csv"] = json!(format!("{csv}\n2027-10-0{},国庆节,off", day + 1));
            body
        })
        .collect();
    let twice = bodies.iter().chain(&bodies);
    let all = futures::future::join_all(twice.map(|body| put(&app, "2027", body))).await;
    for answer in all {
        answer.expect(200);
    }
    let days: i64 =
        sqlx::query_scalar("select count(distinct version) from calendar_year where year = 2027")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert!((5..=10).contains(&days), "{days}");
}

#[tokio::test]
async fn what_is_no_notice_is_refused_with_every_fault() {
    let app = App::spawn().await;
    for body in [
        json!({"source": "x", "csv": ""}),
        json!({"source": "测试", "days": []}),
        json!({"source": "测试", "csv": "2026-01-01,元旦,off"}),
        json!({"source": "测试", "csv": "2027-01-01,元旦,off"}),
        json!({"source": "测试", "csv": "2027-01-01,元旦,maybe"}),
        json!({"source": "测试", "days": [{"date": "2027-01-05", "name": "元旦", "working": true}], "provisional": true}),
        json!({"source": "测试", "days": [{"date": "2027-13-05", "name": "元旦", "working": true}]}),
    ] {
        let answer = put(&app, "2027", &body).await;
        assert!([400, 422].contains(&answer.status), "{body}: {answer}");
    }
    put(&app, "1999", &notice()).await.refused(404, "not_found");
    let dispatcher = app.as_("dispatcher");
    let refused = dispatcher.request(Method::PUT, "/calendar/2027").json(&notice()).send().await;
    refused.refused(403, "forbidden");
    assert_eq!(app.count("calendar_year").await, 3);
}

#[tokio::test]
async fn a_running_process_takes_a_new_year_over() {
    let app = App::spawn().await;
    let preview = "/deadlines/preview?urgency=ordinary&from=2026-12-30T01:00:00Z";
    let before = app.as_(CLERK).get(preview).await.expect(200);
    assert_eq!(
        (&before["reply_by"], &before["provisional"]),
        (&json!("2027-01-06T16:00:00Z"), &json!(true))
    );
    let ready = app.anonymous().get("/readyz").await.expect(200);
    assert_eq!(
        (&ready["status"], &ready["checks"]["calendar"]),
        (&json!("ok"), &json!("provisional"))
    );

    // Another process imports: the command line has its own state.
    let (year, csv) = ("2027".parse().unwrap(), notice()["csv"].as_str().unwrap().to_owned());
    let form =
        domain::calendar::NoticeForm { source: "测试", csv: Some(&csv), ..Default::default() };
    let read = domain::calendar::Notice::parse(year, form).unwrap();
    api::app::calendar::import(app.state(), None, Default::default(), read, false).await.unwrap();

    let patience = std::time::Instant::now();
    loop {
        let after = app.as_(CLERK).get(preview).await.expect(200);
        if after["reply_by"] == "2027-01-10T16:00:00Z" {
            assert_eq!(after["provisional"], false);
            break;
        }
        assert!(patience.elapsed().as_secs() < 20, "the server does not follow: {after}");
    }
    let ready = app.anonymous().get("/readyz").await.expect(200);
    assert_eq!(ready["checks"]["calendar"], "ok");
}

#[tokio::test]
async fn open_deadlines_move_by_command_alone_once_and_on_record() {
    let app = App::spawn().await;
    let case = at_the_end_of_the_year(&app).await;
    let clerk = app.as_(CLERK);
    let reply_by = async || clerk.get(&case.task("")).await.expect(200)["reply_by"].clone();
    assert_eq!(reply_by().await, "2027-01-06T16:00:00Z");
    app.as_("sysadmin")
        .post("/calendar/2027/recompute", json!({}))
        .await
        .refused(409, "calendar_year_missing");

    import(&app).await;
    let tried = recompute(&app, true).await;
    assert_eq!(tried["tasks"], 1);
    assert_eq!(tried["changes"][0]["before"], json!({"reply_by": "2027-01-06T16:00:00Z"}));
    assert_eq!(tried["changes"][0]["after"], json!({"reply_by": "2027-01-10T16:00:00Z"}));
    app.drain().await;
    assert_eq!(reply_by().await, "2027-01-06T16:00:00Z", "neither the import nor a trial moves it");
    assert!(recomputed(&app, &case).await.is_empty());

    assert_eq!(recompute(&app, false).await["tasks"], 1);
    app.drain().await;
    assert_eq!(reply_by().await, "2027-01-10T16:00:00Z");
    let told = recomputed(&app, &case).await;
    assert_eq!(told.len(), 1);
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.contains("重新计算") && text.contains("1月10日 24:00 前答复"), "{text}");
    let inbox = app.resident("li").all("/notifications").await;
    assert!(
        inbox.iter().any(|one| one["text"].as_str().unwrap().contains("重新计算")),
        "{inbox:?}"
    );
    let armed: Vec<String> = sqlx::query_scalar(
        "select due_at::text from sla_timer where kind = 'reply_due' and state = 'armed'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    assert_eq!(armed.len(), 1);
    assert!(
        armed[0].starts_with("2027-01-10 16:00:00") || armed[0].starts_with("2027-01-11"),
        "{armed:?}"
    );

    assert_eq!(recompute(&app, false).await["tasks"], 0, "a second time changes nothing");
    app.drain().await;
    assert_eq!(recomputed(&app, &case).await.len(), 1);
}

#[tokio::test]
async fn what_was_decided_or_is_over_stays() {
    let app = App::spawn().await;
    let granted = at_the_end_of_the_year(&app).await;
    let clerk = app.as_(CLERK);
    clerk.post(&granted.task("/acknowledge"), json!({})).await.expect(200);
    let until = json!({"until": "2027-01-11T10:00:00+08:00", "reason": "灯头要从外地调货"});
    clerk.post(&granted.task("/extend"), until).await.expect(200);
    let approve = json!({"approve": true, "reason": "情况属实"});
    app.as_("dispatcher").post(&granted.task("/extend/decide"), approve).await.expect(200);
    let ended = app.dispatched().await;
    app.resident("li")
        .post(&ended.path("/withdraw"), json!({"reason": "自己修好了"}))
        .await
        .expect(200);

    import(&app).await;
    recompute(&app, false).await;
    app.drain().await;
    let task = clerk.get(&granted.task("")).await.expect(200);
    assert_eq!(task["reply_by"], "2027-01-11T02:00:00Z", "an extension is a decision");
    assert!(recomputed(&app, &ended).await.is_empty());
}

#[tokio::test]
async fn two_recomputations_at_once_leave_one_record() {
    let app = App::spawn().await;
    let case = at_the_end_of_the_year(&app).await;
    import(&app).await;
    futures::future::join_all((0..4).map(|_| recompute(&app, false))).await;
    app.drain().await;
    assert_eq!(recomputed(&app, &case).await.len(), 1);
}

#[tokio::test]
async fn a_missing_year_is_warned_of_once_in_time() {
    let app = App::spawn().await;
    let chore = async || {
        let mut conn = app.db().acquire().await.unwrap();
        api::app::calendar::warn(app.state(), &mut conn, app.now()).await.unwrap();
    };
    let warned = async || {
        app.as_("sysadmin").get("/calendar?year=2027").await.expect(200)["warned_at"].clone()
    };
    app.set_clock(at("2026-11-01T12:00:00+08:00"));
    chore().await;
    assert_eq!(warned().await, Value::Null, "more than 60 days before");
    app.advance(TimeDelta::days(1));
    chore().await;
    let first = warned().await;
    assert_eq!(first, "2026-11-02T04:00:00Z");
    app.advance(TimeDelta::days(1));
    chore().await;
    assert_eq!(warned().await, first, "once");
    assert_eq!(app.count("calendar_warning").await, 1);
}

#[tokio::test]
async fn versions_are_only_added_to() {
    let app = App::spawn().await;
    for statement in [
        "update calendar_year set source = 'x'",
        "delete from calendar_day",
        "truncate calendar_year cascade",
    ] {
        let refused = sqlx::query(statement).execute(app.db()).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
}
