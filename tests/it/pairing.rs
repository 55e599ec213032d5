//! Leading cadres paired with communities: who, for how long, and what they solved.

use serde_json::{Value, json};

use crate::support::{App, COMMUNITY, complaint};

const OFFICER: &str = "community.140213066004";
const LIAISON: &str = "liaison.education";

fn pair(post: &str) -> Value {
    json!({
        "post": post, "unit": "education", "community_code": COMMUNITY,
        "estate_code": "140213066004001", "from_day": "2026-01-01", "until_day": "2027-12-31",
    })
}

fn path(kind: &str, object: &Value) -> String {
    format!("/{kind}/{}", object["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_matter_counts_once_the_community_confirms_it() {
    let app = App::spawn().await;
    let (organiser, liaison, officer) = (app.as_("organiser"), app.as_(LIAISON), app.as_(OFFICER));
    let paired = organiser.post("/cadre-pairings", pair("区教育局局长")).await.expect(201);
    assert_eq!(paired["estate_code"], "140213066004001");
    organiser.post("/cadre-pairings", pair("区教育局局长")).await.refused(409, "already_paired");
    let matters = format!("{}/matters", path("cadre-pairings", &paired));
    let case = app.resident("li").submit(&complaint()).await;
    let log = json!({
        "title": "三号楼路灯长期不亮", "found_on": "2026-11-20", "complaint_id": case.id,
    });
    let matter = liaison.post(&matters, log.clone()).await.expect(201);
    assert_eq!(matter["status"], "logged");
    officer.post(&matters, log).await.refused(409, "matter_logged");
    let tomorrow = json!({ "title": "明天的事", "found_on": "2026-11-25" });
    let refused = liaison.post(&matters, tomorrow).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["found_on"]));
    let elsewhere = json!({
        "title": "别处的诉求", "found_on": "2026-11-20",
        "complaint_id": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071",
    });
    let refused = liaison.post(&matters, elsewhere).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["complaint_id"]));

    let one = path("pairing-matters", &matter);
    let (solve, judge) = (format!("{one}/solve"), format!("{one}/judge"));
    let yes = json!({ "approve": true });
    officer.post(&judge, yes.clone()).await.refused(409, "matter_step_refused");
    let solution = json!({ "solution": "已协调更换灯具，恢复照明" });
    assert_eq!(liaison.post(&solve, solution.clone()).await.ok()["status"], "solved");
    liaison.post(&judge, yes.clone()).await.refused(403, "forbidden");
    app.as_("community.140213066001").post(&judge, yes.clone()).await.refused(404, "not_found");
    let counted =
        async || app.as_("leader").get("/cadre-pairings/counts").await.ok()["items"][0].clone();
    assert_eq!(
        (&counted().await["matters"], &counted().await["confirmed"]),
        (&json!(1), &json!(0))
    );
    let silent = officer.post(&judge, json!({ "approve": false })).await;
    assert_eq!((silent.status, silent.fields()), (422, vec!["note"]));
    let back = json!({ "approve": false, "note": "四号楼仍不亮" });
    assert_eq!(officer.post(&judge, back).await.ok()["status"], "sent_back");
    liaison.post(&solve, solution.clone()).await.ok();
    assert_eq!(officer.post(&judge, yes.clone()).await.ok()["status"], "confirmed");
    officer.post(&judge, yes).await.refused(409, "matter_step_refused");
    assert_eq!(counted().await["confirmed"], 1);
    // Each side is told what the other did, and nobody elsewhere.
    app.drain().await;
    let told = async |who: &str| {
        let mut told = Vec::new();
        for kind in ["logged", "solved", "confirmed", "sent_back"] {
            told.push(app.as_(who).told(&format!("matter_{kind}")).await.len());
        }
        told
    };
    assert_eq!(told(OFFICER).await, [1, 2, 0, 0]);
    assert_eq!(told(LIAISON).await, [0, 0, 1, 1]);
    assert_eq!(told("liaison.housing").await, [0; 4]);
    assert_eq!(told("community.140213066001").await, [0; 4]);
    let about = officer.all("/notifications").await;
    let about = about.iter().find(|one| one["kind"] == "matter_solved").unwrap();
    assert_eq!(
        (&about["cadre_pairing_id"], &about["title"]),
        (&paired["id"], &json!("三号楼路灯长期不亮"))
    );
    assert_eq!(about["text"], "包联事项已报告解决，请社区核实确认。");
    assert_eq!(organiser.get(&path("cadre-pairings", &paired)).await.ok()["confirmed"], 1);
}

#[tokio::test]
async fn an_officer_does_not_confirm_what_the_officer_reported() {
    let app = App::spawn().await;
    let officer = app.as_(OFFICER);
    let paired =
        app.as_("organiser").post("/cadre-pairings", pair("区教育局局长")).await.expect(201);
    let matters = format!("{}/matters", path("cadre-pairings", &paired));
    let log = json!({ "title": "楼道堆物", "found_on": "2026-11-20" });
    let matter = officer.post(&matters, log).await.expect(201);
    let one = path("pairing-matters", &matter);
    officer.post(&format!("{one}/solve"), json!({ "solution": "已清理完毕" })).await.ok();
    let own = officer.post(&format!("{one}/judge"), json!({ "approve": true })).await;
    own.refused(409, "own_matter");
}

#[tokio::test]
async fn a_pairing_belongs_to_its_unit_and_community_and_can_be_ended() {
    let app = App::spawn().await;
    let organiser = app.as_("organiser");
    let paired = organiser.post("/cadre-pairings", pair("区教育局局长")).await.expect(201);
    let one = path("cadre-pairings", &paired);
    for who in ["liaison.housing", "community.140213066001"] {
        app.as_(who).get(&one).await.refused(404, "not_found");
        assert!(app.as_(who).all("/cadre-pairings").await.is_empty());
        let log = json!({ "title": "楼道堆物", "found_on": "2026-11-20" });
        app.as_(who).post(&format!("{one}/matters"), log).await.refused(404, "not_found");
        app.as_(who).post("/cadre-pairings", pair("某职务")).await.refused(403, "forbidden");
    }
    app.resident("li").get("/cadre-pairings").await.refused(403, "forbidden");
    for (field, value) in [
        ("unit", json!("no-such-unit")),
        ("community_code", json!("140213066999")),
        ("estate_code", json!("140213066004999")),
        ("username", json!("no.body")),
    ] {
        let mut body = pair("区教育局副局长");
        body[field] = value;
        if field == "community_code" {
            body["estate_code"] = Value::Null;
        }
        let refused = organiser.post("/cadre-pairings", body).await;
        assert_eq!((refused.status, refused.fields()), (422, vec![field]));
    }
    let reason = json!({ "reason": "岗位调整" });
    let over = organiser.post(&format!("{one}/end"), reason.clone()).await.ok();
    assert!(!over["ended_at"].is_null());
    organiser.post(&format!("{one}/end"), reason).await.refused(409, "pairing_over");
    app.drain().await;
    for who in [LIAISON, OFFICER] {
        let told = app.as_(who).told("cadre_pairing_ended").await;
        assert_eq!(told, ["领导干部与社区的包联已终止。"], "{who}");
    }
    let log = json!({ "title": "楼道堆物", "found_on": "2026-11-20" });
    app.as_(LIAISON).post(&format!("{one}/matters"), log).await.refused(409, "pairing_over");
    // The post can be paired again once the old pairing is over.
    organiser.post("/cadre-pairings", pair("区教育局局长")).await.expect(201);
}
