//! x
mod samples;
