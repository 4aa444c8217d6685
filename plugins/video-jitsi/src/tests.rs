//! Tokens as Jitsi checks them.

use super::*;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use consilium_plugin_sdk::{
    contract::video::{Participant, Role},
    testing::FakeHost,
};
use ring::{hmac, signature};
use serde_json::Value;

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
    join_at(&host(), plugin, role)
}

fn join_at(host: &FakeHost, plugin: &Jitsi, role: Role) -> VideoAccess {
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
    plugin.join(&host.host(), request).unwrap()
}

/// Header, claims, signed part and signature.
fn parts(access: &VideoAccess) -> (Value, Value, String, Vec<u8>) {
    let token = access.sdk().unwrap().0.expose();
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
                    "id": "anna", "name": "Anna", "moderator": true, "affiliation": "owner",
                    "avatar": "https://example.org/anna.png",
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
    let url = access.page().unwrap();
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
            "jaas": {"app_id": "vpaas-magic-cookie-1", "key_id": "vpaas-magic-cookie-1/abc"}, "recording": true,
        })),
        Role::Patient,
    );
    let (header, claims, signed, signature) = parts(&access);
    assert_eq!(header["kid"], "vpaas-magic-cookie-1/abc");
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("chat"), &json!("vpaas-magic-cookie-1")));
    assert_eq!(claims["context"]["user"]["moderator"], "false", "JaaS documents texts");
    assert_eq!(claims["context"]["features"]["recording"], "false");
    let pem: String = PUBLIC_KEY.lines().filter(|line| !line.starts_with('-')).collect();
    // ring wants the RSAPublicKey inside the SubjectPublicKeyInfo, which has 24 bytes before it.
    let spki = STANDARD.decode(pem).unwrap();
    let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &spki[24..]);
    key.verify(signed.as_bytes(), &signature).unwrap();
    assert!(key.verify(b"something else", &signature).is_err());
    assert!(access.page().unwrap().expose().contains("8x8.vc/vpaas-magic-cookie-1/consultation7?jwt="));
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

fn create(facility: Option<&str>, lobby: bool) -> CreateRoom {
    CreateRoom {
        idempotency_key: "7".to_owned(),
        consultation_id: "7".to_owned(),
        starts_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        facility_id: facility.map(str::to_owned),
        title: None,
        lobby,
        record: false,
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for (config, reason) in [
        (json!({"app_id": "a"}), "base_url"),
        (json!({"base_url": "https://meet.example.org"}), "app_id"),
        (json!({"jaas": {"app_id": "vpaas-magic-cookie-1", "key_id": "vpaas-magic-cookie-2/abc"}}), "key_id"),
        (
            json!({
                "jaas": {"app_id": "vpaas-magic-cookie-1", "key_id": "vpaas-magic-cookie-1/abc"},
                "facilities": {"north": {"tenant": "north"}},
            }),
            "tenant",
        ),
    ] {
        let refused = Jitsi::create(serde_json::from_value(config).unwrap(), &host().host()).err().unwrap();
        assert_eq!(refused.code, "config_invalid");
        assert!(refused.message.contains(reason), "{}", refused.message);
    }
}

#[test]
fn a_lobby_lets_the_doctor_pass_and_nobody_else() {
    let (host, plugin) = (host(), plugin(self_hosted()));
    let claims = |role| parts(&join_at(&host, &plugin, role)).1;
    plugin.create_room(&host.host(), create(None, true)).unwrap();
    for role in [Role::Doctor, Role::Patient, Role::Clinician, Role::Interpreter] {
        let context = claims(role)["context"].clone();
        assert_eq!(context["room"], json!({"lobby_autostart": true}));
        assert_eq!(context["user"]["lobby_bypass"], role == Role::Doctor, "{role:?}");
    }
    plugin.create_room(&host.host(), create(None, false)).unwrap();
    assert_eq!(claims(Role::Patient)["context"]["room"], Value::Null);
}

#[test]
fn a_facility_has_its_tenant_and_its_server() {
    let host = host();
    let mut config = self_hosted();
    config["tenant"] = json!("Clinic");
    config["facilities"] = json!({"north": {"tenant": "North", "base_url": "https://eu.example.org"}, "south": {}});
    let plugin = plugin(config);
    for (facility, url, subject) in [
        (Some("north"), "https://eu.example.org/North/consultation7?jwt=", "north"),
        (Some("south"), "https://meet.example.org/Clinic/consultation7?jwt=", "clinic"),
        (Some("elsewhere"), "https://meet.example.org/Clinic/consultation7?jwt=", "clinic"),
        (None, "https://meet.example.org/Clinic/consultation7?jwt=", "clinic"),
    ] {
        plugin.create_room(&host.host(), create(facility, false)).unwrap();
        let access = join_at(&host, &plugin, Role::Patient);
        assert_eq!(parts(&access).1["sub"], subject, "the tenant in lower case: {facility:?}");
        assert!(access.page().unwrap().expose().starts_with(url), "{facility:?}");
    }
}

#[test]
fn leeway_room_and_features_are_as_configured() {
    let mut config = self_hosted();
    config["not_before_leeway_seconds"] = json!(60);
    config["expiry_leeway_seconds"] = json!(10);
    config["room_claim"] = json!("any");
    config["features"] = json!({"transcription": "doctor", "file-upload": "everybody", "screen-sharing": "nobody"});
    let plugin = plugin(config);
    let (_, claims, ..) = parts(&join(&plugin, Role::Patient));
    assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(1_795_165_140), &json!(1_795_166_410)));
    assert_eq!(claims["room"], "*");
    let features = |role| parts(&join(&plugin, role)).1["context"]["features"].clone();
    let (patient, doctor) = (features(Role::Patient), features(Role::Doctor));
    assert_eq!((&patient["transcription"], &doctor["transcription"]), (&json!(false), &json!(true)));
    assert_eq!((&patient["file-upload"], &patient["screen-sharing"]), (&json!(true), &json!(false)));
}
