//! `pharmacy/1`.

use super::serves;
use crate::{Host, Plugin};
use consilium_plugin_contract::{PluginError, Reconciled, pharmacy as p};

/// Prescriptions at a pharmacy, or at a hub of pharmacies.
pub trait PharmacyGateway: Plugin {
    /// Sends a prescription; the same key is dispensed once.
    ///
    /// # Errors
    /// What the pharmacy says.
    fn submit(&self, host: &Host<'_>, request: p::Submit) -> Result<p::Dispatch, PluginError>;

    /// Where a prescription stands.
    ///
    /// # Errors
    /// What the pharmacy says.
    fn status(&self, host: &Host<'_>, request: p::Status) -> Result<p::Dispatch, PluginError>;

    /// Withdraws a prescription.
    ///
    /// # Errors
    /// What the pharmacy says.
    fn cancel(&self, host: &Host<'_>, request: p::Cancel) -> Result<p::Dispatch, PluginError>;

    /// Looks for pharmacies. Gateways to a single one leave this out.
    ///
    /// # Errors
    /// `not_supported`, and what the pharmacy says.
    fn search(&self, host: &Host<'_>, request: p::Search) -> Result<p::PharmaciesFound, PluginError> {
        let _ = (host, request);
        Err(PluginError::not_supported("pharmacy.search"))
    }

    /// What became of a `submit` or a `cancel` with this key. Left out, nobody can tell.
    ///
    /// # Errors
    /// What the pharmacy says.
    fn reconcile(&self, host: &Host<'_>, request: p::Reconcile) -> Result<Reconciled<p::Dispatch>, PluginError> {
        let _ = (host, request);
        Ok(Reconciled::unknown())
    }
}

serves!(pharmacy: PharmacyGateway { submit, status, cancel, search, reconcile });
