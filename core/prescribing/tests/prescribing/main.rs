//! Prescribing on both databases: real appointments and consultations, a pharmacy that can fail in every way, a
//! clock that stands still.

mod dispatch;
mod issue;
mod paper;
mod reports;
mod world;
