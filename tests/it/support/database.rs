//! A database for each test, cloned from a template that is migrated and seeded once.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use api::{clock::Clock, config::Secret, state::State};
use domain::time::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

/// What the templates' and the tests' databases begin with.
const PREFIX: &str = "zxt_";
/// The variable with the URL of a generated history that is there already.
pub const GENERATED: &str = "TEST_GENERATED_URL";
/// The advisory lock under which a template is built, and leftovers are dropped.
const LOCK: i64 = 0x7a78_7465_7374;

/// Where the server is, as a superuser.
fn server() -> PgConnectOptions {
    let url = std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL is not set; run `cargo xtask test`");
    url.parse().expect("TEST_DATABASE_URL is a URL")
}

async fn connect(database: &str) -> PgConnection {
    let options = server().database(database);
    PgConnection::connect_with(&options).await.expect("the test database server answers")
}

async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.unwrap_or_else(|error| {
        panic!("{sql}: {error}");
    });
}

/// A test's own database, dropped with the value; or one that is there and stays.
#[derive(Debug)]
pub(super) struct Database {
    name: String,
    url: Secret,
    stays: bool,
}

impl Database {
    /// Clones the template of the demo district as it is seeded at an instant; the template is built
    /// first when nobody has yet.
    pub(super) async fn clone_template(seeded: Timestamp) -> Self {
        let template = template(seeded);
        let mut admin = connect("postgres").await;
        if !exists(&mut admin, &template).await {
            build(&mut admin, &template, seeded).await;
        }
        let token = u64::from_be_bytes(infra::random::bytes());
        let name = format!("{PREFIX}{}_{token:016x}", std::process::id());
        run(&mut admin, format!("create database {name} template {template}")).await;
        admin.close().await.expect("the connection closes");
        let url = url_of(&name);
        Self { name, url, stays: false }
    }

    /// The database that [`GENERATED`] names.
    pub(super) fn generated() -> Option<Self> {
        let url = std::env::var(GENERATED).ok()?;
        let token = u64::from_be_bytes(infra::random::bytes());
        let name = format!("{PREFIX}generated_{token:016x}");
        Some(Self { name, url: url.as_str().into(), stays: true })
    }

    /// Its URL, over the same way as `TEST_DATABASE_URL`.
    pub(super) fn url(&self) -> Secret {
        self.url.clone()
    }

    /// Its name, which also keeps the test's keys in Redis apart.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        let name = self.name.clone();
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let mut admin = connect("postgres").await;
                run(&mut admin, format!("drop database if exists {name} with (force)")).await;
            });
        });
        // A test that failed already must not die of this as well; the next run drops leftovers.
        let _ = dropping.join();
    }
}

async fn exists(admin: &mut PgConnection, name: &str) -> bool {
    let found: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
        .bind(name)
        .fetch_optional(admin)
        .await
        .expect("the catalogue can be read");
    found.is_some()
}

fn template(seeded: Timestamp) -> String {
    format!("{PREFIX}template_{:016x}", fingerprint(seeded))
}

/// Builds the template under another name, so that a half-built one is never cloned.
async fn build(admin: &mut PgConnection, template: &str, seeded: Timestamp) {
    run(admin, format!("select pg_advisory_lock({LOCK})")).await;
    if !exists(admin, template).await {
        drop_leftovers(admin).await;
        let building = format!("{template}_building");
        run(admin, format!("drop database if exists {building} with (force)")).await;
        run(admin, format!("create database {building} template template0")).await;
        fill(&building, seeded).await;
        run(admin, format!("alter database {building} rename to {template}")).await;
    }
    run(admin, format!("select pg_advisory_unlock({LOCK})")).await;
}

async fn fill(name: &str, seeded: Timestamp) {
    let mut config = api::config::Config::load(None).expect("the configuration is good");
    config.database.url = url_of(name);
    let state = State::build(config, Clock::manual(seeded)).expect("a state");
    infra::postgres::MIGRATIONS.run(&state.db).await.expect("the migrations run");
    api::app::seed::demo(&state).await.expect("the demo district is seeded");
    state.db.close().await;
}

/// Drops what killed runs left, and templates of earlier migrations: those of an hour ago, as a
/// younger one may be another checkout's that tests on the same server just now.
async fn drop_leftovers(admin: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "select datname from pg_database d where starts_with(datname, $1) \
         and not exists (select from pg_stat_activity a where a.datname = d.datname) \
         and (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification \
             < now() - interval '1 hour'",
    )
    .bind(PREFIX)
    .fetch_all(&mut *admin)
    .await
    .expect("the catalogue can be read");
    let current = super::app::SEEDED.map(template);
    for name in names.iter().filter(|name| !is_in_use(name) && !current.contains(name)) {
        run(admin, format!("drop database if exists {name} with (force)")).await;
    }
}

/// A test's database carries its process id.
fn is_in_use(name: &str) -> bool {
    let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next());
    owner.is_some_and(|pid| Path::new("/proc").join(pid).exists())
}

/// What the template is made of; a change makes another template. The migrations are taken as they
/// are embedded in this program: the files may be newer.
fn fingerprint(seeded: Timestamp) -> u64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut hasher = DefaultHasher::new();
    seeded.hash(&mut hasher);
    for migration in infra::postgres::MIGRATIONS.iter() {
        (migration.version, &migration.checksum).hash(&mut hasher);
    }
    for folder in ["infra/seed", "api/src/app/seed"] {
        let mut files: Vec<_> = fs::read_dir(root.join(folder))
            .expect("the folder is in the checkout")
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        for file in files {
            file.file_name().hash(&mut hasher);
            fs::read(&file).expect("the file can be read").hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn url_of(name: &str) -> Secret {
    use sqlx::ConnectOptions;
    Secret::from(server().database(name).to_url_lossy().as_str())
}
