//! What the API asks of credentials.

use consilium_db::{Db, Result, Session, Tx, outbox::Fact};
use consilium_files::{FileId, Place, shared, take_back};
use consilium_kernel::{CommandMeta, DoctorId, EntityRef, Refusal};
use consilium_people::{Doctor, People, VerifyDoctor, locked_doctor};
use serde_json::json;

use crate::{
    decide::{self, MOST},
    model::{Credential, CredentialKind},
    store,
};

/// Doctors' documents, and what is decided by them. Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    db: Db,
    people: People,
    required: bool,
}

impl Credentials {
    /// Over `db`; who is verified without a document only unless one is `required`.
    pub fn new(db: Db, people: People, required: bool) -> Self {
        Self { db, people, required }
    }

    /// Whether a doctor is verified only with at least one document.
    pub fn required(&self) -> bool {
        self.required
    }

    /// A doctor's documents in the order in which they were submitted, for the doctor and administrators, whose look is
    /// audited. Those that were erased are left out.
    ///
    /// # Errors
    /// `not_found` for all others.
    pub async fn list(&self, meta: &CommandMeta, doctor: DoctorId) -> Result<Vec<Credential>, Refusal> {
        decide::sees(meta, doctor)?;
        let scope = meta.scope;
        let read = move |session: &mut Session<'_>| {
            let known = consilium_people::doctor(session, doctor)?;
            if known.is_none_or(|known| known.facility_id != scope.facility_id) {
                return Err(Refusal::not_found().into());
            }
            documents(session, doctor)
        };
        if decide::owns(meta, doctor).is_ok() {
            return Ok(self.db.read(read).await?);
        }
        let audited = move |tx: &mut Tx<'_>| {
            let found = read(tx)?;
            tx.audit("read_credentials", &EntityRef::new("doctor", doctor.uuid()), 0)?;
            Ok(found)
        };
        Ok(self.db.write(meta, audited).await?)
    }

    /// Shows an uploaded document to the administrators, by the doctor. Again changes nothing.
    ///
    /// # Errors
    /// `not_found` for other doctors, and files that are not theirs or for something else; `file_not_ready`,
    /// `file_infected`; `already_verified`, `too_many_credentials`.
    pub async fn submit(
        &self,
        meta: &CommandMeta,
        doctor: DoctorId,
        kind: CredentialKind,
        file: FileId,
    ) -> Result<Credential, Refusal> {
        decide::owns(meta, doctor)?;
        let (db, keyed) = (self.db.clone(), meta.clone());
        let command = async move { Ok(db.command(&keyed, move |tx| submit(tx, doctor, kind, file)).await?) };
        self.db.once(meta, command).await
    }

    /// Takes a document back, by the doctor; its file is deleted.
    ///
    /// # Errors
    /// `not_found`, `already_verified`.
    pub async fn withdraw(&self, meta: &CommandMeta, doctor: DoctorId, file: FileId) -> Result<(), Refusal> {
        decide::owns(meta, doctor)?;
        let write = move |tx: &mut Tx<'_>| {
            let known = locked_doctor(tx, doctor)?.ok_or_else(Refusal::not_found)?;
            let kinds = store::of_doctor(tx, doctor)?;
            let (kind, _) = *kinds.get(&file).ok_or_else(Refusal::not_found)?;
            decide::may_change(known.verification)?;
            take_back(tx, Place::Verification(doctor), file)?;
            store::forget(tx, doctor, file)?;
            tell(tx, &known, file, kind, ("credential_withdrawn", 2)).map(|_| ())
        };
        Ok(self.db.write(meta, write).await?)
    }

    /// Has a doctor who was rejected looked at again, by the doctor.
    ///
    /// # Errors
    /// `not_found`, `verification_not_rejected`, `credentials_missing`.
    pub async fn request_verification(&self, meta: &CommandMeta, doctor: DoctorId) -> Result<Doctor, Refusal> {
        decide::owns(meta, doctor)?;
        let (db, keyed, required) = (self.db.clone(), meta.clone(), self.required);
        let command = async move {
            let write = move |tx: &mut Tx<'_>| {
                let asked = consilium_people::request_verification(tx, doctor)?;
                decide::suffices(documents(tx, doctor)?.len(), required)?;
                Ok(asked)
            };
            Ok(db.command(&keyed, write).await?)
        };
        self.db.once(meta, command).await
    }

    /// `People::verify_doctor`, which approves nobody without a document where one is required.
    ///
    /// # Errors
    /// As there, and `credentials_missing`.
    pub async fn verify(&self, meta: &CommandMeta, doctor: DoctorId, command: VerifyDoctor) -> Result<Doctor, Refusal> {
        let required = self.required;
        let evidence =
            move |tx: &mut Tx<'_>, doctor: &Doctor| Ok(decide::suffices(documents(tx, doctor.id)?.len(), required)?);
        self.people.verify_doctor_by(meta, doctor, command, evidence).await
    }
}

fn documents(session: &mut Session<'_>, doctor: DoctorId) -> Result<Vec<Credential>> {
    let kinds = store::of_doctor(session, doctor)?;
    let files = shared(session, Place::Verification(doctor), 0, MOST as i64)?;
    let said = |id: FileId| kinds.get(&id).copied();
    let named = files.into_iter().map(|shown| shown.file).filter_map(|file| Some((said(file.id)?, file)));
    Ok(named.map(|((kind, submitted_at), file)| Credential { kind, submitted_at, file }).collect())
}

fn submit(tx: &mut Tx<'_>, doctor: DoctorId, kind: CredentialKind, file: FileId) -> Result<Credential> {
    let known = locked_doctor(tx, doctor)?.ok_or_else(Refusal::not_found)?;
    decide::may_change(known.verification)?;
    let before = store::of_doctor(tx, doctor)?;
    if !before.contains_key(&file) {
        decide::may_submit(before.len())?;
    }
    let publish = |tx: &mut Tx<'_>, _: &_| tell(tx, &known, file, kind, ("credential_submitted", 1));
    let shown = consilium_files::share(tx, Place::Verification(doctor), None, file, None, publish)?;
    if let Some((kind, submitted_at)) = before.get(&file).copied() {
        return Ok(Credential { kind, submitted_at, file: shown.file });
    }
    store::insert(tx, doctor, file, kind)?;
    Ok(Credential { kind, submitted_at: tx.now(), file: shown.file })
}

/// Writes an event, sealed under the key of the doctor's account, and tells the doctor: its number there.
fn tell(
    tx: &mut Tx<'_>,
    doctor: &Doctor,
    file: FileId,
    kind: CredentialKind,
    (event_type, version): (&'static str, i64),
) -> Result<i64> {
    let subject = doctor.user_id.uuid();
    let data = json!({ "doctor_id": doctor.id, "user_id": doctor.user_id, "file_id": file, "kind": kind });
    let entity = EntityRef::new("credential", file.uuid());
    tx.emit(Fact { entity, version, event_type, schema: 1, subject, data: &data })?;
    tx.publish(&format!("user:{}", doctor.user_id), event_type, subject, &data)
}
