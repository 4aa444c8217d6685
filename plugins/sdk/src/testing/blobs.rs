//! Blobs of [`super::FakeHost`], in memory.

use super::{lock, parse, reply};
use consilium_plugin_contract::{
    Bytes, Call, PluginError,
    blob::{
        BlobAppend, BlobAppended, BlobChunk, BlobCreate, BlobCreated, BlobDelete, BlobDeleted, BlobFinish, BlobRead,
        BlobRef, BlobStat, BlobState, FetchedToBlob, MAX_CHUNK,
    },
    host::HttpFetched,
};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _, sync::Mutex};

#[derive(Default)]
pub(super) struct FakeBlobs(Mutex<BTreeMap<String, (Vec<u8>, bool)>>);

impl FakeBlobs {
    /// None when the method is about something else.
    pub(super) fn answer(&self, method: &str, request: &[u8]) -> Option<Result<Vec<u8>, PluginError>> {
        Some(match method {
            BlobCreate::METHOD => self.create().and_then(|id| reply::<BlobCreate>(&BlobCreated { id })),
            BlobAppend::METHOD => parse(request).and_then(|append| self.append(append)),
            BlobFinish::METHOD => parse(request)
                .and_then(|BlobFinish { id }| self.finish(&id))
                .and_then(|blob| reply::<BlobFinish>(&blob)),
            BlobStat::METHOD => parse(request).and_then(|BlobStat { id }| {
                let (bytes, finished) = self.get(&id)?;
                let sha256 = finished.then(|| hash(&bytes));
                reply::<BlobStat>(&BlobState { size_bytes: bytes.len() as u64, sha256 })
            }),
            BlobRead::METHOD => parse(request).and_then(|BlobRead { id, offset, length }| {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let length = usize::try_from(length).unwrap_or(MAX_CHUNK).min(MAX_CHUNK);
                let bytes = self.get(&id)?.0.into_iter().skip(from).take(length).collect();
                reply::<BlobRead>(&BlobChunk { bytes: Bytes(bytes) })
            }),
            BlobDelete::METHOD => parse(request).and_then(|BlobDelete { id }| {
                reply::<BlobDelete>(&BlobDeleted { existed: lock(&self.0).remove(&id).is_some() })
            }),
            _ => return None,
        })
    }

    /// Keeps a whole response, as if it had come in time.
    pub(super) fn keep(&self, fetched: HttpFetched, resume: Option<String>) -> Result<FetchedToBlob, PluginError> {
        let HttpFetched { status, headers, body } = fetched;
        if !(200..300).contains(&status) {
            return Ok(FetchedToBlob { status, headers, blob: None, partial: None });
        }
        let id = resume.map_or_else(|| self.create(), Ok)?;
        let offset = self.get(&id)?.0.len() as u64;
        self.append(BlobAppend { id: id.clone(), offset, bytes: body })?;
        Ok(FetchedToBlob { status, headers, blob: Some(self.finish(&id)?), partial: None })
    }

    pub(super) fn get(&self, id: &str) -> Result<(Vec<u8>, bool), PluginError> {
        lock(&self.0).get(id).cloned().ok_or_else(unknown)
    }

    fn create(&self) -> Result<String, PluginError> {
        let mut blobs = lock(&self.0);
        let id = format!("blob-{}", blobs.len() + 1);
        blobs.insert(id.clone(), (Vec::new(), false));
        Ok(id)
    }

    fn append(&self, BlobAppend { id, offset, bytes }: BlobAppend) -> Result<Vec<u8>, PluginError> {
        let mut blobs = lock(&self.0);
        let (held, finished) = blobs.get_mut(&id).ok_or_else(unknown)?;
        if *finished {
            return Err(PluginError::permanent("blob_finished", "the blob is finished already"));
        }
        if offset != held.len() as u64 {
            return Err(PluginError::permanent("blob_offset", format!("the blob ends at {}", held.len())));
        }
        held.extend(bytes.0);
        reply::<BlobAppend>(&BlobAppended { size_bytes: held.len() as u64 })
    }

    fn finish(&self, id: &str) -> Result<BlobRef, PluginError> {
        let mut blobs = lock(&self.0);
        let (held, finished) = blobs.get_mut(id).ok_or_else(unknown)?;
        *finished = true;
        Ok(BlobRef { id: id.to_owned(), size_bytes: held.len() as u64, sha256: hash(held) })
    }
}

fn unknown() -> PluginError {
    PluginError::permanent("blob_unknown", "there is no such blob")
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
