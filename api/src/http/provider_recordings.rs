//! What video providers recorded, as administrators see it: no content, no address.

use actix_web::web::Path;
use consilium_kernel::{Refusal, Timestamp};
use consilium_recordings::{FileStatus, ProviderRecording, RecordingId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    webhooks::RetriedResponse,
};

/// Which are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProviderRecordingQuery {
    /// `waiting`, `kept`, `refused` or `dead`.
    status: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The file of a provider.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderRecording)]
pub struct ProviderRecordingResponse {
    id: uuid::Uuid,
    consultation_id: uuid::Uuid,
    /// The recording that it became, once it is kept.
    recording_id: Option<uuid::Uuid>,
    /// The plugin.
    provider: String,
    /// The provider's name for it.
    reference: String,
    /// `waiting`, `kept`, `refused`: not everybody had consented, or it is not what can be kept; or `dead`: given up.
    status: String,
    /// A code of why it was refused, or of what went wrong last.
    problem: Option<String>,
    attempts: i32,
    /// By the provider's clock.
    #[schema(value_type = String, format = "date-time")]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended_at: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    reported_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    settled_at: Option<Timestamp>,
}

impl From<ProviderRecording> for ProviderRecordingResponse {
    fn from(file: ProviderRecording) -> Self {
        Self {
            id: file.id.uuid(),
            consultation_id: file.consultation_id.uuid(),
            recording_id: (file.status == FileStatus::Kept).then(|| file.id.uuid()),
            provider: file.provider,
            reference: file.reference,
            status: file.status.to_string(),
            problem: file.problem,
            attempts: file.attempts,
            started_at: file.started_at,
            ended_at: file.ended_at,
            reported_at: file.reported_at,
            next_attempt_at: (file.status == FileStatus::Waiting).then_some(file.retry_at),
            settled_at: file.settled_at,
        }
    }
}

/// What video providers recorded of the facility's consultations and what became of it, the newest first.
#[utoipa::path(get, path = "/api/v1/admin/provider-recordings", operation_id = "list_provider_recordings",
    tag = "recordings", params(ProviderRecordingQuery),
    responses((status = 200, description = "Files of providers", body = Page<ProviderRecordingResponse>)))]
pub async fn list(state: Shared, query: Query<ProviderRecordingQuery>) -> Result<Page<ProviderRecordingResponse>> {
    let ProviderRecordingQuery { status, limit, cursor } = query.query;
    let wrong = |_| Refusal::field("?status", "invalid", "is waiting, kept, refused or dead");
    let status: Option<FileStatus> = status.as_deref().map(str::parse).transpose().map_err(wrong)?;
    let found = state.recordings.provider_recordings(&query.meta, status, cursor.as_deref(), limit).await?;
    let items = found.items.into_iter().map(ProviderRecordingResponse::from).collect();
    Ok(Answer::ok(Page { items, next_cursor: found.next_cursor }))
}

/// Has a file that was given up fetched again.
#[utoipa::path(post, path = "/api/v1/admin/provider-recordings/{id}/retry", operation_id = "retry_provider_recording",
    tag = "recordings", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It waits again", body = RetriedResponse)))]
pub async fn retry(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<RetriedResponse> {
    let id: RecordingId = path_id(&id)?;
    state.recordings.retry_provider_recording(&command.meta, id).await?;
    Ok(Answer::ok(RetriedResponse::new("waiting")))
}
