//! [`PluginHost`]: all plugins by id, for the rest of the core.

use crate::{
    CallError, ConfigProblem, HostServices, PluginConfig, PluginInfo, Settings,
    actor::{Describe, Invoke, Misanswered, Ready, Resume, Setup, Shutdown, Supervisor},
    config::millis,
    inspect::{Prepared, duplicates, prepare},
    services::Grant,
    trace::{self, Trace},
};
use actix::{Actor as _, Addr};
use actix_rt::{ArbiterHandle, System};
use consilium_plugin_contract::{Call, MAX_PAYLOAD, Manifest};
use futures_util::future::join_all;
use std::{collections::BTreeMap, io, sync::Arc, thread, time::Duration};
use tokio::sync::oneshot;

/// All plugins. Cheap to clone; usable from any thread of a Tokio runtime.
#[derive(Clone)]
pub struct PluginHost(Arc<Inner>);

struct Inner {
    plugins: BTreeMap<String, Entry>,
    call_limit: Duration,
    _thread: SupervisorThread,
}

enum Entry {
    Started { manifest: Arc<Manifest>, supervisor: Addr<Supervisor> },
    Refused { info: PluginInfo, problems: Vec<ConfigProblem> },
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
        let twice = duplicates(&plugins);
        let mut entries = BTreeMap::new();
        let preparing = plugins.into_iter().map(|plugin| {
            let settings = Arc::clone(&settings);
            tokio::task::spawn_blocking(move || (prepare(&settings, &plugin), plugin))
        });
        for (prepared, plugin) in join_all(preparing).await.into_iter().filter_map(Result::ok) {
            let id = plugin.id.clone();
            let prepared = match prepared {
                Ok(_) if entries.contains_key(&id) => continue,
                Ok(_) if twice.iter().any(|problem| problem.plugin == id) => Err(twice.clone()),
                prepared => prepared,
            };
            let entry = match prepared {
                Ok(prepared) => start_one(&settings, plugin, prepared, &services, &arbiter).await?,
                Err(problems) => refuse(&plugin, problems),
            };
            entries.insert(id, entry);
        }
        let call_limit = millis(settings.call_timeout_ms) * 2 + Duration::from_secs(1);
        let host = Self(Arc::new(Inner { plugins: entries, call_limit, _thread: thread }));
        let ready = host.started().map(|(_, _, supervisor)| supervisor.send(Ready));
        let _ = tokio::time::timeout(millis(settings.start_timeout_ms), join_all(ready)).await;
        Ok(host)
    }

    /// Calls a plugin and waits for its answer: at most the time it may wait plus the time it may
    /// run. What its manifest does not let it see is taken out of the request.
    ///
    /// # Errors
    /// What the plugin says, or what happened instead of an answer; see [`CallError`].
    pub async fn call<C: Call>(&self, plugin: &str, mut request: C) -> Result<C::Reply, CallError> {
        let (manifest, supervisor) = match self.0.plugins.get(plugin) {
            Some(Entry::Started { manifest, supervisor }) => (manifest, supervisor),
            Some(Entry::Refused { .. }) => return Err(CallError::Stopped),
            None => return Err(CallError::UnknownPlugin(plugin.to_owned())),
        };
        let kind = C::kind();
        if kind != "plugin" && !manifest.kinds.iter().any(|contract| contract.kind == kind) {
            return Err(CallError::UnsupportedKind { plugin: plugin.to_owned(), kind: kind.to_owned() });
        }
        request.restrict(&manifest.permissions);
        let request = serde_json::to_vec(&request).map_err(|e| CallError::InvalidRequest(e.to_string()))?;
        if request.len() > MAX_PAYLOAD {
            return Err(CallError::InvalidRequest(format!("{} bytes are too many", request.len())));
        }
        let answer = self.invoke(supervisor, C::METHOD, request).await?;
        serde_json::from_slice(&answer).map_err(|e| {
            let reason = format!("{}: {e}", C::METHOD);
            let _ = supervisor.try_send(Misanswered(reason.clone()));
            CallError::InvalidAnswer(reason)
        })
    }

    /// Calls a plugin with these very bytes, whatever they are, and answers its bytes. For conformance
    /// tests, which send what no caller in the core could: nothing is checked or taken out.
    ///
    /// # Errors
    /// As [`PluginHost::call`].
    pub async fn call_raw(&self, plugin: &str, method: &'static str, request: Vec<u8>) -> Result<Vec<u8>, CallError> {
        match self.0.plugins.get(plugin) {
            Some(Entry::Started { supervisor, .. }) => self.invoke(supervisor, method, request).await,
            Some(Entry::Refused { .. }) => Err(CallError::Stopped),
            None => Err(CallError::UnknownPlugin(plugin.to_owned())),
        }
    }

    async fn invoke(
        &self,
        supervisor: &Addr<Supervisor>,
        method: &'static str,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, CallError> {
        let trace = trace::current().map_or_else(Trace::begin, |trace| trace.child());
        match tokio::time::timeout(self.0.call_limit, supervisor.send(Invoke { method, request, trace })).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(CallError::Stopped),
            Err(_) => Err(CallError::Timeout),
        }
    }

    /// Ids of the plugins that fulfil a contract of this kind (`video`), whatever their state.
    #[must_use]
    pub fn providers_of(&self, kind: &str) -> Vec<String> {
        let of_kind = self.started().filter(|(_, manifest, _)| manifest.kinds.iter().any(|c| c.kind == kind));
        of_kind.map(|(id, _, _)| id.to_owned()).collect()
    }

    /// A started plugin's manifest.
    #[must_use]
    pub fn manifest(&self, plugin: &str) -> Option<Arc<Manifest>> {
        let (_, manifest, _) = self.started().find(|(id, _, _)| *id == plugin)?;
        Some(Arc::clone(manifest))
    }

    /// Every configured plugin as it is now, by id.
    pub async fn list(&self) -> Vec<PluginInfo> {
        let described = self.0.plugins.values().map(|entry| async move {
            match entry {
                Entry::Refused { info, .. } => Some(info.clone()),
                Entry::Started { supervisor, .. } => supervisor.send(Describe).await.ok(),
            }
        });
        join_all(described).await.into_iter().flatten().collect()
    }

    /// Why plugins were not started.
    #[must_use]
    pub fn problems(&self) -> Vec<ConfigProblem> {
        let problems = self.0.plugins.values().filter_map(|entry| match entry {
            Entry::Refused { problems, .. } => Some(problems.clone()),
            Entry::Started { .. } => None,
        });
        problems.flatten().collect()
    }

    /// Lifts a quarantine: the plugin starts again with a clean record.
    ///
    /// # Errors
    /// [`CallError::UnknownPlugin`], or [`CallError::Stopped`] when it was refused.
    pub async fn resume(&self, plugin: &str) -> Result<(), CallError> {
        match self.0.plugins.get(plugin) {
            Some(Entry::Started { supervisor, .. }) => supervisor.send(Resume).await.map_err(|_| CallError::Stopped),
            Some(Entry::Refused { .. }) => Err(CallError::Stopped),
            None => Err(CallError::UnknownPlugin(plugin.to_owned())),
        }
    }

    /// Takes no more calls, lets the running ones finish within the drain time, ends all plugins.
    pub async fn shutdown(&self) {
        join_all(self.started().map(|(_, _, supervisor)| supervisor.send(Shutdown))).await;
    }

    fn started(&self) -> impl Iterator<Item = (&str, &Arc<Manifest>, &Addr<Supervisor>)> {
        self.0.plugins.iter().filter_map(|(id, entry)| match entry {
            Entry::Started { manifest, supervisor } => Some((id.as_str(), manifest, supervisor)),
            Entry::Refused { .. } => None,
        })
    }
}

async fn start_one(
    settings: &Arc<Settings>,
    plugin: PluginConfig,
    prepared: Prepared,
    services: &Arc<dyn HostServices>,
    arbiter: &ArbiterHandle,
) -> io::Result<Entry> {
    let Prepared { library, manifest, secrets } = prepared;
    let manifest = Arc::new(manifest);
    let grant = Grant::new(settings, &plugin, Arc::clone(&manifest), secrets, Arc::clone(services));
    let setup = Setup {
        settings: Arc::clone(settings),
        config: serde_json::to_vec(&plugin.config)?,
        memory_mib: plugin.memory_mib(settings),
        id: plugin.id,
        isolation: plugin.isolation,
        library,
        manifest: Arc::clone(&manifest),
        grant: Arc::new(grant),
    };
    let (started, supervisor) = oneshot::channel();
    arbiter.spawn_fn(move || {
        let _ = started.send(Supervisor::new(setup).start());
    });
    let supervisor = supervisor.await.map_err(io::Error::other)?;
    Ok(Entry::Started { manifest, supervisor })
}

fn refuse(plugin: &PluginConfig, problems: Vec<ConfigProblem>) -> Entry {
    for problem in &problems {
        tracing::error!(plugin = plugin.id, key = problem.key, "plugin refused: {}", problem.reason);
    }
    let reasons: Vec<_> = problems.iter().map(|problem| format!("{}: {}", problem.key, problem.reason)).collect();
    Entry::Refused { info: PluginInfo::refused(plugin, reasons.join("; ")), problems }
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
