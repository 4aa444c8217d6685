//! The conversation of one connection: one frame after the other, so that what a client sends in order is done
//! in order. Knows nothing of sockets.

use std::{collections::HashMap, sync::Arc};

use consilium_kernel::{CommandMeta, Principal, Refusal, RefusalKind, Scope, User};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    commands::{self, CommandName},
    connections::Entry,
    context::WsContext,
    feed::Feed,
    limits::Paces,
    login::{self, Login},
    outgoing::{Close, Closed, Outgoing},
    presence::Watching,
    protocol::{self, ClientFrame, ServerFrame},
    topic::Topic,
};

const ALREADY: Refusal =
    Refusal::new(RefusalKind::Conflict, "already_authenticated", "Please use reauthenticate for a newer token.");
const ANOTHER: Refusal =
    Refusal::new(RefusalKind::Forbidden, "another_session", "A connection belongs to one session.");
const SUBSCRIBED: Refusal =
    Refusal::new(RefusalKind::Conflict, "already_subscribed", "This connection watches the topic already.");
const NOT_SUBSCRIBED: Refusal =
    Refusal::new(RefusalKind::NotFound, "not_subscribed", "This connection does not watch the topic.");
const TOO_MANY_TOPICS: Refusal =
    Refusal::new(RefusalKind::TooMany, "too_many_subscriptions", "This connection watches as many topics as it may.");

/// A connection that is logged in.
struct Conversation {
    context: Arc<WsContext>,
    outgoing: Outgoing,
    login: Login,
    /// When the client was last heard of.
    heard: watch::Receiver<Instant>,
    checked_at: Instant,
    /// Whether the client has not been heard of for a while.
    quiet: bool,
    subscriptions: HashMap<String, Subscribed>,
    paces: Paces<CommandName>,
    _entry: Entry,
}

/// A topic being watched; both end when it is dropped.
struct Subscribed {
    feed: JoinHandle<()>,
    watching: Option<Watching>,
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        self.feed.abort();
    }
}

/// Talks with a client until the connection closes.
pub async fn converse(
    context: Arc<WsContext>,
    login: Option<Login>,
    mut inbox: mpsc::Receiver<String>,
    heard: watch::Receiver<Instant>,
    outgoing: Outgoing,
) {
    let login = match login {
        Some(login) => Ok(login),
        None => Box::pin(login::wait_for(&context, &mut inbox, &outgoing)).await,
    };
    let Ok(login) = login else { return };
    let entry = context.connections.enter(&login.user, &outgoing);
    let conversation = Conversation {
        context,
        outgoing,
        login,
        heard,
        checked_at: Instant::now(),
        quiet: false,
        subscriptions: HashMap::new(),
        paces: Paces::default(),
        _entry: entry,
    };
    // Dropping it ends the subscriptions, and presence with them.
    let _ = conversation.run(inbox).await;
}

/// Names one frame in the log and the audit log.
pub(super) fn request_id(context: &WsContext) -> String {
    context.db.ids().next().to_string()
}

/// Whether what was permitted to the one is permitted to the other.
fn same_rights(one: &User, other: &User) -> bool {
    (one.user_id, one.role, one.facility_id, one.doctor_id, one.patient_id)
        == (other.user_id, other.role, other.facility_id, other.doctor_id, other.patient_id)
}

impl Conversation {
    async fn run(mut self, mut inbox: mpsc::Receiver<String>) -> Result<(), Closed> {
        let mut every_second = interval(std::time::Duration::from_secs(1));
        every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let text = tokio::select! {
                () = self.outgoing.closed() => return Err(Closed),
                _ = every_second.tick() => {
                    Box::pin(self.check_login()).await?;
                    continue;
                }
                text = inbox.recv() => text.ok_or(Closed)?,
            };
            self.check_expiry()?;
            let request_id = request_id(&self.context);
            let (id, outcome) = match ClientFrame::parse(&text) {
                Ok(frame) => Box::pin(self.answer(frame, &request_id)).await?,
                Err((id, refusal)) => (id, Err(refusal)),
            };
            if let Err(refusal) = outcome {
                self.outgoing.push(&ServerFrame::refused(id, &refusal, &request_id)).await?;
                if refusal == ANOTHER {
                    self.outgoing.close(Close::Forbidden);
                }
            }
        }
    }

    /// Does what a frame asks for. Answers `Ok` frames itself, because events may follow them.
    async fn answer(
        &mut self,
        frame: ClientFrame,
        request_id: &str,
    ) -> Result<(Option<String>, Result<(), Refusal>), Closed> {
        let (id, done) = match frame {
            ClientFrame::Authenticate { id, .. } => return Ok((id, Err(ALREADY))),
            ClientFrame::Ping { id } => {
                self.outgoing.push(&ServerFrame::Pong { id }).await?;
                return Ok((None, Ok(())));
            }
            ClientFrame::Subscribe { id, topic, after_seq, epoch } => {
                match self.subscribe(&id, &topic, after_seq, epoch, request_id).await? {
                    Ok(()) => return Ok((None, Ok(()))),
                    Err(refusal) => return Ok((Some(id), Err(refusal))),
                }
            }
            ClientFrame::Reauthenticate { id, token } => (id, self.reauthenticate(token).await),
            ClientFrame::Unsubscribe { id, topic } => {
                let done = self.subscriptions.remove(&topic).map(|_| json!({})).ok_or(NOT_SUBSCRIBED);
                (Some(id), done)
            }
            ClientFrame::Command { id, topic, command, data } => {
                let (meta, on) = (self.meta(request_id), (topic.as_str(), self.watches(&topic)));
                (Some(id), commands::perform(&self.context, &mut self.paces, meta, on, &command, data).await)
            }
        };
        match done {
            Ok(data) => {
                self.outgoing.push(&ServerFrame::Ok { id, data }).await?;
                Ok((None, Ok(())))
            }
            Err(refusal) => Ok((id, Err(refusal))),
        }
    }

    /// Permits, opens the feed, answers, and only then lets it send.
    async fn subscribe(
        &mut self,
        id: &str,
        label: &str,
        after_seq: Option<i64>,
        epoch: Option<uuid::Uuid>,
        request_id: &str,
    ) -> Result<Result<(), Refusal>, Closed> {
        let feed = match self.open_feed(label, after_seq, epoch, request_id).await {
            Ok(feed) => feed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (user, mut begun) = (&self.login.user, protocol::Subscribed::new(feed.head(), feed.epoch()));
        let watching = match Topic::parse(label) {
            Ok(Topic::Consultation(_) | Topic::Thread(_)) => {
                let watching = self.context.presence.watch(user.facility_id, label, user.user_id);
                begun.presence = Some(self.context.presence.present(label).await);
                Some(watching)
            }
            _ => None,
        };
        let data = serde_json::to_value(begun).unwrap_or_default();
        self.outgoing.push(&ServerFrame::Ok { id: Some(id.to_owned()), data }).await?;
        let feed = tokio::spawn(feed.run(self.outgoing.clone()));
        self.subscriptions.insert(label.to_owned(), Subscribed { feed, watching });
        Ok(Ok(()))
    }

    async fn open_feed(
        &self,
        label: &str,
        after_seq: Option<i64>,
        epoch: Option<uuid::Uuid>,
        request_id: &str,
    ) -> Result<Feed, Refusal> {
        let topic = Topic::parse(label)?;
        if after_seq.is_some_and(|after| after < 0) {
            return Err(Refusal::field("/after_seq", "out_of_range", "is less than 0"));
        }
        if self.subscriptions.contains_key(label) {
            return Err(SUBSCRIBED);
        }
        if self.subscriptions.len() >= self.context.settings.subscriptions {
            return Err(TOO_MANY_TOPICS);
        }
        let me = self.login.user.user_id;
        let names = (label.to_owned(), topic.stored(me));
        // Opened first: whoever is taken out from now on is heard of by the feed.
        let feed = Feed::open(&self.context.db, &self.context.bus, names, me, (after_seq, epoch)).await?;
        let meta = self.meta(request_id);
        topic.permit(&meta, &self.context.consultations, &self.context.messaging).await?;
        let (consultations, messaging) = (self.context.consultations.clone(), self.context.messaging.clone());
        Ok(feed.guarded(Box::new(move || {
            let (meta, consultations, messaging) = (meta.clone(), consultations.clone(), messaging.clone());
            Box::pin(async move {
                match topic.permit(&meta, &consultations, &messaging).await {
                    Err(refusal) if refusal.kind == RefusalKind::NotFound => Ok(false),
                    outcome => outcome.map(|()| true),
                }
            })
        })))
    }

    /// Whether the topic is watched, and that has not been ended from the other side.
    fn watches(&self, label: &str) -> bool {
        self.subscriptions.get(label).is_some_and(|subscribed| !subscribed.feed.is_finished())
    }

    async fn reauthenticate(&mut self, token: String) -> Result<serde_json::Value, Refusal> {
        let (user, expires_at) = self.context.log_in(&token).await?;
        if user.session_id != self.login.user.session_id || !same_rights(&user, &self.login.user) {
            return Err(ANOTHER);
        }
        self.login = Login { user, token, expires_at };
        self.checked_at = Instant::now();
        Ok(json!({"user_id": self.login.user.user_id, "expires_at": expires_at}))
    }

    /// Ends the connection when the token has expired.
    fn check_expiry(&self) -> Result<(), Closed> {
        match self.login.expires_at {
            Some(expires_at) if expires_at <= self.context.db.clock().now() => self.log_out(),
            _ => Ok(()),
        }
    }

    /// Ends the connection when the token has expired, or its session was ended elsewhere.
    async fn check_login(&mut self) -> Result<(), Closed> {
        self.check_expiry()?;
        if self.heard.borrow().elapsed() > self.context.settings.silence_limit {
            self.outgoing.close(Close::Silent);
            return Err(Closed);
        }
        let quiet = self.heard.borrow().elapsed() > self.context.settings.away_after;
        if std::mem::replace(&mut self.quiet, quiet) != quiet {
            let watching = self.subscriptions.values().filter_map(|subscribed| subscribed.watching.as_ref());
            watching.for_each(|watching| watching.quiet(quiet));
        }
        if self.checked_at.elapsed() < self.context.settings.recheck_every {
            return Ok(());
        }
        self.checked_at = Instant::now();
        match self.context.log_in(&self.login.token).await {
            Ok((user, _)) if same_rights(&user, &self.login.user) => Ok(()),
            // What is watched was permitted to somebody with other rights.
            Ok(_) => self.log_out(),
            Err(refusal) if refusal.kind == RefusalKind::Unauthenticated => self.log_out(),
            // The database is not available just now: that is no reason to send everybody away.
            Err(_) => Ok(()),
        }
    }

    fn log_out(&self) -> Result<(), Closed> {
        self.outgoing.close(Close::Unauthenticated);
        Err(Closed)
    }

    fn meta(&self, request_id: &str) -> CommandMeta {
        CommandMeta {
            principal: Principal::User(self.login.user.clone()),
            scope: Scope::of(self.login.user.facility_id),
            request_id: request_id.to_owned(),
            trace: None,
            idempotency: None,
        }
    }
}
