//! One-time codes that are sent by mail, stored as hashes.

use consilium_db::{
    Result, Session, Tx,
    types::{at, key, maybe_at, maybe_key},
};
use consilium_kernel::{Timestamp, UserId};
use diesel::prelude::*;
use jiff::SignedDuration;

use super::tables::account_token;
use crate::secret::SecretText;

/// What a code is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    VerifyEmail,
    ResetPassword,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }
}

/// A stored code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailToken {
    pub account_id: UserId,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// Makes and stores a code. Without an account it is a decoy that nobody is ever told.
pub fn issue(
    tx: &mut Tx<'_>,
    purpose: Purpose,
    address: &[u8],
    account: Option<UserId>,
    valid: SignedDuration,
) -> Result<SecretText> {
    let token = SecretText::random()?;
    let (now, facility_id) = (tx.now(), tx.meta().scope.facility_id);
    diesel::insert_into(account_token::table)
        .values((
            account_token::hash.eq(token.hash()),
            account_token::facility_id.eq(key(facility_id)),
            account_token::purpose.eq(purpose.as_str()),
            account_token::address.eq(address),
            account_token::account_id.eq(maybe_key(account)),
            account_token::issued_at.eq(at(now)),
            account_token::expires_at.eq(at(now + valid)),
        ))
        .execute(tx.connection())?;
    Ok(token)
}

/// When the newest code for this address and purpose was made.
pub fn last_issued(session: &mut Session<'_>, purpose: Purpose, address: &[u8]) -> Result<Option<Timestamp>> {
    Ok(account_token::table
        .filter(account_token::address.eq(address))
        .filter(account_token::purpose.eq(purpose.as_str()))
        .order(account_token::issued_at.desc())
        .select(account_token::issued_at)
        .first(session.connection())
        .optional()?)
}

/// The code that hashes to `hash`; `None` for a decoy.
pub fn find(session: &mut Session<'_>, purpose: Purpose, hash: &[u8]) -> Result<Option<MailToken>> {
    let row: Option<(Option<UserId>, Timestamp, Option<Timestamp>)> = account_token::table
        .find(hash)
        .filter(account_token::purpose.eq(purpose.as_str()))
        .select((account_token::account_id, account_token::expires_at, account_token::used_at))
        .first(session.connection())
        .optional()?;
    Ok(row.and_then(|(account, expires_at, used_at)| Some(MailToken { account_id: account?, expires_at, used_at })))
}

/// Marks the code as used; `false` when somebody else was faster.
pub fn spend(tx: &mut Tx<'_>, hash: &[u8]) -> Result<bool> {
    let now = tx.now();
    let unused = account_token::table.find(hash).filter(account_token::used_at.is_null());
    Ok(diesel::update(unused).set(account_token::used_at.eq(maybe_at(Some(now)))).execute(tx.connection())? == 1)
}

/// Marks every unused code of this purpose as used.
pub fn spend_all(tx: &mut Tx<'_>, purpose: Purpose, account: UserId) -> Result<()> {
    let now = tx.now();
    let unused = account_token::table
        .filter(account_token::account_id.eq(maybe_key(Some(account))))
        .filter(account_token::purpose.eq(purpose.as_str()))
        .filter(account_token::used_at.is_null());
    diesel::update(unused).set(account_token::used_at.eq(maybe_at(Some(now)))).execute(tx.connection())?;
    Ok(())
}

/// Deletes codes that expired before `before`.
pub fn sweep(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize> {
    Ok(diesel::delete(account_token::table.filter(account_token::expires_at.lt(at(before))))
        .execute(tx.connection())?)
}
