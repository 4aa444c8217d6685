//! Refusals as RFC 9457 problem documents.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use consilium_kernel::{Refusal, RefusalKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request_id;

/// A refusal on its way out.
#[derive(Debug)]
pub struct Problem(pub Refusal);

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// `about:blank`, or a page that explains the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, for people.
    pub detail: String,
    /// What happened, for programs: `slot_taken`. Never changes its meaning.
    pub code: String,
    /// Names this request in the server's log.
    pub request_id: String,
    /// Wrong fields.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<ProblemField>,
}

/// One wrong field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemField {
    /// JSON pointer into the body, or the name of the query parameter behind a `?`.
    pub pointer: String,
    /// What is wrong, for programs.
    pub code: String,
    /// What is wrong, for people.
    pub detail: String,
}

/// The one mapping from refusals to HTTP.
pub fn status(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::Malformed => StatusCode::BAD_REQUEST,
        RefusalKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::Stale => StatusCode::PRECONDITION_FAILED,
        RefusalKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalKind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        RefusalKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        RefusalKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl ProblemDocument {
    /// The document for a refusal of this request.
    pub fn new(refusal: &Refusal, status: StatusCode) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: refusal.detail.to_string(),
            code: refusal.code.to_string(),
            request_id: request_id::current(),
            errors: refusal
                .errors
                .iter()
                .map(|field| ProblemField {
                    pointer: field.pointer.clone(),
                    code: field.code.to_string(),
                    detail: field.detail.clone(),
                })
                .collect(),
        }
    }

    /// The answer that carries it.
    pub fn respond(&self, refusal: &Refusal, status: StatusCode) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        response.insert_header(("Cache-Control", "no-store"));
        if let Some(seconds) = refusal.retry_after {
            response.insert_header(("Retry-After", seconds.to_string()));
        }
        if refusal.kind == RefusalKind::Unauthenticated {
            response.insert_header(("WWW-Authenticate", "Bearer"));
        }
        response
            .content_type("application/problem+json")
            .body(serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned()))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(self.0.kind)
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        ProblemDocument::new(&self.0, status).respond(&self.0, status)
    }
}

/// 404 for a path that is no resource.
pub async fn no_such_resource() -> HttpResponse {
    Problem(Refusal::not_found().because("There is no such resource.")).error_response()
}

/// 405 for a method that the resource does not know; `Allow` lists those that it does.
pub fn method_not_allowed(allowed: &str) -> HttpResponse {
    let refusal =
        Refusal::new(RefusalKind::Malformed, "method_not_allowed", "This resource does not know this method.");
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = ProblemDocument::new(&refusal, status).respond(&refusal, status);
    if let Ok(value) = allowed.parse() {
        response.headers_mut().insert(actix_web::http::header::ALLOW, value);
    }
    response
}
