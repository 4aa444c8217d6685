//! Closes the rooms of consultations that are over, at every provider that served them, also when a provider or this
//! server is away at that moment: what is still to be closed is a timer.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use consilium_db::{
    Error, Result, Tx,
    timers::{self, DueTimer, TimerRequest},
};
use consilium_kernel::{CommandMeta, Id};
use consilium_runtime::TimerHandler;
use tokio::sync::Semaphore;

use super::{VideoFailure, failover::timed};
use crate::{facts, model::Consultation, service::Consultations, store};

/// The kind of timer that closes a consultation's rooms.
const ROOMS: &str = "video_rooms_closed";
/// Consultations whose rooms are closed at once. Patients who want to be let in come first.
const TURNS: usize = 4;
/// The shortest pause between two attempts, which is longer than one at two providers takes.
const PAUSE: Duration = Duration::from_secs(15);
/// After so long the rooms are left to their providers.
const GIVE_UP: Duration = Duration::from_secs(2 * 3600);

/// Has the rooms closed once this is committed.
pub(crate) fn close_rooms(tx: &mut Tx<'_>, over: &Consultation) -> Result<()> {
    if over.videos.is_empty() {
        return Ok(());
    }
    let (entity, due_at) = (facts::entity(over.id), tx.now());
    tx.set_timer(TimerRequest { kind: ROOMS, entity, revision: over.version, due_at })
}

/// Fires when a consultation that had rooms has ended, and until they are closed.
pub struct RoomClosingTimer {
    consultations: Consultations,
    turns: Arc<Semaphore>,
}

impl RoomClosingTimer {
    /// A handler that asks the providers of these consultations.
    pub fn new(consultations: Consultations) -> Self {
        Self { consultations, turns: Arc::new(Semaphore::new(TURNS)) }
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
        let db = &self.consultations.db;
        let (meta, now) = (CommandMeta::system(timer.facility_id, "timer"), db.clock().now());
        let age = Duration::try_from(now.duration_since(timer.due_at)).unwrap_or_default();
        let turn = self.turns.clone().try_acquire_owned();
        let next = now + wait(&timer, if turn.is_ok() { age } else { Duration::ZERO });
        db.write(&meta, move |tx| timers::postpone(tx, timer.id, next)).await?;
        let Ok(turn) = turn else { return Ok(()) };
        let consultations = self.consultations.clone();
        tokio::spawn(async move {
            let _turn = turn;
            match consultations.attempt_to_close(&meta, &timer, age >= GIVE_UP).await {
                // Somebody else was faster.
                Ok(()) | Err(Error::VersionConflict) => {}
                Err(error) => tracing::warn!(%error, consultation = %timer.entity.id, "rooms could not be closed"),
            }
        });
        Ok(())
    }
}

/// As long as it took up to now, and up to a quarter more so that what failed together does not come again together.
fn wait(timer: &DueTimer, age: Duration) -> Duration {
    let spread = timer.id.uuid().as_bytes().last().copied().unwrap_or_default();
    let full = age.max(PAUSE);
    full + full * u32::from(spread) / 1_024
}

impl Consultations {
    async fn attempt_to_close(&self, meta: &CommandMeta, timer: &DueTimer, last: bool) -> Result<()> {
        let id = Id::new(timer.entity.id);
        let choices = self.db.read(move |session| store::videos(session, id)).await?;
        let rooms: BTreeSet<_> =
            choices.iter().map(|choice| (choice.provider.as_str(), choice.room.as_str())).collect();
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
        let timer = timer.id;
        self.db.write(meta, move |tx| timers::take(tx, timer)).await?;
        metrics::counter!("consilium_video_rooms_left_open").increment(open);
        Ok(())
    }
}
