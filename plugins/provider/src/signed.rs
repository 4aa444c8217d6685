//! What verifying webhooks has in common: the codes the host knows, and the replay window.

use consilium_plugin_sdk::PluginError;
use ring::{digest, hmac};

/// The signature is missing or wrong.
#[must_use]
pub fn forged(message: &str) -> PluginError {
    PluginError::permanent("webhook_forged", message)
}

/// It was signed too long ago.
#[must_use]
pub fn stale() -> PluginError {
    PluginError::permanent("webhook_stale", "it was signed too long ago, or in the future")
}

/// It is genuine and cannot be read.
#[must_use]
pub fn malformed(message: &str) -> PluginError {
    PluginError::permanent("webhook_malformed", message)
}

/// HMAC-SHA256 in lower-case hex.
#[must_use]
pub fn hmac_sha256_hex(secret: &str, parts: &[&[u8]]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
    parts.iter().for_each(|part| context.update(part));
    hex(context.sign().as_ref())
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in a time that tells nothing about where the difference is.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    // Comparing MACs under a throwaway key is constant-time in what is compared.
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"comparison");
    hmac::verify(&key, left, hmac::sign(&key, right).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn the_hmac_is_that_of_the_rfc() {
        let hex = hmac_sha256_hex("Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn only_the_same_is_the_same() {
        assert!(same(b"abc", b"abc"));
        for other in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!same(b"abc", other));
        }
    }
}
