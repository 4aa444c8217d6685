//! The page at `/`, which says what runs here and where to read on, and the room behind the link in mails.

use actix_web::{HttpResponse, web::Path};

use consilium_kernel::Refusal;

use super::problem::Problem;

const PAGE: &str = include_str!("landing.html");
const JOIN: &str = include_str!("join/page.html");
/// The modules of that page: itself, who uses it, its WebSocket, and media between browsers.
const SCRIPTS: [(&str, &str); 4] = [
    ("page.js", include_str!("join/page.js")),
    ("session.js", include_str!("join/session.js")),
    ("line.js", include_str!("join/line.js")),
    ("call.js", include_str!("join/call.js")),
];

/// What the page with no script may load: nothing.
const PLAIN: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'";
/// What the page that joins may load: its own scripts, and this server.
const JOINING: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
                       form-action 'none'; frame-ancestors 'none'";

/// The page behind the link in mails, `/c/{consultation}`: it stays the same through rescheduling and whatever the
/// provider, because it joins anew each time. Tells nothing of the consultation to whoever does not log in.
pub async fn join() -> HttpResponse {
    html(JOIN, JOINING)
}

/// A script of that page.
pub async fn join_script(name: Path<String>) -> Result<HttpResponse, Problem> {
    let script = SCRIPTS.iter().find(|(known, _)| *known == name.as_str()).ok_or(Refusal::not_found())?;
    // The page and its scripts must be of one version.
    let fresh = ("Cache-Control", "no-cache");
    Ok(HttpResponse::Ok().content_type("text/javascript; charset=utf-8").insert_header(fresh).body(script.1))
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
