//! The page at `/`: what runs here and where to read on.

use actix_web::HttpResponse;

const PAGE: &str = include_str!("landing.html");
const JOIN: &str = include_str!("join.html");
const JOIN_SCRIPT: &str = include_str!("join.js");

/// What the page with no script may load: nothing.
const PLAIN: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'";
/// What the page that joins may load: its own script, and this server.
const JOINING: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
                       form-action 'none'; frame-ancestors 'none'";

/// The page behind the link in mails, `/c/{consultation}`: it stays the same through rescheduling and whatever the
/// provider, because it joins anew each time. Tells nothing of the consultation to whoever does not log in.
pub async fn join() -> HttpResponse {
    html(JOIN, JOINING)
}

/// The script of that page.
pub async fn join_script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(JOIN_SCRIPT)
}

/// A page without scripts, styles of others or cookies.
pub async fn page() -> HttpResponse {
    html(PAGE, PLAIN)
}

fn html(page: &str, policy: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", policy))
        .body(page.replace("{version}", env!("CARGO_PKG_VERSION")))
}
