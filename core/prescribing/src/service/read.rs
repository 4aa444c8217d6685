//! Reading prescriptions. What is not the patient's own read is in the audit log before it is answered.

use std::sync::Arc;

use consilium_consultations::consultation;
use consilium_db::{Result, Session, Tx, signing};
use consilium_kernel::{
    CommandMeta, ConsultationId, EntityRef, PrescriptionId, Principal, Refusal, Role, Scope, page_limit,
};

use super::Prescribing;
use crate::{
    access::{Access, access},
    code::VerificationCode,
    document::SignedDocument,
    facts,
    model::{Page, Prescription, Verified},
    store,
};

impl Prescribing {
    /// A prescription, for its patient, the doctor who issued it and the facility's pharmacists.
    pub async fn prescription(&self, meta: &CommandMeta, id: PrescriptionId) -> Result<Prescription, Refusal> {
        let (db, scope, principal) = (&self.inner().db, meta.scope, meta.principal.clone());
        if is_patient(&principal) {
            return Ok(db.read(move |read| Ok(visible(read, scope, &principal, id)?.0)).await?);
        }
        let write = move |tx: &mut Tx<'_>| {
            let (found, _) = visible(tx, scope, &principal, id)?;
            tx.audit("read_prescription", &facts::entity(id), found.version)?;
            Ok(found)
        };
        Ok(db.write(meta, write).await?)
    }

    /// The same as a PDF, with the prescription. The same prescription always gives the same bytes.
    pub async fn pdf(&self, meta: &CommandMeta, id: PrescriptionId) -> Result<(Prescription, Arc<[u8]>), Refusal> {
        let prescription = self.prescription(meta, id).await?;
        let inner = self.inner();
        let pdf = inner.printer.pdf(&prescription, &inner.settings.base_url).await?;
        Ok((prescription, pdf))
    }

    /// The prescriptions of a consultation, the newest first, for those who may see each of them.
    pub async fn of_consultation(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        limit: Option<i64>,
        cursor: Option<PrescriptionId>,
    ) -> Result<Page, Refusal> {
        let limit = page_limit(limit)?;
        let (db, scope, principal) = (&self.inner().db, meta.scope, meta.principal.clone());
        if is_patient(&principal) {
            return Ok(db.read(move |read| Ok(page(read, scope, &principal, id, limit, cursor)?.0)).await?);
        }
        let write = move |tx: &mut Tx<'_>| {
            let (found, version) = page(tx, scope, &principal, id, limit, cursor)?;
            tx.audit("read_prescriptions", &EntityRef::new("consultation", id.uuid()), version)?;
            Ok(found)
        };
        Ok(db.write(meta, write).await?)
    }

    /// Whether the prescription that bears this code is genuine, by whom and from when it is, and whether it was
    /// withdrawn: for anybody. A code that was never given is not found.
    pub async fn verify(&self, code: &str) -> Result<Verified, Refusal> {
        let code: VerificationCode = code.parse().map_err(|_| Refusal::not_found())?;
        let inner = self.inner().clone();
        let index = inner.db.vault().index("prescription_code", code.symbols());
        let keys = inner.clone();
        let read = move |read: &mut Session<'_>| {
            let Some(row) = store::by_code(read, &index)? else { return Ok(None) };
            let (text, signed) = store::content(read, &row)?;
            let genuine = signing::verify(keys.db.vault().keys(), &text, &signed);
            // The index leads to the row; only the signed text says whose code it is.
            let document = serde_json::from_str::<SignedDocument>(&text).ok();
            let document = document.filter(|document| genuine && document.verification_code == code);
            Ok(Some((row.withdrawn_at, document)))
        };
        let (withdrawn_at, document) = inner.db.read(read).await?.ok_or_else(Refusal::not_found)?;
        Ok(match document {
            None => Verified { genuine: false, doctor: None, issued_at: None, withdrawn_at: None },
            Some(document) => Verified {
                genuine: true,
                doctor: Some(document.doctor.display_name),
                issued_at: Some(document.issued_at),
                withdrawn_at,
            },
        })
    }
}

fn is_patient(principal: &Principal) -> bool {
    principal.user().is_some_and(|user| user.role == Role::Patient)
}

/// The prescription and as what the caller sees it.
pub(super) fn visible(
    session: &mut Session<'_>,
    scope: Scope,
    principal: &Principal,
    id: PrescriptionId,
) -> Result<(Prescription, Access)> {
    let row = store::row(session, scope, id)?.ok_or_else(Refusal::not_found)?;
    let seen_as = access(principal, row.facility_id, row.doctor_id, row.patient_id).ok_or_else(Refusal::not_found)?;
    let dispatch = store::latest_dispatch(session, id)?;
    Ok((store::whole(session, &row, dispatch)?, seen_as))
}

fn page(
    session: &mut Session<'_>,
    scope: Scope,
    principal: &Principal,
    id: ConsultationId,
    limit: i64,
    cursor: Option<PrescriptionId>,
) -> Result<(Page, i64)> {
    let found = consultation(session, id)?.filter(|found| found.facility_id == scope.facility_id);
    let consultation = found
        .filter(|found| access(principal, found.facility_id, found.doctor_id, found.patient_id).is_some())
        .ok_or_else(Refusal::not_found)?;
    let mut items = store::of_consultation(session, scope, id, cursor, limit + 1)?;
    let more = items.len() as i64 > limit;
    items.truncate(usize::try_from(limit).unwrap_or_default());
    let next_cursor = items.last().filter(|_| more).map(|last| last.document.id);
    Ok((Page { items, next_cursor }, consultation.version))
}
