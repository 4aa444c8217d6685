//! Accounts of staff, and tidying up.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, FieldError, Refusal, Role, ids::DEFAULT_FACILITY};
use jiff::SignedDuration;
use secrecy::ExposeSecret;

use super::{Identity, recovery::send_reset};
use crate::{
    decide,
    model::{Account, NewAccount, NewStaff, StaffInvitation},
    secret::SecretText,
    store::{lockout, mail_token, session},
};

impl Identity {
    /// Creates an account for a member of staff, whose address counts as confirmed. For the command line. Refuses
    /// roles that have a profile of their own.
    pub async fn create_staff(&self, meta: &CommandMeta, staff: NewStaff) -> Result<Account, Refusal> {
        let mut errors: Vec<FieldError> = of_staff(staff.role).err().into_iter().collect();
        errors.extend(decide::check_password(staff.password.expose_secret(), Some(&staff.email)).err());
        let given_name = decide::check_name("/given_name", &staff.given_name).map_err(|error| errors.push(error));
        let family_name = decide::check_name("/family_name", &staff.family_name).map_err(|error| errors.push(error));
        let (Ok(given_name), Ok(family_name), true) = (given_name, family_name, errors.is_empty()) else {
            return Err(Refusal::invalid(errors));
        };
        let new = NewAccount {
            email: staff.email,
            password_hash: self.hash_password(staff.password).await?,
            role: staff.role,
            person: None,
            given_name,
            family_name,
            time_zone: staff.time_zone,
            language: staff.language,
            email_verified: true,
        };
        let identity = self.clone();
        Ok(self.0.db.write(meta, move |tx| identity.create_account(tx, new.clone())).await?)
    }

    /// Creates an account for a member of staff, by an administrator, and sends a code to its address with which its
    /// owner chooses a password. Refuses roles that have a profile of their own, and with `email_taken`.
    pub async fn invite_staff(&self, meta: &CommandMeta, staff: StaffInvitation) -> Result<Account, Refusal> {
        if !decide::administers(&meta.principal) {
            return Err(Refusal::forbidden());
        }
        let mut errors: Vec<FieldError> = of_staff(staff.role).err().into_iter().collect();
        let given_name = decide::check_name("/given_name", &staff.given_name).map_err(|error| errors.push(error));
        let family_name = decide::check_name("/family_name", &staff.family_name).map_err(|error| errors.push(error));
        let (Ok(given_name), Ok(family_name), true) = (given_name, family_name, errors.is_empty()) else {
            return Err(Refusal::invalid(errors));
        };
        let (identity, keyed) = (self.clone(), meta.clone());
        let command = async move {
            // Nobody knows it: the owner sets another one.
            let unknown = SecretText::random()?.reveal().to_owned();
            let new = NewAccount {
                email: staff.email,
                password_hash: identity.hash_password(unknown.into()).await?,
                role: staff.role,
                person: None,
                given_name,
                family_name,
                time_zone: staff.time_zone,
                language: staff.language,
                email_verified: true,
            };
            let shared = identity.clone();
            let write = move |tx: &mut Tx<'_>| {
                let account = shared.create_account(tx, new.clone())?;
                let address = tx.vault().email_index(&account.email);
                send_reset(tx, &account, &address, shared.0.reset_time())?;
                Ok(account)
            };
            Ok(identity.0.db.command(&keyed, write).await?)
        };
        self.0.db.once(meta, command).await
    }

    /// Deletes what nobody needs any more: failures past their time, codes that expired a day ago, sessions
    /// that expired a month ago. Tells how many rows went.
    pub async fn sweep(&self) -> Result<usize, Refusal> {
        let meta = CommandMeta::system(DEFAULT_FACILITY, "identity-sweep");
        let forget = SignedDuration::from_hours(i64::from(self.0.settings.lockout.forget_hours));
        let write = move |tx: &mut Tx<'_>| {
            let now = tx.now();
            Ok(lockout::sweep(tx, now - forget)?
                + mail_token::sweep(tx, now - SignedDuration::from_hours(24))?
                + session::sweep(tx, now - SignedDuration::from_hours(24 * 30))?)
        };
        Ok(self.0.db.write(&meta, write).await?)
    }
}

/// Whether the role is one that staff can have; points to the field of the request that has it.
pub(super) fn of_staff(role: Role) -> Result<(), FieldError> {
    match decide::is_staff(role) {
        true => Ok(()),
        false => Err(FieldError {
            pointer: "/role".to_owned(),
            code: "invalid".into(),
            detail: "must be admin, nurse, pharmacist or support".to_owned(),
        }),
    }
}
