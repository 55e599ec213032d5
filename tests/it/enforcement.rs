//! Enforcement (执法): powers, officers, and what they did as part of a task.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, COMMUNITY, Case, Client, SUBDISTRICT, UNIT};

mod powers;

const HEAD: &str = "head.urban-management";

/// Registers a certificate that counts all year; answers its id.
async fn certificate(app: &App, number: &str, holder: &str, unit: &str) -> String {
    let made = app.as_("sysadmin").post("/certificates", card(number, holder, unit)).await;
    made.expect(201)["id"].as_str().unwrap().to_owned()
}

fn card(number: &str, holder: &str, unit: &str) -> Value {
    json!({"number": number, "holder": holder, "unit": unit,
        "valid_from": "2026-01-01", "valid_until": "2026-12-31"})
}

/// An acknowledged task of 城市管理局, an hour ago, and its two officers.
async fn on_the_spot(app: &App) -> (Case, [String; 2]) {
    let case = app.acknowledged().await;
    let first = certificate(app, "晋-B-0213-0001", CLERK, UNIT).await;
    let second = certificate(app, "晋-B-0213-0002", HEAD, UNIT).await;
    app.advance(TimeDelta::hours(1));
    (case, [first, second])
}

/// An act of half an hour ago.
fn act(app: &App, kind: &str, officers: &[String]) -> Value {
    let when = app.now() - TimeDelta::minutes(30);
    let mut body = json!({"kind": kind, "power": "street-vending", "certificates": officers,
        "party": {"kind": "person", "name": "王小明"}, "place": "文兴路口东北角",
        "occurred_at": when, "content": "占道摆摊，要求当场清理。"});
    if kind != "persuasion" && kind != "inspection" {
        body["document_no"] = json!(format!("平城执{kind}〔2026〕1号"));
    }
    body
}

async fn acts(who: &Client, case: &Case) -> Vec<Value> {
    who.all(&case.task("/acts")).await
}

async fn sealed_and_told(app: &App, case: &Case) {
    let stored: String =
        sqlx::query_scalar("select row_to_json(act)::text from enforcement_act act limit 1")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert!(!stored.contains("王小明") && !stored.contains("占道"), "{stored}");
    let told: String = sqlx::query_scalar("select string_agg(data::text, '') from event")
        .fetch_one(app.db())
        .await
        .unwrap();
    assert!(!told.contains("王小明"));
    let kinds = async |who: Client| -> Vec<String> {
        let events = who.all(&case.path("/events")).await;
        events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    };
    let acted = "enforcement_acted".to_owned();
    assert!(kinds(app.as_(CLERK)).await.contains(&acted));
    assert!(kinds(app.as_("dispatcher")).await.contains(&acted));
    assert!(!kinds(app.resident("li")).await.contains(&acted), "not the reporter's to know");
    let audited: i64 =
        sqlx::query_scalar("select count(*) from audit_entry where action = 'enforcement.record'")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(audited, 1);
}

#[tokio::test]
async fn officers_act_and_the_reply_rests_on_it() {
    let app = App::spawn().await;
    let (case, officers) = on_the_spot(&app).await;
    let (clerk, desk) = (app.as_(CLERK), app.as_("dispatcher"));
    let mut body = act(&app, "on_the_spot_penalty", &officers);
    body["amount_fen"] = json!(5_000);
    let made = clerk.post(&case.task("/acts"), body.clone()).await.expect(201);
    assert_eq!(made["kind_text"], "当场处罚");
    assert_eq!(made["power"]["version"], "powers-2026.1-urban-management");
    assert_eq!(made["party"], json!({"kind": "person", "name": "王小明"}));
    assert_eq!(made["officers"].as_array().unwrap().len(), 2);
    assert_eq!((&made["amount_fen"], &made["withdrawn_by"]), (&json!(5_000), &Value::Null));
    sealed_and_told(&app, &case).await;

    // The second click is told so, and so is another act under the same document.
    app.advance(TimeDelta::minutes(1));
    let again = clerk.post(&case.task("/acts"), body.clone()).await;
    again.refused(409, "act_document_taken");
    let names_seen = "audit_entry where action = 'enforcement.name_seen'";
    let before = app.count(names_seen).await;
    assert_eq!(acts(&clerk, &case).await.len(), 1);
    assert_eq!(app.count(names_seen).await, before + 1, "the unit reads the whole name, on record");

    // The centre reads it, with the name masked; no other unit does, nor the reporter.
    let seen = acts(&desk, &case).await;
    assert_eq!(seen[0]["party"]["name"], "王**");
    assert_eq!(app.count(names_seen).await, before + 1, "a masked one is none");
    let path = case.task("/acts");
    app.as_("dept.housing").get(&path).await.refused(404, "not_found");
    app.resident("li").get(&path).await.refused(403, "forbidden");

    let reply = json!({"text": "已对占道摊贩当场处罚并清理，路口恢复通行。", "outcome": "solved"});
    let called = json!({"note": "电话联系，约定到现场查看"});
    clerk.post(&case.task("/contact"), called).await.expect(200);
    let replied = clerk.post(&case.task("/reply"), reply).await.expect(200);
    assert_eq!(replied["reply"]["acts"], json!([made["id"]]));
}

#[tokio::test]
async fn a_wrong_act_is_withdrawn_by_another_and_recorded_anew() {
    let app = App::spawn().await;
    let (case, officers) = on_the_spot(&app).await;
    let clerk = app.as_(CLERK);
    let body = act(&app, "order_to_correct", &officers);
    let made = clerk.post(&case.task("/acts"), body.clone()).await.expect(201);
    let path = format!("/acts/{}/withdraw", made["id"].as_str().unwrap());
    let why = json!({"reason": "相对人名称登记有误", "certificates": [officers[0]]});
    app.as_("dept.housing").post(&path, why.clone()).await.refused(404, "not_found");
    app.as_("dispatcher").post(&path, why.clone()).await.refused(403, "forbidden");
    let none = json!({"reason": " ", "certificates": []});
    assert_eq!(clerk.post(&path, none).await.fields(), ["reason"]);
    let twice = json!({"reason": "登记有误", "certificates": [officers[0], officers[0]]});
    assert_eq!(clerk.post(&path, twice).await.fields(), ["certificates.1"]);
    let not_mine = json!({"reason": "登记有误", "certificates": [officers[1]]});
    clerk.post(&path, not_mine).await.refused(409, "act_recorder_not_officer");
    app.advance(TimeDelta::minutes(1));
    let withdrawn = clerk.post(&path, why.clone()).await.expect(200);
    assert!(withdrawn["withdrawn_by"].is_string(), "{withdrawn}");
    clerk.post(&path, why).await.refused(409, "act_step_refused");

    app.advance(TimeDelta::minutes(1));
    clerk.post(&case.task("/acts"), body).await.expect(201);
    let all = acts(&clerk, &case).await;
    let kinds: Vec<&str> = all.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["order_to_correct", "withdrawal", "order_to_correct"]);
    assert_eq!(all[1]["withdraws"], all[0]["id"]);
    assert_eq!((&all[1]["reason"], &all[1]["party"]), (&json!("相对人名称登记有误"), &Value::Null));

    // Nobody changes or removes one behind the rules' back.
    for sql in [
        "update enforcement_act set place = 'x'",
        "update enforcement_act set withdrawn_by = null where withdrawn_by is not null",
        "delete from enforcement_act_officer",
        "insert into enforcement_act_officer (act_id, unit, certificate_id) \
         select act.id, act.unit, one.id from enforcement_act act \
         join certificate one on one.unit = act.unit \
         where not exists (select from enforcement_act_officer there \
             where there.act_id = act.id and there.certificate_id = one.id)",
        "truncate enforcement_act cascade",
        "update power set name = 'x'",
        "delete from power_list",
    ] {
        let refused = sqlx::query(sql).execute(app.db()).await.unwrap_err();
        let code = refused.as_database_error().and_then(|it| it.code().map(|it| it.to_string()));
        assert_eq!(code.as_deref(), Some("23001"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn the_database_holds_the_rules_too() {
    let app = App::spawn().await;
    let (case, officers) = on_the_spot(&app).await;
    let body = act(&app, "on_the_spot_penalty", &officers);
    app.as_(CLERK).post(&case.task("/acts"), body).await.expect(201);
    // The stored act once more, with something of it changed, and without officers.
    for (unit, kind, number, amount, constraint) in [
        ("unit", "kind", "'平城执2号'", "20000", "enforcement_act_officers"),
        ("unit", "kind", "'平城执2号'", "20001", "enforcement_act_amount"),
        ("unit", "'persuasion'", "null", "1", "enforcement_act_amount"),
        ("unit", "kind", "null", "null", "enforcement_act_document"),
        ("unit", "kind", "document_no", "null", "enforcement_act_document_no"),
        ("unit", "'withdrawal'", "null", "null", "enforcement_act_withdrawal"),
        ("'housing'", "kind", "'平城执2号'", "null", "enforcement_act_list"),
    ] {
        let sql = format!(
            "insert into enforcement_act (id, task_id, unit, kind, power_list_id, power_code,
                 party_kind, party_name_sealed, place, content_sealed, occurred_at, document_no,
                 amount_fen, recorded_by, recorded_at)
             select gen_random_uuid(), task_id, {unit}, {kind}, power_list_id, power_code,
                 party_kind, party_name_sealed, place, content_sealed,
                 occurred_at - interval '1 minute', {number}, {amount}, recorded_by, recorded_at
             from enforcement_act limit 1"
        );
        let sql = sqlx::AssertSqlSafe(sql);
        let refused = sqlx::query(sql).execute(app.db()).await.unwrap_err();
        assert_eq!(infra::postgres::violated(&refused), Some(constraint), "{refused}");
    }
    assert_eq!(app.count("enforcement_act").await, 1);
}

#[tokio::test]
async fn who_may_not_act_is_refused() {
    let app = App::spawn().await;
    let fresh = app.dispatched().await;
    let (case, officers) = on_the_spot(&app).await;
    let clerk = app.as_(CLERK);
    let send = async |case: &Case, body: Value| clerk.post(&case.task("/acts"), body).await;
    let order = || act(&app, "order_to_correct", &officers);
    send(&fresh, order()).await.refused(409, "act_task_step_refused");
    let with = |field: &str, value: Value| {
        let mut body = order();
        body[field] = value;
        body
    };
    let one = send(&case, with("certificates", json!([officers[0]]))).await;
    assert_eq!(one.fields(), ["certificates"]);
    one.refused(422, "act_officers_too_few");
    let unknown = json!([officers[0], case.id]);
    assert_eq!(send(&case, with("certificates", unknown)).await.fields(), ["certificates.1"]);
    let power = send(&case, with("power", json!("open-burning"))).await;
    assert_eq!(power.fields(), ["power"], "the subdistrict's power is not the department's");
    let future = app.now() + TimeDelta::minutes(1);
    assert_eq!(send(&case, with("occurred_at", json!(future))).await.fields(), ["occurred_at"]);
    let no_number = send(&case, with("document_no", Value::Null)).await;
    assert_eq!(no_number.fields(), ["document_no"]);
    assert_eq!(send(&case, with("amount_fen", json!(100))).await.fields(), ["amount_fen"]);
    let mut spot = act(&app, "on_the_spot_penalty", &officers);
    spot["amount_fen"] = json!(20_001);
    assert_eq!(send(&case, spot).await.fields(), ["amount_fen"]);
    let penalty = act(&app, "penalty", &officers);
    send(&case, penalty.clone()).await.refused(409, "act_case_not_filed");
    send(&case, act(&app, "case_filed", &officers)).await.expect(201);
    send(&case, penalty).await.expect(201);

    // A foreign certificate, a colleague's record, a revoked certificate.
    let foreign = certificate(&app, "晋-B-0213-0003", "dept.housing", "housing").await;
    let borrowed = with("certificates", json!([officers[0], foreign]));
    send(&case, borrowed).await.refused(409, "certificate_foreign");
    let path = format!("/certificates/{}/revoke", officers[1]);
    let why = json!({"reason": "调离执法岗位"});
    let desk = app.as_("dispatcher");
    desk.post(&path, why.clone()).await.expect(200);
    desk.post(&path, why).await.refused(409, "certificate_revoked");
    send(&case, order()).await.refused(409, "certificate_not_valid");
    let alone = act(&app, "persuasion", &officers[..1]);
    let other = app.as_(HEAD).post(&case.task("/acts"), alone.clone()).await;
    other.refused(409, "act_recorder_not_officer");
    send(&case, alone.clone()).await.expect(201);
    send(&case, alone).await.refused(409, "act_recorded_twice");
    // On the day after its last one the certificate does not count.
    app.pass("2027-01-01T09:00:00+08:00").await;
    let late = act(&app, "persuasion", &officers[..1]);
    send(&case, late).await.refused(409, "certificate_not_valid");
}

#[tokio::test]
async fn of_two_at_once_one_stands() {
    let app = App::spawn().await;
    let (case, officers) = on_the_spot(&app).await;
    let (clerk, head) = (app.as_(CLERK), app.as_(HEAD));
    let (body, path) = (act(&app, "order_to_correct", &officers), case.task("/acts"));
    let (one, two) = tokio::join!(clerk.post(&path, body.clone()), head.post(&path, body.clone()));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{one} {two}");
    let made = acts(&clerk, &case).await.remove(0);
    let path = format!("/acts/{}/withdraw", made["id"].as_str().unwrap());
    let why = |by: &String| json!({"reason": "登记有误", "certificates": [by]});
    let (one, two) =
        tokio::join!(clerk.post(&path, why(&officers[0])), head.post(&path, why(&officers[1])));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one} {two}");
    // A command on an older state of the task is told so.
    let stale = clerk.request(Method::POST, &case.task("/acts")).version(1).json(&body);
    stale.send().await.refused(412, "version_mismatch");
}

#[tokio::test]
async fn the_blower_of_a_whistle_reads_no_act() {
    let app = App::spawn().await;
    certificate(&app, "晋-B-0213-0001", CLERK, UNIT).await;
    let blower = app.as_("community.140213066004");
    let body = json!({"kind": "emergency", "level": "blue", "title": "路口占道经营堵塞通道",
        "content": "摊位堵住消防通道，请到场处置。", "community_code": COMMUNITY, "lead": UNIT,
        "assist": []});
    let blown = blower.request(Method::POST, "/whistles").key("enforcement-1").json(&body);
    let whistle = blown.send().await.expect(201)["id"].as_str().unwrap().to_owned();
    let tasks = app.as_("dispatcher").all(&format!("/tasks?whistle_id={whistle}")).await;
    let task = format!("/tasks/{}", tasks[0]["id"].as_str().unwrap());
    let clerk = app.as_(CLERK);
    clerk.post(&format!("{task}/acknowledge"), json!({})).await.expect(200);
    app.advance(TimeDelta::hours(1));
    let cards = app.as_("auditor").all("/certificates").await;
    let card = cards[0]["id"].as_str().unwrap().to_owned();
    let body = act(&app, "persuasion", &[card]);
    clerk.post(&format!("{task}/acts"), body).await.expect(201);
    assert_eq!(clerk.all(&format!("{task}/acts")).await.len(), 1);
    blower.get(&task).await.expect(200);
    assert!(blower.all(&format!("{task}/acts")).await.is_empty());
    let events = blower.all(&format!("/whistles/{whistle}/events")).await;
    assert!(events.iter().all(|event| event["kind"] != "enforcement_acted"), "{events:?}");
}

#[tokio::test]
async fn certificates_are_registered_listed_and_revoked() {
    let app = App::spawn().await;
    let desk = app.as_("dispatcher");
    let street = "subdistrict.140213066";
    let body = card("晋-B-0213-0007", street, SUBDISTRICT);
    let made = desk.post("/certificates", body.clone()).await.expect(201);
    assert_eq!((&made["version"], &made["revoked_at"]), (&json!(1), &Value::Null));
    desk.post("/certificates", body).await.refused(409, "certificate_number_taken");
    let other = |from: &str, until: &str| {
        let mut body = card("晋-B-0213-0008", street, SUBDISTRICT);
        (body["valid_from"], body["valid_until"]) = (json!(from), json!(until));
        body
    };
    // The last day counts: the next one begins after it.
    let overlap = desk.post("/certificates", other("2026-12-31", "2027-12-31")).await;
    overlap.refused(409, "certificate_overlap");
    desk.post("/certificates", other("2027-01-01", "2027-12-31")).await.expect(201);

    let bad = json!({"number": "1", "holder": street, "unit": SUBDISTRICT,
        "valid_from": "2026-12-31", "valid_until": "2026-01-01"});
    assert_eq!(desk.post("/certificates", bad).await.fields(), ["number", "valid_until"]);
    let stranger = card("晋-B-0213-0009", "auditor", SUBDISTRICT);
    assert_eq!(desk.post("/certificates", stranger).await.fields(), ["holder"]);
    app.as_(CLERK)
        .post("/certificates", card("晋-B-0213-0010", CLERK, UNIT))
        .await
        .refused(403, "forbidden");

    let of = |day: &str| format!("/certificates?unit={SUBDISTRICT}&valid_on={day}");
    let staff = app.as_(CLERK);
    assert_eq!(staff.all(&of("2026-11-24")).await.len(), 1);
    assert_eq!(staff.all("/certificates?limit=1").await.len(), 2);
    let path = format!("/certificates/{}/revoke", made["id"].as_str().unwrap());
    let why = json!({"reason": "调离执法岗位"});
    let stale = desk.request(Method::POST, &path).version(7).json(&why).send().await;
    stale.refused(412, "version_mismatch");
    let revoked = desk.post(&path, why).await.expect(200);
    assert_eq!(revoked["revoked_reason"], "调离执法岗位");
    assert!(staff.all(&of("2026-11-24")).await.is_empty());
    // Its time is free again.
    let mut fresh = card("晋-B-0213-0011", street, SUBDISTRICT);
    fresh["valid_until"] = json!("2026-12-31");
    desk.post("/certificates", fresh).await.expect(201);
}
