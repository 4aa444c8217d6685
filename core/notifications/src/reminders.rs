//! Reminders: a due timer becomes a delivery, in one transaction with a look at the appointment.

use consilium_db::{
    Db, Result,
    timers::{self, DueTimer},
};
use consilium_kernel::{CommandMeta, Id};
use consilium_runtime::TimerHandler;

use crate::{
    announce::{Announcer, Occasion},
    content::Content,
    decide::reminder_is_right,
    rules,
};

/// Handles the timers that scheduling sets when an appointment is accepted.
pub struct Reminders {
    pub(crate) db: Db,
    pub(crate) announcer: Announcer,
}

#[async_trait::async_trait]
impl TimerHandler for Reminders {
    fn kinds(&self) -> &'static [&'static str] {
        &["reminder_24h", "reminder_1h"]
    }

    async fn fire(&self, timer: DueTimer) -> Result<()> {
        let announcer = self.announcer.clone();
        let meta = CommandMeta::system(timer.facility_id, "reminder");
        self.db
            .write(&meta, move |tx| {
                timers::take(tx, timer.id)?;
                let Some(rule) = rules::of_timer(&timer.kind) else { return Ok(()) };
                let id = Id::new(timer.entity.id);
                let Some(appointment) = announcer.records().appointment(tx, timer.facility_id, id)? else {
                    return Ok(());
                };
                // A reminder that is no longer right is dropped, never sent late.
                if !reminder_is_right(rule.kind, &appointment, timer.revision, tx.now()) {
                    metrics::counter!("consilium_reminders_dropped").increment(1);
                    return Ok(());
                }
                let occasion = Occasion {
                    entity: timer.entity.clone(),
                    revision: appointment.revision,
                    facility: timer.facility_id,
                    at: tx.now(),
                };
                announcer.announce(tx, rule, &occasion, Content::Appointment(appointment))
            })
            .await
    }
}
