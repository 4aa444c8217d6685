//! What a store's functions are handed: a connection inside a read or a transaction, with time, ids and the vault.

use std::ops::{Deref, DerefMut};

use consilium_kernel::{CommandMeta, EntityRef, EventEnvelope, Id, Ids, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    answers, audit,
    connection::AnyConnection,
    error::Result,
    outbox::{self, Fact},
    timers::{self, TimerRequest},
    topics::{self, TopicEvent},
    vault::{Cell, Encrypted, KnownKeys, Vault},
};

/// A read, or the reading half of a transaction.
pub struct Session<'a> {
    connection: &'a mut AnyConnection,
    vault: &'a Vault,
    ids: &'a dyn Ids,
    now: Timestamp,
    known: KnownKeys,
}

impl<'a> Session<'a> {
    pub(crate) fn new(connection: &'a mut AnyConnection, vault: &'a Vault, ids: &'a dyn Ids, now: Timestamp) -> Self {
        Self { connection, vault, ids, now, known: KnownKeys::default() }
    }

    /// The keys that it met.
    pub(crate) fn finish(self) -> KnownKeys {
        self.known
    }

    /// For Diesel.
    pub fn connection(&mut self) -> &mut AnyConnection {
        self.connection
    }

    /// The instant at which this read or transaction began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// For blind indexes.
    pub fn vault(&self) -> &Vault {
        self.vault
    }

    /// A new id.
    pub fn new_id<T>(&self) -> Id<T> {
        Id::new(self.ids.next())
    }

    /// Fetches what opening these values needs in one query. For lists.
    pub fn prepare_to_open<'e, T: 'e>(&mut self, sealed: impl IntoIterator<Item = &'e Encrypted<T>>) -> Result<()> {
        self.vault.preload(self.connection, &mut self.known, sealed.into_iter().filter_map(Encrypted::key_id))
    }

    /// Reads what `Tx::seal` wrote into `cell`.
    pub fn open<T: DeserializeOwned>(&mut self, cell: Cell, sealed: &Encrypted<T>) -> Result<T> {
        self.vault.open(self.connection, &mut self.known, cell, sealed)
    }
}

/// A transaction: everything done through it is committed together or not at all.
pub struct Tx<'a> {
    session: Session<'a>,
    meta: &'a CommandMeta,
    effects: Effects,
}

/// What a committed transaction tells the rest of the process.
#[derive(Debug, Default)]
pub struct Effects {
    /// Events in the order in which they were emitted.
    pub events: Vec<EventEnvelope>,
    /// Numbered events of live topics.
    pub topics: Vec<TopicEvent>,
    /// Whether a timer was set that may be due earlier than all others.
    pub timers: bool,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(session: Session<'a>, meta: &'a CommandMeta) -> Self {
        Self { session, meta, effects: Effects::default() }
    }

    pub(crate) fn finish(self) -> (Effects, KnownKeys) {
        (self.effects, self.session.known)
    }

    /// Who commands, and for which facility.
    pub fn meta(&self) -> &'a CommandMeta {
        self.meta
    }

    /// Encrypts `value` for `cell` under the key of `subject` (a patient, an account or a facility).
    pub fn seal<T: Serialize>(&mut self, subject: uuid::Uuid, cell: Cell, value: &T) -> Result<Encrypted<T>> {
        let Session { connection, vault, ids, now, known } = &mut self.session;
        let key = vault.key_of(connection, known, subject, ids.next(), *now)?;
        vault.seal(&key, cell, value)
    }

    /// Writes an event to the outbox and its line to the audit log.
    pub fn emit<E: Serialize>(&mut self, fact: Fact<'_, E>) -> Result<()> {
        self.emit_with(fact, None)
    }

    /// As [`Tx::emit`], where the line's action alone does not tell the story: with a JSON object of ids, names and
    /// numbers. Never patient text.
    pub fn emit_with<E: Serialize>(&mut self, fact: Fact<'_, E>, detail: Option<&serde_json::Value>) -> Result<()> {
        let detail = detail.map(ToString::to_string);
        audit::append(self, fact.event_type, &fact.entity, fact.version, Some(fact.subject), detail)?;
        let envelope = outbox::append(self, fact)?;
        self.effects.events.push(envelope);
        Ok(())
    }

    /// Writes a line to the audit log for something that is no event, such as a read of a patient's record.
    pub fn audit(&mut self, action: &str, entity: &EntityRef, version: i64) -> Result<()> {
        audit::append(self, action, entity, version, None, None)
    }

    /// Writes a line to the audit log with a JSON object of ids, names and numbers. Never patient text.
    pub fn audit_with(
        &mut self,
        action: &str,
        entity: &EntityRef,
        version: i64,
        detail: &serde_json::Value,
    ) -> Result<()> {
        audit::append(self, action, entity, version, None, Some(detail.to_string()))
    }

    /// Sets a timer; one that `entity` already has of this kind is replaced.
    pub fn set_timer(&mut self, timer: TimerRequest) -> Result<()> {
        self.effects.timers = true;
        timers::set(self, timer)
    }

    /// Withdraws the timers of `entity` whose kind is one of `kinds`.
    pub fn withdraw_timers(&mut self, entity: uuid::Uuid, kinds: &[&str]) -> Result<()> {
        timers::withdraw(self.connection(), entity, kinds)
    }

    /// Appends an event to a live topic and returns its number, which has no gaps within the topic.
    /// Holds the topic until commit: do it last, and several topics in sorted order.
    pub fn publish<T: Serialize>(&mut self, topic: &str, event: &str, subject: uuid::Uuid, data: &T) -> Result<i64> {
        let appended = topics::append(self, topic, event, subject, data)?;
        let seq = appended.seq;
        self.effects.topics.push(appended);
        Ok(seq)
    }

    /// Gives an event of a live topic another body, for whoever reads it from now on: what was taken back must not be
    /// told again to those who resume. Those who watch are told by an event of its own. One that is not kept any more
    /// is passed over.
    pub fn amend<T: Serialize>(&mut self, topic: &str, seq: i64, subject: uuid::Uuid, data: &T) -> Result<()> {
        topics::amend(self, topic, seq, subject, data)
    }

    /// Stores the answer under the command's Idempotency-Key, if it has one.
    pub(crate) fn remember_answer<R: Serialize>(&mut self, answer: &R) -> Result<()> {
        answers::store(self, answer)
    }
}

impl<'a> Deref for Tx<'a> {
    type Target = Session<'a>;
    fn deref(&self) -> &Session<'a> {
        &self.session
    }
}
impl<'a> DerefMut for Tx<'a> {
    fn deref_mut(&mut self) -> &mut Session<'a> {
        &mut self.session
    }
}
