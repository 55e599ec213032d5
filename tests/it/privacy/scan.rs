//! Everything that is kept anywhere, looked through for words: every column of every table, opened
//! where it is sealed and unpacked where it is packed; every file of the store and of the place where
//! uploads wait; every key of Redis; the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use domain::id::AttachmentId;
use futures::TryStreamExt;
use infra::{
    postgres::privacy::sealed::SEALED,
    storage::{Name, Part},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};

use crate::support::App;

/// Each word that was found, with the places.
pub type Findings = BTreeMap<&'static str, BTreeSet<String>>;

/// What the places of files begin with in [`Findings`].
pub const FILE: &str = "file ";

/// Where one of `words` is found.
pub async fn scan(app: &App, words: &[&'static str], log: Option<&Log>) -> Findings {
    let words: Vec<(&'static str, Vec<String>)> =
        words.iter().map(|word| (*word, forms(word))).collect();
    let mut found = Findings::new();
    let mut look = |place: &dyn Fn() -> String, text: &str| {
        for (word, forms) in &words {
            if forms.iter().any(|form| text.contains(form)) {
                found.entry(*word).or_default().insert(place());
            }
        }
    };
    for table in tables(app).await {
        let sql = format!("select to_jsonb(t) as row from \"{table}\" t");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(app.db()).await.unwrap();
        for row in rows {
            let row: Value = row.get("row");
            for (column, value) in row.as_object().unwrap() {
                let text = readable(app, (table.as_str(), column.as_str()), value, &row);
                look(&|| format!("{table}.{column}"), &text);
            }
        }
    }
    let directory = app.state().config.files.directory.clone();
    for path in walk(Path::new(&directory)) {
        let place = || format!("{FILE}{}", path.strip_prefix(&directory).unwrap().display());
        look(&place, &place());
        // What lies there is sealed, and was perhaps removed meanwhile.
        look(&place, &lossy(&std::fs::read(&path).unwrap_or_default()));
        if let Some(name) = stored(&path) {
            look(&place, &lossy(&opened(app, name).await));
        }
    }
    for (key, value) in redis(app).await {
        look(&|| format!("redis {key}"), &format!("{key} {}", lossy(&value)));
    }
    if let Some(log) = log {
        look(&|| "the log".to_owned(), &log.text());
    }
    found
}

/// How a word may be written: as it is, in an address, in JSON, in hexadecimal.
fn forms(word: &str) -> Vec<String> {
    let bytes = |sign: &str| word.bytes().map(|byte| format!("{sign}{byte:02X}")).collect();
    let escaped = word.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let hex: String = bytes("");
    let mut forms = vec![word.to_owned(), escaped, hex.to_lowercase()];
    if !word.is_ascii() {
        forms.push(bytes("%"));
    }
    forms
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn tables(app: &App) -> Vec<String> {
    sqlx::query_scalar(
        "select relname::text from pg_class
         where relkind in ('r', 'p') and not relispartition and relname <> '_sqlx_migrations'
             and relnamespace = 'public'::regnamespace",
    )
    .fetch_all(app.db())
    .await
    .unwrap()
}

/// A value with all that it holds.
fn readable(app: &App, (table, column): (&str, &str), value: &Value, row: &Value) -> String {
    let mut text = value.to_string();
    let Some(bytes) = value.as_str().and_then(|text| text.strip_prefix("\\x")).map(unhex) else {
        return text;
    };
    text += &lossy(&bytes);
    text += &unpacked(&bytes);
    if column.ends_with("_sealed") && !bytes.is_empty() {
        let crypto = &app.state().crypto;
        // One that none of the known contexts opens fails the scan: it would be blind there.
        let contexts = SEALED.iter().map(|one| one.context);
        let plain =
            contexts.into_iter().find_map(|one| crypto.open(&filled(one, row), &bytes).ok());
        let plain = plain.unwrap_or_else(|| panic!("the scan cannot open {table}.{column}"));
        text += &lossy(&plain);
        text += &unpacked(&plain);
    }
    text
}

fn filled(context: &str, row: &Value) -> String {
    let mut parts = context.split(['{', '}']);
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let (Some(column), rest) = (parts.next(), parts.next()) {
        text += row[column].as_str().unwrap_or_default();
        text += rest.unwrap_or_default();
    }
    text
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .filter_map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok())
        .collect()
}

/// What the files of an archive hold, workbooks among them.
fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return text };
    for at in 0..archive.len() {
        let mut file = Vec::new();
        archive.by_index(at).unwrap().read_to_end(&mut file).unwrap();
        text += &lossy(&file);
    }
    text
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// Which of whose files a path of the store is.
fn stored(path: &Path) -> Option<Name> {
    let name = path.file_name()?.to_str()?;
    let (id, part) = match name.split_once('.') {
        None => (name, Part::Whole),
        Some((id, _)) => (id, Part::Thumbnail),
    };
    Some(Name { id: id.parse().ok()?, part })
}

/// A file of the store as it was kept; empty where it is none.
pub async fn opened(app: &App, name: Name) -> Vec<u8> {
    let state = app.state();
    let Some((_, pieces)) = state.files.get(state.crypto.clone(), name).await.unwrap() else {
        return Vec::new();
    };
    pieces.try_concat().await.unwrap()
}

/// The files that the store has of somebody's uploads.
pub async fn left_of(app: &App, ids: &[AttachmentId]) -> Vec<Name> {
    let mut left = Vec::new();
    for id in ids {
        for part in [Part::Whole, Part::Thumbnail] {
            let name = Name { id: *id, part };
            if !opened(app, name).await.is_empty() {
                left.push(name);
            }
        }
    }
    left
}

/// Every key of this test with all that it holds.
async fn redis(app: &App) -> Vec<(String, Vec<u8>)> {
    let client = app.state().redis.client();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let pattern = app.state().redis.key("*");
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.unwrap();
    let mut all = Vec::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
        let read = match kind.as_str() {
            "string" => ["GET", "", ""],
            "hash" => ["HGETALL", "", ""],
            "set" => ["SMEMBERS", "", ""],
            "list" => ["LRANGE", "0", "-1"],
            "zset" => ["ZRANGE", "0", "-1"],
            "stream" => ["XRANGE", "-", "+"],
            // It ended meanwhile.
            "none" => continue,
            other => panic!("the scan cannot read a {other} of Redis"),
        };
        let mut asking = redis::cmd(read[0]);
        asking.arg(&key);
        read[1..].iter().filter(|one| !one.is_empty()).for_each(|one| {
            asking.arg(*one);
        });
        let value: redis::Value = asking.query_async(&mut connection).await.unwrap();
        let mut bytes = Vec::new();
        flatten(&value, &mut bytes);
        all.push((key, bytes));
    }
    all
}

fn flatten(value: &redis::Value, into: &mut Vec<u8>) {
    match value {
        redis::Value::BulkString(bytes) => into.extend_from_slice(bytes),
        redis::Value::SimpleString(text) => into.extend_from_slice(text.as_bytes()),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            values.iter().for_each(|value| flatten(value, into));
        }
        redis::Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            flatten(key, into);
            flatten(value, into);
        }),
        _ => {}
    }
    into.push(b' ');
}

/// What was logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything that our own crates say from now on; none when another test of this process
    /// listens already.
    pub fn captured() -> Option<Self> {
        let log = Self::default();
        let writer = log.clone();
        let listening = tracing_subscriber::fmt()
            .with_env_filter("info,api=trace,infra=trace,domain=trace")
            .with_writer(move || writer.clone())
            .try_init();
        listening.is_ok().then_some(log)
    }

    pub fn text(&self) -> String {
        lossy(&self.0.lock().unwrap())
    }
}
