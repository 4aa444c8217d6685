//! Host services in memory, for tests and for trying plugins out.

use super::{BlobStore, HostServices, KvWritten, memory_blobs::MemoryBlobs};
use async_trait::async_trait;
use consilium_kernel::{Clock, SystemClock};
use consilium_plugin_contract::{
    PluginError,
    host::{Emit, KvEntry, KvList, KvWrite},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

type Stores = BTreeMap<String, BTreeMap<String, KvEntry>>;

/// Audit lines that are kept.
const MAX_AUDITED: usize = 10_000;

/// A store that is gone when the process is.
pub struct MemoryServices {
    clock: Arc<dyn Clock>,
    stores: Mutex<Stores>,
    audited: Mutex<Vec<Audited>>,
    emitted: Mutex<Vec<(String, Emit)>>,
    blobs: MemoryBlobs,
}

/// An audit line.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// Id of the instance.
    pub plugin: String,
    /// What happened.
    pub action: String,
    /// A JSON object.
    pub detail: Value,
}

impl Default for MemoryServices {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }
}

impl MemoryServices {
    /// Empty, with this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            stores: Mutex::default(),
            audited: Mutex::default(),
            emitted: Mutex::default(),
            blobs: MemoryBlobs::default(),
        }
    }

    /// Commits the writes of an answer: all, or none.
    ///
    /// # Errors
    /// `kv_conflict` when an expected version is gone, `kv_quota` when there is no room.
    pub fn commit(&self, plugin: &str, writes: &[KvWrite], quota_bytes: u64) -> Result<(), PluginError> {
        let mut stores = self.stores();
        let store = stores.entry(plugin.to_owned()).or_default();
        let mut changed = store.clone();
        for write in writes {
            apply(&mut changed, write, quota_bytes)?;
        }
        *store = changed;
        Ok(())
    }

    /// What was audited, oldest first; the first ten thousand lines.
    #[must_use]
    pub fn audited(&self) -> Vec<Audited> {
        self.audited.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What plugins emitted, by plugin, oldest first; the first ten thousand.
    #[must_use]
    pub fn emitted(&self) -> Vec<(String, Emit)> {
        self.emitted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stores(&self) -> MutexGuard<'_, Stores> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl HostServices for MemoryServices {
    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    async fn kv_get(&self, plugin: &str, key: &str) -> Result<Option<KvEntry>, PluginError> {
        Ok(self.stores().get(plugin).and_then(|store| store.get(key)).cloned())
    }

    async fn kv_write(&self, plugin: &str, write: KvWrite, quota_bytes: u64) -> Result<KvWritten, PluginError> {
        apply(self.stores().entry(plugin.to_owned()).or_default(), &write, quota_bytes)
    }

    async fn kv_list(&self, plugin: &str, list: KvList) -> Result<Vec<KvEntry>, PluginError> {
        let stores = self.stores();
        let Some(store) = stores.get(plugin) else { return Ok(Vec::new()) };
        let start = list.from.unwrap_or_default().max(list.prefix.clone());
        let matching = store.range(start..).take_while(|(key, _)| key.starts_with(&list.prefix));
        Ok(matching.take(list.limit as usize).map(|(_, entry)| entry.clone()).collect())
    }

    async fn emit(&self, plugin: &str, event: Emit) -> Result<(), PluginError> {
        let mut emitted = self.emitted.lock().unwrap_or_else(PoisonError::into_inner);
        if emitted.len() < MAX_AUDITED {
            emitted.push((plugin.to_owned(), event));
        }
        Ok(())
    }

    fn blobs(&self) -> Option<&dyn BlobStore> {
        Some(&self.blobs)
    }

    async fn audit(&self, plugin: &str, action: &str, detail: Value) {
        let line = Audited { plugin: plugin.to_owned(), action: action.to_owned(), detail };
        let mut audited = self.audited.lock().unwrap_or_else(PoisonError::into_inner);
        if audited.len() < MAX_AUDITED {
            audited.push(line);
        }
    }
}

fn apply(store: &mut BTreeMap<String, KvEntry>, write: &KvWrite, quota: u64) -> Result<KvWritten, PluginError> {
    let current = store.get(&write.key).map_or(0, |entry| entry.version);
    if write.expected.is_some_and(|expected| expected != current) {
        return Err(PluginError::retryable("kv_conflict", "the entry has another version"));
    }
    let existed = current > 0;
    let Some(value) = write.value.clone() else {
        store.remove(&write.key);
        return Ok(KvWritten { existed, version: 0 });
    };
    let others = store.values().filter(|entry| entry.key != write.key).map(size).sum::<u64>();
    let entry = KvEntry { key: write.key.clone(), value, version: current + 1 };
    if others + size(&entry) > quota {
        return Err(PluginError::permanent("kv_quota", format!("the store may hold {quota} bytes")));
    }
    store.insert(write.key.clone(), entry);
    Ok(KvWritten { existed, version: current + 1 })
}

fn size(entry: &KvEntry) -> u64 {
    (entry.key.len() + entry.value.to_string().len()) as u64
}
