//! The application under test, on a port of its own.

use std::{collections::HashMap, net::TcpListener, path::PathBuf, sync::Arc};

use actix_web::dev::ServerHandle;
use api::{
    app::generate::{self, Order},
    clock::Clock,
    config::{Config, Secret},
    server,
    state::State,
};
use chrono::TimeDelta;
use domain::time::Timestamp;
use tokio::sync::Mutex;

use super::{
    client::{Client, Persona, Token},
    database::Database,
};

/// Where the clock stands at first: Tuesday, 24 November 2026, 09:00 in 平城区; a working day.
const START: Timestamp = match Timestamp::from_timestamp(1_795_482_000, 0) {
    Some(at) => at,
    None => panic!("the instant exists"),
};

/// New Year's morning of 2025, 09:00 in 平城区: where the clock of a whole year begins.
const NEW_YEAR: Timestamp = match Timestamp::from_timestamp(1_735_693_200, 0) {
    Some(at) => at,
    None => panic!("the instant exists"),
};

/// The instants at which the demo district is seeded for tests, each a template of its own.
pub(super) const SEEDED: [Timestamp; 2] = [START, NEW_YEAR];

/// An instant as RFC 3339 writes it.
pub fn at(text: &str) -> Timestamp {
    text.parse().expect("an RFC 3339 instant")
}

/// The real application on a database and Redis keys of its own. Cloning clones the handle; the
/// database is dropped with the last one.
#[derive(Clone)]
pub struct App {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    pub(super) tokens: Mutex<HashMap<Persona, Token>>,
    state: State,
    server: ServerHandle,
    _database: Database,
    _files: Files,
}

/// A directory of this application's own for uploaded files; made with the first, gone with the
/// application.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("{name}-files")))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Most applications never make it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Not awaited: dropping the database closes what is still connected.
        drop(self.server.stop(false));
    }
}

impl App {
    /// Starts the application with the demo configuration.
    pub async fn spawn() -> Self {
        Self::with(|_| ()).await
    }

    /// Starts the application with a changed configuration.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Database::clone_template(START).await, START, change).await
    }

    /// Starts the application on New Year's Day of 2025: a year whose holidays and make-up working days
    /// are known, as those of the year after it are. A year of log-ins passes here within a minute.
    pub async fn new_year() -> Self {
        let change = |config: &mut Config| config.limits.login_per_minute = 100_000;
        Self::on(Database::clone_template(NEW_YEAR).await, NEW_YEAR, change).await
    }

    /// Starts the application on a generated history: of so many complaints, or the one that is there
    /// where [`super::GENERATED`] names a database (`cargo xtask generate --check`).
    pub async fn generated(complaints: u64, change: impl FnOnce(&mut Config)) -> Self {
        if let Some(database) = Database::generated() {
            return Self::on(database, Clock::System.now(), change).await;
        }
        let app = Self::with(change).await;
        let order = Order { complaints, seed: 1 };
        generate::run(app.state(), order, Arc::new(|_, _| ())).await.expect("a history");
        app
    }

    async fn on(database: Database, now: Timestamp, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::load(None).expect("the configuration is good");
        config.http.workers = 2;
        config.database.url = database.url();
        config.database.connections = 10;
        let redis = std::env::var("TEST_REDIS_URL")
            .expect("TEST_REDIS_URL is not set; run `cargo xtask test`");
        config.redis.url = Secret::from(redis.as_str());
        config.redis.prefix = format!("{}:", database.name());
        let files = Files::new(database.name());
        config.files.directory = files.0.to_str().expect("a path of letters").to_owned();
        change(&mut config);
        let clock = Clock::manual(now);
        let served = State::build(config.clone(), clock.clone()).expect("a state");
        // The tests and the jobs have connections of their own, as the worker's process has.
        let state = State::build(config, clock).expect("a state");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = server::spawn(served, listener).expect("the server starts");
        let handle = server.handle();
        tokio::spawn(server);
        // The server hangs up on who is silent for five seconds; a test that counts something
        // meanwhile must not meet it in the act.
        let idle = std::time::Duration::from_secs(3);
        let builder = reqwest::Client::builder().no_proxy().pool_idle_timeout(idle);
        let http = builder.build().expect("a client");
        let inner = Inner {
            base: format!("http://{address}"),
            http,
            tokens: Mutex::default(),
            state,
            server: handle,
            _database: database,
            _files: files,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Where it serves, such as `http://127.0.0.1:40001`.
    pub fn base(&self) -> &str {
        &self.inner.base
    }

    /// The state of the test's side: database, Redis, clock, configuration.
    pub fn state(&self) -> &State {
        &self.inner.state
    }

    /// The test's own connections to the database.
    pub fn db(&self) -> &infra::postgres::Pool {
        &self.inner.state.db
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.inner.state.clock.now()
    }

    /// Turns the clock on. Nothing fires until [`App::drain`].
    pub fn advance(&self, by: TimeDelta) {
        self.set_clock(self.now() + by);
    }

    /// Sets the clock.
    pub fn set_clock(&self, to: Timestamp) {
        self.inner.state.clock.set(to);
    }

    /// Fires the timers that are due and runs the jobs that are due, until nothing is left.
    pub async fn drain(&self) -> usize {
        api::jobs::drain(self.state()).await
    }

    /// Gives a member of staff one more office; from their next log-in on at the latest.
    pub async fn grant(&self, username: &str, role: &str, scope: &str) {
        let granted = sqlx::query(
            "insert into role_grant (id, account_id, role, scope, granted_at)
             select gen_random_uuid(), id, $2, $3, $4 from account where username = $1",
        )
        .bind(username)
        .bind(role)
        .bind(scope)
        .bind(self.now())
        .execute(self.db())
        .await
        .unwrap();
        assert_eq!(granted.rows_affected(), 1, "{username}");
    }

    /// Sets the clock and lets fire what became due.
    pub async fn pass(&self, to: &str) {
        self.set_clock(at(to));
        self.drain().await;
    }

    /// How many rows a table holds.
    pub async fn count(&self, table: &str) -> i64 {
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(self.db()).await.expect("a table")
    }

    /// A staff member, by username; logged in when first needed.
    pub fn as_(&self, username: &str) -> Client {
        self.client(Persona::Staff(username.to_owned()))
    }

    /// A resident, by the name of the demo code.
    pub fn resident(&self, name: &str) -> Client {
        self.client(Persona::Resident(name.to_owned()))
    }

    /// Nobody.
    pub fn anonymous(&self) -> Client {
        self.client(Persona::Anonymous)
    }

    /// Gives two accounts one phone: they are one person's.
    pub async fn one_person(&self, both: [&Client; 2]) {
        for who in both {
            who.has_phone(&[7; 32]).await;
        }
    }

    /// Whoever holds this access token; the text is sent as it is.
    pub fn bearer(&self, token: &str) -> Client {
        self.client(Persona::Bearer(token.to_owned()))
    }

    /// A client for a persona.
    pub fn client(&self, persona: Persona) -> Client {
        Client { app: self.clone(), persona }
    }
}
