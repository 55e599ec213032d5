//! What the public reads of what people write: judged by words, by WeChat, and by a person.

use std::collections::BTreeSet;

use api::jobs::schedule::Schedule;
use chrono::TimeDelta;
use domain::screening::WITHHELD;
use infra::postgres::privacy::register::{Fate, tables};
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{
    privacy::secrecy::walk,
    support::{
        App, CLERK, COMMUNITY, Case, Client, UNIT, complaint, wechat, wechat_answers, wechat_asked,
        wechat_refuses, wechat_says,
    },
};

/// Who reads what a person wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadBy {
    /// Everybody: it is screened.
    Public,
    /// Everybody, once a person of the staff let it through.
    Approved,
    /// Whoever has to do with it on duty, and whoever wrote it.
    Staff,
    /// Nobody as it stands: it is no text of theirs.
    Nobody,
}

/// Every text that a person writes, by the register of personal data: what becomes nothing or a mark
/// when they leave. What others read of them without a person having looked at it is screened.
const TEXTS: &[(&str, ReadBy)] = &[
    ("complaint.title", ReadBy::Public),
    ("complaint.content", ReadBy::Staff),
    ("complaint.address", ReadBy::Staff),
    ("evaluation.comment", ReadBy::Staff),
    ("feedback.text", ReadBy::Staff),
    ("feedback.page", ReadBy::Staff),
    ("guide_vote.comment", ReadBy::Staff),
    ("service_request.title", ReadBy::Staff),
    ("service_request.content", ReadBy::Staff),
    ("service_request.comment", ReadBy::Staff),
    ("claim.comment", ReadBy::Staff),
    ("claim_dispute.reason", ReadBy::Staff),
    ("household_pairing.reason", ReadBy::Staff),
    ("donation.reason", ReadBy::Staff),
    ("points_objection.reason", ReadBy::Staff),
    ("fairness_flag.appeal", ReadBy::Staff),
    ("merchant_application.name", ReadBy::Approved),
    ("merchant_application.address", ReadBy::Approved),
    ("merchant_application.intro", ReadBy::Approved),
    ("account.password_hash", ReadBy::Nobody),
    ("session.user_agent", ReadBy::Nobody),
    ("session.address", ReadBy::Nobody),
];

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

#[tokio::test]
async fn of_every_text_it_is_said_who_reads_it() {
    let app = App::spawn().await;
    let texts: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns
         where table_schema = 'public' and data_type = 'text'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    let texts: BTreeSet<String> =
        texts.into_iter().map(|(table, column)| format!("{table}.{column}")).collect();
    let written = tables().flat_map(|table| {
        let columns = table.columns();
        let columns = columns.filter(|(_, fate)| matches!(fate, Fate::Marked | Fate::Gone));
        columns.map(|(column, _)| format!("{}.{column}", table.name))
    });
    let written: BTreeSet<String> = written.filter(|column| texts.contains(column)).collect();
    let told: BTreeSet<String> = TEXTS.iter().map(|(column, _)| (*column).to_owned()).collect();
    assert_eq!(told, written, "a person's text needs a row: who reads it?");
    let screened: Vec<&str> =
        TEXTS.iter().filter(|(_, by)| *by == ReadBy::Public).map(|(column, _)| *column).collect();
    assert_eq!(screened, ["complaint.title"], "what `app::screening::begin` looks after");
}

/// What somebody writes wherever they can, each with a word that stands nowhere else.
async fn written(app: &App) -> (Vec<String>, Vec<String>) {
    let li = app.resident("li");
    let mut body = complaint();
    body["content"] = json!("楼道里的青铜风铃响了一夜，请管一管。");
    body["address"] = json!("琥珀巷三号院");
    let mut case = li.submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    let stars = json!({"solved": true, "satisfaction": 4, "comment": "月牙泉的师傅很耐心"});
    li.post(&case.path("/evaluate"), stars).await.expect(200);
    let opinion = json!({"kind": "suggestion", "text": "首页的孔雀蓝太暗，看不清字。"});
    let send = async |path: &str, key: &str, body: Value| {
        li.request(Method::POST, path).key(key).json(&body).send().await.expect(201)
    };
    let opinion = send("/feedback", "an-opinion-1", opinion).await;
    let wish = json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "帮忙搬一架老钢琴",
        "content": "从五楼搬到一楼，谱架要轻放。", "phone": "13911112222",
    });
    let wish = send("/service-requests", "a-wish-0001", wish).await;
    let guide = app.anonymous().all("/guides").await[0]["id"].as_str().unwrap().to_owned();
    let vote = json!({"useful": false, "comment": "没写要不要珊瑚红的底片"});
    li.post(&format!("/guides/{guide}/votes"), vote).await.expect(204);
    let claim = crate::points::kept::served(app, "li", 120).await;
    let disputes = format!("/claims/{}/disputes", claim["id"].as_str().unwrap());
    li.post(&disputes, json!({"reason": "那天我带着竹蜻蜓陪到了傍晚"})).await.expect(201);
    app.drain().await;
    let ids = [&opinion["id"], &wish["id"], &claim["id"]].map(|id| id.as_str().unwrap().to_owned());
    let ids = [vec![case.id.clone(), case.lead.clone(), guide], ids.to_vec()].concat();
    let words = ["青铜风铃", "琥珀巷", "月牙泉", "孔雀蓝", "老钢琴", "谱架", "珊瑚红", "竹蜻蜓"];
    (ids, words.map(str::to_owned).to_vec())
}

#[tokio::test]
async fn nobody_outside_reads_what_somebody_wrote_but_the_screened_title() {
    let app = App::spawn().await;
    let (ids, words) = written(&app).await;
    // What is looked for can be found, by whoever may.
    let own = app.resident("li").get(&format!("/complaints/{}", ids[0])).await;
    assert!(own.text.contains(&words[0]), "{own}");
    let strangers = [
        ("nobody", app.anonymous()),
        ("a resident", app.resident("wang")),
        ("a member", app.resident("party-1")),
        ("a shop", app.as_("merchant.wenxing")),
    ];
    for (name, stranger) in strangers {
        let mut leaks = Vec::new();
        let asked = walk(&stranger, (&ids, 2 * ids.len()), &words, &mut leaks).await;
        assert!(asked > 100, "only {asked} requests: what this test walks has moved");
        assert!(leaks.is_empty(), "{name} reads:\n  {}", leaks.join("\n  "));
    }
}
