//! Access tokens: short-lived JWTs (RFC 7519) signed with Ed25519, and the key set to check them with.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_db::{Error, Result, SigningKey};
use consilium_kernel::{DoctorId, FacilityId, PatientId, Role, SessionId, Timestamp, User, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{refusal::IdentityRefusal, settings::IdentitySettings};

/// No token of ours is longer.
const LONGEST: usize = 4_096;
/// Genuine tokens remembered at once; past this the memory starts anew.
const REMEMBERED: usize = 50_000;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// The account.
    pub sub: UserId,
    /// The login session.
    pub sid: SessionId,
    /// The role held in `fac`.
    pub role: Role,
    /// The facility.
    pub fac: FacilityId,
    /// Set for doctors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<DoctorId>,
    /// Set for patients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pat: Option<PatientId>,
    /// Whether the e-mail address was confirmed.
    pub ev: bool,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Expires at, seconds since 1970.
    pub exp: i64,
    /// This token.
    pub jti: uuid::Uuid,
}

/// Issues and checks tokens.
pub struct Tokens {
    header: Header,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    issuer: String,
    audience: String,
    lifetime_seconds: u32,
    public: Vec<u8>,
    genuine: Mutex<HashMap<Digest, Claims>>,
}

/// SHA-256 of a token.
type Digest = [u8; 32];

impl Tokens {
    /// Tokens signed with `key`.
    pub fn new(key: &SigningKey, settings: &IdentitySettings) -> Result<Self> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library asks the machine's clock; `verify` compares with ours.
        validation.validate_exp = false;
        let header = Header { kid: Some(key.name.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(Self {
            header,
            signing: EncodingKey::from_ed_der(&plain_pkcs8(&key.pkcs8)?),
            verifying: DecodingKey::from_ed_der(&key.public),
            validation,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime_seconds: settings.access_token_minutes.saturating_mul(60),
            public: key.public.clone(),
            genuine: Mutex::default(),
        })
    }

    /// Seconds for which a new token is valid.
    pub fn lifetime_seconds(&self) -> u32 {
        self.lifetime_seconds
    }

    /// A token for `user`, valid from `now`.
    pub fn issue(&self, user: &User, now: Timestamp, jti: uuid::Uuid) -> Result<String> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.user_id,
            sid: user.session_id,
            role: user.role,
            fac: user.facility_id,
            doc: user.doctor_id,
            pat: user.patient_id,
            ev: user.email_verified,
            iat: now.as_second(),
            exp: now.as_second() + i64::from(self.lifetime_seconds),
            jti,
        };
        encode(&self.header, &claims, &self.signing).map_err(|_| Error::Sealed("an access token cannot be signed"))
    }

    /// What a token says, if it is ours, meant for us and not expired. Its signature is checked when it is first seen: that
    /// costs more than most requests do otherwise.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, IdentityRefusal> {
        if token.len() > LONGEST {
            return Err(IdentityRefusal::TokenInvalid);
        }
        let digest = digest(token);
        let known = self.genuine.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims = self.check(token)?;
                let mut genuine = self.genuine.lock().unwrap_or_else(PoisonError::into_inner);
                if genuine.len() >= REMEMBERED {
                    genuine.clear();
                }
                genuine.insert(digest, claims.clone());
                claims
            }
        };
        if claims.exp <= now.as_second() { Err(IdentityRefusal::TokenExpired) } else { Ok(claims) }
    }

    fn check(&self, token: &str) -> Result<Claims, IdentityRefusal> {
        let header = decode_header(token).map_err(|_| IdentityRefusal::TokenInvalid)?;
        if header.kid != self.header.kid || header.alg != Algorithm::EdDSA {
            return Err(IdentityRefusal::TokenInvalid);
        }
        let genuine = decode::<Claims>(token, &self.verifying, &self.validation);
        Ok(genuine.map_err(|_| IdentityRefusal::TokenInvalid)?.claims)
    }

    /// The public key as a JWK set (RFC 7517, RFC 8037), for `/.well-known/jwks.json`.
    pub fn jwks(&self) -> serde_json::Value {
        json!({ "keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": self.header.kid,
            "x": URL_SAFE_NO_PAD.encode(&self.public),
        }] })
    }
}

fn digest(token: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref());
    digest
}

/// The same private key as PKCS#8 version 1. ring writes version 2, whose public half stands in a place
/// where the `pkcs8` crate does not look for it (RFC 5958 leaves no room for ring's extra tag).
fn plain_pkcs8(document: &[u8]) -> Result<Vec<u8>> {
    const HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let seed = document.get(HEAD.len()..HEAD.len() + 32).ok_or(Error::Sealed("signing key"))?;
    Ok([HEAD.as_slice(), seed].concat())
}

#[cfg(test)]
mod tests;
