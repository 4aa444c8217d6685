//! Documents that are signed for good. What is signed is kept as the very text that was signed, so that a document
//! can be checked for as long as it exists, whatever its type looks like by then. Each document names its own format,
//! so that a signature over one kind is never one over another.

use serde::{Deserialize, Serialize};

use crate::{Keys, Result};

/// An Ed25519 signature (RFC 8032) over the canonical JSON (RFC 8785) of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Names the key: the first 16 hex digits of SHA-256 over the public key.
    pub key: String,
    /// 64 bytes.
    pub bytes: Vec<u8>,
}

/// The canonical JSON (RFC 8785) of a document: equal documents give equal text.
pub fn canonical<T: Serialize>(document: &T) -> Result<String> {
    Ok(serde_json_canonicalizer::to_string(document)?)
}

/// Signs exactly this text with the key of what clinicians sign.
pub fn sign(keys: &Keys, text: &str) -> Result<Signature> {
    let key = &keys.prescription_signing;
    Ok(Signature { key: key.name.clone(), bytes: key.sign(text.as_bytes())? })
}

/// Whether this deployment signed exactly this text.
pub fn verify(keys: &Keys, text: &str, signature: &Signature) -> bool {
    let key = &keys.prescription_signing;
    key.name == signature.key && key.verify(text.as_bytes(), &signature.bytes)
}
