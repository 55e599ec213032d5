//! The guide of services: written, signed, found, said to be useful, told of when it runs out.

use std::path::Path;

use api::jobs::schedule::Schedule;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, CLERK, Client};

const HEAD: &str = "head.urban-management";
const OFFICER: &str = "community.140213066004";

fn item(title: &str) -> Value {
    json!({"content": {
        "title": title, "category": "城市管理", "eligible": "需要临时占用城市道路的单位和个人",
        "materials": ["申请表", "平面图"], "steps": ["窗口受理", "现场勘查"], "term_days": 5,
        "link": "https://www.shanxi.gov.cn/", "valid_until": "2027-01-10",
    }})
}

async fn drafted(who: &Client, key: &str, body: &Value) -> Value {
    who.request(Method::POST, "/guides").key(key).json(body).send().await.expect(201)
}

fn at(made: &Value, rest: &str) -> String {
    format!("/guides/{}{rest}", made["id"].as_str().unwrap_or_default())
}

/// One that 文兴社区 published: nobody else signs there.
async fn published(app: &App, title: &str) -> Value {
    let officer = app.as_(OFFICER);
    let made = drafted(&officer, &format!("published-{:x}", title.len()), &item(title)).await;
    officer.post(&at(&made, "/submit"), json!({})).await.expect(200)
}

#[tokio::test]
async fn a_clerk_writes_and_the_head_signs() {
    let app = App::spawn().await;
    let (clerk, head, nobody) = (app.as_(CLERK), app.as_(HEAD), app.anonymous());
    let made = drafted(&clerk, "a-first-item", &item("占道施工许可")).await;
    assert_eq!(drafted(&clerk, "a-first-item", &item("占道施工许可")).await, made);
    let taken = clerk.request(Method::POST, "/guides").key("a-second-item");
    taken.json(&item("占道施工许可")).send().await.refused(409, "guide_title_taken");
    nobody.get(&at(&made, "")).await.refused(404, "not_found");
    app.as_("dept.housing").get(&at(&made, "")).await.refused(404, "not_found");
    let waits = clerk.post(&at(&made, "/submit"), json!({})).await.expect(200);
    assert_eq!(waits["desk"]["status"], "in_review");
    let yes = json!({"approve": true});
    clerk.post(&at(&made, "/review"), yes.clone()).await.refused(403, "forbidden");
    app.as_("head.housing")
        .post(&at(&made, "/review"), yes.clone())
        .await
        .refused(404, "not_found");
    app.drain().await;
    let told = head.all("/notifications").await;
    assert_eq!(
        (&told[0]["kind"], &told[0]["guide_id"]),
        (&json!("publication_submitted"), &made["id"])
    );
    assert_eq!(told[0]["title"], "占道施工许可");
    let signed = head.post(&at(&made, "/review"), yes).await.expect(200);
    assert_eq!(signed["desk"]["status"], "published");
    app.drain().await;
    assert_eq!(clerk.all("/notifications").await[0]["kind"], "publication_reviewed");

    // The second edition is not read before it is signed; the same again is none.
    let again = clerk.request(Method::PUT, &at(&made, "")).json(&item("占道施工许可")["content"]);
    assert_eq!(again.send().await.expect(200)["desk"]["edition"], 1);
    let mut other = item("占道施工许可")["content"].clone();
    other["term_days"] = json!(3);
    clerk.request(Method::PUT, &at(&made, "")).json(&other).send().await.expect(200);
    assert_eq!(nobody.get(&at(&made, "")).await.expect(200)["term_days"], 5);
    clerk.post(&at(&made, "/submit"), json!({})).await.expect(200);
    clerk.post(&at(&made, "/submit"), json!({})).await.refused(409, "publication_waits");
    head.post(&at(&made, "/review"), json!({"approve": true})).await.expect(200);
    assert_eq!(nobody.get(&at(&made, "")).await.expect(200)["term_days"], 3);
    assert_eq!(clerk.get(&at(&made, "?edition=1")).await.expect(200)["term_days"], 5);

    let down = json!({"reason": "事项已取消"});
    head.post(&at(&made, "/withdraw"), down).await.expect(200);
    nobody.get(&at(&made, "")).await.refused(404, "not_found");
    drafted(&clerk, "a-third-item", &item("占道施工许可")).await;

    // A head's own word is the unit's: there is no other to sign.
    let own = drafted(&head, "by-the-head", &item("户外广告许可")).await;
    let own = head.post(&at(&own, "/submit"), json!({})).await.expect(200);
    assert_eq!(own["desk"]["status"], "published");
}

#[tokio::test]
async fn people_find_it_and_say_whether_it_was_useful() {
    let app = App::spawn().await;
    let (nobody, li, officer) = (app.anonymous(), app.resident("li"), app.as_(OFFICER));
    let made = published(&app, "老年人优待证办理").await;
    published(&app, "高龄津贴申领流程说明").await;
    let found = nobody.all("/guides?q=优待证").await;
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["id"], &found[0]["desk"]), (&made["id"], &Value::Null));
    assert!(nobody.all("/guides?q=护照").await.is_empty());
    assert_eq!(nobody.get("/guides?q=老").await.fields(), ["q"], "a word has two characters");
    assert_eq!(nobody.get("/guides?q=老年 证").await.fields(), ["q"]);
    assert_eq!(nobody.all("/guides?unit=140213066004&category=城市管理").await.len(), 2);
    assert!(nobody.all("/guides?unit=water").await.is_empty());

    let asked = "/guides/suggest?text=家里老人八十岁了怎么申领高龄津贴";
    let proposed = nobody.get(asked).await.expect(200);
    assert_eq!(proposed["items"][0]["title"], "高龄津贴申领流程说明", "{proposed}");
    let none = nobody.get("/guides/suggest?text=路灯坏了三天").await.expect(200);
    assert_eq!(none["items"], json!([]));
    assert_eq!(nobody.get("/guides/suggest?text=我").await.fields(), ["text"]);

    let votes = at(&made, "/votes");
    let bad = json!({"useful": false, "comment": "没有写需不需要复印件"});
    li.post(&votes, bad.clone()).await.expect(204);
    li.post(&votes, bad).await.expect(204);
    nobody.post(&votes, json!({"useful": false})).await.expect(204);
    nobody.post(&votes, json!({"useful": true, "comment": "很清楚"})).await.expect(204);
    app.resident("wang").post(&votes, json!({"useful": true})).await.expect(204);
    let counted = officer.get(&votes).await.expect(200);
    assert_eq!((&counted["useful"], &counted["useless"]), (&json!(2), &json!(1)));
    let comments = counted["comments"].as_array().unwrap();
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert_eq!(comments[0]["comment"], "没有写需不需要复印件");
    assert!(!counted.to_string().contains("account"), "nothing says who");
    app.as_("subdistrict.140213066").get(&votes).await.refused(404, "not_found");
    // An address has one voice a day.
    app.advance(chrono::TimeDelta::days(1));
    nobody.post(&votes, json!({"useful": true})).await.expect(204);
    assert_eq!(officer.get(&votes).await.expect(200)["useful"], 3);
    let stored = app.count("guide_vote as one where one::text like '%127.0.0.1%'").await;
    assert_eq!(stored, 0, "an address is kept as a MAC alone");
    let missing = "/guides/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/votes";
    nobody.post(missing, json!({"useful": true})).await.refused(404, "not_found");
    nobody.post(missing, json!({"no_such_field": 1})).await.refused(404, "not_found");
    assert_eq!(nobody.post(&votes, json!({"useful": 1})).await.fields(), ["useful"]);

    li.request(Method::DELETE, "/me").send().await.expect(202);
    app.drain().await;
    let left = officer.get(&votes).await.expect(200);
    assert_eq!((&left["useless"], &left["comments"]), (&json!(1), &json!([])), "erased words");
}

#[tokio::test]
async fn its_owner_is_told_before_it_runs_out_and_when_it_did() {
    let app = App::spawn().await;
    let (officer, nobody) = (app.as_(OFFICER), app.anonymous());
    let mut body = item("老年人优待证办理");
    body["content"]["next_review"] = json!("2026-12-01");
    let made = drafted(&officer, "runs-out", &body).await;
    officer.post(&at(&made, "/submit"), json!({})).await.expect(200);
    let mut told_kinds = Vec::new();
    for (day, expected) in [
        ("2026-11-30", None),
        ("2026-12-01", Some("guide_review_due")),
        ("2026-12-02", None),
        ("2026-12-10", None),
        ("2026-12-11", Some("guide_expiring")),
        ("2026-12-12", None),
        ("2027-01-10", None),
        ("2027-01-11", Some("guide_expired")),
        ("2027-01-12", None),
    ] {
        app.set_clock(crate::support::at(&format!("{day}T01:00:00Z")));
        Schedule::default().enqueue_due(app.state(), true).await;
        app.drain().await;
        told_kinds.extend(expected);
        let inbox = officer.all("/notifications").await;
        let kinds: Vec<&str> = inbox
            .iter()
            .rev()
            .filter(|one| one["guide_id"] == made["id"])
            .map(|one| one["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, told_kinds, "on {day}");
    }
    let shown = nobody.get(&at(&made, "")).await.expect(200);
    assert_eq!(shown["expired"], true, "marked for a month");
    let proposed = nobody.get("/guides/suggest?text=老年人优待证办理").await.expect(200);
    assert_eq!(proposed["items"], json!([]), "and not proposed");
    app.set_clock(crate::support::at("2027-02-09T01:00:00Z"));
    assert_eq!(nobody.all("/guides?category=城市管理").await.len(), 1);
    app.set_clock(crate::support::at("2027-02-10T01:00:00Z"));
    assert!(nobody.all("/guides?category=城市管理").await.is_empty());
    nobody.get(&at(&made, "")).await.refused(404, "not_found");
    let own = officer.get(&at(&made, "")).await.expect(200);
    assert_eq!(own["expired"], true, "its owner still sees it");
    // What is signed anew is told of anew.
    let mut next = item("老年人优待证办理")["content"].clone();
    next["valid_until"] = json!("2027-02-20");
    officer.request(Method::PUT, &at(&made, "")).json(&next).send().await.expect(200);
    officer.post(&at(&made, "/submit"), json!({})).await.expect(200);
    Schedule::default().enqueue_due(app.state(), true).await;
    app.drain().await;
    let inbox = officer.all("/notifications").await;
    let last = inbox.iter().find(|one| one["guide_id"] == made["id"]).unwrap();
    assert_eq!(last["kind"], "guide_expiring");
}

async fn brought(who: &Client, query: &str, csv: &str) -> Answer {
    let request = who.request(Method::POST, &format!("/guides/import{query}"));
    request.raw("text/csv", csv.to_owned()).send().await
}

#[tokio::test]
async fn a_file_comes_in_whole_or_not_at_all() {
    let app = App::spawn().await;
    let (clerk, head) = (app.as_(CLERK), app.as_(HEAD));
    let header = "事项名称,类别,申请条件,所需材料,办理期限（工作日）,承办单位代码\n";
    let bad = format!(
        "{header}占道经营备案,城市管理,本区个体工商户,身份证；营业执照,五天,\n\
         ,城市管理,任何人,,,\n\
         户外广告许可,城市管理,本区单位,,3,housing\n"
    );
    let tried = brought(&clerk, "?dry_run=true", &bad).await.expect(200);
    let cells: Vec<&str> = tried["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["cell"].as_str().unwrap())
        .collect();
    assert_eq!(cells, ["E2", "A3", "F4"], "{tried}");
    brought(&clerk, "", &bad).await.refused(422, "guide_cells_refused");
    assert_eq!(app.count("guide where unit = 'urban-management'").await, 0, "not a row");
    brought(&clerk, "", "名称,类别\n甲,乙\n").await.refused(422, "guide_sheet_refused");

    let good = format!(
        "{header}占道经营备案,城市管理,本区个体工商户,身份证；营业执照,5,\n\
         户外广告许可,城市管理,本区单位,,3,urban-management\n"
    );
    assert_eq!(brought(&clerk, "?dry_run=true", &good).await.expect(200)["added"], 2);
    assert_eq!(
        app.count("guide where unit = 'urban-management'").await,
        0,
        "a dry run writes nothing"
    );
    assert_eq!(brought(&clerk, "", &good).await.expect(201)["added"], 2);
    let again = brought(&clerk, "", &good).await.expect(201);
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(2)), "a file may come twice");
    let waiting = head.all("/guides/desk?waiting=true").await;
    assert_eq!(waiting.len(), 2, "what is brought is signed like what is written");
    assert!(waiting.iter().any(|one| one["materials"] == json!(["身份证", "营业执照"])));
    let changed = good.replace(",5,", ",2,");
    assert_eq!(brought(&clerk, "", &changed).await.expect(201)["changed"], 1);
    let twice = format!("{header}甲事项,城市管理,任何人,,,\n甲事项,城市管理,任何人,,,\n");
    let tried = brought(&clerk, "?dry_run=true", &twice).await.expect(200);
    assert_eq!(tried["refused"][0]["cell"], "A3");
    let template = clerk.get("/guides/template").await;
    assert_eq!(template.status, 200);
}

/// The real items of the district's departments: what people ask in their own words leads to them.
#[tokio::test]
async fn real_items_are_found_by_the_words_of_people() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/service_items.csv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there; nothing was judged by real items", path.display());
        return;
    };
    let app = App::spawn().await;
    let clerk = app.as_(CLERK);
    let mut csv = String::from("事项名称,类别,申请条件\n");
    let mut titles = std::collections::BTreeSet::new();
    for line in text.lines().skip(1) {
        let Some((department, title)) = line.split_once(',') else { continue };
        let title: String = title.trim_matches('"').chars().take(100).collect();
        if title.chars().count() >= 2 && !title.contains(['"', ',']) && titles.insert(title.clone())
        {
            csv.push_str(&format!("{title},{department},见窗口说明\n"));
        }
    }
    assert!(titles.len() > 900, "{}", titles.len());
    brought(&clerk, "", &csv).await.expect(201);
    // They are the head's to sign one by one; the test signs them at once.
    sqlx::query(
        "update guide set status = 'published', shown = edition, waiting = null, published_at = created_at
         where unit = 'urban-management'",
    )
    .execute(app.db())
    .await
    .unwrap();
    let nobody = app.anonymous();
    for (asked, expected) in [
        ("孩子身体不好想休学，怎么办延缓入学", "延缓入学"),
        ("企业技术改造项目怎么备案", "技术改造"),
        ("贫困学生资助政策在哪里问", "资助"),
    ] {
        let found = nobody.get(&format!("/guides/suggest?text={asked}")).await.expect(200);
        let proposed = found["items"].as_array().unwrap();
        assert!(proposed.len() <= 3);
        let hit = proposed.iter().any(|one| one["title"].as_str().unwrap().contains(expected));
        assert!(hit, "{asked}: {found}");
    }
    let none = nobody.get("/guides/suggest?text=今天晚上吃什么好呢").await.expect(200);
    assert_eq!(none["items"], json!([]));
}
