//! Sensible calls for each kind of plugin, and what must be true of the answers. All persons are made up.

mod analytics;
mod pharmacy;
mod video;

use crate::session::{Session, Trouble};
use consilium_plugin_host::contract::{Call, Manifest, webhook};
use serde_json::{Value, json};

/// A request of its own, whether or not the plugin knows what it refers to.
pub(crate) struct Sample {
    pub(crate) method: &'static str,
    pub(crate) request: Value,
    pub(crate) bytes: fn(&Session, Value) -> Result<Vec<u8>, Trouble>,
}

impl Sample {
    fn of<C: Call>(request: Value) -> Self {
        Self { method: C::METHOD, request, bytes: Session::request::<C> }
    }
}

/// A sensible request for every call of the plugin's kinds.
pub(crate) fn samples(manifest: &Manifest) -> Vec<Sample> {
    let of_kind = |kind: &str| match kind {
        "video" => video::samples(),
        "pharmacy" => pharmacy::samples(),
        "analytics" => analytics::samples(),
        "webhook" => {
            let request = json!({"headers": {}, "body": "e30=", "received_at": NOON, "delivery_id": "delivery-1"});
            vec![Sample::of::<webhook::Verify>(request.clone()), Sample::of::<webhook::Read>(request)]
        }
        _ => Vec::new(),
    };
    manifest.kinds.iter().flat_map(|contract| of_kind(&contract.kind)).collect()
}

/// Uses the plugin once, from beginning to end, with ids made from `number`. Answers names that no
/// other story may get.
pub(crate) async fn story(session: &Session, number: u64) -> Result<Vec<String>, Trouble> {
    let mut names = Vec::new();
    for contract in &session.manifest.kinds {
        match contract.kind.as_str() {
            "video" => names.push(video::story(session, number).await?),
            "pharmacy" => names.push(pharmacy::story(session, number).await?),
            "analytics" => analytics::story(session, number).await?,
            _ => {}
        }
    }
    Ok(names)
}

/// What a side effect left behind, to be compared with what is there when it is asked for again.
pub(crate) struct Effect {
    pub(crate) method: &'static str,
    pub(crate) left: Value,
    /// Whether another key must leave something else.
    pub(crate) distinct: bool,
}

/// Does what has an effect, with keys made from `number`: the same number is the same request.
pub(crate) async fn effects(session: &Session, number: u64) -> Result<Vec<Effect>, Trouble> {
    let mut effects = Vec::new();
    for contract in &session.manifest.kinds {
        match contract.kind.as_str() {
            "video" => effects.push(video::effect(session, number).await?),
            "pharmacy" => effects.push(pharmacy::effect(session, number).await?),
            "analytics" => effects.push(analytics::effect(session, number).await?),
            _ => {}
        }
    }
    Ok(effects)
}

const NOON: &str = "2026-11-20T12:00:00Z";

/// An id as the platform makes them, the same for the same numbers.
fn id(kind: u16, number: u64) -> String {
    format!("0197a5e0-{kind:04x}-7000-8000-{number:012x}")
}

/// Times around now, for what must not lie in the past.
fn in_hours(session: &Session, hours: i64) -> jiff::Timestamp {
    use consilium_plugin_host::HostServices as _;
    let now = session.services.clock().now();
    now.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap_or(now)
}
