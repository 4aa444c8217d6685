//! Whether the server lives, and whether it can do its work.

use std::{collections::BTreeMap, time::Duration};

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::command::Shared;

/// How one part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Works.
    Up,
    /// Works, but not everything of it.
    Degraded,
    /// Does not work.
    Down,
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Of all parts together.
    pub status: Condition,
    /// Of each part.
    pub components: BTreeMap<&'static str, Condition>,
}

/// The process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: Condition::Up, components: BTreeMap::new() })
}

/// The database answers and the server is not shutting down; 503 otherwise.
pub async fn ready(state: Shared) -> HttpResponse {
    let database = tokio::time::timeout(Duration::from_secs(2), state.db.read(consilium_db::topics::epoch)).await;
    let components = BTreeMap::from([
        ("database", if matches!(database, Ok(Ok(_))) { Condition::Up } else { Condition::Down }),
        ("server", if state.is_draining() { Condition::Down } else { Condition::Up }),
    ]);
    let down = components.values().any(|condition| *condition == Condition::Down);
    let status = if down { Condition::Down } else { Condition::Up };
    let code = if down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    HttpResponse::build(code).insert_header(("Cache-Control", "no-store")).json(Health { status, components })
}
