//! Argon2id, a few at a time and never on a thread that serves requests.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use consilium_db::{Error, Result};
use consilium_kernel::Refusal;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::settings::Hashing;

/// How long a login waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hashes and compares passwords.
pub struct Hasher {
    argon: Argon2<'static>,
    running: Arc<Semaphore>,
    waiting: Semaphore,
    /// Compared with when there is no account, so that the answer takes as long as with one.
    nobody: String,
}

impl Hasher {
    /// Checks the parameters. Computes one hash.
    pub fn new(settings: &Hashing) -> Result<Self> {
        let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, None)
            .map_err(|error| Error::Setup(format!("identity.hashing: {error}")))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon, "nobody has this password").ok_or_else(no_hash)?;
        Ok(Self {
            argon,
            running: Arc::new(Semaphore::new(settings.at_once.max(1) as usize)),
            waiting: Semaphore::new(settings.waiting.max(1) as usize),
            nobody,
        })
    }

    /// The PHC string to store.
    pub async fn hash(&self, password: SecretString) -> Result<String, Refusal> {
        let argon = self.argon.clone();
        self.in_turn(move || hash(&argon, password.expose_secret())).await?.ok_or_else(Refusal::internal)
    }

    /// Whether `password` is the one behind `stored`. Without a stored hash it takes as long and is false.
    pub async fn matches(&self, password: SecretString, stored: Option<String>) -> Result<bool, Refusal> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let argon = self.argon.clone();
        let equal = self.in_turn(move || {
            let parsed = PasswordHash::new(&stored).ok()?;
            // The parameters are taken from the stored hash.
            Some(argon.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok())
        });
        Ok(equal.await?.ok_or_else(Refusal::internal)? && known)
    }

    /// Whether `stored` was made with other parameters than the present ones.
    pub fn is_outdated(&self, stored: &str) -> bool {
        recipe(stored) != recipe(&self.nobody)
    }

    /// Runs `work` on a blocking thread once it has a place. The place is given back when the work is done,
    /// not when the client goes away: the memory is taken until then.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let _waiting = self.waiting.try_acquire().map_err(|_| Refusal::unavailable())?;
        let place = tokio::time::timeout(PATIENCE, self.running.clone().acquire_owned()).await;
        let place = place.map_err(|_| Refusal::unavailable())?.map_err(|_| Refusal::unavailable())?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        });
        done.await.map_err(|_| Refusal::internal())
    }
}

fn hash(argon: &Argon2<'_>, password: &str) -> Option<String> {
    let hash: PasswordHash = argon.hash_password(password.as_bytes()).ok()?;
    Some(hash.to_string())
}

/// Algorithm, version and parameters of a PHC string: all but salt and hash.
fn recipe(stored: &str) -> Option<&str> {
    stored.rsplitn(3, '$').nth(2)
}

fn no_hash() -> Error {
    Error::Setup("identity.hashing: no hash can be computed with these parameters".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[actix_rt::test]
    async fn the_right_password_matches_and_no_other_does() {
        let hasher = Hasher::new(&Hashing::CHEAP).unwrap();
        let stored = hasher.hash(secret("correct horse battery")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
        assert_ne!(stored, hasher.hash(secret("correct horse battery")).await.unwrap(), "salted");
        assert!(hasher.matches(secret("correct horse battery"), Some(stored.clone())).await.unwrap());
        assert!(!hasher.matches(secret("correct horse batterz"), Some(stored)).await.unwrap());
        assert!(!hasher.matches(secret("nobody has this password"), None).await.unwrap());
    }

    #[actix_rt::test]
    async fn old_hashes_stay_valid_when_the_parameters_change() {
        let stored = Hasher::new(&Hashing::CHEAP).unwrap().hash(secret("correct horse battery")).await.unwrap();
        let dearer = Hasher::new(&Hashing { memory_kib: 16, iterations: 2, ..Hashing::CHEAP }).unwrap();
        assert!(dearer.matches(secret("correct horse battery"), Some(stored.clone())).await.unwrap());
        assert!(dearer.is_outdated(&stored));
        assert!(!dearer.is_outdated(&dearer.hash(secret("correct horse battery")).await.unwrap()));
    }

    #[test]
    fn the_defaults_are_what_owasp_recommends_and_nonsense_is_refused_at_start() {
        let hasher = Hasher::new(&Hashing::default()).unwrap();
        assert!(hasher.nobody.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let nonsense = Hashing { memory_kib: 1, ..Hashing::CHEAP };
        assert!(Hasher::new(&nonsense).err().unwrap().to_string().starts_with("identity.hashing: "));
    }

    #[actix_rt::test]
    async fn whoever_finds_the_queue_full_is_told_to_come_back() {
        let hasher = Hasher::new(&Hashing { at_once: 1, waiting: 2, ..Hashing::CHEAP }).unwrap();
        let busy = hasher.running.clone().acquire_owned().await.unwrap();
        let (one, two) = (hasher.hash(secret("a")), hasher.hash(secret("b")));
        let refused = async {
            tokio::task::yield_now().await;
            let refusal = hasher.hash(secret("c")).await.unwrap_err();
            drop(busy);
            refusal
        };
        let (one, two, refusal) = tokio::join!(one, two, refused);
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(refusal, Refusal::unavailable());
    }
}
