//! Signing notes, and amending them afterwards. Each signature is over a text that names the one before.

use consilium_db::{Result, Tx, signing};
use consilium_kernel::{CommandMeta, ConsultationId, Refusal};

use super::{
    Amendment, AmendmentDocument, AmendmentText, Notes, NotesDocument, Signed, Signer, changed, decide, doctors_own,
    tell,
};
use crate::{model::Consultation, refusal::ConsultationRefusal::NotesChanged, service::Consultations, store};

impl Consultations {
    /// Signs the notes as they are; from then on they are only amended. With `expected`, only that version of them.
    pub async fn sign_notes(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        expected: Option<i64>,
    ) -> Result<Notes, Refusal> {
        self.write_signed(meta, move |tx, command| {
            let (consultation, _) = doctors_own(tx, command, id)?;
            let mut notes = store::notes(tx, id)?;
            decide::may_replace(notes.signed.is_some())?;
            if expected.is_some_and(|expected| expected != notes.version) {
                return Err(NotesChanged.refusal().into());
            }
            decide::may_sign(consultation.status, &notes.text, notes.signed.is_some())?;
            let document = NotesDocument {
                format: "consilium-notes/1".to_owned(),
                consultation_id: id,
                facility_id: consultation.facility_id,
                patient_id: consultation.patient_id,
                doctor: signer(tx, &consultation)?,
                signed_at: tx.now(),
                notes: notes.text.clone(),
            };
            let signed = signed(tx, signing::canonical(&document)?)?;
            notes.version = store::sign_notes(tx, &consultation, notes.version, &signed)?;
            notes.updated_at = Some(signed.at);
            notes.signed = Some(signed);
            tell(tx, &consultation, "notes_signed", notes.version)?;
            Ok(notes)
        })
        .await
    }

    /// Adds to signed notes, with its reason and a signature of its own.
    pub async fn amend_notes(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        amendment: AmendmentText,
    ) -> Result<Notes, Refusal> {
        decide::check_amendment(&amendment)?;
        self.write_signed(meta, move |tx, command| {
            let (consultation, _) = doctors_own(tx, command, id)?;
            let mut notes = store::notes(tx, id)?;
            decide::may_amend(notes.signed.is_some(), notes.amendments.len())?;
            let before = notes.amendments.last().map(|last| &last.signed).or(notes.signed.as_ref());
            let follows = before.map(|signed| hex(&signed.signature.bytes)).unwrap_or_default();
            let document = AmendmentDocument {
                format: "consilium-notes-amendment/1".to_owned(),
                id: tx.new_id(),
                consultation_id: id,
                number: notes.amendments.last().map_or(0, |last| last.number) + 1,
                follows,
                doctor: signer(tx, &consultation)?,
                signed_at: tx.now(),
                text: amendment.text.clone(),
                reason: amendment.reason.clone(),
            };
            let signed = signed(tx, signing::canonical(&document)?)?;
            notes.version = store::amend_notes(tx, &consultation, notes.version, &document, &signed)?;
            notes.updated_at = Some(signed.at);
            let AmendmentDocument { id: amendment_id, number, doctor, .. } = document;
            let text = amendment.clone();
            notes.amendments.push(Amendment { id: amendment_id, number, text, doctor, signed });
            tell(tx, &consultation, "notes_amended", notes.version)?;
            Ok(notes)
        })
        .await
    }

    async fn write_signed(
        &self,
        meta: CommandMeta,
        write: impl Fn(&mut Tx<'_>, &CommandMeta) -> Result<Notes> + Send + 'static,
    ) -> Result<Notes, Refusal> {
        let (db, once, command) = (self.db.clone(), meta.clone(), meta.clone());
        let work = async move { db.command(&meta, move |tx| write(tx, &command)).await.map_err(changed) };
        self.db.once(&once, work).await
    }
}

fn signer(tx: &mut Tx<'_>, consultation: &Consultation) -> Result<Signer> {
    let doctor = consilium_people::doctor(tx, consultation.doctor_id)?.ok_or(Refusal::not_found())?;
    Ok(Signer { id: doctor.id, display_name: doctor.display_name })
}

fn signed(tx: &mut Tx<'_>, document: String) -> Result<Signed> {
    let signature = signing::sign(tx.vault().keys(), &document)?;
    Ok(Signed { at: tx.now(), document, signature })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
