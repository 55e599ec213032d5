//! What waits, what is tried again and until when, and what takes another's place.

use super::*;

/// From now on WeChat answers messages so.
async fn answers(server: &MockServer, answer: ResponseTemplate) {
    server.reset().await;
    wechat_answers(server, SEND, answer).await;
    let token = json!({"access_token": "token-1", "expires_in": 7200});
    wechat_answers(server, "/cgi-bin/stable_token", wechat_says(&token)).await;
}

/// How often the only delivery was put off, and how often it failed.
async fn counts(app: &App) -> (i64, i64) {
    let rows = deliveries(app).await;
    let count = |name: &str| rows[0][name].as_i64().unwrap();
    (count("attempt"), count("failures"))
}

#[tokio::test]
async fn a_quiet_hour_is_no_failure_and_a_person_begins_anew() {
    let (server, app, wang) = scene(wechat_refuses(-1), &["demo-progress"]).await;
    let wang = later(&app, wang, "2026-11-25T22:00:00+08:00").await;
    accepted(&app, &wang).await;
    app.drain().await;
    assert_eq!(counts(&app).await, (1, 0), "it waits for the morning");
    app.pass("2026-11-26T08:00:00+08:00").await;
    assert_eq!(counts(&app).await, (2, 1));
    for failures in 2..8 {
        app.advance(TimeDelta::hours(1));
        app.drain().await;
        assert_eq!(counts(&app).await, (failures + 1, failures));
        assert_eq!(only(&app).await, stands("waiting", Value::Null), "{failures}");
    }
    app.advance(TimeDelta::hours(1));
    app.drain().await;
    assert_eq!(only(&app).await, stands("failed", json!("unavailable")));
    let id = deliveries(&app).await[0]["id"].as_str().unwrap().to_owned();
    app.as_("sysadmin").post(&format!("/deliveries/{id}/resend"), json!({})).await.expect(200);
    app.drain().await;
    assert_eq!(only(&app).await, stands("waiting", Value::Null));
    assert_eq!(counts(&app).await.1, 1, "what was before is not counted");
    assert!(wechat_asked(&server, SEND).await.len() >= 2);
}

#[tokio::test]
async fn a_spent_day_is_waited_for() {
    let (server, app, wang) = scene(wechat_refuses(45009), &["demo-progress"]).await;
    accepted(&app, &wang).await;
    app.drain().await;
    assert_eq!(only(&app).await, stands("waiting", Value::Null));
    let next: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select run_at from job where kind = 'deliver' and state = 'ready'")
            .fetch_one(app.db())
            .await
            .unwrap();
    let tomorrow = domain::time::date(app.now()).succ_opt().unwrap();
    assert_eq!(next, domain::time::start_of(tomorrow) + TimeDelta::minutes(5));
    answers(&server, ok()).await;
    app.advance(TimeDelta::hours(3));
    app.drain().await;
    assert!(wechat_asked(&server, SEND).await.is_empty(), "not within the day");
    app.set_clock(next + TimeDelta::hours(8));
    app.drain().await;
    app.drain().await;
    assert_eq!(only(&app).await, stands("sent", Value::Null));
}

#[tokio::test]
async fn what_cannot_be_sent_takes_nothing_s_place() {
    let (server, app, wang) = scene(ok(), ALL).await;
    let wang = later(&app, wang, "2026-11-25T22:00:00+08:00").await;
    let mut case = accepted(&app, &wang).await;
    app.drain().await;
    app.advance(TimeDelta::seconds(1));
    app.dispatch(&mut case, json!({"lead": crate::support::UNIT})).await;
    app.drain().await;
    assert_eq!(app.count("delivery where state = 'waiting'").await, 2);
    // As it is where the newer one is of another group, whose consent was used up since.
    sqlx::query("update delivery set template = 'asked' where kind = 'task_dispatched'")
        .execute(app.db())
        .await
        .unwrap();
    sqlx::query("update subscription set remaining = 0 where provider_id = 'demo-asked'")
        .execute(app.db())
        .await
        .unwrap();
    app.pass("2026-11-26T08:00:00+08:00").await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), 1);
    for (kind, state) in [("accepted", "sent"), ("task_dispatched", "dropped")] {
        let rows = format!("delivery where kind = '{kind}' and state = '{state}'");
        assert_eq!(app.count(&rows).await, 1, "{kind}");
    }
}

#[tokio::test]
async fn points_that_are_gone_by_now_are_not_said_to_run_out() {
    let (server, app, _wang) = scene(ok(), &[]).await;
    let member = app.resident("party-1");
    consents(&member, "points", &["demo-points"]).await;
    consents(&member, "again", &["demo-points"]).await;
    let quiet = json!({"muted": [], "quiet": {"from": 21, "until": 10}});
    let path = "/me/notification-preferences";
    member.request(Method::PUT, path).json(&quiet).send().await.expect(200);
    sqlx::query(
        "update person set open_id_sealed = (
             select p.open_id_sealed from person p
             join account a on a.id = p.account_id and a.display_name not like '演示%'
             where p.open_id_sealed is not null limit 1)
         where account_id = (select id from account where display_name = '演示党员1')",
    )
    .execute(app.db())
    .await
    .unwrap();
    let warned = async |at: &str| {
        app.set_clock(at.parse().unwrap());
        let (here, now) = (app.state().clone(), app.now());
        api::app::transact(app.db(), move |tx| {
            Box::pin(async move { api::app::points::warning::warn(tx, &here, now).await })
        })
        .await
        .unwrap();
        app.drain().await;
    };
    // Leaves so many lots, and answers the points in them.
    let spent = async |lots: i64| -> i64 {
        sqlx::query(
            "update point_lot set remaining = held where id in (
                 select lot.id from point_lot lot join account a on a.id = lot.account
                 where a.display_name = '演示党员1' order by lot.id offset $1)",
        )
        .bind(lots)
        .execute(app.db())
        .await
        .unwrap();
        sqlx::query_scalar(
            "select coalesce(sum(lot.remaining), 0)::bigint
             from point_lot lot join account a on a.id = lot.account
             where a.display_name = '演示党员1'",
        )
        .fetch_one(app.db())
        .await
        .unwrap()
    };
    // Warned at eight of all of them; by ten some are spent.
    warned("2027-12-02T00:00:00Z").await;
    assert_eq!(only(&app).await, stands("waiting", Value::Null));
    // The summary of the same person's tasks is another matter, and takes no place.
    sqlx::query(
        "with who as (select id from account where display_name = '演示党员1'), told as (
             insert into event (subject_id, seq, at, kind, visibility, data)
             select id, 50, $1, 'daily_digest', 'reporter', '{\"day\": \"2027-12-02\"}' from who
         ), noted as (
             insert into notification (id, account_id, subject_id, seq, created_at)
             select gen_random_uuid(), id, id, 50, $1 from who returning id, account_id
         )
         insert into delivery (id, notification_id, account_id, channel, kind, template, state,
             attempt, created_at, updated_at)
         select gen_random_uuid(), id, account_id, 'subscribe', 'daily_digest', 'points', 'waiting',
             0, $1, $1
         from noted",
    )
    .bind(app.now())
    .execute(app.db())
    .await
    .unwrap();
    let left = spent(10).await;
    assert!((1..200).contains(&left), "{left}");
    app.pass("2027-12-02T10:00:00+08:00").await;
    let asked = wechat_asked(&server, SEND).await;
    let text = asked[0]["data"]["thing2"]["value"].as_str().unwrap();
    assert!(text.contains(&format!(" {left} 分")), "{text}");
    warned("2027-12-25T00:00:00Z").await;
    assert_eq!(spent(0).await, 0);
    app.pass("2027-12-25T10:00:00+08:00").await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), 1);
    assert_eq!(app.count("delivery where state = 'dropped' and reason = 'over'").await, 1);
}
