//! A doctor's figures per day, as an analytics plugin counted them.

use actix_web::web::Path;
use consilium_insights::DoctorFigures;
use consilium_kernel::Refusal;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Query, Shared, path_id},
};

/// Which days, both included, in the doctor's zone. At most 366; without them the last 30.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnalyticsQuery {
    #[param(format = "date")]
    from: Option<String>,
    #[param(format = "date")]
    to: Option<String>,
}

/// Money earned in one currency.
#[derive(Serialize, ToSchema)]
#[schema(as = Earning)]
pub struct EarningResponse {
    /// In the currency's minor unit.
    amount_minor: i64,
    /// ISO 4217.
    currency: String,
}

/// One day.
#[derive(Serialize, ToSchema)]
#[schema(as = DoctorDay)]
pub struct DoctorDayResponse {
    #[schema(value_type = String, format = "date")]
    date: String,
    /// Consultations completed.
    sessions: u32,
    average_duration_seconds: u32,
    /// One to five; null without ratings.
    average_rating: Option<f64>,
    /// One entry per currency.
    earnings: Vec<EarningResponse>,
    /// Different patients.
    patients: u32,
}

/// A doctor's days on which something happened.
#[derive(Serialize, ToSchema)]
#[schema(as = DoctorAnalytics)]
pub struct DoctorAnalyticsResponse {
    doctor_id: uuid::Uuid,
    #[schema(value_type = String, format = "date")]
    from: String,
    #[schema(value_type = String, format = "date")]
    to: String,
    /// IANA zone of the days.
    time_zone: String,
    items: Vec<DoctorDayResponse>,
    next_cursor: Option<String>,
}

impl From<DoctorFigures> for DoctorAnalyticsResponse {
    fn from(figures: DoctorFigures) -> Self {
        let items = figures.days.into_iter().map(|day| DoctorDayResponse {
            date: day.date.to_string(),
            sessions: day.sessions,
            average_duration_seconds: day.average_duration_seconds,
            average_rating: day.average_rating,
            earnings: day
                .earnings
                .into_iter()
                .map(|money| EarningResponse { amount_minor: money.amount_minor, currency: money.currency })
                .collect(),
            patients: day.patients,
        });
        Self {
            doctor_id: figures.doctor_id.uuid(),
            from: figures.from.to_string(),
            to: figures.to.to_string(),
            time_zone: figures.time_zone.into(),
            items: items.collect(),
            next_cursor: None,
        }
    }
}

/// A doctor's figures per day: for that doctor and administrators.
#[utoipa::path(get, path = "/api/v1/analytics/doctors/{id}", operation_id = "get_doctor_analytics", tag = "analytics",
    params(("id" = uuid::Uuid, Path), AnalyticsQuery),
    responses((status = 200, description = "Figures per day", body = DoctorAnalyticsResponse)))]
pub async fn doctor(state: Shared, id: Path<String>, query: Query<AnalyticsQuery>) -> Result<DoctorAnalyticsResponse> {
    let Query { meta, query } = query;
    let (from, to) = (date("?from", query.from.as_deref())?, date("?to", query.to.as_deref())?);
    Ok(Answer::ok(state.insights.doctor(&meta, path_id(&id)?, from, to).await?.into()))
}

/// `Date` would take a whole date-time and drop the time.
fn date(pointer: &str, text: Option<&str>) -> std::result::Result<Option<Date>, Refusal> {
    let wrong = || Refusal::field(pointer, "invalid", "is not a date such as 2026-12-31");
    text.map(|text| (text.len() == 10).then(|| text.parse().ok()).flatten().ok_or_else(wrong)).transpose()
}
