//! What the public reads of what people write: judged by words, by WeChat, and by a person.

use api::jobs::schedule::Schedule;
use chrono::TimeDelta;
use domain::screening::WITHHELD;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{
    App, Case, Client, complaint, wechat, wechat_answers, wechat_asked, wechat_refuses, wechat_says,
};

const CHECK: &str = "/wxa/msg_sec_check";
const TITLE: &str = "文兴路口路灯不亮";

fn judged(suggest: &str) -> ResponseTemplate {
    wechat_says(&json!({"errcode": 0, "result": {"suggest": suggest, "label": 20006}}))
}

/// What the public reads.
async fn title(app: &App, case: &Case) -> Value {
    app.anonymous().post("/track", case.track(json!({}))).await.expect(200)["title"].clone()
}

async fn standing(app: &App, state: &str, case: &Case) -> Value {
    let rows = app.as_("dispatcher").all(&format!("/screenings?state={state}")).await;
    rows.into_iter().find(|row| row["id"] == case.id).unwrap_or_default()
}

async fn decided(who: &Client, case: &Case, show: bool) -> crate::support::Answer {
    let body = json!({"show": show, "reason": "逐字看过"});
    who.post(&format!("/screenings/{}/decide", case.id), body).await
}

#[tokio::test]
async fn what_wechat_passes_is_shown_and_what_it_does_not_is_hidden_but_handled() {
    for (suggest, state) in [("pass", "shown"), ("review", "hidden"), ("risky", "hidden")] {
        let server = wechat().await;
        wechat_answers(&server, CHECK, judged(suggest)).await;
        let app = App::on_wechat(&server, |_| ()).await;
        let wang = app.wechat_person("wang").await;
        let case = wang.submit(&complaint()).await;
        assert_eq!(title(&app, &case).await, WITHHELD, "not before it is judged");
        app.drain().await;
        let shown = if state == "shown" { TITLE } else { WITHHELD };
        assert_eq!(title(&app, &case).await, shown, "{suggest}");
        let row = standing(&app, state, &case).await;
        let label = if suggest == "pass" { 100 } else { 20006 };
        assert_eq!((&row["reason"], &row["label"]), (&json!("machine"), &json!(label)), "{row}");
        assert_eq!(wang.complaint(&case).await["title"], TITLE, "one reads one's own");
        app.accept(&case, "ordinary").await;
        let asked = wechat_asked(&server, CHECK).await;
        assert_eq!((asked.len(), &asked[0]["openid"]), (1, &json!("oTest-real-wang")));
        assert_eq!(asked[0]["title"], TITLE);
        assert_eq!(app.count("audit_entry where action = 'screening.checked'").await, 1);
    }
}

#[tokio::test]
async fn a_check_that_cannot_run_is_a_person_s() {
    for errcode in [61010, 45009, 40226] {
        let server = wechat().await;
        wechat_answers(&server, CHECK, wechat_refuses(errcode)).await;
        let app = App::on_wechat(&server, |_| ()).await;
        let case = app.wechat_person("wang").await.submit(&complaint()).await;
        app.drain().await;
        let row = standing(&app, "waiting", &case).await;
        assert_eq!((&row["title"], &row["reason"]), (&json!(TITLE), &json!("unchecked")), "{row}");
        assert_eq!(title(&app, &case).await, WITHHELD, "{errcode}");
        let dispatcher = app.as_("dispatcher");
        let view = decided(&dispatcher, &case, true).await.expect(200);
        assert_eq!((&view["state"], &view["note"]), (&json!("shown"), &json!("逐字看过")));
        assert_eq!(title(&app, &case).await, TITLE);
        decided(&dispatcher, &case, true).await.refused(409, "screening_step_refused");
        decided(&dispatcher, &case, false).await.expect(200);
        assert_eq!(title(&app, &case).await, WITHHELD, "a person may change a person's mind");
        assert_eq!(app.count("audit_entry where action in ('screening.show', 'screening.hide') and account_id is not null").await, 2);
    }
}

#[tokio::test]
async fn a_wechat_that_is_away_delays_no_complaint_and_ends_with_a_person() {
    for answer in [
        ResponseTemplate::new(502),
        wechat_refuses(-1),
        wechat_refuses(45011),
        wechat_refuses(40013),
        ResponseTemplate::new(200).set_body_string("<html>维护</html>"),
    ] {
        let server = wechat().await;
        wechat_answers(&server, CHECK, answer).await;
        let app = App::on_wechat(&server, |config| config.wechat.retries = 0).await;
        let case = app.wechat_person("wang").await.submit(&complaint()).await;
        app.drain().await;
        let row = standing(&app, "pending", &case).await;
        assert_eq!(row["state"], "pending", "it is tried again: {row}");
        assert_eq!(app.count("job where kind = 'screen_text' and state = 'ready'").await, 1);
        app.advance(TimeDelta::minutes(29));
        Schedule::default().enqueue_due(app.state(), true).await;
        app.drain().await;
        assert_eq!(standing(&app, "pending", &case).await["state"], "pending");
        app.advance(TimeDelta::minutes(5));
        Schedule::default().enqueue_due(app.state(), true).await;
        app.drain().await;
        assert_eq!(standing(&app, "waiting", &case).await["reason"], "unchecked");
        // WeChat is back, too late.
        server.reset().await;
        wechat_answers(&server, CHECK, judged("pass")).await;
        app.advance(TimeDelta::minutes(20));
        app.drain().await;
        assert_eq!(standing(&app, "waiting", &case).await["state"], "waiting");
    }
}

#[tokio::test]
async fn what_a_person_decided_no_machine_changes() {
    let server = wechat().await;
    wechat_answers(&server, CHECK, judged("pass")).await;
    let app = App::on_wechat(&server, |_| ()).await;
    let case = app.wechat_person("wang").await.submit(&complaint()).await;
    decided(&app.as_("dispatcher"), &case, false).await.expect(200);
    app.drain().await;
    assert_eq!(standing(&app, "hidden", &case).await["reason"], "decided");
    let overturned =
        sqlx::query("update screening set judged_by = null, note = null, reason = 'machine'")
            .execute(app.db())
            .await;
    assert!(overturned.unwrap_err().to_string().contains("a person decided"));
}

#[tokio::test]
async fn who_wrote_it_says_who_can_look() {
    let app = App::with(|config| config.screening.forbidden = vec!["坏 词".to_owned()]).await;
    let anonymous = app.anonymous().submit(&complaint()).await;
    let officer = app.as_("dispatcher").submit(&complaint()).await;
    let demo = app.resident("li").submit(&complaint()).await;
    let mut bad = complaint();
    bad["content"] = json!("路灯坏了，你们这些坏，词！");
    let worded = app.resident("zhao").submit(&bad).await;
    app.drain().await;
    for (case, state, reason, shown) in [
        (&anonymous, "waiting", "unchecked", WITHHELD),
        (&officer, "shown", "staff", TITLE),
        (&demo, "shown", "machine", TITLE),
        (&worded, "hidden", "word", WITHHELD),
    ] {
        let row = standing(&app, state, case).await;
        assert_eq!(row["reason"], reason, "{state}: {row}");
        assert_eq!(title(&app, case).await, shown, "{state}");
    }
    let by_default = app.as_("dispatcher").get("/screenings").await.expect(200);
    let ids: Vec<&Value> =
        by_default["items"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&json!(anonymous.id)], "those that wait for a person");
}

#[tokio::test]
async fn only_the_centre_decides_and_says_why() {
    let app = App::spawn().await;
    let case = app.anonymous().submit(&complaint()).await;
    let path = format!("/screenings/{}/decide", case.id);
    let good = json!({"show": true, "reason": "没有问题"});
    app.anonymous().post(&path, good.clone()).await.refused(401, "unauthenticated");
    for who in ["supervisor", "dept.urban-management"] {
        app.as_(who).post(&path, good.clone()).await.refused(403, "forbidden");
    }
    let dispatcher = app.as_("dispatcher");
    for (body, field) in [
        (json!({"show": true}), "reason"),
        (json!({"show": true, "reason": " "}), "reason"),
        (json!({"reason": "没有问题"}), "show"),
        (json!({"show": true, "reason": "长".repeat(201)}), "reason"),
    ] {
        let answer = dispatcher.post(&path, body).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{answer}");
    }
    let missing = "/screenings/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/decide";
    dispatcher.post(missing, good).await.refused(404, "not_found");
}
