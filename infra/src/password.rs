//! Passwords as argon2id hashes. One takes 19 MiB and tens of milliseconds, so that no more are
//! computed at once than there are processors, in memory that is kept for the next: however many
//! log in together, the process does not grow.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{PasswordHasher, phc::PasswordHash},
};
use subtle::ConstantTimeEq;
use tokio::{
    sync::Semaphore,
    task::{JoinError, spawn_blocking},
};

use crate::random;

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// What computes and compares password hashes.
pub struct Passwords {
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

impl Default for Passwords {
    fn default() -> Self {
        let seats = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let nobodys = hex::encode(random::bytes::<16>());
        Self { seats: Semaphore::new(seats), memory: Arc::default(), dummy: hashed(&nobodys) }
    }
}

impl Passwords {
    /// Hashes a password into a PHC string.
    ///
    /// # Errors
    /// The computing thread died.
    pub async fn hash(&self, password: String) -> Result<String, JoinError> {
        self.with_memory(move |_| hashed(&password)).await
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

fn hashed(password: &str) -> String {
    let salt: [u8; 16] = random::bytes();
    let Ok(hash) = argon2id().hash_password_with_salt(password.as_bytes(), &salt) else {
        unreachable!("argon2 refuses only passwords of 4 GiB and wrong parameters")
    };
    hash.to_string()
}

fn matches(password: &str, stored: &str, memory: &mut Memory) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else { return false };
    let (Some(salt), Some(expected), Ok(params)) = (hash.salt, hash.hash, Params::try_from(&hash))
    else {
        return false;
    };
    memory.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut found = vec![0; expected.len()];
    argon2
        .hash_password_into_with_memory(password.as_bytes(), &salt, &mut found, memory)
        .is_ok_and(|()| found.ct_eq(expected.as_bytes()).into())
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
        let passwords = Passwords::default();
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
        let passwords = Passwords::default();
        assert!(passwords.verify("Demo-2026-pass".into(), stored).await.unwrap());
    }

    #[tokio::test]
    async fn fifty_at_once_share_the_memory_of_a_few() {
        let passwords = Arc::new(Passwords::default());
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
}
