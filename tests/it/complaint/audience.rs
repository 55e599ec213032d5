//! Who learns what: a handling unit never learns who reported in confidence.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Client, complaint};

const PHONE: &str = "13912349876";
const NAME: &str = "欧阳静怡";

/// What points to the reporter.
fn secret() -> Value {
    let mut body = complaint();
    body["confidential"] = json!(true);
    body["contact"] = json!({"name": NAME, "phone": PHONE});
    body
}

/// Everything a person can read of cases: details, lists, events, tasks, notifications.
async fn everything(who: &Client, id: &str, task: &str) -> String {
    let mut read = String::new();
    for path in [
        format!("/complaints/{id}"),
        format!("/complaints/{id}/events?limit=100"),
        "/complaints?limit=100".to_owned(),
        "/complaints?q=路灯".to_owned(),
        format!("/complaints?q={NAME}"),
        format!("/complaints?q={PHONE}"),
        format!("/tasks/{task}"),
        "/tasks?limit=100".to_owned(),
        format!("/tasks?complaint_id={id}"),
        "/notifications?limit=100".to_owned(),
    ] {
        read += &who.get(&path).await.text;
        read.push('\n');
    }
    read
}

fn reveals(read: &str, account: &str) -> Vec<&'static str> {
    let marks = [
        ("the phone", PHONE),
        ("the phone's end", "9876"),
        ("the name", NAME),
        ("the surname", "欧阳"),
        ("the account", account),
        ("the display name", "演示居民"),
    ];
    marks.into_iter().filter(|(_, mark)| read.contains(mark)).map(|(what, _)| what).collect()
}

#[tokio::test]
async fn nothing_a_unit_reads_points_to_a_confidential_reporter() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let account = li.get("/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    for kind in ["grievance", "report"] {
        let mut body = secret();
        body["kind"] = json!(kind);
        // A report is confidential whether asked for or not.
        body["confidential"] = json!(kind == "grievance");
        let mut case = li.submit(&body).await;
        app.accept(&case, "ordinary").await;
        let units = json!({"lead": "urban-management", "assist": ["housing"]});
        app.dispatch(&mut case, units).await;
        let clerk = app.as_(CLERK);
        clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
        let phone = json!({"note": "打电话联系", "channel": "phone"});
        clerk.post(&case.task("/contact"), phone).await.refused(409, "relay_only");
        let relay = json!({"note": "请说明发生的时间", "channel": "relay"});
        clerk.post(&case.task("/contact"), relay).await.expect(200);
        li.post(&case.path("/remind"), json!({})).await.expect(200);
        app.drain().await;
        for who in [
            CLERK,
            "head.urban-management",
            "dept.housing",
            "community.140213066004",
            "subdistrict.140213066",
        ] {
            let read = everything(&app.as_(who), &case.id, &case.lead).await;
            assert!(read.contains(&case.number), "{who} reads the case at all");
            assert_eq!(reveals(&read, &account), [""; 0], "{kind} before {who}");
        }
        let centre = app.as_("dispatcher").complaint(&case).await;
        assert_eq!(centre["reporter"]["account"], json!(account), "the centre knows");
        assert_eq!(centre["contact"]["phone"], "139****9876", "masked");
        app.as_("dept.power-grid").get(&case.path("")).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn the_handler_sees_whom_to_call_while_the_task_is_open_and_each_look_is_on_record() {
    let app = App::spawn().await;
    let case = app.acknowledged().await;
    let clerk = app.as_(CLERK);
    let looks = async || -> i64 {
        sqlx::query_scalar(
            "select count(*) from audit_entry where action = 'complaint.contact_seen'",
        )
        .fetch_one(app.db())
        .await
        .unwrap()
    };
    let seen = clerk.complaint(&case).await;
    assert_eq!(seen["contact"]["phone"], "13834567890");
    assert_eq!(looks().await, 1);
    let officer = app.as_("community.140213066004").complaint(&case).await;
    assert_eq!(officer["contact"], Value::Null, "an officer of the area handles nothing here");
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    assert_eq!(clerk.complaint(&case).await["contact"], Value::Null, "the task is over");
}

#[tokio::test]
async fn no_personal_data_lies_in_plain_in_the_database_or_in_events() {
    let app = App::spawn().await;
    let mut body = secret();
    body["confidential"] = json!(false);
    let case = app.resident("li").submit(&body).await;
    app.drain().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I', table_name) from information_schema.tables \
         where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let sql = format!("select count(*) from {table} t where to_jsonb(t)::text like any($1)");
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(vec![format!("%{PHONE}%"), format!("%{NAME}%")])
            .fetch_one(app.db())
            .await
            .unwrap();
        assert_eq!(found, 0, "{table} holds what points to the reporter of {}", case.number);
    }
}

#[tokio::test]
async fn each_reads_the_events_of_their_audience() {
    let app = App::spawn().await;
    let mut case = app.accepted().await;
    let units = json!({"lead": "urban-management", "assist": ["housing"]});
    app.dispatch(&mut case, units).await;
    let clerk = app.as_(CLERK);
    let back = json!({"ground": "duty", "basis": "路灯由供电公司产权管理", "suggested_unit": "power-grid"});
    clerk.post(&case.task("/return"), back).await.expect(200);
    let no = json!({"approve": false, "reason": "产权已移交，由本单位办理"});
    app.as_("dispatcher").post(&case.task("/return/decide"), no).await.expect(200);
    let kinds = async |who: Client| -> Vec<String> {
        let events = who.all(&case.path("/events")).await;
        events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    };
    let asked = "return_requested".to_owned();
    assert!(kinds(app.as_("dispatcher")).await.contains(&asked));
    assert!(kinds(clerk).await.contains(&asked));
    assert!(!kinds(app.as_("dept.housing")).await.contains(&asked), "another unit's business");
    assert!(!kinds(app.resident("li")).await.contains(&asked), "not the resident's business");
    let wang = app.resident("wang");
    wang.get(&case.path("/events")).await.refused(404, "not_found");
    wang.get(&case.path("")).await.refused(404, "not_found");
    let centre = kinds(app.as_("dispatcher")).await;
    let paged = app.as_("dispatcher").all(&case.path("/events?limit=2")).await;
    let paged: Vec<&str> = paged.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(centre, paged, "the same through pages");
}

#[tokio::test]
async fn the_own_list_holds_the_own_complaints_only() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    app.resident("wang").submit(&complaint()).await;
    let own = app.resident("li").all("/me/complaints").await;
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["id"], json!(case.id));
    for list in ["/complaints", "/me/complaints"] {
        let seen = app.resident("zhao").all(list).await;
        assert!(seen.is_empty(), "{list}");
    }
    let request = app.anonymous().request(Method::GET, "/complaints");
    request.send().await.refused(401, "unauthenticated");
}
