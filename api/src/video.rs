//! Video rooms for consultations, given by the plugins of kind `video` in the configured order.

use std::sync::Arc;

use async_trait::async_trait;
use consilium_consultations::{IceServer, Part, VideoAccess, VideoGrant, VideoParticipant, VideoRoom};
use consilium_db::Db;
use consilium_kernel::{Refusal, RefusalKind};
use consilium_plugin_host::{
    CallError, PluginHost,
    contract::video::{CreateRoom, EndRoom, Join, Participant, Role, Room, RoomEnded},
};

/// Tries each provider in turn; the first one that answers gives the room.
pub struct PluginVideo {
    plugins: PluginHost,
    providers: Vec<String>,
    db: Db,
}

const UNAVAILABLE: Refusal = Refusal::new(
    RefusalKind::Unavailable,
    "video_unavailable",
    "No video provider can be reached at the moment. You are in the consultation and can write; please try again.",
);

/// Access outlives the booked end by this much, for consultations that take longer.
const OVERTIME: std::time::Duration = std::time::Duration::from_secs(2 * 3600);

impl PluginVideo {
    /// Over these plugins, in this order.
    pub fn new(plugins: PluginHost, providers: Vec<String>, db: Db) -> Arc<Self> {
        Arc::new(Self { plugins, providers, db })
    }

    /// Asks for the room by its key first, because only the provider knows its name.
    async fn made(&self, provider: &str, room: &VideoRoom) -> Result<Room, CallError> {
        // The consultation is the key: the same one always leads to the same room.
        let consultation_id = room.consultation_id.to_string();
        let create = CreateRoom {
            idempotency_key: consultation_id.clone(),
            consultation_id,
            starts_at: room.starts_at,
            ends_at: room.ends_at,
            facility_id: None,
            title: None,
            lobby: false,
            record: false,
        };
        self.plugins.call(provider, create).await
    }

    async fn end_at(&self, provider: &str, room: &VideoRoom) -> Result<RoomEnded, CallError> {
        let made = self.made(provider, room).await?;
        self.plugins.call(provider, EndRoom { room: made.room }).await
    }

    async fn access_by(
        &self,
        provider: &str,
        room: &VideoRoom,
        participant: &VideoParticipant,
    ) -> Result<VideoGrant, CallError> {
        let made = self.made(provider, room).await?;
        let until = room.ends_at.max(self.db.clock().now()) + OVERTIME;
        let join = Join {
            room: made.room,
            consultation_id: room.consultation_id.to_string(),
            participant: Participant {
                id: participant.user_id.to_string(),
                role: match participant.role {
                    Part::Doctor => Role::Doctor,
                    Part::Patient => Role::Patient,
                },
                display_name: participant.display_name.clone(),
                email: None,
                avatar_url: None,
            },
            expires_at: until,
        };
        let access = self.plugins.call(provider, join).await?;
        let ice_servers = access.ice_servers.into_iter().map(|server| IceServer {
            urls: server.urls,
            username: server.username,
            credential: server.credential.map(|secret| secret.expose().to_owned()),
        });
        let ice_servers: Vec<IceServer> = ice_servers.collect();
        Ok(VideoGrant {
            provider: provider.to_owned(),
            room: access.room,
            join_url: access.join_url.map(|secret| secret.expose().to_owned()),
            token: access.token.map(|secret| secret.expose().to_owned()),
            ice_servers: (!ice_servers.is_empty()).then_some(ice_servers),
            expires_at: Some(access.expires_at),
        })
    }
}

#[async_trait]
impl VideoAccess for PluginVideo {
    async fn access(&self, room: &VideoRoom, participant: &VideoParticipant) -> Result<VideoGrant, Refusal> {
        for provider in &self.providers {
            match self.access_by(provider, room, participant).await {
                Ok(grant) => return Ok(grant),
                Err(error) => {
                    metrics::counter!("consilium_video_failures", "provider" => provider.clone()).increment(1);
                    tracing::warn!(provider, code = error.code(), consultation = %room.consultation_id, "no video");
                }
            }
        }
        Err(Refusal { retry_after: Some(5), ..UNAVAILABLE })
    }

    async fn end_room(&self, room: &VideoRoom) -> Result<(), Refusal> {
        for provider in &self.providers {
            if let Err(error) = self.end_at(provider, room).await {
                tracing::warn!(provider, code = error.code(), consultation = %room.consultation_id, "room not closed");
            }
        }
        Ok(())
    }
}
