//! Tests of the rules, and of the whole room on both databases.

mod follow_ups;
mod golden;
mod interleavings;
mod lifecycle;
mod locks;
mod race;
mod reading;
mod service;
mod slot_table;
mod support;
mod zones;
