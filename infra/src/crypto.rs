//! Cryptography behind one door: sealing fields, blind indexes, MACs, digests.
//!
//! What stands behind the door is configured ([`Algorithms`]): AES-256-GCM, HMAC-SHA-256 and
//! SHA-256, or the national SM4-GCM, HMAC-SM3 and SM3 (GB/T 32907, GB/T 32905). Whatever is
//! configured, what either of them sealed is opened.
//!
//! Every key is derived from the configured material by the HMAC over a label. The material is
//! uniformly random, so that is HKDF's expand step with one block; what it buys is that no key
//! serves two purposes: a blind index, which is stored, reveals nothing about the key that seals.

use aes_gcm::{
    Aes256Gcm, AesGcm, KeyInit, Nonce,
    aead::{Aead, Payload, consts::U12},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{
    Hmac, Mac,
    digest::{OutputSizeUser, consts::U32},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sm3::Sm3;
use sm4::Sm4;
use subtle::ConstantTimeEq;

use crate::random;

#[cfg(test)]
mod tests;

/// The least length of key material, in bytes.
pub const KEY_BYTES: usize = 32;

const NONCE_BYTES: usize = 12;
/// The highest id of a key: the bit above it says which algorithm sealed.
const LAST_ID: u8 = 0x7f;
/// In the first byte of what SM4-GCM sealed.
const SM4_BIT: u8 = 0x80;

type Sm4Gcm = AesGcm<Sm4, U12>;

/// Which algorithms seal, index, authenticate and hash passwords from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithms {
    /// AES-256-GCM, HMAC-SHA-256, SHA-256, argon2id.
    #[default]
    International,
    /// SM4-GCM, HMAC-SM3, SM3, PBKDF2-HMAC-SM3.
    Sm,
}

impl Algorithms {
    /// The other one, whose values must still be known.
    const fn other(self) -> Self {
        match self {
            Self::International => Self::Sm,
            Self::Sm => Self::International,
        }
    }
}

/// Something sealed cannot be opened: another key, another context, or it was altered. Nothing
/// more is said, neither to the person nor to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed data cannot be opened")]
pub struct Broken;

/// The configured key material cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Neither base64 nor hexadecimal.
    #[error("security.data_key 的第 {0} 把密钥既不是 base64 也不是十六进制")]
    Encoding(usize),
    /// Fewer than 32 bytes.
    #[error("security.data_key 的第 {0} 把密钥不足 32 字节")]
    TooShort(usize),
    /// The id is no number from 0 to 127, or stands twice.
    #[error("security.data_key 的第 {0} 把密钥的编号不是 0–127 的数，或与前面的重复")]
    Id(usize),
    /// `security.index_key` names a key that is not there.
    #[error("security.index_key 写的密钥编号 {0} 不在 security.data_key 里")]
    NoIndexKey(u8),
}

/// One configured key, with whatever may have been made by it.
struct Key {
    id: u8,
    aes: Aes256Gcm,
    sm4: Sm4Gcm,
    material: Vec<u8>,
}

impl Key {
    fn new(id: u8, material: Vec<u8>) -> Self {
        let aes = Aes256Gcm::new(&derive(Algorithms::International, &material, "seal").into());
        let whole = derive(Algorithms::Sm, &material, "seal");
        // SM4's keys have 128 bits.
        let mut half = [0; 16];
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        Self { id, aes, sm4: Sm4Gcm::new(&half.into()), material }
    }
}

/// The keys in use.
pub struct Crypto {
    algorithms: Algorithms,
    sealing: Key,
    /// Keys that only open what was sealed before a rotation.
    retired: Vec<Key>,
    /// The id of the key that blind indexes and MACs are made by.
    root: u8,
    index: [u8; 32],
    mac: [u8; 32],
    /// Keys of MACs that were made before a rotation or by the other algorithms.
    old_macs: Vec<(Algorithms, [u8; 32])>,
}

impl std::fmt::Debug for Crypto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crypto").field("key_id", &self.sealing.id).finish_non_exhaustive()
    }
}

impl Crypto {
    /// Reads the configured keys: `ID:KEY`, several separated by commas, each key base64 or
    /// hexadecimal of at least 32 bytes; a lone `KEY` has the id 1. The algorithms are the
    /// international ones until [`Crypto::using`] says otherwise.
    ///
    /// The first key seals, every key opens: a rotation puts a new key in front. Blind indexes and
    /// MACs come from the last key unless [`Crypto::indexing_by`] names another, because they are
    /// stored and could not be found again under a new one; to change that key means computing
    /// them anew (`zhixiang admin rekey --indexes`).
    ///
    /// # Errors
    /// A key is not encoded as said, too short, or its id is wrong.
    pub fn parse(keys: &str) -> Result<Self, BadKey> {
        let mut ring: Vec<Key> = Vec::new();
        for (place, entry) in (1..).zip(keys.split(',').map(str::trim)) {
            let (id, key) = entry.split_once(':').unwrap_or(("1", entry));
            let id: u8 = id.trim().parse().map_err(|_| BadKey::Id(place))?;
            let material = material(key.trim()).ok_or(BadKey::Encoding(place))?;
            if material.len() < KEY_BYTES {
                return Err(BadKey::TooShort(place));
            }
            if id > LAST_ID || ring.iter().any(|known| known.id == id) {
                return Err(BadKey::Id(place));
            }
            ring.push(Key::new(id, material));
        }
        let mut ring = ring.into_iter();
        let sealing = ring.next().ok_or(BadKey::Encoding(1))?;
        let retired: Vec<Key> = ring.collect();
        let root = retired.last().map_or(sealing.id, |last| last.id);
        let crypto = Self {
            algorithms: Algorithms::default(),
            sealing,
            retired,
            root,
            index: [0; 32],
            mac: [0; 32],
            old_macs: Vec::new(),
        };
        Ok(crypto.derived())
    }

    /// From now on with these algorithms.
    #[must_use]
    pub fn using(mut self, algorithms: Algorithms) -> Self {
        self.algorithms = algorithms;
        self.derived()
    }

    /// Makes blind indexes and MACs by the key with this id.
    ///
    /// # Errors
    /// There is no such key.
    pub fn indexing_by(mut self, id: u8) -> Result<Self, BadKey> {
        if self.ring().all(|key| key.id != id) {
            return Err(BadKey::NoIndexKey(id));
        }
        self.root = id;
        Ok(self.derived())
    }

    fn ring(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.sealing).chain(&self.retired)
    }

    fn root(&self) -> &Key {
        self.ring().find(|key| key.id == self.root).unwrap_or(&self.sealing)
    }

    fn derived(mut self) -> Self {
        let now = self.algorithms;
        self.index = self.derive("index");
        self.mac = self.derive("mac");
        let mut old = Vec::new();
        for key in self.ring() {
            for algorithms in [now, now.other()] {
                if key.id != self.root || algorithms != now {
                    old.push((algorithms, derive(algorithms, &key.material, "mac")));
                }
            }
        }
        self.old_macs = old;
        self
    }

    /// A key of its own for another purpose, such as signing access tokens.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        derive(self.algorithms, &self.root().material, purpose)
    }

    /// The first byte of whatever is sealed from now on: the key's id, and the algorithm.
    pub fn tag(&self) -> u8 {
        match self.algorithms {
            Algorithms::International => self.sealing.id,
            Algorithms::Sm => self.sealing.id | SM4_BIT,
        }
    }

    /// Encrypts by AES-256-GCM or SM4-GCM: key id and algorithm, random nonce, ciphertext and tag.
    /// `context` (such as `person.phone`) is authenticated with it: what is sealed for one column
    /// opens in no other.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let bytes: [u8; NONCE_BYTES] = random::bytes();
        let nonce = Nonce::from(bytes);
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let sealed = match self.algorithms {
            Algorithms::International => self.sealing.aes.encrypt(&nonce, payload),
            Algorithms::Sm => self.sealing.sm4.encrypt(&nonce, payload),
        };
        let Ok(sealed) = sealed else {
            unreachable!("GCM refuses only messages of 64 GiB and more")
        };
        [&[self.tag()], bytes.as_slice(), &sealed].concat()
    }

    /// Opens what [`Crypto::seal`] made, by whichever algorithm.
    ///
    /// # Errors
    /// Another key, another context, or altered.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        let (tag, rest) = sealed.split_first().ok_or(Broken)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Broken)?;
        let key = self.ring().find(|key| key.id == tag & LAST_ID).ok_or(Broken)?;
        let (nonce, payload) =
            (Nonce::from(*nonce), Payload { msg: body, aad: context.as_bytes() });
        let opened = if tag & SM4_BIT == 0 {
            key.aes.decrypt(&nonce, payload)
        } else {
            key.sm4.decrypt(&nonce, payload)
        };
        opened.map_err(|_| Broken)
    }

    /// [`Crypto::open`] for text.
    ///
    /// # Errors
    /// As there, or the bytes are no UTF-8.
    pub fn open_text(&self, context: &str, sealed: &[u8]) -> Result<String, Broken> {
        String::from_utf8(self.open(context, sealed)?).map_err(|_| Broken)
    }

    /// The blind index of a sealed field: equal values of a context have equal indexes, and
    /// without the key nobody can try values.
    pub fn index(&self, context: &str, plain: &[u8]) -> [u8; 32] {
        hmac(self.algorithms, &self.index, &[context.as_bytes(), &[0], plain])
    }

    /// A MAC over a secret that is compared but never read back, such as a query code.
    pub fn mac(&self, context: &str, data: &[u8]) -> [u8; 32] {
        mac(self.algorithms, &self.mac, context, data)
    }

    /// Whether `given` is the MAC of `data`, compared in constant time. MACs of every key and of
    /// both algorithms count: a query code is kept nowhere, so that its MAC cannot be made anew.
    pub fn mac_matches(&self, context: &str, data: &[u8], given: &[u8]) -> bool {
        let of =
            |algorithms, key: &[u8]| mac(algorithms, key, context, data).as_slice().ct_eq(given);
        let now = of(self.algorithms, &self.mac);
        self.old_macs.iter().fold(now, |any, (algorithms, key)| any | of(*algorithms, key)).into()
    }

    /// A digest (SHA-256 or SM3), for what is random enough to need no key: refresh tokens.
    pub fn digest(&self, data: &[u8]) -> [u8; 32] {
        match self.algorithms {
            Algorithms::International => Sha256::digest(data).into(),
            Algorithms::Sm => Sm3::digest(data).into(),
        }
    }
}

/// Whether two texts are the same, compared in constant time for texts of one length.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Bytes as base64url without padding, as tokens are written.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url without padding, strictly: each value has one spelling.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn material(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok().or_else(|| STANDARD.decode(text).ok())
}

fn derive(algorithms: Algorithms, material: &[u8], purpose: &str) -> [u8; 32] {
    hmac(algorithms, material, &[b"zhixiang/1/", purpose.as_bytes()])
}

fn mac(algorithms: Algorithms, key: &[u8], context: &str, data: &[u8]) -> [u8; 32] {
    hmac(algorithms, key, &[context.as_bytes(), &[0], data])
}

fn hmac(algorithms: Algorithms, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    match algorithms {
        Algorithms::International => keyed::<Hmac<Sha256>>(key, parts),
        Algorithms::Sm => keyed::<Hmac<Sm3>>(key, parts),
    }
}

/// SHA-256, for what others have signed by it and for tags that only compare.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// HMAC-SHA-256 over the parts one after the other, likewise.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    keyed::<Hmac<Sha256>>(key, parts)
}

fn keyed<M>(key: &[u8], parts: &[&[u8]]) -> [u8; 32]
where
    M: Mac + KeyInit + OutputSizeUser<OutputSize = U32>,
{
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length")
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
