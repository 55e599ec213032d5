//! Carries one appeal from submission to reply. Each step follows from where the appeal stands, so
//! that a step that was cut off, or a whole run that is repeated, goes on instead of starting over.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::row::Row;
use crate::client::{Answer, Call, Client};
use crate::failure::{Failure, Result};

const CENTRE: &str = "dispatcher";
const REPLY: &str =
    "工作人员当日到现场核实，问题已处置，结果已告知周边居民；原因和后续养护计划见现场公示。";
/// How long the server may be away.
const PATIENCE: Duration = Duration::from_secs(120);
/// More steps than any appeal takes; one that takes more goes round in circles.
const STEPS: usize = 20;
const PAGE: usize = 100;

/// What was done so far.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// The complaints that came of the rows.
    pub complaints: HashSet<String>,
    /// How many of them are replied.
    pub replied: usize,
    /// Requests that were answered.
    pub requests: u64,
    /// Requests sent again, because the connection broke or the server was busy.
    pub retries: u64,
    /// Steps that were refused because an earlier try, or an earlier run, had taken them.
    pub already: u64,
}

/// Sends for the centre and for every department.
#[derive(Debug)]
pub struct Sender {
    client: Client,
    tokens: Mutex<HashMap<String, String>>,
    complaints: Mutex<HashSet<String>>,
    replied: AtomicUsize,
    requests: AtomicU64,
    retries: AtomicU64,
    already: AtomicU64,
}

impl Sender {
    /// A sender with the centre logged in.
    pub async fn new(client: Client) -> Result<Self> {
        let sender = Self {
            client,
            tokens: Mutex::default(),
            complaints: Mutex::default(),
            replied: AtomicUsize::default(),
            requests: AtomicU64::default(),
            retries: AtomicU64::default(),
            already: AtomicU64::default(),
        };
        sender.token(CENTRE, None).await?;
        Ok(sender)
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        Counts {
            complaints: locked(&self.complaints).clone(),
            replied: self.replied.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            already: self.already.load(Ordering::Relaxed),
        }
    }

    /// Carries one appeal as far as the reply.
    ///
    /// # Errors
    /// A step was refused, with the refusal's words.
    pub async fn carry(self: &Arc<Self>, row: &Row) -> Result {
        let submit = Call::post("/complaints", row.body.clone()).key(&row.key);
        let receipt = self.send(CENTRE, &submit).await?;
        let id = match (receipt.status, receipt.text("/id")) {
            (201, id) if !id.is_empty() => id.to_owned(),
            _ => return Err(refused(row, "提交", &receipt)),
        };
        locked(&self.complaints).insert(id.clone());
        let mut seen = receipt.body;
        for _ in 0..STEPS {
            let Some((who, call)) = next(&seen, &id, row) else {
                self.replied.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            };
            let answer = self.send(&who, &call).await?;
            seen = match answer.status {
                200 if answer.body.pointer("/tasks").is_some() => answer.body,
                // A task's own answer, or a step that an earlier try has taken: look at the case.
                status @ (200 | 409) => {
                    if status == 409 {
                        self.already.fetch_add(1, Ordering::Relaxed);
                    }
                    self.read(&id).await?
                }
                _ => return Err(refused(row, "办理", &answer)),
            };
        }
        Err(Failure::new(format!("{}：{STEPS} 步还没有走到答复\n  {seen}", row.key)))
    }

    async fn read(&self, id: &str) -> Result<Value> {
        let answer = self.send(CENTRE, &Call::get(format!("/complaints/{id}"))).await?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(Failure::new(format!("读诉求 {id}：{status} {}", answer.body))),
        }
    }

    /// How many of these complaints the centre's list shows.
    ///
    /// # Errors
    /// A page cannot be read.
    pub async fn listed_complaints(&self, wanted: &HashSet<String>) -> Result<usize> {
        self.walk("/complaints", |row| is_one_of(row, "/id", wanted)).await
    }

    /// How many tasks of these complaints are replied.
    ///
    /// # Errors
    /// A page cannot be read.
    pub async fn replied_tasks(&self, wanted: &HashSet<String>) -> Result<usize> {
        self.walk("/tasks", |row| {
            let status = row.pointer("/status").and_then(Value::as_str).unwrap_or_default();
            is_one_of(row, "/complaint_id", wanted) && matches!(status, "replied" | "confirmed")
        })
        .await
    }

    async fn walk(&self, list: &str, counts: impl Fn(&Value) -> bool) -> Result<usize> {
        let mut found = 0;
        let mut cursor = String::new();
        loop {
            let call = Call::get(format!("{list}?limit={PAGE}{cursor}"));
            let page = self.send(CENTRE, &call).await?;
            if page.status != 200 {
                return Err(Failure::new(format!("{list}：{} {}", page.status, page.body)));
            }
            found += page.items("/items").iter().filter(|row| counts(row)).count();
            match page.text("/next_cursor") {
                "" => return Ok(found),
                next => cursor = format!("&cursor={next}"),
            }
        }
    }

    /// Sends until there is an answer: a broken connection, a busy server and a token that has run
    /// out are no answers.
    async fn send(&self, who: &str, call: &Call) -> Result<Answer> {
        let since = Instant::now();
        let mut pause = Duration::from_millis(50);
        let mut stale = None;
        loop {
            let attempt = match self.token(who, stale.as_deref()).await {
                Ok(token) => {
                    let sent = self.client.send(&call.clone().by(&token)).await;
                    sent.map(|answer| (answer, token)).map_err(Failure::from)
                }
                Err(failure) => Err(failure),
            };
            let last = match attempt {
                Ok((answer, token)) if answer.status == 401 => {
                    stale = Some(token);
                    Failure::new(format!("{who}：{}", answer.body))
                }
                Ok((answer, _)) if matches!(answer.status, 429 | 503) => {
                    Failure::new(format!("{who}：{}", answer.body))
                }
                Ok((answer, _)) => {
                    self.requests.fetch_add(1, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if since.elapsed() > PATIENCE {
                return Err(last);
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// A token of `who`, another one than `stale`.
    async fn token(&self, who: &str, stale: Option<&str>) -> Result<String> {
        let known = locked(&self.tokens).get(who).cloned();
        if let Some(token) = known.filter(|token| Some(token.as_str()) != stale) {
            return Ok(token);
        }
        let token = self.client.log_in(&Call::staff_login(who)).await?;
        locked(&self.tokens).insert(who.to_owned(), token.clone());
        Ok(token)
    }
}

/// Who does what next; nothing when it is replied.
fn next(complaint: &Value, id: &str, row: &Row) -> Option<(String, Call)> {
    let text = |pointer| complaint.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let act = |verb: &str, body| Call::post(format!("/complaints/{id}/{verb}"), body);
    match text("/status") {
        "submitted" => {
            let body = json!({ "urgency": row.route.urgency });
            Some((CENTRE.to_owned(), act("accept", body)))
        }
        "accepted" => {
            let body = json!({ "lead": row.route.lead });
            Some((CENTRE.to_owned(), act("dispatch", body)))
        }
        _ => {
            let task = text("/tasks/0/id");
            let clerk = format!("dept.{}", text("/tasks/0/unit"));
            let act = |verb: &str, body| Call::post(format!("/tasks/{task}/{verb}"), body);
            match text("/tasks/0/status") {
                "pending" => Some((clerk, act("acknowledge", json!({})))),
                "acknowledged" => {
                    Some((clerk, act("reply", json!({ "text": REPLY, "outcome": "solved" }))))
                }
                _ => None,
            }
        }
    }
}

fn refused(row: &Row, step: &str, answer: &Answer) -> Failure {
    Failure::new(format!("{} {step}被拒（{}）：{}", row.key, answer.status, answer.body))
}

fn is_one_of(row: &Value, pointer: &str, wanted: &HashSet<String>) -> bool {
    row.pointer(pointer).and_then(Value::as_str).is_some_and(|id| wanted.contains(id))
}

/// What a panic has left is as good as before: every change here is one call.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::routing;
    use super::*;

    fn step(complaint: &Value) -> Option<(String, String)> {
        let route = routing::route("路灯不亮", "", "188006");
        let row = Row { key: "replay-188006".into(), body: Value::Null, route };
        next(complaint, "c", &row).map(|(who, call)| (who, format!("{call:?}")))
    }

    #[test]
    fn where_it_stands_decides_who_does_what() {
        let task = |status: &str| json!({ "status": "handling", "tasks": [{ "id": "t", "unit": "water", "status": status }] });
        let cases = [
            (json!({ "status": "submitted" }), "dispatcher", "/complaints/c/accept"),
            (json!({ "status": "accepted" }), "dispatcher", "/complaints/c/dispatch"),
            (task("pending"), "dept.water", "/tasks/t/acknowledge"),
            (task("acknowledged"), "dept.water", "/tasks/t/reply"),
        ];
        for (complaint, who, path) in cases {
            let (by, call) = step(&complaint).unwrap();
            assert_eq!(by, who);
            assert!(call.contains(path), "{call}");
        }
        assert_eq!(step(&task("replied")), None);
        assert_eq!(step(&task("confirmed")), None);
    }
}
