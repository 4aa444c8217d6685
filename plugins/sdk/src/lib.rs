//! Everything that a plugin author depends on.
//!
//! A plugin is a struct that implements [`Plugin`] and the trait of each of its kinds
//! ([`VideoProvider`], [`PharmacyGateway`], [`PaymentProvider`], [`NotificationChannel`],
//! [`Assistant`], [`AnalyticsSink`], [`EventSubscriber`], [`Webhooks`]), and one line:
//! [`export_plugin!`]. Authors write no `unsafe`; the C ABI in [`abi`] is described normatively by
//! `include/consilium_plugin.h`.

#[cfg(panic = "abort")]
compile_error!("a plugin must be built with panic = \"unwind\": a panic may cost one call, not the process");

pub mod abi;
pub mod cassette;
mod encoding;
#[doc(hidden)]
pub mod export;
mod host;
pub mod kinds;
pub mod testing;

pub use consilium_plugin_contract as contract;
pub use consilium_plugin_contract::{Feature, Health, HealthStatus, Manifest, PluginError, Sensitive};
pub use encoding::percent_encode;
pub use host::{Host, HostApi};
pub use kinds::{
    AnalyticsSink, Assistant, EventSubscriber, NotificationChannel, PaymentProvider, PharmacyGateway, Plugin,
    VideoProvider, Webhooks,
};
