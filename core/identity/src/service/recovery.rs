//! Confirming an address, and getting back in without the password.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, Email, EntityRef, Refusal};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::Identity;
use crate::{
    decide,
    model::Account,
    refusal::IdentityRefusal,
    secret::SecretText,
    store::{
        account, lockout,
        mail_token::{self, Purpose},
        session::{self, EndReason},
    },
};

impl Identity {
    /// Confirms the address that the code was sent to.
    pub async fn verify_email(&self, meta: &CommandMeta, token: &str) -> Result<Account, Refusal> {
        let hash = mail_hash(token)?;
        let write = move |tx: &mut Tx<'_>| {
            let owner = redeem(tx, Purpose::VerifyEmail, &hash)?;
            account::confirm_email(tx, owner.id)
        };
        let confirmed = self.0.db.write(meta, write).await?;
        self.0.live.forget(confirmed.id);
        Ok(confirmed)
    }

    /// Sends another verification code, to whoever is logged in or to `email`. The answer does not tell whether
    /// there is such an account; too soon after the last one it is `too_many_attempts` either way.
    pub async fn resend_verification(&self, meta: &CommandMeta, email: Option<Email>) -> Result<(), Refusal> {
        let email = match email {
            Some(email) => email,
            None => self.account(meta).await?.email,
        };
        let inner = self.0.clone();
        let address = inner.db.vault().email_index(&email);
        let shared = inner.clone();
        let write = move |tx: &mut Tx<'_>| {
            let (now, last) = (tx.now(), mail_token::last_issued(tx, Purpose::VerifyEmail, &address)?);
            if let Some(wait) = decide::wait_to_resend(last, now, &shared.settings) {
                return Err(IdentityRefusal::TooManyAttempts.after(wait).into());
            }
            match account::by_address(tx, &address)?.map(|found| found.account).filter(|found| !found.email_verified) {
                Some(found) => account::request_verification(tx, &found, shared.verification_time()),
                None => decoy(tx, Purpose::VerifyEmail, &address, shared.verification_time()),
            }
        };
        Ok(inner.db.write(meta, write).await?)
    }

    /// Sends a reset code if `email` has an account. Always answers the same, after the same work.
    pub async fn request_password_reset(&self, meta: &CommandMeta, email: Email) -> Result<(), Refusal> {
        let inner = self.0.clone();
        let address = inner.db.vault().email_index(&email);
        let shared = inner.clone();
        let valid = inner.reset_time();
        let write = move |tx: &mut Tx<'_>| {
            let (now, last) = (tx.now(), mail_token::last_issued(tx, Purpose::ResetPassword, &address)?);
            if decide::wait_to_resend(last, now, &shared.settings).is_some() {
                return Ok(());
            }
            let found = account::by_address(tx, &address)?.map(|found| found.account);
            match found.filter(|found| found.deactivated_at.is_none()) {
                Some(found) => send_reset(tx, &found, &address, valid),
                None => decoy(tx, Purpose::ResetPassword, &address, valid),
            }
        };
        Ok(inner.db.write(meta, write).await?)
    }

    /// Sets a new password with a code from a mail and ends every session. Whoever can read the mail has shown
    /// that the address is theirs, so it counts as confirmed.
    pub async fn reset_password(&self, meta: &CommandMeta, token: &str, password: SecretString) -> Result<(), Refusal> {
        let inner = self.0.clone();
        let hash = mail_hash(token)?;
        let wanted = hash.clone();
        let owner = inner
            .db
            .read(move |read| {
                let found = mail_token::find(read, Purpose::ResetPassword, &wanted)?;
                decide::judge_mail_token(found.as_ref(), read.now()).map_err(IdentityRefusal::at_token)?;
                found.map(|found| account::account(read, found.account_id)).transpose().map(Option::flatten)
            })
            .await?
            .ok_or_else(|| IdentityRefusal::MailTokenInvalid.at_token())?;
        decide::check_password(password.expose_secret(), Some(&owner.email))
            .map_err(|error| Refusal::invalid(vec![error]))?;
        let password_hash = inner.hasher.hash(password).await?;
        let write = move |tx: &mut Tx<'_>| {
            let owner = redeem(tx, Purpose::ResetPassword, &hash)?;
            mail_token::spend_all(tx, Purpose::ResetPassword, owner.id)?;
            let owner = account::confirm_email(tx, owner.id)?;
            account::set_password(tx, &owner, &password_hash)?;
            session::end_all(tx, owner.id, EndReason::PasswordReset)?;
            let address = tx.vault().email_index(&owner.email);
            lockout::forgive(tx, &address)
        };
        inner.db.write(meta, write).await?;
        inner.live.forget(owner.id);
        Ok(())
    }
}

fn mail_hash(token: &str) -> Result<Vec<u8>, Refusal> {
    let secret = SecretText::parse(token).ok_or_else(|| IdentityRefusal::MailTokenInvalid.at_token())?;
    Ok(secret.hash())
}

/// Writes a code with which a password can be set, and says `password_reset_requested`.
pub(super) fn send_reset(
    tx: &mut Tx<'_>,
    found: &Account,
    address: &[u8],
    valid: SignedDuration,
) -> consilium_db::Result<()> {
    let token = mail_token::issue(tx, Purpose::ResetPassword, address, Some(found.id), valid)?;
    let data = json!({ "user_id": found.id, "token": token.reveal() });
    account::emit(tx, found.id, found.version, "password_reset_requested", &data)
}

/// Uses up a code and names its account.
fn redeem(tx: &mut Tx<'_>, purpose: Purpose, hash: &[u8]) -> consilium_db::Result<Account> {
    let found = mail_token::find(tx, purpose, hash)?;
    decide::judge_mail_token(found.as_ref(), tx.now()).map_err(IdentityRefusal::at_token)?;
    let invalid = || IdentityRefusal::MailTokenInvalid.at_token();
    let found = found.ok_or_else(invalid)?;
    if !mail_token::spend(tx, hash)? {
        return Err(invalid().into());
    }
    Ok(account::account(tx, found.account_id)?.ok_or_else(invalid)?)
}

/// What is written for an address without an account, so that the answer takes as long and the next one waits too.
fn decoy(tx: &mut Tx<'_>, purpose: Purpose, address: &[u8], valid: SignedDuration) -> consilium_db::Result<()> {
    mail_token::issue(tx, purpose, address, None, valid)?;
    tx.audit("unknown_address", &EntityRef::new("account", uuid::Uuid::nil()), 0)
}
