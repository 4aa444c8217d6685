//! Whether the server lives, and whether it can do its work.

use std::{collections::BTreeMap, time::Duration};

use actix_web::{HttpResponse, http::StatusCode};
use consilium_cluster::Standing;
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

/// The database answers, the clock is right and the server is not shutting down; 503 otherwise. Degraded, with 200, when
/// other nodes cannot be reached: what this node owns it serves.
pub async fn ready(state: Shared) -> HttpResponse {
    let database = tokio::time::timeout(Duration::from_secs(2), state.db.read(consilium_db::topics::epoch)).await;
    let is = |works: bool, otherwise| if works { Condition::Up } else { otherwise };
    let mut components = BTreeMap::from([
        ("database", is(matches!(database, Ok(Ok(_))), Condition::Down)),
        ("server", is(!state.is_draining(), Condition::Down)),
    ]);
    if let Some(cluster) = &state.cluster {
        let Standing { member, connected, clock } = cluster.standing();
        components.insert("clock", is(clock, Condition::Down));
        components.insert("membership", is(member, Condition::Degraded));
        components.insert("nats", is(connected, Condition::Degraded));
    }
    let any = |condition| components.values().any(|of_part| *of_part == condition);
    let down = any(Condition::Down);
    let status = if down { Condition::Down } else { is(!any(Condition::Degraded), Condition::Degraded) };
    let code = if down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    HttpResponse::build(code).insert_header(("Cache-Control", "no-store")).json(Health { status, components })
}
