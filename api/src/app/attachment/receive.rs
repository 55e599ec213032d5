//! An upload on its way in: into a nameless file, measured and digested as it comes.

use std::io::SeekFrom;

use domain::attachment::{Excess, Format, MOST_BYTES, Refused};
use sha2::{Digest, Sha256};
use tokio::{
    fs::File,
    io::{AsyncSeekExt, AsyncWriteExt},
};

use super::unkept;
use crate::{error::Error, state::State};

/// An upload that is whole.
#[derive(Debug)]
pub struct Received {
    /// Its bytes, from the start.
    pub(super) file: File,
    /// How many they are.
    pub(super) bytes: usize,
    /// The first of them.
    pub(super) head: Vec<u8>,
    digest: [u8; 32],
}

impl Received {
    /// What tells one upload from another under a key.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.digest)
    }
}

/// An upload that comes in.
pub struct Receiver {
    file: File,
    bytes: usize,
    head: Vec<u8>,
    digest: Sha256,
}

impl Receiver {
    /// # Errors
    /// `unavailable`: nothing can be written.
    pub async fn new(state: &State) -> Result<Self, Error> {
        let file = state.files.nameless().await.map_err(unkept)?;
        Ok(Self { file, bytes: 0, head: Vec::new(), digest: Sha256::new() })
    }

    /// Takes in what came next. What is too large is counted and not kept.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > MOST_BYTES {
            return Ok(());
        }
        let missing = Format::HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        self.digest.update(bytes);
        self.file.write_all(bytes).await.map_err(unkept)
    }

    /// The whole of it.
    ///
    /// # Errors
    /// `attachment_too_large`, `attachment_unreadable` for nothing at all, `attachment_type_refused`.
    pub async fn finish(mut self) -> Result<Received, Error> {
        if self.bytes > MOST_BYTES {
            return Err(Refused::TooLarge(Excess::Bytes).into());
        }
        if self.bytes == 0 {
            return Err(Refused::Unreadable.into());
        }
        Format::sniff(&self.head).ok_or(Refused::Type)?;
        self.file.flush().await.map_err(unkept)?;
        self.file.seek(SeekFrom::Start(0)).await.map_err(unkept)?;
        let digest = self.digest.finalize().into();
        Ok(Received { file: self.file, bytes: self.bytes, head: self.head, digest })
    }
}
