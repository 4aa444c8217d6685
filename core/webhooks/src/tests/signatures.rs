//! Signatures, against the test vector of the standard's libraries and against one of these libraries itself.

use consilium_kernel::{Clock, SystemClock};
use jiff::Timestamp;
use proptest::prelude::*;
use reqwest::header::HeaderMap;
use standardwebhooks::Webhook;

use crate::signature::{Secret, sign};

#[test]
fn the_published_vector_is_met() {
    // From the tests of the libraries in <https://github.com/standard-webhooks/standard-webhooks>.
    let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    let at = Timestamp::from_second(1_614_265_330).unwrap();
    let signature = sign([&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn secrets_differ_and_do_not_print_themselves() {
    let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
    assert_ne!(one, other);
    assert!(one.expose().starts_with("whsec_"));
    assert_eq!(format!("{one:?}"), "Secret(…)");
}

fn headers(id: &str, at: Timestamp, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", id.parse().unwrap());
    headers.insert("webhook-timestamp", at.as_second().to_string().parse().unwrap());
    headers.insert("webhook-signature", signature.parse().unwrap());
    headers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_standards_library_accepts_every_secret_during_a_rotation(body in ".{0,200}", id in "[a-z0-9-]{1,40}") {
        let at = SystemClock.now(); // the library refuses what is older than five minutes
        let secrets = [Secret::generate().unwrap(), Secret::generate().unwrap()];
        let signed = headers(&id, at, &sign(&secrets, &id, at, &body));
        for secret in &secrets {
            let webhook = Webhook::new(secret.expose()).unwrap();
            prop_assert!(webhook.verify(body.as_bytes(), &signed).is_ok());
            let forged = format!("{body}.");
            prop_assert!(webhook.verify(forged.as_bytes(), &signed).is_err());
        }
        let stranger = Webhook::new(Secret::generate().unwrap().expose()).unwrap();
        prop_assert!(stranger.verify(body.as_bytes(), &signed).is_err());
    }
}
