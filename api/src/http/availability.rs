//! A doctor's hours and the slots that follow from them.

use actix_web::{HttpRequest, web::Path};
use consilium_kernel::{DoctorId, Timestamp};
use consilium_scheduling::{AvailabilityDraft, ExceptionDraft, VersionedAvailability, WeeklyDraft};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, if_match, path_id},
    parsed::parsed,
};

/// Hours of every such day, on the doctor's own clock.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WeeklyHours)]
pub struct WeeklyBody {
    /// `monday` … `sunday`.
    day: String,
    /// `09:00`
    start: String,
    /// `13:00`, later than `start`; at most `24:00`. Hours across midnight are two entries.
    end: String,
}

/// A date that is closed or has other hours.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AvailabilityException)]
pub struct ExceptionBody {
    #[schema(format = "date")]
    date: String,
    /// Either this …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<bool>,
    /// … or `start` and `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

/// When a doctor can be booked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Availability)]
pub struct AvailabilityBody {
    /// IANA zone in which all hours are meant.
    time_zone: String,
    #[schema(max_items = 50)]
    weekly: Vec<WeeklyBody>,
    #[serde(default)]
    #[schema(max_items = 366)]
    exceptions: Vec<ExceptionBody>,
    /// How long an appointment takes.
    #[schema(minimum = 5, maximum = 480)]
    slot_minutes: i64,
    /// Kept free after each appointment.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 240)]
    buffer_minutes: i64,
    /// How long before its start an appointment must be booked.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 89280)]
    lead_time_minutes: i64,
    /// Appointments on one date of the doctor's calendar; null for no limit.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 288)]
    max_per_day: Option<i64>,
}

fn answer(set: VersionedAvailability) -> Answer<AvailabilityBody> {
    let availability = set.availability;
    let weekly = availability.weekly.iter().map(|weekly| WeeklyBody {
        day: weekly.day.to_string(),
        start: weekly.hours.start.to_string(),
        end: weekly.hours.end.to_string(),
    });
    let exceptions = availability.exceptions.iter().map(|exception| ExceptionBody {
        date: exception.date.to_string(),
        closed: exception.hours.is_none().then_some(true),
        start: exception.hours.map(|hours| hours.start.to_string()),
        end: exception.hours.map(|hours| hours.end.to_string()),
    });
    Answer::ok(AvailabilityBody {
        weekly: weekly.collect(),
        exceptions: exceptions.collect(),
        slot_minutes: availability.slot_minutes.into(),
        buffer_minutes: availability.buffer_minutes.into(),
        lead_time_minutes: availability.lead_time_minutes.into(),
        max_per_day: availability.max_per_day.map(i64::from),
        time_zone: availability.time_zone.into(),
    })
    .versioned(set.version)
}

/// A doctor's hours; empty when never set.
#[utoipa::path(get, path = "/api/v1/doctors/{id}/availability", operation_id = "get_availability", tag = "scheduling", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The hours", body = AvailabilityBody)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<AvailabilityBody> {
    Ok(answer(state.scheduling.availability(&query.meta, path_id::<DoctorId>(&id)?).await?))
}

/// Sets the hours. Appointments made before stay as they are.
#[utoipa::path(put, path = "/api/v1/doctors/{id}/availability", operation_id = "put_availability", tag = "scheduling", request_body = AvailabilityBody,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header, description = "ETag of the hours that were seen")),
    responses((status = 200, description = "The hours", body = AvailabilityBody)))]
pub async fn put(
    state: Shared,
    id: Path<String>,
    request: HttpRequest,
    command: Command<AvailabilityBody>,
) -> Result<AvailabilityBody> {
    let (id, version, body) = (path_id::<DoctorId>(&id)?, if_match(&request)?, command.body);
    let weekly =
        body.weekly.into_iter().map(|weekly| WeeklyDraft { day: weekly.day, start: weekly.start, end: weekly.end });
    let exceptions = body.exceptions.into_iter().map(|exception| ExceptionDraft {
        date: exception.date,
        closed: exception.closed,
        start: exception.start,
        end: exception.end,
    });
    let draft = AvailabilityDraft {
        time_zone: body.time_zone,
        weekly: weekly.collect(),
        exceptions: exceptions.collect(),
        slot_minutes: body.slot_minutes,
        buffer_minutes: body.buffer_minutes,
        lead_time_minutes: body.lead_time_minutes,
        max_per_day: body.max_per_day,
    };
    Ok(answer(state.scheduling.put_availability(command.meta, id, draft, version).await?))
}

/// A bookable interval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Slot)]
pub struct SlotResponse {
    #[schema(value_type = String, format = "date-time")]
    starts_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    ends_at: Timestamp,
}

/// Free slots.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotList {
    items: Vec<SlotResponse>,
    next_cursor: Option<String>,
}

/// From when to when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SlotQuery {
    /// Slots that start then or later; now when not said.
    #[param(format = "date-time")]
    from: Option<String>,
    /// Slots that start before then; a week after `from` when not said, at most 62 days.
    #[param(format = "date-time")]
    to: Option<String>,
}

/// A doctor's free slots, in UTC.
#[utoipa::path(get, path = "/api/v1/doctors/{id}/slots", operation_id = "list_slots", tag = "scheduling",
    params(("id" = uuid::Uuid, Path), SlotQuery),
    responses((status = 200, description = "Free slots", body = SlotList)))]
pub async fn slots(state: Shared, id: Path<String>, query: Query<SlotQuery>) -> Result<SlotList> {
    let from = query.query.from.map(|text| parsed("?from", &text)).transpose()?;
    let to = query.query.to.map(|text| parsed("?to", &text)).transpose()?;
    let slots = state.scheduling.slots(&query.meta, path_id::<DoctorId>(&id)?, from, to).await?;
    let items = slots.into_iter().map(|slot| SlotResponse { starts_at: slot.starts_at, ends_at: slot.ends_at });
    Ok(Answer::ok(SlotList { items: items.collect(), next_cursor: None }))
}
