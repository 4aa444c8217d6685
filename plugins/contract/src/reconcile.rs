//! What became of a call whose answer never came.

use serde::{Deserialize, Serialize};

/// The answer to a `reconcile`: the host knows the idempotency key of a call that timed out or whose
/// process ended, and asks what became of it before it dares to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reconciled<T> {
    /// What is known.
    pub outcome: Outcome<T>,
}

/// What is known of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// It took effect; this is the answer as it would be today.
    Done(T),
    /// It had no effect, and none will come; repeating it is safe.
    NotDone,
    /// Nobody can tell. The host does not repeat it by itself.
    Unknown,
}

impl<T> Reconciled<T> {
    /// It took effect.
    pub fn done(answer: T) -> Self {
        Self { outcome: Outcome::Done(answer) }
    }

    /// It had no effect.
    #[must_use]
    pub fn not_done() -> Self {
        Self { outcome: Outcome::NotDone }
    }

    /// Nobody can tell.
    #[must_use]
    pub fn unknown() -> Self {
        Self { outcome: Outcome::Unknown }
    }
}
