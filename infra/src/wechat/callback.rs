//! What WeChat pushes to us, as far as it is pure: signatures, and the safe mode's encryption.
//!
//! A signature is the SHA-1 of the sorted texts, in hexadecimal. In safe mode a message is
//! encrypted with AES-256-CBC; the key is the base64 of `EncodingAESKey` (43 characters, whose last
//! bits may be anything), the IV its first 16 bytes, the padding PKCS#7 to 32 bytes, and the plain
//! text 16 random bytes, the message's length, the message, and the mini-program's id.

use aes::Aes256;
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use sha1::{Digest, Sha1};

use crate::crypto;

/// The block that the padding fills, in bytes.
const BLOCK: usize = 32;
/// Random bytes at the head of a message.
const SALT: usize = 16;

/// Keys as WeChat hands them out: bits behind the last whole byte are not zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The `EncodingAESKey` cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("EncodingAESKey 应为 43 个字母或数字")]
pub struct BadKey;

/// A message that was not encrypted for us, or was altered on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message does not open")]
pub struct Sealed;

/// What our end of the push address knows.
#[derive(Clone)]
pub struct Callback {
    token: String,
    key: [u8; 32],
    app_id: String,
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl Callback {
    /// # Errors
    /// The key is not 43 characters of base64.
    pub fn new(token: &str, encoding_aes_key: &str, app_id: &str) -> Result<Self, BadKey> {
        let key = LENIENT.decode(encoding_aes_key).map_err(|_| BadKey)?;
        let key = key.try_into().map_err(|_| BadKey)?;
        Ok(Self { token: token.to_owned(), key, app_id: app_id.to_owned() })
    }

    /// The signature of our token with `parts`, in hexadecimal.
    pub fn signature(&self, parts: &[&str]) -> String {
        let mut all: Vec<&str> = parts.iter().copied().chain([self.token.as_str()]).collect();
        all.sort_unstable();
        hex::encode(Sha1::digest(all.concat()))
    }

    /// Whether `given` is the signature of `parts` (timestamp and nonce; in safe mode the encrypted
    /// text as well). It takes as long for a wrong one as for a right one.
    pub fn signed(&self, parts: &[&str], given: &str) -> bool {
        crypto::same(self.signature(parts).as_bytes(), given.as_bytes())
    }

    /// Opens a message of the safe mode. Its signature was checked.
    ///
    /// # Errors
    /// Not encrypted with our key, cut off, or for another mini-program.
    pub fn open(&self, encrypted: &str) -> Result<Vec<u8>, Sealed> {
        let mut bytes = STANDARD.decode(encrypted.trim()).map_err(|_| Sealed)?;
        let plain = cbc::Decryptor::<Aes256>::new(&self.key.into(), &self.iv().into())
            .decrypt_padded::<NoPadding>(&mut bytes)
            .map_err(|_| Sealed)?;
        let padding = usize::from(*plain.last().ok_or(Sealed)?);
        let end = plain.len().checked_sub(padding).ok_or(Sealed)?;
        let (content, pad) = plain.split_at_checked(end).ok_or(Sealed)?;
        let fine = (1..=BLOCK).contains(&padding)
            && plain.len().is_multiple_of(BLOCK)
            && pad.iter().all(|byte| usize::from(*byte) == padding);
        if !fine {
            return Err(Sealed);
        }
        let rest = content.get(SALT..).ok_or(Sealed)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(Sealed)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Sealed)?;
        let (message, app_id) = rest.split_at_checked(length).ok_or(Sealed)?;
        if crypto::same(app_id, self.app_id.as_bytes()) {
            Ok(message.to_vec())
        } else {
            Err(Sealed)
        }
    }

    /// Encrypts a message as WeChat does, and signs it: the encrypted text and its signature. For
    /// whoever plays WeChat.
    pub fn seal(&self, message: &[u8], salt: [u8; 16], at: (&str, &str)) -> (String, String) {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut plain = [&salt[..], &length, message, self.app_id.as_bytes()].concat();
        let padding = BLOCK - plain.len() % BLOCK;
        let filler = u8::try_from(padding).unwrap_or_default();
        plain.extend(std::iter::repeat_n(filler, padding));
        let length = plain.len();
        let sealed = cbc::Encryptor::<Aes256>::new(&self.key.into(), &self.iv().into())
            .encrypt_padded::<NoPadding>(&mut plain, length);
        let Ok(sealed) = sealed else { unreachable!("whole blocks need no further padding") };
        let encrypted = STANDARD.encode(sealed);
        let signature = self.signature(&[at.0, at.1, &encrypted]);
        (encrypted, signature)
    }

    fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        iv.iter_mut().zip(self.key).for_each(|(to, from)| *to = from);
        iv
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
    /// Made by `openssl enc -aes-256-cbc -nopad`.
    const VECTOR: &str =
        "Q3stYC6hdFzMh9T8HCvyDHr0N+nleMjCEebRkm0AoH4gDq0ZLRJMhGapx3nmxM0bENDu5zOMcm04Byjnosl59g==";

    fn ours() -> Callback {
        Callback::new("demo-token", KEY, "wxdemo").unwrap()
    }

    #[test]
    fn the_signature_is_the_one_of_wechat_s_documents() {
        let callback = Callback::new("AAAAA", KEY, "wxdemo").unwrap();
        let signature = "f464b24fc39322e44b38aa78f5edd27bd1441696";
        for parts in [["1714036504", "1514711492"], ["1514711492", "1714036504"]] {
            assert!(callback.signed(&parts, signature));
        }
        for wrong in ["", "f464", "F464B24FC39322E44B38AA78F5EDD27BD1441696"] {
            assert!(!callback.signed(&["1714036504", "1514711492"], wrong), "{wrong}");
        }
        assert!(!ours().signed(&["1714036504", "1514711492"], signature), "another token");
    }

    #[test]
    fn a_key_may_have_trailing_bits_and_nothing_else() {
        assert!(STANDARD.decode(format!("{KEY}=")).is_err(), "the demo key has trailing bits");
        assert!(Callback::new("t", KEY, "a").is_ok());
        for bad in ["", "abc", &KEY[..42], &format!("{KEY}A"), &KEY.replace('a', "*")] {
            assert_eq!(Callback::new("t", bad, "a").unwrap_err(), BadKey, "{bad}");
        }
    }

    #[test]
    fn what_wechat_encrypts_opens() {
        for length in [0, 1, 15, 16, 31, 32, 33, 1000] {
            let message = "讯".repeat(length);
            let (encrypted, signature) = ours().seal(message.as_bytes(), [7; 16], ("1", "n"));
            assert!(ours().signed(&["1", "n", &encrypted], &signature));
            assert!(!ours().signed(&["2", "n", &encrypted], &signature));
            assert_eq!(ours().open(&encrypted).unwrap(), message.as_bytes());
            let other = Callback::new("demo-token", KEY, "wxother").unwrap();
            assert_eq!(other.open(&encrypted), Err(Sealed), "for another mini-program");
        }
    }

    #[test]
    fn what_another_program_encrypted_opens() {
        assert_eq!(ours().open(VECTOR).unwrap(), b"<xml><MsgType>event</MsgType></xml>");
    }

    #[test]
    fn what_was_altered_does_not_open() {
        let (encrypted, _) = ours().seal(b"hello", [7; 16], ("1", "n"));
        let mut bytes = STANDARD.decode(&encrypted).unwrap();
        for place in 0..bytes.len() {
            bytes[place] ^= 1;
            let altered = ours().open(&STANDARD.encode(&bytes));
            // The first 16 bytes of the plain text are random anyway.
            let salt = (0..16).contains(&place) && altered.as_deref() == Ok(b"hello");
            assert!(altered.is_err() || salt || altered.as_deref() != Ok(b"hello"), "{place}");
            bytes[place] ^= 1;
        }
        for bad in ["", "AAAA", "not base64", &STANDARD.encode([0; 16]), &STANDARD.encode([0; 64])]
        {
            assert_eq!(ours().open(bad), Err(Sealed), "{bad}");
        }
    }
}
