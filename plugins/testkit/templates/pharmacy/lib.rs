//! Acme Video takes prescriptions as JSON and recognises a repeated `Idempotency-Key`.

use consilium_plugin_sdk::contract::{Bytes, host::HttpFetch, pharmacy::*};
use consilium_plugin_sdk::{Host, PharmacyGateway, Plugin, PluginError, export_plugin};
use serde_json::json;

/// What the operator configures.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the pharmacy is, without a slash at the end.
    #[schemars(example = "https://pharmacy.example.org")]
    pub base_url: String,
}

/// The plugin.
pub struct AcmeVideo(Config);

impl Plugin for AcmeVideo {
    type Config = Config;

    fn create(config: Config, _: &Host<'_>) -> Result<Self, PluginError> {
        Ok(Self(config))
    }
}

impl PharmacyGateway for AcmeVideo {
    fn submit(&self, host: &Host<'_>, request: Submit) -> Result<Dispatch, PluginError> {
        let body = json!({"prescription": request.prescription});
        self.send(host, "POST", "", Some((&request.idempotency_key, body)))
    }

    fn status(&self, host: &Host<'_>, request: Status) -> Result<Dispatch, PluginError> {
        self.send(host, "GET", &checked(&request.reference)?, None)
    }

    fn cancel(&self, host: &Host<'_>, request: Cancel) -> Result<Dispatch, PluginError> {
        let path = format!("{}/cancel", checked(&request.reference)?);
        self.send(host, "POST", &path, Some((&request.idempotency_key, json!({"reason": request.reason}))))
    }
}

/// What becomes part of a URL must not change where it points.
fn checked(reference: &str) -> Result<String, PluginError> {
    let plain = reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !plain || reference.is_empty() {
        return Err(PluginError::permanent("reference_unknown", "this reference is not from this pharmacy"));
    }
    Ok(format!("/{reference}"))
}

impl AcmeVideo {
    fn send(
        &self,
        host: &Host<'_>,
        method: &str,
        path: &str,
        keyed: Option<(&str, serde_json::Value)>,
    ) -> Result<Dispatch, PluginError> {
        let mut request = HttpFetch {
            method: method.into(),
            url: format!("{}/prescriptions{path}", self.0.base_url),
            headers: [("authorization".into(), "Bearer {{secret:api_key}}".into())].into(),
            body: None,
            timeout_ms: None,
        };
        if let Some((key, body)) = keyed {
            request.headers.insert("idempotency-key".into(), key.into());
            request.headers.insert("content-type".into(), "application/json".into());
            request.body = Some(Bytes(body.to_string().into_bytes()));
        }
        let response = host.fetch(&request)?;
        match response.status {
            200..=299 => serde_json::from_slice(&response.body.0)
                .map_err(|_| PluginError::retryable("answer_unknown", "the pharmacy's answer is not what it promises")),
            status @ (429 | 500..) => Err(PluginError::retryable("pharmacy_failing", status.to_string())),
            status => Err(PluginError::permanent("pharmacy_refused", status.to_string())),
        }
    }
}

export_plugin!(AcmeVideo, kinds: [pharmacy], manifest: "../plugin.toml");
