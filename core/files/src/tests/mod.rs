//! Files on both databases, with real folders and a scanner that checks how it is asked.

mod clamd;
mod credentials;
mod erasing;
mod processing;
mod reading;
mod rules;
mod stage;
mod uploading;
