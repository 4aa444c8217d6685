//! A push service, as the RFCs describe it, with the browsers that it serves.
//!
//! | mark | page |
//! |---|---|
//! | [push] | RFC 8030, "Generic Event Delivery Using HTTP Push" |
//! | [encryption] | RFC 8291, "Message Encryption for Web Push" |
//! | [coding] | RFC 8188, "Encrypted Content-Encoding for HTTP" |
//! | [vapid] | RFC 8292, "Voluntary Application Server Identification (VAPID) for Web Push" |

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use consilium_kernel::Timestamp;
use p256::{SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToEncodedPoint};
use ring::{aead, hkdf, signature};
use serde_json::{Value, json};

use super::{Answer, Contract, Request, Violation};

/// A browser's subscription, as `PushSubscription.toJSON()` tells it, and what opens its messages.
#[derive(Clone)]
pub struct Browser {
    /// Where the service takes what is for it.
    pub endpoint: String,
    secret: SecretKey,
    auth: [u8; 16],
}

impl Browser {
    /// A browser with these secrets.
    pub fn new(endpoint: String, secret: &[u8], auth: [u8; 16]) -> Self {
        Self { endpoint, secret: SecretKey::from_slice(secret).expect("a scalar"), auth }
    }

    /// What the browser tells of itself.
    pub fn json(&self) -> Value {
        let keys = json!({"p256dh": BASE64URL.encode(self.public()), "auth": BASE64URL.encode(self.auth)});
        json!({"endpoint": self.endpoint, "keys": keys})
    }

    fn public(&self) -> Vec<u8> {
        self.secret.public_key().to_encoded_point(false).as_bytes().to_vec()
    }

    /// Undoes the encryption, as the browser does ([encryption] 3.3 and 3.4, [coding] 2).
    pub fn open(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        let (head, rest) = body.split_at_checked(21).ok_or("[coding] 2.1: no header")?;
        let (salt, size) = (&head[..16], u32::from_be_bytes(head[16..20].try_into().unwrap()));
        let (sender, sealed) = rest.split_at_checked(head[20].into()).ok_or("[coding] 2.1: no key id")?;
        if sealed.len() > size as usize {
            return Err("[encryption] 4: there is more than one record".to_owned());
        }
        let sender_key = p256::PublicKey::from_sec1_bytes(sender)
            .map_err(|_| "[encryption] 4: the key id is no uncompressed point of P-256")?;
        let shared = diffie_hellman(self.secret.to_nonzero_scalar(), sender_key.as_affine());
        let info = [b"WebPush: info\0".as_slice(), &self.public(), sender].concat();
        let secret = derive(&self.auth, shared.raw_secret_bytes(), &info, 32);
        let key = derive(salt, &secret, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = derive(salt, &secret, b"Content-Encoding: nonce\0", 12);
        let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).expect("16 bytes"));
        let nonce = aead::Nonce::try_assume_unique_for_key(&nonce).expect("12 bytes");
        let mut record = sealed.to_vec();
        let opened = key.open_in_place(nonce, aead::Aad::empty(), &mut record);
        let opened = opened.map_err(|_| "[encryption]: it cannot be decrypted")?;
        let end = opened.iter().rposition(|byte| *byte != 0).ok_or("[coding] 2: a record of padding alone")?;
        match opened[end] {
            2 => Ok(opened[..end].to_vec()),
            _ => Err("[coding] 2: the last record does not end with 0x02".to_owned()),
        }
    }
}

/// HKDF with SHA-256 (RFC 5869).
fn derive(salt: &[u8], secret: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut derived = vec![0; length];
    let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let info = [info];
    pseudorandom.expand(&info, Length(length)).and_then(|it| it.fill(&mut derived)).expect("short enough");
    derived
}

#[derive(Default)]
struct State {
    /// By path.
    browsers: BTreeMap<String, Browser>,
    gone: BTreeSet<String>,
    /// By path, decrypted.
    messages: BTreeMap<String, Vec<Value>>,
}

/// A push service for browsers that subscribed with one application server's key.
pub struct PushService {
    url: String,
    /// [vapid] 4.1: the key with which its browsers subscribed.
    application_key: String,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    state: Mutex<State>,
}

impl PushService {
    pub fn new(url: &str, application_key: &str, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let state = Mutex::default();
        Self { url: url.to_owned(), application_key: application_key.to_owned(), now: Box::new(now), state }
    }

    /// A new browser.
    pub fn browser(&self, name: &str) -> Browser {
        let mut random = [0; 48];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random).expect("random numbers");
        let auth = random[32..].try_into().unwrap();
        let browser = Browser::new(format!("{}/push/{name}", self.url), &random[..32], auth);
        self.state.lock().unwrap().browsers.insert(format!("/push/{name}"), browser.clone());
        browser
    }

    /// Somebody took the permission back: its subscription is gone ([push] 7.3).
    pub fn forget(&self, name: &str) {
        self.state.lock().unwrap().gone.insert(format!("/push/{name}"));
    }

    /// What the browser got, decrypted, oldest first.
    pub fn messages(&self, name: &str) -> Vec<Value> {
        self.state.lock().unwrap().messages.get(&format!("/push/{name}")).cloned().unwrap_or_default()
    }

    fn take(&self, request: &Request) -> Result<Answer, Violation> {
        let broken = |rule: String| Answer::empty(400).because(rule);
        check_headers(request).map_err(broken)?;
        self.check_sender(request).map_err(|rule| Answer::empty(403).because(rule))?;
        let mut state = self.state.lock().unwrap();
        if state.gone.contains(&request.path) {
            return Ok(Answer::empty(410));
        }
        let Some(browser) = state.browsers.get(&request.path) else { return Ok(Answer::empty(404)) };
        let opened = browser.open(&request.body).map_err(broken)?;
        let message = serde_json::from_slice(&opened).map_err(|_| broken("the browser expects JSON".to_owned()))?;
        state.messages.entry(request.path.clone()).or_default().push(message);
        Ok(Answer::empty(201).with("Location", "/message/1"))
    }

    /// The header `Authorization` ([vapid] 2 and 3).
    fn check_sender(&self, request: &Request) -> Result<(), String> {
        let says = request.header("authorization").strip_prefix("vapid ").ok_or("[vapid] 3: no vapid credentials")?;
        let parameters: BTreeMap<&str, &str> = says.split(',').filter_map(|one| one.trim().split_once('=')).collect();
        let (token, key) = parameters.get("t").zip(parameters.get("k")).ok_or("[vapid] 3: t and k are needed")?;
        if *key != self.application_key {
            return Err("[vapid] 4.2: another key than the subscription's".to_owned());
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("[vapid] 2: t is no JWT")?;
        let (header, claims) = signed.split_once('.').ok_or("[vapid] 2: t is no JWT")?;
        let decode = |text: &str| BASE64URL.decode(text).map_err(|_| "[vapid] 3: not base64url".to_owned());
        let public = decode(key)?;
        signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, &public)
            .verify(signed.as_bytes(), &decode(signature)?)
            .map_err(|_| "[vapid] 2: the signature is wrong")?;
        let json =
            |text: &str| serde_json::from_slice::<Value>(&decode(text)?).map_err(|_| "[vapid] 2: no JSON".to_owned());
        let (header, claims) = (json(header)?, json(claims)?);
        let (expires, now) = (claims["exp"].as_i64().unwrap_or(0), (self.now)().as_second());
        let contact = claims["sub"].as_str();
        for (kept, rule) in [
            (header["alg"] == "ES256", "[vapid] 2: alg is ES256"),
            (claims["aud"] == self.url.as_str(), "[vapid] 2: aud is the origin of the push resource"),
            (expires > now, "[vapid] 2: exp has passed"),
            (expires <= now + 24 * 3600, "[vapid] 2: exp is more than a day ahead"),
            (
                contact.is_none_or(|it| it.starts_with("mailto:") || it.starts_with("https:")),
                "[vapid] 2.1: sub is mailto: or https:",
            ),
        ] {
            if !kept {
                return Err(rule.to_owned());
            }
        }
        Ok(())
    }
}

fn check_headers(request: &Request) -> Result<(), String> {
    let ttl = request.header("ttl").parse::<u32>();
    let (urgency, topic) = (request.header("urgency"), request.header("topic"));
    let of_topic = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for (kept, rule) in [
        (ttl.is_ok(), "[push] 5.2: TTL is needed, in seconds"),
        (["", "very-low", "low", "normal", "high"].contains(&urgency), "[push] 5.3: no such urgency"),
        (topic.len() <= 32 && topic.chars().all(of_topic), "[push] 5.4: a topic is at most 32 characters of base64url"),
        (request.header("content-encoding") == "aes128gcm", "[encryption] 4: the content encoding is aes128gcm"),
        (request.body.len() <= 4096, "[push] 7.2: a service need not take more than 4096 bytes"),
    ] {
        if !kept {
            return Err(rule.to_owned());
        }
    }
    Ok(())
}

impl Contract for PushService {
    fn answer(&self, request: &Request) -> Result<Answer, Violation> {
        match request.method.as_str() {
            "POST" => self.take(request),
            // Not of the RFCs: the window through which a test looks that runs in another process.
            "GET" => {
                let name = request.path.trim_start_matches("/push/");
                Ok(Answer::json(200, &Value::Array(self.messages(name))))
            }
            _ => Err(Answer::empty(405).because("[push] 5: messages are sent by POST")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_rfc_is_opened() {
        let decode = |text: &str| BASE64URL.decode(text).unwrap();
        let secret = decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
        let auth = decode("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap();
        let browser = Browser::new("https://push.example.net/x".to_owned(), &secret, auth);
        let body = decode(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        );
        assert_eq!(browser.open(&body).unwrap(), b"When I grow up, I want to be a watermelon");
        let mut wrong = body.clone();
        *wrong.last_mut().unwrap() ^= 1;
        assert!(browser.open(&wrong).is_err());
    }
}
