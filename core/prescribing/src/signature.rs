//! Signing and checking. What is signed is kept as the very text that was signed, so that a document can be
//! checked for as long as it exists, whatever its type looks like by then.

use consilium_db::{Keys, Result};

use crate::{document::SignedDocument, model::Signature};

/// The canonical JSON (RFC 8785) of a document: equal documents give equal text.
pub fn canonical(document: &SignedDocument) -> Result<String> {
    Ok(serde_json_canonicalizer::to_string(document)?)
}

pub(crate) fn sign(keys: &Keys, text: &str) -> Result<Signature> {
    let key = &keys.prescription_signing;
    Ok(Signature { key: key.name.clone(), bytes: key.sign(text.as_bytes())? })
}

/// Whether this deployment signed exactly this text.
pub fn verify(keys: &Keys, text: &str, signature: &Signature) -> bool {
    let key = &keys.prescription_signing;
    key.name == signature.key && key.verify(text.as_bytes(), &signature.bytes)
}
