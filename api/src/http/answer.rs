//! Answers: JSON with the headers that the conventions promise.

use actix_web::{HttpRequest, HttpResponse, Responder, http::StatusCode, http::header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::Problem;

/// What a handler gives back.
pub type Result<T> = std::result::Result<Answer<T>, Problem>;

/// A JSON answer.
#[derive(Debug)]
pub struct Answer<T> {
    status: StatusCode,
    body: Option<T>,
    location: Option<String>,
    version: Option<i64>,
}

impl<T> Answer<T> {
    /// 200 with a body.
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, body: Some(body), location: None, version: None }
    }

    /// 201 with the new resource and where it is.
    pub fn created(location: String, body: T) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), ..Self::ok(body) }
    }

    /// 202: it will be done, or it makes no difference whether it was.
    pub fn accepted(body: T) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(body) }
    }

    /// With the resource's version as `ETag`.
    pub fn versioned(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }
}

impl Answer<()> {
    /// 204.
    pub fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, location: None, version: None }
    }
}

impl<T: Serialize> Responder for Answer<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, "private, no-cache"));
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        let Some(body) = self.body else { return response.finish() };
        let Ok(json) = serde_json::to_vec(&body) else { return HttpResponse::InternalServerError().finish() };
        let etag = match self.version {
            Some(version) => format!("\"{version}\""),
            None => weak_etag(&json),
        };
        let fresh = request.headers().get(header::IF_NONE_MATCH).is_some_and(|seen| {
            seen.to_str().is_ok_and(|seen| seen.split(',').any(|one| one.trim() == etag || one.trim() == "*"))
        });
        response.insert_header((header::ETAG, etag));
        if fresh && request.method().is_safe() && self.status == StatusCode::OK {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.content_type("application/json").body(json)
    }
}

fn weak_etag(body: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, body);
    format!("W/\"{}\"", hex::encode(hash.as_ref().get(..12).unwrap_or_default()))
}

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; null on the last one.
    pub next_cursor: Option<String>,
}
