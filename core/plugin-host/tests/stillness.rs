//! Replies are read on the runtime of their caller. One that stands still must not make the plugin look late.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{Isolation, Settings};
use std::{thread, time::Duration};
use support::{deed, info, rogue, settings, start};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_runtime_that_stands_still_costs_the_plugin_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let settings = Settings { call_timeout_ms: 400, cancel_grace_ms: 300, ..settings(&cache) };
    let (still, other) = (runtime(), runtime());
    let host = other.block_on(start(settings, rogue(Isolation::Process)));
    let before = other.block_on(info(&host));
    // The first is answered in its time, the second in its grace; their caller has gone away and looks no more.
    for length in [100, 500] {
        let gone = still.block_on(async {
            tokio::time::timeout(Duration::from_millis(50), deed(&host, &format!("sleep:{length}"))).await
        });
        gone.expect_err("it takes longer");
        thread::sleep(Duration::from_millis(1_000));
        assert_eq!(other.block_on(deed(&host, "beside")).unwrap(), "room-beside");
    }
    let after = other.block_on(info(&host));
    assert_eq!((after.pid, after.restarts), (before.pid, 0), "{after:?}");
    assert_eq!(after.failures, 1, "the second was late: {after:?}");
    assert_eq!(still.block_on(deed(&host, "again")).unwrap(), "room-again");
    other.block_on(host.shutdown());
}
