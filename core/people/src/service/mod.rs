//! What the API asks of people.

mod accounts;
mod doctors;
mod own;
mod patients;
mod register;

pub use doctors::request_verification;

use consilium_db::Db;
use consilium_identity::Identity;

/// Doctors and patients. Cheap to clone.
#[derive(Clone)]
pub struct People {
    db: Db,
    identity: Identity,
}

impl People {
    /// People over `db`, with accounts made by `identity`.
    pub fn new(db: Db, identity: Identity) -> Self {
        Self { db, identity }
    }
}
