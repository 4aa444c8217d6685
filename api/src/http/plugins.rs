//! What plugins run here, and which video providers can be had.

use consilium_plugin_host::{PluginInfo, Sandbox, contract::HealthStatus};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    command::{Nothing, Query, Shared},
};
use crate::video::Trouble;

/// A plugin as it is now.
#[derive(Serialize, ToSchema)]
#[schema(as = Plugin)]
pub struct PluginResponse {
    /// Names the instance in the configuration.
    id: String,
    version: String,
    /// The contracts it fulfils, such as `video/1`.
    contracts: Vec<String>,
    /// `process` or `in-process`.
    isolation: String,
    /// `running`, `starting`, `quarantined` or `stopped`.
    state: String,
    /// Of its child process.
    pid: Option<u32>,
    /// The walls around that process, as it reports them itself; null before it has started.
    sandbox: Option<SandboxResponse>,
    /// `closed` lets calls pass, `open` does not, `half_open` lets one try.
    breaker: String,
    /// What it said of itself last.
    healthy: Option<bool>,
    /// Since the server started.
    calls: u64,
    /// Calls that failed through the plugin or its provider.
    failures: u64,
    /// Restarts after a crash.
    restarts: u64,
    /// What went wrong last; only for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

/// What confines a plugin's code: each wall `in force`, `partly in force: why`, `unavailable: why` or `not in-process`.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginSandbox)]
pub struct SandboxResponse {
    /// No program it could start would gain privileges.
    no_new_privs: String,
    /// Memory, files and core dumps are bounded.
    rlimits: String,
    /// Only the system calls that computing and talking to the host need.
    seccomp: String,
    /// No files but libraries, no TCP, no signals to others.
    landlock: String,
}

fn walls(sandbox: &Sandbox) -> SandboxResponse {
    SandboxResponse {
        no_new_privs: sandbox.no_new_privs.to_string(),
        rlimits: sandbox.rlimits.to_string(),
        seccomp: sandbox.seccomp.to_string(),
        landlock: sandbox.landlock.to_string(),
    }
}

fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn response(info: PluginInfo, admin: bool) -> PluginResponse {
    PluginResponse {
        healthy: info.health.as_ref().map(|health| health.status != HealthStatus::Down),
        contracts: info.kinds.iter().map(ToString::to_string).collect(),
        isolation: info.isolation.to_string(),
        state: word(info.state),
        sandbox: info.sandbox.as_ref().map(walls),
        breaker: word(info.breaker),
        id: info.id,
        version: info.version,
        pid: info.pid.filter(|_| admin),
        calls: info.calls,
        failures: info.failures,
        restarts: info.restarts,
        last_error: info.last_error.filter(|_| admin),
    }
}

/// Every configured plugin.
#[derive(Serialize, ToSchema)]
pub struct PluginList {
    items: Vec<PluginResponse>,
    next_cursor: Option<String>,
}

/// The configured plugins. Process ids and errors are told to administrators only.
#[utoipa::path(get, path = "/api/v1/plugins", operation_id = "list_plugins", tag = "plugins",
    responses((status = 200, description = "Plugins", body = PluginList)))]
pub async fn list(state: Shared, query: Query<Nothing>) -> Result<PluginList> {
    let admin = query.meta.principal.user().is_some_and(|user| user.role == consilium_kernel::Role::Admin);
    let items = state.plugins.list().await.into_iter().map(|info| response(info, admin)).collect();
    Ok(Answer::ok(PluginList { items, next_cursor: None }))
}

/// A video provider in the order of preference.
#[derive(Serialize, ToSchema)]
#[schema(as = VideoProvider)]
pub struct VideoProviderResponse {
    id: String,
    /// Whether it would be asked now.
    available: bool,
    /// Why not: `not_configured`, `no_video`, `starting`, `quarantined`, `stopped`, `breaker_open` or `health_down`.
    code: Option<&'static str>,
    /// The same as a sentence.
    reason: Option<&'static str>,
    /// `running`, `starting`, `quarantined` or `stopped`; null without a plugin.
    state: Option<String>,
    /// `closed` lets calls pass, `open` does not, `half_open` lets one try.
    breaker: Option<String>,
    /// `ok`, `degraded` or `down`, as the plugin last said.
    health: Option<String>,
    /// What it said of its health; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    health_detail: Option<String>,
    /// What went wrong last, without secrets; only for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

/// The configured video providers.
#[derive(Serialize, ToSchema)]
pub struct VideoProviderList {
    items: Vec<VideoProviderResponse>,
    next_cursor: Option<String>,
}

/// Which video providers there are, in the order in which they are tried, and why one is not available.
#[utoipa::path(get, path = "/api/v1/video-providers", operation_id = "list_video_providers", tag = "plugins",
    responses((status = 200, description = "Video providers", body = VideoProviderList)))]
pub async fn video_providers(state: Shared, query: Query<Nothing>) -> Result<VideoProviderList> {
    use consilium_kernel::Role;
    let role = query.meta.principal.user().map(|user| user.role);
    let running = state.plugins.list().await;
    let items = state.video.order(query.meta.scope.facility_id).iter().map(|id| {
        let info = running.iter().find(|info| info.id == *id);
        let words = Trouble::of(info).map(Trouble::words);
        let health = info.and_then(|info| info.health.as_ref());
        let staff = matches!(role, Some(Role::Admin | Role::Support | Role::Nurse | Role::Doctor));
        VideoProviderResponse {
            id: id.clone(),
            available: words.is_none(),
            code: words.map(|(code, _)| code),
            reason: words.map(|(_, reason)| reason),
            state: info.map(|info| word(info.state)),
            breaker: info.map(|info| word(info.breaker)),
            health: health.map(|health| word(health.status)),
            health_detail: health.and_then(|health| health.detail.clone()).filter(|_| staff),
            last_error: info.and_then(|info| info.last_error.clone()).filter(|_| role == Some(Role::Admin)),
        }
    });
    Ok(Answer::ok(VideoProviderList { items: items.collect(), next_cursor: None }))
}
