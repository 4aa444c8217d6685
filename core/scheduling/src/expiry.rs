//! Requests that nobody answered: they lapse when the time comes that was asked for.

use consilium_db::{
    Db, Result, Tx,
    timers::{self, DueTimer},
};
use consilium_kernel::{AppointmentId, CommandMeta};
use consilium_runtime::TimerHandler;

use crate::{
    actor::settle,
    facts::{self, REQUEST_EXPIRY, Told},
    model::{Appointment, Party, Status},
    schedule::Entry,
    store::appointments::{self, Words},
};

/// Cancels requests that were not answered in time.
pub struct RequestExpiryTimer {
    db: Db,
}

impl RequestExpiryTimer {
    /// Handles [`REQUEST_EXPIRY`] timers of `db`.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[async_trait::async_trait]
impl TimerHandler for RequestExpiryTimer {
    fn kinds(&self) -> &'static [&'static str] {
        &[REQUEST_EXPIRY]
    }

    async fn fire(&self, timer: DueTimer) -> Result<()> {
        let meta = CommandMeta::system(timer.facility_id, "timer");
        self.db
            .write(&meta, move |tx| {
                timers::take(tx, timer.id)?;
                lapse(tx, AppointmentId::new(timer.entity.id))
            })
            .await
    }
}

/// A request that was answered in the very moment stays as it is.
fn lapse(tx: &mut Tx<'_>, id: AppointmentId) -> Result<()> {
    let scope = tx.meta().scope;
    let found = appointments::find(tx, scope, id, Words::Opened)?;
    let Some(request) = found.filter(|found| found.status == Status::Pending) else { return Ok(()) };
    let lapsed = Appointment { status: Status::Cancelled, version: request.version + 1, ..request };
    settle(tx, id, &Entry::of(&lapsed))?;
    facts::withdraw_timers(tx, id)?;
    facts::tell(tx, lapsed, Told::Cancelled, Party::System, None, None)?;
    Ok(())
}
