//! The actor at the socket. The only file that knows actix-web-actors: it turns messages into text for the worker
//! and what is outgoing into messages.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use actix_http::ws::Item;
use actix_web::{Error, HttpRequest, HttpResponse, web::Payload};
use actix_web_actors::ws::{CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder};
use consilium_kernel::{Refusal, RefusalKind};
use serde::Deserialize;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    context::WsContext,
    limits::{Allowance, whole_seconds},
    login::Login,
    outgoing::{Close, Next, Outgoing},
    protocol::{LARGEST_FRAME, SUBPROTOCOL, ServerFrame},
    worker::converse,
};

/// Frames that may wait for the worker.
const INBOX: usize = 64;
/// How long a client has to answer our close frame.
const GOODBYE: Duration = Duration::from_secs(2);

const TOO_MANY: Refusal = Refusal::new(RefusalKind::TooMany, "too_many_requests", "Too many frames. Please slow down.");

/// One connection.
struct Session {
    context: Arc<WsContext>,
    login: Option<Login>,
    outgoing: Outgoing,
    inbox: Option<mpsc::Sender<String>>,
    heard: watch::Sender<Instant>,
    allowance: Allowance,
    refused: u32,
    /// A message that comes in parts.
    parts: Option<Vec<u8>>,
    closing: bool,
}

/// Answers the upgrade and starts the connection's actor.
pub fn start(
    request: &HttpRequest,
    payload: Payload,
    context: Arc<WsContext>,
    login: Option<Login>,
) -> Result<HttpResponse, Error> {
    let settings = context.settings.clone();
    let session = Session {
        outgoing: Outgoing::new(settings.queue),
        inbox: None,
        heard: watch::Sender::new(Instant::now()),
        allowance: Allowance::new(settings.burst, settings.per_second),
        refused: 0,
        parts: None,
        closing: false,
        context,
        login,
    };
    WsResponseBuilder::new(session, request, payload).protocols(&[SUBPROTOCOL]).frame_size(LARGEST_FRAME).start()
}

impl Actor for Session {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let (inbox, frames) = mpsc::channel(INBOX);
        self.inbox = Some(inbox);
        context.add_stream(self.outgoing.reader());
        context.run_interval(self.context.settings.ping_every, |_, context| context.ping(b""));
        let heard = self.heard.subscribe();
        let conversation = converse(self.context.clone(), self.login.take(), frames, heard, self.outgoing.clone());
        let outgoing = self.outgoing.clone();
        actix::spawn(async move {
            conversation.await;
            outgoing.close(Close::Normal);
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.outgoing.close(Close::Normal);
    }
}

impl StreamHandler<Next> for Session {
    fn handle(&mut self, next: Next, context: &mut Self::Context) {
        match next {
            Next::Text(text) => context.text(text),
            Next::Close(why) => self.say_goodbye(why, context),
        }
    }

    /// The client may still answer our close frame.
    fn finished(&mut self, _: &mut Self::Context) {}
}

impl StreamHandler<Result<Message, ProtocolError>> for Session {
    fn handle(&mut self, message: Result<Message, ProtocolError>, context: &mut Self::Context) {
        self.heard.send_replace(Instant::now());
        match message {
            Ok(Message::Close(reason)) => {
                if !self.closing {
                    context.close(reason);
                }
                context.stop();
            }
            Ok(_) if self.closing => {}
            Ok(Message::Text(text)) => self.take_in(text.to_string()),
            Ok(Message::Continuation(item)) => self.take_part(item),
            Ok(Message::Ping(bytes)) => {
                if self.allowance.take(Instant::now()).is_ok() {
                    context.pong(&bytes);
                }
            }
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Binary(_)) => self.outgoing.close(Close::Unsupported),
            // The decoder cannot go on after an error, so there is no waiting for the client's goodbye.
            Err(error) => {
                let why = if matches!(error, ProtocolError::Overflow) { Close::TooLarge } else { Close::Unsupported };
                self.outgoing.close(why);
                if !self.closing {
                    self.say_goodbye(why, context);
                }
                context.stop();
            }
        }
    }
}

impl Session {
    fn say_goodbye(&mut self, why: Close, context: &mut WebsocketContext<Self>) {
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        let (code, description) = why.code();
        context.close(Some(CloseReason { code: CloseCode::from(code), description: Some(description.to_owned()) }));
        context.run_later(GOODBYE, |_, context| context.stop());
    }

    /// Hands a message to the worker, as long as the client keeps to its allowance.
    fn take_in(&mut self, text: String) {
        if let Err(wait) = self.allowance.take(Instant::now()) {
            self.refuse(&text, &Refusal { retry_after: Some(whole_seconds(wait)), ..TOO_MANY });
            return;
        }
        match self.inbox.as_ref().map(|inbox| inbox.try_send(text)) {
            Some(Err(mpsc::error::TrySendError::Full(text))) => self.refuse(&text, &Refusal::unavailable()),
            _ => self.refused = 0,
        }
    }

    /// Answers without the worker; a client that goes on regardless is sent away.
    fn refuse(&mut self, text: &str, refusal: &Refusal) {
        #[derive(Deserialize)]
        struct Named {
            id: Option<String>,
        }
        self.refused += 1;
        if self.refused > self.context.settings.refused_in_a_row {
            self.outgoing.close(Close::Policy);
            return;
        }
        let id = serde_json::from_str(text).ok().and_then(|Named { id }| id);
        let _ = self.outgoing.push_now(&ServerFrame::refused(id, refusal, ""));
    }

    /// Puts a fragmented message together (RFC 6455, section 5.4).
    fn take_part(&mut self, item: Item) {
        let (bytes, last) = match item {
            Item::FirstText(bytes) => {
                self.parts = Some(Vec::new());
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
            Item::FirstBinary(_) => return self.outgoing.close(Close::Unsupported),
        };
        let Some(mut whole) = self.parts.take() else { return self.outgoing.close(Close::Unsupported) };
        whole.extend_from_slice(&bytes);
        if whole.len() > LARGEST_FRAME {
            return self.outgoing.close(Close::TooLarge);
        }
        match (last, String::from_utf8(whole)) {
            (true, Ok(text)) => self.take_in(text),
            (true, Err(_)) => self.outgoing.close(Close::Unsupported),
            // A character may be cut in two until the last part is there.
            (false, Ok(text)) => self.parts = Some(text.into_bytes()),
            (false, Err(error)) => self.parts = Some(error.into_bytes()),
        }
    }
}
