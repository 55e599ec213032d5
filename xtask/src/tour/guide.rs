//! The guide: takes a step, prints its line, and stops the tour where the answer differs.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::sleep;

use crate::client::{Answer, Call, Client};
use crate::console::say;
use crate::failure::{Failure, Result};

/// The worker acts within a second or two; a machine that is busy compiling needs longer.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// Who tells the story.
#[derive(Debug)]
pub struct Guide {
    client: Client,
    tokens: HashMap<String, String>,
    /// What a chapter leaves for a later one.
    notes: HashMap<&'static str, String>,
    /// Makes idempotency keys of this run unlike those of the one before.
    run: u128,
    steps: u32,
}

/// What a step must answer.
#[derive(Debug)]
pub struct Expect {
    status: u16,
    fields: Vec<(&'static str, Value)>,
}

/// A successful answer.
pub const OK: Expect = Expect { status: 200, fields: Vec::new() };
/// Something was created.
pub const CREATED: Expect = Expect { status: 201, fields: Vec::new() };

/// A refusal with this HTTP status and code.
pub fn refusal(status: u16, code: &str) -> Expect {
    Expect { status, fields: Vec::new() }.with("/code", code)
}

impl Expect {
    /// And this field, by JSON pointer, has this value.
    pub fn with(mut self, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((pointer, value.into()));
        self
    }

    /// What differs, in words.
    fn differs(&self, answer: &Answer) -> Option<String> {
        if answer.status != self.status {
            return Some(format!("状态应为 {}，实为 {}", self.status, answer.status));
        }
        self.fields.iter().find_map(|(pointer, value)| {
            let found = answer.body.pointer(pointer).unwrap_or(&Value::Null);
            (found != value).then(|| format!("{pointer} 应为 {value}，实为 {found}"))
        })
    }
}

impl Guide {
    /// A guide for the server at `base_url`.
    pub fn new(base_url: &str) -> Result<Self> {
        let client = Client::new(base_url)?;
        let (tokens, notes) = (HashMap::new(), HashMap::new());
        Ok(Self { client, tokens, notes, run: stamp(), steps: 0 })
    }

    /// How many steps were taken.
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// An idempotency key that only this run uses.
    pub fn key(&self, what: &str) -> String {
        format!("tour-{what}-{}", self.run)
    }

    /// Leaves something, such as an id, for a later chapter.
    pub fn remember(&mut self, what: &'static str, value: &str) {
        self.notes.insert(what, value.to_owned());
    }

    /// What an earlier chapter left.
    pub fn recall(&self, what: &str) -> Result<String> {
        let missing = || Failure::new(format!("前面的章节没有留下 {what}"));
        self.notes.get(what).cloned().ok_or_else(missing)
    }

    /// Takes one step and prints its line; of a refusal the words that the person reads, too.
    pub async fn step(&mut self, told: &str, call: Call, expect: Expect) -> Result<Answer> {
        self.steps += 1;
        let sent = self.client.send(&call).await;
        let answer =
            sent.map_err(|error| Failure::new(format!("第 {} 步“{told}”：{error}", self.steps)))?;
        say(format!("  {} {:>5} ms  {told}", answer.status, answer.took.as_millis()));
        if let Some(differs) = expect.differs(&answer) {
            return Err(Failure::new(format!(
                "演示停在第 {} 步“{told}”：{differs}\n  {}",
                self.steps, answer.body
            )));
        }
        if answer.status >= 400 {
            say(format!("               “{}”", answer.text("/detail")));
        }
        Ok(answer)
    }

    /// Repeats a reading until it is as expected, for what the worker does; one line in the end.
    pub async fn wait(&mut self, told: &str, call: Call, until: impl Fn(&Value) -> bool) -> Result {
        self.steps += 1;
        let since = Instant::now();
        loop {
            let answer = self.client.send(&call).await?;
            if answer.status == 200 && until(&answer.body) {
                let waited = since.elapsed().as_millis();
                say(format!("  200 {waited:>5} ms  {told}"));
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                return Err(Failure::new(format!(
                    "演示停在第 {} 步“{told}”：等了 {} 秒没有等到\n  {} {}",
                    self.steps,
                    PATIENCE.as_secs(),
                    answer.status,
                    answer.body
                )));
            }
            sleep(POLL).await;
        }
    }

    /// Logs a resident in with WeChat.
    pub async fn resident(&mut self, told: &str, name: &str) -> Result<String> {
        self.log_in(told, name, Call::resident_login(name)).await
    }

    /// Logs a member of staff in.
    pub async fn staff(&mut self, told: &str, username: &str) -> Result<String> {
        self.log_in(told, username, Call::staff_login(username)).await
    }

    async fn log_in(&mut self, told: &str, who: &str, call: Call) -> Result<String> {
        if let Some(token) = self.tokens.get(who) {
            return Ok(token.clone());
        }
        let answer = self.step(told, call, OK).await?;
        let token = answer.text("/access_token").to_owned();
        self.tokens.insert(who.to_owned(), token.clone());
        Ok(token)
    }
}

/// A step on a task; whose it is, is said with `.by`.
pub fn on_task(task: &str, verb: &str, body: Value) -> Call {
    Call::post(format!("/tasks/{task}/{verb}"), body)
}

/// Now, for what is planned in the story.
pub fn now() -> DateTime<Utc> {
    clock().into()
}

fn stamp() -> u128 {
    clock().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

#[expect(clippy::disallowed_methods, reason = "the clock of a demonstration, outside the product")]
fn clock() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Value) -> Answer {
        Answer { status, body, took: Duration::ZERO }
    }

    #[test]
    fn a_difference_is_named() {
        let expect = || OK.with("/status", "closed");
        assert_eq!(expect().differs(&answer(200, json!({"status": "closed"}))), None);
        let status = expect().differs(&answer(409, json!({}))).unwrap();
        assert!(status.contains("200") && status.contains("409"), "{status}");
        let field = expect().differs(&answer(200, json!({"status": "handling"}))).unwrap();
        assert!(field.contains("closed") && field.contains("handling"), "{field}");
    }

    #[test]
    fn a_missing_field_differs() {
        let expect = refusal(403, "forbidden");
        assert!(expect.differs(&answer(403, Value::Null)).is_some());
    }
}
