//! Genuine tokens pass, forged ones do not.

use base64::Engine;
use consilium_db::Keys;
use consilium_kernel::Id;
use jiff::SignedDuration;
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-06-01T08:00:00.25Z";

struct Bench {
    tokens: Tokens,
    key: SigningKey,
    user: User,
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn signing_key() -> SigningKey {
    let folder = std::env::temp_dir().join(format!("consilium-token-{}", std::process::id()));
    let folder = folder.join(crate::secret::SecretText::random().unwrap().reveal());
    Keys::create_missing(&folder).unwrap();
    let keys = Keys::read(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    keys.token_signing
}

fn bench() -> Bench {
    let key = signing_key();
    let id = |n| uuid::Uuid::from_u128(n);
    let user = User {
        user_id: Id::new(id(1)),
        session_id: Id::new(id(2)),
        role: Role::Doctor,
        facility_id: Id::new(id(3)),
        doctor_id: Some(Id::new(id(4))),
        patient_id: None,
        email_verified: true,
    };
    Bench { tokens: Tokens::new(&key, &IdentitySettings::default()).unwrap(), key, user }
}

impl Bench {
    fn token(&self) -> String {
        self.tokens.issue(&self.user, now(), uuid::Uuid::from_u128(9)).unwrap()
    }

    fn claims(&self) -> Value {
        let payload = self.token().split('.').nth(1).unwrap().to_owned();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    /// A token with any header and claims, properly signed with the deployment's key.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes()).unwrap()))
    }

    fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.key.name })
    }

    fn verify(&self, token: &str) -> Result<Claims, IdentityRefusal> {
        self.tokens.verify(token, now())
    }
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[test]
fn a_token_says_who_it_is_about_for_a_quarter_of_an_hour() {
    let bench = bench();
    let claims = bench.verify(&bench.token()).unwrap();
    assert_eq!((claims.sub, claims.sid), (bench.user.user_id, bench.user.session_id));
    assert_eq!((claims.role, claims.doc, claims.pat, claims.ev), (Role::Doctor, bench.user.doctor_id, None, true));
    assert_eq!(claims.exp - claims.iat, 900);
    let after = |seconds| now() + SignedDuration::from_secs(seconds);
    assert!(bench.tokens.verify(&bench.token(), after(899)).is_ok());
    assert_eq!(bench.tokens.verify(&bench.token(), after(900)), Err(IdentityRefusal::TokenExpired));
}

#[test]
fn the_hand_made_token_of_these_tests_would_pass_if_it_were_right() {
    let bench = bench();
    assert!(bench.verify(&bench.signed(&bench.header(), &bench.claims())).is_ok());
}

#[test]
fn anybody_can_check_a_token_with_the_published_keys() {
    let bench = bench();
    let published: JwkSet = serde_json::from_value(bench.tokens.jwks()).unwrap();
    let token = bench.token();
    let kid = decode_header(&token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(published.find(&kid).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["consilium"]);
    validation.validate_exp = false;
    assert_eq!(decode::<Claims>(&token, &key, &validation).unwrap().claims.sub, bench.user.user_id);
}

#[test]
fn other_algorithms_are_refused() {
    let bench = bench();
    let unsigned = |alg: &str| {
        let header = json!({ "alg": alg, "typ": "JWT", "kid": bench.key.name });
        format!("{}.{}.", encoded(&header), encoded(&bench.claims()))
    };
    for alg in ["none", "None", "EdDSA"] {
        assert_eq!(bench.verify(&unsigned(alg)), Err(IdentityRefusal::TokenInvalid), "{alg}");
    }
    // The classic confusion: the public key, which everybody has, used as an HMAC secret.
    let header = Header { kid: Some(bench.key.name.clone()), ..Header::new(Algorithm::HS256) };
    for secret in [bench.key.public.clone(), bench.tokens.jwks()["keys"][0]["x"].as_str().unwrap().into()] {
        let forged = encode(&header, &bench.claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(bench.verify(&forged), Err(IdentityRefusal::TokenInvalid));
    }
}

#[test]
fn other_keys_are_refused() {
    let (bench, stranger) = (bench(), bench());
    assert_eq!(bench.verify(&stranger.token()), Err(IdentityRefusal::TokenInvalid), "unknown kid");
    let disguised = stranger.signed(&bench.header(), &bench.claims());
    assert_eq!(bench.verify(&disguised), Err(IdentityRefusal::TokenInvalid), "our kid, their key");
    for header in [json!({ "alg": "EdDSA" }), json!({ "alg": "EdDSA", "kid": "0000000000000000" })] {
        assert_eq!(bench.verify(&bench.signed(&header, &bench.claims())), Err(IdentityRefusal::TokenInvalid));
    }
}

#[test]
fn other_audiences_and_issuers_are_refused_and_so_is_a_token_without() {
    let bench = bench();
    for (claim, value) in [
        ("aud", json!("somebody-else")),
        ("aud", Value::Null),
        ("aud", json!([])),
        ("iss", json!("somebody-else")),
        ("iss", Value::Null),
        ("sub", json!("not-an-id")),
        ("exp", Value::Null),
        ("exp", json!("tomorrow")),
        ("role", json!("owner")),
    ] {
        let token = bench.signed(&bench.header(), &with(bench.claims(), claim, value.clone()));
        assert_eq!(bench.verify(&token), Err(IdentityRefusal::TokenInvalid), "{claim}: {value}");
    }
    for missing in ["aud", "iss", "sub", "sid", "exp"] {
        let mut claims = bench.claims();
        claims.as_object_mut().unwrap().remove(missing);
        assert!(bench.verify(&bench.signed(&bench.header(), &claims)).is_err(), "without {missing}");
    }
}

#[test]
fn a_changed_token_is_refused() {
    let bench = bench();
    let token = bench.token();
    assert!(bench.verify(&token).is_ok(), "what is remembered of it helps no other");
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let promoted = with(bench.claims(), "role", json!("admin"));
    let forged = format!("{header}.{}.{signature}", encoded(&promoted));
    assert_eq!(bench.verify(&forged), Err(IdentityRefusal::TokenInvalid));
    for junk in ["", ".", "..", "a.b.c", &token[..token.len() - 2], &format!("{token}.x"), &"a".repeat(10_000)] {
        assert_eq!(bench.verify(junk), Err(IdentityRefusal::TokenInvalid), "{junk:.40}");
    }
}
