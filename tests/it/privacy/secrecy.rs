//! Secrecy of who reports (举报保密): everything that a handling unit can read, walked: every GET of the
//! OpenAPI file with every id that the unit ever learns, its exports, and the stored notifications.
//! Nowhere is the reporter.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{App, CLERK, Client, UNIT, complaint, operations};

const NAME: &str = "严守秘";
const PHONE: &str = "13555550001";
const SHOWN: &str = "演示居民 yanshoumi";
const OPENID: &str = "demo:yanshoumi";
/// Ids that one persona tries on one operation at most.
const MOST_IDS: usize = 40;

/// Who may have to do with the case at all, and not as the centre.
const UNITS: [&str; 4] =
    [CLERK, "head.urban-management", "community.140213066004", "subdistrict.140213066"];

/// Everything in a value that looks like an id.
fn ids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| ids(field, found)),
        _ => {}
    }
}

/// Gets a path and looks for the reporter in the answer and its headers.
async fn look(who: &Client, path: &str, secrets: &[String], leaks: &mut Vec<String>) -> Value {
    let answer = who.get(path).await;
    let headers = format!("{:?}", answer.headers);
    for secret in secrets {
        if answer.text.contains(secret) || headers.contains(secret) {
            leaks.push(format!("{path}: {secret}"));
        }
    }
    answer.body
}

/// Everything that somebody can get, also of the objects of which they learn meanwhile, after those
/// of the ids that are given, `most` at most; notes where a secret stands, and answers how much was
/// asked.
pub async fn walk(
    who: &Client,
    (first, most): (&[String], usize),
    secrets: &[String],
    leaks: &mut Vec<String>,
) -> usize {
    let mut known: BTreeSet<String> = first.iter().cloned().collect();
    let mut asked = 0;
    let gets: Vec<_> = operations().iter().filter(|one| one.method == "GET").collect();
    let lists = gets.iter().filter(|one| !one.path.contains('{'));
    for operation in lists.filter(|one| one.id != "privacy.export") {
        let path = operation.path.trim_start_matches("/api/v1");
        let body = look(who, path, secrets, leaks).await;
        ids(&body, &mut known);
        asked += 1;
    }
    let mut tried: Vec<String> = first.to_vec();
    tried.extend(known.iter().filter(|id| !tried.contains(id)).cloned().collect::<Vec<_>>());
    tried.truncate(most);
    for operation in gets.iter().filter(|one| one.path.contains("{id}")) {
        for id in &tried {
            let path = operation.path_with(id);
            let path = path.trim_start_matches("/api/v1");
            look(who, path, secrets, leaks).await;
            asked += 1;
        }
    }
    asked
}

async fn exported(app: &App, who: &str, list: &str) -> String {
    let key = format!("export-{who}-{list}").replace('.', "-");
    let body = json!({ "list": list });
    let client = app.as_(who);
    let ordered = client.request(Method::POST, "/exports").key(&key).json(&body).send().await;
    if ordered.status == 403 {
        return String::new();
    }
    let ordered = ordered.expect(202);
    app.drain().await;
    let path = format!("/exports/{}", ordered["id"].as_str().unwrap());
    let view = client.get(&path).await.expect(200);
    let url = format!("{}{}", app.base(), view["url"].as_str().unwrap());
    let file = reqwest::Client::new().get(url).send().await.unwrap();
    let table = api::sheet::read(file.bytes().await.unwrap().to_vec()).unwrap();
    assert!(who != CLERK || !table.rows.is_empty(), "{who}: {list} is empty");
    format!("{:?}", table.rows.into_iter().map(|row| row.cells).collect::<Vec<_>>())
}

#[tokio::test]
async fn no_handling_unit_finds_out_who_reported() {
    let log = super::scan::Log::captured();
    let app = App::spawn().await;
    let reporter = app.resident("yanshoumi");
    let mut body = complaint();
    body["kind"] = json!("report");
    body["contact"] = json!({"name": NAME, "phone": PHONE});
    let mut case = reporter.submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": UNIT})).await;
    let clerk = app.as_(CLERK);
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    reporter.post(&case.path("/remind"), json!({})).await.expect(200);
    let relay = json!({"note": "经平台转告，已安排核查", "channel": "relay"});
    clerk.post(&case.task("/contact"), relay).await.expect(200);
    let reply = json!({"text": crate::support::REPLY, "outcome": "solved"});
    clerk.post(&case.task("/reply"), reply).await.expect(200);
    let dispatcher = app.as_("dispatcher");
    dispatcher.post(&case.task("/confirm"), json!({})).await.expect(200);
    // Not content: the reporter's own words go back with the rework.
    let words = format!("我是{NAME}，他们没有来看");
    let stars = json!({"solved": false, "satisfaction": 1, "comment": words});
    reporter.post(&case.path("/evaluate"), stars).await.expect(200);
    app.drain().await;

    let account = reporter.get("/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    let secrets: Vec<String> =
        [NAME, PHONE, SHOWN, OPENID, account.as_str()].map(str::to_owned).to_vec();
    // What is looked for can be found: the centre sees whom to call, masked, and opens it on record.
    let seen = dispatcher.complaint(&case).await.to_string();
    assert!(seen.contains("严**"), "{seen}");

    let (mut leaks, mut asked) = (Vec::new(), 0);
    for persona in UNITS {
        let who = app.as_(persona);
        let first = [case.id.clone(), case.lead.clone()];
        asked += walk(&who, (&first, MOST_IDS), &secrets, &mut leaks).await;
        // The search finds what a unit may read, and not by whom.
        for secret in [NAME, PHONE] {
            let found = who.get(&format!("/complaints?q={secret}")).await.expect(200);
            if found["items"] != json!([]) {
                leaks.push(format!("{persona} finds the case by {secret}"));
            }
        }
        for list in ["complaints", "tasks"] {
            let text = exported(&app, persona, list).await;
            leaks.extend(
                secrets
                    .iter()
                    .filter(|secret| text.contains(*secret))
                    .map(|secret| format!("{persona} exports {list}: {secret}")),
            );
        }
        // No unit opens the contact, whatever reason it gives.
        let reason = json!({"reason": "需要当面核实情况"});
        let opened = who.post(&case.path("/unmask"), reason).await;
        assert!(opened.status >= 400, "{persona}: {opened}");
    }
    assert!(asked > 500, "only {asked} requests: what this test walks has moved");
    if let Some(log) = log {
        let text = log.text();
        let said = secrets.iter().filter(|secret| **secret != account && text.contains(*secret));
        leaks.extend(said.map(|secret| format!("the log: {secret}")));
    }
    leaks.sort();
    leaks.dedup();
    assert!(leaks.is_empty(), "the reporter shows:\n  {}", leaks.join("\n  "));
}
