//! Pharmacies, reached through the first plugin of kind `pharmacy`.

use std::sync::Arc;

use async_trait::async_trait;
use consilium_plugin_host::{
    CallError, PluginHost,
    contract::{
        Call,
        pharmacy::{Cancel, Dispatch, Status, Submit},
    },
};
use consilium_prescribing::{Pharmacy, PharmacyFailure};

/// Pharmacies over plugins.
pub struct PluginPharmacy {
    plugins: PluginHost,
}

impl PluginPharmacy {
    /// Over these plugins.
    pub fn new(plugins: PluginHost) -> Arc<Self> {
        Arc::new(Self { plugins })
    }

    async fn call<C: Call>(&self, gateway: &str, request: C) -> Result<C::Reply, PharmacyFailure> {
        self.plugins.call(gateway, request).await.map_err(failure)
    }
}

#[async_trait]
impl Pharmacy for PluginPharmacy {
    fn gateway(&self) -> Option<String> {
        self.plugins.providers_of("pharmacy").into_iter().next()
    }

    async fn submit(&self, gateway: &str, request: Submit) -> Result<Dispatch, PharmacyFailure> {
        self.call(gateway, request).await
    }

    async fn status(&self, gateway: &str, request: Status) -> Result<Dispatch, PharmacyFailure> {
        self.call(gateway, request).await
    }

    async fn cancel(&self, gateway: &str, request: Cancel) -> Result<Dispatch, PharmacyFailure> {
        self.call(gateway, request).await
    }
}

/// Only the pharmacy's own no is final. After everything else it may have heard or not: it is asked again, under
/// the same key.
fn failure(error: CallError) -> PharmacyFailure {
    let (code, retry_after) = (error.code().to_owned(), error.retry_after());
    match error {
        CallError::Plugin(error) if !error.retryable => PharmacyFailure::Refused(code),
        CallError::InvalidRequest(_) | CallError::UnsupportedKind { .. } => PharmacyFailure::Refused(code),
        _ => PharmacyFailure::Passing { problem: code, retry_after },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consilium_plugin_host::contract::PluginError;

    #[test]
    fn only_a_pharmacys_own_no_is_final() {
        let refused = |error: CallError| matches!(failure(error), PharmacyFailure::Refused(_));
        assert!(refused(PluginError::permanent("pharmacy_refused", "").into()));
        let busy = failure(PluginError::retryable("pharmacy_unavailable", "").after(90).into());
        let retry_after = Some(std::time::Duration::from_secs(90));
        assert_eq!(busy, PharmacyFailure::Passing { problem: "pharmacy_unavailable".to_owned(), retry_after });
        for unknown in
            [CallError::Timeout, CallError::Crashed(String::new()), CallError::Quarantined, CallError::Stopped]
        {
            assert!(!refused(unknown));
        }
        for lost in [CallError::Panicked(String::new()), CallError::InvalidAnswer(String::new())] {
            assert!(!refused(lost), "the pharmacy may have it");
        }
    }
}
