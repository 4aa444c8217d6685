//! The page at `/`: what runs here and where to read on.

use actix_web::HttpResponse;

const PAGE: &str = include_str!("landing.html");
const JOIN: &str = include_str!("join.html");

/// The page behind the link in mails, `/c/{consultation}`: it stays the same through rescheduling and whatever the
/// provider. Tells nothing of the consultation, since anybody may open it.
pub async fn join() -> HttpResponse {
    html(JOIN)
}

/// A page without scripts, styles of others or cookies.
pub async fn page() -> HttpResponse {
    html(PAGE)
}

fn html(page: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"))
        .body(page.replace("{version}", env!("CARGO_PKG_VERSION")))
}
