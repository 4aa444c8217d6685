//! What is told, when, and how often: on both databases, with a clock that stands still.

mod decide;
mod deliveries;
mod inbox;
mod push;
mod queue;
mod reminders;
mod stage;
