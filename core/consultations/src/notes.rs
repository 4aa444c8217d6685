//! The doctor's notes on a consultation. Nobody but the treating doctor reads them here.

use consilium_db::{Error, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, ConsultationId, FieldError, Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    facts,
    model::{Consultation, Part},
    refusal::ConsultationRefusal::NotesChanged,
    service::Consultations,
    store,
};

/// What the doctor wrote: SOAP fields and whatever does not fit them. Each up to 20,000 characters.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotesText {
    /// What the patient tells.
    pub subjective: String,
    /// What was found.
    pub objective: String,
    /// What the doctor thinks.
    pub assessment: String,
    /// What is to be done.
    pub plan: String,
    /// Anything else.
    pub free_text: String,
}

impl std::fmt::Debug for NotesText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NotesText(…)")
    }
}

/// Notes with their version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The consultation they are about.
    pub consultation_id: ConsultationId,
    /// What they say.
    #[serde(flatten)]
    pub text: NotesText,
    /// 0 as long as nobody has written any.
    pub version: i64,
    /// When they were last written.
    pub updated_at: Option<Timestamp>,
}

/// Characters of one field at most.
const LONGEST: usize = 20_000;

impl NotesText {
    fn check(&self) -> Result<(), Refusal> {
        let fields = [
            ("/subjective", &self.subjective),
            ("/objective", &self.objective),
            ("/assessment", &self.assessment),
            ("/plan", &self.plan),
            ("/free_text", &self.free_text),
        ];
        let errors: Vec<FieldError> = fields
            .into_iter()
            .filter(|(_, text)| text.chars().count() > LONGEST)
            .map(|(pointer, _)| FieldError {
                pointer: pointer.to_owned(),
                code: "too_long".into(),
                detail: format!("has more than {LONGEST} characters"),
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(Refusal::invalid(errors)) }
    }
}

impl Consultations {
    /// The notes, for the treating doctor only. The read is audited.
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

    /// Replaces version `expected` of the notes (0 for the first ones). `stale` when it is not the present one.
    pub async fn put_notes(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        expected: i64,
        text: NotesText,
    ) -> Result<Notes, Refusal> {
        text.check()?;
        let command = meta.clone();
        let saved = self.db.command(&meta, move |tx| {
            let (consultation, author) = doctors_own(tx, &command, id)?;
            let notes = store::save_notes(tx, &consultation, author, expected, &text)?;
            tx.emit(Fact {
                entity: facts::entity(id),
                version: notes.version,
                event_type: "notes_updated",
                schema: 1,
                subject: consultation.patient_id.uuid(),
                data: &json!({
                    "consultation_id": id, "doctor_id": consultation.doctor_id, "patient_id": consultation.patient_id,
                }),
            })?;
            Ok(notes)
        });
        saved.await.map_err(|error| match error {
            Error::VersionConflict => NotesChanged.refusal(),
            other => other.into(),
        })
    }
}

/// The consultation, if the caller is its doctor. Others who take part are told that notes are not theirs to see here;
/// nobody else is told anything.
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
