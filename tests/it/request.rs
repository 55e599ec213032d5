//! Requests: a resident asks, the community makes posts of it, whoever was served has the last word.

use api::jobs::schedule::Schedule;
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Client};

const OFFICER: &str = "community.140213066004";
const FOREIGN: &str = "community.140213066001";

fn wish() -> Value {
    json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "陪母亲去医院复查",
        "content": "母亲腿脚不便，周三上午要去三医院复查，需要有人陪同。",
        "name": "王秀英", "phone": "13800000001", "address": "文兴小区三号楼二单元",
    })
}

async fn asked(who: &Client, key: &str, body: &Value) -> Answer {
    who.request(Method::POST, "/service-requests").key(key).json(body).send().await
}

async fn submitted(who: &Client) -> String {
    asked(who, "first-request", &wish()).await.expect(201)["id"].as_str().unwrap().to_owned()
}

fn post(app: &App, from: i64) -> Value {
    let starts_at = app.now() + TimeDelta::minutes(from);
    json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "陪老人就医",
        "starts_at": starts_at, "ends_at": starts_at + TimeDelta::minutes(120), "capacity": 1,
    })
}

async fn ordered(who: &Client, request: &str, key: &str, body: &Value) -> Answer {
    let path = format!("/service-requests/{request}/orders");
    who.request(Method::POST, &path).key(key).json(body).send().await
}

fn step(request: &str, step: &str) -> String {
    format!("/service-requests/{request}/{step}")
}

#[tokio::test]
async fn what_a_resident_asks_for_is_ordered_taken_and_confirmed() {
    let app = App::spawn().await;
    let (li, wang, officer) = (app.resident("li"), app.resident("wang"), app.as_(OFFICER));
    let made = asked(&li, "first-request", &wish()).await.expect(201);
    assert_eq!((&made["status"], &made["name"]), (&json!("submitted"), &json!("王秀英")));
    let again = asked(&li, "first-request", &wish()).await.expect(201);
    assert_eq!(again, made, "the same key is the same request");
    let mut other = wish();
    other["title"] = json!("换个标题");
    asked(&li, "first-request", &other).await.refused(422, "idempotency_key_reused");
    let id = made["id"].as_str().unwrap();

    app.drain().await;
    let told = officer.all("/notifications").await;
    assert_eq!(
        (&told[0]["kind"], &told[0]["request_id"]),
        (&json!("request_submitted"), &json!(id))
    );
    assert!(told[0]["text"].as_str().unwrap().contains("有居民点单"), "{}", told[0]);
    let seen = officer.get(&format!("/service-requests/{id}")).await.ok();
    let masked = (&seen["name"], &seen["phone"], &seen["address"]);
    assert_eq!(masked, (&json!("王**"), &json!("138****0001"), &Value::Null));
    let open = officer.post(&step(id, "unmask"), json!({ "reason": "安排上门" })).await.ok();
    assert_eq!(
        (&open["name"], &open["address"]),
        (&json!("王秀英"), &json!("文兴小区三号楼二单元"))
    );
    let audited: i64 =
        sqlx::query_scalar("select count(*) from audit_entry where action = 'request.unmask'")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(audited, 1);

    // Two taps make one post; a second order makes another.
    let order = post(&app, 60);
    let taps = join_all((0..4).map(|_| ordered(&officer, id, "order-one-tap", &order))).await;
    for tap in taps {
        assert_eq!(tap.expect(201)["posts"].as_array().unwrap().len(), 1);
    }
    let both = ordered(&officer, id, "order-two-tap", &post(&app, 600)).await.expect(201);
    let posts = both["posts"].as_array().unwrap().clone();
    assert_eq!((posts.len(), &both["status"]), (2, &json!("ordered")));
    let first = posts[0]["post_id"].as_str().unwrap();
    li.post(&format!("/posts/{first}/claims"), json!({})).await.refused(409, "own_service");
    let claim = wang.post(&format!("/posts/{first}/claims"), json!({})).await.expect(201);
    let claim = claim["id"].as_str().unwrap();
    let mine = li.get(&format!("/me/service-requests/{id}")).await.ok();
    assert_eq!(mine["posts"][0]["claim_id"], claim);
    assert!(mine["posts"][0]["person"].is_string());

    let early = li.post(&step(id, "confirm"), json!({ "satisfaction": 5 })).await;
    early.refused(409, "request_not_served");
    app.advance(TimeDelta::minutes(200));
    officer.post(&format!("/claims/{claim}/confirm"), json!({ "minutes": 60 })).await.ok();
    let done =
        li.post(&step(id, "confirm"), json!({ "satisfaction": 5, "comment": "很耐心" })).await;
    assert_eq!(done.ok()["status"], "done");
    li.post(&step(id, "confirm"), json!({ "satisfaction": 1 }))
        .await
        .refused(409, "request_step_refused");
    li.post(&step(id, "cancel"), json!({})).await.refused(409, "request_step_refused");

    // The one who was served disputes the hours; the first officer cannot decide, another can.
    let path = format!("/claims/{claim}/disputes");
    app.resident("zhao")
        .post(&path, json!({ "reason": "与我无关的异议" }))
        .await
        .refused(404, "not_found");
    let raised = li.post(&path, json!({ "reason": "实际陪了一个半小时" })).await.expect(201);
    assert_eq!((&raised["by_served"], &raised["status"]), (&json!(true), &json!("open")));
    li.post(&path, json!({ "reason": "实际陪了一个半小时" }))
        .await
        .refused(409, "already_disputed");
    let decide = format!("/service-disputes/{}/decide", raised["id"].as_str().unwrap());
    let right = json!({ "correct": true, "minutes": 90, "reason": "核对后更正" });
    officer.post(&decide, right.clone()).await.refused(409, "same_decider");
    let organiser = app.as_("organiser");
    assert_eq!(organiser.post(&decide, right).await.ok()["status"], "corrected");
    app.drain().await;
    let told = li.all("/notifications").await;
    assert_eq!((&told[0]["kind"], &told[0]["request_id"]), (&json!("dispute_decided"), &json!(id)));
    assert!(
        !told[0]["text"].as_str().unwrap().contains("积分"),
        "whose points they are is another's"
    );
    assert_eq!(wang.get("/me/service-year").await.ok()["hours"], 1.5);
}

#[tokio::test]
async fn nobody_handles_their_own_request() {
    let app = App::spawn().await;
    let (li, officer) = (app.resident("li"), app.as_(OFFICER));
    let id = submitted(&li).await;
    app.one_person([&li, &officer]).await;
    let reason = json!({ "reason": "需要持证护理人员，已转介街道" });
    let one = post(&app, 60);
    ordered(&officer, &id, "order-for-myself", &one).await.refused(409, "own_request");
    officer.post(&step(&id, "decline"), reason.clone()).await.refused(409, "own_request");
    // The very account, too: it was the database that said no, in no words at all.
    let granted = sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         values (gen_random_uuid(), $1::uuid, 'community_officer', $2, $3)",
    )
    .bind(li.get("/me").await.ok()["id"].as_str().unwrap())
    .bind(COMMUNITY)
    .bind(app.now())
    .execute(app.db())
    .await
    .unwrap();
    assert_eq!(granted.rows_affected(), 1);
    app.advance(TimeDelta::minutes(11));
    li.post(&step(&id, "decline"), reason).await.refused(409, "own_request");
    ordered(&app.as_("organiser"), &id, "order-by-another", &post(&app, 60)).await.expect(201);
}

/// Whatever the resident says or does not: no request stays ordered for ever.
#[tokio::test]
async fn what_nobody_confirms_comes_to_an_end() {
    let app = App::spawn().await;
    let (li, wang, zhao) = (app.resident("li"), app.resident("wang"), app.resident("zhao"));
    let officer = app.as_(OFFICER);
    let mut requests = Vec::new();
    for (who, key) in [(&li, "order-for-li"), (&wang, "order-for-wang")] {
        let id = submitted(who).await;
        let from = 60 + 300 * i64::try_from(requests.len()).unwrap();
        let made = ordered(&officer, &id, key, &post(&app, from)).await.expect(201);
        requests.push((id, made["posts"][0]["post_id"].as_str().unwrap().to_owned()));
    }
    // Somebody serves the one; nobody comes to the other.
    let mut claims = Vec::new();
    for (_, post) in &requests {
        let claim = zhao.post(&format!("/posts/{post}/claims"), json!({})).await.expect(201);
        claims.push(claim["id"].as_str().unwrap().to_owned());
    }
    let status = async |who: &Client, id: &str| {
        who.get(&format!("/me/service-requests/{id}")).await.ok()["status"].clone()
    };
    let chores = async || {
        Schedule::default().enqueue_due(app.state(), true).await;
        app.drain().await;
    };
    app.advance(TimeDelta::hours(10));
    officer.post(&format!("/claims/{}/confirm", claims[0]), json!({ "minutes": 60 })).await.ok();
    for day in 1..=6 {
        app.advance(TimeDelta::days(1));
        chores().await;
        assert_eq!(status(&li, &requests[0].0).await, "ordered", "day {day}");
        assert_eq!(status(&wang, &requests[1].0).await, "ordered", "day {day}");
    }
    // The clock notes who did not come, and an hour later the request is the community's again.
    for _ in 0..3 {
        app.advance(TimeDelta::days(1));
        chores().await;
    }
    assert_eq!(status(&li, &requests[0].0).await, "done");
    assert_eq!(status(&wang, &requests[1].0).await, "submitted");
    assert_eq!(officer.all("/service-requests?status=submitted").await.len(), 1);
    let kinds = async |who: &Client| {
        let told = who.all("/notifications").await;
        told.iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(kinds(&li).await.contains(&"request_settled".to_owned()));
    assert!(kinds(&wang).await.contains(&"request_returned".to_owned()));
    let desk = kinds(&officer).await;
    for kind in ["request_settled", "request_returned"] {
        assert_eq!(desk.iter().filter(|one| *one == kind).count(), 1, "{desk:?}");
    }
    // It can be ordered again, or not.
    let again = post(&app, 60);
    ordered(&officer, &requests[1].0, "order-once-more", &again).await.expect(201);
    li.post(&step(&requests[0].0, "confirm"), json!({ "satisfaction": 5 }))
        .await
        .refused(409, "request_step_refused");
}

#[tokio::test]
async fn a_request_is_declined_with_a_reason_or_taken_back() {
    let app = App::spawn().await;
    let (li, wang, officer) = (app.resident("li"), app.resident("wang"), app.as_(OFFICER));
    let id = submitted(&li).await;
    let short = officer.post(&step(&id, "decline"), json!({ "reason": "不行" })).await;
    assert_eq!((short.status, short.fields()), (422, vec!["reason"]));
    let reason = json!({ "reason": "需要持证护理人员，已转介街道" });
    officer.post(&step(&id, "decline"), reason.clone()).await.ok();
    officer.post(&step(&id, "decline"), reason).await.refused(409, "request_step_refused");
    ordered(&officer, &id, "order-after-all", &post(&app, 60))
        .await
        .refused(409, "request_step_refused");
    assert_eq!(li.get(&format!("/me/service-requests/{id}")).await.ok()["status"], "declined");

    // Taken back: what has not begun is called off, and who took it is told.
    let id = submitted(&wang).await;
    let made = ordered(&officer, &id, "order-for-wang", &post(&app, 60)).await.expect(201);
    let one = made["posts"][0]["post_id"].as_str().unwrap();
    li.post(&format!("/posts/{one}/claims"), json!({})).await.expect(201);
    let cancel = step(&id, "cancel");
    let taps = join_all((0..4).map(|_| wang.post(&cancel, json!({})))).await;
    assert_eq!(taps.iter().filter(|tap| tap.status == 200).count(), 1);
    assert_eq!(li.all("/me/claims").await[0]["status"], "cancelled");
    app.drain().await;
    let told = li.all("/notifications").await;
    assert!(told.iter().any(|it| it["kind"] == "post_cancelled"), "{told:?}");
}

#[tokio::test]
async fn whoever_has_no_business_with_it_sees_nothing_and_no_secret_leaves() {
    let app = App::spawn().await;
    let (li, wang, foreign) = (app.resident("li"), app.resident("wang"), app.as_(FOREIGN));
    let id = submitted(&li).await;
    wang.get(&format!("/me/service-requests/{id}")).await.refused(404, "not_found");
    foreign.get(&format!("/service-requests/{id}")).await.refused(404, "not_found");
    foreign
        .post(&step(&id, "unmask"), json!({ "reason": "看一看" }))
        .await
        .refused(404, "not_found");
    ordered(&foreign, &id, "order-elsewhere", &post(&app, 60)).await.refused(404, "not_found");
    li.get("/service-requests").await.refused(403, "forbidden");
    app.as_("dispatcher").get("/service-requests").await.refused(403, "forbidden");
    assert_eq!(foreign.all("/service-requests").await.len(), 0);
    assert_eq!(app.as_(OFFICER).all("/service-requests?status=submitted").await.len(), 1);
    let mut elsewhere = post(&app, 60);
    elsewhere["community_code"] = json!("140213066001");
    let refused = ordered(&app.as_("organiser"), &id, "order-far-away", &elsewhere).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["community_code"]));
    let mut bad = wish();
    bad["phone"] = json!("110");
    bad["wished_from"] = json!(app.now());
    let refused = asked(&li, "second-request", &bad).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["phone", "wished_from"]));
    li.post("/service-requests", wish()).await.refused(400, "idempotency_key_required");

    for (table, columns) in
        [("event", "data::text || coalesce(note, '')"), ("audit_entry", "data::text")]
    {
        for secret in ["王秀英", "13800000001", "三号楼"] {
            let sql = format!("select count(*) from {table} where {columns} like '%{secret}%'");
            let found: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(app.db()).await.unwrap();
            assert_eq!(found, 0, "{secret} in {table}");
        }
    }
    let sealed: Vec<u8> = sqlx::query_scalar("select address_sealed from service_request")
        .fetch_one(app.db())
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("文兴"));
}
