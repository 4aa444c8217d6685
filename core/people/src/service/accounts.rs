//! Deactivating accounts, with what is listed of their owners.

use consilium_db::Tx;
use consilium_identity::{Account, deactivate_account, reactivate_account};
use consilium_kernel::{CommandMeta, Refusal, UserId};

use super::People;
use crate::{decide, store};

impl People {
    /// Keeps somebody out from now on, and off the list of doctors, or lets them in again, by an administrator. Doing
    /// the same again changes nothing.
    ///
    /// # Errors
    /// `forbidden`, `not_found`, `own_account`, `last_administrator`.
    pub async fn set_active(&self, meta: &CommandMeta, id: UserId, active: bool) -> Result<Account, Refusal> {
        if !decide::is_admin(&meta.principal) {
            return Err(Refusal::forbidden());
        }
        let (people, keyed) = (self.clone(), meta.clone());
        let command = async move {
            let write = move |tx: &mut Tx<'_>| {
                let (account, changed) = if active { reactivate_account(tx, id)? } else { deactivate_account(tx, id)? };
                if let (Some(doctor), true) = (account.doctor_id, changed) {
                    store::doctor::suspend(tx, doctor, !active)?;
                }
                Ok(account)
            };
            let account = people.db.command(&keyed, write).await?;
            people.identity.forget(id);
            Ok(account)
        };
        self.db.once(meta, command).await
    }
}
