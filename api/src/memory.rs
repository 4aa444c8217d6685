//! The allocator of every program that has this library in it, and how much it has handed out.
//!
//! jemalloc, also for what C libraries allocate. It was as fast as the C library's, but can tell what is in use: what the
//! kernel counts as resident has in it what the allocator keeps for later.

use tikv_jemalloc_ctl::{epoch, stats};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Bytes that are in use at this moment; `None` when the allocator does not tell.
pub fn allocated() -> Option<usize> {
    epoch::advance().ok()?; // its numbers are as old as this
    stats::allocated::read().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_in_use() {
        let before = allocated().unwrap();
        let held = vec![1_u8; 64 << 20];
        assert!(allocated().unwrap() >= before + held.len() / 2, "other tests give back meanwhile");
        drop(held);
    }
}
