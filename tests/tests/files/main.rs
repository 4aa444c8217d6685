//! Files over real sockets: uploads by tus, downloads in ranges, shown in a consultation, safe from kills.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod attachments;
mod bucket;
mod content;
mod kills;
mod room;
mod tus;

/// A text of this length, no part of which looks like another.
fn letters(length: usize) -> Vec<u8> {
    let words = (0..).flat_map(|n: u32| format!("line {n} of a letter\n").into_bytes());
    words.take(length).collect()
}
