//! What a provider reports of its rooms, as facts of the consultation that was held in them.

use consilium_db::{Result, Session, Tx, outbox::Fact};
use consilium_kernel::{FacilityId, Timestamp};
use serde::Serialize;
use serde_json::json;

use crate::{consultation_in_room, facts};

/// Something that a provider saw in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum VideoReport {
    /// Somebody came into the room.
    ParticipantJoined { participant: Option<String>, at: Timestamp },
    /// Somebody left the room.
    ParticipantLeft { participant: Option<String>, at: Timestamp },
    /// The room took up its work.
    RoomStarted { at: Timestamp },
    /// The room is closed.
    RoomEnded { at: Timestamp },
    /// A recording can be fetched from the provider, under the provider's name for it. Where from is not told here:
    /// such addresses hold tokens.
    RecordingReady {
        recording_id: String,
        started_at: Timestamp,
        ended_at: Option<Timestamp>,
        size_bytes: Option<u64>,
        media_type: Option<String>,
    },
}

impl VideoReport {
    fn event_type(&self) -> &'static str {
        match self {
            Self::ParticipantJoined { .. } => "video_participant_joined",
            Self::ParticipantLeft { .. } => "video_participant_left",
            Self::RoomStarted { .. } => "video_room_started",
            Self::RoomEnded { .. } => "video_room_ended",
            Self::RecordingReady { .. } => "video_recording_ready",
        }
    }
}

/// Writes what `provider` reports of the room it calls `room` to the record of its consultation. False when no
/// consultation was held in such a room. Providers may report late, twice and in any order; a fact says when it was.
pub fn video_reported(tx: &mut Tx<'_>, provider: &str, room: &str, report: &VideoReport) -> Result<bool> {
    let Some(consultation) = consultation_in_room(tx, provider, room)? else { return Ok(false) };
    tx.emit(Fact {
        entity: facts::entity(consultation.id),
        version: consultation.version,
        event_type: report.event_type(),
        schema: 1,
        subject: consultation.patient_id.uuid(),
        data: &facts::with_context(&consultation, json!({"provider": provider, "room": room, "report": report})),
    })?;
    Ok(true)
}

/// Whose consultation was held in the room that `provider` calls `room`.
pub fn video_facility(session: &mut Session<'_>, provider: &str, room: &str) -> Result<Option<FacilityId>> {
    Ok(consultation_in_room(session, provider, room)?.map(|consultation| consultation.facility_id))
}
