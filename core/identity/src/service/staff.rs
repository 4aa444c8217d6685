//! Accounts of staff, and tidying up.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, FieldError, Refusal, Role, ids::DEFAULT_FACILITY};
use jiff::SignedDuration;
use secrecy::ExposeSecret;

use super::Identity;
use crate::{
    decide,
    model::{Account, NewAccount, NewStaff},
    store::{lockout, mail_token, session},
};

impl Identity {
    /// Creates an account for a member of staff, whose address counts as confirmed. For the command line and,
    /// later, administrators. Refuses roles that have a profile of their own.
    pub async fn create_staff(&self, meta: &CommandMeta, staff: NewStaff) -> Result<Account, Refusal> {
        let mut errors: Vec<FieldError> = Vec::new();
        if matches!(staff.role, Role::Patient | Role::Doctor) {
            errors.push(FieldError {
                pointer: "/role".to_owned(),
                code: "invalid".into(),
                detail: "must be admin, nurse, pharmacist or support".to_owned(),
            });
        }
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
