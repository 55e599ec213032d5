//! Supervision (督办) over HTTP: what is overdue is told to the head, then in writing, then it climbs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, CLERK, COMMUNITY, Case, UNIT};

const HEAD: &str = "head.urban-management";

/// How many notifications of a kind somebody has.
async fn told(app: &App, who: &str, kind: &str) -> usize {
    let all = app.as_(who).all("/notifications").await;
    all.iter().filter(|one| one["kind"] == kind).count()
}

async fn supervise(app: &App, case: &Case, level: &str) -> Answer {
    let body = json!({"level": level, "demand": "请说明路灯迟迟未修的原因和完成时间"});
    app.as_("supervisor").post(&case.path("/supervise"), body).await
}

async fn opened(app: &App, case: &Case) -> String {
    path(&supervise(app, case, "letter").await.expect(201))
}

fn path(supervision: &Value) -> String {
    format!("/supervisions/{}", supervision["id"].as_str().unwrap())
}

fn written() -> Value {
    json!({"text": "电缆已经到货，明天完成更换并通知反映人", "until": "2026-11-26T10:00:00Z"})
}

#[tokio::test]
async fn the_head_is_told_the_next_working_day_and_in_writing_five_days_later() {
    let app = App::spawn().await;
    app.dispatched().await;
    app.pass("2026-11-24T15:00:01+08:00").await;
    assert_eq!(told(&app, CLERK, "overdue").await, 1);
    app.pass("2026-11-25T08:29:59+08:00").await;
    assert_eq!(told(&app, HEAD, "overdue_notice").await, 0);
    app.pass("2026-11-25T08:30:00+08:00").await;
    app.drain().await;
    assert_eq!(told(&app, HEAD, "overdue_notice").await, 1);
    app.pass("2026-12-01T23:59:59+08:00").await;
    assert_eq!(told(&app, HEAD, "written_bulletin").await, 0);
    app.pass("2026-12-02T00:00:01+08:00").await;
    for who in [HEAD, CLERK, "supervisor"] {
        assert_eq!(told(&app, who, "written_bulletin").await, 1, "{who}");
    }
    let bulletin = app.as_(HEAD).all("/notifications").await;
    let bulletin = bulletin.iter().find(|one| one["kind"] == "written_bulletin").unwrap();
    let text = bulletin["text"].as_str().unwrap();
    assert!(text.contains("书面通报") && text.contains("签收"), "{text}");
}

#[tokio::test]
async fn who_does_what_was_owed_is_told_no_more() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    app.pass("2026-11-24T16:00:00+08:00").await;
    app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    app.pass("2026-12-05T00:00:01+08:00").await;
    for kind in ["overdue_notice", "written_bulletin", "supervision_opened"] {
        assert_eq!(told(&app, HEAD, kind).await, 0, "{kind}");
    }
    assert_eq!(app.count("supervision").await, 0);
}

#[tokio::test]
async fn an_unanswered_bulletin_climbs_level_by_level_each_once() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    for day in ["2026-11-25T09:00:00", "2026-12-02T09:00:00", "2026-12-04T23:59:59"] {
        app.pass(&format!("{day}+08:00")).await;
    }
    assert_eq!(app.count("supervision").await, 0);
    // Level by level: two working days after the bulletin, then three, two and one.
    for (at, level, status) in [
        ("2026-12-05T00:00:01", "letter", "open"),
        ("2026-12-09T23:59:59", "letter", "open"),
        ("2026-12-10T00:00:01", "inspectorate", "open"),
        ("2026-12-15T00:00:01", "leader", "open"),
        ("2026-12-17T00:00:01", "leader", "coordination"),
        ("2026-12-31T00:00:01", "leader", "coordination"),
    ] {
        app.pass(&format!("{at}+08:00")).await;
        app.drain().await;
        let all = app.as_("supervisor").all("/supervisions").await;
        assert_eq!(all.len(), 1, "{at}");
        assert_eq!((&all[0]["level"], &all[0]["status"]), (&json!(level), &json!(status)), "{at}");
        assert_eq!(all[0]["automatic"], true);
        assert_eq!(all[0]["number"], json!(case.number));
    }
    for (who, kind) in [
        (HEAD, "supervision_opened"),
        (CLERK, "supervision_climbed"),
        ("leader", "supervision_referred"),
        ("leader", "coordination_asked"),
    ] {
        assert_eq!(told(&app, who, kind).await, 1, "{who}: {kind}");
    }
    let listed = app.as_("leader").all("/supervisions?status=coordination&level=leader").await;
    assert_eq!(listed.len(), 1);
    // It is answered all the same.
    app.as_(CLERK)
        .post(
            &format!("{}/answer", path(&listed[0])),
            json!({
                "text": "已经更换电缆，路灯当晚恢复照明",
            }),
        )
        .await
        .expect(200);
    let reporter = app.resident("li").all(&case.path("/events")).await;
    assert!(reporter.iter().all(|event| !event["kind"].as_str().unwrap().starts_with("superv")));
}

#[tokio::test]
async fn a_whistles_unit_is_supervised_like_any_other() {
    let app = App::spawn().await;
    let body = json!({
        "kind": "emergency", "level": "red", "title": "供水主管爆裂",
        "content": "文兴路主管爆裂，路面塌陷，三栋楼停水，需要联合抢修。",
        "community_code": COMMUNITY, "lead": UNIT, "assist": [],
    });
    let blower = app.as_("community.140213066004");
    let blown = blower.request(Method::POST, "/whistles").key("whistle-1").json(&body).send().await;
    let id = blown.expect(201)["id"].clone();
    app.pass("2026-12-05T00:00:01+08:00").await;
    let all = app.as_(CLERK).all("/supervisions").await;
    assert_eq!((all.len(), &all[0]["whistle_id"], &all[0]["complaint_id"]), (1, &id, &Value::Null));
    app.as_(CLERK)
        .post(
            &format!("{}/answer", path(&all[0])),
            json!({
                "text": "抢修队伍已经到场，今晚恢复供水",
            }),
        )
        .await
        .expect(200);
    app.drain().await;
    assert_eq!(told(&app, "supervisor", "supervision_answered").await, 1);
}

#[tokio::test]
async fn a_demand_is_answered_sent_back_and_accepted() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let one = opened(&app, &case).await;
    let (unit, supervisor) = (app.as_(CLERK), app.as_("supervisor"));
    let command = |verb: &str| format!("{one}/{verb}");
    supervisor.post(&command("accept"), json!({})).await.refused(409, "supervision_step_refused");
    let past = json!({"text": "电缆已经到货，明天完成更换", "until": "2026-11-24T00:00:00Z"});
    unit.post(&command("answer"), past).await.refused(422, "supervision_until_past");
    unit.post(&command("answer"), json!({"text": "已办"})).await.refused(422, "invalid_field");
    let other = app.as_("dept.housing").post(&command("answer"), written()).await;
    other.refused(404, "not_found");
    let answered = unit.post(&command("answer"), written()).await.expect(200);
    assert_eq!((&answered["status"], &answered["version"]), (&json!("answered"), &json!(2)));
    let again = unit.post(&command("answer"), written()).await;
    again.refused(409, "supervision_step_refused");
    let why = json!({"reason": "没有说明何时修好"});
    let stale = supervisor.request(Method::POST, &command("send-back")).version(1).json(&why);
    stale.send().await.refused(412, "version_mismatch");
    let back = supervisor.post(&command("send-back"), why).await.expect(200);
    assert_eq!((&back["status"], &back["send_backs"]), (&json!("open"), &json!(1)));
    unit.post(&command("answer"), written()).await.expect(200);
    let over = supervisor.post(&command("accept"), json!({})).await.expect(200);
    assert_eq!(over["status"], "accepted");
    app.drain().await;
    assert_eq!(told(&app, HEAD, "supervision_opened").await, 1);
    assert_eq!(told(&app, CLERK, "supervision_sent_back").await, 1);
    assert_eq!(told(&app, HEAD, "supervision_accepted").await, 1);
    // Over and answered in time: nothing climbs, and the unit may be supervised anew.
    supervise(&app, &case, "inspectorate").await.expect(201);
}

#[tokio::test]
async fn one_at_a_time_and_only_of_a_unit_that_works_on_it() {
    let app = App::spawn().await;
    let early = app.accepted().await;
    supervise(&app, &early, "letter").await.refused(409, "nobody_to_supervise");
    let case = app.dispatched().await;
    let foreign = json!({"level": "letter", "unit": "housing", "demand": "请说明原因"});
    let foreign = app.as_("supervisor").post(&case.path("/supervise"), foreign).await;
    foreign.refused(409, "nobody_to_supervise");
    let twins = futures::future::join_all((0..4).map(|_| supervise(&app, &case, "letter"))).await;
    let statuses: Vec<u16> = twins.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    for twin in twins.iter().filter(|answer| answer.status != 201) {
        assert_eq!((twin.status, twin.code()), (409, "supervision_open"));
    }
    assert_eq!(app.count("supervision").await, 1);
}

#[tokio::test]
async fn a_leaders_word_begins_at_the_top_or_takes_up_what_is_open() {
    let app = App::spawn().await;
    let leader = app.as_("leader");
    let word = json!({"text": "请城管局今日拿出办法"});
    let fresh = app.dispatched().await;
    let opened_at_once = leader.post(&fresh.path("/instruct"), word.clone()).await.expect(201);
    assert_eq!(
        (&opened_at_once["level"], &opened_at_once["automatic"]),
        (&json!("leader"), &json!(false))
    );
    let case = app.dispatched().await;
    let one = opened(&app, &case).await;
    let taken_up = leader.post(&case.path("/instruct"), word).await.expect(201);
    assert_eq!((path(&taken_up), &taken_up["level"]), (one, &json!("leader")));
    assert_eq!(taken_up["demand"], "请城管局今日拿出办法");
    app.drain().await;
    assert_eq!(told(&app, HEAD, "leader_instructed").await, 2);
    assert_eq!(told(&app, "leader", "leader_instructed").await, 0, "he knows");
}

#[tokio::test]
async fn what_is_listed_stands_on_the_list_until_it_is_taken_off() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let one = opened(&app, &case).await;
    let supervisor = app.as_("supervisor");
    let why = json!({"reason": "涉及三栋楼，久拖未决"});
    let off = supervisor.post(&format!("{one}/unlist"), why.clone()).await;
    off.refused(409, "supervision_not_listed");
    supervisor.post(&format!("{one}/list"), why.clone()).await.expect(200);
    let again = supervisor.post(&format!("{one}/list"), why.clone()).await;
    again.refused(409, "supervision_listed");
    let count =
        async |query: &str| app.as_("leader").all(&format!("/supervisions?{query}")).await.len();
    assert_eq!((count("listed=true").await, count("listed=false").await), (1, 0));
    assert_eq!((count("unit=urban-management").await, count("unit=housing").await), (1, 0));
    supervisor.post(&format!("{one}/unlist"), why).await.expect(200);
    assert_eq!((count("listed=true").await, count("listed=false").await), (0, 1));
    assert!(app.as_("dept.housing").all("/supervisions").await.is_empty(), "another unit's");
}

#[tokio::test]
async fn an_emergency_names_who_is_on_duty() {
    let app = App::spawn().await;
    let roster = json!({"shifts": [
        {"starts_at": "2026-11-24T00:30:00Z", "ends_at": "2026-11-24T10:00:00Z", "name": "王强", "phone": "13800001234"},
        {"starts_at": "2026-11-24T10:00:00Z", "ends_at": "2026-11-25T00:30:00Z", "name": "刘敏", "phone": "0352-5010000"},
    ]});
    let put = async |who: &str, unit: &str, body: &Value| {
        let path = format!("/units/{unit}/roster");
        app.as_(who).request(Method::PUT, &path).json(body).send().await
    };
    put(HEAD, UNIT, &roster).await.expect(200);
    put(HEAD, "housing", &roster).await.refused(404, "not_found");
    put(CLERK, UNIT, &roster).await.refused(403, "forbidden");
    let mut twice = roster.clone();
    twice["shifts"][1]["starts_at"] = json!("2026-11-24T09:00:00Z");
    put(HEAD, UNIT, &twice).await.refused(422, "invalid_field");
    let asked = async |who: &str, at: &str| {
        let path = format!("/units/{UNIT}/roster?at={at}");
        app.as_(who).get(&path).await.expect(200)["items"].clone()
    };
    let now = asked("dispatcher", "2026-11-24T02:00:00Z").await;
    assert_eq!((&now[0]["name"], &now[0]["phone"]), (&json!("王强"), &json!("13800001234")));
    assert_eq!(now.as_array().unwrap().len(), 2);
    let night = asked("dept.housing", "2026-11-24T12:00:00Z").await;
    assert_eq!((&night[0]["name"], &night[0]["phone"]), (&json!("刘*"), &json!("035****0000")));

    let mut case = app.submitted().await;
    app.accept(&case, "emergency").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    app.pass("2026-11-24T09:15:01+08:00").await;
    let notice = async |who: &str| {
        let all = app.as_(who).all("/notifications").await;
        let one = all.into_iter().find(|one| one["kind"] == "overdue_notice").expect("a notice");
        one["text"].as_str().unwrap().to_owned()
    };
    assert!(notice("dispatcher").await.ends_with("值班：王强 13800001234"));
    assert!(notice(HEAD).await.ends_with("值班：王* 138****1234"));
    let stored: Vec<String> =
        sqlx::query_scalar("select data::text || coalesce(note, '') from event")
            .fetch_all(app.db())
            .await
            .unwrap();
    assert!(stored.iter().all(|text| !text.contains("1380000")), "no event holds a phone");
}

#[tokio::test]
async fn what_the_unit_was_relieved_of_lapses_instead_of_climbing() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    opened(&app, &case).await;
    let why = json!({"reason": "自己解决了"});
    app.resident("li").post(&case.path("/withdraw"), why).await.expect(200);
    app.pass("2026-11-28T00:00:01+08:00").await;
    let all = app.as_(CLERK).all("/supervisions").await;
    assert_eq!((&all[0]["status"], &all[0]["level"]), (&json!("lapsed"), &json!("letter")));
    assert_eq!(told(&app, HEAD, "supervision_lapsed").await, 1);
}
