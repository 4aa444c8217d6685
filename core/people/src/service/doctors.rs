//! The directory, a doctor's profile, and the decision whether a doctor is listed.

use consilium_db::{Session, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, DoctorId, EntityRef, Refusal};
use serde_json::json;

use super::People;
use crate::{
    checks::Checks,
    cursor, decide,
    input::{DoctorFilter, DoctorPatch, PageRequest, VerifyDoctor},
    model::{Decision, Doctor, Page, Verification},
    refusal::PeopleRefusal,
    store::{self, directory::Wanted, doctor::folded},
};

/// Words of a search that count; what is beyond is left out.
const WORDS: usize = 6;

impl People {
    /// Verified doctors in the order of their names. Public.
    pub async fn list_doctors(
        &self,
        meta: &CommandMeta,
        filter: DoctorFilter,
        page: PageRequest,
    ) -> Result<Page<Doctor>, Refusal> {
        let wanted = wanted(filter)?;
        let (limit, after) = cursor::read(&page)?;
        let scope = meta.scope;
        let page = self
            .db
            .read(move |read| {
                store::directory::list(read, scope, Verification::Approved, &wanted, after.as_ref(), limit)
            })
            .await?;
        Ok(Page { items: page.items.into_iter().map(Doctor::public).collect(), ..page })
    }

    /// The doctors of the facility whose review has come so far, for administrators: all of their profiles.
    ///
    /// # Errors
    /// `forbidden` for all others; `not_a_cursor`, `out_of_range`.
    pub async fn doctors_by_verification(
        &self,
        meta: &CommandMeta,
        verification: Verification,
        filter: DoctorFilter,
        page: PageRequest,
    ) -> Result<Page<Doctor>, Refusal> {
        if !decide::is_admin(&meta.principal) {
            return Err(Refusal::forbidden());
        }
        let wanted = wanted(filter)?;
        let (limit, after) = cursor::read(&page)?;
        let scope = meta.scope;
        let read = move |read: &mut Session<'_>| {
            store::directory::list(read, scope, verification, &wanted, after.as_ref(), limit)
        };
        Ok(self.db.read(read).await?)
    }

    /// A verified doctor for everybody; one who is not verified for the doctor and administrators.
    pub async fn doctor(&self, meta: &CommandMeta, id: DoctorId) -> Result<Doctor, Refusal> {
        let scope = meta.scope;
        let found = self.db.read(move |read| store::doctor::in_scope(read, scope, id)).await?;
        match found {
            Some(doctor) if decide::manages(&meta.principal, id) => Ok(doctor),
            Some(doctor) if decide::is_public(&doctor) => Ok(doctor.public()),
            _ => Err(Refusal::not_found()),
        }
    }

    /// Changes a profile, by the doctor or an administrator. `expected_version` is what `If-Match` names:
    /// `stale` when it is no longer the present one.
    pub async fn patch_doctor(
        &self,
        meta: &CommandMeta,
        id: DoctorId,
        expected_version: i64,
        patch: DoctorPatch,
    ) -> Result<Doctor, Refusal> {
        let write = move |tx: &mut Tx<'_>| {
            let meta = tx.meta();
            let before = store::doctor::in_scope(tx, meta.scope, id)?.ok_or_else(Refusal::not_found)?;
            if !decide::manages(&meta.principal, id) {
                let known = decide::is_public(&before);
                return Err(if known { Refusal::forbidden() } else { Refusal::not_found() }.into());
            }
            let after = decide::patch_doctor(&before, &patch, expected_version, decide::is_admin(&meta.principal))?;
            if after == before {
                return Ok(before);
            }
            let after = store::doctor::update(tx, &before, after)?;
            emit(tx, &after, "doctor_updated", &json!({ "doctor_id": id, "user_id": after.user_id }))?;
            Ok(after)
        };
        Ok(self.db.write(meta, write).await?)
    }

    /// Lists a doctor or takes the doctor off the list, by an administrator. Deciding the same again changes
    /// nothing.
    pub async fn verify_doctor(
        &self,
        meta: &CommandMeta,
        id: DoctorId,
        command: VerifyDoctor,
    ) -> Result<Doctor, Refusal> {
        self.verify_doctor_by(meta, id, command, |_, _| Ok(())).await
    }

    /// `verify_doctor`, if `evidence` does not refuse an approval: it sees the doctor, whose row is held until commit.
    pub async fn verify_doctor_by(
        &self,
        meta: &CommandMeta,
        id: DoctorId,
        command: VerifyDoctor,
        evidence: impl Fn(&mut Tx<'_>, &Doctor) -> consilium_db::Result<()> + Send + 'static,
    ) -> Result<Doctor, Refusal> {
        if !decide::is_admin(&meta.principal) {
            return Err(Refusal::forbidden());
        }
        let mut checks = Checks::default();
        let given = command.reason.filter(|reason| !reason.trim().is_empty());
        if given.is_none() && command.decision == Decision::Rejected {
            checks.wrong("/reason", "required", "a rejection needs a reason");
        }
        let reason = given.and_then(|reason| checks.lines("/reason", &reason, 500));
        checks.done()?;
        let (people, decision, keyed) = (self.clone(), command.decision, meta.clone());
        let command = async move {
            let write = move |tx: &mut Tx<'_>| verify(tx, id, decision, reason.clone(), &evidence);
            Ok(people.db.command(&keyed, write).await?)
        };
        self.db.once(meta, command).await
    }
}

fn verify(
    tx: &mut Tx<'_>,
    id: DoctorId,
    decision: Decision,
    reason: Option<String>,
    evidence: &impl Fn(&mut Tx<'_>, &Doctor) -> consilium_db::Result<()>,
) -> consilium_db::Result<Doctor> {
    let before = store::doctor::locked(tx, id)?.ok_or_else(Refusal::not_found)?;
    let verification = Verification::from(decision);
    if before.verification == verification && before.verification_reason == reason {
        return Ok(before);
    }
    if decision == Decision::Approved && before.verification != Verification::Approved {
        evidence(tx, &before)?;
    }
    let after = Doctor {
        verification,
        verified: verification == Verification::Approved && !before.suspended,
        verification_reason: reason,
        ..before.clone()
    };
    let after = store::doctor::update(tx, &before, after)?;
    let data = json!({
        "doctor_id": id,
        "user_id": after.user_id,
        "decision": decision,
        "reason": after.verification_reason,
    });
    emit(tx, &after, "doctor_verified", &data)?;
    Ok(after)
}

/// Has a doctor who was rejected looked at again. Who the caller is was checked.
///
/// # Errors
/// `not_found`, `verification_not_rejected`.
pub fn request_verification(tx: &mut Tx<'_>, id: DoctorId) -> consilium_db::Result<Doctor> {
    let before = store::doctor::locked(tx, id)?.ok_or_else(Refusal::not_found)?;
    if before.verification != Verification::Rejected {
        return Err(PeopleRefusal::NotRejected.refusal().into());
    }
    let after = Doctor { verification: Verification::Pending, verification_reason: None, ..before.clone() };
    let after = store::doctor::update(tx, &before, after)?;
    emit(tx, &after, "doctor_verification_requested", &json!({ "doctor_id": id, "user_id": after.user_id }))?;
    Ok(after)
}

/// What is public about a doctor is sealed under the facility's key.
fn emit(tx: &mut Tx<'_>, doctor: &Doctor, event_type: &str, data: &serde_json::Value) -> consilium_db::Result<()> {
    tx.emit(Fact {
        entity: EntityRef::new("doctor", doctor.id.uuid()),
        version: doctor.version,
        event_type,
        schema: 1,
        subject: doctor.facility_id.uuid(),
        data,
    })
}

fn wanted(filter: DoctorFilter) -> Result<Wanted, Refusal> {
    let mut checks = Checks::default();
    let specialty = filter.specialty.and_then(|text| checks.line("/specialty", &text, 80));
    let language = filter.language.and_then(|tag| checks.language("/language", &tag));
    let q = filter.q.filter(|q| !q.trim().is_empty()).and_then(|q| checks.line("/q", &q, 100));
    checks.done()?;
    Ok(Wanted {
        specialty: specialty.as_deref().map(folded),
        language: language.map(|tag| tag.as_str().to_lowercase()),
        words: q.map(|q| folded(&q).split(' ').take(WORDS).map(str::to_owned).collect()).unwrap_or_default(),
        ids: filter.ids,
    })
}
