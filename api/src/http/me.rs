//! One's own account and profile, and patients as staff see them.

use actix_web::web::Path;
use consilium_kernel::{PatientId, Timestamp};
use consilium_people::{EmergencyContactInput, Me, MePatch, Patient, PatientPatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    auth::UserResponse,
    command::{Command, Nothing, Query, Shared, path_id},
    doctors::DoctorResponse,
    parsed::present,
};

/// Whom to call.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmergencyContact)]
pub struct EmergencyContactBody {
    name: String,
    /// What they are to the patient.
    relationship: String,
    /// E.164, such as `+8801700000000`.
    phone: String,
}

/// A patient's profile.
#[derive(Serialize, ToSchema)]
#[schema(as = Patient)]
pub struct PatientResponse {
    id: uuid::Uuid,
    given_name: String,
    family_name: String,
    #[schema(value_type = Option<String>, format = "date")]
    birth_date: Option<String>,
    /// FHIR administrative gender: `male`, `female`, `other` or `unknown`.
    gender: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    blood_type: Option<String>,
    allergies: Vec<String>,
    conditions: Vec<String>,
    emergency_contact: Option<EmergencyContactBody>,
    /// False when the reader may not see blood type, allergies and conditions, which are left out then.
    medical: bool,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl PatientResponse {
    fn of(patient: Patient, medical: bool) -> Self {
        Self {
            id: patient.id.uuid(),
            given_name: patient.given_name,
            family_name: patient.family_name,
            birth_date: patient.birth_date.map(|date| date.to_string()),
            gender: patient.gender.map(|gender| gender.to_string()),
            phone: patient.phone,
            address: patient.address,
            blood_type: patient.blood_type.map(|blood_type| blood_type.to_string()),
            allergies: patient.allergies,
            conditions: patient.conditions,
            emergency_contact: patient.emergency_contact.map(|contact| EmergencyContactBody {
                name: contact.name,
                relationship: contact.relationship,
                phone: contact.phone,
            }),
            medical,
            created_at: patient.created_at,
        }
    }
}

/// One's own account and profile.
#[derive(Serialize, ToSchema)]
#[schema(as = Me)]
pub struct MeResponse {
    #[serde(flatten)]
    user: UserResponse,
    /// For doctors.
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<DoctorResponse>,
    /// For patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<PatientResponse>,
}

impl From<Me> for MeResponse {
    fn from(me: Me) -> Self {
        Self {
            user: me.account.into(),
            doctor: me.doctor.map(DoctorResponse::from),
            patient: me.patient.map(|patient| PatientResponse::of(patient, true)),
        }
    }
}

/// Who one is.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "get_me", tag = "me",
    responses((status = 200, description = "Own account and profile", body = MeResponse)))]
pub async fn get(state: Shared, query: Query<Nothing>) -> Result<MeResponse> {
    Ok(Answer::ok(state.people.me(&query.meta).await?.into()))
}

/// What changes of a patient's profile; a field that is absent stays, one that is null is cleared.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfilePatch {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = "date")]
    birth_date: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    gender: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    blood_type: Option<Option<String>>,
    allergies: Option<Vec<String>>,
    conditions: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<EmergencyContactBody>)]
    emergency_contact: Option<Option<EmergencyContactBody>>,
}

/// What changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MePatchRequest {
    given_name: Option<String>,
    family_name: Option<String>,
    time_zone: Option<String>,
    language: Option<String>,
    /// For patients only.
    patient: Option<ProfilePatch>,
}

/// Changes one's own account and profile.
#[utoipa::path(patch, path = "/api/v1/me", operation_id = "patch_me", tag = "me", request_body = MePatchRequest,
    responses((status = 200, description = "Own account and profile", body = MeResponse)))]
pub async fn patch(state: Shared, command: Command<MePatchRequest>) -> Result<MeResponse> {
    let body = command.body;
    let contact = |contact: EmergencyContactBody| EmergencyContactInput {
        name: contact.name,
        relationship: contact.relationship,
        phone: contact.phone,
    };
    let profile = body.patient.map(|patch| PatientPatch {
        birth_date: patch.birth_date,
        gender: patch.gender,
        phone: patch.phone,
        address: patch.address,
        blood_type: patch.blood_type,
        allergies: patch.allergies,
        conditions: patch.conditions,
        emergency_contact: patch.emergency_contact.map(|value| value.map(contact)),
    });
    let patch = MePatch {
        given_name: body.given_name,
        family_name: body.family_name,
        time_zone: body.time_zone,
        language: body.language,
        profile,
    };
    Ok(Answer::ok(state.people.patch_me(&command.meta, patch).await?.into()))
}

/// A patient, for staff and for doctors who treat the patient. Every read is audited.
#[utoipa::path(get, path = "/api/v1/patients/{id}", operation_id = "get_patient", tag = "patients", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The patient", body = PatientResponse)))]
pub async fn patient(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<PatientResponse> {
    let id = path_id::<PatientId>(&id)?;
    let treats = state.scheduling.treats(&query.meta, id).await?;
    let record = state.people.patient(&query.meta, id, treats).await?;
    Ok(Answer::ok(PatientResponse::of(record.patient, record.medical)))
}
