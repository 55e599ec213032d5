//! Cases brought to the state that a test begins with, over HTTP like everything else.

use reqwest::Method;
use serde_json::{Value, json};

use super::{App, CLERK, COMMUNITY, Client, UNIT};

/// A reply that says what was found, done and reached.
pub const REPLY: &str =
    "11月24日19时更换了路口东北角路灯的电缆和灯头，当晚已亮，并检查了相邻三盏。";

/// A complaint's body that nothing is wrong with.
pub fn complaint() -> Value {
    json!({
        "kind": "help",
        "title": "文兴路口路灯不亮",
        "content": "文兴路与永和街交叉口东北角的路灯三天没亮了，晚上老人出行不便。",
        "community_code": COMMUNITY,
        "contact": {"name": "李桂芳", "phone": "13834567890"},
    })
}

/// A complaint with what its reporter keeps and its lead task.
#[derive(Debug, Clone)]
pub struct Case {
    /// The complaint's id.
    pub id: String,
    /// Its number.
    pub number: String,
    /// Its query code.
    pub query_code: String,
    /// The lead task's id; empty before the dispatch.
    pub lead: String,
}

impl Case {
    /// `/complaints/{id}` and what follows.
    pub fn path(&self, rest: &str) -> String {
        format!("/complaints/{}{rest}", self.id)
    }

    /// `/tasks/{lead}` and what follows.
    pub fn task(&self, rest: &str) -> String {
        format!("/tasks/{}{rest}", self.lead)
    }

    /// A body of `/track…`, with more fields.
    pub fn track(&self, more: Value) -> Value {
        let Value::Object(mut body) = more else { panic!("not an object: {more}") };
        body.insert("number".to_owned(), json!(self.number));
        body.insert("query_code".to_owned(), json!(self.query_code));
        Value::Object(body)
    }
}

impl Client {
    /// Submits a complaint under a fresh key.
    pub async fn submit(&self, body: &Value) -> Case {
        let key = format!("key-{:016x}", u64::from_be_bytes(infra::random::bytes()));
        let receipt = self.request(Method::POST, "/complaints").key(&key).json(body).send().await;
        let receipt = receipt.expect(201);
        let text = |field: &str| receipt[field].as_str().expect(field).to_owned();
        Case {
            id: text("id"),
            number: text("number"),
            query_code: text("query_code"),
            lead: String::new(),
        }
    }

    /// The complaint as this person sees it.
    pub async fn complaint(&self, case: &Case) -> Value {
        self.get(&case.path("")).await.expect(200)
    }
}

impl App {
    /// A complaint by the resident `li`.
    pub async fn submitted(&self) -> Case {
        self.resident("li").submit(&complaint()).await
    }

    /// A complaint of `li`'s that the centre accepted as ordinary.
    pub async fn accepted(&self) -> Case {
        let case = self.submitted().await;
        self.accept(&case, "ordinary").await;
        case
    }

    /// A complaint of `li`'s whose lead task lies with [`UNIT`].
    pub async fn dispatched(&self) -> Case {
        let mut case = self.accepted().await;
        self.dispatch(&mut case, json!({"lead": UNIT})).await;
        case
    }

    /// Dispatched, and acknowledged by [`CLERK`].
    pub async fn acknowledged(&self) -> Case {
        let case = self.dispatched().await;
        self.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
        case
    }

    /// Acknowledged, contacted and replied to by [`CLERK`]; the centre has not confirmed.
    pub async fn task_replied(&self) -> Case {
        let case = self.acknowledged().await;
        self.contact_and_reply(&case).await;
        case
    }

    /// Replied: the centre confirmed the only task.
    pub async fn replied(&self) -> Case {
        let case = self.task_replied().await;
        self.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
        case
    }

    /// Closed: `li` is satisfied.
    pub async fn closed(&self) -> Case {
        let case = self.replied().await;
        let stars = json!({"solved": true, "satisfaction": 5, "contacted": true});
        self.resident("li").post(&case.path("/evaluate"), stars).await.expect(200);
        case
    }

    /// Closed after a rework: `li` was not satisfied with the first reply, and is with the second.
    pub async fn reworked(&self) -> Case {
        let mut case = self.replied().await;
        let (li, unsolved) = (self.resident("li"), json!({"solved": false, "satisfaction": 2}));
        self.advance(chrono::TimeDelta::minutes(1));
        li.post(&case.path("/evaluate"), unsolved).await.expect(200);
        case.lead = self.open_lead(&case).await;
        self.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
        self.advance(chrono::TimeDelta::minutes(1));
        self.contact_and_reply(&case).await;
        self.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
        let solved = json!({"solved": true, "satisfaction": 3, "contacted": true});
        li.post(&case.path("/evaluate"), solved).await.expect(200);
        case
    }

    /// The dispatcher accepts.
    pub async fn accept(&self, case: &Case, urgency: &str) -> Value {
        let body = json!({"urgency": urgency});
        self.as_("dispatcher").post(&case.path("/accept"), body).await.expect(200)
    }

    /// The dispatcher dispatches; the case learns its lead task.
    pub async fn dispatch(&self, case: &mut Case, body: Value) -> Value {
        let shown = self.as_("dispatcher").post(&case.path("/dispatch"), body).await.expect(200);
        case.lead = self.open_lead(case).await;
        shown
    }

    /// The open lead task of a case.
    pub async fn open_lead(&self, case: &Case) -> String {
        let tasks = self.tasks(case).await;
        let over = ["confirmed", "returned", "cancelled"];
        let lead = tasks.iter().find(|task| {
            task["role"] == "lead" && !over.contains(&task["status"].as_str().unwrap_or_default())
        });
        lead.expect("an open lead task")["id"].as_str().expect("an id").to_owned()
    }

    /// The tasks of a case, as the centre sees them.
    pub async fn tasks(&self, case: &Case) -> Vec<Value> {
        self.as_("dispatcher").all(&format!("/tasks?complaint_id={}", case.id)).await
    }

    /// [`CLERK`] calls and replies.
    pub async fn contact_and_reply(&self, case: &Case) {
        let clerk = self.as_(CLERK);
        let note = json!({"note": "电话联系，约定今晚到现场查看"});
        clerk.post(&case.task("/contact"), note).await.expect(200);
        let reply = json!({"text": REPLY, "outcome": "solved"});
        clerk.post(&case.task("/reply"), reply).await.expect(200);
    }
}
