//! What others have a part in: plugins, and systems that are told what happens.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Isolation;

section! {
    /// One plugin.
    pub struct Plugin {
        /// File in the directory; empty: <id>.so.
        pub library: String = String::new(),
        /// "process" (default) or "in-process".
        pub isolation: Isolation = Isolation::Process,
        /// Hosts it may call besides those its manifest names.
        pub allow_hosts: Vec<String> = Vec::new(),
        /// Whether it may call private and loopback addresses.
        pub allow_private_addresses: bool = false,
        /// Memory of its child process in MiB; more ends the process.
        pub memory_mib: u64 = 512,
        /// Its own settings; its manifest says which.
        pub config: BTreeMap<String, serde_json::Value> = BTreeMap::new(),
        /// Secrets by name, each a path to a file that holds it.
        pub secret_files: BTreeMap<String, String> = BTreeMap::new(),
    }
}

section! {
    /// Events told to other systems over HTTP.
    pub struct Webhooks {
        /// Whether they may go to private and loopback addresses, and without TLS.
        pub allow_private_addresses: bool = false,
        /// Seconds that one attempt may take.
        pub timeout_seconds: u64 = 15,
        /// Subscriptions that are served at the same time.
        pub concurrency: u32 = 16,
        /// Days of nothing but failures after which a subscription is disabled.
        pub disable_after_days: u32 = 5,
        /// Days that the log of deliveries is kept.
        pub keep_days: u32 = 30,
        /// Subscriptions that a facility may have.
        pub max_subscriptions: u32 = 50,
    }
}
