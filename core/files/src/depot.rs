//! Where finished files are kept: a folder or an S3 bucket, one encrypted object each. Knows no rows.
//!
//! An object is a row of records of equal chunks, so that any range of the content is a range of the object.

use std::{fs, io, ops::Range, os::unix::fs::DirBuilderExt as _, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use consilium_db::records::{OVERHEAD, RecordKey};
use futures_util::{Stream, StreamExt as _, stream};
use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt as _, RetryConfig, aws::AmazonS3Builder, buffered::BufWriter,
    local::LocalFileSystem, path::Path,
};
use ring::digest;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::model::FileId;

/// Bytes of content in a record.
const CHUNK: usize = 64 * 1024;
/// Bytes of a full record.
const RECORD: u64 = (CHUNK + OVERHEAD) as u64;
/// Records that are read at once.
const BATCH: u64 = 16;
/// Bytes that are written to the store at once.
const PART: usize = 8 * 1024 * 1024;

/// Why there is no store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepotError(pub String);

impl std::fmt::Display for DepotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for DepotError {}

/// How an S3-compatible server is reached. What is empty is taken from the environment (`AWS_…`) or the machine's role.
#[derive(Clone, Default)]
pub struct S3Access {
    /// Another server than Amazon's.
    pub endpoint: String,
    /// `eu-central-1`, …
    pub region: String,
    /// The name of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
}

/// The store.
pub struct Depot {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Where objects lie, if that is a folder.
    folder: Option<PathBuf>,
}

impl Depot {
    /// The store at `file:///folder` or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// When the URL names no store, or its folder cannot be made.
    pub fn open(url: &str, s3: &S3Access) -> Result<Self, DepotError> {
        let parsed = Url::parse(url).map_err(|error| DepotError(error.to_string()))?;
        match parsed.scheme() {
            "file" => {
                let folder = parsed.to_file_path().map_err(|()| DepotError("is not a path on this machine".into()))?;
                let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
                made.map_err(|error| DepotError(error.to_string()))?;
                let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| DepotError(error.to_string()))?;
                Ok(Self { store: Arc::new(store.with_fsync(true)), prefix: Path::default(), folder: Some(folder) })
            }
            "s3" => {
                let bucket = parsed.host_str().ok_or_else(|| DepotError("names no bucket".to_owned()))?;
                let prefix = Path::parse(parsed.path()).map_err(|error| DepotError(error.to_string()))?;
                Ok(Self { store: Arc::new(bucket_of(bucket, s3)?), prefix, folder: None })
            }
            _ => Err(DepotError("is neither file:///folder nor s3://bucket/prefix".to_owned())),
        }
    }

    /// Removes what a kill has left of objects that were being written to a folder: `<id>#<number>` is not one yet. To be
    /// called before anything is written. Parts in a bucket are for its own rules of life cycle.
    pub fn sweep(&self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().contains('#') {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, id: FileId) -> Path {
        self.prefix.clone().join(id.to_string())
    }

    /// Stores what comes; answers its length and SHA-256. Storing again replaces what was there.
    pub async fn store(
        &self,
        id: FileId,
        key: &RecordKey,
        content: impl Stream<Item = io::Result<Vec<u8>>> + Unpin,
    ) -> io::Result<(u64, Vec<u8>)> {
        let mut writer = BufWriter::with_capacity(self.store.clone(), self.path(id), PART).with_max_concurrency(2);
        let written = write(&mut writer, key, content).await;
        match written {
            Ok(done) => writer.shutdown().await.map(|()| done),
            Err(error) => {
                // Without this the parts of an S3 upload would be kept, and paid for.
                let _ = writer.abort().await;
                Err(error)
            }
        }
    }

    /// A range of the content of a file of `length` bytes.
    pub fn read(
        &self,
        id: FileId,
        key: RecordKey,
        length: u64,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + use<> {
        let (store, path) = (self.store.clone(), self.path(id));
        let object = length + length.div_ceil(CHUNK as u64) * OVERHEAD as u64;
        let state = (store, path, key, range.start);
        stream::try_unfold(state, move |(store, path, key, at)| async move {
            if at >= range.end {
                return Ok(None);
            }
            let first = at / CHUNK as u64;
            let begins = first * CHUNK as u64;
            let until = range.end.min(begins + BATCH * CHUNK as u64);
            let records = until.div_ceil(CHUNK as u64) * RECORD;
            let sealed = store.get_range(&path, first * RECORD..records.min(object)).await?;
            let mut content = Vec::new();
            for record in sealed.chunks(CHUNK + OVERHEAD) {
                content.extend(key.open(begins + content.len() as u64, record)?);
            }
            let part = usize::try_from(at - begins)..usize::try_from(until - begins);
            let (Ok(from), Ok(to)) = (part.start, part.end) else { return Err(io::Error::other("too long")) };
            if content.len() < to {
                return Err(io::Error::other("the object is shorter than its file"));
            }
            Ok(Some((Bytes::from(content).slice(from..to), (store, path, key, until))))
        })
    }

    /// Removes an object. Nothing is fine.
    pub async fn remove(&self, id: FileId) -> io::Result<()> {
        match self.store.delete(&self.path(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

async fn write(
    writer: &mut BufWriter,
    key: &RecordKey,
    mut content: impl Stream<Item = io::Result<Vec<u8>>> + Unpin,
) -> io::Result<(u64, Vec<u8>)> {
    let (mut hash, mut at, mut rest) = (digest::Context::new(&digest::SHA256), 0, Vec::new());
    while let Some(piece) = content.next().await {
        let piece = piece?;
        hash.update(&piece);
        rest.extend(piece);
        let begun = rest.split_off(rest.len() - rest.len() % CHUNK);
        for chunk in rest.chunks(CHUNK) {
            writer.write_all(&key.seal(at, chunk)?).await?;
            at += chunk.len() as u64;
        }
        rest = begun;
    }
    if !rest.is_empty() {
        writer.write_all(&key.seal(at, &rest)?).await?;
        at += rest.len() as u64;
    }
    Ok((at, hash.finish().as_ref().to_vec()))
}

fn bucket_of(bucket: &str, access: &S3Access) -> Result<object_store::aws::AmazonS3, DepotError> {
    let retry = RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
    let client =
        ClientOptions::new().with_timeout(Duration::from_secs(60)).with_connect_timeout(Duration::from_secs(5));
    let mut builder =
        AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry).with_client_options(client);
    if !access.endpoint.is_empty() {
        builder = builder.with_endpoint(&access.endpoint).with_allow_http(access.endpoint.starts_with("http://"));
    }
    if !access.region.is_empty() {
        builder = builder.with_region(&access.region);
    }
    if !access.access_key_id.is_empty() {
        builder = builder.with_access_key_id(&access.access_key_id);
    }
    if !access.secret_access_key.is_empty() {
        builder = builder.with_secret_access_key(&access.secret_access_key);
    }
    builder.build().map_err(|error| DepotError(error.to_string()))
}
