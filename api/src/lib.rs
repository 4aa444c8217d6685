//! The HTTP and WebSocket API and the command line around the modules of the product.

pub mod background;
pub mod cli;
pub mod config;
mod event_plugins;
pub mod files;
pub mod http;
pub mod inbox;
pub mod logging;
pub mod mail;
pub mod memory;
pub mod metrics;
pub mod pharmacy;
pub mod plugin_blobs;
pub mod plugin_services;
pub mod plugins;
pub mod push;
pub mod recordings;
pub mod server;
pub mod state;
pub mod video;
pub mod webhooks;
pub mod ws;
