//! Follows who comes and goes in a consultation: whoever comes without having consented stops its recording,
//! and after the end providers are asked what they have recorded.

use std::sync::Arc;

use consilium_db::{Result, Tx};
use consilium_kernel::EventEnvelope;
use consilium_runtime::Subscriber;

use crate::{
    commands::record,
    decide::{self, Room},
    provider::look_later,
    service::RecordingSettings,
    store,
};

/// Hears of joins, leaves and ends.
pub struct RoomFollower(Arc<RecordingSettings>);

impl RoomFollower {
    /// By these rules.
    pub fn new(settings: &RecordingSettings) -> Self {
        Self(Arc::new(settings.clone()))
    }
}

impl Subscriber for RoomFollower {
    fn name(&self) -> &'static str {
        "recordings"
    }

    fn digest(&self, tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
        if !matches!(event.event_type.as_str(), "participant_joined" | "participant_left" | "consultation_ended") {
            return Ok(());
        }
        let Some(id) = event.data.get("consultation_id").and_then(|id| id.as_str()?.parse().ok()) else {
            return Ok(());
        };
        if event.event_type == "consultation_ended"
            && let Some(consultation) = consilium_consultations::consultation(tx, id)?
        {
            look_later(tx, &consultation)?;
        }
        let Some(live) = store::live(tx, id)? else { return Ok(()) };
        let Some(recording) = store::lock(tx, live)? else { return Ok(()) };
        let Some(consultation) = consilium_consultations::consultation(tx, id)? else { return Ok(()) };
        // By who is there now, not by what was told: that may be long ago, and everybody have consented since.
        let change = decide::settle(&recording, &Room::of(&consultation));
        record(tx, recording, change.as_slice(), &self.0).map(|_| ())
    }
}
