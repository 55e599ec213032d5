//! A file sealed in pieces, so that it is opened while it is read and never lies in memory whole.
//! Each piece opens at its own place alone, and the last one says so: pieces cannot be swapped,
//! left out or added unnoticed.

use std::{io, sync::Arc};

use futures::{Stream, StreamExt, stream};

use crate::crypto::Crypto;

/// Bytes of a piece before it is sealed.
const PIECE: usize = 64 * 1024;
/// What sealing adds: the key's id, the nonce, the tag.
const ADDED: usize = 1 + 12 + 16;
const SEALED: usize = PIECE + ADDED;

fn context(file: &str, number: usize, last: bool) -> String {
    format!("{file}/{number}/{}", if last { "last" } else { "more" })
}

/// Seals a file.
pub fn seal(crypto: &Crypto, file: &str, plain: &[u8]) -> Vec<u8> {
    let pieces = plain.len().div_ceil(PIECE).max(1);
    let mut sealed = Vec::with_capacity(plain.len() + pieces * ADDED);
    for number in 0..pieces {
        let piece = plain.get(number * PIECE..).unwrap_or_default();
        let piece = piece.get(..PIECE).unwrap_or(piece);
        sealed.extend(crypto.seal(&context(file, number, number + 1 == pieces), piece));
    }
    sealed
}

/// How long a sealed file of `size` bytes is once it is opened.
pub fn plain_length(size: u64) -> u64 {
    let (sealed, added) = (u64::try_from(SEALED).unwrap_or(1), u64::try_from(ADDED).unwrap_or(0));
    size.saturating_sub(size.div_ceil(sealed) * added)
}

struct Reading<S> {
    bytes: S,
    waiting: Vec<u8>,
    number: usize,
    ended: bool,
}

/// Opens a file as it is read.
pub fn open<S, B, E>(
    crypto: Arc<Crypto>,
    file: String,
    bytes: S,
) -> impl Stream<Item = io::Result<Vec<u8>>> + use<S, B, E>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
    E: Into<io::Error>,
{
    let start = Reading { bytes, waiting: Vec::new(), number: 0, ended: false };
    stream::try_unfold(start, move |mut reading| {
        let (crypto, file) = (crypto.clone(), file.clone());
        async move {
            // One byte more than a piece tells that another follows.
            while !reading.ended && reading.waiting.len() <= SEALED {
                match reading.bytes.next().await {
                    Some(read) => {
                        reading.waiting.extend_from_slice(read.map_err(Into::into)?.as_ref());
                    }
                    None => reading.ended = true,
                }
            }
            if reading.ended && reading.waiting.is_empty() {
                return if reading.number == 0 { Err(altered()) } else { Ok(None) };
            }
            let length = reading.waiting.len().min(SEALED);
            let piece: Vec<u8> = reading.waiting.drain(..length).collect();
            let last = reading.ended && reading.waiting.is_empty();
            let opened = crypto.open(&context(&file, reading.number, last), &piece);
            reading.number += 1;
            Ok(Some((opened.map_err(|_| altered())?, reading)))
        }
    })
}

fn altered() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a stored file was altered or cut off")
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    fn crypto() -> Arc<Crypto> {
        Arc::new(Crypto::parse(&hex::encode([7; 32])).unwrap())
    }

    /// Read in portions of `portion` bytes.
    async fn opened(sealed: &[u8], file: &str, portion: usize) -> io::Result<Vec<u8>> {
        let portions: Vec<io::Result<Vec<u8>>> =
            sealed.chunks(portion).map(|portion| Ok(portion.to_vec())).collect();
        let opened = open(crypto(), file.to_owned(), stream::iter(portions));
        Ok(opened.try_collect::<Vec<_>>().await?.concat())
    }

    fn file(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_file_of_any_length_is_read_back() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let sealed = seal(&crypto(), "f", &file(length));
            let size = u64::try_from(sealed.len()).unwrap();
            assert_eq!(plain_length(size), u64::try_from(length).unwrap());
            for portion in [1000, SEALED, usize::MAX] {
                assert_eq!(opened(&sealed, "f", portion).await.unwrap(), file(length), "{length}");
            }
        }
    }

    #[tokio::test]
    async fn whatever_is_altered_is_noticed() {
        let sealed = seal(&crypto(), "f", &file(2 * PIECE + 10));
        assert!(opened(&sealed, "g", 1000).await.is_err(), "another's name");
        let swapped =
            [&sealed[SEALED..2 * SEALED], &sealed[..SEALED], &sealed[2 * SEALED..]].concat();
        assert!(opened(&swapped, "f", 1000).await.is_err(), "pieces changed places");
        for length in [0, 1, SEALED, 2 * SEALED, sealed.len() - 1] {
            assert!(opened(&sealed[..length], "f", 1000).await.is_err(), "cut off at {length}");
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert!(opened(&longer, "f", 1000).await.is_err(), "something was added");
        let mut flipped = sealed;
        flipped[SEALED + 100] ^= 1;
        assert!(opened(&flipped, "f", 1000).await.is_err(), "a bit was changed");
    }
}
