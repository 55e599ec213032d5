//! Passwords as argon2id hashes, or as PBKDF2-HMAC-SM3 where the national algorithms are configured;
//! both are verified, whatever is configured. One takes 19 MiB (argon2id) and tens to hundreds of
//! milliseconds, so that no more are computed at once than there are processors, in memory that is
//! kept for the next: however many log in together, the process does not grow.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{PasswordHasher, phc::PasswordHash},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use sm3::Sm3;
use subtle::ConstantTimeEq;
use tokio::{
    sync::Semaphore,
    task::{JoinError, spawn_blocking},
};

use crate::{crypto::Algorithms, random};

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// How a hash by PBKDF2-HMAC-SM3 names itself.
const PBKDF2: &str = "pbkdf2-sm3";
/// OWASP's figure for PBKDF2-HMAC-SHA-256, whose work SM3's equals; GM/T 0091-2020 asks for 1,024.
const ITERATIONS: u32 = 600_000;
/// A stored hash that asks for more is none of ours, and is not computed.
const MOST_ITERATIONS: u32 = 10_000_000;
const HASH_BYTES: usize = 32;

/// What computes and compares password hashes.
pub struct Passwords {
    algorithms: Algorithms,
    seats: Semaphore,
    memory: Arc<Mutex<Vec<Memory>>>,
    /// Verified against when there is no such account, so that both answers take as long.
    dummy: String,
}

type Memory = Vec<Block>;

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").finish_non_exhaustive()
    }
}

impl Passwords {
    /// Hashes by these algorithms from now on.
    pub fn new(algorithms: Algorithms) -> Self {
        let seats = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let dummy = hashed(algorithms, &hex::encode(random::bytes::<16>()));
        Self { algorithms, seats: Semaphore::new(seats), memory: Arc::default(), dummy }
    }

    /// Whether a stored hash was made by the other algorithms: it is made anew when its password is
    /// known, at the next log-in.
    pub fn is_outdated(&self, stored: &str) -> bool {
        let by_sm3 = PasswordHash::new(stored).is_ok_and(|hash| hash.algorithm.as_str() == PBKDF2);
        by_sm3 != (self.algorithms == Algorithms::Sm)
    }

    /// Hashes a password into a PHC string.
    ///
    /// # Errors
    /// The computing thread died.
    pub async fn hash(&self, password: String) -> Result<String, JoinError> {
        let algorithms = self.algorithms;
        self.with_memory(move |_| hashed(algorithms, &password)).await
    }

    /// Whether the password is right. Without a stored hash it works as long and answers no.
    ///
    /// # Errors
    /// The computing thread died.
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, JoinError> {
        let known = stored.is_some();
        let hash = stored.unwrap_or_else(|| self.dummy.clone());
        let right = self.with_memory(move |memory| matches(&password, &hash, memory)).await?;
        Ok(right && known)
    }

    async fn with_memory<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        // The semaphore is never closed.
        let _seat = self.seats.acquire().await;
        let kept = Arc::clone(&self.memory);
        spawn_blocking(move || {
            let taken = kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut memory = taken.unwrap_or_default();
            let computed = compute(&mut memory);
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            computed
        })
        .await
    }
}

fn hashed(algorithms: Algorithms, password: &str) -> String {
    let salt: [u8; 16] = random::bytes();
    if algorithms == Algorithms::Sm {
        let hash = pbkdf2(password, &salt, ITERATIONS);
        let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        return format!("${PBKDF2}$i={ITERATIONS}${}${}", text(&salt), text(&hash));
    }
    let Ok(hash) = argon2id().hash_password_with_salt(password.as_bytes(), &salt) else {
        unreachable!("argon2 refuses only passwords of 4 GiB and wrong parameters")
    };
    hash.to_string()
}

fn matches(password: &str, stored: &str, memory: &mut Memory) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else { return false };
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { return false };
    if hash.algorithm.as_str() == PBKDF2 {
        let iterations = hash.params.get_decimal("i").filter(|asked| *asked <= MOST_ITERATIONS);
        return iterations.is_some_and(|iterations| {
            pbkdf2(password, &salt, iterations).ct_eq(expected.as_bytes()).into()
        });
    }
    let Ok(params) = Params::try_from(&hash) else { return false };
    memory.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut found = vec![0; expected.len()];
    argon2
        .hash_password_into_with_memory(password.as_bytes(), &salt, &mut found, memory)
        .is_ok_and(|()| found.ct_eq(expected.as_bytes()).into())
}

fn pbkdf2(password: &str, salt: &[u8], iterations: u32) -> [u8; HASH_BYTES] {
    pbkdf2::pbkdf2_hmac_array::<Sm3, HASH_BYTES>(password.as_bytes(), salt, iterations)
}

fn argon2id() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let Ok(params) = Params::new(memory, passes, lanes, None) else {
        unreachable!("the parameters are constants within argon2's limits")
    };
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_verified_whole_and_nobody_s_never() {
        let passwords = Passwords::new(Algorithms::International);
        let hash = passwords.hash("Demo-2026-pass".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let again = passwords.hash("Demo-2026-pass".into()).await.unwrap();
        assert_ne!(hash, again, "the salt is random");
        for (given, stored, right) in [
            ("Demo-2026-pass", Some(&hash), true),
            ("Demo-2026-pass", Some(&again), true),
            ("Demo-2026-pasS", Some(&hash), false),
            ("", Some(&hash), false),
            ("anything", None, false),
            ("anything", Some(&"no hash at all".to_owned()), false),
            ("anything", Some(&"$argon2id$v=19$m=19456,t=2,p=1".to_owned()), false),
        ] {
            let found = passwords.verify(given.to_owned(), stored.cloned()).await.unwrap();
            assert_eq!(found, right, "{given} against {stored:?}");
        }
    }

    #[tokio::test]
    async fn what_others_computed_is_verified() {
        let theirs = argon2id().hash_password_with_salt(b"Demo-2026-pass", b"sixteen bytes ok");
        let stored = Some(theirs.unwrap().to_string());
        let passwords = Passwords::new(Algorithms::International);
        assert!(passwords.verify("Demo-2026-pass".into(), stored).await.unwrap());
    }

    #[tokio::test]
    async fn fifty_at_once_share_the_memory_of_a_few() {
        let passwords = Arc::new(Passwords::new(Algorithms::International));
        let hash = passwords.hash("Demo-2026-pass".into()).await.unwrap();
        let one = |n: usize| {
            let (passwords, hash) = (Arc::clone(&passwords), hash.clone());
            let given = if n.is_multiple_of(2) { "Demo-2026-pass" } else { "wrong" };
            async move { passwords.verify(given.to_owned(), Some(hash)).await.unwrap() }
        };
        let answers = futures::future::join_all((0..50).map(one)).await;
        assert!(answers.iter().enumerate().all(|(n, right)| *right == n.is_multiple_of(2)));
        let seats = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        assert!(passwords.memory.lock().unwrap().len() <= seats);
    }

    #[tokio::test]
    async fn a_hash_by_sm3_is_verified_whatever_is_configured_and_made_anew_where_it_differs() {
        let (one, sm) = (Passwords::new(Algorithms::International), Passwords::new(Algorithms::Sm));
        let argon2id = one.hash("Demo-2026-pass".into()).await.unwrap();
        let by_sm3 = sm.hash("Demo-2026-pass".into()).await.unwrap();
        assert!(by_sm3.starts_with("$pbkdf2-sm3$i=600000$"), "{by_sm3}");
        for (passwords, stored) in [(&sm, &by_sm3), (&one, &by_sm3), (&sm, &argon2id)] {
            for (given, right) in [("Demo-2026-pass", true), ("Demo-2026-pasS", false)] {
                let found = passwords.verify(given.into(), Some(stored.clone())).await.unwrap();
                assert_eq!(found, right, "{given} against {stored}");
            }
        }
        assert!(one.is_outdated(&by_sm3) && sm.is_outdated(&argon2id));
        assert!(!one.is_outdated(&argon2id) && !sm.is_outdated(&by_sm3));
        let endless = by_sm3.replace("i=600000", "i=4000000000");
        assert!(!sm.verify("Demo-2026-pass".into(), Some(endless)).await.unwrap());
    }

    #[test]
    fn pbkdf2_by_sm3_is_what_others_compute() {
        // openssl kdf -keylen 32 -kdfopt digest:SM3 -kdfopt pass:password -kdfopt salt:salt
        //     -kdfopt iter:4096 PBKDF2
        assert_eq!(
            hex::encode(pbkdf2("password", b"salt", 4096)),
            "b6e8f2074c87432b78f62e5ced980fdff89e86af2f693dab1638e2b3683045dd"
        );
    }
}
