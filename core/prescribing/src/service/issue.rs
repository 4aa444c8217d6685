//! Writing and signing a prescription.

use consilium_consultations::{Consultation, Part, consultation};
use consilium_db::{Result, Tx, facilities::facility, signing};
use consilium_kernel::{CommandMeta, ConsultationId, FieldError, Language, Refusal};
use jiff::ToSpan;

use super::{Prescribing, PrescribingSettings};
use crate::{
    code::VerificationCode,
    decide::{self, Order},
    document::{FORMAT, PatientFacts, Place, Prescriber, SignedDocument},
    facts,
    model::{Prescription, PrescriptionDraft, Status},
    refusal::PrescribingRefusal::NotVerified,
    store,
};

/// What a prescription may hold in all, so that it can be printed: less than documents are bound to.
const LARGEST: usize = 18_000;

impl Prescribing {
    /// Signs a prescription, for the doctor of the consultation, which runs or is completed. Whoever else asks is
    /// told that there is no such consultation.
    pub async fn issue(
        &self,
        meta: &CommandMeta,
        consultation: ConsultationId,
        draft: PrescriptionDraft,
    ) -> Result<Prescription, Refusal> {
        let code = VerificationCode::random()?;
        let (inner, command) = (self.inner().clone(), meta.clone());
        let work = async move {
            let settings = inner.settings.clone();
            let write = move |tx: &mut Tx<'_>| issue(tx, &settings, consultation, &draft, &code);
            Ok(inner.db.command(&command, write).await?)
        };
        self.inner().db.once(meta, work).await
    }
}

fn issue(
    tx: &mut Tx<'_>,
    settings: &PrescribingSettings,
    id: ConsultationId,
    draft: &PrescriptionDraft,
    code: &VerificationCode,
) -> Result<Prescription> {
    let principal = &tx.meta().principal;
    let found = consultation(tx, id)?.filter(|found| found.part_of(principal) == Some(Part::Doctor));
    let consultation = found.ok_or_else(Refusal::not_found)?;
    decide::may_prescribe_in(consultation.status)?;
    let doctor = consilium_people::doctor(tx, consultation.doctor_id)?.ok_or_else(Refusal::not_found)?;
    if !doctor.verified {
        return Err(NotVerified.refusal().into());
    }
    let today = tx.now().to_zoned(doctor.time_zone.rules().clone()).date();
    let order = decide::check(draft, today)?;
    let prescriber = Prescriber {
        id: doctor.id,
        display_name: doctor.display_name,
        licence_number: doctor.licence_number,
        specialty: doctor.specialty,
    };
    let document = document(tx, settings, &consultation, prescriber, order, code)?;
    if document.size() > LARGEST {
        let detail = format!("is more than can be printed: at most {LARGEST} characters in all");
        let error = FieldError { pointer: String::new(), code: "too_long".into(), detail };
        return Err(Refusal::invalid(vec![error]).into());
    }
    let text = signing::canonical(&document)?;
    let signature = signing::sign(tx.vault().keys(), &text)?;
    let row = store::insert(tx, &document, &text, &signature)?;
    let told = facts::emit(tx, "prescription_issued", &row, Status::Issued, None)?;
    facts::advise_follow_up(tx, &row, document.follow_up_on)?;
    told.publish(tx)?;
    Ok(Prescription { document, signature, withdrawn_at: None, dispatch: None, version: row.version })
}

/// The order with the facts of this moment.
fn document(
    tx: &mut Tx<'_>,
    settings: &PrescribingSettings,
    consultation: &Consultation,
    doctor: Prescriber,
    order: Order,
    code: &VerificationCode,
) -> Result<SignedDocument> {
    let patient = consilium_people::patient(tx, consultation.patient_id)?.ok_or_else(Refusal::not_found)?;
    let place = facility(tx, consultation.facility_id)?.ok_or_else(Refusal::internal)?;
    let contact = match patient.user_id {
        Some(user) => consilium_identity::contact(tx, user)?,
        None => None,
    };
    let issued_at = tx.now();
    let issued_on = issued_at.to_zoned(place.time_zone.rules().clone()).date();
    Ok(SignedDocument {
        format: FORMAT.to_owned(),
        id: tx.new_id(),
        consultation_id: consultation.id,
        facility: Place { id: place.id, name: place.name, time_zone: place.time_zone },
        doctor,
        patient: PatientFacts {
            id: patient.id,
            given_name: patient.given_name,
            family_name: patient.family_name,
            birth_date: patient.birth_date,
            allergies: patient.allergies,
        },
        issued_at,
        diagnosis: order.diagnosis,
        medicines: order.medicines,
        advice: order.advice,
        follow_up_on: order.follow_up_on,
        valid_until: issued_on.saturating_add(i64::from(settings.valid_days).days()),
        verification_code: code.clone(),
        language: contact.map_or_else(Language::english, |contact| contact.language).into(),
    })
}
