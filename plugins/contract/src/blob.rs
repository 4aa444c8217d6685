//! Blobs: bytes too many for a message, kept by the host and passed by reference. A plugin sees only its
//! own; they count against `permissions.blob`.

use crate::{Bytes, calls, host::HttpFetch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes that one [`BlobAppend`] or [`BlobRead`] may carry: 1 MiB.
pub const MAX_CHUNK: usize = 1024 * 1024;

/// A finished blob. Its bytes never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobRef {
    /// Names it in every call; a UUID.
    pub id: String,
    /// Its length.
    pub size_bytes: u64,
    /// Of its bytes, in lower-case hexadecimal.
    pub sha256: String,
}

/// Begins an empty blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobCreate {}

/// The blob, to be appended to and finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobCreated {
    /// Its id.
    pub id: String,
}

/// Adds a chunk at the end of an unfinished blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobAppend {
    /// The blob.
    pub id: String,
    /// Where the chunk begins, which must be where the blob ends: a repeated append is `blob_offset`.
    pub offset: u64,
    /// At most 1 MiB.
    pub bytes: Bytes,
}

/// How long the blob is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobAppended {
    /// The offset of the next chunk.
    pub size_bytes: u64,
}

/// Ends a blob: nothing is appended any more, and it has a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobFinish {
    /// The blob; one that is finished already answers the same again.
    pub id: String,
}

/// Asks how far a blob is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobStat {
    /// The blob.
    pub id: String,
}

/// What there is of a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobState {
    /// Bytes so far: where to go on.
    pub size_bytes: u64,
    /// Present once it is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Reads a part of a blob, finished or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobRead {
    /// The blob.
    pub id: String,
    /// The first byte.
    pub offset: u64,
    /// At most this many bytes, and never more than 1 MiB.
    pub length: u64,
}

/// A part of a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobChunk {
    /// Fewer than asked for only at the end; none behind it.
    pub bytes: Bytes,
}

/// Frees a blob and its room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobDelete {
    /// The blob.
    pub id: String,
}

/// The blob is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlobDeleted {
    /// False when it was not there.
    pub existed: bool,
}

/// Makes an HTTP request as [`HttpFetch`] does and keeps the response's body as a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FetchToBlob {
    /// The request. Only a `GET` can be gone on with.
    pub request: HttpFetch,
    /// An unfinished blob to go on with: the host asks for the bytes that are missing (`Range`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

/// What came back, whatever the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FetchedToBlob {
    /// HTTP status code. Only a 2xx response is kept.
    pub status: u16,
    /// Names in lower case; repeated headers are joined by a comma.
    pub headers: BTreeMap<String, String>,
    /// The body, if all of it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobRef>,
    /// The part of the body that came before time was over: ask again with `resume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<PartialBlob>,
}

/// A blob whose bytes are not all here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PartialBlob {
    /// For [`FetchToBlob::resume`].
    pub id: String,
    /// Bytes so far.
    pub size_bytes: u64,
}

calls!(
    BlobCreate => "host.blob_create" -> BlobCreated,
    BlobAppend => "host.blob_append" -> BlobAppended,
    BlobFinish => "host.blob_finish" -> BlobRef,
    BlobStat => "host.blob_stat" -> BlobState,
    BlobRead => "host.blob_read" -> BlobChunk,
    BlobDelete => "host.blob_delete" -> BlobDeleted,
    FetchToBlob => "host.fetch_to_blob" -> FetchedToBlob,
);
