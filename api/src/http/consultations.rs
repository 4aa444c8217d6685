//! Consultations: coming in and being led.

use actix_web::web::Path;
use std::str::FromStr;

use consilium_consultations::{Capability, Consultation, Joined, Summary, VideoGrant};
use consilium_kernel::{Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    invitations::ClientBody,
    waiting_room::{DelayResponse, WaitingResponse},
};

/// Somebody who has been in a consultation.
#[derive(Serialize, ToSchema)]
#[schema(as = Participant)]
pub struct ParticipantResponse {
    user_id: uuid::Uuid,
    /// `doctor` or `patient`; of those who were invited `second_doctor`, `nurse` or `interpreter`.
    role: String,
    /// Whether they are there now.
    present: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    joined_at: Option<Timestamp>,
    /// Up to which `seq` they have read the chat.
    read_seq: i64,
}

/// The provider that serves a consultation, or served it last.
#[derive(Serialize, ToSchema)]
#[schema(as = VideoChoice)]
pub struct VideoChoiceResponse {
    /// The plugin.
    provider: String,
    /// One more with every change: whoever joined at a lower one joins again.
    version: i64,
    /// False when it failed and no other can serve; the chat goes on.
    available: bool,
    /// Why it was chosen: `first_choice`, `recovered`, or what was wrong with the one before.
    reason: String,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

/// What a finished consultation came down to.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
pub struct SummaryResponse {
    #[schema(value_type = Option<String>, format = "date-time")]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended_at: Option<Timestamp>,
    duration_seconds: i64,
    /// Accounts that have been there.
    participants: i64,
    /// Times that somebody's connection was lost for good.
    interruptions: i64,
    messages: i64,
}

impl ConsultationResponse {
    /// With what it came down to.
    fn summed_up(self, summary: Option<Summary>) -> Self {
        let summary = summary.map(|summary| SummaryResponse {
            started_at: self.started_at,
            ended_at: self.ended_at,
            duration_seconds: summary.duration_seconds,
            participants: summary.participants,
            interruptions: summary.interruptions,
            messages: summary.messages,
        });
        Self { summary, ..self }
    }
}

/// The meeting of a doctor and a patient.
#[derive(Serialize, ToSchema)]
#[schema(as = Consultation)]
pub struct ConsultationResponse {
    id: uuid::Uuid,
    appointment_id: uuid::Uuid,
    doctor_id: uuid::Uuid,
    patient_id: uuid::Uuid,
    /// `scheduled`, `waiting`, `in_progress`, `completed` or `abandoned`.
    status: String,
    /// `video`, `audio`, `chat` or `in_person`.
    visit_type: String,
    /// `booked` or `walk_in`.
    kind: String,
    is_emergency: bool,
    /// How urgent staff found it, 1 (at once) to 5 (not urgent).
    triage_level: Option<i32>,
    #[schema(value_type = String, format = "date-time")]
    starts_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    ends_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    waiting_since: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended_at: Option<Timestamp>,
    participants: Vec<ParticipantResponse>,
    /// Null before anybody had a way into a video room.
    video: Option<VideoChoiceResponse>,
    /// What it came down to; null while it is not over.
    summary: Option<SummaryResponse>,
    /// The live topic of the WebSocket.
    topic: String,
}

impl From<Consultation> for ConsultationResponse {
    fn from(consultation: Consultation) -> Self {
        Self {
            id: consultation.id.uuid(),
            topic: consilium_consultations::topic(consultation.id),
            appointment_id: consultation.appointment_id.uuid(),
            doctor_id: consultation.doctor_id.uuid(),
            patient_id: consultation.patient_id.uuid(),
            status: consultation.status.to_string(),
            visit_type: consultation.visit_type.to_string(),
            kind: consultation.kind.to_string(),
            is_emergency: consultation.is_emergency,
            triage_level: consultation.triage,
            summary: None,
            starts_at: consultation.starts_at,
            ends_at: consultation.ends_at,
            waiting_since: consultation.waiting_since,
            started_at: consultation.started_at,
            ended_at: consultation.ended_at,
            video: consultation.videos.last().map(|choice| VideoChoiceResponse {
                provider: choice.provider.clone(),
                version: choice.number,
                available: choice.left_at.is_none(),
                reason: choice.reason.clone(),
                since: choice.chosen_at,
            }),
            participants: consultation
                .participants
                .into_iter()
                .map(|participant| ParticipantResponse {
                    user_id: participant.user_id.uuid(),
                    role: participant.role.to_string(),
                    present: participant.present,
                    joined_at: participant.joined_at,
                    read_seq: participant.read_seq,
                })
                .collect(),
        }
    }
}

fn whole(consultation: Consultation) -> Answer<ConsultationResponse> {
    let version = consultation.version;
    Answer::ok(ConsultationResponse::from(consultation)).versioned(version)
}

/// A consultation, for its participants and the facility's staff.
#[utoipa::path(get, path = "/api/v1/consultations/{id}", operation_id = "get_consultation", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The consultation", body = ConsultationResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<ConsultationResponse> {
    let consultation = state.consultations.consultation(&query.meta, path_id(&id)?).await?;
    let summary = state.consultations.summary(&consultation).await?;
    let version = consultation.version;
    Ok(Answer::ok(ConsultationResponse::from(consultation).summed_up(summary)).versioned(version))
}

/// A STUN or TURN server, shaped like the W3C's `RTCIceServer`.
#[derive(Serialize, ToSchema)]
#[schema(as = IceServer)]
pub struct IceServerResponse {
    urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

/// The way into a video room. Minted for this join; ask again rather than keep it.
#[derive(Serialize, ToSchema)]
#[schema(as = Video)]
pub struct VideoResponse {
    /// The plugin that gives the room.
    provider: String,
    /// The version of the consultation's `video`.
    version: i64,
    room: String,
    /// A page to open, for providers that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    join_url: Option<String>,
    /// For the provider's SDK.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ice_servers: Option<Vec<IceServerResponse>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
}

impl From<VideoGrant> for VideoResponse {
    fn from(grant: VideoGrant) -> Self {
        let ice = |server: consilium_consultations::IceServer| IceServerResponse {
            urls: server.urls,
            username: server.username,
            credential: server.credential,
        };
        Self {
            provider: grant.provider,
            version: grant.version,
            room: grant.room,
            join_url: grant.join_url,
            token: grant.token,
            ice_servers: grant.ice_servers.map(|servers| servers.into_iter().map(ice).collect()),
            expires_at: grant.expires_at,
        }
    }
}

/// What joining gives.
#[derive(Serialize, ToSchema)]
pub struct JoinResponse {
    /// Where the consultation stands.
    status: String,
    /// The live topic to subscribe to.
    topic: String,
    /// What the caller is in it, as in `participants`.
    role: String,
    /// Absent for a patient who waits, and for visits by chat or in person.
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<VideoResponse>,
    /// Absent once admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<WaitingResponse>,
    /// That the doctor is late, for a patient who waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<DelayResponse>,
}

impl From<Joined> for JoinResponse {
    fn from(joined: Joined) -> Self {
        Self {
            status: joined.status.to_string(),
            topic: joined.topic,
            role: joined.role.to_string(),
            video: joined.video.map(VideoResponse::from),
            waiting: joined.waiting.map(WaitingResponse::from),
            delay: joined.delay.map(DelayResponse::from),
        }
    }
}

/// What the client can do.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Join)]
pub struct JoinRequest {
    /// Ways into a video room that this client can go: `webrtc`, `redirect` (open a page), `sdk`. Left out: all.
    /// Words unknown here are passed over. A provider is chosen that every participant can use.
    #[schema(max_items = 16)]
    capabilities: Option<Vec<String>>,
    /// What the client says of itself; kept with the times that its user was there.
    client: Option<ClientBody>,
}

/// Comes in. Patients from 15 minutes before the start; they wait until admitted and then join again.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/join", operation_id = "join_consultation", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    request_body = JoinRequest,
    responses((status = 200, description = "Joined", body = JoinResponse)))]
pub async fn join(state: Shared, id: Path<String>, command: Command<JoinRequest>) -> Result<JoinResponse> {
    let said = command.body.capabilities;
    if said.as_ref().is_some_and(|said| said.len() > 16) {
        return Err(Refusal::field("/capabilities", "too_long", "must have at most 16 entries").into());
    }
    let able = said.map(|said| said.iter().filter_map(|word| Capability::from_str(word).ok()).collect());
    let client = command.body.client.map(ClientBody::parse).transpose()?.unwrap_or_default();
    Ok(Answer::ok(state.consultations.join_with(command.meta, path_id(&id)?, able, client).await?.into()))
}

macro_rules! step {
    ($(#[doc = $doc:literal])+ $name:ident, $operation:literal, $path:literal, $done:literal) => {
        $(#[doc = $doc])+
        #[utoipa::path(post, path = $path, operation_id = $operation, tag = "consultations", params(("id" = uuid::Uuid, Path)),
            responses((status = 200, description = $done, body = ConsultationResponse)))]
        pub async fn $name(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<ConsultationResponse> {
            Ok(whole(state.consultations.$name(command.meta, path_id(&id)?).await?))
        }
    };
}

step! {
    /// Goes. Going twice is fine.
    leave, "leave_consultation", "/api/v1/consultations/{id}/leave", "Left"
}
step! {
    /// For a waiting patient who cannot wait any longer: they come to the front, and the doctor is told at once.
    raise_emergency, "raise_emergency", "/api/v1/consultations/{id}/emergency", "At the front"
}
step! {
    /// Lets the waiting patient in.
    admit, "admit_consultation", "/api/v1/consultations/{id}/admit", "Admitted"
}
step! {
    /// Begins, whether or not the patient waits.
    start, "start_consultation", "/api/v1/consultations/{id}/start", "Started"
}
step! {
    /// Ends it; its appointment is completed with it.
    end, "end_consultation", "/api/v1/consultations/{id}/end", "Ended"
}
