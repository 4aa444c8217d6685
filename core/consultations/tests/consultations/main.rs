//! Consultations on both databases: real appointments, real actors, a clock that stands still.

mod chat;
mod life;
mod line;
mod notes;
mod world;
