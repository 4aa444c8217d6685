//! The HTTP API: routes as data, requests parsed at the border, refusals as problem documents.

pub mod access;
pub mod analytics;
pub mod answer;
pub mod appointments;
pub mod audit;
pub mod auth;
pub mod availability;
pub mod chat;
pub mod command;
pub mod consultations;
pub mod credentials;
pub mod dispensing;
pub mod doctors;
pub mod files;
pub mod follow_ups;
pub mod health;
pub mod invitations;
pub mod landing;
pub mod limits;
pub mod me;
pub mod media;
pub mod notes;
pub mod notifications;
pub mod openapi;
pub mod parsed;
pub mod permissions;
pub mod plugins;
pub mod prescription_templates;
pub mod prescriptions;
pub mod problem;
pub mod provider_recordings;
pub mod push;
pub mod quality;
pub mod ranges;
pub mod ratings;
pub mod recordings;
pub mod request_id;
pub mod routes;
pub mod settings;
pub mod shared_files;
pub mod subscriptions;
pub mod summary;
pub mod support;
pub mod threads;
pub mod users;
pub mod waiting_room;
pub mod web_client;
pub mod webhooks;

use actix_cors::Cors;
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};

/// Lets browsers of the listed origins call the API; of others, none.
pub fn cors(origins: &[String]) -> Cors {
    let allowed = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "X-CSRF-Token",
            "X-Request-Id",
            "Range",
            "If-Range",
            "Tus-Resumable",
            "Upload-Length",
            "Upload-Metadata",
            "Upload-Offset",
            "Upload-Checksum",
        ])
        .expose_headers(["ETag", "Location", "X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"])
        .expose_headers(["Content-Range", "Content-Disposition", "Tus-Resumable", "Tus-Version", "Tus-Extension"])
        .expose_headers(["Tus-Max-Size", "Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Expires"])
        .supports_credentials()
        .max_age(600);
    origins.iter().fold(allowed, |cors, origin| cors.allowed_origin(origin))
}

/// Headers that keep browsers from guessing, framing and telling others where they came from.
pub async fn security_headers(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response)
}
