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
    assert_eq!(found("subdistrict.140213002", "").await, sorted(&[]));
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
        assert_eq!(found(q).await, [case.id.clone()], "{q}");
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
        ("community_code=x'", "community_code"),
        ("colour=red", "colour"),
    ] {
        let refused = dispatcher.get(&format!("/complaints?{query}")).await;
        assert_eq!(refused.fields(), [field], "{query}: {refused}");
        refused.refused(422, "invalid_field");
    }
    dispatcher.get("/complaints?q=%FF%FE%FD").await.refused(422, "invalid_field");
}
