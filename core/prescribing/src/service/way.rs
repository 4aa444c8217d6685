//! The way of a prescription through a pharmacy: what a report of the pharmacy changes.

use consilium_db::{Result, Tx, timers::TimerRequest};
use consilium_kernel::{EntityRef, Refusal, Scope};

use super::PrescribingSettings;
use crate::{
    facts::{self, Told},
    model::{DispatchId, DispatchStatus, Status},
    store::{self, DispatchRow},
};

/// Timer: hand a queued dispatch to its pharmacy.
pub(crate) const DISPATCH: &str = "pharmacy_dispatch";
/// Timer: ask the pharmacy where a dispatch stands.
pub(crate) const POLL: &str = "pharmacy_poll";
/// Timer: take a dispatch back.
pub(crate) const CANCEL: &str = "pharmacy_cancel";

/// What is known of a dispatch from outside.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub status: DispatchStatus,
    pub reference: Option<String>,
    pub problem: Option<String>,
}

/// Takes a report into the dispatch as it stands in this transaction, and sets the timers that follow. A report
/// that is no step forwards came late, or again, and changes nothing.
pub(crate) fn follow(
    tx: &mut Tx<'_>,
    settings: &PrescribingSettings,
    id: DispatchId,
    report: &Report,
) -> Result<Option<Told>> {
    let before = store::dispatch(tx, id)?.ok_or_else(Refusal::not_found)?;
    let moves = before.status.may_become(report.status);
    let after = DispatchRow {
        status: if moves { report.status } else { before.status },
        reference: before.reference.clone().or_else(|| report.reference.clone()),
        problem: if moves { report.problem.clone() } else { before.problem.clone() },
        updated_at: if moves { tx.now() } else { before.updated_at },
        version: before.version + 1,
        ..before.clone()
    };
    if moves || after.reference != before.reference {
        store::save_dispatch(tx, &before, &after)?;
    }
    let scope = Scope::of(before.facility_id);
    let prescription = store::row(tx, scope, before.prescription_id)?.ok_or_else(Refusal::not_found)?;
    set_timers(tx, settings, &after, prescription.withdrawn_at.is_some())?;
    if !moves {
        return Ok(None);
    }
    let prescription = store::advance(tx, &prescription, prescription.withdrawn_at)?;
    let status = match prescription.withdrawn_at {
        Some(_) => Status::Withdrawn,
        None => after.status.into(),
    };
    facts::emit(tx, "prescription_status_changed", &prescription, status, Some(id)).map(Some)
}

fn set_timers(tx: &mut Tx<'_>, settings: &PrescribingSettings, dispatch: &DispatchRow, withdrawn: bool) -> Result<()> {
    if dispatch.status.is_final() {
        return tx.withdraw_timers(dispatch.id.uuid(), &[DISPATCH, POLL, CANCEL]);
    }
    if dispatch.status == DispatchStatus::Queued {
        return Ok(());
    }
    let now = tx.now();
    if now < dispatch.requested_at + settings.poll_for {
        tx.set_timer(timer(POLL, dispatch, now + settings.poll_every))?;
    }
    // Withdrawn while it was on its way to the pharmacy.
    if withdrawn {
        tx.set_timer(timer(CANCEL, dispatch, now))?;
    }
    Ok(())
}

pub(super) fn timer(kind: &'static str, dispatch: &DispatchRow, due_at: consilium_kernel::Timestamp) -> TimerRequest {
    let entity = EntityRef::new("pharmacy_dispatch", dispatch.id.uuid());
    TimerRequest { kind, entity, revision: dispatch.version, due_at }
}
