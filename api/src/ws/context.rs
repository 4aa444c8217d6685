//! What connections need of the server.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_chat::Connected;
use consilium_consultations::Consultations;
use consilium_db::Db;
use consilium_identity::Identity;
use consilium_kernel::{Refusal, Timestamp, User, UserId};
use consilium_messaging::Messaging;
use consilium_recordings::Recordings;
use consilium_runtime::{EventBus, Placement};
use consilium_support::Support;
use serde::Deserialize;

use super::{
    connections::Connections,
    outgoing::{Close, QueueLimits},
    presence::Presence,
};

/// Finds out who is behind an access token.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// The account, if the token is ours, not expired, and its session not ended.
    async fn authenticate(&self, token: &str) -> Result<User, Refusal>;
}

#[async_trait]
impl Authenticate for Identity {
    async fn authenticate(&self, token: &str) -> Result<User, Refusal> {
        Identity::authenticate(self, token).await
    }
}

/// What an operator may change.
#[derive(Debug, Clone)]
pub struct WsSettings {
    /// How long a client may take to log in.
    pub login_limit: Duration,
    /// Between two pings of the server.
    pub ping_every: Duration,
    /// A client that was not heard of for this long is gone.
    pub silence_limit: Duration,
    /// A client that was not heard of for this long is away, for the others in a conversation.
    pub away_after: Duration,
    /// Between two looks whether the session still stands. The token's expiry is looked at every second.
    pub recheck_every: Duration,
    /// A participant whose last connection is gone for this long has left the consultation.
    pub grace: Duration,
    /// Frames a client may send at once.
    pub burst: u32,
    /// Frames a client may send per second in the long run.
    pub per_second: u32,
    /// Refused frames in a row after which the connection is closed.
    pub refused_in_a_row: u32,
    /// Topics that one connection may watch.
    pub subscriptions: usize,
    /// What may wait for a slow client.
    pub queue: QueueLimits,
}

impl Default for WsSettings {
    fn default() -> Self {
        Self {
            login_limit: Duration::from_secs(10),
            ping_every: Duration::from_secs(20),
            silence_limit: Duration::from_secs(60),
            away_after: Duration::from_secs(45),
            recheck_every: Duration::from_secs(30),
            grace: Duration::from_secs(30),
            burst: 60,
            per_second: 30,
            refused_in_a_row: 100,
            subscriptions: 64,
            queue: QueueLimits { frames: 512, bytes: 2 * 1024 * 1024, patience: Duration::from_secs(10) },
        }
    }
}

/// Everything a connection needs; one per server.
pub struct WsContext {
    pub(super) db: Db,
    pub(super) bus: Arc<dyn EventBus>,
    pub(super) auth: Arc<dyn Authenticate>,
    pub(super) consultations: Consultations,
    pub(super) support: Support,
    pub(super) messaging: Messaging,
    pub(super) recordings: Recordings,
    pub(super) settings: Arc<WsSettings>,
    pub(super) connections: Connections,
    pub(super) presence: Presence,
}

impl WsContext {
    /// For a server with these modules.
    pub fn new(
        db: Db,
        (bus, nodes): (Arc<dyn EventBus>, Arc<dyn Placement>),
        auth: Arc<dyn Authenticate>,
        consultations: Consultations,
        messaging: Messaging,
        recordings: Recordings,
        settings: WsSettings,
    ) -> Self {
        let presence = Presence::new(consultations.clone(), bus.clone(), nodes, settings.grace);
        let connections = Connections::default();
        let support = Support::new(db.clone(), consultations.clone());
        let settings = Arc::new(settings);
        Self { db, bus, auth, consultations, messaging, recordings, support, settings, connections, presence }
    }

    /// To be called after start, and when another node has gone: whoever was in a consultation by then, and does not
    /// come back within the grace period, has left it.
    pub async fn recover(&self) -> Result<(), Refusal> {
        self.presence.recover().await
    }

    /// Closes every connection, because the server ends.
    pub fn close_all(&self) {
        self.connections.close_all(Close::GoingAway);
    }

    /// Closes the connections of an account whose sessions have ended.
    pub fn log_out(&self, user: UserId) {
        self.connections.close_those_of(user, Close::Unauthenticated);
    }

    /// How many connections are logged in.
    pub fn connected(&self) -> usize {
        self.connections.count()
    }

    /// Who is behind the token, and until when.
    pub(super) async fn log_in(&self, token: &str) -> Result<(User, Option<Timestamp>), Refusal> {
        let user = self.auth.authenticate(token).await?;
        Ok((user, expiry(token)))
    }
}

#[async_trait]
impl Connected for WsContext {
    async fn is_connected(&self, topic: &str, user: UserId) -> bool {
        self.presence.is_online(topic, user).await
    }
}

/// When a token that was found good expires.
fn expiry(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    Timestamp::from_second(claims.exp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiry_stands_in_the_token() {
        let payload = URL_SAFE_NO_PAD.encode(br#"{"exp":1780300800,"sub":"x"}"#);
        assert_eq!(expiry(&format!("header.{payload}.signature")).unwrap().to_string(), "2026-06-01T08:00:00Z");
        for without in ["", "a.b.c", "opaque"] {
            assert_eq!(expiry(without), None);
        }
    }
}
