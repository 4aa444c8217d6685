//! What the API calls. Every method answers kernel refusals.

mod candidates;
mod changing;
mod messages;
mod reading;

use std::sync::Arc;

use consilium_chat::ChatPolicy;
use consilium_db::{Db, Result, Session};
use consilium_kernel::{CommandMeta, Refusal, ThreadId, User};
use consilium_runtime::EventBus;

use crate::{decide, model::Thread, store};

/// Threads; cheap to clone.
#[derive(Clone)]
pub struct Messaging {
    db: Db,
    bus: Arc<dyn EventBus>,
    policy: Arc<ChatPolicy>,
}

impl Messaging {
    /// Over `db`, with messages by the rules of `policy`.
    pub fn new(db: Db, bus: Arc<dyn EventBus>, policy: ChatPolicy) -> Self {
        Self { db, bus, policy: Arc::new(policy) }
    }
}

/// Whoever asks, in their facility. 404 for everybody else, because nothing here is theirs.
fn caller(meta: &CommandMeta) -> Result<User, Refusal> {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    user.cloned().ok_or(Refusal::not_found())
}

/// The thread with its participants' names, for whoever reads it.
fn named(session: &mut Session<'_>, mut thread: Thread) -> Result<Thread> {
    for participant in &mut thread.participants {
        let account = consilium_identity::contact(session, participant.user_id)?;
        participant.name = account.map(|it| format!("{} {}", it.given_name, it.family_name)).unwrap_or_default();
    }
    Ok(thread)
}

/// The thread, if the caller is in it.
fn own(session: &mut Session<'_>, meta: &CommandMeta, id: ThreadId) -> Result<(Thread, User)> {
    let user = caller(meta)?;
    let thread = store::find(session, meta.scope, id)?.ok_or_else(Refusal::not_found)?;
    decide::own_part(&thread, user.user_id)?;
    Ok((thread, user))
}
