//! Which node owns an entity, and the way to it when it is another one.

use std::sync::Arc;

use async_trait::async_trait;
use consilium_kernel::Refusal;
use uuid::Uuid;

/// Where commands for an entity go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// This node.
    Here,
    /// Another node.
    Node(Uuid),
    /// Nobody at this moment: ownership is changing hands, or this node is cut off from the others.
    Nobody,
}

/// Why there is no answer from another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// It was not reached: nothing has happened.
    NotReached,
    /// It was asked and is silent: whether it did anything is not known.
    Silent,
}

/// Does what other nodes ask of this one, for one kind of entity.
#[async_trait]
pub trait Receive: Send + Sync {
    /// Answers one command.
    async fn receive(&self, command: Vec<u8>) -> Vec<u8>;
}

/// Decides which node owns an entity, and carries commands there. With one node it is always this one.
#[async_trait]
pub trait Placement: Send + Sync {
    /// The owner of the entity `id` of `kind` at this moment.
    fn owner(&self, kind: &str, id: &str) -> Owner;

    /// Grows whenever ownership has changed. What was remembered of an entity under another number may be stale: it
    /// may have belonged to another node meanwhile.
    fn view(&self) -> u64 {
        0
    }

    /// The other nodes that are there.
    fn others(&self) -> Vec<Uuid> {
        Vec::new()
    }

    /// Sends a command for an entity of `kind` to `node`, and waits for the answer.
    async fn forward(&self, _node: Uuid, _kind: &'static str, _command: Vec<u8>) -> Result<Vec<u8>, Unanswered> {
        Err(Unanswered::NotReached)
    }

    /// From now on, commands that other nodes forward for entities of `kind` go to `receiver`.
    fn serve(&self, _kind: &'static str, _receiver: Arc<dyn Receive>) {}
}

/// The placement of a deployment with one node.
#[derive(Debug, Clone, Copy, Default)]
pub struct SingleNode;

impl Placement for SingleNode {
    fn owner(&self, _: &str, _: &str) -> Owner {
        Owner::Here
    }
}

impl SingleNode {
    /// As the trait object that directories take.
    pub fn shared() -> Arc<dyn Placement> {
        Arc::new(Self)
    }
}

impl From<Unanswered> for Refusal {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotReached => Self::unavailable(),
            Unanswered::Silent => {
                Self::unavailable().because("This takes longer than it should. Please look before you try again.")
            }
        }
    }
}
