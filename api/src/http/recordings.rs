//! Recordings of consultations: asked for, agreed to, sent in segments, played, kept.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    web::{Bytes, BytesMut, Path, Payload},
};
use consilium_files::FileRefusal;
use consilium_kernel::{ConsultationId, Refusal, Timestamp};
use consilium_recordings::{Consent, Media, NewSegment, Recording, RecordingId, RecordingRefusal, Segment};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    files::{
        LinkResponse,
        content::{ContentQuery, reader},
        tus,
    },
    permissions::Permission,
    problem::Problem,
    ranges::{Asked, Stored},
    routes::BASE,
};

/// A body that sends nothing for so long has ended.
const IDLE: Duration = Duration::from_secs(30);

/// What to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RequestRecording)]
pub struct RecordingRequest {
    /// `video`, `audio` or `screen`.
    #[schema(value_type = String)]
    pub media: Media,
}

/// Whether the caller consents to being recorded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecordingConsentAnswer)]
pub struct ConsentRequest {
    /// False refuses, or takes the consent back.
    pub given: bool,
    /// The version of the text that was shown.
    #[schema(max_length = 100)]
    pub text_version: String,
}

/// What somebody said.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordingConsent)]
pub struct ConsentResponse {
    user_id: uuid::Uuid,
    /// As what they take part.
    role: String,
    /// `given`, `refused` or `withdrawn`.
    decision: String,
    text_version: String,
    #[schema(value_type = String, format = "date-time")]
    decided_at: Timestamp,
}

impl From<Consent> for ConsentResponse {
    fn from(consent: Consent) -> Self {
        Self {
            user_id: consent.user_id.uuid(),
            role: consent.role.to_string(),
            decision: consent.decision.to_string(),
            text_version: consent.text_version,
            decided_at: consent.decided_at,
        }
    }
}

/// The text that participants are to be shown before they answer.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordingConsentText)]
pub struct ConsentText {
    version: String,
    /// Null when the settings have another version by now.
    text: Option<String>,
}

/// A recording without its content.
#[derive(Serialize, ToSchema)]
#[schema(as = Recording)]
pub struct RecordingResponse {
    id: uuid::Uuid,
    consultation_id: uuid::Uuid,
    /// Whose client records.
    requested_by: uuid::Uuid,
    /// `video`, `audio` or `screen`.
    media: String,
    /// `requested`, `recording`, `stopped`, `processing`, `ready`, `failed`, `refused`, `lapsed` or `deleted`.
    status: String,
    /// `stopped`, `consent_refused`, `consent_withdrawn`, `consent_missing` or `consultation_ended`.
    stopped_because: Option<String>,
    /// `nothing_recorded`, `not_processed` or `erased`.
    failed_because: Option<String>,
    consent_text: ConsentText,
    /// Oldest first; the newest of an account counts.
    consents: Vec<ConsentResponse>,
    /// How many are kept: the next one has the number after.
    segments: i64,
    received_bytes: u64,
    /// Of processing, 0 to 100.
    progress: i32,
    media_type: Option<String>,
    size_bytes: Option<u64>,
    /// Of the content, in hexadecimal.
    sha256: Option<String>,
    /// Null where there is no ffmpeg to find out.
    duration_ms: Option<i64>,
    /// A JPEG picture as `data:` URL. Null where there is no ffmpeg to make one, and of sound.
    thumbnail: Option<String>,
    /// `ffmpeg`, or `none` when the segments were only joined; null until it is processed.
    processed_with: Option<String>,
    /// Whether it must not be deleted.
    held: bool,
    /// The video provider that made it and from whom it was fetched; null when a client did.
    provider: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    requested_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    stopped_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ready_at: Option<Timestamp>,
    /// When it is deleted, unless it is held.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
}

impl RecordingResponse {
    /// With the text of the settings, if it is the one that this recording is about.
    pub fn new(recording: Recording, settings: &consilium_recordings::RecordingSettings) -> Self {
        let text = (settings.text_version == recording.text_version).then(|| settings.text.clone());
        Self {
            id: recording.id.uuid(),
            consultation_id: recording.consultation_id.uuid(),
            requested_by: recording.requested_by.uuid(),
            media: recording.media.to_string(),
            status: recording.status.to_string(),
            stopped_because: recording.stopped_because.map(|word| word.to_string()),
            failed_because: recording.failed_because.map(|word| word.to_string()),
            consent_text: ConsentText { version: recording.text_version, text },
            consents: recording.consents.into_iter().map(ConsentResponse::from).collect(),
            segments: recording.segments,
            received_bytes: recording.received,
            progress: recording.progress,
            media_type: recording.media_type.map(|media| media.essence().to_owned()),
            size_bytes: recording.length,
            sha256: recording.sha256.map(hex::encode),
            duration_ms: recording.duration_ms,
            thumbnail: recording.thumbnail.map(|picture| format!("data:image/jpeg;base64,{picture}")),
            processed_with: recording.processed_with,
            held: recording.held,
            provider: recording.provider,
            requested_at: recording.requested_at,
            started_at: recording.started_at,
            stopped_at: recording.stopped_at,
            ready_at: recording.ready_at,
            expires_at: recording.expires_at,
        }
    }
}

fn shown(state: &Shared, recording: Recording) -> Answer<RecordingResponse> {
    Answer::ok(RecordingResponse::new(recording, state.recordings.settings()))
}

/// Asks everybody in the consultation whether it may be recorded. Asking is consenting. It begins once everybody who is
/// there has consented.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/recordings", operation_id = "request_recording", tag = "recordings",
    params(("id" = uuid::Uuid, Path)), request_body = RecordingRequest,
    responses((status = 201, description = "The recording", body = RecordingResponse)))]
pub async fn request(state: Shared, id: Path<String>, command: Command<RecordingRequest>) -> Result<RecordingResponse> {
    let id: ConsultationId = path_id(&id)?;
    let recording = state.recordings.request(command.meta, id, command.body.media).await?;
    let place = format!("{BASE}/recordings/{}", recording.id);
    Ok(Answer::created(place, RecordingResponse::new(recording, state.recordings.settings())))
}

/// The recordings of a consultation, oldest first.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/recordings", operation_id = "list_recordings", tag = "recordings",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Recordings", body = Page<RecordingResponse>)))]
pub async fn list(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<Page<RecordingResponse>> {
    let id: ConsultationId = path_id(&id)?;
    let found = state.recordings.recordings(&query.meta, id).await?;
    let shown = |recording| RecordingResponse::new(recording, state.recordings.settings());
    Ok(Answer::ok(Page { items: found.into_iter().map(shown).collect(), next_cursor: None }))
}

/// One recording.
#[utoipa::path(get, path = "/api/v1/recordings/{id}", operation_id = "get_recording", tag = "recordings",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The recording", body = RecordingResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<RecordingResponse> {
    let id: RecordingId = path_id(&id)?;
    Ok(shown(&state, state.recordings.recording(&query.meta, id).await?))
}

/// Consents to being recorded, refuses, or takes the consent back, which ends the recording at once.
#[utoipa::path(post, path = "/api/v1/recordings/{id}/consent", operation_id = "answer_recording", tag = "recordings",
    params(("id" = uuid::Uuid, Path)), request_body = ConsentRequest,
    responses((status = 200, description = "The recording", body = RecordingResponse)))]
pub async fn consent(state: Shared, id: Path<String>, command: Command<ConsentRequest>) -> Result<RecordingResponse> {
    let id: RecordingId = path_id(&id)?;
    let ConsentRequest { given, text_version } = command.body;
    Ok(shown(&state, state.recordings.answer(command.meta, id, given, text_version).await?))
}

/// Ends a recording; one that has not begun is taken back.
#[utoipa::path(post, path = "/api/v1/recordings/{id}/stop", operation_id = "stop_recording", tag = "recordings",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The recording", body = RecordingResponse)))]
pub async fn stop(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<RecordingResponse> {
    let id: RecordingId = path_id(&id)?;
    Ok(shown(&state, state.recordings.stop(command.meta, id).await?))
}

/// A segment that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordingSegment)]
pub struct SegmentResponse {
    number: i64,
    size_bytes: u64,
    /// In hexadecimal.
    sha256: String,
}

impl From<Segment> for SegmentResponse {
    fn from(segment: Segment) -> Self {
        let Segment { number, length, sha256 } = segment;
        Self { number, size_bytes: length, sha256: hex::encode(sha256) }
    }
}

/// Sends a segment: what the browser's recorder gives, in order, numbered from 1. The answer means that it is kept. The
/// same segment again is answered as before. For the client of whoever asked for the recording.
#[utoipa::path(put, path = "/api/v1/recordings/{id}/segments/{number}", operation_id = "put_recording_segment",
    tag = "recordings", params(("id" = uuid::Uuid, Path), ("number" = i64, Path, minimum = 1)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The segment", body = SegmentResponse)))]
pub async fn segment(
    state: Shared,
    path: Path<(String, String)>,
    query: Query<Nothing>,
    mut body: Payload,
) -> Result<SegmentResponse> {
    let (id, number) = path.into_inner();
    let (id, number): (RecordingId, i64) = (path_id(&id)?, path_id(&number)?);
    let most = state.recordings.settings().max_segment;
    let taken = take(&mut body, most).await;
    let kept = match taken {
        Ok(bytes) => state.recordings.keep(&query.meta, id, NewSegment { number, bytes }).await,
        Err(refusal) => Err(refusal),
    };
    Ok(Answer::ok(kept?.into()))
}

/// A whole body of so many bytes at most. What is too large is read on for a while, so that its sender sees the answer.
async fn take(body: &mut Payload, most: u64) -> std::result::Result<Bytes, Refusal> {
    let mut bytes = BytesMut::new();
    let next = async |body: &mut Payload| tokio::time::timeout(IDLE, body.next()).await;
    while let Some(piece) = next(body).await.map_err(|_| FileRefusal::Interrupted)? {
        let piece = piece.map_err(|_| FileRefusal::Interrupted)?;
        if (bytes.len() + piece.len()) as u64 > most {
            tus::discard(body, most).await;
            return Err(RecordingRefusal::SegmentTooLarge.refusal());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// Gives a link to the content that lives for minutes. It is good for the caller's session only.
#[utoipa::path(post, path = "/api/v1/recordings/{id}/playback", operation_id = "play_recording", tag = "recordings",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The link", body = LinkResponse)))]
pub async fn playback(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<LinkResponse> {
    let id: RecordingId = path_id(&id)?;
    let (token, expires_at) = state.recordings.link(&command.meta, id).await?;
    let url = format!("{BASE}/recordings/{id}/content?token={token}");
    Ok(Answer::created(url.clone(), LinkResponse { url, expires_at }))
}

/// The content, for whoever has the link.
#[utoipa::path(get, path = "/api/v1/recordings/{id}/content", operation_id = "get_recording_content", tag = "recordings",
    params(("id" = uuid::Uuid, Path), ContentQuery, ("Range" = Option<String>, Header, description = "One range of bytes")),
    responses((status = 200, description = "The content", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "A range of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "It is what If-None-Match says")))]
pub async fn content(
    state: Shared,
    request: HttpRequest,
    id: Path<String>,
    query: Query<ContentQuery>,
) -> std::result::Result<HttpResponse, Problem> {
    let id: RecordingId = path_id(&id)?;
    let link = state.recordings.check_link(id, query.query.token.as_deref().unwrap_or_default())?;
    let meta = reader(&state, query.meta, link, Permission::PlayRecording).await?;
    let playback = state.recordings.open(&meta, id).await?;
    let recording = &playback.recording;
    let media_type = recording.media_type.map_or("application/octet-stream", |media| media.essence());
    let ending = if media_type.ends_with("mp4") { "mp4" } else { "webm" };
    let (name, sha256) = (format!("recording-{id}.{ending}"), recording.sha256.clone().unwrap_or_default());
    let stored = Stored { name: &name, media_type, sha256: &sha256, length: playback.length };
    Ok(match stored.asked(&request) {
        Asked::For(mut response, range) => {
            let size = range.end - range.start;
            response.body(SizedStream::new(size, state.recordings.play(&meta, playback, range).await?))
        }
        Asked::Answered(answer) => answer,
    })
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecordingHold)]
pub struct HoldRequest {
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Holds a recording back from deletion, also from that at the end of its time.
#[utoipa::path(post, path = "/api/v1/recordings/{id}/hold", operation_id = "hold_recording", tag = "recordings",
    params(("id" = uuid::Uuid, Path)), request_body = HoldRequest,
    responses((status = 200, description = "The recording", body = RecordingResponse)))]
pub async fn hold(state: Shared, id: Path<String>, command: Command<HoldRequest>) -> Result<RecordingResponse> {
    let id: RecordingId = path_id(&id)?;
    Ok(shown(&state, state.recordings.set_hold(command.meta, id, true, &command.body.reason).await?))
}

/// Holds it back no longer: one whose time was over is deleted at once.
#[utoipa::path(post, path = "/api/v1/recordings/{id}/release", operation_id = "release_recording", tag = "recordings",
    params(("id" = uuid::Uuid, Path)), request_body = HoldRequest,
    responses((status = 200, description = "The recording", body = RecordingResponse)))]
pub async fn release(state: Shared, id: Path<String>, command: Command<HoldRequest>) -> Result<RecordingResponse> {
    let id: RecordingId = path_id(&id)?;
    Ok(shown(&state, state.recordings.set_hold(command.meta, id, false, &command.body.reason).await?))
}

/// Deletes a recording that is not held. What was agreed about it stays.
#[utoipa::path(delete, path = "/api/v1/recordings/{id}", operation_id = "delete_recording", tag = "recordings",
    params(("id" = uuid::Uuid, Path)), responses((status = 204, description = "Gone")))]
pub async fn delete(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<()> {
    let id: RecordingId = path_id(&id)?;
    state.recordings.delete(query.meta, id).await?;
    Ok(Answer::nothing())
}
