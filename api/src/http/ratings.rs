//! What patients think of consultations.

use actix_web::web::Path;
use consilium_consultations::{ConsultationRating, RatingDraft, RatingTag};
use consilium_kernel::{Refusal, Timestamp, not_a_cursor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Query, Shared, path_id},
};

/// How a consultation was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatingRequest {
    #[schema(minimum = 1, maximum = 5)]
    rating: i64,
    #[schema(max_length = 2000)]
    text: Option<String>,
    /// Of `listened`, `explained_well`, `helpful`, `friendly`, `on_time`, `waited_long`, `felt_rushed`,
    /// `technical_problems`.
    #[serde(default)]
    #[schema(max_items = 8)]
    tags: Vec<String>,
}

/// A rating.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsultationRating)]
pub struct RatingResponse {
    id: uuid::Uuid,
    /// Absent for the doctor, who is not told whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    consultation_id: Option<uuid::Uuid>,
    /// Absent for the doctor.
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<uuid::Uuid>,
    doctor_id: uuid::Uuid,
    /// 1 to 5.
    rating: u8,
    text: Option<String>,
    tags: Vec<String>,
    #[schema(value_type = String, format = "date-time")]
    rated_at: Timestamp,
}

impl From<ConsultationRating> for RatingResponse {
    fn from(rating: ConsultationRating) -> Self {
        Self {
            id: rating.id.uuid(),
            consultation_id: rating.consultation_id.map(|id| id.uuid()),
            patient_id: rating.patient_id.map(|id| id.uuid()),
            doctor_id: rating.doctor_id.uuid(),
            rating: rating.rating,
            text: rating.text,
            tags: rating.tags.iter().map(ToString::to_string).collect(),
            rated_at: rating.rated_at,
        }
    }
}

/// Rates a completed consultation, once.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/rating", operation_id = "rate_consultation", tag = "consultations",
    params(("id" = uuid::Uuid, Path)), request_body = RatingRequest,
    responses((status = 201, description = "The rating", body = RatingResponse)))]
pub async fn rate(state: Shared, id: Path<String>, command: Command<RatingRequest>) -> Result<RatingResponse> {
    let RatingRequest { rating, text, tags } = command.body;
    let rating = u8::try_from(rating).map_err(|_| Refusal::field("/rating", "out_of_range", "is 1 to 5"))?;
    let tag = |(place, tag): (usize, &String)| {
        tag.parse::<RatingTag>().map_err(|_| Refusal::field(&format!("/tags/{place}"), "invalid", "is no known tag"))
    };
    let tags = tags.iter().take(100).enumerate().map(tag).collect::<std::result::Result<_, _>>()?;
    let rating = state.consultations.rate(command.meta, path_id(&id)?, RatingDraft { rating, text, tags }).await?;
    Ok(Answer::created(format!("/api/v1/consultations/{}/rating", id.as_str()), rating.into()))
}

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RatingsQuery {
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// What patients thought of a doctor, the newest first: for the doctor, without saying who, and for administrators.
#[utoipa::path(get, path = "/api/v1/doctors/{id}/ratings", operation_id = "list_ratings", tag = "doctors",
    params(("id" = uuid::Uuid, Path), RatingsQuery),
    responses((status = 200, description = "Ratings", body = Page<RatingResponse>)))]
pub async fn list(state: Shared, id: Path<String>, query: Query<RatingsQuery>) -> Result<Page<RatingResponse>> {
    let cursor = query.query.cursor.map(|text| text.parse().map_err(|_| not_a_cursor())).transpose()?;
    let page = state.consultations.ratings(&query.meta, path_id(&id)?, query.query.limit, cursor).await?;
    Ok(Answer::ok(Page {
        items: page.items.into_iter().map(RatingResponse::from).collect(),
        next_cursor: page.next_cursor.map(|id| id.to_string()),
    }))
}
