//! Each step tells exactly the right people, in plain Chinese.

use std::collections::HashSet;

use serde_json::json;

use super::*;

const PEOPLE: &[&str] = &[
    BLOWER,
    REVIEWER,
    "dept.urban-management",
    "dept.market-supervision",
    "dept.ecology",
    "dept.water",
    "dispatcher",
    "supervisor",
    "leader",
];

struct Inboxes {
    app: App,
    seen: HashSet<String>,
}

impl Inboxes {
    /// After a step: exactly these people are told exactly this.
    async fn expect(&mut self, step: &str, expected: &[(&str, &str, &str)]) {
        self.app.drain().await;
        let mut told = Vec::new();
        for name in PEOPLE {
            let inbox = self.app.as_(name).all("/notifications").await;
            for one in inbox.iter().rev() {
                let text = |field: &str| one[field].as_str().unwrap().to_owned();
                if self.seen.insert(text("id")) {
                    assert!(one["whistle_id"].is_string(), "{one}");
                    told.push((*name, text("kind"), text("text")));
                }
            }
        }
        let kinds: Vec<_> = told.iter().map(|(who, kind, _)| (*who, kind.as_str())).collect();
        let wanted: Vec<_> = expected.iter().map(|(who, kind, _)| (*who, *kind)).collect();
        assert_eq!(kinds, wanted, "{step}");
        for ((who, _, text), (.., words)) in told.iter().zip(expected) {
            assert!(text.contains(words), "{step}: {who} should read “{words}”: {text}");
            for sign in ["_", "{", "null", "Z", "Some(", "market-supervision", "。。"] {
                assert!(!text.contains(sign), "{step}: {who}: “{sign}” in: {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_life_tells_the_right_people() {
    let app = App::spawn().await;
    let mut inboxes = Inboxes { app: app.clone(), seen: HashSet::new() };
    let whistle = Whistle::draft(&app, &super::whistle("routine")).await;
    inboxes.expect("drafted", &[(REVIEWER, "whistle_drafted", "日常哨")]).await;

    let yes = json!({"approve": true, "note": "请尽快到场"});
    whistle.by(REVIEWER, "/review", yes).await.expect(200);
    let told = [
        (BLOWER, "whistle_reviewed", "请尽快到场"),
        ("dept.urban-management", "task_dispatched", "到场"),
        ("dept.market-supervision", "task_dispatched", "协办"),
        ("dept.ecology", "task_dispatched", "协办"),
        ("dispatcher", "whistle_blown", "已吹哨"),
    ];
    inboxes.expect("blown", &told).await;

    whistle.unit(UNITS[0], "/acknowledge", json!({})).await.expect(200);
    inboxes.expect("acknowledged", &[(BLOWER, "task_acknowledged", "签收")]).await;
    whistle.unit(UNITS[0], "/report-in", people()).await.expect(200);
    let told = [(BLOWER, "arrived", "王强（副局长）"), ("dispatcher", "arrived", "王强（副局长）")];
    inboxes.expect("on the spot", &told).await;
    whistle.unit(UNITS[0], "/reply", reply()).await.expect(200);
    let told = [(BLOWER, "task_replied", REPLY), ("dispatcher", "task_replied", REPLY)];
    inboxes.expect("the lead replied", &told).await;
    whistle.unit(UNITS[2], "/acknowledge", json!({})).await.expect(200);
    whistle.unit(UNITS[2], "/report-in", people()).await.expect(200);
    whistle.unit(UNITS[2], "/reply", reply()).await.expect(200);
    let told = [
        (BLOWER, "task_acknowledged", "签收"),
        (BLOWER, "arrived", "到场"),
        (BLOWER, "task_replied", REPLY),
        ("dispatcher", "arrived", "到场"),
        ("dispatcher", "task_replied", REPLY),
    ];
    inboxes.expect("an assist unit replied", &told).await;

    let back = json!({"reason": "没有说明油烟情况"});
    whistle.judge(BLOWER, UNITS[2], "/send-back", back).await.expect(200);
    inboxes.expect("sent back", &[("dept.ecology", "task_sent_back", "油烟")]).await;
    whistle.unit(UNITS[2], "/acknowledge", json!({})).await.expect(200);
    whistle.unit(UNITS[2], "/reply", reply()).await.expect(200);
    whistle.unit(UNITS[1], "/acknowledge", json!({})).await.expect(200);
    whistle.unit(UNITS[1], "/report-in", people()).await.expect(200);
    whistle.unit(UNITS[1], "/reply", reply()).await.expect(200);
    let told = [
        (BLOWER, "task_acknowledged", "签收"),
        (BLOWER, "task_replied", "答复"),
        (BLOWER, "task_acknowledged", "签收"),
        (BLOWER, "arrived", "到场"),
        (BLOWER, "task_replied", "答复"),
        ("dispatcher", "task_replied", "答复"),
        ("dispatcher", "arrived", "到场"),
        ("dispatcher", "task_replied", "答复"),
    ];
    inboxes.expect("the rest", &told).await;

    whistle.units_confirmed().await;
    let told = UNITS.map(|unit| match unit {
        "urban-management" => ("dept.urban-management", "task_confirmed", "确认"),
        "ecology" => ("dept.ecology", "task_confirmed", "确认"),
        _ => ("dept.market-supervision", "task_confirmed", "确认"),
    });
    inboxes.expect("confirmed", &told).await;

    whistle.by(BLOWER, "/stand-down", json!({})).await.expect(200);
    let told = told.map(|(who, ..)| (who, "stand_down_called", "评哨"));
    inboxes.expect("called done", &told).await;
    whistle.by(BLOWER, "/appraise", appraisal(UNITS[1])).await.expect(200);
    let told = [("dept.market-supervision", "unit_appraised", "报到效率 5 分")];
    inboxes.expect("one unit appraised: the others do not read it", &told).await;
    let rating = json!({"needed": 4, "clear": 5, "comment": "地点清楚"});
    whistle.by("dept.ecology", "/rate", rating).await.expect(200);
    inboxes.expect("rated", &[(BLOWER, "whistle_rated", "地点清楚")]).await;
    app.pass("2026-12-02T00:00:01+08:00").await;
    let told = [
        (BLOWER, "stood_down", "销哨"),
        ("dept.urban-management", "stood_down", "销哨"),
        ("dept.market-supervision", "stood_down", "销哨"),
        ("dept.ecology", "stood_down", "销哨"),
    ];
    inboxes.expect("over by the clock", &told).await;
}
