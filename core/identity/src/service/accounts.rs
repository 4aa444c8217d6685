//! What administrators see of accounts, and do to them.

use consilium_db::{Session, Tx};
use consilium_kernel::{CommandMeta, EntityRef, Refusal, Role, UserId};
use serde_json::json;

use super::{Identity, staff::of_staff};
use crate::{
    decide,
    model::{Account, AccountFilter, AccountPage},
    refusal::IdentityRefusal,
    store::{
        account,
        session::{self, EndReason},
    },
};

impl Identity {
    /// The facility's accounts, the newest first, for administrators.
    ///
    /// # Errors
    /// `forbidden` for all others.
    pub async fn accounts(
        &self,
        meta: &CommandMeta,
        filter: AccountFilter,
        before: Option<UserId>,
        limit: i64,
    ) -> Result<AccountPage, Refusal> {
        if !decide::administers(&meta.principal) {
            return Err(Refusal::forbidden());
        }
        let scope = meta.scope;
        let read = move |read: &mut Session<'_>| account::list(read, scope, &filter, before, limit + 1);
        let mut items = self.0.db.read(read).await?;
        let facility = EntityRef::new("facility", scope.facility_id.uuid());
        self.0.db.write(meta, move |tx| tx.audit("read_accounts", &facility, 0)).await?;
        let more = items.len() as i64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or_default());
        let next_cursor = items.last().filter(|_| more).map(|last| last.id);
        Ok(AccountPage { items, next_cursor })
    }

    /// An account of the facility, for administrators.
    ///
    /// # Errors
    /// `forbidden`, `not_found`.
    pub async fn account_of(&self, meta: &CommandMeta, id: UserId) -> Result<Account, Refusal> {
        if !decide::administers(&meta.principal) {
            return Err(Refusal::forbidden());
        }
        let write = move |tx: &mut Tx<'_>| {
            let found = in_scope(tx, id)?;
            tx.audit("read_account", &account::entity(id), found.version)?;
            Ok(found)
        };
        Ok(self.0.db.write(meta, write).await?)
    }

    /// Gives a member of staff another role, by an administrator, and ends their sessions. `expected_version` is what
    /// `If-Match` names.
    ///
    /// # Errors
    /// `forbidden`, `not_found`, `stale`, `invalid`, `role_has_profile`, `own_account`, `last_administrator`.
    pub async fn change_role(
        &self,
        meta: &CommandMeta,
        id: UserId,
        expected_version: i64,
        role: Role,
    ) -> Result<Account, Refusal> {
        if !decide::administers(&meta.principal) {
            return Err(Refusal::forbidden());
        }
        of_staff(role).map_err(|error| Refusal::invalid(vec![error]))?;
        let write = move |tx: &mut Tx<'_>| {
            let before = in_scope(tx, id)?;
            if before.version != expected_version {
                return Err(IdentityRefusal::Stale.refusal().into());
            }
            if !decide::is_staff(before.role) {
                return Err(IdentityRefusal::RoleHasProfile.refusal().into());
            }
            if before.role == role {
                return Ok(before);
            }
            may_take_away(tx, &before)?;
            let after = account::set_role(tx, before, role)?;
            session::end_all(tx, id, EndReason::RoleChanged)?;
            let data = json!({ "user_id": id, "role": role });
            account::emit(tx, id, after.version, "account_role_changed", &data)?;
            Ok(after)
        };
        let after = self.0.db.write(meta, write).await?;
        self.forget(id);
        Ok(after)
    }

    /// To be called once an account was deactivated or let in again: what was known of its sessions no longer counts.
    pub fn forget(&self, id: UserId) {
        self.0.live.forget(id);
    }
}

/// Keeps the owner of an account out: ends every session, and no other one begins. Tells whether that changed
/// anything. Whoever commits this calls [`Identity::forget`].
///
/// # Errors
/// `not_found`, `own_account`, `last_administrator`.
pub fn deactivate_account(tx: &mut Tx<'_>, id: UserId) -> consilium_db::Result<(Account, bool)> {
    let before = in_scope(tx, id)?;
    if before.deactivated_at.is_some() {
        return Ok((before, false));
    }
    may_take_away(tx, &before)?;
    let now = tx.now();
    let after = account::set_deactivated(tx, before, Some(now))?;
    session::end_all(tx, id, EndReason::Deactivated)?;
    account::emit(tx, id, after.version, "account_deactivated", &json!({ "user_id": id }))?;
    Ok((after, true))
}

/// Lets the owner of an account in again. Tells whether that changed anything.
///
/// # Errors
/// `not_found`.
pub fn reactivate_account(tx: &mut Tx<'_>, id: UserId) -> consilium_db::Result<(Account, bool)> {
    let before = in_scope(tx, id)?;
    if before.deactivated_at.is_none() {
        return Ok((before, false));
    }
    let after = account::set_deactivated(tx, before, None)?;
    account::emit(tx, id, after.version, "account_reactivated", &json!({ "user_id": id }))?;
    Ok((after, true))
}

fn in_scope(tx: &mut Tx<'_>, id: UserId) -> consilium_db::Result<Account> {
    let facility = tx.meta().scope.facility_id;
    let found = account::account(tx, id)?.filter(|found| found.facility_id == facility);
    Ok(found.ok_or_else(Refusal::not_found)?)
}

fn may_take_away(tx: &mut Tx<'_>, account: &Account) -> consilium_db::Result<()> {
    let others = account::other_admins(tx, account.id)?;
    let by = &tx.meta().principal;
    Ok(decide::may_take_away(account, by, others).map_err(IdentityRefusal::refusal)?)
}
