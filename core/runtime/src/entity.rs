//! What a module implements to have an actor per entity.

use consilium_db::{Db, Result, Tx};
use consilium_kernel::{CommandMeta, Refusal, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

/// What `decide` gives back.
pub type Decision<E> = Result<Vec<E>, Refusal>;

/// The state of one entity that must serialise its decisions. One command runs at a time: `decide`, then
/// `commit` in one transaction, and only after that `apply` and the reply.
pub trait Entity: Clone + Send + Sync + Unpin + 'static {
    /// Names the kind in placement, metrics and logs: `doctor_schedule`.
    const KIND: &'static str;
    /// The entity's id.
    type Id: Copy + Serialize + DeserializeOwned + Send + Sync + Unpin + std::fmt::Display + 'static;
    /// What can be asked of it. Serialisable, because the owner may live on another node.
    type Command: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What happened.
    type Event: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What a command is answered with; also what is stored under an Idempotency-Key.
    type Reply: Clone + Serialize + DeserializeOwned + Send + 'static;

    /// Reads the entity's state. An entity that does not exist yet is a state too, or a refusal.
    fn load(db: &Db, id: Self::Id) -> impl Future<Output = Result<Self>> + Send;

    /// The rules: state + command + now → events. Pure.
    fn decide(&self, command: &Self::Command, meta: &CommandMeta, now: Timestamp) -> Decision<Self::Event>;

    /// Writes the rows, events, timers and topic events that follow, and forms the reply.
    /// May run several times before one run is committed.
    fn commit(&self, tx: &mut Tx<'_>, command: &Self::Command, events: &[Self::Event]) -> Result<Self::Reply>;

    /// Takes a committed event into the state.
    fn apply(&mut self, event: &Self::Event);
}
