//! Erasure: what is the person's goes from every table, from Redis and never was in the log; what
//! others need goes on.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex},
};

use chrono::TimeDelta;
use infra::postgres::privacy::{MARK, NOBODY, register::tables};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};

use crate::support::{App, CLERK, COMMUNITY, Case, Client, UNIT, complaint};

/// What is Sun's, each word in nothing else.
const NAME: &str = "孙悟饭";
const PHONE: &str = "13911112222";
const ADDRESS: &str = "七彩路八号楼九单元";
const TITLE: &str = "蘑菇亭漏雨";
const CONTENT: &str = "蘑菇亭的西南角漏雨已经半个月";
const COMMENT: &str = "师傅半夜赶来的心意我领了";
const WITHDRAWN: &str = "我自己找人修好不再麻烦";
const DISPUTE: &str = "那天我明明陪到了傍晚";
const WISH: &str = "想请人帮我搬一架旧风琴";
const SHOWN: &str = "演示居民 sunwufan";
const OPENID: &str = "demo:sunwufan";
const DONATED: &str = "谢谢你上回帮我喂猫";
const ALL: [&str; 12] = [
    NAME, PHONE, ADDRESS, TITLE, CONTENT, COMMENT, WITHDRAWN, DISPUTE, WISH, SHOWN, OPENID, DONATED,
];
const OFFICER: &str = "community.140213066004";

fn sun(app: &App) -> Client {
    app.resident("sunwufan")
}

pub(super) async fn erase(who: &Client) -> Value {
    who.request(Method::DELETE, "/me").send().await.expect(202)
}

fn own_complaint() -> Value {
    let mut body = complaint();
    body["title"] = json!(TITLE);
    body["content"] = json!(format!("{CONTENT}，请来看看。"));
    body["address"] = json!(ADDRESS);
    body["location"] = json!({"lng": 113.3402, "lat": 40.0911});
    body["contact"] = json!({"name": NAME, "phone": PHONE});
    body
}

/// A closed case of Sun's in which staff wrote her name and number.
async fn closed_case(app: &App) -> Case {
    let mut case = sun(app).submit(&own_complaint()).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let (clerk, dispatcher) = (app.as_(CLERK), app.as_("dispatcher"));
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    let note = json!({"text": format!("已与{NAME}核对过号码 {PHONE}")});
    let notes = case.path("/notes");
    clerk.request(Method::POST, &notes).key("note-one").json(&note).send().await.expect(201);
    let contact = json!({"note": format!("电话联系{NAME}，约定今晚到场")});
    clerk.post(&case.task("/contact"), contact).await.expect(200);
    let reply = format!("{NAME}您好，亭子西南角的瓦片和防水已于11月24日更换，当晚试水不再渗漏。");
    let reply = json!({"text": reply, "outcome": "solved"});
    clerk.post(&case.task("/reply"), reply).await.expect(200);
    dispatcher.post(&case.task("/confirm"), json!({})).await.expect(200);
    let stars = json!({"solved": true, "satisfaction": 5, "contacted": true, "comment": COMMENT});
    sun(app).post(&case.path("/evaluate"), stars).await.expect(200);
    case
}

/// Everything else that somebody does in the system.
async fn life(app: &App) {
    let who = sun(app);
    let case = who.submit(&own_complaint()).await;
    who.post(&case.path("/withdraw"), json!({"reason": WITHDRAWN})).await.expect(200);
    let claim = crate::points::kept::served(app, "sunwufan", 120).await;
    let disputes = format!("/claims/{}/disputes", claim["id"].as_str().unwrap());
    let dispute = who.post(&disputes, json!({"reason": DISPUTE})).await.expect(201);
    let path = format!("/service-disputes/{}/withdraw", dispute["id"].as_str().unwrap());
    who.post(&path, json!({})).await.expect(200);
    let wish = json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": WISH,
        "content": format!("{WISH}，下楼有三层。"), "name": NAME, "phone": PHONE,
        "address": ADDRESS,
    });
    let request = who.request(Method::POST, "/service-requests").key("wish-one").json(&wish);
    let request = request.send().await.expect(201);
    let path = format!("/service-requests/{}/cancel", request["id"].as_str().unwrap());
    who.post(&path, json!({})).await.expect(200);
    let offer = json!({
        "title": "幸福餐厅早餐", "category": "dining", "points": 1, "stock": 5, "per_person": 2,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "wenxing",
    });
    let offer = app.as_("organiser").post("/offers", offer).await.expect(201);
    let path = format!("/offers/{}/redemptions", offer["id"].as_str().unwrap());
    who.request(Method::POST, &path).key("redeem-one").send().await.expect(201);
    // A service to come, whose place somebody else may have.
    let starts_at = app.now() + TimeDelta::days(3);
    let post = json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "清扫楼道", "capacity": 1,
        "starts_at": starts_at, "ends_at": starts_at + TimeDelta::hours(1),
    });
    let post = app.as_(OFFICER).post("/posts", post).await.expect(201);
    let path = format!("/posts/{}/claims", post["id"].as_str().unwrap());
    who.post(&path, json!({})).await.expect(201);
    let other = app.resident("party-1").get("/me").await.expect(200)["id"].clone();
    // What a member wrote beside a gift stands in a table that is only added to.
    sqlx::query(
        "insert into donation (id, tx, from_account, to_account, points, reason, given_by, at)
         select gen_random_uuid(), id, $1::text::uuid, $2::text::uuid, 1, $3, $1::text::uuid, at
         from ledger_tx order by at desc limit 1",
    )
    .bind(who.get("/me").await.expect(200)["id"].as_str().unwrap())
    .bind(other.as_str().unwrap())
    .bind(DONATED)
    .execute(app.db())
    .await
    .unwrap();
    app.drain().await;
    let told = who.all("/notifications").await;
    assert!(!told.is_empty());
    who.post("/me/consents", json!({"purpose": "service", "version": 1})).await.expect(200);
}

/// Where a word of [`ALL`] is found: in any column of any table, sealed ones opened by every context
/// that there is.
async fn scan(app: &App) -> BTreeMap<&'static str, Vec<String>> {
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let constant: Vec<&str> = tables()
        .filter_map(|table| table.told.as_ref())
        .flat_map(|told| told.sealed.iter().map(|(_, _, context)| *context))
        .collect();
    for table in tables() {
        let sql = format!("select to_jsonb(t) as row from \"{}\" t", table.name);
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(app.db()).await.unwrap();
        for row in rows {
            let row: Value = row.get("row");
            for (column, value) in row.as_object().unwrap() {
                let mut texts = vec![value.to_string()];
                if let Some(bytes) =
                    value.as_str().and_then(|text| text.strip_prefix("\\x")).map(unhex)
                {
                    let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                    let own = [
                        format!("complaint_contact/{}", field("complaint_id")),
                        format!(
                            "idempotency/{}/{}/{}",
                            field("caller"),
                            field("operation"),
                            field("key")
                        ),
                    ];
                    let contexts = own.iter().map(String::as_str).chain(constant.iter().copied());
                    let crypto = &app.state().crypto;
                    texts.extend(contexts.filter_map(|one| crypto.open_text(one, &bytes).ok()));
                    texts.push(String::from_utf8_lossy(&bytes).into_owned());
                }
                for word in ALL {
                    if texts.iter().any(|text| text.contains(word)) {
                        found.entry(word).or_default().push(format!("{}.{column}", table.name));
                    }
                }
            }
        }
    }
    for (key, value) in redis_dump(app).await {
        for word in ALL {
            let bytes = word.as_bytes();
            if key.contains(word) || value.windows(bytes.len()).any(|part| part == bytes) {
                found.entry(word).or_default().push(format!("redis {key}"));
            }
        }
    }
    found
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .filter_map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok())
        .collect()
}

/// Every key of this test with its value as Redis would write it to disk.
async fn redis_dump(app: &App) -> Vec<(String, Vec<u8>)> {
    let client = app.state().redis.client();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let pattern = app.state().redis.key("*");
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.unwrap();
    let mut all = Vec::new();
    for key in keys {
        let value: Option<Vec<u8>> =
            redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.unwrap();
        all.push((key, value.unwrap_or_default()));
    }
    all
}

async fn adds_up(app: &App) {
    let report = app.as_("auditor").get("/ledger/reconciliation").await.ok();
    assert_eq!(report["violations"], json!([]));
}

/// Whether the erasure of an account is finished.
pub(super) async fn is_erased(app: &App, account: &Value) -> bool {
    sqlx::query_scalar(
        "select erased_at is not null from erasure where account_id = $1::text::uuid",
    )
    .bind(account.as_str().unwrap())
    .fetch_one(app.db())
    .await
    .unwrap()
}

/// What was logged.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything that our own crates say from now on; none when another test of this process
    /// listens already.
    pub(super) fn captured() -> Option<Self> {
        let log = Self::default();
        let writer = log.clone();
        let listening = tracing_subscriber::fmt()
            .with_env_filter("info,api=trace,infra=trace,domain=trace")
            .with_writer(move || writer.clone())
            .try_init();
        listening.is_ok().then_some(log)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[tokio::test]
async fn after_an_erasure_nothing_of_the_person_is_left_and_the_cases_are() {
    let log = Log::captured();
    let app = App::spawn().await;
    let case = closed_case(&app).await;
    life(&app).await;
    let account = sun(&app).get("/me").await.expect(200)["id"].clone();
    let before = scan(&app).await;
    for word in ALL {
        assert!(before.contains_key(word), "{word} was nowhere: the scan proves nothing");
    }

    let told = erase(&sun(&app)).await;
    assert_eq!(told["waits_for"], json!([]), "the code and the place were given back: {told}");
    sun(&app).get("/me").await.refused(401, "unauthenticated");
    app.drain().await;
    assert!(is_erased(&app, &account).await);
    // What staff wrote of the person is answered again to a repetition for a day.
    app.advance(TimeDelta::hours(25));
    api::jobs::schedule::Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
    let after = scan(&app).await;
    assert!(after.is_empty(), "left behind: {after:?}");
    if let Some(log) = log {
        let text = log.text();
        assert!(!text.is_empty(), "nothing was logged at all");
        let said: Vec<&str> = ALL.into_iter().filter(|word| text.contains(word)).collect();
        assert!(said.is_empty(), "the log says {said:?}");
    }

    // The books and the cases go on, without a person behind them.
    adds_up(&app).await;
    for who in ["dispatcher", CLERK] {
        let shown = app.as_(who).complaint(&case).await;
        assert_eq!(
            (&shown["title"], &shown["status"]),
            (&json!(MARK), &json!("closed")),
            "{shown}"
        );
        app.as_(who).get(&case.path("/events")).await.expect(200);
        assert!(!app.as_(who).all("/complaints").await.is_empty());
        assert!(!app.as_(who).all("/tasks").await.is_empty());
    }
    let task = app.as_(CLERK).get(&case.task("")).await.expect(200);
    let text = task.to_string();
    assert!(text.contains("瓦片和防水"), "what the office did is kept: {text}");
    app.as_(OFFICER).all("/service-requests").await;
    app.as_("organiser").all("/service-disputes").await;
    let lines: Vec<(String, i64, Value)> = sqlx::query_as(
        "select kind, amount, data from ledger_entry join ledger_tx on id = tx
         where account = $1::text::uuid",
    )
    .bind(account.as_str().unwrap())
    .fetch_all(app.db())
    .await
    .unwrap();
    let taken =
        lines.iter().filter(|(kind, _, data)| kind == "expire" && data["reason"] == "erased");
    let taken: i64 = taken.map(|(_, amount, _)| amount).sum();
    let all: i64 = lines.iter().map(|(_, amount, _)| amount).sum();
    assert_eq!((taken, all), (-7, 0), "of the service two, of the appeal five: {lines:?}");
    let name: String =
        sqlx::query_scalar("select display_name from account where id = $1::text::uuid")
            .bind(account.as_str().unwrap())
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(name, NOBODY);

    // The same WeChat is a new, empty account.
    app.advance(TimeDelta::minutes(11));
    let anew = sun(&app).get("/me").await.expect(200);
    assert_ne!(anew["id"], account);
    assert!(sun(&app).all("/me/complaints").await.is_empty());
    assert_eq!(sun(&app).get("/me/points").await.ok()["available"], 0);
}

#[tokio::test]
async fn a_case_in_progress_holds_the_erasure_and_nothing_else_does() {
    let app = App::spawn().await;
    let who = app.resident("holder");
    let mut case = who.submit(&own_complaint()).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let account = who.get("/me").await.expect(200)["id"].clone();
    let other = app.anonymous().post("/auth/wechat", json!({"code": "demo:holder"})).await.ok();
    let told = erase(&who).await;
    let waits = &told["waits_for"];
    assert_eq!((&waits[0]["hold"], &waits[0]["count"]), (&json!("complaint"), &json!(1)), "{told}");
    assert!(waits[0]["advice"].as_str().unwrap().contains("办结"), "{told}");
    // Every log-in is over, and none of its tokens is good for another.
    let held = app.bearer(other["access_token"].as_str().unwrap());
    held.get("/me").await.refused(401, "unauthenticated");
    let token = json!({"refresh_token": other["refresh_token"]});
    app.anonymous().post("/auth/refresh", token).await.refused(401, "refresh_token_invalid");
    let anew = app.anonymous().post("/auth/wechat", json!({"code": "demo:holder"})).await.ok();
    assert_ne!(anew["account"]["id"], account, "the same WeChat is somebody new at once");

    app.drain().await;
    assert!(!is_erased(&app, &account).await);
    let clerk = app.as_(CLERK);
    let shown = clerk.complaint(&case).await;
    assert_eq!(shown["title"], TITLE, "who handles it must know what it is");
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    let stars = case.track(json!({"solved": true, "satisfaction": 5}));
    app.anonymous().post("/track/evaluate", stars).await.expect(200);
    app.advance(TimeDelta::hours(1));
    enqueue_chores(&app).await;
    app.drain().await;
    assert!(is_erased(&app, &account).await, "the hourly chore follows");
    assert_eq!(app.as_("dispatcher").complaint(&case).await["title"], MARK);
    adds_up(&app).await;
}

/// What the worker does each hour.
pub(super) async fn enqueue_chores(app: &App) {
    api::jobs::schedule::Schedule::default().enqueue_due(app.state(), true).await;
}

#[tokio::test]
async fn a_member_leaves_and_the_register_of_the_party_stays() {
    let app = App::spawn().await;
    let who = app.resident("party-1");
    let account = who.get("/me").await.expect(200)["id"].clone();
    erase(&who).await;
    app.drain().await;
    assert!(is_erased(&app, &account).await);
    adds_up(&app).await;
    let linked: i64 = app.count("party_member where account_id is not null").await;
    let named = app.as_("organiser").all("/party-members").await;
    assert!(!named.is_empty());
    let standing: String =
        sqlx::query_scalar("select status from registration where account_id = $1::text::uuid")
            .bind(account.as_str().unwrap())
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(standing, "ended");
    app.as_(OFFICER).all("/registrations").await;
    // Who comes back registers anew, as the same member.
    app.advance(TimeDelta::minutes(11));
    let body = json!({
        "community_code": COMMUNITY,
        "party_member": {"name": "演示党员1", "id_number_last6": "100001"},
    });
    let handed = app.resident("party-1").post("/registrations", body).await.expect(201);
    let path = format!("/registrations/{}/sign", handed["id"].as_str().unwrap());
    app.as_(OFFICER).post(&path, json!({"accept": true})).await.expect(200);
    assert_eq!(app.count("party_member where account_id is not null").await, linked + 1);
}

#[tokio::test]
async fn an_account_of_the_office_is_no_persons_to_erase() {
    let app = App::spawn().await;
    for who in [CLERK, "merchant.wenxing", "auditor"] {
        let refused = app.as_(who).request(Method::DELETE, "/me").send().await;
        let refused = refused.refused(409, "staff_account");
        assert!(refused["detail"].as_str().unwrap().contains("收回"), "{refused}");
        app.as_(who).get("/me").await.expect(200);
    }
    app.anonymous().request(Method::DELETE, "/me").send().await.refused(401, "unauthenticated");
    assert_eq!(app.count("erasure").await, 0);
}

#[tokio::test]
async fn a_second_tap_and_a_twin_erase_once() {
    let app = App::spawn().await;
    let who = app.resident("twin");
    who.token().await;
    let taps =
        futures::future::join_all((0..4).map(|_| who.request(Method::DELETE, "/me").send())).await;
    assert!(taps.iter().any(|tap| tap.status == 202));
    assert!(taps.iter().all(|tap| matches!(tap.status, 202 | 401)), "{taps:?}");
    app.drain().await;
    assert_eq!(app.count("erasure where erased_at is not null").await, 1);
    assert_eq!(app.count("audit_entry where action = 'privacy.erased'").await, 1);
}

#[tokio::test]
async fn a_restored_backup_is_erased_again_by_the_list() {
    let folder = std::env::temp_dir().join(format!("zx-erased-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let list = folder.join("erased");
    let _ = std::fs::remove_file(&list);
    let path = list.to_str().unwrap().to_owned();
    let app = App::with(|config| config.privacy.erased_list = path).await;
    let who = app.resident("sunwufan");
    who.submit(&own_complaint()).await;
    let account = who.get("/me").await.expect(200)["id"].clone();
    let id = account.as_str().unwrap();
    // As the backup has it: the account as if nothing had been asked, and a case in progress.
    let line =
        format!("{id} 2026-11-24T02:00:00+00:00\n019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071 gone\n");
    std::fs::write(&list, line).unwrap();
    let again = api::app::privacy::erase_again(app.state(), &list).await.unwrap();
    assert_eq!(again, 1, "an id that this database does not know is passed over");
    who.get("/me").await.refused(401, "unauthenticated");
    assert!(is_erased(&app, &account).await);
    let left = scan(&app).await;
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(api::app::privacy::erase_again(app.state(), &list).await.unwrap(), 0, "idempotent");
    assert_eq!(app.count("audit_entry where action = 'privacy.erased'").await, 1);

    // Who asks goes on the list before the rows go.
    let other = app.resident("other");
    let other_id = other.get("/me").await.expect(200)["id"].clone();
    erase(&other).await;
    app.drain().await;
    let text = std::fs::read_to_string(&list).unwrap();
    assert!(text.contains(other_id.as_str().unwrap()), "{text}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn more_than_one_run_erases_in_batches_and_starts_again_where_it_stopped() {
    let app = App::spawn().await;
    let who = app.resident("many");
    let account = who.get("/me").await.expect(200)["id"].clone();
    sqlx::query(
        "insert into saved_view (id, account_id, name, list, query, created_at)
         select gen_random_uuid(), $1::text::uuid, 'v' || n, 'tasks', 'q', now()
         from generate_series(1, 2500) n",
    )
    .bind(account.as_str().unwrap())
    .execute(app.db())
    .await
    .unwrap();
    erase(&who).await;
    app.drain().await;
    assert!(is_erased(&app, &account).await);
    assert_eq!(app.count("saved_view").await, 0);
    let runs = app.count("job where kind = 'erase_person' and state = 'done'").await;
    assert!(runs >= 3, "{runs} runs of at most 1000 rows");
}

/// What is only added to gives up the words that a person wrote, and nothing else.
#[tokio::test]
async fn only_words_can_be_taken_out_of_what_is_only_added_to() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let note = json!({"text": "内部：上门请两人同行"});
    let notes = case.path("/notes");
    let dispatcher = app.as_("dispatcher");
    dispatcher.request(Method::POST, &notes).key("note-one").json(&note).send().await.expect(201);
    for statement in [
        "update internal_note set text = 'x'",
        "update internal_note set written_at = now()",
        "update internal_note set text = erased_mark(), unit = 'housing'",
        "delete from internal_note",
    ] {
        let refused = sqlx::query(statement).execute(app.db()).await.expect_err(statement);
        assert!(refused.to_string().contains("append-only"), "{statement}: {refused}");
    }
    sqlx::query("update internal_note set text = erased_mark()").execute(app.db()).await.unwrap();
    let mark: String =
        sqlx::query_scalar("select erased_mark()").fetch_one(app.db()).await.unwrap();
    assert_eq!(mark, MARK);
}
