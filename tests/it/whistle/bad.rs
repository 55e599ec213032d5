//! Bad input: a refusal that names the field, and nothing stored.

use serde_json::{Value, json};

use super::*;

async fn rows(app: &App) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in [
        "whistle",
        "task",
        "event",
        "appraisal",
        "whistle_rating",
        "job",
        "sla_timer",
        "idempotency",
    ] {
        rows.push(app.count(table).await);
    }
    rows
}

#[tokio::test]
async fn a_draft_with_a_fault_names_it_and_stores_nothing() {
    let app = App::spawn().await;
    let blower = app.as_(BLOWER);
    let before = rows(&app).await;
    let many: Vec<String> = (0..21).map(|n| format!("unit-{n}")).collect();
    for (field, value, named) in [
        ("kind", json!("urgent"), "kind"),
        ("kind", json!(null), "kind"),
        ("level", json!("green"), "level"),
        ("level", json!(1), "level"),
        ("title", json!("夜"), "title"),
        ("title", json!("长".repeat(201)), "title"),
        ("title", json!("夜市\u{0}占道"), "title"),
        ("title", json!(7), "title"),
        ("content", json!("占道"), "content"),
        ("content", json!("长".repeat(10_001)), "content"),
        ("community_code", json!("文兴社区"), "community_code"),
        ("community_code", json!(140_213_066_004_u64), "community_code"),
        // Another's, its subdistrict, and none at all.
        ("community_code", json!("140213066201"), "community_code"),
        ("community_code", json!("140213051001"), "community_code"),
        ("community_code", json!(crate::support::SUBDISTRICT), "community_code"),
        ("community_code", json!("140213066999"), "community_code"),
        ("lead", json!("no-such-unit"), "lead"),
        ("lead", json!(""), "lead"),
        ("lead", json!(["ecology"]), "lead"),
        // Another community, the blower itself, another subdistrict: a whistle calls upwards.
        ("lead", json!("140213066201"), "lead"),
        ("lead", json!(COMMUNITY), "lead"),
        ("lead", json!("140213051"), "lead"),
        ("assist", json!("ecology"), "assist"),
        ("assist", json!(["ecology", "no-such-unit"]), "assist"),
        ("assist", json!(["生态局"]), "assist.0"),
        ("assist", json!(many), "assist"),
        ("assist", json!([7]), "assist"),
        ("complaint_id", json!("x"), "complaint_id"),
        ("complaint_id", json!("019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"), "complaint_id"),
        ("status", json!("blown"), "status"),
        ("blower", json!(COMMUNITY), "blower"),
        ("approved", json!(true), "approved"),
        ("id", json!("019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"), "id"),
    ] {
        for kind in ["routine", "emergency"] {
            let mut body = super::whistle(kind);
            body[field] = value.clone();
            let answer = blower.blow(&body).await;
            let fields = answer.fields();
            let fits = fields.iter().any(|name| name.starts_with(named));
            assert!(fits && fields.len() == 1, "{field} {value}: {answer}");
            answer.refused(422, "invalid_field");
        }
    }
    let mut twice = super::whistle("emergency");
    twice["assist"] = json!([UNITS[1], UNITS[0]]);
    blower.blow(&twice).await.refused(422, "whistle_unit_twice");
    twice["assist"] = json!([UNITS[1], UNITS[1]]);
    blower.blow(&twice).await.refused(422, "whistle_unit_twice");
    for missing in ["kind", "level", "title", "content", "community_code", "lead"] {
        let mut body = super::whistle("emergency");
        body.as_object_mut().unwrap().remove(missing);
        let answer = blower.blow(&body).await;
        assert_eq!(answer.fields(), [missing], "{answer}");
    }
    for broken in ["", "{", "[]", "null"] {
        let request = blower.request(Method::POST, "/whistles").key("broken-key");
        let answer = request.raw("application/json", broken).send().await;
        assert!(matches!(answer.status, 400 | 422), "{answer}");
    }
    assert_eq!(rows(&app).await, before);
    let alone = {
        let mut body = super::whistle("routine");
        body.as_object_mut().unwrap().remove("assist");
        body
    };
    blower.blow(&alone).await.expect(201);
}

#[tokio::test]
async fn a_community_may_call_its_own_subdistrict() {
    let app = App::spawn().await;
    let mut body = super::whistle("emergency");
    body["assist"] = json!([crate::support::SUBDISTRICT]);
    let whistle = Whistle::draft(&app, &body).await;
    let task = whistle.task(crate::support::SUBDISTRICT, "/acknowledge").await;
    app.as_(REVIEWER).post(&task, json!({})).await.expect(200);
    let rating = json!({"needed": 5, "clear": 5});
    whistle.by(REVIEWER, "/rate", rating).await.expect(200);
}

#[tokio::test]
async fn a_command_with_a_fault_names_it_and_changes_nothing() {
    let app = App::spawn().await;
    let whistle = Whistle::confirmed(&app).await;
    let emergency = Whistle::draft(&app, &super::whistle("emergency")).await;
    app.drain().await;
    let before = rows(&app).await;
    let score = |field: &str, value: Value| {
        let mut body = appraisal(UNITS[0]);
        body[field] = value;
        body
    };
    let rating = |needed: Value, clear: Value| json!({"needed": needed, "clear": clear});
    let long = "长".repeat(2_001);
    let clerk = "dept.ecology";
    for (one, who, rest, body, field) in [
        (&emergency, REVIEWER, "/review", json!({}), "approve"),
        (&emergency, REVIEWER, "/review", json!({"approve": "yes"}), "approve"),
        (&emergency, REVIEWER, "/review", json!({"approve": false}), "note"),
        (&emergency, REVIEWER, "/review", json!({"approve": true, "note": long}), "note"),
        (&emergency, REVIEWER, "/review", json!({"approve": true, "by": "me"}), "by"),
        (&whistle, BLOWER, "/withdraw", json!({}), "reason"),
        (&whistle, BLOWER, "/withdraw", json!({"reason": "撤"}), "reason"),
        (&whistle, BLOWER, "/withdraw", json!({"reason": 1}), "reason"),
        (&whistle, BLOWER, "/appraise", json!({"unit": UNITS[0]}), "speed"),
        (&whistle, BLOWER, "/appraise", score("speed", json!(0)), "speed"),
        (&whistle, BLOWER, "/appraise", score("handling", json!(6)), "handling"),
        (&whistle, BLOWER, "/appraise", score("result", json!(65_537)), "result"),
        (&whistle, BLOWER, "/appraise", score("result", json!(4.5)), "result"),
        (&whistle, BLOWER, "/appraise", score("result", json!("5")), "result"),
        (&whistle, BLOWER, "/appraise", score("unit", json!("生态局")), "unit"),
        (&whistle, BLOWER, "/appraise", score("comment", json!("长".repeat(1_001))), "comment"),
        (&whistle, BLOWER, "/stand-down", json!({"force": true}), "force"),
        (&whistle, clerk, "/rate", rating(json!(0), json!(5)), "needed"),
        (&whistle, clerk, "/rate", rating(json!(5), json!(null)), "clear"),
        (&whistle, clerk, "/rate", json!({"needed": 5}), "clear"),
    ] {
        let answer = one.by(who, rest, body.clone()).await;
        assert_eq!(answer.fields(), [field], "{rest} {body}: {answer}");
        answer.refused(422, "invalid_field");
    }
    whistle.by(BLOWER, "/appraise", appraisal("water")).await.refused(422, "unit_not_called");
    for rest in ["/withdraw", "/appraise", "/rate"] {
        let who = if rest == "/rate" { clerk } else { BLOWER };
        let request = app.as_(who).request(Method::POST, &whistle.path(rest));
        request.raw("application/json", "{").send().await.refused(400, "malformed_json");
    }
    for id in ["x", "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"] {
        for (who, rest) in [
            (REVIEWER, "/review"),
            (BLOWER, "/withdraw"),
            (BLOWER, "/appraise"),
            (BLOWER, "/stand-down"),
            (clerk, "/rate"),
        ] {
            let path = format!("/whistles/{id}{rest}");
            app.as_(who).post(&path, json!({"x": 1})).await.refused(404, "not_found");
        }
        app.as_(BLOWER).get(&format!("/whistles/{id}")).await.refused(404, "not_found");
        app.as_(BLOWER).get(&format!("/whistles/{id}/events")).await.refused(404, "not_found");
    }
    assert_eq!(rows(&app).await, before);
}
