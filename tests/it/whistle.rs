//! Whistles (吹哨报到) over HTTP: a community calls three departments.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, COMMUNITY, Case, Client, REPLY};

mod bad;
mod checks;
mod clock;
mod complaint;
mod judging;
mod life;
mod told;
mod watch;

/// Blows: 文兴社区's officer.
const BLOWER: &str = "community.140213066004";
/// Reviews: 水泊寺街道's officer.
const REVIEWER: &str = "subdistrict.140213066";
/// Who is called, the lead first.
const UNITS: [&str; 3] = ["urban-management", "market-supervision", "ecology"];

/// A whistle's body that nothing is wrong with.
fn whistle(kind: &str) -> Value {
    json!({
        "kind": kind,
        "level": "yellow",
        "title": "夜市占道和油烟扰民",
        "content": "文兴路夜市三十余家摊点占道经营，油烟直排居民楼，社区多次劝导无效。",
        "community_code": COMMUNITY,
        "lead": UNITS[0],
        "assist": [UNITS[1], UNITS[2]],
    })
}

/// The same for a complaint that waits.
fn whistle_for(kind: &str, case: &Case) -> Value {
    let mut body = whistle(kind);
    body["complaint_id"] = json!(case.id);
    body
}

fn appraisal(unit: &str) -> Value {
    json!({"unit": unit, "speed": 5, "handling": 4, "result": 5, "comment": "来得快"})
}

fn people() -> Value {
    json!({"people": [{"name": "王强", "post": "副局长"}, {"name": "刘敏", "post": "科长"}]})
}

fn reply() -> Value {
    json!({"text": REPLY, "outcome": "solved"})
}

impl Client {
    /// Drafts a whistle under a fresh key.
    async fn blow(&self, body: &Value) -> Answer {
        let key = format!("key-{:016x}", u64::from_be_bytes(infra::random::bytes()));
        self.request(Method::POST, "/whistles").key(&key).json(body).send().await
    }
}

/// A whistle of [`BLOWER`]'s.
#[derive(Clone)]
pub struct Whistle {
    app: App,
    id: String,
}

impl Whistle {
    async fn draft(app: &App, body: &Value) -> Self {
        let drafted = app.as_(BLOWER).blow(body).await.expect(201);
        Self { app: app.clone(), id: drafted["id"].as_str().expect("an id").to_owned() }
    }

    /// The tasks are out: a routine whistle that was reviewed.
    pub async fn blown(app: &App) -> Self {
        let whistle = Self::draft(app, &whistle("routine")).await;
        whistle.by(REVIEWER, "/review", json!({"approve": true})).await.expect(200);
        whistle
    }

    /// Blown, and every unit has replied from the spot.
    async fn replied(app: &App) -> Self {
        let whistle = Self::blown(app).await;
        whistle.units_reply().await;
        whistle
    }

    /// Replied, and the blower confirmed each.
    async fn confirmed(app: &App) -> Self {
        let whistle = Self::replied(app).await;
        whistle.units_confirmed().await;
        whistle
    }

    async fn units_reply(&self) {
        for unit in UNITS {
            self.unit(unit, "/acknowledge", json!({})).await.expect(200);
            self.unit(unit, "/report-in", people()).await.expect(200);
            self.unit(unit, "/reply", reply()).await.expect(200);
        }
    }

    async fn units_confirmed(&self) {
        for unit in UNITS {
            self.judge(BLOWER, unit, "/confirm", json!({})).await.expect(200);
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/whistles/{}{rest}", self.id)
    }

    /// A command on the whistle.
    async fn by(&self, who: &str, rest: &str, body: Value) -> Answer {
        self.app.as_(who).post(&self.path(rest), body).await
    }

    /// The whistle as somebody sees it.
    async fn seen(&self, who: &str) -> Value {
        self.app.as_(who).get(&self.path("")).await.expect(200)
    }

    async fn status(&self) -> String {
        self.seen(BLOWER).await["status"].as_str().expect("a status").to_owned()
    }

    /// Every task it ever had, as the centre sees them.
    async fn tasks(&self) -> Vec<Value> {
        self.app.as_("dispatcher").all(&format!("/tasks?whistle_id={}", self.id)).await
    }

    /// `/tasks/{id}` of a unit and what follows.
    async fn task(&self, unit: &str, rest: &str) -> String {
        let tasks = self.tasks().await;
        let task = tasks.iter().find(|task| task["unit"] == unit).expect("the unit has a task");
        format!("/tasks/{}{rest}", task["id"].as_str().expect("an id"))
    }

    /// A command of a unit's clerk on its task.
    async fn unit(&self, unit: &str, rest: &str, body: Value) -> Answer {
        let path = self.task(unit, rest).await;
        self.app.as_(&format!("dept.{unit}")).post(&path, body).await
    }

    /// A command of somebody else on a unit's task.
    async fn judge(&self, who: &str, unit: &str, rest: &str, body: Value) -> Answer {
        let path = self.task(unit, rest).await;
        self.app.as_(who).post(&path, body).await
    }

    /// The kinds of the events that somebody reads.
    async fn events(&self, who: &str) -> Vec<String> {
        let events = self.app.as_(who).all(&self.path("/events")).await;
        events.iter().map(|event| event["kind"].as_str().expect("a kind").to_owned()).collect()
    }
}
