//! What an operator decides about files.

use std::path::PathBuf;

use jiff::SignedDuration;

/// The limits and places of files.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// Bytes of a file at most.
    pub max_file: u64,
    /// Bytes that one account may upload within 24 hours.
    pub max_account_day: u64,
    /// Bytes of one part at most.
    pub max_chunk: u64,
    /// How long an upload may take.
    pub upload_time: SignedDuration,
    /// Where unfinished uploads lie.
    pub uploads: PathBuf,
    /// How long a link lives.
    pub link_time: SignedDuration,
}

/// Uploads of one account that may be unfinished at once.
pub const MAX_UNFINISHED: i64 = 50;

/// Bytes of a document for a verification at most.
pub const MAX_CREDENTIAL: u64 = 20 * 1024 * 1024;

impl FileSettings {
    /// The defaults, with unfinished uploads in this folder.
    pub fn in_folder(uploads: PathBuf) -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            max_file: 200 * MIB,
            max_account_day: 1000 * MIB,
            max_chunk: 16 * MIB,
            upload_time: SignedDuration::from_hours(24),
            uploads,
            link_time: SignedDuration::from_mins(5),
        }
    }
}
