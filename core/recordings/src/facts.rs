//! What others are told: ids and words of the API.

use consilium_consultations::topic;
use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::UserId;
use serde_json::{Value, json};

use crate::{
    decide::Change,
    model::{Decision, Recording},
};

/// What is told of a recording, and of the participant it is about.
fn data(recording: &Recording, about: Option<UserId>) -> Value {
    json!({
        "recording_id": recording.id, "consultation_id": recording.consultation_id,
        "patient_id": recording.patient_id, "facility_id": recording.facility_id, "media": recording.media,
        "status": recording.status, "text_version": recording.text_version, "progress": recording.progress,
        "stopped_because": recording.stopped_because, "failed_because": recording.failed_because, "user_id": about,
    })
}

/// Writes an event, without telling anybody who watches the consultation.
pub(crate) fn emit(
    tx: &mut Tx<'_>,
    recording: &Recording,
    event_type: &'static str,
    about: Option<UserId>,
) -> Result<Value> {
    let data = data(recording, about);
    let (entity, subject) = (recording.entity(), recording.patient_id.uuid());
    tx.emit(Fact { entity, version: recording.version, event_type, schema: 1, subject, data: &data })?;
    Ok(data)
}

/// Writes an event and tells the consultation.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    recording: &Recording,
    event_type: &'static str,
    about: Option<UserId>,
) -> Result<()> {
    let data = emit(tx, recording, event_type, about)?;
    publish(tx, recording, event_type, &data)
}

/// Tells the consultation how far processing is.
pub(crate) fn tell_progress(tx: &mut Tx<'_>, recording: &Recording) -> Result<()> {
    publish(tx, recording, "recording_progress", &data(recording, None))
}

fn publish(tx: &mut Tx<'_>, recording: &Recording, event_type: &str, data: &Value) -> Result<()> {
    tx.publish(&topic(recording.consultation_id), event_type, recording.patient_id.uuid(), data).map(|_| ())
}

/// Under which name a change is told, and whom it is about.
pub(crate) fn name(change: &Change, recording: &Recording) -> (&'static str, Option<UserId>) {
    match change {
        Change::Said(consent) => {
            let name = match consent.decision {
                Decision::Given => "recording_consent_given",
                Decision::Refused => "recording_refused",
                Decision::Withdrawn => "recording_consent_withdrawn",
            };
            (name, Some(consent.user_id))
        }
        Change::Started => ("recording_started", None),
        Change::Refused => ("recording_refused", recording.consents.last().map(|consent| consent.user_id)),
        Change::Lapsed => ("recording_lapsed", None),
        Change::Stopped { .. } => ("recording_stopped", None),
    }
}
