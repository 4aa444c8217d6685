//! Closes the rooms of consultations that are over, at every provider that served them, also when a provider or this
//! server is away at that moment: what is still to be closed is a timer.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use consilium_db::{
    Result, Tx,
    timers::{self, DueTimer, TimerRequest},
};
use consilium_kernel::{CommandMeta, Id};
use consilium_runtime::TimerHandler;

use super::{VideoFailure, failover::timed};
use crate::{facts, model::Consultation, service::Consultations, store};

/// The kind of timer that closes a consultation's rooms.
const ROOMS: &str = "video_rooms_closed";
/// The pause after the first attempt, which is longer than an attempt at two providers takes. It doubles.
const PAUSE: Duration = Duration::from_secs(15);
/// Attempts until the rooms are left to their providers, which is after more than two hours.
const ATTEMPTS: i32 = 10;

/// Has the rooms closed once this is committed.
pub(crate) fn close_rooms(tx: &mut Tx<'_>, over: &Consultation) -> Result<()> {
    if over.videos.is_empty() {
        return Ok(());
    }
    let (entity, due_at) = (facts::entity(over.id), tx.now());
    tx.set_timer(TimerRequest { kind: ROOMS, entity, revision: over.version, due_at })
}

/// Fires when a consultation that had rooms has ended, and until they are closed.
pub struct RoomClosingTimer(Consultations);

impl RoomClosingTimer {
    /// A handler that asks the providers of these consultations.
    pub fn new(consultations: Consultations) -> Self {
        Self(consultations)
    }
}

#[async_trait]
impl TimerHandler for RoomClosingTimer {
    fn kinds(&self) -> &'static [&'static str] {
        &[ROOMS]
    }

    /// Puts the timer off before the providers are asked, and takes it when they have closed the rooms: whoever dies
    /// meanwhile is followed by the next attempt, and no other timer waits for a provider.
    async fn fire(&self, timer: DueTimer) -> Result<()> {
        let Consultations { db, .. } = &self.0;
        let meta = CommandMeta::system(timer.facility_id, "timer");
        let next = db.clock().now() + PAUSE * (1 << timer.attempts.clamp(0, ATTEMPTS));
        db.write(&meta, move |tx| timers::postpone(tx, timer.id, next)).await?;
        let consultations = self.0.clone();
        tokio::spawn(async move {
            if let Err(error) = consultations.attempt_to_close(&meta, &timer).await {
                tracing::warn!(%error, consultation = %timer.entity.id, "video rooms could not be closed");
            }
        });
        Ok(())
    }
}

impl Consultations {
    async fn attempt_to_close(&self, meta: &CommandMeta, timer: &DueTimer) -> Result<()> {
        let id = Id::new(timer.entity.id);
        let over = self.db.read(move |session| store::find(session, id)).await?;
        let choices = over.iter().flat_map(|over| &over.videos);
        let rooms: BTreeSet<_> = choices.map(|choice| (choice.provider.as_str(), choice.room.as_str())).collect();
        let last = timer.attempts + 1 >= ATTEMPTS;
        let mut open = 0;
        for (provider, room) in rooms {
            if let Err(VideoFailure(code)) = timed(self.video.end_room(provider, room)).await {
                tracing::warn!(provider, code, consultation = %id, last, "a video room could not be closed");
                open += 1;
            }
        }
        if open > 0 && !last {
            return Ok(());
        }
        metrics::counter!("consilium_video_rooms_left_open").increment(open);
        self.db.write(meta, move |tx| tx.withdraw_timers(id.uuid(), &[ROOMS])).await
    }
}
