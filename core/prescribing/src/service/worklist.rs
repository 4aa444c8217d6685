//! What pharmacists are to dispense.

use consilium_db::{Session, Tx};
use consilium_kernel::{CommandMeta, PrescriptionId, Refusal, Role, not_a_cursor, page_limit};

use super::Prescribing;
use crate::{
    facts,
    model::{Dispatch, DispatchId, DispatchStatus, Prescription, Worklist},
    store::{self, DispatchRow},
};

impl Prescribing {
    /// What was sent to be dispensed in the caller's facility and is as far as `status`, or still open, the longest
    /// waiting first. That each of them was read is in the audit log before it is answered.
    ///
    /// # Errors
    /// `forbidden` for all but pharmacists; `out_of_range`, `not_a_cursor`.
    pub async fn to_dispense(
        &self,
        meta: &CommandMeta,
        status: Option<DispatchStatus>,
        limit: Option<i64>,
        cursor: Option<&str>,
    ) -> Result<Worklist, Refusal> {
        let scope = meta.scope;
        let user = meta.principal.user().filter(|user| user.facility_id == scope.facility_id);
        if user.is_none_or(|user| user.role != Role::Pharmacist) {
            return Err(Refusal::forbidden());
        }
        let limit = page_limit(limit)?;
        let after: Option<DispatchId> = cursor.map(str::parse).transpose().map_err(|_| not_a_cursor())?;
        let wanted: Vec<DispatchStatus> = status.map_or(DispatchStatus::OPEN.to_vec(), |status| vec![status]);
        let read = move |tx: &mut Tx<'_>| {
            let mut rows = oldest(tx, scope, &wanted, after, limit + 1)?;
            let size = usize::try_from(limit).unwrap_or_default();
            let more = rows.len() > size;
            rows.truncate(size);
            let next_cursor = rows.last().filter(|_| more).map(|last| last.id.to_string());
            let ids: Vec<PrescriptionId> = rows.iter().map(|row| row.prescription_id).collect();
            let mut found = store::some(tx, scope, &ids)?;
            found.retain(|one| one.dispatch.as_ref().is_some_and(|latest| is_at(latest, one, &rows)));
            found.sort_by_key(|one| ids.iter().position(|id| *id == one.document.id));
            for prescription in &found {
                tx.audit("read_prescription", &facts::entity(prescription.document.id), prescription.version)?;
            }
            Ok(Worklist { items: found, next_cursor })
        };
        Ok(self.inner().db.write(meta, read).await?)
    }
}

/// Whether it stands where the list has it: not sent again meanwhile, and not withdrawn while its pharmacy is told.
fn is_at(latest: &Dispatch, prescription: &Prescription, rows: &[DispatchRow]) -> bool {
    let withdrawn = prescription.withdrawn_at.is_some() && !latest.status.is_final();
    !withdrawn && rows.iter().any(|row| row.id.uuid() == latest.id)
}

/// The longest waiting of those with one of these statuses: of each the first, as the index has them.
fn oldest(
    session: &mut Session<'_>,
    scope: consilium_kernel::Scope,
    wanted: &[DispatchStatus],
    after: Option<DispatchId>,
    limit: i64,
) -> consilium_db::Result<Vec<DispatchRow>> {
    let mut rows = Vec::new();
    for status in wanted {
        rows.extend(store::with_status(session, scope, *status, after, limit)?);
    }
    rows.sort_by_key(|row| row.id);
    rows.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(rows)
}
