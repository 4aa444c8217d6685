//! Hears every committed event and writes a delivery for each subscription that wants it, in the transaction that
//! moves its cursor.

use consilium_db::{Result, Tx};
use consilium_kernel::EventEnvelope;
use consilium_runtime::Subscriber;

use crate::{catalogue, filter::wanted, store};

/// The subscriber `webhooks`.
pub(crate) struct WebhookSubscriber;

impl Subscriber for WebhookSubscriber {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn digest(&self, tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
        if catalogue::find(&event.event_type).is_none() {
            return Ok(());
        }
        let told = store::told(tx, event.facility, event.at)?;
        let mut told = told.into_iter().filter(|(_, filters)| wanted(filters, &event.event_type)).peekable();
        if told.peek().is_none() {
            return Ok(());
        }
        let Some(body) = catalogue::body(event) else { return Ok(()) };
        for (subscription, _) in told {
            store::enqueue(tx, subscription, event.id, &event.event_type, &body)?;
        }
        Ok(())
    }
}
