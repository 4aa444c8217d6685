//! Insights on both databases: a plugin that counts through its store as a real one does, and can fail.

mod feed;
mod report;
mod world;
