//! The public directory of doctors, their profiles, and their verification.

use actix_web::{HttpRequest, web::Path};
use consilium_kernel::{DoctorId, Money, Refusal, Timestamp};
use consilium_people::{
    Decision, Doctor, DoctorFilter, DoctorPatch, MoneyInput, PageRequest, Verification, VerifyDoctor,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, if_match, path_id},
    parsed::{parsed, present},
};

/// An amount in the currency's minor unit.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Money)]
#[serde(deny_unknown_fields)]
pub struct MoneyBody {
    #[schema(minimum = 0)]
    amount_minor: i64,
    /// ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.amount_minor, currency: money.currency }
    }
}

/// What patients think of a doctor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rating)]
pub struct RatingResponse {
    /// One to five; null before the first rating.
    average: Option<f64>,
    count: i64,
}

/// A doctor's profile.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Doctor)]
pub struct DoctorResponse {
    id: uuid::Uuid,
    /// As patients see it.
    display_name: String,
    specialty: Option<String>,
    qualifications: Vec<String>,
    licence_number: Option<String>,
    years_of_experience: Option<u16>,
    /// BCP 47 tags.
    languages: Vec<String>,
    consultation_fee: Option<MoneyBody>,
    /// IANA zone of the doctor's hours.
    time_zone: String,
    photo_url: Option<String>,
    /// The plugin that is to give the video rooms, if it can; only for the doctor and administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    video_provider: Option<String>,
    rating: RatingResponse,
    /// Whether the licence was checked; others are neither listed nor bookable.
    verified: bool,
    /// `pending`, `approved` or `rejected`.
    verification: String,
    /// What the administrator said; only for the doctor and administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_reason: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<Doctor> for DoctorResponse {
    fn from(doctor: Doctor) -> Self {
        Self {
            id: doctor.id.uuid(),
            display_name: doctor.display_name,
            specialty: doctor.specialty,
            qualifications: doctor.qualifications,
            licence_number: doctor.licence_number,
            years_of_experience: doctor.years_of_experience,
            languages: doctor.languages.into_iter().map(String::from).collect(),
            consultation_fee: doctor.consultation_fee.map(MoneyBody::from),
            time_zone: doctor.time_zone.into(),
            photo_url: doctor.photo_url,
            video_provider: doctor.video_provider,
            rating: RatingResponse { average: doctor.rating.average, count: doctor.rating.count },
            verified: doctor.verified,
            verification: doctor.verification.to_string(),
            verification_reason: doctor.verification_reason,
            created_at: doctor.created_at,
        }
    }
}

/// Which doctors are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DoctorQuery {
    /// The field, such as `cardiology`.
    specialty: Option<String>,
    /// A BCP 47 tag; `en` finds `en-GB` too.
    language: Option<String>,
    /// Words of the name or the field.
    q: Option<String>,
    /// Only doctors with a free slot on this day, `YYYY-MM-DD` in each doctor's zone.
    #[param(format = "date")]
    available_on: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A part of the directory.
#[derive(Debug, Serialize, ToSchema)]
pub struct DoctorPage {
    items: Vec<DoctorResponse>,
    next_cursor: Option<String>,
}

/// Verified doctors.
#[utoipa::path(get, path = "/api/v1/doctors", operation_id = "list_doctors", tag = "doctors", params(DoctorQuery),
    responses((status = 200, description = "Doctors", body = DoctorPage)))]
pub async fn list(state: Shared, query: Query<DoctorQuery>) -> Result<DoctorPage> {
    let Query { meta, query } = query;
    let ids = match &query.available_on {
        Some(day) => {
            let free = state.scheduling.available_on(&meta, parsed("?available_on", day)?).await?;
            Some(free.into_iter().collect())
        }
        None => None,
    };
    let filter = DoctorFilter { specialty: query.specialty, language: query.language, q: query.q, ids };
    let page = PageRequest { limit: query.limit, cursor: query.cursor };
    let page = state.people.list_doctors(&meta, filter, page).await?;
    let items = page.items.into_iter().map(DoctorResponse::from).collect();
    Ok(Answer::ok(DoctorPage { items, next_cursor: page.next_cursor }))
}

/// One doctor. Who is not verified is seen only by himself and by administrators.
#[utoipa::path(get, path = "/api/v1/doctors/{id}", operation_id = "get_doctor", tag = "doctors", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The doctor", body = DoctorResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<DoctorResponse> {
    let doctor = state.people.doctor(&query.meta, path_id::<DoctorId>(&id)?).await?;
    let version = doctor.version;
    Ok(Answer::ok(doctor.into()).versioned(version))
}

/// What changes; a field that is absent stays, one that is null is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoctorPatchRequest {
    display_name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    specialty: Option<Option<String>>,
    qualifications: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    licence_number: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 80)]
    years_of_experience: Option<Option<i64>>,
    languages: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<MoneyBody>)]
    consultation_fee: Option<Option<MoneyBody>>,
    time_zone: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    photo_url: Option<Option<String>>,
    /// An id out of `GET /video-providers`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    video_provider: Option<Option<String>>,
}

/// Changes a profile: one's own, or as an administrator anybody's.
#[utoipa::path(patch, path = "/api/v1/doctors/{id}", operation_id = "patch_doctor", tag = "doctors", request_body = DoctorPatchRequest,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header, description = "ETag of the profile that was seen")),
    responses((status = 200, description = "The doctor", body = DoctorResponse)))]
pub async fn patch(
    state: Shared,
    id: Path<String>,
    request: HttpRequest,
    command: Command<DoctorPatchRequest>,
) -> Result<DoctorResponse> {
    let (id, version, body) = (path_id::<DoctorId>(&id)?, if_match(&request)?, command.body);
    let money = |fee: MoneyBody| MoneyInput { amount_minor: fee.amount_minor, currency: fee.currency };
    let patch = DoctorPatch {
        display_name: body.display_name,
        specialty: body.specialty,
        qualifications: body.qualifications,
        licence_number: body.licence_number,
        years_of_experience: body.years_of_experience,
        languages: body.languages,
        consultation_fee: body.consultation_fee.map(|fee| fee.map(money)),
        time_zone: body.time_zone,
        photo_url: body.photo_url,
        video_provider: body.video_provider,
    };
    if let Some(Some(provider)) = &patch.video_provider
        && !state.video.knows(command.meta.scope.facility_id, provider)
    {
        let detail = "is none of this facility's video providers";
        return Err(Refusal::field("/video_provider", "unknown", detail).into());
    }
    let doctor = state.people.patch_doctor(&command.meta, id, version, patch).await?;
    let version = doctor.version;
    Ok(Answer::ok(doctor.into()).versioned(version))
}

/// Which doctors are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerificationQuery {
    /// `pending`, which is meant when nothing is said, `approved` or `rejected`.
    verification: Option<String>,
    /// Words of the name or the field.
    q: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The doctors whose credentials are to be looked at, or were, in the order of their names.
#[utoipa::path(get, path = "/api/v1/admin/doctors", operation_id = "list_doctors_to_verify", tag = "admin",
    params(VerificationQuery), responses((status = 200, description = "Doctors", body = DoctorPage)))]
pub async fn to_verify(state: Shared, query: Query<VerificationQuery>) -> Result<DoctorPage> {
    let Query { meta, query } = query;
    let wrong = |_| Refusal::field("?verification", "invalid", "is pending, approved or rejected");
    let verification: Verification = query.verification.as_deref().unwrap_or("pending").parse().map_err(wrong)?;
    let filter = DoctorFilter { q: query.q, ..DoctorFilter::default() };
    let page = PageRequest { limit: query.limit, cursor: query.cursor };
    let page = state.people.doctors_by_verification(&meta, verification, filter, page).await?;
    let items = page.items.into_iter().map(DoctorResponse::from).collect();
    Ok(Answer::ok(DoctorPage { items, next_cursor: page.next_cursor }))
}

/// An administrator's decision.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationDecision {
    /// The credentials hold.
    Approved,
    /// They do not.
    Rejected,
}

/// A decision and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyDoctorRequest {
    decision: VerificationDecision,
    /// Needed for a rejection.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Decides whether a doctor is who he says.
#[utoipa::path(post, path = "/api/v1/admin/doctors/{id}/verify", operation_id = "verify_doctor", tag = "admin", request_body = VerifyDoctorRequest,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The doctor", body = DoctorResponse)))]
pub async fn verify(state: Shared, id: Path<String>, command: Command<VerifyDoctorRequest>) -> Result<DoctorResponse> {
    let decision = match command.body.decision {
        VerificationDecision::Approved => Decision::Approved,
        VerificationDecision::Rejected => Decision::Rejected,
    };
    let verify = VerifyDoctor { decision, reason: command.body.reason };
    let doctor = state.credentials.verify(&command.meta, path_id(&id)?, verify).await?;
    let version = doctor.version;
    Ok(Answer::ok(doctor.into()).versioned(version))
}
