//! Wrong passwords per address, whether or not the address has an account.

use consilium_db::{
    Result, Session, Tx,
    types::{at, maybe_at},
};
use consilium_kernel::Timestamp;
use diesel::prelude::*;

use super::tables::login_failure;
use crate::{decide, settings::Lockout};

/// Until when the address must wait.
pub fn locked_until(session: &mut Session<'_>, address: &[u8]) -> Result<Option<Timestamp>> {
    Ok(login_failure::table
        .find(address)
        .select(login_failure::locked_until)
        .first::<Option<Timestamp>>(session.connection())
        .optional()?
        .flatten())
}

/// Counts a wrong password.
pub fn count_failure(tx: &mut Tx<'_>, address: &[u8], rule: &Lockout) -> Result<()> {
    let now = tx.now();
    let before: Option<(i32, Timestamp)> = login_failure::table
        .find(address)
        .select((login_failure::failures, login_failure::failed_at))
        .first(tx.connection())
        .optional()?;
    let failures = decide::failures_after(before, now, rule);
    let locked_until = decide::lock_for(failures, rule).map(|wait| now + wait);
    let row = (
        login_failure::failures.eq(failures),
        login_failure::failed_at.eq(at(now)),
        login_failure::locked_until.eq(maybe_at(locked_until)),
    );
    if before.is_some() {
        diesel::update(login_failure::table.find(address)).set(row).execute(tx.connection())?;
    } else {
        diesel::insert_into(login_failure::table)
            .values((login_failure::address.eq(address), row))
            .execute(tx.connection())?;
    }
    Ok(())
}

/// Forgets the failures of an address.
pub fn forgive(tx: &mut Tx<'_>, address: &[u8]) -> Result<()> {
    diesel::delete(login_failure::table.find(address)).execute(tx.connection())?;
    Ok(())
}

/// Deletes what was counted before `before`.
pub fn sweep(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize> {
    Ok(diesel::delete(login_failure::table.filter(login_failure::failed_at.lt(at(before)))).execute(tx.connection())?)
}
