//! The upgrade: which subprotocol, and who comes.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header::SEC_WEBSOCKET_PROTOCOL, web::Payload};
use consilium_kernel::{Refusal, RefusalKind};

use super::{context::WsContext, login::Login, protocol::SUBPROTOCOL, session};
use crate::http::problem::Problem;

const NO_SUBPROTOCOL: Refusal = Refusal::new(
    RefusalKind::Malformed,
    "subprotocol_required",
    "Please offer the subprotocol consilium.v1, and the access token as the second one if you like.",
);
const NO_WEBSOCKET: Refusal =
    Refusal::new(RefusalKind::Malformed, "no_websocket", "This address speaks WebSocket (RFC 6455) only.");

/// Upgrades a request to a connection. A token that was offered with the subprotocol is checked first: 401 when it
/// does not stand. Without one the client logs in with its first frame.
pub async fn connect(request: HttpRequest, payload: Payload, context: Arc<WsContext>) -> Result<HttpResponse, Problem> {
    let offered: Vec<String> = request
        .headers()
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|entry| entry.trim().to_owned())
        .collect();
    let login = match token(&offered)? {
        Some(token) => {
            let (user, expires_at) = context.log_in(&token).await?;
            Some(Login { user, token, expires_at })
        }
        None => None,
    };
    session::start(&request, payload, context, login).map_err(|_| Problem(NO_WEBSOCKET))
}

/// The token among what the client offers, if it offers our subprotocol at all.
fn token(offered: &[String]) -> Result<Option<String>, Refusal> {
    let (ours, others): (Vec<&String>, Vec<&String>) = offered.iter().partition(|entry| *entry == SUBPROTOCOL);
    if ours.is_empty() {
        return Err(NO_SUBPROTOCOL);
    }
    Ok(others.first().map(|token| (*token).clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_the_second_subprotocol() {
        let offer = |entries: &[&str]| token(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>());
        assert_eq!(offer(&["consilium.v1"]), Ok(None));
        assert_eq!(offer(&["consilium.v1", "a.b.c"]), Ok(Some("a.b.c".to_owned())));
        for without in [&[][..], &["chat"], &["consilium.v2", "a.b.c"]] {
            assert_eq!(
                offer(without).map_err(|refusal| refusal.code.into_owned()),
                Err("subprotocol_required".to_owned())
            );
        }
    }
}
