//! What the system holds of the caller, word by word, as JSON or as a ZIP with a file for each word.
//! It is sent while it is read: in memory is a chunk, however much there is.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{Datelike, Timelike};
use domain::{
    attachment::MediaType,
    id::AccountId,
    refusal::Basic,
    time::{Timestamp, civil, written},
};
use futures::TryStreamExt;
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        privacy::{
            self as store,
            register::{self, Told},
            sealed::filled,
        },
    },
    redis::rate_limit::{self, Limit},
    storage::{Name, Part},
};
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, mpsc};
use zip::{
    DateTime, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::{
    app::{identity::Who, transact},
    error::Error,
    state::State,
};

/// So much is sent at once, in bytes.
const CHUNK: usize = 64 * 1024;
/// Files that are looked up at once.
const FILES: i64 = 100;
/// Whoever takes nothing for so long has gone: the connection to the database is given back.
const PATIENCE: Duration = Duration::from_secs(30);
/// Each holds a connection to the database while it is sent.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// What the files of an archive are, for whoever opens it.
const README: &str = include_str!("export.txt");

/// How the export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object.
    Json,
    /// A ZIP with a JSON file for each word.
    Zip,
}

/// The chunks of an export; a failure on the way breaks the answer off.
pub type Chunks = mpsc::Receiver<Result<Vec<u8>, Error>>;

/// Begins an export of the caller's own data.
///
/// # Errors
/// `rate_limited`; the database's.
pub async fn export(state: &State, who: &Who, form: Form, origin: Origin) -> Result<Chunks, Error> {
    let account = who.actor.account;
    let limit = Limit {
        count: state.config.limits.export_per_hour.into(),
        window: Duration::from_hours(1),
    };
    rate_limit::take(&state.redis, "privacy-export", &account.to_string(), limit)
        .await
        .map_err(|exceeded| Basic::RateLimited { retry_after: exceeded.retry_after })?;
    let permit = AT_ONCE.acquire().await.map_err(|_| Basic::Unavailable)?;
    let (now, inner, actor) = (state.clock.now(), state.clone(), who.actor.clone());
    let (chunks, taken) = mpsc::channel(2);
    let failed = chunks.clone();
    let db = state.db.clone();
    tokio::spawn(async move {
        let sent = transact(&db, move |tx| {
            Box::pin(async move {
                let data = json!({ "form": if form == Form::Zip { "zip" } else { "json" } });
                let entry = AuditEntry::new("privacy.export", "account", account, &origin)
                    .by(&actor)
                    .with(data);
                audit::append(tx, &entry, now).await?;
                write(tx, &inner, account, (form, now), chunks).await
            })
        })
        .await;
        if let Err(error) = sent {
            // Nobody listens any more when the person hung up.
            let _ = failed.send(Err(error)).await;
        }
        drop(permit);
    });
    Ok(taken)
}

async fn write(
    tx: &mut Connection,
    state: &State,
    account: AccountId,
    (form, now): (Form, Timestamp),
    chunks: mpsc::Sender<Result<Vec<u8>, Error>>,
) -> Result<(), Error> {
    let mut out = Out::begin(form, account, now)?;
    for table in register::tables() {
        let Some(told) = &table.told else { continue };
        out.open(told.word)?;
        let mut rows = store::told(tx, table, told, account);
        while let Some(row) = rows.try_next().await? {
            out.row(&opened(&state.crypto, told, row)?)?;
            if let Some(chunk) = out.taken(CHUNK) {
                send(&chunks, chunk).await?;
            }
        }
        out.close()?;
    }
    out.open("phone_complaints")?;
    if let Some(contact) = super::contact_index(tx, state, account).await? {
        for found in store::by_phone(tx, &contact).await? {
            if let Value::Object(row) = serde_json::to_value(found)? {
                out.row(&row)?;
            }
        }
    }
    out.close()?;
    if form == Form::Zip {
        write_files(tx, state, account, &mut out, &chunks).await?;
    }
    let last = out.end()?;
    send(&chunks, last).await
}

/// Puts the person's own files into the archive, read piece by piece, until they are as much as is
/// configured; what is left out, or is not there for the moment, is named.
async fn write_files(
    tx: &mut Connection,
    state: &State,
    account: AccountId,
    out: &mut Out,
    chunks: &mpsc::Sender<Result<Vec<u8>, Error>>,
) -> Result<(), Error> {
    let mut room = u64::from(state.config.privacy.export_megabytes) * 1024 * 1024;
    let (mut after, mut left_out) = (None, Vec::new());
    loop {
        let files = store::files(tx, account, after, FILES).await?;
        let Some(last) = files.last() else { break };
        after = Some(last.id);
        for file in files {
            let length = u64::try_from(file.bytes).unwrap_or(u64::MAX);
            let name = Name { id: file.id, part: Part::Whole };
            let pieces = match room.checked_sub(length) {
                Some(_) => {
                    state.files.get(state.crypto.clone(), name).await.unwrap_or_else(|error| {
                        tracing::warn!(%error, "a file is left out of an export");
                        None
                    })
                }
                None => None,
            };
            let Some((_, pieces)) = pieces else {
                left_out.push(file.id);
                continue;
            };
            room = room.saturating_sub(length);
            out.file(&format!("files/{}.{}", file.id, extension(&file.media_type)))?;
            let mut pieces = std::pin::pin!(pieces);
            while let Some(piece) = pieces.try_next().await.map_err(broken)? {
                out.put(&piece)?;
                if let Some(chunk) = out.taken(CHUNK) {
                    send(chunks, chunk).await?;
                }
            }
        }
    }
    if !left_out.is_empty() {
        out.file("files/left-out.json")?;
        out.put(&serde_json::to_vec(&left_out)?)?;
    }
    Ok(())
}

fn extension(media_type: &str) -> &'static str {
    media_type.parse().map_or("bin", MediaType::extension)
}

async fn send(chunks: &mpsc::Sender<Result<Vec<u8>, Error>>, chunk: Vec<u8>) -> Result<(), Error> {
    // Slow or gone: the transaction ends, and with it the export.
    let sent = chunks.send_timeout(Ok(chunk), PATIENCE).await;
    sent.map_err(|_| Basic::Unavailable.into())
}

/// A row with its sealed values opened.
///
/// # Errors
/// A key is missing.
pub(super) fn opened(
    crypto: &Crypto,
    told: &Told,
    row: Value,
) -> Result<Map<String, Value>, Error> {
    let Value::Object(mut row) = row else { return Ok(Map::new()) };
    for (_, name, context) in told.sealed {
        let Some(Value::String(sealed)) = row.get(*name) else { continue };
        let sealed = hex::decode(sealed).map_err(|_| infra::crypto::Broken)?;
        let plain = crypto.open_text(&filled(context, &row), &sealed)?;
        row.insert((*name).to_owned(), Value::String(plain));
    }
    Ok(row)
}

/// Where the bytes gather until they are sent.
#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.with(|gathered| gathered.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An export in the making.
struct Out {
    sink: Sink,
    /// Of a ZIP.
    zip: Option<ZipWriter<StreamWriter<Sink>>>,
    /// Of each file of it.
    options: SimpleFileOptions,
    /// No word was opened yet, or no row of the word.
    first_word: bool,
    first_row: bool,
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Internal(Box::new(error))
}

/// An instant as archives keep it: local time.
fn dated(at: Timestamp) -> DateTime {
    let at = civil(at);
    let year = u16::try_from(at.year()).unwrap_or_default();
    let [month, day, hour, minute, second] =
        [at.month(), at.day(), at.hour(), at.minute(), at.second()]
            .map(|part| u8::try_from(part).unwrap_or_default());
    DateTime::from_date_and_time(year, month, day, hour, minute, second).unwrap_or_default()
}

impl Out {
    fn begin(form: Form, account: AccountId, now: Timestamp) -> Result<Self, Error> {
        let sink = Sink::default();
        let zip = (form == Form::Zip).then(|| ZipWriter::new_stream(sink.clone()));
        let options = SimpleFileOptions::default().last_modified_time(dated(now));
        let mut out = Self { sink, zip, options, first_word: true, first_row: true };
        let about = format!(
            "\"account\":{},\"exported_at\":{}",
            serde_json::to_string(&account)?,
            serde_json::to_string(&now)?
        );
        if form == Form::Zip {
            out.file("说明.txt")?;
            // The mark in front tells old editors that it is UTF-8.
            let readme = README.replace("{exported_at}", &written(now));
            out.put(format!("\u{feff}{readme}").as_bytes())?;
            out.file("about.json")?;
            out.put(format!("{{{about}}}\n").as_bytes())?;
        } else {
            out.put(format!("{{{about},\"data\":{{").as_bytes())?;
        }
        Ok(out)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.zip {
            Some(zip) => zip.write_all(bytes),
            None => self.sink.write_all(bytes),
        }
        .map_err(broken)
    }

    fn open(&mut self, word: &str) -> Result<(), Error> {
        self.first_row = true;
        if self.zip.is_some() {
            self.file(&format!("{word}.json"))?;
            return self.put(b"[");
        }
        let comma = if std::mem::take(&mut self.first_word) { "" } else { "," };
        self.put(format!("{comma}\"{word}\":[").as_bytes())
    }

    /// Begins a file of the archive.
    fn file(&mut self, name: &str) -> Result<(), Error> {
        match &mut self.zip {
            Some(zip) => zip.start_file(name, self.options).map_err(broken),
            None => Ok(()),
        }
    }

    fn row(&mut self, row: &Map<String, Value>) -> Result<(), Error> {
        if !std::mem::take(&mut self.first_row) {
            self.put(b",\n")?;
        }
        let text = serde_json::to_vec(row)?;
        self.put(&text)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.put(b"]")
    }

    /// What gathered, if it is at least so much.
    fn taken(&self, least: usize) -> Option<Vec<u8>> {
        self.sink.with(|gathered| (gathered.len() >= least).then(|| std::mem::take(gathered)))
    }

    fn end(mut self) -> Result<Vec<u8>, Error> {
        match self.zip.take() {
            Some(zip) => drop(zip.finish().map_err(broken)?),
            None => self.put(b"}}")?,
        }
        Ok(self.sink.with(std::mem::take))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_tells_of_every_file_and_of_no_other() {
        let words = register::tables().filter_map(|table| table.told).map(|told| told.word);
        let mut words: Vec<&str> = words.chain(["about", "phone_complaints"]).collect();
        let mut told: Vec<&str> =
            README.lines().filter_map(|line| line.split_once(".json　")).map(|it| it.0).collect();
        words.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, words);
    }

    #[test]
    fn a_file_is_of_the_local_time() {
        let told = dated("2026-11-24T16:30:07Z".parse().unwrap());
        assert_eq!(told.to_string(), "2026-11-25 00:30:06", "in steps of two seconds");
    }
}
