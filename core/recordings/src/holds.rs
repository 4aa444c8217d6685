//! What administrators do with recordings: hold them back from deletion, let them go, delete them. They never play them.

use consilium_db::{Result, Tx, timers::TimerRequest};
use consilium_kernel::{CommandMeta, Refusal, Role, UserId};

use crate::{
    facts,
    model::{Recording, RecordingId, Status},
    refusal::RecordingRefusal,
    service::Recordings,
    store::{self, Work},
    timers::EXPIRY,
};

/// Characters of a reason at most.
const LONGEST: usize = 1_000;

/// That a recording was held back from deletion, or let go.
#[derive(Clone)]
pub struct Hold {
    /// Who did it.
    pub set_by: UserId,
    /// Whether it is held from then on.
    pub held: bool,
    /// Why: sealed, because it may say something about the patient.
    pub reason: String,
}

/// An administrator of the facility.
pub(crate) fn administrator(meta: &CommandMeta) -> Option<UserId> {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    user.filter(|user| user.role == Role::Admin).map(|user| user.user_id)
}

fn reason(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Refusal::field("/reason", "required", "says why")),
        count if count > LONGEST => Err(Refusal::field("/reason", "too_long", "has more than 1000 characters")),
        _ => Ok(text.to_owned()),
    }
}

impl Recordings {
    /// Holds a recording back from deletion (`held`), or lets it go: then one whose time was over is deleted at once.
    ///
    /// # Errors
    /// `not_found` for all but administrators; `invalid_transition` for one that is deleted, or never was anything.
    pub async fn set_hold(
        &self,
        meta: CommandMeta,
        id: RecordingId,
        held: bool,
        why: &str,
    ) -> Result<Recording, Refusal> {
        let set_by = administrator(&meta).ok_or_else(Refusal::not_found)?;
        let hold = Hold { set_by, held, reason: reason(why)? };
        self.manage(meta, id, move |tx, before| {
            if matches!(before.status, Status::Refused | Status::Lapsed | Status::Deleted) {
                return Err(RecordingRefusal::Transition.refusal().into());
            }
            if before.held == held {
                return Ok(before);
            }
            let after = Recording { held, version: before.version + 1, ..before.clone() };
            store::save(tx, &before, &after)?;
            store::insert_hold(tx, &after, &hold)?;
            if let Some(expires_at) = after.expires_at.filter(|_| !held) {
                let due_at = expires_at.max(tx.now());
                tx.set_timer(TimerRequest { kind: EXPIRY, entity: after.entity(), revision: after.version, due_at })?;
            }
            let event_type = if held { "recording_held" } else { "recording_released" };
            facts::emit(tx, &after, event_type, Some(set_by))?;
            Ok(after)
        })
        .await
    }

    /// Deletes a recording for good.
    ///
    /// # Errors
    /// `not_found` for all but administrators; `recording_held`; `invalid_transition` for one that is not finished.
    pub async fn delete(&self, meta: CommandMeta, id: RecordingId) -> Result<(), Refusal> {
        administrator(&meta).ok_or_else(Refusal::not_found)?;
        self.manage(meta, id, |tx, before| {
            match before.status {
                _ if before.held => Err(RecordingRefusal::Held.refusal().into()),
                Status::Ready | Status::Failed => remove(tx, &before),
                Status::Deleted => Err(Refusal::not_found().into()),
                _ => Err(RecordingRefusal::Transition.refusal().into()),
            }
            .map(|()| before)
        })
        .await?;
        self.rows_wake.notify_one();
        Ok(())
    }

    async fn manage(
        &self,
        meta: CommandMeta,
        id: RecordingId,
        step: impl Fn(&mut Tx<'_>, Recording) -> Result<Recording> + Send + 'static,
    ) -> Result<Recording, Refusal> {
        let (db, again) = (self.db.clone(), meta.clone());
        let work = async move {
            let scope = again.scope;
            let write = move |tx: &mut Tx<'_>| {
                let found = store::lock(tx, id)?.filter(|found| found.facility_id == scope.facility_id);
                step(tx, found.ok_or_else(Refusal::not_found)?)
            };
            Ok(db.command(&again, write).await?)
        };
        self.db.once(&meta, work).await
    }
}

/// Gives a recording up; its bytes go in the background.
pub(crate) fn remove(tx: &mut Tx<'_>, before: &Recording) -> Result<()> {
    let after = Recording { status: Status::Deleted, thumbnail: None, version: before.version + 1, ..before.clone() };
    store::save(tx, before, &after)?;
    store::set_work(tx, after.id, Some(Work::Purge))?;
    tx.withdraw_timers(after.id.uuid(), &[EXPIRY])?;
    facts::tell(tx, &after, "recording_deleted", tx.meta().principal.user_id())
}
