//! SQLite or PostgreSQL behind one call: transactions with outbox, audit, timers, stored answers and encryption.
//! Knows nothing of any module's tables, of actors or of HTTP.

pub mod answers;
pub mod audit;
mod cached;
mod connection;
mod database;
mod error;
pub mod facilities;
mod group_commit;
pub mod inbox;
mod keys;
pub mod leases;
pub mod migrations;
pub mod nodes;
pub mod outbox;
pub mod plugin_blobs;
pub mod plugin_values;
mod postgres;
pub mod records;
mod session;
pub mod signing;
pub mod subscriptions;
#[cfg(any(test, feature = "testing"))]
#[allow(clippy::expect_used, reason = "tests fail loudly")]
pub mod testing;
pub mod timers;
pub mod topics;
pub mod types;
mod vault;

pub use cached::{Cacheable, Cached};
pub use connection::{AnyConnection, DatabaseUrl, MultiBackend, Pool, open_pool};
pub use database::Db;
pub use error::{ERASED, Error, Result, VERSION_CONFLICT, violates};
pub use keys::{Keys, PushKey, SecretKey, SigningKey};
pub use session::{Effects, Session, Tx};
pub use vault::{Cell, Channel, Encrypted, Vault};

/// A row id for rows whose key is not an id: the first 16 bytes of SHA-256 over the parts.
pub(crate) fn hashed_row(parts: &[&[u8]]) -> uuid::Uuid {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let hash = context.finish();
    uuid::Uuid::from_slice(hash.as_ref().get(..16).unwrap_or_default()).unwrap_or_default()
}
