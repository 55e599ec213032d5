//! The file store: a directory of this machine, or a bucket that speaks S3. What lies there is
//! sealed piece by piece (`sealed`); a name is made of an id and tells nothing.
//!
//! A write is whole or not at all: the local store writes beside the name, syncs and renames.
//! An upload waits in a nameless file of the local directory until it is whole, so that a slow
//! client holds no memory.

use std::{path::PathBuf, sync::Arc, time::Duration};

use domain::{id::AttachmentId, time::Timestamp};
use futures::{Stream, StreamExt, TryStreamExt};
pub use object_store::Error as Unusable;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path, prefix::PrefixStore,
};

use crate::{crypto::Crypto, random};

mod sealed;
#[cfg(test)]
mod tests;

/// Where files lie.
#[derive(Debug, Clone)]
pub enum Place<'p> {
    /// In the local directory.
    Local,
    /// In a bucket.
    S3(Bucket<'p>),
}

/// A bucket that speaks S3.
#[derive(Clone, Copy)]
pub struct Bucket<'p> {
    /// Such as `https://obs.cn-north-4.example.com`.
    pub endpoint: &'p str,
    /// The region that requests are signed for.
    pub region: &'p str,
    /// The bucket.
    pub name: &'p str,
    /// The key's id.
    pub key_id: &'p str,
    /// The key.
    pub secret: &'p str,
}

impl std::fmt::Debug for Bucket<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket")
            .field("endpoint", &self.endpoint)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Which of an attachment's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The file itself.
    Whole,
    /// The small picture.
    Thumbnail,
}

/// A file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Whose file.
    pub id: AttachmentId,
    /// Which.
    pub part: Part,
}

impl Name {
    /// Files of a day (UTC) lie together, so that the sweep looks at a few days alone.
    fn path(self) -> Path {
        let ending = match self.part {
            Part::Whole => "",
            Part::Thumbnail => ".thumbnail",
        };
        Path::from(format!("{}/{}{ending}", day(made_at(self.id)), self.id))
    }

    /// Which file has this name in its folder.
    pub fn read(name: &str) -> Option<Self> {
        let (id, part) = match name.split_once('.') {
            None => (name, Part::Whole),
            Some((id, "thumbnail")) => (id, Part::Thumbnail),
            Some(_) => return None,
        };
        Some(Self { id: id.parse().ok()?, part })
    }

    /// A file opens under its own name alone.
    fn context(self) -> String {
        format!("attachment/{}", self.path())
    }
}

/// When an id was made.
pub fn made_at(id: AttachmentId) -> Timestamp {
    let (seconds, nanos) = id.0.get_timestamp().map_or((0, 0), |at| at.to_unix());
    Timestamp::from_timestamp(i64::try_from(seconds).unwrap_or_default(), nanos).unwrap_or_default()
}

fn day(at: Timestamp) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// A phone waits 60 seconds for its upload. What a bucket does not answer by then is an error that
/// the person can act on: so long for a connection, for an answer, and for all attempts of a call.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(15);
const ATTEMPTS: Duration = Duration::from_secs(10);
/// Repetitions of a call that may be repeated.
const RETRIES: usize = 2;

/// The folder of the local store.
const FILES: &str = "files";

/// The store; cloning clones a handle.
#[derive(Debug, Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    directory: PathBuf,
}

impl Storage {
    /// Puts the store together. Nothing is opened or made yet: a store that is away, or a directory
    /// that is not there, does not stop the start.
    ///
    /// # Errors
    /// The directory or the bucket's address cannot be used.
    pub fn new(directory: &str, place: &Place<'_>) -> Result<Self, Error> {
        let unusable = |source| Error::Generic { store: "local", source: Box::new(source) };
        let directory = std::path::absolute(directory).map_err(unusable)?;
        let store: Arc<dyn ObjectStore> = match place {
            Place::Local => {
                let prefix = Path::from_absolute_path(directory.join(FILES))?;
                Arc::new(PrefixStore::new(LocalFileSystem::new().with_fsync(true), prefix))
            }
            Place::S3(bucket) => Arc::new(
                AmazonS3Builder::new()
                    .with_client_options(
                        ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(ANSWER),
                    )
                    .with_retry(RetryConfig {
                        max_retries: RETRIES,
                        retry_timeout: ATTEMPTS,
                        ..RetryConfig::default()
                    })
                    .with_endpoint(bucket.endpoint)
                    .with_allow_http(bucket.endpoint.starts_with("http://"))
                    .with_region(bucket.region)
                    .with_bucket_name(bucket.name)
                    .with_access_key_id(bucket.key_id)
                    .with_secret_access_key(bucket.secret)
                    .build()?,
            ),
        };
        Ok(Self { store, directory })
    }

    /// A file without a name: it is gone with its handle, also when the process is killed.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub async fn nameless(&self) -> std::io::Result<tokio::fs::File> {
        let incoming = self.directory.join("incoming");
        tokio::fs::create_dir_all(&incoming).await?;
        let path = incoming.join(hex::encode(random::bytes::<16>()));
        let file = tokio::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .await?;
        tokio::fs::remove_file(&path).await?;
        Ok(file)
    }

    /// Keeps a file, sealed.
    ///
    /// # Errors
    /// The store is away or full.
    pub async fn put(&self, crypto: &Crypto, name: Name, plain: &[u8]) -> Result<(), Error> {
        let sealed = sealed::seal(crypto, &name.context(), plain);
        self.store.put(&name.path(), sealed.into()).await?;
        Ok(())
    }

    /// A file's length and its bytes, opened piece by piece as they are read; none when there is
    /// no such file.
    ///
    /// # Errors
    /// The store is away; while reading: it is away, or the file was altered.
    pub async fn get(
        &self,
        crypto: Arc<Crypto>,
        name: Name,
    ) -> Result<Option<(u64, impl Stream<Item = std::io::Result<Vec<u8>>> + use<>)>, Error> {
        let found = match self.store.get(&name.path()).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = sealed::plain_length(found.meta.size);
        let bytes = found.into_stream().map_err(std::io::Error::other).boxed();
        Ok(Some((length, sealed::open(crypto, name.context(), bytes))))
    }

    /// Seals a file anew where another key or algorithm sealed it than is configured; whether that
    /// was so. A file that is not there is none to seal.
    ///
    /// # Errors
    /// The store is away, or the file was altered or its key is gone.
    pub async fn reseal(&self, crypto: &Arc<Crypto>, name: Name) -> std::io::Result<bool> {
        let first = match self.store.get_range(&name.path(), 0..1).await {
            Ok(first) => first,
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if first.first() == Some(&crypto.tag()) {
            return Ok(false);
        }
        let Some((_, pieces)) = self.get(crypto.clone(), name).await? else { return Ok(false) };
        let plain = pieces.try_concat().await?;
        self.put(crypto, name, &plain).await?;
        Ok(true)
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    /// The store is away.
    pub async fn remove(&self, name: Name) -> Result<(), Error> {
        match self.store.delete(&name.path()).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes what writes that were killed left half done, of the ids that were made on the day
    /// (UTC) of an instant and not after `before`. The local store writes beside the name, and lists
    /// no such file; a bucket keeps nothing half done.
    ///
    /// # Errors
    /// The directory cannot be read or written to.
    pub async fn remove_half_done(&self, at: Timestamp, before: Timestamp) -> std::io::Result<()> {
        let folder = self.directory.join(FILES).join(day(at));
        let mut entries = match tokio::fs::read_dir(&folder).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            let name = name.to_str().and_then(|name| name.split_once('#'));
            let name = name.and_then(|(name, _)| Name::read(name));
            if name.is_some_and(|name| made_at(name.id) <= before) {
                tokio::fs::remove_file(entry.path()).await?;
            }
        }
        Ok(())
    }

    /// The files whose ids were made on the day (UTC) of an instant.
    ///
    /// # Errors
    /// The store is away.
    pub async fn of_day(&self, at: Timestamp) -> Result<Vec<Name>, Error> {
        let folder = Path::from(day(at));
        let listed = self.store.list(Some(&folder)).try_collect::<Vec<_>>().await;
        let listed = match listed {
            // The local store has no folder of a day without files.
            Err(Error::NotFound { .. }) => Vec::new(),
            listed => listed?,
        };
        Ok(listed.iter().filter_map(|file| Name::read(file.location.filename()?)).collect())
    }
}
