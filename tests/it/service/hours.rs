//! Hours from other platforms: matched, capped, counted once, withdrawn; all or nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client, at};

const OFFICER: &str = "community.140213066004";
const FOREIGN: &str = "community.140213066001";
const HEADER: &str = "记录编号,姓名,证件号码后六位,开始时间,时长（分钟）,服务内容";
const GOOD: &str = "SX-0001,演示党员1,100001,2026-11-20 14:00,90,清洁家园";

async fn import(who: &Client, dry_run: bool, rows: &[&str]) -> Answer {
    let path =
        format!("/imported-hours?platform=%E5%BF%97%E6%84%BF%E5%B1%B1%E8%A5%BF&dry_run={dry_run}");
    let sheet = format!("{HEADER}\n{}\n", rows.join("\n"));
    who.request(Method::POST, &path).raw("text/csv", sheet).send().await
}

async fn minutes(who: &Client) -> (usize, i64) {
    let all = who.all("/me/service-hours").await;
    (all.len(), all.iter().map(|one| one["minutes"].as_i64().unwrap()).sum())
}

#[tokio::test]
async fn hours_are_imported_once_and_count_with_their_origin() {
    let app = App::spawn().await;
    let (officer, member) = (app.as_(OFFICER), app.resident("party-1"));
    let before = minutes(&member).await;
    let year = member.get("/me/service-year").await.ok();
    let points = member.get("/me/points").await.ok();
    let rows = [GOOD, "SX-0002,演示党员1,100001,2026-11-20 16:00,600,敬老院陪护"];
    let dry = import(&officer, true, &rows).await.expect(200);
    assert_eq!((&dry["imported"], &dry["minutes"]), (&json!(2), &json!(480)), "a day has its cap");
    assert_eq!(app.count("imported_service").await, 0, "a dry run writes nothing");
    import(&officer, false, &rows).await.expect(201);
    let again = import(&officer, false, &rows).await.expect(201);
    assert_eq!((&again["imported"], &again["unchanged"]), (&json!(0), &json!(2)));
    let after = minutes(&member).await;
    assert_eq!((after.0, after.1), (before.0 + 2, before.1 + 480));
    let mine = member.all("/me/service-hours").await;
    assert_eq!(
        (&mine[0]["platform"], &mine[0]["record_no"]),
        (&json!("志愿山西"), &json!("SX-0002"))
    );
    assert!(mine.iter().any(|one| one["platform"].is_null()), "one's own stand beside them");
    let counted = member.get("/me/service-year").await.ok();
    let services = |year: &Value| year["services"].as_i64().unwrap();
    assert_eq!(services(&counted), services(&year) + 2, "the year counts them");
    assert_eq!(member.get("/me/points").await.ok(), points, "and gives no points");

    // A wrong one is withdrawn, and may come anew as it is right.
    let listed = officer.all("/imported-hours").await;
    let wrong = listed.iter().find(|one| one["record_no"] == "SX-0002").unwrap();
    let path = format!("/imported-hours/{}/withdraw", wrong["id"].as_str().unwrap());
    let body = json!({"reason": "平台已更正时长"});
    app.as_(FOREIGN).post(&path, body.clone()).await.refused(404, "not_found");
    member.post(&path, body.clone()).await.refused(403, "forbidden");
    officer.post(&path, body.clone()).await.ok();
    officer.post(&path, body).await.refused(409, "hours_withdrawn");
    assert_eq!(minutes(&member).await.0, before.0 + 1);
    let right = "SX-0002,演示党员1,100001,2026-11-20 16:00,60,敬老院陪护";
    import(&officer, false, &[right]).await.expect(201);
    assert_eq!(minutes(&member).await.1, before.1 + 150);
}

#[tokio::test]
async fn a_refused_row_names_its_cell_and_nothing_is_written() {
    let app = App::spawn().await;
    let officer = app.as_(OFFICER);
    let rows = [
        GOOD,
        "SX-0002,李不在册,999999,2026-11-19 14:00,90,清洁家园",
        "SX-0003,演示党员11,100011,2026-11-19 14:00,90,清洁家园",
        "SX-0004,演示党员1,100001,2026-11-20 15:00,90,清洁家园",
        // Saturday's own service, from 09:00 on.
        "SX-0005,演示党员1,100001,2026-11-07 10:00,60,清洁家园",
        "SX-0001,演示党员2,100002,2026-11-19 14:00,90,清洁家园",
        "SX-0006,演示党员2,100002,后天,一小时,清洁家园",
    ];
    let dry = import(&officer, true, &rows).await.expect(200);
    let told: Vec<(i64, &str)> = dry["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["line"].as_i64().unwrap(), row["faults"][0]["column"].as_str().unwrap()))
        .collect();
    let expected = [
        (3, "姓名"),
        (4, "姓名"),
        (5, "开始时间"),
        (6, "开始时间"),
        (7, "记录编号"),
        (8, "时长（分钟）"),
    ];
    assert_eq!(told, expected, "{dry:#}");
    import(&officer, false, &rows).await.refused(422, "hours_rows_refused");
    assert_eq!(app.count("imported_service").await, 0);
    // Another community's officer imports nothing for members registered here.
    let foreign = import(&app.as_(FOREIGN), true, &[GOOD]).await.expect(200);
    assert_eq!(foreign["refused"][0]["faults"][0]["column"], "姓名");
    let bad = officer.request(Method::POST, "/imported-hours?platform=xx");
    bad.raw("text/csv", "姓名,时长\n王强,3\n").send().await.refused(422, "hours_sheet_refused");
    for secret in ["李不在册", "999999"] {
        for table in ["audit_entry", "event", "imported_service"] {
            let found = app.count(&format!("{table} where {table}::text like '%{secret}%'")).await;
            assert_eq!(found, 0, "{table} tells {secret}");
        }
    }
}

#[tokio::test]
async fn two_imports_at_once_count_once() {
    let app = App::spawn().await;
    let officer = app.as_(OFFICER);
    officer.token().await;
    let both = [GOOD];
    let (one, other) = tokio::join!(import(&officer, false, &both), import(&officer, false, &both));
    for answer in [one, other] {
        assert!(matches!(answer.status, 201 | 409), "{answer}");
    }
    assert_eq!(app.count("imported_service").await, 1);
    // And who served there is not claimed for the same time here.
    app.set_clock(at("2026-11-24T16:30:00+08:00"));
    let today = "SX-0003,演示党员1,100001,2026-11-24 15:00,60,清洁家园";
    import(&officer, false, &[today]).await.expect(201);
    let post = json!({
        "community_code": "140213066004", "kind": "elderly", "title": "陪老人就医", "capacity": 5,
        "starts_at": "2026-11-24T07:30:00Z", "ends_at": "2026-11-24T09:30:00Z",
    });
    let post = officer.post("/posts", post).await.expect(201);
    let claim = format!("/posts/{}/claims", post["id"].as_str().unwrap());
    app.resident("party-1").post(&claim, json!({})).await.refused(409, "claim_overlap");
}

/// Whoever only waited for a place was elsewhere: that holds no time against what they served there.
#[tokio::test]
async fn a_place_on_a_waitlist_holds_no_time_that_is_over() {
    let app = App::spawn().await;
    let (officer, member) = (app.as_(OFFICER), app.resident("party-1"));
    for (status, imported) in [("claimed", 0), ("waitlisted", 1)] {
        for sql in [
            "delete from claim where post_id in (select id from post where title = '候补')",
            "delete from post where title = '候补'",
            "insert into post (id, community_code, kind, title, starts_at, ends_at, capacity, created_by,
                 created_at)
             select gen_random_uuid(), community_code, kind, '候补', '2026-11-20 13:00+08',
                 '2026-11-20 17:00+08', 1, created_by, created_at
             from post limit 1",
        ] {
            sqlx::query(sql).execute(app.db()).await.unwrap();
        }
        sqlx::query(
            "insert into claim (id, post_id, account_id, status, during, claimed_at)
             select gen_random_uuid(), id, $1::uuid, $2, during, created_at
             from post where title = '候补'",
        )
        .bind(member.get("/me").await.ok()["id"].as_str().unwrap())
        .bind(status)
        .execute(app.db())
        .await
        .unwrap();
        let tried = import(&officer, true, &[GOOD]).await.expect(200);
        assert_eq!(tried["imported"], imported, "{status}: {tried}");
    }
}
