//! Wires the modules together and runs what nobody waits for: subscribers, timers, the sealer, housekeeping.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use consilium_cluster::{Cluster, ClusterSettings};
use consilium_consultations::VideoWatch;
use consilium_db::{Db, answers, inbox};
use consilium_files::FileWorker;
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY};
use consilium_recordings::{FileFetcher, ListReader, RecordingWorker};
use consilium_runtime::{
    DueWorker, Duties, EventBus, InProcessBus, LiveEvent, Missed, Placement, Sealer, SealerSettings, Shutdown, Signal,
    SingleNode, Subscriber, SubscriberWorker, Tasks, TimerHandler, TimerWorker,
};
use consilium_webhooks::Dispatcher;
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    config::Config,
    event_plugins,
    inbox::{InboxWorker, forget_before},
    mail,
    plugin_blobs::FileBlobs,
    plugin_services::DatabaseServices,
    plugins, push,
    recordings::PluginFiles,
    state::State,
    webhooks,
    ws::WsContext,
};

/// How often workers look for themselves; commits wake them earlier.
const TICK: Duration = Duration::from_millis(500);

/// The topic on which nodes wake each other's workers.
const WAKE: &str = "node:wake";

/// The background work of a running server.
pub struct Background {
    tasks: Tasks,
    cluster: Option<Arc<Cluster>>,
}

impl Background {
    /// What this node owned is the others' from now on.
    pub async fn leave(&self) {
        if let Some(cluster) = &self.cluster {
            cluster.leave().await;
        }
    }

    /// Tells it to end and waits, for `limit` at most.
    pub async fn finish(&self, limit: Duration) {
        self.tasks.finish(limit).await;
    }
}

/// This node's part in a cluster; `None` when it is alone.
async fn cluster(config: &Config, db: &Db, address: SocketAddr) -> anyhow::Result<Option<Arc<Cluster>>> {
    if config.nats.url.is_empty() {
        return Ok(None);
    }
    let settings = ClusterSettings {
        nats: config.nats.url.clone(),
        prefix: config.nats.prefix.clone(),
        name: node_name(config),
        address: address.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Some(Cluster::join(settings, db.clone()).await?))
}

fn node_name(config: &Config) -> String {
    match config.nats.node.as_str() {
        "" => std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map_or_else(|_| "node".to_owned(), |name| name.trim().to_owned()),
        set => set.to_owned(),
    }
}

/// Builds the modules and starts their background work.
pub async fn wire(config: Config, db: Db, address: SocketAddr) -> anyhow::Result<(Arc<State>, Background)> {
    let tasks = Tasks::default();
    let cluster = cluster(&config, &db, address).await?;
    let (bus, placement): (Arc<dyn EventBus>, Arc<dyn Placement>) = match &cluster {
        Some(cluster) => (cluster.bus(), cluster.clone()),
        None => (Arc::new(InProcessBus::default()), SingleNode::shared()),
    };
    let duties = Duties::new(placement.clone());
    let blobs = Arc::new(FileBlobs::new(db.clone(), plugins::blobs(&config)));
    let plugins = plugins::start(&config, DatabaseServices::new(db.clone(), blobs.clone())).await?;
    let state = State::build(config, db.clone(), address, bus.clone(), placement.clone(), cluster.clone(), plugins)?;

    let subscribers: Vec<Arc<dyn Subscriber>> = state.subscribers();
    let handlers: Vec<Arc<dyn TimerHandler>> = state.timer_handlers();
    let timers = TimerWorker::new(db.clone(), handlers);
    let workers: Vec<SubscriberWorker> =
        subscribers.into_iter().map(|subscriber| SubscriberWorker::new(db.clone(), subscriber)).collect();

    let (wake_mail, wake_push) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut wake_workers: Vec<_> = workers.iter().map(SubscriberWorker::wake).collect();
    let events = event_plugins::feeder(db.clone(), state.plugins.clone());
    wake_workers.extend([wake_mail.clone(), wake_push.clone(), state.insights.wake(), events.wake()]);
    let wake = Arc::new(Wake { workers: wake_workers, timers: timers.wake() });
    let others = cluster.is_some().then(|| bus.clone());
    tasks.spawn(hear_others(bus.clone(), wake.clone(), tasks.shutdown()));
    let listening = db.on_commit(move |effects| {
        let woken = (!effects.events.is_empty(), effects.timers);
        effects.topics.into_iter().for_each(|event| bus.publish(LiveEvent::Event(event)));
        wake.wake(woken);
        if let Some(others) = &others
            && woken != (false, false)
        {
            others.publish(LiveEvent::Signal(waking(woken)));
        }
    });
    if let Err(error) = listening {
        tracing::error!(%error, "live events and quick wake-ups do not work");
    }

    for worker in workers {
        let worker = Arc::new(worker);
        duties.run(&tasks, worker.name(), move |shutdown| {
            let worker = worker.clone();
            async move { worker.run(TICK, shutdown).await }
        });
    }
    let set = &state.config;
    let channels = [
        ("mail", mail::mailer(set, &state.base_url)?, set.smtp.concurrency, wake_mail),
        ("push", push::pusher(set, &db)?, set.push.concurrency, wake_push),
    ];
    for (channel, transport, concurrency, wake) in channels {
        let Some(transport) = transport else { continue };
        let notifier = state.notifications.notifier(transport, &mail::settings(set, concurrency));
        duties.run(&tasks, channel, move |shutdown| notifier.clone().run(wake.clone(), shutdown));
    }
    let dispatcher = webhooks::dispatcher(&state.config, &db, &state.webhooks)?;
    let sending = dispatcher.clone();
    duties.run(&tasks, "webhooks", move |shutdown| sending.clone().run(shutdown));
    tasks.spawn(keep_webhooks(dispatcher, tasks.shutdown()));
    let insights = state.insights.clone();
    duties.run(&tasks, "insights", move |shutdown| {
        let insights = insights.clone();
        async move { insights.run(TICK, shutdown).await }
    });
    duties.run(&tasks, "event_plugins", move |shutdown| {
        let events = events.clone();
        async move { events.run(TICK, shutdown).await }
    });
    let timers = Arc::new(timers);
    duties.run(&tasks, "timers", move |shutdown| {
        let timers = timers.clone();
        async move { timers.run(TICK, shutdown).await }
    });
    let consultations = state.consultations.clone();
    duties.run(&tasks, "video_watch", move |shutdown| VideoWatch::new(consultations.clone()).run(shutdown));
    let inbox = InboxWorker::new(
        db.clone(),
        state.plugins.clone(),
        (state.prescribing.clone(), state.recordings.clone()),
        state.inbox_wake.clone(),
    );
    duties.run(&tasks, "inbox", move |shutdown| inbox.clone().run(TICK, shutdown));
    if cluster.is_none() {
        state.files.depot().sweep()?; // Other nodes may be writing there.
    }
    let files = state.files.clone();
    duties.run(&tasks, "files", move |shutdown| FileWorker::new(files.clone()).run(TICK, shutdown));
    let recordings = state.recordings.clone();
    duties.run(&tasks, "recordings", move |shutdown| {
        DueWorker::new(RecordingWorker::new(recordings.clone())).run(TICK, shutdown)
    });
    let (recordings, files) = (state.recordings.clone(), Arc::new(PluginFiles(state.plugins.clone())));
    duties.run(&tasks, "provider_files", move |shutdown| {
        DueWorker::new(FileFetcher::new(recordings.clone(), files.clone())).run(TICK, shutdown)
    });
    let (recordings, files) = (state.recordings.clone(), Arc::new(PluginFiles(state.plugins.clone())));
    duties.run(&tasks, "provider_lists", move |shutdown| {
        DueWorker::new(ListReader::new(recordings.clone(), files.clone())).run(TICK, shutdown)
    });
    let sealer = Arc::new(Sealer::new(db.clone(), db.ids().next(), SealerSettings::default()));
    duties.run(&tasks, "sealer", move |shutdown| {
        let sealer = sealer.clone();
        async move { sealer.run(shutdown).await }
    });
    let state = Arc::new(state);
    let (sockets, nodes) = (state.sockets.clone(), placement.clone());
    duties.run(&tasks, "presence", move |shutdown| miss_nodes(sockets.clone(), nodes.clone(), shutdown));
    let kept = state.clone();
    duties.run(&tasks, "housekeeping", move |shutdown| keep_house(kept.clone(), blobs.clone(), shutdown));
    Ok((state, Background { tasks, cluster }))
}

/// Whom a commit wakes.
struct Wake {
    workers: Vec<Arc<Notify>>,
    timers: Arc<Notify>,
}

impl Wake {
    fn wake(&self, (events, timers): (bool, bool)) {
        if events {
            self.workers.iter().for_each(|wake| wake.notify_one());
        }
        if timers {
            self.timers.notify_one();
        }
    }
}

/// What a commit says to the workers of other nodes: whether there are events, and timers.
fn waking((events, timers): (bool, bool)) -> Signal {
    Signal {
        topic: WAKE.to_owned(),
        signal: "wake".to_owned(),
        to: None,
        from: None,
        data: json!({"events": events, "timers": timers}),
    }
}

/// Wakes this node's workers after commits of other nodes. Workers look for themselves, too, if later.
async fn hear_others(bus: Arc<dyn EventBus>, wake: Arc<Wake>, mut shutdown: Shutdown) {
    let mut heard = bus.subscribe(WAKE).await;
    loop {
        let next = tokio::select! {
            () = shutdown.requested() => return,
            next = heard.next() => next,
        };
        match next {
            Some(Ok(event)) => {
                if let LiveEvent::Signal(Signal { data, .. }) = event.as_ref() {
                    wake.wake((data["events"] == true, data["timers"] == true));
                }
            }
            Some(Err(Missed)) => wake.wake((true, true)),
            None => return,
        }
    }
}

/// Whoever was connected to a node that has gone, this one before its restart included, has a while to come back.
async fn miss_nodes(sockets: Arc<WsContext>, nodes: Arc<dyn Placement>, mut shutdown: Shutdown) {
    let (mut known, mut looked) = (Vec::new(), false);
    loop {
        let there = nodes.others();
        if !looked || known.iter().any(|node| !there.contains(node)) {
            match sockets.recover().await {
                Ok(()) => looked = true,
                Err(refusal) => tracing::warn!(%refusal, "who was connected before could not be found out"),
            }
        }
        known = there;
        if !shutdown.sleep(Duration::from_secs(1)).await {
            return;
        }
    }
}

/// Forgets what nobody needs any more: answers after 24 hours, spent codes, ended sessions, quiet clients.
async fn keep_house(state: Arc<State>, blobs: Arc<FileBlobs>, mut shutdown: Shutdown) {
    let db = &state.db;
    let meta = CommandMeta::system(DEFAULT_FACILITY, "housekeeping");
    while shutdown.sleep(Duration::from_secs(600)).await {
        let before = db.clock().now() - Duration::from_secs(24 * 3600);
        let forgotten = db.write(&meta, move |tx| answers::forget(tx, before)).await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "old answers could not be deleted");
        }
        let understood = forget_before(db.clock().now());
        if let Err(error) = db.write(&meta, move |tx| inbox::forget(tx, understood)).await {
            tracing::warn!(%error, "old webhooks could not be deleted");
        }
        if let Err(error) = blobs.forget_unfinished(before).await {
            tracing::warn!(%error, "unfinished blobs of plugins could not be deleted");
        }
        if let Err(refusal) = state.identity.sweep().await {
            tracing::warn!(%refusal, "old sessions and codes could not be deleted");
        }
        state.limits.forget();
    }
}

/// Says how many webhooks wait, and forgets the oldest of their log.
async fn keep_webhooks(dispatcher: Arc<Dispatcher>, mut shutdown: Shutdown) {
    while shutdown.sleep(Duration::from_secs(15)).await {
        if let Err(error) = dispatcher.keep_house().await {
            tracing::warn!(%error, "webhooks could not be counted, or their log not be shortened");
        }
    }
}
