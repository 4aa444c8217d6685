//! Logging in with the first frame, for clients that did not offer the token with the subprotocol.

use consilium_kernel::{Refusal, RefusalKind, Timestamp, User};
use serde_json::json;
use tokio::{sync::mpsc, time::timeout};

use super::{
    context::WsContext,
    outgoing::{Close, Closed, Outgoing},
    protocol::{ClientFrame, ServerFrame},
    worker::request_id,
};

/// Somebody who is logged in.
pub struct Login {
    /// Who.
    pub user: User,
    /// The token, to look again whether it still stands.
    pub token: String,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

const NOT_LOGGED_IN: Refusal = Refusal::new(
    RefusalKind::Unauthenticated,
    "unauthenticated",
    "The first frame must be authenticate, unless the token was offered with the subprotocol.",
);
/// Waits for the token, and closes the connection of whoever takes too long.
pub(super) async fn wait_for(
    context: &WsContext,
    inbox: &mut mpsc::Receiver<String>,
    outgoing: &Outgoing,
) -> Result<Login, Closed> {
    match timeout(context.settings.login_limit, first_frame(context, inbox, outgoing)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            outgoing.push_now(&ServerFrame::refused(None, &NOT_LOGGED_IN, ""))?;
            outgoing.close(Close::Unauthenticated);
            Err(Closed)
        }
    }
}

/// Waits for the token.
async fn first_frame(
    context: &WsContext,
    inbox: &mut mpsc::Receiver<String>,
    outgoing: &Outgoing,
) -> Result<Login, Closed> {
    let text = tokio::select! {
        () = outgoing.closed() => return Err(Closed),
        text = inbox.recv() => text.ok_or(Closed)?,
    };
    let (id, refusal) = match ClientFrame::parse(&text) {
        Ok(ClientFrame::Authenticate { id, token }) => match context.log_in(&token).await {
            Ok((user, expires_at)) => {
                outgoing.push(&logged_in(id, &user, expires_at)).await?;
                return Ok(Login { user, token, expires_at });
            }
            Err(refusal) => (id, refusal),
        },
        Ok(_) => (None, NOT_LOGGED_IN),
        Err(wrong) => wrong,
    };
    outgoing.push(&ServerFrame::refused(id, &refusal, &request_id(context))).await?;
    outgoing.close(match refusal.kind {
        RefusalKind::Unavailable | RefusalKind::Internal => Close::Internal,
        _ => Close::Unauthenticated,
    });
    Err(Closed)
}

fn logged_in(id: Option<String>, user: &User, expires_at: Option<Timestamp>) -> ServerFrame {
    ServerFrame::Ok { id, data: json!({"user_id": user.user_id, "expires_at": expires_at}) }
}
