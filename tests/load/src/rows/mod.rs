//! The lines of the table: what is measured, and beside what.

pub mod booking;
pub mod chat;
pub mod fan_out;
pub mod growth;
pub mod memory;
pub mod reads;
pub mod slots;
pub mod start;

use crate::{plan::Plan, report::Row};

/// Names of the groups in which rows are measured, in the order of the table.
pub const GROUPS: &[&str] = &["booking", "chat", "reads", "fan-out", "memory", "slots", "start", "growth"];

/// Those of the quick form: growth shows only when much is stored.
pub const QUICK_GROUPS: &[&str] = &["booking", "chat", "reads", "fan-out", "memory", "slots", "start"];

/// Measures the rows of a group.
pub async fn measure(group: &str, plan: &Plan) -> Vec<Row> {
    match group {
        "booking" => booking::measure(plan).await,
        "chat" => chat::measure(plan).await,
        "reads" => reads::measure(plan).await,
        "fan-out" => fan_out::measure(plan).await,
        "memory" => memory::measure(plan).await,
        "slots" => slots::measure(plan).await,
        "start" => start::measure(plan).await,
        "growth" => growth::measure(plan).await,
        other => panic!("there is no group {other}: {GROUPS:?}"),
    }
}
