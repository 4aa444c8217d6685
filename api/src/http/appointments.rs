//! Appointments: booked, answered, called off, moved.

use actix_web::web::Path;
use consilium_kernel::{Id, Timestamp};
use consilium_scheduling::{Appointment, AppointmentFilter, BookAppointment, VisitType};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    parsed::parsed,
};

/// The agreement to meet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Appointment)]
pub struct AppointmentResponse {
    id: uuid::Uuid,
    doctor_id: uuid::Uuid,
    patient_id: uuid::Uuid,
    /// `booked`, or `walk_in` for a patient who came without one.
    kind: String,
    #[schema(value_type = String, format = "date-time")]
    starts_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    ends_at: Timestamp,
    /// IANA zone in which the doctor's hours were given.
    time_zone: String,
    /// `pending`, `accepted`, `rejected`, `cancelled`, `completed` or `no_show`.
    status: String,
    visit_type: VisitTypeBody,
    is_emergency: bool,
    /// Null where the reader may not see medical text.
    reason: Option<String>,
    symptoms: Option<String>,
    /// Set once accepted.
    consultation_id: Option<uuid::Uuid>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

/// How doctor and patient meet.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VisitType)]
pub enum VisitTypeBody {
    /// By video.
    Video,
    /// By voice.
    Audio,
    /// In writing.
    Chat,
    /// In the same room.
    InPerson,
}

impl From<VisitTypeBody> for VisitType {
    fn from(body: VisitTypeBody) -> Self {
        match body {
            VisitTypeBody::Video => Self::Video,
            VisitTypeBody::Audio => Self::Audio,
            VisitTypeBody::Chat => Self::Chat,
            VisitTypeBody::InPerson => Self::InPerson,
        }
    }
}
impl From<VisitType> for VisitTypeBody {
    fn from(visit: VisitType) -> Self {
        match visit {
            VisitType::Video => Self::Video,
            VisitType::Audio => Self::Audio,
            VisitType::Chat => Self::Chat,
            VisitType::InPerson => Self::InPerson,
        }
    }
}

impl From<Appointment> for AppointmentResponse {
    fn from(appointment: Appointment) -> Self {
        Self {
            id: appointment.id.uuid(),
            doctor_id: appointment.doctor_id.uuid(),
            patient_id: appointment.patient_id.uuid(),
            kind: appointment.kind.to_string(),
            starts_at: appointment.starts_at,
            ends_at: appointment.ends_at,
            time_zone: appointment.time_zone.into(),
            status: appointment.status.to_string(),
            visit_type: appointment.visit_type.into(),
            is_emergency: appointment.is_emergency,
            reason: appointment.reason,
            symptoms: appointment.symptoms,
            consultation_id: appointment.consultation_id.map(|id| id.uuid()),
            created_at: appointment.created_at,
        }
    }
}

fn whole(appointment: Appointment) -> Answer<AppointmentResponse> {
    let version = appointment.version;
    Answer::ok(AppointmentResponse::from(appointment)).versioned(version)
}

/// A wish to meet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookRequest {
    doctor_id: uuid::Uuid,
    /// The start of one of the doctor's free slots.
    #[schema(format = "date-time")]
    starts_at: String,
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    #[schema(max_length = 4000)]
    symptoms: Option<String>,
    visit_type: VisitTypeBody,
    /// Passes over the doctor's lead time, not over the doctor's hours.
    #[serde(default)]
    is_emergency: bool,
}

/// Asks for a slot; it is held from now on, and the doctor accepts or rejects.
#[utoipa::path(post, path = "/api/v1/appointments", operation_id = "book_appointment", tag = "scheduling", request_body = BookRequest,
    responses((status = 201, description = "Asked for", body = AppointmentResponse,
        links(
            ("the appointment" = (operation_id = "get_appointment", parameters(("id" = "$response.body#/id")))),
            ("accept" = (operation_id = "accept_appointment", parameters(("id" = "$response.body#/id")))),
            ("reschedule" = (operation_id = "reschedule_appointment", parameters(("id" = "$response.body#/id")))),
            ("cancel" = (operation_id = "cancel_appointment", parameters(("id" = "$response.body#/id")))),
        ))))]
pub async fn book(state: Shared, command: Command<BookRequest>) -> Result<AppointmentResponse> {
    let body = command.body;
    let wish = BookAppointment {
        doctor_id: Id::new(body.doctor_id),
        starts_at: parsed("/starts_at", &body.starts_at)?,
        reason: body.reason,
        symptoms: body.symptoms,
        visit_type: body.visit_type.into(),
        is_emergency: body.is_emergency,
    };
    let appointment = state.scheduling.book(command.meta, wish).await?;
    let (id, version) = (appointment.id, appointment.version);
    Ok(Answer::created(format!("/api/v1/appointments/{id}"), appointment.into()).versioned(version))
}

/// Which appointments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AppointmentQuery {
    /// As what: `patient` or `doctor`, for accounts that are both.
    role: Option<String>,
    status: Option<String>,
    /// Only this doctor's.
    doctor_id: Option<uuid::Uuid>,
    /// Only this patient's.
    patient_id: Option<uuid::Uuid>,
    /// Starting then or later.
    #[param(format = "date-time")]
    from: Option<String>,
    /// Starting before then.
    #[param(format = "date-time")]
    to: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A part of a list of appointments.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppointmentPage {
    items: Vec<AppointmentResponse>,
    next_cursor: Option<String>,
}

/// Appointments by start: one's own, or for staff those of the facility.
#[utoipa::path(get, path = "/api/v1/appointments", operation_id = "list_appointments", tag = "scheduling", params(AppointmentQuery),
    responses((status = 200, description = "Appointments", body = AppointmentPage)))]
pub async fn list(state: Shared, query: Query<AppointmentQuery>) -> Result<AppointmentPage> {
    let Query { meta, query } = query;
    let filter = AppointmentFilter {
        role: query.role.map(|text| parsed("?role", &text)).transpose()?,
        status: query.status.map(|text| parsed("?status", &text)).transpose()?,
        doctor_id: query.doctor_id.map(Id::new),
        patient_id: query.patient_id.map(Id::new),
        from: query.from.map(|text| parsed("?from", &text)).transpose()?,
        to: query.to.map(|text| parsed("?to", &text)).transpose()?,
        limit: query.limit,
        cursor: query.cursor,
    };
    let page = state.scheduling.appointments(&meta, filter).await?;
    let items = page.items.into_iter().map(AppointmentResponse::from).collect();
    Ok(Answer::ok(AppointmentPage { items, next_cursor: page.next_cursor }))
}

/// One appointment.
#[utoipa::path(get, path = "/api/v1/appointments/{id}", tag = "scheduling", operation_id = "get_appointment",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The appointment", body = AppointmentResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<AppointmentResponse> {
    Ok(whole(state.scheduling.appointment(&query.meta, path_id(&id)?).await?))
}

/// Agrees; the consultation's id is in the answer.
#[utoipa::path(post, path = "/api/v1/appointments/{id}/accept", tag = "scheduling",
    operation_id = "accept_appointment", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Accepted", body = AppointmentResponse,
        links(
            ("the consultation" = (operation_id = "get_consultation",
                parameters(("id" = "$response.body#/consultation_id")))),
            ("its messages" = (operation_id = "list_messages",
                parameters(("id" = "$response.body#/consultation_id")))),
            ("join" = (operation_id = "join_consultation",
                parameters(("id" = "$response.body#/consultation_id")))),
            ("write" = (operation_id = "send_message",
                parameters(("id" = "$response.body#/consultation_id")))),
        ))))]
pub async fn accept(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<AppointmentResponse> {
    Ok(whole(state.scheduling.accept(command.meta, path_id(&id)?).await?))
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Declines.
#[utoipa::path(post, path = "/api/v1/appointments/{id}/reject", operation_id = "reject_appointment", tag = "scheduling", request_body = ReasonRequest,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Rejected", body = AppointmentResponse)))]
pub async fn reject(state: Shared, id: Path<String>, command: Command<ReasonRequest>) -> Result<AppointmentResponse> {
    Ok(whole(state.scheduling.reject(command.meta, path_id(&id)?, command.body.reason).await?))
}

/// Calls it off.
#[utoipa::path(post, path = "/api/v1/appointments/{id}/cancel", tag = "scheduling", request_body = ReasonRequest,
    operation_id = "cancel_appointment", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Cancelled", body = AppointmentResponse)))]
pub async fn cancel(state: Shared, id: Path<String>, command: Command<ReasonRequest>) -> Result<AppointmentResponse> {
    Ok(whole(state.scheduling.cancel(command.meta, path_id(&id)?, command.body.reason).await?))
}

/// Another start, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RescheduleRequest {
    /// The start of another free slot of the same doctor.
    #[schema(format = "date-time")]
    starts_at: String,
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Moves it. A patient's move of an accepted appointment must be accepted again.
#[utoipa::path(post, path = "/api/v1/appointments/{id}/reschedule", operation_id = "reschedule_appointment", tag = "scheduling",
    request_body = RescheduleRequest, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Moved", body = AppointmentResponse)))]
pub async fn reschedule(
    state: Shared,
    id: Path<String>,
    command: Command<RescheduleRequest>,
) -> Result<AppointmentResponse> {
    let RescheduleRequest { starts_at, reason } = command.body;
    let starts_at = parsed("/starts_at", &starts_at)?;
    Ok(whole(state.scheduling.reschedule(command.meta, path_id(&id)?, starts_at, reason).await?))
}

/// Says that the patient did not come.
#[utoipa::path(post, path = "/api/v1/appointments/{id}/no-show", operation_id = "mark_no_show", tag = "scheduling", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Marked", body = AppointmentResponse)))]
pub async fn no_show(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<AppointmentResponse> {
    Ok(whole(state.scheduling.no_show(command.meta, path_id(&id)?).await?))
}
