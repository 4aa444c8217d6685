//! Files: what is known of them, links to them, and taking them back. How they come in is in `tus`, how they go out in
//! `content`.

pub mod content;
pub mod tus;

use actix_web::web::Path;
use consilium_files::{FileId, Purpose, StoredFile};
use consilium_kernel::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    routes::BASE,
};

/// A file without its bytes.
#[derive(Serialize, ToSchema)]
#[schema(as = File)]
pub struct FileResponse {
    id: uuid::Uuid,
    owner_id: uuid::Uuid,
    /// `consultation`, `thread`, `record` or `credential`.
    purpose: String,
    /// For purpose `consultation`.
    consultation_id: Option<uuid::Uuid>,
    /// For purpose `thread`.
    thread_id: Option<uuid::Uuid>,
    name: String,
    /// `uploading`, `scanning`, `available` or `infected`.
    status: String,
    /// By its content; null until enough of it is there.
    media_type: Option<String>,
    /// `image`, `document`, `dicom`, `text`, `audio` or `video`.
    kind: Option<String>,
    size_bytes: u64,
    /// Bytes that are there for good.
    received_bytes: u64,
    /// Of the content, in hexadecimal; null until it is available.
    sha256: Option<String>,
    /// Whether a virus scanner has looked at it.
    scanned: bool,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<StoredFile> for FileResponse {
    fn from(file: StoredFile) -> Self {
        let (purpose, consultation_id, thread_id) = match file.purpose {
            Purpose::Consultation { consultation_id } => ("consultation", Some(consultation_id.uuid()), None),
            Purpose::Thread { thread_id } => ("thread", None, Some(thread_id.uuid())),
            Purpose::Record => ("record", None, None),
            Purpose::Credential => ("credential", None, None),
        };
        Self {
            id: file.id.uuid(),
            owner_id: file.owner_id.uuid(),
            purpose: purpose.to_owned(),
            consultation_id,
            thread_id,
            name: file.name,
            status: file.status.to_string(),
            media_type: file.media_type.map(|media| media.essence().to_owned()),
            kind: file.media_type.map(|media| media.kind().to_string()),
            size_bytes: file.length,
            received_bytes: file.received,
            sha256: file.sha256.map(hex::encode),
            scanned: file.scanned,
            created_at: file.created_at,
        }
    }
}

/// A file: for its owner, for who takes part where it was shared, for who treats the patient whose record it belongs
/// to, and a doctor's credentials for administrators.
#[utoipa::path(get, path = "/api/v1/files/{id}", operation_id = "get_file", tag = "files", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The file", body = FileResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<FileResponse> {
    Ok(Answer::ok(state.files.get(&query.meta, path_id(&id)?).await?.into()))
}

/// A way to the content.
#[derive(Serialize, ToSchema)]
#[schema(as = FileLink)]
pub struct LinkResponse {
    /// Where it can be had, relative to this server. For whoever asked, as long as their session lives.
    pub url: String,
    #[schema(value_type = String, format = "date-time")]
    pub expires_at: Timestamp,
}

/// Gives a link to the content that lives for five minutes. It is good for the caller's session only.
#[utoipa::path(post, path = "/api/v1/files/{id}/links", operation_id = "link_file", tag = "files", params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The link", body = LinkResponse)))]
pub async fn link(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<LinkResponse> {
    let id: FileId = path_id(&id)?;
    let (token, expires_at) = state.files.link(&command.meta, id).await?;
    let url = format!("{BASE}/files/{id}/content?token={token}");
    Ok(Answer::created(url.clone(), LinkResponse { url, expires_at }))
}
