//! Prescriptions: written in a consultation, read, printed, sent, withdrawn, and checked by anybody.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Path};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use consilium_kernel::{PrescriptionId, Timestamp, not_a_cursor};
use consilium_prescribing::{
    Dispatch, Medicine, MedicineDraft, Prescription, PrescriptionDraft, SignedDocument, Verified,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    problem::Problem,
};

/// One medicine.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Medicine)]
pub struct MedicineBody {
    /// Name and strength.
    #[schema(min_length = 1, max_length = 200, example = "Amoxicillin 500 mg")]
    name: String,
    #[schema(min_length = 1, max_length = 100, example = "1 capsule")]
    dose: String,
    #[schema(min_length = 1, max_length = 100, example = "oral")]
    route: String,
    #[schema(min_length = 1, max_length = 100, example = "three times a day")]
    frequency: String,
    #[schema(minimum = 1, maximum = 365)]
    duration_days: i64,
    /// Units to dispense.
    #[schema(minimum = 1, maximum = 10000)]
    quantity: Option<i64>,
    #[schema(max_length = 1000)]
    instructions: Option<String>,
}

impl From<MedicineBody> for MedicineDraft {
    fn from(body: MedicineBody) -> Self {
        let MedicineBody { name, dose, route, frequency, duration_days, quantity, instructions } = body;
        Self { name, dose, route, frequency, duration_days, quantity, instructions }
    }
}

impl From<Medicine> for MedicineBody {
    fn from(medicine: Medicine) -> Self {
        Self {
            name: medicine.name,
            dose: medicine.dose,
            route: medicine.route,
            frequency: medicine.frequency,
            duration_days: i64::from(medicine.duration_days),
            quantity: medicine.quantity.map(i64::from),
            instructions: medicine.instructions,
        }
    }
}

/// What a doctor prescribes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrescriptionRequest {
    #[schema(min_length = 1, max_length = 2000)]
    diagnosis: String,
    #[schema(min_items = 1, max_items = 30)]
    medicines: Vec<MedicineBody>,
    #[schema(max_length = 4000)]
    advice: Option<String>,
    /// Today, in the doctor's zone, or later.
    #[schema(format = "date")]
    follow_up_on: Option<String>,
}

/// Who signed.
#[derive(Serialize, ToSchema)]
#[schema(as = Prescriber)]
pub struct PrescriberResponse {
    id: uuid::Uuid,
    display_name: String,
    licence_number: Option<String>,
    specialty: Option<String>,
}

/// The patient as known on the day of issue.
#[derive(Serialize, ToSchema)]
#[schema(as = PrescriptionPatient)]
pub struct PatientFactsResponse {
    id: uuid::Uuid,
    given_name: String,
    family_name: String,
    #[schema(value_type = Option<String>, format = "date")]
    birth_date: Option<String>,
    allergies: Vec<String>,
}

/// Ed25519 over the canonical JSON (RFC 8785) of the signed document.
#[derive(Serialize, ToSchema)]
#[schema(as = PrescriptionSignature)]
pub struct SignatureResponse {
    algorithm: &'static str,
    /// Names the key.
    key: String,
    /// Base64 of 64 bytes.
    value: String,
}

/// The way to a pharmacy.
#[derive(Serialize, ToSchema)]
#[schema(as = Dispatch)]
pub struct DispatchResponse {
    id: uuid::Uuid,
    /// Which pharmacy, for gateways that serve several.
    pharmacy_id: Option<String>,
    /// `queued`, `sent`, `accepted`, `preparing`, `ready`, `dispensed`, `rejected`, `cancelled` or `failed`.
    status: String,
    /// How often it was handed over.
    attempts: i32,
    /// Machine code of what went wrong last.
    problem: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    requested_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

impl From<Dispatch> for DispatchResponse {
    fn from(dispatch: Dispatch) -> Self {
        Self {
            id: dispatch.id,
            pharmacy_id: dispatch.pharmacy_id,
            status: dispatch.status.to_string(),
            attempts: dispatch.attempts,
            problem: dispatch.problem,
            requested_at: dispatch.requested_at,
            updated_at: dispatch.updated_at,
        }
    }
}

/// A signed prescription and where it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Prescription)]
pub struct PrescriptionResponse {
    id: uuid::Uuid,
    consultation_id: uuid::Uuid,
    doctor_id: uuid::Uuid,
    patient_id: uuid::Uuid,
    /// `issued`, the status of its dispatch, or `withdrawn`.
    status: String,
    doctor: PrescriberResponse,
    patient: PatientFactsResponse,
    #[schema(value_type = String, format = "date-time")]
    issued_at: Timestamp,
    diagnosis: String,
    medicines: Vec<MedicineBody>,
    advice: Option<String>,
    #[schema(value_type = Option<String>, format = "date")]
    follow_up_on: Option<String>,
    /// Last day on which it may be dispensed.
    #[schema(value_type = String, format = "date")]
    valid_until: String,
    /// For `/verify/{code}`.
    verification_code: String,
    signature: SignatureResponse,
    /// The latest one.
    dispatch: Option<DispatchResponse>,
    #[schema(value_type = Option<String>, format = "date-time")]
    withdrawn_at: Option<Timestamp>,
}

impl From<Prescription> for PrescriptionResponse {
    fn from(prescription: Prescription) -> Self {
        let status = prescription.status().to_string();
        let Prescription { document, signature, withdrawn_at, dispatch, .. } = prescription;
        let SignedDocument { doctor, patient, .. } = document;
        Self {
            id: document.id.uuid(),
            consultation_id: document.consultation_id.uuid(),
            doctor_id: doctor.id.uuid(),
            patient_id: patient.id.uuid(),
            status,
            doctor: PrescriberResponse {
                id: doctor.id.uuid(),
                display_name: doctor.display_name,
                licence_number: doctor.licence_number,
                specialty: doctor.specialty,
            },
            patient: PatientFactsResponse {
                id: patient.id.uuid(),
                given_name: patient.given_name,
                family_name: patient.family_name,
                birth_date: patient.birth_date.map(|date| date.to_string()),
                allergies: patient.allergies,
            },
            issued_at: document.issued_at,
            diagnosis: document.diagnosis,
            medicines: document.medicines.into_iter().map(MedicineBody::from).collect(),
            advice: document.advice,
            follow_up_on: document.follow_up_on.map(|date| date.to_string()),
            valid_until: document.valid_until.to_string(),
            verification_code: document.verification_code.to_string(),
            signature: SignatureResponse {
                algorithm: "Ed25519",
                key: signature.key,
                value: BASE64.encode(signature.bytes),
            },
            dispatch: dispatch.map(DispatchResponse::from),
            withdrawn_at,
        }
    }
}

fn answer(prescription: Prescription) -> Answer<PrescriptionResponse> {
    let version = prescription.version;
    Answer::ok(prescription.into()).versioned(version)
}

/// Writes and signs a prescription. Only the consultation's doctor, while it runs or after it is completed.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/prescriptions", operation_id = "issue_prescription", tag = "prescriptions",
    request_body = PrescriptionRequest, params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The signed prescription", body = PrescriptionResponse)))]
pub async fn issue(
    state: Shared,
    id: Path<String>,
    command: Command<PrescriptionRequest>,
) -> Result<PrescriptionResponse> {
    let body = command.body;
    let draft = PrescriptionDraft {
        diagnosis: body.diagnosis,
        medicines: body.medicines.into_iter().map(MedicineDraft::from).collect(),
        advice: body.advice,
        follow_up_on: body.follow_up_on,
    };
    let prescription = state.prescribing.issue(&command.meta, path_id(&id)?, draft).await?;
    let (location, version) = (format!("/api/v1/prescriptions/{}", prescription.document.id), prescription.version);
    Ok(Answer::created(location, prescription.into()).versioned(version))
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PrescriptionQuery {
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A part of a list of prescriptions.
#[derive(Serialize, ToSchema)]
pub struct PrescriptionPage {
    pub(super) items: Vec<PrescriptionResponse>,
    pub(super) next_cursor: Option<String>,
}

/// The prescriptions of a consultation, the newest first. Reads by others than the patient are audited.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/prescriptions", operation_id = "list_prescriptions", tag = "prescriptions",
    params(("id" = uuid::Uuid, Path), PrescriptionQuery),
    responses((status = 200, description = "Prescriptions", body = PrescriptionPage)))]
pub async fn list(state: Shared, id: Path<String>, query: Query<PrescriptionQuery>) -> Result<PrescriptionPage> {
    let Query { meta, query } = query;
    let cursor = query.cursor.as_deref().map(str::parse).transpose().map_err(|_| not_a_cursor())?;
    let page = state.prescribing.of_consultation(&meta, path_id(&id)?, query.limit, cursor).await?;
    let items = page.items.into_iter().map(PrescriptionResponse::from).collect();
    Ok(Answer::ok(PrescriptionPage { items, next_cursor: page.next_cursor.map(|id| id.to_string()) }))
}

/// A prescription, for its patient, its doctor and the facility's pharmacists. Reads by others than the patient
/// are audited.
#[utoipa::path(get, path = "/api/v1/prescriptions/{id}", operation_id = "get_prescription", tag = "prescriptions", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The prescription", body = PrescriptionResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<PrescriptionResponse> {
    Ok(answer(state.prescribing.prescription(&query.meta, path_id(&id)?).await?))
}

/// The prescription on paper, with its verification code. What was signed never changes, and neither does this.
#[utoipa::path(get, path = "/api/v1/prescriptions/{id}/pdf", operation_id = "get_prescription_pdf", tag = "prescriptions", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The PDF", body = Vec<u8>, content_type = "application/pdf")))]
pub async fn pdf(
    state: Shared,
    id: Path<String>,
    query: Query<Nothing>,
    request: HttpRequest,
) -> std::result::Result<HttpResponse, Problem> {
    let id = path_id::<PrescriptionId>(&id)?;
    let (_, pdf) = state.prescribing.pdf(&query.meta, id).await?;
    let hash = ring::digest::digest(&ring::digest::SHA256, &pdf);
    let etag = format!("\"{}\"", hex::encode(hash.as_ref().get(..12).unwrap_or_default()));
    let seen = request.headers().get(header::IF_NONE_MATCH).and_then(|seen| seen.to_str().ok());
    let fresh = seen.is_some_and(|seen| {
        seen.split(',').any(|one| matches!(one.trim(), "*") || one.trim().trim_start_matches("W/") == etag)
    });
    let mut response = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, etag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if fresh {
        return Ok(response.finish());
    }
    let named = format!("inline; filename=\"prescription-{id}.pdf\"");
    Ok(response.insert_header((header::CONTENT_DISPOSITION, named)).content_type("application/pdf").body(pdf.to_vec()))
}

/// Where to send it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendPrescriptionRequest {
    /// Which pharmacy, for gateways that serve several.
    #[schema(min_length = 1, max_length = 100)]
    pharmacy_id: Option<String>,
}

/// Sends the prescription to a pharmacy, once. It is handed over in the background; `dispatch` says how far it is.
#[utoipa::path(post, path = "/api/v1/prescriptions/{id}/send", operation_id = "send_prescription", tag = "prescriptions",
    request_body = SendPrescriptionRequest, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The prescription with its dispatch", body = PrescriptionResponse)))]
pub async fn send(
    state: Shared,
    id: Path<String>,
    command: Command<SendPrescriptionRequest>,
) -> Result<PrescriptionResponse> {
    Ok(answer(state.prescribing.send(&command.meta, path_id(&id)?, command.body.pharmacy_id).await?))
}

/// Nothing to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawPrescriptionRequest {}

/// Takes back a prescription that was not dispensed. Only the doctor who issued it.
#[utoipa::path(post, path = "/api/v1/prescriptions/{id}/withdraw", operation_id = "withdraw_prescription", tag = "prescriptions",
    request_body = WithdrawPrescriptionRequest, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The withdrawn prescription", body = PrescriptionResponse)))]
pub async fn withdraw(
    state: Shared,
    id: Path<String>,
    command: Command<WithdrawPrescriptionRequest>,
) -> Result<PrescriptionResponse> {
    Ok(answer(state.prescribing.withdraw(&command.meta, path_id(&id)?).await?))
}

/// All that a verification code tells.
#[derive(Serialize, ToSchema)]
#[schema(as = PrescriptionVerification)]
pub struct VerificationResponse {
    /// Whether a prescription with this code bears a valid signature.
    genuine: bool,
    /// Who signed it.
    doctor: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    issued_at: Option<Timestamp>,
    /// Whether its doctor took it back.
    withdrawn: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    withdrawn_at: Option<Timestamp>,
}

impl From<Verified> for VerificationResponse {
    fn from(verified: Verified) -> Self {
        Self {
            genuine: verified.genuine,
            doctor: verified.doctor,
            issued_at: verified.issued_at,
            withdrawn: verified.withdrawn_at.is_some(),
            withdrawn_at: verified.withdrawn_at,
        }
    }
}

/// Whether the prescription with this code is genuine, by whom, from when, and not withdrawn. Tells nothing of the
/// patient or the medicines. A code that was never given is 404.
#[utoipa::path(get, path = "/api/v1/verify/{code}", operation_id = "verify_prescription", tag = "prescriptions",
    params(("code" = String, Path, description = "`XXXX-XXXX-XXXX-XXXX` as printed; case and hyphens do not matter")),
    responses((status = 200, description = "What the code tells", body = VerificationResponse)))]
pub async fn verify(state: Shared, code: Path<String>, _: Query<Nothing>) -> Result<VerificationResponse> {
    Ok(Answer::ok(state.prescribing.verify(&code).await?.into()))
}
