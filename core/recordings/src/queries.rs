//! What is known of recordings: for whoever takes part in the consultation, and for administrators.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, ConsultationId, Refusal};

use crate::{
    commands::participant,
    holds::administrator,
    model::{Recording, RecordingId},
    service::Recordings,
    store,
};

impl Recordings {
    /// One recording. Not the patient's own reads are audited.
    pub async fn recording(&self, meta: &CommandMeta, id: RecordingId) -> Result<Recording, Refusal> {
        let command = meta.clone();
        let read = move |tx: &mut Tx<'_>| {
            let recording = store::find(tx, command.scope, id)?.ok_or_else(Refusal::not_found)?;
            if administrator(&command).is_none() {
                participant(tx, &command, recording.consultation_id)?;
            }
            if command.principal.user().is_some_and(|user| user.patient_id.is_none()) {
                tx.audit("read_recording", &recording.entity(), recording.version)?;
            }
            Ok(recording)
        };
        Ok(self.db.write(meta, read).await?)
    }

    /// The recordings of a consultation, oldest first: there are few.
    pub async fn recordings(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Vec<Recording>, Refusal> {
        let command = meta.clone();
        let read = move |tx: &mut Tx<'_>| {
            let found = consilium_consultations::consultation(tx, id)?;
            let known = found.filter(|found| found.facility_id == command.scope.facility_id);
            let known = known.ok_or_else(Refusal::not_found)?;
            if administrator(&command).is_none() {
                participant(tx, &command, id)?;
            }
            let recordings = store::of_consultation(tx, known.id)?;
            if command.principal.user().is_some_and(|user| user.patient_id.is_none()) {
                for recording in &recordings {
                    tx.audit("read_recording", &recording.entity(), recording.version)?;
                }
            }
            Ok(recordings)
        };
        Ok(self.db.write(meta, read).await?)
    }
}
