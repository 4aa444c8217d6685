//! Encryption of what nodes of one deployment tell each other over a network that others may listen to.

use ring::{aead::LessSafeKey, rand::SystemRandom};

use super::{
    Vault,
    cipher::{aes, decrypt, encrypt, mac},
};
use crate::error::{Error, Result};

/// Seals messages between nodes that share the deployment's keys. Each sender has a key of its own, so that no key
/// seals more messages than random nonces allow (2³²).
pub struct Channel {
    index: crate::keys::SecretKey,
    random: SystemRandom,
    sender: uuid::Uuid,
    own: LessSafeKey,
}

impl Vault {
    /// A channel on which this process is `sender`, which no other process ever was.
    pub fn channel(&self, sender: uuid::Uuid) -> Result<Channel> {
        let own = key_of(&self.keys.index, sender)?;
        Ok(Channel { index: self.keys.index.clone(), random: SystemRandom::new(), sender, own })
    }
}

impl Channel {
    /// Seals `plain` for whoever listens to `subject`: 16 bytes of sender, then nonce, ciphertext and tag.
    pub fn seal(&self, subject: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let body = encrypt(&self.own, &self.random, subject.as_bytes(), plain)?;
        Ok([self.sender.as_bytes().as_slice(), &body].concat())
    }

    /// Opens what came on `subject`; who sent it, and what it says.
    ///
    /// # Errors
    /// [`Error::Sealed`] when it is damaged, was sealed for another subject or by another deployment.
    pub fn open(&self, subject: &str, sealed: &[u8]) -> Result<(uuid::Uuid, Vec<u8>)> {
        let (sender, body) = sealed.split_first_chunk::<16>().ok_or(Error::Sealed("too short"))?;
        let sender = uuid::Uuid::from_bytes(*sender);
        let plain = decrypt(&key_of(&self.index, sender)?, subject.as_bytes(), body)?;
        Ok((sender, plain))
    }
}

fn key_of(index: &crate::keys::SecretKey, sender: uuid::Uuid) -> Result<LessSafeKey> {
    let bytes: [u8; 32] =
        mac(index, &[b"channel", sender.as_bytes()]).try_into().map_err(|_| Error::Sealed("channel key"))?;
    aes(&bytes)
}
