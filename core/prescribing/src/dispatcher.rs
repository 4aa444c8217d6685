//! Hands queued prescriptions to pharmacies, asks where they stand, and takes them back. What is to be done
//! stands in timers, so that it goes on after a restart; a call whose outcome is not known is repeated under the
//! same key.
//!
//! Calls to pharmacies are slow. A due timer is therefore claimed, by putting it off until the call must have
//! ended, and worked on beside the other timers; a process that dies meanwhile leaves a claim that runs out.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use consilium_db::{
    Error, Result, Tx,
    timers::{self, DueTimer},
};
use consilium_kernel::{CommandMeta, Id, Scope};
use consilium_plugin_contract::pharmacy::{Dispatch as Answer, Status as AskStatus};
use consilium_runtime::TimerHandler;
use tokio::sync::Semaphore;

use crate::{
    model::{DispatchId, DispatchStatus, Prescription},
    pharmacy::{self, PharmacyFailure},
    service::{CANCEL, DISPATCH, Inner, POLL, Prescribing, Report, follow},
    store::{self, DispatchRow},
};

/// Calls to pharmacies at once.
const TURNS: u32 = 4;
/// What a claim lasts longer than a call may.
const MARGIN: Duration = Duration::from_secs(30);
/// When a timer that found no free turn is looked at again.
const BUSY: Duration = Duration::from_secs(1);
/// No wait between two attempts is longer.
const LONGEST_WAIT: u64 = 15 * 60;
/// The longest that a pharmacy can make us wait.
const LONGEST_REST: Duration = Duration::from_secs(6 * 3600);

/// Does what the timers of prescribing ask for. Cheap to clone.
#[derive(Clone)]
pub struct PharmacyDispatcher {
    inner: Arc<Inner>,
    turns: Arc<Semaphore>,
}

impl PharmacyDispatcher {
    /// A dispatcher for the prescriptions of `prescribing`.
    pub fn new(prescribing: &Prescribing) -> Self {
        Self { inner: prescribing.inner().clone(), turns: Arc::new(Semaphore::new(TURNS as usize)) }
    }

    /// Waits until no call runs.
    pub async fn idle(&self) {
        let _ = self.turns.acquire_many(TURNS).await;
    }

    /// Puts the timer off until its call must have ended, and counts the attempt.
    async fn claim(&self, timer: &DueTimer, until: Duration, attempt: bool) -> Result<()> {
        let (id, dispatch) = (timer.id, dispatch_of(timer));
        let write = move |tx: &mut Tx<'_>| {
            let retry_at = tx.now() + until;
            timers::postpone(tx, id, retry_at)?;
            if attempt { store::attempted(tx, dispatch) } else { Ok(()) }
        };
        self.inner.db.write(&meta(timer), write).await
    }

    async fn work(&self, timer: &DueTimer) -> Result<()> {
        let id = dispatch_of(timer);
        let found = self.inner.db.read(move |read| {
            let Some(dispatch) = store::dispatch(read, id)? else { return Ok(None) };
            let scope = Scope::of(dispatch.facility_id);
            let Some((_, prescription)) = store::prescription(read, scope, dispatch.prescription_id)? else {
                return Ok(None);
            };
            let patient = consilium_people::patient(read, prescription.document.patient.id)?;
            Ok(Some((dispatch, prescription, patient)))
        });
        let Some((dispatch, prescription, patient)) = found.await? else { return self.drop_timer(timer).await };
        match timer.kind.as_str() {
            DISPATCH => self.submit(timer, &dispatch, &prescription, patient).await,
            CANCEL => self.cancel(timer, &dispatch).await,
            _ => self.poll(timer, &dispatch).await,
        }
    }

    async fn submit(
        &self,
        timer: &DueTimer,
        dispatch: &DispatchRow,
        prescription: &Prescription,
        patient: Option<consilium_people::Patient>,
    ) -> Result<()> {
        if dispatch.status != DispatchStatus::Queued {
            return self.drop_timer(timer).await;
        }
        let request = pharmacy::submission(dispatch, prescription, patient);
        match self.timed(self.inner.pharmacy.submit(&dispatch.gateway, request)).await {
            Ok(answer) => self.done(timer, reported(answer)).await,
            Err(PharmacyFailure::Refused(problem)) => self.failed(timer, dispatch, problem).await,
            Err(PharmacyFailure::Passing { problem, retry_after }) => {
                let age = self.inner.db.clock().now().duration_since(dispatch.requested_at);
                if age.unsigned_abs() >= self.inner.settings.give_up_after {
                    return self.failed(timer, dispatch, problem).await;
                }
                self.again(timer, dispatch, problem, retry_after).await
            }
        }
    }

    async fn poll(&self, timer: &DueTimer, dispatch: &DispatchRow) -> Result<()> {
        let Some(reference) = dispatch.reference.clone().filter(|_| !dispatch.status.is_final()) else {
            return self.drop_timer(timer).await;
        };
        match self.timed(self.inner.pharmacy.status(&dispatch.gateway, AskStatus { reference })).await {
            Ok(answer) => self.done(timer, reported(answer)).await,
            Err(PharmacyFailure::Passing { problem, retry_after: Some(rest) })
                if rest > self.inner.settings.poll_every =>
            {
                self.again(timer, dispatch, problem, Some(rest)).await
            }
            // Asked again at the next turn, as if nothing new had been said.
            Err(PharmacyFailure::Refused(problem) | PharmacyFailure::Passing { problem, .. }) => {
                tracing::warn!(gateway = dispatch.gateway, problem, "a pharmacy does not say where a prescription is");
                self.done(timer, Report { status: dispatch.status, reference: None, problem: None }).await
            }
        }
    }

    async fn cancel(&self, timer: &DueTimer, dispatch: &DispatchRow) -> Result<()> {
        let Some(reference) = dispatch.reference.as_deref().filter(|_| !dispatch.status.is_final()) else {
            return self.drop_timer(timer).await;
        };
        let request = pharmacy::cancellation(dispatch, reference);
        match self.timed(self.inner.pharmacy.cancel(&dispatch.gateway, request)).await {
            Ok(_) => {
                self.done(timer, Report { status: DispatchStatus::Cancelled, reference: None, problem: None }).await
            }
            Err(PharmacyFailure::Passing { problem, retry_after }) => {
                self.again(timer, dispatch, problem, retry_after).await
            }
            // It may be dispensed by now, which the pharmacy will report.
            Err(PharmacyFailure::Refused(problem)) => {
                let (id, timer_id) = (dispatch.id, timer.id);
                let write = move |tx: &mut Tx<'_>| {
                    timers::take(tx, timer_id)?;
                    store::note_problem(tx, id, &problem)
                };
                self.inner.db.write(&meta(timer), write).await
            }
        }
    }

    async fn timed(
        &self,
        call: impl Future<Output = std::result::Result<Answer, PharmacyFailure>>,
    ) -> std::result::Result<Answer, PharmacyFailure> {
        let limit = self.inner.settings.pharmacy_timeout;
        let late = || PharmacyFailure::Passing { problem: "timeout".to_owned(), retry_after: None };
        tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(late()))
    }

    /// Takes the timer and what it brought about into one transaction.
    async fn done(&self, timer: &DueTimer, report: Report) -> Result<()> {
        let (id, dispatch, settings) = (timer.id, dispatch_of(timer), self.inner.settings.clone());
        let write = move |tx: &mut Tx<'_>| {
            timers::take(tx, id)?;
            let told = follow(tx, &settings, dispatch, &report)?;
            told.map_or(Ok(()), |told| told.publish(tx))
        };
        self.inner.db.write(&meta(timer), write).await
    }

    async fn failed(&self, timer: &DueTimer, dispatch: &DispatchRow, problem: String) -> Result<()> {
        metrics::counter!("consilium_dispatches_failed", "gateway" => dispatch.gateway.clone()).increment(1);
        tracing::error!(gateway = dispatch.gateway, problem, dispatch = %dispatch.id, "a pharmacy did not take a prescription");
        self.done(timer, Report { status: DispatchStatus::Failed, reference: None, problem: Some(problem) }).await
    }

    /// Asks again later, and not before the pharmacy wants to be asked.
    async fn again(
        &self,
        timer: &DueTimer,
        dispatch: &DispatchRow,
        problem: String,
        rest: Option<Duration>,
    ) -> Result<()> {
        tracing::warn!(gateway = dispatch.gateway, problem, dispatch = %dispatch.id, "a pharmacy is asked again later");
        let wait = wait(dispatch, timer).max(rest.unwrap_or_default().min(LONGEST_REST));
        let (id, dispatch) = (timer.id, dispatch.id);
        let write = move |tx: &mut Tx<'_>| {
            store::note_problem(tx, dispatch, &problem)?;
            let retry_at = tx.now() + wait;
            timers::postpone(tx, id, retry_at)
        };
        self.inner.db.write(&meta(timer), write).await
    }

    async fn drop_timer(&self, timer: &DueTimer) -> Result<()> {
        let id = timer.id;
        self.inner.db.write(&meta(timer), move |tx| timers::take(tx, id)).await
    }
}

#[async_trait]
impl TimerHandler for PharmacyDispatcher {
    fn kinds(&self) -> &'static [&'static str] {
        &[DISPATCH, POLL, CANCEL]
    }

    async fn fire(&self, timer: DueTimer) -> Result<()> {
        let Ok(turn) = self.turns.clone().try_acquire_owned() else { return self.claim(&timer, BUSY, false).await };
        let until = self.inner.settings.pharmacy_timeout + MARGIN;
        self.claim(&timer, until, timer.kind == DISPATCH).await?;
        let this = self.clone();
        tokio::spawn(async move {
            let _turn = turn;
            match this.work(&timer).await {
                // Somebody else was faster, or it was withdrawn: what is still due comes again.
                Ok(()) | Err(Error::VersionConflict) => {}
                Err(error) => tracing::warn!(%error, kind = timer.kind, "a dispatch could not be worked on"),
            }
        });
        Ok(())
    }
}

/// 2 s doubling to 15 minutes, and up to a quarter more so that what failed together does not come again together.
fn wait(dispatch: &DispatchRow, timer: &DueTimer) -> Duration {
    let tries = dispatch.attempts.max(timer.attempts).clamp(1, 10);
    let full = (1u64 << tries).min(LONGEST_WAIT);
    let spread = u64::from(dispatch.id.uuid().as_bytes().last().copied().unwrap_or_default());
    Duration::from_millis(full * 1_000 + full * 1_000 * spread / 1_024)
}

fn reported(answer: Answer) -> Report {
    Report { status: pharmacy::status(answer.status), reference: Some(answer.reference), problem: None }
}

fn dispatch_of(timer: &DueTimer) -> DispatchId {
    Id::new(timer.entity.id)
}

fn meta(timer: &DueTimer) -> CommandMeta {
    CommandMeta::system(timer.facility_id, "pharmacy")
}
