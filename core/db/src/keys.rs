//! The deployment's secret keys: read from a folder of files, made on first start where allowed.
//!
//! | file | holds | used for |
//! |---|---|---|
//! | `data.key` | one line per key, newest first: name, base64 of 32 bytes | wrapping data keys |
//! | `index.key` | the same, one line | blind indexes |
//! | `audit.key` | the same, one line | MAC of audit entries |
//! | `audit-signing.key`, `token-signing.key`, `prescription-signing.key` | base64 of Ed25519 PKCS#8 | signatures |
//! | `push-signing.key` | base64 of ECDSA P-256 PKCS#8 | web push; without the file there is none |

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING as P256, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// A named symmetric key of 32 bytes.
#[derive(Clone)]
pub struct SecretKey {
    /// Written beside what it protects, so that the right key is found after a rotation.
    pub name: String,
    pub(crate) bytes: Zeroizing<[u8; 32]>,
}

/// A signing key as PKCS#8 and the name (`kid`) derived from its public half.
#[derive(Clone)]
pub struct SigningKey {
    /// First 16 hex digits of SHA-256 over the public key.
    pub name: String,
    /// PKCS#8 version 2 document.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// 32 bytes.
    pub public: Vec<u8>,
}

/// The key by which push services know this deployment (VAPID, RFC 8292).
#[derive(Clone)]
pub struct PushKey {
    /// PKCS#8 document.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// The point, uncompressed: 65 bytes.
    pub public: Vec<u8>,
}

/// Everything secret that a deployment needs.
#[derive(Clone)]
pub struct Keys {
    /// Newest first; the first one wraps, all unwrap.
    pub data: Vec<SecretKey>,
    /// For blind indexes.
    pub index: SecretKey,
    /// For the MAC of audit entries.
    pub audit: SecretKey,
    /// Signs audit blocks.
    pub audit_signing: SigningKey,
    /// Signs access tokens.
    pub token_signing: SigningKey,
    /// Signs prescriptions and doctors' notes.
    pub prescription_signing: SigningKey,
    /// Signs what is sent to push services; none in a folder from before there was web push.
    pub push_signing: Option<PushKey>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

const SECRETS: [&str; 3] = ["data.key", "index.key", "audit.key"];
const SIGNING: [&str; 3] = ["audit-signing.key", "token-signing.key", "prescription-signing.key"];
const PUSH: &str = "push-signing.key";

impl Keys {
    /// Reads every key from `folder`; the error names the file.
    pub fn read(folder: &Path) -> Result<Self> {
        let signing = |name| read_file(folder, name).and_then(|text| SigningKey::parse(name, &text));
        let one = |name: &str| {
            secrets(folder, name)?.into_iter().next().ok_or_else(|| Error::Setup(format!("{name} holds no key")))
        };
        Ok(Self {
            data: match secrets(folder, "data.key")? {
                keys if keys.is_empty() => return Err(Error::Setup("data.key holds no key".to_owned())),
                keys => keys,
            },
            index: one("index.key")?,
            audit: one("audit.key")?,
            audit_signing: signing("audit-signing.key")?,
            token_signing: signing("token-signing.key")?,
            prescription_signing: signing("prescription-signing.key")?,
            push_signing: folder.join(PUSH).exists().then(|| PushKey::parse(&read_file(folder, PUSH)?)).transpose()?,
        })
    }

    /// Makes the keys that are missing in `folder` (files of mode 0600) and returns their names.
    /// An existing file is never touched: its key may be the only way to read the database.
    pub fn create_missing(folder: &Path) -> Result<Vec<&'static str>> {
        fs::create_dir_all(folder).map_err(|error| unreadable(folder, &error))?;
        let random = SystemRandom::new();
        let mut made = Vec::new();
        for name in SECRETS {
            let mut bytes = Zeroizing::new([0u8; 32]);
            random.fill(bytes.as_mut()).map_err(no_randomness)?;
            let label = format!("k{}", hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes.as_ref())));
            let line = Zeroizing::new(format!("{} {}\n", label.get(..9).unwrap_or("k"), BASE64.encode(bytes.as_ref())));
            create(folder, name, &line, &mut made)?;
        }
        for name in SIGNING {
            let document = Ed25519KeyPair::generate_pkcs8(&random).map_err(no_randomness)?;
            create(folder, name, &encoded(document.as_ref()), &mut made)?;
        }
        let document = EcdsaKeyPair::generate_pkcs8(&P256, &random).map_err(no_randomness)?;
        create(folder, PUSH, &encoded(document.as_ref()), &mut made)?;
        Ok(made)
    }
}

impl SigningKey {
    fn parse(file: &str, text: &str) -> Result<Self> {
        let wrong = || Error::Setup(format!("{file} is not base64 of an Ed25519 PKCS#8 document"));
        let pkcs8 = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| wrong())?);
        let public = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| wrong())?.public_key().as_ref().to_vec();
        let name = hex::encode(ring::digest::digest(&ring::digest::SHA256, &public)).get(..16).unwrap_or("").to_owned();
        Ok(Self { name, pkcs8, public })
    }

    /// An Ed25519 signature (RFC 8032), 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let pair = Ed25519KeyPair::from_pkcs8(&self.pkcs8).map_err(|_| Error::Sealed("signing key"))?;
        Ok(pair.sign(message).as_ref().to_vec())
    }

    /// Whether `signature` over `message` was made with this key.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, &self.public)
            .verify(message, signature)
            .is_ok()
    }
}

impl PushKey {
    fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::Setup(format!("{PUSH} is not base64 of an ECDSA P-256 PKCS#8 document"));
        let pkcs8 = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| wrong())?);
        let pair = EcdsaKeyPair::from_pkcs8(&P256, &pkcs8, &SystemRandom::new()).map_err(|_| wrong())?;
        Ok(Self { public: pair.public_key().as_ref().to_vec(), pkcs8 })
    }
}

fn secrets(folder: &Path, name: &str) -> Result<Vec<SecretKey>> {
    let text = read_file(folder, name)?;
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| parse_secret(name, line)).collect()
}

fn parse_secret(file: &str, line: &str) -> Result<SecretKey> {
    let wrong = || Error::Setup(format!("{file}: a line is a name, a space and base64 of 32 bytes"));
    let (name, encoded) = line.trim().split_once(' ').ok_or_else(wrong)?;
    let decoded = Zeroizing::new(BASE64.decode(encoded.trim()).map_err(|_| wrong())?);
    let bytes: [u8; 32] = decoded.as_slice().try_into().map_err(|_| wrong())?;
    Ok(SecretKey { name: name.to_owned(), bytes: Zeroizing::new(bytes) })
}

fn read_file(folder: &Path, name: &str) -> Result<Zeroizing<String>> {
    let path = folder.join(name);
    fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| unreadable(&path, &error))
}

fn encoded(document: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(format!("{}\n", BASE64.encode(document)))
}

fn create(folder: &Path, name: &'static str, text: &str, made: &mut Vec<&'static str>) -> Result<()> {
    let path = folder.join(name);
    let mut file = match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        other => other.map_err(|error| unreadable(&path, &error))?,
    };
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| unreadable(&path, &error))?;
    made.push(name);
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Setup(format!("{}: {error}", path.display()))
}

fn no_randomness(_: ring::error::Unspecified) -> Error {
    Error::Setup("the machine gives no random numbers".to_owned())
}
