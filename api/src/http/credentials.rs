//! Documents by which doctors are verified. They come in as files of purpose `credential`.

use actix_web::web::Path;
use consilium_credentials::{Credential, CredentialKind};
use consilium_kernel::{DoctorId, Id, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    doctors::DoctorResponse,
    files::FileResponse,
    routes::BASE,
};

/// What a document is said to be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = CredentialKind)]
#[serde(rename_all = "snake_case")]
pub enum KindBody {
    /// The licence to practise.
    Licence,
    /// A degree, or a certificate of a board.
    Diploma,
    /// A passport or the like.
    Identity,
}

impl From<KindBody> for CredentialKind {
    fn from(kind: KindBody) -> Self {
        match kind {
            KindBody::Licence => Self::Licence,
            KindBody::Diploma => Self::Diploma,
            KindBody::Identity => Self::Identity,
        }
    }
}

/// A document of a doctor; its file's id names it.
#[derive(Serialize, ToSchema)]
#[schema(as = Credential)]
pub struct CredentialResponse {
    /// `licence`, `diploma` or `identity`.
    kind: String,
    #[schema(value_type = String, format = "date-time")]
    submitted_at: Timestamp,
    file: FileResponse,
}

impl From<Credential> for CredentialResponse {
    fn from(credential: Credential) -> Self {
        let Credential { kind, submitted_at, file } = credential;
        Self { kind: kind.to_string(), submitted_at, file: file.into() }
    }
}

/// A doctor's documents.
#[derive(Serialize, ToSchema)]
pub struct CredentialList {
    /// In the order in which they were submitted; at most 20.
    items: Vec<CredentialResponse>,
    /// Whether a doctor is approved only with at least one.
    required: bool,
}

/// A doctor's documents, for the doctor and administrators. Their content is had by links as of any file.
#[utoipa::path(get, path = "/api/v1/doctors/{id}/credentials", operation_id = "list_credentials", tag = "doctors",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, description = "The documents", body = CredentialList)))]
pub async fn list(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<CredentialList> {
    let items = state.credentials.list(&query.meta, path_id(&id)?).await?;
    let items = items.into_iter().map(CredentialResponse::from).collect();
    Ok(Answer::ok(CredentialList { items, required: state.credentials.required() }))
}

/// A document to submit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitCredentialRequest {
    kind: KindBody,
    /// One's own of purpose `credential`, complete and checked.
    file_id: uuid::Uuid,
}

/// Shows a document to the administrators who verify, until one is approved. Again changes nothing.
#[utoipa::path(post, path = "/api/v1/doctors/{id}/credentials", operation_id = "submit_credential", tag = "doctors",
    params(("id" = uuid::Uuid, Path)), request_body = SubmitCredentialRequest,
    responses((status = 201, description = "Submitted", body = CredentialResponse)))]
pub async fn submit(
    state: Shared,
    id: Path<String>,
    command: Command<SubmitCredentialRequest>,
) -> Result<CredentialResponse> {
    let (id, Command { meta, body }) = (path_id::<DoctorId>(&id)?, command);
    let credential = state.credentials.submit(&meta, id, body.kind.into(), Id::new(body.file_id)).await?;
    Ok(Answer::created(format!("{BASE}/files/{}", credential.file.id), credential.into()))
}

/// Takes a document back, until one is approved. Its file is deleted.
#[utoipa::path(delete, path = "/api/v1/doctors/{id}/credentials/{file_id}", operation_id = "withdraw_credential",
    tag = "doctors", params(("id" = uuid::Uuid, Path), ("file_id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Withdrawn")))]
pub async fn withdraw(state: Shared, path: Path<(String, String)>, query: Query<Nothing>) -> Result<()> {
    let (id, file) = path.into_inner();
    state.credentials.withdraw(&query.meta, path_id(&id)?, path_id(&file)?).await?;
    Ok(Answer::nothing())
}

/// Has a doctor who was rejected looked at again.
#[utoipa::path(post, path = "/api/v1/doctors/{id}/request-verification", operation_id = "request_verification",
    tag = "doctors", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The doctor, pending again", body = DoctorResponse)))]
pub async fn request(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<DoctorResponse> {
    let doctor = state.credentials.request_verification(&command.meta, path_id(&id)?).await?;
    let version = doctor.version;
    Ok(Answer::ok(doctor.into()).versioned(version))
}
