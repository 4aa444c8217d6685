//! Wires the modules together and runs what nobody waits for: subscribers, timers, the sealer, housekeeping.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use consilium_consultations::VideoWatch;
use consilium_db::{Db, answers, inbox};
use consilium_files::FileWorker;
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY};
use consilium_recordings::{FileFetcher, ListReader, RecordingWorker};
use consilium_runtime::{
    DueWorker, EventBus, InProcessBus, LiveEvent, Sealer, SealerSettings, Shutdown, SingleNode, Subscriber,
    SubscriberWorker, Tasks, TimerHandler, TimerWorker,
};
use consilium_webhooks::Dispatcher;
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
};

/// How often workers look for themselves; commits wake them earlier.
const TICK: Duration = Duration::from_millis(500);

/// The background work of a running server.
pub struct Background(Tasks);

impl Background {
    /// Tells it to end and waits, for `limit` at most.
    pub async fn finish(&self, limit: Duration) {
        self.0.finish(limit).await;
    }
}

/// Builds the modules and starts their background work.
pub async fn wire(config: Config, db: Db, address: SocketAddr) -> anyhow::Result<(Arc<State>, Background)> {
    let tasks = Tasks::default();
    let bus: Arc<dyn EventBus> = Arc::new(InProcessBus::default());
    let placement = SingleNode::shared();
    let blobs = Arc::new(FileBlobs::new(db.clone(), plugins::blobs(&config)));
    let plugins = plugins::start(&config, DatabaseServices::new(db.clone(), blobs.clone())).await?;
    let state = State::build(config, db.clone(), address, bus.clone(), placement, plugins)?;

    let subscribers: Vec<Arc<dyn Subscriber>> = state.subscribers();
    let handlers: Vec<Arc<dyn TimerHandler>> = state.timer_handlers();
    let timers = TimerWorker::new(db.clone(), handlers);
    let workers: Vec<SubscriberWorker> =
        subscribers.into_iter().map(|subscriber| SubscriberWorker::new(db.clone(), subscriber)).collect();

    let (wake_mail, wake_push) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wake_timers = timers.wake();
    let mut wake_workers: Vec<_> = workers.iter().map(SubscriberWorker::wake).collect();
    let events = event_plugins::feeder(db.clone(), state.plugins.clone());
    wake_workers.extend([wake_mail.clone(), wake_push.clone(), state.insights.wake(), events.wake()]);
    let listening = db.on_commit(move |effects| {
        effects.topics.into_iter().for_each(|event| bus.publish(LiveEvent::Event(event)));
        if !effects.events.is_empty() {
            wake_workers.iter().for_each(|wake| wake.notify_one());
        }
        if effects.timers {
            wake_timers.notify_one();
        }
    });
    if let Err(error) = listening {
        tracing::error!(%error, "live events and quick wake-ups do not work");
    }

    for worker in workers {
        let shutdown = tasks.shutdown();
        tasks.spawn(async move { worker.run(TICK, shutdown).await });
    }
    let channels =
        [(mail::mailer(&state.config, &state.base_url)?, wake_mail), (push::pusher(&state.config, &db)?, wake_push)];
    for (transport, wake) in channels {
        let Some(transport) = transport else { continue };
        let notifier = state.notifications.notifier(transport, &mail::settings(&state.config));
        tasks.spawn(notifier.run(wake, tasks.shutdown()));
    }
    let dispatcher = webhooks::dispatcher(&state.config, &db, &state.webhooks)?;
    tasks.spawn(dispatcher.clone().run(tasks.shutdown()));
    tasks.spawn(keep_webhooks(dispatcher, tasks.shutdown()));
    let (insights, shutdown) = (state.insights.clone(), tasks.shutdown());
    tasks.spawn(async move { insights.run(TICK, shutdown).await });
    let shutdown = tasks.shutdown();
    tasks.spawn(async move { events.run(TICK, shutdown).await });
    let shutdown = tasks.shutdown();
    tasks.spawn(async move { timers.run(TICK, shutdown).await });
    let (watch, shutdown) = (VideoWatch::new(state.consultations.clone()), tasks.shutdown());
    tasks.spawn(watch.run(shutdown));
    let inbox = InboxWorker::new(
        db.clone(),
        state.plugins.clone(),
        (state.prescribing.clone(), state.recordings.clone()),
        state.inbox_wake.clone(),
    );
    let shutdown = tasks.shutdown();
    tasks.spawn(async move { inbox.run(TICK, shutdown).await });
    state.files.depot().sweep()?;
    tasks.spawn(FileWorker::new(state.files.clone()).run(TICK, tasks.shutdown()));
    tasks.spawn(DueWorker::new(RecordingWorker::new(state.recordings.clone())).run(TICK, tasks.shutdown()));
    let files = Arc::new(PluginFiles(state.plugins.clone()));
    let fetcher = FileFetcher::new(state.recordings.clone(), files.clone());
    tasks.spawn(DueWorker::new(fetcher).run(TICK, tasks.shutdown()));
    tasks.spawn(DueWorker::new(ListReader::new(state.recordings.clone(), files)).run(TICK, tasks.shutdown()));
    let sealer = Sealer::new(db.clone(), db.ids().next(), SealerSettings::default());
    let shutdown = tasks.shutdown();
    tasks.spawn(async move { sealer.run(shutdown).await });
    let state = Arc::new(state);
    tasks.spawn(keep_house(state.clone(), blobs, tasks.shutdown()));
    Ok((state, Background(tasks)))
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
