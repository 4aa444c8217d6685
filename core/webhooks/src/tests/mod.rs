//! Rules by tables and properties, and the queue on both databases.

mod catalogue;
mod dispatching;
mod rules;
mod signatures;
mod stage;
mod subscriptions;
