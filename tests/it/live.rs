//! Streams over HTTP: what is heard, by whom, from where on, and until when.

use std::{collections::BTreeSet, net::TcpListener, time::Duration};

use actix_web::dev::ServerHandle;
use api::{config::Secret, server, state::State};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    ops::NOWHERE,
    support::{App, CLERK, Client, Heard, Listening, REPLY, UNIT, complaint},
};

mod ends;

/// Somebody with no part in any case here.
const FOREIGN: &str = "dept.education";

/// Another process of the same installation: a server with a state of its own, on the same database and
/// Redis.
struct Instance {
    base: String,
    state: State,
    server: ServerHandle,
}

impl Instance {
    fn start(app: &App) -> Self {
        let shared = app.state();
        let state = State::build((*shared.config).clone(), shared.clock.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = server::spawn(state.clone(), listener).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        Self { base, state, server: handle }
    }
}

async fn id_of(who: &Client) -> Uuid {
    who.get("/me").await.expect(200)["id"].as_str().unwrap().parse().unwrap()
}

/// Notifies somebody of nothing that has to do with a case: whatever was committed before is heard
/// before it.
async fn fence(app: &App, account: Uuid) -> String {
    let [subject, id] = [(); 2].map(|()| Uuid::from_bytes(infra::random::bytes()));
    let mut transaction = app.db().begin().await.unwrap();
    sqlx::query(
        "insert into event (subject_id, seq, kind, at, visibility) values ($1, 1, 'merged', $2, 'centre')",
    )
    .bind(subject)
    .bind(app.now())
    .execute(&mut *transaction)
    .await
    .unwrap();
    sqlx::query(
        "insert into notification (id, account_id, subject_id, seq, created_at)
         values ($1, $2, $3, 1, $4)",
    )
    .bind(id)
    .bind(account)
    .bind(subject)
    .bind(app.now())
    .execute(&mut *transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();
    id.to_string()
}

/// All that somebody hears up to now.
async fn heard(app: &App, who: &Client, stream: &mut Listening) -> Vec<Heard> {
    let fence = fence(app, id_of(who).await).await;
    stream.until(&fence).await
}

#[tokio::test]
async fn what_one_server_commits_is_heard_at_another() {
    let app = App::spawn().await;
    let other = Instance::start(&app);
    let (clerk, centre) = (app.as_(CLERK), app.as_("dispatcher"));
    let mut case = app.accepted().await;
    let mut at_centre = centre.listens(&other.base, None).await;
    let mut at_unit = clerk.listens(&other.base, None).await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("content-encoding", "identity"),
    ] {
        assert_eq!(at_unit.header(name), value, "{name}");
    }
    assert!(!at_unit.header("x-request-id").is_empty());
    assert!(at_unit.place.parse::<i64>().is_ok(), "{}", at_unit.place);

    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.drain().await;
    let unit = heard(&app, &clerk, &mut at_unit).await;
    // While anything is being written anywhere on the server, a stream begins before it, and tells what
    // was committed since.
    let earlier =
        |one: &&Heard| ["submitted", "accepted"].contains(&one.data["kind"].as_str().unwrap());
    let told: Vec<_> =
        unit.iter().filter(|one| one.event != "notification" && !earlier(one)).collect();
    let kinds = told.iter().map(|one| one.data["kind"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(kinds, ["task_dispatched", "task_acknowledged"]);
    let dispatched = told[0];
    assert_eq!(dispatched.event, "task");
    let expected = json!({
        "complaint_id": case.id, "task_id": case.lead, "kind": "task_dispatched", "seq": 3,
        "at": app.now(),
    });
    assert_eq!(dispatched.data, expected);
    assert!(dispatched.id.ends_with(&format!("-{}-3", case.id.replace('-', ""))), "{dispatched:?}");
    let inbox: BTreeSet<String> = clerk.all("/notifications").await.iter().map(id_text).collect();
    assert!(unit.iter().any(|one| {
        one.event == "notification"
            && one.data["kind"] == "task_dispatched"
            && inbox.contains(one.data["notification_id"].as_str().unwrap())
            && one.data.get("complaint_id").is_none()
    }));
    let all = heard(&app, &centre, &mut at_centre).await;
    assert!(all.iter().any(|one| one.data["kind"] == "task_acknowledged"), "{all:?}");
    assert!(all.iter().all(|one| one.data.as_object().unwrap().len() <= 6), "ids and codes alone");

    let figures = app.anonymous().get("/metrics").await.text;
    for family in ["live_streams", "live_messages_total"] {
        assert!(figures.contains(family), "{family} is missing");
    }
    drop(other.server.stop(false));
}

/// A notification of [`fence`], which is of no case.
fn is_fence(one: &Heard) -> bool {
    one.event == "notification" && one.data["kind"] == "merged"
}

fn id_text(one: &Value) -> String {
    one["id"].as_str().unwrap().to_owned()
}

/// Redis says that something was committed, though nobody is told of it, and after a job.
#[tokio::test]
async fn redis_wakes_the_streams_of_every_process() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    app.drain().await;
    let mut stirs = infra::redis::live::Stirs::connect(&app.state().redis).await.unwrap();
    let mut stirred = async || {
        tokio::time::timeout(Duration::from_secs(10), stirs.next()).await.unwrap().unwrap();
    };
    app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
    stirred().await;
    let note = json!({"note": "电话联系，约定今晚到现场查看"});
    app.as_(CLERK).post(&case.task("/contact"), note).await.expect(200);
    stirred().await;
    while tokio::time::timeout(Duration::from_millis(300), stirs.next()).await.is_ok() {}
    assert!(app.drain().await > 0);
    tokio::time::timeout(Duration::from_secs(10), stirs.next()).await.unwrap().unwrap();
}

/// Who looks on: the centre, both units of the case, another that was called only for the whistle, the
/// community and its subdistrict, and those without a part in it.
const PEOPLE: [&str; 11] = [
    "dispatcher",
    "supervisor",
    "auditor",
    CLERK,
    "head.urban-management",
    "dept.housing",
    "dept.market-supervision",
    "community.140213066004",
    "subdistrict.140213066",
    "subdistrict.140213050",
    FOREIGN,
];

/// A report whose reporter is nobody's to know, and a whistle, brought through their steps.
async fn secret_story(app: &App) -> [String; 2] {
    let mut report = complaint();
    report["kind"] = json!("report");
    let mut case = app.resident("li").submit(&report).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT, "assist": ["housing"]})).await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    let relay = json!({"note": "经平台转告，已安排核查", "channel": "relay"});
    clerk.post(&case.task("/contact"), relay).await.expect(200);
    let reply = json!({"text": REPLY, "outcome": "solved"});
    clerk.post(&case.task("/reply"), reply).await.expect(200);
    app.resident("li").post(&case.path("/remind"), json!({})).await.expect(200);
    let back = json!({"reason": "没有说明怎么处理的"});
    app.as_("dispatcher").post(&case.task("/send-back"), back).await.expect(200);

    let whistle = json!({
        "kind": "emergency", "level": "yellow", "title": "夜市占道和油烟扰民",
        "content": "文兴路夜市三十余家摊点占道经营，油烟直排居民楼，社区多次劝导无效。",
        "community_code": crate::support::COMMUNITY, "lead": UNIT, "assist": ["market-supervision"],
    });
    let blower = app.as_("community.140213066004");
    let blown = blower.request(Method::POST, "/whistles").key("live-whistle").json(&whistle);
    let whistle = id_text(&blown.send().await.expect(201));
    for task in app.as_(CLERK).all(&format!("/tasks?whistle_id={whistle}")).await {
        let path = format!("/tasks/{}/acknowledge", id_text(&task));
        app.as_(CLERK).post(&path, json!({})).await.expect(200);
    }
    app.drain().await;
    [case.id, whistle]
}

/// Which events of a case somebody's timeline shows; none where the case is missing for them.
async fn timeline(who: &Client, path: &str) -> BTreeSet<i64> {
    if who.get(path).await.status == 404 {
        return BTreeSet::new();
    }
    let events = who.all(&format!("{path}/events")).await;
    events.iter().map(|event| event["seq"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn each_hears_what_the_timelines_and_the_inbox_show_and_no_more() {
    let app = App::spawn().await;
    let reporter = id_of(&app.resident("li")).await.to_string();
    let mut streams = Vec::new();
    for name in PEOPLE {
        let stream = app.as_(name).listens(app.base(), None).await;
        let start = stream.place.clone();
        streams.push((name, stream, start));
    }
    let [case, whistle] = secret_story(&app).await;
    let mut parts = BTreeSet::new();
    for (name, mut stream, start) in streams {
        let who = app.as_(name);
        let meanwhile = heard(&app, &who, &mut stream).await;
        // Told again now, by the part that they have now.
        let mut stream = who.listens(app.base(), Some(&start)).await;
        let heard = heard(&app, &who, &mut stream).await;
        let heard: Vec<Heard> = heard.into_iter().take_while(|one| !is_fence(one)).collect();
        let missed = meanwhile.iter().filter(|one| !heard.iter().any(|again| again.id == one.id));
        assert_eq!(missed.count(), 0, "{name} heard what is none of theirs");
        let of = |field: &str, id: &str| -> BTreeSet<i64> {
            let of_case = heard.iter().filter(|one| one.data[field] == id);
            of_case.map(|one| one.data["seq"].as_i64().unwrap()).collect()
        };
        let shown = timeline(&who, &format!("/complaints/{case}")).await;
        assert_eq!(of("complaint_id", &case), shown, "{name}: the complaint");
        let shown_too = timeline(&who, &format!("/whistles/{whistle}")).await;
        assert_eq!(of("whistle_id", &whistle), shown_too, "{name}: the whistle");
        parts.insert((shown.is_empty(), shown_too.is_empty()));

        let told: BTreeSet<&str> = heard.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(told.len(), heard.len(), "{name}: something twice");
        let tasks: BTreeSet<&str> =
            heard.iter().filter_map(|one| one.data["task_id"].as_str()).collect();
        for task in tasks {
            who.get(&format!("/tasks/{task}")).await.expect(200);
        }
        let inbox: BTreeSet<String> = who.all("/notifications").await.iter().map(id_text).collect();
        let rung: BTreeSet<String> = heard
            .iter()
            .filter_map(|one| one.data["notification_id"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(rung.len() + 2, inbox.len(), "{name}: the inbox, with the fences");
        assert!(rung.is_subset(&inbox), "{name}");
        for secret in [reporter.as_str(), "李桂芳", "13834567890"] {
            assert!(!format!("{heard:?}").contains(secret), "{name} hears of the reporter");
        }
        if [FOREIGN, "subdistrict.140213050"].contains(&name) {
            assert_eq!(heard, [], "{name} has no part in it");
        }
    }
    assert_eq!(parts.len(), 4, "both, either and neither: {parts:?}");
}

#[tokio::test]
async fn a_stream_goes_on_from_any_place_without_loss_or_doubling() {
    let app = App::spawn().await;
    let centre = app.as_("dispatcher");
    let mut stream = centre.listens(app.base(), None).await;
    let start = stream.place.clone();
    for _ in 0..3 {
        app.task_replied().await;
    }
    app.drain().await;
    let all = heard(&app, &centre, &mut stream).await;
    assert!(all.len() > 12, "{all:?}");
    let mut stream = centre.listens(app.base(), Some(&start)).await;
    assert_eq!(heard(&app, &centre, &mut stream).await[..all.len()], all[..]);
    drop(stream);
    for (nth, one) in all.iter().enumerate().step_by(4) {
        let mut stream = centre.listens(app.base(), Some(&one.id)).await;
        let rest = heard(&app, &centre, &mut stream).await;
        assert_eq!(rest[..all.len() - nth - 1], all[nth + 1..], "from {}", one.id);
    }
}

/// People work on while a clerk is cut off again and again, between two servers.
#[tokio::test]
async fn a_stream_that_is_cut_again_and_again_hears_each_thing_once() {
    let app = App::spawn().await;
    let other = Instance::start(&app);
    let centre = app.as_("dispatcher");
    let mut stream = centre.listens(app.base(), None).await;
    let mut working = Vec::new();
    for _ in 0..3 {
        let app = app.clone();
        working.push(tokio::spawn(async move {
            for _ in 0..3 {
                app.acknowledged().await;
                app.drain().await;
            }
        }));
    }
    let mut all = Vec::new();
    while working.iter().any(|one| !one.is_finished()) {
        for _ in 0..3 {
            let next = tokio::time::timeout(Duration::from_secs(2), stream.next()).await;
            if let Ok(one) = next {
                all.push(one.expect("the stream goes on"));
            }
        }
        let base = if all.len() % 2 == 0 { &other.base } else { app.base() };
        let place = stream.place.clone();
        stream = centre.listens(base, Some(&place)).await;
    }
    for one in working {
        one.await.unwrap();
    }
    app.drain().await;
    all.extend(heard(&app, &centre, &mut stream).await);
    let told: BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(told.len(), all.len(), "something twice");
    let of_cases = all.iter().filter(|one| one.event != "notification").count();
    let written: i64 = sqlx::query_scalar(
        "select count(*) from event where exists (select from complaint where id = subject_id)",
    )
    .fetch_one(app.db())
    .await
    .unwrap();
    assert_eq!(i64::try_from(of_cases).unwrap(), written, "something was passed over");
    drop(other.server.stop(false));
}

#[tokio::test]
async fn what_is_no_place_and_what_lies_too_far_back_starts_anew() {
    let app = App::spawn().await;
    let centre = app.as_("dispatcher");
    let start = centre.listens(app.base(), None).await.place;
    let high = "9".repeat(18);
    let long = "1".repeat(4_000);
    for odd in [
        "",
        "x",
        "-1",
        "0x10",
        "1-2-3",
        high.as_str(),
        long.as_str(),
        "1; drop table event",
        "1-00000000000000000000000000000007--1",
    ] {
        let url = format!("{}/api/v1/queue/stream", app.base());
        let request = reqwest::Client::builder().no_proxy().build().unwrap().get(url);
        let request = request.bearer_auth(centre.token().await.unwrap());
        let mut answer = request.header("last-event-id", odd).send().await.unwrap();
        let first = answer.chunk().await.unwrap().unwrap();
        let first = String::from_utf8(first.to_vec()).unwrap();
        assert!(first.contains("event: reset\nid: "), "{odd}: {first}");
    }
    app.submitted().await;
    let mut stream = centre.listens(app.base(), Some(&start)).await;
    assert_eq!(stream.next().await.unwrap().event, "complaint");
    drop(stream);
    // More than a stream is told again.
    sqlx::query(
        "insert into event (subject_id, seq, kind, at, visibility)
         select '019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071', n, 'merged', $1, 'centre'
         from generate_series(1, 4001) n",
    )
    .bind(app.now())
    .execute(app.db())
    .await
    .unwrap();
    let mut stream = centre.listens(app.base(), Some(&start)).await;
    assert_eq!(stream.next().await.unwrap().event, "reset", "nothing of what lies between");
    app.submitted().await;
    assert_eq!(stream.next().await.unwrap().data["kind"], "submitted", "and goes on from there");
}

/// Longer than the server waits for a request, and than a proxy waits for an answer to go on.
#[tokio::test]
async fn a_silent_stream_is_kept_alive_and_its_place_moves_on() {
    let app = App::spawn().await;
    let foreign = app.as_(FOREIGN);
    let mut stream = foreign.listens(app.base(), None).await;
    let start = stream.place.clone();
    app.submitted().await;
    let beat = stream.block().await.expect("it goes on");
    assert!(beat.starts_with(":\nid: "), "{beat}");
    let [start, now] = [start, stream.place.clone()].map(|place| place.parse::<i64>().unwrap());
    assert!(now > start, "{now} after {start}: what is none of theirs need not be read again");
}

#[tokio::test]
async fn without_redis_a_stream_hears_all_the_same() {
    let app = App::with(|config| config.redis.url = Secret::from(NOWHERE)).await;
    let clerk = app.as_(CLERK);
    let mut stream = clerk.listens(app.base(), None).await;
    let case = app.dispatched().await;
    app.advance(TimeDelta::seconds(1));
    app.drain().await;
    let heard = heard(&app, &clerk, &mut stream).await;
    assert!(heard.iter().any(|one| one.data["task_id"] == case.lead.as_str()), "{heard:?}");
    assert!(heard.iter().any(|one| one.event == "notification"), "{heard:?}");
}
