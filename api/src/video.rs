//! Video rooms for consultations, given by the plugins of kind `video`.
//!
//! Which of them can be asked is told by what their supervisors know: whether they run, their breaker, and what they
//! last said of their health.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use consilium_consultations::{
    Capability, IceServer, Part, VideoAccess, VideoFailure, VideoGrant, VideoParticipant, VideoRoom, VideoWish,
};
use consilium_db::Db;
use consilium_kernel::FacilityId;
use consilium_plugin_host::{
    BreakerState, CallError, PluginHost, PluginInfo, PluginState,
    contract::{
        Call as _, HealthStatus,
        video::{self as contract, CreateRoom, EndRoom, Join, Participant, Role, Way},
    },
};

use crate::config;

/// The video providers of every facility.
pub struct PluginVideo {
    plugins: PluginHost,
    providers: Vec<String>,
    facilities: HashMap<FacilityId, Vec<String>>,
    db: Db,
}

/// Access outlives the booked end by this much, for consultations that take longer.
const OVERTIME: std::time::Duration = std::time::Duration::from_secs(2 * 3600);

/// What providers show as the room's name. Says nothing of anybody.
const TITLE: &str = "Consultation";

/// Why a provider cannot be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No plugin has this id.
    NotConfigured,
    /// It is no video provider.
    NoVideo,
    /// It has not yet started, or is starting again.
    Starting,
    /// Crashed too often, and waits for an operator.
    Quarantined,
    /// Refused, or ended.
    Stopped,
    /// Failed too often, and is left alone for a while.
    BreakerOpen,
    /// It says itself, or shows by not answering, that it is not well.
    HealthDown,
    /// It is well, and wants no more requests for a while. Those who are in its rooms stay.
    AskedToWait,
}

impl Trouble {
    /// A stable code, and a sentence for people.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotConfigured => ("not_configured", "not configured as a plugin"),
            Self::NoVideo => ("no_video", "not a plugin of kind video"),
            Self::Starting => ("starting", "starting"),
            Self::Quarantined => ("quarantined", "quarantined after repeated crashes"),
            Self::Stopped => ("stopped", "not running"),
            Self::BreakerOpen => ("breaker_open", "failed too often and is left alone for a while"),
            Self::HealthDown => ("health_down", "reports that it is not well"),
            Self::AskedToWait => ("asked_to_wait", "wants no more requests for a while"),
        }
    }

    /// What is wrong with the plugin that has this id.
    pub fn of(info: Option<&PluginInfo>) -> Option<Self> {
        let Some(info) = info else { return Some(Self::NotConfigured) };
        let down = info.health.as_ref().is_some_and(|health| health.status == HealthStatus::Down);
        match info.state {
            PluginState::Starting => Some(Self::Starting),
            PluginState::Quarantined => Some(Self::Quarantined),
            PluginState::Stopped => Some(Self::Stopped),
            PluginState::Running if !info.kinds.iter().any(|contract| contract.kind == "video") => Some(Self::NoVideo),
            PluginState::Running if info.breaker == BreakerState::Open => Some(Self::BreakerOpen),
            PluginState::Running if down => Some(Self::HealthDown),
            PluginState::Running => {
                let needed = |method: &str| [CreateRoom::METHOD, Join::METHOD].contains(&method);
                info.resting.iter().any(|resting| needed(resting.method)).then_some(Self::AskedToWait)
            }
        }
    }
}

impl PluginVideo {
    /// Over these plugins, in the configured order.
    pub fn new(plugins: PluginHost, settings: &config::Video, db: Db) -> Arc<Self> {
        let facilities = settings.facilities.iter();
        let facilities = facilities.filter_map(|(id, order)| Some((id.parse().ok()?, order.clone()))).collect();
        Arc::new(Self { plugins, providers: settings.providers.clone(), facilities, db })
    }

    /// The providers of a facility, in order, whatever their state.
    pub fn order(&self, facility: FacilityId) -> &[String] {
        self.facilities.get(&facility).unwrap_or(&self.providers)
    }

    /// Whether this is one of the facility's providers.
    pub fn knows(&self, facility: FacilityId, provider: &str) -> bool {
        self.order(facility).iter().any(|known| known == provider)
    }
}

#[async_trait]
impl VideoAccess for PluginVideo {
    async fn providers(&self, wish: &VideoWish) -> Vec<String> {
        let running = self.plugins.list().await;
        let well = |id: &String| Trouble::of(running.iter().find(|info| info.id == *id)).is_none();
        let mut available: Vec<String> = self.order(wish.facility_id).iter().filter(|id| well(id)).cloned().collect();
        // Stable: but for the favourite the order stays.
        available.sort_by_key(|id| Some(id) != wish.preferred.as_ref());
        available
    }

    async fn trouble(&self, provider: &str) -> Option<String> {
        let running = self.plugins.list().await;
        let trouble = Trouble::of(running.iter().find(|info| info.id == provider));
        let trouble = trouble.filter(|trouble| *trouble != Trouble::AskedToWait)?;
        Some(trouble.words().0.to_owned())
    }

    async fn create_room(&self, provider: &str, room: &VideoRoom) -> Result<String, VideoFailure> {
        // The consultation is the key: the same one always leads to the same room.
        let consultation_id = room.consultation_id.to_string();
        let create = CreateRoom {
            idempotency_key: consultation_id.clone(),
            consultation_id,
            starts_at: room.starts_at,
            ends_at: room.ends_at,
            facility_id: Some(room.facility_id.to_string()),
            title: Some(TITLE.to_owned()),
            // The platform's waiting room is the lobby.
            lobby: false,
            record: false,
        };
        self.plugins.call(provider, create).await.map(|made| made.room).map_err(failure)
    }

    async fn access(
        &self,
        provider: &str,
        name: &str,
        room: &VideoRoom,
        participant: &VideoParticipant,
    ) -> Result<VideoGrant, VideoFailure> {
        let until = room.ends_at.max(self.db.clock().now()) + OVERTIME;
        let join = Join {
            room: name.to_owned(),
            consultation_id: room.consultation_id.to_string(),
            participant: Participant {
                id: participant.user_id.to_string(),
                role: match participant.role {
                    Part::Doctor => Role::Doctor,
                    Part::Patient => Role::Patient,
                    Part::SecondDoctor | Part::Nurse => Role::Clinician,
                    Part::Interpreter => Role::Interpreter,
                },
                display_name: participant.display_name.clone(),
                email: None,
                avatar_url: None,
            },
            expires_at: until,
        };
        Ok(grant(provider, self.plugins.call(provider, join).await.map_err(failure)?))
    }

    async fn end_room(&self, provider: &str, name: &str) -> Result<(), VideoFailure> {
        let ended = self.plugins.call(provider, EndRoom { room: name.to_owned() }).await;
        ended.map(|_| ()).map_err(failure)
    }
}

/// The codes of plugins are their own, but never what a provider said.
fn failure(error: CallError) -> VideoFailure {
    VideoFailure(error.code().to_owned())
}

fn grant(provider: &str, access: contract::VideoAccess) -> VideoGrant {
    let (mut page, mut token, mut server_url, mut ice_servers) = (None, None, None, Vec::new());
    let mut ways = BTreeSet::new();
    for way in access.ways {
        ways.insert(match way {
            Way::Page { url } => {
                page = Some(url.expose().to_owned());
                Capability::Redirect
            }
            Way::Sdk { token: secret, server_url: address } => {
                (token, server_url) = (Some(secret.expose().to_owned()), address);
                Capability::Sdk
            }
            Way::Peers { ice_servers: servers, .. } => {
                ice_servers = servers.into_iter().map(ice_server).collect();
                Capability::Webrtc
            }
        });
    }
    VideoGrant {
        provider: provider.to_owned(),
        version: 0,
        room: access.room,
        // Of a provider without a page it is what its SDK connects to.
        join_url: page.or(server_url),
        token,
        ice_servers: (!ice_servers.is_empty()).then_some(ice_servers),
        expires_at: Some(access.expires_at),
        ways,
    }
}

fn ice_server(server: contract::IceServer) -> IceServer {
    let credential = server.credential.map(|secret| secret.expose().to_owned());
    IceServer { urls: server.urls, username: server.username, credential }
}
