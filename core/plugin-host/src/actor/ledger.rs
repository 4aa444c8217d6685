//! What happens to a plugin, written to the audit log in the order in which it happened. Writing waits
//! for the database, which the supervisor must not.

use crate::HostServices;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Lines that may wait to be written. Restarts have pauses, so there are never many.
const WAITING: usize = 64;

pub(super) struct Ledger {
    plugin: String,
    lines: mpsc::Sender<(&'static str, Value)>,
    writer: Option<Writer>,
}

struct Writer {
    services: Arc<dyn HostServices>,
    lines: mpsc::Receiver<(&'static str, Value)>,
}

impl Ledger {
    pub(super) fn new(plugin: String, services: Arc<dyn HostServices>) -> Self {
        let (sender, lines) = mpsc::channel(WAITING);
        Self { plugin, lines: sender, writer: Some(Writer { services, lines }) }
    }

    /// Notes a line. Must be called on the supervisors' runtime.
    pub(super) fn note(&mut self, action: &'static str, detail: Value) {
        if let Some(Writer { services, mut lines }) = self.writer.take() {
            let plugin = self.plugin.clone();
            actix::spawn(async move {
                while let Some((action, detail)) = lines.recv().await {
                    services.audit(&plugin, action, detail).await;
                }
            });
        }
        if let Err(error) = self.lines.try_send((action, detail)) {
            tracing::error!(plugin = self.plugin, action, %error, "an audit line is lost");
        }
    }
}
