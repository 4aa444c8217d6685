//! How tokens are handed over and come back: in the body, or in a cookie with a CSRF token beside it.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration as CookieAge},
};
use consilium_identity::LoggedIn;
use consilium_kernel::{Refusal, RefusalKind};

use super::{TokenDelivery, TokenResponse};
use crate::http::{command::Shared, problem::Problem};

/// The cookie that keeps a browser's refresh token out of reach of scripts.
const COOKIE: &str = "consilium_refresh";
const COOKIE_PATH: &str = "/api/v1/auth";

/// What a client calls itself.
pub fn device(request: &HttpRequest) -> Option<&str> {
    request.headers().get("User-Agent").and_then(|agent| agent.to_str().ok())
}

/// Answers that there is no session any more.
pub fn forget() -> HttpResponse {
    let mut gone = Cookie::build(COOKIE, "").path(COOKIE_PATH).finish();
    gone.make_removal();
    HttpResponse::NoContent().cookie(gone).finish()
}

/// Answers with the tokens of a session.
pub fn hand_over(state: &Shared, session: LoggedIn, delivery: TokenDelivery) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("Cache-Control", "no-store"));
    let (refresh_token, csrf_token) = match delivery {
        TokenDelivery::Body => (Some(session.refresh_token), None),
        TokenDelivery::Cookie => {
            let age = session.refresh_expires_at.as_second() - state.db.clock().now().as_second();
            response.cookie(
                Cookie::build(COOKIE, session.refresh_token)
                    .path(COOKIE_PATH)
                    .http_only(true)
                    .same_site(SameSite::Strict)
                    .secure(state.base_url.starts_with("https://"))
                    .max_age(CookieAge::seconds(age.max(0)))
                    .finish(),
            );
            (None, Some(session.csrf_token))
        }
    };
    response.json(TokenResponse {
        access_token: session.access_token,
        token_type: "Bearer",
        expires_in: session.expires_in,
        refresh_token,
        csrf_token,
        user: session.account.into(),
    })
}

/// The CSRF token that belongs to the cookie, for a page of this very server that lost it or never got it. No other
/// site's page is answered: browsers say where a request comes from, and no script can change what they say.
pub fn csrf_token(state: &Shared, request: &HttpRequest) -> std::result::Result<String, Problem> {
    if !is_same_origin(request) {
        return Err(Problem(NOT_OURS));
    }
    Ok(state.identity.csrf_token(cookie(request)?.value()))
}

/// What `Sec-Fetch-Site` says (Fetch Metadata, W3C); of browsers that do not say it, whether `Origin` is this host.
fn is_same_origin(request: &HttpRequest) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    match (header("Sec-Fetch-Site"), header("Origin"), header("Host")) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        _ => false,
    }
}

const NOT_OURS: Refusal =
    Refusal::new(RefusalKind::Forbidden, "csrf", "This is answered to this server's own pages only.");

fn cookie(request: &HttpRequest) -> std::result::Result<Cookie<'static>, Problem> {
    let missing = Refusal::new(RefusalKind::Unauthenticated, "unauthenticated", "Send a refresh token.");
    request.cookie(COOKIE).ok_or(Problem(missing))
}

/// The refresh token from the body, or from the cookie with the CSRF token that belongs to it.
pub fn refresh_token(
    state: &Shared,
    request: &HttpRequest,
    in_body: Option<String>,
) -> std::result::Result<(String, TokenDelivery), Problem> {
    if let Some(token) = in_body {
        return Ok((token, TokenDelivery::Body));
    }
    let cookie = cookie(request)?;
    let csrf = request.headers().get("X-CSRF-Token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !state.identity.verify_csrf(cookie.value(), csrf) {
        let refusal = Refusal::new(RefusalKind::Forbidden, "csrf", "The X-CSRF-Token does not belong to the cookie.");
        return Err(Problem(refusal));
    }
    Ok((cookie.value().to_owned(), TokenDelivery::Cookie))
}
