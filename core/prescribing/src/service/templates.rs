//! What a doctor does with templates. They are the doctor's alone: to everybody else there are none.

use consilium_db::{Result, Session, Tx};
use consilium_kernel::{CommandMeta, DoctorId, EntityRef, Refusal, Scope, User};
use serde::{Serialize, de::DeserializeOwned};

use super::Prescribing;
use crate::{
    decide,
    refusal::PrescribingRefusal::{Stale, TooManyTemplates},
    store,
    template::{Template, TemplateDraft, TemplateId, TemplatePatch},
};

/// Templates that a doctor may have.
const MOST: usize = 100;

/// A doctor who asks.
#[derive(Clone)]
struct Owner {
    user: User,
    doctor: DoctorId,
    scope: Scope,
}

fn owner(meta: &CommandMeta) -> Result<Owner, Refusal> {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    let user = user.ok_or_else(Refusal::forbidden)?.clone();
    let doctor = user.doctor_id.ok_or_else(Refusal::forbidden)?;
    Ok(Owner { user, doctor, scope: meta.scope })
}

impl Owner {
    fn template(&self, session: &mut Session<'_>, id: TemplateId) -> Result<Template> {
        Ok(store::find_template(session, self.scope, self.doctor, id)?.ok_or_else(Refusal::not_found)?)
    }
}

impl Prescribing {
    /// The caller's templates by name.
    pub async fn templates(&self, meta: &CommandMeta) -> Result<Vec<Template>, Refusal> {
        let owner = owner(meta)?;
        let read = move |session: &mut Session<'_>| store::templates(session, owner.scope, owner.doctor);
        let mut found = self.inner().db.read(read).await?;
        found.sort_by_cached_key(|template| template.content.name.to_lowercase());
        Ok(found)
    }

    /// One of the caller's.
    pub async fn template(&self, meta: &CommandMeta, id: TemplateId) -> Result<Template, Refusal> {
        let owner = owner(meta)?;
        Ok(self.inner().db.read(move |session| owner.template(session, id)).await?)
    }

    /// Keeps a new one.
    pub async fn create_template(&self, meta: &CommandMeta, draft: TemplateDraft) -> Result<Template, Refusal> {
        let (owner, content) = (owner(meta)?, decide::check_template(&draft)?);
        self.written(meta, move |tx| {
            if store::templates(tx, owner.scope, owner.doctor)?.len() >= MOST {
                return Err(TooManyTemplates.refusal().into());
            }
            let template = store::insert_template(tx, owner.doctor, &owner.user, &content)?;
            tx.audit("prescription_template_created", &entity(template.id), template.version)?;
            Ok(template)
        })
        .await
    }

    /// Changes the `version`th state of one.
    pub async fn patch_template(
        &self,
        meta: &CommandMeta,
        id: TemplateId,
        version: i64,
        patch: TemplatePatch,
    ) -> Result<Template, Refusal> {
        let owner = owner(meta)?;
        self.written(meta, move |tx| {
            let before = owner.template(tx, id)?;
            let content = decide::check_template(&patch.of(&before.content))?;
            if before.version != version {
                return Err(Stale.refusal().into());
            }
            let saved = store::save_template(tx, &owner.user, &before, content)?;
            let after = saved.ok_or_else(|| Stale.refusal())?;
            tx.audit("prescription_template_changed", &entity(id), after.version)?;
            Ok(after)
        })
        .await
    }

    /// Deletes one. Prescriptions that were made with it stay what they are.
    pub async fn delete_template(&self, meta: &CommandMeta, id: TemplateId) -> Result<(), Refusal> {
        let owner = owner(meta)?;
        self.written(meta, move |tx| {
            let template = owner.template(tx, id)?;
            store::delete_template(tx, id)?;
            tx.audit("prescription_template_deleted", &entity(id), template.version + 1)
        })
        .await
    }

    async fn written<R>(
        &self,
        meta: &CommandMeta,
        write: impl Fn(&mut Tx<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R, Refusal>
    where
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        let (db, again) = (self.inner().db.clone(), meta.clone());
        self.inner().db.once(meta, async move { Ok(db.command(&again, write).await?) }).await
    }
}

fn entity(id: TemplateId) -> EntityRef {
    EntityRef::new("prescription_template", id.uuid())
}
