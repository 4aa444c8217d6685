//! Reading a patient's record as somebody else. Every such read is in the audit log before it is answered.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, EntityRef, PatientId, Refusal, Role};

use super::People;
use crate::{
    checks::Checks,
    decide::{self, Access},
    model::{Patient, PatientRecord},
    store,
};

impl People {
    /// A patient's record for the patient, for those who treat the patient (`treats`, which the caller knows from
    /// its appointments), and without the medical fields for administrators. `not_found` for everybody else.
    pub async fn patient(&self, meta: &CommandMeta, id: PatientId, treats: bool) -> Result<PatientRecord, Refusal> {
        let access = decide::access(&meta.principal, id, treats).ok_or_else(Refusal::not_found)?;
        let scope = meta.scope;
        if access == Access::Own {
            let found = self.db.read(move |read| store::patient::in_scope(read, scope, id)).await?;
            return found.map(|patient| PatientRecord { patient, medical: true }).ok_or_else(Refusal::not_found);
        }
        let write = move |tx: &mut Tx<'_>| {
            let patient = store::patient::in_scope(tx, scope, id)?.ok_or_else(Refusal::not_found)?;
            tx.audit("read_patient", &EntityRef::new("patient", id.uuid()), patient.version)?;
            Ok(seen(patient, access))
        };
        Ok(self.db.write(meta, write).await?)
    }

    /// Patients whose names begin with the words of `q`, for nurses, support and administrators: who they are,
    /// nothing medical. At most 50, the newest first.
    pub async fn search_patients(&self, meta: &CommandMeta, q: &str) -> Result<Vec<PatientRecord>, Refusal> {
        let user = meta.principal.user().ok_or_else(Refusal::forbidden)?;
        if !matches!(user.role, Role::Nurse | Role::Support | Role::Admin) {
            return Err(Refusal::forbidden());
        }
        let mut checks = Checks::default();
        let q = checks.line("/q", q, 100);
        // Names are indexed by their first 2 to 8 letters.
        let words: Vec<String> = q
            .unwrap_or_default()
            .to_lowercase()
            .split_whitespace()
            .map(|word| word.chars().take(8).collect())
            .collect();
        if words.iter().any(|word: &String| word.chars().count() < 2) {
            checks.wrong("/q", "too_short", "every word must have at least 2 letters");
        }
        checks.done()?;
        let vault = self.db.vault();
        let prefixes: Vec<Vec<u8>> = words.iter().take(6).map(|word| vault.index("name_prefix", word)).collect();
        let scope = meta.scope;
        let write = move |tx: &mut Tx<'_>| {
            let found = store::patient::search(tx, scope, &prefixes, 50)?;
            for patient in &found {
                tx.audit("read_patient", &EntityRef::new("patient", patient.id.uuid()), patient.version)?;
            }
            Ok(found.into_iter().map(|patient| seen(patient, Access::Administration)).collect())
        };
        Ok(self.db.write(meta, write).await?)
    }
}

fn seen(patient: Patient, access: Access) -> PatientRecord {
    if access == Access::Administration {
        let patient = Patient { blood_type: None, allergies: Vec::new(), conditions: Vec::new(), ..patient };
        return PatientRecord { patient, medical: false };
    }
    PatientRecord { patient, medical: true }
}
