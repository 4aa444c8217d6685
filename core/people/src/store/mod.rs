//! The rows of people: doctors in plain columns, patients sealed.

pub mod directory;
pub mod doctor;
pub mod patient;
mod tables;
