//! Random texts that are shown once and stored as hashes: refresh tokens and the codes of mails.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_db::{Error, Result};
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};

/// 256 random bits as 43 characters of base64url. Too random to be guessed, so a plain SHA-256 stores it.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    /// A new one.
    pub fn random() -> Result<Self> {
        let mut bytes = [0u8; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Setup("the machine gives no random numbers".into()))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What a client sent, if it can be one at all.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32))
            .then(|| Self(text.to_owned()))
    }

    /// The text itself, for its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub fn hash(&self) -> Vec<u8> {
        sha256(&self.0)
    }
}

/// What tells a text from others without saying it.
pub fn sha256(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_survive_parsing_and_never_print_themselves() {
        let (one, two) = (SecretText::random().unwrap(), SecretText::random().unwrap());
        assert_ne!(one.reveal(), two.reveal());
        assert_eq!(SecretText::parse(one.reveal()).unwrap().hash(), one.hash());
        assert_eq!(one.hash().len(), 32);
        assert!(!format!("{one:?}").contains(one.reveal()));
        for wrong in ["", "short", &"!".repeat(43), &"A".repeat(44)] {
            assert!(SecretText::parse(wrong).is_none(), "{wrong:?}");
        }
    }
}
