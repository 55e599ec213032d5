//! Finding complaints: filters, words, numbers, pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{App, COMMUNITY, SUBDISTRICT, complaint};

fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_show_each_complaint_once_newest_first() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut made = Vec::new();
    for n in 0..45 {
        // Three at each instant: the id decides between equals.
        if n % 3 == 0 {
            app.advance(chrono::TimeDelta::seconds(1));
        }
        made.push(li.submit(&complaint()).await.id);
    }
    for path in
        ["/complaints", "/complaints?limit=1", "/complaints?limit=7", "/complaints?limit=100"]
    {
        let seen = app.as_("dispatcher").all(path).await;
        let stamps: Vec<&str> =
            seen.iter().map(|one| one["created_at"].as_str().unwrap()).collect();
        assert!(stamps.is_sorted_by(|newer, older| newer >= older), "{path}");
        let seen = ids(&seen);
        assert_eq!(seen.len(), 45, "{path}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>(), made.iter().collect::<BTreeSet<_>>());
    }
    let first = app.as_("dispatcher").get("/complaints").await.expect(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 20, "20 unless asked otherwise");

    // What comes in meanwhile moves nothing on later pages.
    let next = format!("/complaints?cursor={}", first["next_cursor"].as_str().unwrap());
    let before = app.as_("dispatcher").get(&next).await.expect(200);
    li.submit(&complaint()).await;
    assert_eq!(app.as_("dispatcher").get(&next).await.expect(200), before);
}

#[tokio::test]
async fn filters_narrow_and_never_widen() {
    let app = App::spawn().await;
    let dispatched = app.dispatched().await;
    let submitted = app.submitted().await;
    let mut elsewhere = complaint();
    elsewhere["community_code"] = json!("140213066005");
    let elsewhere = app.resident("wang").submit(&elsewhere).await;
    let found = async |who: &str, query: &str| {
        let mut found = ids(&app.as_(who).all(&format!("/complaints{query}")).await);
        found.sort();
        found
    };
    let sorted = |cases: &[&str]| {
        let mut ids: Vec<String> = cases.iter().map(|id| (*id).to_owned()).collect();
        ids.sort();
        ids
    };
    let (d, s, e) = (dispatched.id.as_str(), submitted.id.as_str(), elsewhere.id.as_str());
    assert_eq!(found("dispatcher", "").await, sorted(&[d, s, e]));
    assert_eq!(found("dispatcher", "?status=submitted").await, sorted(&[s, e]));
    assert_eq!(found("dispatcher", "?unit=urban-management").await, sorted(&[d]));
    assert_eq!(found("dispatcher", "?unit=housing").await, sorted(&[]));
    let here = format!("?community_code={COMMUNITY}");
    assert_eq!(found("dispatcher", &here).await, sorted(&[d, s]));
    assert_eq!(found("dispatcher", &format!("{here}&status=submitted")).await, sorted(&[s]));
    let subdistrict = format!("?community_code={SUBDISTRICT}");
    assert_eq!(found("dispatcher", &subdistrict).await, sorted(&[d, s, e]));
    assert_eq!(found("subdistrict.140213066", "").await, sorted(&[d, s, e]));
    assert_eq!(found("community.140213066004", "").await, sorted(&[d, s]));
    assert_eq!(found("community.140213066004", "?community_code=140213066005").await, sorted(&[]));
    assert_eq!(found("dept.urban-management", "").await, sorted(&[d]));
    assert_eq!(found("dept.urban-management", "?unit=housing").await, sorted(&[]));
    assert_eq!(found("subdistrict.140213050", "").await, sorted(&[]));
}

#[tokio::test]
async fn words_find_titles_and_contents_and_a_number_finds_its_case() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let lamp = li.submit(&complaint()).await;
    let mut other = complaint();
    other["title"] = json!("小区暖气不热 100%_都不热");
    other["content"] = json!("三号楼二单元𠮷姓住户家里只有十四度。");
    let heat = li.submit(&other).await;
    let found = async |q: &str| {
        let page = app.as_("dispatcher").get(&format!("/complaints?q={q}")).await.expect(200);
        ids(page["items"].as_array().unwrap())
    };
    for (q, case) in [
        ("路灯", &lamp),
        ("老人出行", &lamp),
        ("暖气", &heat),
        ("𠮷姓", &heat),
        ("100%25_", &heat),
        (&lamp.number, &lamp),
        (&heat.number, &heat),
    ] {
        assert_eq!(found(q).await, [case.id.as_str()], "{q}");
    }
    for nothing in ["没有这回事", "%25%25", "__", "PC20261124999999", "'; drop table complaint; --"]
    {
        assert!(found(nothing).await.is_empty(), "{nothing}");
    }
    app.as_("dispatcher").get("/complaints?q=灯").await.refused(422, "invalid_field");
    let (wang, of_li) = (app.resident("wang"), format!("/complaints?q={}", lamp.number));
    assert!(wang.all(&of_li).await.is_empty(), "a number opens no foreign case");
}

#[tokio::test]
async fn several_filters_hold_at_once() {
    let app = App::spawn().await;
    let dispatched = app.dispatched().await;
    let submitted = app.submitted().await;
    let mut praise = complaint();
    praise["kind"] = json!("praise");
    let praise = app.resident("li").submit(&praise).await;
    app.accept(&praise, "inquiry").await;
    let hot = json!({"on": true, "reason": "三天内第二件"});
    let marked = app.as_("dispatcher").post(&submitted.path("/hot"), hot.clone()).await.expect(200);
    assert_eq!(marked["hot"], true);
    let found = async |who: &str, query: &str| {
        let mut found = ids(&app.as_(who).all(&format!("/complaints?{query}")).await);
        found.sort();
        found
    };
    let tasks =
        async |query: &str| app.as_("dispatcher").all(&format!("/tasks?{query}")).await.len();
    let (d, s, p) = (dispatched.id.as_str(), submitted.id.as_str(), praise.id.as_str());
    // Ids of one instant have no order.
    let both = |one, other| if one < other { [one, other] } else { [other, one] };
    assert_eq!(found("dispatcher", "status=submitted,accepted").await, both(s, p));
    assert_eq!(found("dispatcher", "kind=praise").await, [p]);
    assert_eq!(found("dispatcher", "kind=help&urgency=ordinary").await, [d]);
    assert_eq!(found("dispatcher", "hot=true").await, [s]);
    assert_eq!(found("community.140213066004", "hot=true").await, [s]);
    assert_eq!(found("dispatcher", "hot=false").await, both(d, p));
    assert_eq!(found("dispatcher", "overdue=true").await, [""; 0]);
    assert_eq!(found("dispatcher", "due_before=2027-01-01T00:00:00Z").await, [d]);
    assert_eq!(found("dispatcher", "due_before=2026-11-25T00:00:00Z").await, [""; 0]);
    let all = "status=pending&unit=urban-management&community_code=140213066&kind=help\
               &urgency=ordinary&due_before=2027-01-01T00:00:00Z&hot=false&q=路灯";
    assert_eq!(tasks(all).await, 1);
    for none in ["unit=housing", "community_code=140213051", "kind=praise", "urgency=hard"] {
        assert_eq!(tasks(none).await, 0, "{none}");
    }
    assert_eq!((tasks("hot=true").await, tasks("status=arrived,replied").await), (0, 0));
    app.pass("2026-12-20T09:00:00+08:00").await;
    assert_eq!(found("dispatcher", "overdue=true").await, [d]);
    assert_eq!(tasks("overdue=true&status=pending").await, 1);

    // A second click changes nothing; what is off is found no more.
    let dispatcher = app.as_("dispatcher");
    dispatcher.post(&submitted.path("/hot"), hot.clone()).await.expect(200);
    let off = json!({"on": false});
    assert_eq!(dispatcher.post(&submitted.path("/hot"), off).await.expect(200)["hot"], false);
    assert_eq!(found("dispatcher", "hot=true").await, [""; 0]);
    let audited: i64 =
        sqlx::query_scalar("select count(*) from audit_entry where action = 'complaint.hot'")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(audited, 2);
    let stale = dispatcher.request(reqwest::Method::POST, &submitted.path("/hot"));
    stale.version(9).json(&hot).send().await.refused(412, "version_mismatch");
    let empty = json!({"on": true, "reason": ""});
    dispatcher.post(&submitted.path("/hot"), empty).await.refused(422, "invalid_field");
}

#[tokio::test]
async fn words_estates_and_ends_of_numbers_are_found() {
    let app = App::spawn().await;
    let mut body = complaint();
    body["address"] = json!("永安花园 3号楼");
    let lamp = app.resident("li").submit(&body).await;
    let other = app.submitted().await;
    let found = async |q: &str| {
        let page = app.as_("dispatcher").get(&format!("/complaints?q={q}")).await.expect(200);
        ids(page["items"].as_array().unwrap())
    };
    for q in ["永安花园", "永安花园 路灯", "路灯%20永安", "3号楼"] {
        assert_eq!(found(q).await, [lamp.id.as_str()], "{q}");
    }
    assert!(found("永安花园 暖气").await.is_empty());
    let end = |number: &str| number[number.len() - 6..].to_owned();
    assert_eq!(found(&end(&lamp.number)).await, [lamp.id.as_str()]);
    assert_eq!(found(&other.number.to_lowercase()).await, [other.id.as_str()]);
    let tasks = app.as_("dispatcher").all(&format!("/tasks?q={}", end(&lamp.number))).await;
    assert!(tasks.is_empty(), "not dispatched yet");
    let bad = app.as_("dispatcher").get("/complaints?q=路灯 灯").await;
    assert_eq!(bad.fields(), ["q"]);
}

#[tokio::test]
async fn a_bad_query_is_refused_by_field() {
    let app = App::spawn().await;
    let dispatcher = app.as_("dispatcher");
    let absurd = "9223372036854775807_019ab0c1d2e37f008a1b2c3d4e5f6071";
    for (query, field) in [
        ("cursor=abc", "cursor"),
        (&format!("cursor={absurd}"), "cursor"),
        ("cursor=-1_019ab0c1d2e37f008a1b2c3d4e5f6071", "cursor"),
        ("cursor=%00", "cursor"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("status=lost", "status"),
        ("status=submitted,lost", "status"),
        ("kind=x", "kind"),
        ("urgency=high", "urgency"),
        ("hot=yes", "hot"),
        ("due_before=2026-11-25", "due_before"),
        ("unit=x'", "unit"),
        ("community_code=x'", "community_code"),
    ] {
        let refused = dispatcher.get(&format!("/complaints?{query}")).await;
        assert_eq!(refused.fields(), [field], "{query}: {refused}");
        refused.refused(422, "invalid_field");
    }
    let unreadable = dispatcher.get("/complaints?q=%FF%FE%FD").await;
    assert!(unreadable.status < 500, "{unreadable}");
}
