//! Webhooks of providers: verified by their plugin, committed before they are answered.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use consilium_kernel::{Refusal, RefusalKind};
use consilium_plugin_host::{
    CallError,
    contract::{Bytes, pharmacy::Webhook},
};

use super::{command::Shared, problem::Problem};

const FORGED: Refusal = Refusal::new(RefusalKind::Unauthenticated, "webhook_refused", "This webhook is not genuine.");

/// Takes in what a provider reports. 204 once it is committed; a repeated one is 204 too.
#[utoipa::path(post, path = "/api/v1/webhooks/{plugin_id}", operation_id = "receive_webhook", tag = "plugins",
    params(("plugin_id" = String, Path)), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "Committed")))]
pub async fn receive(
    state: Shared,
    request: HttpRequest,
    plugin: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let kinds = state.plugins.manifest(&plugin).map(|manifest| manifest.kinds.clone()).unwrap_or_default();
    if !kinds.iter().any(|contract| contract.kind == "pharmacy") {
        return Err(Problem(Refusal::not_found()));
    }
    let headers: BTreeMap<String, String> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let webhook = Webhook { headers, body: Bytes::from(body.to_vec()), received_at: state.db.clock().now() };
    let accepted = state.plugins.call(&plugin, webhook).await.map_err(|error| Problem(refusal(&plugin, &error)))?;
    let quota = state.plugins.manifest(&plugin).and_then(|manifest| manifest.permissions.kv);
    state.prescribing.pharmacy_reports(&plugin, accepted, quota.map_or(0, |kv| kv.quota_bytes)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A forged webhook is refused for good; a provider may repeat one that only met a plugin in trouble.
fn refusal(plugin: &str, error: &CallError) -> Refusal {
    tracing::warn!(plugin, code = error.code(), "a webhook was not taken in");
    match error {
        CallError::Plugin(said) if !said.retryable => FORGED,
        _ => Refusal::unavailable(),
    }
}
