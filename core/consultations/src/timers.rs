//! Gives up consultations that nobody is in.

use async_trait::async_trait;
use consilium_db::{Error, Result, VERSION_CONFLICT, timers::DueTimer};
use consilium_kernel::{CommandMeta, Id};
use consilium_runtime::TimerHandler;

use crate::{actor::Action, facts::ABANDONMENT, service::Consultations};

/// Fires when a consultation in progress has been empty, or a patient has waited in vain, for too long.
pub struct AbandonmentTimer(Consultations);

impl AbandonmentTimer {
    /// A handler that asks the consultations' actors.
    pub fn new(consultations: Consultations) -> Self {
        Self(consultations)
    }
}

#[async_trait]
impl TimerHandler for AbandonmentTimer {
    fn kinds(&self) -> &'static [&'static str] {
        &[ABANDONMENT]
    }

    async fn fire(&self, timer: DueTimer) -> Result<()> {
        let meta = CommandMeta::system(timer.facility_id, "timer");
        match self.0.perform(meta, Id::new(timer.entity.id), Action::Abandon { timer: timer.id }).await {
            Ok(_) => Ok(()),
            Err(refusal) if refusal == VERSION_CONFLICT => Err(Error::VersionConflict),
            Err(refusal) => Err(refusal.into()),
        }
    }
}
