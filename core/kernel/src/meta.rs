//! What travels with every command besides its body.

use serde::{Deserialize, Serialize};

use crate::{
    access::{Principal, Scope},
    id::ids::FacilityId,
};

/// A client's promise that a repeated request is the same request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// The client's own key, 1 to 255 characters.
    pub key: String,
    /// SHA-256 over method, path and body: the same key with another body is an error.
    pub body_hash: [u8; 32],
}

/// Who commands, for which facility, and how the request can be found again in logs and traces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandMeta {
    /// Who is behind it.
    pub principal: Principal,
    /// The rows it may touch.
    pub scope: Scope,
    /// The `X-Request-Id`, also written to the audit log.
    pub request_id: String,
    /// Where in which trace it was given, as a W3C `traceparent`: the client's trace if it sent one.
    pub trace: Option<String>,
    /// Set when the answer must be remembered and replayed.
    pub idempotency: Option<IdempotencyKey>,
}

impl CommandMeta {
    /// What Consilium does of itself; `cause` says what started it (`timer`, `seed-demo`, …).
    pub fn system(facility_id: FacilityId, cause: &str) -> Self {
        Self {
            principal: Principal::System,
            scope: Scope::of(facility_id),
            request_id: cause.to_owned(),
            trace: None,
            idempotency: None,
        }
    }
}
