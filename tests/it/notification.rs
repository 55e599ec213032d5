//! Notifications: each step of a life tells exactly the right people, in plain Chinese.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, COMMUNITY, Client, REPLY, UNIT, complaint};

/// Everybody whose inbox is looked at; who is not expected in a step is told nothing.
const PEOPLE: &[&str] = &[
    "demo:li",
    "demo:wang",
    "dispatcher",
    "supervisor",
    "leader",
    "auditor",
    "dept.urban-management",
    "head.urban-management",
    "dept.housing",
    "community.140213066004",
    "subdistrict.140213066",
];

fn person(app: &App, name: &str) -> Client {
    match name.strip_prefix("demo:") {
        Some(resident) => app.resident(resident),
        None => app.as_(name),
    }
}

/// What came since the last look, for everyone who was told anything: (who, kind, text).
struct Inboxes {
    app: App,
    seen: HashSet<String>,
}

impl Inboxes {
    fn new(app: &App) -> Self {
        Self { app: app.clone(), seen: HashSet::new() }
    }

    async fn new_ones(&mut self) -> Vec<(&'static str, String, String)> {
        self.app.drain().await;
        let mut told = Vec::new();
        for name in PEOPLE {
            let inbox = person(&self.app, name).all("/notifications").await;
            // The latest comes first.
            for one in inbox.iter().rev() {
                let text = |field: &str| one[field].as_str().unwrap().to_owned();
                if self.seen.insert(text("id")) {
                    told.push((*name, text("kind"), text("text")));
                }
            }
        }
        told
    }

    /// After a step: exactly these people are told exactly this, and each text is for people.
    async fn expect(&mut self, step: &str, expected: &[(&str, &str, &str)]) {
        let told = self.new_ones().await;
        let kinds: Vec<_> = told.iter().map(|(who, kind, _)| (*who, kind.as_str())).collect();
        let wanted: Vec<_> = expected.iter().map(|(who, kind, _)| (*who, *kind)).collect();
        assert_eq!(kinds, wanted, "{step}");
        for ((who, kind, text), (.., words)) in told.iter().zip(expected) {
            assert!(text.contains(words), "{step}: {who} should read “{words}”: {text}");
            assert_plain(&format!("{step}: {who}: {kind}"), text);
        }
    }
}

/// A sentence in Chinese, without codes, ids, or instants that a machine writes.
fn assert_plain(place: &str, text: &str) {
    let chinese = text.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
    assert!(chinese >= 4 && text.contains('。'), "{place}: {text}");
    for sign in ["_", "{", "null", "T00:", "Z", "Some(", "urban-management", "  ", "。。"] {
        assert!(!text.contains(sign), "{place}: “{sign}” in: {text}");
    }
}

#[tokio::test]
async fn a_life_tells_the_right_people() {
    let app = App::spawn().await;
    let mut inboxes = Inboxes::new(&app);
    let (li, dispatcher, clerk) = (app.resident("li"), app.as_("dispatcher"), app.as_(CLERK));

    let mut case = app.submitted().await;
    let told = [("dispatcher", "submitted", "诉求已提交")];
    inboxes.expect("submitted: not who did it", &told).await;

    app.accept(&case, "ordinary").await;
    inboxes.expect("accepted", &[("demo:li", "accepted", "已受理")]).await;

    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let told = [("demo:li", "task_dispatched", "主办"), (CLERK, "task_dispatched", "前")];
    inboxes.expect("dispatched", &told).await;

    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    inboxes.expect("acknowledged", &[("demo:li", "task_acknowledged", "签收")]).await;

    clerk.post(&case.task("/contact"), json!({"note": "电话联系，今晚到现场"})).await.expect(200);
    inboxes.expect("contacted", &[("demo:li", "contacted", "今晚到现场")]).await;

    li.post(&case.path("/remind"), json!({})).await.expect(200);
    let told = [("dispatcher", "urged", "催办"), (CLERK, "urged", "催办")];
    inboxes.expect("urged", &told).await;

    clerk.post(&case.task("/reply"), json!({"text": REPLY, "outcome": "solved"})).await.expect(200);
    // The reporter reads a reply when it is confirmed, and what happens before is among staff.
    inboxes.expect("a unit replied", &[("dispatcher", "task_replied", "更换")]).await;

    dispatcher
        .post(&case.task("/send-back"), json!({"reason": "没有说明东侧两盏灯"}))
        .await
        .expect(200);
    let told = [
        (CLERK, "task_sent_back", "东侧两盏灯"),
        ("head.urban-management", "task_sent_back", "东侧两盏灯"),
    ];
    inboxes.expect("sent back", &told).await;

    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    let again = format!("{REPLY}东侧两盏也已更换灯头。");
    clerk.post(&case.task("/reply"), json!({"text": again, "outcome": "solved"})).await.expect(200);
    inboxes.new_ones().await;
    dispatcher.post(&case.task("/confirm"), json!({})).await.expect(200);
    let told = [
        ("demo:li", "replied", "请评价"),
        ("demo:li", "follow_up_started", "请评价"),
        (CLERK, "task_confirmed", "确认"),
    ];
    inboxes.expect("confirmed", &told).await;
    let story = li.get(&case.path("/events")).await;
    assert!(story.text.contains("东侧两盏也已更换"), "the reporter reads the reply: {story}");

    let stars = json!({"solved": true, "satisfaction": 5, "contacted": true});
    li.post(&case.path("/evaluate"), stars).await.expect(200);
    let told = [
        ("dispatcher", "evaluated", "满意"),
        (CLERK, "evaluated", "满意"),
        (CLERK, "closed", "办结"),
    ];
    inboxes.expect("evaluated and closed: not who did it", &told).await;
}

#[tokio::test]
async fn other_ends_are_told_too() {
    let app = App::spawn().await;
    let mut inboxes = Inboxes::new(&app);
    let dispatcher = app.as_("dispatcher");

    let rejected = app.submitted().await;
    inboxes.new_ones().await;
    let body =
        json!({"ground": "out_of_area", "explanation": "反映的路段在云冈区，请拨打云冈区热线。"});
    dispatcher.post(&rejected.path("/reject"), body).await.expect(200);
    inboxes.expect("rejected", &[("demo:li", "rejected", "云冈区热线")]).await;

    let answered = app.submitted().await;
    inboxes.new_ones().await;
    let body = json!({"text": "社区卫生服务中心周六上午8点至12点接种疫苗。"});
    dispatcher.post(&answered.path("/answer"), body).await.expect(200);
    inboxes.expect("answered", &[("demo:li", "answered", "接种疫苗")]).await;

    let withdrawn = app.dispatched().await;
    inboxes.new_ones().await;
    app.resident("li")
        .post(&withdrawn.path("/withdraw"), json!({"reason": "自己修好了"}))
        .await
        .expect(200);
    let told = inboxes.new_ones().await;
    let told: Vec<_> = told.iter().map(|(who, kind, _)| (*who, kind.as_str())).collect();
    assert_eq!(told, [("dispatcher", "withdrawn"), (CLERK, "task_cancelled")]);

    let other = app.dispatched().await;
    let child = app.resident("wang").submit(&complaint()).await;
    inboxes.new_ones().await;
    dispatcher.post(&child.path("/merge"), json!({"into": other.id})).await.expect(200);
    inboxes.expect("merged", &[("demo:wang", "merged", "已并入")]).await;
    app.as_(CLERK).post(&other.task("/acknowledge"), json!({})).await.expect(200);
    let told =
        [("demo:li", "task_acknowledged", "签收"), ("demo:wang", "task_acknowledged", "签收")];
    inboxes.expect("who follows a case is told of it", &told).await;
}

#[tokio::test]
async fn a_missed_deadline_tells_unit_head_and_centre() {
    let app = App::spawn().await;
    let mut inboxes = Inboxes::new(&app);
    let case = app.dispatched().await;
    inboxes.new_ones().await;
    let task = app.as_(CLERK).get(&case.task("")).await.expect(200);
    app.set_clock(crate::support::at(task["acknowledge_by"].as_str().unwrap()));
    app.advance(chrono::TimeDelta::seconds(1));
    let told = [("dispatcher", "overdue", "签收"), (CLERK, "overdue", "签收")];
    inboxes.expect("overdue", &told).await;
    inboxes.expect("a second look tells nobody again", &[]).await;
    // The head, the next working day.
    app.set_clock(crate::support::at("2026-11-25T08:30:00+08:00"));
    let told = [
        ("dispatcher", "overdue_notice", "签收"),
        (CLERK, "overdue_notice", "签收"),
        ("head.urban-management", "overdue_notice", "签收"),
    ];
    inboxes.expect("notice", &told).await;
}

#[tokio::test]
async fn an_inbox_is_counted_read_and_nobody_else_s() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let count = async |who: &Client| who.get("/notifications/unread-count").await.expect(200);
    assert_eq!(count(&li).await, json!({"count": 0}));
    app.dispatched().await;
    app.drain().await;
    assert_eq!(count(&li).await, json!({"count": 2}));
    let inbox = li.all("/notifications?limit=1").await;
    assert_eq!(inbox.len(), 2, "page by page");
    let kinds: Vec<&Value> = inbox.iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["task_dispatched", "accepted"], "the latest first");

    let path = format!("/notifications/{}/read", inbox[0]["id"].as_str().unwrap());
    assert!(inbox[0]["read_at"].is_null());
    let read = li.post(&path, json!({})).await.expect(200);
    assert!(read["read_at"].is_string(), "{read}");
    app.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(
        li.request(Method::POST, &path).send().await.expect(200),
        read,
        "without a body, twice"
    );
    assert_eq!(count(&li).await, json!({"count": 1}));

    let missing = "/notifications/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/read";
    for other in [app.resident("wang"), app.as_("dispatcher"), app.as_("sysadmin")] {
        let foreign = other.post(&path, json!({})).await;
        let mut foreign = foreign.refused(404, "not_found");
        let mut none = other.post(missing, json!({})).await.refused(404, "not_found");
        foreign["request_id"].take();
        none["request_id"].take();
        assert_eq!(foreign, none);
    }
    app.anonymous().post(&path, json!({})).await.refused(401, "unauthenticated");
    li.post(&path, json!({"read_at": "2026-11-24T00:00:00Z"})).await.refused(422, "invalid_field");
}

#[tokio::test]
async fn a_confidential_case_never_leaks_to_units() {
    let app = App::spawn().await;
    let (li, clerk) = (app.resident("li"), app.as_(CLERK));
    let me = li.get("/me").await.expect(200);
    let secrets =
        ["李桂芳", "13834567890", "138****7890", me["id"].as_str().unwrap(), "三单元", "演示居民"];
    let report = json!({
        "kind": "report", "title": "夜间违规施工", "content": "文兴路南侧工地夜里十二点还在打桩，多次反映未停。",
        "community_code": COMMUNITY, "contact": {"name": "李桂芳", "phone": "13834567890"},
    });
    let mut case = li.submit(&report).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    let relay = json!({"note": "已请平台转达，今晚到现场核查", "channel": "relay"});
    clerk.post(&case.task("/contact"), relay).await.expect(200);
    clerk.post(&case.task("/reply"), json!({"text": REPLY, "outcome": "solved"})).await.expect(200);
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    let words = json!({"solved": false, "satisfaction": 1, "contacted": true, "comment": "我是三单元李桂芳，夜里还在施工"});
    li.post(&case.path("/evaluate"), words).await.expect(200);
    app.drain().await;

    let events = case.path("/events?limit=100");
    for who in [CLERK, "head.urban-management", "community.140213066004", "subdistrict.140213066"] {
        let reader = app.as_(who);
        for path in [
            case.path(""),
            events.clone(),
            case.task(""),
            "/notifications".to_owned(),
            "/complaints".to_owned(),
            "/tasks".to_owned(),
        ] {
            let answer = reader.get(&path).await;
            for secret in secrets {
                assert!(!answer.text.contains(secret), "{who} reads {secret} in {answer}");
            }
        }
    }
    let told = clerk.all("/notifications").await;
    assert!(told.iter().any(|one| one["kind"] == "evaluated"), "the clerk is told of the outcome");
    let centre = app.as_("dispatcher").get(&events).await;
    assert!(centre.text.contains("三单元"), "the centre reads what was said: {centre}");
    let leader = app.as_("leader").get(&case.path("")).await;
    assert!(!leader.text.contains("13834567890"), "even the centre sees a masked number: {leader}");
}
