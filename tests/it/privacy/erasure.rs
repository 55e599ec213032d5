//! Erasure: what is the person's goes from every table, from Redis and never was in the log; what
//! others need goes on.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::id::AttachmentId;
use infra::postgres::privacy::{
    MARK, NOBODY,
    register::{Fate, Why, tables},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::scan::{FILE, Findings, Log, left_of, scan};
use crate::support::{App, CLERK, COMMUNITY, Case, Client, UNIT, complaint, located, photo};

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
/// [`NAME`], as a browser writes it.
const NAME_IN_ADDRESSES: &str = "%E5%AD%99%E6%82%9F%E9%A5%AD";
const SHOWN: &str = "演示居民 sunwufan";
const OPENID: &str = "demo:sunwufan";
const DONATED: &str = "谢谢你上回帮我喂猫";
const VERIFIED: &str = "13722223333";
/// Somebody says it: it stands in the frames of a recording, which are kept as they are.
const SAID: &str = "我家在七彩路";
const ALL: [&str; 14] = [
    NAME, PHONE, ADDRESS, TITLE, CONTENT, COMMENT, WITHDRAWN, DISPUTE, WISH, SHOWN, OPENID,
    DONATED, VERIFIED, SAID,
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
        "insert into donation (id, tx, from_account, to_account, points, reason, given_by, bound_by, at)
         select gen_random_uuid(), id, $1::text::uuid, $2::text::uuid, 1, $3, $1::text::uuid,
             $2::text::uuid, at
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
    let code = json!({"code": format!("demo:{VERIFIED}")});
    who.request(Method::POST, "/me/phone").key("phone-one").json(&code).send().await.expect(200);
    // What staff keep of her beside the case: the list with her number, for a day, and a search.
    let list = json!({"list": "complaints", "unmask": true, "reason": "逐件回访"});
    let export = app.as_("supervisor");
    export.request(Method::POST, "/exports").key("export-one").json(&list).send().await.expect(202);
    for (name, query) in [("她", format!("q={NAME}")), (NAME, format!("q={NAME_IN_ADDRESSES}"))] {
        let view = json!({"name": name, "list": "complaints", "query": query});
        app.as_("dispatcher").post("/me/views", view).await.expect(201);
    }
    app.drain().await;
}

/// A photo with its place and a recording, handed in with a complaint, and a photo that she never
/// used.
async fn files(app: &App) -> Vec<AttachmentId> {
    let who = sun(app);
    let mut frame = vec![0x3C];
    frame.extend(SAID.bytes().chain(std::iter::repeat(7)).take(31));
    let recording = [b"#!AMR\n".to_vec(), frame.repeat(50)].concat();
    let files = [located(&photo(90, 60)), recording, photo(70, 50)];
    let mut ids = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let made = who.upload(&format!("her-file-{n}"), file).await.expect(201);
        ids.push(made["id"].clone());
    }
    let mut body = own_complaint();
    body["attachment_ids"] = json!(ids[..2]);
    let case = who.submit(&body).await;
    who.post(&case.path("/withdraw"), json!({"reason": WITHDRAWN})).await.expect(200);
    app.drain().await;
    ids.iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect()
}

/// Whether an erasure deletes the person's files from the store: where the register says that their
/// rows go.
fn files_are_erased() -> bool {
    let table = tables().find(|table| table.name == "attachment").unwrap();
    table.columns().any(|(column, fate)| column == "id" && fate == Fate::WithRow)
}

/// What was found elsewhere than in the store. That the files are gone as well is asked by their ids:
/// of a photo no word is left to look for.
fn without_files(found: &Findings) -> BTreeSet<String> {
    found.values().flatten().filter(|place| !place.starts_with(FILE)).cloned().collect()
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

#[tokio::test]
async fn after_an_erasure_nothing_of_the_person_is_left_and_the_cases_are() {
    let log = Log::captured();
    let app = App::with(|config| {
        config.privacy.erased_list = format!("{}/erased", config.files.directory);
    })
    .await;
    let case = closed_case(&app).await;
    life(&app).await;
    let files = files(&app).await;
    let account = sun(&app).get("/me").await.expect(200)["id"].clone();
    let before = scan(&app, &ALL, None).await;
    for word in ALL {
        assert!(before.contains_key(word), "{word} was nowhere: the scan proves nothing");
    }
    let places: BTreeSet<&str> = before.values().flatten().map(String::as_str).collect();
    for place in ["export_file.workbook", "saved_view.query", "idempotency.answer_sealed"] {
        assert!(places.contains(place), "the scan does not see into {place}: {places:?}");
    }
    assert_eq!(left_of(&app, &files).await.len(), 5, "two photos with thumbnails, a recording");

    let told = erase(&sun(&app)).await;
    assert_eq!(told["waits_for"], json!([]), "the code and the place were given back: {told}");
    sun(&app).get("/me").await.refused(401, "unauthenticated");
    app.drain().await;
    assert!(is_erased(&app, &account).await);
    // What staff wrote of the person is answered again to a repetition for a day, and a workbook
    // lies there for as long. Files that were never used go on the day after.
    for hours in [25, 2] {
        app.advance(TimeDelta::hours(hours));
        enqueue_chores(&app).await;
        app.drain().await;
    }
    if let Some(log) = &log {
        assert!(!log.text().is_empty(), "nothing was logged at all");
    }
    let after = scan(&app, &ALL, log.as_ref()).await;
    // Of ADR 44's holds none is hers: she stands on no register of the party, of households or of
    // shops. See `what_a_body_keeps_of_its_own_is_all_that_is_left_of_a_member`.
    assert!(without_files(&after).is_empty(), "left behind: {after:?}");
    let left = left_of(&app, &files).await;
    assert_eq!(left.is_empty(), files_are_erased(), "of her files: {left:?}");

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
    let left = app.as_("dispatcher").complaint(&case).await;
    assert_eq!((&left["title"], &left["reporter"]["reachable"]), (&json!(MARK), &json!(false)));
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

/// What ADR 44 leaves: the registers that bodies keep on a ground of their own, and nothing else.
#[tokio::test]
async fn what_a_body_keeps_of_its_own_is_all_that_is_left_of_a_member() {
    const MEMBER: &str = "演示党员7";
    let app = App::spawn().await;
    let who = app.resident("party-7");
    let account = who.get("/me").await.expect(200)["id"].clone();
    let mut body = own_complaint();
    body["content"] = json!(format!("我是{MEMBER}，{CONTENT}，请来看看。"));
    body["contact"] = json!({"name": MEMBER, "phone": PHONE});
    let case = who.submit(&body).await;
    who.post(&case.path("/withdraw"), json!({"reason": WITHDRAWN})).await.expect(200);
    let words = [MEMBER, PHONE, ADDRESS, TITLE, CONTENT, WITHDRAWN];
    let before = scan(&app, &words, None).await;
    assert!(words.iter().all(|word| before.contains_key(word)), "{before:?}");
    erase(&who).await;
    app.drain().await;
    assert!(is_erased(&app, &account).await);
    app.advance(TimeDelta::hours(25));
    enqueue_chores(&app).await;
    app.drain().await;
    let held: BTreeSet<String> = tables()
        .flat_map(|table| table.columns().map(|(column, fate)| (table.name, column, fate)))
        .filter(|(.., fate)| *fate == Fate::Kept(Why::Register))
        .map(|(table, column, _)| format!("{table}.{column}"))
        .collect();
    let after = scan(&app, &words, None).await;
    assert_eq!(after.keys().collect::<Vec<_>>(), [&MEMBER], "{after:?}");
    let left = &after[MEMBER];
    assert!(left.contains("party_member.name_sealed") && left.is_subset(&held), "{left:?}");
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
    let left = scan(&app, &ALL, None).await;
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
