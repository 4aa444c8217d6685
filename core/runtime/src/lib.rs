//! Virtual actors, timers, durable subscribers, work that stands in rows, and the live event bus.
//! Knows the database only through `consilium-db`, and no module of the product.

mod arbiters;
mod bus;
mod directory;
mod due;
mod duty;
mod entity;
mod entity_actor;
mod forwarding;
mod placement;
mod sealer;
mod subscribers;
mod tasks;
mod timers;

pub use bus::{EventBus, InProcessBus, LiveEvent, Missed, Signal, Subscription};
pub use directory::{Directory, DirectorySettings};
pub use due::{DueWork, DueWorker, Panicked};
pub use duty::Duties;
pub use entity::{Decision, Entity};
pub use placement::{Owner, Placement, Receive, SingleNode, Unanswered};
pub use sealer::{Sealer, SealerSettings};
pub use subscribers::{Subscriber, SubscriberWorker};
pub use tasks::{Shutdown, Tasks};
pub use timers::{TimerHandler, TimerWorker};
