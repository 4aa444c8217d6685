//! Follow-ups that doctors asked for, and what their patients answer.

use actix_web::web::Path;
use consilium_kernel::Timestamp;
use consilium_scheduling::FollowUp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Page, Result},
    appointments::AppointmentResponse,
    command::{Command, Nothing, Query, Shared, path_id},
};

/// A time that is kept for the patient to confirm, or what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = FollowUp)]
pub struct FollowUpResponse {
    id: uuid::Uuid,
    doctor_id: uuid::Uuid,
    patient_id: uuid::Uuid,
    /// The consultation that it follows.
    after_consultation_id: uuid::Uuid,
    /// `wanted`, `held`, `confirmed`, `declined`, `expired`, `unplaced` or `withdrawn`.
    status: String,
    /// `video`, `audio`, `chat` or `in_person`.
    visit_type: String,
    /// The day that the doctor asked for, in the doctor's time zone.
    #[schema(value_type = String, format = "date")]
    wanted_on: String,
    /// Null as long as no time was found.
    #[schema(value_type = Option<String>, format = "date-time")]
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ends_at: Option<Timestamp>,
    /// Until when it is kept.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
    /// What came of it.
    appointment_id: Option<uuid::Uuid>,
}

impl From<FollowUp> for FollowUpResponse {
    fn from(follow_up: FollowUp) -> Self {
        Self {
            id: follow_up.id.uuid(),
            doctor_id: follow_up.doctor_id.uuid(),
            patient_id: follow_up.patient_id.uuid(),
            after_consultation_id: follow_up.after_consultation_id.uuid(),
            status: follow_up.status.to_string(),
            visit_type: follow_up.visit_type.to_string(),
            wanted_on: follow_up.wanted_on.to_string(),
            starts_at: follow_up.starts_at,
            ends_at: follow_up.ends_at,
            expires_at: follow_up.expires_at,
            appointment_id: follow_up.appointment_id.map(|id| id.uuid()),
        }
    }
}

/// One's own follow-ups: those that wait for an answer first, then the newest; at most 100.
#[utoipa::path(get, path = "/api/v1/me/follow-ups", operation_id = "list_follow_ups", tag = "appointments",
    responses((status = 200, description = "Follow-ups", body = Page<FollowUpResponse>)))]
pub async fn list(state: Shared, query: Query<Nothing>) -> Result<Page<FollowUpResponse>> {
    let items = state.scheduling.follow_ups(&query.meta).await?;
    Ok(Answer::ok(Page { items: items.into_iter().map(FollowUpResponse::from).collect(), next_cursor: None }))
}

/// Confirms: the kept time is an accepted appointment from now on, because the doctor asked for it.
#[utoipa::path(post, path = "/api/v1/follow-ups/{id}/confirm", operation_id = "confirm_follow_up", tag = "appointments", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The appointment", body = AppointmentResponse)))]
pub async fn confirm(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<AppointmentResponse> {
    let appointment = state.scheduling.confirm_follow_up(command.meta, path_id(&id)?).await?;
    let version = appointment.version;
    Ok(Answer::ok(AppointmentResponse::from(appointment)).versioned(version))
}

/// Declines: the time is free again.
#[utoipa::path(post, path = "/api/v1/follow-ups/{id}/decline", operation_id = "decline_follow_up", tag = "appointments", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The follow-up", body = FollowUpResponse)))]
pub async fn decline(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<FollowUpResponse> {
    Ok(Answer::ok(state.scheduling.decline_follow_up(command.meta, path_id(&id)?).await?.into()))
}
