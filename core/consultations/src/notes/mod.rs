//! The doctor's notes on a consultation. Nobody but the treating doctor reads them here.

mod decide;
mod model;
mod signing;

use consilium_db::{Error, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, ConsultationId, Refusal, UserId};
use serde_json::json;

pub use model::{Amendment, AmendmentId, AmendmentText, Notes, NotesText, Signed, Signer};
pub(crate) use model::{AmendmentDocument, NotesDocument};

use crate::{
    facts,
    model::{Consultation, Part},
    refusal::ConsultationRefusal::NotesChanged,
    service::Consultations,
    store,
};

impl Consultations {
    /// The notes with their amendments, for the treating doctor only. The read is audited.
    pub async fn notes(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Notes, Refusal> {
        let caller = meta.clone();
        let found = self.db.write(meta, move |tx| {
            doctors_own(tx, &caller, id)?;
            let notes = store::notes(tx, id)?;
            tx.audit("read_notes", &facts::entity(id), notes.version)?;
            Ok(notes)
        });
        Ok(found.await?)
    }

    /// Replaces version `expected` of the notes (0 for the first ones). `stale` when it is not the present one,
    /// `notes_signed` when they are no draft any more.
    pub async fn put_notes(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        expected: i64,
        text: NotesText,
    ) -> Result<Notes, Refusal> {
        decide::check_notes(&text)?;
        let command = meta.clone();
        let saved = self.db.command(&meta, move |tx| {
            let (consultation, author) = doctors_own(tx, &command, id)?;
            decide::may_replace(store::notes_signed(tx, id)?)?;
            let notes = store::save_notes(tx, &consultation, author, expected, &text)?;
            tell(tx, &consultation, "notes_updated", notes.version)?;
            Ok(notes)
        });
        saved.await.map_err(changed)
    }
}

/// What happened to the notes, without anything of them; never told on the topic.
fn tell(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    event_type: &'static str,
    version: i64,
) -> consilium_db::Result<()> {
    tx.emit(Fact {
        entity: facts::entity(consultation.id),
        version,
        event_type,
        schema: 1,
        subject: consultation.patient_id.uuid(),
        data: &json!({
            "consultation_id": consultation.id,
            "doctor_id": consultation.doctor_id,
            "patient_id": consultation.patient_id,
        }),
    })
}

fn changed(error: Error) -> Refusal {
    match error {
        Error::VersionConflict => NotesChanged.refusal(),
        other => other.into(),
    }
}

/// The consultation, if the caller is its doctor. Others who take part are told that notes are not theirs to see
/// here; nobody else is told anything.
fn doctors_own(
    tx: &mut Tx<'_>,
    meta: &CommandMeta,
    id: ConsultationId,
) -> consilium_db::Result<(Consultation, UserId)> {
    let consultation = store::find(tx, id)?.ok_or(Refusal::not_found())?;
    let user = meta.principal.user_id().ok_or(Refusal::not_found())?;
    match consultation.part_of(&meta.principal) {
        Some(Part::Doctor) => Ok((consultation, user)),
        Some(_) => Err(Refusal::forbidden().into()),
        None => Err(Refusal::not_found().into()),
    }
}
