//! [`PluginHost`]: all plugins by id, for the rest of the core.

use crate::{
    Arriving, CallError, ConfigProblem, Edition, HostServices, PluginConfig, PluginInfo, PluginState, Settings,
    actor::{Describe, Ready, Reload, ReloadError, Reloaded, Resume, Shutdown, Supervisor},
    config::millis,
    generation::Build,
    inspect::{Prepared, duplicates, prepare},
    lane::Lane,
};
use actix::{Actor as _, Addr};
use actix_rt::{ArbiterHandle, System};
use consilium_plugin_contract::{
    Call, MAX_PAYLOAD, Manifest,
    versions::{self, Former},
    video::{Download, Recordings},
};
use futures_util::future::join_all;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

/// All plugins. Cheap to clone; usable from any thread of a Tokio runtime with I/O and time.
#[derive(Clone)]
pub struct PluginHost(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    services: Arc<dyn HostServices>,
    plugins: BTreeMap<String, Entry>,
    call_limit: Duration,
    arbiter: ArbiterHandle,
    _thread: SupervisorThread,
}

/// A configured plugin: started, or refused and perhaps started by a later reload.
struct Entry {
    config: PluginConfig,
    started: OnceLock<Started>,
    refused: Mutex<Option<(PluginInfo, Vec<ConfigProblem>)>>,
}

#[derive(Clone)]
struct Started {
    lane: Arc<Lane>,
    supervisor: Addr<Supervisor>,
}

impl PluginHost {
    /// Starts every plugin that can be started and waits until each runs or has failed to. What is
    /// wrong with the others is in [`PluginHost::problems`] and [`PluginHost::list`].
    ///
    /// # Errors
    /// Only when there is no thread for the supervisors.
    pub async fn start(
        settings: Settings,
        plugins: Vec<PluginConfig>,
        services: Arc<dyn HostServices>,
    ) -> io::Result<Self> {
        let settings = Arc::new(settings);
        let (thread, arbiter) = SupervisorThread::start()?;
        let call_limit = millis(settings.call_timeout_ms) * 2 + Duration::from_secs(1);
        let mut inner = Inner { settings, services, plugins: BTreeMap::new(), call_limit, arbiter, _thread: thread };
        let twice = duplicates(&plugins);
        let preparing = plugins.into_iter().map(|plugin| prepared(Arc::clone(&inner.settings), plugin));
        for (prepared, plugin) in join_all(preparing).await.into_iter().flatten() {
            if inner.plugins.contains_key(&plugin.id) {
                continue;
            }
            let entry = Entry { config: plugin, started: OnceLock::new(), refused: Mutex::new(None) };
            let problems: Vec<_> = twice.iter().filter(|problem| problem.plugin == entry.config.id).cloned().collect();
            match prepared {
                Ok(prepared) if problems.is_empty() => inner.start(&entry, prepared).await?,
                Ok(_) => inner.refuse(&entry, problems),
                Err(problems) => inner.refuse(&entry, problems),
            }
            inner.plugins.insert(entry.config.id.clone(), entry);
        }
        let host = Self(Arc::new(inner));
        let ready = host.started().map(|(_, started)| started.supervisor.send(Ready));
        let _ = tokio::time::timeout(millis(host.0.settings.start_timeout_ms), join_all(ready)).await;
        Ok(host)
    }

    /// Calls a plugin and waits for its answer: at most the time it may wait plus the time it may
    /// run. What its manifest does not let it see is taken out of the request, and a plugin of an
    /// older contract is spoken to in that.
    ///
    /// # Errors
    /// What the plugin says, or what happened instead of an answer; see [`CallError`].
    pub async fn call<C: Call>(&self, plugin: &str, mut request: C) -> Result<C::Reply, CallError> {
        let lane = &self.entry(plugin)?.lane;
        let mut adapter = None;
        let sent = self.invoke(lane, C::METHOD, |manifest| {
            // Of the generation that serves this call: after a swap its contract may be another.
            adapter = versions::adapter(manifest, C::kind());
            as_permitted(plugin, &mut request, adapter, manifest)
        });
        let answer = sent.await?;
        versions::reply::<C>(adapter, &answer).map_err(|e| {
            let reason = format!("{}: {e}", C::METHOD);
            lane.misanswered(reason.clone());
            CallError::InvalidAnswer(reason)
        })
    }

    /// Calls a plugin with these very bytes, whatever they are, and answers its bytes. For conformance
    /// tests, which send what no caller in the core could: nothing is checked or taken out.
    ///
    /// # Errors
    /// As [`PluginHost::call`].
    pub async fn call_raw(&self, plugin: &str, method: &'static str, request: Vec<u8>) -> Result<Vec<u8>, CallError> {
        self.invoke(&self.entry(plugin)?.lane, method, |_| Ok(request.clone())).await
    }

    /// Takes a turn and sends the call to the generation that the turn is for, as its manifest lets it
    /// see it. Should that generation end in between, the call was not sent and takes another turn.
    async fn invoke(
        &self,
        lane: &Arc<Lane>,
        method: &'static str,
        mut request: impl FnMut(&Manifest) -> Result<Vec<u8>, CallError>,
    ) -> Result<Vec<u8>, CallError> {
        let answer = async {
            loop {
                let turn = lane.turn(method).await?;
                let bytes = request(turn.manifest())?;
                if let Some(answer) = turn.send(method, bytes) {
                    return answer.await.unwrap_or(Err(CallError::Stopped));
                }
            }
        };
        tokio::time::timeout(self.0.call_limit, answer).await.unwrap_or(Err(CallError::Timeout))
    }

    /// Begins to fetch the file of a provider for the core, as if the plugin had asked with `http.fetch`: to the same
    /// hosts, on every hop, and with its secrets. A plugin that takes no calls now fetches nothing either.
    ///
    /// # Errors
    /// `egress_denied`, `address_denied`, `download_refused`, `timeout`, `connection_failed` and others of
    /// `http.fetch`, as [`CallError::Plugin`]; or why no call passes.
    pub async fn download(&self, plugin: &str, from: &Download) -> Result<Arriving, CallError> {
        let lane = &self.entry(plugin)?.lane;
        let turn = tokio::time::timeout(self.0.call_limit, lane.turn(Recordings::METHOD));
        // The turn is only looked at and given back: the plugin itself has nothing to do.
        let grant = turn.await.unwrap_or(Err(CallError::Timeout))?.grant();
        Ok(grant.arriving(from).await?)
    }

    /// Reads a plugin's library again from its configured path and, if it passes every check that is
    /// made at start and comes up well, puts it in the place of the one that serves: running calls
    /// finish where they are, all others go to the new one, none is lost. Also starts a plugin that
    /// was refused before, and lifts a quarantine.
    ///
    /// In-process the old library stays in memory until the server ends: unloading one is unsound.
    ///
    /// # Errors
    /// Why everything stays as it is; see [`ReloadError`].
    pub async fn reload(&self, plugin: &str) -> Result<Reloaded, ReloadError> {
        let entry = self.0.plugins.get(plugin).ok_or_else(|| ReloadError::UnknownPlugin(plugin.to_owned()))?;
        let settings = Arc::clone(&self.0.settings);
        let checked = prepared(settings, entry.config.clone()).await.ok_or(ReloadError::Stopped)?.0;
        let checked = checked.map_err(ReloadError::Refused).inspect_err(|error| {
            tracing::error!(plugin, "plugin not swapped: {error}");
        })?;
        let Some(started) = entry.started.get() else { return self.0.start_late(entry, checked).await };
        let build = Build::new(&self.0.settings, &entry.config, checked, &self.0.services);
        started.supervisor.send(Reload(build)).await.unwrap_or(Err(ReloadError::Stopped))
    }

    /// Ids of the plugins that fulfil a contract of this kind (`video`), whatever their state.
    #[must_use]
    pub fn providers_of(&self, kind: &str) -> Vec<String> {
        let of_kind =
            self.started().filter(|(_, started)| started.lane.manifest().kinds.iter().any(|c| c.kind == kind));
        of_kind.map(|(id, _)| id.to_owned()).collect()
    }

    /// A started plugin's manifest, of the generation that serves.
    #[must_use]
    pub fn manifest(&self, plugin: &str) -> Option<Arc<Manifest>> {
        Some(self.entry(plugin).ok()?.lane.manifest())
    }

    /// Every configured plugin as it is now, by id.
    pub async fn list(&self) -> Vec<PluginInfo> {
        let described = self.0.plugins.values().map(|entry| async move {
            match entry.started.get() {
                Some(started) => started.supervisor.send(Describe).await.ok(),
                None => entry.refused().map(|(info, _)| info),
            }
        });
        join_all(described).await.into_iter().flatten().collect()
    }

    /// Why plugins were not started.
    #[must_use]
    pub fn problems(&self) -> Vec<ConfigProblem> {
        self.0.plugins.values().filter_map(Entry::refused).flat_map(|(_, problems)| problems).collect()
    }

    /// Lifts a quarantine: the plugin starts again with a clean record. Answers whether there was one.
    ///
    /// # Errors
    /// [`CallError::UnknownPlugin`], or [`CallError::Stopped`] when it was refused.
    pub async fn resume(&self, plugin: &str) -> Result<bool, CallError> {
        self.entry(plugin)?.supervisor.send(Resume).await.map_err(|_| CallError::Stopped)
    }

    /// Takes no more calls, lets the running ones finish within the drain time, ends all plugins.
    pub async fn shutdown(&self) {
        join_all(self.started().map(|(_, started)| started.supervisor.send(Shutdown))).await;
    }

    fn started(&self) -> impl Iterator<Item = (&str, &Started)> {
        self.0.plugins.iter().filter_map(|(id, entry)| Some((id.as_str(), entry.started.get()?)))
    }

    fn entry(&self, plugin: &str) -> Result<&Started, CallError> {
        match self.0.plugins.get(plugin) {
            Some(entry) => entry.started.get().ok_or(CallError::Stopped),
            None => Err(CallError::UnknownPlugin(plugin.to_owned())),
        }
    }
}

/// A request with what the manifest lets the plugin see.
fn as_permitted<C: Call>(
    plugin: &str,
    request: &mut C,
    adapter: Option<&Former>,
    manifest: &Manifest,
) -> Result<Vec<u8>, CallError> {
    let kind = C::kind();
    if kind != "plugin" && !manifest.kinds.iter().any(|contract| contract.kind == kind) {
        return Err(CallError::UnsupportedKind { plugin: plugin.to_owned(), kind: kind.to_owned() });
    }
    request.restrict(&manifest.permissions);
    let bytes = versions::request(adapter, request).map_err(|e| CallError::InvalidRequest(e.to_string()))?;
    if bytes.len() > MAX_PAYLOAD {
        return Err(CallError::InvalidRequest(format!("{} bytes are too many", bytes.len())));
    }
    Ok(bytes)
}

type Checked = Result<Prepared, Vec<ConfigProblem>>;

/// Checks a plugin on a thread that may block.
async fn prepared(settings: Arc<Settings>, plugin: PluginConfig) -> Option<(Checked, PluginConfig)> {
    tokio::task::spawn_blocking(move || (prepare(&settings, &plugin), plugin)).await.ok()
}

impl Entry {
    fn refused(&self) -> Option<(PluginInfo, Vec<ConfigProblem>)> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inner {
    async fn start(&self, entry: &Entry, prepared: Prepared) -> io::Result<()> {
        let (config, settings) = (&entry.config, &self.settings);
        let build = Build::new(settings, config, prepared, &self.services);
        let lane = Lane::new(&config.id, config.isolation, settings, Arc::clone(&build.manifest));
        let (settings, services) = (Arc::clone(settings), Arc::clone(&self.services));
        let supervisor =
            Supervisor::new(config.id.clone(), config.isolation, settings, services, Arc::clone(&lane), build);
        let (tell, started) = oneshot::channel();
        self.arbiter.spawn_fn(move || {
            let _ = tell.send(supervisor.start());
        });
        let supervisor = started.await.map_err(io::Error::other)?;
        let _ = entry.started.set(Started { lane, supervisor });
        Ok(())
    }

    /// Starts a plugin that was refused when the host started.
    async fn start_late(&self, entry: &Entry, prepared: Prepared) -> Result<Reloaded, ReloadError> {
        // Whoever takes the refusal is the one that starts it.
        let refusal = entry.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(refusal) = refusal else { return Err(ReloadError::InProgress) };
        if let Err(error) = self.start(entry, prepared).await {
            *entry.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
            return Err(ReloadError::Unwell(error.to_string()));
        }
        let supervisor = entry.started.get().map(|started| &started.supervisor).ok_or(ReloadError::Stopped)?;
        let _ = tokio::time::timeout(millis(self.settings.start_timeout_ms), supervisor.send(Ready)).await;
        let info = supervisor.send(Describe).await.map_err(|_| ReloadError::Stopped)?;
        if info.state != PluginState::Running {
            return Err(ReloadError::Unwell(info.last_error.unwrap_or_default()));
        }
        let new = Edition { version: info.version, library_sha256: info.library_sha256 };
        Ok(Reloaded { id: info.id, generation: info.generation, pid: info.pid, old: None, new })
    }

    fn refuse(&self, entry: &Entry, problems: Vec<ConfigProblem>) {
        for problem in &problems {
            tracing::error!(plugin = entry.config.id, key = problem.key, "plugin refused: {}", problem.reason);
        }
        let reasons: Vec<_> = problems.iter().map(|problem| format!("{}: {}", problem.key, problem.reason)).collect();
        let info = PluginInfo::refused(&entry.config, reasons.join("; "), self.services.clock().now());
        *entry.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((info, problems));
    }
}

/// The thread on which all supervisors live. No call of a plugin ever runs on it.
struct SupervisorThread {
    stop: Option<oneshot::Sender<()>>,
}

impl SupervisorThread {
    fn start() -> io::Result<(Self, ArbiterHandle)> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, arbiter) = std::sync::mpsc::sync_channel(1);
        thread::Builder::new().name("plugin-supervisors".to_owned()).spawn(move || {
            System::new().block_on(async move {
                let _ = started.send(System::current().arbiter().clone());
                let _ = stopped.await;
            });
        })?;
        let arbiter = arbiter.recv().map_err(io::Error::other)?;
        Ok((Self { stop: Some(stop) }, arbiter))
    }
}

impl Drop for SupervisorThread {
    fn drop(&mut self) {
        // Ends the thread's runtime, which closes the sockets: the children end themselves.
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}
