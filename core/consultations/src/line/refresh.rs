//! Keeps lines projected: at most one task per doctor, however often the line changes meanwhile.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use consilium_db::Db;
use consilium_kernel::{CommandMeta, DoctorId, Scope};

use super::project;

/// The lines of all doctors.
#[derive(Clone)]
pub(crate) struct WaitingLines(Arc<Inner>);

struct Inner {
    db: Db,
    /// Doctors whose line is being projected, and whether it changed again since.
    running: Mutex<HashMap<DoctorId, bool>>,
}

/// Tries of one projection; the next change catches up with what they missed.
const TRIES: u32 = 5;

impl WaitingLines {
    pub(crate) fn new(db: Db) -> Self {
        Self(Arc::new(Inner { db, running: Mutex::default() }))
    }

    /// Projects the doctor's line now, or once more after the projection that is running.
    pub(crate) fn refresh(&self, scope: Scope, doctor: DoctorId) {
        match self.lock().entry(doctor) {
            Entry::Occupied(mut running) => *running.get_mut() = true,
            Entry::Vacant(free) => {
                free.insert(false);
                tokio::spawn(self.clone().run(scope, doctor));
            }
        }
    }

    async fn run(self, scope: Scope, doctor: DoctorId) {
        let mut running = Running { lines: self, doctor, goes_on: true };
        while running.goes_on {
            running.lines.project(scope, doctor).await;
            running.settle();
        }
    }

    async fn project(&self, scope: Scope, doctor: DoctorId) {
        let meta = CommandMeta::system(scope.facility_id, "waiting_line");
        for attempt in 0..TRIES {
            match self.0.db.write(&meta, move |tx| project(tx, doctor)).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, attempt, "a waiting line could not be projected"),
            }
            tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
        }
        metrics::counter!("consilium_waiting_line_failures").increment(1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DoctorId, bool>> {
        self.0.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A task that projects; the doctor is free again when it ends, even if it is dropped half way.
struct Running {
    lines: WaitingLines,
    doctor: DoctorId,
    goes_on: bool,
}

impl Running {
    /// Goes on if the line changed meanwhile, and otherwise frees the doctor under the same lock.
    fn settle(&mut self) {
        let mut running = self.lines.lock();
        self.goes_on = running.get_mut(&self.doctor).is_some_and(std::mem::take);
        if !self.goes_on {
            running.remove(&self.doctor);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.goes_on {
            self.lines.lock().remove(&self.doctor);
        }
    }
}
