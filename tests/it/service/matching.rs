//! Who fits which post, and why; and that nobody is suggested who did not agree.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{FOREIGN, OFFICER, claimed, post, published};
use crate::support::{App, Client};

async fn skilled(who: &Client, skills: &[&str], suggest: bool) -> Value {
    let body = json!({ "skills": skills, "suggest": suggest });
    who.request(Method::PUT, "/me/skills").json(&body).send().await.ok()
}

#[tokio::test]
async fn posts_are_suggested_by_skill_and_place_with_the_reason() {
    let app = App::spawn().await;
    let li = app.resident("li");
    assert_eq!(li.get("/me/skills").await.ok(), json!({ "skills": [], "suggest": false }));
    skilled(&li, &["急救", "理发"], false).await;
    let make = async |from: i64, skills: Value, lat: f64| {
        let mut body = post(&app, from, 60, 5);
        body["skills"] = skills;
        body["location"] = json!({ "lng": 113.3402, "lat": lat });
        published(&app, body).await
    };
    let near = make(600, json!(["理发"]), 40.0912).await;
    let far = make(700, json!(["理发", "急救"]), 40.0650).await;
    let taken = make(800, json!(["理发"]), 40.0912).await;
    let at_once = make(830, json!(["理发"]), 40.0912).await;
    claimed(&li, &taken).await;
    let found = li.get("/me/post-matches?lng=113.3402&lat=40.0911").await.ok();
    let found = found["items"].as_array().unwrap();
    let of = |id: &str| found.iter().position(|it| it["post"]["id"] == id);
    let (first, second) = (of(&near).expect("near"), of(&far).expect("far"));
    assert!(first < second, "{found:?}");
    assert_eq!((of(&taken), of(&at_once)), (None, None), "what meets a claim is not suggested");
    let said = (&found[first]["score"], &found[first]["text"]);
    assert_eq!(said, (&json!(90), &json!("会理发；离您约 50 米")));
    assert_eq!(found[second]["text"], "会理发、急救；离您约 3 公里");
    let scores: Vec<i64> = found.iter().map(|it| it["score"].as_i64().unwrap()).collect();
    assert!(scores.is_sorted_by(|one, next| one >= next), "{scores:?}");
    let half = li.get("/me/post-matches?lng=113.3402").await;
    assert_eq!((half.status, half.fields()), (422, vec!["lng"]));
    li.get("/me/post-matches?lng=40&lat=113").await.refused(422, "invalid_field");
    let body = json!({ "skills": vec!["会"; 11] });
    let many = li.request(Method::PUT, "/me/skills").json(&body).send().await;
    assert_eq!((many.status, many.fields()), (422, vec!["skills"]));
}

/// Of the posts of the next thirty days the soonest are looked at, however many come later.
#[tokio::test]
async fn the_soonest_are_looked_at() {
    let app = App::spawn().await;
    let li = app.resident("li");
    skilled(&li, &["理发"], false).await;
    let make = async |days: i64, title: &str| {
        let mut body = post(&app, days * 1440, 60, 5);
        body["skills"] = json!(["理发"]);
        body["title"] = json!(title);
        published(&app, body).await
    };
    let tomorrow = make(1, "明天理发").await;
    let beyond = make(31, "下个月理发").await;
    let elsewhere = make(2, "后天理发").await;
    sqlx::query(
        "insert into post (id, community_code, kind, title, starts_at, ends_at, capacity, created_by,
             created_at)
         select gen_random_uuid(), community_code, kind, '以后', starts_at + (20 + n % 9) * interval '1 day',
             ends_at + (20 + n % 9) * interval '1 day', 5, created_by, created_at
         from post cross join generate_series(1, 600) n where id = $1::uuid",
    )
    .bind(&tomorrow)
    .execute(app.db())
    .await
    .unwrap();
    // What was served elsewhere at that time holds it as well.
    sqlx::query(
        "insert into imported_service (id, platform, record_no, account_id, during, minutes, counted,
             title, imported_by, imported_at)
         select gen_random_uuid(), 'zhiyuan', '1', $2::uuid, during, 60, 60, '外部', created_by, created_at
         from post where id = $1::uuid",
    )
    .bind(&elsewhere)
    .bind(li.get("/me").await.ok()["id"].as_str().unwrap())
    .execute(app.db())
    .await
    .unwrap();
    let found = li.get("/me/post-matches").await.ok();
    let items = found["items"].as_array().unwrap();
    let ids: Vec<&str> = items.iter().map(|it| it["post"]["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0]), (20, tomorrow.as_str()), "{items:?}");
    assert!(!ids.contains(&beyond.as_str()) && !ids.contains(&elsewhere.as_str()));
}

#[tokio::test]
async fn only_who_agreed_is_suggested_and_invited_once() {
    let app = App::spawn().await;
    let (li, wang, zhao) = (app.resident("li"), app.resident("wang"), app.resident("zhao"));
    let officer = app.as_(OFFICER);
    skilled(&li, &["理发"], true).await;
    skilled(&wang, &["理发"], false).await;
    skilled(&zhao, &["理发", "急救"], true).await;
    let mut body = post(&app, 600, 60, 5);
    body["skills"] = json!(["理发", "急救"]);
    let one = published(&app, body).await;
    let path = format!("/posts/{one}/candidates");
    app.as_(FOREIGN).get(&path).await.refused(404, "not_found");
    li.get(&path).await.refused(403, "forbidden");
    let found = officer.get(&path).await.ok();
    let people: Vec<(&Value, &Value)> =
        found["items"].as_array().unwrap().iter().map(|it| (&it["score"], &it["text"])).collect();
    assert_eq!(people, [(&json!(60), &json!("会理发、急救")), (&json!(30), &json!("会理发"))]);

    let invitations = format!("/posts/{one}/invitations");
    let invite = json!({ "candidate": found["items"][0]["candidate"] });
    let after = officer.post(&invitations, invite.clone()).await.ok();
    assert_eq!(after["items"][0]["invited"], true);
    officer.post(&invitations, invite.clone()).await.refused(409, "already_invited");
    app.as_(FOREIGN).post(&invitations, invite.clone()).await.refused(404, "not_found");
    let wangs = wang.get("/me").await.ok()["id"].clone();
    let not_asked = officer.post(&invitations, json!({ "candidate": wangs })).await;
    assert_eq!((not_asked.status, not_asked.fields()), (422, vec!["candidate"]));
    app.drain().await;
    let told = zhao.all("/notifications").await;
    let first = (&told[0]["kind"], &told[0]["post_id"], &told[0]["title"]);
    assert_eq!(first, (&json!("post_invited"), &json!(one), &json!("陪老人就医")));
    assert!(told[0]["text"].as_str().unwrap().contains("邀请您认领"));

    // Who takes it, who has something else, and who no longer agrees, is suggested no more.
    claimed(&zhao, &one).await;
    skilled(&li, &["理发"], false).await;
    assert_eq!(officer.get(&path).await.ok()["items"], json!([]));
    app.advance(TimeDelta::hours(12));
    officer.post(&invitations, invite).await.refused(409, "post_ended");
}
