//! AES-256-GCM with a random nonce in front, and HMAC-SHA256.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};

use crate::{
    error::{DAMAGED, Error, Result},
    keys::SecretKey,
};

pub(super) fn aes(bytes: &[u8; 32]) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| Error::Sealed("key"))
}

pub(super) fn encrypt(key: &LessSafeKey, random: &SystemRandom, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0u8; NONCE_LEN];
    random.fill(&mut nonce).map_err(|_| Error::Sealed("no random numbers"))?;
    let mut body = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut body)
        .map_err(|_| Error::Sealed("could not be encrypted"))?;
    Ok([nonce.as_slice(), &body].concat())
}

pub(super) fn decrypt(key: &LessSafeKey, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(Error::Sealed("too short"))?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Sealed("nonce"))?;
    let mut body = body.to_vec();
    let length = key.open_in_place(nonce, Aad::from(associated), &mut body).map_err(|_| Error::Sealed(DAMAGED))?.len();
    body.truncate(length);
    Ok(body)
}

/// HMAC-SHA256 over length-prefixed fields, so that no two lists of fields give the same message.
pub(super) fn mac(key: &SecretKey, fields: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.bytes.as_ref());
    let mut context = hmac::Context::with_key(&key);
    for field in fields {
        context.update(&(field.len() as u64).to_le_bytes());
        context.update(field);
    }
    context.sign().as_ref().to_vec()
}
