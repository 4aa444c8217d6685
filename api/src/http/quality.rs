//! Connection quality: what clients measure, what is advised, and going on at another video provider.

use actix_web::web::Path;
use consilium_consultations::{Measurement, ParticipantQuality, QualityMinute, Reported};
use consilium_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    consultations::ConsultationResponse,
};

/// One interval of one line, as `getStats()` lets a client compute it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Measurement)]
pub struct MeasurementRequest {
    /// When the interval ended; at most ten minutes ago.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// As the measuring client sees it: `inbound` or `outbound`.
    #[schema(value_type = String)]
    direction: consilium_consultations::Direction,
    /// `audio`, `video` or `screen`.
    #[schema(value_type = String)]
    media: consilium_consultations::MeasuredMedia,
    #[schema(maximum = 1000000)]
    bitrate_kbps: u32,
    #[schema(minimum = 0, maximum = 100)]
    packet_loss_percent: f64,
    #[schema(maximum = 60000)]
    jitter_ms: u32,
    #[schema(maximum = 60000)]
    round_trip_ms: u32,
    /// Left out for audio.
    #[schema(maximum = 240)]
    frames_per_second: Option<u32>,
}

/// What a client measured since its last report.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityRequest {
    #[schema(min_items = 1, max_items = 120)]
    measurements: Vec<MeasurementRequest>,
}

impl From<QualityRequest> for Vec<Measurement> {
    fn from(request: QualityRequest) -> Self {
        let measured = |one: MeasurementRequest| Measurement {
            at: one.at,
            direction: one.direction,
            media: one.media,
            bitrate_kbps: one.bitrate_kbps,
            packet_loss_percent: one.packet_loss_percent,
            jitter_ms: one.jitter_ms,
            round_trip_ms: one.round_trip_ms,
            frames_per_second: one.frames_per_second,
        };
        request.measurements.into_iter().map(measured).collect()
    }
}

/// What follows from a report.
#[derive(Serialize, ToSchema)]
#[schema(as = QualityReported)]
pub struct ReportedResponse {
    /// How many measurements were taken.
    accepted: usize,
    /// What to use: `video` (everything), `audio` or `chat`.
    advice: String,
}

impl From<Reported> for ReportedResponse {
    fn from(reported: Reported) -> Self {
        Self { accepted: reported.accepted, advice: reported.advice.to_string() }
    }
}

/// Reports what a participant's client measured in the room. At most 20 reports a minute.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/quality", operation_id = "report_quality", tag = "consultations",
    params(("id" = uuid::Uuid, Path)), request_body = QualityRequest,
    responses((status = 202, description = "Taken", body = ReportedResponse)))]
pub async fn report(state: Shared, id: Path<String>, command: Command<QualityRequest>) -> Result<ReportedResponse> {
    let reported = state.consultations.report_quality(command.meta, path_id(&id)?, command.body.into()).await?;
    Ok(Answer::accepted(reported.into()))
}

/// One line of one minute: means over its measurements.
#[derive(Serialize, ToSchema)]
#[schema(as = QualityMinute)]
pub struct MinuteResponse {
    #[schema(value_type = String, format = "date-time")]
    minute: Timestamp,
    direction: String,
    media: String,
    samples: i32,
    bitrate_kbps: i64,
    packet_loss_percent: f64,
    jitter_ms: i64,
    round_trip_ms: i64,
    frames_per_second: Option<i64>,
}

impl From<QualityMinute> for MinuteResponse {
    fn from(minute: QualityMinute) -> Self {
        Self {
            minute: minute.minute,
            direction: minute.direction.to_string(),
            media: minute.media.to_string(),
            samples: minute.samples,
            bitrate_kbps: minute.bitrate_kbps,
            packet_loss_percent: minute.packet_loss_percent,
            jitter_ms: minute.jitter_ms,
            round_trip_ms: minute.round_trip_ms,
            frames_per_second: minute.frames_per_second,
        }
    }
}

/// A participant's connection.
#[derive(Serialize, ToSchema)]
#[schema(as = ParticipantQuality)]
pub struct QualityResponse {
    user_id: uuid::Uuid,
    /// As what they take part.
    role: Option<String>,
    /// `video`, `audio` or `chat`.
    advice: String,
    /// Oldest first.
    minutes: Vec<MinuteResponse>,
}

impl From<ParticipantQuality> for QualityResponse {
    fn from(quality: ParticipantQuality) -> Self {
        Self {
            user_id: quality.user_id.uuid(),
            role: quality.role.map(|role| role.to_string()),
            advice: quality.advice.to_string(),
            minutes: quality.minutes.into_iter().map(MinuteResponse::from).collect(),
        }
    }
}

/// How the participants' connections are and were, minute by minute; the newest 2,000 minutes of all lines.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/quality", operation_id = "get_quality", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "By participant", body = Page<QualityResponse>)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<Page<QualityResponse>> {
    let all = state.consultations.quality(&query.meta, path_id(&id)?).await?;
    Ok(Answer::ok(Page { items: all.into_iter().map(QualityResponse::from).collect(), next_cursor: None }))
}

/// Goes on at the next video provider although this one answers.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/switch-video", operation_id = "switch_video", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The consultation", body = ConsultationResponse)))]
pub async fn switch(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<ConsultationResponse> {
    let consultation = state.consultations.switch_video(&command.meta, path_id(&id)?).await?;
    let version = consultation.version;
    Ok(Answer::ok(ConsultationResponse::from(consultation)).versioned(version))
}
