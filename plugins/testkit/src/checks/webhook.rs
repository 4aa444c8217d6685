//! Requests that claim to come from the provider.

use super::{Bench, Outcome, all_of, nothing};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use consilium_plugin_host::{
    CallError, HostServices as _,
    contract::{Bytes, Call, webhook::Verify},
};
use ring::{
    digest::{SHA256, digest},
    hmac,
};
use serde_json::{Value, json};

pub(super) async fn forged(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.manifest.kinds.iter().any(|contract| contract.kind == "webhook") {
        return nothing("it takes no webhooks");
    }
    let services = bench.services();
    let session = match bench.session(&services).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let now = services.clock().now();
    let mut problems = Vec::new();
    for body in ["{}", FORGED_BODY, ""] {
        for headers in forged_headers(now.as_second(), body) {
            let body = Bytes(body.as_bytes().to_vec());
            let request = json!({"headers": headers, "body": body, "received_at": now});
            let name = headers.as_object().and_then(|headers| headers.keys().next());
            let shown = name.map_or("no signature", String::as_str);
            match session.send(Verify::METHOD, request.to_string().into_bytes()).await {
                Ok(_) => problems.push(format!("it accepts a forgery with {shown}")),
                Err(CallError::Plugin(error)) if error.code.starts_with("webhook_") => {}
                Err(error) => problems.push(format!("with {shown}: {error}, not webhook_forged")),
            }
        }
    }
    session.end().await;
    problems.dedup();
    all_of(problems)
}

/// Looks like news, whoever the provider is.
const FORGED_BODY: &str = r#"{"id":"evt-1","event":"meeting.ended","type":"payment.succeeded","reference":"r-1",
    "status":"dispensed","occurred_at":"2026-11-20T12:00:00Z","payload":{"plainToken":"x","object":{"id":"1"}}}"#;

/// The schemes in use, each with a signature of nothing, with one under an empty key, as a plugin without its secret
/// might check it, and with one under a stranger's.
fn forged_headers(now: i64, body: &str) -> Vec<Value> {
    let zeros = "0".repeat(64);
    let mut forged = vec![
        json!({}),
        json!({"x-signature": format!("t={now},v1={zeros}")}),
        json!({"x-signature": ""}),
        json!({"x-zm-signature": format!("v0={zeros}"), "x-zm-request-timestamp": now.to_string()}),
        json!({"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."}),
        json!({"authorization": "eyJhbGciOiJIUzI1NiJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}),
        json!({"webhook-id": "evt-1", "webhook-timestamp": now.to_string(), "webhook-signature": "v1,AAAA"}),
        json!({"x-hub-signature-256": format!("sha256={zeros}")}),
        json!({"stripe-signature": format!("t={now},v1={zeros}")}),
    ];
    for key in ["", "a-strangers-key"] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let mac = |text: String| hmac::sign(&key, text.as_bytes());
        let timed = hex::encode(mac(format!("{now}.{body}")));
        let sum = STANDARD.encode(digest(&SHA256, body.as_bytes()));
        let claims = json!({"iss": "x", "nbf": now, "exp": now + 300, "sha256": sum});
        let token =
            format!(r"{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let token = format!("{token}.{}", URL_SAFE_NO_PAD.encode(mac(token.clone())));
        let standard = STANDARD.encode(mac(format!("evt-1.{now}.{body}")));
        let zoom = hex::encode(mac(format!("v0:{now}:{body}")));
        forged.extend([
            json!({"x-signature": format!("t={now},v1={timed}")}),
            json!({"x-zm-signature": format!("v0={zoom}"), "x-zm-request-timestamp": now.to_string()}),
            json!({"authorization": token}),
            json!({"webhook-id": "evt-1", "webhook-timestamp": now.to_string(), "webhook-signature": format!("v1,{standard}")}),
            json!({"x-hub-signature-256": format!("sha256={}", hex::encode(mac(body.to_owned())))}),
            json!({"stripe-signature": format!("t={now},v1={timed}")}),
        ]);
    }
    forged
}
