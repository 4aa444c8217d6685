//! Outbound webhooks: tells subscribed endpoints over HTTP what happened, by the rules of Standard Webhooks.
//!
//! Committed events become one delivery for each subscription that wants them ([`catalogue`] says what they carry:
//! ids, times and states, never a patient's words). The [`Dispatcher`] sends what is due, each subscription by
//! itself, tries again for a day, and gives up visibly. Knows the outbox and no module.

pub mod catalogue;
mod checks;
mod decide;
mod digest;
mod dispatcher;
mod filter;
mod model;
mod refusal;
mod service;
mod settings;
mod signature;
mod store;
#[cfg(test)]
mod tests;
mod transport;

pub use decide::{Outcome, Verdict, backoff, judge};
pub use dispatcher::Dispatcher;
pub use filter::EventFilter;
pub use model::{
    Delivery, DeliveryId, DeliveryStatus, DisabledBecause, NewSubscription, Page, PageRequest, Subscription,
    SubscriptionId, SubscriptionPatch, WithSecret,
};
pub use refusal::WebhookRefusal;
pub use service::Webhooks;
pub use settings::WebhookSettings;
pub use signature::{Secret, sign};
pub use transport::{HttpTransport, Outgoing, Transport};
