//! Announcements: written, looked at by another, read by the people of the area, ended.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    attachment::fetched,
    support::{App, COMMUNITY, Client, photo},
};

const OFFICER: &str = "community.140213066004";

fn body(kind: &str) -> Value {
    json!({"kind": kind, "content": {
        "title": "文兴小区停水通知",
        "text": "因管道抢修，11 月 25 日 9 时至 18 时停水，请提前储水。咨询电话 0352-5550000。",
        "ends_at": "2026-11-25T10:00:00Z",
    }})
}

async fn drafted(who: &Client, key: &str, body: &Value) -> Value {
    who.request(Method::POST, "/announcements").key(key).json(body).send().await.expect(201)
}

fn at(made: &Value, rest: &str) -> String {
    format!("/announcements/{}{rest}", made["id"].as_str().unwrap())
}

async fn listed(who: &Client, query: &str) -> Vec<Value> {
    who.all(&format!("/announcements?{query}")).await
}

#[tokio::test]
async fn the_district_speaks_after_another_has_looked() {
    let app = App::spawn().await;
    let (dispatcher, organiser, nobody) =
        (app.as_("dispatcher"), app.as_("organiser"), app.anonymous());
    let made = drafted(&dispatcher, "district-notice", &body("notice")).await;
    assert_eq!(drafted(&dispatcher, "district-notice", &body("notice")).await, made);
    assert_eq!((&made["desk"]["status"], &made["areas"]), (&json!("draft"), &json!(["140213"])));
    nobody.get(&at(&made, "")).await.refused(404, "not_found");
    app.as_(OFFICER).get(&at(&made, "")).await.refused(404, "not_found");
    app.as_(OFFICER).post(&at(&made, "/submit"), json!({})).await.refused(404, "not_found");

    let waits = dispatcher.post(&at(&made, "/submit"), json!({})).await.expect(200);
    assert_eq!(waits["desk"]["status"], "in_review");
    dispatcher
        .post(&at(&made, "/submit"), json!({}))
        .await
        .refused(409, "publication_step_refused");
    let yes = json!({"approve": true});
    dispatcher.post(&at(&made, "/review"), yes.clone()).await.refused(409, "own_publication");
    app.drain().await;
    let told = organiser.all("/notifications").await;
    assert_eq!(
        (&told[0]["kind"], &told[0]["announcement_id"]),
        (&json!("publication_submitted"), &made["id"])
    );
    let no = organiser.post(&at(&made, "/review"), json!({"approve": false})).await;
    assert_eq!(no.fields(), ["note"], "a no says why");
    let no = json!({"approve": false, "note": "停水时间写错了"});
    let back = organiser.post(&at(&made, "/review"), no).await.expect(200);
    assert_eq!(
        (&back["desk"]["status"], &back["desk"]["reason"]),
        (&json!("sent_back"), &json!("停水时间写错了"))
    );
    app.drain().await;
    let told = dispatcher.all("/notifications").await;
    assert!(told[0]["text"].as_str().unwrap().contains("停水时间写错了"), "{}", told[0]);

    let mut better = body("notice")["content"].clone();
    better["title"] = json!("文兴小区停水通知（更正）");
    let revise = dispatcher.request(Method::PUT, &at(&made, "")).version(1).json(&better);
    revise.send().await.refused(412, "version_mismatch");
    let revise = dispatcher.request(Method::PUT, &at(&made, "")).json(&better);
    assert_eq!(revise.send().await.expect(200)["desk"]["edition"], 2);
    dispatcher.post(&at(&made, "/submit"), json!({})).await.expect(200);
    organiser.post(&at(&made, "/review"), yes.clone()).await.expect(200);
    organiser.post(&at(&made, "/review"), yes).await.refused(409, "publication_nothing_waits");
    let shown = nobody.get(&at(&made, "")).await.expect(200);
    assert_eq!(
        (&shown["title"], &shown["desk"]),
        (&json!("文兴小区停水通知（更正）"), &Value::Null)
    );
    let first = dispatcher.get(&at(&made, "?edition=1")).await.expect(200);
    assert_eq!(first["title"], "文兴小区停水通知", "editions stay");

    // A later edition is not read before it is let through.
    let mut third = better.clone();
    third["title"] = json!("第三版");
    dispatcher.request(Method::PUT, &at(&made, "")).json(&third).send().await.expect(200);
    dispatcher.post(&at(&made, "/submit"), json!({})).await.expect(200);
    assert_eq!(nobody.get(&at(&made, "")).await.expect(200)["number"], 2);
    assert_eq!(dispatcher.all("/announcements/desk?waiting=true").await.len(), 1);
    let no = json!({"approve": false, "note": "没有必要"});
    let kept = organiser.post(&at(&made, "/review"), no).await.expect(200);
    assert_eq!(kept["desk"]["status"], "published");
    assert_eq!(nobody.get(&at(&made, "")).await.expect(200)["number"], 2);
}

#[tokio::test]
async fn an_outage_is_told_at_once_and_looked_at_after() {
    let app = App::spawn().await;
    let (dispatcher, organiser, nobody) =
        (app.as_("dispatcher"), app.as_("organiser"), app.anonymous());
    let made = drafted(&dispatcher, "an-outage", &body("outage")).await;
    let shown = dispatcher.post(&at(&made, "/submit"), json!({})).await.expect(200);
    assert_eq!(
        (&shown["desk"]["status"], &shown["desk"]["waiting"]),
        (&json!("published"), &json!(1))
    );
    assert_eq!(listed(&nobody, "kind=outage").await.len(), 1);
    app.drain().await;
    let told = organiser.all("/notifications").await;
    assert!(told[0]["text"].as_str().unwrap().contains("事后审核"), "{}", told[0]);
    let no = json!({"approve": false, "note": "不是今天"});
    let gone = organiser.post(&at(&made, "/review"), no).await.expect(200);
    assert_eq!(gone["desk"]["status"], "withdrawn");
    nobody.get(&at(&made, "")).await.refused(404, "not_found");
    assert!(listed(&nobody, "kind=outage").await.is_empty());
}

#[tokio::test]
async fn an_edition_that_is_sent_back_leaves_the_one_before_standing() {
    let app = App::spawn().await;
    let (dispatcher, organiser, nobody) =
        (app.as_("dispatcher"), app.as_("organiser"), app.anonymous());
    let made = drafted(&dispatcher, "a-longer-outage", &body("outage")).await;
    dispatcher.post(&at(&made, "/submit"), json!({})).await.expect(200);
    organiser.post(&at(&made, "/review"), json!({"approve": true})).await.expect(200);
    let mut longer = body("outage")["content"].clone();
    longer["title"] = json!("文兴小区停水延长");
    dispatcher.request(Method::PUT, &at(&made, "")).json(&longer).send().await.expect(200);
    dispatcher.post(&at(&made, "/submit"), json!({})).await.expect(200);
    assert_eq!(nobody.get(&at(&made, "")).await.expect(200)["number"], 2, "read at once");
    let no = json!({"approve": false, "note": "不延长了"});
    let back = organiser.post(&at(&made, "/review"), no.clone()).await.expect(200);
    let desk = &back["desk"];
    assert_eq!(
        (&desk["status"], &desk["shown"], &desk["reason"]),
        (&json!("published"), &json!(1), &json!("不延长了"))
    );
    let read = nobody.get(&at(&made, "")).await.expect(200);
    assert_eq!(read["title"], "文兴小区停水通知", "what was let through stands");
    assert_eq!(listed(&nobody, "kind=outage").await.len(), 1);
    organiser.post(&at(&made, "/review"), no).await.refused(409, "publication_nothing_waits");
    let forged = sqlx::query("update announcement set shown = 2").execute(app.db()).await;
    assert!(forged.unwrap_err().to_string().contains("announcement_approved"));
}

#[tokio::test]
async fn people_read_what_concerns_their_community_until_it_is_over() {
    let app = App::spawn().await;
    let (officer, nobody, li) = (app.as_(OFFICER), app.anonymous(), app.resident("li"));
    let mut estate = body("outage");
    estate["content"]["areas"] = json!(["140213066004001"]);
    estate["content"]["pinned"] = json!(true);
    let here = drafted(&officer, "of-the-community", &estate).await;
    let submitted = officer.post(&at(&here, "/submit"), json!({})).await.expect(200);
    assert_eq!(submitted["desk"]["waiting"], Value::Null, "nobody else is there to look at it");
    let above = app.as_("subdistrict.140213066");
    let mut of_staff = body("policy");
    of_staff["audience"] = json!("staff");
    let inner = drafted(&above, "for-the-staff", &of_staff).await;
    above.post(&at(&inner, "/submit"), json!({})).await.expect(200);
    let mut later = body("activity");
    later["content"]["starts_at"] = json!("2026-11-25T01:00:00Z");
    let later = drafted(&above, "for-tomorrow", &later).await;
    above.post(&at(&later, "/submit"), json!({})).await.expect(200);

    let mine = format!("community_code={COMMUNITY}");
    let ids = |list: Vec<Value>| list.into_iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(listed(&nobody, &mine).await), [here["id"].clone()]);
    assert_eq!(ids(listed(&li, &mine).await), [here["id"].clone()], "residents are no staff");
    assert_eq!(listed(&app.as_("leader"), &mine).await.len(), 2, "the staff reads both");
    nobody.get(&at(&inner, "")).await.refused(404, "not_found");
    assert!(listed(&nobody, "community_code=140213051001").await.is_empty());
    assert_eq!(listed(&nobody, "pinned=true").await.len(), 1);
    assert_eq!(listed(&nobody, "q=停水%20储水").await.len(), 1);
    assert!(listed(&nobody, "q=停电").await.is_empty());
    nobody
        .get("/announcements?community_code=%E6%96%87%E5%85%B4")
        .await
        .refused(422, "invalid_field");

    // Read marks count heads, and nobody can say whose.
    for _ in 0..2 {
        li.post(&at(&here, "/read"), json!({})).await.expect(204);
    }
    app.resident("wang").post(&at(&here, "/read"), json!({})).await.expect(204);
    li.post(&at(&inner, "/read"), json!({})).await.refused(404, "not_found");
    assert_eq!(officer.get(&at(&here, "")).await.expect(200)["desk"]["reads"], 2);
    let me = li.get("/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    let named = format!("announcement_read as one where one::text like '%{me}%'");
    assert_eq!(app.count(&named).await, 0);

    app.pass("2026-11-25T02:00:00Z").await;
    assert_eq!(listed(&nobody, &mine).await.len(), 2, "its time has come");
    app.pass("2026-11-25T11:00:00Z").await;
    let schedule = &mut api::jobs::schedule::Schedule::default();
    schedule.enqueue_due(app.state(), true).await;
    app.drain().await;
    assert!(listed(&nobody, &mine).await.is_empty());
    let over = nobody.get(&at(&here, "")).await.expect(200);
    assert_eq!(over["ended"], true, "one that is over can still be looked up");
    assert_eq!(officer.get(&at(&here, "")).await.expect(200)["desk"]["status"], "ended");
    officer.post(&at(&here, "/submit"), json!({})).await.refused(409, "publication_step_refused");
    assert_eq!(app.count("audit_entry where action = 'announcement.end'").await, 3);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = App::with(|config| config.screening.forbidden = vec!["赌博".to_owned()]).await;
    let officer = app.as_(OFFICER);
    let send = async |key: &str, body: Value| {
        officer.request(Method::POST, "/announcements").key(key).json(&body).send().await
    };
    let mut bad = body("notice");
    bad["content"]["text"] = json!("请张某（身份证 11010519491231002X）到社区领取通知书。");
    bad["content"]["areas"] = json!(["140213066", "140213066004999"]);
    bad["content"]["ends_at"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(send("bad-fields", bad).await.fields(), ["text", "areas[0]", "ends_at"]);
    let mut nowhere = body("notice");
    nowhere["content"]["areas"] = json!(["140213066004999"]);
    assert_eq!(send("no-such-area", nowhere).await.fields(), ["areas[0]"]);
    let mut foreign = body("notice");
    foreign["body"] = json!("140213066");
    assert_eq!(send("foreign-body", foreign).await.fields(), ["body"]);
    let photo = app.resident("li").upload("an-others-photo", &photo(64, 48)).await.expect(201);
    let mut stolen = body("notice");
    stolen["content"]["attachment_ids"] = json!([photo["id"]]);
    assert_eq!(send("stolen-photo", stolen).await.fields(), ["attachment_ids"]);

    // A forbidden word is pointed out to the author, and stays where it is.
    let mut word = body("notice");
    word["content"]["text"] = json!("周六在广场举办防赌博宣传，欢迎参加。");
    let made = send("a-forbidden-word", word).await.expect(201);
    assert_eq!(made["desk"]["flagged"], json!(["赌博"]));
    assert!(made["text"].as_str().unwrap().contains("赌博"));
    let down = json!({"reason": "改期另行通知"});
    let gone = officer.post(&at(&made, "/withdraw"), down.clone()).await.expect(200);
    assert_eq!(gone["desk"]["status"], "withdrawn");
    officer.post(&at(&made, "/withdraw"), down).await.refused(409, "publication_step_refused");
}

#[tokio::test]
async fn an_edition_has_its_own_pictures() {
    let app = App::spawn().await;
    let (officer, nobody) = (app.as_(OFFICER), app.anonymous());
    let mut files = Vec::new();
    for key in ["picture-one", "picture-two"] {
        files.push(officer.upload(key, &photo(64, 48)).await.expect(201)["id"].clone());
    }
    let mut first = body("activity");
    first["content"]["attachment_ids"] = json!([files[0]]);
    let made = drafted(&officer, "with-a-picture", &first).await;
    officer.post(&at(&made, "/submit"), json!({})).await.expect(200);
    let mut second = first["content"].clone();
    second["attachment_ids"] = json!([files[1], files[0]]);
    officer.request(Method::PUT, &at(&made, "")).json(&second).send().await.expect(200);
    let shown = nobody.get(&at(&made, "")).await.expect(200);
    assert_eq!(shown["pictures"].as_array().unwrap().len(), 1, "the first edition is shown");
    officer.post(&at(&made, "/submit"), json!({})).await.expect(200);
    let shown = nobody.get(&at(&made, "")).await.expect(200);
    let ids: Vec<&Value> =
        shown["pictures"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&files[1], &files[0]]);
    let (status, ..) = fetched(&app, &shown["pictures"][0]["thumbnail_url"]).await;
    assert_eq!(status, 200, "without a log-in");
    // One that somebody hides is hidden here too.
    let hide = format!("/attachments/{}/hide", files[1].as_str().unwrap());
    app.as_("supervisor").post(&hide, json!({"reason": "照片里有车牌号码"})).await.expect(200);
    let shown = nobody.get(&at(&made, "")).await.expect(200);
    assert_eq!(shown["pictures"].as_array().unwrap().len(), 1);
}
