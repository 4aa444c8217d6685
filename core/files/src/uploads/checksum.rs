//! The hash that a client sends beside a part (tus, extension Checksum).

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ring::digest;
use strum::{EnumIter, EnumString, IntoStaticStr};

use crate::refusal::FileRefusal;

/// What may be hashed with. SHA-1 because tus demands it: it guards against accidents, not against anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Algorithm {
    /// 20 bytes.
    Sha1,
    /// 32 bytes.
    Sha256,
}

/// What the part should be, and is so far.
pub struct Checksum {
    expected: Vec<u8>,
    hash: digest::Context,
}

impl Checksum {
    /// `sha256 <base64>`.
    ///
    /// # Errors
    /// `checksum_unsupported`.
    pub fn parse(text: &str) -> Result<Self, FileRefusal> {
        let (name, encoded) = text.trim().split_once(' ').ok_or(FileRefusal::ChecksumUnknown)?;
        let algorithm = match name.parse().map_err(|_| FileRefusal::ChecksumUnknown)? {
            Algorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => &digest::SHA256,
        };
        let expected = BASE64.decode(encoded.trim()).map_err(|_| FileRefusal::ChecksumUnknown)?;
        if expected.len() != algorithm.output_len() {
            return Err(FileRefusal::ChecksumUnknown);
        }
        Ok(Self { expected, hash: digest::Context::new(algorithm) })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    pub(super) fn holds(self) -> bool {
        self.hash.finish().as_ref() == self.expected
    }
}
