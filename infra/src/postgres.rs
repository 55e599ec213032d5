//! PostgreSQL: the pool, the migrations, and one file of plain functions for each word.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub mod announcement;
pub mod attachment;
pub mod audit;
pub mod backup;
pub mod bulletin;
pub mod calendar;
pub mod complaint;
pub mod consultation;
pub mod delivery;
pub mod duty;
pub mod enforcement;
pub mod evaluation;
pub mod event;
pub mod export;
pub mod fairness;
pub mod feedback;
pub mod final_reply;
pub mod follow_up;
pub mod generate;
pub mod grant;
pub mod guide;
pub mod household;
pub mod idempotency;
pub mod identity;
pub mod import;
pub mod invitation;
pub mod job;
pub mod live;
pub mod merchant;
pub mod note;
pub mod notification;
pub mod offer;
pub mod org;
pub mod pairing;
pub mod party;
pub mod points;
pub mod privacy;
pub mod publication;
pub mod rates;
pub mod redemption;
pub mod registration;
pub mod request;
pub mod routing;
pub mod score;
pub mod screening;
pub mod service;
pub mod supervision;
pub mod task;
pub mod template;
pub mod timer;
pub mod view;
pub mod whistle;
pub mod work_unit;

/// A connection pool.
pub type Pool = sqlx::PgPool;
/// A connection, inside or outside a transaction.
pub type Connection = sqlx::PgConnection;

/// The migrations, embedded.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Opens a pool. Connections are made when needed, so a database that is away for the moment does
/// not stop the start.
///
/// # Errors
/// The URL cannot be read.
pub fn pool(url: &str, connections: u32) -> Result<Pool, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        // Compiling a plan takes longer than any statement here runs: the month's rates of 200,000
        // cases took half a second, four fifths of it compiling.
        .connect_lazy_with(options.application_name("zhixiang").options([("jit", "off")])))
}

/// The name of the constraint that a statement broke, if that is why it failed.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|database| database.constraint())
}

/// A vocabulary's members as an optional filter; none stands for any.
fn codes<T: Copy>(members: &[T], code: fn(T) -> &'static str) -> Option<Vec<String>> {
    (!members.is_empty()).then(|| members.iter().map(|one| code(*one).to_owned()).collect())
}
