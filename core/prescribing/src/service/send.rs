//! Sending a prescription to a pharmacy, taking it back, and hearing from the pharmacy.

use consilium_db::{Result, Session, Tx, facilities::facility};
use consilium_kernel::{CommandMeta, FacilityId, PrescriptionId, Refusal};
use consilium_plugin_contract::pharmacy::Dispatch as Update;

use super::{
    Prescribing,
    read::visible,
    way::{CANCEL, DISPATCH, POLL, Report, follow, timer},
};
use crate::{
    access::Access,
    decide, facts,
    model::{DispatchStatus, Prescription, Status},
    pharmacy,
    refusal::PrescribingRefusal::{NoPharmacy, ReportTooEarly},
    store::{self, DispatchRow},
};

/// Characters of a pharmacy's id at most.
const LONGEST_PHARMACY_ID: usize = 100;

impl Prescribing {
    /// Queues the prescription for a pharmacy, for its patient and its doctor. It is handed over in the
    /// background, once, whatever happens on the way.
    pub async fn send(
        &self,
        meta: &CommandMeta,
        id: PrescriptionId,
        pharmacy_id: Option<String>,
    ) -> Result<Prescription, Refusal> {
        if pharmacy_id.as_ref().is_some_and(|id| !is_pharmacy_id(id)) {
            return Err(Refusal::field("/pharmacy_id", "invalid", "has 1 to 100 characters and no control characters"));
        }
        let gateway = self.inner().pharmacy.gateway().ok_or(NoPharmacy.refusal());
        let (inner, command) = (self.inner().clone(), meta.clone());
        let work = async move {
            let write = move |tx: &mut Tx<'_>| send(tx, id, gateway.as_ref(), pharmacy_id.as_deref());
            Ok(inner.db.command(&command, write).await?)
        };
        self.inner().db.once(meta, work).await
    }

    /// Withdraws a prescription that was not dispensed, for the doctor who issued it. A pharmacy that has it, or
    /// may have it, is told.
    pub async fn withdraw(&self, meta: &CommandMeta, id: PrescriptionId) -> Result<Prescription, Refusal> {
        let (inner, command) = (self.inner().clone(), meta.clone());
        let work = async move { Ok(inner.db.command(&command, move |tx: &mut Tx<'_>| withdraw(tx, id)).await?) };
        self.inner().db.once(meta, work).await
    }

    /// Takes in, as part of a transaction, what the plugin `gateway` heard of a prescription. False when it was never
    /// sent one of this reference. Refuses with the passing error `report_too_early` when the pharmacy was faster than
    /// the answer that names the reference.
    pub fn pharmacy_reported(&self, tx: &mut Tx<'_>, gateway: &str, update: &Update) -> Result<bool> {
        let Some(dispatch) = store::dispatch_by_reference(tx, gateway, &update.reference)? else {
            if store::has_queued(tx, gateway)? {
                return Err(Refusal { retry_after: Some(5), ..ReportTooEarly.refusal() }.into());
            }
            tracing::warn!(gateway, "a pharmacy reported on a prescription it was never sent");
            return Ok(false);
        };
        let report = Report { status: pharmacy::status(update.status), reference: None, problem: None };
        if let Some(told) = follow(tx, &self.inner().settings, dispatch.id, &report)? {
            told.publish(tx)?;
        }
        Ok(true)
    }
}

/// Whose prescription it is that the plugin `gateway` calls `reference`.
pub fn pharmacy_facility(session: &mut Session<'_>, gateway: &str, reference: &str) -> Result<Option<FacilityId>> {
    Ok(store::dispatch_by_reference(session, gateway, reference)?.map(|dispatch| dispatch.facility_id))
}

fn send(
    tx: &mut Tx<'_>,
    id: PrescriptionId,
    gateway: std::result::Result<&String, &Refusal>,
    pharmacy_id: Option<&str>,
) -> Result<Prescription> {
    let meta = tx.meta();
    let (prescription, seen_as) = visible(tx, meta.scope, &meta.principal, id)?;
    if seen_as == Access::Pharmacist {
        return Err(Refusal::forbidden().into());
    }
    let zone = facility(tx, meta.scope.facility_id)?.ok_or_else(Refusal::internal)?.time_zone;
    decide::may_send(&prescription, tx.now().to_zoned(zone.rules().clone()).date())?;
    let gateway = gateway.map_err(Clone::clone)?;
    let now = tx.now();
    let dispatch = DispatchRow {
        id: tx.new_id(),
        facility_id: meta.scope.facility_id,
        prescription_id: id,
        gateway: gateway.clone(),
        pharmacy_id: pharmacy_id.map(str::to_owned),
        status: DispatchStatus::Queued,
        reference: None,
        attempts: 0,
        problem: None,
        requested_at: now,
        updated_at: now,
        version: 1,
    };
    store::insert_dispatch(tx, &dispatch)?;
    tx.set_timer(timer(DISPATCH, &dispatch, now))?;
    let before = store::row(tx, meta.scope, id)?.ok_or_else(Refusal::not_found)?;
    let after = store::advance(tx, &before, None)?;
    let told = facts::emit(tx, "prescription_sent", &after, Status::Queued, Some(dispatch.id))?;
    told.publish(tx)?;
    Ok(Prescription { dispatch: Some(dispatch.seen()), version: after.version, ..prescription })
}

fn withdraw(tx: &mut Tx<'_>, id: PrescriptionId) -> Result<Prescription> {
    let meta = tx.meta();
    let (prescription, seen_as) = visible(tx, meta.scope, &meta.principal, id)?;
    if seen_as != Access::Doctor {
        return Err(Refusal::forbidden().into());
    }
    decide::may_withdraw(&prescription)?;
    let now = tx.now();
    let before = store::row(tx, meta.scope, id)?.ok_or_else(Refusal::not_found)?;
    let after = store::advance(tx, &before, Some(now))?;
    let dispatch = store::latest_dispatch(tx, id)?.filter(|dispatch| !dispatch.status.is_final());
    match &dispatch {
        // Nobody outside has ever seen it.
        Some(queued) if queued.status == DispatchStatus::Queued && queued.attempts == 0 => {
            let status = DispatchStatus::Cancelled;
            store::save_dispatch(tx, queued, &DispatchRow { status, version: queued.version + 1, ..queued.clone() })?;
            tx.withdraw_timers(queued.id.uuid(), &[DISPATCH, POLL, CANCEL])?;
        }
        // Whether it arrived is not known: it is handed over under its key until that is known, then cancelled.
        Some(queued) if queued.status == DispatchStatus::Queued => {}
        Some(sent) => tx.set_timer(timer(CANCEL, sent, now))?,
        None => {}
    }
    let told =
        facts::emit(tx, "prescription_withdrawn", &after, Status::Withdrawn, dispatch.map(|dispatch| dispatch.id))?;
    told.publish(tx)?;
    let dispatch = store::latest_dispatch(tx, id)?.map(DispatchRow::seen);
    Ok(Prescription { withdrawn_at: Some(now), dispatch, version: after.version, ..prescription })
}

fn is_pharmacy_id(id: &str) -> bool {
    (1..=LONGEST_PHARMACY_ID).contains(&id.chars().count()) && !id.chars().any(char::is_control)
}
