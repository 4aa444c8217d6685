//! Where unfinished uploads lie: one encrypted file each in a folder of this machine.

use std::{fs, io, os::unix::fs::DirBuilderExt as _, path::PathBuf};

use consilium_db::records::{RecordKey, RecordReader, RecordWriter};
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use crate::{
    media::{PREFIX, TextCheck},
    model::{FileId, StoredFile},
};

/// Bytes of a record.
const PIECE: usize = 256 * 1024;

/// The folder.
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Makes the folder when there is none.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    fn path(&self, id: FileId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Begins to add to an upload, behind what counts of it.
    pub async fn write(&self, file: &StoredFile, key: RecordKey) -> io::Result<Intake> {
        let (path, spooled, at) = (self.path(file.id), file.spooled, file.received);
        blocking(move || {
            let writer = RecordWriter::open(&path, spooled)?;
            Ok(Intake { writer, key, at, buffer: Vec::new() })
        })
        .await
    }

    /// The content, in pieces.
    pub fn read(&self, file: &StoredFile, key: RecordKey) -> impl Stream<Item = io::Result<Vec<u8>>> + Unpin + use<> {
        let (sender, mut receiver) = mpsc::channel(4);
        let (path, spooled) = (self.path(file.id), file.spooled);
        tokio::task::spawn_blocking(move || {
            let read = || {
                let mut records = RecordReader::open(&path, spooled)?;
                while let Some((_, piece)) = records.next(&key, 0)? {
                    if sender.blocking_send(Ok(piece)).is_err() {
                        break;
                    }
                }
                Ok(())
            };
            if let Err(error) = read() {
                let _ = sender.blocking_send(Err(error));
            }
        });
        stream::poll_fn(move |context| receiver.poll_recv(context))
    }

    /// The first bytes of the first `spooled` on disk, enough to tell what it is.
    pub async fn prefix(&self, id: FileId, spooled: u64, key: RecordKey) -> io::Result<Vec<u8>> {
        let path = self.path(id);
        blocking(move || {
            let (mut records, mut prefix) = (RecordReader::open(&path, spooled)?, Vec::new());
            while (prefix.len() as u64) < PREFIX
                && let Some((_, piece)) = records.next(&key, 0)?
            {
                prefix.extend(piece);
            }
            prefix.truncate(usize::try_from(PREFIX).map_err(io::Error::other)?);
            Ok(prefix)
        })
        .await
    }

    /// Whether the whole of it is text.
    pub async fn is_text(&self, id: FileId, spooled: u64, key: RecordKey) -> io::Result<bool> {
        let path = self.path(id);
        blocking(move || {
            let (mut records, mut check) = (RecordReader::open(&path, spooled)?, TextCheck::default());
            while let Some((_, piece)) = records.next(&key, 0)? {
                if !check.take(&piece) {
                    return Ok(false);
                }
            }
            Ok(check.is_whole())
        })
        .await
    }

    /// Removes what lies there of a file. Nothing is fine.
    pub async fn remove(&self, id: FileId) {
        let path = self.path(id);
        let removed = blocking(move || fs::remove_file(path)).await;
        if let Err(error) = removed
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %id, %error, "an upload could not be removed");
        }
    }

    /// What lies there.
    pub async fn lying(&self) -> io::Result<Vec<FileId>> {
        let folder = self.folder.clone();
        blocking(move || {
            let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
            let names: io::Result<Vec<_>> = names.collect();
            Ok(names?.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
        })
        .await
    }
}

/// Takes in bytes of one upload.
pub struct Intake {
    writer: RecordWriter,
    key: RecordKey,
    /// Where the buffer begins.
    at: u64,
    buffer: Vec<u8>,
}

impl Intake {
    /// Takes some.
    pub async fn take(mut self, bytes: &[u8]) -> io::Result<Self> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < PIECE {
            return Ok(self);
        }
        blocking(move || {
            self.write_out()?;
            Ok(self)
        })
        .await
    }

    /// Answers how many bytes the upload has, and how many on disk, once they are there.
    pub async fn sync(mut self) -> io::Result<(Self, u64, u64)> {
        blocking(move || {
            self.write_out()?;
            let spooled = self.writer.sync()?;
            let received = self.at;
            Ok((self, received, spooled))
        })
        .await
    }

    fn write_out(&mut self) -> io::Result<()> {
        for piece in std::mem::take(&mut self.buffer).chunks(PIECE) {
            self.writer.append(&self.key, self.at, piece)?;
            self.at += piece.len() as u64;
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
