//! Blobs in memory, for tests and for trying plugins out.

use super::BlobStore;
use async_trait::async_trait;
use consilium_plugin_contract::{
    PluginError,
    blob::{BlobRef, BlobState},
};
use ring::digest::{SHA256, digest};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Blobs that are gone when the process is.
#[derive(Default)]
pub(super) struct MemoryBlobs(Mutex<BTreeMap<(String, String), Blob>>, AtomicU64);

#[derive(Default)]
struct Blob {
    bytes: Vec<u8>,
    sha256: Option<String>,
}

impl MemoryBlobs {
    fn with<T>(
        &self,
        plugin: &str,
        id: &str,
        change: impl FnOnce(&mut Blob) -> Result<T, PluginError>,
    ) -> Result<T, PluginError> {
        let mut blobs = self.blobs();
        let blob = blobs.get_mut(&(plugin.to_owned(), id.to_owned()));
        change(blob.ok_or_else(|| PluginError::permanent("blob_unknown", "there is no such blob"))?)
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<(String, String), Blob>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self, plugin: &str) -> u64 {
        let blobs = self.blobs();
        blobs.iter().filter(|((of, _), _)| of == plugin).map(|(_, blob)| blob.bytes.len() as u64).sum()
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn create(&self, plugin: &str, quota_bytes: u64) -> Result<String, PluginError> {
        if self.used(plugin) >= quota_bytes {
            return Err(quota(quota_bytes));
        }
        let mut blobs = self.blobs();
        let id = format!("blob-{}", self.1.fetch_add(1, Ordering::Relaxed));
        blobs.insert((plugin.to_owned(), id.clone()), Blob::default());
        Ok(id)
    }

    async fn append(
        &self,
        plugin: &str,
        id: &str,
        offset: u64,
        chunk: Vec<u8>,
        quota_bytes: u64,
    ) -> Result<u64, PluginError> {
        let used = self.used(plugin);
        self.with(plugin, id, |blob| {
            if blob.sha256.is_some() {
                return Err(PluginError::permanent("blob_finished", "the blob is finished already"));
            }
            if offset != blob.bytes.len() as u64 {
                return Err(PluginError::permanent("blob_offset", format!("the blob ends at {}", blob.bytes.len())));
            }
            if used + chunk.len() as u64 > quota_bytes {
                return Err(quota(quota_bytes));
            }
            blob.bytes.extend(chunk);
            Ok(blob.bytes.len() as u64)
        })
    }

    async fn finish(&self, plugin: &str, id: &str) -> Result<BlobRef, PluginError> {
        self.with(plugin, id, |blob| {
            let sha256 = hex::encode(digest(&SHA256, &blob.bytes));
            blob.sha256 = Some(sha256.clone());
            Ok(BlobRef { id: id.to_owned(), size_bytes: blob.bytes.len() as u64, sha256 })
        })
    }

    async fn stat(&self, plugin: &str, id: &str) -> Result<BlobState, PluginError> {
        self.with(plugin, id, |blob| Ok(BlobState { size_bytes: blob.bytes.len() as u64, sha256: blob.sha256.clone() }))
    }

    async fn read(&self, plugin: &str, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, PluginError> {
        self.with(plugin, id, |blob| {
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            Ok(blob.bytes.iter().skip(from).take(length).copied().collect())
        })
    }

    async fn delete(&self, plugin: &str, id: &str) -> Result<bool, PluginError> {
        Ok(self.blobs().remove(&(plugin.to_owned(), id.to_owned())).is_some())
    }
}

fn quota(bytes: u64) -> PluginError {
    PluginError::permanent("blob_quota", format!("all blobs together may have {bytes} bytes"))
}
