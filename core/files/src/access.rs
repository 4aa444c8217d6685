//! Who may see a file: role is checked before, relationship here.

use async_trait::async_trait;
use consilium_kernel::{CommandMeta, PatientId, Refusal};

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
    /// The file, if the caller may know of it: its owner, who takes part where it was shared, and
    /// for a patient's record who treats the patient.
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
            if self.relations.takes_part(meta, place).await?.is_some() {
                return Ok(file);
            }
        }
        if file.purpose == Purpose::Record && self.relations.treats(meta, file.patient_id).await? {
            return Ok(file);
        }
        Err(Refusal::not_found())
    }

    /// The file, if it is the caller's own.
    pub(crate) async fn own(&self, meta: &CommandMeta, id: FileId) -> Result<StoredFile, Refusal> {
        let (scope, user) = (meta.scope, meta.principal.user_id());
        let found = self.db.read(move |session| store::find(session, scope, id)).await?;
        found
            .filter(|file| Some(file.owner_id) == user && file.status != Status::Deleted)
            .ok_or_else(Refusal::not_found)
    }

    /// Under whose key a new file is kept, if it is the caller's to make.
    pub(crate) async fn patient_of(&self, meta: &CommandMeta, purpose: Purpose) -> Result<PatientId, Refusal> {
        let patient = match purpose.place() {
            Some(place) => self.relations.takes_part(meta, place).await?,
            None => match meta.principal.user().map(|user| user.patient_id) {
                Some(None) => return Err(Refusal::forbidden()),
                own => own.flatten(),
            },
        };
        patient.ok_or_else(Refusal::not_found)
    }
}
