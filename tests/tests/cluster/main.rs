//! Three nodes, one PostgreSQL and one NATS: the real programs.

mod clinic;
mod faults;
mod together;
