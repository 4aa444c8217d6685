//! Blobs of plugins: rows in the database, bytes in encrypted files of one folder.
//!
//! A file is a row of records, one per append. The blob's key stands in its row, sealed under the plugin's data key like
//! everything a plugin keeps.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use consilium_db::{
    Db, Error,
    plugin_blobs::{self, PluginBlob, PluginBlobRefusal},
    records::{RecordKey, RecordReader, RecordWriter},
};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Timestamp};
use consilium_plugin_host::{
    BlobStore,
    contract::{
        PluginError,
        blob::{BlobRef, BlobState},
    },
};
use ring::digest;
use uuid::Uuid;

use crate::plugin_services::failed;

/// The folder with the files, and the database with the rows.
pub struct FileBlobs {
    db: Db,
    folder: PathBuf,
    /// One append at a time: which row it was for is checked again in its transaction.
    appending: tokio::sync::Mutex<()>,
}

impl FileBlobs {
    /// The folder is made when the first blob is.
    pub fn new(db: Db, folder: PathBuf) -> Self {
        Self { db, folder, appending: tokio::sync::Mutex::default() }
    }

    /// Deletes what was begun before this time and never finished, rows and files.
    pub async fn forget_unfinished(&self, before: Timestamp) -> Result<(), Error> {
        for id in self.db.write(&meta(), move |tx| plugin_blobs::forget_unfinished(tx, before)).await? {
            self.remove(id).await;
        }
        Ok(())
    }

    async fn find(&self, plugin: &str, id: &str) -> Result<PluginBlob, PluginError> {
        let id: Uuid = id.parse().map_err(|_| failed(PluginBlobRefusal::Unknown.refusal().into()))?;
        let plugin = plugin.to_owned();
        self.db.read(move |read| plugin_blobs::find(read, &plugin, id)).await.map_err(failed)
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(id.to_string())
    }

    async fn remove(&self, id: Uuid) {
        let path = self.path(id);
        let removed = tokio::task::spawn_blocking(move || fs::remove_file(path)).await;
        if let Err(error) = removed.map_err(io::Error::other).and_then(|removed| removed)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%id, %error, "the file of a deleted blob could not be deleted");
        }
    }

    async fn with_file<T: Send + 'static>(
        &self,
        blob: &PluginBlob,
        work: impl FnOnce(PathBuf, PluginBlob) -> io::Result<T> + Send + 'static,
    ) -> Result<T, PluginError> {
        let (path, blob) = (self.path(blob.id), blob.clone());
        let done = tokio::task::spawn_blocking(move || work(path, blob)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
            tracing::error!(%error, "a blob's file could not be used");
            PluginError::retryable("blob_unavailable", "the blob cannot be reached")
        })
    }
}

#[async_trait]
impl BlobStore for FileBlobs {
    async fn create(&self, plugin: &str, quota_bytes: u64) -> Result<String, PluginError> {
        let folder = self.folder.clone();
        let made = move || fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let made = tokio::task::spawn_blocking(made).await.map_err(io::Error::other).and_then(|made| made);
        let (Ok(()), Ok(key)) = (made, RecordKey::generate()) else {
            tracing::error!(folder = %self.folder.display(), "no blobs can be kept there");
            return Err(PluginError::retryable("blob_unavailable", "no blob can be kept"));
        };
        let plugin = plugin.to_owned();
        let create = move |tx: &mut consilium_db::Tx<'_>| plugin_blobs::create(tx, &plugin, &key, quota_bytes);
        self.db.write(&meta(), create).await.map(|id| id.to_string()).map_err(failed)
    }

    async fn append(
        &self,
        plugin: &str,
        id: &str,
        offset: u64,
        chunk: Vec<u8>,
        quota_bytes: u64,
    ) -> Result<u64, PluginError> {
        let _alone = self.appending.lock().await;
        let blob = self.find(plugin, id).await?;
        if blob.sha256.is_some() {
            return Err(failed(PluginBlobRefusal::Finished.refusal().into()));
        }
        if u64::try_from(blob.size_bytes).ok() != Some(offset) {
            return Err(PluginError::permanent("blob_offset", format!("the blob ends at {}", blob.size_bytes)));
        }
        let size = blob.size_bytes + i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        let stored = self.with_file(&blob, move |path, blob| write(&path, &blob, chunk)).await?;
        let plugin = plugin.to_owned();
        let grow =
            move |tx: &mut consilium_db::Tx<'_>| plugin_blobs::grow(tx, &plugin, &blob, size, stored, quota_bytes);
        self.db.write(&meta(), grow).await.map_err(failed)?;
        Ok(size.unsigned_abs())
    }

    async fn finish(&self, plugin: &str, id: &str) -> Result<BlobRef, PluginError> {
        let _alone = self.appending.lock().await;
        let blob = self.find(plugin, id).await?;
        let sha256 = match &blob.sha256 {
            Some(sha256) => sha256.clone(),
            None => {
                let sha256 = self.with_file(&blob, |path, blob| hash(&path, &blob)).await?;
                let (row, hash) = (blob.clone(), sha256.clone());
                let finish = move |tx: &mut consilium_db::Tx<'_>| plugin_blobs::finish(tx, &row, &hash);
                self.db.write(&meta(), finish).await.map_err(failed)?;
                sha256
            }
        };
        let size_bytes = blob.size_bytes.unsigned_abs();
        Ok(BlobRef { id: blob.id.to_string(), size_bytes, sha256: hex::encode(sha256) })
    }

    async fn stat(&self, plugin: &str, id: &str) -> Result<BlobState, PluginError> {
        let blob = self.find(plugin, id).await?;
        Ok(BlobState { size_bytes: blob.size_bytes.unsigned_abs(), sha256: blob.sha256.map(hex::encode) })
    }

    async fn read(&self, plugin: &str, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, PluginError> {
        let blob = self.find(plugin, id).await?;
        self.with_file(&blob, move |path, blob| read(&path, &blob, offset, length)).await
    }

    async fn delete(&self, plugin: &str, id: &str) -> Result<bool, PluginError> {
        let _alone = self.appending.lock().await;
        let Ok(id) = id.parse::<Uuid>() else { return Ok(false) };
        let plugin = plugin.to_owned();
        let existed = self.db.write(&meta(), move |tx| plugin_blobs::delete(tx, &plugin, id)).await.map_err(failed)?;
        if existed {
            self.remove(id).await;
        }
        Ok(existed)
    }
}

fn meta() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "plugin")
}

/// Adds a record behind what counts, and answers how much counts now.
fn write(path: &Path, blob: &PluginBlob, chunk: Vec<u8>) -> io::Result<i64> {
    let mut writer = RecordWriter::open(path, blob.stored_bytes.unsigned_abs())?;
    writer.append(&key(blob)?, blob.size_bytes.unsigned_abs(), &chunk)?;
    i64::try_from(writer.sync()?).map_err(io::Error::other)
}

fn read(path: &Path, blob: &PluginBlob, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let (key, mut records) = (key(blob)?, RecordReader::open(path, blob.stored_bytes.unsigned_abs())?);
    let mut found = Vec::new();
    while found.len() < length
        && let Some((at, chunk)) = records.next(&key, offset)?
    {
        let from = usize::try_from(offset.saturating_sub(at)).map_err(io::Error::other)?;
        found.extend(chunk.into_iter().skip(from).take(length - found.len()));
    }
    Ok(found)
}

fn hash(path: &Path, blob: &PluginBlob) -> io::Result<Vec<u8>> {
    let (key, mut records) = (key(blob)?, RecordReader::open(path, blob.stored_bytes.unsigned_abs())?);
    let mut hash = digest::Context::new(&digest::SHA256);
    while let Some((_, chunk)) = records.next(&key, 0)? {
        hash.update(&chunk);
    }
    Ok(hash.finish().as_ref().to_vec())
}

fn key(blob: &PluginBlob) -> io::Result<RecordKey> {
    RecordKey::new(blob.id, &blob.file_key)
}

#[cfg(test)]
#[path = "plugin_blobs_tests.rs"]
mod tests;
