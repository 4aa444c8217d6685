//! Which node owns an entity.

use std::sync::Arc;

/// Where commands for an entity go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This node.
    Here,
    /// Another node, by its name.
    Node(String),
}

/// Decides which node owns an entity. With one node it is always this one.
pub trait Placement: Send + Sync {
    /// The owner of the entity `id` of `kind` at this moment.
    fn owner(&self, kind: &str, id: &str) -> Owner;
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
