//! JSON Web Tokens (RFC 7519), signed with HS256 or RS256 (RFC 7518, 3.2 and 3.3).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use consilium_plugin_sdk::PluginError;
use ring::{hmac, rand::SystemRandom, rsa, signature::RSA_PKCS1_SHA256};
use serde_json::{Value, json};

/// A key with its algorithm.
pub(crate) enum Signer {
    Hs256(hmac::Key),
    Rs256(Box<rsa::KeyPair>),
}

impl Signer {
    pub(crate) fn hs256(secret: &str) -> Self {
        Self::Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// Reads a private key in PKCS#8 PEM (`BEGIN PRIVATE KEY`).
    pub(crate) fn rs256(pem: &str) -> Result<Self, PluginError> {
        let wrong = |why: String| PluginError::permanent("private_key_invalid", why);
        let begin = "-----BEGIN PRIVATE KEY-----";
        let body = pem.split_once(begin).and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"));
        let Some((body, _)) = body else {
            return Err(wrong(format!("expected PEM with {begin:?}; convert with openssl pkcs8 -topk8 -nocrypt")));
        };
        let base64: String = body.split_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|e| wrong(e.to_string()))?;
        let pair = rsa::KeyPair::from_pkcs8(&der).map_err(|e| wrong(e.to_string()))?;
        Ok(Self::Rs256(Box::new(pair)))
    }

    /// The token in its compact form.
    pub(crate) fn sign(&self, key_id: Option<&str>, claims: &Value) -> Result<String, PluginError> {
        let algorithm = match self {
            Self::Hs256(_) => "HS256",
            Self::Rs256(_) => "RS256",
        };
        let mut header = json!({"alg": algorithm, "typ": "JWT"});
        if let (Some(key_id), Some(header)) = (key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), json!(key_id));
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = match self {
            Self::Hs256(key) => hmac::sign(key, signed.as_bytes()).as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
                    .map_err(|_| PluginError::permanent("signing_failed", "the private key does not sign"))?;
                signature
            }
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
