//! Cryptography behind one door: sealing fields, blind indexes, MACs.
//!
//! Every key is derived from the configured material by HMAC-SHA-256 over a label. The material
//! is uniformly random, so that is HKDF's expand step with one block; what it buys is that no key
//! serves two purposes: a blind index, which is stored, reveals nothing about the key that seals.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::random;

/// The least length of key material, in bytes.
pub const KEY_BYTES: usize = 32;

const NONCE_BYTES: usize = 12;

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
    /// The id is no number from 0 to 255, or stands twice.
    #[error("security.data_key 的第 {0} 把密钥的编号不是 0–255 的数，或与前面的重复")]
    Id(usize),
}

struct SealingKey {
    id: u8,
    cipher: Aes256Gcm,
}

/// The keys in use.
pub struct Crypto {
    sealing: SealingKey,
    /// Keys that only open what was sealed before a rotation.
    retired: Vec<SealingKey>,
    root: Vec<u8>,
    index: [u8; 32],
    mac: [u8; 32],
}

impl std::fmt::Debug for Crypto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crypto").field("key_id", &self.sealing.id).finish_non_exhaustive()
    }
}

impl Crypto {
    /// Reads the configured keys: `ID:KEY`, several separated by commas, each key base64 or
    /// hexadecimal of at least 32 bytes; a lone `KEY` has the id 1.
    ///
    /// The first key seals, every key opens: a rotation puts a new key in front. Blind indexes and
    /// MACs come from the last key, because they are stored and could not be found again under a
    /// new one; dropping the last key means computing them anew.
    ///
    /// # Errors
    /// A key is not encoded as said, too short, or its id is wrong.
    pub fn parse(keys: &str) -> Result<Self, BadKey> {
        let mut ring = Vec::new();
        let mut root = Vec::new();
        for (place, entry) in (1..).zip(keys.split(',').map(str::trim)) {
            let (id, key) = entry.split_once(':').unwrap_or(("1", entry));
            let id: u8 = id.trim().parse().map_err(|_| BadKey::Id(place))?;
            let material = material(key.trim()).ok_or(BadKey::Encoding(place))?;
            if material.len() < KEY_BYTES {
                return Err(BadKey::TooShort(place));
            }
            if ring.iter().any(|known: &SealingKey| known.id == id) {
                return Err(BadKey::Id(place));
            }
            let cipher = Aes256Gcm::new(&derive(&material, "seal").into());
            ring.push(SealingKey { id, cipher });
            root = material;
        }
        let mut ring = ring.into_iter();
        let sealing = ring.next().ok_or(BadKey::Encoding(1))?;
        let (index, mac) = (derive(&root, "index"), derive(&root, "mac"));
        Ok(Self { sealing, retired: ring.collect(), index, mac, root })
    }

    /// A key of its own for another purpose, such as signing access tokens.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        derive(&self.root, purpose)
    }

    /// Encrypts with AES-256-GCM: key id, random nonce, ciphertext and tag. `context` (such as
    /// `person.phone`) is authenticated with it: what is sealed for one column opens in no other.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = random::bytes();
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let sealed = self.sealing.cipher.encrypt(&Nonce::from(nonce), payload);
        let Ok(sealed) = sealed else {
            unreachable!("AES-GCM refuses only messages of 64 GiB and more")
        };
        [&[self.sealing.id], nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`Crypto::seal`] made.
    ///
    /// # Errors
    /// Another key, another context, or altered.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        let (id, rest) = sealed.split_first().ok_or(Broken)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Broken)?;
        let key = std::iter::once(&self.sealing)
            .chain(&self.retired)
            .find(|key| key.id == *id)
            .ok_or(Broken)?;
        let payload = Payload { msg: body, aad: context.as_bytes() };
        key.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| Broken)
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
        hmac(&self.index, &[context.as_bytes(), &[0], plain])
    }

    /// A MAC over a secret that is compared but never read back, such as a query code.
    pub fn mac(&self, context: &str, data: &[u8]) -> [u8; 32] {
        hmac(&self.mac, &[context.as_bytes(), &[0], data])
    }

    /// Whether `given` is the MAC of `data`, compared in constant time.
    pub fn mac_matches(&self, context: &str, data: &[u8], given: &[u8]) -> bool {
        self.mac(context, data).as_slice().ct_eq(given).into()
    }
}

/// Whether two texts are the same, compared in constant time for texts of one length.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// SHA-256, for what is random enough to need no key: refresh tokens.
pub fn digest(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
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

fn derive(material: &[u8], purpose: &str) -> [u8; 32] {
    hmac(material, &[b"zhixiang/1/", purpose.as_bytes()])
}

/// HMAC-SHA-256 over the parts one after the other.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length")
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        hex::encode([byte; 32])
    }

    fn crypto() -> Crypto {
        Crypto::parse(&key(7)).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_context_alone() {
        let crypto = crypto();
        let sealed = crypto.seal("person.phone", "138𠮷".as_bytes());
        assert_eq!(crypto.open_text("person.phone", &sealed).unwrap(), "138𠮷");
        assert_eq!(crypto.open("person.name", &sealed), Err(Broken));
        assert_ne!(sealed, crypto.seal("person.phone", "138𠮷".as_bytes()), "the nonce is random");
    }

    #[test]
    fn every_altered_byte_and_every_truncation_is_noticed() {
        let crypto = crypto();
        let sealed = crypto.seal("c", b"value");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(crypto.open("c", &altered), Err(Broken), "byte {at}");
            assert_eq!(crypto.open("c", &sealed[..at]), Err(Broken), "length {at}");
        }
        assert_eq!(crypto.seal("c", b"").len(), 1 + NONCE_BYTES + 16);
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed = crypto().seal("c", b"value");
        assert_eq!(Crypto::parse(&key(8)).unwrap().open("c", &sealed), Err(Broken));
    }

    #[test]
    fn a_rotation_keeps_opening_and_finding() {
        let before = Crypto::parse(&format!("1:{}", key(7))).unwrap();
        let after = Crypto::parse(&format!("2:{}, 1:{}", key(9), key(7))).unwrap();
        let old = before.seal("c", b"value");
        assert_eq!(after.open("c", &old).unwrap(), b"value");
        assert_eq!(after.seal("c", b"value")[0], 2);
        assert_eq!(before.open("c", &after.seal("c", b"value")), Err(Broken));
        assert_eq!(before.index("c", b"value"), after.index("c", b"value"));
        assert_eq!(before.derive("x"), after.derive("x"));
    }

    #[test]
    fn purposes_and_contexts_never_share_a_value() {
        let crypto = crypto();
        let values = [
            crypto.index("a", b"bc"),
            crypto.index("ab", b"c"),
            crypto.mac("a", b"bc"),
            crypto.mac("ab", b"c"),
            crypto.derive("index"),
            crypto.derive("mac"),
            crypto.derive("token"),
        ];
        for (at, value) in values.iter().enumerate() {
            assert!(!values[at + 1..].contains(value), "{at}");
        }
        assert_eq!(crypto.index("a", b"bc"), crypto.index("a", b"bc"));
    }

    #[test]
    fn derivation_is_fixed_for_ever() {
        // HMAC-SHA-256(0x07 × 32, "zhixiang/1/index"), computed apart: stored indexes depend on it.
        let expected = hmac(&[7; 32], &[b"zhixiang/1/index"]);
        assert_eq!(crypto().derive("index"), expected);
        // RFC 4231, test case 2.
        assert_eq!(
            hex::encode(hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_mac_is_compared_whole() {
        let crypto = crypto();
        let mac = crypto.mac("query-code", b"ABCD2345");
        assert!(crypto.mac_matches("query-code", b"ABCD2345", &mac));
        assert!(!crypto.mac_matches("query-code", b"ABCD2346", &mac));
        assert!(!crypto.mac_matches("query-code", b"ABCD2345", &mac[..31]));
        assert!(!crypto.mac_matches("query-code", b"ABCD2345", b""));
    }

    #[test]
    fn bad_keys_are_refused_by_name() {
        let read = |keys: &str| Crypto::parse(keys).err();
        assert_eq!(read(""), Some(BadKey::TooShort(1)));
        assert_eq!(read("!!"), Some(BadKey::Encoding(1)));
        assert_eq!(read(&hex::encode([1; 31])), Some(BadKey::TooShort(1)));
        assert_eq!(read(&format!("x:{}", key(1))), Some(BadKey::Id(1)));
        assert_eq!(read(&format!("1:{},1:{}", key(1), key(2))), Some(BadKey::Id(2)));
        let base64 = STANDARD.encode([7; 32]);
        assert_eq!(Crypto::parse(&base64).unwrap().index("c", b"v"), crypto().index("c", b"v"));
    }

    #[test]
    fn the_keys_never_print() {
        assert_eq!(format!("{:?}", crypto()), "Crypto { key_id: 1, .. }");
    }
}
