//! Sensible calls for each kind of plugin, and what must be true of the answers. All persons are made up.

mod analytics;
mod assistant;
mod notification;
mod payment;
mod pharmacy;
mod subscriber;
mod video;

use crate::session::{Session, Trouble};
use consilium_plugin_host::{
    CallError,
    contract::{Call, Manifest, webhook},
};
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
        "notification" => notification::samples(),
        "payment" => payment::samples(),
        "analytics" => analytics::samples(),
        "assistant" => assistant::samples(),
        "events" => subscriber::samples(&manifest.permissions.events),
        "webhook" => {
            let request = json!({"headers": {}, "body": "e30=", "received_at": NOON, "delivery_id": "delivery-1"});
            vec![Sample::of::<webhook::Verify>(request.clone()), Sample::of::<webhook::Read>(request)]
        }
        _ => Vec::new(),
    };
    manifest.kinds.iter().flat_map(|contract| of_kind(&contract.kind)).collect()
}

/// Makes what calls can be about and answers a request for each call that is about it. Nothing where
/// nothing could be made.
pub(crate) async fn samples_of_made(session: &Session, number: u64) -> Vec<Sample> {
    let mut made = Vec::new();
    for contract in &session.manifest.kinds {
        made.extend(match contract.kind.as_str() {
            "video" => video::samples_of_made(session, number).await,
            "pharmacy" => pharmacy::samples_of_made(session, number).await,
            "payment" => payment::samples_of_made(session, number).await,
            _ => Ok(Vec::new()),
        });
    }
    made.into_iter().flatten().collect()
}

/// Uses the plugin once, from beginning to end, with ids made from `number`. Answers names that no
/// other story may get.
pub(crate) async fn story(session: &Session, number: u64) -> Result<Vec<String>, Trouble> {
    let mut names = Vec::new();
    for contract in &session.manifest.kinds {
        match contract.kind.as_str() {
            "video" => names.push(video::story(session, number).await?),
            "pharmacy" => names.push(pharmacy::story(session, number).await?),
            "notification" => names.extend(notification::story(session, number).await?),
            "payment" => names.push(payment::story(session, number).await?),
            "analytics" => analytics::story(session, number).await?,
            "assistant" => assistant::story(session).await?,
            "events" => subscriber::story(session, number).await?,
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
            "notification" => effects.extend(notification::effects(session, number).await?),
            "payment" => effects.extend(payment::effects(session, number).await?),
            "analytics" => effects.push(analytics::effect(session, number).await?),
            "events" => effects.push(subscriber::effect(session, number).await?),
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

/// Times around now, for what must not lie in the past; the same as long as the store is.
fn in_hours(session: &Session, hours: i64) -> jiff::Timestamp {
    let began = session.services.began;
    began.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap_or(began)
}

/// Whether a plugin refused a call with this code of its contract.
fn refused_as(trouble: &Trouble, code: &str) -> bool {
    matches!(&trouble.error, Some(CallError::Plugin(error)) if error.code == code)
}

/// Asks with one choice after the other until one is not refused with `code`; answers with which.
async fn first_taken<C: Call>(
    session: &Session,
    choices: &[&'static str],
    code: &str,
    request: impl Fn(&str) -> Value,
) -> Result<(C::Reply, &'static str), Trouble> {
    let mut refusal = Trouble::new(C::METHOD, "there is nothing to choose from");
    for choice in choices {
        match session.ask::<C>(request(choice)).await {
            Ok(reply) => return Ok((reply, choice)),
            Err(trouble) if refused_as(&trouble, code) => refusal = trouble,
            Err(trouble) => return Err(trouble),
        }
    }
    Err(refusal)
}
