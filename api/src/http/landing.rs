//! The page at `/`: what runs here and where to read on.

use actix_web::HttpResponse;

const PAGE: &str = include_str!("landing.html");

/// A page without scripts, styles of others or cookies.
pub async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"))
        .body(PAGE.replace("{version}", env!("CARGO_PKG_VERSION")))
}
