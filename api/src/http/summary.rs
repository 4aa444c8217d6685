//! What a clinician in the room needs to know of the patient, put together from the modules that know it.

use actix_web::web::Path;
use consilium_consultations::{Consultation, PastConsultation, consultation_for_clinician, past_consultations};
use consilium_db::Session;
use consilium_kernel::{CommandMeta, ConsultationId, EntityRef, Refusal, Scope, Timestamp};
use consilium_people::Patient;
use consilium_prescribing::{Prescription, diagnoses, running_prescriptions};
use consilium_scheduling::Appointment;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    command::{Nothing, Query, Shared, path_id},
    notes::NotesResponse,
    prescriptions::MedicineBody,
};

/// Past consultations shown at most.
const MOST_CONSULTATIONS: i64 = 20;
/// Prescriptions looked at for what is still taken, and for what was diagnosed.
const MOST_PRESCRIPTIONS: i64 = 100;

/// Who comes.
#[derive(Serialize, ToSchema)]
#[schema(as = SummaryPatient)]
pub struct PatientResponse {
    id: uuid::Uuid,
    given_name: String,
    family_name: String,
    #[schema(value_type = Option<String>, format = "date")]
    birth_date: Option<String>,
    /// In whole years, on today's date of the appointment's time zone.
    age: Option<i16>,
    gender: Option<String>,
    blood_type: Option<String>,
    allergies: Vec<String>,
    conditions: Vec<String>,
}

/// Why they come.
#[derive(Serialize, ToSchema)]
#[schema(as = SummaryAppointment)]
pub struct AppointmentResponse {
    id: uuid::Uuid,
    #[schema(value_type = String, format = "date-time")]
    starts_at: Timestamp,
    visit_type: String,
    is_emergency: bool,
    reason: Option<String>,
    symptoms: Option<String>,
}

/// A consultation that the doctor and the patient had before.
#[derive(Serialize, ToSchema)]
#[schema(as = PastConsultation)]
pub struct PastResponse {
    id: uuid::Uuid,
    #[schema(value_type = String, format = "date-time")]
    starts_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended_at: Option<Timestamp>,
    /// As on its prescriptions.
    diagnoses: Vec<String>,
    /// Null when none were written.
    notes: Option<NotesResponse>,
}

/// A prescription whose medicines may still be taken, whoever of the facility issued it.
#[derive(Serialize, ToSchema)]
#[schema(as = RunningPrescription)]
pub struct RunningResponse {
    id: uuid::Uuid,
    #[schema(value_type = String, format = "date-time")]
    issued_at: Timestamp,
    doctor_id: uuid::Uuid,
    doctor_name: String,
    diagnosis: String,
    medicines: Vec<MedicineBody>,
    /// Of the prescription: see there.
    status: String,
}

/// The patient at a glance.
#[derive(Serialize, ToSchema)]
#[schema(as = PatientSummary)]
pub struct SummaryResponse {
    consultation_id: uuid::Uuid,
    patient: PatientResponse,
    appointment: AppointmentResponse,
    /// The newest first, at most 20.
    past_consultations: Vec<PastResponse>,
    running_prescriptions: Vec<RunningResponse>,
    /// Null: no vitals are kept yet.
    #[schema(value_type = Option<Object>)]
    last_vitals: Option<()>,
}

/// What the modules know.
struct Known {
    consultation: Consultation,
    patient: Patient,
    appointment: Appointment,
    past: Vec<PastConsultation>,
    diagnoses: std::collections::BTreeMap<ConsultationId, Vec<String>>,
    running: Vec<Prescription>,
    today: Date,
}

/// The patient at a glance, before and during a consultation: for its clinicians and the nurses beside them. Every
/// read is audited.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/summary", operation_id = "get_patient_summary", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The patient", body = SummaryResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<SummaryResponse> {
    let (id, meta) = (path_id(&id)?, query.meta);
    let caller = meta.clone();
    let known = state.db.read(move |session| known(session, &caller, id)).await.map_err(Refusal::from)?;
    let (entity, version) = (EntityRef::new("consultation", id.uuid()), known.consultation.version);
    let audited = state.db.write(&meta, move |tx| tx.audit("read_patient_summary", &entity, version)).await;
    audited.map_err(Refusal::from)?;
    Ok(Answer::ok(summary(known)))
}

/// A fixed number of queries, however much there is.
fn known(session: &mut Session<'_>, meta: &CommandMeta, id: ConsultationId) -> consilium_db::Result<Known> {
    let consultation = consultation_for_clinician(session, meta, id)?;
    let scope = Scope::of(consultation.facility_id);
    let patient = consilium_people::patient(session, consultation.patient_id)?.ok_or_else(Refusal::not_found)?;
    let appointment = consilium_scheduling::appointment(session, scope, consultation.appointment_id)?;
    let appointment = appointment.ok_or_else(Refusal::not_found)?;
    let past = past_consultations(session, &consultation, MOST_CONSULTATIONS)?;
    let ids: Vec<ConsultationId> = past.iter().map(|past| past.id).collect();
    let diagnoses = diagnoses(session, scope, &ids, MOST_PRESCRIPTIONS)?;
    let running = running_prescriptions(session, scope, consultation.patient_id, MOST_PRESCRIPTIONS)?;
    let today = session.now().to_zoned(appointment.time_zone.rules().clone()).date();
    Ok(Known { consultation, patient, appointment, past, diagnoses, running, today })
}

fn summary(known: Known) -> SummaryResponse {
    let Known { consultation, patient, appointment, past, mut diagnoses, running, today } = known;
    SummaryResponse {
        consultation_id: consultation.id.uuid(),
        patient: PatientResponse {
            id: patient.id.uuid(),
            age: patient.birth_date.map(|birth| age(birth, today)),
            birth_date: patient.birth_date.map(|date| date.to_string()),
            given_name: patient.given_name,
            family_name: patient.family_name,
            gender: patient.gender.map(|gender| gender.to_string()),
            blood_type: patient.blood_type.map(|blood| blood.to_string()),
            allergies: patient.allergies,
            conditions: patient.conditions,
        },
        appointment: AppointmentResponse {
            id: appointment.id.uuid(),
            starts_at: appointment.starts_at,
            visit_type: appointment.visit_type.to_string(),
            is_emergency: appointment.is_emergency,
            reason: appointment.reason,
            symptoms: appointment.symptoms,
        },
        past_consultations: past
            .into_iter()
            .map(|past| PastResponse {
                id: past.id.uuid(),
                starts_at: past.starts_at,
                started_at: past.started_at,
                ended_at: past.ended_at,
                diagnoses: diagnoses.remove(&past.id).unwrap_or_default(),
                notes: past.notes.map(NotesResponse::from),
            })
            .collect(),
        running_prescriptions: running.into_iter().map(running_response).collect(),
        last_vitals: None,
    }
}

fn running_response(prescription: Prescription) -> RunningResponse {
    let status = prescription.status().to_string();
    let document = prescription.document;
    RunningResponse {
        id: document.id.uuid(),
        issued_at: document.issued_at,
        doctor_id: document.doctor.id.uuid(),
        doctor_name: document.doctor.display_name,
        diagnosis: document.diagnosis,
        medicines: document.medicines.into_iter().map(MedicineBody::from).collect(),
        status,
    }
}

/// Whole years; somebody born on 29 February is a year older on 1 March.
fn age(birth: Date, today: Date) -> i16 {
    let had_birthday = (today.month(), today.day()) >= (birth.month(), birth.day());
    today.year() - birth.year() - i16::from(!had_birthday)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_gets_older_on_the_birthday() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        for (birth, today, expected) in [
            ("1990-06-02", "2026-06-01", 35),
            ("1990-06-01", "2026-06-01", 36),
            ("2026-06-01", "2026-06-01", 0),
            ("2000-02-29", "2026-02-28", 25),
            ("2000-02-29", "2026-03-01", 26),
        ] {
            assert_eq!(age(day(birth), day(today)), expected, "{birth} {today}");
        }
    }
}
