//! One's own account and profile.

use consilium_db::{Session, Tx, outbox::Fact};
use consilium_identity as identity;
use consilium_kernel::{CommandMeta, EntityRef, PatientId, Refusal, User};
use serde_json::json;

use super::People;
use crate::{
    checks::Checks,
    decide,
    input::MePatch,
    model::{Me, Profile},
    store,
};

impl People {
    /// The account and profile of whoever asks.
    pub async fn me(&self, meta: &CommandMeta) -> Result<Me, Refusal> {
        let user = meta.principal.user().cloned().ok_or_else(Refusal::not_found)?;
        Ok(self.db.read(move |read| load(read, &user)).await?)
    }

    /// Changes names, time zone, language and, for patients, the profile. A patient's name is changed in the
    /// account and in the profile alike.
    pub async fn patch_me(&self, meta: &CommandMeta, patch: MePatch) -> Result<Me, Refusal> {
        let user = meta.principal.user().cloned().ok_or_else(Refusal::not_found)?;
        let mut checks = Checks::default();
        let account_patch = decide::account_patch(&mut checks, &patch);
        if patch.profile.is_some() && user.patient_id.is_none() {
            checks.wrong("/profile", "invalid", "only patients have one; doctors change theirs under /doctors");
        }
        // The profile's fields are checked here with the names, and again in the transaction against what is there.
        if let Some(profile) = &patch.profile {
            let blank = Profile::named(String::new(), String::new());
            decide::patch_patient(&mut checks, blank, profile, self.db.clock().now());
        }
        checks.done()?;
        let write = move |tx: &mut Tx<'_>| {
            if !account_patch.is_empty() {
                identity::patch_account(tx, user.user_id, account_patch.clone())?;
            }
            if let Some(id) = user.patient_id {
                patch_patient(tx, id, &account_patch, &patch)?;
            }
            load(tx, &user)
        };
        Ok(self.db.write(meta, write).await?)
    }
}

fn patch_patient(
    tx: &mut Tx<'_>,
    id: PatientId,
    names: &identity::AccountPatch,
    patch: &MePatch,
) -> consilium_db::Result<()> {
    let before = store::patient::patient(tx, id)?.ok_or_else(Refusal::not_found)?;
    let mut profile = Profile::of(&before);
    if let Some(name) = &names.given_name {
        profile.given_name = name.clone();
    }
    if let Some(name) = &names.family_name {
        profile.family_name = name.clone();
    }
    if let Some(changes) = &patch.profile {
        let mut checks = Checks::default();
        profile = decide::patch_patient(&mut checks, profile, changes, tx.now());
        checks.done()?;
    }
    if profile == Profile::of(&before) {
        return Ok(());
    }
    let after = store::patient::update(tx, &before, profile)?;
    tx.emit(Fact {
        entity: EntityRef::new("patient", id.uuid()),
        version: after.version,
        event_type: "patient_updated",
        schema: 1,
        subject: id.uuid(),
        data: &json!({ "patient_id": id, "user_id": after.user_id }),
    })
}

fn load(read: &mut Session<'_>, user: &User) -> consilium_db::Result<Me> {
    Ok(Me {
        account: identity::account(read, user.user_id)?.ok_or_else(Refusal::not_found)?,
        doctor: user.doctor_id.map(|id| store::doctor::doctor(read, id)).transpose()?.flatten(),
        patient: user.patient_id.map(|id| store::patient::patient(read, id)).transpose()?.flatten(),
    })
}
