//! What plugins run here, how an administrator replaces and resumes them, and which video providers can be had.

use actix_web::web::Path;
use consilium_db::plugin_values;
use consilium_kernel::{CommandMeta, Refusal, RefusalKind, Timestamp};
use consilium_plugin_host::{
    Adapted, Edition, PluginInfo, ReloadError, Reloaded, Resting, Sandbox, contract::HealthStatus,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared},
};
use crate::video::Trouble;

/// A plugin as it is now.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Plugin)]
pub struct PluginResponse {
    /// Names the instance in the configuration.
    id: String,
    version: String,
    /// The contracts it fulfils, such as `video/1`.
    contracts: Vec<String>,
    /// Those of them that were replaced since the plugin was built, and are spoken through an adapter.
    adapted: Vec<AdaptedResponse>,
    /// `process` or `in-process`.
    isolation: String,
    /// `running`, `starting`, `quarantined` or `stopped`.
    state: String,
    /// Of its child process.
    pid: Option<u32>,
    /// The walls around that process, as it reports them itself; null before it has started.
    sandbox: Option<SandboxResponse>,
    /// Counts its starts, restarts and replacements included; 0 when it never started.
    generation: u64,
    /// SHA-256 of the library that serves, in hex.
    library_sha256: String,
    /// `closed` lets calls pass, `open` does not, `half_open` lets one try.
    breaker: String,
    /// Methods that are not called for now, because the provider asked to be left alone (`Retry-After`).
    resting: Vec<RestingResponse>,
    /// What it said of itself last.
    healthy: Option<bool>,
    /// Since the server started.
    calls: u64,
    /// Calls that failed through the plugin or its provider.
    failures: u64,
    /// Restarts after a crash.
    restarts: u64,
    /// Replacements while it served.
    swaps: u64,
    /// What went wrong last; only for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// What does not mend itself.
    alerts: Vec<AlertResponse>,
}

/// Something that an operator has to look at.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = PluginAlert)]
pub struct AlertResponse {
    /// `plugin_quarantined`: it crashed too often and waits to be resumed or replaced. `plugin_stopped`: it was refused.
    code: String,
    /// What happened; only for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// An older contract of a plugin.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = PluginAdapted)]
pub struct AdaptedResponse {
    /// What the plugin speaks, such as `video/1`.
    contract: String,
    /// What this release speaks, such as `video/2`.
    present: String,
}

impl From<Adapted> for AdaptedResponse {
    fn from(Adapted { contract, present }: Adapted) -> Self {
        Self { contract: contract.to_string(), present: present.to_string() }
    }
}

/// A method that is not called for now.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = PluginResting)]
pub struct RestingResponse {
    /// `video.create_room`, …
    method: String,
    /// For how long.
    seconds: u32,
}

impl From<Resting> for RestingResponse {
    fn from(Resting { method, seconds }: Resting) -> Self {
        Self { method: method.to_owned(), seconds }
    }
}

/// What confines a plugin's code: each wall `in force`, `partly in force: why`, `unavailable: why` or `not in-process`.
#[derive(Serialize, Deserialize, ToSchema)]
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
        adapted: info.adapted.into_iter().map(AdaptedResponse::from).collect(),
        isolation: info.isolation.to_string(),
        state: word(info.state),
        sandbox: info.sandbox.as_ref().map(walls),
        breaker: word(info.breaker),
        resting: info.resting.into_iter().map(RestingResponse::from).collect(),
        id: info.id,
        version: info.version,
        pid: info.pid.filter(|_| admin),
        generation: info.generation,
        library_sha256: info.library_sha256,
        calls: info.calls,
        failures: info.failures,
        restarts: info.restarts,
        swaps: info.swaps,
        last_error: info.last_error.filter(|_| admin),
        alerts: info
            .alerts
            .into_iter()
            .map(|alert| AlertResponse {
                code: alert.code.to_owned(),
                message: Some(alert.message).filter(|_| admin),
                since: alert.since,
            })
            .collect(),
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

/// Which build of a plugin it is.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = PluginEdition)]
pub struct EditionResponse {
    version: String,
    /// Of the library, in hex.
    library_sha256: String,
}

/// A plugin was replaced.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = PluginReloaded)]
pub struct ReloadedResponse {
    id: String,
    /// The start that serves now.
    generation: u64,
    /// Its child process, if it has one.
    pid: Option<u32>,
    /// What served before; null when the plugin had been refused.
    old: Option<EditionResponse>,
    new: EditionResponse,
}

impl From<Edition> for EditionResponse {
    fn from(edition: Edition) -> Self {
        Self { version: edition.version, library_sha256: edition.library_sha256 }
    }
}

impl From<Reloaded> for ReloadedResponse {
    fn from(Reloaded { id, generation, pid, old, new }: Reloaded) -> Self {
        Self { id, generation, pid, old: old.map(Into::into), new: new.into() }
    }
}

/// Reads the plugin's library again and, if it passes every check and comes up well, puts it in the place of the one
/// that serves. Calls that run finish where they are; none is lost. Otherwise the old one goes on: 409
/// `plugin_reload_refused` says why.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/reload", operation_id = "reload_plugin", tag = "plugins",
    params(("id" = String, Path)),
    responses((status = 200, description = "It was replaced", body = ReloadedResponse)))]
pub async fn reload(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<ReloadedResponse> {
    let (shared, meta, id) = (state.clone(), command.meta.clone(), id.into_inner());
    let reload = async move {
        let reloaded = shared.plugins.reload(&id).await.map_err(|error| refusal(&error))?;
        let detail = json!({"plugin": id, "new_sha256": reloaded.new.library_sha256});
        asked(&shared, &meta, &id, "plugin_reload_asked", detail, ReloadedResponse::from(reloaded)).await
    };
    Ok(Answer::ok(state.db.once(&command.meta, reload).await?))
}

/// Lifts the quarantine of a plugin that crashed too often: it starts again with a clean record. One that is not in
/// quarantine stays as it is.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/resume", operation_id = "resume_plugin", tag = "plugins",
    params(("id" = String, Path)),
    responses((status = 200, description = "The plugin", body = PluginResponse)))]
pub async fn resume(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<PluginResponse> {
    let (shared, meta, id) = (state.clone(), command.meta.clone(), id.into_inner());
    let resume = async move {
        let unknown = Refusal::not_found;
        match shared.plugins.resume(&id).await {
            Ok(_) => {}
            Err(error) if error.code() == "plugin_unknown" => return Err(unknown()),
            Err(_) => {
                let detail = "The plugin was refused when the server started. Reload it.";
                return Err(Refusal::new(RefusalKind::Conflict, "plugin_stopped", detail));
            }
        }
        let info = shared.plugins.list().await.into_iter().find(|info| info.id == id).ok_or_else(unknown)?;
        asked(&shared, &meta, &id, "plugin_resume_asked", json!({"plugin": id}), response(info, true)).await
    };
    Ok(Answer::ok(state.db.once(&command.meta, resume).await?))
}

/// Notes who asked for it, and keeps the answer for a repeated request.
async fn asked<R: Serialize + DeserializeOwned + Send + 'static>(
    state: &Shared,
    meta: &CommandMeta,
    plugin: &str,
    action: &'static str,
    detail: Value,
    answer: R,
) -> std::result::Result<R, Refusal> {
    let (entity, answer) = (plugin_values::entity(plugin), serde_json::to_value(answer).unwrap_or_default());
    let note = move |tx: &mut consilium_db::Tx<'_>| {
        tx.audit_with(action, &entity, 0, &detail)?;
        Ok(answer.clone())
    };
    let answer = state.db.command(meta, note).await?;
    serde_json::from_value(answer).map_err(|_| Refusal::unavailable())
}

fn refusal(error: &ReloadError) -> Refusal {
    match error {
        ReloadError::UnknownPlugin(_) => Refusal::not_found(),
        ReloadError::Stopped => Refusal::unavailable(),
        ReloadError::InProgress => {
            Refusal::new(RefusalKind::Conflict, "plugin_reload_in_progress", "The plugin is being reloaded already.")
        }
        ReloadError::Refused(_) | ReloadError::Unwell(_) => refused(format!("The plugin stays as it is: {error}.")),
    }
}

fn refused(detail: String) -> Refusal {
    Refusal::new(RefusalKind::Conflict, "plugin_reload_refused", "The plugin stays as it is.").because(detail)
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
