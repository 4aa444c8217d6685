//! Tokens as Jitsi checks them.

use super::*;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use consilium_plugin_sdk::testing::FakeHost;
use ring::{hmac, signature};

const SECRET: &str = "shared with prosody";
const PRIVATE_KEY: &str = include_str!("test_key.pem");
const PUBLIC_KEY: &str = include_str!("test_key.pub.pem");

fn host() -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap())
        .with_secret("app_secret", SECRET)
        .with_secret("private_key", PRIVATE_KEY)
}

fn plugin(config: Value) -> Jitsi {
    Jitsi::create(serde_json::from_value(config).unwrap(), &host().host()).unwrap()
}

fn join(plugin: &Jitsi, role: Role) -> VideoAccess {
    let request = Join {
        room: "consultation7".to_owned(),
        consultation_id: "7".to_owned(),
        participant: Participant {
            id: "anna".to_owned(),
            role,
            display_name: "Anna".to_owned(),
            email: None,
            avatar_url: Some("https://example.org/anna.png".to_owned()),
        },
        expires_at: "2026-11-20T09:20:00Z".parse().unwrap(),
    };
    plugin.join(&host().host(), request).unwrap()
}

/// Header, claims, signed part and signature.
fn parts(access: &VideoAccess) -> (Value, Value, String, Vec<u8>) {
    let token = access.token.as_ref().unwrap().expose();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json = |text| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    (json(header), json(claims), signed.to_owned(), URL_SAFE_NO_PAD.decode(signature).unwrap())
}

fn self_hosted() -> Value {
    json!({"base_url": "https://meet.example.org/", "app_id": "consilium", "recording": true})
}

#[test]
fn a_missing_or_broken_key_is_refused() {
    let bare = FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).with_secret("private_key", "nonsense");
    let create =
        |config: Value| Jitsi::create(serde_json::from_value(config).unwrap(), &bare.host()).err().unwrap().code;
    assert_eq!(create(self_hosted()), "secret_missing");
    let rs256 = json!({"base_url": "https://8x8.vc", "app_id": "chat", "algorithm": "RS256"});
    assert_eq!(create(rs256), "private_key_invalid");
}

#[test]
fn hs256_tokens_carry_the_documented_claims() {
    let access = join(&plugin(self_hosted()), Role::Doctor);
    let (header, claims, signed, signature) = parts(&access);
    assert_eq!(header, json!({"alg": "HS256", "typ": "JWT"}));
    assert_eq!(
        claims,
        json!({
            "aud": "jitsi", "iss": "consilium", "sub": "*", "room": "consultation7",
            "nbf": 1_795_165_170, "exp": 1_795_166_400,
            "context": {
                "user": {
                    "id": "anna", "name": "Anna", "moderator": true, "avatar": "https://example.org/anna.png",
                },
                "features": {
                    "screen-sharing": true, "recording": true, "livestreaming": false,
                    "transcription": false, "outbound-call": false,
                },
            },
        })
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
    let url = access.join_url.unwrap();
    assert!(url.expose().starts_with("https://meet.example.org/consultation7?jwt=ey"), "{}", url.expose());
}

#[test]
fn only_the_doctor_moderates_and_records() {
    let plugin = plugin(self_hosted());
    for role in [Role::Patient, Role::Clinician, Role::Interpreter] {
        let (_, claims, ..) = parts(&join(&plugin, role));
        assert_eq!(claims["context"]["user"]["moderator"], false, "{role:?}");
        assert_eq!(claims["context"]["features"]["recording"], false, "{role:?}");
    }
}

#[test]
fn rs256_tokens_verify_with_the_public_key_alone() {
    let access = join(
        &plugin(json!({
            "base_url": "https://8x8.vc", "algorithm": "RS256", "app_id": "chat",
            "subject": "vpaas-magic-cookie-1", "tenant": "vpaas-magic-cookie-1",
            "key_id": "vpaas-magic-cookie-1/abc",
        })),
        Role::Patient,
    );
    let (header, claims, signed, signature) = parts(&access);
    assert_eq!(header["kid"], "vpaas-magic-cookie-1/abc");
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("chat"), &json!("vpaas-magic-cookie-1")));
    let pem: String = PUBLIC_KEY.lines().filter(|line| !line.starts_with('-')).collect();
    // ring wants the RSAPublicKey inside the SubjectPublicKeyInfo, which has 24 bytes before it.
    let spki = STANDARD.decode(pem).unwrap();
    let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &spki[24..]);
    key.verify(signed.as_bytes(), &signature).unwrap();
    assert!(key.verify(b"something else", &signature).is_err());
    assert!(access.join_url.unwrap().expose().contains("8x8.vc/vpaas-magic-cookie-1/consultation7?jwt="));
}

#[test]
fn access_that_is_over_is_refused() {
    let late = FakeHost::at("2026-11-20T09:20:00Z".parse().unwrap());
    let plugin = plugin(self_hosted());
    let request = Join {
        room: "consultation7".to_owned(),
        consultation_id: "7".to_owned(),
        participant: Participant {
            id: "anna".to_owned(),
            role: Role::Patient,
            display_name: "Anna".to_owned(),
            email: None,
            avatar_url: None,
        },
        expires_at: "2026-11-20T09:20:00Z".parse().unwrap(),
    };
    assert_eq!(plugin.join(&late.host(), request).unwrap_err().code, "access_expired");
}
