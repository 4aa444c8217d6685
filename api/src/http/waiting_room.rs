//! The waiting room in front of a doctor: who is in it, who comes without an appointment, device checks, delays.

use actix_web::web::Path;
use consilium_consultations::{
    Delay, DeviceCheck, NewDelay, NewWalkIn, WaitingPatient, WaitingPlace, WaitingRoom, WalkIns,
};
use consilium_kernel::{Id, Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    appointments::VisitTypeBody,
    command::{Command, Nothing, Query, Shared, path_id},
    consultations::ConsultationResponse,
    parsed::parsed,
    routes::BASE,
};

/// A place in the line.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingPlace)]
pub struct WaitingResponse {
    /// 1 is next.
    position: i64,
    expected_wait_seconds: i64,
}

impl From<WaitingPlace> for WaitingResponse {
    fn from(place: WaitingPlace) -> Self {
        Self { position: i64::from(place.position), expected_wait_seconds: place.expected_wait_seconds }
    }
}

/// That the doctor is late.
#[derive(Serialize, ToSchema)]
#[schema(as = Delay)]
pub struct DelayResponse {
    #[schema(value_type = String, format = "date-time")]
    until: Timestamp,
    /// `running_late`, `emergency`, `technical_problem` or `back_soon`.
    reason: String,
    /// What the doctor says.
    text: Option<String>,
}

impl From<Delay> for DelayResponse {
    fn from(delay: Delay) -> Self {
        Self { until: delay.until, reason: delay.reason.to_string(), text: delay.text }
    }
}

/// What a check before the visit found.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceCheck)]
pub struct DeviceCheckResponse {
    camera: String,
    microphone: String,
    bandwidth_kbps: Option<i32>,
    browser: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    checked_at: Timestamp,
}

impl From<DeviceCheck> for DeviceCheckResponse {
    fn from(check: DeviceCheck) -> Self {
        Self {
            camera: check.camera.to_string(),
            microphone: check.microphone.to_string(),
            bandwidth_kbps: check.bandwidth_kbps,
            browser: check.browser,
            checked_at: check.checked_at,
        }
    }
}

/// Somebody in the line.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingPatient)]
pub struct WaitingPatientResponse {
    consultation_id: uuid::Uuid,
    patient_id: uuid::Uuid,
    /// 1 is next.
    position: i64,
    expected_wait_seconds: i64,
    /// `booked` or `walk_in`.
    kind: String,
    is_emergency: bool,
    /// How urgent staff found it, 1 (at once) to 5 (not urgent).
    triage_level: Option<i32>,
    /// The booked start; for walk-ins, when they came.
    #[schema(value_type = String, format = "date-time")]
    starts_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    waiting_since: Option<Timestamp>,
    /// The newest check of the patient's devices.
    device_check: Option<DeviceCheckResponse>,
}

impl From<WaitingPatient> for WaitingPatientResponse {
    fn from(waiting: WaitingPatient) -> Self {
        Self {
            consultation_id: waiting.consultation_id.uuid(),
            patient_id: waiting.patient_id.uuid(),
            position: i64::from(waiting.place.position),
            expected_wait_seconds: waiting.place.expected_wait_seconds,
            kind: waiting.kind.to_string(),
            is_emergency: waiting.is_emergency,
            triage_level: waiting.triage_level,
            starts_at: waiting.starts_at,
            waiting_since: waiting.waiting_since,
            device_check: waiting.device_check.map(DeviceCheckResponse::from),
        }
    }
}

/// The line in front of a doctor.
#[derive(Serialize, ToSchema)]
pub struct WaitingLineResponse {
    items: Vec<WaitingPatientResponse>,
    next_cursor: Option<String>,
    /// When patients without an appointment are taken: `in_hours`, `always` or `never`.
    walk_ins: String,
    /// Null when the doctor is not late.
    delay: Option<DelayResponse>,
}

/// Who waits for a doctor: for that doctor and the facility's staff.
#[utoipa::path(get, path = "/api/v1/doctors/{id}/waiting-room", operation_id = "get_waiting_room", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The line", body = WaitingLineResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<WaitingLineResponse> {
    let doctor = path_id(&id)?;
    let line = state.consultations.waiting_line(&query.meta, doctor).await?;
    let room = state.consultations.waiting_room(&query.meta, doctor).await?;
    Ok(Answer::ok(WaitingLineResponse {
        items: line.into_iter().map(WaitingPatientResponse::from).collect(),
        next_cursor: None,
        walk_ins: room.walk_ins.to_string(),
        delay: room.delay.map(DelayResponse::from),
    }))
}

/// A patient without an appointment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WalkIn)]
pub struct WalkInRequest {
    /// Who came; left out by patients who come themselves, required from staff.
    patient_id: Option<uuid::Uuid>,
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    visit_type: VisitTypeBody,
    #[serde(default)]
    is_emergency: bool,
    /// Said by staff: 1 (at once) to 5 (not urgent). 1 and 2 are emergencies.
    #[schema(minimum = 1, maximum = 5)]
    triage_level: Option<i32>,
}

/// Where a patient waits now.
#[derive(Serialize, ToSchema)]
#[schema(as = WalkedIn)]
pub struct WalkedInResponse {
    consultation: ConsultationResponse,
    /// Absent when the consultation moved on meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<WaitingResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<DelayResponse>,
}

/// Begins to wait without an appointment: patients for themselves, nurses, support and the doctor for a patient who came.
#[utoipa::path(post, path = "/api/v1/doctors/{id}/waiting-room", operation_id = "walk_in", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    request_body = WalkInRequest,
    responses((status = 201, description = "In the line", body = WalkedInResponse)))]
pub async fn walk_in(state: Shared, id: Path<String>, command: Command<WalkInRequest>) -> Result<WalkedInResponse> {
    let WalkInRequest { patient_id, reason, visit_type, is_emergency, triage_level } = command.body;
    let new = NewWalkIn {
        doctor_id: path_id(&id)?,
        patient_id: patient_id.map(Id::new),
        reason,
        visit_type: visit_type.into(),
        is_emergency,
        triage_level,
    };
    let walked = state.consultations.walk_in(command.meta, new).await?;
    let location = format!("{BASE}/consultations/{}", walked.consultation.id);
    let answer = WalkedInResponse {
        consultation: walked.consultation.into(),
        waiting: walked.waiting.map(WaitingResponse::from),
        delay: walked.delay.map(DelayResponse::from),
    };
    Ok(Answer::created(location, answer))
}

/// A waiting room, but for who is in it.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingRoom)]
pub struct WaitingRoomResponse {
    /// `in_hours`, `always` or `never`.
    walk_ins: String,
    /// Null when the doctor is not late.
    delay: Option<DelayResponse>,
}

fn room(room: WaitingRoom) -> Answer<WaitingRoomResponse> {
    let delay = room.delay.map(DelayResponse::from);
    Answer::ok(WaitingRoomResponse { walk_ins: room.walk_ins.to_string(), delay })
}

/// When patients without an appointment are taken.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WalkIns)]
pub struct WalkInsRequest {
    /// `in_hours` (while the doctor's hours last), `always` or `never`.
    accept: String,
}

/// Opens or closes the waiting room for patients without an appointment: the doctor and nurses.
#[utoipa::path(post, path = "/api/v1/doctors/{id}/waiting-room/walk-ins", operation_id = "take_walk_ins", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    request_body = WalkInsRequest,
    responses((status = 200, description = "The waiting room", body = WaitingRoomResponse)))]
pub async fn take_walk_ins(
    state: Shared,
    id: Path<String>,
    command: Command<WalkInsRequest>,
) -> Result<WaitingRoomResponse> {
    let accept: WalkIns = parsed("/accept", &command.body.accept)?;
    Ok(room(state.consultations.take_walk_ins(command.meta, path_id(&id)?, accept).await?))
}

/// That a doctor is late.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDelay)]
pub struct DelayRequest {
    /// From now on; 0 takes back what was told.
    #[schema(minimum = 0, maximum = 480)]
    minutes: i64,
    /// `running_late` (when not said), `emergency`, `technical_problem` or `back_soon`.
    reason: Option<String>,
    /// What is told to all who wait; nothing of another patient.
    #[schema(max_length = 500)]
    text: Option<String>,
}

/// Tells everybody who waits that the doctor is late; expected waits follow. The doctor and nurses.
#[utoipa::path(post, path = "/api/v1/doctors/{id}/waiting-room/delay", operation_id = "delay_waiting_room", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    request_body = DelayRequest,
    responses((status = 200, description = "The waiting room", body = WaitingRoomResponse)))]
pub async fn delay(state: Shared, id: Path<String>, command: Command<DelayRequest>) -> Result<WaitingRoomResponse> {
    let DelayRequest { minutes, reason, text } = command.body;
    let reason = parsed("/reason", reason.as_deref().unwrap_or("running_late"))?;
    Ok(room(state.consultations.delay(command.meta, path_id(&id)?, NewDelay { minutes, reason, text }).await?))
}

/// What a client found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDeviceCheck)]
pub struct DeviceCheckRequest {
    /// `ok`, `blocked`, `missing`, `failed` or `unchecked` (when not said).
    camera: Option<String>,
    /// As `camera`.
    microphone: Option<String>,
    /// What the network carries in the slower direction.
    #[schema(minimum = 0, maximum = 10000000)]
    bandwidth_kbps: Option<i32>,
    /// Its name and version.
    #[schema(max_length = 64)]
    browser: Option<String>,
}

impl DeviceCheckRequest {
    /// The check, as of now.
    pub fn parse(self, checked_at: Timestamp) -> std::result::Result<DeviceCheck, Refusal> {
        Ok(DeviceCheck {
            camera: parsed("/camera", self.camera.as_deref().unwrap_or("unchecked"))?,
            microphone: parsed("/microphone", self.microphone.as_deref().unwrap_or("unchecked"))?,
            bandwidth_kbps: self.bandwidth_kbps,
            browser: self.browser,
            checked_at,
        })
    }
}

/// Keeps what a check of camera, microphone and network found; the doctor sees it in the waiting room.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/device-check", operation_id = "check_device", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    request_body = DeviceCheckRequest,
    responses((status = 200, description = "Kept", body = DeviceCheckResponse)))]
pub async fn check_device(
    state: Shared,
    id: Path<String>,
    command: Command<DeviceCheckRequest>,
) -> Result<DeviceCheckResponse> {
    let check = command.body.parse(state.db.clock().now())?;
    state.consultations.check_device(command.meta, path_id(&id)?, check.clone()).await?;
    Ok(Answer::ok(check.into()))
}
