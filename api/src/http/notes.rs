//! The doctor's notes on a consultation: a draft, signed once, then only amended.

use actix_web::{HttpRequest, web::Path};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use consilium_consultations::{Amendment, AmendmentText, Notes, NotesText, Signed};
use consilium_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, if_match, path_id},
};

/// Ed25519 over the canonical JSON (RFC 8785) of what was signed.
#[derive(Serialize, ToSchema)]
#[schema(as = NotesSignature)]
pub struct SignatureResponse {
    algorithm: &'static str,
    /// Names the key.
    key: String,
    /// Base64 of 64 bytes.
    value: String,
}

impl From<&Signed> for SignatureResponse {
    fn from(signed: &Signed) -> Self {
        let (key, value) = (signed.signature.key.clone(), BASE64.encode(&signed.signature.bytes));
        Self { algorithm: "Ed25519", key, value }
    }
}

/// What was added to signed notes.
#[derive(Serialize, ToSchema)]
#[schema(as = NotesAmendment)]
pub struct AmendmentResponse {
    id: uuid::Uuid,
    /// Counts from 1.
    number: i64,
    /// What holds since.
    text: String,
    /// Why.
    reason: String,
    doctor_id: uuid::Uuid,
    /// As called on that day.
    doctor_name: String,
    #[schema(value_type = String, format = "date-time")]
    signed_at: Timestamp,
    signature: SignatureResponse,
}

impl From<Amendment> for AmendmentResponse {
    fn from(amendment: Amendment) -> Self {
        Self {
            id: amendment.id.uuid(),
            number: amendment.number,
            signature: (&amendment.signed).into(),
            signed_at: amendment.signed.at,
            text: amendment.text.text,
            reason: amendment.text.reason,
            doctor_id: amendment.doctor.id.uuid(),
            doctor_name: amendment.doctor.display_name,
        }
    }
}

/// The doctor's notes.
#[derive(Serialize, ToSchema)]
#[schema(as = Notes)]
pub struct NotesResponse {
    consultation_id: uuid::Uuid,
    /// `draft` or `signed`.
    status: &'static str,
    /// What the patient tells.
    subjective: String,
    /// What was found.
    objective: String,
    /// What the doctor thinks.
    assessment: String,
    /// What is to be done.
    plan: String,
    /// Anything else.
    free_text: String,
    #[schema(value_type = Option<String>, format = "date-time")]
    updated_at: Option<Timestamp>,
    /// Null for a draft.
    #[schema(value_type = Option<String>, format = "date-time")]
    signed_at: Option<Timestamp>,
    /// Null for a draft.
    signature: Option<SignatureResponse>,
    /// Oldest first.
    amendments: Vec<AmendmentResponse>,
}

impl From<Notes> for NotesResponse {
    fn from(notes: Notes) -> Self {
        let NotesText { subjective, objective, assessment, plan, free_text } = notes.text;
        Self {
            consultation_id: notes.consultation_id.uuid(),
            status: if notes.signed.is_some() { "signed" } else { "draft" },
            subjective,
            objective,
            assessment,
            plan,
            free_text,
            updated_at: notes.updated_at,
            signed_at: notes.signed.as_ref().map(|signed| signed.at),
            signature: notes.signed.as_ref().map(SignatureResponse::from),
            amendments: notes.amendments.into_iter().map(AmendmentResponse::from).collect(),
        }
    }
}

fn whole(notes: Notes) -> Answer<NotesResponse> {
    let version = notes.version;
    Answer::ok(NotesResponse::from(notes)).versioned(version)
}

/// The notes, for the treating doctor only. Never written ones are empty.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/notes", operation_id = "get_notes", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The notes", body = NotesResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<NotesResponse> {
    Ok(whole(state.consultations.notes(&query.meta, path_id(&id)?).await?))
}

/// The whole notes; fields left out become empty.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotesRequest {
    #[serde(default)]
    #[schema(max_length = 20000)]
    subjective: String,
    #[serde(default)]
    #[schema(max_length = 20000)]
    objective: String,
    #[serde(default)]
    #[schema(max_length = 20000)]
    assessment: String,
    #[serde(default)]
    #[schema(max_length = 20000)]
    plan: String,
    #[serde(default)]
    #[schema(max_length = 20000)]
    free_text: String,
}

/// Replaces the notes, as long as they are a draft.
#[utoipa::path(put, path = "/api/v1/consultations/{id}/notes", operation_id = "put_notes", tag = "consultations", request_body = NotesRequest,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header, description = "ETag of the notes that were seen")),
    responses((status = 200, description = "The notes", body = NotesResponse)))]
pub async fn put(
    state: Shared,
    id: Path<String>,
    request: HttpRequest,
    command: Command<NotesRequest>,
) -> Result<NotesResponse> {
    let NotesRequest { subjective, objective, assessment, plan, free_text } = command.body;
    let text = NotesText { subjective, objective, assessment, plan, free_text };
    let expected = if_match(&request)?;
    Ok(whole(state.consultations.put_notes(command.meta, path_id(&id)?, expected, text).await?))
}

/// Signs the notes. From then on they are only amended.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/notes/sign", operation_id = "sign_notes", tag = "consultations",
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag of the notes that were seen; with it, only these are signed")),
    responses((status = 200, description = "The signed notes", body = NotesResponse)))]
pub async fn sign(
    state: Shared,
    id: Path<String>,
    request: HttpRequest,
    command: Command<Nothing>,
) -> Result<NotesResponse> {
    let expected = request.headers().contains_key("If-Match").then(|| if_match(&request)).transpose()?;
    Ok(whole(state.consultations.sign_notes(command.meta, path_id(&id)?, expected).await?))
}

/// An addition to signed notes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmendmentRequest {
    /// What holds from now on.
    #[schema(min_length = 1, max_length = 20000)]
    text: String,
    /// Why the notes need it.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Adds to signed notes. What was signed before stays as it is.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/notes/amendments", operation_id = "amend_notes", tag = "consultations",
    params(("id" = uuid::Uuid, Path)), request_body = AmendmentRequest,
    responses((status = 201, description = "The notes with all amendments", body = NotesResponse)))]
pub async fn amend(state: Shared, id: Path<String>, command: Command<AmendmentRequest>) -> Result<NotesResponse> {
    let AmendmentRequest { text, reason } = command.body;
    let amendment = AmendmentText { text, reason };
    let notes = state.consultations.amend_notes(command.meta, path_id(&id)?, amendment).await?;
    let (place, version) = (format!("/api/v1/consultations/{}/notes", notes.consultation_id), notes.version);
    Ok(Answer::created(place, NotesResponse::from(notes)).versioned(version))
}
