//! Documents of doctors.

use consilium_files::StoredFile;
use consilium_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// What a document is said to be.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CredentialKind {
    /// The licence to practise.
    Licence,
    /// A degree, or a certificate of a board.
    Diploma,
    /// A passport or the like.
    Identity,
}

/// A document of a doctor. It is named by its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// What it is said to be.
    pub kind: CredentialKind,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// The document.
    pub file: StoredFile,
}
