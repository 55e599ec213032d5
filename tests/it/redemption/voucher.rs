//! Vouchers on paper: for whom, how long, and that of all prints the last alone is good.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{adds_up, points, published, remaining, verify};
use crate::support::{Answer, App, Client};

const DESK: &str = "community.140213066004";

fn member(n: u32) -> Value {
    json!({"party_member": {"name": format!("演示党员{n}"), "id_number_last6": format!("100{n:03}")}})
}

async fn issue(who: &Client, offer: &str, key: &str, holder: Value) -> Answer {
    let path = format!("/offers/{offer}/vouchers");
    let body = json!({"holder": holder, "checked": "id_card"});
    who.request(Method::POST, &path).key(key).json(&body).send().await
}

async fn print(who: &Client, id: &Value) -> Answer {
    who.post(&format!("/vouchers/{}/print", id.as_str().unwrap()), json!({})).await
}

/// The digits on a page.
fn digits(page: &Answer) -> Value {
    let after = page.text.split("class=\"digits\">").nth(1).unwrap();
    json!(after.split('<').next().unwrap())
}

#[tokio::test]
async fn a_person_without_a_phone_takes_a_page_to_the_shop() {
    let app = App::spawn().await;
    let (desk, till) = (app.as_(DESK), app.as_("merchant.wenxing"));
    let offer = published(&app, 50, 10, 2).await;
    let issued = issue(&desk, &offer, "first-key", member(1)).await.expect(201);
    assert_eq!(
        (&issued["status"], &issued["code"], &issued["digits"]),
        (&json!("held"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        issue(&desk, &offer, "first-key", member(1)).await.expect(201),
        issued,
        "a double tap"
    );
    issue(&desk, &offer, "first-key", member(2)).await.refused(422, "idempotency_key_reused");
    let person = app.resident("party-1");
    assert_eq!((points(&person).await, remaining(&app, &offer).await), ((150, 50), 9));

    let first = print(&desk, &issued["id"]).await;
    assert!(first.text.contains("<svg") && first.text.contains("第 1 次打印"), "{first}");
    for foreign in ["<script", "http://", "src=", "href=", "演示党员"] {
        assert!(
            !first.text.replace("http://www.w3.org/2000/svg", "").contains(foreign),
            "{foreign}"
        );
    }
    let second = print(&desk, &issued["id"]).await;
    assert_ne!(digits(&first), digits(&second));
    verify(&till, &digits(&first)).await.refused(404, "digits_unknown");
    app.advance(TimeDelta::days(6));
    let (desk, till) = (app.as_(DESK), app.as_("merchant.wenxing"));
    verify(&till, &digits(&second)).await.expect(200);
    print(&desk, &issued["id"]).await.refused(409, "redemption_already_verified");

    app.drain().await;
    let inbox = person.all("/notifications").await;
    let told = inbox.iter().find(|one| one["kind"] == "voucher_issued").unwrap();
    assert!(told["text"].as_str().unwrap().contains("不是您本人办理的"), "{told}");
    let listed = desk.all("/vouchers").await;
    assert_eq!((&listed[0]["status"], &listed[0]["prints"]), (&json!("verified"), &json!(2)));
    assert_eq!(
        app.count("audit_entry where action in ('voucher.issue', 'voucher.print')").await,
        3
    );
    let trail: String = sqlx::query_scalar(
        "select string_agg(data::text, ' ') from audit_entry where action like 'voucher%'",
    )
    .fetch_one(app.db())
    .await
    .unwrap();
    assert!(!trail.contains("演示党员") && !trail.contains("100001"), "{trail}");
    adds_up(&app).await;
}

#[tokio::test]
async fn a_voucher_ends_like_every_other_redemption() {
    let app = App::spawn().await;
    let (desk, till) = (app.as_(DESK), app.as_("merchant.wenxing"));
    let offer = published(&app, 50, 10, 3).await;
    let lost = issue(&desk, &offer, "first-key", member(1)).await.expect(201);
    let page = print(&desk, &lost["id"]).await;
    let path = format!("/vouchers/{}/revoke", lost["id"].as_str().unwrap());
    let reason = json!({"reason": "本人丢失"});
    assert_eq!(desk.post(&path, reason.clone()).await.expect(200)["status"], "cancelled");
    desk.post(&path, reason).await.refused(409, "redemption_ended");
    verify(&till, &digits(&page)).await.refused(409, "redemption_ended");
    print(&desk, &lost["id"]).await.refused(409, "redemption_ended");

    // The person takes back what an officer did.
    let own = issue(&desk, &offer, "second-key", member(1)).await.expect(201);
    let person = app.resident("party-1");
    let cancel = format!("/redemptions/{}/cancel", own["id"].as_str().unwrap());
    person.post(&cancel, json!({})).await.expect(200);

    issue(&desk, &offer, "third-key", member(1)).await.expect(201);
    assert_eq!(points(&person).await, (150, 50));
    app.advance(TimeDelta::days(7));
    app.drain().await;
    assert_eq!(
        (points(&app.resident("party-1")).await, remaining(&app, &offer).await),
        ((200, 0), 10)
    );
    adds_up(&app).await;
}

/// Who works for two communities says for which one.
#[tokio::test]
async fn an_officer_of_two_communities_names_one() {
    let app = App::spawn().await;
    let offer = published(&app, 5, 10, 3).await;
    let officer = app.as_(DESK).get("/me").await.expect(200)["id"].clone();
    let issue = async |key: &str, named: Option<&str>| {
        let desk = app.as_(DESK);
        let path = format!("/offers/{offer}/vouchers");
        let body = json!({"holder": member(1), "checked": "known", "community_code": named});
        desk.request(Method::POST, &path).key(key).json(&body).send().await
    };
    issue("the-only-one", None).await.expect(201);
    sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         values ($1, $2::uuid, 'community_officer', '140213051001', $3)",
    )
    .bind(uuid::Uuid::from_u128(9))
    .bind(officer.as_str().unwrap())
    .bind(app.now())
    .execute(app.db())
    .await
    .unwrap();
    // With a fresh log-in, which knows of the new role.
    app.advance(TimeDelta::minutes(11));
    for (key, named) in [
        ("none-is-named", None),
        ("a-foreign-one", Some("140213066005")),
        ("no-such-code", Some("x")),
    ] {
        let refused = issue(key, named).await;
        assert_eq!(refused.fields(), ["community_code"], "{refused}");
    }
    let made = issue("the-first-named", Some("140213066004")).await.expect(201);
    // The other does not act for who is registered here, and both see their own.
    issue("the-other-named", Some("140213051001")).await.refused(422, "voucher_holder_unknown");
    assert_eq!(print(&app.as_(DESK), &made["id"]).await.status, 200);
    assert_eq!(app.as_(DESK).all("/vouchers").await.len(), 2);
    adds_up(&app).await;
}

#[tokio::test]
async fn an_officer_acts_for_nobody_else() {
    let app = App::spawn().await;
    let desk = app.as_(DESK);
    let offer = published(&app, 50, 10, 3).await;
    // Not on the register, a wrong number, a member without an account.
    for (n, holder) in [
        json!({"party_member": {"name": "张三", "id_number_last6": "100001"}}),
        json!({"party_member": {"name": "演示党员1", "id_number_last6": "100002"}}),
        json!({"phone": "13800001234"}),
    ]
    .into_iter()
    .enumerate()
    {
        let refused = issue(&desk, &offer, &format!("key-number-{n}"), holder).await;
        assert_eq!(refused.fields(), ["holder"]);
        refused.refused(422, "voucher_holder_unknown");
    }
    for (n, (holder, field)) in [
        (json!({}), "holder"),
        (json!({"phone": "1", "party_member": member(1)["party_member"]}), "holder"),
        (json!({"phone": "12"}), "holder.phone"),
        (
            json!({"party_member": {"name": "演示党员1", "id_number_last6": "1"}}),
            "holder.party_member.id_number_last6",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let refused = issue(&desk, &offer, &format!("form-number-{n}"), holder).await;
        assert_eq!(refused.fields(), [field], "{refused}");
        refused.refused(422, "invalid_field");
    }
    // Another community's officer does not act for who is registered here.
    let elsewhere = app.as_("community.140213051001");
    let refused = issue(&elsewhere, &offer, "first-key", member(1)).await;
    refused.refused(422, "voucher_holder_unknown");
    let issued = issue(&desk, &offer, "first-key", member(1)).await.expect(201);
    print(&elsewhere, &issued["id"]).await.refused(404, "not_found");
    assert_eq!(elsewhere.all("/vouchers").await.len(), 0);
    issue(&app.as_("organiser"), &offer, "first-key", member(1)).await.refused(403, "forbidden");
    let missing = uuid::Uuid::nil().to_string();
    issue(&desk, &missing, "first-key-2", json!({})).await.refused(404, "not_found");

    // By the telephone, and never for oneself.
    let person = app.resident("party-2");
    let me = person.get("/me").await.expect(200)["id"].clone();
    let index = app.state().crypto.index("person.phone", b"13800001234").to_vec();
    let holder = json!({"phone": "0352-5012345"});
    issue(&desk, &offer, "by-phone-0", holder.clone()).await.refused(422, "voucher_holder_unknown");
    // The telephone at home, as it stands on the register.
    let home = app.state().crypto.index("party_member.phone", b"03525012345").to_vec();
    sqlx::query(
        "update party_member set phone_index = $2, phone_sealed = $2 where account_id = $1::uuid",
    )
    .bind(me.as_str().unwrap())
    .bind(&home)
    .execute(app.db())
    .await
    .unwrap();
    issue(&desk, &offer, "by-phone-1", holder.clone()).await.expect(201);
    person.has_phone(&index).await;
    let mobile = json!({"phone": "138 0000 1234"});
    issue(&desk, &offer, "by-phone-2", mobile).await.expect(201);
    desk.has_phone(&index).await;
    issue(&desk, &offer, "by-phone-3", holder).await.refused(409, "voucher_for_oneself");
    adds_up(&app).await;
}
