//! JSON Web Tokens (RFC 7519), signed with HS256 or RS256 (RFC 7518, 3.2 and 3.3).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use consilium_plugin_sdk::PluginError;
use ring::{hmac, rand::SystemRandom, rsa, signature::RSA_PKCS1_SHA256};
use serde_json::{Value, json};

/// A key with its algorithm.
pub enum Signer {
    /// HMAC with a shared secret.
    Hs256(hmac::Key),
    /// RSA; the other side has only the public key.
    Rs256(Box<rsa::KeyPair>),
}

impl Signer {
    /// A shared secret.
    #[must_use]
    pub fn hs256(secret: &str) -> Self {
        Self::Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// Reads a private key in PKCS#8 PEM (`BEGIN PRIVATE KEY`).
    ///
    /// # Errors
    /// `private_key_invalid`, with what is wrong but never the key.
    pub fn rs256(pem: &str) -> Result<Self, PluginError> {
        let wrong = |why: String| PluginError::permanent("private_key_invalid", why);
        let begin = "-----BEGIN PRIVATE KEY-----";
        let body = pem.split_once(begin).and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"));
        let Some((body, _)) = body else {
            return Err(wrong(format!("expected PEM with {begin:?}; convert with openssl pkcs8 -topk8 -nocrypt")));
        };
        let base64: String = body.split_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| wrong("the PEM is not base64".to_owned()))?;
        let pair = rsa::KeyPair::from_pkcs8(&der).map_err(|e| wrong(e.to_string()))?;
        Ok(Self::Rs256(Box::new(pair)))
    }

    /// The token in its compact form.
    ///
    /// # Errors
    /// `signing_failed`.
    pub fn sign(&self, key_id: Option<&str>, claims: &Value) -> Result<String, PluginError> {
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

/// The claims of an HS256 token that was signed with `secret`; none for any other, in particular for
/// tokens that name another algorithm. Times are for the caller to check.
#[must_use]
pub fn verify_hs256(token: &str, secret: &str) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    if header.get("alg")?.as_str()? != "HS256" {
        return None;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &decode(signature)?).ok()?;
    serde_json::from_slice(&decode(claims)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7515, A.1, whose key is given there as a JWK.
    #[test]
    fn the_token_of_rfc_7515_verifies() {
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                     eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                     dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let jwk = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(jwk).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn only_hs256_with_the_right_secret_is_believed() {
        let token = Signer::hs256("north").sign(None, &json!({"iss": "key"})).unwrap();
        assert_eq!(verify_hs256(&token, "north").unwrap()["iss"], "key");
        assert_eq!(verify_hs256(&token, "south"), None);
        let (_, rest) = token.split_once('.').unwrap();
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS512"}"#, "{}", "nonsense"] {
            let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(verify_hs256(&forged, "north"), None, "{header}");
        }
        for text in ["", ".", "..", "a.b.c"] {
            assert_eq!(verify_hs256(text, "north"), None, "{text:?}");
        }
    }
}
