//! Bytes outside the database, encrypted. A file is a row of records, one per chunk: length (u32, little-endian), nonce,
//! and the chunk under AES-256-GCM with the file's own key, bound to the file's id and to where the chunk begins in it.
//! The key stands sealed in the file's row, so that whoever's data key is erased loses the file with it.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};

/// Length and nonce before a chunk.
const HEAD: usize = 4 + NONCE_LEN;
/// What a record has besides its chunk.
pub const OVERHEAD: usize = HEAD + MAX_TAG_LEN;
/// Longer chunks are not written.
const LONGEST: usize = 2 * 1024 * 1024;

/// The key of one file.
pub struct RecordKey {
    id: uuid::Uuid,
    key: LessSafeKey,
    random: SystemRandom,
}

impl RecordKey {
    /// The bytes of a new key.
    pub fn generate() -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; AES_256_GCM.key_len()];
        SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
        Ok(bytes)
    }

    /// The key of the file `id`.
    pub fn new(id: uuid::Uuid, bytes: &[u8]) -> io::Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| io::Error::other("no key"))?;
        Ok(Self { id, key: LessSafeKey::new(key), random: SystemRandom::new() })
    }

    /// The record of a chunk that begins at `at`.
    pub fn seal(&self, at: u64, chunk: &[u8]) -> io::Result<Vec<u8>> {
        let length = u32::try_from(chunk.len()).ok().filter(|length| *length as usize <= LONGEST);
        let length = length.ok_or_else(|| io::Error::other("the chunk is too long"))?;
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| io::Error::other("no random numbers"))?;
        let mut sealed = chunk.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), self.place(at), &mut sealed)
            .map_err(|_| io::Error::other("could not be encrypted"))?;
        Ok([&length.to_le_bytes()[..], &nonce, &sealed].concat())
    }

    /// The chunk of a whole record that begins at `at`.
    pub fn open(&self, at: u64, record: &[u8]) -> io::Result<Vec<u8>> {
        let (length, rest) = record.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        if u32::from_le_bytes(*length) as usize + MAX_TAG_LEN != sealed.len() {
            return Err(damaged());
        }
        self.open_sealed(at, *nonce, sealed.to_vec())
    }

    fn open_sealed(&self, at: u64, nonce: [u8; NONCE_LEN], mut sealed: Vec<u8>) -> io::Result<Vec<u8>> {
        let opened = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), self.place(at), &mut sealed);
        let length = opened.map_err(|_| damaged())?.len();
        sealed.truncate(length);
        Ok(sealed)
    }

    fn place(&self, at: u64) -> Aad<Vec<u8>> {
        Aad::from([&self.id.as_bytes()[..], &at.to_le_bytes()].concat())
    }
}

fn damaged() -> io::Error {
    io::Error::other("damaged, moved, or sealed with another key")
}

/// Adds records to a file on disk.
pub struct RecordWriter(File);

impl RecordWriter {
    /// Goes on behind the first `stored` bytes; whatever a crash left behind them is gone.
    pub fn open(path: &Path, stored: u64) -> io::Result<Self> {
        let mut options = fs::OpenOptions::new();
        let mut file = options.create(true).truncate(false).write(true).mode(0o600).open(path)?;
        file.set_len(stored)?;
        file.seek(SeekFrom::End(0))?;
        if stored == 0
            && let Some(folder) = path.parent()
        {
            // That the file exists must survive too.
            File::open(folder)?.sync_all()?;
        }
        Ok(Self(file))
    }

    /// Writes the chunk that begins at `at`.
    pub fn append(&mut self, key: &RecordKey, at: u64, chunk: &[u8]) -> io::Result<()> {
        self.0.write_all(&key.seal(at, chunk)?)
    }

    /// Answers how much is stored, once it is on disk.
    pub fn sync(&mut self) -> io::Result<u64> {
        self.0.sync_data()?;
        self.0.stream_position()
    }
}

/// Reads the records of a file on disk in their order.
pub struct RecordReader {
    file: Option<BufReader<File>>,
    at: u64,
    left: u64,
}

impl RecordReader {
    /// Reads the first `stored` bytes of the file.
    pub fn open(path: &Path, stored: u64) -> io::Result<Self> {
        let file = if stored == 0 { None } else { Some(BufReader::new(File::open(path)?)) };
        Ok(Self { file, at: 0, left: stored })
    }

    /// The next chunk that ends behind `from`, and where it begins. Those before it are passed over unopened.
    pub fn next(&mut self, key: &RecordKey, from: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
        while self.left > 0 {
            let Some(file) = &mut self.file else { return Ok(None) };
            let mut length = [0; 4];
            file.read_exact(&mut length)?;
            let size = u32::from_le_bytes(length) as usize;
            if size > LONGEST {
                return Err(damaged());
            }
            let begins = self.at;
            self.at += size as u64;
            self.left = self.left.saturating_sub((OVERHEAD + size) as u64);
            if self.at <= from {
                file.seek_relative(i64::try_from(NONCE_LEN + size + MAX_TAG_LEN).map_err(io::Error::other)?)?;
                continue;
            }
            let mut nonce = [0; NONCE_LEN];
            file.read_exact(&mut nonce)?;
            let mut sealed = vec![0; size + MAX_TAG_LEN];
            file.read_exact(&mut sealed)?;
            return key.open_sealed(begins, nonce, sealed).map(|chunk| Some((begins, chunk)));
        }
        Ok(None)
    }
}
