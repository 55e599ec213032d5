//! The callers' queue: who waits, who has taken whom, and what comes of a call.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, UNIT, complaint};

async fn numbers(app: &App, query: &str) -> Vec<String> {
    let queue = app.as_("dispatcher").all(&format!("/follow-ups{query}")).await;
    queue.iter().map(|one| one["number"].as_str().unwrap().to_owned()).collect()
}

/// A second caller of the centre; the demo district has one.
async fn second_caller(app: &App) -> &'static str {
    grant(app, "leader", "dispatcher", "140213").await;
    "leader"
}

async fn grant(app: &App, username: &str, role: &str, scope: &str) {
    sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         select gen_random_uuid(), id, $2, $3, created_at from account where username = $1",
    )
    .bind(username)
    .bind(role)
    .bind(scope)
    .execute(app.db())
    .await
    .unwrap();
}

fn heard() -> Value {
    json!({"reached": true, "solved": true, "satisfaction": 5, "contacted": true})
}

#[tokio::test]
async fn the_longest_waiting_come_first_by_round_and_age() {
    let app = App::spawn().await;
    let old = app.replied().await;
    app.drain().await;
    app.pass("2026-11-26T09:00:00+08:00").await;
    let young = app.replied().await;
    app.dispatched().await;
    app.drain().await;
    assert_eq!(numbers(&app, "").await, [old.number.clone(), young.number.clone()]);
    assert_eq!(numbers(&app, "?limit=1").await.len(), 2, "page by page");
    assert_eq!(numbers(&app, "?waiting_hours=24").await, [old.number.as_str()]);
    assert!(numbers(&app, "?round=2").await.is_empty());
    app.pass("2026-11-28T00:30:00+08:00").await;
    assert_eq!(numbers(&app, "?round=2").await, [old.number.as_str()]);
    assert_eq!(numbers(&app, "?round=1").await, [young.number.as_str()]);
    let queue = app.as_("dispatcher").get("/follow-ups?round=2").await.expect(200);
    assert_eq!(queue["items"][0]["lead_name"].as_str().map(str::is_empty), Some(false));
    assert!(!queue.to_string().contains("13834567890"));
    for (query, field) in
        [("round=3", "round"), ("waiting_hours=-1", "waiting_hours"), ("free=x", "free")]
    {
        let answer = app.as_("dispatcher").get(&format!("/follow-ups?{query}")).await;
        assert_eq!(answer.fields(), [field], "{answer}");
    }
    app.as_("supervisor").get("/follow-ups").await.refused(403, "forbidden");
}

#[tokio::test]
async fn two_callers_never_have_one_case_and_a_lease_ends() {
    let app = App::spawn().await;
    let case = app.replied().await;
    app.drain().await;
    let other = second_caller(&app).await;
    let take = format!("/follow-ups/{}/take", case.id);
    let (first, second) = (app.as_("dispatcher"), app.as_(other));
    let (one, two) = tokio::join!(first.post(&take, json!({})), second.post(&take, json!({})));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one} {two}");
    let (mine, theirs) =
        if one.status == 200 { ("dispatcher", other) } else { (other, "dispatcher") };
    app.as_(theirs).post(&take, json!({})).await.refused(409, "follow_up_taken");
    app.as_(theirs).post(&case.path("/follow-up"), heard()).await.refused(409, "follow_up_taken");
    let miss = json!({"reached": false});
    app.as_(theirs)
        .post(&case.path("/follow-up"), miss.clone())
        .await
        .refused(409, "follow_up_taken");
    let free = |who: &str| app.as_(who);
    assert_eq!(free(theirs).all("/follow-ups?free=true").await.len(), 0);
    assert_eq!(free(mine).all("/follow-ups?free=true").await.len(), 1);
    assert!(!free(theirs).all("/follow-ups").await[0]["taken_by"].is_null());

    app.advance(TimeDelta::minutes(10));
    app.as_(mine).post(&take, json!({})).await.expect(200);
    app.advance(TimeDelta::minutes(10));
    app.as_(theirs).post(&take, json!({})).await.refused(409, "follow_up_taken");
    app.advance(TimeDelta::minutes(5));
    app.as_(theirs).post(&take, json!({})).await.expect(200);
    app.as_(mine).post(&case.path("/follow-up"), heard()).await.refused(409, "follow_up_taken");

    // Nobody was there: the case is free again, and the miss is on record.
    app.as_(theirs).post(&case.path("/follow-up"), miss).await.expect(200);
    let queue = app.as_(mine).all("/follow-ups").await;
    assert_eq!((&queue[0]["misses"], &queue[0]["taken_by"]), (&json!(1), &Value::Null));
    app.as_(mine).post(&take, json!({})).await.expect(200);
    let shown = app.as_(mine).post(&case.path("/follow-up"), heard()).await.expect(200);
    assert_eq!(shown["status"], "closed");
    assert!(numbers(&app, "").await.is_empty());
    app.as_(mine).post(&take, json!({})).await.refused(409, "complaint_step_refused");
    assert_eq!(app.count("follow_up_call").await, 0);
    assert_eq!(app.count("audit_entry where action = 'follow_up.take'").await, 4);
}

#[tokio::test]
async fn who_handles_a_case_does_not_ask_about_it() {
    let app = App::spawn().await;
    let case = app.replied().await;
    app.drain().await;
    grant(&app, "dispatcher", "department_clerk", UNIT).await;
    app.advance(TimeDelta::minutes(11));
    let caller = app.as_("dispatcher");
    let take = format!("/follow-ups/{}/take", case.id);
    caller.post(&take, json!({})).await.refused(409, "follow_up_own_work");
    caller.post(&case.path("/follow-up"), heard()).await.refused(409, "follow_up_own_work");
    app.as_("supervisor").post(&take, json!({})).await.refused(403, "forbidden");
    assert_eq!(app.count("evaluation").await, 0);
}

#[tokio::test]
async fn a_case_is_reworked_twice_and_then_conferred_upon() {
    let app = App::spawn().await;
    let mut case = app.replied().await;
    let bad = json!({"reached": true, "solved": false, "satisfaction": 2});
    for round in 1..=3 {
        let caller = app.as_("dispatcher");
        caller.post(&case.path("/follow-up"), bad.clone()).await.expect(200);
        let shown = caller.complaint(&case).await;
        assert_eq!(shown["status"], "handling");
        assert_eq!(shown["reworks"], json!(round.min(2)), "never more than two");
        let open =
            app.tasks(&case).await.iter().filter(|task| task["confirmed_at"].is_null()).count();
        assert_eq!(open, usize::from(round < 3), "the third time nobody does it again");
        if round < 3 {
            case.lead = app.open_lead(&case).await;
            app.as_("dept.urban-management")
                .post(&case.task("/acknowledge"), json!({}))
                .await
                .expect(200);
            app.contact_and_reply(&case).await;
            app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
        }
    }
}

#[tokio::test]
async fn who_left_no_number_is_not_in_the_queue() {
    let app = App::spawn().await;
    let mut body = complaint();
    body.as_object_mut().unwrap().remove("contact");
    let mut case = app.anonymous().submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    app.as_("dept.urban-management").post(&case.task("/acknowledge"), json!({})).await.expect(200);
    let reply = json!({"text": crate::support::REPLY, "outcome": "solved"});
    app.as_("dept.urban-management").post(&case.task("/reply"), reply).await.expect(200);
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    app.drain().await;
    assert!(numbers(&app, "").await.is_empty());
    let take = format!("/follow-ups/{}/take", case.id);
    app.as_("dispatcher").post(&take, json!({})).await.refused(409, "follow_up_nobody_to_call");
}

/// A case of li's at its unit, and one of wang's merged into it.
async fn family(app: &App) -> (Case, Case) {
    let leading = app.acknowledged().await;
    let child = app.resident("wang").submit(&complaint()).await;
    let into = json!({"into": leading.id});
    app.as_("dispatcher").post(&child.path("/merge"), into).await.expect(200);
    app.advance(TimeDelta::minutes(1));
    (leading, child)
}

async fn confirmed(app: &App, case: &Case) {
    app.contact_and_reply(case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
}

async fn says(app: &App, case: &Case, solved: bool) {
    let body = json!({"solved": solved, "satisfaction": if solved { 5 } else { 1 }});
    app.resident("li").post(&case.path("/evaluate"), body).await.expect(200);
}

#[tokio::test]
async fn a_merged_childs_reporter_is_called_in_two_rounds_of_their_own() {
    let app = App::spawn().await;
    let (leading, child) = family(&app).await;
    confirmed(&app, &leading).await;
    app.drain().await;
    let mut both = [leading.number.clone(), child.number.clone()];
    both.sort();
    let mut waiting = numbers(&app, "").await;
    waiting.sort();
    assert_eq!(waiting, both);
    // Whose case is closed by their own word asks nobody else to be silent.
    app.advance(TimeDelta::minutes(1));
    says(&app, &leading, true).await;
    app.drain().await;
    let queue = app.as_("dispatcher").all("/follow-ups").await;
    assert_eq!(queue.len(), 1, "{queue:?}");
    let row = &queue[0];
    assert_eq!(row["number"], json!(child.number));
    assert_eq!((&row["merged_into"], &row["round"]), (&json!(leading.number), &json!(1)));
    assert!(row["lead_name"].is_string(), "the unit whose answer it shares: {row}");

    let (caller, take) = (app.as_("dispatcher"), format!("/follow-ups/{}/take", child.id));
    caller.post(&take, json!({})).await.expect(200);
    let miss = json!({"reached": false});
    caller.post(&child.path("/follow-up"), miss).await.expect(200);
    assert_eq!(caller.all("/follow-ups").await[0]["misses"], json!(1));
    app.pass("2026-11-28T00:30:00+08:00").await;
    assert_eq!(numbers(&app, "?round=2").await, [child.number.as_str()]);
    let other = second_caller(&app).await;
    app.as_(other).post(&take, json!({})).await.expect(200);
    caller.post(&child.path("/follow-up"), heard()).await.refused(409, "follow_up_taken");
    let shown = app.as_(other).post(&child.path("/follow-up"), heard()).await.expect(200);
    assert_eq!(shown["status"], "merged");
    assert!(numbers(&app, "").await.is_empty());
    app.as_(other).post(&take, json!({})).await.refused(409, "complaint_step_refused");
    let again = app.as_(other).post(&child.path("/follow-up"), heard()).await;
    again.refused(409, "already_evaluated");
    assert_eq!(app.count("evaluation where round = 2 and channel = 'phone'").await, 1);
    app.pass("2026-12-03T00:30:00+08:00").await;
    assert!(numbers(&app, "").await.is_empty());
}

#[tokio::test]
async fn a_child_whom_nobody_reached_is_asked_no_more() {
    let app = App::spawn().await;
    let (leading, child) = family(&app).await;
    confirmed(&app, &leading).await;
    says(&app, &leading, true).await;
    app.drain().await;
    assert_eq!(numbers(&app, "").await, [child.number.as_str()], "closed before anybody was asked");
    app.pass("2026-11-28T00:30:00+08:00").await;
    assert_eq!(numbers(&app, "?round=2").await, [child.number.as_str()]);
    app.pass("2026-12-03T00:30:00+08:00").await;
    assert!(numbers(&app, "").await.is_empty());
    let last = "event where kind = 'follow_up_missed' and data @> '{\"last\": true}'";
    assert_eq!(app.count(last).await, 1, "once");
    // The reporter was told nothing of these rounds twice, and may still say a word.
    let inbox = app.resident("wang").all("/notifications").await;
    let asked = inbox.iter().filter(|entry| entry["kind"] == "follow_up_started").count();
    assert_eq!(asked, 0, "the leading case was closed before");
    let word = json!({"solved": false, "satisfaction": 2});
    app.resident("wang").post(&child.path("/evaluate"), word).await.expect(200);
}

#[tokio::test]
async fn while_the_case_is_reworked_nobody_asks_about_the_old_answer() {
    let app = App::spawn().await;
    let (mut leading, child) = family(&app).await;
    confirmed(&app, &leading).await;
    app.drain().await;
    app.advance(TimeDelta::minutes(1));
    says(&app, &leading, false).await;
    assert!(numbers(&app, "").await.is_empty());
    let take = format!("/follow-ups/{}/take", child.id);
    app.as_("dispatcher").post(&take, json!({})).await.refused(409, "complaint_step_refused");
    app.pass("2026-11-28T09:00:00+08:00").await;
    leading.lead = app.open_lead(&leading).await;
    app.as_(CLERK).post(&leading.task("/acknowledge"), json!({})).await.expect(200);
    confirmed(&app, &leading).await;
    app.drain().await;
    let first = numbers(&app, "?round=1").await;
    assert!(first.contains(&child.number), "asked anew about the new answer: {first:?}");
}

#[tokio::test]
async fn who_handles_the_leading_case_does_not_ask_its_children() {
    let app = App::spawn().await;
    let (leading, child) = family(&app).await;
    confirmed(&app, &leading).await;
    app.drain().await;
    grant(&app, "dispatcher", "department_clerk", UNIT).await;
    app.advance(TimeDelta::minutes(11));
    let take = format!("/follow-ups/{}/take", child.id);
    app.as_("dispatcher").post(&take, json!({})).await.refused(409, "follow_up_own_work");
    let heard = app.as_("dispatcher").post(&child.path("/follow-up"), heard()).await;
    heard.refused(409, "follow_up_own_work");
}

#[tokio::test]
async fn words_of_one_family_at_once_do_not_wait_for_each_other() {
    let app = App::spawn().await;
    for _ in 0..4 {
        let (leading, child) = family(&app).await;
        confirmed(&app, &leading).await;
        let word = json!({"solved": true, "satisfaction": 4});
        let (li, wang) = (app.resident("li"), app.resident("wang"));
        let (own, his) = (leading.path("/evaluate"), child.path("/evaluate"));
        let (one, two, _) =
            tokio::join!(li.post(&own, word.clone()), wang.post(&his, word), app.drain());
        assert_eq!((one.status, two.status), (200, 200), "{one} {two}");
        app.drain().await;
        assert!(!numbers(&app, "").await.contains(&child.number));
    }
}
