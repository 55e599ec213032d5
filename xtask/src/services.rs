//! Private PostgreSQL and Redis for one run: found or installed, started, and stopped in order.

pub mod account;
pub mod home;
pub mod packages;
pub mod ports;
pub mod postgres;
pub mod redis;

use std::env;
use std::path::Path;

use crate::console::say;
use crate::failure::Result;
use home::Home;
use packages::{Need, Tools};
use postgres::Postgres;
use redis::Redis;

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// PostgreSQL's defaults and Redis with its append-only file: nothing that was acknowledged.
    Full,
    /// Everything: for tests alone.
    None,
}

/// The name of the database in private services.
const DATABASE: &str = "zhixiang";

/// Running services. Dropping them stops what was started here, Redis before PostgreSQL, and then
/// empties a scratch folder: the order of the fields.
#[derive(Debug)]
pub struct Services {
    redis: Option<Redis>,
    postgres: Option<Postgres>,
    /// The database of the product.
    pub database_url: String,
    /// Queue and sessions; one instance serves both here.
    pub redis_url: String,
    /// The folder with logs and data.
    pub home: Home,
}

impl Services {
    /// Services for `cargo xtask run`, whose data is kept in `.data/`; those that `DATABASE_URL` or
    /// `REDIS_URL` name are used instead.
    ///
    /// # Errors
    /// Another run holds the folder, or a service cannot be found, installed or started.
    pub async fn kept(root: &Path, purpose: &str, fresh: bool) -> Result<Self> {
        let named = |key: &str| env::var(key).ok().filter(|url| !url.is_empty());
        let (database, redis) = (named("DATABASE_URL"), named("REDIS_URL"));
        for (key, _) in [("DATABASE_URL", &database), ("REDIS_URL", &redis)]
            .iter()
            .filter(|(_, url)| url.is_some())
        {
            say(format!("使用环境变量 {key} 指定的服务"));
        }
        let need = Need { postgres: database.is_none(), redis: redis.is_none() };
        let tools = packages::find_or_install(need).await?;
        let home = Home::kept(root, ".data", purpose)?;
        crate::app::stop_leftover(&home)?;
        if fresh {
            stop_leftovers(&home)?;
            home.renew()?;
            say("已清空 .data/");
        }
        Self::start(home, &tools, Durability::Full, database, redis)
    }

    /// Services of their own for tests, benchmarks and CI: they never meet a running `cargo xtask run`
    /// and leave nothing behind.
    pub async fn scratch(root: &Path, name: &str, durability: Durability) -> Result<Self> {
        let tools = packages::find_or_install(Need { postgres: true, redis: true }).await?;
        for home in Home::abandoned(root, name)? {
            crate::app::stop_leftover(&home)?;
            stop_leftovers(&home)?;
        }
        let home = Home::scratch(root, name)?;
        Self::start(home, &tools, durability, None, None)
    }

    fn start(
        home: Home,
        tools: &Tools,
        durability: Durability,
        database_url: Option<String>,
        redis_url: Option<String>,
    ) -> Result<Self> {
        let postgres = match database_url {
            Some(_) => None,
            None => Some(Postgres::start(&home, &tools.postgres, durability)?),
        };
        if let Some(postgres) = &postgres {
            postgres.ensure_database(DATABASE)?;
        }
        let redis = match (&redis_url, &tools.redis) {
            (None, Some(program)) => Some(Redis::start(&home, program, durability)?),
            _ => None,
        };
        let database_url = database_url.or(postgres.as_ref().map(|server| server.url(DATABASE)));
        let redis_url = redis_url.or(redis.as_ref().map(Redis::url));
        Ok(Self {
            redis,
            postgres,
            database_url: database_url.unwrap_or_default(),
            redis_url: redis_url.unwrap_or_default(),
            home,
        })
    }

    /// The private PostgreSQL, if it is not an outside one.
    pub fn postgres(&self) -> Option<&Postgres> {
        self.postgres.as_ref()
    }

    /// The private Redis, if it is not an outside one.
    pub fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }
}

fn stop_leftovers(home: &Home) -> Result {
    Redis::stop_leftover(home)?;
    Postgres::stop_leftover(home)
}
