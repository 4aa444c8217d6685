//! Background work that ends when the server does.

use std::{sync::Mutex, time::Duration};

use tokio::{sync::watch, task::JoinHandle};

/// Tells background work to end.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    pub(crate) fn of(ending: &watch::Sender<bool>) -> Self {
        Self(ending.subscribe())
    }

    /// Whether the server ends.
    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the server ends.
    pub async fn requested(&mut self) {
        // An error means that the sender is gone, which is an end too.
        let _ = self.0.wait_for(|ending| *ending).await;
    }

    /// Sleeps for `time`; false when the server ends meanwhile.
    pub async fn sleep(&mut self, time: Duration) -> bool {
        tokio::select! {
            () = self.requested() => false,
            () = tokio::time::sleep(time) => true,
        }
    }
}

/// The background work of a server.
#[derive(Debug)]
pub struct Tasks {
    ending: watch::Sender<bool>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { ending: watch::Sender::new(false), running: Mutex::default() }
    }
}

impl Tasks {
    /// For work that is to end with the server.
    pub fn shutdown(&self) -> Shutdown {
        Shutdown::of(&self.ending)
    }

    /// Runs `work` on this thread's event loop until it ends by itself, which it does soon after `finish`.
    pub fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        let handle = tokio::task::spawn_local(work);
        self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(handle);
    }

    /// Tells all work to end and waits for it, for `limit` at most.
    pub async fn finish(&self, limit: Duration) {
        self.ending.send_replace(true);
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        if tokio::time::timeout(limit, futures_util::future::join_all(running)).await.is_err() {
            tracing::warn!("some background work did not end in time");
        }
    }
}
