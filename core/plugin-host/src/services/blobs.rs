//! Blobs of plugins: where they are kept is for the core to say, who may touch them is checked here.

use super::grant::{Grant, parse, reply};
use async_trait::async_trait;
use consilium_plugin_contract::{
    Bytes, Call, PluginError,
    blob::{
        BlobAppend, BlobAppended, BlobChunk, BlobCreate, BlobCreated, BlobDelete, BlobDeleted, BlobFinish, BlobRead,
        BlobRef, BlobStat, BlobState, FetchToBlob, FetchedToBlob, MAX_CHUNK,
    },
    host::{HttpFetch, HttpFetched},
};

/// Keeps blobs. Each belongs to one plugin and is unknown to all others. All errors are those of the
/// contract: `blob_unknown`, `blob_offset`, `blob_finished`, `blob_quota`, `blob_unavailable` (retryable).
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Begins an empty blob and answers its id. All blobs of a plugin together take at most `quota_bytes`.
    async fn create(&self, plugin: &str, quota_bytes: u64) -> Result<String, PluginError>;

    /// Adds a chunk at the end, which must be `offset`, and answers the new end.
    async fn append(
        &self,
        plugin: &str,
        id: &str,
        offset: u64,
        chunk: Vec<u8>,
        quota_bytes: u64,
    ) -> Result<u64, PluginError>;

    /// Ends the blob; one that is finished answers the same again.
    async fn finish(&self, plugin: &str, id: &str) -> Result<BlobRef, PluginError>;

    /// What there is of it.
    async fn stat(&self, plugin: &str, id: &str) -> Result<BlobState, PluginError>;

    /// At most `length` bytes from `offset` on; none behind the end.
    async fn read(&self, plugin: &str, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, PluginError>;

    /// Frees it; false when there is no such blob.
    async fn delete(&self, plugin: &str, id: &str) -> Result<bool, PluginError>;
}

/// The blobs of one plugin, within its quota.
pub(super) struct Blobs<'a> {
    pub(super) store: &'a dyn BlobStore,
    pub(super) plugin: &'a str,
    pub(super) quota: u64,
}

impl Grant {
    /// The plugin's blobs, if it may have any.
    pub(super) fn blobs(&self) -> Result<Blobs<'_>, PluginError> {
        let Some(permission) = self.manifest.permissions.blob else {
            return Err(PluginError::permanent("blob_denied", "the manifest asks for no blobs"));
        };
        let unavailable = || PluginError::permanent("blob_unavailable", "this host keeps no blobs");
        let store = self.services.blobs().ok_or_else(unavailable)?;
        Ok(Blobs { store, plugin: &self.plugin, quota: permission.quota_bytes })
    }

    pub(super) async fn serve_blob(&self, method: &str, request: &[u8]) -> Result<Vec<u8>, PluginError> {
        let Blobs { store, plugin, quota } = self.blobs()?;
        match method {
            BlobCreate::METHOD => reply::<BlobCreate>(&BlobCreated { id: store.create(plugin, quota).await? }),
            BlobAppend::METHOD => {
                let BlobAppend { id, offset, bytes } = parse(request)?;
                if bytes.0.len() > MAX_CHUNK {
                    return Err(PluginError::permanent(
                        "blob_too_large",
                        format!("a chunk has {MAX_CHUNK} bytes at most"),
                    ));
                }
                let size_bytes = store.append(plugin, &id, offset, bytes.0, quota).await?;
                reply::<BlobAppend>(&BlobAppended { size_bytes })
            }
            BlobFinish::METHOD => reply::<BlobFinish>(&store.finish(plugin, &parse::<BlobFinish>(request)?.id).await?),
            BlobStat::METHOD => reply::<BlobStat>(&store.stat(plugin, &parse::<BlobStat>(request)?.id).await?),
            BlobRead::METHOD => {
                let BlobRead { id, offset, length } = parse(request)?;
                let length = usize::try_from(length).unwrap_or(MAX_CHUNK).min(MAX_CHUNK);
                let bytes = Bytes(store.read(plugin, &id, offset, length).await?);
                reply::<BlobRead>(&BlobChunk { bytes })
            }
            BlobDelete::METHOD => {
                let BlobDelete { id } = parse(request)?;
                reply::<BlobDelete>(&BlobDeleted { existed: store.delete(plugin, &id).await? })
            }
            _ => {
                let request = parse::<FetchToBlob>(request)?;
                let asked = request.request.clone();
                let answer = self.download(request).await;
                if self.services.hears_http() {
                    self.tell_of(&asked, &answer).await;
                }
                reply::<FetchToBlob>(&answer?)
            }
        }
    }

    async fn download(&self, request: FetchToBlob) -> Result<FetchedToBlob, PluginError> {
        let fetcher = self.fetcher()?;
        fetcher.permits(&request.request)?;
        let answered = self.services.answer_http(&self.plugin, &request.request).await;
        fetcher.fetch_to_blob(&self.secrets, &self.blobs()?, request, answered).await
    }

    /// Tells whoever listens what came of a download, with as much of its body as a chunk holds.
    async fn tell_of(&self, asked: &HttpFetch, answer: &Result<FetchedToBlob, PluginError>) {
        let heard = match (answer, self.blobs()) {
            (Ok(fetched), Ok(blobs)) => {
                let whole = fetched.blob.as_ref().map(|blob| blob.id.as_str());
                let body = match whole.or(fetched.partial.as_ref().map(|partial| partial.id.as_str())) {
                    Some(id) => blobs.store.read(&self.plugin, id, 0, MAX_CHUNK).await.unwrap_or_default(),
                    None => Vec::new(),
                };
                Ok(HttpFetched { status: fetched.status, headers: fetched.headers.clone(), body: Bytes(body) })
            }
            (Err(error), _) => Err(error.clone()),
            (_, Err(error)) => Err(error),
        };
        self.services.heard_http(&self.plugin, asked, &heard);
    }
}
