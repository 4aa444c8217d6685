//! Who may see a file: role is checked before, relationship here.

use async_trait::async_trait;
use consilium_kernel::{CommandMeta, PatientId, Refusal, Role};

use crate::{
    model::{FileId, Place, Purpose, Status, StoredFile},
    service::Files,
    store,
};

/// What files must know of the modules above them.
#[async_trait]
pub trait Relations: Send + Sync + 'static {
    /// The patient of a consultation or thread in which the caller takes part; `None` when the caller does not, or
    /// when it is about no patient.
    async fn takes_part(&self, meta: &CommandMeta, place: Place) -> Result<Option<PatientId>, Refusal>;

    /// Whether the caller treats the patient.
    async fn treats(&self, meta: &CommandMeta, patient: PatientId) -> Result<bool, Refusal>;
}

impl Files {
    /// The file, if the caller may know of it: its owner, who takes part where it was shared, for a patient's record
    /// who treats the patient, and for a credential who verifies doctors.
    pub(crate) async fn visible(&self, meta: &CommandMeta, id: FileId) -> Result<StoredFile, Refusal> {
        let scope = meta.scope;
        let (file, places) = self
            .db
            .read(move |session| {
                let file = store::find(session, scope, id)?.ok_or_else(Refusal::not_found)?;
                Ok((file, store::places(session, id)?))
            })
            .await?;
        if file.status == Status::Deleted {
            return Err(Refusal::not_found());
        }
        if meta.principal.user_id() == Some(file.owner_id) {
            return Ok(file);
        }
        for place in places {
            let shown = match place {
                Place::Verification(_) => verifies(meta),
                Place::Consultation(_) | Place::Thread(_) => self.relations.takes_part(meta, place).await?.is_some(),
            };
            if shown {
                return Ok(file);
            }
        }
        match file.patient_id.filter(|_| file.purpose == Purpose::Record) {
            Some(patient) if self.relations.treats(meta, patient).await? => Ok(file),
            _ => Err(Refusal::not_found()),
        }
    }

    /// The file, if it is the caller's own.
    pub(crate) async fn own(&self, meta: &CommandMeta, id: FileId) -> Result<StoredFile, Refusal> {
        let (scope, user) = (meta.scope, meta.principal.user_id());
        let found = self.db.read(move |session| store::find(session, scope, id)).await?;
        found
            .filter(|file| Some(file.owner_id) == user && file.status != Status::Deleted)
            .ok_or_else(Refusal::not_found)
    }

    /// The patient whom a new file is about, if it is the caller's to make; none for a doctor's credential.
    pub(crate) async fn patient_of(&self, meta: &CommandMeta, purpose: Purpose) -> Result<Option<PatientId>, Refusal> {
        let user = meta.principal.user().ok_or_else(Refusal::not_found)?;
        let place = match purpose {
            Purpose::Consultation { consultation_id } => Place::Consultation(consultation_id),
            Purpose::Thread { thread_id } => Place::Thread(thread_id),
            Purpose::Record => return user.patient_id.map(Some).ok_or_else(Refusal::forbidden),
            Purpose::Credential => return user.doctor_id.map(|_| None).ok_or_else(Refusal::forbidden),
        };
        self.relations.takes_part(meta, place).await?.map(Some).ok_or_else(Refusal::not_found)
    }
}

/// Whether the caller verifies the doctors of the facility whose file it is.
fn verifies(meta: &CommandMeta) -> bool {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    user.is_some_and(|user| user.role == Role::Admin)
}
