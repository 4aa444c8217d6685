//! What can go wrong between a module and its database.

use consilium_kernel::{Refusal, RefusalKind};
use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why something sealed cannot be opened: whoever it is about was erased.
pub const ERASED: &str = "its key was erased";
/// Why something sealed cannot be opened: it is not what was written there.
pub(crate) const DAMAGED: &str = "damaged, moved, or sealed with another key";

/// A failed read or write. Only `Refused` tells a client more than that something went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule of a module says no.
    #[error("{0}")]
    Refused(Refusal),
    /// Somebody else changed the row since it was read: load it again and decide once more.
    #[error("the row was changed in the meantime")]
    VersionConflict,
    /// The queue in front of the database is full or no connection came free in time.
    #[error("the database is busy")]
    Busy,
    /// It is not known whether the transaction was committed.
    #[error("the connection was lost at commit")]
    UnknownOutcome,
    /// The database said something unexpected.
    #[error(transparent)]
    Database(#[from] DieselError),
    /// Stored bytes cannot be read: wrong key, damaged or moved to another row.
    #[error("stored data cannot be opened: {0}")]
    Sealed(&'static str),
    /// A value could not be turned into JSON or back.
    #[error("stored data has an unexpected shape: {0}")]
    Shape(#[from] serde_json::Error),
    /// Wrong settings; found at start.
    #[error("{0}")]
    Setup(String),
}

impl Error {
    /// Whether somebody else wrote meanwhile what this command had not seen, so that loading and deciding once more
    /// may succeed: the row changed, or a unique constraint that its module has no refusal for said no.
    pub fn is_overtaken(&self) -> bool {
        matches!(
            self,
            Self::VersionConflict | Self::Database(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
        )
    }
}

/// The result of a read or write.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Refusal {
    /// Logs what a client must not see and keeps what it may.
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal,
            Error::VersionConflict => VERSION_CONFLICT,
            Error::Busy => Refusal::unavailable(),
            Error::UnknownOutcome => {
                tracing::error!("a commit has an unknown outcome");
                Refusal::unavailable().because("The outcome is not known. Please look before you try again.")
            }
            Error::Database(ref cause) if is_passing(cause) => {
                tracing::warn!(error = %describe(cause), "the database is not available");
                Refusal::unavailable()
            }
            Error::Database(ref cause) => {
                tracing::error!(error = %describe(cause), "the database refused a statement");
                Refusal::internal()
            }
            Error::Sealed(_) | Error::Shape(_) | Error::Setup(_) => {
                tracing::error!(error = %error, "stored data could not be used");
                Refusal::internal()
            }
        }
    }
}

/// What a stale `version` is answered with when nobody can decide again.
pub const VERSION_CONFLICT: Refusal = Refusal::new(
    RefusalKind::Conflict,
    "version_conflict",
    "Somebody else changed this in the meantime. Please load it again.",
);

/// Database errors that trying again can cure.
pub(crate) fn is_passing(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::BrokenTransactionManager
            | DieselError::DatabaseError(
                DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection,
                _
            )
    ) || matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
            if PASSING.iter().any(|text| info.message().contains(text)))
}

/// What databases say that may be well again later; of the disk, once somebody has looked after it. Diesel does not tell
/// PostgreSQL's SQLSTATE, so what the system says of its disk is looked for in the text.
const PASSING: [&str; 11] = [
    "deadlock detected",
    "database is locked",
    "lock timeout",
    "statement timeout",
    "connection",
    "disk I/O error",
    "disk is full",
    "No space left on device",
    "Input/output error",
    "Read-only file system",
    "the database system is",
];

/// The class and constraint of a database error without the row's values, which PostgreSQL puts in its details.
fn describe(error: &DieselError) -> String {
    match error {
        DieselError::DatabaseError(kind, info) => {
            format!("{kind:?} {} {}", info.constraint_name().unwrap_or_default(), info.message())
        }
        other => other.to_string(),
    }
}

/// Whether a unique or exclusion constraint (or a trigger that stands for one) whose name or message
/// contains `name` said no.
pub fn violates(error: &DieselError, name: &str) -> bool {
    match error {
        DieselError::DatabaseError(_, info) => {
            info.constraint_name().is_some_and(|constraint| constraint.contains(name)) || info.message().contains(name)
        }
        _ => false,
    }
}
