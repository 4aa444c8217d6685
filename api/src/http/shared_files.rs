//! The files of a consultation.

use actix_web::web::Path;
use consilium_files::SharedFile;
use consilium_kernel::{ConsultationId, Timestamp, not_a_cursor, page_limit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Query, Shared, path_id},
    files::FileResponse,
};

/// A file in a consultation.
#[derive(Serialize, ToSchema)]
#[schema(as = SharedFile)]
pub struct SharedFileResponse {
    /// The number of its event on the topic.
    seq: i64,
    shared_by: uuid::Uuid,
    #[schema(value_type = String, format = "date-time")]
    shared_at: Timestamp,
    file: FileResponse,
}

impl From<SharedFile> for SharedFileResponse {
    fn from(shared: SharedFile) -> Self {
        let SharedFile { file, shared_by, shared_at, seq } = shared;
        Self { seq, shared_by: shared_by.uuid(), shared_at, file: file.into() }
    }
}

/// Files of a consultation.
#[derive(Serialize, ToSchema)]
pub struct SharedFilePage {
    items: Vec<SharedFileResponse>,
    /// Null at the end.
    next_cursor: Option<String>,
}

/// Which of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SharedFileQuery {
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// The files that were shared, oldest first, for participants.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/files", operation_id = "list_shared_files", tag = "consultations",
    params(("id" = uuid::Uuid, Path), SharedFileQuery),
    responses((status = 200, description = "The files", body = SharedFilePage)))]
pub async fn list(state: Shared, id: Path<String>, query: Query<SharedFileQuery>) -> Result<SharedFilePage> {
    let Query { meta, query } = query;
    let limit = page_limit(query.limit)?;
    let after = query.cursor.map_or(Ok(0), |cursor| cursor.parse().map_err(|_| not_a_cursor()))?;
    let page = state.consultations.shared_files(&meta, path_id(&id)?, after, limit).await?;
    let items = page.items.into_iter().map(SharedFileResponse::from).collect();
    Ok(Answer::ok(SharedFilePage { items, next_cursor: page.next_after_seq.map(|seq| seq.to_string()) }))
}

/// A file to share.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareFileRequest {
    /// One's own, complete and checked.
    pub file_id: uuid::Uuid,
}

/// Shows a file of one's own to the others. Sharing it again changes nothing.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/files", operation_id = "share_file", tag = "consultations",
    params(("id" = uuid::Uuid, Path)), request_body = ShareFileRequest,
    responses((status = 201, description = "Shared", body = SharedFileResponse)))]
pub async fn share(state: Shared, id: Path<String>, command: Command<ShareFileRequest>) -> Result<SharedFileResponse> {
    let id = path_id::<ConsultationId>(&id)?;
    let file = consilium_kernel::Id::new(command.body.file_id);
    let shared = state.consultations.share_file(command.meta, id, file).await?;
    Ok(Answer::created(format!("/api/v1/files/{}", shared.file.id), shared.into()))
}
