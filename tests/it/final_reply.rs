//! Final replies end to end: proposed, signed, confirmed, and cited in answers to further appeals.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Case, complaint};

const HEAD: &str = "head.urban-management";
const TEXT: &str = "该处为规划预留用地，经两次现场核查，近期不能增设路灯，已与反映人当面说明。";

fn proposal() -> Value {
    json!({
        "text": TEXT, "legal_basis": "平城区照明专项规划第九条",
        "evidence": "两次现场核查记录、规划批复和当面说明记录",
    })
}

fn agree() -> Value {
    json!({"approve": true})
}

async fn proposed(app: &App) -> (Case, String) {
    let case = app.reworked().await;
    let made = app.as_(CLERK).post(&case.path("/final-replies"), proposal()).await.expect(201);
    (case, made["id"].as_str().unwrap().to_owned())
}

/// Signed by the head and confirmed by the centre.
async fn in_force(app: &App) -> (Case, String) {
    let (case, id) = proposed(app).await;
    app.as_(HEAD).post(&format!("/final-replies/{id}/sign"), agree()).await.expect(200);
    app.advance(TimeDelta::minutes(1));
    app.as_("dispatcher").post(&format!("/final-replies/{id}/confirm"), agree()).await.expect(200);
    app.advance(TimeDelta::minutes(1));
    (case, id)
}

fn cite(id: &str) -> Value {
    json!({"final_reply": id, "explanation": "您这次反映的与上次为同一事项，没有新的情况。"})
}

#[tokio::test]
async fn the_last_word_is_proposed_signed_confirmed_and_answers_the_next_appeal() {
    let app = App::spawn().await;
    let (case, id) = proposed(&app).await;
    let path = |verb: &str| format!("/final-replies/{id}{verb}");
    let (clerk, head, dispatcher) = (app.as_(CLERK), app.as_(HEAD), app.as_("dispatcher"));
    clerk.post(&case.path("/final-replies"), proposal()).await.refused(409, "final_reply_there");
    dispatcher.post(&path("/confirm"), agree()).await.refused(409, "final_reply_step_refused");
    clerk.post(&path("/sign"), agree()).await.refused(403, "forbidden");
    head.post(&path("/confirm"), agree()).await.refused(403, "forbidden");
    let signed = head.post(&path("/sign"), agree()).await.expect(200);
    assert_eq!((&signed["status"], &signed["valid_until"]), (&json!("signed"), &Value::Null));
    head.post(&path("/sign"), agree()).await.refused(409, "final_reply_step_refused");
    let stale = dispatcher.request(Method::POST, &path("/confirm")).version(1).json(&agree());
    stale.send().await.refused(412, "version_mismatch");
    let told = app.resident("li").get(&case.path("/events")).await.expect(200).to_string();
    assert!(!told.contains("最终答复"), "nothing before it is in force: {told}");
    let confirmed = dispatcher.post(&path("/confirm"), agree()).await.expect(200);
    assert_eq!(confirmed["status"], "in_force");
    assert!(confirmed["valid_until"].as_str().unwrap().starts_with("2027-11-24"), "{confirmed}");
    let told = app.resident("li").get(&case.path("/events")).await.expect(200).to_string();
    assert!(told.contains(TEXT) && !told.contains("当面说明记录"), "but no evidence: {told}");

    app.advance(TimeDelta::minutes(1));
    let li = app.resident("li");
    let appeal = li.submit(&complaint()).await;
    let dispatcher = app.as_("dispatcher");
    let seen = dispatcher.complaint(&appeal).await;
    let hint = &seen["final_replies"][0];
    assert_eq!((&hint["id"], &hint["repeats"]), (&json!(id), &json!(true)), "{seen}");
    let answered = dispatcher.post(&appeal.path("/answer-with-final"), cite(&id)).await.expect(200);
    assert_eq!(answered["status"], "answered");
    let answer = li.complaint(&appeal).await["answer"].as_str().unwrap().to_owned();
    assert!(answer.contains(TEXT) && answer.contains(&case.number), "{answer}");
    assert!(answer.starts_with("您这次反映的与上次为同一事项"), "{answer}");
    let again = dispatcher.post(&appeal.path("/answer-with-final"), cite(&id)).await;
    again.refused(409, "complaint_step_refused");
    assert_eq!(dispatcher.get(&path("")).await.expect(200)["citations"], 1);
    let centre = app.as_("supervisor").get("/rates?period=2026-11").await.expect(200);
    assert_eq!(centre["centre"]["counts"]["answered"], 1, "a direct answer: {}", centre["centre"]);
}

#[tokio::test]
async fn what_happens_at_once_happens_once() {
    let app = App::spawn().await;
    let case = app.reworked().await;
    let (clerk, path) = (app.as_(CLERK), case.path("/final-replies"));
    let (one, two) = tokio::join!(clerk.post(&path, proposal()), clerk.post(&path, proposal()));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let id =
        app.as_("dispatcher").all("/final-replies").await[0]["id"].as_str().unwrap().to_owned();
    app.as_(HEAD).post(&format!("/final-replies/{id}/sign"), agree()).await.expect(200);
    let (dispatcher, confirm) = (app.as_("dispatcher"), format!("/final-replies/{id}/confirm"));
    let no = json!({"approve": false, "reason": "证据不足，请补充批复文号"});
    let (one, two) =
        tokio::join!(dispatcher.post(&confirm, agree()), dispatcher.post(&confirm, no));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one} {two}");
    let decided = "event where kind in ('final_reply_in_force', 'final_reply_refused')";
    assert_eq!(app.count(decided).await, 1);

    let app = App::spawn().await;
    let (_, id) = in_force(&app).await;
    let appeal = app.resident("li").submit(&complaint()).await;
    let (dispatcher, path) = (app.as_("dispatcher"), appeal.path("/answer-with-final"));
    let (one, two) =
        tokio::join!(dispatcher.post(&path, cite(&id)), dispatcher.post(&path, cite(&id)));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(app.count("final_reply_citation").await, 1);
}

#[tokio::test]
async fn nobody_signs_what_they_proposed_and_a_no_makes_room_for_another() {
    let app = App::spawn().await;
    let case = app.reworked().await;
    let head = app.as_(HEAD);
    let own = head.post(&case.path("/final-replies"), proposal()).await.expect(201);
    let path = |id: &Value, verb: &str| format!("/final-replies/{}{verb}", id.as_str().unwrap());
    let sign = path(&own["id"], "/sign");
    head.post(&sign, agree()).await.refused(409, "final_reply_own_proposal");
    app.as_("head.housing").post(&sign, agree()).await.refused(404, "not_found");
    let unexplained = head.post(&sign, json!({"approve": false})).await;
    assert_eq!(unexplained.fields(), ["reason"], "{unexplained}");
    let no = json!({"approve": false, "reason": "改由经办人提出"});
    let refused = head.post(&sign, no).await.expect(200);
    assert_eq!(
        (&refused["status"], &refused["reason"]),
        (&json!("refused"), &json!("改由经办人提出"))
    );

    let clerk = app.as_(CLERK);
    let second = clerk.post(&case.path("/final-replies"), proposal()).await.expect(201);
    head.post(&path(&second["id"], "/sign"), agree()).await.expect(200);
    let no = json!({"approve": false, "reason": "证据不足，请补充批复文号"});
    app.as_("dispatcher").post(&path(&second["id"], "/confirm"), no).await.expect(200);
    app.drain().await;
    let inbox = clerk.get("/notifications").await.expect(200).to_string();
    assert!(inbox.contains("请补充批复文号"), "{inbox}");
    let forged = sqlx::query("update final_reply set status = 'signed', signed_by = proposed_by, signed_at = proposed_at where status = 'proposed' or true")
        .execute(app.db())
        .await
        .unwrap_err();
    assert!(forged.to_string().contains("final_reply_"), "{forged}");
}

#[tokio::test]
async fn it_is_for_what_was_looked_at_again_and_for_the_lead_alone() {
    let app = App::spawn().await;
    let once = app.closed().await;
    let clerk = app.as_(CLERK);
    let path = once.path("/final-replies");
    clerk.post(&path, proposal()).await.refused(409, "final_reply_not_reviewed");
    let open = app.acknowledged().await;
    clerk
        .post(&open.path("/final-replies"), proposal())
        .await
        .refused(409, "final_reply_not_answered");
    app.as_("dept.housing").post(&path, proposal()).await.refused(404, "not_found");
    app.as_("community.140213066004")
        .post(&path, proposal())
        .await
        .refused(409, "final_reply_not_lead");
    app.as_("dispatcher").post(&path, proposal()).await.refused(403, "forbidden");
    for (field, value) in [
        ("text", json!("您反映的问题已转交相关部门处理。")),
        ("legal_basis", json!("")),
        ("evidence", json!("照片")),
        ("valid_days", json!(7)),
    ] {
        let mut body = proposal();
        body[field] = value;
        let answer = clerk.post(&path, body).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{answer}");
    }
    assert_eq!(app.count("final_reply").await, 0);
}

#[tokio::test]
async fn what_it_does_not_answer() {
    let app = App::spawn().await;
    let (case, id) = in_force(&app).await;
    let dispatcher = app.as_("dispatcher");
    let answer = |appeal: &Case| {
        let (dispatcher, path, body) =
            (dispatcher.clone(), appeal.path("/answer-with-final"), cite(&id));
        async move { dispatcher.post(&path, body).await }
    };
    // Somebody else with another number to call.
    let mut other = complaint();
    other["contact"]["phone"] = json!("13834560000");
    let stranger = app.resident("wang").submit(&other).await;
    assert_eq!(dispatcher.complaint(&stranger).await["final_replies"], json!([]));
    answer(&stranger).await.refused(409, "final_reply_other_reporter");
    // Another account, but the same number to call: the same person.
    let by_phone = app.resident("zhao").submit(&complaint()).await;
    answer(&by_phone).await.expect(200);
    // An emergency is looked at each time.
    let urgent = app.resident("li").submit(&complaint()).await;
    app.accept(&urgent, "emergency").await;
    answer(&urgent).await.refused(409, "final_reply_emergency");
    // The reporter says that there are new facts: once answered with it, never again.
    let appeal = app.resident("li").submit(&complaint()).await;
    answer(&appeal).await.expect(200);
    app.advance(TimeDelta::minutes(1));
    let facts = json!({"reason": "路口新开了校门，情况和上次不同"});
    app.resident("li").post(&appeal.path("/reopen"), facts).await.expect(200);
    answer(&appeal).await.refused(409, "final_reply_new_facts");
    // No such final reply.
    let fresh = app.resident("li").submit(&complaint()).await;
    let missing = cite("019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071");
    let missing = dispatcher.post(&fresh.path("/answer-with-final"), missing).await;
    assert_eq!((missing.status, missing.fields()), (422, vec!["final_reply"]), "{missing}");
    // The matter itself is opened again.
    app.resident("li").post(&case.path("/reopen"), json!({"reason": "又坏了"})).await.expect(200);
    answer(&fresh).await.refused(409, "final_reply_not_answered");
    app.as_(CLERK)
        .post(&fresh.path("/answer-with-final"), cite(&id))
        .await
        .refused(403, "forbidden");
}

/// Its words and its case's number stand in the answer, which other eyes read.
#[tokio::test]
async fn what_its_case_keeps_secret_is_not_told_in_another() {
    let app = App::spawn().await;
    let (case, id) = in_force(&app).await;
    let appeal = app.resident("li").submit(&complaint()).await;
    let path = appeal.path("/answer-with-final");
    let dispatcher = app.as_("dispatcher");
    for (secret, open) in [
        ("confidential = true", "confidential = false"),
        ("reported_unit = '140213066'", "reported_unit = null"),
    ] {
        let set = async |what: &str, id: &str| {
            let sql = format!("update complaint set {what} where id = '{id}'");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(app.db()).await.unwrap();
        };
        set(secret, &case.id).await;
        dispatcher.post(&path, cite(&id)).await.refused(409, "final_reply_secret");
        set(open, &case.id).await;
    }
    dispatcher.post(&path, cite(&id)).await.expect(200);
}

#[tokio::test]
async fn it_ends_with_its_term_or_when_a_supervisor_revokes_it() {
    let app = App::spawn().await;
    let (case, id) = in_force(&app).await;
    let revoke = format!("/final-replies/{id}/revoke");
    let reason = json!({"reason": "规划已经调整，可以重新研究"});
    app.as_("dispatcher").post(&revoke, reason.clone()).await.refused(403, "forbidden");
    let appeal = app.resident("li").submit(&complaint()).await;
    app.as_("supervisor").post(&revoke, reason.clone()).await.expect(200);
    app.as_("supervisor").post(&revoke, reason).await.refused(409, "final_reply_step_refused");
    let path = appeal.path("/answer-with-final");
    app.as_("dispatcher").post(&path, cite(&id)).await.refused(409, "final_reply_step_refused");
    assert_eq!(app.as_("dispatcher").complaint(&appeal).await["final_replies"], json!([]));

    // Another one takes its place, for a month.
    let mut month = proposal();
    month["valid_days"] = json!(30);
    let made = app.as_(CLERK).post(&case.path("/final-replies"), month).await.expect(201);
    let id = made["id"].as_str().unwrap();
    app.as_(HEAD).post(&format!("/final-replies/{id}/sign"), agree()).await.expect(200);
    app.as_("dispatcher").post(&format!("/final-replies/{id}/confirm"), agree()).await.expect(200);
    app.advance(TimeDelta::days(31));
    app.as_("dispatcher").post(&path, cite(id)).await.refused(409, "final_reply_expired");
    let listed =
        app.as_("supervisor").all(&format!("/final-replies?complaint_id={}", case.id)).await;
    let statuses: Vec<&Value> = listed.iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["in_force", "revoked"], "the record stays");
    let next = app.as_(CLERK).post(&case.path("/final-replies"), proposal()).await;
    next.expect(201);
    assert!(app.as_("dept.housing").all("/final-replies").await.is_empty(), "another unit's");
}
