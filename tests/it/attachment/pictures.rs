//! Pictures that may be chosen again: those of an offer, and those of a service.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{fetched, files_of_page, key, uploaded, voice};
use crate::support::{Answer, App, COMMUNITY, Client};

/// Chooses the pictures of an offer or a claim.
async fn choose(who: &Client, thing: &str, ids: &[&Value]) -> Answer {
    let body = json!({"attachment_ids": ids});
    who.request(Method::PUT, &format!("{thing}/pictures")).json(&body).send().await
}

async fn shown(who: &Client, thing: &str) -> Vec<Value> {
    let files = files_of_page(who, &format!("{thing}/pictures")).await;
    files.into_iter().map(|file| file["id"].clone()).collect()
}

async fn published(app: &App, merchant: &str) -> String {
    let body = json!({
        "title": "幸福餐厅午餐一份", "category": "dining", "points": 10, "stock": 5, "per_person": 1,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": merchant,
    });
    let made = app.as_("organiser").post("/offers", body).await.expect(201);
    format!("/offers/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_offer_shows_the_pictures_that_its_shop_chose() {
    let app = App::spawn().await;
    let (li, manager) = (app.resident("li"), app.as_("manager.wenxing"));
    let organiser = app.as_("organiser");
    let offer = published(&app, "wenxing").await;
    assert_eq!(li.get(&offer).await.expect(200)["cover_url"], Value::Null);
    let (one, two) = (uploaded(&manager).await, uploaded(&manager).await);
    choose(&manager, &offer, &[&two, &one]).await.expect(200);
    assert_eq!(shown(&li, &offer).await, [two.clone(), one.clone()]);
    let cover = li.get(&offer).await.expect(200)["cover_url"].clone();
    assert!(cover.as_str().unwrap().contains(two.as_str().unwrap()), "the first is the cover");
    let (status, headers, bytes) = fetched(&app, &cover).await;
    assert_eq!((status, headers["content-type"].as_bytes()), (200, &b"image/jpeg"[..]));
    image::load_from_memory(&bytes).unwrap();
    let listed = li.all("/offers").await;
    let listed = listed.iter().find(|one| offer.ends_with(one["id"].as_str().unwrap())).unwrap();
    assert_eq!(fetched(&app, &listed["cover_url"]).await.0, 200);
    // The organiser keeps the manager's picture, and cannot take another person's.
    choose(&organiser, &offer, &[&one]).await.expect(200);
    assert_eq!(shown(&li, &offer).await, std::slice::from_ref(&one));
    let foreign = uploaded(&li).await;
    let spoken = manager.upload(&key(), &voice()).await.expect(201)["id"].clone();
    for (who, wrong) in [(&organiser, &foreign), (&manager, &spoken)] {
        let refused = choose(who, &offer, &[&one, wrong]).await;
        assert_eq!(refused.fields(), ["attachment_ids"], "{refused}");
    }
    assert_eq!(
        shown(&li, &offer).await,
        std::slice::from_ref(&one),
        "what is refused changes nothing"
    );
    // A picture belongs to one offer.
    let other = published(&app, "wenxing").await;
    choose(&manager, &other, &[&one]).await.refused(422, "invalid_field");
    // Another shop's, and a person without a shop.
    let theirs = published(&app, "happy-market").await;
    let own = uploaded(&manager).await;
    choose(&manager, &theirs, &[&own]).await.refused(404, "not_found");
    choose(&li, &offer, &[&foreign]).await.refused(403, "forbidden");
    // What a person hides is no cover any more.
    let hide = json!({"reason": "照片与优惠无关"});
    let path = format!("/attachments/{}/hide", one.as_str().unwrap());
    let hidden = app.as_("dispatcher").post(&path, hide).await.expect(200);
    assert!(offer.ends_with(hidden["offer_id"].as_str().unwrap()));
    assert_eq!(li.get(&offer).await.expect(200)["cover_url"], Value::Null);
    assert_eq!(files_of_page(&li, &format!("{offer}/pictures")).await[0]["url"], Value::Null);
    choose(&manager, &offer, &[]).await.expect(200);
    assert!(shown(&li, &offer).await.is_empty());
    // What is over stays as it was.
    let end = json!({"step": "end", "reason": "食材不足"});
    organiser.post(&format!("{offer}/switch"), end).await.expect(200);
    choose(&manager, &offer, &[&own]).await.refused(409, "offer_step_refused");
    let count = "audit_entry where action = 'offer.show'";
    assert_eq!(app.count(count).await, 3);
}

#[tokio::test]
async fn a_draft_shows_its_pictures_to_its_shop_alone() {
    let app = App::spawn().await;
    let (li, manager) = (app.resident("li"), app.as_("manager.wenxing"));
    let body = json!({
        "title": "幸福餐厅午餐一份", "category": "dining", "points": 10, "stock": 5, "per_person": 1,
        "valid_until": "2027-06-30T16:00:00Z", "merchant": "wenxing",
    });
    let draft = manager.request(Method::POST, "/offer-drafts").key(&key()).json(&body);
    let draft = draft.send().await.expect(201);
    let offer = format!("/offers/{}", draft["id"].as_str().unwrap());
    let one = uploaded(&manager).await;
    choose(&manager, &offer, &[&one]).await.expect(200);
    assert_eq!(shown(&app.as_("organiser"), &offer).await, [one]);
    li.get(&format!("{offer}/pictures")).await.refused(404, "not_found");
}

#[tokio::test]
async fn whoever_served_shows_pictures_until_the_hours_are_settled() {
    let app = App::spawn().await;
    let (li, wang) = (app.resident("li"), app.resident("wang"));
    let officer = app.as_("community.140213066004");
    let starts_at = app.now() - TimeDelta::minutes(10);
    let post = json!({
        "community_code": COMMUNITY, "kind": "elderly", "title": "陪老人就医", "capacity": 1,
        "starts_at": starts_at, "ends_at": starts_at + TimeDelta::minutes(120),
    });
    let post = officer.post("/posts", post).await.expect(201)["id"].clone();
    let claims = format!("/posts/{}/claims", post.as_str().unwrap());
    let made = async |who: &Client| {
        let made = who.post(&claims, json!({})).await.expect(201);
        format!("/claims/{}", made["id"].as_str().unwrap())
    };
    let (claim, waiting) = (made(&li).await, made(&wang).await);
    let (one, two) = (uploaded(&li).await, uploaded(&li).await);
    choose(&li, &claim, &[&one, &two]).await.expect(200);
    choose(&li, &claim, &[&two]).await.expect(200);
    for who in [&li, &officer, &app.as_("organiser")] {
        assert_eq!(shown(who, &claim).await, std::slice::from_ref(&two));
    }
    let foreign = uploaded(&wang).await;
    choose(&wang, &claim, &[&foreign]).await.refused(404, "not_found");
    choose(&officer, &claim, &[]).await.refused(403, "forbidden");
    // Who waits for a place has done nothing yet.
    choose(&wang, &waiting, &[&foreign]).await.refused(409, "claim_step_refused");
    for stranger in [&wang, &app.as_("community.140213051001"), &app.as_("dept.housing")] {
        stranger.get(&format!("{claim}/pictures")).await.refused(404, "not_found");
    }
    officer.post(&format!("{claim}/confirm"), json!({"minutes": 60})).await.expect(200);
    choose(&li, &claim, &[]).await.refused(409, "claim_step_refused");
    assert_eq!(shown(&officer, &claim).await, [two], "what was confirmed keeps its pictures");
}
