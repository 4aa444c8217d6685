//! Contract servers: they play a provider as its published API describes it, for providers that
//! cannot be reached from a test. Each checks every request, and answers what the provider would;
//! rules carry the page they come from. They prove that a plugin keeps to the published API, not
//! that the provider does.
//!
//! | file | provider |
//! |---|---|
//! | `livekit.rs` | LiveKit's server API, egress and webhooks |
//! | `zoom.rs` | Zoom's OAuth, meetings, cloud recordings and webhooks |
//! | `google.rs` | Google's OAuth, Meet REST, Calendar |
//! | `pharmacy.rs` | a pharmacy with a FHIR endpoint |
//! | `push.rs` | a push service of browsers |

pub mod google;
pub mod livekit;
pub mod pharmacy;
pub mod push;
mod server;
pub mod zoom;

pub use server::{Answer, Contract, Fault, Request, Server, Violation};
