//! What an operator can set.

use serde::{Deserialize, Serialize};

/// The section `identity` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySettings {
    /// `iss` of access tokens; an address under which this deployment is known.
    pub issuer: String,
    /// `aud` of access tokens: who they are meant for.
    pub audience: String,
    /// How long an access token is valid.
    pub access_token_minutes: u32,
    /// How long a refresh token is valid; every use replaces it by a new one.
    pub refresh_token_days: u32,
    /// For how long a refresh token whose answer was lost may be shown once more, in seconds; 0 for never.
    pub refresh_grace_seconds: u32,
    /// A session that was not refreshed for so long ends. Lower it where computers are shared.
    pub session_idle_hours: u32,
    /// A session ends after so long however often it is refreshed.
    pub session_max_days: u32,
    /// How long a node may go on trusting that a session is live without looking it up, in seconds.
    /// A logout is felt at once on the node that did it and within this time on the others.
    pub session_cache_seconds: u32,
    /// Whether somebody must confirm the e-mail address before booking or being booked.
    pub require_verified_email: bool,
    /// How long the code of a verification mail is valid.
    pub verification_hours: u32,
    /// How long the code of a password reset mail is valid.
    pub reset_minutes: u32,
    /// How long to wait between two mails of the same kind to the same address.
    pub resend_seconds: u32,
    /// What happens after wrong passwords.
    pub lockout: Lockout,
    /// What a password hash costs.
    pub hashing: Hashing,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            issuer: "consilium".to_owned(),
            audience: "consilium".to_owned(),
            access_token_minutes: 15,
            refresh_token_days: 7,
            refresh_grace_seconds: 30,
            session_idle_hours: 72,
            session_max_days: 30,
            session_cache_seconds: 5,
            require_verified_email: true,
            verification_hours: 24,
            reset_minutes: 60,
            resend_seconds: 60,
            lockout: Lockout::default(),
            hashing: Hashing::default(),
        }
    }
}

/// After `failures` wrong passwords an address waits `first_seconds`, twice as long after each further one,
/// at most `longest_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lockout {
    /// Wrong passwords in a row that are forgiven, plus one.
    pub failures: u32,
    /// The first wait.
    pub first_seconds: u32,
    /// No wait is longer.
    pub longest_seconds: u32,
    /// After so many quiet hours the count starts anew.
    pub forget_hours: u32,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { failures: 5, first_seconds: 30, longest_seconds: 900, forget_hours: 24 }
    }
}

/// Argon2id parameters. The defaults are the ones of the OWASP Password Storage Cheat Sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hashing {
    /// Memory for one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Hashes computed at once; bounds the memory that logins can take.
    pub at_once: u32,
    /// Logins that may wait for their turn; further ones are told to come back.
    pub waiting: u32,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1, at_once: 4, waiting: 256 }
    }
}

impl Hashing {
    /// As cheap as Argon2 allows: for tests.
    pub const CHEAP: Self = Self { memory_kib: 8, iterations: 1, parallelism: 1, at_once: 4, waiting: 256 };
}
