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

fn no_hash() -> Error {
    Error::Setup("identity.hashing: no hash can be computed with these parameters".to_owned())
}
