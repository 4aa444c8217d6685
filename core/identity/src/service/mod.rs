//! What the API and the command line ask of identity.

mod access;
mod accounts;
mod login;
mod recovery;
mod staff;

pub use accounts::{deactivate_account, reactivate_account};

use std::sync::Arc;

use consilium_db::{Db, Result, Tx};
use consilium_kernel::{Email, FieldError, Refusal, User};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    decide,
    live::LiveSessions,
    model::{Account, NewAccount},
    password::Hasher,
    refusal::IdentityRefusal,
    settings::IdentitySettings,
    store,
    tokens::Tokens,
};

/// Logins that are decided at the same time; those of one address always wait for each other.
const TURNS: usize = 256;

/// Accounts, login sessions and tokens. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    db: Db,
    settings: IdentitySettings,
    tokens: Tokens,
    hasher: Hasher,
    live: LiveSessions,
    turns: Vec<Mutex<()>>,
}

impl Identity {
    /// Identity over `db`, whose vault holds the signing key. Fails on settings that cannot work; computes a hash.
    pub fn new(db: Db, settings: IdentitySettings) -> Result<Self> {
        let tokens = Tokens::new(&db.vault().keys().token_signing, &settings)?;
        let hasher = Hasher::new(&settings.hashing)?;
        let live = LiveSessions::new(settings.session_cache_seconds);
        let turns = (0..TURNS).map(|_| Mutex::default()).collect();
        Ok(Self(Arc::new(Inner { db, settings, tokens, hasher, live, turns })))
    }

    /// The settings in force.
    pub fn settings(&self) -> &IdentitySettings {
        &self.0.settings
    }

    /// The public keys that access tokens can be checked with, as a JWK set.
    pub fn jwks(&self) -> serde_json::Value {
        self.0.tokens.jwks()
    }

    /// Refuses with `email_not_verified` where the operator asks for confirmed addresses and this one is not.
    pub fn require_verified(&self, user: &User) -> Result<(), Refusal> {
        match self.0.settings.require_verified_email && !user.email_verified {
            true => Err(IdentityRefusal::EmailNotVerified.refusal()),
            false => Ok(()),
        }
    }

    /// Checks the password rules; the error points to `/password`.
    pub fn check_password(&self, password: &SecretString, email: &Email) -> Result<(), FieldError> {
        decide::check_password(password.expose_secret(), Some(email))
    }

    /// Hashes a password on a blocking thread. To be done before the transaction that stores it.
    pub async fn hash_password(&self, password: SecretString) -> Result<String, Refusal> {
        self.0.hasher.hash(password).await
    }

    /// Writes an account with its membership in the command's facility, `account_registered` and, unless the
    /// address is vouched for, a verification code with `email_verification_requested`. Refuses with `email_taken`.
    pub fn create_account(&self, tx: &mut Tx<'_>, new: NewAccount) -> Result<Account> {
        let created = store::account::create(tx, new)?;
        if !created.email_verified {
            store::account::request_verification(tx, &created, self.0.verification_time())?;
        }
        Ok(created)
    }
}

impl Inner {
    fn reset_time(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.settings.reset_minutes))
    }

    fn verification_time(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.settings.verification_hours))
    }

    /// Waits until nobody else on this node decides about `address`. Without it, many passwords tried at the
    /// same moment would all be compared before the first failure is counted.
    async fn turn(&self, address: &[u8]) -> Result<MutexGuard<'_, ()>, Refusal> {
        let slot = address.first().map_or(0, |byte| usize::from(*byte) % TURNS);
        let turn = self.turns.get(slot).ok_or_else(Refusal::internal)?;
        tokio::time::timeout(std::time::Duration::from_secs(10), turn.lock()).await.map_err(|_| Refusal::unavailable())
    }
}
