//! What the experiments stand on: the running product, its services, and people who are logged in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::dice::Dice;
use super::wechat::WeChat;
use crate::app::{App, Running};
use crate::client::{Answer, Call, Client};
use crate::failure::{Failure, Result};
use crate::points::ENRICH;
use crate::services::Services;
use crate::services::postgres::{Held, Postgres};
use crate::services::redis::Redis;

/// The name of the database in private services.
pub const DATABASE: &str = "zhixiang";
/// The demo members with points.
pub const PEOPLE: usize = 20;
/// A token lives for a quarter of an hour.
const TOKEN_LIFE: Duration = Duration::from_secs(600);
const HANGS: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

const IN_A_YEAR: &str = "select to_char(now() at time zone 'UTC' + interval '1 year', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";

/// See the module.
pub struct Ground<'g> {
    /// The program.
    pub app: &'g App<'g>,
    /// Its processes.
    pub running: &'g mut Running,
    /// The private PostgreSQL.
    pub postgres: &'g Postgres,
    /// The private Redis.
    pub redis: &'g Redis,
    /// What the product takes for WeChat.
    pub wechat: &'g WeChat,
    /// A client of the server.
    pub client: Client,
    /// The round's own random numbers.
    pub dice: Dice,
    /// The round's own name, for keys and titles.
    pub tag: String,
    tokens: HashMap<String, (String, Instant)>,
    strict: bool,
}

impl<'g> Ground<'g> {
    /// On private services. A `strict` one keeps to the limits of time, which a machine that compiles
    /// at the same time cannot.
    ///
    /// # Errors
    /// They are not private.
    pub fn new(
        app: &'g App<'g>,
        running: &'g mut Running,
        (services, wechat): (&'g Services, &'g WeChat),
        strict: bool,
    ) -> Result<Self> {
        let outside = || Failure::new("只能在独立的服务上做");
        Ok(Self {
            app,
            running,
            postgres: services.postgres().ok_or_else(outside)?,
            redis: services.redis().ok_or_else(outside)?,
            wechat,
            client: Client::new(app.base_url())?,
            dice: Dice::new(0, 0),
            tag: String::new(),
            tokens: HashMap::new(),
            strict,
        })
    }

    /// Gives the members points.
    ///
    /// # Errors
    /// PostgreSQL refuses.
    pub fn enrich(&self) -> Result {
        self.query(ENRICH).map(drop)
    }

    /// Begins the n-th round of an experiment.
    pub fn begin(&mut self, name: &str, seed: u64, n: usize) {
        self.dice = Dice::new(seed, u64::try_from(n).unwrap_or_default());
        self.tag = format!("{name}-{n:05}");
    }

    /// A limit of time that reliability names, or so much that only what hangs takes longer.
    pub fn limit(&self, named: Duration) -> Duration {
        if self.strict { named } else { HANGS }
    }

    /// What psql answers.
    ///
    /// # Errors
    /// PostgreSQL refuses.
    pub fn query(&self, sql: &str) -> Result<String> {
        self.postgres.psql(DATABASE, &["-c", sql])
    }

    /// A count.
    ///
    /// # Errors
    /// PostgreSQL refuses.
    pub fn count(&self, of: &str) -> Result<usize> {
        self.query(&format!("select count(*) from {of}"))?.parse().map_err(Failure::from)
    }

    /// Keeps locked what `sql` locks.
    ///
    /// # Errors
    /// PostgreSQL refuses.
    pub fn hold(&self, sql: &str) -> Result<Held> {
        self.postgres.hold(DATABASE, sql)
    }

    /// Waits until `of` counts so many; how long it took.
    ///
    /// # Errors
    /// Not within `patience`.
    pub async fn until(&self, of: &str, wanted: usize, patience: Duration) -> Result<Duration> {
        let since = Instant::now();
        loop {
            let there = self.count(of)?;
            if there == wanted {
                return Ok(since.elapsed());
            }
            if since.elapsed() > patience {
                let seconds = patience.as_secs();
                return Err(Failure::new(format!(
                    "{seconds} 秒后仍是 {there} 而不是 {wanted}：{of}"
                )));
            }
            sleep(POLL).await;
        }
    }

    /// Tells Redis; its answer's first line.
    ///
    /// # Errors
    /// It refuses.
    pub fn tell_redis(&self, command: &str) -> Result<String> {
        let answer = self.redis.ask(command)?;
        if answer.starts_with('-') {
            return Err(Failure::new(format!("Redis {command}：{answer}")));
        }
        Ok(answer)
    }

    /// The token of a demo member.
    ///
    /// # Errors
    /// The log-in is refused.
    pub async fn member(&mut self, n: usize) -> Result<String> {
        let name = format!("party-{}", n % PEOPLE + 1);
        self.token(&name, &Call::resident_login(&name)).await
    }

    /// The tokens of all demo members.
    ///
    /// # Errors
    /// A log-in is refused.
    pub async fn members(&mut self) -> Result<Vec<String>> {
        let mut tokens = Vec::new();
        for n in 0..PEOPLE {
            tokens.push(self.member(n).await?);
        }
        Ok(tokens)
    }

    /// The token of a demo member of staff.
    ///
    /// # Errors
    /// The log-in is refused.
    pub async fn staff(&mut self, name: &str) -> Result<String> {
        self.token(name, &Call::staff_login(name)).await
    }

    async fn token(&mut self, name: &str, login: &Call) -> Result<String> {
        if let Some((token, _)) = self.tokens.get(name).filter(|(_, at)| at.elapsed() < TOKEN_LIFE)
        {
            return Ok(token.clone());
        }
        let token = self.client.log_in(login).await?;
        self.tokens.insert(name.to_owned(), (token.clone(), Instant::now()));
        Ok(token)
    }

    /// Sends what must be answered with `status`.
    ///
    /// # Errors
    /// It is answered otherwise.
    pub async fn expect(&self, call: &Call, status: u16) -> Result<Answer> {
        expected(self.client.send(call).await?, status)
    }

    /// Publishes an offer of one point; its id.
    ///
    /// # Errors
    /// It is refused.
    pub async fn publish(&mut self, stock: usize) -> Result<String> {
        let organiser = self.staff("organiser").await?;
        let body: Value = json!({
            "title": format!("压测 {}", self.tag), "category": "dining", "points": 1, "stock": stock,
            "per_person": stock, "valid_until": self.query(IN_A_YEAR)?, "merchant": "wenxing",
        });
        let answer = self.expect(&Call::post("/offers", body).by(&organiser), 201).await?;
        Ok(answer.text("/id").to_owned())
    }

    /// Checks the books.
    ///
    /// # Errors
    /// A rule is broken: which.
    pub fn books_balance(&self) -> Result {
        let broken = self.query("select rule, expected, found from ledger_violation limit 5")?;
        if broken.is_empty() { Ok(()) } else { Err(Failure::new(format!("账不平：{broken}"))) }
    }
}

/// An answer that must have this status.
///
/// # Errors
/// It has another one.
pub fn expected(answer: Answer, status: u16) -> Result<Answer> {
    if answer.status == status {
        return Ok(answer);
    }
    Err(Failure::new(format!("{}，应为 {status}：{}", answer.status, answer.body)))
}

/// What must be equal.
///
/// # Errors
/// It is not: what, found and wanted.
pub fn equal<T: Copy + PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result {
    if found == wanted {
        return Ok(());
    }
    Err(Failure::new(format!("{what}：{found:?}，应为 {wanted:?}")))
}

/// A redemption of `offer` under `key`.
pub fn redeem(offer: &str, token: &str, key: &str) -> Call {
    Call::post(format!("/offers/{offer}/redemptions"), json!({})).by(token).key(key)
}

/// A complaint with this title, under `key`.
pub fn complain(title: &str, token: &str, key: &str) -> Call {
    Call::post("/complaints", complaint(title)).by(token).key(key)
}

/// An ordinary complaint.
pub fn complaint(title: &str) -> Value {
    json!({
        "kind": "help",
        "title": title,
        "content": "文兴路与永和街交叉口东北角的路灯三天没亮了，晚上老人出行不便。",
        "community_code": "140213066004",
    })
}

/// Does `count` things, so many at a time; what came of them, in no order.
///
/// # Errors
/// The first that fails.
pub async fn in_parallel<T, F>(
    count: usize,
    at_a_time: usize,
    mut one: impl FnMut(usize) -> F,
) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut running = JoinSet::new();
    let mut done = Vec::with_capacity(count);
    for n in 0..count {
        if running.len() >= at_a_time {
            done.extend(next(&mut running).await?);
        }
        running.spawn(one(n));
    }
    while let Some(result) = next(&mut running).await? {
        done.push(result);
    }
    Ok(done)
}

async fn next<T: 'static>(running: &mut JoinSet<Result<T>>) -> Result<Option<T>> {
    running.join_next().await.map(|done| done?).transpose()
}
