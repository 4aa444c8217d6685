//! Explains what providers posted: reads each kept webhook with its plugin, and has the modules act on what it means.
//!
//! A delivery is done in the transaction that writes what follows from it. It may be read more than once, when a
//! worker ends half-way, but it is settled once.

use std::{sync::Arc, time::Duration};

use consilium_consultations::{VideoReport, video_facility, video_reported};
use consilium_db::{
    Db, Error, Session, Tx,
    inbox::{self, ClaimedWebhook},
};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, FacilityId, Refusal, Timestamp};
use consilium_plugin_host::{
    CallError, PluginHost,
    contract::webhook::{Read, Verify, WebhookEvent},
};
use consilium_prescribing::{Prescribing, pharmacy_facility};
use consilium_recordings::Recordings;
use consilium_runtime::Shutdown;
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;

/// Deliveries taken at once.
const BATCH: i64 = 16;
/// Of these, how many are explained side by side.
const SIDE_BY_SIDE: usize = 4;
/// A worker that has not settled a delivery after this long is taken for dead.
const CLAIM: Duration = Duration::from_secs(60);
/// Tries before a delivery is set aside: with the pauses between them about a day.
const TRIES: i32 = 24;
/// The longest pause.
const LONGEST_PAUSE: u64 = 2 * 3600;

/// Works through the inbox. Cheap to clone.
#[derive(Clone)]
pub struct InboxWorker {
    db: Db,
    plugins: PluginHost,
    modules: Modules,
    wake: Arc<Notify>,
}

/// Those that act on what providers post.
pub type Modules = (Prescribing, Recordings);

/// Why a delivery was not understood.
struct Failed {
    code: String,
    /// Whether trying again can help.
    passing: bool,
    /// How long the provider wants to be left alone.
    rest: Option<Duration>,
}

impl InboxWorker {
    /// A worker over these plugins and modules, woken by `wake` before its next tick.
    pub fn new(db: Db, plugins: PluginHost, modules: Modules, wake: Arc<Notify>) -> Self {
        Self { db, plugins, modules, wake }
    }

    /// Looks every `tick`, and when woken, until the server ends.
    pub async fn run(self, tick: Duration, mut shutdown: Shutdown) {
        loop {
            if let Err(error) = self.work().await {
                tracing::warn!(%error, "the webhook inbox could not be worked through");
            }
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(tick) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// Explains everything that is due.
    pub async fn work(&self) -> Result<(), Error> {
        while self.db.read(inbox::is_due).await? {
            let claimed = self.db.write(&system(DEFAULT_FACILITY), |tx| inbox::claim(tx, BATCH, CLAIM)).await?;
            stream::iter(claimed).for_each_concurrent(SIDE_BY_SIDE, |webhook| self.settle(webhook)).await;
        }
        Ok(())
    }

    async fn settle(&self, webhook: ClaimedWebhook) {
        let webhook = Arc::new(webhook);
        let Err(failed) = self.explain(webhook.clone()).await else {
            metrics::counter!("consilium_webhooks_read", "plugin" => webhook.plugin.clone()).increment(1);
            return;
        };
        let (plugin, attempts, code) = (webhook.plugin.clone(), webhook.attempts, failed.code.clone());
        let retry_at =
            (failed.passing && attempts < TRIES).then(|| self.db.clock().now() + pause(attempts, failed.rest));
        if retry_at.is_none() {
            metrics::counter!("consilium_webhooks_dead", "plugin" => plugin.clone()).increment(1);
            tracing::error!(plugin, webhook = %webhook.id, code, attempts, "a webhook is set aside");
        } else {
            tracing::warn!(plugin, webhook = %webhook.id, code, attempts, "a webhook is tried again later");
        }
        let write = move |tx: &mut Tx<'_>| inbox::failed(tx, &webhook, &failed.code, retry_at);
        if let Err(error) = self.db.write(&system(DEFAULT_FACILITY), write).await {
            tracing::warn!(plugin, %error, "what became of a webhook could not be noted; its claim runs out");
        }
    }

    async fn explain(&self, webhook: Arc<ClaimedWebhook>) -> Result<(), Failed> {
        let kept: Verify = serde_json::from_value(webhook.content.clone()).map_err(|_| Failed {
            code: "unreadable".to_owned(),
            passing: false,
            rest: None,
        })?;
        let Verify { headers, body, received_at, .. } = kept;
        let read = Read { delivery_id: webhook.delivery_id.clone(), headers, body, received_at };
        let events = self.plugins.call(&webhook.plugin, read).await.map_err(|error| failure(&error))?.events;
        let facility = self.facility(&webhook.plugin, &events).await.map_err(stored)?;
        let modules = self.modules.clone();
        let write = move |tx: &mut Tx<'_>| {
            inbox::done(tx, &webhook)?;
            events.iter().try_for_each(|event| act(tx, &modules, &webhook.plugin, event))
        };
        self.db.write(&system(facility), write).await.map_err(stored)?;
        self.modules.1.wake_fetcher();
        Ok(())
    }

    /// Whose rows the delivery touches: a provider tells of one meeting or one prescription at a time.
    async fn facility(&self, plugin: &str, events: &[WebhookEvent]) -> Result<FacilityId, Error> {
        let (plugin, events) = (plugin.to_owned(), events.to_vec());
        let found = self.db.read(move |session| {
            for event in &events {
                if let Some(facility) = concerned(session, &plugin, event)? {
                    return Ok(Some(facility));
                }
            }
            Ok(None)
        });
        Ok(found.await?.unwrap_or(DEFAULT_FACILITY))
    }
}

fn concerned(
    session: &mut Session<'_>,
    plugin: &str,
    event: &WebhookEvent,
) -> Result<Option<FacilityId>, consilium_db::Error> {
    match event {
        WebhookEvent::PrescriptionStatus(update) => pharmacy_facility(session, plugin, &update.reference),
        other => video(other).map_or(Ok(None), |(room, _)| video_facility(session, plugin, room)),
    }
}

/// Has the module that an event belongs to act on it.
fn act(tx: &mut Tx<'_>, (prescribing, recordings): &Modules, plugin: &str, event: &WebhookEvent) -> Result<(), Error> {
    if let WebhookEvent::RecordingReady { room, recording } = event {
        recordings.provider_reported(tx, plugin, room, recording)?;
    }
    if let WebhookEvent::PrescriptionStatus(update) = event {
        return prescribing.pharmacy_reported(tx, plugin, update).map(|_| ());
    }
    match video(event) {
        Some((room, report)) => {
            if !video_reported(tx, plugin, room, &report)? {
                tracing::debug!(plugin, "a provider reported on a room that no consultation is held in");
            }
        }
        // Payments and messages have no module here yet.
        None => tracing::debug!(plugin, "nobody acts on this webhook"),
    }
    Ok(())
}

/// What is said of a room.
fn video(event: &WebhookEvent) -> Option<(&str, VideoReport)> {
    match event {
        WebhookEvent::ParticipantJoined(who) => {
            Some((&who.room, VideoReport::ParticipantJoined { participant: who.participant.clone(), at: who.at }))
        }
        WebhookEvent::ParticipantLeft(who) => {
            Some((&who.room, VideoReport::ParticipantLeft { participant: who.participant.clone(), at: who.at }))
        }
        WebhookEvent::RoomStarted(change) => Some((&change.room, VideoReport::RoomStarted { at: change.at })),
        WebhookEvent::RoomEnded(change) => Some((&change.room, VideoReport::RoomEnded { at: change.at })),
        WebhookEvent::RecordingReady { room, recording } => {
            let report = VideoReport::RecordingReady {
                recording_id: recording.id.clone(),
                started_at: recording.started_at,
                ended_at: recording.ended_at,
                size_bytes: recording.size_bytes,
                media_type: recording.media_type.clone(),
            };
            Some((room, report))
        }
        WebhookEvent::PrescriptionStatus(_)
        | WebhookEvent::PaymentStatus(_)
        | WebhookEvent::DeliveryStatus(_)
        | WebhookEvent::Other { .. }
        | WebhookEvent::Unrecognised => None,
    }
}

/// The plugin's own no is final; whatever else happened may pass.
fn failure(error: &CallError) -> Failed {
    let passing = !matches!(
        error,
        CallError::Plugin(said) if !said.retryable
    ) && !matches!(error, CallError::UnsupportedKind { .. } | CallError::InvalidRequest(_));
    Failed { code: error.code().to_owned(), passing, rest: error.retry_after() }
}

/// A rule that says "not yet", a lost race and a busy database pass.
fn stored(error: Error) -> Failed {
    let passing = match &error {
        Error::Refused(refusal) => refusal.retry_after.is_some(),
        _ => true,
    };
    let code = Refusal::from(error).code.into_owned();
    Failed { code, passing, rest: None }
}

/// 2 s, 4 s, … two hours; longer where the provider asks for it, up to two hours.
fn pause(attempts: i32, rest: Option<Duration>) -> Duration {
    let longest = Duration::from_secs(LONGEST_PAUSE);
    let usual = Duration::from_secs(1_u64.checked_shl(attempts.unsigned_abs()).unwrap_or(u64::MAX));
    usual.max(rest.unwrap_or_default()).min(longest)
}

fn system(facility: FacilityId) -> CommandMeta {
    CommandMeta::system(facility, "webhook")
}

/// From when on understood deliveries are forgotten; providers repeat theirs for days.
pub fn forget_before(now: Timestamp) -> Timestamp {
    now - Duration::from_secs(30 * 24 * 3600)
}

#[cfg(test)]
mod tests {
    use consilium_plugin_host::contract::PluginError;

    use super::*;

    #[test]
    fn only_what_cannot_pass_is_set_aside_at_once() {
        assert!(!failure(&PluginError::permanent("not_understood", "").into()).passing);
        assert!(failure(&PluginError::retryable("provider_down", "").into()).passing);
        for passing in [CallError::Timeout, CallError::Crashed(String::new()), CallError::Quarantined] {
            assert!(failure(&passing).passing);
        }
        assert!(!stored(Error::Refused(Refusal::forbidden())).passing);
        assert!(stored(Error::VersionConflict).passing);
    }

    #[test]
    fn pauses_grow_to_two_hours_and_add_up_to_a_day() {
        let pauses: Vec<u64> = (1..TRIES).map(|attempts| pause(attempts, None).as_secs()).collect();
        assert_eq!((pauses[0], pauses[1]), (2, 4));
        assert_eq!(pauses[15], LONGEST_PAUSE);
        let all: u64 = pauses.iter().sum();
        assert!((20 * 3600..28 * 3600).contains(&all), "{all}");
        let asked =
            |seconds| pause(3, failure(&PluginError::retryable("busy", "").after(seconds).into()).rest).as_secs();
        assert_eq!((asked(1), asked(90), asked(86_400)), (8, 90, LONGEST_PAUSE));
    }
}
